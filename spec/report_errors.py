"""Bounds of errors of real targets, as a report states them (section 10.14)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from spec.wire import U32

TargetError: TypeAlias = Annotated[int, "variant", 2]
SQUARED, ABSOLUTE = 0, 1


@dataclass(frozen=True)
class MeanErrorAtMost:
    """A mean error over rows and outputs is at most bound[0] / bound[1]."""

    error: TargetError
    group: U32 | None
    bound: tuple[U32, U32]


@dataclass(frozen=True)
class ExplainedAtLeast:
    """R^2 of all outputs together is at least bound[0] / bound[1]."""

    bound: tuple[U32, U32]
