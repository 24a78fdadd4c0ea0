"""Lookups, section 9: tables, the LogUp sum, its GKR."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from spec.field import ONE, ZERO, E, Point, eq_prefix_sum, eq_table, eq_vertex, evaluate, lg, total
from spec.hiding import Affine, Low, Message, Reduction


@dataclass(frozen=True)
class Table:
    """Row i is (i, f_1(i), ...). `name` identifies a table whose further entries `columns` makes."""

    bits: int
    bound: int | None = None
    name: tuple[object, ...] = ()
    columns: Callable[[], Sequence[Sequence[int]]] | None = field(default=None, compare=False)

    @property
    def arity(self) -> int:
        """Entries of a row."""
        return 1 + (self.bound is not None) + (len(self.columns()) if self.columns else 0)

    def evaluate(self, x: Point) -> list[E]:
        """The multilinear extension of each entry."""
        index = ZERO
        for r in x:
            index = index * 2 + r
        out = [index]
        if self.bound is not None:
            out.append(eq_prefix_sum(x, self.bound))
        if self.columns is not None:
            out += [evaluate(column, x) for column in self.columns()]
        return out


@dataclass
class Form:
    """constant + sum of coefficients times columns, as (vector, slot, coefficient)."""

    terms: list[tuple[int, int, int]]
    constant: int = 0

    def plus(self, other: Form, k: int = 1) -> Form:
        """The sum with k times another form."""
        return Form(self.terms + [(v, s, c * k) for v, s, c in other.terms], self.constant + k * other.constant)

    def add_to(self, e: Affine, low: int, k: E) -> None:
        """Adds k times the form, read through a low part whose weights sum to 1."""
        e.add_constant(k * self.constant)
        for vector, slot, c in self.terms:
            e.add_cell(vector, low, slot, k * c)


def column(slot: int, vector: int = 0) -> Form:
    """One slot."""
    return Form([(vector, slot, 1)])


def signed(slot: int, bits: int, vector: int = 0) -> Form:
    """A slot of signed values of so many bits, as an index."""
    return Form([(vector, slot, 1)], 1 << (bits - 1))


class System:
    """All lookups of a proof; the multiplicities of table i stand from slot multiplicities[i] on."""

    def __init__(self, log_rows: int) -> None:
        """For columns of 2^log_rows rows."""
        self.log_rows = log_rows
        self.tables: list[Table] = []
        self.multiplicities: list[int] = []
        self.lookups: list[tuple[int, list[Form]]] = []

    def add(self, table: Table, values: list[Form]) -> None:
        """Every row of the values is a row of the table."""
        if table not in self.tables:
            self.tables.append(table)
        self.lookups.append((self.tables.index(table), values))

    def add_range(self, bits: int, value: Form) -> None:
        """Every value is in [0, 2^bits)."""
        self.add(Table(bits), [value])

    def place(self, first: int) -> int:
        """Puts the multiplicities from slot `first` on; the next free slot."""
        for table in self.tables:
            self.multiplicities.append(first)
            first += 1 << max(0, table.bits - self.log_rows)
        return first

    def blocks(self) -> list[tuple[str, int, int, int]]:
        """(kind, index, log2 of the size, first leaf), by decreasing size."""
        all_blocks = [("table", i, t.bits) for i, t in enumerate(self.tables)]
        all_blocks += [("lookup", i, self.log_rows) for i in range(len(self.lookups))]
        out, first = [], 0
        for kind, index, size in sorted(all_blocks, key=lambda b: -b[2]):
            out.append((kind, index, size, first))
            first += 1 << size
        return out

    @property
    def log_leaves(self) -> int:
        """log2 of the leaves."""
        return lg(sum(1 << size for _, _, size, _ in self.blocks()))

    def error_numerator(self) -> int:
        """Of the soundness error over |E|: fingerprints, zero denominators, the GKR."""
        arity = max((t.arity for t in self.tables), default=1)
        k = self.log_leaves
        return (arity + 2 << k) + (k * k + 1 if k else 0)


@dataclass
class Leaf:
    """The numerators at `point` are `numerator`, the denominators `denominator`."""

    point: Point
    numerator: Affine
    denominator: Affine
    root: Message
    """The product of all denominators."""


def _line(low: Message, high: Message, c: E) -> Affine:
    out = Affine()
    out.add(low, ONE - c)
    out.add(high, c)
    return out


def logup_check(r: Reduction, log_leaves: int) -> Leaf:
    """The sum of 2^log_leaves fractions is 0."""
    r.begin(b"tacit/logup/v1")
    root, inverse = r.receive(), r.receive()
    unit = r.product(root, inverse)
    unit.add_constant(-ONE)
    r.assert_zero(unit)
    if log_leaves == 0:
        out = Affine()
        out.add(root)
        return Leaf([], Affine(), out, root)

    def halves(running: Affine) -> tuple[Message, Message, Message, Message]:
        n0, d0, m, d1 = r.receive(), r.receive(), r.receive(), r.receive()
        running.sub(r.product(n0, d1))
        running.sub(r.product(d0, m))
        r.assert_zero(running)
        return n0, d0, m, d1

    above = r.challenge()
    running = Affine()
    running.add(root, above)
    n0, d0, m, d1 = halves(running)
    point = Point()
    for _ in range(1, log_leaves):
        own = r.challenge()
        q2 = r.receive()
        x = r.challenge()
        running = _line(n0, m, x)
        running.add(d0, (ONE - x) * own)
        running.add(d1, x * (own - above))
        running.add(q2, x * x - x)
        following = [x]
        for s in point:
            q1, q2 = r.receive(), r.receive()
            x = r.challenge()
            running.add(q1, x - s)
            running.add(q2, x * x - s)
            following.append(x)
        n0, d0, m, d1 = halves(running)
        point, above = following, own
    c = r.challenge()
    numerator = _line(n0, m, c)
    numerator.add(d1, -(above * c))
    return Leaf([c, *point], numerator, _line(d0, d1, c), root)


def lookup_check(r: Reduction, system: System) -> None:
    """Every lookup's tuples are rows of its table."""
    r.begin(b"tacit/lookup/v1")
    alpha, beta = r.challenge(), r.challenge()
    leaf = logup_check(r, system.log_leaves)
    numerator, denominator, weights = Affine(), Affine(), []
    rows: int | None = None
    for kind, index, size, first in system.blocks():
        split = len(leaf.point) - size
        top, low = leaf.point[:split], leaf.point[split:]
        weight = eq_vertex(top, first >> size)
        weights.append(weight)
        if kind == "table":
            fingerprint, power = alpha - E(index + 1), beta
            for value in system.tables[index].evaluate(low):
                fingerprint, power = fingerprint - power * value, power * beta
            denominator.add_constant(weight * fingerprint)
            _multiplicities(r, system, index, low, numerator, -weight)
            continue
        table, values = system.lookups[index]
        rows = r.low(Low(point=low)) if rows is None else rows
        numerator.add_constant(weight)
        denominator.add_constant(weight * (alpha - E(table + 1)))
        power = beta
        for form in values:
            form.add_to(denominator, rows, -(weight * power))
            power = power * beta
    denominator.add_constant(ONE - total(weights))
    numerator.sub(leaf.numerator)
    denominator.sub(leaf.denominator)
    r.assert_zero(numerator)
    r.assert_zero(denominator)


def _multiplicities(r: Reduction, system: System, table: int, low: Point, e: Affine, weight: E) -> None:
    """Adds weight times the multiplicities at a point of the table's rows."""
    first, spare = system.multiplicities[table], system.log_rows - len(low)
    if spare >= 0:
        e.add_cell(0, r.low(Low(point=low)), first << spare, weight)
        return
    index = r.low(Low(point=low[-spare:]))
    for slot, c in enumerate(eq_table(low[:-spare], weight)):
        e.add_cell(0, index, first + slot, c)
