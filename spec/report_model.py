"""What a report states of a public model (section 10.13)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from spec.training import Architecture
from spec.wire import I64, U32, Bytes32, digest


@dataclass(frozen=True)
class PublicModel:
    """A model whose weights everybody has."""

    architecture: Architecture
    fa: U32
    bits: U32
    data_bits: U32
    names: list[tuple[str, str | None]]
    weights: Bytes32

    def digest(self) -> bytes:
        """What stands for the model in a report."""
        return digest("tacit/public-model/v1", (PublicModel, self))

    @staticmethod
    def digest_of(weights: Sequence[int]) -> bytes:
        """The digest of weights."""
        return digest("tacit/public-model/weights/v1", (list[I64], list(weights)))
