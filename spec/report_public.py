"""A report on a public model (section 10.13): its weights are in a file; its claim is computed, not opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from spec.chain import MAX_CELLS, MAX_SLOTS
from spec.config import check_config
from spec.field import E, total
from spec.link import Links
from spec.proof import DataFile, ReportProof
from spec.rejected import Rejected, require
from spec.relation import check_relation
from spec.release import check_names
from spec.report import REPORT_VERSION, ReportVerdict
from spec.report_model import PublicModel
from spec.report_relation import LABEL, ReportRelation
from spec.report_rules import check_report
from spec.report_sides import check_comparisons
from spec.report_statement import CommittedInput, ReportStatement
from spec.statement import ReleaseStatement
from spec.training import (
    SQUARED_ERROR,
    Contiguous,
    RateSpan,
    RunConfig,
    Scales,
    Schedule,
)
from spec.validity import verify_data

RATE = 2
"""log2 of the inverse rate where no commitment says one."""
WINDOW = 16


def config_of(model: PublicModel) -> RunConfig:
    """The configuration that the forward pass is of: one step of one row, with a rate of 0."""
    schedule = Schedule(1, 1, False, 1, 1, [RateSpan(1, 0)], [1], False, None, None)
    config = RunConfig(
        model.architecture,
        Scales(model.fa, model.fa, model.bits, 0, 0),
        schedule,
        Contiguous(),
        model.data_bits,
        WINDOW if model.architecture.loss == SQUARED_ERROR else 0,
        None,
        None,
    )
    check_config(config)
    check_names(config, model.names)
    return config


@dataclass(frozen=True)
class PublicWeights:
    """Weights row after row of layer after layer."""

    weights: Sequence[int]

    def claim(self, layers: Sequence[tuple[list[E], list[E]]]) -> E:
        """Sum over (inputs, units) of every layer of input k times unit j times W(k, j)."""
        values, terms = iter(self.weights), list[E]()
        for inputs, units in layers:
            for k in inputs:
                terms.append(k * total(u * next(values) for u in units))
        return total(terms)


def public_of(s: ReportStatement) -> tuple[PublicModel, RunConfig]:
    """The model of a statement, and its configuration."""
    if s.public is None:
        raise Rejected("PublicModel", "the report is on a committed model")
    require(s.run_digest == bytes(32), "Run", "a report on a public model names a run")
    config = config_of(s.public)
    require(s.model_digest == s.public.digest(), "ModelDigest", "of another public model")
    require(s.against is None, "Comparison", "a comparison of a public model")
    return s.public, config


def verify_public_report(report: ReportProof, weights: Sequence[int]) -> ReportVerdict:
    """Checks a report against the weights of its model; the validity of data is checked apart."""
    s = report.statement
    require(s.version == REPORT_VERSION, "Version", f"{s.version}")
    model, config = public_of(s)
    count = sum(layer.k * layer.outputs for layer in config.architecture.layers)
    require(len(weights) == count, "WeightCount", f"{len(weights)} weights, not {count}")
    require(model.weights == model.digest_of(weights), "OtherWeights", "the file has other weights")
    check_comparisons(s)
    checked = check_report(s, config, max(map(abs, weights)))
    records = [s.input.data] if isinstance(s.input, CommittedInput) else []
    records += [] if s.committed is None else [s.committed]
    rate = records[0].vector.log_inv_rate if records else RATE
    for record in records:
        require(record.vector.log_inv_rate == rate, "Rate", "the outputs have another rate than the data")
    relation = ReportRelation(s, checked, public=PublicWeights(weights))
    fits = relation.slots <= MAX_SLOTS and relation.column_cells <= MAX_CELLS
    require(fits, "TraceSize", f"{relation.slots} columns of 2^{relation.log_rows}")
    others = [record.committed() for record in records]
    terms = check_relation(LABEL, s.digest(), relation, rate, others, report.proof)
    about = s.input.data.digest() if isinstance(s.input, CommittedInput) else None
    return ReportVerdict(about, checked.rows, terms)


def check_data_of(report: ReportProof, data: DataFile, links: Links) -> float:
    """The report is about this data, or data that links lead to; its validity, as bits."""
    bits = verify_data(data)[1]
    about = report.statement.input
    if not isinstance(about, CommittedInput):
        raise Rejected("NoData", "the report is about public rows, not about committed data")
    require(
        links.join(about.data.digest(), data.record.digest()), "OtherData", "the report is about other data"
    )
    return bits


def check_released(model: PublicModel, run: RunConfig, release: ReleaseStatement) -> None:
    """A verified release of a run is of this model."""
    same = model.architecture == run.architecture and model.fa == run.scales.fa
    require(same and model.data_bits == run.data_bits, "OtherConfig", "of another architecture or scale")
    same = model.bits == release.bits and model.names == release.names
    same = same and model.weights == model.digest_of(release.weights)
    require(same, "OtherRelease", "the release has other bits, names or weights")
