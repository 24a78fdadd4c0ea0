"""The trace of a report, and how its cells and the data are read at a row point (section 10.8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from spec.field import ONE, ZERO, E, Point, eq_table, lg, total
from spec.hiding import Affine, Low, Reduction
from spec.layout import Allocator, ForwardLayout
from spec.lookup import Form, System
from spec.report_backtest import Backtest
from spec.report_columns import DATA, Head, HeadEquation, Residuals, slack_lookups, slack_slots
from spec.report_ranks import Ranks
from spec.report_rules import Checked
from spec.report_selection import Selection
from spec.report_statement import CommittedInput, PublicInput, ReportStatement
from spec.report_table import TableInput, weighted
from spec.report_told import MarginColumns
from spec.score_check import ScoreColumn
from spec.terms import Equation, Kind, Terms, chunk_lookups

TRACE = 0
MIN_LOG_ROWS = 8


@dataclass
class Row:
    """A row point, the low parts that read through it, and the weight of all rows that are read."""

    point: Point
    column: int
    masked: int
    data: int
    real: E
    public: list[E] | None = None
    """Data columns of public rows, as the verifier reads them; None of committed ones."""


class ReportTrace:
    """Columns and lookups of a checked statement."""

    def __init__(
        self, statement: ReportStatement, checked: Checked, more: int = 0, behind: ReportTrace | None = None
    ) -> None:
        """Lays out the trace, with so many slacks more, from slot 0 on or behind that of another model."""
        self.statement, self.checked, self.layers = statement, checked, checked.config.architecture.layers
        self.log_rows = max(MIN_LOG_ROWS, lg(checked.rows))
        self.layout = ForwardLayout(checked.config, self.log_rows, behind.next if behind else 0)
        self.terms = Terms(checked.config, self.layout)
        self.lookups: System = chunk_lookups(checked.config, self.layout, behind.lookups if behind else None)
        slots = Allocator(self.layout.slots)
        # A public model is none of the vectors.
        self.data_id: int = DATA if statement.public is None else DATA - 1
        self.head: Head | None = None
        if checked.predicted or statement.groups is not None:
            self.head = Head(self.layout, checked, statement.group_count, slots)
            self.head.lookups(self.lookups)
        self.ranks: Ranks | None = None
        if self.head is not None and statement.tops:
            self.ranks = Ranks(statement.tops, checked, self.layout, slots)
            self.ranks.lookups(self.lookups)
        self.residuals = Residuals(statement, checked, self.layout, slots)
        self.residuals.lookups(self.lookups)
        self.backtest: Backtest | None = None
        if statement.backtest is not None:
            self.backtest = Backtest(statement.backtest, checked, self.layout, slots)
            self.backtest.data_id = self.data_id
            self.backtest.lookups(self.lookups)
        self.scores: ScoreColumn | None = None
        if self.head is not None and checked.scores is not None:
            self.scores = ScoreColumn(checked.scores, self.head, self.layers[0].inputs, slots)
            self.scores.lookup(self.lookups)
        self.margins = MarginColumns(statement, slots)
        self.margins.lookups(self.lookups)
        self.selection: Selection | None = None
        if statement.hidden is not None and isinstance(statement.input, CommittedInput):
            rows = statement.input.data.rows
            self.selection = Selection(statement.hidden, rows, self.log_rows, slots, self.data_id)
        count = slack_slots(checked.bounds + more, self.log_rows)
        self.slacks = slots.take(count)
        slack_lookups(self.slacks, count, self.lookups)
        self.next: int = slots.next
        self.max_stride = self.log_rows
        data = statement.input.data if isinstance(statement.input, CommittedInput) else None
        self.data_stride = lg(data.rows) if data else 0
        # A whole data set in columns of the trace's length is read as columns are, beyond its last row too.
        self.aligned = data is not None and data.rows == checked.rows and self.data_stride == self.log_rows

    @property
    def equations(self) -> list[HeadEquation]:
        """Of the head, ranks, the backtest, squared errors and the scores."""
        out = [] if self.head is None else self.head.equations(self.statement.groups)
        out += [] if self.ranks is None else self.ranks.equations()
        out += [] if self.backtest is None else self.backtest.equations()
        out += self.residuals.equations()
        return out + ([] if self.scores is None else [self.scores.equation()])

    def row(self, r: Reduction, point: Point) -> Row:
        """The low parts of a row point."""
        table, rows = eq_table(point), self.checked.rows
        masked, column = table[:rows] + [ZERO] * (len(table) - rows), r.low(Low(point=point))
        data = column
        if self.checked.index is not None and not self.aligned:
            gathered = [ZERO] * (1 << self.data_stride)
            for x, place in enumerate(self.checked.index):
                gathered[place] = table[x]
            data = r.low(Low(table=gathered))
        return Row(point, column, r.low(Low(table=masked)), data, total(masked), self.public(masked))

    def rows_read(self, r: Reduction) -> Row:
        """What reads columns and data on all rows that are read, each once."""
        rows, places = self.checked.rows, set(self.checked.index or ())
        read = [ONE] * rows + [ZERO] * ((1 << self.log_rows) - rows)
        column = r.low(Low(table=read))
        data = r.low(Low(table=[ONE if i in places else ZERO for i in range(1 << self.data_stride)]))
        return Row([], column, column, data, ONE * rows, self.public(read))

    def public(self, weights: Sequence[E]) -> list[E] | None:
        """Public data columns at row weights."""
        inputs, read = self.layers[0].inputs, self.statement.input
        if isinstance(read, PublicInput):
            return weighted(read.features, inputs, weights)
        return read.table.columns(inputs, weights) if isinstance(read, TableInput) else None

    def add_data(self, e: Affine, row: Row, slot: int, k: E) -> None:
        """Adds k times a data column."""
        if row.public is None:
            e.add_cell(self.data_id, row.data, slot, k)
        else:
            e.add_constant(k * row.public[slot])

    def linear(self, row: Row, equation: Equation) -> Affine:
        """What an equation of the forward pass reads but products and hidden rows, at a row point."""
        out = Affine()
        for kind, slot, c in equation:
            match kind:
                case Kind.ONE:
                    out.add_constant(c)
                case Kind.COLUMN:
                    out.add_cell(TRACE, row.column, slot, c)
                case Kind.DATA if self.selection is not None:
                    pass
                case Kind.DATA:
                    self.add_data(out, row, slot, c)
                case _:
                    assert kind is Kind.PAIR
        return out

    def linear_part(self, row: Row, equation: HeadEquation) -> Affine:
        """What an equation of the head reads but products."""
        out = Affine(row.real * equation.real + ONE * equation.one)
        for slot, c in equation.columns:
            out.add_cell(TRACE, row.column, slot, ONE * c)
        for slot, c in equation.masked:
            out.add_cell(TRACE, row.masked, slot, ONE * c)
        if equation.data is not None:
            self.add_data(out, row, equation.data, ONE * equation.data_scale)
        for slot, c in equation.labels:
            self.add_data(out, row, slot, ONE * c)
        return out

    def add_form(self, e: Affine, form: Form, row: Row, k: E) -> None:
        """Adds k times a form of trace and data columns."""
        e.add_constant(k * form.constant)
        for vector, slot, c in form.terms:
            if vector == DATA:
                self.add_data(e, row, slot, k * c)
            else:
                e.add_cell(vector, row.column, slot, k * c)


def at_rows(values: Sequence[int], width: int, point: Point) -> list[E]:
    """sum_x eq(point, x) of every column of a row-major table."""
    return weighted(values, width, eq_table(point))
