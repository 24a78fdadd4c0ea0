"""What a report states (section 10.8): model, rows, groups, and what is shown of the outputs on them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from spec.rejected import require
from spec.report_comparison import BetterBy, OtherModel
from spec.report_errors import ExplainedAtLeast, MeanErrorAtMost
from spec.report_model import PublicModel
from spec.report_rates import F1, Accuracy, FalsePositives, Precision, Predicted, Recall, TopK
from spec.report_strategy import Backtest
from spec.report_table import Calendar, TableInput
from spec.score_statement import Scores
from spec.statement import BinaryLabels, ClassLabels, DataRecord, RealLabels
from spec.wire import I32, I64, U16, U32, U64, Bytes32, digest


@dataclass(frozen=True)
class AllRows:
    """Every row."""


@dataclass(frozen=True)
class RowRange:
    """`count` rows from row `first` on."""

    first: U32
    count: U32


@dataclass(frozen=True)
class ListedRows:
    """These rows, ascending."""

    rows: list[U32]


@dataclass(frozen=True)
class HiddenRows:
    """So many rows; which ones stays hidden."""

    count: U32


@dataclass(frozen=True)
class CommittedInput:
    """Rows of a committed data set."""

    data: DataRecord
    rows: AllRows | RowRange | ListedRows | HiddenRows

    @property
    def hidden(self) -> int | None:
        """How many rows are read whose places stay hidden, if they do."""
        return self.rows.count if isinstance(self.rows, HiddenRows) else None

    def index(self) -> list[int]:
        """The rows that are read, as places in the data set, ascending; none if they are hidden."""
        match self.rows:
            case AllRows():
                index = range(self.data.rows)
            case RowRange(first, count):
                index = range(first, first + count)
            case ListedRows(rows):
                require(all(a < b for a, b in pairwise(rows)), "Rows", "rows out of order")
                require(len(rows) > 0 and rows[-1] < self.data.rows, "Rows", "no rows, or rows beyond the last")
                return list(rows)
            case HiddenRows():
                return []
        require(len(index) > 0 and index.stop <= self.data.rows, "Rows", f"rows {index.start} to {index.stop}")
        return list(index)


@dataclass(frozen=True)
class PublicInput:
    """Public rows, row-major."""

    features: list[I32]


@dataclass(frozen=True)
class Groups:
    """A partition of the rows by the values of feature columns: per group a value of every column."""

    columns: list[U32]
    values: list[list[I32]]


@dataclass(frozen=True)
class Outputs:
    """Outputs of the last layer, row-major."""

    values: list[I32]


@dataclass(frozen=True)
class SquaredError:
    """Sum over rows and outputs of (Z - y)^2."""

    sum: U64


@dataclass(frozen=True)
class AbsoluteError:
    """Sum over rows and outputs of |Z - y|."""

    sum: U64


@dataclass(frozen=True)
class TargetMoments:
    """Sum of y per output; sum of y^2 over all outputs."""

    sums: list[I64]
    squares: U64


@dataclass(frozen=True)
class Counts:
    """Rows by group, label and prediction: counts[(group C + label) C + prediction]."""

    counts: list[U32]


@dataclass(frozen=True)
class Exactly:
    """A rate, in a group or in all rows."""

    rate: Accuracy | Recall | Precision | F1 | FalsePositives | Predicted | TopK
    group: U32 | None
    numerator: U32
    denominator: U32


@dataclass(frozen=True)
class AtLeast:
    """A rate is at least bound[0] / bound[1]."""

    rate: Accuracy | Recall | Precision | F1 | FalsePositives | Predicted | TopK
    group: U32 | None
    bound: tuple[U32, U32]


@dataclass(frozen=True)
class GapAtMost:
    """A rate differs by at most bound[0] / bound[1] between groups; its denominators are shown."""

    rate: Accuracy | Recall | Precision | F1 | FalsePositives | Predicted | TopK
    denominators: list[U32]
    bound: tuple[U32, U32]


@dataclass(frozen=True)
class Classes:
    """The class predicted of every row."""

    classes: list[U32]


@dataclass(frozen=True)
class Margins:
    """On every row an output, less another one, is at least its bound."""

    plus: U32 | None
    minus: U32 | None
    bounds: list[I32]


@dataclass(frozen=True)
class Committed:
    """The outputs are the features of a committed data set."""

    outputs: DataRecord


Shown = (
    Outputs
    | SquaredError
    | AbsoluteError
    | TargetMoments
    | Counts
    | Exactly
    | AtLeast
    | GapAtMost
    | Backtest
    | Scores
    | Classes
    | Margins
    | Committed
    | BetterBy
    | Calendar
    | MeanErrorAtMost
    | ExplainedAtLeast
)
Told = Classes | Margins | Committed
Sum = SquaredError | AbsoluteError | TargetMoments


@dataclass(frozen=True)
class ReportStatement:
    """What a report's proof is about."""

    version: U16
    run_digest: Bytes32
    model_digest: Bytes32
    input: CommittedInput | PublicInput | TableInput
    groups: Groups | None
    shown: list[Shown]
    against: OtherModel | None
    public: PublicModel | None

    def digest(self) -> bytes:
        """The statement of the proof."""
        return digest("tacit/report/v1", (ReportStatement, self))

    @property
    def hidden(self) -> int | None:
        """Rows of a committed data set that are read at hidden places, if they are."""
        return self.input.hidden if isinstance(self.input, CommittedInput) else None

    @property
    def labels(self) -> ClassLabels | BinaryLabels | RealLabels | None:
        """What the labels of the rows are, if they have some."""
        if isinstance(self.input, CommittedInput):
            return self.input.data.labels
        return self.input.table.labels if isinstance(self.input, TableInput) else None

    @property
    def group_count(self) -> int:
        """Groups, or the one of all rows."""
        return 1 if self.groups is None else len(self.groups.values)

    @property
    def tops(self) -> list[int]:
        """Every k of the rates of ranks, ascending."""
        rates = (s.rate for s in self.shown if isinstance(s, Exactly | AtLeast | GapAtMost))
        return sorted({rate.k for rate in rates if isinstance(rate, TopK)})

    @property
    def backtest(self) -> Backtest | None:
        """The backtest, if one is shown."""
        return next((s for s in self.shown if isinstance(s, Backtest)), None)

    @property
    def margins(self) -> list[Margins]:
        """Bounds of every row."""
        return [s for s in self.shown if isinstance(s, Margins)]

    @property
    def committed(self) -> DataRecord | None:
        """The commitment to the outputs, if they are committed."""
        return next((s.outputs for s in self.shown if isinstance(s, Committed)), None)

    @property
    def outputs(self) -> list[int] | None:
        """The outputs that are shown, if any."""
        return next((s.values for s in self.shown if isinstance(s, Outputs)), None)
