"""Measures one workload in a process of its own, so that its peak memory is its own. Zero knowledge is on."""

from __future__ import annotations

import itertools
import logging
import multiprocessing
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from benches.workloads import Workload

VERIFICATIONS = 20
TORCH_SECONDS = 1.0
"""A shorter PyTorch run is repeated until it took this long; its time is that of one repetition."""


@dataclass(frozen=True)
class Measured:
    """One line of the table."""

    name: str
    steps: int
    build: str
    torch_seconds: float
    exact_seconds: float
    commit_seconds: float
    estimate_seconds: float
    prove_seconds: float
    stages: dict[str, float]
    verify_ms: float
    verify_data_ms: float
    proof_bytes: int
    chunks: int
    estimate_memory: float
    peak_memory: float

    @property
    def ratio(self) -> float:
        """Proving over PyTorch's training."""
        return self.prove_seconds / self.torch_seconds


@dataclass(frozen=True)
class Refused:
    """A workload that is not done, and why."""

    name: str
    reason: str


class Stages(logging.Handler):
    """Adds up what the prover says about the stages of its chunks."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(record.args, tuple) and isinstance(record.args[-1], dict):
            for stage, seconds in record.args[-1].items():
                self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds


def network(widths: tuple[int, ...]) -> Any:
    """Linear layers with ReLU between them, from the same seed every time."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    layers: list[Any] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def endless(loader: Any) -> Iterator[Any]:
    """The batches of epoch after epoch."""
    while True:
        yield from loader


def train(model: Any, optimizer: Any, loader: Any, loss_fn: Any, steps: int) -> float:
    """Seconds of a loop that is the same for PyTorch and for exact integers."""
    start = time.perf_counter()
    for x, y in itertools.islice(endless(loader), steps):
        optimizer.zero_grad()
        loss_fn(model(x), y).backward()
        optimizer.step()
    return time.perf_counter() - start


def _work(w: Workload) -> Measured:
    import torch
    from torch import nn

    import tacit
    from tacit import session

    stages = Stages()
    logging.getLogger("tacit.prove").addHandler(stages)
    logging.getLogger("tacit.prove").setLevel(logging.DEBUG)
    logging.getLogger("tacit.commit").setLevel(logging.ERROR)
    logging.getLogger("tacit.vault").setLevel(logging.ERROR)
    x, y = w.load()
    two = w.widths[-1] == 1
    loss = nn.BCEWithLogitsLoss() if two else nn.CrossEntropyLoss()
    with tempfile.TemporaryDirectory() as directory:
        start = time.perf_counter()
        data = tacit.commit(x, y, vault=Path(directory) / "bench.vault", quiet=True)
        commit = time.perf_counter() - start
        inputs = torch.from_numpy(data.quantised.values())
        labels = torch.from_numpy(data.labels.copy())
        labels = labels.float().reshape(-1, 1) if two else labels
        plain = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(inputs, labels), batch_size=w.batch)
        times: list[float] = []
        while sum(times) < TORCH_SECONDS:
            model = network(w.widths)
            optimizer = torch.optim.SGD(model.parameters(), lr=w.lr, momentum=w.momentum)
            times.append(train(model, optimizer, plain, loss, w.steps))
        model = network(w.widths)
        optimizer = torch.optim.SGD(model.parameters(), lr=w.lr, momentum=w.momentum)
        options: dict[str, Any] = {} if w.memory is None else {"memory": w.memory}
        model, optimizer, loader, loss_fn = tacit.make_provable(
            model, optimizer, data, loss, batch_size=w.batch, shuffle_seed=7, max_steps=w.steps, **options
        )
        exact = train(model, optimizer, loader, loss_fn, w.steps)
        costs = tacit.estimate(model)
        start = time.perf_counter()
        proof = tacit.prove(model, quiet=True)
        prove = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        verify: list[float] = []
        for _ in range(VERIFICATIONS):
            start = time.perf_counter()
            session.verify_run(proof.content, session.Held())
            verify.append(time.perf_counter() - start)
        start = time.perf_counter()
        session.verify_commitment(data.file)
        verify_data = time.perf_counter() - start
    return Measured(
        name=w.name,
        steps=w.steps,
        build=session.instruction_set(),
        torch_seconds=statistics.median(times),
        exact_seconds=exact,
        commit_seconds=commit,
        estimate_seconds=costs.seconds,
        prove_seconds=prove,
        stages=stages.seconds,
        verify_ms=1e3 * statistics.median(verify),
        verify_data_ms=1e3 * verify_data,
        proof_bytes=len(proof),
        chunks=costs.chunks,
        estimate_memory=costs.memory,
        peak_memory=peak,
    )


def _child(name: str, out: Any) -> None:
    from benches.workloads import LARGE, TINY, WORKLOADS, growth
    from tacit.errors import TacitError

    known = {
        w.name: w for w in (*WORKLOADS, *LARGE, TINY, *(w for curve in growth().values() for _, w in curve))
    }
    try:
        out.put(_work(known[name]))
    except (TacitError, MemoryError) as error:
        out.put(Refused(name, f"{type(error).__name__}: {error}"))


def measure(workload: Workload) -> Measured | Refused:
    """Measure a workload of `benches.workloads` in a process of its own."""
    context = multiprocessing.get_context("spawn")
    out: Any = context.Queue()
    process = context.Process(target=_child, args=(workload.name, out))
    process.start()
    while process.is_alive() and out.empty():
        process.join(0.2)
    if out.empty():
        process.join()
        return Refused(workload.name, f"the process ended with {process.exitcode}: out of memory, perhaps")
    done: Measured | Refused = out.get()
    process.join()
    return done
