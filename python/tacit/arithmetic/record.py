"""What a finished run leaves for the prover: configuration, data digest, and weights at the chunk boundaries.
It is secret.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field

import numpy as np

from tacit.arithmetic.config import RunConfig
from tacit.arithmetic.errors import ArithmeticConfigError
from tacit.arithmetic.matmul import IntMatrix

_MAGIC = b"tacit/run-record/v1\n"


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


@dataclass(frozen=True)
class RunRecord:
    """One run. `states[i]` is where chunk i starts, the last one where the run ends; `w_in` bounds |W_0| at
    scale fw.

    `learning_rates` are the rates as asked for, `effective_rates` those that the integers stand for, one a
    step.
    """

    config: RunConfig
    data_digest: bytes
    w_in: int
    learning_rates: tuple[float, ...]
    effective_rates: tuple[float, ...]
    states: tuple[ModelState, ...] = field(repr=False)
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
        header = json.dumps(
            {
                "config": self.config.to_dict(),
                "data_digest": self.data_digest.hex(),
                "w_in": self.w_in,
                "learning_rates": self.learning_rates,
                "effective_rates": self.effective_rates,
                "states": len(self.states),
                "parameter_names": self.parameter_names,
            },
            sort_keys=True,
        ).encode()
        parts = [_MAGIC, struct.pack(">Q", len(header)), header]
        for state in self.states:
            parts += [m.astype("<i8").tobytes() for m in state.weights + (state.velocity or ())]
        return b"".join(parts)

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
            return cls(
                config=config,
                data_digest=bytes.fromhex(header["data_digest"]),
                w_in=header["w_in"],
                learning_rates=tuple(header["learning_rates"]),
                effective_rates=tuple(header["effective_rates"]),
                states=states,
                parameter_names=tuple((w, b) for w, b in header["parameter_names"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ArithmeticConfigError(f"this run record is damaged: {error}") from error
