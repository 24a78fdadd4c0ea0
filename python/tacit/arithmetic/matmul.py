"""Exact integer matrix products by float64 GEMM.

A float64 product of integers is exact in any order of summation while (largest row 1-norm of the left) x
(largest entry of the right) stays below 2^53. Where it does not, the right side is cut into limbs for which it
does; the limbs are added as integers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tacit.arithmetic.errors import InexactProductError

IntMatrix = NDArray[np.int64]
FloatMatrix = NDArray[np.float64]
Gemm = Callable[[FloatMatrix, FloatMatrix], FloatMatrix]

_EXACT_BITS = 53
_SAFE_BITS = 62


def numpy_gemm(left: FloatMatrix, right: FloatMatrix) -> FloatMatrix:
    """The float64 product by numpy's BLAS."""
    out: FloatMatrix = left @ right
    return out


class Operand:
    """An integer matrix with what products need of it, computed once: its largest magnitude and its float64
    form.
    """

    def __init__(self, values: IntMatrix) -> None:
        """Takes the matrix as it is, int64."""
        self.values = values

    @cached_property
    def peak(self) -> int:
        """The largest |entry|."""
        return max(int(self.values.max(initial=0)), -int(self.values.min(initial=0)))

    @cached_property
    def floats(self) -> FloatMatrix:
        """The entries as float64, exact below 2^53."""
        return self.values.astype(np.float64)

    def top_transposed(self, rows: int) -> Operand:
        """The transpose of the first rows; magnitude and floats are taken over, so the magnitude may be a
        bound.
        """
        out = Operand(self.values[:rows].T)
        out.__dict__["peak"] = self.peak
        out.__dict__["floats"] = self.floats[:rows].T
        return out


class Product:
    """Computes exact products with a given GEMM; with `recheck`, tests each against one random combination
    modulo 2^64.
    """

    def __init__(self, gemm: Gemm = numpy_gemm, recheck: bool = False) -> None:
        """Uses numpy unless another product is given."""
        self._gemm = gemm
        self._random = np.random.default_rng() if recheck else None

    def __call__(self, left: FloatMatrix, right: Operand) -> IntMatrix:
        """left @ right, int64. `left` holds integers below 2^53.

        Entries beyond 2^62 come back as +-2^62 (no window holds them).
        """
        norm = int(np.abs(left).sum(axis=1).max(initial=0.0))
        if norm * right.peak < 1 << _EXACT_BITS:
            out: IntMatrix = self._gemm(left, right.floats).astype(np.int64)
        elif norm >> _EXACT_BITS:
            raise InexactProductError(f"a row of magnitude {norm} cannot be multiplied exactly")
        else:
            out = self._by_limbs(left, right, norm)
            if norm * right.peak >= 1 << _SAFE_BITS:
                # Only here could the sum of limbs wrap; the approximate product tells where.
                rough = self._gemm(left, right.floats)
                limit = 1 << _SAFE_BITS
                return np.where(np.abs(rough) < limit, out, np.where(rough > 0, limit, -limit))
        if self._random is not None:
            self._recheck(left, right, out)
        return out

    def _by_limbs(self, left: FloatMatrix, right: Operand, norm: int) -> IntMatrix:
        bits = _EXACT_BITS - norm.bit_length()
        if bits < 8:
            raise InexactProductError(f"a row of magnitude {norm} leaves limbs of {bits} bits")
        rest, shift = right.values, 0
        out = np.zeros((left.shape[0], rest.shape[1]), dtype=np.int64)
        while shift + bits < 64 and np.any((rest != 0) & (rest != -1)):
            limb = (rest & ((1 << bits) - 1)).astype(np.float64)
            out += self._gemm(left, limb).astype(np.int64) << shift
            rest, shift = rest >> bits, shift + bits
        return out + (self._gemm(left, rest.astype(np.float64)).astype(np.int64) << shift)

    def _recheck(self, left: FloatMatrix, right: Operand, out: IntMatrix) -> None:
        assert self._random is not None
        whole = left.astype(np.int64).view(np.uint64)
        product = np.ascontiguousarray(out).view(np.uint64)
        if right.values.flags.c_contiguous:
            r = self._random.integers(0, 1 << 64, size=out.shape[1], dtype=np.uint64)
            same = np.array_equal(whole @ (right.values.view(np.uint64) @ r), product @ r)
        else:
            # The transpose of a matrix that lies row by row: combined from the other side, it is not copied.
            r = self._random.integers(0, 1 << 64, size=out.shape[0], dtype=np.uint64)
            lying = np.ascontiguousarray(right.values.T).view(np.uint64)
            same = np.array_equal(lying @ (r @ whole), r @ product)
        if not same:
            raise InexactProductError(
                "a float64 product differs from the integer product: faulty hardware or BLAS"
            )
