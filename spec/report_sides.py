"""What a comparison says of each of its two models, and how they are tied (section 10.12)."""

from __future__ import annotations

from dataclasses import replace

from spec.rejected import require
from spec.report_claims import count_claims
from spec.report_comparison import BetterBy, ByLoss, ByRate
from spec.report_rates import Accuracy, Recall
from spec.report_rules import Checked
from spec.report_statement import AtLeast, CommittedInput, ReportStatement, Shown
from spec.report_table import TableInput
from spec.score_claims import score_claims
from spec.score_statement import LOG, AucAtLeast, LossAtMost, Scores


def check_comparisons(s: ReportStatement) -> None:
    """There are comparisons exactly if there is another model; each is of figures with one denominator."""
    compared = [shown for shown in s.shown if isinstance(shown, BetterBy)]
    require((s.against is not None) == bool(compared), "NotApplicable", "comparisons and another model")
    if s.against is not None:
        require(s.against.model_digest != s.model_digest, "SameModel", "one model twice")
    for shown in compared:
        if isinstance(shown.metric, ByRate):
            comparable = isinstance(shown.metric.rate, Accuracy | Recall)
            require(comparable, "NotComparable", f"{shown.metric.rate}")


def bounds_of(shown: BetterBy, fa: int) -> tuple[Shown, Shown]:
    """The bounds on the first model and on the second."""
    p, q = shown.bound
    if isinstance(shown.metric, ByRate):
        rate = shown.metric.rate
        return AtLeast(rate, shown.group, (p, q)), AtLeast(rate, shown.group, (0, q))
    if isinstance(shown.metric, ByLoss):
        loss = shown.metric.loss
        most = q * ((65536 >> fa) + 2 if loss == LOG else 1)
        require(most + p < 1 << 32, "BoundTooFine", f"{p}/{q}")
        first, second = LossAtMost(loss, (most, q)), LossAtMost(loss, (most + p, q))
        return Scores(shown.group, first), Scores(shown.group, second)
    return Scores(shown.group, AucAtLeast((p, q))), Scores(shown.group, AucAtLeast((0, q)))


def side(s: ReportStatement, second: bool) -> ReportStatement:
    """What the statement says of one model alone: of the first everything, of the second comparisons."""
    if s.against is None:
        return s
    fa = s.input.data.fa if isinstance(s.input, CommittedInput) else 0
    fa = s.input.table.fa if isinstance(s.input, TableInput) else fa
    shown = [
        bounds_of(one, fa)[second] if isinstance(one, BetterBy) else one
        for one in s.shown
        if isinstance(one, BetterBy) or not second
    ]
    if not second:
        return replace(s, shown=shown)
    return replace(s, run_digest=s.against.run_digest, model_digest=s.against.model_digest, shown=shown)


def slack_of(s: ReportStatement, place: int, checked: Checked) -> int:
    """Which of one model's slacks is that of the bound at this place of what is shown."""
    before, bound = s.shown[:place], s.shown[place]
    counts = sum(c.bound for c in checked.claims)
    if isinstance(bound, AtLeast):
        earlier = count_claims(replace(s, shown=before), checked.classes, checked.rows)
        return sum(c.bound for c in earlier)
    assert checked.scores is not None and isinstance(bound, Scores)
    of_scores = score_claims(before, checked.scores.shape)
    if isinstance(bound.figure, LossAtMost):
        return counts + sum(c.bound for c in of_scores.linear)
    return counts + sum(c.bound for c in checked.scores.linear) + sum(c.bound for c in of_scores.pairs)


def ties(s: ReportStatement, first: Checked, second: Checked) -> list[tuple[int, int]]:
    """Of every comparison the slack of its bound on either model."""
    one, two = side(s, second=False), side(s, second=True)
    places = [i for i, shown in enumerate(s.shown) if isinstance(shown, BetterBy)]
    return [(slack_of(one, place, first), slack_of(two, i, second)) for i, place in enumerate(places)]
