"""The states of a run in its vault: one file each, read when it is needed, removed when it is proven.

runs/NAME/state-I is the model before chunk I. A proof of chunk I needs no state but that one; once it is
finished the state goes. Of a long run only some states are stored; those between two of them are trained again
when the first is asked for, and stored until they are proven. So what a run takes on disk while it is proven
is bounded by what it kept, and by the states from one kept one to the next. The last state is the trained model
and stays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import overload

from tacit.arithmetic.config import RunConfig
from tacit.arithmetic.data import TrainingData
from tacit.arithmetic.record import ModelState, RunRecord
from tacit.errors import VaultError
from tacit.vault import Vault

__all__ = ["KeptStates", "store_states"]


class KeptStates(Sequence[ModelState]):
    """`states` of a `RunRecord`, in the vault under `prefix`-I."""

    def __init__(
        self, vault: Vault, prefix: str, config: RunConfig, count: int, data: Callable[[], TrainingData]
    ) -> None:
        """`count` states, the last one included; `data` is what the run was trained on."""
        self._vault, self._prefix, self._config, self._count = vault, prefix, config, count
        self._data = data

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
        if not self._has(at):
            self._train_again(at)
        return self._read(at)

    def _has(self, index: int) -> bool:
        return self._vault.has(f"{self._prefix}-{index}")

    def _read(self, index: int) -> ModelState:
        return ModelState.from_bytes(self._config, self._vault.get(f"{self._prefix}-{index}"))

    def _train_again(self, index: int) -> None:
        """Store the states from the last one that is there up to the next, `index` among them."""
        from tacit.arithmetic.checkpoints import replay

        first = next((i for i in range(index - 1, -1, -1) if self._has(i)), None)
        if first is None:
            raise VaultError(
                f"the model before chunk {index} was removed when that chunk was proven; the last state is kept"
            )
        end = next(i for i in range(index + 1, self._count) if self._has(i))
        state, data = self._read(first), self._data()
        for at in range(first + 1, end):
            (state,) = replay(self._config, data, state, (at - 1, at))
            self._vault.put(f"{self._prefix}-{at}", state.to_bytes())


def store_states(vault: Vault, prefix: str, record: RunRecord) -> None:
    """Write the states that a run kept. A crash in between leaves a run without its record, which is none."""
    for index, state in record.kept().items():
        vault.put(f"{prefix}-{index}", state.to_bytes())
