"""Declared runs: data, start and configuration, fixed before somebody else gives the nonce of the seeds.

starts/DECLARATION/info         what was declared
secrets/starts/DECLARATION      seed of the commitment of a hidden start

`DECLARATION` is the digest that a verifier holds before it issues a nonce, or of which there is dated evidence
before a beacon's round.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tacit import session
from tacit.commitment import CommittedData
from tacit.errors import UsageError
from tacit.origins import Origins
from tacit.runs import proofs_at
from tacit.vault import Secret

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from tacit.arithmetic.config import RunConfig

__all__ = ["Declaration", "DeclaredRun", "declared_before", "keep_declaration"]


@dataclass(frozen=True, slots=True)
class Declaration:
    """The public digests of a declared run. Give `digest` to the verifier before it issues the nonce."""

    digest: bytes
    """Binds all of: data, start, configuration, and who will give the nonces."""
    data: bytes
    start: bytes | None
    """Commitment of the hidden initial weights; None if they will come from a seed."""

    def __str__(self) -> str:
        """The digests, a line each."""
        start = "from a public seed" if self.start is None else self.start.hex()
        return f"declaration {self.digest.hex()}\ndata        {self.data.hex()}\nstart       {start}"


@dataclass(frozen=True, slots=True)
class DeclaredRun:
    """Everything that a declaration binds."""

    data: CommittedData
    config: RunConfig
    """With all of its steps; the seed of a shuffled order is zero."""
    weights: Sequence[NDArray[np.int64]]
    """Of a hidden start."""
    bits: int
    """Window of its range check."""
    origins: Origins

    def info(self) -> dict[str, Any]:
        """What has to be the same when the run is made. Secret."""
        hidden = self.origins.start is None
        content = b"".join(w.astype("<i8").tobytes() for w in self.weights) if hidden else b""
        return {
            "data": self.data.name,
            "weights": hashlib.sha256(content).hexdigest(),
            "config": json.loads(self.config.to_json()),
            "bits": self.bits if hidden else None,
            "origins": json.loads(self.origins.announced_json()),
        }


def keep_declaration(run: DeclaredRun) -> Declaration:
    """Commit the start and keep what was declared. Declaring the same again gives the same declaration."""
    vault = run.data.vault
    with vault.locked():
        known = _find(run)
        if known is not None:
            return _public(run, known)
        start, seed = None, None
        if run.origins.start is None:
            seed = Secret.random()
            start = _commit(run, seed)
            vault.budget.open_account(start.digest.hex(), start.rows, start.reserve)
        digest = _digest(run, start)
        if seed is not None:
            vault.put(f"secrets/starts/{digest.hex()}", seed.expose())
        vault.put_json(f"starts/{digest.hex()}/info", run.info())
    return Declaration(digest, run.data.digest, None if start is None else start.digest)


def declared_before(run: DeclaredRun) -> Declaration:
    """The declaration of exactly this run; raises `UsageError` naming what differs from the declared ones."""
    known = _find(run)
    if known is not None:
        return _public(run, known)
    vault, info = run.data.vault, run.info()
    declared = [vault.get_json(name) for name in _names(run)]
    if not declared:
        raise UsageError(
            "a nonce from outside is for a declared run: call tacit.declare with the same model and options "
            "(tacit declare on the command line), and give its digest to whoever issues the nonce"
        )
    differences = [[part for part in info if info[part] != other[part]] for other in declared]
    closest = min(differences, key=len)
    if "config" in closest:
        # Its scales are those of the weights.
        closest = [part for part in closest if part not in ("weights", "bits")]
    words = {
        "data": "the data set",
        "weights": "the initial weights",
        "config": "the configuration",
        "bits": "the window of the initial weights",
        "origins": "who gives the nonces",
    }
    changed = " and ".join(words[part] for part in closest)
    raise UsageError(f"this run was not declared: {changed} changed since tacit.declare")


def _names(run: DeclaredRun) -> list[str]:
    return [n for n in run.data.vault.names("starts/") if n.endswith("/info")]


def _find(run: DeclaredRun) -> bytes | None:
    info = run.info()
    for name in _names(run):
        if run.data.vault.get_json(name) == info:
            return bytes.fromhex(name.split("/")[1])
    return None


def _public(run: DeclaredRun, digest: bytes) -> Declaration:
    start = None
    if run.origins.start is None:
        start = _commit(run, run.data.vault.secret(f"starts/{digest.hex()}")).digest
    return Declaration(digest, run.data.digest, start)


def _commit(run: DeclaredRun, seed: Secret) -> session.Committed:
    import numpy as np

    flat = np.concatenate([w.reshape(-1) for w in run.weights])
    # As `Run.boundary` commits the model before chunk 0.
    return session.commit_model(
        run.config.to_json(), flat, None, seed, proofs=proofs_at(0, run.config.schedule.chunks)
    )


def _digest(run: DeclaredRun, start: session.Committed | None) -> bytes:
    hidden = None if start is None else (start.file, run.bits)
    return session.declare(run.config.to_json(), run.data.file, hidden, run.origins.announced_json())
