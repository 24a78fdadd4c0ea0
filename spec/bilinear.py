"""The bilinear sumcheck, section 8."""

from __future__ import annotations

from dataclasses import dataclass

from spec.field import ONE, E, Point, lagrange
from spec.hiding import Affine, Message, Reduction

DEGREE = 3


@dataclass
class Bilinear:
    """remaining = w(rows, units) product; a and b are owed as linear claims."""

    rows: Point
    units: Point
    a: Message
    b: Message
    product: Affine
    remaining: Affine

    def close(self, r: Reduction, weight: E) -> None:
        """Claims the above for the public weight at the point."""
        self.remaining.add(self.product, -weight)
        r.assert_zero(self.remaining)


def bilinear_check(r: Reduction, claim: Affine, log_rows: int, log_units: int) -> Bilinear:
    """Reduces claim = sum of w a b over rows and units to a and b at one point."""
    r.begin(b"tacit/bilinear/v1")
    # The running claim is factor * claim + rest.
    factor, rest, point = ONE, Affine(), Point()
    for _ in range(log_rows + log_units):
        at0, at2, at3 = r.receive(), r.receive(), r.receive()
        x = r.challenge()
        point.append(x)
        l0, l1, l2, l3 = lagrange(x)
        factor, running = factor * l1, Affine()
        running.add(rest, l1)
        running.add(at0, l0 - l1)
        running.add(at2, l2)
        running.add(at3, l3)
        rest = running
    rest.add(claim, factor)
    a, b = r.receive(), r.receive()
    return Bilinear(point[:log_rows], point[log_rows:], a, b, r.product(a, b), rest)


def error_numerator(log_rows: int, log_units: int) -> int:
    """Of the soundness error over |E|."""
    return DEGREE * (log_rows + log_units)
