"""Records and statements (sections 3, 10.6 and 13) as they stand in files and digests."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from blake3 import blake3

from spec.field import ZERO, E, P, Point, lg
from spec.seed import (
    ByBeacon,
    ByProver,
    ByVerifier,
    Declaration,
    DeclaredHidden,
    DeclaredSeed,
    Origin,
    announced,
)
from spec.training import Architecture, RunConfig, Shuffled
from spec.wire import I64, U8, U16, U32, U64, USIZE, Bytes32, Exemption, digest


@dataclass(frozen=True)
class Shape:
    """Columns of 2^log_height coefficients, the last `block` of each uniform."""

    log_height: USIZE
    columns: USIZE
    block: USIZE

    @property
    def payload(self) -> int:
        """Payload cells of one column."""
        return (1 << self.log_height) - self.block

    @property
    def capacity(self) -> int:
        """Payload cells."""
        return self.payload * self.columns

    def holds(self, stride: int) -> bool:
        """Whether slots of 2^stride cells never lie in two columns."""
        return stride <= self.log_height and self.block % (1 << stride) == 0


@dataclass(frozen=True)
class Vector:
    """What every record has."""

    suite: U8
    log_inv_rate: U8
    shape: Shape
    row_budget: U64
    root: Bytes32


@dataclass(frozen=True)
class ClassLabels:
    """One class out of many, one-hot."""

    classes: U32


@dataclass(frozen=True)
class BinaryLabels:
    """0 or 1 per output."""

    outputs: U32


@dataclass(frozen=True)
class RealLabels:
    """Fixed-point targets."""

    outputs: U32
    bits: U32


Labels = ClassLabels | BinaryLabels | RealLabels


@dataclass(frozen=True)
class Committed:
    """A long-lived vector as the argument knows it."""

    shape: Shape
    root: bytes
    point: Point
    value: E


@dataclass(frozen=True)
class DataRecord:
    """A committed data set."""

    version: U16
    rows: U32
    features: U32
    labels: ClassLabels | BinaryLabels | RealLabels
    fa: U32
    data_bits: U32
    schema: Bytes32
    names: list[str] | None
    released: list[str]
    vector: Vector
    pin: E

    @property
    def label_columns(self) -> int:
        """Committed label columns."""
        return self.labels.classes if isinstance(self.labels, ClassLabels) else self.labels.outputs

    @property
    def columns(self) -> int:
        """Features and labels."""
        return self.features + self.label_columns

    def digest(self) -> bytes:
        """C."""
        return digest("tacit/record/data/v1", (DataRecord, self))

    def committed(self) -> Committed:
        """The vector, with the point of its pin."""
        unpinned = digest("tacit/record/data/unpinned/v1", (DataRecord, replace(self, pin=ZERO)))
        return _committed(self.vector, unpinned, self.pin)


@dataclass(frozen=True)
class ModelRecord:
    """A committed model, with momentum the velocity behind the weights."""

    version: U16
    layers: list[tuple[U32, U32]]
    fw: U32
    velocity: bool
    vector: Vector
    pin: E

    def digest(self) -> bytes:
        """C."""
        return digest("tacit/record/model/v1", (ModelRecord, self))

    def committed(self) -> Committed:
        """The vector, with the point of its pin."""
        unpinned = digest("tacit/record/model/unpinned/v1", (ModelRecord, replace(self, pin=ZERO)))
        return _committed(self.vector, unpinned, self.pin)


def _committed(vector: Vector, unpinned: bytes, value: E) -> Committed:
    """Section 3, "The pin"."""
    shape = vector.shape
    stream = blake3(derive_key_context="tacit 2026 pin point v1")
    for x in (shape.log_height, shape.columns, shape.block):
        stream.update(x.to_bytes(8, "big"))
    stream.update(unpinned)
    n, words, at = 3 * (lg(shape.columns) + shape.log_height), list[int](), 0
    while len(words) < n:
        word = int.from_bytes(stream.digest(length=8, seek=at), "big")
        at += 8
        if word < P:
            words.append(word)
    point = [E(*words[i : i + 3]) for i in range(0, n, 3)]
    return Committed(shape, vector.root, point, value)


@dataclass(frozen=True)
class HiddenStart:
    """Committed initial weights in a window of so many bits."""

    record: ModelRecord
    bits: U32


@dataclass(frozen=True)
class SeedStart:
    """Public initial weights."""

    origin: ByProver | ByVerifier | ByBeacon


@dataclass(frozen=True)
class RunStatement:
    """What a run's proof is about."""

    version: U16
    security_bits: U32
    log_inv_rate: U8
    config: RunConfig
    order_origin: ByProver | ByVerifier | ByBeacon | None
    data: DataRecord
    start: HiddenStart | SeedStart
    released: list[str]

    def digest(self) -> bytes:
        """The run digest."""
        return digest("tacit/run/v1", (RunStatement, self))

    def declaration(self) -> bytes:
        """D, the digest of what was fixed before a verifier's nonce or a beacon's output."""
        start: DeclaredHidden | DeclaredSeed
        if isinstance(self.start, HiddenStart):
            start = DeclaredHidden(self.start.record.digest(), self.start.bits)
        else:
            start = DeclaredSeed(announced(self.start.origin))
        order = None if self.order_origin is None else announced(self.order_origin)
        config = self.config
        if isinstance(config.order, Shuffled):
            config = replace(config, order=Shuffled(bytes(32)))
        declared = Declaration(self.data.digest(), start, order, config)
        return digest("tacit/declaration/v1", (Declaration, declared))

    def origins(self) -> list[Origin]:
        """The origins of the run's seeds: of a shuffled order, then of a public start."""
        shuffled = isinstance(self.config.order, Shuffled) and self.order_origin is not None
        out = [self.order_origin] if shuffled and self.order_origin is not None else list[Origin]()
        return out + ([self.start.origin] if isinstance(self.start, SeedStart) else [])

    def seed(self, purpose: str, origin: Origin) -> bytes:
        """The seed of a purpose: bound to the declaration where somebody else gives the nonce after it."""
        if isinstance(origin, ByProver):
            setting = (Bytes32, self.data.digest()), (Architecture, self.config.architecture)
            bound = digest("tacit/setting/v1", *setting)
        else:
            bound = self.declaration()
        return digest("tacit/seed/v2", (str, purpose), (Origin, origin), (Bytes32, bound))

    def chunk_digest(self, chunk: int, c_in: bytes, c_out: bytes, w_in: int, v_in: int) -> bytes:
        """The statement of one chunk's proof."""
        parts = (Bytes32, self.digest()), (U32, chunk), (Bytes32, c_in), (Bytes32, c_out)
        return digest("tacit/chunk/v1", *parts, (U64, w_in), (U64, v_in))


@dataclass(frozen=True)
class ReleaseStatement:
    """What a release's proof is about."""

    version: U16
    run_digest: Bytes32
    model_digest: Bytes32
    bits: U32
    weights: list[I64]
    names: list[tuple[str, str | None]]
    exemption: Exemption | None

    def digest(self) -> bytes:
        """The statement of the proof."""
        return digest("tacit/release/v1", (ReleaseStatement, self))


def schema_id(document: str) -> bytes:
    """What a data record calls its schema."""
    return hashlib.sha256(b"tacit/schema/v1\0" + document.encode()).digest()
