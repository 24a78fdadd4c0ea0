"""Statements about the final model of a proven run: how good it is on committed rows, what it predicts."""

from __future__ import annotations

import json
import logging
import operator
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy as np

from tacit import session
from tacit._files import write_public
from tacit._wording import given, name_of, named
from tacit.bounding import compared_rates, fraction, lower_bounds, upper_bounds
from tacit.commitment import link_of, newest, predecessor
from tacit.errors import ReportRefused, UsageError
from tacit.few_rows import bounded_rows, places
from tacit.performance import Performance, shown_performance
from tacit.progress import progress_bar
from tacit.proving import Proof, prove
from tacit.public_models import PublicModel, apart, prove_public
from tacit.rates import FAIRNESS, RATES, differences, rate_name, shown_errors, shown_rates
from tacit.scores import (
    ScoreBin,
    Threshold,
    asked_gap,
    asked_scores,
    counted_rows,
    is_score,
    shown_bins,
    shown_scores,
    shown_thresholds,
)
from tacit.serving import Served

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tacit.arithmetic.record import RunRecord
    from tacit.commitment import CommittedData
    from tacit.public_rows import PublicRows
    from tacit.runs import Run

    Evaluated: TypeAlias = CommittedData | PublicRows

__all__ = [
    "ERRORS",
    "MIN_GROUP",
    "RATES",
    "Report",
    "check_arguments",
    "chosen_rows",
    "evaluate",
    "evaluated_data",
    "is_public",
    "model_outputs",
    "prove_request",
    "prove_rows",
    "read_rows",
    "require_rows",
    "require_schema",
    "serve",
]

ERRORS = {
    "mse": ("SquaredError",),
    "mae": ("AbsoluteError",),
    "r2": ("SquaredError", "TargetMoments"),
}
"""Errors of real targets, and what a report shows of them."""
MIN_GROUP = 10
"""Fewest rows of a group of which anything is shown, unless the owner says otherwise."""
SMALL_GROUP = 50
"""Below, the owner is warned."""
MAX_GROUPS = 64

Number: TypeAlias = float | str | Fraction
Rows: TypeAlias = range | Sequence[int] | None

T = TypeVar("T")

log = logging.getLogger("tacit.report")


@dataclass(frozen=True, slots=True)
class Report:
    """A statement about a model with its proof. Public: hides model and committed rows otherwise."""

    content: bytes = field(repr=False)
    run: str
    shown: tuple[Any, ...]
    """What is shown, as the statement has it."""
    groups: tuple[str, ...] = ()
    """The owner's names of the groups, in the order of the statement. Not in the file."""
    fa: int = 0
    outputs_per_row: int = 1
    rows: int = 0
    links: tuple[bytes, ...] = field(default=(), repr=False)
    """What it is verified with, beside run and data: links to commitments that were made again."""

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the file, durably and all at once. A file of something else is refused (`FileTaken`)."""
        return write_public(path, self.content, overwrite=overwrite)

    def __len__(self) -> int:
        """Bytes."""
        return len(self.content)

    def rates(self) -> dict[str, Fraction]:
        """The rates that are shown exactly, by name and group: `{"accuracy": ..., "recall:1 [sex=F]": ...}`."""
        out = {}
        for item in self.shown:
            if "Exactly" in item:
                told = item["Exactly"]
                group = "" if told["group"] is None else f" [{self.groups[told['group']]}]"
                out[rate_name(told["rate"]) + group] = Fraction(told["numerator"], told["denominator"])
        return out

    def derived(self) -> dict[str, Fraction]:
        """Every rate that what is shown settles, the counts' too: `{"balanced_accuracy [sex=F]": ...}`."""
        found = shown_rates(self.shown, len(self.groups), max(2, self.outputs_per_row))
        return {name + ("" if g is None else f" [{self.groups[g]}]"): rate for (name, g), rate in found.items()}

    def gaps(self) -> dict[str, Fraction]:
        """The largest difference between two groups of every rate that is known of all, and of `FAIRNESS`.

        `{"accuracy": ..., "demographic_parity:1": ..., "equalised_odds:1": ...}`; empty without groups.
        """
        known = shown_rates(self.shown, len(self.groups), 0) | shown_scores(self.shown)
        return differences(known, len(self.groups))

    def scores(self) -> dict[str, Fraction]:
        """Areas and mean losses that are shown: `{"auc": ..., "log_loss [sex=F]": ...}`.

        An area is exact. A loss is a mean of integers with 20 fractional bits, within 2^-20 of the real one.
        """
        found = shown_scores(self.shown)
        return {
            name + ("" if g is None else f" [{self.groups[g]}]"): value for (name, g), value in found.items()
        }

    def calibration(self, group: str | None = None) -> list[ScoreBin]:
        """Bins of predicted probabilities, of all rows or of a group. Raises `UsageError` if not shown."""
        return self._of_scores(shown_bins(self.shown, self.fa), group, "calibration")

    def thresholds(self, group: str | None = None) -> list[Threshold]:
        """What every threshold that was asked for predicts. Raises `UsageError` if not shown."""
        return self._of_scores(shown_thresholds(self.shown, self.fa), group, "threshold:0.3")

    def _of_scores(self, found: Mapping[int | None, list[T]], group: str | None, metric: str) -> list[T]:
        index = None if group is None else self.groups.index(group) if group in self.groups else -1
        if index not in found:
            raise UsageError(f'the report does not show this; ask for metrics=["{metric}"]')
        return found[index]

    def performance(self) -> Performance | None:
        """The figures of a backtest as far as they are shown exactly; None without one."""
        return shown_performance(self.shown, self.rows)

    def errors(self) -> dict[str, Fraction]:
        """MSE, MAE and R^2 as far as they are shown, of the targets as they were scaled; R^2 of all outputs."""
        return shown_errors(self.shown, self.rows, self.outputs_per_row, self.fa)

    def confusion(self) -> NDArray[np.int64]:
        """[groups, C, C] rows by label (line) and prediction (column). Raises `UsageError` if not shown."""
        for item in self.shown:
            if "Counts" in item:
                groups = max(1, len(self.groups))
                classes = round((len(item["Counts"]["counts"]) / groups) ** 0.5)
                return np.array(item["Counts"]["counts"], dtype=np.int64).reshape(groups, classes, classes)
        raise UsageError('the report does not show counts; ask for metrics=["confusion"]')

    def outputs(self) -> NDArray[np.int64]:
        """[n, outputs] integers with `fa` fractional bits. Raises `UsageError` if not shown."""
        for item in self.shown:
            if "Outputs" in item:
                return np.array(item["Outputs"]["values"], dtype=np.int64).reshape(-1, self.outputs_per_row)
        raise UsageError("the report shows no outputs")

    def classes(self) -> NDArray[np.int64]:
        """[n] predicted classes: the first largest output, or whether the only one is above 0."""
        for item in self.shown:
            if "Classes" in item:
                return np.array(item["Classes"]["classes"], dtype=np.int64)
        outputs = self.outputs()
        return (outputs[:, 0] > 0).astype(np.int64) if outputs.shape[1] == 1 else outputs.argmax(axis=1)


def evaluate(
    run: Run | PublicModel,
    data: CommittedData | Any = None,
    labels: Any = None,
    *,
    metrics: str | Iterable[str] | None = None,
    by: str | Sequence[str] | None = None,
    at_least: Mapping[str, Number] | None = None,
    at_least_each: Mapping[str, Number] | None = None,
    at_most: Mapping[str, Number] | None = None,
    at_most_each: Mapping[str, Number] | None = None,
    gap_at_most: Mapping[str, Number] | None = None,
    rows: Rows = None,
    min_group: int = MIN_GROUP,
    quiet: bool = False,
) -> Report:
    """Prove how good the final model of a run, or a public one, is on committed rows or on public ones.

    `data` is committed data, by default the training data; or public rows (a table with the columns of the
    training data, a file of one, or `QuantisedData`) with their `labels` (an array, or the name of a column of
    the table; by default the column of the training data's target). Public rows are scaled as the training
    data was, and stand in the report in the clear with their labels; `min_group` does not hold for them.

    `metrics` (one or several) are shown exactly: "confusion", the names of `RATES`, "top_3" (rows whose label
    is among the three largest outputs), "balanced_accuracy" (as every class's recall), those of `FAIRNESS` (as
    the rates that they compare), of a binary classifier those of `SCORES` ("auc", "log_loss", "brier",
    "calibration", "threshold:0.3"), or of `ERRORS` for real targets; by default accuracy and confusion (MSE and
    R^2) if nothing is bounded.

    `at_least`, `at_least_each` and `gap_at_most` show that rates reach a bound over all rows, in every
    group, or differ by no more than one between groups, and tell nothing else about them (a gap shows the
    groups' denominators). All three take "auc" too; `at_most` and `at_most_each` take the losses, "mse" and
    "mae". Of two classes a rate at a threshold, as "recall@0.3", is bounded from either side,
    "balanced_accuracy" and "balanced_accuracy@0.3" from below. `at_least` takes "r2" of all rows. `gap_at_most`
    takes the names of `FAIRNESS` too: "equalised_odds" bounds recall and false positive rate.
    `by` names feature columns whose values make the groups; no row's group is shown. `rows` is a range or a
    list, by default all.

    `min_group` is the fewest rows of which anything is shown: of all rows that are read, of each group, and of
    what a rate or a table counts among (the rows of one class, or those that are predicted to be of it), and of
    a bin of scores.

    Raises `ReportRefused` naming what is wrong (`SmallGroup` for fewer than `min_group` rows, `Window`,
    `OtherSchema`, `NotProven`, ...; its subclass `BoundFails` for a bound that the model does not reach) and
    `BudgetError` if a commitment has no rows left.
    """
    run, public = apart(run)
    bounds = {"at_least": at_least, "at_least_each": at_least_each, "gap_at_most": gap_at_most}
    bounds |= {"at_most": at_most, "at_most_each": at_most_each}
    committed = None if is_public(data, labels) else data
    check_arguments(run, committed, min_group, bounds)
    record = run.record()
    on, chosen = read_rows(run, committed, data, labels, rows)
    groups: dict[str, Any] | None = None
    names: tuple[str, ...] = ()
    if by is not None:
        groups, names = _groups(on, [by] if isinstance(by, str) else list(by), chosen)
    classes = _classes(record)
    if metrics is None:
        usual = ("mse", "r2") if on.label_kind == "real" else ("accuracy", "confusion")
        metrics = () if any(bounds.values()) else usual
    metrics = [metrics] if isinstance(metrics, str) else _texts(metrics)
    if groups is None and (at_least_each or gap_at_most or at_most_each):
        each_name, gap_name = (
            name_of("at_least_each"),
            named("gap_at_most", option="--gap").removesuffix("=..."),
        )
        raise UsageError(
            f"{each_name} and {gap_name} are about groups: give {named('by', 'COLUMN', option='--by COLUMN')}"
        )
    each = list(range(len(names)))
    asked = _exactly([m for m in metrics if not is_score(m)], classes, [None, *each])
    asked += asked_scores([m for m in metrics if is_score(m)], [None, *each], record.config.scales.fa)
    model = (classes, record.config.scales.fa)
    asked += lower_bounds(at_least, *model, [None]) + lower_bounds(at_least_each, *model, each)
    asked += upper_bounds(at_most, *model, [None]) + upper_bounds(at_most_each, *model, each)
    for metric, bound in (gap_at_most or {}).items():
        if is_score(metric):
            asked.append(asked_gap(metric, fraction(bound)))
            continue
        for rate in compared_rates(metric, classes):
            asked.append({"GapAtMost": {"rate": rate, "bound": fraction(bound)}})
    if not asked:
        raise UsageError(f"nothing is asked for: give {named('metrics', option='--metric')} or bounds")
    request = {"rows": chosen, "groups": groups, "asked": asked}
    return prove_rows(run, record, on, request, names, min_group, quiet, public=public)


def is_public(data: Any, labels: Any) -> bool:
    """Whether rows are given in the clear. Raises `UsageError` for committed data beside labels."""
    from tacit.commitment import CommittedData

    # A bare name is meant for data of the vault, not for a file.
    named_data = isinstance(data, str) and not Path(data).suffix
    if data is not None and not isinstance(data, CommittedData) and not named_data:
        return True
    if labels is not None:
        raise UsageError(f"{name_of('labels')} are for public rows; committed data has its own")
    return False


def read_rows(run: Run, committed: CommittedData | None, x: Any, y: Any, rows: Rows) -> tuple[Evaluated, Any]:
    """The rows that are evaluated, and which of them, as the core reads it."""
    from tacit.public_rows import public_rows

    if is_public(x, y):
        return public_rows(run, x, y).take(rows), "All"
    on = evaluated_data(run, committed)
    require_schema(run, on)
    return on, chosen_rows(rows, on)


def prove_rows(
    run: Run,
    record: RunRecord,
    on: Evaluated,
    request: dict[str, Any],
    names: tuple[str, ...],
    min_group: int,
    quiet: bool,
    other: Run | None = None,
    public: PublicModel | None = None,
) -> Report:
    """`prove_request` on committed rows, or on public ones, of which figures tell nothing new."""
    from tacit.public_rows import PublicRows

    if isinstance(on, PublicRows):
        asked = json.dumps(request | {"table": on.description})
        return prove_request(run, record, None, on.table, asked, names, 0, quiet, other=other, public=public)
    if on.label_kind != "real":
        _require_few(bounded_rows(on, request, names), min_group)
    table = (on.features, on.labels)
    asked = json.dumps(request)
    return prove_request(run, record, on, table, asked, names, min_group, quiet, other=other, public=public)


def _proven(run: Run, record: RunRecord) -> Proof:
    """The run's proof. Raises `ReportRefused` (`NotProven`) if there is none yet."""
    if isinstance(run, Served):
        return run.proven
    if run.unproven(len(record.states) - 1):
        raise ReportRefused(
            f"{run.name} has not been proven, so nobody could check where its model comes from: prove it first",
            reason="NotProven",
        )
    return prove(run, quiet=True)


def serve(run: Run) -> Served:
    """Read the final model of a proven run once, for many reports of this process.

    What it returns goes wherever the run does: `predict`, `evaluate`, `backtest`, `compare_models`. It holds
    weights and the tree of their commitment until nothing refers to it: 160 bytes a weight for 4.0M weights.
    Every proof has its own randomness and is charged as without it. Raises `ReportRefused` (`NotProven`).
    """
    record = run.record()
    proven = _proven(run, record)
    state = record.final.flat_weights(), record.final.flat_velocity()
    tree = session.open_model(proven.content, state, run.final(record).opening)
    return Served(run.vault, run.name, record, proven, tree)


def model_outputs(
    run: Run,
    record: RunRecord,
    data: CommittedData | None,
    table: tuple[NDArray[np.int32], NDArray[np.int64]],
    read: Mapping[str, Any],
    public: PublicModel | None = None,
) -> NDArray[np.int32]:
    """[n, outputs] integers with `fa` fractional bits: what a report would show. For the owner alone."""
    request = json.dumps({"groups": None, "asked": ["Outputs"], **read})
    if public is not None:
        told = np.array(public.outputs(data, table, request), dtype=np.int32)
        return told.reshape(-1, record.config.architecture.layers[-1].outputs)
    proven, commitment = _proven(run, record), None if data is None else data.file
    model = run.final(record).opening.file
    plan = session.plan_report(proven.content, model, record.final.flat_weights(), commitment, *table, request)
    values = np.array(plan["shown"][0]["Outputs"]["values"], dtype=np.int32)
    return values.reshape(-1, record.config.architecture.layers[-1].outputs)


def prove_request(
    run: Run,
    record: RunRecord,
    data: CommittedData | None,
    table: tuple[NDArray[np.int32], NDArray[np.int64]],
    request: str,
    names: tuple[str, ...],
    min_group: int,
    quiet: bool,
    outputs: CommittedData | None = None,
    other: Run | None = None,
    public: PublicModel | None = None,
) -> Report:
    """Plan what is asked, refuse figures of few rows, charge the budgets, and prove.

    `outputs`, of the run's vault, are what the outputs are proven to be; `other` is the run of a model that is
    compared with. A `public` model is read in place of the run's, which need not be proven then.
    """
    if public is not None:
        return prove_public(public, data, table, request, names, min_group, quiet, outputs)
    proven = _proven(run, record)
    weights, velocity = record.final.flat_weights(), record.final.flat_velocity()
    commitment = None if data is None else data.file
    final = run.final(record)
    opening, made = final.opening, final.made
    beside = None if other is None else _other_model(other)
    told_file = None if outputs is None else outputs.file
    plan = session.plan_report(
        proven.content,
        opening.file,
        weights,
        commitment,
        *table,
        request,
        outputs=told_file,
        other=None if beside is None else beside[0],
    )
    require_rows(plan, names, min_group)
    rows = int(plan["rows_per_proof"])
    charged = {made.digest.hex(): rows}
    if beside is not None and other is not None:
        charged |= _charged_apart(run, other, beside[1], rows)
    opened = None
    if data is not None:
        opened = session.Opening(data.file, data.vault.secret(f"data/{data.name}"))
        if data.vault.path == run.vault.path:
            charged[data.digest.hex()] = rows
        else:
            data.vault.budget.charge({data.digest.hex(): rows}, f"report on {run.name}")
    told = None
    if outputs is not None:
        told = (
            session.Opening(outputs.file, outputs.vault.secret(f"data/{outputs.name}")),
            (outputs.features, outputs.labels),
        )
        charged[outputs.digest.hex()] = rows
    run.vault.budget.charge(charged, f"{run.name} report")
    with progress_bar("proving", shown=False if quiet else None) as progress:
        content = session.prove_report(
            proven.content,
            (weights, velocity),
            opening,
            opened,
            table,
            request,
            run.vault.secret(),
            outputs=told,
            other=None if beside is None else beside[0],
            tree=run.tree if isinstance(run, Served) else None,
            progress=progress,
        )
    config = record.config
    width = config.architecture.layers[-1].outputs
    links = final.links + _links_to(run, data)
    links += () if beside is None else tuple(link for link in beside[2] if link not in links)
    if links:
        log.warning("the report opens a commitment that was made again: it is verified with its links (--link)")
    return Report(content, run.name, tuple(plan["shown"]), names, config.scales.fa, width, plan["rows"], links)


def require_rows(plan: Mapping[str, Any], names: Sequence[str], min_group: int) -> None:
    """Refuse figures of few rows."""
    for name, size in zip(names or ("all rows",), plan["group_sizes"], strict=True):
        if size < min_group:
            raise ReportRefused(
                f"{name!r} has {_rows_of(size)}, fewer than {min_group}: what is shown of it "
                "would tell about a few people",
                reason="SmallGroup",
            )
        if names and size < SMALL_GROUP:
            log.warning("the group %r has %d rows: its figures tell about few people", name, size)
    _require_few(_denominators(plan["shown"], names), min_group)


def _require_few(counted: Iterable[tuple[str, int]], min_group: int) -> None:
    """Refuse what counts among few rows."""
    for what, size in counted:
        if 0 < size < min_group:
            raise ReportRefused(
                f"{what} counts among {_rows_of(size)}, fewer than {min_group}: that tells about a few people",
                reason="SmallGroup",
            )


def _charged_apart(run: Run, other: Run, model: str, rows: int) -> dict[str, int]:
    """What the model compared with is charged: in this vault with the rest, in another one now."""
    if other.vault.path == run.vault.path:
        return {model: rows}
    other.vault.budget.charge({model: rows}, f"comparison with {run.name}")
    return {}


def _other_model(other: Run) -> tuple[session.OtherModel, str, tuple[bytes, ...]]:
    """The final model of a proven run as the core opens it, its digest in hexadecimal, its links."""
    record = other.record()
    final = other.final(record)
    weights, velocity = record.final.flat_weights(), record.final.flat_velocity()
    model = session.OtherModel(_proven(other, record).content, weights, velocity, final.opening)
    return model, final.made.digest.hex(), final.links


def evaluated_data(run: Run, data: CommittedData | None) -> CommittedData:
    """The rows that are meant: those given, or the training data under its newest commitment."""
    return data if data is not None else newest(run.data())[0]


def _links_to(run: Run, data: CommittedData | None) -> tuple[bytes, ...]:
    """The links between the training data and `data`, if that is a re-commitment of it."""
    if data is None or data.vault.path != run.vault.path:
        return ()
    links, name = [], data.name
    trained = run.data().name
    while name != trained:
        link, before = link_of(data.vault, name), predecessor(data.vault, name)
        if link is None or before is None:
            return ()
        links.append(link)
        name = before
    return tuple(reversed(links))


def _denominators(shown: Sequence[Any], names: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Among how many rows each figure that is shown counts, with what to call it."""
    for item in shown:
        (kind, told), *_ = item.items() if isinstance(item, dict) else (("", {}),)
        if kind == "Exactly":
            group = "" if told["group"] is None else f" [{names[told['group']]}]"
            yield rate_name(told["rate"]) + group, told["denominator"]
        elif kind == "GapAtMost":
            for name, size in zip(names, told["denominators"], strict=True):
                yield f"{rate_name(told['rate'])} [{name}]", size
        elif kind == "Scores":
            yield from counted_rows(item, names)
        elif kind == "Counts":
            classes = round((len(told["counts"]) / max(1, len(names))) ** 0.5)
            lines = np.array(told["counts"]).reshape(-1, classes).sum(axis=1).tolist()
            for index, size in enumerate(lines):
                group = f" [{names[index // classes]}]" if names else ""
                yield f"class {index % classes} of the confusion matrix{group}", size


def _rows_of(count: int) -> str:
    return f"{count} row{'' if count == 1 else 's'}"


def check_arguments(run: Any, data: Any, min_group: Any, bounds: Mapping[str, Any]) -> None:
    """Refuse arguments of the wrong type before anything is proven."""
    from tacit.commitment import CommittedData
    from tacit.runs import Run

    if not isinstance(run, Run):
        raise UsageError(f"a {type(run).__name__} is no run: open one with tacit.open_run(vault, name)")
    if data is not None and not isinstance(data, CommittedData):
        raise UsageError(
            f"{name_of('data')} is a {type(data).__name__}, not committed data: open it with "
            "tacit.open_data(vault, name)"
        )
    if isinstance(min_group, bool) or not isinstance(min_group, int):
        raise UsageError(f"{given('min_group', min_group)} is not a number of rows")
    for name, bound in bounds.items():
        if bound is not None and not isinstance(bound, Mapping):
            raise UsageError(f'{given(name, bound)} is not of the form {{"accuracy": 0.9}}')


def _texts(metrics: Any) -> list[str]:
    listed = list(metrics) if isinstance(metrics, Iterable) else [metrics]
    if not all(isinstance(metric, str) for metric in listed):
        raise UsageError(f"{name_of('metrics')} is {metrics!r}, not a list of names")
    return listed


def require_schema(run: Run, data: CommittedData) -> None:
    """The rows have the columns, order, scales and labels that the model was trained on."""
    trained = run.data()
    if data.digest == trained.digest:
        return
    for what, ours, theirs in (
        ("columns", data.quantised.feature_names, trained.quantised.feature_names),
        ("scales", data.quantised.scales, trained.quantised.scales),
        ("fractional bits", data.fa, trained.fa),
        ("kind of labels", data.label_kind, trained.label_kind),
        ("classes", data.schema.target.classes, trained.schema.target.classes),
        ("scale of targets", data.quantised.target_scale, trained.quantised.target_scale),
    ):
        if ours != theirs:
            raise ReportRefused(
                f"the {what} of the data differ from those of the training data; commit it with "
                f"{named('like', repr(trained.name), option=f'--like {trained.name}')}",
                reason="OtherSchema",
            )


def chosen_rows(rows: Rows, data: CommittedData) -> Any:
    """The rows as the core reads them."""
    if rows is None:
        return "All"
    if isinstance(rows, range) and rows.step == 1:
        return {"Range": {"first": rows.start, "count": len(rows)}}
    try:
        listed = sorted({operator.index(i) for i in rows})
    except TypeError:
        raise UsageError(f"{given('rows', rows)} is neither a range nor a list of row numbers") from None
    if len(listed) != len(rows):
        raise UsageError("a row is listed twice")
    if listed and not 0 <= listed[0] <= listed[-1] < data.n:
        raise UsageError(f"rows are numbered from 0 to {data.n - 1}")
    return {"Listed": listed}


def _groups(data: Evaluated, columns: Collection[str], rows: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Feature columns and the tuples of their values that occur, with the owner's names for them."""
    names = data.quantised.feature_names
    bases = [name.split("=", 1)[0] for name in names]
    for column in columns:
        if column not in names and column not in bases:
            raise UsageError(f"the data has no input column {column!r}")
    chosen = [i for i, name in enumerate(names) if name in columns or bases[i] in columns]
    features = data.features[places(rows, data.n)][:, chosen]
    values = np.unique(features, axis=0)
    if not 2 <= len(values) <= MAX_GROUPS:
        raise ReportRefused(
            f"{', '.join(columns)}: {len(values)} different values make {len(values)} groups; "
            f"between 2 and {MAX_GROUPS} are possible",
            reason="Groups",
        )
    one = 1 << data.fa
    labels = []
    for row in values:
        hot = [names[i] for i, v in zip(chosen, row, strict=True) if "=" in names[i] and v == one]
        plain = [
            f"{names[i]}={int(v) / one:g}" for i, v in zip(chosen, row, strict=True) if "=" not in names[i]
        ]
        labels.append(", ".join(hot + plain) or "none")
    return {"columns": chosen, "values": values.tolist()}, tuple(labels)


def _exactly(metrics: Iterable[str], classes: int, groups: Sequence[int | None]) -> list[Any]:
    """Metrics that are shown as they are, rates in all of `groups`."""
    asked: list[Any] = []
    for metric in metrics:
        if metric == "confusion":
            asked.append("Counts")
        elif metric in ERRORS:
            asked += [what for what in ERRORS[metric] if what not in asked]
        else:
            if metric in FAIRNESS and len(groups) < 2:
                raise UsageError(f"{metric} compares groups: say by=COLUMN")
            every = [f"recall:{c}" for c in range(classes)] if metric == "balanced_accuracy" else [metric]
            for rate in (rate for name in every for rate in compared_rates(name, classes)):
                exact = [{"Exactly": {"rate": rate, "group": group}} for group in groups]
                asked += [item for item in exact if item not in asked]
    return asked


def _classes(record: RunRecord) -> int:
    last = record.config.architecture.layers[-1].outputs
    return 2 if last == 1 else int(last)
