"""The states of a run in its vault: one file each, read when it is needed, removed when it is proven.

runs/NAME/state-I is the model before chunk I. A proof of chunk I needs no state but that one; once it is
finished the state goes, so that what a run takes on disk does not grow while it is proven. The last state is
the trained model and stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

from tacit.arithmetic.config import RunConfig
from tacit.arithmetic.record import ModelState
from tacit.errors import VaultError
from tacit.vault import Vault

__all__ = ["KeptStates"]


class KeptStates(Sequence[ModelState]):
    """`states` of a `RunRecord`, in the vault under `prefix`-I."""

    def __init__(self, vault: Vault, prefix: str, config: RunConfig, count: int) -> None:
        """`count` states, the last one included."""
        self._vault, self._prefix, self._config, self._count = vault, prefix, config, count

    def __len__(self) -> int:
        """States that the run had, removed ones included."""
        return self._count

    @overload
    def __getitem__(self, index: int) -> ModelState: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[ModelState]: ...
    def __getitem__(self, index: int | slice) -> ModelState | Sequence[ModelState]:
        """One state, or several. Raises `VaultError` for one that was removed."""
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(self._count))]
        at = index + self._count if index < 0 else index
        if not 0 <= at < self._count:
            raise IndexError(f"state {index} of {self._count}")
        name = f"{self._prefix}-{at}"
        if not self._vault.has(name):
            raise VaultError(
                f"the model before chunk {at} was removed when that chunk was proven; the last state is kept"
            )
        return ModelState.from_bytes(self._config, self._vault.get(name))

    def store(self, states: Sequence[ModelState]) -> None:
        """Write all states. A crash in between leaves a run without its record, which is none."""
        for index, state in enumerate(states):
            self._vault.put(f"{self._prefix}-{index}", state.to_bytes())
