"""The masked argument, section 7: affine expressions in pads, triples and slots; claims; their batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from spec.field import BASIS, ONE, ZERO, E, Point, eq, evaluate_extension, lg, powers
from spec.rejected import require
from spec.transcript import Transcript


@dataclass(frozen=True)
class Low:
    """Weights within a slot: eq(point, .), or a table."""

    point: Point | None = None
    table: list[E] | None = None

    @property
    def stride(self) -> int:
        """log2 of the slot's cells."""
        return len(self.point) if self.point is not None else lg(len(self.table or ()))

    def evaluate(self, x: Point) -> E:
        """The multilinear extension."""
        return eq(self.point, x) if self.point is not None else evaluate_extension(self.table or [], x)


Cell = tuple[int, int, int]
"""(vector, index of a low part, slot)."""


@dataclass(frozen=True)
class Message:
    """A hidden value: sent + pad[index]."""

    index: int
    sent: E


@dataclass
class Affine:
    """constant + sum of coefficients times pads, products of pads, and cells."""

    constant: E = ZERO
    pads: list[tuple[int, E]] = field(default_factory=list)
    products: list[tuple[int, E]] = field(default_factory=list)
    cells: list[tuple[Cell, E]] = field(default_factory=list)

    def add_constant(self, c: E) -> None:
        """Adds c."""
        self.constant = self.constant + c

    def add_cell(self, vector: int, low: int, slot: int, c: E) -> None:
        """Adds c times a cell."""
        self.cells.append(((vector, low, slot), c))

    def add(self, other: Affine | Message, k: E = ONE) -> None:
        """Adds k times another expression."""
        if isinstance(other, Message):
            self.constant = self.constant + other.sent * k
            self.pads.append((other.index, k))
            return
        self.constant = self.constant + other.constant * k
        self.pads += [(i, c * k) for i, c in other.pads]
        self.products += [(i, c * k) for i, c in other.products]
        self.cells += [(i, c * k) for i, c in other.cells]

    def sub(self, other: Affine | Message) -> None:
        """Subtracts another expression."""
        self.add(other, -ONE)


@dataclass
class Weights:
    """W of one vector: per low part the slots' scalars; from cell `first` on one weight per cell (`run`)."""

    slots: dict[int, dict[int, E]] = field(default_factory=dict)
    first: int = 0
    run: list[E] = field(default_factory=list)


@dataclass
class Claim:
    """sum over vectors <f_v, W_v> = value."""

    weights: list[Weights]
    lows: list[Low]
    value: E


class Reduction:
    """Receives masked messages, draws challenges, collects claims. Without messages it only counts."""

    def __init__(self, transcript: Transcript, messages: Sequence[E] | None) -> None:
        """Over the messages of a proof, or None for a dry run, in which all read as 0."""
        self.transcript, self._messages = transcript, messages
        self.received = 0
        self.products: list[tuple[int, int]] = []
        self.lows: list[Low] = []
        self.claims: list[Affine] = []

    def begin(self, label: bytes) -> None:
        """Opens a sub-protocol."""
        self.transcript.begin(label)

    def challenge(self) -> E:
        """Draws a challenge."""
        return self.transcript.challenge()

    def point(self, n: int) -> Point:
        """Draws a point."""
        return self.transcript.point(n)

    def receive(self) -> Message:
        """The next message."""
        index, sent = self.received, ZERO
        if self._messages is not None:
            require(index < len(self._messages), "MessageMissing", f"message {index}")
            sent = self._messages[index]
        self.received += 1
        self.transcript.absorb(sent)
        return Message(index, sent)

    def product(self, v: Message, w: Message) -> Affine:
        """The product of two messages."""
        self.products.append((v.index, w.index))
        pads = [(w.index, v.sent), (v.index, w.sent)]
        return Affine(v.sent * w.sent, pads, [(len(self.products) - 1, ONE)])

    def low(self, low: Low) -> int:
        """Registers a low part."""
        self.lows.append(low)
        return len(self.lows) - 1

    def assert_zero(self, expression: Affine) -> None:
        """Claims that an expression is 0."""
        self.claims.append(expression)

    @property
    def cells(self) -> int:
        """Cells that pads and triples take."""
        return 3 * self.received + 12 * len(self.products)

    def finish(self, sacrifices: Sequence[tuple[E, E]], vectors: int, first: int) -> Claim:
        """Draws z, reads the sacrifices, draws beta, batches; pads and triples stand from cell `first` on."""
        assert self._messages is not None
        require(len(self._messages) == self.received, "MessageCount", f"{len(self._messages)}")
        require(len(sacrifices) == len(self.products), "SacrificeCount", f"{len(sacrifices)}")
        self.begin(b"tacit/sacrifice/v1")
        z = self.challenge()
        for d, e in sacrifices:
            self.transcript.absorb(d, e)
        self.begin(b"tacit/batch/v1")
        beta = self.challenge()
        batch = Batch(beta, self.received, len(self.products), vectors)
        for claim in self.claims:
            batch.add(claim)
        for k, (factors, opened) in enumerate(zip(self.products, sacrifices, strict=True)):
            batch.add_sacrifice(k, factors, z, opened)
        return batch.finish(self.lows, first)


class Batch:
    """The running sum of beta^i times claim i."""

    def __init__(self, beta: E, messages: int, products: int, vectors: int) -> None:
        """Without a claim."""
        self._beta, self._power, self._value = beta, ONE, ZERO
        self._pads = [ZERO] * messages
        self._triples = [[ZERO] * 4 for _ in range(products)]
        self._weights = [Weights() for _ in range(vectors)]

    def add(self, claim: Affine) -> None:
        """Adds the next claim."""
        power = self._power
        self._value = self._value - claim.constant * power
        for i, c in claim.pads:
            self._pads[i] = self._pads[i] + c * power
        for i, c in claim.products:
            self._triples[i][0] = self._triples[i][0] + c * power
        for (vector, low, slot), c in claim.cells:
            slots = self._weights[vector].slots.setdefault(low, {})
            slots[slot] = slots.get(slot, ZERO) + c * power
        self._power = power * self._beta

    def add_sacrifice(self, k: int, factors: tuple[int, int], z: E, opened: tuple[E, E]) -> None:
        """Adds z p - p' = d, q - q' = e and z t - t' - d q' - e p' = d e, three claims."""
        (i, j), (d, e), t = factors, opened, self._triples[k]
        b0, b1, b2 = (self._power * b for b in powers(self._beta, 3))
        self._pads[i] = self._pads[i] + z * b0
        self._pads[j] = self._pads[j] + b1
        for cell, c in enumerate((z * b2, -b0 - e * b2, -b1 - d * b2, -b2)):
            t[cell] = t[cell] + c
        self._value = self._value + d * b0 + e * b1 + d * e * b2
        self._power = b2 * self._beta

    def finish(self, lows: list[Low], first: int) -> Claim:
        """All claims as one; pads and triples stand from cell `first` on, three cells each."""
        atoms = self._pads + [c for t in self._triples for c in t]
        trace = self._weights[0]
        trace.first, trace.run = first, [c * basis for c in atoms for basis in BASIS]
        return Claim(self._weights, lows, self._value)
