"""What a finished run leaves for the prover: configuration, data digest, and weights at the chunk boundaries.
It is secret.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tacit.arithmetic.config import RunConfig
from tacit.arithmetic.errors import ArithmeticConfigError
from tacit.arithmetic.matmul import IntMatrix

_MAGIC = b"tacit/run-record/v1\n"
_HEAD = b"tacit/run-record/v2\n"
_STATE = b"tacit/run-state/v1\n"
_WIDTHS = ("<i1", "<i2", "<i4", "<i8")


@dataclass(frozen=True)
class ModelState:
    """Weights (int64 [K, outputs] a layer, bias last, fw fractional bits) and, with momentum, velocity (same
    shapes, fa + fg + omega bits).
    """

    weights: tuple[IntMatrix, ...] = field(repr=False)
    velocity: tuple[IntMatrix, ...] | None = field(repr=False)

    def flat_weights(self) -> IntMatrix:
        """All weights in the order of the commitment: layer by layer, row by row."""
        return np.concatenate([w.reshape(-1) for w in self.weights])

    def flat_velocity(self) -> IntMatrix | None:
        """The velocity in the same order; None without momentum."""
        return None if self.velocity is None else np.concatenate([v.reshape(-1) for v in self.velocity])

    def to_bytes(self) -> bytes:
        """An encoding that is read with the configuration: every matrix in the fewest bytes that hold it."""
        parts = [_STATE]
        for matrix in self.weights + (self.velocity or ()):
            width = next(i for i, w in enumerate(_WIDTHS) if _fits(matrix, np.dtype(w)))
            parts += [bytes([width]), matrix.astype(_WIDTHS[width]).tobytes()]
        return b"".join(parts)

    @classmethod
    def from_bytes(cls, config: RunConfig, blob: bytes) -> ModelState:
        """The inverse of `to_bytes`; raises `ArithmeticConfigError` on anything else."""
        if not blob.startswith(_STATE):
            raise ArithmeticConfigError("this is not a state of a run")
        shapes = [(layer.k, layer.outputs) for layer in config.architecture.layers]
        copies = 2 if config.scales.kappa else 1
        matrices, at = [], len(_STATE)
        for rows, columns in shapes * copies:
            dtype = np.dtype(_WIDTHS[blob[at]]) if at < len(blob) and blob[at] < len(_WIDTHS) else None
            end = at + 1 + (0 if dtype is None else rows * columns * dtype.itemsize)
            if dtype is None or end > len(blob):
                raise ArithmeticConfigError("this state of a run is damaged")
            matrices.append(np.frombuffer(blob[at + 1 : end], dtype).astype(np.int64).reshape(rows, columns))
            at = end
        if at != len(blob):
            raise ArithmeticConfigError("this state of a run is damaged")
        split = len(shapes)
        return cls(tuple(matrices[:split]), tuple(matrices[split:]) if copies == 2 else None)


def _fits(matrix: IntMatrix, dtype: np.dtype[Any]) -> bool:
    limits = np.iinfo(dtype)
    return bool(matrix.min(initial=0) >= limits.min and matrix.max(initial=0) <= limits.max)


@dataclass(frozen=True)
class RunRecord:
    """One run. `states[i]` is where chunk i starts, the last one where the run ends; `w_in` bounds |W_0| at
    scale fw. States that are not at hand are computed when they are asked for.

    `learning_rates` are the rates as asked for, `effective_rates` those that the integers stand for, one a
    step.
    """

    config: RunConfig
    data_digest: bytes
    w_in: int
    learning_rates: tuple[float, ...]
    effective_rates: tuple[float, ...]
    states: Sequence[ModelState] = field(repr=False)
    parameter_names: tuple[tuple[str, str | None], ...] = ()

    @property
    def initial(self) -> ModelState:
        """The initial weights."""
        return self.states[0]

    @property
    def final(self) -> ModelState:
        """The trained weights."""
        return self.states[-1]

    def to_bytes(self) -> bytes:
        """A self-contained encoding: a JSON header, then int64 little-endian values. For the vault only: it
        holds the model.
        """
        header = json.dumps(self._told(), sort_keys=True).encode()
        parts = [_MAGIC, struct.pack(">Q", len(header)), header]
        for state in self.states:
            parts += [m.astype("<i8").tobytes() for m in state.weights + (state.velocity or ())]
        return b"".join(parts)

    def _told(self) -> dict[str, Any]:
        return {
            "config": self.config.to_dict(),
            "data_digest": self.data_digest.hex(),
            "w_in": self.w_in,
            "learning_rates": self.learning_rates,
            "effective_rates": self.effective_rates,
            "states": len(self.states),
            "parameter_names": self.parameter_names,
        }

    def kept(self) -> dict[int, ModelState]:
        """The states that are at hand: all, or of a long run some, the first and the last among them."""
        found = getattr(self.states, "kept", None)
        return dict(enumerate(self.states)) if found is None else dict(found)

    def head(self) -> bytes:
        """All but the states, and a digest of those at hand: two runs are equal exactly if their heads are."""
        digest = hashlib.sha256()
        for index, state in self.kept().items():
            encoded = state.to_bytes()
            digest.update(struct.pack(">QQ", index, len(encoded)) + encoded)
        told = {**self._told(), "states_digest": digest.hexdigest()}
        return _HEAD + json.dumps(told, sort_keys=True).encode()

    @staticmethod
    def is_whole(blob: bytes) -> bool:
        """Whether `to_bytes` wrote this, not `head`."""
        return blob.startswith(_MAGIC)

    @classmethod
    def from_head(cls, blob: bytes) -> tuple[RunRecord, int]:
        """The record that `head` wrote, without its states, and how many of those it has."""
        try:
            if not blob.startswith(_HEAD):
                raise ValueError("it does not begin like one")
            header = json.loads(blob[len(_HEAD) :])
            return cls._from_header(header, ()), int(header["states"])
        except (KeyError, TypeError, ValueError) as error:
            raise ArithmeticConfigError(f"this run record is damaged: {error}") from error

    def with_states(self, states: Sequence[ModelState]) -> RunRecord:
        """The same run with its states."""
        return replace(self, states=states)

    @classmethod
    def _from_header(cls, header: dict[str, Any], states: Sequence[ModelState]) -> RunRecord:
        return cls(
            config=RunConfig.from_dict(header["config"]),
            data_digest=bytes.fromhex(header["data_digest"]),
            w_in=header["w_in"],
            learning_rates=tuple(header["learning_rates"]),
            effective_rates=tuple(header["effective_rates"]),
            states=states,
            parameter_names=tuple((w, b) for w, b in header["parameter_names"]),
        )

    @classmethod
    def from_bytes(cls, blob: bytes) -> RunRecord:
        """The inverse of `to_bytes`; raises `ArithmeticConfigError` on anything else."""
        start = len(_MAGIC) + 8
        if not blob.startswith(_MAGIC) or len(blob) < start:
            raise ArithmeticConfigError("this is not a run record")
        end = start + int.from_bytes(blob[start - 8 : start], "big")
        try:
            header = json.loads(blob[start:end])
            config = RunConfig.from_dict(header["config"])
            shapes = [(layer.k, layer.outputs) for layer in config.architecture.layers]
            copies = 2 if config.scales.kappa else 1
            values = np.frombuffer(blob, dtype="<i8", offset=end).astype(np.int64)
            if values.size != header["states"] * copies * config.architecture.weight_count:
                raise ValueError("the length does not fit the configuration")
            cuts = np.cumsum([k * n for k, n in shapes] * (copies * header["states"]))[:-1]
            matrices = [m.reshape(shapes[i % len(shapes)]) for i, m in enumerate(np.split(values, cuts))]
            per_state = len(shapes) * copies
            states = tuple(
                ModelState(
                    tuple(matrices[i : i + len(shapes)]),
                    tuple(matrices[i + len(shapes) : i + per_state]) if copies == 2 else None,
                )
                for i in range(0, len(matrices), per_state)
            )
            return cls._from_header(header, states)
        except (KeyError, TypeError, ValueError) as error:
            raise ArithmeticConfigError(f"this run record is damaged: {error}") from error
