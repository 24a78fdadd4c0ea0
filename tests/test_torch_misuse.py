"""Every way to leave the recorded order, and every part that cannot be proven, has its own message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from arithmetic_cases import random_data
from tacit.arithmetic import ArithmeticConfigError, PlanError, SequenceError
from tacit.torch import (
    Provable,
    TrainingLoopError,
    UnsupportedLossError,
    UnsupportedModelError,
    UnsupportedOptimizerError,
    make_provable,
    run_record,
)
from torch_cases import epoch, perceptron, prepare


def one_step(run: Provable, x: torch.Tensor, y: torch.Tensor) -> None:
    run.optimizer.zero_grad()
    run.loss_fn(run.model(x), y).backward()
    run.optimizer.step()


def step_without_backward(run: Provable, batches: list[Any]) -> None:
    run.model(batches[0][0])
    run.optimizer.step()


def loss_without_forward(run: Provable, batches: list[Any]) -> None:
    one_step(run, *batches[0])
    run.loss_fn(torch.zeros(4, 3, requires_grad=True), batches[1][1])


def backward_twice(run: Provable, batches: list[Any]) -> None:
    loss = run.loss_fn(run.model(batches[0][0]), batches[0][1])
    loss.backward(retain_graph=True)
    run.optimizer.zero_grad()
    loss.backward()


def stale_loss(run: Provable, batches: list[Any]) -> None:
    loss = run.loss_fn(run.model(batches[0][0]), batches[0][1])
    loss.backward(retain_graph=True)
    run.optimizer.step()
    run.optimizer.zero_grad()
    loss.backward()


def skipped_batch(run: Provable, batches: list[Any]) -> None:
    one_step(run, *batches[0])
    one_step(run, *batches[2])


def repeated_batch(run: Provable, batches: list[Any]) -> None:
    one_step(run, *batches[0])
    one_step(run, *batches[0])


def augmented_batch(run: Provable, batches: list[Any]) -> None:
    run.model(batches[0][0] + 0.01)


def other_labels(run: Provable, batches: list[Any]) -> None:
    run.loss_fn(run.model(batches[0][0]), (batches[0][1] + 1) % 3)


def edited_parameter(run: Provable, batches: list[Any]) -> None:
    one_step(run, *batches[0])
    run.model[0].weight.data[0, 0] += 0.5
    one_step(run, *batches[1])


def edited_before_step(run: Provable, batches: list[Any]) -> None:
    run.loss_fn(run.model(batches[0][0]), batches[0][1]).backward()
    run.model[0].bias.data.zero_()
    run.optimizer.step()


def clipped_gradient(run: Provable, batches: list[Any]) -> None:
    run.loss_fn(run.model(batches[0][0]), batches[0][1]).backward()
    torch.nn.utils.clip_grad_norm_(run.model.parameters(), 1e-3)
    run.optimizer.step()


def no_zero_grad(run: Provable, batches: list[Any]) -> None:
    one_step(run, *batches[0])
    run.loss_fn(run.model(batches[1][0]), batches[1][1]).backward()


def scaled_loss(run: Provable, batches: list[Any]) -> None:
    (run.loss_fn(run.model(batches[0][0]), batches[0][1]) / 2).backward()


def regularised_loss(run: Provable, batches: list[Any]) -> None:
    loss = run.loss_fn(run.model(batches[0][0]), batches[0][1])
    (loss + run.model[0].weight.square().sum()).backward()
    run.optimizer.step()


def changed_output(run: Provable, batches: list[Any]) -> None:
    run.loss_fn(run.model(batches[0][0]) * 2, batches[0][1])


def own_gradient(run: Provable, batches: list[Any]) -> None:
    run.model(batches[0][0]).sum().backward()


def input_gradient(run: Provable, batches: list[Any]) -> None:
    run.model(batches[0][0].requires_grad_())


def load_weights(run: Provable, batches: list[Any]) -> None:
    run.model.load_state_dict(perceptron().state_dict())


def closure(run: Provable, batches: list[Any]) -> None:
    run.optimizer.step(lambda: 0.0)


def record_with_pending_gradient(run: Provable, batches: list[Any]) -> None:
    one_step(run, *batches[0])
    run.optimizer.zero_grad()
    run.loss_fn(run.model(batches[1][0]), batches[1][1]).backward()
    run_record(run.model)


def bad_features(run: Provable, batches: list[Any]) -> None:
    run.model.eval()
    run.model(torch.full((1, 5), float("nan")))


def wrong_width(run: Provable, batches: list[Any]) -> None:
    run.model.eval()
    run.model(torch.zeros(2, 6))


@pytest.mark.parametrize(
    ("misuse", "error", "message"),
    [
        (step_without_backward, TrainingLoopError, r"step\(\) was called without loss.backward\(\) in step 0"),
        (loss_without_forward, TrainingLoopError, "without a forward pass of the model in step 1"),
        (backward_twice, SequenceError, "backward was called twice in step 0"),
        (stale_loss, TrainingLoopError, "loss of step 0, the run is at step 1"),
        (skipped_batch, TrainingLoopError, "not given the batch of step 1"),
        (repeated_batch, TrainingLoopError, "not given the batch of step 1"),
        (augmented_batch, TrainingLoopError, "not given the batch of step 0"),
        (other_labels, TrainingLoopError, "not given the labels of step 0"),
        (edited_parameter, TrainingLoopError, "parameter '0.weight' was changed by hand at step 1"),
        (edited_before_step, TrainingLoopError, "parameter '0.bias' was changed by hand at step 0"),
        (clipped_gradient, TrainingLoopError, "the gradient of '0.weight' was changed after backward"),
        (
            no_zero_grad,
            TrainingLoopError,
            r"parameter '0.weight' still has a gradient: call optimizer.zero_grad\(\)",
        ),
        (scaled_loss, TrainingLoopError, "the loss was scaled"),
        (regularised_loss, TrainingLoopError, "the gradient of '0.weight' was changed after backward"),
        (changed_output, TrainingLoopError, "not given the model's output of step 0"),
        (own_gradient, TrainingLoopError, "not that of the loss"),
        (input_gradient, TrainingLoopError, "the features require gradients"),
        (load_weights, TrainingLoopError, "cannot be loaded into a run"),
        (closure, TrainingLoopError, r"step\(closure\)"),
        (record_with_pending_gradient, TrainingLoopError, "step 1 has a gradient that was not applied"),
        (bad_features, TrainingLoopError, "NaN or infinity"),
        (wrong_width, TrainingLoopError, "reads 5 features, it was given rows of 6"),
    ],
)
def test_misuse_is_refused(
    misuse: Callable[[Provable, list[Any]], None], error: type[Exception], message: str
) -> None:
    run = prepare()
    with pytest.raises(error, match=message):
        misuse(run, list(run.loader))


def test_second_epoch_after_a_broken_one_is_refused() -> None:
    run = prepare()
    for index, (x, y) in enumerate(run.loader):
        one_step(run, x, y)
        if index == 2:
            break
    with pytest.raises(TrainingLoopError, match=r"batch of step 3 \(batch 3 of the epoch\)"):
        epoch(run)


def test_check_mode_has_no_record() -> None:
    run = prepare(mode="check")
    epoch(run)
    with pytest.raises(SequenceError, match="not recorded"):
        run_record(run.model)


def test_no_step_no_record() -> None:
    with pytest.raises(SequenceError, match="no step was trained"):
        run_record(prepare().model)


def test_more_steps_than_planned_are_refused() -> None:
    run = prepare(epochs=1)
    epoch(run)
    with pytest.raises(SequenceError, match="planned for 6 steps"):
        epoch(run)


class Branching(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(5, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.a(x) if x.sum() > 0 else self.a(-x)


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(5, 5), nn.Linear(5, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.b(x + F.relu(self.a(x)))


class Softmaxed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(5, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.softmax(self.a(x), dim=1)


def twice() -> nn.Module:
    layer = nn.Linear(5, 5)
    return nn.Sequential(layer, nn.ReLU(), layer, nn.Linear(5, 3))


def tied() -> nn.Module:
    model = nn.Sequential(nn.Linear(5, 5), nn.ReLU(), nn.Linear(5, 5), nn.Linear(5, 3))
    model[2].weight = model[0].weight
    return model


def frozen() -> nn.Module:
    model = perceptron()
    model[0].weight.requires_grad_(False)
    return model


def hooked() -> nn.Module:
    model = perceptron()
    model[2].register_forward_hook(lambda *_: None)
    return model


def infinite() -> nn.Module:
    model = perceptron()
    model[0].weight.data[0, 0] = float("inf")
    return model


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: nn.Sequential(nn.Linear(5, 4), nn.Dropout(0.5), nn.Linear(4, 3)),
            r"Dropout '1' is not supported: remove it",
        ),
        (
            lambda: nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Linear(4, 3)),
            r"BatchNorm1d '1' is not supported",
        ),
        (
            lambda: nn.Sequential(nn.Linear(5, 4), nn.GELU(), nn.Linear(4, 3)),
            r"GELU '1' is not supported: use ReLU or Tanh",
        ),
        (lambda: nn.Sequential(nn.Linear(5, 3), nn.Softmax(dim=1)), r"Softmax '1' is not supported: remove it"),
        (lambda: nn.Sequential(nn.Linear(5, 3), nn.ReLU()), r"ReLU '1' comes after the last Linear layer"),
        (lambda: nn.Sequential(nn.ReLU(), nn.Linear(5, 3)), r"ReLU '0' comes before the first Linear layer"),
        (
            lambda: nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Tanh(), nn.Linear(4, 3)),
            r"Tanh '2' follows another activation \(ReLU '1'\)",
        ),
        (lambda: nn.Sequential(nn.Linear(5, 3), nn.Flatten(0)), "flatten from dimension 0"),
        (Branching, "cannot be traced"),
        (Residual, "not supported"),
        (Softmaxed, r"softmax\(\) is not supported: remove it"),
        (twice, "is used twice"),
        (tied, "share one weight"),
        (frozen, r"parameter '0.weight' is frozen"),
        (hooked, r"Linear '2' has hooks registered"),
        (infinite, "holds NaN or infinity"),
        (lambda: perceptron().half(), r"is torch.float16: use float32"),
        (lambda: nn.utils.parametrizations.weight_norm(nn.Linear(5, 3)), "parametrizations"),
    ],
)
def test_unsupported_models_are_refused_by_name(build: Callable[[], nn.Module], message: str) -> None:
    with pytest.raises(UnsupportedModelError, match=message):
        prepare(build())


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda p: torch.optim.Adam(p, lr=0.1), "Adam is not supported"),
        (lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.5), r"SGD\(dampening=0.5\)"),
        (lambda p: torch.optim.SGD(p, lr=0.1, maximize=True), r"SGD\(maximize=True\)"),
        (
            lambda p: torch.optim.SGD([{"params": p[:2]}, {"params": p[2:], "lr": 0.2}], lr=0.1),
            "learning rates",
        ),
        (
            lambda p: torch.optim.SGD([{"params": p[:2]}, {"params": p[2:], "momentum": 0.2}], lr=0.1),
            "differ in momentum",
        ),
        (lambda p: torch.optim.SGD(p[:2], lr=0.1), "parameter '2.weight' is not in the optimizer"),
        (lambda p: torch.optim.SGD([*p, nn.Parameter(torch.zeros(1))], lr=0.1), "the model does not have"),
    ],
)
def test_unsupported_optimizers_are_refused(build: Callable[[list[Any]], Any], message: str) -> None:
    model = perceptron()
    data = random_data("cross_entropy", 22, 5, 3)
    with pytest.raises(UnsupportedOptimizerError, match=message):
        make_provable(model, build(list(model.parameters())), data, nn.CrossEntropyLoss(), batch_size=4)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("loss_fn", "message"),
    [
        (nn.CrossEntropyLoss(label_smoothing=0.1), r"CrossEntropyLoss\(label_smoothing=0.1\)"),
        (nn.CrossEntropyLoss(reduction="sum"), r"CrossEntropyLoss\(reduction='sum'\)"),
        (nn.CrossEntropyLoss(weight=torch.ones(3)), r"CrossEntropyLoss\(weight="),
        (nn.CrossEntropyLoss(ignore_index=0), r"CrossEntropyLoss\(ignore_index=0\)"),
        (nn.NLLLoss(), "NLLLoss is not supported: use CrossEntropyLoss"),
        (nn.BCELoss(), "BCELoss is not supported: use BCEWithLogitsLoss"),
        (lambda a, b: (a - b).sum(), "is not supported"),
    ],
)
def test_unsupported_losses_are_refused(loss_fn: Any, message: str) -> None:
    with pytest.raises(UnsupportedLossError, match=message):
        prepare(loss_fn=loss_fn)


def test_optimizer_options_may_not_change_during_the_run() -> None:
    run = prepare()
    x, y = next(iter(run.loader))
    run.optimizer.param_groups[0]["weight_decay"] = 0.1
    with pytest.raises(UnsupportedOptimizerError, match=r"weight_decay was set to 0\.1 during the run"):
        one_step(run, x, y)
    with pytest.raises(UnsupportedOptimizerError, match="cannot be added"):
        run.optimizer.add_param_group({"params": []})
    with pytest.raises(UnsupportedOptimizerError, match="cannot be loaded"):
        run.optimizer.load_state_dict({})


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"mode": "fast"}, ArithmeticConfigError, "mode='fast'"),
        ({"shuffle_seed": -1}, ArithmeticConfigError, "shuffle_seed"),
        ({"shuffle_seed": b"short"}, ArithmeticConfigError, "5 bytes, 32 are needed"),
        ({"batch_size": 0}, PlanError, "batches of 0"),
        ({"batch_size": 50, "drop_last": True}, PlanError, "drop_last leaves no batch"),
        ({"chunk_steps": 3}, PlanError, "chunk_steps = 3 is not a power of two"),
        ({"window_bits": 17}, PlanError, "window_bits = 17"),
        ({"epochs": 1, "max_steps": 3}, ArithmeticConfigError, "not both"),
        ({"lr": float("nan")}, ArithmeticConfigError, "not a finite number"),
    ],
)
def test_bad_options_are_refused(options: dict[str, Any], error: type[Exception], message: str) -> None:
    lr = options.pop("lr", 0.125)
    model = perceptron()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.125)
    optimizer.param_groups[0]["lr"] = lr
    data = random_data("cross_entropy", 22, 5, 3)
    with pytest.raises(error, match=message):
        make_provable(model, optimizer, data, nn.CrossEntropyLoss(), **{"batch_size": 4, **options})  # type: ignore[arg-type]


def test_labels_and_widths_that_do_not_fit_are_refused() -> None:
    with pytest.raises(
        ArithmeticConfigError, match="2 classes, the model has 3 outputs: give the last layer 2"
    ):
        prepare(perceptron(outputs=3), random_data("cross_entropy", 8, 5, 2))
    with pytest.raises(ArithmeticConfigError, match="4 classes, the model has 3 outputs"):
        prepare(data=random_data("cross_entropy", 22, 5, 4))
    with pytest.raises(ArithmeticConfigError, match="needs labels of kind 'class'"):
        prepare(data=random_data("mse", 22, 5, 3))
    with pytest.raises(ArithmeticConfigError, match="1 labels a row, the model 3 outputs"):
        prepare(data=random_data("mse", 22, 5, 1), loss_fn=nn.MSELoss())
    with pytest.raises(ArithmeticConfigError, match="6 features, layer 1"):
        prepare(data=random_data("cross_entropy", 22, 6, 3))
