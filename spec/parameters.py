"""Every number of one opening: the trace's shape, WHIR's parameters, soundness (sections 4, 6 and 12).

The verifier chooses all of them itself from the statement; none is in a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import ceil, log2

from spec import johnson
from spec.field import LOG_E, lg
from spec.packing import CONJUGATE_BLOCK, DEGREE
from spec.rejected import Rejected, require
from spec.statement import Shape

LEVEL, WORK, TARGET, SALT = 131, 20, 128, 4
FIELD_BITS = 192
"""Bits of the order of E, rounded up, as the library's derivation counts; its report counts one less."""
FOLD, DIRECT = 4, 6
RATES = (1, 2)
MAX_LOG_PROOFS, MAX_SOURCES, PIN_BLOCK = 22, 1 << 12, 5
MIN_HEIGHT, TRACE_HEIGHTS = 8, range(11, 27)


LOG_RUN, LOG_ABOUT_MODEL, LOG_VALIDITY, LOG_LINK = 2, 3, 4, 7
"""log2 of the inverse of every argument's share of a verdict's error of 2^-128."""
MAX_LINKS = 16

Term = tuple[str, float]
"""What fails, and -log2 of its probability."""


@dataclass(frozen=True)
class Phase:
    """A query phase: opens an oracle of rate 2^-rate that is folded `fold` times, `variables` are left."""

    fold: int
    rate: int
    queries: int
    work: int
    variables: int

    @property
    def index_bits(self) -> int:
        """log2 of the oracle's rows."""
        return self.variables + self.rate


@dataclass(frozen=True)
class Round:
    """A WHIR round: the next oracle's rate, its samples, the query phase, the work of the folds that follow."""

    phase: Phase
    next_rate: int
    samples: int
    fold_work: int


@dataclass(frozen=True)
class Whir:
    """WHIR's parameters."""

    variables: int
    level: int
    rate: int
    samples: int
    first_fold_work: int
    rounds: tuple[Round, ...]
    last: Phase
    last_fold_work: int

    @property
    def folds(self) -> list[int]:
        """Variables folded per phase."""
        return [r.phase.fold for r in self.rounds] + [self.last.fold]


def count_groups(shapes: tuple[Shape, ...]) -> int:
    """Columns over E."""
    return sum(-(-s.columns // DEGREE) for s in shapes)


def first_step(sources: int, groups: int) -> int:
    """log2 by which the second oracle's rate lies below the first's."""
    columns = sources + 3 * groups
    return 1 if columns <= 47 else 2 if columns <= 95 else 3


@cache
def whir(rate: int, h: int, columns: tuple[int, int], log_proofs: int) -> Whir:
    """WHIR for 3 S columns of 2^h, given the source columns and S, with a share 2^-log_proofs of the error."""
    require(log_proofs <= MAX_LOG_PROOFS, "Parameters", "too small a share of the error")
    require(rate in RATES, "Rate", f"rate 2^-{rate}")
    level, log_columns = LEVEL + log_proofs, lg(3 * columns[1])
    left, folds = h, [log_columns]
    while left > DIRECT:
        folds.append(min(FOLD, left))
        left -= folds[-1]
    rates = [rate] + [rate + first_step(*columns) + (FOLD - 1) * r for r in range(len(folds) - 1)]

    def samples(variables: int, r: int) -> int:
        for count in range(1, 64):
            if johnson.sample_bits(variables, r, FIELD_BITS, count) >= level:
                return count
        raise Rejected("Parameters", "no number of samples is enough")

    def fold_work(variables: int, r: int) -> int:
        bits = min(johnson.line_bits(variables, r, FIELD_BITS), johnson.sumcheck_bits(r, FIELD_BITS))
        return ceil(max(0.0, level - bits))

    variables, rounds = h + log_columns, []
    first = samples(variables, rate), fold_work(variables, rate)
    for fold, old, new in zip(folds, rates, rates[1:], strict=False):
        require(new <= old + fold, "Parameters", "a rate grows the domain")
        variables -= fold
        count, sampled = johnson.queries(level - WORK, old), samples(variables, new)
        bits = min(johnson.query_bits(count, old), johnson.combination_bits(new, FIELD_BITS, sampled + count))
        phase = Phase(fold, old, count, ceil(max(0.0, level - bits)), variables)
        rounds.append(Round(phase, new, sampled, fold_work(variables, new)))
    count = johnson.queries(level - WORK, rates[-1])
    work = ceil(max(0.0, level - johnson.query_bits(count, rates[-1])))
    last = Phase(folds[-1], rates[-1], count, work, left)
    made = Whir(h + log_columns, level, rate, *first, tuple(rounds), last, max(0, level - (FIELD_BITS - 1)))
    spent = [made.first_fold_work, last.work, made.last_fold_work]
    spent += [w for r in rounds for w in (r.phase.work, r.fold_work)]
    require(max(spent) <= WORK, "Parameters", f"{max(spent)} bits of work are more than {WORK}")
    claims = johnson.claims_bits(rate, FIELD_BITS - 1, 1 + made.samples)
    require(claims >= level, "Parameters", "the batching of the first claims")
    return made


def first_queries(rate: int, h: int, sources: int, log_proofs: int) -> int:
    """Rows that a proof opens of the first oracle."""
    return whir(rate, h, (sources, -(-sources // 3)), log_proofs).rounds[0].phase.queries


def whir_bits(w: Whir) -> float:
    """The union bound over all steps of WHIR, as the library reports it."""
    field = FIELD_BITS - 1
    terms = [johnson.claims_bits(w.rate, field, 1 + w.samples)]
    terms.append(johnson.sample_bits(w.variables, w.rate, field, w.samples))

    def folds(variables: int, rate: int, count: int, work: int) -> list[float]:
        # The library keeps a bit in reserve for the line bound.
        each = [johnson.line_bits(variables, rate, field) - 1, johnson.sumcheck_bits(rate, field)]
        return [bits + work for bits in each] * count

    terms += folds(w.variables, w.rate, w.folds[0], w.first_fold_work)
    for r, fold in zip(w.rounds, w.folds[1:], strict=True):
        p = r.phase
        terms.append(johnson.sample_bits(p.variables, r.next_rate, field, r.samples))
        terms.append(johnson.query_bits(p.queries, p.rate) + p.work)
        terms.append(johnson.combination_bits(r.next_rate, field, r.samples + p.queries) + p.work)
        terms += folds(p.variables, r.next_rate, fold, r.fold_work)
    terms.append(johnson.query_bits(w.last.queries, w.last.rate) + w.last.work)
    terms += [field - 1.0 + w.last_fold_work] * w.last.variables
    return johnson.summed(terms)


def check_shape(shape: Shape, vector: int, rows: int) -> None:
    """A shape by itself, and whether its block covers `rows` opened rows."""
    least = MIN_HEIGHT if vector else TRACE_HEIGHTS[0]
    where = f"vector {vector}"
    require(least <= shape.log_height <= TRACE_HEIGHTS[-1], "Height", f"{where}: 2^{shape.log_height}")
    require(1 <= shape.columns <= MAX_SOURCES, "Columns", f"{where}: {shape.columns}")
    require(shape.block < 1 << shape.log_height, "BlockTooLong", where)
    needed = rows + (PIN_BLOCK if vector else CONJUGATE_BLOCK)
    require(shape.block >= needed, "BlockTooShort", f"{where}: {shape.block} below {needed}")


def algebraic(name: str, numerator: int, bits: float) -> Term:
    """numerator / |E| for each of 2^bits candidates."""
    return name, LOG_E - bits - log2(max(1, numerator))


@dataclass(frozen=True)
class Parameters:
    """All of an opening; `shapes` is the trace's, then the long-lived vectors'."""

    rate: int
    shapes: tuple[Shape, ...]
    whir: Whir

    @property
    def h(self) -> int:
        """log2 of the trace's column height."""
        return self.shapes[0].log_height

    @property
    def sources(self) -> int:
        """Source columns."""
        return sum(s.columns for s in self.shapes)

    @property
    def groups(self) -> int:
        """S."""
        return count_groups(self.shapes)

    @property
    def log_columns(self) -> int:
        """log2 of the columns of P."""
        return lg(3 * self.groups)

    def integers(self) -> list[int]:
        """What the transcript absorbs (section 6, step 2)."""
        w = self.whir
        out = [self.rate, self.h, self.sources, self.groups, 1 << self.log_columns, SALT]
        out += [w.samples, w.first_fold_work, w.last_fold_work]
        for r in w.rounds:
            out += [r.phase.fold, r.next_rate, r.phase.queries, r.phase.work, r.fold_work, r.samples]
        out += [w.last.fold, w.last.queries, w.last.work, w.last.variables]
        return out + [x for s in self.shapes for x in (s.log_height, s.columns, s.block)]

    def soundness(self) -> list[Term]:
        """The opening's error terms."""
        bits, others = johnson.list_bits(self.rate), self.shapes[1:]
        out = list[Term]()
        if others:
            out.append(algebraic("batching of the pins", len(others), bits))
            lists = log2(len(TRACE_HEIGHTS)) + bits
            table = max(lg(s.columns) + s.log_height for s in others)
            out.append(algebraic("two candidates share a pin", table * len(others), 2 * lists - 1))
        out.append(algebraic("packing", 3, bits))
        out.append(("the line g + gamma F", johnson.line_bits(self.h, self.rate, LOG_E)))
        out.append(algebraic("mu + gamma tau", 1, bits))
        out.append(algebraic("sumcheck over the groups", 2 * (self.h + lg(self.groups)), bits))
        out.append(algebraic("sumcheck over the columns of P", 2 * self.log_columns, bits))
        out.append(("WHIR", whir_bits(self.whir)))
        return out


def parameters(rate: int, shapes: tuple[Shape, ...], log_proofs: int) -> Parameters:
    """Derives and checks everything."""
    for vector, shape in enumerate(shapes):
        check_shape(shape, vector, 0)
        require(shape.log_height <= shapes[0].log_height, "Taller", f"vector {vector} is taller than the trace")
    sources = sum(s.columns for s in shapes)
    require(sources <= MAX_SOURCES, "Sources", f"{sources} source columns")
    made = Parameters(
        rate, shapes, whir(rate, shapes[0].log_height, (sources, count_groups(shapes)), log_proofs)
    )
    for vector, shape in enumerate(shapes):
        check_shape(shape, vector, made.whir.rounds[0].phase.queries)
    check_soundness(made.soundness(), log_proofs)
    return made


def check_soundness(terms: list[Term], log_proofs: int) -> None:
    """Refuses unless all terms sum to at most 2^-(128 + log_proofs)."""
    bits = johnson.summed(b for _, b in terms)
    require(bits >= TARGET + log_proofs, "Soundness", f"the error terms sum to 2^-{bits:.2f}")


def cost(rate: int, shapes: tuple[Shape, ...], queries: int) -> int:
    """Prover time times proof size, as `opening/choose.rs` weighs them."""
    h, sources, groups = shapes[0].log_height, sum(s.columns for s in shapes), count_groups(shapes)
    columns = sources + 3 * groups
    per_row = (20 * columns << rate) + 27 * (3 << (rate + first_step(sources, groups))) + 70 * sources
    per_row += 8 << lg(3 * groups)
    leaves = (s.log_height + rate for s in shapes)
    paths = sum(32 * queries * (1 + max(0, n - lg(queries))) for n in leaves)
    return (20_000_000 + (per_row << h)) * (100_000 + 8 * queries * columns + paths)


def choose(rate: int, cells: int, stride: int, others: tuple[Shape, ...], log_proofs: int) -> Parameters:
    """The parameters with the cheapest trace for so many cells in slots of at most 2^stride cells."""
    queries = first_queries(rate, TRACE_HEIGHTS[-1], 1, log_proofs)
    block = -(-(queries + CONJUGATE_BLOCK) >> stride) << stride
    long_lived = sum(min(s.columns, MAX_SOURCES) for s in others)
    least = max([TRACE_HEIGHTS[0], stride] + [s.log_height for s in others])
    best: tuple[int, Shape] | None = None
    for h in range(least, TRACE_HEIGHTS[-1] + 1):
        if block >= 1 << h:
            continue
        trace = Shape(h, max(1, -(-cells // ((1 << h) - block))), block)
        if trace.columns + long_lived > MAX_SOURCES:
            continue
        price = cost(rate, (trace, *others), queries)
        if best is None or price < best[0]:
            best = price, trace
    if best is None:
        raise Rejected("Capacity", f"no trace holds {cells} cells")
    return parameters(rate, (best[1], *others), log_proofs)
