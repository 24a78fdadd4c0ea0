"""Recognises data sets that share rows with one whose model was released.

Two releases from data sets that differ in a few rows tell those rows. The vault remembers a keyed fingerprint
of every row of a data set that has a release; the safety rules of a later release ask for the overlap.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from tacit.vault.crypto import derive

if TYPE_CHECKING:
    from tacit.commitment import CommittedData

__all__ = ["Earlier", "earlier_release", "find_release", "remember_release"]

Earlier: TypeAlias = Literal["nothing", "same", "neighbouring"]

_RELEASES = "releases/"
SHARED = 0.01
"""Data sets that share more than this part of the smaller one are neighbours."""


def _memory(data: CommittedData) -> dict[str, Any]:
    """What the vault keeps of a data set that has a release."""
    with data.vault.secret() as secret:
        key = derive(secret.expose(), "tacit/release/rows/v1")
    labels = data.labels.reshape(data.n, -1)
    joined = np.ascontiguousarray(np.concatenate([data.features, labels], axis=1).astype("<i8"))
    quantised = data.quantised
    rule = (data.fa, data.data_bits, data.label_kind, quantised.scales, quantised.target_scale)
    scales = hashlib.sha256(repr(rule).encode())
    return {
        "digest": data.digest.hex(),
        "width": quantised.width,
        "scales": scales.hexdigest(),
        "rows": [hmac.digest(key, row.tobytes(), "sha256")[:16].hex() for row in joined],
    }


def _share(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> float:
    """The part of the smaller data set that is in the other; all of it if that cannot be told and is likely."""
    counts = sorted((len(mine["rows"]), len(theirs["rows"])))
    # Removing a row moves derived scales, another column or precision changes every row: no two are equal then.
    treated = [(memory["width"], memory["scales"]) for memory in (mine, theirs)]
    if treated[0] != treated[1] and counts[1] - counts[0] <= max(4, 0.05 * counts[1]):
        return 1.0
    if mine["width"] != theirs["width"]:
        return 0.0
    known = set(theirs["rows"])
    return sum(row in known for row in mine["rows"]) / max(1, counts[0])


def earlier_release(data: CommittedData) -> Earlier:
    """What this vault has released about the same rows."""
    return find_release(data)[0]


def find_release(data: CommittedData, but: str | None = None) -> tuple[Earlier, str | None]:
    """The same with the run whose weights those were; of one run (`but`) nothing is asked."""
    mine = _memory(data)
    found: tuple[Earlier, str | None] = "nothing", None
    for name in data.vault.names(_RELEASES):
        run = name.removeprefix(_RELEASES)
        if run == but:
            continue
        theirs = data.vault.get_json(name)
        if theirs["digest"] == mine["digest"]:
            return "same", run
        if _share(mine, theirs) > SHARED:
            found = "neighbouring", run
    return found


def remember_release(data: CommittedData, run: str) -> None:
    """Note that a model trained on this data is about to be handed out."""
    data.vault.put_json(_RELEASES + run, _memory(data))
