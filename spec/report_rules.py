"""The rules of a report's statement, section 10.8: what model, rows, groups and the things shown must be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

from spec.config import MAX_CHUNK_ROWS
from spec.error_claims import ErrorClaims, error_claims
from spec.field import lg
from spec.nowrap import check_forward
from spec.records import check_data
from spec.rejected import Rejected, require, within
from spec.report_claims import CountClaim, check_rate, count_claims
from spec.report_errors import ExplainedAtLeast, MeanErrorAtMost
from spec.report_statement import (
    AbsoluteError,
    AtLeast,
    Classes,
    Committed,
    CommittedInput,
    Counts,
    Exactly,
    GapAtMost,
    ListedRows,
    Margins,
    Outputs,
    PublicInput,
    ReportStatement,
    RowRange,
    SquaredError,
    Sum,
    TargetMoments,
    Told,
)
from spec.report_strategy import Backtest, Limits, check_backtest
from spec.report_table import Calendar, TableInput, public_rows
from spec.report_told import check_told
from spec.score_claims import ScoreClaims, Shape, check_figure, score_claims
from spec.score_statement import Scores
from spec.statement import BinaryLabels, ClassLabels, RealLabels
from spec.training import BINARY_CROSS_ENTROPY, CROSS_ENTROPY, SQUARED_ERROR, RunConfig

MAX_GROUPS, MAX_SHOWN, MAX_COUNTS, MAX_VALUES = 64, 64, 1 << 14, 1 << 22
MAX_SELECTED = 1 << 24
Bound = MeanErrorAtMost | ExplainedAtLeast


@dataclass(frozen=True)
class Checked:
    """What a valid statement comes to."""

    config: RunConfig
    """Of the forward pass alone."""
    rows: int
    index: list[int] | None
    """Places of the rows in the committed data set; None for public and for hidden rows."""
    classes: int
    """Classes that are counted; 0 if nothing is counted."""
    predicted: int
    """Classes that are predicted: counted, or told of every row; 0 if there are none."""
    claims: list[CountClaim]
    backtest: Limits | None = None
    scores: ScoreClaims | None = None
    """What is claimed of scores."""
    errors: ErrorClaims | None = None
    """What is claimed of bounded errors."""

    @property
    def bounds(self) -> int:
        """All hidden numbers: a slack of each bound, and those of errors behind them."""
        counts = sum(claim.bound for claim in self.claims)
        return counts + (self.scores.bounds if self.scores else 0) + (self.errors.scalars if self.errors else 0)


def forward_config(run: RunConfig, data_bits: int) -> RunConfig:
    """The configuration of the forward pass: weights at fw bits, features in the window of the rows read."""
    return replace(
        run,
        scales=replace(run.scales, kappa=0, omega=0),
        schedule=replace(run.schedule, filter=[1], nesterov=False, decay=None, average=None),
        norms=None,
        carry_bits=None,
        data_bits=data_bits,
    )


def check_report(s: ReportStatement, run: RunConfig, w: int) -> Checked:
    """Checks a statement about a model with |W| <= w; raises `Rejected`."""
    index, rows, data_bits = _check_rows(s, run)
    config = forward_config(run, data_bits)
    check_forward(config, w)
    within(len(s.shown), 1, MAX_SHOWN, "Length", "things shown")
    if s.hidden is not None:
        of_outputs = all(isinstance(shown, Outputs | Told) for shown in s.shown)
        require(of_outputs, "NotApplicable", "what reads labels, or all rows in their order")
    classes = _check_shown(s, config, rows)
    one = config.architecture.layers[-1].outputs == 1
    require(not s.tops or not one, "NotApplicable", "a rank among the outputs of a model with one output")
    claims, scores = count_claims(s, classes, rows), None
    if any(isinstance(shown, Scores) for shown in s.shown):
        scores = score_claims(s.shown, Shape.of(config, s.group_count, rows))
    told = any(isinstance(shown, Classes) for shown in s.shown)
    predicted = _classes(config) if told or classes else 0
    backtest, errors = _check_backtest(s, config, rows), None
    if any(isinstance(shown, Bound) for shown in s.shown):
        errors = error_claims(s.shown, config, _real_targets(s, config), rows)
    return Checked(config, rows, index, classes, predicted, claims, backtest, scores, errors)


def _check_backtest(s: ReportStatement, config: RunConfig, rows: int) -> Limits | None:
    """Of the one backtest, if any."""
    if s.backtest is None:
        return None
    layers, first = config.architecture.layers, None
    if isinstance(s.input, TableInput):
        first = len(s.input.table.earlier)
    elif isinstance(s.input, CommittedInput) and not isinstance(s.input.rows, ListedRows):
        first = s.input.rows.first if isinstance(s.input.rows, RowRange) else 0
    table = s.input.table if isinstance(s.input, TableInput) else None
    widths = layers[0].inputs, layers[-1].outputs
    return check_backtest(s.backtest, widths, s.labels, first, rows, table)


def _check_rows(s: ReportStatement, run: RunConfig) -> tuple[list[int] | None, int, int]:
    """The rows are rows for this model: their places in the data set, their number, their window."""
    inputs = run.architecture.layers[0].inputs
    index: list[int] | None = None
    if isinstance(s.input, CommittedInput):
        data = s.input.data
        check_data(data)
        index, hidden = s.input.index(), s.input.hidden
        require(data.features == inputs, "Mismatch", f"{data.features} features for {inputs}")
        require(data.fa == run.scales.fa, "Mismatch", f"{data.fa} fractional bits for {run.scales.fa}")
        rows, bits = len(index), data.data_bits
        if hidden is not None:
            require(hidden > 0 and hidden << lg(data.rows) <= MAX_SELECTED, "Selected", f"{hidden} hidden rows")
            index, rows = None, hidden
    elif isinstance(s.input, TableInput):
        rows, bits = s.input.table.check(inputs, run.scales.fa), s.input.table.data_bits
    else:
        rows, bits = public_rows(s.input.features, inputs, run.data_bits), run.data_bits
    within(rows, 1, MAX_CHUNK_ROWS, "Length", "rows")
    _check_groups(s, inputs)
    return index, rows, bits


def _check_groups(s: ReportStatement, inputs: int) -> None:
    """Distinct tuples of the values of ascending feature columns."""
    if s.groups is None:
        return
    require(not isinstance(s.input, PublicInput), "NotApplicable", "groups of public rows")
    require(s.hidden is None, "NotApplicable", "groups of hidden rows")
    columns, values = s.groups.columns, s.groups.values
    within(len(values), 2, MAX_GROUPS, "Length", "groups")
    ascending = all(a < b for a, b in pairwise(columns))
    require(ascending and len(columns) > 0 and columns[-1] < inputs, "Groups", "feature columns")
    require(all(len(v) == len(columns) for v in values), "Groups", "a value per column")
    require(len({tuple(v) for v in values}) == len(values), "Groups", "a tuple of values twice")


def _classes(config: RunConfig) -> int:
    """Classes that a loss predicts; 0 if none."""
    outputs, loss = config.architecture.layers[-1].outputs, config.architecture.loss
    if loss == CROSS_ENTROPY:
        return outputs
    return 2 if loss == BINARY_CROSS_ENTROPY and outputs == 1 else 0


def _check_shown(s: ReportStatement, config: RunConfig, rows: int) -> int:
    """Everything shown; the classes that are counted."""
    classes, groups = _classes(config), s.group_count
    for shown in s.shown:
        match shown:
            case Outputs(values):
                expected = rows * config.architecture.layers[-1].outputs
                require(
                    len(values) == expected <= MAX_VALUES, "Length", f"{len(values)} outputs, not {expected}"
                )
            case Classes() | Margins() | Committed():
                check_told(shown, config, classes, rows)
            case SquaredError() | AbsoluteError() | TargetMoments():
                _check_sum(s, shown, config, rows)
            case MeanErrorAtMost(_, group, (_, q)):
                _real_targets(s, config)
                _check_group(s, group)
                require(q > 0, "Fraction", "a denominator of 0")
            case ExplainedAtLeast((p, q)):
                _real_targets(s, config)
                twice = sum(isinstance(other, ExplainedAtLeast) for other in s.shown) > 1
                require(not twice, "NotApplicable", "two bounds of R^2")
                _check_fraction(p, q)
            case Counts(counts):
                expected = groups * classes * classes
                require(len(counts) == expected, "Length", f"{len(counts)} counts, not {expected}")
                require(classes == 0 or sum(counts) == rows, "CountSum", f"{sum(counts)} of {rows} rows")
            case Exactly(rate, group, numerator, denominator):
                _check_group(s, group)
                check_rate(rate, classes)
                _check_fraction(numerator, denominator)
            case AtLeast(rate, group, (p, q)):
                _check_group(s, group)
                check_rate(rate, classes)
                _check_fraction(p, q)
            case GapAtMost(rate, denominators, (p, q)):
                require(s.groups is not None, "NotApplicable", "a gap between groups without groups")
                check_rate(rate, classes)
                _check_fraction(p, q)
                require(len(denominators) == groups, "Length", f"{len(denominators)} denominators")
                require(0 not in denominators, "Fraction", "a denominator of 0")
            case Calendar():
                shown.check(rows)
            case Scores(group, _):
                _check_group(s, group)
                check_figure(shown, Shape.of(config, groups, rows), s.groups is not None)
    for kind in (Counts, Outputs, Classes, Committed, Backtest, Calendar):
        times = sum(isinstance(shown, kind) for shown in s.shown)
        require(times <= 1, "NotApplicable", f"{kind.__name__} twice")
    if not any(isinstance(shown, Counts | Exactly | AtLeast | GapAtMost | Scores) for shown in s.shown):
        grouped = any(isinstance(shown, MeanErrorAtMost) for shown in s.shown)
        require(s.groups is None or grouped, "NotApplicable", "groups of which nothing is shown")
        return 0
    within(groups * classes * classes, 0, MAX_COUNTS, "Length", "groups times classes squared")
    require(classes > 0, "NotApplicable", "a rate of classes")
    require(s.labels is not None, "NotApplicable", "a rate of rows without labels")
    cross_entropy = config.architecture.loss == CROSS_ENTROPY
    labels = ClassLabels(classes) if cross_entropy else BinaryLabels(1)
    require(s.labels == labels, "Labels", f"{s.labels}")
    return classes


def _check_sum(s: ReportStatement, shown: Sum, config: RunConfig, rows: int) -> None:
    """Sums of errors are of real targets, each once, and small enough to be integers mod p: |Z - y| <= 2^16."""
    outputs = config.architecture.layers[-1].outputs
    _real_targets(s, config)
    require(sum(type(other) is type(shown) for other in s.shown) == 1, "NotApplicable", "one sum twice")
    most = rows * outputs << 32
    require(most < 1 << 62, "BoundTooFine", f"{rows} rows of {outputs} outputs")
    values = [shown.sum] if not isinstance(shown, TargetMoments) else [*map(abs, shown.sums), shown.squares]
    if isinstance(shown, TargetMoments):
        require(len(shown.sums) == outputs, "Length", f"{len(shown.sums)} sums of targets, not {outputs}")
    require(max(values) <= most, "Sum", f"{max(values)} is beyond {most}")


def _real_targets(s: ReportStatement, config: RunConfig) -> int:
    """Model and rows have real targets; their bits."""
    labels = s.labels
    if labels is None:
        raise Rejected("NotApplicable", "errors of rows without labels")
    outputs, good = config.architecture.layers[-1].outputs, config.architecture.loss == SQUARED_ERROR
    if not (good and isinstance(labels, RealLabels) and labels.outputs == outputs):
        raise Rejected("Labels", f"{labels}")
    return labels.bits


def _check_group(s: ReportStatement, group: int | None) -> None:
    groups = 0 if s.groups is None else len(s.groups.values)
    require(group is None or group < groups, "NoSuchGroup", f"group {group} of {groups}")


def _check_fraction(p: int, q: int) -> None:
    require(q > 0 and p <= q, "Fraction", f"{p}/{q}")
