"""The compiled module, as `tacit.session` calls it.

Public files and secrets are bytes, numbers are contiguous buffers, descriptions and verdicts JSON. Every
function releases the GIL while it works and raises `Failure` and nothing else on purpose. Those with `progress`
call it several times a second and stop when it raises.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

_Bytes: TypeAlias = bytes | bytearray
_Progress: TypeAlias = Callable[[int, int], None] | None
_Opening: TypeAlias = tuple[_Bytes, _Bytes]
_Commitment: TypeAlias = tuple[bytes, bytes, int, int]

class Failure(Exception):
    category: str
    check: str
    subject: str
    message: str

def commit_dataset(
    description: str,
    features: NDArray[np.int32],
    labels: NDArray[np.int64],
    seed: _Bytes,
    secret: _Bytes,
    progress: _Progress,
) -> _Commitment: ...
def commit_model(
    config: str,
    weights: NDArray[np.int64],
    velocity: NDArray[np.int64] | None,
    seed: _Bytes,
    proofs: int,
    for_reports: bool,
) -> _Commitment: ...
def declare(config: str, commitment: bytes, start: tuple[bytes, int] | None, origins: str) -> bytes: ...
def derive_seed(
    purpose: str, origin: str, config: str, commitment: bytes, declaration: bytes | None
) -> bytes: ...
def initial_weights(config: str, seed: bytes) -> bytes: ...
def run_statement(
    config: str, commitment: bytes, start: tuple[bytes, int] | None, origins: str, released: Sequence[str]
) -> bytes: ...
def estimate_run(statement: bytes) -> str: ...
def estimate_plan(config: str, commitment: bytes, start_bits: int | None) -> str: ...
def prove_chunk(
    statement: bytes,
    index: int,
    data: _Opening,
    table: tuple[NDArray[np.int32], NDArray[np.int64]],
    state: tuple[NDArray[np.int64], NDArray[np.int64] | None],
    model_in: _Opening | None,
    out: tuple[_Bytes, int],
    secret: _Bytes,
    progress: _Progress,
) -> tuple[bytes, bytes, list[tuple[str, float]]]: ...
def assemble_run(statement: bytes, chunks: Sequence[bytes]) -> bytes: ...
def check_release(statement: bytes, bits: int, circumstances: str) -> None: ...
def prove_release(
    run: _Bytes,
    weights: NDArray[np.int64],
    velocity: NDArray[np.int64] | None,
    model: _Opening,
    bits: int,
    circumstances: str,
    names: Sequence[tuple[str, str | None]],
    secret: _Bytes,
    progress: _Progress,
) -> tuple[bytes, bytes]: ...
def plan_link(first: _Bytes, second: _Bytes, relation: str | None) -> int: ...
def link_data(
    first: _Opening,
    second: _Opening,
    table: tuple[NDArray[np.int32], NDArray[np.int64]],
    secret: _Bytes,
    progress: _Progress,
) -> bytes: ...
def link_model(
    config: str,
    weights: NDArray[np.int64],
    velocity: NDArray[np.int64] | None,
    first: _Opening,
    second: _Opening,
    secret: _Bytes,
    progress: _Progress,
) -> bytes: ...
def link_rows(
    relation: str,
    first: _Opening,
    second: _Opening,
    first_table: tuple[NDArray[np.int32], NDArray[np.int64]],
    second_table: tuple[NDArray[np.int32], NDArray[np.int64]],
    secret: _Bytes,
    progress: _Progress,
) -> bytes: ...
def verify_link(
    proof: bytes,
    commitment: bytes | None,
    to: bytes | None,
    run: bytes | None,
    links: Sequence[bytes],
    nonce: bytes | None,
    declaration: bytes | None,
) -> str: ...
def plan_report(
    run: _Bytes,
    model: _Bytes,
    weights: NDArray[np.int64],
    commitment: _Bytes | None,
    table: tuple[NDArray[np.int32], NDArray[np.int64]],
    outputs: _Bytes | None,
    request: str,
    other: tuple[_Bytes, _Bytes, NDArray[np.int64]] | None,
) -> str: ...

class ModelTree: ...

def open_model(
    run: _Bytes,
    weights: NDArray[np.int64],
    velocity: NDArray[np.int64] | None,
    model: _Opening,
    progress: _Progress,
) -> ModelTree: ...
def prove_report(
    run: _Bytes,
    weights: NDArray[np.int64],
    velocity: NDArray[np.int64] | None,
    model: _Opening,
    data: _Opening | None,
    table: tuple[NDArray[np.int32], NDArray[np.int64]],
    outputs: tuple[_Opening, tuple[NDArray[np.int32], NDArray[np.int64]]] | None,
    request: str,
    secret: _Bytes,
    other: tuple[_Bytes, NDArray[np.int64], NDArray[np.int64] | None, _Opening] | None,
    tree: ModelTree | None,
    progress: _Progress,
) -> bytes: ...
def verify_report(
    proof: bytes,
    run: bytes,
    commitment: bytes | None,
    training: bytes | None,
    other: tuple[bytes | None, bytes | None, bytes | None, bytes | None],
    links: Sequence[bytes],
    nonce: bytes | None,
    declaration: bytes | None,
) -> str: ...
def public_model(
    file: bytes, config: str, bits: int, names: Sequence[tuple[str, str | None]]
) -> tuple[str, bytes]: ...
def plan_public_report(
    model: str,
    weights: NDArray[np.int64],
    commitment: _Bytes | None,
    table: tuple[NDArray[np.int32], NDArray[np.int64]],
    outputs: _Bytes | None,
    request: str,
) -> str: ...
def prove_public_report(
    model: str,
    weights: NDArray[np.int64],
    data: _Opening | None,
    table: tuple[NDArray[np.int32], NDArray[np.int64]],
    outputs: tuple[_Opening, tuple[NDArray[np.int32], NDArray[np.int64]]] | None,
    request: str,
    secret: _Bytes,
    progress: _Progress,
) -> bytes: ...
def verify_public_report(
    proof: bytes,
    model: bytes,
    commitment: bytes | None,
    released: tuple[bytes, bytes] | None,
    training: bytes | None,
    links: Sequence[bytes],
    nonce: bytes | None,
    declaration: bytes | None,
) -> str: ...
def verify_commitment(bytes: bytes) -> str: ...
def verify_run(
    proof: bytes,
    commitment: bytes | None,
    links: Sequence[bytes],
    nonce: bytes | None,
    declaration: bytes | None,
) -> str: ...
def verify_release(
    proof: bytes,
    run: bytes,
    model: bytes,
    commitment: bytes | None,
    links: Sequence[bytes],
    nonce: bytes | None,
    declaration: bytes | None,
) -> str: ...
def file_kind(bytes: bytes) -> str: ...
def describe(bytes: bytes, run: bytes | None, other: bytes | None, links: Sequence[bytes]) -> str: ...
def instruction_set() -> str: ...
