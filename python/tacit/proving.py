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

from tacit import session
from tacit._files import read_limited, write_public
from tacit.errors import UsageError
from tacit.progress import duration, progress_bar, size
from tacit.runs import Run, proofs_at
from tacit.verifying import MAX_FILE

__all__ = ["Proof", "estimate", "finished", "prove"]

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


def prove(run: Run, *, quiet: bool = False, say: Callable[[str], None] = _say) -> Proof:
    """Prove every chunk that has no proof yet, and put all of them into one file.

    Raises `BudgetError` before the first proof if the commitments do not have the rows for all of them.
    """
    record, data, vault = run.record(), run.data(), run.vault
    statement = run.statement(record)
    chunks = len(record.states) - 1
    missing = [index for index in range(chunks) if run.blob(f"chunk-{index}") is None]
    costs = session.estimate_run(statement)
    rows = costs.rows_per_proof
    data_key = data.digest.hex()
    if missing:
        vault.budget.require({data_key: rows * len(missing)})
        if not quiet:
            say(_plan(costs, len(missing), chunks))
    started = time.monotonic()
    secret = vault.secret()
    public_start = run.origins().start is not None
    after: tuple[int, session.Opening, session.Committed] | None = None
    for index in missing:
        before = after if after is not None and after[0] == index else None
        if before is None and not (index == 0 and public_start):
            before = (index, *run.boundary(index, record))
        after = (index + 1, *run.boundary(index + 1, record))
        state = record.states[index]
        chunk = session.Chunk(
            statement=statement,
            index=index,
            data=session.Opening(data.file, vault.secret(f"data/{data.name}")),
            features=data.features,
            labels=data.labels,
            weights=state.flat_weights(),
            velocity=state.flat_velocity(),
            model_in=None if before is None else before[1],
            out_seed=after[1].seed,
            out_proofs=proofs_at(index + 1, chunks),
        )
        models = [made[2].digest.hex() for made in (before, after) if made is not None]
        vault.budget.charge(dict.fromkeys((data_key, *models), rows), f"{run.name} chunk {index}")
        title = "proving" if chunks == 1 else f"proving chunk {index + 1} of {chunks}"
        with progress_bar(title, shown=False if quiet else None) as progress:
            proven = session.prove_chunk(chunk, secret, progress)
        log.debug("chunk %d of %s: %s", index + 1, run.name, proven.seconds)
        if proven.model != after[2].file:
            raise UsageError(
                f"chunk {index} executed again gives another model than training did; the record is damaged"
            )
        run.keep(f"chunk-{index}", proven.proof)
    parts = [vault.get(f"runs/{run.name}/chunk-{index}") for index in range(chunks)]
    whole = Proof(session.assemble_run(statement, parts), run.name)
    if not quiet and missing:
        say(f"proved {run.name} in {duration(time.monotonic() - started)}: {size(len(whole))}")
    return whole


def finished(run: Run) -> Proof | None:
    """The proof of a run all of whose chunks are proven already."""
    record = run.record()
    parts = [run.blob(f"chunk-{index}") for index in range(len(record.states) - 1)]
    found = [part for part in parts if part is not None]
    return (
        Proof(session.assemble_run(run.statement(record), found), run.name)
        if len(found) == len(parts)
        else None
    )


def _plan(costs: session.Estimate, missing: int, chunks: int) -> str:
    done = "" if missing == chunks else f" ({chunks - missing} of {chunks} chunks are proven already)"
    share = missing / max(1, costs.chunks)
    return (
        f"estimate: {duration(costs.seconds * share)}, {size(costs.memory)} of memory, "
        f"a proof of {size(costs.proof_bytes)}{done}"
    )
