"""What is sent to a worker and back: named byte strings behind a JSON header. Never pickled.

A table is sent once to a worker, jobs one at a time. Both hold secrets: the committed rows, the seeds behind
the commitments that a proof opens, the weights. The vault's own secret stays with the owner: a proof attempt
gets one derived from it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tacit import session
from tacit.errors import TacitError, UnreadableFile, WorkerError
from tacit.vault.crypto import derive
from tacit.vault.secret import Secret

__all__ = ["Table", "attempt_secret", "commit_job", "failed", "frame", "prove_job", "read_reply", "unframe"]

_Bytes = bytes | bytearray | memoryview


def frame(kind: str, parts: Mapping[str, _Bytes]) -> bytes:
    """Named byte strings as one."""
    head = json.dumps({"kind": kind, "parts": {name: len(part) for name, part in parts.items()}}).encode()
    return b"".join([len(head).to_bytes(4, "big"), head, *parts.values()])


def unframe(message: bytes) -> tuple[str, dict[str, bytes]]:
    """The inverse of `frame`. Raises `UnreadableFile`."""
    try:
        at = 4 + int.from_bytes(message[:4], "big")
        head = json.loads(message[4:at])
        parts: dict[str, bytes] = {}
        for name, length in head["parts"].items():
            parts[name] = message[at : at + length]
            at += length
        if at != len(message):
            raise ValueError(f"{len(message)} bytes, not {at}")
        return str(head["kind"]), parts
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableFile(f"a message between owner and worker is damaged: {error}") from None


def _array(values: NDArray[np.int32] | NDArray[np.int64]) -> bytes:
    return np.ascontiguousarray(values).tobytes()


@dataclass(frozen=True, slots=True)
class Table:
    """What all chunks of a run read: the statement, and the data set with what opens its commitment."""

    statement: bytes = field(repr=False)
    data: session.Opening
    features: NDArray[np.int32] = field(repr=False)
    """[n, d]"""
    labels: NDArray[np.int64] = field(repr=False)
    """[n] or [n, outputs]"""

    def to_bytes(self) -> bytes:
        """For a worker. Secret."""
        shapes = json.dumps({"features": self.features.shape, "labels": self.labels.shape}).encode()
        return frame(
            "table",
            {
                "statement": self.statement,
                "file": self.data.file,
                "seed": self.data.seed.expose(),
                "shapes": shapes,
                "features": _array(self.features.astype(np.int32, copy=False)),
                "labels": _array(self.labels.astype(np.int64, copy=False)),
            },
        )

    @classmethod
    def from_bytes(cls, message: bytes) -> Table:
        """As a worker reads it."""
        kind, parts = unframe(message)
        if kind != "table":
            raise UnreadableFile(f"a worker was sent a {kind} in place of its table")
        shapes = json.loads(parts["shapes"])
        return cls(
            statement=parts["statement"],
            data=session.Opening(parts["file"], Secret(parts["seed"])),
            features=np.frombuffer(parts["features"], np.int32).reshape(shapes["features"]),
            labels=np.frombuffer(parts["labels"], np.int64).reshape(shapes["labels"]),
        )


def attempt_secret(vault_secret: Secret) -> Secret:
    """What stands for the vault's secret in one attempt elsewhere: from it the vault's cannot be computed."""
    return Secret(derive(vault_secret.expose(), "tacit/farm/attempt/v1", secrets.token_bytes(32)))


def _state(weights: NDArray[np.int64], velocity: NDArray[np.int64] | None) -> dict[str, _Bytes]:
    held: dict[str, _Bytes] = {"weights": _array(weights)}
    if velocity is not None:
        held["velocity"] = _array(velocity)
    return held


def commit_job(
    config: str, weights: NDArray[np.int64], velocity: NDArray[np.int64] | None, seed: Secret, proofs: int
) -> bytes:
    """Commit a model, as `session.commit_model` does."""
    told: dict[str, _Bytes] = {"config": config.encode(), "seed": seed.expose(), "proofs": b"%d" % proofs}
    return frame("commit", told | _state(weights, velocity))


def prove_job(chunk: session.Chunk, secret: Secret) -> bytes:
    """Prove a chunk, as `session.prove_chunk` does, of the run whose table the worker has."""
    told: dict[str, _Bytes] = {
        "index": b"%d" % chunk.index,
        "secret": secret.expose(),
        "out_seed": chunk.out_seed.expose(),
        "out_proofs": b"%d" % chunk.out_proofs,
    }
    if chunk.model_in is not None:
        told |= {"in_file": chunk.model_in.file, "in_seed": chunk.model_in.seed.expose()}
    return frame("prove", told | _state(chunk.weights, chunk.velocity))


def failed(error: TacitError) -> bytes:
    """The reply of a worker whose job cannot be done."""
    return frame("failed", {"error": type(error).__name__.encode(), "message": str(error).encode()})


def read_reply(reply: bytes) -> dict[str, bytes]:
    """What a worker made. Raises `WorkerError` with what it says if it failed."""
    kind, parts = unframe(reply)
    if kind == "failed":
        raise WorkerError(parts["message"].decode(errors="replace"))
    return parts
