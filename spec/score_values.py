"""Functions of a score with fa fractional bits, as integers of 20 fractional bits (docs/arithmetic.md)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from spec.arithmetic import P, expq, hdiv
from spec.score_statement import BRIER, LOG

BITS = 20


@dataclass(frozen=True)
class Value:
    """What a row adds to a sum: 1, the probability of class 1, or a loss."""

    kind: str = "one"
    loss: int = LOG

    def most(self, bits: int, fa: int) -> int:
        """The largest value at any score of so many bits."""
        if self.kind == "one":
            return 1
        if self.kind == "loss" and self.loss == LOG:
            return ((1 << (bits - 1 + BITS)) >> fa) + (1 << BITS)
        return 1 << BITS


ROW, PROBABILITY = Value(), Value("probability")


def log_of_one_plus(e: int) -> int:
    """P ln(1 + e/P): twice the series of artanh(e / (2P + e)), rounded down term by term."""
    w = (e << 60) // (2 * P + e)
    square, term, out, k = w * w >> 60, w, 0, 1
    while term:
        out += term // k
        term = term * square >> 60
        k += 2
    return 2 * out


def value_at(value: Value, label: int, score: int, fa: int) -> int:
    """The value of a row of this label."""
    if value.kind == "one":
        return 1
    e = expq(abs(score), fa)
    against = -score if label else score
    if value.kind == "probability":
        return hdiv((e if score < 0 else P) << BITS, P + e)
    if value.loss == LOG:
        return hdiv((max(against, 0) << (60 - fa)) + log_of_one_plus(e), 1 << (60 - BITS))
    assert value.loss == BRIER
    error = ((e if against < 0 else P) << 60) // (P + e)
    return hdiv(error * error, 1 << (120 - BITS))


@cache
def values(value: Value, label: int, bits: int, fa: int) -> list[int]:
    """The values at all scores of a window, the smallest first."""
    half = 1 << (bits - 1)
    return [value_at(value, label, score, fa) for score in range(-half, half)]
