"""Training runs in the vault's keeping: the record, the commitments at chunk boundaries, finished chunk proofs.

runs/NAME/record        what training left for the prover (secret)
runs/NAME/state-I       the model before chunk I, until that chunk is proven (secret)
runs/NAME/info          data set, origins of the seeds, what the configuration tells about the data
runs/NAME/model-I       public commitment of the weights before chunk I; model-I-rows: its digest and budget
runs/NAME/statement     the public statement
runs/NAME/chunk-I       finished proof of chunk I
secrets/runs/NAME/I     seed of that commitment
runs/NAME/final-K, ...  re-commitments of the result, see `tacit.recommitting`
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tacit import session
from tacit.commitment import CommittedData, open_data
from tacit.errors import UsageError, VaultError
from tacit.origins import Origins
from tacit.vault import Secret, Vault

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tacit.arithmetic.record import RunRecord
    from tacit.states import KeptStates

__all__ = [
    "PROOFS_FINAL",
    "PROOFS_INSIDE",
    "Final",
    "Run",
    "open_run",
    "proofs_at",
    "run_names",
    "start_bits",
    "store_run",
]

PROOFS_INSIDE = 16
"""Proofs that a model inside a chain can take part in: out, in, and attempts that did not finish.

Once they are used up the run cannot be proven."""
PROOFS_FINAL = 16
"""Proofs that the final model can take part in: out, release, and statements about it."""

NAME = re.compile(r"run-([0-9]+)")


def start_bits(w_in: int) -> int:
    """The window of a hidden start: |W_0| <= w_in, a power of two, is range-checked as |W_0| <= 2^(bits-1)."""
    return (w_in - 1).bit_length() + 1


def proofs_at(boundary: int, chunks: int) -> int:
    """For how many proofs the model before chunk `boundary` is committed."""
    return PROOFS_FINAL if boundary == chunks else PROOFS_INSIDE


@dataclass(frozen=True, slots=True)
class Final:
    """A commitment of a run's final model."""

    index: int
    """0 for the one that the run ends with, then its re-commitments."""
    opening: session.Opening
    made: session.Committed
    links: tuple[bytes, ...] = ()
    """From the one that the run ends with to this one."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run in a vault."""

    vault: Vault
    name: str

    def __str__(self) -> str:
        """How the command line names it."""
        return self.name

    def record(self) -> RunRecord:
        """Configuration and weights, those of chunks that are proven already excepted. Secret."""
        from tacit.arithmetic.record import RunRecord

        content = self.vault.get(f"runs/{self.name}/record")
        if RunRecord.is_whole(content):
            return RunRecord.from_bytes(content)
        head, count = RunRecord.from_head(content)
        return head.with_states(self._states(head, count))

    def _states(self, record: RunRecord, count: int) -> KeptStates:
        from tacit.states import KeptStates

        return KeptStates(self.vault, f"runs/{self.name}/state", record.config, count, self.data)

    def keep_chunk(self, index: int, proof: bytes) -> None:
        """Store the proof of a chunk, and remove the state that nothing needs any more."""
        self.keep(f"chunk-{index}", proof)
        self.vault.delete(f"runs/{self.name}/state-{index}")

    def remove_proven(self) -> None:
        """Remove the states of chunks whose proof a crash let stand without doing so."""
        prefix = f"runs/{self.name}/"
        names = set(self.vault.names(prefix))
        # The last state is before no chunk, and stays.
        for name in sorted(n for n in names if n.startswith(f"{prefix}state-")):
            if name.replace("/state-", "/chunk-") in names:
                self.vault.delete(name)

    def data(self) -> CommittedData:
        """The data set it was trained on."""
        return open_data(self.vault, self.vault.get_json(f"runs/{self.name}/info")["data"])

    def chunks(self) -> int:
        """How many proofs make up the proof of the run."""
        return len(self.record().states) - 1

    def unproven(self, chunks: int) -> list[int]:
        """The chunks that have no proof yet."""
        names = set(self.vault.names(f"runs/{self.name}/chunk-"))
        return [index for index in range(chunks) if f"runs/{self.name}/chunk-{index}" not in names]

    def origins(self) -> Origins:
        """Who chose its seeds."""
        return Origins.from_json(self.vault.get_json(f"runs/{self.name}/info")["origins"])

    def blob(self, what: str) -> bytes | None:
        """Something of this run, if it is there already."""
        name = f"runs/{self.name}/{what}"
        return self.vault.get(name) if self.vault.has(name) else None

    def keep(self, what: str, content: bytes) -> None:
        """Store something of this run."""
        self.vault.put(f"runs/{self.name}/{what}", content)

    def boundary(
        self, index: int, record: RunRecord, *, made: tuple[Secret, session.Committed] | None = None
    ) -> tuple[session.Opening, session.Committed]:
        """The commitment of the weights before chunk `index` (after the last: of the result), with its budget.

        It is made once: here, or elsewhere (`made`, with the seed that it was made from). Its budget is opened
        once, before the seed is kept: a vault with the seed and no budget shares the model with another vault.
        """
        name, rows = f"runs/{self.name}/{index}", f"runs/{self.name}/model-{index}-rows"
        with self.vault.locked():
            known = self.vault.has(f"secrets/{name}")
            if known and self.vault.has(rows):
                committed = self._kept(f"runs/{self.name}/model-{index}", rows)
                seed = self.vault.secret(name)
            elif known or made is None:
                seed = self.vault.secret(name) if known else Secret.random()
                committed = session.commit_model(
                    *self.committed_as(index, record), seed, proofs=proofs_at(index, len(record.states) - 1)
                )
            else:
                seed, committed = made
            if committed.digest.hex() not in self.vault.accounts():
                if known:
                    raise VaultError(f"the rows of model {index} of {self.name} are kept by another vault")
                self.vault.budget.open_account(committed.digest.hex(), committed.rows, committed.reserve)
            if not known:
                self.vault.put(f"secrets/{name}", seed.expose())
            if not self.vault.has(rows):
                self.keep(f"model-{index}", committed.file)
                self.vault.put_json(rows, _rows_of(committed))
        return session.Opening(committed.file, seed), committed

    def has_boundary(self, index: int) -> bool:
        """Whether the commitment of the weights before chunk `index` was made."""
        return self.vault.has(f"runs/{self.name}/model-{index}-rows")

    def committed_as(
        self, index: int, record: RunRecord
    ) -> tuple[str, NDArray[np.int64], NDArray[np.int64] | None]:
        """What the commitment before chunk `index` holds: configuration, weights, velocity."""
        state = record.states[index]
        # A run starts with the velocity 0, a constant of the statement and part of no commitment.
        return record.config.to_json(), state.flat_weights(), state.flat_velocity() if index else None

    def _kept(self, name: str, rows: str) -> session.Committed:
        told = self.vault.get_json(rows)
        file = self.vault.get(name)
        return session.Committed(bytes.fromhex(told["digest"]), file, told["rows"], told["reserve"])

    def final(self, record: RunRecord) -> Final:
        """The newest commitment of the final model that links lead to: what a statement about it opens."""
        links: list[bytes] = []
        while (link := self.blob(f"link-{len(links) + 1}")) is not None:
            links.append(link)
        if not links:
            return Final(0, *self.boundary(len(record.states) - 1, record))
        known = self.kept_final(len(links))
        return replace(known, links=tuple(links))

    def kept_final(self, index: int) -> Final:
        """The re-commitment of this number, linked or not yet."""
        name = f"runs/{self.name}/final-{index}"
        made = self._kept(name, f"{name}-rows")
        return Final(index, session.Opening(made.file, self.vault.secret(name)), made)

    def statement(self, record: RunRecord) -> bytes:
        """The public statement, made once."""
        known = self.blob("statement")
        if known is not None:
            return known
        info = self.vault.get_json(f"runs/{self.name}/info")
        origins = self.origins()
        start = None
        if origins.start is None:
            start = (self.boundary(0, record)[0].file, start_bits(record.w_in))
        made = session.run_statement(
            record.config.to_json(), self.data().file, start, origins.to_json(), info["released"]
        )
        self.keep("statement", made)
        return made


def _rows_of(made: session.Committed) -> dict[str, Any]:
    return {"digest": made.digest.hex(), "rows": made.rows, "reserve": made.reserve}


def store_run(
    data: CommittedData,
    record: RunRecord,
    *,
    origins: Origins,
    released: Sequence[str] = (),
    declaration: bytes | None = None,
) -> Run:
    """Put a finished run into the vault of its data. `origins` say where its seeds come from, `declaration`
    under which digest it was declared, if it was.

    The same record is stored once: proving it again finds what was proven before.
    """
    if record.data_digest != data.digest:
        raise UsageError("the run was trained on another data set than this commitment's")
    from tacit.states import store_states

    vault, content = data.vault, record.head()
    info = {"data": data.name, "origins": origins.to_json(), "released": list(released)}
    with vault.locked():
        names = run_names(vault)
        for name in reversed(names):
            if vault.get(f"runs/{name}/record") == content and vault.get_json(f"runs/{name}/info") == info:
                return Run(vault, name)
        name = f"run-{int(names[-1].removeprefix('run-')) + 1 if names else 1}"
        vault.put_json(f"runs/{name}/info", info)
        if declaration is not None and origins.start is None:
            # The start that was declared, with the rows that it has left.
            with vault.secret(f"starts/{declaration.hex()}") as seed:
                vault.put(f"secrets/runs/{name}/0", seed.expose())
        store_states(vault, f"runs/{name}/state", record)
        vault.put(f"runs/{name}/record", content)
    return Run(vault, name)


def run_names(vault: Vault) -> list[str]:
    """The runs in a vault, oldest first."""
    names = {n.split("/")[1] for n in vault.names("runs/") if n.endswith("/record")}
    return sorted((n for n in names if NAME.fullmatch(n)), key=lambda n: int(n.removeprefix("run-")))


def open_run(vault: str | os.PathLike[str] | Vault, name: str | None = None) -> Run:
    """A run by its name, or the latest one."""
    opened = vault if isinstance(vault, Vault) else Vault.open(vault)
    names = run_names(opened)
    if not names:
        raise UsageError(f"{opened.path} holds no runs; train one first")
    if name is not None and name not in names:
        raise UsageError(f"{opened.path} has no run {name!r}; it has {', '.join(names[-8:])}")
    return Run(opened, name or names[-1])
