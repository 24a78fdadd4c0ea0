"""Links: "these two commitments hold the same content", section 10.9, and related rows, section 10.10."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from spec.chain import RunVerdict
from spec.config import MAX_LAYERS, MAX_WEIGHTS, MAX_WIDTH
from spec.field import ONE, ZERO, E, P, eq_prefix_sum, eq_vertex, lg, powers, unit_weights
from spec.hiding import Affine, Low, Reduction
from spec.johnson import summed
from spec.layout import ModelLayout
from spec.lookup import logup_check
from spec.parameters import LOG_LINK, MAX_LINKS, Term, algebraic
from spec.proof import RelationProof
from spec.records import RECORD_VERSION, check_data, check_vector
from spec.rejected import require, within
from spec.relation import check_relation
from spec.statement import DataRecord, ModelRecord
from spec.wire import U16, U64, Bytes32, digest, read_file

LABEL, ROWS = b"tacit/link/v1", b"tacit/rows/v1"
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
class SameRows:
    """Both have the same rows, each as often."""


@dataclass(frozen=True)
class SomeRows:
    """Every row of the first is one of the second."""


@dataclass(frozen=True)
class OtherRows:
    """No row of the first is one of the second."""

    nonce: U64


@dataclass(frozen=True)
class LinkedRows:
    """Two data sets with related rows."""

    relation: SameRows | SomeRows | OtherRows
    first: DataRecord
    second: DataRecord


Linked: TypeAlias = LinkedData | LinkedModels | LinkedRows


@dataclass(frozen=True)
class LinkStatement:
    """What a link states."""

    version: U16
    linked: LinkedData | LinkedModels | LinkedRows

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

    linked: Linked
    first: bytes
    second: bytes
    soundness: list[Term]


def states(record: ModelRecord) -> list[ModelLayout]:
    """Weights and, behind them, the velocity, from the record alone."""
    weights = ModelLayout.of_shapes(record.layers, 0)
    return [weights, ModelLayout.of_shapes(record.layers, weights.cells)] if record.velocity else [weights]


def fixed_numbers(seed: bytes, count: int) -> list[E]:
    """Public numbers below p from SHA-256 of a seed and a counter."""
    out, counter = list[E](), 0
    while len(out) < count:
        block = hashlib.sha256(ROWS + seed + counter.to_bytes(8, "big")).digest()
        words = (int.from_bytes(block[i : i + 8], "big") for i in range(0, 32, 8))
        out += [E(word) for word in words if word < P]
        counter += 1
    return out[:count]


class RowPlaces:
    """Rows of two tables: the same, all of one among the other's, or none in common."""

    def __init__(self, linked: LinkedRows) -> None:
        """Of checked records."""
        records = (linked.first, linked.second)
        self.relation, self.columns = linked.relation, linked.first.columns
        self.rows, self.logs = [r.rows for r in records], [lg(r.rows) for r in records]
        self.max_stride = self.column_cells = 0
        if isinstance(linked.relation, SomeRows):
            self.max_stride, self.column_cells = self.logs[1], 1 << self.logs[1]
        elif isinstance(linked.relation, OtherRows):
            self.max_stride, self.column_cells = max(self.logs), sum(1 << log for log in self.logs)
            parts = tuple((Bytes32, record.digest()) for record in records)
            seed = digest("tacit/rows/coefficients/v1", *parts, (U64, linked.relation.nonce))
            self.coefficients = fixed_numbers(seed, self.columns)

    @property
    def leaves(self) -> int:
        """lg of the leaves of the one sum."""
        return lg(sum(1 << log for log in self.logs))

    def check(self, r: Reduction) -> None:
        """The chain of claims."""
        r.begin(ROWS)
        if isinstance(self.relation, OtherRows):
            self._check_roots(r)
        else:
            self._check_sum(r)

    def _check_sum(self, r: Reduction) -> None:
        alpha, beta = r.challenge(), r.challenge()
        leaf = logup_check(r, self.leaves)
        numerator, denominator, covered = Affine(), Affine(ONE), ZERO
        a, b = self.logs
        first_leaves = (0, 1 << a) if a >= b else (1 << b, 0)
        for side, (rows, log, first) in enumerate(zip(self.rows, self.logs, first_leaves, strict=True)):
            split = len(leaf.point) - log
            top, low = leaf.point[:split], leaf.point[split:]
            weight = eq_vertex(top, first >> log)
            covered = covered + weight
            real, index = eq_prefix_sum(low, rows), r.low(Low(point=low))
            if side == 0:
                numerator.add_constant(weight * real)
            elif isinstance(self.relation, SomeRows):
                numerator.add_cell(0, index, 0, -weight)
            else:
                numerator.add_constant(-(weight * real))
            denominator.add_constant(weight * (alpha - beta * real))
            for slot, power in enumerate(powers(beta, self.columns + 2)[2:]):
                denominator.add_cell(1 + side, index, slot, -(weight * power))
        denominator.add_constant(-covered)
        numerator.sub(leaf.numerator)
        denominator.sub(leaf.denominator)
        r.assert_zero(numerator)
        r.assert_zero(denominator)

    def _check_roots(self, r: Reduction) -> None:
        alpha, roots = r.challenge(), []
        for side, (rows, log) in enumerate(zip(self.rows, self.logs, strict=True)):
            leaf = logup_check(r, log)
            real, index = eq_prefix_sum(leaf.point, rows), r.low(Low(point=leaf.point))
            numerator, denominator = Affine(), Affine(alpha * real + ONE - real)
            for slot, c in enumerate(self.coefficients):
                denominator.add_cell(1 + side, index, slot, -c)
            roots.append(leaf.root)
            numerator.sub(leaf.numerator)
            denominator.sub(leaf.denominator)
            r.assert_zero(numerator)
            r.assert_zero(denominator)
        identity = Affine(-ONE)
        a, b = self.logs
        for root, log, first in zip(roots, (b, a), (0, 1 << b) if b >= a else (1 << a, 0), strict=True):
            value = r.receive()
            identity.add(r.product(root, value))
            e = Affine()
            e.add(value, ONE)
            e.add_cell(0, r.low(Low(table=powers(alpha, 1 << log))), first >> log, -ONE)
            r.assert_zero(e)
        r.assert_zero(identity)

    def soundness(self, bits: float) -> list[Term]:
        """Error terms."""
        if isinstance(self.relation, OtherRows):
            trees = sum(log * log + 1 if log else 0 for log in self.logs)
            cells = 2 * sum(1 << log for log in self.logs)
            return [algebraic("rows: common roots, products by GKR", cells + trees, bits)]
        k = self.leaves
        trees = k * k + 1 if k else 0
        terms = (1 << k) * (self.columns + 3) + trees
        return [algebraic("rows: fingerprints, zero denominators, GKR", terms, bits)]


class LinkRelation:
    """Equal cells in equal slots of two vectors. Nothing is sent, the trace holds no column."""

    log_proofs = LOG_LINK

    def __init__(self, linked: Linked) -> None:
        """Of checked records."""
        self.record = linked.first
        self.rows = RowPlaces(linked) if isinstance(linked, LinkedRows) else None
        self.max_stride = self.rows.max_stride if self.rows else 0
        self.column_cells = self.rows.column_cells if self.rows else 0

    def check(self, r: Reduction) -> None:
        """The chain of claims."""
        record = self.record
        r.begin(LABEL)
        if self.rows is not None:
            self.rows.check(r)
            return
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
        if self.rows is not None:
            return self.rows.soundness(bits)
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


def check_linked(linked: Linked) -> None:
    """Both records by themselves, and that they may hold the same."""
    if isinstance(linked, LinkedData | LinkedRows):
        a, b = linked.first, linked.second
        check_data(a)
        check_data(b)
        for name in ("features", "fa", "data_bits"):
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
    as_many = isinstance(linked, LinkedData) or (
        isinstance(linked, LinkedRows) and isinstance(linked.relation, SameRows)
    )
    if as_many and isinstance(linked.first, DataRecord) and isinstance(linked.second, DataRecord):
        require(linked.first.rows == linked.second.rows, "Differs", "rows")


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

    def __init__(self, files: Sequence[bytes] = (), others: int = 0) -> None:
        """Verifies each; the verdict rests on `others` more."""
        got = len(files) + others
        require(got <= MAX_LINKS, "TooManyLinks", f"{got} links, a verdict may rest on {MAX_LINKS}")
        self.verdicts = [verify_link(read_file("link", LinkProof, content)) for content in files]
        self.used = set[int]()

    @property
    def bits(self) -> list[float]:
        """-log2 of the error of every link."""
        return [summed(bits for _, bits in v.soundness) for v in self.verdicts]

    def join(self, first: bytes, second: bytes) -> bool:
        """Whether links lead from one commitment to the other, or both are one."""
        ways: dict[bytes, list[int]] = {first: []}
        reached = [first]
        for at in reached:
            for index, link in enumerate(self.verdicts):
                if isinstance(link.linked, LinkedRows):
                    continue
                for here, there in ((link.first, link.second), (link.second, link.first)):
                    if here == at and there not in ways:
                        ways[there] = [*ways[at], index]
                        reached.append(there)
        self.used.update(ways.get(second, ()))
        return second in ways

    def apart(self, first: bytes, second: bytes) -> bool:
        """Whether a link says that two data sets have no row in common, or links lead from there to them."""
        for index, link in enumerate(self.verdicts):
            if not (isinstance(link.linked, LinkedRows) and isinstance(link.linked.relation, OtherRows)):
                continue
            for here, there in ((link.first, link.second), (link.second, link.first)):
                used = set(self.used)
                if self.join(first, here) and self.join(second, there):
                    self.used.add(index)
                    return True
                self.used = used
        return False

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
