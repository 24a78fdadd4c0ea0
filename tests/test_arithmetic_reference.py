"""The trainer equals the plain-integer reference bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from arithmetic_cases import load_reference, network, random_data, reference_states, states_as_lists, train
from tacit.arithmetic import Order, RunRecord, WindowOverflowError, tables

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
