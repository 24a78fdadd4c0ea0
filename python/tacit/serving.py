"""A run whose final model is at hand: reports read it neither from the vault nor commit it again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tacit.runs import Run

if TYPE_CHECKING:
    from tacit.arithmetic.record import RunRecord
    from tacit.proving import Proof
    from tacit.session import ModelTree

__all__ = ["Served"]


@dataclass(frozen=True, slots=True)
class Served(Run):
    """A proven run with its record, its proof and the tree of its final model. Secret."""

    held: RunRecord = field(repr=False)
    proven: Proof = field(repr=False)
    tree: ModelTree = field(repr=False)

    def __str__(self) -> str:
        """How the command line names it."""
        return self.name

    def record(self) -> RunRecord:
        """Configuration and weights, without reading them again. Secret."""
        return self.held
