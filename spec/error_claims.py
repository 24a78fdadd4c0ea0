"""Bounds of errors of real targets: their rules, and the numbers of their claims (section 10.14)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from spec.rejected import require
from spec.report_claims import LIMB_BITS, LIMBS
from spec.report_errors import SQUARED, ExplainedAtLeast, MeanErrorAtMost
from spec.training import RunConfig

MOST_BITS = LIMBS * LIMB_BITS
"""Every number stays below 2^60."""
RATIO_LIMBS = 3
"""Most limbs of U and of V."""


@dataclass(frozen=True)
class Mean:
    """sum over rows of a group of (most - times error) = slack."""

    error: int
    group: int | None
    most: int
    times: int


@dataclass(frozen=True)
class Explained:
    """sum d^2 <= 2^a U, 2^b V <= n sum y^2 - sum_j S_j^2, 2^m V > c U; limbs of U and V."""

    a: int
    b: int
    m: int
    c: int
    limbs: tuple[int, int]


@dataclass
class ErrorClaims:
    """All of a statement."""

    means: list[Mean] = field(default_factory=list)
    explained: Explained | None = None

    @property
    def scalars(self) -> int:
        """Hidden numbers of four limbs."""
        return sum(1 + (m.group is not None) for m in self.means) + (5 if self.explained else 0)


def error_claims(shown: Sequence[object], config: RunConfig, bits: int, rows: int) -> ErrorClaims:
    """Of checked bounds; `bits` are the targets'."""
    last, out = config.architecture.layers[-1], ErrorClaims()
    error, target = (1 << (last.z_bits - 1)) + (1 << (bits - 1)), 1 << (bits - 1)
    for item in shown:
        if isinstance(item, MeanErrorAtMost):
            p, q = item.bound
            power = 2 if item.error == SQUARED else 1
            most = p * last.outputs << power * config.scales.fa
            within = rows * max(most, q * last.outputs * error**power) < 1 << MOST_BITS
            require(within, "BoundTooFine", f"{p}/{q} over {rows} rows")
            out.means.append(Mean(item.error, item.group, most, q))
        elif isinstance(item, ExplainedAtLeast):
            errors, squares = rows * last.outputs * error**2, last.outputs * target**2
            out.explained = _explained(item.bound, rows, errors, squares)
    return out


def _explained(bound: tuple[int, int], rows: int, errors: int, squares: int) -> Explained:
    (p, q), spread = bound, rows**2 * squares
    fits = errors < 1 << MOST_BITS and spread < 1 << MOST_BITS and p < q
    require(fits, "BoundTooFine", f"{p}/{q} over {rows} rows")
    most = RATIO_LIMBS * LIMB_BITS
    a, b = (max(0, n.bit_length() - most) for n in (errors, spread))
    u, v = (-(-min(n.bit_length(), most) // LIMB_BITS) for n in (errors, spread))
    for m in range(MOST_BITS - LIMB_BITS * v, -1, -1):
        c = -(-(q * rows << a + m) // ((q - p) << b))
        if c < 1 << (MOST_BITS - LIMB_BITS * u):
            return Explained(a, b, m, c, (u, v))
    require(False, "BoundTooFine", f"{p}/{q} over {rows} rows")
    raise AssertionError
