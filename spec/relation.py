"""A proof of a relation, section 6."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from spec import johnson
from spec.field import E
from spec.hiding import Reduction
from spec.opening import opening_check
from spec.parameters import Parameters, Term, algebraic, check_soundness, choose
from spec.proof import RelationProof
from spec.statement import Committed
from spec.transcript import Transcript


class Relation(Protocol):
    """Linear, bilinear and lookup relations over committed vectors."""

    @property
    def max_stride(self) -> int:
        """log2 of the widest slot that is read in the trace."""

    @property
    def column_cells(self) -> int:
        """Payload cells of the trace's columns."""

    @property
    def log_proofs(self) -> int:
        """log2 of the inverse of its share of the error of 2^-128."""

    def check(self, r: Reduction) -> None:
        """The chain of claims; what it draws and receives depends on no message."""

    def soundness(self, bits: float) -> list[Term]:
        """Error terms for each of 2^bits candidates."""


def plan(relation: Relation, rate: int, others: Sequence[Committed]) -> tuple[Parameters, list[Term]]:
    """Counts messages, chooses the parameters, refuses less than 128 bits; the error terms."""
    dry = Reduction(Transcript(b"tacit/dry-run/v1", bytes(32)), None)
    relation.check(dry)
    cells = relation.column_cells + dry.cells
    shapes = tuple(c.shape for c in others)
    p = choose(rate, cells, relation.max_stride, shapes, relation.log_proofs)
    bits = johnson.list_bits(rate)
    claims = 3 * len(dry.products) + len(dry.claims)
    terms = relation.soundness(bits)
    terms.append(algebraic("sacrifice of the triples", len(dry.products), bits))
    terms.append(algebraic("batching of the linear claims", claims, bits))
    terms += p.soundness()
    check_soundness(terms, relation.log_proofs)
    return p, terms


def check_relation(
    label: bytes,
    digest: bytes,
    relation: Relation,
    rate: int,
    others: Sequence[Committed],
    proof: RelationProof,
) -> list[Term]:
    """Verifies a proof over the trace and the long-lived vectors; returns its error terms."""
    p, terms = plan(relation, rate, others)
    t = Transcript(label, digest)
    for value in p.integers():
        t.absorb(E(value))
    for root in [*(c.root for c in others), proof.trace_root]:
        t.absorb_root(root)
    r = Reduction(t, proof.messages)
    relation.check(r)
    claim = r.finish(proof.sacrifices, 1 + len(others), relation.column_cells)
    opening_check(p, proof.trace_root, others, claim, t, proof.opening)
    return terms
