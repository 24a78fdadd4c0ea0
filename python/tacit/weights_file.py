"""Writes rounded weights as safetensors: float32, exact, the same bytes for the same weights.

The format is an 8-byte little-endian length, a JSON header, and the tensors. Writing it here, in a few lines,
keeps releasing free of further packages; any safetensors reader loads the result.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tacit.errors import UsageError

__all__ = ["named_tensors", "require_float32", "safetensors_bytes"]

FLOAT32_BITS = 24


def require_float32(largest: int, bits: int) -> None:
    """Refuse weights whose largest has an integer, at `bits` fractional bits, that float32 may not hold."""
    if largest >= 1 << FLOAT32_BITS:
        raise UsageError(f"weights with {bits} fractional bits do not fit float32; release fewer bits")


def named_tensors(
    rounded: NDArray[np.int64],
    shapes: Sequence[tuple[int, int]],
    names: Sequence[tuple[str, str | None]],
    bits: int,
) -> dict[str, NDArray[np.float32]]:
    """PyTorch's tensors, by parameter name, of weights with `bits` fractional bits.

    `rounded` is flat, layer by layer, [K, outputs] row by row with the bias last; `shapes` are those
    (K, outputs) and `names` the module's (weight, bias) names.
    """
    require_float32(int(np.abs(rounded).max(initial=0)), bits)
    tensors: dict[str, NDArray[np.float32]] = {}
    start = 0
    for (rows, outputs), (weight_name, bias_name) in zip(shapes, names, strict=True):
        matrix = rounded[start : start + rows * outputs].reshape(rows, outputs)
        start += rows * outputs
        values = (matrix * 2.0**-bits).astype(np.float32)
        inputs = rows if bias_name is None else rows - 1
        tensors[weight_name] = np.ascontiguousarray(values[:inputs].T)
        if bias_name is not None:
            tensors[bias_name] = values[-1].copy()
    if start != rounded.size:
        raise UsageError(f"{rounded.size} weights do not fit an architecture of {start}")
    return tensors


def safetensors_bytes(
    tensors: Mapping[str, NDArray[np.float32]], metadata: Mapping[str, str] | None = None
) -> bytes:
    """The file, tensors in the order of their names."""
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    parts: list[bytes] = []
    at = 0
    for name in sorted(tensors):
        content = tensors[name].astype("<f4").tobytes()
        end = at + len(content)
        header[name] = {"dtype": "F32", "shape": list(tensors[name].shape), "data_offsets": [at, end]}
        parts.append(content)
        at = end
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([len(text).to_bytes(8, "little"), text, *parts])
