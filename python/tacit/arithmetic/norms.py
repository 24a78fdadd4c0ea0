"""What a chunk's end has to satisfy beside its windows: the norms of hidden units, and the window of the
weights that are handed on.

S_Z = sum over the chunk's rows of Z^2 < 2^z for each hidden unit (no table activation), S_Q likewise < 2^q;
masked rows and padding steps count, as they are in the proof.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tacit.arithmetic.config import RunConfig
from tacit.arithmetic.errors import CarryOverflowError, NormOverflowError
from tacit.arithmetic.matmul import IntMatrix
from tacit.arithmetic.nowrap import boundary_bits


class NormSums:
    """Sums of squares of Z and Q, per hidden layer and unit (int64); nothing where the run has no norms."""

    def __init__(self, config: RunConfig) -> None:
        """Starts from zero."""
        self._config = config
        hidden = config.architecture.layers[:-1] if config.norms is not None else ()
        self._z: list[IntMatrix] = [np.zeros(layer.outputs, dtype=np.int64) for layer in hidden]
        self._q: list[IntMatrix] = [np.zeros(layer.outputs, dtype=np.int64) for layer in hidden]

    def copy(self) -> NormSums:
        """The same sums, to go on from."""
        out = NormSums(self._config)
        out.add(self)
        return out

    def add(self, other: NormSums) -> None:
        """Adds another step's sums."""
        for mine, theirs in zip([*self._z, *self._q], [*other._z, *other._q], strict=True):
            np.add(mine, theirs, out=mine)

    def add_z(self, z: Sequence[IntMatrix], rows: int, masked: int) -> None:
        """Adds Z of `rows` rows (int64 [rows, outputs] a layer) and `masked` times that of the row behind "
        "them."""
        for total, values in zip(self._z, z, strict=False):
            np.add(total, np.square(values[:rows]).sum(axis=0), out=total)
            if masked:
                np.add(total, masked * np.square(values[rows]), out=total)

    def add_q(self, index: int, q: IntMatrix) -> None:
        """Adds Q of hidden layer `index` (from 0), int64 [rows, outputs]; Q is 0 on masked rows."""
        if self._q:
            self._q[index] += np.square(q).sum(axis=0)

    def check(self, step: int) -> None:
        """Raises `NormOverflowError` if a norm of the chunk that ends with `step` is beyond its bound."""
        norms = self._config.norms
        if norms is None:
            return
        layers = self._config.architecture.layers
        for index, (z, q) in enumerate(zip(self._z, self._q, strict=True)):
            smooth = layers[index].activation in ("sigmoid", "tanh")
            for quantity, sums, bits in (("z", z, norms.z), ("q", q, norms.q)):
                unit = int(sums.argmax())
                if int(sums[unit]) >> bits and not (smooth and quantity == "z"):
                    raise NormOverflowError(
                        layer=index + 1,
                        name=layers[index].name,
                        quantity=quantity,
                        unit=unit,
                        step=step,
                        value=int(sums[unit]),
                        bits=bits,
                    )


def check_carry(config: RunConfig, weights: Sequence[IntMatrix], shift: int, step: int) -> None:
    """Raises `CarryOverflowError` if a weight that the chunk ends with (after `step`) leaves its window;
    `shift` is what its rounding took away.
    """
    if config.carry_bits is None:
        return
    bits = min(config.carry_bits, boundary_bits(shift))
    for index, w in enumerate(weights):
        low, high = int(w.min(initial=0)), int(w.max(initial=0))
        if low < -(1 << (bits - 1)) or high >= 1 << (bits - 1):
            worst = high if high >= -low else low
            name = config.architecture.layers[index].name
            raise CarryOverflowError(layer=index + 1, name=name, step=step, value=worst, bits=bits)
