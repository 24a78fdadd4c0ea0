"""Exact ratios and integers as a reader sees them. A bound is never rounded to more than it says."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

__all__ = ["count", "decimal", "percent"]


def count(value: int) -> str:
    """1234567 as 1,234,567."""
    return f"{value:,}"


def decimal(value: Fraction, digits: int = 4) -> str:
    """To so many digits behind the point, halves up."""
    scaled = (value * 10**digits * 2 + 1) // 2
    sign, scaled = ("-", -scaled) if scaled < 0 else ("", scaled)
    return f"{sign}{scaled // 10**digits:,}.{scaled % 10**digits:0{digits}d}" if digits else f"{sign}{scaled:,}"


def percent(value: Fraction, *, bound: Literal["least", "most"] | None = None) -> str:
    """76.00 %. A lower bound is rounded down and an upper one up, both without needless zeros."""
    hundredths = value * 10_000
    if bound is None:
        return f"{decimal(value * 100, 2)} %"
    whole = hundredths.__floor__() if bound == "least" else hundredths.__ceil__()
    text = decimal(Fraction(whole, 100), 2)
    return f"{text.rstrip('0').rstrip('.')} %"
