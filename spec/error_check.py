"""What bounds of errors come to: hidden numbers, and claims beside the sums over rows (section 10.14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spec.field import ONE, ZERO, E
from spec.hiding import Affine, Low, Reduction
from spec.report_claims import LIMB_BITS, LIMBS

if TYPE_CHECKING:
    from spec.report_trace import ReportTrace

TRACE = 0


def error_check(t: ReportTrace, r: Reduction) -> list[Affine]:
    """What every sum of `Residuals.bounded` is."""
    claims = t.checked.errors
    if claims is None:
        return []
    powers = [E(1 << LIMB_BITS * i) for i in range(LIMBS)]
    lows = [r.low(Low(table=powers[:n] + [ZERO] * (LIMBS - n))) for n in range(LIMBS + 1)]
    slot = (t.slacks << t.log_rows) // LIMBS + t.checked.bounds - claims.scalars
    out = list[Affine]()
    for m in claims.means:
        e = Affine()
        e.add_cell(TRACE, lows[LIMBS], slot, ONE)
        out.append(e)
        slot += 1
        if m.group is not None:
            e = Affine(ONE)
            e.add_cell(TRACE, lows[LIMBS], slot, ONE)
            out.append(e)
            slot += 1
    x = claims.explained
    if x is None:
        return out
    u, v = lows[x.limbs[0]], lows[x.limbs[1]]
    errors = Affine()
    errors.add_cell(TRACE, u, slot, ONE * (1 << x.a))
    errors.add_cell(TRACE, lows[LIMBS], slot + 2, -ONE)
    spread = squared_sums(t, r)
    spread.add_cell(TRACE, v, slot + 1, ONE * (1 << x.b))
    spread.add_cell(TRACE, lows[LIMBS], slot + 3, ONE)
    ratio = Affine(-ONE)
    ratio.add_cell(TRACE, v, slot + 1, ONE * (1 << x.m))
    ratio.add_cell(TRACE, u, slot, -(ONE * x.c))
    ratio.add_cell(TRACE, lows[LIMBS], slot + 4, -ONE)
    r.assert_zero(ratio)
    return [*out, errors, spread]


def squared_sums(t: ReportTrace, r: Reduction) -> Affine:
    """Receives the sum of every target; the sum of their squares."""
    read, out = t.rows_read(r), Affine()
    for j in range(t.residuals.n):
        received, e = r.receive(), Affine()
        t.add_form(e, t.residuals.target(j), read, ONE)
        e.sub(received)
        r.assert_zero(e)
        out.add(r.product(received, received))
    return out
