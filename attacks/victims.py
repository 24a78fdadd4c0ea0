"""Real runs on real data, and what of them a third party gets.

The owner's side trains through the public interface of `tacit` and asks the release rules. Exact weights, which
no release hands out, are read from the owner's own record: they show what the rules prevent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

import tacit
from tacit.arithmetic.config import RunConfig
from tacit.arithmetic.steps import rescale
from tacit.errors import ReleaseRefused
from tacit.releasing import check
from tacit.torch.fit import perceptron

__all__ = ["Integers", "Public", "Victim", "commit", "train"]

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Public:
    """What a third party holds of one run: its statement, its public start, and weights."""

    config: RunConfig
    """As the statement has it: architecture, scales, schedule, order, number of rows."""
    start: tuple[Integers, ...] = field(repr=False)
    """W_0 of each layer, [K, outputs], fw fractional bits, drawn from the public seed; 0 if it is hidden."""
    weights: tuple[Integers, ...] = field(repr=False)
    """W_T of each layer in units of 2^-fw, exact or rounded."""
    bits: int | None
    """Fractional bits of the weights that were handed out; None: exact."""

    @property
    def unit(self) -> int:
        """What the rounded weights are multiples of, in units of 2^-fw."""
        return 1 if self.bits is None else 1 << (self.config.scales.fw - self.bits)

    def difference(self, layer: int = 0) -> Integers:
        """W_0 - W_T of a layer, [K, outputs]: the sum of rate A^T D over the steps, up to half a unit."""
        return self.start[layer] - self.weights[layer]


@dataclass(frozen=True)
class Victim:
    """A trained run in its owner's hands."""

    data: tacit.CommittedData
    run: tacit.Run = field(repr=False)
    start: tuple[Integers, ...] = field(repr=False)
    """Where it started; the vault removes it once the run is proven."""

    def public(self, bits: int | None) -> Public:
        """What a release at `bits` fractional bits would hand out, with the statement; None: exact weights."""
        record = self.run.record()
        shift = 0 if bits is None else record.config.scales.fw - bits
        weights = tuple(rescale(w, shift) << shift for w in record.final.weights)
        return Public(record.config, self._start(), weights, bits)

    def _start(self) -> tuple[Integers, ...]:
        """The start if its seed is public; 0, the best guess, if it is hidden."""
        public = self.run.origins().start is not None
        return self.start if public else tuple(np.zeros_like(w) for w in self.start)

    def refusal(self, bits: int, **circumstances: Any) -> str | None:
        """The rule that refuses a release at so many bits; None if the rules allow it."""
        try:
            check(self.run, bits=bits, **circumstances)
        except ReleaseRefused as refused:
            return refused.rule
        return None

    def release(self, bits: int, **circumstances: Any) -> Public:
        """What a real release hands out: the tensors of its file."""
        made = tacit.release(self.run, bits=bits, quiet=True, **circumstances)
        record = self.run.record()
        tensors = [
            made.weights[name].astype(np.float64) for pair in record.parameter_names for name in pair if name
        ]
        scaled = iter([np.rint(t * 2.0**record.config.scales.fw).astype(np.int64) for t in tensors])
        weights = tuple(
            np.vstack([next(scaled).T, next(scaled)[None]]) if layer.bias else next(scaled).T
            for layer in record.config.architecture.layers
        )
        return Public(record.config, self._start(), weights, bits)


def commit(
    x: Any, y: Any, folder: Path, name: str = "data", *, vault: str | None = None, **options: Any
) -> tacit.CommittedData:
    """A data set in a vault of its own, or in one that it shares with others."""
    path, key = folder / f"{vault or name}.vault", folder / "key"
    return tacit.commit(x, y, vault=path, name=name, key_file=key, quiet=True, **options)


def train(
    data: tacit.CommittedData,
    *,
    hidden: Sequence[int] = (),
    batch: int | None = None,
    steps: int,
    lr: float = 0.125,
    seed: int = 1,
    public_start: bool = True,
) -> Victim:
    """Trains a perceptron by the ordinary loop; `batch` None takes all rows in every step."""
    outputs = data.classes if data.label_kind == "class" else data.labels.reshape(data.n, -1).shape[1]
    network = perceptron(data.features.shape[1], hidden, outputs, seed=seed)
    loss: nn.Module = nn.CrossEntropyLoss() if data.label_kind == "class" else nn.BCEWithLogitsLoss()
    made = tacit.make_provable(
        network,
        torch.optim.SGD(network.parameters(), lr=lr),
        data,
        loss,
        batch_size=batch or data.n,
        shuffle_seed=seed,
        initial="seed" if public_start else "given",
        max_steps=steps,
    )
    model, optimizer, loader, loss_fn = made
    left = steps
    while left:
        for x, y in loader:
            optimizer.zero_grad()
            value: Any = loss_fn(model(x), y)
            value.backward()
            optimizer.step()
            left -= 1
            if not left:
                break
    run = tacit.run_of(model)
    return Victim(data, run, run.record().initial.weights)
