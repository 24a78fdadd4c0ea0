"""The page: sections in the order in which a reader asks. No script, nothing from a network."""

from __future__ import annotations

from importlib.resources import files

from tacit.html.bounds import bounds_of, bounds_table
from tacit.html.checks import files_table, not_shown, reproduce, sentences, soundness, sureness
from tacit.html.classes import class_chart, class_gaps, class_groups, class_rates
from tacit.html.facts import facts_of, rate_plot
from tacit.html.figures import bars, grid
from tacit.html.markup import Child, Markup, join, tag
from tacit.html.numbers import count, decimal, percent
from tacit.html.predictions import input_tables, outputs_table, row_numbers, said, score_bars
from tacit.html.results import Results, charts
from tacit.html.scores import calibration_tables, score_charts, scores_table, thresholds_tables
from tacit.html.tables import counts_tables, errors_of, errors_table, gaps_table, rates_table
from tacit.html.told import calendar_note, classes_table, comparisons_table, margins_table
from tacit.html.trading import backtest_bars, backtest_table, performance_of
from tacit.html.verified import Verified
from tacit.html.words import INTRODUCTIONS, TERMS, TITLES
from tacit.progress import duration
from tacit.scores import shown_scores

__all__ = ["pictures", "render"]

BACKTEST = "Backtest: parts of a whole position, and of days"

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""What a browser may load: nothing, so that not even an overlooked name could fetch or run anything."""


def render(about: Verified) -> str:
    """The whole page."""
    results = Results.of(about) if about.kind == "report" else None
    parts: list[Child] = [_header(about), _caution(), _warnings(about)]
    if results is not None:
        parts.append(_glance(about, results))
        parts += _results(about, results)
    else:
        parts.append(_section("What is shown", sentences(about)))
    parts.append(_section("What this does not show", _lead_not_shown(), not_shown(about)))
    facts: list[Child] = [(tag("h3", title), table) for title, table in facts_of(about)]
    if about.subject.published:
        facts.append(
            tag(
                "p",
                "Names of features, classes and tensors are the owner's: the proof binds them, and does not "
                "say that they are right.",
                class_="hint",
            )
        )
    plot = rate_plot(about)
    facts.append(None if plot is None else tag("figure", plot))
    parts.append(_section("What it is about", facts))
    if results is not None:
        lead = (
            "What the proof shows, as tacit verify prints it. The figures above are those of these sentences."
        )
        parts.append(_section("The statement, word for word", tag("p", lead), sentences(about)))
    parts.append(_section("Check it yourself", reproduce(about), files_table(about)))
    parts.append(_section("How sure it is", soundness(about)))
    body = join(parts)
    body = join([body, _terms(body), _footer(about)])
    title = f"{_title(about)}: {about.files[0].name}"
    head = (
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="generator", content=f"tacit {about.version}"),
        tag("title", title),
        tag("style", _style()),
    )
    page = tag("html", tag("head", head), tag("body", tag("main", body)), lang="en")
    return f"<!DOCTYPE html>\n{page}\n"


def pictures(about: Verified) -> dict[str, str]:
    """The charts of a page as SVG files of their own, by name."""
    out = {}
    results = Results.of(about) if about.kind == "report" else None
    panels = [] if results is None else charts(results)
    each = class_chart(results) if results is not None and results.many else None
    panels += [] if each is None else [each]
    if panels:
        out["rates"] = str(grid(panels, "Rates of the model"))
    scores = score_bars(about) if about.kind == "report" else []
    if scores:
        out["scores"] = str(
            grid([(bars("Score of the predicted class", scores), len(scores))], "Predictions", 1)
        )
    if about.kind == "report":
        traded = backtest_bars(about.verdict.statement["report"]["shown"], len(row_numbers(about)))
        if traded:
            out["backtest"] = str(grid([(bars(BACKTEST, traded), len(traded))], "Backtest", 1))
    plot = rate_plot(about)
    if plot is not None:
        out["learning-rate"] = str(plot)
    return out


def _style() -> Markup:
    return Markup(files("tacit.html").joinpath("style.css").read_text(encoding="utf-8"))


def _title(about: Verified) -> str:
    told = {"Outputs", "Classes", "Margins", "Committed"}
    if about.kind == "report" and all(told & set(item) for item in about.verdict.statement["report"]["shown"]):
        return "Predictions of a model"
    return TITLES[about.topic]


def _section(title: str, *children: Child) -> Markup:
    return tag("section", tag("h2", title), children)


def _header(about: Verified) -> Markup:
    when = f"{about.checked:%d %B %Y, %H:%M} UTC".lstrip("0")
    badge = tag(
        "div",
        tag("strong", "✓ Valid"),
        tag(
            "span",
            f"tacit {about.version} checked the proof on {when}, in {duration(about.seconds)}. ",
            sureness(about),
        ),
        class_="badge",
    )
    kind = "training" if about.kind == "run" else about.kind
    return tag(
        "header",
        tag("p", f"Zero-knowledge proof · {kind} · {about.files[0].name}", class_="eyebrow"),
        tag("h1", _title(about)),
        tag("p", INTRODUCTIONS[about.topic], class_="lead"),
        badge,
    )


def _caution() -> Markup:
    return tag(
        "p",
        tag("strong", "This page is no proof. "),
        "It shows what a check of the proof file found; anybody could write a page that looks like it. What "
        "counts is the file: the section “Check it yourself” has the command.",
        class_="caution",
    )


def _warnings(about: Verified) -> list[Markup]:
    """What a reader of figures must not miss, although it stands further down or between two files."""
    told = []
    options = {file.option for file in about.files}
    about_data = about.kind in ("run", "release") or about.evaluated
    if about_data and "--data" not in options:
        told.append(
            "The data commitment was not given to this check: whether the data is valid at all is not shown. "
            "Check again with --data."
        )
    if about.renamed:
        told.append(
            "The owner's names of columns or classes differ between the data that the model was trained on and "
            "the rows that this is about. Ask why before you read the figures by these names."
        )
    return [tag("p", text, class_="caution") for text in told]


def _glance(about: Verified, results: Results) -> Markup:
    """The most important figures in large type."""
    cards: list[tuple[str, str, str]] = []
    rows = row_numbers(about)
    what = "public rows" if about.evaluated is None else "hidden rows"
    part = about.evaluated is not None and about.evaluated["rows"] != len(rows)
    cards.append(
        (count(len(rows)), what, f"of {count(about.evaluated['rows'])}" if about.evaluated and part else "")
    )
    for metric in ("accuracy", "balanced_accuracy"):
        if (metric, None) in results.rates:
            cards.append(
                (percent(results.rates[metric, None]), results.words(metric), results.note(metric, None))
            )
    if (about.evaluated is not None or about.public_rows) and "r2" in (errors := errors_of(results, len(rows))):
        cards.append((decimal(errors["r2"]), "R²", "of 1: share of the targets' variance"))
    traded = performance_of(results.shown, len(rows))
    if traded is not None and traded.sharpe is not None:
        cards.append((f"{traded.sharpe:.2f}", "Sharpe ratio", "a year; the riskless rate is 0"))
    if traded is not None and traded.max_drawdown is not None:
        cards.append((f"{100 * traded.max_drawdown:.2f} %", "maximum drawdown", "of one whole position"))
    lowest = [(results.rates["accuracy", g], g) for g in results.known("accuracy") if g is not None]
    if lowest:
        rate, group = min(lowest)
        cards.append((percent(rate), "lowest accuracy of a group", results.group(group)))
    if results.groups:
        hidden = "" if about.public_rows else "; each row's group is hidden"
        cards.append((count(len(results.groups)), "groups", f"by {results.by}{hidden}"))
    if ("auc", None) in (scores := shown_scores(results.shown)):
        cards.append((decimal(scores["auc", None], 4), "AUC", "area under the ROC curve, at most 1"))
    bounds = bounds_of(results)
    cards += said(about)
    if bounds:
        cards.append(
            (count(len(bounds)), "bounds hold" if len(bounds) > 1 else "bound holds", "at least, or at most")
        )
    made = [
        tag("div", tag("strong", figure), tag("span", title), tag("small", note), class_="card")
        for figure, title, note in cards[:5]
    ]
    return tag("div", made, class_="cards")


def _results(about: Verified, results: Results) -> list[Child]:
    rows = row_numbers(about) if about.evaluated is not None or about.public_rows else ()
    exact, lower = _charts(results, False), _charts(results, True)
    gaps, rates = gaps_table(results), rates_table(results)
    blocks: list[tuple[str, str | None, list[Child]]] = [
        ("Predictions", None, [*outputs_table(about), *classes_table(about)]),
        (
            "Bounds of every row",
            "Reached on that row; how far its outputs are from them is not told.",
            margins_table(about),
        ),
        ("Inputs", None, [*input_tables(about), calendar_note(about)]),
        (
            "Two models",
            "The first is better than the second; nothing more is told about either.",
            [comparisons_table(results)],
        ),
        ("Bounds", "Shown to hold; how far the figures are from them is not.", [bounds_table(results), lower]),
        (
            "Rates",
            "Exact ratios of numbers of rows, as the proof shows them or its counts give them.",
            [exact, rates, *_by_class(results)],
        ),
        (
            "Scores",
            "Of the model's outputs before a class is chosen; their sigmoid is the probability of class 1.",
            [
                scores_table(results),
                score_charts(results),
                *calibration_tables(results),
                *thresholds_tables(results),
            ],
        ),
        (
            "Differences between groups",
            "Computed from the rates above.",
            [gaps, class_gaps(results) if results.many else None],
        ),
        ("Counts", "Rows by what they are labelled and what the model predicts.", [_tables(results)]),
        ("Errors", None, [errors_table(results, len(rows))]),
        (
            "Backtest",
            "Of positions by the model's output, day by day.",
            [_backtest_chart(results, len(rows)), backtest_table(results.shown, len(rows))],
        ),
    ]
    found = []
    for title, lead, children in blocks:
        kept = [child for child in children if child is not None]
        if kept:
            found.append((tag("h3", title), None if lead is None else tag("p", lead, class_="hint"), kept))
    return [_section("What is shown", found)] if found else []


def _backtest_chart(results: Results, rows: int) -> Markup | None:
    found = backtest_bars(results.shown, rows)
    return tag("div", tag("figure", bars(BACKTEST, found)), class_="charts") if found else None


def _by_class(results: Results) -> list[Markup | None]:
    return [class_rates(results), class_groups(results)] if results.many else []


def _charts(results: Results, bounds: bool) -> Markup | None:
    panels = charts(results, bounds=bounds)
    each = class_chart(results) if results.many and not bounds else None
    panels += [] if each is None else [each]
    return tag("div", [tag("figure", panel) for panel, _ in panels], class_="charts") if panels else None


def _tables(results: Results) -> Markup | None:
    return tag("div", counts_tables(results), class_="tables") if results.tables else None


def _lead_not_shown() -> Markup:
    return tag("p", "A proof says what it says, and nothing else. It leaves open:")


def _terms(body: Markup) -> Markup:
    """The terms that the page uses, explained."""
    used = [(term, words) for term, words in TERMS.items() if term.lower() in body.lower()]
    return _section("Terms", tag("dl", [(tag("dt", term), tag("dd", words)) for term, words in used]))


def _footer(about: Verified) -> Markup:
    return tag(
        "footer",
        f"Made by tacit {about.version} from {about.files[0].name} after its check. Nothing on this page comes "
        "from another source than the files listed above.",
    )
