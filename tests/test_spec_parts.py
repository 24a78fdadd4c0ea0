"""Parts of the second verifier: arithmetic, hashes, encodings, parameters, rules; each check with its name."""

from __future__ import annotations

import ast
import json
import random
import re
import sys
import unicodedata
from dataclasses import replace
from math import ceil, isqrt
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3
from spec import chain, johnson, tensors, wire
from spec.config import check_config
from spec.field import (
    BASIS,
    ONE,
    ROOT_OF_UNITY,
    ZERO,
    E,
    P,
    eq,
    eq_prefix_sum,
    eq_table,
    eq_vertex,
    evaluate,
    evaluate_extension,
    lagrange,
    total,
    two_adic_generator,
)
from spec.keccak import keccak256
from spec.layout import limb_widths
from spec.nowrap import Bounds, check_chunk, check_run, norm_bound
from spec.oracle import check_tree
from spec.parameters import choose, first_queries, whir
from spec.records import check_data, check_texts
from spec.rejected import Rejected
from spec.release import check_names, check_weights
from spec.schedule import WEIGHTS, Coefficients, boundary_bits, boundary_checked, boundary_shift, row_index
from spec.seed import ByBeacon, ByProver, ByVerifier, Origin
from spec.statement import (
    DataRecord,
    HiddenStart,
    ModelRecord,
    RealLabels,
    ReleaseStatement,
    RunStatement,
    SeedStart,
    Shape,
    Vector,
)
from spec.text import has_hidden
from spec.training import (
    Architecture,
    Contiguous,
    Decay,
    Layer,
    NormBits,
    RateSpan,
    RunConfig,
    Scales,
    Schedule,
    Shuffled,
)

ROOT = Path(__file__).parents[1]
FIXTURES = Path(__file__).parent / "fixtures"


def rejects(check: str, text: str = "") -> Any:
    """`Rejected` with this check, and this in its message."""
    return pytest.raises(Rejected, match=rf"^{check}\b.*{text}")


def test_it_imports_nothing_of_ours() -> None:
    allowed = {"spec", "blake3", *sys.stdlib_module_names}
    files = list((ROOT / "spec").glob("*.py"))
    assert len(files) > 20
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert {name.split(".")[0] for name in names} <= allowed, file


# Fields and multilinear extensions.


def elements(n: int, seed: int = 0) -> list[E]:
    choose_from = random.Random(seed)
    return [E(*(choose_from.randrange(P) for _ in range(3))) for _ in range(n)]


def test_extension_field() -> None:
    x = BASIS[1]
    assert x * x * x == x + ONE
    a, b, c = elements(3)
    assert (a + b) * c == a * c + b * c
    assert (a * b) * c == a * (b * c)
    assert a * 5 == a + a + a + a + a
    assert a - a == ZERO == -a + a
    # Frobenius fixes F alone, and three times E.
    frobenius = a
    for _ in range(3):
        power, base, exponent = ONE, frobenius, P
        while exponent:
            power, base, exponent = (power * base if exponent & 1 else power), base * base, exponent >> 1
        frobenius = power
    assert frobenius == a


def test_roots_of_unity() -> None:
    assert pow(ROOT_OF_UNITY, 1 << 31, P) == P - 1
    # The library's own, a list: docs/protocol.md, section 4.
    assert [two_adic_generator(k) for k in (1, 2, 3, 5)] == [
        P - 1,
        0x0001000000000000,
        0xFFFFFFFEFF000001,
        0x00003FFFFFFFC000,
    ]


def test_equality_polynomials() -> None:
    point, other = elements(5), elements(5, seed=1)
    table = eq_table(point)
    assert [eq_vertex(point, i) for i in range(32)] == table
    assert eq(point, other) == total(a * b for a, b in zip(table, eq_table(other), strict=True))
    for bound in (0, 1, 13, 31, 32, 40):
        assert eq_prefix_sum(point, bound) == total(table[:bound])
    values = [random.Random(2).randrange(P) for _ in range(32)]
    assert evaluate(values, point) == total(w * v for w, v in zip(table, values, strict=True))
    extended = elements(32, seed=3)
    assert evaluate_extension(extended, point) == total(w * v for w, v in zip(table, extended, strict=True))


def test_lagrange_interpolates_cubics() -> None:
    r, *coefficients = elements(5)

    def cubic(x: E) -> E:
        value = ZERO
        for c in coefficients:
            value = value * x + c
        return value

    weights = lagrange(r)
    assert total(w * cubic(E(k)) for k, w in enumerate(weights)) == cubic(r)


@pytest.mark.parametrize(
    ("message", "digest"),
    [
        (b"", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
        (b"abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"),
        (bytes(136), "3a5912a7c5faa06ee4fe906253e339467a9ce87d533c65be3c15cb231cdb25f9"),
    ],
)
def test_keccak(message: bytes, digest: str) -> None:
    assert keccak256(message).hex() == digest


# Encodings.


def test_integers_have_one_encoding() -> None:
    for value in (0, 1, 127, 128, 300, 2**32 - 1):
        assert wire.Reader(wire.varint(value)).varint(32) == value
    with rejects("Damaged"):
        wire.Reader(wire.varint(2**32)).varint(32)
    with rejects("Damaged"):
        wire.Reader(b"\xff" * 20).varint(64)
    for value in (0, -1, 1, 2**63 - 1, -(2**63)):
        assert wire.Reader(wire.encode(wire.I64, value, False)).read(wire.I64) == value
        assert wire.encode(wire.I64, value, True) == value.to_bytes(8, "big", signed=True)


def test_files_have_one_encoding() -> None:
    from spec.proof import DataFile

    content = (FIXTURES / "seeded.commitment").read_bytes()
    assert wire.write_file("data", wire.read_file("data", DataFile, content)) == content
    head, version = len(wire.MAGIC) + 3, content[9]
    assert version == 1
    broken = {
        "NotOurs": b"x" + content,
        "FormatVersion": content[:6] + b"\0\2" + content[8:],
        "Kind": content[:8] + b"\2" + content[9:],
        "TrailingBytes": content + b"\0",
        # The record's version as two bytes.
        "NotCanonical": content[:head] + b"\x81\0" + content[head + 1 :],
        "Damaged": content[:-1],
    }
    for check, changed in broken.items():
        with rejects(check):
            wire.read_file("data", DataFile, changed)


# Parameters.


def test_parameters_are_those_of_rust() -> None:
    """`crates/training/examples/fixture.rs` writes what Rust's chooser derives."""
    refused = 0
    for line in (FIXTURES / "parameters.txt").read_text().splitlines():
        head, shapes, expected, *bits = (part.strip() for part in line.split(";"))
        rate, log_proofs, stride, cells = map(int, head.split())
        numbers = list(map(int, shapes.split()))
        others = tuple(Shape(*numbers[i : i + 3]) for i in range(0, len(numbers), 3))
        if not bits:
            with rejects(expected):
                choose(rate, cells, stride, others, log_proofs)
            refused += 1
            continue
        p = choose(rate, cells, stride, others, log_proofs)
        assert " ".join(map(str, p.integers())) == expected
        assert f"{johnson.summed(b for _, b in p.soundness()):.9f}" == bits[0]
    assert refused == 53


def test_no_integer_is_decided_by_rounding() -> None:
    """What is rounded up stays clear of an integer by far more than a floating-point error."""
    for level in range(131, 154):
        for rate in range(1, 27):
            exact = (level - 20) / johnson.query_bits(1, rate)
            work = level - johnson.query_bits(ceil(exact), rate)
            for number in (exact, work):
                assert abs(number - round(number)) > 1e-7, (level, rate, number)


def test_whir_refuses_what_it_cannot_reach() -> None:
    with rejects("Rate"):
        whir(3, 12, 1, 0)
    with rejects("Parameters", "too small a share"):
        whir(2, 12, 1, 23)
    assert first_queries(1, 26, 1, 0) == 259
    with rejects("Capacity"):
        choose(2, 1 << 40, 4, (), 0)
    with rejects("BlockTooShort"):
        choose(2, 100, 4, (Shape(10, 1, 100),), 0)
    with rejects("Soundness"):
        choose(2, 3**16, 17, (), 20)


# Trees.


def tree(leaves: list[bytes]) -> list[list[bytes]]:
    levels = [[blake3(leaf).digest() for leaf in leaves]]
    while len(levels[-1]) > 1:
        pairs = zip(levels[-1][::2], levels[-1][1::2], strict=True)
        levels.append([blake3(a + b).digest() for a, b in pairs])
    return levels


def test_trees() -> None:
    leaves = [bytes([i]) for i in range(8)]
    levels = tree(leaves)
    root = levels[-1][0]
    # The figure of the library's own documentation: leaves 1, 2 and 5.
    siblings = [levels[0][0], levels[0][3], levels[0][4], levels[1][3]]
    indices = [5, 1, 2, 5]
    opened = [leaves[i] for i in indices]
    check_tree(root, 3, indices, opened, siblings, "Tree")
    for wrong in (siblings[:-1], [*siblings, siblings[0]], siblings[::-1]):
        with rejects("Tree"):
            check_tree(root, 3, indices, opened, wrong, "Tree")
    with rejects("Tree", "twice"):
        check_tree(root, 3, indices, [*opened[:3], b"x"], siblings, "Tree")
    with rejects("Tree", "root"):
        check_tree(root, 3, [5, 1, 3, 5], opened, siblings, "Tree")


# Configurations and bounds.


def config(**changed: Any) -> RunConfig:
    """A small configuration with some fields of it, its schedule, scales or architecture changed."""
    layers = [Layer(3, 4, True, 1, 12, 12), Layer(4, 2, True, 0, 12, 12)]
    made = RunConfig(
        Architecture(layers, 0),
        Scales(8, 10, 26, 0, 4),
        Schedule(11, 4, False, 5, 4, [RateSpan(5, 3)], [1], False, None, None),
        Contiguous(),
        12,
        0,
        None,
        None,
    )
    for name, value in changed.items():
        part = next(
            (p for p in ("schedule", "scales", "architecture") if hasattr(getattr(made, p), name)), None
        )
        if part is None:
            made = replace(made, **{name: value})
        else:
            made = replace(made, **{part: replace(getattr(made, part), **{name: value})})
    return made


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"layers": []}, "number of layers"),
    ({"layers": [Layer(0, 2, True, 0, 12, 12)]}, "inputs of layer 0"),
    ({"layers": [Layer(3, 4, True, 1, 12, 12), Layer(5, 2, True, 0, 12, 12)]}, "layer 1 does not fit"),
    ({"layers": [Layer(3, 2, True, 1, 12, 12)]}, "the last layer has an activation"),
    ({"layers": [Layer(3, 2, True, 0, 17, 12)]}, "z_bits"),
    ({"layers": [Layer(3, 2, True, 0, 12, 1)]}, "q_bits"),
    ({"layers": [Layer(3, 65, True, 0, 12, 12)]}, "classes"),
    ({"layers": [Layer(1 << 16, 1 << 16, True, 0, 12, 12)]}, "number of weights"),
    ({"fa": 15}, "fa"),
    ({"fg": 7}, "fg"),
    ({"fg": 23}, "fg"),
    ({"fw": 47}, "fw"),
    ({"kappa": 17}, "kappa"),
    ({"omega": 21}, "omega"),
    ({"data_bits": 17}, "data_bits"),
    ({"target_bits": 1}, "target_bits"),
    ({"rows": 0}, "rows"),
    ({"batch": 0}, "batch"),
    ({"total_steps": 0}, "steps"),
    ({"chunk_steps": 3}, "power of two"),
    ({"chunk_steps": 1 << 16, "batch": 128}, "rows of a chunk"),
    ({"batch": 16, "drop_last": True}, "an epoch without a step"),
    ({"rates": [RateSpan(4, 3)]}, "one rate per step"),
    ({"rates": [RateSpan(2, 3), RateSpan(3, 3)]}, "repeats a rate"),
    ({"rates": [RateSpan(0, 1), RateSpan(5, 3)]}, "rate span 0"),
    ({"rates": [RateSpan(5, -1)]}, "learning rate"),
    ({"filter": []}, "length of the filter"),
    ({"filter": [2]}, "does not start"),
    ({"filter": [1, 0]}, "entry of the filter"),
    ({"filter": [1, 2]}, "entry of the filter"),
    ({"nesterov": True}, "nesterov"),
    ({"decay": Decay(17, [1, 1])}, "bits of the decay"),
    ({"decay": Decay(4, [1])}, "one numerator"),
    ({"decay": Decay(4, [1, 17])}, "numerator"),
    # The last chunk has one step.
    ({"average": 2}, "averaged steps"),
    ({"average": 1, "total_steps": 4, "rates": [RateSpan(4, 3)]}, "averaged steps"),
    ({"average": 8, "chunk_steps": 8}, "averaged steps"),
    ({"average": 3, "chunk_steps": 8}, "power of two"),
    ({"norms": NormBits(0, 1)}, "norm bits of Z"),
    ({"norms": NormBits(55, 1)}, "norm bits of Z"),
    ({"norms": NormBits(1, 0)}, "norm bits of Q"),
    ({"norms": NormBits(1, 55)}, "norm bits of Q"),
    ({"carry_bits": 1}, "carry_bits"),
    ({"carry_bits": 49}, "carry_bits"),
]


@pytest.mark.parametrize(("changed", "text"), REFUSED)
def test_configurations_are_refused(changed: dict[str, Any], text: str) -> None:
    check_config(config())
    with rejects("Config", text):
        check_config(config(**changed))


def test_bounds_are_those_of_the_planner() -> None:
    """The same vectors that Rust repeats."""
    cases: list[dict[str, list[int]]] = []
    seen = set[str]()
    for line in (FIXTURES / "bounds.txt").read_text().splitlines():
        key, _, numbers = line.partition(":")
        if key == "case":
            cases.append({})
        cases[-1][key] = list(map(int, numbers.split()))
    assert len(cases) == 14
    for case in cases:
        flat, bits, decay = case["layers"], case["bits"], case["decay"]
        layers = [
            Layer(a, b, bool(c), d, e, f)
            for a, b, c, d, e, f in (flat[i : i + 6] for i in range(0, len(flat), 6))
        ]
        rows, batch, drop_last, steps, chunk_steps, nesterov = case["schedule"]
        rates: list[RateSpan] = []
        for rate in case["rates"]:
            if rates and rates[-1].rate == rate:
                rates[-1] = RateSpan(rates[-1].steps + 1, rate)
            else:
                rates.append(RateSpan(1, rate))
        of_decay = Decay(decay[0], decay[1:]) if decay else None
        z, q, carry, average = (x or None for x in case["ends"])
        of_filter = case["filter"], bool(nesterov), of_decay, average
        schedule = Schedule(rows, batch, bool(drop_last), steps, chunk_steps, rates, *of_filter)
        norms = NormBits(z, q) if z and q else None
        seen |= {name for name, x in (("norms", norms), ("carry", carry), ("average", average)) if x}
        scales = Scales(*case["scales"])
        made = RunConfig(
            Architecture(layers, case["loss"][0]), scales, schedule, Contiguous(), *bits, norms, carry
        )
        check_config(made)
        after = [x for b in check_run(made, case["start"][0])[1:] for x in (b.w, b.v)]
        assert after == case["bounds"]
    assert seen == {"norms", "carry", "average"}


WRAPS: list[tuple[dict[str, Any], int, str]] = [
    ({"fw": 46, "kappa": 16, "filter": [1 << 16, 1]}, 1, "z_bits . F"),
    ({"fw": 30}, 1 << 63, "2 w_max"),
    ({"rates": [RateSpan(5, 1 << 40)]}, 1, "2 w_max"),
    ({"fw": 46}, 1 << 55, "K a w_max"),
    ({"decay": Decay(16, [65536, 65536])}, 1 << 46, "do not fit a boundary's window"),
    ({"average": 4, "chunk_steps": 8}, 1 << 48, "do not fit a boundary's window"),
    ({"decay": Decay(16, [65536, 65536]), "carry_bits": 30}, 1 << 46, "weights at a boundary are about 2.63"),
]


@pytest.mark.parametrize(("changed", "w_in", "text"), WRAPS)
def test_runs_that_could_wrap_are_refused(changed: dict[str, Any], w_in: int, text: str) -> None:
    made = config(**changed)
    check_config(made)
    with rejects("NoWrap", text):
        check_chunk(made, 0, Bounds(w_in, 0))


def test_carried_weights_are_bounded_by_their_window() -> None:
    rounding = config(kappa=4, filter=[16], carry_bits=29)
    for made, shift in ((config(carry_bits=29), 0), (rounding, 4)):
        assert boundary_checked(made, WEIGHTS, 0)
        assert boundary_bits(made, WEIGHTS, 0) == 29
        assert boundary_shift(made, WEIGHTS, 0) == shift
        assert check_chunk(made, 0, Bounds(1 << 40, 0)).w == 1 << 28
        still = replace(made, schedule=replace(made.schedule, rates=[RateSpan(5, 0)]))
        assert check_chunk(still, 0, Bounds(1 << 20, 0)).w == (1 << 20) + 1
    assert not boundary_checked(config(), WEIGHTS, 0)
    # n m w_max = 2^62 fits, one more does not; 63 - s is the window's most.
    decay = config(decay=Decay(16, [1 << 16] * 2), carry_bits=48, rates=[RateSpan(5, 0)])
    assert boundary_bits(decay, WEIGHTS, 0) == 47
    assert check_chunk(decay, 0, Bounds(1 << 46, 0)).w == 1 << 46
    with rejects("NoWrap", "at a boundary"):
        check_chunk(decay, 0, Bounds((1 << 46) + 1, 0))


def test_averages_are_of_the_last_chunk() -> None:
    made = config(average=2, total_steps=6, rates=[RateSpan(6, 3)])
    check_config(made)
    assert [boundary_shift(made, WEIGHTS, chunk) for chunk in (0, 1)] == [0, 1]
    assert [boundary_bits(made, WEIGHTS, chunk) for chunk in (0, 1)] == [48, 48]
    end = check_chunk(made, 1, Bounds(1 << 30, 0)).w
    single = check_chunk(replace(made, schedule=replace(made.schedule, average=None)), 1, Bounds(1 << 30, 0)).w
    assert single == end, "2 w_max / 2, and one more for the rounding"


def test_norms_bound_weights_by_cauchy_and_schwarz() -> None:
    made, rows = config(), 11
    a, d = 1 << 11, 1 << 11
    exact = rows * a * d
    assert norm_bound(made, 0, rows) == exact
    bounded = config(norms=NormBits(22, 15))
    # Layer 0 reads data; its gradient has a norm. Layer 1 reads a ReLU; its gradient is the loss's.
    square = rows * a * a << 15
    assert norm_bound(bounded, 0, rows) == isqrt(square) + 1
    assert isqrt(square) ** 2 < square
    square = (1 << 22) * rows << 20
    assert norm_bound(bounded, 1, rows) == isqrt(square) + 1
    # The bias is not in a norm: 11 rows of 2^8.
    tight = norm_bound(config(norms=NormBits(5, 15)), 1, rows)
    assert tight == rows << 18
    smooth = [Layer(3, 4, True, 3, 12, 12), Layer(4, 2, True, 0, 12, 12)]
    assert norm_bound(config(norms=NormBits(5, 15), layers=smooth), 1, rows) == rows << 18
    # A product of 2^128 or more is no bound.
    wide = config(fa=1, fg=15, loss=2, layers=[Layer(3, 2, True, 0, 16, 16)], data_bits=16, target_bits=16)
    assert norm_bound(wide, 0, 1 << 18) == 1 << 63
    assert norm_bound(wide, 0, 1 << 19) is None
    free = check_chunk(config(rates=[RateSpan(5, 3)]), 0, Bounds(1 << 30, 0))
    narrow = check_chunk(config(rates=[RateSpan(5, 3)], norms=NormBits(12, 8)), 0, Bounds(1 << 30, 0))
    assert narrow.w < free.w


def test_limbs_have_exact_widths() -> None:
    assert [limb_widths(b) for b in (1, 18, 19, 37)] == [[1], [18], [9, 10], [12, 12, 13]]


def test_coefficients_by_their_definition() -> None:
    made = config(
        filter=[16, 8, 3], kappa=4, nesterov=True, rates=[RateSpan(2, 3), RateSpan(3, 5)], chunk_steps=8
    )
    c = Coefficients.of(made, 0)
    h, rho = [24, 3], [3, 3, 5, 5, 5]
    assert c.rows == [4, 4, 3, 4, 4]
    assert c.weights == [16, 16, 21, 16, 16]

    def gradient(t: int, s: int) -> int:
        return c.weights[s] * sum(rho[u] * h[u - s] for u in range(s, min(t, 5)) if u - s < 2)

    weights = elements(9)
    expected = [total(weights[t] * gradient(t, s) for t in range(s + 1, 9)) for s in range(5)]
    assert c.alpha(weights, 8) == expected + [ZERO] * 3
    velocity = [sum(rho[u] * (3 if u == 0 else 0) for u in range(min(t, 5))) for t in range(9)]
    assert c.velocity_weight(weights) == total(w * v for w, v in zip(weights, velocity, strict=True))
    assert [c.state(s) for s in range(5)] == [0, 0, 21 * 3, 16 * 8, 16 * 16]
    # The end: one weight, or the last ones.
    assert c.end(8) == [ZERO] * 8 + [ONE]
    for average in (2, 4):
        c = Coefficients.of(replace(made, schedule=replace(made.schedule, average=average)), 0)
        end = c.end(8)
        assert c.start_weight(end) == E(16 * average)
        summed = range(6 - average, 6)
        expected = [E(sum(gradient(t, s) for t in summed)) for s in range(5)]
        assert c.alpha(end, 8) == expected + [ZERO] * 3
        full = [sum(rho[u] * (3 if u == 0 else 0) for u in range(t)) for t in summed]
        assert c.velocity_weight(end) == E(sum(full))
    whole = Coefficients.of(replace(made, schedule=replace(made.schedule, average=4, chunk_steps=4)), 0)
    assert whole.end(4) == [ZERO] * 4 + [ONE], "the last chunk's end alone is averaged"


def test_rows_in_their_order() -> None:
    assert row_index(config(), 0) == [*range(11), None, *range(4)]
    assert row_index(config(), 1) == [4, 5, 6, 7] + [None] * 12
    shuffled = row_index(config(order=Shuffled(bytes(32))), 0)
    assert sorted(x for x in shuffled[:11] if x is not None) == list(range(11))
    assert shuffled[12:] != list(range(4))


def test_initial_weights_are_in_their_window() -> None:
    made = config()
    weights = chain.initial_weights(made, bytes(32))
    assert len(weights) == 16 + 10
    assert max(map(abs, weights[:16])) <= chain.initial_bound(26, 3) == 38745320
    assert weights != chain.initial_weights(made, bytes([1]) + bytes(31))


# Records, releases, model files.


def record(**changed: Any) -> DataRecord:
    vector = Vector(1, 2, Shape(10, 1, 128), 123, bytes(32))
    made = DataRecord(1, 11, 3, RealLabels(1, 12), 8, 12, bytes(32), None, [], vector, ZERO)
    of_vector = {key: value for key, value in changed.items() if hasattr(vector, key)}
    own = {key: value for key, value in changed.items() if key not in of_vector}
    return replace(made, vector=replace(vector, **of_vector), **own)


@pytest.mark.parametrize(
    ("changed", "check", "text"),
    [
        ({"version": 2}, "Record", "version"),
        ({"rows": 0}, "Record", "rows"),
        ({"features": 0}, "Record", "features"),
        ({"features": 1 << 17}, "Record", "features"),
        ({"labels": RealLabels(1, 17)}, "Record", "target bits"),
        ({"data_bits": 1}, "Record", "data_bits"),
        ({"suite": 2}, "Record", "suite"),
        ({"log_inv_rate": 3}, "Record", "rate"),
        ({"row_budget": 124}, "Record", "block"),
        ({"shape": Shape(10, 1, 130)}, "Record", "straddle"),
        ({"shape": Shape(7, 1, 64)}, "Height", ""),
        ({"shape": Shape(8, 0, 128)}, "Columns", ""),
        ({"shape": Shape(8, 1, 256)}, "BlockTooLong", ""),
        ({"rows": 400, "shape": Shape(11, 1, 1024)}, "Record", "do not fit"),
        ({"released": ["a\x1b"]}, "Record", "control"),
        ({"names": ["a", "b", ""]}, "Record", "empty"),
        ({"names": []}, "Record", "names"),
        ({"names": ["a", "b"]}, "Record", "names"),
        ({"names": ["a"] * 4}, "Record", "names"),
        ({"names": ["a", "b", "c\u200d"]}, "Record", "invisible"),
    ],
)
def test_records_are_refused(changed: dict[str, Any], check: str, text: str) -> None:
    check_data(record())
    check_data(record(names=["a", "b", "c"]))
    with rejects(check, text):
        check_data(record(**changed))


def test_texts_hold_nothing_that_a_terminal_obeys() -> None:
    check_texts(["x" * 256, "é"], 2, "names")
    for texts in (["x" * 257], ["é" * 129], ["\u202e"], ["\x7f"], ["a"] * 3):
        with rejects("Record"):
            check_texts(texts, 2, "names")


def test_hidden_characters_are_those_of_unicode() -> None:
    """All of the categories that nobody sees, spaces that look like the plain one, and what Unicode calls
    default ignorable beside them.
    """
    found = [code for code in range(sys.maxunicode + 1) if has_hidden(chr(code))]
    hidden = {"Cc", "Cf", "Co", "Zl", "Zp"}
    by_category = {c for c in range(sys.maxunicode + 1) if unicodedata.category(chr(c)) in hidden}
    spaces = {c for c in range(sys.maxunicode + 1) if unicodedata.category(chr(c)) == "Zs"} - {ord(" ")}
    assert len(spaces) == 16
    by_category |= spaces
    assert by_category <= set(found)
    others = {c for c in found if c not in by_category and unicodedata.category(chr(c)) != "Cn"}
    names = {unicodedata.name(chr(c)).partition("-")[0].rstrip("0123456789") for c in others}
    assert names == {
        "COMBINING GRAPHEME JOINER", "HANGUL CHOSEONG FILLER", "HANGUL JUNGSEONG FILLER", "HANGUL FILLER",
        "HALFWIDTH HANGUL FILLER", "KHMER VOWEL INHERENT AQ", "KHMER VOWEL INHERENT AA", "VARIATION SELECTOR",
        "MONGOLIAN FREE VARIATION SELECTOR ONE", "MONGOLIAN FREE VARIATION SELECTOR TWO",
        "MONGOLIAN FREE VARIATION SELECTOR THREE", "MONGOLIAN FREE VARIATION SELECTOR FOUR",
        "BRAILLE PATTERN BLANK",
    }  # fmt: skip


def test_hidden_characters_are_those_of_rust() -> None:
    from spec.text import HIDDEN

    source = (ROOT / "crates/training/src/text.rs").read_text()
    ranges = re.findall(r"\(0x([0-9A-F]+), 0x([0-9A-F]+)\)", source)
    assert [(int(a, 16), int(b, 16)) for a, b in ranges] == list(HIDDEN[2:])
    assert HIDDEN[:2] == ((0, 0x1F), (0x7F, 0x9F))


# Declarations and seeds.


def statement(**changed: Any) -> RunStatement:
    model = ModelRecord(1, [(4, 4), (5, 2)], 26, False, record().vector, ZERO)
    made = RunStatement(1, 128, 2, config(), None, record(), HiddenStart(model, 30), [])
    return replace(made, **changed)


VERIFIER, BEACON = ByVerifier(bytes([6]) * 32), ByBeacon("a beacon", 7, bytes([8]) * 32)


def test_declarations_bind_all_but_what_comes_later() -> None:
    shuffled = config(order=Shuffled(bytes([1]) * 32))
    made = statement(config=shuffled, order_origin=VERIFIER, start=SeedStart(BEACON))
    same = [
        {"order_origin": ByVerifier(bytes(32))},
        {"start": SeedStart(ByBeacon("a beacon", 7, bytes(32)))},
        {"config": config(order=Shuffled(bytes(32)))},
        {"released": ["a text of the run alone"]},
        {"log_inv_rate": 1},
    ]
    other = [
        {"order_origin": ByProver(6)},
        {"order_origin": None},
        {"start": SeedStart(ByBeacon("a beacon", 8, bytes([8]) * 32))},
        {"start": SeedStart(ByBeacon("another", 7, bytes([8]) * 32))},
        {"start": statement().start},
        {"data": record(pin=ONE)},
        {"config": config(order=Contiguous())},
        {"config": config(order=shuffled.order, carry_bits=40)},
        {"config": config(order=shuffled.order, norms=NormBits(40, 40))},
        {"config": config(order=shuffled.order, average=2)},
    ]
    digests = [replace(made, **changed).declaration() for changed in other]
    assert all(replace(made, **changed).declaration() == made.declaration() for changed in same)
    assert len({made.declaration(), *digests}) == 1 + len(other)
    start = statement().start
    assert isinstance(start, HiddenStart)
    bits = statement(start=replace(start, bits=31)).declaration()
    weights = statement(start=replace(start, record=replace(start.record, pin=ONE))).declaration()
    assert len({statement().declaration(), bits, weights}) == 3


@pytest.mark.parametrize("origin", [ByProver(3), VERIFIER, BEACON])
def test_seeds_bind_what_their_origin_can(origin: Origin) -> None:
    made = statement(start=SeedStart(origin))
    later = not isinstance(origin, ByProver)
    seeds = {made.seed("order", origin), made.seed("initial", origin)}
    assert len(seeds) == 2
    rate = replace(made, config=config(rates=[RateSpan(5, 4)]))
    assert (rate.seed("order", origin) in seeds) != later
    wider = replace(made, config=config(layers=[Layer(3, 2, True, 0, 12, 12)]))
    data = replace(made, data=record(pin=ONE))
    assert wider.seed("order", origin) not in seeds
    assert data.seed("order", origin) not in seeds


def test_what_a_verifier_holds_is_compared() -> None:
    shuffled = config(order=Shuffled(bytes(32)))
    made = statement(config=shuffled, order_origin=VERIFIER)
    check = chain.check_held
    check(made, None, None)
    check(made, VERIFIER.nonce, made.declaration())
    with rejects("OtherNonce"):
        check(made, bytes(32), None)
    with rejects("OtherDeclaration"):
        check(made, VERIFIER.nonce, bytes(32))
    both = replace(made, start=SeedStart(ByVerifier(bytes(32))))
    for nonce in (VERIFIER.nonce, bytes(32)):
        with rejects("OtherNonce"):
            check(both, nonce, None)
    for without in (
        statement(),
        statement(config=shuffled, order_origin=BEACON, start=SeedStart(ByProver(1))),
        # An origin that no order reads.
        statement(order_origin=VERIFIER),
    ):
        with rejects("NoNonce"):
            check(without, VERIFIER.nonce, None)


def release(**changed: Any) -> ReleaseStatement:
    weights = [0, 1, -1, 300] + [5] * 22
    names = [("0.weight", "0.bias"), ("2.weight", "2.bias")]
    return replace(ReleaseStatement(1, bytes(32), bytes(32), 8, weights, names, None), **changed)  # type: ignore[arg-type]


def test_released_weights_are_in_their_windows() -> None:
    assert check_weights(config(), 1 << 30, release()) == 18
    with rejects("Bits"):
        check_weights(config(), 1 << 30, release(bits=3))
    with rejects("WeightCount"):
        check_weights(config(), 1 << 30, release(weights=[1]))
    with rejects("NoWrap"):
        check_weights(config(), 1 << 63, release())
    with rejects("WeightRange", "weight 3 is 300"):
        check_weights(config(), 298 << 18, release())


@pytest.mark.parametrize(
    "names",
    [
        [("a", "b")],
        [("a", "b"), ("c", None)],
        [("a", "b"), ("c", "a")],
        [("", "b"), ("c", "d")],
        [("a" * 257, "b"), ("c", "d")],
        [("a\n", "b"), ("c", "d")],
        [("a", "b\u200b"), ("c", "d")],
        [("\u202ea", "b"), ("c", "d")],
        [("__metadata__", "b"), ("c", "d")],
    ],
)
def test_names_are_refused(names: list[tuple[str, str | None]]) -> None:
    check_names(config(), release().names)
    with rejects("Names"):
        check_names(config(), names)


def model_file(header: dict[str, Any] | str, data: bytes) -> bytes:
    text = (header if isinstance(header, str) else json.dumps(header)).encode()
    return len(text).to_bytes(8, "little") + text + data


def honest_model() -> tuple[dict[str, Any], bytes]:
    header, data = {}, b""
    for name, shape, weights in tensors.expected(config(), release()):
        values = b"".join(tensors.float32(w, 8) for w in weights)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    return header, data


def test_model_files() -> None:
    header, data = honest_model()
    assert header["0.weight"]["shape"] == [4, 3]

    def check(file: bytes) -> None:
        tensors.check_tensors(file, config(), release())

    check(model_file(header, data))
    check(model_file({"__metadata__": {"a": "b"}, **header}, data))

    def entry(**changed: Any) -> bytes:
        return model_file({**header, "2.bias": {**header["2.bias"], **changed}}, data)

    twice = json.dumps(header)[:-1] + ', "2.bias": ' + json.dumps(header["2.bias"]) + "}"
    broken = {
        "Truncated": [b"x", model_file(header, data)[:20]],
        "ModelFormat": [
            model_file("{", data),
            model_file("[]", data),
            model_file("[" * 5000, data),
            model_file('{"a": NaN}', data),
            model_file(twice, data),
            model_file({"__metadata__": {"a": 1}, **header}, data),
            (1 << 21).to_bytes(8, "little") + bytes(1 << 22),
            entry(data_offsets=[0, 4]),
            entry(data_offsets=[96.0, 104.0]),
        ],
        "ModelTensorMissing": [model_file({k: v for k, v in header.items() if k != "2.bias"}, data)],
        "ModelTensorUnknown": [model_file({**header, "x": header["2.bias"]}, data)],
        "ModelTensorType": [entry(dtype="F64")],
        "ModelTensorShape": [entry(shape=[2, 1])],
        "ModelTensorValue": [
            entry(data_offsets=[0, 8]),
            model_file(header, data[:-1] + b"\0"),
            model_file(header, b"\0\0\0\x80" + data[4:]),
        ],
        "Trailing": [model_file(header, data + b"\0")],
    }
    for check_name, files in broken.items():
        for file in files:
            with rejects(check_name):
                check(file)
    with rejects("ModelTensorPrecision"):
        tensors.check_tensors(model_file(header, data), config(), release(weights=[2**25 + 1] * 26))
