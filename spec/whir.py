"""WHIR, section 12: P(point) = value for the polynomial P behind the first oracle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest

from spec.field import BASIS, ONE, ZERO, E, P, Point, eq, eq_table, inner, total, two_adic_generator
from spec.oracle import FirstOracle, open_later
from spec.parameters import Phase, Whir
from spec.proof import BaseRows, ExtensionRows, Sumcheck, WhirProof
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


def whir_check(w: Whir, oracle: FirstOracle, point: Point, t: Transcript, proof: WhirProof) -> None:
    """Checks P(point) = the proof's evaluation; `check_lengths` has passed."""
    m, folds, value = w.variables, w.folds, proof.evaluations[0].current[0]
    layout = [*be64(m), b"\1", b"\0", *be64(1, m, 1)]
    # Claims on P: weights over m variables, and what they sum to.
    claims: list[tuple[Weight, E]] = [(equal_to(point), value)]
    for answer in proof.answers:
        t.seed(b"p3-sumcheck-layout-ood", 1, layout, [challenge("virtual_point"), message("virtual_eval")])
        claims.append((equal_to(univariate(t.challenge(), m)), answer))
        t.absorb(answer)
    t.seed(b"p3-sumcheck-layout-opening", 1, layout + be64(0, m, 1, 0, 0), [message("current_evals", 1)])
    t.absorb(value)
    t.seed(b"p3-whir", 3, *run_seed(w))
    t.seed(b"p3-sumcheck-layout-batching", 1, layout + be64(1, len(proof.answers)), [challenge("batching")])
    batch, power, claim = t.challenge(), ONE, ZERO
    # All weights so far: (how many of the last coordinates they read, scalar, weight).
    weights: list[tuple[int, E, Weight]] = []
    for weight, expected in claims:
        weights.append((m, power, weight))
        claim, power = claim + expected * power, power * batch
    randomness, claim = fold(t, proof.first_sumcheck, claim, folds[0], w.first_fold_work)
    folded, root = list(randomness), b""

    def opened(
        phase: Phase, indices: list[int], rows: BaseRows | ExtensionRows, name: str
    ) -> list[tuple[int, E]]:
        """(w^j, value of the folded row) of every position."""
        table, generator = eq_table(folded), two_adic_generator(phase.index_bits)
        if root:
            later = open_later(root, phase.index_bits, indices, rows, 1 << phase.fold, name)
            values = [total(v * c for v, c in zip(row, table, strict=True)) for row in later]
        else:
            # Columns beyond 3 S are zero.
            values = [inner(table, row) for row in oracle.open(indices, rows, phase.queries)]
        return [(pow(generator, j, P), value) for j, value in zip(indices, values, strict=True)]

    for k, (r, got) in enumerate(zip(w.rounds, proof.rounds, strict=True)):
        n, next_root = r.phase.variables, (got.roots or [b""])[0]
        t.raw(next_root)
        claims = []
        for answer in got.answers:
            claims.append((equal_to(univariate(t.challenge(), n)), answer))
            t.absorb(answer)
        indices = positions(t, r.phase, got.nonce, f"round {k}")
        claims += [(select(at), v) for at, v in opened(r.phase, indices, got.rows, f"round {k}")]
        batch = t.challenge()
        power = batch
        for weight, expected in claims:
            weights.append((n, power, weight))
            claim, power = claim + expected * power, power * batch
        folded, claim = fold(t, got.sumcheck, claim, folds[k + 1], r.fold_work)
        randomness, root = randomness + folded, next_root

    final = proof.final or []
    t.absorb(*final)
    indices = positions(t, w.last, proof.final_nonce, "the last round")
    for at, expected in opened(w.last, indices, proof.final_rows, "the last round"):
        require(
            total(horner_terms(final, at)) == expected, "FinalQueries", "rows do not fold to the polynomial"
        )
    if proof.final_sumcheck is None:
        raise Rejected("FoldShape", "no closing sumcheck")
    folded, claim = fold(t, proof.final_sumcheck, claim, w.last.variables, w.last_fold_work)
    randomness += folded
    weight_sum = total(weight(randomness[m - n :]) * scalar for n, scalar, weight in weights)
    end = total(v * e for v, e in zip(final, eq_table(folded), strict=True))
    require(claim == weight_sum * end, "FinalClaim", "the final identity does not hold")


def horner_terms(values: Sequence[E], at: int) -> list[E]:
    """v_i at^i."""
    out, power = [], 1
    for v in values:
        out.append(v * power)
        power = power * at % P
    return out


def selector(sources: int, rho_s: Point, rho_c: Point) -> E:
    """sum over the 3 S columns c of eq(rho_c, c) eq(rho_s, c div 3) X^(c mod 3)."""
    columns, rows = eq_table(rho_c), eq_table(rho_s)
    return total(columns[c] * (rows[c // 3] * BASIS[c % 3]) for c in range(3 * sources))
