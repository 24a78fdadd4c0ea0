"""The Fiat-Shamir transcript (section 5), and the seeds of WHIR's phases (section 12)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from blake3 import blake3

from spec.field import E, P, Point
from spec.keccak import keccak256

LABEL = b"tacit/transcript/v1"


class Transcript:
    """Absorbs messages, draws challenges."""

    def __init__(self, protocol: bytes, statement: bytes) -> None:
        """Binds a protocol's label and a statement's digest."""
        self._buffer, self._output = bytearray(LABEL), b""
        self._challenged = False
        self.absorb_bytes(protocol)
        self.absorb_bytes(statement)

    def raw(self, data: bytes) -> None:
        """Absorbs bytes as they are; unused output is discarded."""
        self._buffer += data
        self._output = b""

    def absorb_base(self, value: int) -> None:
        """Absorbs an element of F."""
        self.raw(value.to_bytes(8, "little"))

    def absorb(self, *values: E) -> None:
        """Absorbs elements of E."""
        for v in values:
            self.raw(v.a.to_bytes(8, "little") + v.b.to_bytes(8, "little") + v.c.to_bytes(8, "little"))

    def absorb_bytes(self, data: bytes) -> None:
        """Absorbs a label or a digest: its length, then four bytes at a time."""
        self.absorb_base(len(data))
        for i in range(0, len(data), 4):
            self.absorb_base(int.from_bytes(data[i : i + 4], "big"))

    begin = absorb_bytes

    def absorb_root(self, root: bytes) -> None:
        """Absorbs a root, before the first challenge."""
        assert not self._challenged, "a root after a challenge"
        self.absorb_bytes(root)

    def draw(self) -> int:
        """One byte, from the end of the output."""
        self._challenged = True
        if not self._output:
            self._output = blake3(self._buffer).digest()
            self._buffer = bytearray(self._output)
        byte = self._output[-1]
        self._output = self._output[:-1]
        return byte

    def word(self) -> int:
        """Eight bytes, little-endian."""
        return int.from_bytes([self.draw() for _ in range(8)], "little")

    def challenge_base(self) -> int:
        """An element of F."""
        while (word := self.word()) >= P:
            pass
        return word

    def challenge(self) -> E:
        """An element of E."""
        return E(self.challenge_base(), self.challenge_base(), self.challenge_base())

    def point(self, n: int) -> Point:
        """n challenges."""
        return [self.challenge() for _ in range(n)]

    def work(self, bits: int, nonce: int) -> bool:
        """Whether the nonce has so many bits of work; it is absorbed."""
        self.draw()
        self.absorb_base(nonce)
        return self.word() % (1 << bits) == 0

    def seed(self, name: bytes, version: int, label: Iterable[bytes], steps: Iterable[Step]) -> None:
        """Absorbs the domain separator of one of WHIR's phases."""
        chunks = b"".join(len(x).to_bytes(4, "big") + x for x in label)
        separator = bytes([version]) + name.ljust(62, b"\0") + bytes([len(name)])
        separator += _pattern_digest(tuple(steps))
        separator += len(chunks).to_bytes(4, "big") + chunks + b"\x80"
        self.absorb_base(len(separator))
        for i in range(0, len(separator), 7):
            self.absorb_base(int.from_bytes(separator[i : i + 7], "little"))


# Interactions of a phase: (hierarchy, kind, label, length, type).

Step = tuple[str, str, str, str, str]


def _tag(degree: int, basis: bytes) -> str:
    return f"Algebra({P}^{degree};{keccak256(basis).hex()})"


BASE_TAG = _tag(1, b"p3-scalar-basis-v1")
EXTENSION_TAG = _tag(3, b"p3-power-basis-v1:X^3-X-1")


def message(label: str, length: int | None = None) -> Step:
    """A message of elements of E."""
    return ("Atomic", "Message", label, "Scalar" if length is None else f"Fixed({length})", EXTENSION_TAG)


def challenge(label: str) -> Step:
    """A challenge of E."""
    return ("Atomic", "Challenge", label, "Scalar", EXTENSION_TAG)


def grinding(label: str, bits: int) -> list[Step]:
    """A proof of work, if there is one."""
    return [("Atomic", "Pow", label, f"Fixed({bits})", BASE_TAG)] if bits else []


def bracket(label: str) -> list[Step]:
    """A sub-protocol with a seed of its own."""
    return [(hierarchy, "Protocol", label, "None", "Marker") for hierarchy in ("Begin", "End")]


@cache
def _pattern_digest(steps: tuple[Step, ...]) -> bytes:
    return keccak256(pattern(steps).encode())


def pattern(steps: tuple[Step, ...]) -> str:
    """The interactions as text."""
    lines = [f"Plonky3 Fiat-Shamir Transcript ({len(steps)} interactions)\n"]
    width, depth = len(str(max(len(steps) - 1, 0))), 0
    for index, (hierarchy, kind, label, length, kind_of) in enumerate(steps):
        depth -= hierarchy == "End"
        indent = "  " * depth
        lines.append(f"{index:0{width}} {indent}{hierarchy} {kind} {len(label)} {label} {length} {kind_of}\n")
        depth += hierarchy == "Begin"
    return "".join(lines)
