"""Training in one call."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from arithmetic_cases import random_data
from tacit.arithmetic import ArithmeticConfigError
from tacit.torch import fit, perceptron, run_record
from torch_cases import epoch, prepare


def test_fit_is_the_loop() -> None:
    data = random_data("cross_entropy", 22, 5, 3)
    fitted = fit(data, hidden=[4], epochs=2, batch_size=4, shuffle_seed=7, init_seed=3)
    run = prepare(perceptron(5, [4], 3, seed=3), data, epochs=2)
    epoch(run)
    epoch(run)
    assert run_record(fitted.model).to_bytes() == run_record(run.model).to_bytes()
    assert len(fitted.losses) == 2
    assert fitted.predict(data.features / 256).shape == (22, 3)
    assert fitted.model.training


def test_labels_choose_the_loss() -> None:
    for loss, outputs in (("cross_entropy", 3), ("bce_with_logits", 2), ("mse", 1)):
        data = random_data(loss, 12, 5, outputs)
        record = run_record(fit(data, epochs=1, batch_size=4).model)
        assert record.config.architecture.loss == loss
        assert [layer.outputs for layer in record.config.architecture.layers] == [outputs]


def test_schedule_is_recorded() -> None:
    data = random_data("cross_entropy", 8, 5, 3)
    fitted = fit(data, epochs=3, batch_size=4, lr=0.25, lr_schedule=lambda e: 0.5**e)
    assert run_record(fitted.model).learning_rates == (0.25, 0.25, 0.125, 0.125, 0.0625, 0.0625)


def test_initial_weights_leave_the_global_generator_alone() -> None:
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    perceptron(5, [4], 3, seed=3)
    assert torch.equal(torch.rand(1), expected)


def test_refusals() -> None:
    data = random_data("cross_entropy", 8, 5, 3)
    with pytest.raises(ArithmeticConfigError, match="epochs = 0"):
        fit(data, epochs=0)
    with pytest.raises(ArithmeticConfigError, match="activation 'gelu'"):
        fit(data, hidden=[3], activation="gelu")  # type: ignore[arg-type]
    with pytest.raises(ArithmeticConfigError, match="not both"):
        fit(data, hidden=[3], model=nn.Linear(5, 3))
    data.labels = None  # type: ignore[assignment]
    with pytest.raises(ArithmeticConfigError, match="without a target"):
        fit(data)
    assert np.isfinite(fit(random_data("mse", 8, 5, 1), model=nn.Linear(5, 1), epochs=1).losses).all()
