"""Links: "these two commitments hold the same content", section 10.9."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated

from spec.chain import RunVerdict
from spec.config import MAX_LAYERS, MAX_WEIGHTS, MAX_WIDTH
from spec.field import ZERO, lg, powers, unit_weights
from spec.hiding import Affine, Low, Reduction
from spec.layout import ModelLayout
from spec.parameters import Term, algebraic
from spec.proof import RelationProof
from spec.records import RECORD_VERSION, check_data, check_vector
from spec.rejected import require, within
from spec.relation import check_relation
from spec.statement import DataRecord, ModelRecord
from spec.wire import digest, read_file

LABEL = b"tacit/link/v1"
LINK_VERSION = 1
FIRST, SECOND = 1, 2


@dataclass(frozen=True)
class LinkedData:
    """Two data sets with the same table."""

    first: DataRecord
    second: DataRecord


@dataclass(frozen=True)
class LinkedModels:
    """Two models with the same weights and velocity."""

    first: ModelRecord
    second: ModelRecord


@dataclass(frozen=True)
class LinkStatement:
    """What a link states."""

    version: Annotated[int, "u16"]
    linked: LinkedData | LinkedModels

    def digest(self) -> bytes:
        """The public input of the proof."""
        return digest("tacit/link/v1", (LinkStatement, self))


@dataclass
class LinkProof:
    """A link."""

    statement: LinkStatement
    proof: RelationProof


@dataclass
class LinkVerdict:
    """What a verified link establishes."""

    linked: LinkedData | LinkedModels
    first: bytes
    second: bytes
    soundness: list[Term]


def states(record: ModelRecord) -> list[ModelLayout]:
    """Weights and, behind them, the velocity, from the record alone."""
    weights = ModelLayout.of_shapes(record.layers, 0)
    return [weights, ModelLayout.of_shapes(record.layers, weights.cells)] if record.velocity else [weights]


class LinkRelation:
    """Equal cells in equal slots of two vectors. Nothing is sent, the trace holds no column."""

    log_proofs, max_stride, column_cells = 0, 0, 0

    def __init__(self, linked: LinkedData | LinkedModels) -> None:
        """Of checked records."""
        self.record = linked.first

    def check(self, r: Reduction) -> None:
        """The chain of claims."""
        record = self.record
        r.begin(LABEL)
        if isinstance(record, DataRecord):
            low = r.low(Low(point=r.point(lg(record.rows))))
            e = Affine()
            for slot, w in enumerate(powers(r.challenge(), record.columns)):
                e.add_cell(FIRST, low, slot, w)
                e.add_cell(SECOND, low, slot, -w)
            r.assert_zero(e)
            return
        for index, (k, n) in enumerate(record.layers):
            inputs, outputs = unit_weights(r.point(lg(k)), k), unit_weights(r.point(lg(n)), n)
            low = r.low(Low(table=outputs + [ZERO] * ((1 << lg(n)) - n)))
            for layout in states(record):
                e = Affine()
                for slot, w in enumerate(inputs, layout.first[index]):
                    e.add_cell(FIRST, low, slot, w)
                    e.add_cell(SECOND, low, slot, -w)
                r.assert_zero(e)

    def soundness(self, bits: float) -> list[Term]:
        """Error terms."""
        record = self.record
        if isinstance(record, DataRecord):
            return [algebraic("random row and batching of columns", lg(record.rows) + record.columns, bits)]
        claims = 2 if record.velocity else 1
        points = sum(lg(k) + lg(n) + claims for k, n in record.layers)
        return [algebraic("random weights and batching of layers", points, bits)]


def check_alone(record: ModelRecord) -> None:
    """A model record without the configuration of a run."""
    require(record.version == RECORD_VERSION, "Record", f"version {record.version}")
    within(len(record.layers), 1, MAX_LAYERS, "Record", "layers")
    for k, n in record.layers:
        within(k, 1, MAX_WIDTH + 1, "Record", "inputs of a layer")
        within(n, 1, MAX_WIDTH, "Record", "outputs of a layer")
    within(sum(k * n for k, n in record.layers), 1, MAX_WEIGHTS, "Record", "weights")
    layouts = states(record)
    check_vector(record.vector, layouts[-1].cells, layouts[0].max_stride)


def check_linked(linked: LinkedData | LinkedModels) -> None:
    """Both records by themselves, and that they may hold the same."""
    if isinstance(linked, LinkedData):
        a, b = linked.first, linked.second
        check_data(a)
        check_data(b)
        for name in ("rows", "features", "fa", "data_bits"):
            require(getattr(a, name) == getattr(b, name), "Differs", name)
        require(a.labels == b.labels, "Labels", "different labels")
        require(a.schema == b.schema, "Schema", "different schemas")
        rates = a.vector.log_inv_rate, b.vector.log_inv_rate
    else:
        c, d = linked.first, linked.second
        check_alone(c)
        check_alone(d)
        require(c.layers == d.layers, "Layers", "different layers")
        for name in ("fw", "velocity"):
            require(getattr(c, name) == getattr(d, name), "Differs", name)
        rates = c.vector.log_inv_rate, d.vector.log_inv_rate
    require(rates[0] == rates[1], "Rates", f"{rates}")
    require(linked.first != linked.second, "SameCommitment", "both are one commitment")


def verify_link(link: LinkProof) -> LinkVerdict:
    """Checks a link."""
    s = link.statement
    require(s.version == LINK_VERSION, "Version", f"{s.version}")
    check_linked(s.linked)
    first, second = s.linked.first, s.linked.second
    others, rate = [first.committed(), second.committed()], first.vector.log_inv_rate
    terms = check_relation(LABEL, s.digest(), LinkRelation(s.linked), rate, others, link.proof)
    return LinkVerdict(s.linked, first.digest(), second.digest(), terms)


class Links:
    """Verified links: which commitments they join, and that none is idle."""

    def __init__(self, files: Iterable[bytes] = ()) -> None:
        """Verifies each."""
        self.verdicts = [verify_link(read_file("link", LinkProof, content)) for content in files]
        self.used = set[int]()

    def join(self, first: bytes, second: bytes) -> bool:
        """Whether links lead from one commitment to the other, or both are one."""
        ways: dict[bytes, list[int]] = {first: []}
        reached = [first]
        for at in reached:
            for index, link in enumerate(self.verdicts):
                for here, there in ((link.first, link.second), (link.second, link.first)):
                    if here == at and there not in ways:
                        ways[there] = [*ways[at], index]
                        reached.append(there)
        self.used.update(ways.get(second, ()))
        return second in ways

    def of_model(self, run: RunVerdict, named: bytes) -> RunVerdict:
        """The verdict on a run, as one on another commitment of its last model if links lead there."""
        for link in self.verdicts:
            for digest_, record in ((link.first, link.linked.first), (link.second, link.linked.second)):
                known = digest_ == named != run.model_digest and isinstance(record, ModelRecord)
                if known and self.join(run.model_digest, named):
                    assert isinstance(record, ModelRecord)
                    return replace(run, model_digest=named, model=record)
        return run

    def all_used(self) -> None:
        """Refuses a link on which nothing rests."""
        idle = set(range(len(self.verdicts))) - self.used
        require(not idle, "IdleLink", f"link {min(idle, default=0) + 1} joins nothing that is checked here")
