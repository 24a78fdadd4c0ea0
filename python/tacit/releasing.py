"""Publishes the rounded weights of a run: a separate act, with a proof and after the safety rules."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tacit import session
from tacit._files import write_atomic
from tacit.errors import UsageError
from tacit.progress import progress_bar
from tacit.proving import prove
from tacit.release_rules import ReleaseFacts, check_rules, fingerprints, overlap, row_bits
from tacit.runs import Run
from tacit.vault.crypto import derive
from tacit.weights_file import named_tensors, safetensors_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tacit.arithmetic.record import RunRecord
    from tacit.commitment import CommittedData

__all__ = ["Release", "release"]

MIN_BITS, MAX_BITS = 2, 23


@dataclass(frozen=True, slots=True)
class Release:
    """Rounded weights and the proof that they are the rounded result of a run. Public."""

    weights: dict[str, NDArray[np.float32]] = field(repr=False)
    proof: bytes = field(repr=False)
    bits: int

    def save(self, model: str | os.PathLike[str], proof: str | os.PathLike[str]) -> tuple[Path, Path]:
        """Write the weights as safetensors and the proof beside them."""
        write_atomic(model, safetensors_bytes(self.weights))
        write_atomic(proof, self.proof)
        return Path(model), Path(proof)


def release(
    run: Run,
    *,
    bits: int = 12,
    known_columns: Collection[str] = (),
    known_labels: bool = False,
    overrides: Collection[str] = (),
    quiet: bool = False,
) -> Release:
    """Round the weights of a proven run to `bits` fractional bits, prove it, and remember that it was done.

    `known_columns` are input columns that the recipient knows anyway, `known_labels` says so of the labels;
    both make the rules stricter. Raises `ReleaseRefused`, naming the rule, unless `overrides` lists it.
    """
    if not MIN_BITS <= bits <= MAX_BITS:
        raise UsageError(f"bits is {bits}; it must be between {MIN_BITS} and {MAX_BITS}")
    record, data, vault = run.record(), run.data(), run.vault
    if bits > record.config.scales.fw:
        raise UsageError(f"the weights have {record.config.scales.fw} fractional bits, fewer than {bits}")
    facts, marks = _facts(run, record, data, bits, known_columns, known_labels)
    check_rules(facts, overrides)
    proof_of_run = prove(run, quiet=quiet)
    final = len(record.states) - 1
    opening, made = run.boundary(final, record)
    vault.budget.charge({made.digest.hex(): made.reserve}, f"{run.name} release")
    with progress_bar("releasing", shown=False if quiet else None) as progress:
        proof, rounded = session.prove_release(
            proof_of_run.content,
            record.final.flat_weights(),
            opening,
            bits,
            vault.secret(),
            overrides=sorted(overrides),
            progress=progress,
        )
    layers = record.config.architecture.layers
    tensors = named_tensors(
        np.asarray(rounded, dtype=np.int64),
        [(layer.k, layer.outputs) for layer in layers],
        record.parameter_names or _plain_names(record),
        bits,
    )
    # Remembered before anything is handed out: a crash here costs a release, not a second one.
    vault.put_json(f"releases/{run.name}", _memory(data, marks))
    return Release(tensors, proof, bits)


def _plain_names(record: RunRecord) -> list[tuple[str, str | None]]:
    return [
        (f"{index}.weight", f"{index}.bias" if layer.bias else None)
        for index, layer in enumerate(record.config.architecture.layers)
    ]


def _memory(data: CommittedData, marks: list[bytes]) -> dict[str, Any]:
    """What the vault keeps of a released data set, to recognise its neighbours."""
    scales = hashlib.sha256(repr((data.quantised.scales, data.quantised.target_scale)).encode())
    return {"rows": [m.hex() for m in marks], "width": data.quantised.width, "scales": scales.hexdigest()}


def _shared(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> float:
    """The share of rows in common; all of them if that cannot be told and is likely."""
    if mine["width"] != theirs["width"]:
        return 0.0
    counts = sorted((len(mine["rows"]), len(theirs["rows"])))
    # Removing a row moves derived scales, and then no rounded row is the same any more.
    if mine["scales"] != theirs["scales"] and counts[1] - counts[0] <= max(4, 0.05 * counts[1]):
        return 1.0
    return overlap(mine["rows"], theirs["rows"])


def _facts(
    run: Run,
    record: RunRecord,
    data: CommittedData,
    bits: int,
    known_columns: Collection[str],
    known_labels: bool,
) -> tuple[ReleaseFacts, list[bytes]]:
    names = data.quantised.feature_names
    # A categorical column is known with all of its indicators.
    groups = [name.split("=", 1)[0] for name in names]
    for column in known_columns:
        if column not in names and column not in groups:
            raise UsageError(f"the data has no input column {column!r}")
    known = {i for i, name in enumerate(names) if name in known_columns or groups[i] in known_columns}
    config = record.config
    weights = record.final.flat_weights()
    whole = int(np.abs(weights).max(initial=0)) >> config.scales.fw
    vault = run.vault
    with vault.secret() as secret:
        key = derive(secret.expose(), "tacit/release/rows/v1")
    marks = fingerprints(key, data.features, data.labels)
    shared = 0.0
    before = [name.removeprefix("releases/") for name in vault.names("releases/")]
    for name in before:
        shared = max(shared, _shared(_memory(data, marks), vault.get_json(f"releases/{name}")))
    return (
        ReleaseFacts(
            rows=data.n,
            first_outputs=config.architecture.layers[0].outputs,
            batch=config.schedule.batch,
            steps=config.schedule.total_steps,
            weights=config.architecture.weight_count,
            bits_per_weight=bits + whole.bit_length() + 1,
            data_bits=row_bits(data.features, data.classes, known, known_labels),
            released_runs=before,
            run=run.name,
            shared_rows=shared,
        ),
        marks,
    )
