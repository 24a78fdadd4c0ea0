"""Comparisons of two models, as a report states them (section 10.12)."""

from __future__ import annotations

from dataclasses import dataclass

from spec.report_rates import F1, Accuracy, FalsePositives, Precision, Predicted, Recall, TopK
from spec.score_statement import ScoreLoss
from spec.wire import U32, Bytes32


@dataclass(frozen=True)
class OtherModel:
    """The model that the report's is compared with."""

    run_digest: Bytes32
    model_digest: Bytes32


@dataclass(frozen=True)
class ByRate:
    """Better is a larger rate."""

    rate: Accuracy | Recall | Precision | F1 | FalsePositives | Predicted | TopK


@dataclass(frozen=True)
class ByAuc:
    """Better is a larger area."""


@dataclass(frozen=True)
class ByLoss:
    """Better is a smaller mean loss."""

    loss: ScoreLoss


@dataclass(frozen=True)
class BetterBy:
    """The model is better than the other by at least bound[0] / bound[1]."""

    metric: ByRate | ByAuc | ByLoss
    group: U32 | None
    bound: tuple[U32, U32]
