"""Numbers to fixed point: q = floor(2^fa (v - offset) / divisor + 1/2), clipped to a window.

The arithmetic is IEEE float64 and written so that no addition of 1/2 can round: q is the floor of the product,
plus one where the rest is at least 1/2. It gives the same integers on every machine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tacit.dataset.report import ColumnReport

__all__ = ["Scale", "quantise_values", "window"]


@dataclass(frozen=True, slots=True)
class Scale:
    """How one input feature is scaled; `clip` is in the feature's own units."""

    offset: float = 0.0
    divisor: float = 1.0
    clip: tuple[float, float] | None = None


def _rounded(values: NDArray[np.float64], scale: Scale, fa: int) -> NDArray[np.float64]:
    with np.errstate(over="ignore"):
        scaled = (values - scale.offset) / scale.divisor * 2.0**fa
    below = np.floor(scaled)
    with np.errstate(invalid="ignore"):  # infinite products stay infinite and are clipped
        up = scaled - below >= 0.5
    return np.where(up, below + 1.0, below)


def window(scale: Scale, fa: int, data_bits: int) -> tuple[int, int]:
    """Smallest and largest integer that a feature with this scale can take."""
    low, high = -(1 << (data_bits - 1)), (1 << (data_bits - 1)) - 1
    if scale.clip is not None:
        ends = _rounded(np.array(scale.clip, dtype=np.float64), scale, fa)
        low = int(max(low, min(high, float(ends[0]))))
        high = int(min(high, max(low, float(ends[1]))))
    return low, high


def quantise_values(
    name: str, values: NDArray[np.float64], scale: Scale, fa: int, data_bits: int
) -> tuple[NDArray[np.int32], ColumnReport]:
    """Integers of one column and what rounding and clipping did to it. `values` must be finite."""
    low, high = window(scale, fa, data_bits)
    rounded = _rounded(values, scale, fa)
    under, over = rounded < low, rounded > high
    integers = np.clip(rounded, low, high).astype(np.int32)
    inside = ~(under | over)
    error = 0.0
    if inside.any():
        back = integers[inside] * (scale.divisor / 2.0**fa) + scale.offset
        error = float(np.abs(back - values[inside]).max())
    clipped = int(under.sum()), int(over.sum())
    first = int(np.argmax(~inside)) if sum(clipped) else None
    if not math.isfinite(error):
        error = math.inf
    return integers, ColumnReport(name, len(values), clipped[0], clipped[1], first, error, (low, high))
