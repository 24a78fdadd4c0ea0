"""WHIR, section 12: P(point) = value for the polynomial P behind the first oracle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest

from spec.field import BASIS, ONE, ZERO, E, P, Point, eq, eq_table, inner, total, two_adic_generator
from spec.oracle import FirstOracle, open_later
from spec.parameters import Phase, Whir
from spec.proof import Rows, Sumcheck, WhirProof, WhirRound
from spec.rejected import Rejected, require
from spec.transcript import Step, Transcript, bracket, challenge, grinding, message

Weight = Callable[[Point], E]


def be64(*values: int) -> list[bytes]:
    """Each as a chunk of eight bytes."""
    return [v.to_bytes(8, "big") for v in values]


def fold_round(
    pair: tuple[E, E], claim: E, point: Point, t: Transcript, work: int = 0, nonce: int | None = None
) -> E:
    """A sumcheck round of degree 2, p(0) and the leading coefficient: absorbs, draws r, returns p(r)."""
    zero, leading = pair
    t.absorb(zero, leading)
    if nonce is not None:
        require(t.work(work, nonce), "FoldShape", "a nonce misses its work")
    r = t.challenge()
    point.append(r)
    # p(1) = claim - p(0).
    return zero + r * (claim - zero * 2 - leading + r * leading)


def fold(t: Transcript, sumcheck: Sumcheck, claim: E, rounds: int, work: int) -> tuple[Point, E]:
    """A folding sumcheck: its point and the claim that is left."""
    require(len(sumcheck.rounds) == rounds, "FoldShape", f"{len(sumcheck.rounds)} rounds for {rounds}")
    require(len(sumcheck.nonces) == (rounds if work else 0), "FoldShape", "number of nonces")
    each: list[Step] = [message("round_poly", 2), *grinding("round_pow", work), challenge("round_challenge")]
    t.seed(b"p3-sumcheck-quadratic", 1, [b"\0"], each * rounds)
    point = Point()
    for pair, nonce in zip_longest(sumcheck.rounds, sumcheck.nonces):
        claim = fold_round(pair, claim, point, t, work, nonce)
    return point, claim


def univariate(z: E, n: int) -> Point:
    """(z^(2^(n-1)), ..., z^2, z)."""
    out = [z]
    while len(out) < n:
        out.append(out[-1] * out[-1])
    return out[::-1]


def equal_to(point: Point) -> Weight:
    """Weight of the claim f(point)."""
    return lambda x: eq(point, x)


def select(w: int) -> Weight:
    """Weight of the claim sum f(i) w^i."""

    def weight(x: Point) -> E:
        out, power = ONE, w
        for r in reversed(x):
            out, power = out * (r * (power - 1) + ONE), power * power % P
        return out

    return weight


def run_seed(w: Whir) -> tuple[list[bytes], list[Step]]:
    """Label and interactions of the whole run."""
    steps = bracket("initial_fold")
    for r in w.rounds:
        steps.append(("Atomic", "Message", "commitment", "Scalar", "Opaque"))
        steps += [challenge("ood_point"), message("ood_answer")] * r.samples
        steps += grinding("query_pow", r.phase.work) + index_step("query_indices", r.phase)
        steps += [challenge("round_batching"), *bracket("round_fold")]
    steps.append(message("final_poly", 1 << w.last.variables))
    steps += grinding("final_query_pow", w.last.work) + index_step("final_query_indices", w.last)
    steps += bracket("final_fold") if w.last.variables else []
    folds = w.folds
    label = be64(w.variables, w.samples, 1, 1 << folds[0], w.level, 20, w.rate, 1)
    label += be64(
        1, folds[0], 4, folds[0], w.first_fold_work, w.last.variables, w.last_fold_work, len(w.rounds)
    )
    for r, following in zip(w.rounds, folds[1:], strict=True):
        label += be64(r.next_rate, following, r.fold_work)
    return label, steps


def index_step(label: str, phase: Phase) -> list[Step]:
    """The draw of the query positions, if they are not all of them."""
    if phase.queries >= 1 << phase.index_bits:
        return []
    kind = f"UniformBits({phase.index_bits})"
    return [("Atomic", "Challenge", label, f"Fixed({phase.queries})", kind)]


def positions(t: Transcript, phase: Phase, nonce: int, name: str) -> list[int]:
    """Checks the work of a query phase and draws its positions."""
    rows = 1 << phase.index_bits
    if phase.work:
        require(t.work(phase.work, nonce), "Work", f"{name}: the nonce misses {phase.work} bits")
    else:
        require(nonce == 0, "Work", f"{name}: a nonce without work")
    # A phase that asks for more positions than there are has no valid number of rows.
    require(phase.queries <= rows, "RowCount", f"{name}: {phase.queries} queries of {rows} rows")
    return list(range(rows)) if phase.queries == rows else [t.word() % rows for _ in range(phase.queries)]


def check_lengths(w: Whir, proof: WhirProof) -> E:
    """Every length that the file controls and that is not checked where it is used; the evaluation of P."""
    require(len(proof.answers) == w.samples, "OutOfDomain", "first oracle")
    require(len(proof.rounds) == len(w.rounds), "WhirRounds", f"{len(proof.rounds)} for {len(w.rounds)}")
    for k, (r, got) in enumerate(zip(w.rounds, proof.rounds, strict=True)):
        require(len(got.roots or []) == 1, "RoundRoot", f"round {k}")
        require(len(got.answers) == r.samples, "OutOfDomain", f"round {k}")
    require(len(proof.final or []) == 1 << w.last.variables, "FinalLength")
    shape = [(len(e.current), len(e.following)) for e in proof.evaluations]
    require(shape == [(1, 0)], "EvaluationShape", "not exactly one evaluation")
    return proof.evaluations[0].current[0]


class Run:
    """A run of WHIR: the claim on the polynomial folded so far, and the oracle that is opened next."""

    def __init__(self, w: Whir, oracle: FirstOracle, t: Transcript) -> None:
        """Before the first claim."""
        self._w, self._oracle, self._t = w, oracle, t
        self.claim, self._randomness, self._folded = ZERO, Point(), Point()
        self._root: bytes | None = None
        # Scalars and weights of all claims, and how many of the last coordinates a weight reads.
        self._weights: list[tuple[int, E, Weight]] = []

    def add(self, claims: Sequence[tuple[Weight, E]], variables: int, batch: E, power: E) -> None:
        """Adds claims on the current polynomial with the weights power, power batch, ..."""
        for weight, expected in claims:
            self._weights.append((variables, power, weight))
            self.claim, power = self.claim + expected * power, power * batch

    def fold(self, sumcheck: Sumcheck, rounds: int, work: int) -> None:
        """A folding sumcheck."""
        self._folded, self.claim = fold(self._t, sumcheck, self.claim, rounds, work)
        self._randomness = self._randomness + self._folded

    def samples(self, variables: int, answers: Sequence[E]) -> list[tuple[Weight, E]]:
        """Out-of-domain claims on an oracle behind its root."""
        out = []
        for answer in answers:
            out.append((equal_to(univariate(self._t.challenge(), variables)), answer))
            self._t.absorb(answer)
        return out

    def opened(self, phase: Phase, nonce: int, rows: Rows, name: str) -> list[tuple[int, E]]:
        """A query phase: (w^j, value of row j, folded) of every position."""
        indices = positions(self._t, phase, nonce, name)
        table, generator = eq_table(self._folded), two_adic_generator(phase.index_bits)
        if self._root is None:
            # Columns beyond 3 S are zero.
            values = [inner(table, row) for row in self._oracle.open(indices, rows, phase.queries)]
        else:
            later = open_later(self._root, phase.index_bits, indices, rows, 1 << phase.fold, name)
            values = [total(v * c for v, c in zip(row, table, strict=True)) for row in later]
        return [(pow(generator, j, P), value) for j, value in zip(indices, values, strict=True)]

    def round(self, k: int, got: WhirRound) -> None:
        """Round k: the next oracle, its samples, the queries of the one before, a fold."""
        r, root = self._w.rounds[k], (got.roots or [b""])[0]
        self._t.raw(root)
        claims = self.samples(r.phase.variables, got.answers)
        queried = self.opened(r.phase, got.nonce, got.rows, f"round {k}")
        claims += [(select(at), value) for at, value in queried]
        batch = self._t.challenge()
        self.add(claims, r.phase.variables, batch, batch)
        self.fold(got.sumcheck, self._w.folds[k + 1], r.fold_work)
        self._root = root

    def finish(self, final: Sequence[E], proof: WhirProof) -> None:
        """The final polynomial: the last oracle's rows fold to it, and so does the claim."""
        w = self._w
        self._t.absorb(*final)
        for at, expected in self.opened(w.last, proof.final_nonce, proof.final_rows, "the last round"):
            folds = total(horner_terms(final, at)) == expected
            require(folds, "FinalQueries", "rows do not fold to the final polynomial")
        if proof.final_sumcheck is None:
            raise Rejected("FoldShape", "no closing sumcheck")
        self.fold(proof.final_sumcheck, w.last.variables, w.last_fold_work)
        weight = total(at(self._randomness[w.variables - n :]) * scalar for n, scalar, at in self._weights)
        end = total(v * e for v, e in zip(final, eq_table(self._folded), strict=True))
        require(self.claim == weight * end, "FinalClaim", "the final identity does not hold")


def whir_check(w: Whir, oracle: FirstOracle, point: Point, t: Transcript, proof: WhirProof) -> None:
    """Checks P(point) = the proof's evaluation; `check_lengths` has passed."""
    m, value, run = w.variables, proof.evaluations[0].current[0], Run(w, oracle, t)
    layout = [*be64(m), b"\1", b"\0", *be64(1, m, 1)]
    claims: list[tuple[Weight, E]] = [(equal_to(point), value)]
    for answer in proof.answers:
        t.seed(b"p3-sumcheck-layout-ood", 1, layout, [challenge("virtual_point"), message("virtual_eval")])
        claims += run.samples(m, [answer])
    t.seed(b"p3-sumcheck-layout-opening", 1, layout + be64(0, m, 1, 0, 0), [message("current_evals", 1)])
    t.absorb(value)
    t.seed(b"p3-whir", 3, *run_seed(w))
    t.seed(b"p3-sumcheck-layout-batching", 1, layout + be64(1, len(proof.answers)), [challenge("batching")])
    run.add(claims, m, t.challenge(), ONE)
    run.fold(proof.first_sumcheck, w.folds[0], w.first_fold_work)
    for k, got in enumerate(proof.rounds):
        run.round(k, got)
    run.finish(proof.final or [], proof)


def horner_terms(values: Sequence[E], at: int) -> list[E]:
    """v_i at^i."""
    out, power = [], 1
    for v in values:
        out.append(v * power)
        power = power * at % P
    return out


def selector(groups: int, rho_s: Point, rho_c: Point) -> E:
    """sum over the 3 S columns c of eq(rho_c, c) eq(rho_s, c div 3) X^(c mod 3)."""
    columns, rows = eq_table(rho_c), eq_table(rho_s)
    return total(columns[c] * (rows[c // 3] * BASIS[c % 3]) for c in range(3 * groups))
