"""Checks public files. Imports neither torch nor numpy, reads no secrets, uses no network."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from tacit import session
from tacit._files import read_limited
from tacit.errors import UsageError
from tacit.origins import from_hex
from tacit.session import Verdict

__all__ = ["MAX_FILE", "Files", "check_files", "inspect", "read_files", "verify"]

MAX_FILE = 1 << 30
"""Longest public file that is read."""

PathLike = str | os.PathLike[str]


def verify(
    proof: PathLike,
    *,
    data: PathLike | None = None,
    run: PathLike | None = None,
    model: PathLike | None = None,
    training: PathLike | None = None,
    nonce: bytes | str | None = None,
    declaration: bytes | str | None = None,
) -> Verdict:
    """Check a proof and say what it shows. Raises `ProofRejected` (naming the check) or `UnreadableFile`.

    A run's proof is checked against the commitment `data`; without it the verdict says which data it is about
    by digest alone. A release is checked against `run` and the safetensors file `model`, a report against the
    `run` of its model, the commitment `data` of the rows that it is about and, where the model was trained on
    others, the commitment `training` of those. A commitment file as `proof` has its validity proof checked.

    `nonce` (32 bytes, or hexadecimal) is what you issued for this run: a run without it, or with another, is
    rejected. `declaration` is the digest that you held before: a run of other data, another start or another
    configuration is rejected. Without them the verdict says what is as declared and unchecked.
    """
    files = read_files(proof, data=data, run=run, model=model, training=training)
    return check_files(files, nonce=nonce, declaration=declaration)


@dataclass(frozen=True, slots=True)
class Files:
    """The content of the files of one check, each read once."""

    proof: bytes = field(repr=False)
    data: bytes | None = field(default=None, repr=False)
    run: bytes | None = field(default=None, repr=False)
    model: bytes | None = field(default=None, repr=False)
    training: bytes | None = field(default=None, repr=False)


def read_files(
    proof: PathLike,
    *,
    data: PathLike | None = None,
    run: PathLike | None = None,
    model: PathLike | None = None,
    training: PathLike | None = None,
) -> Files:
    """Read what `verify` was given. Raises `UnreadableFile`."""

    def read(path: PathLike | None, what: str, limit: int = MAX_FILE) -> bytes | None:
        return None if path is None else read_limited(path, limit=limit, what=what)

    return Files(
        read_limited(proof, limit=MAX_FILE, what="proof"),
        read(data, "data commitment"),
        read(run, "proof of the run"),
        read(model, "model", 1 << 34),
        read(training, "training commitment"),
    )


def check_files(
    files: Files, *, nonce: bytes | str | None = None, declaration: bytes | str | None = None
) -> Verdict:
    """`verify` on what was read."""
    held = session.Held(
        files.data, _bytes32(nonce, "the nonce"), _bytes32(declaration, "the declaration"), files.training
    )
    kind = session.file_kind(files.proof)
    if kind == "report":
        if files.run is None or files.model is not None:
            raise UsageError("a report is verified with the proof of its run, and without a model file")
        return session.verify_report(files.proof, files.run, held)
    if held.training is not None:
        raise UsageError("the training data's commitment is for reports; give that of a run as data")
    if (files.run is None) != (files.model is None):
        raise UsageError("a release is verified with both its run and its model")
    if files.run is not None and files.model is not None:
        return session.verify_release(files.proof, files.run, files.model, held)
    if kind == "data" and (held.nonce or held.declaration):
        raise UsageError("a data commitment has neither a nonce nor a declaration; they are for runs")
    if kind == "release":
        raise UsageError("this is the proof of a release: give its run and its model too")
    if kind == "data":
        if files.data is not None:
            raise UsageError("this is a data commitment itself; verify it without another")
        return session.verify_commitment(files.proof)
    return session.verify_run(files.proof, held)


def _bytes32(value: bytes | str | None, what: str) -> bytes | None:
    if value is None:
        return None
    if not isinstance(value, bytes | str):
        raise UsageError(f"{what} is {value!r}, neither bytes nor hexadecimal text")
    return from_hex(value if isinstance(value, str) else value.hex(), what)


def inspect(path: PathLike) -> Verdict:
    """What a public file states, in words, without checking its proof."""
    return session.describe(read_limited(path, limit=MAX_FILE, what="file"))
