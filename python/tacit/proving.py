"""Proves a run chunk by chunk: plans the row budget, charges before proving, keeps finished chunks.

A killed run goes on at the first chunk that is not finished. What a chunk's attempt drew at random is never
stored, so an attempt that did not finish leaves nothing that could be used twice; its rows stay charged.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tacit import session
from tacit._files import read_limited, write_public
from tacit.commitment import CommittedData
from tacit.errors import UsageError
from tacit.memory import usable_memory
from tacit.progress import duration, progress_bar, size
from tacit.runs import Run, proofs_at
from tacit.verifying import MAX_FILE

if TYPE_CHECKING:
    from tacit.arithmetic.record import RunRecord
    from tacit.farm import Farm

__all__ = ["Proof", "Workers", "another_model", "chunk_of", "estimate", "finished", "prove"]

log = logging.getLogger("tacit.prove")


@dataclass(frozen=True, slots=True)
class Proof:
    """The finished proof of a run, one file. Public: it hides data and model."""

    content: bytes = field(repr=False)
    run: str

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the file, durably and all at once. A file of something else is refused (`FileTaken`)."""
        return write_public(path, self.content, overwrite=overwrite)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Proof:
        """Read a proof, without checking it."""
        return cls(read_limited(path, limit=MAX_FILE, what="proof"), Path(path).stem)

    def __len__(self) -> int:
        """Bytes."""
        return len(self.content)


def estimate(run: Run) -> session.Estimate:
    """What proving the whole run will cost: time, memory and proof size."""
    return session.estimate_run(run.statement(run.record()))


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def chunk_of(
    run: Run, record: RunRecord, statement: bytes, data: CommittedData, index: int
) -> tuple[session.Chunk, list[str], bytes]:
    """A chunk as its proof reads it, the digests of the models that it opens, and the model it has to give."""
    chunks = len(record.states) - 1
    public_start = run.origins().start is not None
    before = None if index == 0 and public_start else run.boundary(index, record)
    after = run.boundary(index + 1, record)
    state = record.states[index]
    chunk = session.Chunk(
        statement=statement,
        index=index,
        data=session.Opening(data.file, run.vault.secret(f"data/{data.name}")),
        features=data.features,
        labels=data.labels,
        weights=state.flat_weights(),
        velocity=state.flat_velocity(),
        model_in=None if before is None else before[0],
        out_seed=after[0].seed,
        out_proofs=proofs_at(index + 1, chunks),
    )
    models = [made[1].digest.hex() for made in (before, after) if made is not None]
    return chunk, models, after[1].file


def another_model(index: int) -> UsageError:
    """What is raised when the prover's own execution of a chunk does not end where training did."""
    return UsageError(
        f"chunk {index} executed again gives another model than training did; the record is damaged"
    )


@dataclass(frozen=True, slots=True)
class Workers:
    """Where the chunks of a run are proven, several at a time."""

    count: int | None = None
    """Workers; None for as many as a cluster has room for."""
    ray: str | None = None
    """Address of a Ray cluster, "auto" for the one that runs here, "local" to start one; None for processes of
    this machine."""
    threads: int | None = None
    """Of each worker; by default this machine's, shared out, and 1 on a cluster."""


def prove(
    run: Run, *, quiet: bool = False, say: Callable[[str], None] = _say, workers: Workers | None = None
) -> Proof:
    """Prove every chunk that has no proof yet, and put all of them into one file.

    Raises `BudgetError` before the first proof if the commitments do not have the rows for all of them.
    """
    record, data, vault = run.record(), run.data(), run.vault
    statement = run.statement(record)
    chunks = len(record.states) - 1
    run.remove_proven()
    missing = run.unproven(chunks)
    costs = session.estimate_run(statement)
    if missing:
        vault.budget.require({data.digest.hex(): costs.rows_per_proof * len(missing)})
        if not quiet:
            say(_plan(costs, len(missing), chunks))
    started = time.monotonic()
    if missing and workers is not None:
        _with_workers(workers, run, record, missing, costs, quiet)
    else:
        _one_by_one(run, record, missing, costs.rows_per_proof, quiet)
    parts = [vault.get(f"runs/{run.name}/chunk-{index}") for index in range(chunks)]
    whole = Proof(session.assemble_run(statement, parts), run.name)
    if not quiet and missing:
        say(f"proved {run.name} in {duration(time.monotonic() - started)}: {size(len(whole))}")
    return whole


def _one_by_one(run: Run, record: RunRecord, missing: list[int], rows: int, quiet: bool) -> None:
    """On this process."""
    chunks, statement, data = len(record.states) - 1, run.statement(record), run.data()
    secret = run.vault.secret()
    for index in missing:
        chunk, models, file = chunk_of(run, record, statement, data, index)
        charged = dict.fromkeys((data.digest.hex(), *models), rows)
        run.vault.budget.charge(charged, f"{run.name} chunk {index}")
        title = "proving" if chunks == 1 else f"proving chunk {index + 1} of {chunks}"
        with progress_bar(title, shown=False if quiet else None) as progress:
            proven = session.prove_chunk(chunk, secret, progress)
        log.debug("chunk %d of %s: %s", index + 1, run.name, proven.seconds)
        if proven.model != file:
            raise another_model(index)
        run.keep_chunk(index, proven.proof)


def _with_workers(
    workers: Workers, run: Run, record: RunRecord, missing: list[int], costs: session.Estimate, quiet: bool
) -> None:
    """On processes of this machine, or on a Ray cluster."""
    from tacit.farm import prove_chunks
    from tacit.farm.jobs import Table

    data = run.data()
    secret = run.vault.secret(f"data/{data.name}")
    table = Table(run.statement(record), session.Opening(data.file, secret), data.features, data.labels)
    farm, count = make_farm(workers, table.to_bytes(), costs.memory)
    try:
        title = f"proving {len(missing):,} chunks on {min(count, len(missing))} workers"
        with progress_bar(title, shown=False if quiet else None) as progress:
            prove_chunks(farm, count, run, record, missing, costs.rows_per_proof, progress)
    finally:
        farm.close()


def make_farm(workers: Workers, table: bytes, memory: int) -> tuple[Farm, int]:
    """The place and the number of workers there. Raises `UsageError` for more than it has memory for."""
    for name in ("count", "threads"):
        value = getattr(workers, name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            raise UsageError(f"{value!r} is not a number of {'workers' if name == 'count' else name}")
    if workers.ray is not None:
        from tacit.farm.rays import RayFarm

        farm = RayFarm(table, workers.threads or 1, address=workers.ray, memory=memory)
        room = farm.slots()
        if not room:
            farm.close()
            raise UsageError(
                f"no machine of the cluster has {workers.threads or 1} CPUs and {size(memory)} of memory for a "
                "worker: train with a lower memory=..., or use larger machines"
            )
        return farm, min(workers.count or room, room)
    from tacit.farm.local import LocalFarm

    count, cores = workers.count or 1, os.cpu_count() or 1
    room = max(1, usable_memory() // memory)
    if count > room:
        raise UsageError(
            f"{count} workers need about {size(count * memory)} of memory, this machine has "
            f"{size(usable_memory())} for them: {room} would fit"
        )
    return LocalFarm(table, workers.threads or max(1, cores // count)), count


def finished(run: Run) -> Proof | None:
    """The proof of a run all of whose chunks are proven already."""
    record = run.record()
    chunks = len(record.states) - 1
    if run.unproven(chunks):
        return None
    parts = [run.vault.get(f"runs/{run.name}/chunk-{index}") for index in range(chunks)]
    return Proof(session.assemble_run(run.statement(record), parts), run.name)


def _plan(costs: session.Estimate, missing: int, chunks: int) -> str:
    done = "" if missing == chunks else f" ({chunks - missing} of {chunks} chunks are proven already)"
    share = missing / max(1, costs.chunks)
    return (
        f"estimate: {duration(costs.seconds * share)}, {size(costs.memory)} of memory, "
        f"a proof of {size(costs.proof_bytes)}{done}"
    )
