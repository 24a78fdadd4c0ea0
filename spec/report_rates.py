"""Rates of a classifier (section 10.8)."""

from __future__ import annotations

from dataclasses import dataclass

from spec.wire import U32


@dataclass(frozen=True)
class Accuracy:
    """Rows predicted as labelled, of all rows."""


@dataclass(frozen=True)
class Recall:
    """Rows of the class predicted as such, of the rows of the class."""

    of: U32


@dataclass(frozen=True)
class Precision:
    """Rows of the class predicted as such, of the rows predicted as such."""

    of: U32


@dataclass(frozen=True)
class F1:
    """2 TP of TP + FP + TP + FN."""

    of: U32


@dataclass(frozen=True)
class FalsePositives:
    """Rows of other classes predicted as the class, of the rows of other classes."""

    of: U32


@dataclass(frozen=True)
class Predicted:
    """Rows predicted as the class, of all rows."""

    of: U32


@dataclass(frozen=True)
class TopK:
    """Rows whose label is among the k largest outputs, of all rows; of equal ones the first is the larger."""

    k: U32


Rate = Accuracy | Recall | Precision | F1 | FalsePositives | Predicted | TopK
