"""What a worker does with its jobs, wherever it runs. It opens no vault and writes no file."""

from __future__ import annotations

import json
import os

import numpy as np

from tacit import session
from tacit.errors import TacitError, UnreadableFile, UsageError
from tacit.farm.jobs import Table, failed, frame, unframe
from tacit.session import Progress
from tacit.vault.secret import Secret

__all__ = ["Worker", "use_threads"]

THREADS = "RAYON_NUM_THREADS"


def use_threads(count: int) -> None:
    """How many threads the core of this process takes; before its first work."""
    os.environ[THREADS] = str(count)


class Worker:
    """Holds the table of one run, and makes commitments and proofs of its chunks."""

    def __init__(self) -> None:
        """Without a table yet."""
        self._table: Table | None = None

    def load(self, table: bytes) -> None:
        """Take the table."""
        self._table = Table.from_bytes(table)

    def do(self, job: bytes, progress: Progress) -> bytes:
        """One job. An error that this package raises on purpose is a reply too."""
        try:
            kind, parts = unframe(job)
            if kind == "commit":
                return self._commit(parts)
            if kind == "prove":
                return self._prove(parts, progress)
            raise UnreadableFile(f"there is no job {kind!r}")
        except TacitError as error:
            return failed(error)

    @staticmethod
    def _commit(parts: dict[str, bytes]) -> bytes:
        velocity = parts.get("velocity")
        made = session.commit_model(
            parts["config"].decode(),
            np.frombuffer(parts["weights"], np.int64),
            None if velocity is None else np.frombuffer(velocity, np.int64),
            Secret(parts["seed"]),
            proofs=int(parts["proofs"]),
        )
        told = json.dumps({"rows": made.rows, "reserve": made.reserve}).encode()
        return frame("committed", {"digest": made.digest, "file": made.file, "told": told})

    def _prove(self, parts: dict[str, bytes], progress: Progress) -> bytes:
        table = self._table
        if table is None:
            raise UsageError("the worker has no table yet")
        velocity, model_in = parts.get("velocity"), parts.get("in_file")
        chunk = session.Chunk(
            statement=table.statement,
            index=int(parts["index"]),
            data=table.data,
            features=table.features,
            labels=table.labels,
            weights=np.frombuffer(parts["weights"], np.int64),
            velocity=None if velocity is None else np.frombuffer(velocity, np.int64),
            model_in=None if model_in is None else session.Opening(model_in, Secret(parts["in_seed"])),
            out_seed=Secret(parts["out_seed"]),
            out_proofs=int(parts["out_proofs"]),
        )
        proven = session.prove_chunk(chunk, Secret(parts["secret"]), progress)
        told = json.dumps(dict(proven.seconds)).encode()
        return frame("proven", {"proof": proven.proof, "model": proven.model, "seconds": told})
