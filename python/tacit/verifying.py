"""Checks public files. Imports neither torch nor numpy, reads no secrets, uses no network."""

from __future__ import annotations

import os
from dataclasses import replace

from tacit import session
from tacit._files import read_limited
from tacit.errors import UsageError
from tacit.origins import from_hex
from tacit.session import Verdict

__all__ = ["MAX_FILE", "inspect", "verify"]

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
    content = read_limited(proof, limit=MAX_FILE, what="proof")
    commitment = None if data is None else read_limited(data, limit=MAX_FILE, what="data commitment")
    held = session.Held(commitment, _bytes32(nonce, "the nonce"), _bytes32(declaration, "the declaration"))
    if session.file_kind(content) == "report":
        if run is None or model is not None:
            raise UsageError("a report is verified with the proof of its run, and without a model file")
        trained = read_limited(run, limit=MAX_FILE, what="proof of the run")
        if training is not None:
            held = replace(held, training=read_limited(training, limit=MAX_FILE, what="training commitment"))
        return session.verify_report(content, trained, held)
    if training is not None:
        raise UsageError("the training data's commitment is for reports; give that of a run as data")
    if (run is None) != (model is None):
        raise UsageError("a release is verified with both its run and its model")
    if run is not None and model is not None:
        of_run = read_limited(run, limit=MAX_FILE, what="proof of the run")
        weights = read_limited(model, limit=1 << 34, what="model")
        return session.verify_release(content, of_run, weights, held)
    kind = session.file_kind(content)
    if kind == "data" and (held.nonce or held.declaration):
        raise UsageError("a data commitment has neither a nonce nor a declaration; they are for runs")
    if kind == "release":
        raise UsageError("this is the proof of a release: give its run and its model too")
    if kind == "data":
        if commitment is not None:
            raise UsageError("this is a data commitment itself; verify it without another")
        return session.verify_commitment(content)
    return session.verify_run(content, held)


def _bytes32(value: bytes | str | None, what: str) -> bytes | None:
    if value is None:
        return None
    if not isinstance(value, bytes | str):
        raise UsageError(f"{what} is {value!r}, neither bytes nor hexadecimal text")
    return from_hex(value if isinstance(value, str) else value.hex(), what)


def inspect(path: PathLike, *, run: PathLike | None = None) -> Verdict:
    """What a public file states, in words, without checking its proof.

    With the `run` of a release's or a report's model, the soundness terms of both are listed as well.
    """
    of_run = None if run is None else read_limited(run, limit=MAX_FILE, what="proof of the run")
    return session.describe(read_limited(path, limit=MAX_FILE, what="file"), of_run)
