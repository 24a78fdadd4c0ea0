"""Pictures of rates and schedules as SVG, with their text in words for readers who do not see them.

Colours are presentation attributes, so that a picture looks the same alone in a file. Blue and orange are told
apart by readers who are colour-blind, and every figure stands as text beside its bar.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from tacit.html.markup import Markup, join, svg, tag, visible
from tacit.html.numbers import percent

__all__ = ["Bar", "bars", "grid", "reliability", "steps"]

INK, SOFT, RULE = "#1f2937", "#5b6472", "#d5d9e0"
ALL, GROUP, BOUND = "#2f3b4c", "#2b6cb0", "#b45309"
WIDTH, LABEL, LENGTH, LINE, TOP, FOOT = 500, 158, 170, 24, 34, 26


@dataclass(frozen=True, slots=True)
class Bar:
    """A rate from 0 to 1, or the part of that range where a bound says that it lies."""

    label: str
    value: Fraction
    note: str = ""
    """Printed behind the figure, such as "76 of 100"."""
    all_rows: bool = False
    bound: bool = False
    """`value` is a lower bound: nothing else is known."""

    @property
    def figure(self) -> str:
        """The rate as text."""
        return f"at least {percent(self.value, bound='least')}" if self.bound else percent(self.value)


def bars(title: str, rows: Sequence[Bar]) -> Markup:
    """Bars on an axis from 0 to 100 %; a dashed line carries the figure of all rows down to the groups."""
    height = TOP + LINE * len(rows) + FOOT
    bottom = TOP + LINE * len(rows) + 4
    parts = [_text(0, 15, title, 13, INK, weight="600")]
    for tick in (0, 25, 50, 75, 100):
        x = LABEL + LENGTH * tick // 100
        parts.append(tag("line", x1=x, y1=TOP - 6, x2=x, y2=bottom, stroke=RULE, stroke_width=1))
        if tick % 50 == 0:
            parts.append(_text(x, bottom + 14, f"{tick} %", 10, SOFT, anchor="middle"))
    for index, bar in enumerate(rows):
        parts.append(_bar(bar, TOP + LINE * index))
    everyone = [bar.value for bar in rows if bar.all_rows and not bar.bound]
    if everyone and len(rows) > 1:
        at = f"M{LABEL + LENGTH * float(everyone[0]):.1f} {TOP - 6}V{bottom}"
        parts.append(tag("path", d=at, stroke=ALL, stroke_width=1.5, stroke_dasharray="3 3"))
    words = "; ".join(f"{bar.label}: {bar.figure}" for bar in rows)
    return svg(title, words, WIDTH, height, parts)


def _bar(bar: Bar, y: int) -> Markup:
    length = LENGTH * max(0.0, min(1.0, float(bar.value)))
    middle = y + LINE // 2 + 1
    parts = [_text(LABEL - 8, middle + 2, _short(bar.label), 12, INK, anchor="end", full=bar.label)]
    if bar.bound:
        edge = f"{LABEL + length:.1f}"
        rest = f"{LENGTH - length:.1f}"
        parts.append(tag("rect", x=edge, y=y + 5, width=rest, height=14, fill=BOUND, fill_opacity="0.22"))
        parts.append(tag("line", x1=edge, y1=y + 2, x2=edge, y2=y + 22, stroke=BOUND, stroke_width=3))
    else:
        fill = ALL if bar.all_rows else GROUP
        parts.append(tag("rect", x=LABEL, y=y + 5, width=f"{length:.1f}", height=14, rx=2, fill=fill))
    parts.append(_text(LABEL + LENGTH + 10, middle + 2, bar.figure, 12, INK, weight="600", note=bar.note))
    return tag("g", parts)


def steps(title: str, spans: Sequence[tuple[int, float]], unit: str) -> Markup:
    """A step function: `spans` of (length, height), as learning rates over the steps of a run."""
    width, height, left, top = 640, 190, 62, 34
    wide, high = width - left - 16, height - top - 40
    total, most = sum(n for n, _ in spans), max(v for _, v in spans)
    points, at = [], 0
    for count, value in spans:
        y = top + high * (1 - value / most) if most else top + high
        for edge in (at, at + count):
            points.append(f"{left + wide * edge / max(1, total):.1f} {y:.1f}")
        at += count
    axis = f"M{left} {top}V{top + high}H{left + wide}"
    body = (
        _text(0, 15, title, 13, INK, weight="600"),
        tag("path", d=axis, fill="none", stroke=RULE, stroke_width=1),
        tag("path", d="M" + "L".join(points), fill="none", stroke=GROUP, stroke_width=2),
        _text(left - 6, top + 5, f"{most:.4g}", 11, SOFT, anchor="end"),
        _text(left - 6, top + high + 4, "0", 11, SOFT, anchor="end"),
        _text(left, top + high + 18, "0", 11, SOFT, anchor="middle"),
        _text(left + wide, top + high + 18, f"{total:,} {unit}", 11, SOFT, anchor="end"),
    )
    told = "; ".join(f"{value:.4g} for {count:,} {unit}" for count, value in spans[:20])
    return svg(title, told + (f"; {len(spans) - 20} more" if len(spans) > 20 else ""), width, height, body)


def reliability(title: str, points: Sequence[tuple[Fraction, Fraction]]) -> Markup:
    """Shares of class 1 over mean predicted probabilities; on the dashed line both are equal."""
    side, left, top = 200, 62, 34
    axis = f"M{left} {top}V{top + side}H{left + side}"
    places = [(left + side * float(x), top + side * (1 - float(y))) for x, y in points]
    diagonal = f"M{left} {top + side}L{left + side} {top}"
    parts = [
        _text(0, 15, title, 13, INK, weight="600"),
        tag("path", d=axis, fill="none", stroke=RULE, stroke_width=1),
        tag("path", d=diagonal, fill="none", stroke=SOFT, stroke_width=1, stroke_dasharray="3 3"),
    ]
    if len(places) > 1:
        line = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        parts.append(tag("path", d=line, fill="none", stroke=GROUP, stroke_width=2))
    for x, y in places:
        spot = {"x": f"{x - 3:.1f}", "y": f"{y - 3:.1f}"}
        parts.append(tag("rect", **spot, width=6, height=6, fill=GROUP))
    parts += [
        _text(left - 6, top + 5, "100 %", 10, SOFT, anchor="end"),
        _text(left - 6, top + side, "0 %", 10, SOFT, anchor="end"),
        _text(left, top + side + 14, "0 %", 10, SOFT, anchor="middle"),
        _text(left + side, top + side + 14, "100 %", 10, SOFT, anchor="middle"),
        _text(left + side // 2, top + side + 28, "mean predicted probability", 10, SOFT, anchor="middle"),
    ]
    words = "; ".join(f"{percent(x)} predicted, {percent(y)} so" for x, y in points)
    return svg(title, words, left + side + 30, top + side + 36, parts)


def grid(panels: Sequence[tuple[Markup, int]], title: str, columns: int = 2) -> Markup:
    """Panels of `bars` (each with its number of bars) side by side in one picture, for a file of its own."""
    tall = [TOP + LINE * count + FOOT for _, count in panels]
    lines = [range(i, min(i + columns, len(panels))) for i in range(0, len(panels), columns)]
    body, y = [tag("rect", x=0, y=0, width="100%", height="100%", fill="#ffffff")], 12
    for line in lines:
        for place, index in enumerate(line):
            spot = f"translate({12 + place * (WIDTH + 24)} {y})"
            body.append(tag("g", panels[index][0], transform=spot))
        y += max(tall[index] for index in line) + 8
    wide = 24 + min(columns, len(panels)) * WIDTH + (min(columns, len(panels)) - 1) * 24
    return svg(title, f"{len(panels)} charts.", wide, y + 4, body)


def _short(text: str, most: int = 20) -> str:
    shown = visible(text)
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def _text(
    x: int,
    y: int,
    text: str,
    size: int,
    fill: str,
    *,
    anchor: str | None = None,
    weight: str | None = None,
    note: str = "",
    full: str | None = None,
) -> Markup:
    extra = join([tag("tspan", note, dx=8, fill=SOFT, font_weight="400", font_size=11)]) if note else None
    tip = tag("title", full) if full is not None and full != text else None
    return tag(
        "text", tip, text, extra, x=x, y=y, fill=fill, font_size=size, text_anchor=anchor, font_weight=weight
    )
