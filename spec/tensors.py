"""A safetensors file that holds exactly the weights of a release, bit for bit."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator
from typing import Any

from spec.rejected import Rejected, require
from spec.statement import ReleaseStatement
from spec.training import RunConfig

MAX_HEADER = 1 << 20
METADATA = "__metadata__"


class Object(list[tuple[str, Any]]):
    """A JSON object as its pairs, so that a name that stands twice is seen."""


def expected(config: RunConfig, s: ReleaseStatement) -> Iterator[tuple[str, list[int], list[int]]]:
    """(name, shape, weights in the order of the file) of every tensor; a bias is the last row of its matrix."""
    first = 0
    for layer, (weight, bias) in zip(config.architecture.layers, s.names, strict=True):
        n, inputs = layer.outputs, layer.inputs
        values = s.weights[first : first + layer.k * n]
        yield weight, [n, inputs], [values[k * n + j] for j in range(n) for k in range(inputs)]
        if bias is not None:
            yield bias, [n], values[inputs * n :]
        first += layer.k * n


def float32(weight: int, bits: int) -> bytes:
    """weight / 2^bits, little-endian; refused if no float32 is that number."""
    near = struct.pack("<f", float(weight))
    require(int(struct.unpack("<f", near)[0]) == weight, "ModelTensorPrecision", f"{weight} is no float32")
    return struct.pack("<f", weight / (1 << bits))


def unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """An object in which no name stands twice."""
    out: dict[str, Any] = {}
    for name, value in pairs:
        require(name not in out, "ModelFormat", f"{name!r} stands twice in the header")
        out[name] = value
    return out


def read_header(file: bytes) -> tuple[dict[str, Any], bytes]:
    """The tensors' entries, and the bytes behind the header."""
    require(len(file) >= 8, "Truncated", "no header")
    length = int.from_bytes(file[:8], "little")
    require(length <= MAX_HEADER, "ModelFormat", f"a header of {length} bytes")
    require(len(file) >= 8 + length, "Truncated", "the file ends before its header does")

    def refuse(text: str) -> None:
        raise ValueError(text)

    try:
        text = file[8 : 8 + length].decode()
        parsed = json.loads(text, object_pairs_hook=Object, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise Rejected("ModelFormat", "the header is not JSON") from error
    require(isinstance(parsed, Object), "ModelFormat", "the header is no object")
    header = unique(parsed)
    metadata = header.pop(METADATA, None)
    texts = isinstance(metadata, Object) and all(isinstance(value, str) for _, value in metadata)
    require(metadata is None or texts, "ModelFormat", "metadata that is not text")
    return header, file[8 + length :]


def check_tensors(file: bytes, config: RunConfig, s: ReleaseStatement) -> None:
    """The file has these tensors, no others, nothing before, between or behind them."""
    header, data = read_header(file)
    spans = []
    for name, shape, weights in expected(config, s):
        require(name in header, "ModelTensorMissing", f"tensor {name!r}")
        entry = header.pop(name)
        require(isinstance(entry, Object), "ModelFormat", f"tensor {name!r} is no object")
        entry = unique((key, v) for key, v in entry if key in ("dtype", "shape", "data_offsets"))
        require(entry.get("dtype") == "F32", "ModelTensorType", f"tensor {name!r} is {entry.get('dtype')}")
        require(_integers(entry.get("shape")) == shape, "ModelTensorShape", f"tensor {name!r}")
        start, end = _integers(entry.get("data_offsets"), 2)
        spans.append((start, end))
        values = b"".join(float32(weight, s.bits) for weight in weights)
        require(end - start == len(values), "ModelFormat", f"tensor {name!r} has another length")
        require(data[start:end] == values, "ModelTensorValue", f"tensor {name!r} holds other weights")
    require(not header, "ModelTensorUnknown", f"{list(header)}")
    at = 0
    for start, end in sorted(spans):
        require(start == at, "ModelFormat", "tensors do not follow one another")
        at = end
    require(at == len(data), "Trailing", f"{len(data) - at} bytes follow the last tensor")


def read_weights(file: bytes, config: RunConfig, names: list[tuple[str, str | None]], bits: int) -> list[int]:
    """The weights in a file of exactly these tensors, as integers over 2^bits, in the order of a release."""
    header, data = read_header(file)
    count = sum(layer.k * layer.outputs for layer in config.architecture.layers)
    require(4 * count <= len(data), "ModelFormat", f"no room for {count} weights")
    places = ReleaseStatement(1, bytes(32), bytes(32), bits, list(range(count)), names, None)
    weights = [0] * count
    for name, shape, at in expected(config, places):
        entry = header.get(name)
        require(entry is not None, "ModelTensorMissing", f"tensor {name!r}")
        require(isinstance(entry, Object), "ModelFormat", f"tensor {name!r} is no object")
        told = unique((key, v) for key, v in entry or () if key in ("dtype", "shape", "data_offsets"))
        require(told.get("dtype") == "F32", "ModelTensorType", f"tensor {name!r} is {told.get('dtype')}")
        require(_integers(told.get("shape")) == shape, "ModelTensorShape", f"tensor {name!r}")
        start, end = _integers(told.get("data_offsets"), 2)
        require(end - start == 4 * len(at) and end <= len(data), "ModelFormat", f"tensor {name!r}")
        for place, (value,) in zip(at, struct.iter_unpack("<f", data[start:end]), strict=True):
            finite = abs(value) < 2.0 ** (63 - bits)
            require(finite and (value * 2**bits).is_integer(), "ModelTensorPrecision", f"tensor {name!r}")
            weights[place] = int(value * 2**bits)
    # Written again it is the same file: no other tensors, nothing between or behind them, no other zero.
    check_tensors(file, config, ReleaseStatement(1, bytes(32), bytes(32), bits, weights, names, None))
    return weights


def _integers(value: Any, count: int | None = None) -> list[int]:
    """A list of natural numbers."""
    good = isinstance(value, list) and all(type(x) is int and x >= 0 for x in value)
    require(good and count in (None, len(value)), "ModelFormat", "not a list of natural numbers")
    return list(value)
