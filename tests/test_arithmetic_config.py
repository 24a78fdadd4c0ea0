"""Configuration, order, products and records: round trips, and every rule refused by name."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arithmetic_cases import load_reference, network, random_data, random_weights, train
from tacit.arithmetic import (
    ArithmeticConfigError,
    InexactProductError,
    Layer,
    Order,
    PlanRequest,
    RunConfig,
    RunRecord,
    Schedule,
    SequenceError,
    Trainer,
    WindowOverflowError,
    make_plan,
    quantise_weights,
)
from tacit.arithmetic.config import Decay
from tacit.arithmetic.matmul import Operand, Product, numpy_gemm
from tacit.arithmetic.order import batch_rows, permutation, seed_bytes
from tacit.arithmetic.record import ModelState

DATA = random_data("cross_entropy", 10, 5, 3)
RECORD = train(
    network([5, 4, 3], "relu", "cross_entropy"), DATA, [0.125, 0.125, 0.0625], momentum=0.5, chunk_steps=2
)


def test_json_is_what_the_core_reads() -> None:
    value = json.loads(RECORD.config.to_json())
    assert value["architecture"]["loss"] == "CrossEntropy"
    assert value["architecture"]["layers"][0]["activation"] == "Relu"
    assert [span["steps"] for span in value["schedule"]["rates"]] == [2, 1]
    assert value["order"] == {"Shuffled": {"seed": list(range(32))}}
    assert RunConfig.from_json(RECORD.config.to_json()) == RECORD.config
    contiguous = replace(RECORD.config, order=Order())
    assert contiguous.to_dict()["order"] == "Contiguous"
    assert RunConfig.from_dict(contiguous.to_dict()) == contiguous
    decaying = change(schedule__decay=Decay(8, (255, 256)))
    assert json.loads(decaying.to_json())["schedule"]["decay"] == {"bits": 8, "numerators": [255, 256]}
    assert RunConfig.from_json(decaying.to_json()) == decaying


def change(**fields: object) -> RunConfig:
    config = RECORD.config
    for name, value in fields.items():
        group, _, attribute = name.partition("__")
        changed = replace(getattr(config, group), **{attribute: value}) if attribute else value
        config = replace(config, **{group: changed})  # type: ignore[arg-type]
    return config


WIDE = Layer(5, 4, True, "relu", z_bits=17)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (change(architecture__layers=()), "0 layers"),
        (change(architecture__loss="hinge"), "unknown loss 'hinge'"),
        (
            change(architecture__layers=(Layer(5, 4, True, "relu"), Layer(3, 3, True, "identity"))),
            "widths differ",
        ),
        (change(architecture__layers=(Layer(5, 3, True, "relu"),)), "the last layer takes no activation"),
        (change(architecture__layers=(Layer(5, 3, True, "gelu"),)), "unknown activation"),  # type: ignore[arg-type]
        (change(architecture__layers=(Layer(5, 1, True, "identity"),)), "cross entropy over 1 outputs"),
        (change(architecture__layers=(Layer(5, 65, True, "identity"),)), "cross entropy over 65 outputs"),
        (change(architecture__layers=(Layer(0, 3, True, "identity"),)), "widths between 1 and 65,536"),
        (change(architecture__layers=(WIDE, Layer(4, 3, True, "identity"))), "z_bits = 17"),
        (change(scales__fw=44), r"z_bits \+ fw \+ kappa = \d+ exceeds 62"),
        (change(scales__fa=0), "fa = 0"),
        (change(scales__fg=7), "fg = 7"),
        (change(scales__fw=20), "fw = 20"),
        (change(scales__omega=21), "omega = 21"),
        (change(data_bits=17), "data_bits = 17"),
        (change(target_bits=8), "target_bits = 8"),
        (change(schedule__rows=0), "no rows"),
        (change(schedule__batch=0), "batch size 0"),
        (change(schedule__chunk_steps=3), "chunk_steps = 3 is not a power of two"),
        (change(schedule__rates=(1,)), "1 rates for 3 steps"),
        (change(schedule__rates=(1, 1, -1)), "a rate is negative"),
        (change(schedule__filter=(1, 1)), "does not start with 2"),
        (change(schedule__drop_last=True, schedule__batch=20), "drop_last leaves no batch of 20 in 10 rows"),
        (change(schedule__filter=(16,), schedule__nesterov=True), "at least 2 entries"),
        (change(schedule__filter=(16,)), "kappa = 4 with a momentum filter of 1 entries"),
        (change(schedule__decay=Decay(17, (1, 1))), "decay bits = 17"),
        (change(schedule__decay=Decay(8, (256,))), "1 decay numerators for 2 chunks"),
        (change(schedule__decay=Decay(8, (256, 257))), "a decay numerator is not in 1 to 256"),
        (change(order=Order(b"short")), "32 bytes"),
    ],
)
def test_rules_of_a_configuration(config: RunConfig, message: str) -> None:
    with pytest.raises(ArithmeticConfigError, match=message):
        config.validate()


def test_record_round_trip_and_damage() -> None:
    blob = RECORD.to_bytes()
    again = RunRecord.from_bytes(blob)
    assert again.to_bytes() == blob
    assert np.array_equal(again.final.flat_weights(), RECORD.final.flat_weights())
    velocity = again.final.flat_velocity()
    assert velocity is not None
    assert np.array_equal(velocity, RECORD.final.flat_velocity())
    for bad in (b"", b"tacit", blob[:-1], blob[:-8], blob + bytes(8), blob.replace(b'"w_in"', b'"v_in"')):
        with pytest.raises(ArithmeticConfigError, match="run record"):
            RunRecord.from_bytes(bad)
    assert "array" not in repr(RECORD)


def test_record_in_parts_round_trip_and_damage() -> None:
    head, count = RunRecord.from_head(RECORD.head())
    assert count == len(RECORD.states) and not RunRecord.is_whole(RECORD.head())
    states = [ModelState.from_bytes(head.config, state.to_bytes()) for state in RECORD.states]
    assert head.with_states(tuple(states)).to_bytes() == RECORD.to_bytes()
    assert head.with_states(tuple(states)).head() == RECORD.head()
    other = replace(RECORD, states=(*RECORD.states[:-1], RECORD.states[0]))
    assert other.head() != RECORD.head(), "the head has a digest of the states"
    for bad in (b"", RECORD.to_bytes(), RECORD.head()[:-1], RECORD.head().replace(b'"w_in"', b'"v_in"')):
        with pytest.raises(ArithmeticConfigError, match="run record"):
            RunRecord.from_head(bad)
    blob = RECORD.final.to_bytes()
    assert len(blob) < 16 * RECORD.config.architecture.weight_count
    for bad in (b"", b"tacit", blob[:-1], blob[:19], blob + b"\0", blob[:19] + b"\x07" + blob[20:]):
        with pytest.raises(ArithmeticConfigError, match="state of a run"):
            ModelState.from_bytes(head.config, bad)


def test_permutation_is_the_stated_algorithm() -> None:
    reference = load_reference()
    for rows, epoch in ((1, 0), (2, 3), (17, 0), (17, 1), (1000, 5)):
        got = permutation(b"\x07" * 32, epoch, rows)
        assert got.tolist() == reference.permutation(b"\x07" * 32, epoch, rows)
        assert sorted(got.tolist()) == list(range(rows))
    digest = hashlib.sha256(b"tacit/order/v1" + b"\x07" * 32 + bytes(8) + bytes(8)).digest()
    swapped = int.from_bytes(digest[:8], "big") % 2 == 0
    assert permutation(b"\x07" * 32, 0, 2).tolist() == ([1, 0] if swapped else [0, 1])


def test_batches_cover_an_epoch_once() -> None:
    for drop_last, count in ((False, 3), (True, 2)):
        schedule = Schedule(10, 4, drop_last, 0, 1, ())
        for order in (Order(), Order(seed_bytes(5))):
            rows = np.concatenate([batch_rows(schedule, order, step) for step in range(count)])
            assert len(set(rows.tolist())) == len(rows) == (8 if drop_last else 10)
    assert seed_bytes(None) is None
    assert seed_bytes(b"a" * 32) == b"a" * 32
    assert seed_bytes(1) != seed_bytes(2)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(1, 5), inner=st.integers(1, 6), columns=st.integers(1, 4),
    left_bits=st.integers(1, 16), right_bits=st.integers(1, 44), seed=st.integers(0, 1000),
)  # fmt: skip
def test_products_are_exact(
    rows: int, inner: int, columns: int, left_bits: int, right_bits: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    left = rng.integers(-(1 << left_bits), 1 << left_bits, (rows, inner))
    right = rng.integers(-(1 << right_bits), 1 << right_bits, (inner, columns))
    expected = [[sum(int(a) * int(b) for a, b in zip(r, c, strict=True)) for c in right.T] for r in left]
    got = Product(recheck=True)(left.astype(np.float64), Operand(right))
    assert got.tolist() == expected
    top = max(1, inner - 1)
    square = rng.integers(-(1 << left_bits), 1 << left_bits, (rows, columns))
    back = [[sum(int(a) * int(b) for a, b in zip(r, w, strict=True)) for w in right[:top]] for r in square]
    assert Product(recheck=True)(square.astype(np.float64), Operand(right).top_transposed(top)).tolist() == back


def test_products_beyond_every_window_saturate() -> None:
    left = np.array([[2.0**16, 2.0**16]])
    right = Operand(np.array([[1 << 50, -(1 << 50)], [1 << 50, -(1 << 50)]]))
    assert Product()(left, right).tolist() == [[1 << 62, -(1 << 62)]]
    with pytest.raises(InexactProductError, match=r"cannot be multiplied exactly|leaves limbs"):
        Product()(np.array([[2.0**52]]), Operand(np.array([[1 << 40]])))


def test_a_wrong_product_is_noticed() -> None:
    def faulty(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        out = numpy_gemm(left, right)
        out[0, 0] += 1
        return out

    left, right = np.array([[3.0, 4.0]]), Operand(np.array([[5, 6], [7, 8]]))
    assert Product(faulty)(left, right).tolist() == [[44, 50]]
    with pytest.raises(InexactProductError, match="differs from the integer product"):
        Product(faulty, recheck=True)(left, right)
    back = right.top_transposed(2)
    assert Product(faulty)(left, back).tolist() == [[40, 53]]
    with pytest.raises(InexactProductError, match="differs from the integer product"):
        Product(faulty, recheck=True)(left, back)


def test_trainer_checks_data_weights_and_order_of_calls() -> None:
    architecture = network([5, 4, 3], "relu", "cross_entropy")
    plan = make_plan(PlanRequest(architecture, rows=10, batch=4, learning_rates=[0.125], data_bits=12))
    weights = quantise_weights(random_weights(architecture), plan.config.scales.fw)
    trainer = Trainer(plan, DATA, weights)  # type: ignore[arg-type]
    with pytest.raises(SequenceError, match="no forward pass"):
        trainer.backward()
    trainer.forward()
    with pytest.raises(SequenceError, match="no gradient yet"):
        trainer.update(0.125)
    trainer.backward()
    with pytest.raises(SequenceError, match="called twice"):
        trainer.backward()
    with pytest.raises(SequenceError, match="already has its gradient"):
        trainer.forward()
    with pytest.raises(ArithmeticConfigError, match="exceeds the planned bound"):
        Trainer(plan, DATA, [w << 4 for w in weights])  # type: ignore[arg-type]
    with pytest.raises(ArithmeticConfigError, match="weights have shape"):
        Trainer(plan, DATA, [w[:-1] for w in weights])  # type: ignore[arg-type]
    with pytest.raises(ArithmeticConfigError, match="the model reads"):
        Trainer(plan, random_data("cross_entropy", 9, 5, 3), weights)  # type: ignore[arg-type]
    with pytest.raises(ArithmeticConfigError, match="10 fractional bits, the run 8"):
        Trainer(plan, replace(DATA, fa=10), weights)  # type: ignore[arg-type]


def test_masked_rows_have_to_stay_in_their_windows() -> None:
    """A padded row reads zeros and the bias; a large bias overflows there even where no real row does."""
    architecture = network([5, 3], "relu", "cross_entropy")
    data = replace(DATA, features=np.full((10, 5), 256, dtype=np.int32))
    plan = make_plan(
        PlanRequest(
            architecture,
            rows=10,
            batch=5,
            learning_rates=[0.125],
            data_bits=12,
            window_bits=12,
            largest_weight=9,
        )
    )
    weights = np.concatenate([np.full((5, 3), -1.0), np.full((1, 3), 8.5)])
    trainer = Trainer(plan, data, quantise_weights([weights], plan.config.scales.fw))  # type: ignore[arg-type]
    with pytest.raises(WindowOverflowError, match=r"\|z\| = 2,176 > 2,047"):
        trainer.forward()
