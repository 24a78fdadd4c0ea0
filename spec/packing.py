"""Three columns over F as one over E, section 11: the conjugates of a claim."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from spec.field import BASIS, ONE, E, P, Point, eq_vertex, total
from spec.statement import Shape
from spec.transcript import Transcript

DEGREE, CONJUGATE_BLOCK = 3, 9


def _power(base: E, exponent: int) -> E:
    out = ONE
    for bit in bin(exponent)[2:]:
        out = out * out
        if bit == "1":
            out = out * base
    return out


_FIRST = [_power(x, P) for x in BASIS]
"""X^0, X^p, X^2p."""


def conjugate(x: E, j: int) -> E:
    """x^(p^j)."""
    for _ in range(j % DEGREE):
        x = _FIRST[0] * x.a + _FIRST[1] * x.b + _FIRST[2] * x.c
    return x


_TWENTY_THIRD = pow(23, -1, P)
DUAL = tuple(
    E(*(x * _TWENTY_THIRD % P for x in row)) for row in ((5, -6 % P, 4), (-6 % P, -2 % P, 9), (4, 9, -6 % P))
)
"""b_k with b_k X^l of trace [k = l]: the inverse of the matrix of the traces of X^(k+l), times the basis."""


def groups(shapes: Sequence[Shape]) -> Iterator[tuple[int, int]]:
    """(first source column, columns) of every group."""
    first = 0
    for shape in shapes:
        for column in range(0, shape.columns, DEGREE):
            yield first + column, min(DEGREE, shape.columns - column)
        first += shape.columns


@dataclass(frozen=True)
class Packing:
    """The challenges that make one claim of three."""

    kappa: E
    delta: E

    @classmethod
    def drawn(cls, kappa: E, sigma: E, sent: Sequence[E], t: Transcript) -> tuple[Packing, E]:
        """Absorbs sigma_1 and sigma_2, draws delta; returns tau too."""
        t.absorb(*sent)
        delta = t.challenge()
        claims = [sigma - conjugate(sent[0], 1) - conjugate(sent[1], 2), *sent]
        return cls(kappa, delta), claims[0] + delta * claims[1] + delta * delta * claims[2]

    def pads(self, trace: Shape, rho_j: Point) -> E:
        """The weight, at rho_j, of the three elements at the end of the trace's first group."""
        first = (1 << trace.log_height) - CONJUGATE_BLOCK
        scales = [
            -self.kappa,
            self.delta * conjugate(self.kappa, 2),
            self.delta * self.delta * conjugate(self.kappa, 1),
        ]
        return total(
            scale * BASIS[i] * eq_vertex(rho_j, first + DEGREE * j + i)
            for j, scale in enumerate(scales)
            for i in range(DEGREE)
        )
