"""Error terms in bits up to the Johnson bound, from which p3-whir 0.8.0 derives its parameters.

A bound is -log2 of a probability (docs/soundness.md). Floating-point numbers choose integers and refuse; none
enters a transcript. The integers are ceilings of numbers that are far from an integer, compared with their
rounding errors: tests/test_spec_parts.py goes through all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil, inf, log2

LOG2_10 = log2(10)
MULTIPLICITY = 10
"""m of the line bound: sqrt(rho) / (2 eta) for eta = sqrt(rho) / 20."""


def list_bits(rate: int) -> float:
    """log2 of the number of codewords within the radius, 1 / (2 eta sqrt(rho))."""
    return rate + LOG2_10


def queries(level: int, rate: int) -> int:
    """Queries that leave an error of 2^-level."""
    return ceil(level / query_bits(1, rate))


def query_bits(count: int, rate: int) -> float:
    """What so many queries give at radius 1 - sqrt(rho) - eta."""
    return count * (0.5 * rate - log2(21 / 20))


def line_bits(log_degree: int, rate: int, field: int) -> float:
    """Mutual correlated agreement of a line (Dao, Kominers, Thaler, Theorem 5.12)."""
    rho_minus = log2(1 - 2.0**-log_degree) - rate
    return field - (3 + log_degree + rate + 3 * log2(MULTIPLICITY + 0.5) - log2(3) - rho_minus)


def sumcheck_bits(rate: int, field: int) -> float:
    """One round of a folding sumcheck, for every codeword of the list."""
    return field - (list_bits(rate) + 1)


def combination_bits(rate: int, field: int, claims: int) -> float:
    """The random combination of so many claims."""
    return field - (log2(claims) + list_bits(rate) + 1)


def sample_bits(log_degree: int, rate: int, field: int, samples: int) -> float:
    """Two codewords of the list that agree at all samples."""
    return samples * field + 1 - (2 * list_bits(rate) + log_degree * samples)


def claims_bits(rate: int, field: int, claims: int) -> float:
    """The powers that batch the claims of the first sumcheck."""
    return field - log2(claims - 1) - list_bits(rate) if claims > 1 else inf


def summed(bits: Iterable[float]) -> float:
    """Bits of the sum of the probabilities."""
    return -log2(sum(2.0**-b for b in bits))
