"""`fit`: the ordinary training loop in one call, for those who would write nothing else in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tacit.arithmetic.config import Activation
from tacit.arithmetic.data import TrainingData
from tacit.arithmetic.errors import ArithmeticConfigError
from tacit.torch.provable import Mode, Provable, make_provable

_LOSSES: dict[str, type[nn.Module]] = {
    "class": nn.CrossEntropyLoss,
    "binary": nn.BCEWithLogitsLoss,
    "real": nn.MSELoss,
}
_ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh}


class Fitted(NamedTuple):
    """A trained model and the mean loss of every epoch."""

    model: nn.Module
    losses: tuple[float, ...]

    def predict(self, x: NDArray[np.floating] | NDArray[np.integer]) -> NDArray[np.float32]:
        """Logits [rows, outputs] for features at the scale of the committed ones."""
        was_training = self.model.training
        self.model.eval()
        with torch.no_grad():
            out: NDArray[np.float32] = self.model(torch.as_tensor(np.asarray(x), dtype=torch.float32)).numpy()
        self.model.train(was_training)
        return out


def perceptron(
    inputs: int, hidden: Sequence[int], outputs: int, activation: Activation = "relu", seed: int | None = None
) -> nn.Sequential:
    """Linear layers with an activation between them; `seed` makes PyTorch's initial weights repeatable."""
    if activation not in _ACTIVATIONS:
        raise ArithmeticConfigError(f"activation {activation!r} is not one of {', '.join(_ACTIVATIONS)}")
    with torch.random.fork_rng(enabled=seed is not None):
        if seed is not None:
            torch.manual_seed(seed)
        widths = [inputs, *hidden, outputs]
        layers: list[nn.Module] = []
        for a, b in pairwise(widths):
            layers += [nn.Linear(a, b), _ACTIVATIONS[activation]()]
        return nn.Sequential(*layers[:-1])


def fit(
    data: TrainingData,
    *,
    hidden: Sequence[int] = (),
    activation: Activation = "relu",
    model: nn.Module | None = None,
    epochs: int = 10,
    batch_size: int = 64,
    lr: float = 0.125,
    momentum: float = 0.0,
    nesterov: bool = False,
    weight_decay: float = 0.0,
    lr_schedule: Callable[[int], float] | None = None,
    shuffle_seed: Any = None,
    init_seed: int | None = None,
    mode: Mode = "prove",
    wrap: Callable[..., Provable] = make_provable,
    **options: Any,
) -> Fitted:
    """Trains a perceptron (or the given `model`) on a data set with the loss that its labels call for.

    hidden: widths of the hidden layers, () for linear or logistic regression. lr_schedule: the factor on `lr`
    in an epoch (counted from 0). The other options are those of `make_provable` (memory, average, window_bits,
    initial, ...); `wrap` takes its place. The result's model goes where a model of `make_provable` goes.
    Raises a `TacitError` before training if something cannot be proven.
    """
    if epochs < 1:
        raise ArithmeticConfigError(f"epochs = {epochs}: at least one is needed")
    kind = data.label_kind
    if kind is None or data.labels is None:
        raise ArithmeticConfigError("the data set was committed without a target")
    if model is None:
        outputs = data.classes if kind == "class" else data.labels.reshape(data.n, -1).shape[1]
        model = perceptron(data.features.shape[1], hidden, outputs, activation, init_seed)
    elif hidden or init_seed is not None:
        raise ArithmeticConfigError("give a model or its hidden widths and init_seed, not both")
    if nesterov and not momentum:
        raise ArithmeticConfigError("nesterov needs a momentum above 0")
    rates = [lr * (lr_schedule(epoch) if lr_schedule else 1.0) for epoch in range(epochs)]
    run = wrap(
        model,
        torch.optim.SGD(
            model.parameters(), lr=rates[0], momentum=momentum, nesterov=nesterov, weight_decay=weight_decay
        ),
        data,
        _LOSSES[kind](),
        batch_size=batch_size,
        shuffle_seed=shuffle_seed,
        mode=mode,
        epochs=epochs,
        schedule=rates,
        **options,
    )
    losses: list[float] = []
    for rate in rates:
        for group in run.optimizer.param_groups:
            group["lr"] = rate
        total = 0.0
        for x, y in run.loader:
            run.optimizer.zero_grad()
            loss: Any = run.loss_fn(run.model(x), y)
            loss.backward()
            run.optimizer.step()
            total += loss.item()
        losses.append(total / len(run.loader))
    return Fitted(run.model, tuple(losses))
