"""Figures of scores on a page: areas, losses, calibration and thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Literal

from tacit.html.figures import reliability
from tacit.html.markup import Child, Markup, tag
from tacit.html.numbers import count, decimal, percent
from tacit.html.results import Results
from tacit.scores import ScoreBin, Threshold, shown_bins, shown_scores, shown_thresholds

__all__ = [
    "bounded_number",
    "calibration_tables",
    "score_charts",
    "score_words",
    "scores_table",
    "thresholds_tables",
]

_WORDS = {"auc": "area under the ROC curve", "log_loss": "log-loss", "brier": "Brier score"}
_NOTES = {
    "auc": "1 if all rows of class 1 score above those of class 0, 0.5 for chance; ties count half",
    "log_loss": "a row, natural logarithm",
    "brier": "mean squared distance of the probability from the label",
}
MAX_CHARTS = 8


def score_words(name: str) -> str:
    """A figure in words."""
    return _WORDS[name]


def bounded_number(value: Fraction, side: Literal["least", "most"]) -> str:
    """A bound to six digits, a lower one rounded down and an upper one up."""
    scaled = value * 10**6
    whole = scaled.__floor__() if side == "least" else scaled.__ceil__()
    return f"at {side} {decimal(Fraction(whole, 10**6), 6).rstrip('0').rstrip('.')}"


def _fa(results: Results) -> int:
    return int(results.about.config["scales"]["fa"])


def scores_table(results: Results) -> Markup | None:
    """Areas and mean losses, of all rows and of each group."""
    found = shown_scores(results.shown)
    if not found:
        return None
    names = [name for name in _WORDS if any(name == known for known, _ in found)]
    columns = [g for g in (None, *range(len(results.groups))) if any((n, g) in found for n in names)]
    head = [tag("th", "rows", scope="col"), *(tag("th", score_words(n), scope="col") for n in names)]
    lines = []
    for g in columns:
        cells = [tag("td", decimal(found[n, g], 6) if (n, g) in found else "—", class_="num") for n in names]
        lines.append(tag("tr", tag("th", results.group(g), scope="row"), cells))
    notes = tag("p", "; ".join(f"{score_words(n)}: {_NOTES[n]}" for n in names), ".", class_="hint")
    table = tag("table", tag("thead", tag("tr", head)), tag("tbody", lines), class_="rates")
    return tag("div", table, notes)


def _share(value: Fraction | None) -> str:
    return "—" if value is None else percent(value)


def calibration_tables(results: Results) -> list[Child]:
    """What was predicted beside what was so, bin by bin."""
    tables: list[Child] = []
    for group, bins in shown_bins(results.shown, _fa(results)).items():
        heads = ("probability of class 1", "rows", "mean probability", "share of class 1")
        lines = [
            (
                f"{b.above:.4f} to {b.up_to:.4f}",
                count(b.rows),
                _share(b.predicted),
                _share(b.observed),
            )
            for b in bins
        ]
        tables.append(_lines(f"Calibration, {results.group(group)}", heads, lines))
    return tables


def thresholds_tables(results: Results) -> list[Child]:
    """What every threshold predicts."""
    tables: list[Child] = []
    for group, found in shown_thresholds(results.shown, _fa(results)).items():
        heads = ("class 1 above", "recall", "false positive rate", "precision")
        tables.append(_lines(f"Thresholds, {results.group(group)}", heads, [_threshold(t) for t in found]))
    return tables


def _threshold(t: Threshold) -> tuple[str, ...]:
    hits = f"{_share(t.recall)} ({count(t.true_positives)} of {count(t.positives)})"
    wrong = f"{_share(t.false_positive_rate)} ({count(t.false_positives)} of {count(t.negatives)})"
    return f"{t.above:.4f}", hits, wrong, _share(t.precision)


def _lines(title: str, heads: Sequence[str], lines: Sequence[Sequence[str]]) -> Markup:
    head = tag("tr", [tag("th", text, scope="col") for text in heads])
    body = [
        tag("tr", tag("th", first, scope="row"), [tag("td", text, class_="num") for text in rest])
        for first, *rest in lines
    ]
    caption = tag("caption", tag("strong", title))
    return tag("table", caption, tag("thead", head), tag("tbody", body), class_="rates")


def score_charts(results: Results) -> Markup | None:
    """A reliability diagram for each list of bins."""
    found = list(shown_bins(results.shown, _fa(results)).items())[:MAX_CHARTS]
    panels = [reliability(f"Calibration, {results.label(group)}", _points(bins)) for group, bins in found]
    return tag("div", [tag("figure", panel) for panel in panels], class_="charts") if panels else None


def _points(bins: Sequence[ScoreBin]) -> list[tuple[Fraction, Fraction]]:
    return [(b.predicted, b.observed) for b in bins if b.predicted is not None and b.observed is not None]
