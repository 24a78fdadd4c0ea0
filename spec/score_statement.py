"""Figures of the scores of a binary classifier, as a report states them (section 10.8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from spec.report_rates import F1, Accuracy, FalsePositives, Precision, Predicted, Recall, TopK
from spec.wire import I32, U32, U64

ScoreLoss: TypeAlias = Annotated[int, "variant", 2]
LOG, BRIER = 0, 1
MAX_EDGES = 256


@dataclass(frozen=True)
class Auc:
    """Area under the ROC curve: twice / (2 positives negatives)."""

    twice: U64
    positives: U32
    negatives: U32


@dataclass(frozen=True)
class AucAtLeast:
    """The area is at least bound[0] / bound[1]."""

    bound: tuple[U32, U32]


@dataclass(frozen=True)
class AucGapAtMost:
    """The area differs by at most bound[0] / bound[1] between groups, whose rows of each class are shown."""

    positives: list[U32]
    negatives: list[U32]
    bound: tuple[U32, U32]


@dataclass(frozen=True)
class Loss:
    """The sum of a loss, 20 fractional bits, over so many rows."""

    loss: ScoreLoss
    sum: U64
    rows: U32


@dataclass(frozen=True)
class LossAtMost:
    """The mean of a loss is at most bound[0] / bound[1]."""

    loss: ScoreLoss
    bound: tuple[U32, U32]


@dataclass(frozen=True)
class ScoreBin:
    """Rows whose scores lie between two edges; the sum of their probabilities has 20 fractional bits."""

    rows: U32
    positives: U32
    probability: U64


@dataclass(frozen=True)
class Calibration:
    """Rows, rows of class 1 and probabilities below each edge, and from the last on."""

    edges: list[I32]
    bins: list[ScoreBin]


@dataclass(frozen=True)
class Thresholds:
    """Rows and rows of class 1 below each edge, and from the last on."""

    edges: list[I32]
    bins: list[tuple[U32, U32]]


@dataclass(frozen=True)
class RateAtLeast:
    """Where scores from `edge` on are predicted as class 1, a rate is at least bound[0] / bound[1]."""

    rate: Accuracy | Recall | Precision | F1 | FalsePositives | Predicted | TopK
    edge: I32
    bound: tuple[U32, U32]


@dataclass(frozen=True)
class RateAtMost:
    """Where scores from `edge` on are predicted as class 1, a rate is at most bound[0] / bound[1]."""

    rate: Accuracy | Recall | Precision | F1 | FalsePositives | Predicted | TopK
    edge: I32
    bound: tuple[U32, U32]


@dataclass(frozen=True)
class BalancedAtLeast:
    """The mean of both classes' recalls is at least bound[0] / bound[1]."""

    edge: I32
    bound: tuple[U32, U32]


Bounds = RateAtLeast | RateAtMost | BalancedAtLeast
Figure = Auc | AucAtLeast | AucGapAtMost | Loss | LossAtMost | Calibration | Thresholds | Bounds


@dataclass(frozen=True)
class Scores:
    """A figure, in a group or in all rows."""

    group: U32 | None
    figure: (
        Auc
        | AucAtLeast
        | AucGapAtMost
        | Loss
        | LossAtMost
        | Calibration
        | Thresholds
        | RateAtLeast
        | RateAtMost
        | BalancedAtLeast
    )
