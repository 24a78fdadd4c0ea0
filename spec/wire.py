"""Encodings, sections 2 and 14, driven by annotations: postcard in files, another one in digests.

A field's type says both: an integer alias below, bool, str, `Bytes32`, `Base` (F), `E`, a list, a tuple, an
optional value, a data class, or a union of data classes: an enum, the index of a variant being its place in it.
"""

from __future__ import annotations

import hashlib
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints

from spec.field import E, P
from spec.rejected import Rejected, require

MAGIC = b"tacit\0"
FORMAT_VERSION = 1
MAX_BYTES = 1 << 30
KINDS = {"data": 1, "run": 2, "release": 3, "report": 7, "link": 8}

U8: TypeAlias = Annotated[int, "u8"]
U16: TypeAlias = Annotated[int, "u16"]
U32: TypeAlias = Annotated[int, "u32"]
U64: TypeAlias = Annotated[int, "u64"]
USIZE: TypeAlias = Annotated[int, "usize"]
I32: TypeAlias = Annotated[int, "i32"]
I64: TypeAlias = Annotated[int, "i64"]
Base: TypeAlias = Annotated[int, "F"]
Bytes32: TypeAlias = Annotated[bytes, "[u8; 32]"]
# Enums whose variants have no fields, by the index and with the number of variants.
Activation: TypeAlias = Annotated[int, "variant", 4]
Loss: TypeAlias = Annotated[int, "variant", 3]
Exemption: TypeAlias = Annotated[int, "variant", 1]

BITS = {"u8": 8, "u16": 16, "u32": 32, "u64": 64, "usize": 64, "i32": 32, "i64": 64, "variant": 32}
SIGNED = ("i32", "i64")
T = TypeVar("T")


@cache
def members(cls: type) -> tuple[tuple[str, Any], ...]:
    """Names and types of a data class's fields."""
    hints = get_type_hints(cls, include_extras=True)
    return tuple((field.name, hints[field.name]) for field in fields(cls))


@cache
def parts(kind: Any) -> tuple[tuple[Any, ...] | None, Any, tuple[Any, ...]]:
    """The alternatives of a union (None for other types), what a generic type is made from, its arguments."""
    return options(kind), get_origin(kind), get_args(kind)


def options(kind: Any) -> tuple[Any, ...] | None:
    """The alternatives of a union, None for other types."""
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else None


class Reader:
    """Reads postcard."""

    def __init__(self, data: bytes) -> None:
        """From the first byte on."""
        self._data, self._at = data, 0

    def left(self) -> int:
        """Bytes that nothing has read."""
        return len(self._data) - self._at

    def take(self, n: int) -> bytes:
        """The next n bytes."""
        require(n <= self.left(), "Damaged", "the file ends too early")
        self._at += n
        return self._data[self._at - n : self._at]

    def varint(self, bits: int) -> int:
        """An unsigned integer, seven bits a byte, the least significant first."""
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
            require(shift < bits, "Damaged", "an integer is too long")
        require(value < 1 << bits, "Damaged", "an integer is too large")
        return value

    def tag(self) -> bool:
        """A byte that is 0 or 1."""
        byte = self.take(1)[0]
        require(byte < 2, "Damaged", "a tag is neither 0 nor 1")
        return byte == 1

    def base(self) -> int:
        """An element of F."""
        value = int.from_bytes(self.take(8), "little")
        require(value < P, "Damaged", "a field element is not below p")
        return value

    def read(self, kind: Any) -> Any:
        """A value of a type."""
        alternatives, origin, args = parts(kind)
        if origin is Annotated:
            return self._annotated(*args[1:])
        if alternatives is not None and NoneType in alternatives:
            return self.read(_present(alternatives)) if self.tag() else None
        if alternatives is not None:
            index = self.varint(32)
            require(index < len(alternatives), "Damaged", "an unknown variant")
            return self.read(alternatives[index])
        if origin is list:
            length = self.varint(64)
            require(length <= self.left(), "Damaged", "a sequence is longer than the file")
            return [self.read(args[0]) for _ in range(length)]
        if origin is tuple:
            return tuple(self.read(arg) for arg in args)
        if kind is bool:
            return self.tag()
        if kind is str:
            return self._text()
        if kind is E:
            return E(self.base(), self.base(), self.base())
        return kind(*(self.read(member) for _, member in members(kind)))

    def _annotated(self, name: str, variants: int = 0) -> int | bytes:
        if name == "[u8; 32]":
            return self.take(32)
        if name == "F":
            return self.base()
        if name == "u8":
            return self.take(1)[0]
        value = self.varint(BITS[name])
        require(name != "variant" or value < variants, "Damaged", "an unknown variant")
        return value >> 1 ^ -(value & 1) if name in SIGNED else value

    def _text(self) -> str:
        length = self.varint(64)
        try:
            return self.take(length).decode()
        except UnicodeDecodeError as error:
            raise Rejected("Damaged", "a text is not UTF-8") from error


def _present(alternatives: tuple[Any, ...]) -> Any:
    """The type of an optional value that is there."""
    rest = tuple(x for x in alternatives if x is not NoneType)
    return rest[0] if len(rest) == 1 else Union[rest]  # noqa: UP007


def varint(value: int) -> bytes:
    """The shortest encoding."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def encode(kind: Any, value: Any, canonical: bool) -> bytes:
    """The canonical encoding, or postcard."""

    def length(n: int) -> bytes:
        return n.to_bytes(8, "big") if canonical else varint(n)

    alternatives, origin, args = parts(kind)
    if origin is Annotated:
        return _annotated(args[1], value, canonical)
    if alternatives is not None and NoneType in alternatives:
        return b"\0" if value is None else b"\1" + encode(_present(alternatives), value, canonical)
    if alternatives is not None:
        index = alternatives.index(type(value))
        return _annotated("variant", index, canonical) + encode(type(value), value, canonical)
    if origin is list:
        return length(len(value)) + b"".join(encode(args[0], x, canonical) for x in value)
    if origin is tuple:
        return b"".join(encode(arg, x, canonical) for arg, x in zip(args, value, strict=True))
    if kind is bool:
        return bytes([value])
    if kind is str:
        text: bytes = value.encode()
        return length(len(text)) + text
    if kind is E:
        return b"".join(x.to_bytes(8, "little") for x in (value.a, value.b, value.c))
    assert is_dataclass(kind)
    own = members(kind)  # type: ignore[arg-type]
    return b"".join([encode(member, getattr(value, name), canonical) for name, member in own])


def _annotated(name: str, value: Any, canonical: bool) -> bytes:
    if name == "[u8; 32]":
        return bytes(value)
    if name == "F":
        return int(value).to_bytes(8, "little")
    if canonical or name == "u8":
        return int(value).to_bytes(BITS[name] // 8, "big", signed=name in SIGNED)
    return varint((value << 1 ^ value >> 63) if name in SIGNED else value)


def digest(label: str, *values: tuple[Any, Any]) -> bytes:
    """SHA-256 of a label and of the canonical encodings of (type, value) pairs, one after the other."""
    encoded = (encode(kind, value, canonical=True) for kind, value in values)
    return hashlib.sha256(encode(str, label, canonical=True) + b"".join(encoded)).digest()


def read_file(kind: str, body: type[T], data: bytes) -> T:
    """Decodes a file of one kind; there is one encoding of a body, and nothing behind it."""
    require(len(data) <= MAX_BYTES, "TooLong")
    require(data.startswith(MAGIC) and len(data) >= len(MAGIC) + 3, "NotOurs", "this is not a tacit file")
    head = data[len(MAGIC) : len(MAGIC) + 3]
    require(int.from_bytes(head[:2], "big") == FORMAT_VERSION, "FormatVersion")
    require(head[2] == KINDS[kind], "Kind", f"the file is of kind {head[2]}, expected {KINDS[kind]}")
    reader = Reader(data[len(MAGIC) + 3 :])
    value: T = reader.read(body)
    require(reader.left() == 0, "TrailingBytes", f"{reader.left()} bytes follow the body")
    require(write_file(kind, value) == data, "NotCanonical", "the file has another encoding too")
    return value


def write_file(kind: str, value: Any) -> bytes:
    """The file of a body."""
    head = MAGIC + FORMAT_VERSION.to_bytes(2, "big") + bytes([KINDS[kind]])
    return head + encode(type(value), value, canonical=False)
