"""Checks public files. Imports neither torch nor numpy, reads no secrets, uses no network."""

from __future__ import annotations

import os

from tacit import session
from tacit._files import read_limited
from tacit.errors import UsageError
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
) -> Verdict:
    """Check a proof and say what it shows. Raises `ProofRejected` (naming the check) or `UnreadableFile`.

    A run's proof is checked against the commitment `data`; without it the verdict says which data it is about
    by digest alone. A release is checked against `run` and the safetensors file `model`, a report against the
    `run` of its model and the commitment `data` of the rows that it is about. A commitment file as `proof`
    has its validity proof checked.
    """
    content = read_limited(proof, limit=MAX_FILE, what="proof")
    commitment = None if data is None else read_limited(data, limit=MAX_FILE, what="data commitment")
    if session.file_kind(content) == "report":
        if run is None or model is not None:
            raise UsageError("a report is verified with the proof of its run, and without a model file")
        return session.verify_report(
            content, read_limited(run, limit=MAX_FILE, what="proof of the run"), commitment
        )
    if (run is None) != (model is None):
        raise UsageError("a release is verified with both its run and its model")
    if run is not None and model is not None:
        of_run = read_limited(run, limit=MAX_FILE, what="proof of the run")
        weights = read_limited(model, limit=1 << 34, what="model")
        return session.verify_release(content, of_run, weights, commitment)
    kind = session.file_kind(content)
    if kind == "release":
        raise UsageError("this is the proof of a release: give its run and its model too")
    if kind == "data":
        if commitment is not None:
            raise UsageError("this is a data commitment itself; verify it without another")
        return session.verify_commitment(content)
    return session.verify_run(content, commitment)


def inspect(path: PathLike) -> Verdict:
    """What a public file states, in words, without checking its proof."""
    return session.describe(read_limited(path, limit=MAX_FILE, what="file"))
