"""The only caller of the compiled module: typed functions in, typed results and exceptions out.

The compiled functions take JSON text for descriptions and buffers for numbers, release the GIL, call
`progress(done, total)` several times a second and stop when it raises. They raise `_native.Failure`, whose
`category` picks the exception here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import log2
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, cast

from tacit.errors import (
    BoundFails,
    ProofRejected,
    ReleaseRefused,
    ReportRefused,
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
from tacit.instruction_set import load
from tacit.origins import described

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tacit.origins import Origin
    from tacit.public_models import PublicModel
    from tacit.vault.secret import Secret

__all__ = [
    "Chunk",
    "Circumstances",
    "Committed",
    "Estimate",
    "Held",
    "Opening",
    "Progress",
    "ProvenChunk",
    "PublicData",
    "Verdict",
    "assemble_run",
    "check_release",
    "commit_dataset",
    "commit_model",
    "declare",
    "derive_seed",
    "describe",
    "estimate_plan",
    "estimate_run",
    "file_kind",
    "initial_weights",
    "instruction_set",
    "link_data",
    "link_model",
    "link_rows",
    "plan_link",
    "plan_public_report",
    "plan_report",
    "prove_chunk",
    "prove_public_report",
    "prove_release",
    "prove_report",
    "public_model",
    "run_statement",
    "verify_commitment",
    "verify_link",
    "verify_public_report",
    "verify_release",
    "verify_report",
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


def translated(failure: Failure) -> TacitError:
    """The exception of this package for one of the compiled module."""
    if failure.category == "rejected":
        cls = REJECTED.get(failure.subject, ProofRejected)
        return cls(failure.message, check=failure.check)
    if failure.category == "unreadable":
        return UNREADABLE.get(failure.check, UnreadableFile)(failure.message)
    if failure.category == "report":
        refused = BoundFails if failure.check in ("BoundFails", "MarginFails", "NotBetter") else ReportRefused
        return refused(failure.message, reason=failure.check)
    if failure.category == "release":
        return ReleaseRefused(failure.message, rule=failure.check)
    return UsageError(failure.message)


@contextmanager
def _native() -> Iterator[Any]:
    """The compiled module, with its failures translated."""
    module: Any = load()
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
class PublicData:
    """What a data commitment tells in the clear."""

    label_kind: str
    classes: int
    fa: int
    data_bits: int
    schema_id: bytes
    schema: bytes
    """The canonical public document of `tacit.dataset.public`."""
    names: list[str] | None
    released: list[str]
    proofs: int
    """How many proofs the row budget is for."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Everything that the proof of one chunk reads."""

    statement: bytes = field(repr=False)
    index: int
    data: Opening
    features: NDArray[np.int32] = field(repr=False)
    labels: NDArray[np.int64] = field(repr=False)
    weights: NDArray[np.int64] = field(repr=False)
    """Before the chunk, in the order of the commitment."""
    velocity: NDArray[np.int64] | None = field(repr=False)
    model_in: Opening | None
    """The commitment of `weights`; None at a public start."""
    out_seed: Secret = field(repr=False)
    """Seed of the commitment of the model after the chunk."""
    out_proofs: int


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
class Circumstances:
    """What only the owner can say about a release."""

    known: Sequence[int]
    """Columns that the recipient knows: features from 0, label columns behind them."""
    feature_bits: Sequence[int]
    """Bits of one value, per feature."""
    earlier: Literal["nothing", "same", "neighbouring"]
    """What was released about the same rows before."""
    data_is_public: bool
    """Sets the safety rules aside; the release says so."""

    def to_json(self) -> str:
        """For the compiled module."""
        return json.dumps(
            {
                "known": list(self.known),
                "feature_bits": list(self.feature_bits),
                "earlier": self.earlier,
                "data_is_public": self.data_is_public,
            }
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """A valid proof, in words: what it shows, what it does not, and how sure that is."""

    shown: tuple[str, ...]
    not_shown: tuple[str, ...]
    soundness: tuple[tuple[str, float], ...]
    """Terms of the soundness error, as powers of two, and their totals."""
    statement: Mapping[str, Any] = field(repr=False)

    @property
    def certainty(self) -> str:
        """The soundness error in words; empty where no terms are given."""
        totals = [2.0**bits for name, bits in self.soundness if name.startswith("total")]
        if not totals:
            return ""
        return (
            "If what is shown were false, an attempt at a proof would pass with a probability of at most "
            f"2^{log2(sum(totals)):.1f}, "
            "hash functions taken as random."
        )

    def __str__(self) -> str:
        """The verdict as a person reads it."""
        certainty = [self.certainty] if self.soundness else []
        parts = [*self.shown, *certainty, *(f"Not shown: {line}" for line in self.not_shown)]
        return "\n".join(parts)


def commit_dataset(
    features: NDArray[np.int32],
    labels: NDArray[np.int64],
    public: PublicData,
    seed: Secret,
    vault_secret: Secret,
    progress: Progress | None = None,
    *,
    memory: int,
) -> Committed:
    """Commit a data set and prove it valid.

    `features` [n, d] and `labels` [n] or [n, N] as in `QuantisedData`. Raises `UsageError` if it would take
    more than `memory` bytes, naming how many rows would not.
    """
    import numpy as np

    description = {
        "rows": int(features.shape[0]),
        "features": int(features.shape[1]),
        "label_columns": 1 if labels.ndim == 1 else int(labels.shape[1]),
        "label_kind": public.label_kind,
        "classes": public.classes,
        "fa": public.fa,
        "data_bits": public.data_bits,
        "schema_id": public.schema_id.hex(),
        "schema": public.schema.decode(),
        "names": public.names,
        "released": public.released,
        "proofs": public.proofs,
        "memory": memory,
    }
    # The commitment's layout is column by column.
    columns = np.ascontiguousarray(features.T, dtype=np.int32)
    targets = np.ascontiguousarray(labels.reshape(len(labels), -1).T, dtype=np.int64)
    with _native() as native:
        digest, file, rows, reserve = native.commit_dataset(
            json.dumps(description), columns, targets, seed.expose(), vault_secret.expose(), progress
        )
    return Committed(digest, file, rows, reserve)


def commit_model(
    config: str,
    weights: NDArray[np.int64],
    velocity: NDArray[np.int64] | None,
    seed: Secret,
    *,
    proofs: int,
    for_reports: bool = False,
) -> Committed:
    """Commit weights and, inside a run with momentum, the velocity, in the order of the run record.

    The same arguments give the same commitment. `config` is `RunConfig.to_json()`. `for_reports`, for
    a model that is trained no further, makes reports on few rows cheaper.
    """
    with _native() as native:
        digest, file, rows, reserve = native.commit_model(
            config, weights, velocity, seed.expose(), proofs, for_reports
        )
    return Committed(digest, bytes(file), rows, reserve)


def declare(config: str, commitment: bytes, start: tuple[bytes, int] | None, origins: str) -> bytes:
    """The digest of a declared run: everything that is fixed before a nonce from outside.

    `start` is the commitment of hidden initial weights with the window of its range check, `origins` as
    `Origins.announced_json` writes it.
    """
    with _native() as native:
        return bytes(native.declare(config, commitment, start, origins))


def derive_seed(
    purpose: Literal["order", "initial"],
    origin: Origin,
    config: str,
    commitment: bytes,
    declaration: bytes | None,
) -> bytes:
    """The seed of a purpose: H(purpose, origin, what was fixed before the nonce).

    That is data and architecture for the prover's own number, else the declaration.
    """
    with _native() as native:
        return bytes(
            native.derive_seed(purpose, json.dumps(described(origin)), config, commitment, declaration)
        )


def initial_weights(config: str, seed: bytes) -> NDArray[np.int64]:
    """The public initial weights of a seed, flat, in the order of the run record, fw fractional bits."""
    import numpy as np

    with _native() as native:
        return np.frombuffer(native.initial_weights(config, seed), dtype="<i8").astype(np.int64)


def run_statement(
    config: str,
    commitment: bytes,
    start: tuple[bytes, int] | None,
    origins: str,
    released: Sequence[str],
) -> bytes:
    """The public statement of a run, before anything is proven.

    `start` is the commitment of hidden initial weights with the window of its range check (None: they come from
    a seed), `origins` as `Origins.to_json` writes it, `released` what the configuration tells about the data.
    Raises `UsageError` naming the rule that the statement breaks.
    """
    with _native() as native:
        return bytes(native.run_statement(config, commitment, start, origins, list(released)))


def estimate_run(statement: bytes) -> Estimate:
    """Time, memory and proof size of a run, before proving it."""
    with _native() as native:
        return Estimate(**json.loads(native.estimate_run(statement)))


def estimate_plan(config: str, commitment: bytes, start_bits: int | None) -> Estimate:
    """The same for a run that is only planned; `start_bits` is the window of a hidden start."""
    with _native() as native:
        return Estimate(**json.loads(native.estimate_plan(config, commitment, start_bits)))


@dataclass(frozen=True, slots=True)
class ProvenChunk:
    """The proof of a chunk, the public commitment of the model after it, and where the time went."""

    proof: bytes = field(repr=False)
    model: bytes = field(repr=False)
    seconds: Mapping[str, float]
    """By stage of the proof, in the order in which they come."""


def prove_chunk(chunk: Chunk, vault_secret: Secret, progress: Progress | None = None) -> ProvenChunk:
    """Prove one chunk.

    The caller has charged the rows. Every call draws new randomness; nothing of an unfinished one is kept.
    """
    model_in = chunk.model_in
    with _native() as native:
        proof, model, seconds = native.prove_chunk(
            chunk.statement,
            chunk.index,
            (chunk.data.file, chunk.data.seed.expose()),
            (chunk.features, chunk.labels),
            (chunk.weights, chunk.velocity),
            None if model_in is None else (model_in.file, model_in.seed.expose()),
            (chunk.out_seed.expose(), chunk.out_proofs),
            vault_secret.expose(),
            progress,
        )
    return ProvenChunk(bytes(proof), bytes(model), dict(seconds))


def assemble_run(statement: bytes, chunks: Sequence[bytes]) -> bytes:
    """One file of all chunk proofs."""
    with _native() as native:
        return bytes(native.assemble_run(statement, list(chunks)))


def check_release(statement: bytes, bits: int, circumstances: Circumstances) -> None:
    """Apply the safety rules to a run, proven or not.

    Raises `ReleaseRefused` naming the first rule that refuses.
    """
    with _native() as native:
        native.check_release(statement, bits, circumstances.to_json())


def prove_release(
    run: bytes,
    weights: NDArray[np.int64],
    velocity: NDArray[np.int64] | None,
    model: Opening,
    bits: int,
    circumstances: Circumstances,
    names: Sequence[tuple[str, str | None]],
    vault_secret: Secret,
    *,
    progress: Progress | None = None,
) -> tuple[bytes, NDArray[np.int64]]:
    """Round the final weights to `bits` fractional bits and prove it. Raises `ReleaseRefused`.

    `names` are those of weight and bias, per layer: the proof binds them. The rounded weights come back flat,
    in the order of `weights`.
    """
    import numpy as np

    with _native() as native:
        proof, rounded = native.prove_release(
            run,
            weights,
            velocity,
            (model.file, model.seed.expose()),
            bits,
            circumstances.to_json(),
            list(names),
            vault_secret.expose(),
            progress,
        )
    return bytes(proof), np.frombuffer(rounded, dtype="<i8").astype(np.int64)


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


@dataclass(frozen=True, slots=True)
class Held:
    """What a verifier holds apart from the proof; None is not checked, and the verdict says so."""

    commitment: bytes | None = field(default=None, repr=False)
    """The data commitment file."""
    nonce: bytes | None = None
    """The nonce that the verifier issued."""
    declaration: bytes | None = None
    """The digest that it held before."""
    training: bytes | None = field(default=None, repr=False)
    """For a report: the commitment file of the training data, unless that is `commitment`."""
    links: tuple[bytes, ...] = field(default=(), repr=False)
    """Links from a commitment to the one that is held, or that a proof names."""
    other_run: bytes | None = field(default=None, repr=False)
    """For a report that compares two models: the run of the second."""
    other_training: bytes | None = field(default=None, repr=False)
    """The commitment file of its training data, unless that is one of the others."""
    other_nonce: bytes | None = None
    """The nonce that the verifier issued for the second run."""
    other_declaration: bytes | None = None
    """The digest of its declaration that the verifier held before."""


def verify_run(proof: bytes, held: Held) -> Verdict:
    """Check a run against what the verifier holds."""
    with _native() as native:
        return _verdict(
            native.verify_run(proof, held.commitment, list(held.links), held.nonce, held.declaration)
        )


def verify_release(proof: bytes, run: bytes, model: bytes, held: Held) -> Verdict:
    """Check that the safetensors file `model` holds the rounded result of `run`, and no other tensor.

    The run is verified first, against what the verifier holds.
    """
    with _native() as native:
        return _verdict(
            native.verify_release(
                proof, run, model, held.commitment, list(held.links), held.nonce, held.declaration
            )
        )


def file_kind(file: bytes) -> str:
    """What a file holds, by its first bytes: "data", "run", "release", "report", or a part of a run."""
    with _native() as native:
        return str(native.file_kind(file))


def describe(
    file: bytes, run: bytes | None = None, other: bytes | None = None, links: Sequence[bytes] = ()
) -> Verdict:
    """What any of our files states, without checking its proof.

    The error terms of a release or a report follow from the `run` of its model, those of a comparison from the
    run of the `other` too; `links` lead from a run's model to a commitment that a file names. None is checked.
    """
    with _native() as native:
        return _verdict(native.describe(file, run, other, list(links)))


@dataclass(frozen=True, slots=True)
class OtherModel:
    """The model that a report compares with, of a proven run."""

    run: bytes = field(repr=False)
    weights: NDArray[np.int64] = field(repr=False)
    velocity: NDArray[np.int64] | None = field(repr=False)
    opening: Opening


def plan_report(
    run: bytes,
    model: bytes,
    weights: NDArray[np.int64],
    commitment: bytes | None,
    features: NDArray[np.int32],
    labels: NDArray[np.int64],
    request: str,
    *,
    outputs: bytes | None = None,
    other: OtherModel | None = None,
) -> dict[str, Any]:
    """What a report will state and cost: `shown`, `group_sizes`, `rows_per_proof`. For the owner alone.

    `model` is the commitment of the run's final model that the report opens; `commitment` is the file of the
    data set that `features` [n, d] and `labels` are; None for public rows. `outputs` is the commitment file of
    the outputs, if they are committed.
    Raises `ReportRefused` naming what is wrong.
    """
    with _native() as native:
        told = None if other is None else (other.run, other.opening.file, other.weights)
        plan = native.plan_report(run, model, weights, commitment, (features, labels), outputs, request, told)
    return dict(json.loads(plan))


class ModelTree:
    """The commitment of a model with its tree: what every proof about the model opens. Secret."""

    __slots__ = ("_native",)

    def __init__(self, native: Any) -> None:
        """Of the core's object."""
        self._native = native

    def __repr__(self) -> str:
        """Nothing of what it holds."""
        return "ModelTree()"


def open_model(
    run: bytes,
    state: tuple[NDArray[np.int64], NDArray[np.int64] | None],
    model: Opening,
    *,
    progress: Progress | None = None,
) -> ModelTree:
    """Build the tree of the final model of a run, for several reports.

    `state` is (weights, velocity) behind it.
    """
    with _native() as native:
        return ModelTree(
            native.open_model(run, state[0], state[1], (model.file, model.seed.expose()), progress)
        )


def prove_report(
    run: bytes,
    state: tuple[NDArray[np.int64], NDArray[np.int64] | None],
    model: Opening,
    data: Opening | None,
    table: tuple[NDArray[np.int32], NDArray[np.int64]],
    request: str,
    vault_secret: Secret,
    *,
    outputs: tuple[Opening, tuple[NDArray[np.int32], NDArray[np.int64]]] | None = None,
    other: OtherModel | None = None,
    tree: ModelTree | None = None,
    progress: Progress | None = None,
) -> bytes:
    """Prove a statement about the final model of a run, as `plan_report` said. The caller has charged the rows.

    `state` is (weights, velocity) behind `model`; `data` is None for public rows. `outputs` are the commitment
    of the outputs, if they are committed, and its integers. A `tree` of another commitment than `model` is
    not used: the model's is built.
    """
    with _native() as native:
        proof = native.prove_report(
            run,
            state[0],
            state[1],
            (model.file, model.seed.expose()),
            None if data is None else (data.file, data.seed.expose()),
            table,
            None if outputs is None else ((outputs[0].file, outputs[0].seed.expose()), outputs[1]),
            request,
            vault_secret.expose(),
            None if other is None else _other(other),
            None if tree is None else tree._native,
            progress,
        )
    return bytes(proof)


def _other(other: OtherModel) -> tuple[Any, ...]:
    opening = other.opening
    return other.run, other.weights, other.velocity, (opening.file, opening.seed.expose())


def verify_report(proof: bytes, run: bytes, held: Held) -> Verdict:
    """Check a report and the run of its model.

    What is held: the commitments of the data that the report evaluates and of the training data, and the run's
    nonce and declaration.
    """
    with _native() as native:
        return _verdict(
            native.verify_report(
                proof,
                run,
                held.commitment,
                held.training,
                (held.other_run, held.other_training, held.other_nonce, held.other_declaration),
                list(held.links),
                held.nonce,
                held.declaration,
            )
        )


RowRelation: TypeAlias = Literal["same", "subset", "disjoint"]
"""How the rows of two data sets are related."""


def public_model(
    file: bytes, config: str, bits: int, names: Sequence[tuple[str, str | None]]
) -> tuple[str, NDArray[np.int64]]:
    """The model in a safetensors file: its description as JSON, and its weights over 2^`bits`.

    `config` is that of a run of the same architecture, `names` are the tensors of each layer. Raises
    `ProofRejected` naming the tensor that is another.
    """
    import numpy as np

    with _native() as native:
        description, weights = native.public_model(file, config, bits, list(names))
    return str(description), np.frombuffer(weights, dtype="<i8").astype(np.int64)


def plan_public_report(
    model: PublicModel,
    commitment: bytes | None,
    table: tuple[NDArray[np.int32], NDArray[np.int64]],
    request: str,
    *,
    outputs: bytes | None = None,
) -> dict[str, Any]:
    """`plan_report` of a public model, which is not opened."""
    with _native() as native:
        plan = native.plan_public_report(model.description, model.weights, commitment, table, outputs, request)
    return dict(json.loads(plan))


def prove_public_report(
    model: PublicModel,
    data: Opening | None,
    table: tuple[NDArray[np.int32], NDArray[np.int64]],
    request: str,
    vault_secret: Secret,
    *,
    outputs: tuple[Opening, tuple[NDArray[np.int32], NDArray[np.int64]]] | None = None,
    progress: Progress | None = None,
) -> bytes:
    """`prove_report` of a public model. The caller has charged the rows of data and outputs."""
    with _native() as native:
        proof = native.prove_public_report(
            model.description,
            model.weights,
            None if data is None else (data.file, data.seed.expose()),
            table,
            None if outputs is None else ((outputs[0].file, outputs[0].seed.expose()), outputs[1]),
            request,
            vault_secret.expose(),
            progress,
        )
    return bytes(proof)


def verify_public_report(
    proof: bytes, model: bytes, released: tuple[bytes, bytes] | None, held: Held
) -> Verdict:
    """Check a report on the public model in the safetensors file `model`.

    `released` are a release and its run: with them the verdict says where the weights come from. What is held:
    the commitment of the data that the report evaluates and, of the run, that of its training data, its nonce
    and its declaration.
    """
    with _native() as native:
        return _verdict(
            native.verify_public_report(
                proof,
                model,
                held.commitment,
                released,
                held.training,
                list(held.links),
                held.nonce,
                held.declaration,
            )
        )


def plan_link(first: bytes, second: bytes, relation: RowRelation | None = None) -> int:
    """Rows that a link of two commitments, or a relation of their rows, opens of each of them.

    Raises `UsageError` if they cannot be linked.
    """
    with _native() as native:
        return int(native.plan_link(first, second, relation))


def link_data(
    first: Opening,
    second: Opening,
    table: tuple[NDArray[np.int32], NDArray[np.int64]],
    vault_secret: Secret,
    *,
    progress: Progress | None = None,
) -> bytes:
    """Prove that two commitments hold the same data set, `table`. The caller has charged the rows."""
    with _native() as native:
        proof = native.link_data(
            (first.file, first.seed.expose()),
            (second.file, second.seed.expose()),
            table,
            vault_secret.expose(),
            progress,
        )
    return bytes(proof)


def link_model(
    config: str,
    state: tuple[NDArray[np.int64], NDArray[np.int64] | None],
    first: Opening,
    second: Opening,
    vault_secret: Secret,
    *,
    progress: Progress | None = None,
) -> bytes:
    """Prove that two commitments hold the same model, `state` = (weights, velocity).

    The caller has charged the rows.
    """
    with _native() as native:
        proof = native.link_model(
            config,
            state[0],
            state[1],
            (first.file, first.seed.expose()),
            (second.file, second.seed.expose()),
            vault_secret.expose(),
            progress,
        )
    return bytes(proof)


def link_rows(
    relation: RowRelation,
    first: Opening,
    second: Opening,
    first_table: tuple[NDArray[np.int32], NDArray[np.int64]],
    second_table: tuple[NDArray[np.int32], NDArray[np.int64]],
    vault_secret: Secret,
    *,
    progress: Progress | None = None,
) -> bytes:
    """Prove how the rows of two data sets are related. The caller has charged the rows.

    Raises `ReportRefused` naming a row if they are not related so.
    """
    with _native() as native:
        proof = native.link_rows(
            relation,
            (first.file, first.seed.expose()),
            (second.file, second.seed.expose()),
            first_table,
            second_table,
            vault_secret.expose(),
            progress,
        )
    return bytes(proof)


def verify_link(proof: bytes, to: bytes | None, run: bytes | None, held: Held) -> Verdict:
    """Check a link: of data beside the commitment files of its sides, of models beside the run of the first."""
    with _native() as native:
        return _verdict(
            native.verify_link(proof, held.commitment, to, run, list(held.links), held.nonce, held.declaration)
        )


def instruction_set() -> str:
    """What the build of the core in use was compiled for: "AVX-512", "AVX2" or "baseline"."""
    with _native() as native:
        return str(native.instruction_set())
