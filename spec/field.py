"""F, the Goldilocks field, as Python integers below P; E = F[X]/(X^3 - X - 1) as a class; multilinear basics.

Points are lists of E, the most significant coordinate first (protocol.md, section 1).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import mul

P = 2**64 - 2**32 + 1
LOG_E = 191
TWO_ADICITY = 32
ROOT_OF_UNITY = 0x185629DCDA58878C
"""A generator of the subgroup of order 2^32."""


class E:
    """a + b X + c X^2."""

    __slots__ = ("a", "b", "c")

    def __init__(self, a: int, b: int = 0, c: int = 0) -> None:
        """From canonical coordinates."""
        self.a, self.b, self.c = a, b, c

    def __add__(self, other: E) -> E:
        """Sum."""
        return E((self.a + other.a) % P, (self.b + other.b) % P, (self.c + other.c) % P)

    def __sub__(self, other: E) -> E:
        """Difference."""
        return E((self.a - other.a) % P, (self.b - other.b) % P, (self.c - other.c) % P)

    def __neg__(self) -> E:
        """Negative."""
        return E(-self.a % P, -self.b % P, -self.c % P)

    def __mul__(self, other: E | int) -> E:
        """Product with an element of E, or with an integer."""
        a, b, c = self.a, self.b, self.c
        if isinstance(other, int):
            return E(a * other % P, b * other % P, c * other % P)
        d, e, f = other.a, other.b, other.c
        # X^3 = X + 1 and X^4 = X^2 + X.
        cubic, quartic = b * f + c * e, c * f
        return E(
            (a * d + cubic) % P, (a * e + b * d + cubic + quartic) % P, (a * f + b * e + c * d + quartic) % P
        )

    def __eq__(self, other: object) -> bool:
        """Equality of coordinates."""
        return isinstance(other, E) and (self.a, self.b, self.c) == (other.a, other.b, other.c)

    def __hash__(self) -> int:
        """Of the coordinates."""
        return hash((self.a, self.b, self.c))

    def __repr__(self) -> str:
        """The coordinates."""
        return f"E({self.a}, {self.b}, {self.c})"

    def is_zero(self) -> bool:
        """Whether this is 0."""
        return not (self.a or self.b or self.c)


ZERO, ONE = E(0), E(1)
BASIS = (E(1), E(0, 1), E(0, 0, 1))
Point = list[E]


def lg(n: int) -> int:
    """The smallest k with 2^k >= n."""
    return (n - 1).bit_length() if n > 1 else 0


def total(values: Iterable[E]) -> E:
    """Sum."""
    a = b = c = 0
    for value in values:
        a, b, c = a + value.a, b + value.b, c + value.c
    return E(a % P, b % P, c % P)


def product(values: Iterable[E]) -> E:
    """Product."""
    out = ONE
    for value in values:
        out = out * value
    return out


def powers(base: E, n: int) -> list[E]:
    """1, base, base^2, ..."""
    out = [ONE]
    while len(out) < n:
        out.append(out[-1] * base)
    return out[:n]


def two_adic_generator(log_order: int) -> int:
    """The generator of the subgroup of order 2^log_order."""
    return pow(ROOT_OF_UNITY, 1 << (TWO_ADICITY - log_order), P)


def eq_table(point: Sequence[E], scale: E = ONE) -> list[E]:
    """scale eq(point, i) for all i."""
    out = [scale]
    for r in point:
        following = []
        for value in out:
            high = value * r
            following += [value - high, high]
        out = following
    return out


def unit_weights(point: Sequence[E], n: int) -> list[E]:
    """The first n values of eq(point, .)."""
    return eq_table(point)[:n]


def eq(x: Sequence[E], y: Sequence[E]) -> E:
    """eq(x, y) of two points."""
    return product(ONE - a - b + a * b * 2 for a, b in zip(x, y, strict=True))


def eq_vertex(point: Sequence[E], index: int) -> E:
    """eq(point, index) for one vertex."""
    n = len(point)
    return product(r if index >> (n - 1 - k) & 1 else ONE - r for k, r in enumerate(point))


def eq_prefix_sum(point: Sequence[E], bound: int) -> E:
    """The sum of eq(point, i) over i < bound."""
    n = len(point)
    if bound >= 1 << n:
        return ONE
    out, prefix = ZERO, ONE
    for k, r in enumerate(point):
        if bound >> (n - 1 - k) & 1:
            out = out + prefix * (ONE - r)
            prefix = prefix * r
        else:
            prefix = prefix * (ONE - r)
    return out


def coordinates(values: Sequence[E]) -> tuple[list[int], list[int], list[int]]:
    """The three coordinates of many elements."""
    return [v.a for v in values], [v.b for v in values], [v.c for v in values]


def inner(weights: Sequence[E], values: Sequence[int]) -> E:
    """sum weights_i values_i, values in F or any integers."""
    a, b, c = (sum(map(mul, w, values)) % P for w in coordinates(weights))
    return E(a, b, c)


def evaluate(values: Sequence[int], point: Sequence[E]) -> E:
    """The multilinear extension of a table over F, by halves of the point: only 2^(n/2) weights are made."""
    half = len(point) // 2
    low = coordinates(eq_table(point[half:]))
    size = 1 << (len(point) - half)
    out = ZERO
    for block, weight in enumerate(eq_table(point[:half])):
        part = values[block * size : (block + 1) * size]
        a, b, c = (sum(map(mul, w, part)) % P for w in low)
        out = out + weight * E(a, b, c)
    return out


def evaluate_extension(values: Sequence[E], point: Sequence[E]) -> E:
    """The multilinear extension of a table over E."""
    return total(evaluate(part, point) * basis for part, basis in zip(coordinates(values), BASIS, strict=True))


def lagrange(r: E) -> tuple[E, E, E, E]:
    """Weights that give p(r) from p(0), p(1), p(2), p(3) of a cubic p."""
    m = [r - E(k) for k in range(4)]
    sixth, half = pow(6, -1, P), pow(2, -1, P)
    return (
        m[1] * m[2] * m[3] * -sixth,
        m[0] * m[2] * m[3] * half,
        m[0] * m[1] * m[3] * -half,
        m[0] * m[1] * m[2] * sixth,
    )
