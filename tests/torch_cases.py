"""A small committed data set and an ordinary training loop, for the tests of the torch front end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from arithmetic_cases import Data, random_data
from tacit.torch import Provable, make_provable


@contextmanager
def threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def perceptron(inputs: int = 5, outputs: int = 3, seed: int = 0, bias: bool = True) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(inputs, 4, bias=bias), nn.ReLU(), nn.Linear(4, outputs, bias=bias))


def prepare(
    model: nn.Module | None = None,
    data: Data | None = None,
    loss_fn: Any = None,
    lr: float = 0.125,
    momentum: float = 0.0,
    nesterov: bool = False,
    weight_decay: float = 0.0,
    **options: Any,
) -> Provable:
    model = model or perceptron()
    data = data or random_data("cross_entropy", 22, 5, 3)
    optimizer = torch.optim.SGD(
        model.parameters(), lr=lr, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay
    )
    options = {"batch_size": 4, "shuffle_seed": 7, **options}
    return make_provable(model, optimizer, data, loss_fn or nn.CrossEntropyLoss(), **options)  # type: ignore[arg-type]


def epoch(run: Provable, after: Callable[[], object] = lambda: None) -> float:
    """One epoch of the ordinary loop; returns the last loss."""
    model, optimizer, loader, loss_fn = run
    value = float("nan")
    for x, y in loader:
        optimizer.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        optimizer.step()
        after()
        value = loss.item()
    return value
