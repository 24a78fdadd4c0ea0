"""The only caller of the compiled module: typed functions in, typed results and exceptions out.

The compiled functions take JSON text for descriptions and buffers for numbers, release the GIL, call
`progress(done, total)` several times a second and stop when it raises. They raise `_native.Failure`, whose
`category` picks the exception here.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

from tacit.errors import (
    NativeMissing,
    ProofRejected,
    ReleaseRefused,
    TacitError,
    TrailingBytes,
    TruncatedFile,
    UnreadableFile,
    UsageError,
    WrongConfiguration,
    WrongData,
    WrongModel,
    WrongVersion,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tacit.vault.secret import Secret

__all__ = [
    "Chunk",
    "Committed",
    "Estimate",
    "Opening",
    "Progress",
    "Verdict",
    "assemble_run",
    "commit_dataset",
    "commit_model",
    "describe",
    "estimate_run",
    "prove_chunk",
    "prove_release",
    "verify_commitment",
    "verify_release",
    "verify_run",
]

Progress: TypeAlias = Callable[[int, int], None]
"""Called with (done, total); raising from it stops the work."""

REJECTED: Mapping[str, type[ProofRejected]] = {
    "data": WrongData,
    "model": WrongModel,
    "configuration": WrongConfiguration,
}
UNREADABLE: Mapping[str, type[UnreadableFile]] = {
    "truncated": TruncatedFile,
    "trailing": TrailingBytes,
    "version": WrongVersion,
}


class Failure(Protocol):
    """The shape of `_native.Failure`."""

    category: str
    """"rejected", "unreadable", "release" or "usage"."""
    check: str
    """The check's name in the verifier, the rule's name, or what is wrong with the file."""
    subject: str
    """For a rejected proof: "data", "model", "configuration" or "proof"."""
    message: str


def _load() -> Any:
    try:
        return importlib.import_module("tacit._native")
    except ModuleNotFoundError as error:
        raise NativeMissing(
            "the compiled part of tacit is not installed: pip install . (needs the Rust toolchain)"
        ) from error


def translated(failure: Failure) -> TacitError:
    """The exception of this package for one of the compiled module."""
    if failure.category == "rejected":
        cls = REJECTED.get(failure.subject, ProofRejected)
        return cls(failure.message, check=failure.check)
    if failure.category == "unreadable":
        return UNREADABLE.get(failure.check, UnreadableFile)(failure.message)
    if failure.category == "release":
        return ReleaseRefused(failure.message, rule=failure.check)
    return UsageError(failure.message)


@contextmanager
def _native() -> Iterator[Any]:
    """The compiled module, with its failures translated."""
    module = _load()
    try:
        yield module
    except module.Failure as failure:
        raise translated(cast(Failure, failure)) from None


@dataclass(frozen=True, slots=True)
class Committed:
    """A fresh commitment: its digest, the public file, and the rows that its tree may open."""

    digest: bytes
    file: bytes = field(repr=False)
    rows: int
    reserve: int


@dataclass(frozen=True, slots=True)
class Opening:
    """A long-lived vector that a proof opens: its public file and the seed of its salts and block."""

    file: bytes = field(repr=False)
    seed: Secret = field(repr=False)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Everything that the proof of one chunk reads."""

    config: Mapping[str, Any]
    index: int
    data: Opening
    features: NDArray[np.int32] = field(repr=False)
    labels: NDArray[np.int64] = field(repr=False)
    weights: tuple[NDArray[np.int64], NDArray[np.int64]] = field(repr=False)
    """Weights, then momentum, before and after the chunk, in the order of the commitment."""
    models: tuple[Opening, Opening]


@dataclass(frozen=True, slots=True)
class Estimate:
    """What proving a run will cost on this machine."""

    chunks: int
    seconds: float
    memory: int
    proof_bytes: int
    rows_per_proof: int
    """Rows that every proof opens of each commitment."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A valid proof, in words: what it shows, what it does not, and how sure that is."""

    shown: tuple[str, ...]
    not_shown: tuple[str, ...]
    soundness: tuple[tuple[str, float], ...]
    """Terms of the soundness error, as bits."""
    statement: Mapping[str, Any] = field(repr=False)

    def __str__(self) -> str:
        """The verdict as a person reads it."""
        parts = [*self.shown, *(f"Not shown: {line}" for line in self.not_shown)]
        return "\n".join(parts)


def commit_dataset(
    features: NDArray[np.int32],
    labels: NDArray[np.int64],
    public_schema: bytes,
    seed: Secret,
    *,
    label_kind: str,
    classes: int,
    proofs: int,
    progress: Progress | None = None,
) -> Committed:
    """Commit a data set and prove it valid.

    `features` [n, d] and `labels` [n] or [n, N] as in `QuantisedData`; `public_schema` is the canonical
    document of `tacit.dataset.public`, kept in the file; `proofs` fixes the row budget.
    """
    import numpy as np

    description = {
        "n": int(features.shape[0]),
        "features": int(features.shape[1]),
        "labels": 1 if labels.ndim == 1 else int(labels.shape[1]),
        "label_kind": label_kind,
        "classes": classes,
        "proofs": proofs,
    }
    # The commitment's layout is column by column.
    columns = np.ascontiguousarray(features.T, dtype=np.int32)
    targets = np.ascontiguousarray(labels.reshape(len(labels), -1).T, dtype=np.int64)
    with _native() as native:
        digest, file, rows, reserve = native.commit_dataset(
            json.dumps(description), public_schema, columns, targets, seed.expose(), progress
        )
    return Committed(digest, file, rows, reserve)


def commit_model(
    config: Mapping[str, Any],
    weights: NDArray[np.int64],
    seed: Secret,
    *,
    proofs: int,
    range_proof: bool,
    progress: Progress | None = None,
) -> Committed:
    """Commit the weights (and momentum) at a chunk boundary; the first ones with a range proof."""
    with _native() as native:
        digest, file, rows, reserve = native.commit_model(
            json.dumps(config), weights, seed.expose(), proofs, range_proof, progress
        )
    return Committed(digest, file, rows, reserve)


def estimate_run(config: Mapping[str, Any], commitment: bytes) -> Estimate:
    """Time, memory and proof size of a run, before proving it."""
    with _native() as native:
        return Estimate(**json.loads(native.estimate_run(json.dumps(config), commitment)))


def prove_chunk(chunk: Chunk, vault_secret: Secret, progress: Progress | None = None) -> bytes:
    """Prove one chunk.

    The caller has charged the rows. Every call draws new randomness; nothing of an unfinished one is kept.
    """
    with _native() as native:
        return bytes(
            native.prove_chunk(
                json.dumps(chunk.config),
                chunk.index,
                (chunk.data.file, chunk.data.seed.expose()),
                (chunk.features, chunk.labels),
                chunk.weights,
                tuple((model.file, model.seed.expose()) for model in chunk.models),
                vault_secret.expose(),
                progress,
            )
        )


def assemble_run(config: Mapping[str, Any], initial: bytes, chunks: Sequence[bytes]) -> bytes:
    """One file of all chunk proofs; `initial` is the public file of the weights before the first."""
    with _native() as native:
        return bytes(native.assemble_run(json.dumps(config), initial, list(chunks)))


def prove_release(
    run: bytes,
    weights: NDArray[np.int64],
    model: Opening,
    bits: int,
    vault_secret: Secret,
    *,
    overrides: Sequence[str] = (),
    progress: Progress | None = None,
) -> tuple[bytes, NDArray[np.int64]]:
    """Round the final weights to `bits` fractional bits and prove it. Raises `ReleaseRefused`."""
    with _native() as native:
        proof, rounded = native.prove_release(
            run,
            weights,
            (model.file, model.seed.expose()),
            bits,
            vault_secret.expose(),
            list(overrides),
            progress,
        )
    return bytes(proof), rounded


def _verdict(text: str) -> Verdict:
    document = json.loads(text)
    return Verdict(
        shown=tuple(document["shown"]),
        not_shown=tuple(document["not_shown"]),
        soundness=tuple((name, float(bits)) for name, bits in document["soundness"]),
        statement=document["statement"],
    )


def verify_commitment(file: bytes) -> Verdict:
    """Check the validity proof of a data commitment. Raises `ProofRejected` or `UnreadableFile`."""
    with _native() as native:
        return _verdict(native.verify_commitment(file))


def verify_run(proof: bytes, commitment: bytes | None) -> Verdict:
    """Check a run against the commitment of its data (None: the verdict says that none was given)."""
    with _native() as native:
        return _verdict(native.verify_run(proof, commitment))


def verify_release(proof: bytes, run: bytes, model: bytes, commitment: bytes | None) -> Verdict:
    """Check that the safetensors file `model` holds the rounded result of `run`."""
    with _native() as native:
        return _verdict(native.verify_release(proof, run, model, commitment))


def describe(file: bytes) -> Verdict:
    """What any of our files states, without checking its proof."""
    with _native() as native:
        return _verdict(native.describe(file))
