"""Tables of exp, sigmoid, tanh and their derivatives, computed with integers only (never a libm), so that they
are the same everywhere.

expq(d) is exp(-d 2^-fa) with 60 fractional bits: a Taylor series for one factor, squarings for the others, a
product over the bits of d. All tables over Z are indexed by z + 2^15.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tacit.arithmetic.config import DERIVATIVE_BITS

_BITS = 60
_ONE = 1 << _BITS
_HALF = 1 << (_BITS - 1)
_INDEX_BITS = 17
HALF_WINDOW = 1 << 15

IntTable = NDArray[np.int64]


def half_up(numerator: int, denominator: int) -> int:
    """numerator / denominator rounded half up; the denominator is positive."""
    return (2 * numerator + denominator) // (2 * denominator)


@lru_cache(maxsize=8)
def exp_values(fa: int) -> tuple[int, ...]:
    """expq(d) for d in [0, 2^17)."""
    term, factor, sign, k = _ONE, 0, 1, 0
    while term:
        factor += sign * term
        term //= (k + 1) << fa
        sign, k = -sign, k + 1
    values = [_ONE]
    for _ in range(_INDEX_BITS):
        values += [(value * factor + _HALF) >> _BITS for value in values]
        factor = (factor * factor + _HALF) >> _BITS
    return tuple(values)


def softmax_bits(classes: int) -> int:
    """fe = 16 - ceil(log2 C), the fractional bits of the exponentials of a softmax over C classes."""
    return 16 - (classes - 1).bit_length()


@lru_cache(maxsize=8)
def exp_table(fa: int, fe: int) -> IntTable:
    """EXP[d] = exp(-d 2^-fa) with fe fractional bits, d in [0, 2^16)."""
    values = exp_values(fa)
    return _table([((values[d] << (fe + 1)) + _ONE) >> (_BITS + 1) for d in range(1 << 16)])


@lru_cache(maxsize=8)
def sigmoid_table(fa: int, bits: int) -> IntTable:
    """sigmoid(z 2^-fa) with `bits` fractional bits."""
    values = exp_values(fa)

    def entry(z: int) -> int:
        e = values[abs(z)]
        return half_up((_ONE if z >= 0 else e) << bits, _ONE + e)

    return _table([entry(z) for z in range(-HALF_WINDOW, HALF_WINDOW)])


@lru_cache(maxsize=8)
def sigmoid_derivative_table(fa: int) -> IntTable:
    """sigmoid'(z 2^-fa) with 12 fractional bits."""
    values = exp_values(fa)

    def entry(z: int) -> int:
        s = (_ONE * _ONE) // (_ONE + values[z])
        return half_up((s * (_ONE - s)) // _ONE, 1 << (_BITS - DERIVATIVE_BITS))

    return _even(entry)


@lru_cache(maxsize=8)
def tanh_table(fa: int) -> IntTable:
    """tanh(z 2^-fa) with fa fractional bits."""
    values = exp_values(fa)

    def entry(z: int) -> int:
        e = values[2 * abs(z)]
        return half_up(((_ONE - e) << fa) * (1 if z >= 0 else -1), _ONE + e)

    return _table([entry(z) for z in range(-HALF_WINDOW, HALF_WINDOW)])


@lru_cache(maxsize=8)
def tanh_derivative_table(fa: int) -> IntTable:
    """tanh'(z 2^-fa) with 12 fractional bits."""
    values = exp_values(fa)

    def entry(z: int) -> int:
        e = values[2 * z]
        th = ((_ONE - e) * _ONE) // (_ONE + e)
        return half_up(_ONE - (th * th) // _ONE, 1 << (_BITS - DERIVATIVE_BITS))

    return _even(entry)


def _even(entry: Callable[[int], int]) -> IntTable:
    half = [entry(z) for z in range(HALF_WINDOW + 1)]
    return _table(half[:0:-1] + half[:-1])


def _table(values: list[int]) -> IntTable:
    out = np.array(values, dtype=np.int64)
    out.setflags(write=False)
    return out
