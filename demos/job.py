"""The steps of a demonstration: commit, train, compare, prove, verify, release, and two forgeries."""

from __future__ import annotations

import copy
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

import tacit
from tacit.commitment import CommittedData
from tacit.errors import ProofRejected, ReleaseRefused, UnreadableFile
from tacit.progress import duration, size

__all__ = ["Job", "run"]

OUTPUT = Path("demo-output")


@dataclass(frozen=True)
class Job:
    """A data set with its model and schedule. `x` and `y` are split into training and test rows."""

    name: str
    x: Any
    y: Any
    x_test: Any
    y_test: Any
    model: Callable[[int], nn.Module]
    """A fresh model for so many features."""
    epochs: int
    batch_size: int = 64
    lr: float = 0.125
    categorical: tuple[str, ...] = ()


@contextmanager
def step(title: str) -> Iterator[None]:
    """Print a title, and how long the block took."""
    print(f"\n== {title}", flush=True)
    start = time.perf_counter()
    yield
    print(f"   {duration(time.perf_counter() - start)}", flush=True)


def train(job: Job, model: nn.Module, data: CommittedData, mode: str) -> nn.Module:
    """The ordinary loop; `mode` alone says whether it is float32 or exact."""
    optimizer = torch.optim.SGD(model.parameters(), lr=job.lr)
    made = tacit.make_provable(
        model,
        optimizer,
        data,
        nn.CrossEntropyLoss(),
        batch_size=job.batch_size,
        shuffle_seed=7,
        mode=mode,  # type: ignore[arg-type]
        epochs=job.epochs,
    )
    model, opt, loader, loss_fn = made
    for _ in range(job.epochs):
        for x, y in loader:
            opt.zero_grad()
            loss = loss_fn(model(x), y)
            loss.backward()
            opt.step()
    return model


def accuracy(model: nn.Module, x: NDArray[np.float32], y: NDArray[np.int64]) -> float:
    """Share of correct test rows, in percent."""
    model.eval()
    with torch.no_grad():
        guess = model(torch.from_numpy(x)).argmax(1).numpy()
    return 100.0 * float((guess == y).mean())


def rejected(title: str, **arguments: Any) -> None:
    """Verify something that must not pass, and show why it does not."""
    with step(title):
        try:
            tacit.verify(**arguments)
        except ProofRejected as error:
            print(f"   rejected by the check {error.check}: {error}")
        except UnreadableFile as error:
            print(f"   unreadable: {error}")
        else:
            raise SystemExit("a forgery was accepted")


def run(job: Job) -> None:
    """Every step, in order, in a fresh directory."""
    out = OUTPUT / job.name
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    started = time.perf_counter()
    torch.manual_seed(0)
    with step(f"commit {len(job.x):,} rows of {job.name}"):
        data = tacit.commit(
            job.x, job.y, vault=out / "owner.vault", key_file=out / "key", categorical=job.categorical
        )
        print(f"   {size((out / 'owner.commitment').stat().st_size)} with its validity proof")
    test = tacit.quantise(job.x_test, job.y_test, schema=data.schema, max_clipped=1.0)
    assert test.labels is not None
    initial = job.model(data.quantised.width)
    with step(f"train {job.epochs} epochs on exact integers"):
        model = train(job, copy.deepcopy(initial), data, "prove")
        exact = accuracy(model, test.values(), test.labels)
    with step("the same loop in float32"):
        plain = accuracy(train(job, copy.deepcopy(initial), data, "off"), test.values(), test.labels)
        print(f"   test accuracy: exact {exact:.2f} %, float32 {plain:.2f} %")
    with step("prove"):
        proof = tacit.prove(model)
        proof.save(out / "run.tacit")
        print(f"   {size(len(proof))}")
    with step("verify"):
        print(tacit.verify(out / "run.tacit", data=out / "owner.commitment"))
    with step("release at 12 bits"):
        try:
            release = tacit.release(model, bits=12)
        except ReleaseRefused as error:
            print(f"   refused by the rule {error.rule}; the data is public, so it is released all the same")
            release = tacit.release(model, bits=12, data_is_public=True)
        release.save(out / "model.safetensors", out / "release.tacit")
        public = job.model(data.quantised.width)
        public.load_state_dict({name: torch.from_numpy(value) for name, value in release.weights.items()})
        print(f"   test accuracy of the released model {accuracy(public, test.values(), test.labels):.2f} %")
    with step("verify the release"):
        verdict = tacit.verify(out / "release.tacit", run=out / "run.tacit", model=out / "model.safetensors")
        print(verdict)
    changed = job.x.copy()
    rows = changed if isinstance(changed, np.ndarray) else changed.iloc
    rows[0] = rows[1]
    tacit.commit(
        changed, job.y, vault=out / "other.vault", key_file=out / "key", schema=data.schema, quiet=True
    )
    rejected(
        "the proof does not pass for other data (one row changed)",
        proof=out / "run.tacit",
        data=out / "other.commitment",
    )
    bytes_ = bytearray(proof.content)
    bytes_[len(bytes_) // 2] ^= 1
    (out / "changed.tacit").write_bytes(bytes_)
    rejected(
        "the proof does not pass with one bit changed",
        proof=out / "changed.tacit",
        data=out / "owner.commitment",
    )
    print(f"\nall of it in {duration(time.perf_counter() - started)}; files in {out}")
