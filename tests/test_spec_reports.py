"""The second verifier agrees with Rust on reports: on honest ones of every kind, on changed and on forged ones.

`python tests/test_spec_reports.py COUNT` is the long sweep of `make spec-sweep`.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from spec import report, report_comparison, report_rates, report_statement, report_strategy
from spec.chain import RunVerdict
from spec.field import P
from spec.johnson import summed
from spec.proof import DataFile, ReportProof, RunProof
from spec.rejected import Rejected
from spec.report import check_commitments, verify_report
from spec.report_errors import ABSOLUTE, SQUARED, ExplainedAtLeast, MeanErrorAtMost
from spec.report_rates import TopK
from spec.report_rules import check_report
from spec.report_statement import (
    Accuracy,
    AllRows,
    AtLeast,
    Classes,
    CommittedInput,
    Counts,
    Exactly,
    GapAtMost,
    Groups,
    HiddenRows,
    ListedRows,
    Outputs,
    PublicInput,
    Recall,
    ReportStatement,
    RowRange,
    SquaredError,
    TargetMoments,
)
from spec.report_strategy import (
    Backtest,
    DrawdownAtMost,
    Hits,
    HitsAtLeast,
    Linear,
    Long,
    Profit,
    SharpeAtLeast,
    Sign,
    SortinoAtLeast,
    Squares,
    Strategy,
    Tanh,
)
from spec.report_table import Days, Numbers, TableInput
from spec.score_statement import (
    BRIER,
    LOG,
    Auc,
    AucAtLeast,
    AucGapAtMost,
    BalancedAtLeast,
    Calibration,
    Figure,
    Loss,
    LossAtMost,
    RateAtLeast,
    RateAtMost,
    ScoreBin,
    Scores,
    Thresholds,
)
from spec.score_values import PROBABILITY, Value, values
from spec.statement import BinaryLabels, ClassLabels, DataRecord, RealLabels
from spec.validity import verify_data
from spec.verify import main, verify_on_run, verify_proof
from spec.wire import options, read_file, write_file

import tacit
from spec_mutations import nodes, with_change
from spec_report_cases import CASES, WORLDS, Worlds
from spec_targets import Step, Target, last_raised, node, plus_one, shorter, sweep
from tacit.errors import ProofRejected

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worlds]:
    folder = tmp_path_factory.mktemp("reports")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        patch.delenv("TACIT_PASSPHRASE", raising=False)
        yield Worlds(folder)


def first(files: dict[str, Path], path: Path | None = None) -> tacit.Verdict:
    """Rust's verdict on a report."""
    return tacit.verify(
        path or files["report"], run=files["run"], data=files.get("data"), training=files.get("training")
    )


def second(files: dict[str, Path]) -> dict[str, str]:
    """The facts of the second verifier."""
    held = {name: files[name].read_bytes() for name in ("data", "training") if name in files}
    return verify_on_run(files["report"].read_bytes(), files["run"].read_bytes(), **held)


@cache
def run_of(run: Path, training: Path) -> tuple[RunProof, RunVerdict]:
    """A verified run, once."""
    return verify_proof(run.read_bytes(), training.read_bytes())


@cache
def valid(commitment: Path) -> DataRecord:
    """The record of a data commitment, verified once."""
    body = read_file("data", DataFile, commitment.read_bytes())
    verify_data(body)
    return body.record


def target(files: dict[str, Path]) -> Target:
    """A report to change. Without the commitment of the data evaluated, which would find changes first."""
    held = {name: files[name] for name in ("report", "run", "training")}
    run, verdict = run_of(held["run"], held["training"])

    def judge(content: bytes) -> None:
        decoded = read_file("report", ReportProof, content)
        check_commitments(decoded, run.statement, None, trained=True)
        verify_report(decoded, verdict, run.statement)

    return Target("report", ReportProof, files["report"].read_bytes(), lambda path: first(held, path), judge)


def decoded(files: dict[str, Path]) -> ReportProof:
    return read_file("report", ReportProof, files["report"].read_bytes())


@pytest.mark.parametrize("name", list(CASES))
def test_honest_reports_are_accepted_by_both(name: str, made: Worlds) -> None:
    files = made(name)
    body, (run, of_run), verdict = decoded(files), run_of(files["run"], files["training"]), first(files)
    record = valid(files["data"]) if "data" in files else None
    check_commitments(body, run.statement, record, trained=True)
    of_report = verify_report(body, of_run, run.statement)
    stated = verdict.statement["report"]
    assert (stated["run_digest"], stated["model_digest"]) == (
        of_run.run_digest.hex(),
        of_run.model_digest.hex(),
    )
    assert len(stated["shown"]) == len(body.statement.shown)
    if record is not None:
        assert of_report.data_digest == record.digest() == bytes.fromhex(stated["input"]["data_digest"])
    bits = summed(bits for _, bits in of_report.soundness)
    assert bits == pytest.approx(-dict(verdict.soundness)["total, report"], abs=1e-6)


def test_cases_cover_what_is_supported(made: Worlds) -> None:
    """Which statements the honest reports make, read from their files."""
    statements = [decoded(made(name)).statement for name in CASES]
    found = {type(value) for s in statements for _, _, value in nodes(ReportStatement, s)}
    assert set(options(report_rates.Rate) or ()) <= found
    # Comparisons have two runs: test_compare_models.py.
    assert set(options(report_statement.Shown) or ()) - {report_comparison.BetterBy} <= found
    assert set(options(report_strategy.Figure) or ()) <= found
    assert {report_strategy.Sign, report_strategy.Long, report_strategy.Linear, report_strategy.Tanh} <= found
    assert set(options(Figure) or ()) <= found
    assert {AllRows, RowRange, ListedRows, CommittedInput, PublicInput, TableInput} <= found
    assert {Days, Numbers} <= found
    assert {len(s.groups.columns) for s in statements if s.groups} == {1, 2}
    assert {len(s.groups.values) for s in statements if s.groups} == {2, 3, 9}
    shown = [(s, x) for s in statements for x in s.shown]
    assert {x.group is None for _, x in shown if isinstance(x, Exactly | AtLeast)} == {True, False}
    # Heads of one output and of several, with and without groups; data sets as long as a trace, and shorter.
    heads = {(s.group_count > 1, len(x.counts) // s.group_count) for s, x in shown if isinstance(x, Counts)}
    assert heads >= {(False, 9), (True, 9), (True, 4)}
    rows = {s.input.data.rows for s in statements if isinstance(s.input, CommittedInput)}
    assert {n.bit_length() for n in rows} == {6, 7, 8, 9}
    modules = {m if isinstance(m, int) else m.__name__ for w in WORLDS.values() for m in w.layers}
    assert {"ReLU", "Sigmoid", "Tanh", 1, 2, 3} <= modules
    assert {w.loss for w in WORLDS.values()} == {"class", "binary", "real"}


# Every field of one report, and every field of the statements of other kinds.
CHANGED = [("everything", "", 1, 20), ("errors", "statement", 1, 0), ("flag", "statement", 1, 0)]
CHANGED += [("public", "statement", 2, 10), ("backtest of parts", "statement", 1, 0)]
CHANGED += [("backtest of bounds", "statement", 1, 0)]


@pytest.mark.parametrize(("case", "under", "per_node", "flips"), CHANGED)
def test_changed_reports_are_rejected_by_both(
    case: str, under: str, per_node: int, flips: int, made: Worlds, tmp_path: Path
) -> None:
    counts = sweep(target(made(case)), tmp_path / "changed.report", 1, per_node, flips, seed=1, under=under)
    print(case, sum(counts.values()), counts)
    assert sum(counts.values()) > 20
    reached = {"SourceClaim", "OtherRun", "NotFinalModel", "Length"}
    assert reached | (set() if under else {"ColumnClaim", "Oracle(Tree(0))", "Work", "FoldShape"}) <= set(
        counts
    )


# Each rule of a statement: the same check in both verifiers.

INPUT: tuple[Step, ...] = ("input",)
DATA: tuple[Step, ...] = ("input", "data")
GROUPS: tuple[Step, ...] = ("groups",)
SHOWN: tuple[Step, ...] = ("shown",)
ACCURACY = Accuracy()
STRATEGY: tuple[Step, ...] = ("shown", 0, "strategy")
FIGURES: tuple[Step, ...] = ("shown", 0, "figures")
TRADED = Backtest(Strategy(Sign(), (0, 1), 1, 252, []), [Profit(0)])


def instead(*shown: Any) -> Callable[[Any], Any]:
    return lambda old: list(shown)


def at_edge(kind: Any, rate: Any, edge: int, bound: tuple[int, int] = (1, 1)) -> Scores:
    return Scores(None, kind(rate, edge, bound))


def also(*shown: Any) -> Callable[[Any], Any]:
    return lambda old: old + list(shown)


STATED: list[tuple[str, tuple[Step, ...], Callable[[Any], Any], str]] = [
    ("everything", ("version",), lambda v: 2, "Version"),
    ("everything", ("run_digest",), lambda d: bytes(32), "OtherRun"),
    ("everything", ("model_digest",), lambda d: bytes(32), "NotFinalModel"),
    # The rows.
    ("usual", (*INPUT, "rows"), lambda r: RowRange(0, 0), "Rows"),
    ("usual", (*INPUT, "rows"), lambda r: RowRange(80, 11), "Rows"),
    ("usual", (*INPUT, "rows"), lambda r: RowRange(2**32 - 1, 2), "Rows"),
    ("usual", (*INPUT, "rows"), lambda r: RowRange(90, 0), "Rows"),
    ("usual", (*INPUT, "rows"), lambda r: ListedRows([]), "Rows"),
    ("usual", (*INPUT, "rows"), lambda r: ListedRows([3, 3]), "Rows"),
    ("usual", (*INPUT, "rows"), lambda r: ListedRows([4, 3]), "Rows"),
    ("usual", (*INPUT, "rows"), lambda r: ListedRows([89, 90]), "Rows"),
    ("usual", (*INPUT, "rows"), lambda r: RowRange(0, 89), "CountSum"),
    ("predictions", (*INPUT, "rows"), lambda r: RowRange(10, 29), "Length"),
    ("predictions", (*INPUT, "rows"), lambda r: RowRange(11, 30), "SourceClaim"),
    ("predictions", (*INPUT, "rows"), lambda r: ListedRows(list(range(10, 40))), "SourceClaim"),
    ("usual", (*INPUT, "rows"), lambda r: RowRange(0, 90), "SourceClaim"),
    # The data.
    ("usual", (*DATA, "version"), lambda v: 2, "Record"),
    ("usual", (*DATA, "released"), lambda r: ["\u202e"], "Record"),
    ("usual", (*DATA, "features"), lambda n: n + 1, "Mismatch"),
    ("usual", (*DATA, "fa"), lambda n: n + 1, "Mismatch"),
    ("usual", (*DATA, "labels"), lambda x: ClassLabels(2), "Labels"),
    ("usual", (*DATA, "labels"), lambda x: BinaryLabels(3), "Labels"),
    ("flag", (*DATA, "labels"), lambda x: BinaryLabels(2), "Labels"),
    ("flag", (*DATA, "labels"), lambda x: RealLabels(1, 8), "Labels"),
    ("errors", (*DATA, "labels"), lambda x: RealLabels(1, 8), "Labels"),
    ("errors", (*DATA, "labels"), lambda x: BinaryLabels(2), "Labels"),
    ("errors", (*DATA, "labels", "bits"), lambda b: b + 1, "SourceClaim"),
    ("usual", (*DATA, "vector", "log_inv_rate"), lambda r: 1, "Rate"),
    ("usual", (*DATA, "vector", "root"), lambda r: r[::-1], "SourceClaim"),
    ("usual", (*DATA, "pin"), plus_one, "SourceClaim"),
    # Public rows.
    ("public", (*INPUT, "features"), lambda f: [], "PublicFeatures"),
    ("public", (*INPUT, "features"), shorter, "PublicFeatures"),
    ("public", (*INPUT, "features", 0), lambda x: 1 << 15, "PublicFeatures"),
    ("public", (*INPUT, "features", 0), lambda x: -(1 << 15) - 1, "PublicFeatures"),
    ("public", (*INPUT, "features", 0), lambda x: x ^ 1, "SourceClaim"),
    ("public", (*INPUT, "features"), lambda f: f[4:], "Length"),
    ("public", GROUPS, lambda g: Groups([2], [[0], [1]]), "NotApplicable"),
    ("public", SHOWN, instead(Counts([5] + [0] * 8)), "NotApplicable"),
    ("public", SHOWN, instead(SquaredError(0)), "NotApplicable"),
    ("usual", INPUT, lambda i: PublicInput([0] * 360), "NotApplicable"),
    # Groups.
    ("everything", (*GROUPS, "columns"), lambda c: [], "Groups"),
    ("everything", (*GROUPS, "columns"), lambda c: [4], "Groups"),
    ("two columns", (*GROUPS, "columns"), lambda c: c[::-1], "Groups"),
    ("two columns", (*GROUPS, "columns"), lambda c: [c[0], c[0]], "Groups"),
    ("everything", (*GROUPS, "columns", 0), lambda c: c + 1, "SourceClaim"),
    ("everything", (*GROUPS, "values"), lambda v: [v[0], v[0]], "Groups"),
    ("everything", (*GROUPS, "values", 0), lambda v: [*v, 0], "Groups"),
    ("everything", (*GROUPS, "values"), lambda v: v[::-1], "SourceClaim"),
    ("everything", (*GROUPS, "values", 0, 0), lambda x: x - 1, "SourceClaim"),
    ("everything", (*GROUPS, "values"), lambda v: v[:1], "Length"),
    ("everything", (*GROUPS, "values"), lambda v: [[i] for i in range(65)], "Length"),
    ("usual", GROUPS, lambda g: Groups([2], [[0], [1]]), "Length"),
    ("predictions", GROUPS, lambda g: Groups([2], [[0], [1]]), "NotApplicable"),
    # What is shown.
    ("usual", SHOWN, instead(), "Length"),
    ("usual", SHOWN, instead(*[Exactly(ACCURACY, None, 1, 1)] * 65), "Length"),
    ("usual", SHOWN, also(Counts([90] + [0] * 8)), "NotApplicable"),
    ("usual", SHOWN, also(Exactly(ACCURACY, None, 1, 0)), "Fraction"),
    ("usual", SHOWN, also(Exactly(ACCURACY, None, 2, 1)), "Fraction"),
    ("usual", SHOWN, also(Exactly(ACCURACY, 0, 1, 1)), "NoSuchGroup"),
    ("everything", SHOWN, also(Exactly(ACCURACY, 2, 1, 1)), "NoSuchGroup"),
    ("usual", SHOWN, also(Exactly(Recall(3), None, 1, 1)), "NoSuchClass"),
    ("usual", SHOWN, also(AtLeast(Recall(2**32 - 1), None, (1, 1))), "NoSuchClass"),
    ("usual", SHOWN, also(AtLeast(ACCURACY, None, (2, 1))), "Fraction"),
    ("usual", SHOWN, also(AtLeast(ACCURACY, None, (0, 0))), "Fraction"),
    ("usual", SHOWN, also(GapAtMost(ACCURACY, [1, 1], (1, 1))), "NotApplicable"),
    ("everything", SHOWN, also(GapAtMost(ACCURACY, [1], (1, 1))), "Length"),
    ("everything", SHOWN, also(GapAtMost(ACCURACY, [1, 0], (1, 1))), "Fraction"),
    ("everything", SHOWN, also(GapAtMost(ACCURACY, [1, 1], (3, 2))), "Fraction"),
    ("everything", SHOWN, also(GapAtMost(Recall(7), [1, 1], (1, 1))), "NoSuchClass"),
    ("everything", SHOWN, also(GapAtMost(ACCURACY, [2**32 - 1] * 2, (1, 2**32 - 1))), "BoundTooFine"),
    ("everything", SHOWN, also(GapAtMost(ACCURACY, [1 << 23] * 2, (0, 1 << 32 - 1))), "BoundTooFine"),
    ("usual", SHOWN, instead(AtLeast(ACCURACY, None, (1, 2))), "MessageMissing"),
    ("usual", SHOWN, instead(SquaredError(0)), "Labels"),
    ("hidden", (*INPUT, "rows"), lambda r: HiddenRows(0), "Selected"),
    ("hidden", (*INPUT, "rows"), lambda r: HiddenRows(2**17 + 1), "Selected"),
    ("hidden", (*INPUT, "rows"), lambda r: HiddenRows(2**32 - 1), "Selected"),
    ("hidden", (*INPUT, "rows"), lambda r: HiddenRows(2), "Length"),
    ("hidden", SHOWN, instead(Counts([1] + [0] * 8)), "NotApplicable"),
    ("hidden", ("groups",), lambda g: Groups([2], [[0], [1]]), "NotApplicable"),
    ("hidden", (*SHOWN, 0, "values", 4), lambda z: z ^ 1, "SourceClaim"),
    ("told", (*SHOWN, 0, "classes"), shorter, "Length"),
    ("told", (*SHOWN, 0, "classes", 3), lambda c: 3, "NoSuchClass"),
    ("told", (*SHOWN, 0, "classes", 3), lambda c: (c + 1) % 3, "SourceClaim"),
    ("told", (*SHOWN, 2, "bounds"), shorter, "Length"),
    ("told", (*SHOWN, 2, "bounds", 1), lambda b: b + 1, "SourceClaim"),
    ("told", (*SHOWN, 2, "bounds", 1), lambda b: 2**17 + 1, "MarginBound"),
    ("told", (*SHOWN, 2, "bounds", 1), lambda b: -(2**31), "MarginBound"),
    ("told", (*SHOWN, 2, "plus"), lambda j: 1, "SourceClaim"),
    ("told", (*SHOWN, 2, "plus"), lambda j: 3, "Margin"),
    ("told", (*SHOWN, 2, "plus"), lambda j: None, "Margin"),
    ("told", (*SHOWN, 3, "minus"), lambda j: 1, "Margin"),
    ("told", (*SHOWN, 3, "minus"), lambda j: None, "SourceClaim"),
    ("told", (*SHOWN, 5, "outputs", "rows"), lambda n: n + 1, "Mismatch"),
    ("told", (*SHOWN, 5, "outputs", "fa"), lambda n: n - 1, "Mismatch"),
    ("told", (*SHOWN, 5, "outputs", "vector", "root"), lambda b: b[::-1], "SourceClaim"),
    ("told", SHOWN, lambda s: s + s[:1], "NotApplicable"),
    ("told", SHOWN, lambda s: s + s[5:], "NotApplicable"),
    ("told of hidden", (*SHOWN, 0, "classes", 0), lambda c: 1 - c, "SourceClaim"),
    ("told of hidden", (*SHOWN, 1, "minus"), lambda c: None, "Margin"),
    ("errors", SHOWN, instead(Classes([0] * 300)), "NotApplicable"),
    ("hidden of many", (*SHOWN, 0, "values", 1), lambda z: z + 1, "SourceClaim"),
    ("hidden of many", (*DATA, "schema"), lambda b: b[::-1], "SourceClaim"),
    ("usual", (*SHOWN, 1, "counts"), shorter, "Length"),
    ("usual", (*SHOWN, 1, "counts", 0), lambda n: n + 1, "CountSum"),
    ("usual", (*SHOWN, 1, "counts"), lambda c: c[::-1], "SourceClaim"),
    ("usual", (*SHOWN, 0, "numerator"), lambda n: n - 1, "SourceClaim"),
    ("bound", (*SHOWN, 0, "bound"), lambda b: (b[0], b[1] + 1), "SourceClaim"),
    ("outputs", SHOWN, instead(Counts([])), "NotApplicable"),
    ("outputs", SHOWN, instead(Exactly(Recall(9), None, 1, 1)), "NotApplicable"),
    ("outputs", (*SHOWN, 0, "values"), shorter, "Length"),
    ("outputs", (*SHOWN, 0, "values", 0), lambda z: z ^ 1, "SourceClaim"),
    ("outputs", SHOWN, lambda s: s + s, "NotApplicable"),
    ("errors", SHOWN, lambda s: s + s[:1], "NotApplicable"),
    ("errors", SHOWN, also(Outputs([])), "Length"),
    ("errors", SHOWN, also(Counts([])), "NotApplicable"),
    ("absolute", (*SHOWN, 0, "sum"), lambda n: n - 1, "SourceClaim"),
    ("absolute", (*SHOWN, 0, "sum"), lambda n: (40 * 2 << 32) + 1, "Sum"),
    ("absolute", SHOWN, instead(TargetMoments([0], 0)), "Length"),
    ("absolute", SHOWN, instead(TargetMoments([0, -(1 << 63)], 0)), "Sum"),
    ("absolute", SHOWN, instead(TargetMoments([0, 0], 2**64 - 1)), "Sum"),
    # Backtests.
    ("backtest", (*INPUT, "rows"), lambda r: ListedRows(list(range(4, 90))), "BacktestRows"),
    ("backtest", (*INPUT, "rows"), lambda r: RowRange(4, 1), "TooFewRows"),
    ("backtest", (*INPUT, "rows"), lambda r: RowRange(3, 86), "BeforeFirst"),
    ("backtest", (*INPUT, "rows"), lambda r: AllRows(), "BeforeFirst"),
    ("backtest", (*INPUT, "rows"), lambda r: RowRange(5, 85), "Figure"),
    ("backtest of bounds", (*INPUT, "rows"), lambda r: RowRange(5, 85), "SourceClaim"),
    ("backtest", (*DATA, "labels"), lambda x: BinaryLabels(1), "Labels"),
    ("backtest", INPUT, lambda i: PublicInput([0] * 40), "BacktestRows"),
    ("backtest", SHOWN, lambda s: s + s, "NotApplicable"),
    ("backtest", (*STRATEGY, "position"), lambda p: Long(), "SourceClaim"),
    ("backtest", (*STRATEGY, "position"), lambda p: Linear(0, 1, False, 2), "Field"),
    ("backtest", (*STRATEGY, "position"), lambda p: Linear((1 << 16) + 1, 1, False, 2), "Field"),
    ("backtest", (*STRATEGY, "position"), lambda p: Linear(1, 13, False, 2), "Field"),
    ("backtest", (*STRATEGY, "position"), lambda p: Tanh(15, 1, True, 2), "Field"),
    ("backtest", (*STRATEGY, "position"), lambda p: Tanh(1, 2**32 - 1, True, 2), "Field"),
    ("backtest", (*STRATEGY, "position"), lambda p: Linear(1, 1, True, 0), "Field"),
    ("backtest", (*STRATEGY, "position"), lambda p: Tanh(1, 1, True, 3), "Field"),
    ("backtest", (*STRATEGY, "cost"), lambda c: (c[0], 0), "Field"),
    ("backtest", (*STRATEGY, "cost"), lambda c: (2**32 - 1, 1), "TooLarge"),
    ("backtest", (*STRATEGY, "cost"), lambda c: (c[0] + 1, c[1]), "SourceClaim"),
    ("backtest", (*STRATEGY, "unit"), lambda u: 0, "Field"),
    ("backtest", (*STRATEGY, "unit"), lambda u: u + 1, "SourceClaim"),
    ("backtest", (*STRATEGY, "periods"), lambda n: (1 << 14) + 1, "Field"),
    ("backtest", (*STRATEGY, "lags"), lambda x: x[::-1], "Lags"),
    ("backtest", (*STRATEGY, "lags", 3, "column"), lambda c: 4, "Lags"),
    ("backtest", (*STRATEGY, "lags", 3, "back"), lambda b: 2**32 - 1, "BeforeFirst"),
    ("backtest", (*STRATEGY, "lags", 3, "back"), lambda b: 2, "SourceClaim"),
    ("backtest", FIGURES, lambda f: [], "Field"),
    ("backtest", FIGURES, lambda f: f + f[:1], "Twice"),
    ("backtest", FIGURES, lambda f: [*f, DrawdownAtMost(0)], "Twice"),
    ("backtest", FIGURES, lambda f: [Profit(-(1 << 63))], "Figure"),
    ("backtest", FIGURES, lambda f: [Squares(2**64 - 1)], "Figure"),
    ("backtest", FIGURES, lambda f: [Hits(2, 1)], "Figure"),
    ("backtest", FIGURES, lambda f: [HitsAtLeast((2, 1))], "Fraction"),
    ("backtest", FIGURES, lambda f: [SharpeAtLeast((1, 1 << 16))], "Ratio"),
    ("backtest", FIGURES, lambda f: [SortinoAtLeast((65535, 1))], "RatioTooHigh"),
    ("backtest of bounds", (*FIGURES, 0, "bound"), lambda b: (b[0], b[1] + 1), "SourceClaim"),
    ("backtest of bounds", (*FIGURES, 2, "bound"), lambda b: b - 1, "SourceClaim"),
    ("errors", SHOWN, lambda s: [TRADED], "Labels"),
    ("usual", SHOWN, lambda s: [TRADED], "Labels"),
    # Figures of scores.
    ("usual", SHOWN, instead(Scores(None, AucAtLeast((0, 1)))), "NotApplicable"),
    ("outputs", SHOWN, instead(Scores(None, AucAtLeast((0, 1)))), "NotApplicable"),
    ("absolute", SHOWN, instead(Scores(None, AucAtLeast((0, 1)))), "NotApplicable"),
    ("flag public", SHOWN, instead(Scores(None, AucAtLeast((0, 1)))), "NotApplicable"),
    ("scores", SHOWN, also(Scores(0, AucAtLeast((0, 1)))), "NoSuchGroup"),
    ("scores by group", SHOWN, also(Scores(3, AucAtLeast((0, 1)))), "NoSuchGroup"),
    ("scores", SHOWN, also(Scores(None, AucAtLeast((2, 1)))), "Fraction"),
    ("scores", SHOWN, also(Scores(None, LossAtMost(LOG, (0, 0)))), "Fraction"),
    ("scores", SHOWN, also(Scores(None, LossAtMost(LOG, (0, 2**32 - 1)))), "BoundTooFine"),
    ("scores", SHOWN, also(Scores(None, AucGapAtMost([1], [1], (1, 1)))), "NotApplicable"),
    ("scores by group", SHOWN, also(Scores(1, AucGapAtMost([1] * 3, [1] * 3, (1, 1)))), "NotApplicable"),
    ("scores by group", SHOWN, also(Scores(None, AucGapAtMost([1] * 3, [1] * 3, (2, 1)))), "Fraction"),
    ("scores by group", SHOWN, also(Scores(None, AucGapAtMost([1] * 2, [1] * 3, (1, 1)))), "Length"),
    ("scores by group", SHOWN, also(Scores(None, AucGapAtMost([1, 0, 1], [1] * 3, (1, 1)))), "OneClass"),
    ("scores by group", SHOWN, also(Scores(None, AucGapAtMost([1] * 3, [1] * 3, (1, 1)))), "CountSum"),
    ("scores by group", SHOWN, also(Scores(0, Auc(0, 70, 8))), "CountSum"),
    (
        "scores by group",
        SHOWN,
        also(Scores(None, AucGapAtMost([13] * 3, [13, 13, 12], (1, 2**32 - 1)))),
        "SourceClaim",
    ),
    ("scores", (*SHOWN, 0, "figure", "twice"), lambda n: n + 1, "SourceClaim"),
    ("scores", (*SHOWN, 0, "figure"), lambda f: Auc(f.twice, f.positives + 1, f.negatives - 1), "SourceClaim"),
    ("scores", (*SHOWN, 0, "figure", "positives"), lambda n: n + 1, "CountSum"),
    ("scores", (*SHOWN, 0, "figure"), lambda f: Auc(0, 200, 0), "OneClass"),
    ("scores", (*SHOWN, 0, "figure"), lambda f: Auc(2**64 - 1, 100, 100), "Sum"),
    ("scores", (*SHOWN, 1, "figure", "sum"), lambda n: n - 1, "SourceClaim"),
    ("scores", (*SHOWN, 1, "figure", "sum"), lambda n: 2**64 - 1, "Sum"),
    ("scores", (*SHOWN, 1, "figure", "rows"), lambda n: 0, "Length"),
    ("scores", (*SHOWN, 1, "figure", "rows"), lambda n: n - 1, "CountSum"),
    ("scores", (*SHOWN, 1, "figure"), lambda f: Loss(BRIER, 0, f.rows), "SourceClaim"),
    ("scores", (*SHOWN, 3, "figure", "edges"), lambda e: e[::-1], "Edges"),
    ("scores", (*SHOWN, 3, "figure", "edges", 0), lambda e: -(1 << 31), "Edges"),
    ("scores", (*SHOWN, 3, "figure", "edges", 0), lambda e: e - 40, "SourceClaim"),
    ("scores", (*SHOWN, 3, "figure", "edges"), lambda e: [], "Length"),
    ("scores", (*SHOWN, 3, "figure", "bins"), shorter, "Length"),
    ("scores", (*SHOWN, 3, "figure", "bins", 0, "rows"), lambda n: n + 1, "CountSum"),
    ("scores", (*SHOWN, 3, "figure", "bins", 1, "positives"), lambda n: 201, "Sum"),
    ("scores", (*SHOWN, 3, "figure", "bins", 1, "probability"), lambda n: n + 1, "SourceClaim"),
    ("scores", (*SHOWN, 3, "figure", "bins", 1, "probability"), lambda n: 2**64 - 1, "Sum"),
    (
        "scores",
        SHOWN,
        also(Scores(None, Calibration([1], [ScoreBin(201, 0, 0), ScoreBin(0, 0, 0)]))),
        "CountSum",
    ),
    ("scores", SHOWN, also(Scores(None, Thresholds([1], [(100, 101), (100, 0)]))), "Sum"),
    ("scores", SHOWN, also(Scores(None, Thresholds([1], [(100, 0), (101, 0)]))), "CountSum"),
    ("scores", SHOWN, also(Scores(None, Thresholds([1], [(200, 0)]))), "Length"),
    ("scores", SHOWN, also(Scores(None, Thresholds(list(range(257)), [(200, 0)] * 258))), "Length"),
    ("scores", (*SHOWN, 4, "figure", "bins"), lambda b: [(b[0][0] - 1, 0), (b[1][0] + 1, 0)], "SourceClaim"),
    # Ranks, bounds of errors and at a threshold.
    ("ranks", SHOWN, also(Exactly(TopK(0), None, 1, 1)), "TopK"),
    ("ranks", SHOWN, also(AtLeast(TopK(3), None, (1, 1))), "TopK"),
    ("ranks", SHOWN, also(AtLeast(TopK(2**32 - 1), None, (1, 1))), "TopK"),
    ("ranks", SHOWN, also(AtLeast(TopK(1), 2, (1, 1))), "NoSuchGroup"),
    ("ranks", (*SHOWN, 0, "rate"), lambda r: TopK(1), "SourceClaim"),
    ("ranks", (*SHOWN, 0, "numerator"), lambda n: n - 1, "SourceClaim"),
    ("scores", SHOWN, also(Exactly(TopK(1), None, 1, 1)), "NotApplicable"),
    ("bounds at a threshold", SHOWN, also(at_edge(RateAtLeast, TopK(1), 0)), "NotApplicable"),
    ("bounds at a threshold", SHOWN, also(at_edge(RateAtMost, Recall(2), 0)), "NoSuchClass"),
    ("bounds at a threshold", SHOWN, also(at_edge(RateAtLeast, ACCURACY, 2**31 - 1)), "Edges"),
    ("bounds at a threshold", SHOWN, also(at_edge(RateAtMost, ACCURACY, 0, (2, 1))), "Fraction"),
    ("bounds at a threshold", SHOWN, also(at_edge(RateAtMost, ACCURACY, 0, (0, 0))), "Fraction"),
    ("bounds at a threshold", SHOWN, also(Scores(None, BalancedAtLeast(-(2**31), (0, 1)))), "Edges"),
    ("bounds at a threshold", SHOWN, also(Scores(None, BalancedAtLeast(0, (3, 2)))), "Fraction"),
    ("bounds at a threshold", SHOWN, also(Scores(9, BalancedAtLeast(0, (1, 2)))), "NoSuchGroup"),
    ("bounds of pairs", (*SHOWN, 0, "figure", "edge"), lambda e: e + 1, "SourceClaim"),
    ("bounds of pairs", (*SHOWN, 1, "figure", "edge"), lambda e: e + 1, "SourceClaim"),
    ("bounds of pairs", (*SHOWN, 1, "figure", "bound"), lambda b: (1, 2), "SourceClaim"),
    ("usual", SHOWN, also(MeanErrorAtMost(SQUARED, None, (1, 1))), "Labels"),
    ("usual", SHOWN, also(ExplainedAtLeast((0, 1))), "Labels"),
    ("bounded errors", SHOWN, also(MeanErrorAtMost(ABSOLUTE, 2, (1, 1))), "NoSuchGroup"),
    ("bounded errors", SHOWN, also(MeanErrorAtMost(ABSOLUTE, None, (1, 0))), "Fraction"),
    ("bounded errors", SHOWN, also(MeanErrorAtMost(SQUARED, None, (2**32 - 1, 2**32 - 1))), "BoundTooFine"),
    ("bounded errors", (*SHOWN, 0, "bound"), lambda b: (b[0] - 1, b[1]), "SourceClaim"),
    ("bounded errors", (*SHOWN, 0, "error"), lambda e: 1 - e, "SourceClaim"),
    ("bounded errors", (*SHOWN, 2, "group"), lambda g: 1 - g, "SourceClaim"),
    ("explained", SHOWN, also(ExplainedAtLeast((0, 1))), "NotApplicable"),
    ("explained", (*SHOWN, 1, "bound"), lambda b: (2, 1), "Fraction"),
    ("explained", (*SHOWN, 1, "bound"), lambda b: (1, 1), "BoundTooFine"),
    ("explained", (*SHOWN, 1, "bound"), lambda b: (1, 2**32 - 1), "SourceClaim"),
    ("errors", SHOWN, also(ExplainedAtLeast((0, 1))), "MessageMissing"),
]


@pytest.mark.parametrize(("case", "path", "change", "check"), STATED)
def test_each_rule_of_a_statement(
    case: str, path: tuple[Step, ...], change: Callable[[Any], Any], check: str, made: Worlds, tmp_path: Path
) -> None:
    t = target(made(case))
    body = read_file("report", ReportProof, t.content)
    path = ("statement", *path)
    changed = with_change(body, path, change(node(body, path)))
    verdicts = t.assert_rejected(write_file("report", changed), tmp_path / "changed.report", str(path))
    assert verdicts == (check, check)


PROVEN: list[tuple[tuple[Step, ...], Callable[[Any], Any], str]] = [
    (("messages",), shorter, "MessageMissing"),
    (("messages",), lambda m: [*m, m[0]], "MessageCount"),
    (("messages", 3), plus_one, "SourceClaim"),
    (("sacrifices",), shorter, "SacrificeCount"),
    (("trace_root",), lambda root: root[::-1], "SourceClaim"),
    (("opening", "column_rounds"), last_raised, "ColumnClaim"),
    (("opening", "whir", "rounds", 0, "rows", "rows", 0, 0), lambda x: (x + 1) % P, "Oracle(Tree(0))"),
    (("opening", "whir", "rounds", 0, "rows", "paths", "trees", 1, "siblings"), shorter, "Oracle(Tree(1))"),
    (("opening", "whir", "rounds", 0, "rows", "paths", "trees", 2, "siblings"), shorter, "Oracle(Tree(2))"),
    (("opening", "whir", "rounds", 0, "rows", "paths", "trees"), shorter, "TreeCount"),
    (("opening", "whir", "final_sumcheck", "rounds"), last_raised, "FinalClaim"),
]


@pytest.mark.parametrize(("path", "change", "check"), PROVEN)
def test_each_check_of_a_proof(
    path: tuple[Step, ...], change: Callable[[Any], Any], check: str, made: Worlds, tmp_path: Path
) -> None:
    t = target(made("usual"))
    body = read_file("report", ReportProof, t.content)
    changed = with_change(body, ("proof", *path), change(node(body, ("proof", *path))))
    verdicts = t.assert_rejected(write_file("report", changed), tmp_path / "changed.report", str(path))
    # Rust names the tree in its message alone.
    assert verdicts == (check.partition("(")[0], check)


# What stands beside a report.


def test_values_of_scores_are_pinned() -> None:
    """What `docs/arithmetic.md` and the Rust tests have."""
    pins = {
        (PROBABILITY, 1): "e93bc183980d2ecabc1845152ec617e57e000e2a52134de056cd521192613d0a",
        (Value("loss", LOG), 0): "bedb2a33a32fe159c3bf170189f2888260908e1dbd8f885bd5f492d3b212b171",
        (Value("loss", BRIER), 1): "9d7225bcc755c28c4509b143e78315239e5f68ccfb916d455c09a15daadda6e8",
    }
    for (value, label), pin in pins.items():
        entries = b"".join(v.to_bytes(8, "big") for v in values(value, label, 16, 8))
        assert hashlib.sha256(entries).hexdigest() == pin


def both_refuse(files: dict[str, Path]) -> tuple[str, str]:
    """The checks that reject a report with the files beside it."""
    with pytest.raises(ProofRejected) as of_first:
        first(files)
    with pytest.raises(Rejected) as of_second:
        second(files)
    return of_first.value.check, of_second.value.check


def test_the_training_data_has_to_be_given(made: Worlds) -> None:
    files, own, public = made("usual"), made("own data"), made("public")

    def without(given: dict[str, Path], name: str) -> dict[str, Path]:
        return {key: path for key, path in given.items() if key != name}

    assert both_refuse(without(files, "training")) == ("TrainingData", "TrainingData")
    assert both_refuse(without(public, "training")) == ("TrainingData", "TrainingData")
    neither = without(without(files, "training"), "data")
    assert both_refuse(neither) == ("TrainingData", "TrainingData")
    # One commitment is enough where the rows are those that the model was trained on.
    alone, twice = second(without(own, "training")), second(own)
    # A commitment that is given twice is checked, and counted, twice.
    assert [words.pop("together").split()[0] for words in (alone, twice)] == ["3", "4"]
    assert alone == twice
    assert first(without(own, "training")).shown == first(own).shown
    assert second(without(files, "data"))["report"].endswith("(validity not checked)")
    assert first(without(files, "data"))


def test_reports_are_about_their_files(made: Worlds) -> None:
    files, other = made("usual"), made("flag")
    for changed, checks in (
        ({"data": files["training"]}, ("DataCommitment", "OtherData")),
        ({"training": files["data"]}, ("DataCommitment", "OtherData")),
        ({"run": other["run"], "training": other["training"]}, ("OtherRun", "OtherRun")),
        ({"report": made("public")["report"]}, ("NoData", "NoData")),
    ):
        given = files | changed
        if "run" in changed:
            given.pop("data")
        assert both_refuse(given) == checks
    with pytest.raises(Rejected, match="Kind"):
        second(files | {"report": files["run"]})


def test_limits_that_no_small_report_reaches(made: Worlds, monkeypatch: pytest.MonkeyPatch) -> None:
    files = made("usual")
    run, verdict = run_of(files["run"], files["training"])
    body, config = decoded(files), run.statement.config
    for w, fits in ((verdict.bounds.w, True), (1 << 60, False), (P // 2 + 1, False)):
        if fits:
            assert check_report(body.statement, config, w).rows == 90
            continue
        with pytest.raises(Rejected, match="NoWrap"):
            check_report(body.statement, config, w)
    wide = replace(config.architecture.layers[0], z_bits=63 - config.scales.fw)
    layers = [wide, *config.architecture.layers[1:]]
    with pytest.raises(Rejected, match="NoWrap"):
        check_report(
            body.statement, replace(config, architecture=replace(config.architecture, layers=layers)), 1
        )
    of_scores, (run, verdict) = (made("scores"), run_of(made("scores")["run"], made("scores")["training"]))
    layer = run.statement.config.architecture.layers[0]
    for bits, groups, fits in ((20, 1, True), (21, 1, False), (15, 32, True), (15, 33, False)):
        config = replace(
            run.statement.config,
            architecture=replace(run.statement.config.architecture, layers=[replace(layer, z_bits=bits)]),
        )
        s = decoded(of_scores).statement
        if groups > 1:
            s = replace(s, groups=Groups([2], [[i] for i in range(groups)]))
        if fits:
            assert check_report(s, config, 1).scores is not None
        else:
            with pytest.raises(Rejected, match="Histogram"):
                check_report(s, config, 1)
    run, verdict = run_of(files["run"], files["training"])
    monkeypatch.setattr(report, "MAX_SLOTS", 1)
    with pytest.raises(Rejected, match="TraceSize"):
        verify_report(body, verdict, run.statement)


# Whole proofs of a dishonest prover on the run of the fixtures: `crates/training/src/report/tests/fixtures.rs`.


def forged(name: str) -> dict[str, Path]:
    seeded = {"run": FIXTURES / "seeded.tacit", "training": FIXTURES / "seeded.commitment"}
    return seeded | {"report": FIXTURES / f"{name}.tacit"}


def test_a_report_on_a_run_of_another_rate() -> None:
    """Rate 1/2, a velocity behind the weights, a public start: accepted by both."""
    facts, verdict = second(forged("report-seeded")), first(forged("report-seeded"))
    assert float(facts["report bits"]) == pytest.approx(-dict(verdict.soundness)["total, report"], abs=0.006)


@pytest.mark.parametrize("kind", ["count", "prediction", "model"])
def test_forged_reports_are_rejected_by_both(kind: str) -> None:
    """A wrong count; a prediction that is not its output's, with counts that fit; another model's outputs."""
    files, honest = forged(f"forged-report-{kind}"), forged("report-seeded")
    lie, truth = decoded(files), decoded(honest)
    assert lie.statement.shown != truth.statement.shown
    assert replace(lie.statement, shown=truth.statement.shown) == truth.statement
    assert len(lie.proof.messages) == len(truth.proof.messages)
    assert both_refuse(files) == ("SourceClaim", "SourceClaim")


@pytest.mark.parametrize("kind", ["area", "score"])
def test_forged_scores_are_rejected_by_both(kind: str) -> None:
    """An area half a pair too large; a row counted at a larger score, with the area that follows."""
    files, honest = forged(f"forged-report-{kind}"), forged("report-scores")
    lie, truth = decoded(files), decoded(honest)
    assert lie.statement.shown != truth.statement.shown
    assert replace(lie.statement, shown=truth.statement.shown) == truth.statement
    assert both_refuse(files) == ("SourceClaim", "SourceClaim")
    facts, verdict = second(honest), first(honest)
    assert float(facts["report bits"]) == pytest.approx(-dict(verdict.soundness)["total, report"], abs=0.006)


def test_command(made: Worlds, capsys: pytest.CaptureFixture[str]) -> None:
    files = made("usual")
    beside = [f"--{name}={files[name]}" for name in ("run", "data", "training")]
    assert main([str(files["report"]), *beside]) == 0
    assert "report: 2 figures on 90 rows of" in capsys.readouterr().out
    assert main([str(files["report"]), *beside[1:]]) == 2
    assert "rejected: Usage" in capsys.readouterr().err
    assert main([str(files["report"]), *beside, f"--release={files['run']}"]) == 2
    assert main([str(files["run"]), *beside[1:]]) == 2
    assert "rejected: Usage" in capsys.readouterr().err


def long_sweep(count: int) -> None:
    """`count` nodes of every field and ten times as many random changes, of every case."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["XDG_STATE_HOME"] = str(folder / "state")
        made = Worlds(folder)
        for case in CASES:
            counts = sweep(target(made(case)), folder / "changed.report", count, count, 10 * count, seed=count)
            print(f"{case}: {sum(counts.values())} rejected by both: {counts}", flush=True)


if __name__ == "__main__":
    long_sweep(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
