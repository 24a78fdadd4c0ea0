"""The trainer equals the plain-integer reference bit for bit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from arithmetic_cases import load_reference, network, random_data, reference_states, states_as_lists, train
from tacit.arithmetic import Order, RunRecord, WindowOverflowError, tables
from tacit.arithmetic.config import NormBits
from tacit.arithmetic.errors import CarryOverflowError, NormOverflowError

REFERENCE = load_reference()


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh", "identity"])
@pytest.mark.parametrize("loss", ["cross_entropy", "bce_with_logits", "mse"])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_trainer_equals_reference(activation: str, loss: str, momentum: float) -> None:
    data = random_data(loss, rows=11, inputs=5, outputs=3)
    record = train(
        network([5, 4, 3, 3], activation, loss),
        data,
        [0.125] * 5 + [0.0625] * 4,
        momentum=momentum,
        chunk_steps=4,
        window_bits=12,
        fg=9,
    )
    assert record.config.schedule.chunks == 3
    assert len(record.states) == 4
    assert states_as_lists(record) == reference_states(record, data)
    assert not np.array_equal(record.initial.weights[0], record.final.weights[0])


@settings(max_examples=25, deadline=None)
@given(
    activation=st.sampled_from(["relu", "sigmoid", "tanh", "identity"]),
    loss=st.sampled_from(["cross_entropy", "bce_with_logits", "mse"]),
    widths=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    outputs=st.integers(2, 5),
    bias=st.booleans(),
    rows=st.integers(4, 9),
    batch=st.integers(1, 6),
    drop_last=st.booleans(),
    shuffled=st.booleans(),
    momentum=st.sampled_from([0.0, 0.5, 0.9]),
    lrs=st.lists(st.sampled_from([0.0, 0.25, 0.03, 0.1]), min_size=1, max_size=7),
    chunk=st.sampled_from([1, 2, 8]),
    seed=st.integers(0, 100),
    nesterov=st.booleans(),
)
def test_random_runs_equal_reference(
    activation: str, loss: str, widths: list[int], outputs: int, bias: bool, rows: int, batch: int,
    drop_last: bool, shuffled: bool, momentum: float, lrs: list[float], chunk: int, seed: int, nesterov: bool,
) -> None:  # fmt: skip
    data = random_data(loss, rows, widths[0], outputs, seed)
    order = Order(bytes([seed]) * 32) if shuffled else Order()
    request = {"batch": batch, "drop_last": drop_last and batch <= rows, "order": order}
    request |= {"momentum": momentum, "nesterov": nesterov and momentum > 0}
    try:
        record = train(
            network([*widths, outputs], activation, loss, bias),
            data,
            lrs,
            chunk_steps=chunk,
            window_bits=11,
            fg=8,
            **request,
        )
    except WindowOverflowError:
        assume(False)
    assert states_as_lists(record) == reference_states(record, data)
    assert RunRecord.from_bytes(record.to_bytes()).config == record.config


@pytest.mark.parametrize("activation", ["relu", "tanh", "identity"])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("average", [None, 2])
@pytest.mark.parametrize("decay", [0.0, 0.05])
def test_norms_carried_weights_and_averages_equal_reference(
    activation: str, momentum: float, average: int | None, decay: float
) -> None:
    data = random_data("cross_entropy", rows=11, inputs=5, outputs=3)
    lrs = [0.125] * 5 + [0.0625] * 5
    options = {
        "momentum": momentum,
        "chunk_steps": 4,
        "window_bits": 12,
        "fg": 9,
        "weight_decay": decay,
        "average": average,
        "total_steps": len(lrs),
    }
    architecture = network([5, 4, 3, 3], activation, "cross_entropy")
    bounds = {"norms": NormBits(32, 28), "carry_bits": 40}
    record = train(architecture, data, lrs, bounds=bounds, **options)
    assert (record.config.norms, record.config.carry_bits) == (NormBits(32, 28), 40)
    assert RunRecord.from_bytes(record.to_bytes()).config == record.config
    assert states_as_lists(record) == reference_states(record, data)
    # Trainer and reference refuse the same bounds: the largest norms, and one bit less.
    for quantity in ("z", "q"):
        if activation == "tanh" and quantity == "z":
            continue
        least = next(b for b in range(1, 40) if _fits(architecture, data, lrs, options, quantity, b))
        assert least > 5
        tight = replace(record.config, norms=_norms(quantity, least))
        assert reference_states(replace(record, config=tight), data)
        tight = replace(tight, norms=_norms(quantity, least - 1))
        with pytest.raises(Exception, match=f"norm of {quantity}") as caught:
            reference_states(replace(record, config=tight), data)
        assert type(caught.value).__name__ == "Overflow"
    with pytest.raises(CarryOverflowError, match="left its 20-bit window at the end of a chunk, after step 3"):
        train(architecture, data, lrs, bounds={"carry_bits": 20}, **options)


def _norms(quantity: str, bits: int) -> NormBits:
    return replace(NormBits(54, 54), **{quantity: bits})


def _fits(
    architecture: Any, data: Any, lrs: list[float], options: dict[str, Any], quantity: str, bits: int
) -> bool:
    bounds = {"norms": _norms(quantity, bits), "carry_bits": 40}
    try:
        train(architecture, data, lrs, bounds=bounds, **options)
    except NormOverflowError as error:
        return not (error.quantity == quantity and error.bits == bits and error.value >> bits > 0)
    return True


@pytest.mark.parametrize("fa", [6, 8, 10])
def test_tables_equal_reference(fa: int) -> None:
    points = [*range(-(1 << 15), 1 << 15, 97), (1 << 15) - 1, -1, 0, 1]
    half = tables.HALF_WINDOW
    for z in points:
        assert tables.sigmoid_table(fa, fa)[z + half] == REFERENCE.sigmoid(z, fa, fa)
        assert tables.sigmoid_table(fa, 12)[z + half] == REFERENCE.sigmoid(z, fa, 12)
        assert tables.sigmoid_derivative_table(fa)[z + half] == REFERENCE.sigmoid_derivative(z, fa)
        assert tables.tanh_table(fa)[z + half] == REFERENCE.tanh(z, fa)
        assert tables.tanh_derivative_table(fa)[z + half] == REFERENCE.tanh_derivative(z, fa)
        assert tables.exp_table(fa, 12)[z + half] == REFERENCE.exp_entry(z + half, fa, 12)


@pytest.mark.parametrize("fa", [6, 8, 10])
def test_tables_round_the_real_functions(fa: int) -> None:
    z = np.arange(-(1 << 15), 1 << 15) / (1 << fa)
    sigmoid = 1 / (1 + np.exp(-z))
    for table, real in (
        (tables.sigmoid_table(fa, 12), sigmoid * 4096),
        (tables.tanh_table(fa), np.tanh(z) * (1 << fa)),
        (tables.sigmoid_derivative_table(fa), sigmoid * (1 - sigmoid) * 4096),
        (tables.tanh_derivative_table(fa), (1 - np.tanh(z) ** 2) * 4096),
        (tables.exp_table(fa, 12), np.exp(-np.arange(1 << 16) / (1 << fa)) * 4096),
    ):
        # Rounded to nearest wherever the real value is not within 2^-20 of a tie.
        clear = np.abs(real - np.floor(real) - 0.5) > 2**-20
        assert np.array_equal(table[clear], np.floor(real + 0.5)[clear])
        assert np.abs(table - real).max() <= 0.5 + 2**-19
    assert tables.exp_table(fa, 12)[0] == 4096
    assert (np.diff(tables.exp_table(fa, 12)) <= 0).all()
    assert (np.diff(tables.sigmoid_table(fa, 12)) >= 0).all()
