"""Small proofs of every kind, for the tests of the second verifier."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import tacit
from tacit.arithmetic import Plan, PlanRequest, make_plan
from tacit.arithmetic.config import NormBits

NONCE = bytes(range(32))
"""Of the cases whose order a verifier shuffles."""


@dataclass(frozen=True)
class Case:
    """One run: what it trains and how."""

    layers: Callable[[], list[nn.Module]]
    loss: str = "class"
    rows: int = 40
    features: int = 3
    outputs: int = 2
    steps: int = 2
    batch: int = 16
    lr: float = 0.125
    sgd: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    rates: tuple[float, ...] = ()
    released: bool = False
    bounds: dict[str, Any] = field(default_factory=dict)
    """Norms and carried window, whatever the planner would choose."""

    def planner(self, request: PlanRequest) -> Plan:
        plan = make_plan(request)
        return replace(plan, config=replace(plan.config, **self.bounds))


LOSSES = {"class": nn.CrossEntropyLoss, "binary": nn.BCEWithLogitsLoss, "real": nn.MSELoss}
SMALL = {"window_bits": 10, "gradient_bits": 9}

CASES = {
    "linear": Case(lambda: [nn.Linear(3, 1)], loss="real", outputs=1, options=SMALL),
    "logistic": Case(
        lambda: [nn.Linear(3, 2, bias=False)],
        loss="binary",
        options={**SMALL, "shuffle_seed": tacit.VerifierNonce(NONCE), "drop_last": True},
    ),
    "relu": Case(lambda: [nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 2)], options={"shuffle_seed": 7}, steps=3),
    "deep": Case(
        lambda: [
            nn.Linear(3, 3, bias=False),
            nn.Tanh(),
            nn.Linear(3, 2),
            nn.Sigmoid(),
            nn.Linear(2, 2, bias=False),
            nn.ReLU(),
            nn.Linear(2, 1),
        ],
        loss="real",
        outputs=1,
        options=SMALL,
    ),
    "plain": Case(
        lambda: [nn.Linear(3, 3), nn.Linear(3, 3)], outputs=3, steps=3, rates=(0.125, 0.25, 0.25), options=SMALL
    ),
    "momentum": Case(
        lambda: [nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 1)],
        loss="real",
        outputs=1,
        steps=3,
        sgd={"momentum": 0.5},
        options={**SMALL, "chunk_steps": 2},
    ),
    "nesterov": Case(
        lambda: [nn.Linear(3, 1)],
        loss="binary",
        outputs=1,
        steps=5,
        batch=32,
        sgd={"momentum": 0.5, "nesterov": True},
        options={**SMALL, "chunk_steps": 2, "shuffle_seed": 1},
    ),
    "decay": Case(
        lambda: [nn.Linear(3, 1)],
        loss="real",
        outputs=1,
        steps=4,
        sgd={"weight_decay": 0.05},
        options={**SMALL, "chunk_steps": 2},
        bounds={"carry_bits": 33},
    ),
    # Norms behind every activation; a carried window where nothing is rounded.
    "norms": Case(
        lambda: [nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 2), nn.Tanh(), nn.Linear(2, 2), nn.Linear(2, 2)],
        steps=3,
        options={**SMALL, "chunk_steps": 2, "shuffle_seed": 4},
        bounds={"norms": NormBits(30, 27), "carry_bits": 37},
    ),
    # The mean of the last two weights, in a chunk with padding steps, beside everything that a boundary rounds.
    "average": Case(
        lambda: [nn.Linear(3, 1)],
        loss="binary",
        outputs=1,
        steps=7,
        batch=8,
        sgd={"momentum": 0.5, "weight_decay": 0.05},
        options={**SMALL, "chunk_steps": 4, "average": 2},
    ),
    "mean": Case(lambda: [nn.Linear(3, 1)], loss="real", outputs=1, steps=4, options={**SMALL, "average": 4}),
    # Rows of a model longer than the trace's slots, and norms of more units than it has rows.
    "wide": Case(
        lambda: [nn.Linear(3, 40), nn.ReLU(), nn.Linear(40, 2)],
        steps=2,
        batch=4,
        sgd={"momentum": 0.5},
        options={**SMALL, "window_bits": 12, "chunk_steps": 1, "shuffle_seed": 2},
        bounds={"norms": NormBits(30, 27), "carry_bits": 38},
    ),
    # Slots longer than the tables of limbs.
    "tall": Case(lambda: [nn.Linear(3, 1)], loss="real", outputs=1, rows=512, batch=512, options=SMALL),
    # Vectors of more than one column.
    "columns": Case(lambda: [nn.Linear(300, 2)], rows=400, features=300, options=SMALL),
    "release": Case(
        lambda: [nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 2, bias=False)],
        steps=104,
        options={**SMALL, "shuffle_seed": 5, "chunk_steps": 64},
        released=True,
    ),
}


def labels(kind: str, outputs: int, rows: int, random: np.random.Generator) -> np.ndarray[Any, Any]:
    """Labels that no loss overflows on."""
    if kind == "class":
        return np.arange(rows) % outputs
    if kind == "binary":
        values = random.integers(0, 2, (rows, outputs))
        values[0], values[1] = 0, 1
        return values
    return np.clip(random.normal(size=(rows, outputs)), -1, 1) / 2


def arguments(case: Case, data: tacit.CommittedData) -> dict[str, Any]:
    """What `make_provable` is given, and `declare`."""
    torch.manual_seed(0)
    network = nn.Sequential(*case.layers())
    rates = case.rates or (case.lr,) * case.steps
    return {
        "model": network,
        "optimizer": torch.optim.SGD(network.parameters(), lr=rates[0], **case.sgd),
        "data": data,
        "loss_fn": LOSSES[case.loss](),
        "learning_rates": sorted(set(rates)),
        "batch_size": case.batch,
        "max_steps": case.steps,
        **case.options,
    }


def trained(case: Case, data: tacit.CommittedData) -> nn.Module:
    """The ordinary loop."""
    rates = case.rates or (case.lr,) * case.steps
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tacit.memory.make_plan", case.planner)
        model, optimizer, loader, loss_fn = tacit.make_provable(**arguments(case, data))
    step = 0
    while step < case.steps:
        for x, y in loader:
            for group in optimizer.param_groups:
                group["lr"] = rates[step]
            optimizer.zero_grad()
            loss_fn(model(x), y).backward()
            optimizer.step()
            step += 1
            if step == case.steps:
                break
    return model


def make(name: str, folder: Path) -> Path:
    """data.commitment, run.tacit and, for a release, release.tacit and model.safetensors in `folder`."""
    case = CASES[name]
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(1)
    x = np.clip(random.normal(size=(case.rows, case.features)), -2, 2)
    y = labels(case.loss, case.outputs, case.rows, random)
    data = tacit.commit(
        x,
        y,
        vault=folder / "v.vault",
        commitment=folder / "data.commitment",
        quiet=True,
        proofs=4,
        label_kind=case.loss,
    )
    if isinstance(case.options.get("shuffle_seed"), tacit.VerifierNonce):
        declared = arguments(case, data) | {"shuffle_seed": tacit.VerifierNonce()}
        (folder / "declaration").write_bytes(tacit.declare(**declared).digest)
    model = trained(case, data)
    tacit.prove(model, quiet=True).save(folder / "run.tacit")
    if case.released:
        release = tacit.release(model, bits=8, quiet=True, data_is_public=True)
        release.save(folder / "model.safetensors", folder / "release.tacit")
    return folder
