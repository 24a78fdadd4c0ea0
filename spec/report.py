"""A report: what the final model of a verified run does on rows (section 10.8)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction

from spec.chain import MAX_CELLS, MAX_SLOTS, RunVerdict, check_rate
from spec.link import Links
from spec.parameters import Term
from spec.proof import ReportProof
from spec.records import check_model
from spec.rejected import Rejected, require
from spec.relation import check_relation
from spec.report_relation import LABEL, ReportRelation
from spec.report_rules import check_report
from spec.report_sides import check_comparisons, side, ties
from spec.report_statement import CommittedInput
from spec.report_strategy import Backtest
from spec.statement import DataRecord, RunStatement

REPORT_VERSION = 1


@dataclass
class ReportVerdict:
    """What a verified report establishes, given its run and the validity of the data."""

    data_digest: bytes | None
    rows: int
    soundness: list[Term]


def check_commitments(
    report: ReportProof,
    run: RunStatement,
    evaluated: DataRecord | None,
    trained: bool,
    links: Links | None = None,
) -> None:
    """A report is about the data evaluated; one of the valid commitments given is that of the training data.

    On that one rests the bound of the weights. `trained` says that the run's verification had it already. Links
    may lead from any of these commitments to another.
    """
    links = links or Links()
    if evaluated is not None:
        if not isinstance(report.statement.input, CommittedInput):
            raise Rejected("NoData", "the report is about public rows, not about committed data")
        about = report.statement.input.data.digest()
        require(links.join(about, evaluated.digest()), "OtherData", "the report is about other data")
        trained |= links.join(evaluated.digest(), run.data.digest())
    require(trained, "TrainingData", "the commitment of the training data is not given")
    if isinstance(report.statement.input, CommittedInput):
        links.join(report.statement.input.data.digest(), run.data.digest())


def check_unit(backtest: Backtest, schema: str, fa: int) -> None:
    """By the schema document a return of 0 is the integer 0, and one of 1 the backtest's unit.

    Of the data evaluated; of public rows the training data's, if it has one real target.
    """
    try:
        target = json.loads(schema)["target"]
        offset, divisor = Fraction(target["offset"]), Fraction(target["divisor"])
    except (ValueError, KeyError, TypeError):
        raise Rejected("OtherUnit", "the schema document has no scale of the target") from None
    close = abs(divisor * backtest.strategy.unit - 2**fa) <= Fraction(2**fa, 2**40)
    require(offset == 0 and close, "OtherUnit", f"{target}")


Compared = tuple[RunVerdict, RunStatement]
"""The run of the model that a report compares with."""


def check_trained(
    report: ReportProof, first: RunStatement, second: RunStatement, held: bool, evaluated: bool, links: Links
) -> None:
    """One of the valid commitments is that of the second model's training data: its own, or another model's
    or the evaluated one."""
    about, on = report.statement.input, second.data.digest()
    trained = held or links.join(first.data.digest(), on)
    if evaluated and isinstance(about, CommittedInput):
        trained = trained or links.join(about.data.digest(), on)
    require(trained, "TrainingData", "the commitment of the second model's training data is not given")


def verify_report(
    report: ReportProof, run: RunVerdict, of_run: RunStatement, other: Compared | None = None
) -> ReportVerdict:
    """Checks a report against the verdict on its run and, if it compares two models, on that of the second;
    the validity of data is checked apart."""
    s, data = report.statement, list[DataRecord]()
    require(s.version == REPORT_VERSION, "Version", f"{s.version}")
    require(s.public is None, "PublicModel", "the report is on a public model")
    require(s.run_digest == run.run_digest, "OtherRun", "the report belongs to another run")
    require(s.model_digest == run.model_digest, "NotFinalModel", "the report is on another model")
    check_model(run.model, of_run.config)
    check_rate(of_run, run.model.vector.log_inv_rate)
    if other is not None and s.against is not None:
        require(s.against.run_digest == other[0].run_digest, "OtherRun", "the second model is of another run")
        require(s.against.model_digest == other[0].model_digest, "NotFinalModel", "another second model")
        check_model(other[0].model, other[1].config)
        check_rate(of_run, other[0].model.vector.log_inv_rate)
    check_comparisons(s)
    require((other is None) == (s.against is None), "OtherModel", "the run of the model compared with")
    one = side(s, second=False)
    checked = check_report(one, of_run.config, run.bounds.w)
    if isinstance(s.input, CommittedInput):
        data.append(s.input.data)
        check_rate(of_run, s.input.data.vector.log_inv_rate)
    if s.committed is not None:
        data.append(s.committed)
        check_rate(of_run, s.committed.vector.log_inv_rate)
    if other is None:
        relation = ReportRelation(one, checked)
    else:
        check_rate(of_run, other[1].log_inv_rate)
        two = side(s, second=True)
        of_two = check_report(two, other[1].config, other[0].bounds.w)
        relation = ReportRelation(one, checked, (two, of_two), ties(s, checked, of_two))
    fits = relation.slots <= MAX_SLOTS and relation.column_cells <= MAX_CELLS
    require(fits, "TraceSize", f"{relation.slots} columns of 2^{relation.log_rows}")
    others = [run.model.committed(), *(record.committed() for record in data)]
    others += [] if other is None else [other[0].model.committed()]
    terms = check_relation(LABEL, s.digest(), relation, of_run.log_inv_rate, others, report.proof)
    about = s.input.data.digest() if isinstance(s.input, CommittedInput) else None
    return ReportVerdict(about, checked.rows, terms)
