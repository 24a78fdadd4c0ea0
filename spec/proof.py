"""What a proof of a relation carries (section 14), and the files."""

from __future__ import annotations

from dataclasses import dataclass

from spec.field import E
from spec.report_statement import ReportStatement
from spec.statement import DataRecord, ModelRecord, ReleaseStatement, RunStatement
from spec.wire import Base, Bytes32

Pair = tuple[E, E]


@dataclass
class Sumcheck:
    """Rounds of WHIR: value at 0 and leading coefficient, and the nonces of those that need work."""

    rounds: list[Pair]
    nonces: list[Base]


@dataclass
class Paths:
    """A later oracle's sibling digests."""

    siblings: list[Bytes32]


@dataclass
class TreePaths:
    """Salts and sibling digests of one tree of the first oracle."""

    salts: list[tuple[Base, Base, Base, Base]]
    siblings: list[Bytes32]


@dataclass
class FirstPaths:
    """The opened rows of the committed vectors, and their trees."""

    rows: list[list[Base]]
    trees: list[TreePaths]


@dataclass
class BaseRows:
    """Rows over F: of h, without the columns that are always zero."""

    rows: list[list[Base]]
    paths: Paths | FirstPaths


@dataclass
class ExtensionRows:
    """Rows over E."""

    rows: list[list[E]]
    paths: Paths | FirstPaths


Rows = BaseRows | ExtensionRows


@dataclass
class WhirRound:
    """One round; the rows open the oracle before."""

    roots: list[Bytes32] | None
    answers: list[E]
    nonce: Base
    rows: BaseRows | ExtensionRows
    sumcheck: Sumcheck


@dataclass
class Evaluations:
    """The evaluation of P; the second list is empty."""

    current: list[E]
    following: list[E]


@dataclass
class WhirProof:
    """The library's proof."""

    answers: list[E]
    first_sumcheck: Sumcheck
    rounds: list[WhirRound]
    final: list[E] | None
    final_nonce: Base
    final_rows: BaseRows | ExtensionRows
    final_sumcheck: Sumcheck | None
    evaluations: list[Evaluations]


@dataclass
class Opening:
    """The masked opening."""

    conjugates: tuple[E, E]
    mu: E
    source_rounds: list[Pair]
    value: E
    column_rounds: list[Pair]
    whir: WhirProof


@dataclass
class RelationProof:
    """A proof of a relation."""

    trace_root: Bytes32
    messages: list[E]
    sacrifices: list[Pair]
    opening: Opening


@dataclass
class DataFile:
    """A data commitment."""

    record: DataRecord
    schema: str
    proof: RelationProof


@dataclass
class ChunkProof:
    """One chunk of a run."""

    model_out: ModelRecord
    proof: RelationProof


@dataclass
class RunProof:
    """A run."""

    statement: RunStatement
    chunks: list[ChunkProof]


@dataclass
class ReleaseProof:
    """A release."""

    statement: ReleaseStatement
    proof: RelationProof


@dataclass
class ReportProof:
    """A report."""

    statement: ReportStatement
    proof: RelationProof
