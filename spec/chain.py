"""A run: its statement, and its chunks as one chain (section 13)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from math import isqrt, log2

from spec.chunk import ChunkRelation
from spec.config import check_config
from spec.johnson import summed
from spec.layout import TraceLayout
from spec.nowrap import Bounds, check_run
from spec.parameters import Term
from spec.proof import RunProof
from spec.records import MAX_TEXTS, check_data, check_end, check_model, check_texts
from spec.rejected import require, within
from spec.relation import check_relation
from spec.schedule import chunks
from spec.seed import ByBeacon, ByVerifier
from spec.statement import (
    BinaryLabels,
    ClassLabels,
    HiddenStart,
    Labels,
    ModelRecord,
    RealLabels,
    RunStatement,
    SeedStart,
)
from spec.training import BINARY_CROSS_ENTROPY, CROSS_ENTROPY, RunConfig, Shuffled

PROTOCOL_VERSION, SECURITY_BITS, MAX_START_BITS = 1, 128, 48
MAX_SLOTS, MAX_CELLS = 1 << 20, 1 << 32
LABEL = b"tacit/chunk-proof/v1"


@dataclass
class RunVerdict:
    """What a verified run establishes."""

    run_digest: bytes
    data_digest: bytes
    start_digest: bytes | None
    model_digest: bytes
    model: ModelRecord
    bounds: Bounds
    chunks: int
    soundness: list[Term]
    """Error terms of the worst chunk's proof."""

    @property
    def bits(self) -> float:
        """-log2 of the error of the whole run."""
        return summed(bits for _, bits in self.soundness) - log2(self.chunks)


def initial_bound(fw: int, inputs: int) -> int:
    """floor(2^fw / sqrt(inputs)): the largest initial weight of a seed."""
    return isqrt((1 << 2 * fw) // inputs)


def initial_weights(config: RunConfig, seed: bytes) -> list[int]:
    """All initial weights of a seed, layer by layer, row-major."""
    out = []
    for index, layer in enumerate(config.architecture.layers):
        bound = initial_bound(config.scales.fw, layer.inputs)
        span = 2 * bound + 1
        words = _words(b"tacit/initial/v1" + seed + index.to_bytes(8, "big"))
        for _ in range(layer.k * layer.outputs):
            word = next(w for w in words if w < (1 << 64) // span * span)
            out.append(word % span - bound)
    return out


def _words(prefix: bytes) -> Iterator[int]:
    for counter in count():
        block = hashlib.sha256(prefix + counter.to_bytes(8, "big")).digest()
        yield from (int.from_bytes(block[i : i + 8], "big") for i in range(0, 32, 8))


def labels_of(config: RunConfig) -> Labels:
    """The labels that a loss trains on."""
    outputs = config.architecture.layers[-1].outputs
    if config.architecture.loss == CROSS_ENTROPY:
        return ClassLabels(outputs)
    if config.architecture.loss == BINARY_CROSS_ENTROPY:
        return BinaryLabels(outputs)
    return RealLabels(outputs, config.target_bits)


def check_statement(s: RunStatement) -> list[Bounds]:
    """Checks a statement by itself; the bounds before every chunk and of the final model."""
    require(s.version == PROTOCOL_VERSION, "Version", f"{s.version}")
    require(s.security_bits == SECURITY_BITS, "Security", f"{s.security_bits} bits")
    config, data = s.config, s.data
    check_config(config)
    hidden = s.start if isinstance(s.start, HiddenStart) else None
    start_bits = min(hidden.bits, MAX_START_BITS) if hidden else None
    for chunk in (0, chunks(config) - 1):
        layout = TraceLayout(config, chunk, None if chunk else start_bits)
        fits = layout.slots <= MAX_SLOTS and layout.slots << layout.log_rows <= MAX_CELLS
        require(fits, "TraceSize", f"{layout.slots} columns of 2^{layout.log_rows}")
    check_data(data)
    check_texts(s.released, MAX_TEXTS, "released")
    own = (config.schedule.rows, config.architecture.layers[0].inputs, config.scales.fa, config.data_bits)
    require(own == (data.rows, data.features, data.fa, data.data_bits), "DataMismatch", f"{own}")
    require(labels_of(config) == data.labels, "LabelMismatch", f"{data.labels}")
    check_rate(s, data.vector.log_inv_rate)
    for named in (s.order_origin, s.start.origin if isinstance(s.start, SeedStart) else None):
        if isinstance(named, ByBeacon):
            check_texts([named.name], 1, "beacon")
    if isinstance(config.order, Shuffled):
        origin = s.order_origin
        derived = origin is not None and s.seed("order", origin) == config.order.seed
        require(derived, "OrderSeed", "the order's seed does not follow from its origin")
    else:
        require(s.order_origin is None, "OrderOrigin", "an origin of the order, which has no seed")
    if hidden is None:
        widths = [layer.inputs for layer in config.architecture.layers]
        return check_run(config, max(initial_bound(config.scales.fw, n) for n in widths))
    within(hidden.bits, 2, MAX_START_BITS, "StartBits", "window of the initial weights")
    check_model(hidden.record, config)
    check_rate(s, hidden.record.vector.log_inv_rate)
    return check_run(config, 1 << (hidden.bits - 1))


def check_rate(s: RunStatement, rate: int) -> None:
    """Every tree of a run has the run's rate."""
    require(rate == s.log_inv_rate, "Rate", f"a tree of rate 2^-{rate} in a run of 2^-{s.log_inv_rate}")


def check_held(s: RunStatement, nonce: bytes | None, declaration: bytes | None) -> None:
    """Compares a run with the nonce that a verifier issued and the declaration that it held."""
    if nonce is not None:
        stated = [origin.nonce for origin in s.origins() if isinstance(origin, ByVerifier)]
        require(len(stated) > 0, "NoNonce", "no seed of the run comes from a verifier's nonce")
        for other in stated:
            require(other == nonce, "OtherNonce", f"the run uses the nonce {other.hex()}")
    if declaration is not None:
        own = s.declaration()
        require(own == declaration, "OtherDeclaration", f"the run's declaration is {own.hex()}")


def relation_of(s: RunStatement, chunk: int) -> ChunkRelation:
    """The relation of one chunk of a checked statement."""
    if chunk == 0 and isinstance(s.start, HiddenStart):
        return ChunkRelation(s.config, chunk, s.start.bits, None)
    if chunk == 0 and isinstance(s.start, SeedStart):
        return ChunkRelation(
            s.config, chunk, None, initial_weights(s.config, s.seed("initial", s.start.origin))
        )
    return ChunkRelation(s.config, chunk, None, None)


def verify_run(run: RunProof) -> RunVerdict:
    """Checks every chunk of a run; the validity of its data is checked apart."""
    s = run.statement
    steps = s.config.schedule.chunk_steps
    expected = chunks(s.config) if steps else 0
    require(0 < expected == len(run.chunks), "ChunkCount", f"{len(run.chunks)} chunks for {expected}")
    bounds = check_statement(s)
    before = s.start.record if isinstance(s.start, HiddenStart) else None
    start_digest = before.digest() if before else None
    c_in, soundness = start_digest or bytes(32), list[Term]()
    for chunk, part in enumerate(run.chunks):
        check_end(part.model_out, s.config)
        check_rate(s, part.model_out.vector.log_inv_rate)
        c_out = part.model_out.digest()
        others = [s.data.committed(), part.model_out.committed(), *([before.committed()] if before else [])]
        digest = s.chunk_digest(chunk, c_in, c_out, bounds[chunk].w, bounds[chunk].v)
        relation = relation_of(s, chunk)
        terms = check_relation(LABEL, digest, relation, s.log_inv_rate, others, part.proof)
        if not soundness or summed(b for _, b in terms) < summed(b for _, b in soundness):
            soundness = terms
        before, c_in = part.model_out, c_out
    return RunVerdict(
        s.digest(),
        s.data.digest(),
        start_digest,
        c_in,
        run.chunks[-1].model_out,
        bounds[-1],
        len(run.chunks),
        soundness,
    )
