"""The ordinary PyTorch loop on exact integers: same integers as the reference, floats that follow, schedulers,
evaluation.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from arithmetic_cases import random_data, reference_states, states_as_lists
from tacit.arithmetic import RateError, WindowOverflowError
from tacit.torch import make_provable, run_record
from torch_cases import epoch, perceptron, prepare, threads

LOSSES = {"cross_entropy": nn.CrossEntropyLoss, "bce_with_logits": nn.BCEWithLogitsLoss, "mse": nn.MSELoss}
ACTIVATIONS = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh}


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("loss", list(LOSSES))
@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_loop_equals_reference(activation: str, loss: str, momentum: float, count: int) -> None:
    torch.manual_seed(1)
    model = nn.Sequential(
        nn.Linear(5, 4), ACTIVATIONS[activation](), nn.Linear(4, 4, bias=False), nn.Linear(4, 3)
    )
    data = random_data(loss, 10, 5, 3)
    options = {"window_bits": 12, "gradient_bits": 9, "chunk_steps": 4}
    with threads(count):
        run = prepare(model, data, LOSSES[loss](), lr=0.1, momentum=momentum, **options)
        for _ in range(2):
            epoch(run)
    record = run_record(run.model)
    assert record.config.schedule.total_steps == 6
    assert states_as_lists(record) == reference_states(record, data)


def test_learning_follows_float32_and_improves() -> None:
    data = random_data("cross_entropy", 64, 5, 3)
    data.labels = data.features[:, :3].argmax(axis=1).astype(np.int64)
    finals = {}
    for mode in ("off", "check", "prove"):
        run = prepare(data=data, mode=mode, drop_last=True)
        losses = [epoch(run) for _ in range(6)]
        assert losses[-1] < losses[0]
        finals[mode] = {name: value.clone() for name, value in run.model.state_dict().items()}
    for name, value in finals["off"].items():
        assert torch.equal(finals["check"][name], finals["prove"][name])
        assert torch.allclose(value, finals["prove"][name], atol=0.05)


def test_nesterov_equals_reference_and_follows_torch() -> None:
    data = random_data("cross_entropy", 12, 5, 3)
    finals = []
    for mode in ("off", "prove"):
        model = perceptron()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.0625, momentum=0.9, nesterov=True)
        run = make_provable(
            model, optimizer, data, nn.CrossEntropyLoss(), batch_size=4, mode=mode, chunk_steps=4, max_steps=12
        )  # type: ignore[arg-type]
        for _ in range(4):
            epoch(run)
        finals.append(model[0].weight.detach().clone())
    record = run_record(run.model)
    assert record.config.schedule.nesterov
    assert states_as_lists(record) == reference_states(record, data)
    assert torch.allclose(*finals, atol=0.1)
    assert not torch.allclose(finals[0], perceptron()[0].weight, atol=0.1)


def test_weight_decay_equals_reference_and_follows_torch() -> None:
    data = random_data("cross_entropy", 10, 5, 3)
    finals = []
    for decay, mode in ((0.05, "off"), (0.05, "prove"), (0.0, "prove")):
        model = perceptron()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.125, weight_decay=decay)
        run = make_provable(
            model, optimizer, data, nn.CrossEntropyLoss(), batch_size=4, mode=mode, chunk_steps=4, max_steps=30
        )  # type: ignore[arg-type]
        for _ in range(10):
            epoch(run)
        finals.append(model[0].weight.detach().clone())
        if decay and mode == "prove":
            record = run_record(run.model)
            shrink = 1 - 0.125 * 0.05
            assert record.config.schedule.decay is not None
            expected = [round(shrink**steps * 65536) for steps in [4] * 7 + [2]]
            assert list(record.config.schedule.decay.numerators) == expected
            assert states_as_lists(record) == reference_states(record, data)
            # The last chunk has two steps, whose decay the record has and the module does not show yet.
            weight = record.final.weights[0][:5].T / 2.0**record.config.scales.fw
            assert np.allclose(finals[-1].numpy() * shrink**2, weight, atol=1e-4)
    assert (finals[0] - finals[1]).abs().max() < 0.25 * (finals[0] - finals[2]).abs().max()


def test_state_dict_names_and_values_are_those_of_the_module() -> None:
    model = perceptron()
    names = list(model.state_dict())
    run = prepare(model)
    epoch(run)
    assert list(run.model.state_dict()) == names
    record = run_record(run.model)
    weight = record.final.weights[0][:5].T / 2.0**record.config.scales.fw
    assert np.allclose(model[0].weight.detach().numpy(), weight, atol=1e-6)
    assert [w for w, _ in record.parameter_names] == ["0.weight", "2.weight"]
    assert "Linear(in_features=5" in repr(run.model)


def test_gradients_are_those_of_autograd_up_to_rounding() -> None:
    model, twin = perceptron(), perceptron()
    run = prepare(model, gradient_bits=14, shuffle_seed=None)
    x, y = next(iter(run.loader))
    run.optimizer.zero_grad()
    run.loss_fn(run.model(x), y).backward()
    nn.CrossEntropyLoss()(twin(x), y).backward()
    for (name, got), expected in zip(model.named_parameters(), twin.parameters(), strict=True):
        assert got.grad is not None
        assert expected.grad is not None
        assert torch.allclose(got.grad, expected.grad, atol=0.02), name


def test_scheduler_on_either_optimizer_sets_the_recorded_rate() -> None:
    for on_wrapped in (True, False):
        model = perceptron()
        original = torch.optim.SGD(model.parameters(), lr=0.25)
        data = random_data("cross_entropy", 22, 5, 3)
        run = make_provable(model, original, data, nn.CrossEntropyLoss(), batch_size=4, learning_rates=[0.0625])  # type: ignore[arg-type]
        scheduler = torch.optim.lr_scheduler.StepLR(
            run.optimizer if on_wrapped else original, step_size=1, gamma=0.5
        )
        for _ in range(3):
            epoch(run)
            scheduler.step()
        record = run_record(run.model)
        assert record.learning_rates == (0.25,) * 6 + (0.125,) * 6 + (0.0625,) * 6
        assert record.effective_rates == record.learning_rates
        rates = record.config.schedule.rates
        assert rates[0] == 2 * rates[6] == 4 * rates[12]


def test_rate_that_does_not_fit_is_refused_with_the_remedy() -> None:
    run = prepare(drop_last=True)
    epoch(run)
    run.optimizer.param_groups[0]["lr"] = 0.0007
    with pytest.raises(RateError, match=r"learning_rates=\[\.\.\., 0\.0007\]"):
        epoch(run)


def test_evaluation_does_not_disturb_the_run() -> None:
    plain, disturbed = prepare(perceptron()), prepare(perceptron())
    other = torch.randn(9, 5)

    def evaluate() -> None:
        disturbed.model.eval()
        logits = disturbed.model(other)
        assert not logits.requires_grad
        assert logits.shape == (9, 3)
        disturbed.model.train()
        with torch.no_grad():
            for x, y in disturbed.loader:
                assert torch.isfinite(disturbed.loss_fn(disturbed.model(x), y))
            assert torch.equal(disturbed.model(other), logits)
            assert torch.equal(disturbed.model(other[0]), logits[0])

    for _ in range(2):
        epoch(plain)
        epoch(disturbed, evaluate)
    expected, got = run_record(plain.model), run_record(disturbed.model)
    assert expected.config == got.config
    assert np.array_equal(expected.final.flat_weights(), got.final.flat_weights())


def test_training_may_go_on_after_a_record() -> None:
    run = prepare(momentum=0.5, chunk_steps=4, window_bits=13)
    epoch(run)
    first = run_record(run.model)
    epoch(run)
    second = run_record(run.model)
    assert (first.config.schedule.total_steps, second.config.schedule.total_steps) == (6, 12)
    assert np.array_equal(first.states[1].flat_weights(), second.states[1].flat_weights())


def test_binary_labels_and_targets_come_with_one_column_per_output() -> None:
    run = prepare(perceptron(outputs=1), random_data("bce_with_logits", 22, 5, 1), nn.BCEWithLogitsLoss())
    _, y = next(iter(run.loader))
    assert y.shape == (4, 1)
    assert y.dtype == torch.float32
    epoch(run)
    for x, target in run.loader:  # the other common way to write it
        run.optimizer.zero_grad()
        run.loss_fn(run.model(x).squeeze(1), target.squeeze(1)).backward()
        run.optimizer.step()
    assert run_record(run.model).config.schedule.total_steps == 12


def test_modules_with_functions_and_flatten() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.Flatten(), nn.Sequential(nn.Linear(5, 4), nn.Identity()))
            self.head = nn.Linear(4, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = torch.tanh(self.body(x.view(x.size(0), -1)))
            return self.head(x.flatten(1))

    torch.manual_seed(0)
    run = prepare(Net())
    epoch(run)
    record = run_record(run.model)
    assert [layer.activation for layer in record.config.architecture.layers] == ["tanh", "identity"]
    assert [w for w, _ in record.parameter_names] == ["body.1.0.weight", "head.weight"]
    assert run.model.head.weight.shape == (3, 4)


def test_double_precision_models_train_the_same_integers() -> None:
    single, double = perceptron(), perceptron().double()
    runs = [prepare(single), prepare(double)]
    for run in runs:
        epoch(run)
    a, b = (run_record(run.model) for run in runs)
    assert np.array_equal(a.final.flat_weights(), b.final.flat_weights())


def test_overflow_names_layer_step_value_and_remedy() -> None:
    data = random_data("cross_entropy", 22, 5, 3)
    data.features[:] = 2047
    torch.manual_seed(0)
    model = perceptron()
    with torch.no_grad():
        model[2].weight.fill_(3.0)
        model[0].weight.fill_(3.0)
    run = prepare(model, data, window_bits=12)
    message = (
        r"layer 1 \(Linear 5->4\) overflowed its 12-bit window at step 0: \|z\| = 30,\d{3} > 2,047; "
        r"lower the learning rate or set window_bits=13 or more"
    )
    with pytest.raises(WindowOverflowError, match=message):
        epoch(run)
