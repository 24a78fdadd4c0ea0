"""Publishes the rounded weights of a run: a separate act, with a proof and after the safety rules."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tacit import session
from tacit._files import require_free, write_public
from tacit.errors import ReleaseRefused, UsageError
from tacit.metrics import METRICS, training_metric
from tacit.neighbours import find_release, remember_release
from tacit.progress import progress_bar
from tacit.proving import prove
from tacit.release_room import check_room
from tacit.runs import Run
from tacit.weights_file import named_tensors, require_float32, safetensors_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tacit.arithmetic.record import RunRecord
    from tacit.commitment import CommittedData

__all__ = ["Release", "check", "release"]


@dataclass(frozen=True, slots=True)
class Release:
    """Rounded weights and the proof that they are the rounded result of a run. Public."""

    weights: dict[str, NDArray[np.float32]] = field(repr=False)
    """By parameter name of the module that was trained."""
    proof: bytes = field(repr=False)
    bits: int
    metric: str
    """What the two numbers below are, on the training rows: they tell about the data and are not published."""
    metric_exact: float = field(repr=False)
    metric_rounded: float = field(repr=False)
    links: tuple[bytes, ...] = field(default=(), repr=False)
    """What it is verified with, beside its run: links to the model's commitment, where that was made again."""

    def save(
        self, model: str | os.PathLike[str], proof: str | os.PathLike[str], *, overwrite: bool = False
    ) -> tuple[Path, Path]:
        """Write the weights as safetensors and the proof beside them.

        Files of something else are refused (`FileTaken`) before either is written.
        """
        weights = safetensors_bytes(self.weights)
        require_free(model, weights, overwrite=overwrite)
        require_free(proof, self.proof, overwrite=overwrite)
        return (
            write_public(model, weights, overwrite=overwrite),
            write_public(proof, self.proof, overwrite=overwrite),
        )


def check(
    run: Run,
    *,
    bits: int = 12,
    known_columns: Collection[str] = (),
    known_labels: bool = False,
    known_rows: int = 0,
    data_is_public: bool = False,
) -> session.Circumstances:
    """Everything that can refuse a release, before anything is proven or charged.

    Raises `ReleaseRefused`, naming the rule.
    """
    record, data = run.record(), run.data()
    # Weights that were made once and are handed out again tell nothing more.
    again = run.name if _kept(run, bits, data_is_public) is not None else None
    earlier, before = find_release(data, but=again)
    circumstances = session.Circumstances(
        known=_known(data, known_columns, known_labels),
        feature_bits=[_bits(data.features[:, column]) for column in range(data.quantised.width)],
        earlier=earlier,
        data_is_public=data_is_public,
    )
    try:
        session.check_release(run.statement(record), bits, circumstances)
    except ReleaseRefused as error:
        if error.rule != "EarlierRelease" or before is None:
            raise
        raise ReleaseRefused(f"{error} (the release of {before})", rule=error.rule) from None
    weights = record.final.flat_weights()
    if not data_is_public:
        check_room(record.config, data, weights, bits=bits, known=circumstances.known, known_rows=known_rows)
    require_float32(int(np.abs(weights).max(initial=0)) >> (record.config.scales.fw - bits), bits)
    return circumstances


def release(
    run: Run,
    *,
    bits: int = 12,
    known_columns: Collection[str] = (),
    known_labels: bool = False,
    known_rows: int = 0,
    data_is_public: bool = False,
    quiet: bool = False,
) -> Release:
    """Round the weights of a run to `bits` fractional bits, prove it, and remember that it was done.

    `known_columns` are input columns that the recipient knows anyway, `known_labels` says so of the labels,
    `known_rows` of how many whole rows; all make the safety rules stricter. Raises `ReleaseRefused`, naming the
    rule, unless `data_is_public`, which the proof then says. The rules limit damage; only differentially
    private training bounds what weights tell.

    A release that was made stays in the vault: at the same `bits` it is returned again, the same bytes, without
    a proof or a charge, so that one whose files could not be written is not lost.
    """
    record, data, vault = run.record(), run.data(), run.vault
    # First everything that can refuse: a refusal costs no proof and no rows.
    circumstances = check(
        run,
        bits=bits,
        known_columns=known_columns,
        known_labels=known_labels,
        known_rows=known_rows,
        data_is_public=data_is_public,
    )
    kept = _kept(run, bits, data_is_public)
    if kept is not None:
        return _release(run, record, data, *kept, bits, run.final(record).links, quiet=quiet)
    weights = record.final.flat_weights()
    proven = prove(run, quiet=quiet)
    final = run.final(record)
    opening, made = final.opening, final.made
    vault.budget.charge({made.digest.hex(): made.reserve}, f"{run.name} release")
    names = parameter_names(record)
    # Remembered before anything is made: a crash here costs a release, it does not allow a second one. Another
    # process may have released meanwhile.
    with vault.locked():
        earlier, before = find_release(data)
        if not data_is_public and earlier != circumstances.earlier:
            raise ReleaseRefused(f"the same rows were released meanwhile, by {before}", rule="EarlierRelease")
        remember_release(data, run.name)
    with progress_bar("releasing", shown=False if quiet else None) as progress:
        proof, rounded = session.prove_release(
            proven.content,
            weights,
            record.final.flat_velocity(),
            opening,
            bits,
            circumstances,
            names,
            vault.secret(),
            progress=progress,
        )
    _keep(run, bits, data_is_public, proof, rounded)
    return _release(run, record, data, proof, rounded, bits, final.links, quiet=quiet)


def _keep(run: Run, bits: int, data_is_public: bool, proof: bytes, rounded: NDArray[np.int64]) -> None:
    """Store a release in the vault before its files are written anywhere."""
    head = json.dumps({"proof": len(proof)}).encode()
    content = b"\n".join([head, proof + rounded.astype("<i8").tobytes()])
    run.vault.put(_place(run, bits, data_is_public), content)


def _place(run: Run, bits: int, data_is_public: bool) -> str:
    return f"released/{run.name}-{bits}-{'public' if data_is_public else 'private'}"


def _kept(run: Run, bits: int, data_is_public: bool) -> tuple[bytes, NDArray[np.int64]] | None:
    """The proof and the rounded weights of a release of this run that was made at as many bits."""
    name = _place(run, bits, data_is_public)
    if not run.vault.has(name):
        return None
    head, _, body = run.vault.get(name).partition(b"\n")
    length = int(json.loads(head)["proof"])
    return body[:length], np.frombuffer(body[length:], dtype="<i8").astype(np.int64)


def _release(
    run: Run,
    record: RunRecord,
    data: CommittedData,
    proof: bytes,
    rounded: NDArray[np.int64],
    bits: int,
    links: tuple[bytes, ...],
    *,
    quiet: bool,
) -> Release:
    """What is handed out, with the metric of the rounded weights."""
    names = parameter_names(record)
    layers = [(layer.k, layer.outputs) for layer in record.config.architecture.layers]
    tensors = named_tensors(rounded, layers, names, bits)
    fw = record.config.scales.fw
    exact = training_metric(record.config, data, record.final.flat_weights() * 2.0**-fw)
    after = training_metric(record.config, data, np.asarray(rounded) * 2.0**-bits)
    name = METRICS[data.label_kind]
    if not quiet:
        print(f"{name} on the training rows: {exact:.4f} exact, {after:.4f} at {bits} bits", file=sys.stderr)
    return Release(tensors, proof, bits, name, exact, after, links)


def _bits(column: NDArray[np.int32]) -> int:
    """Bits of one value of a column: no more than tell its different values apart."""
    return (len(np.unique(column)) - 1).bit_length()


def parameter_names(record: RunRecord) -> list[tuple[str, str | None]]:
    """What the tensors of every layer are called in a model file: as in the module, or by number."""
    return (
        list(record.parameter_names)
        if record.parameter_names
        else [
            (f"{index}.weight", f"{index}.bias" if layer.bias else None)
            for index, layer in enumerate(record.config.architecture.layers)
        ]
    )


def _known(data: CommittedData, columns: Collection[str], labels: bool) -> list[int]:
    """Positions of the known features, and of the label columns behind them."""
    names = data.quantised.feature_names
    # A categorical column is known with all of its indicators.
    groups = [name.split("=", 1)[0] for name in names]
    for column in columns:
        if column not in names and column not in groups:
            raise UsageError(f"the data has no input column {column!r}")
    known = [i for i, name in enumerate(names) if name in columns or groups[i] in columns]
    outputs = data.classes if data.label_kind == "class" else data.labels.shape[1]
    return known + [len(names) + j for j in range(outputs if labels else 0)]
