"""Small random runs that the arithmetic tests share."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from tacit.arithmetic import (
    Architecture,
    Layer,
    Order,
    PlanRequest,
    RunRecord,
    Trainer,
    make_plan,
    quantise_weights,
)


def load_reference() -> ModuleType:
    path = Path(__file__).parents[1] / "spec" / "arithmetic.py"
    spec = importlib.util.spec_from_file_location("spec_arithmetic", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass
class Data:
    features: np.ndarray
    labels: np.ndarray
    label_kind: str
    classes: int = 0
    fa: int = 8
    data_bits: int = 12
    target_bits: int = 12
    digest: bytes = b"\x05" * 32

    @property
    def n(self) -> int:
        return len(self.features)


KINDS = {"cross_entropy": "class", "bce_with_logits": "binary", "mse": "real"}


def random_data(loss: str, rows: int, inputs: int, outputs: int, seed: int = 0, fa: int = 8) -> Data:
    rng = np.random.default_rng(seed)
    features = np.clip(np.round(rng.normal(size=(rows, inputs)) * (1 << fa)), -2048, 2047).astype(np.int32)
    labels = {
        "cross_entropy": lambda: rng.integers(0, outputs, rows),
        "bce_with_logits": lambda: rng.integers(0, 2, (rows, outputs)),
        "mse": lambda: np.round(rng.normal(size=(rows, outputs)) * (1 << fa)).astype(np.int64),
    }[loss]()
    return Data(features, labels, KINDS[loss], classes=outputs if loss == "cross_entropy" else 0, fa=fa)


def random_weights(architecture: Architecture, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(layer.k, layer.outputs)) / np.sqrt(layer.k) for layer in architecture.layers]


def network(widths: list[int], activation: str, loss: str, bias: bool = True) -> Architecture:
    layers = [
        Layer(a, b, bias, activation if i + 2 < len(widths) else "identity")  # type: ignore[arg-type]
        for i, (a, b) in enumerate(pairwise(widths))
    ]
    return Architecture(tuple(layers), loss)  # type: ignore[arg-type]


def train(
    architecture: Architecture,
    data: Data,
    lrs: list[float],
    *,
    gemm: Any = None,
    bounds: dict[str, Any] | None = None,
    **request: Any,
) -> RunRecord:
    """Trains len(lrs) steps with the numpy trainer; `bounds` replaces norms and carry_bits of the plan."""
    plan = make_plan(
        PlanRequest(
            architecture=architecture,
            rows=data.n,
            learning_rates=sorted(set(lrs), reverse=True),
            data_bits=data.data_bits,
            target_bits=data.target_bits if architecture.loss == "mse" else 0,
            fa=data.fa,
            **{"batch": 4, "order": Order(bytes(range(32))), **request},
        )
    )
    if bounds:
        plan = replace(plan, config=replace(plan.config, **bounds))
    weights = quantise_weights(random_weights(architecture), plan.config.scales.fw)
    trainer = Trainer(plan, data, weights, **({"gemm": gemm} if gemm else {}))  # type: ignore[arg-type]
    for lr in lrs:
        trainer.forward()
        trainer.backward()
        trainer.update(lr)
    return trainer.finish()


def reference_states(record: RunRecord, data: Data) -> list[Any]:
    """The same run by the reference, as (weights, velocity) lists."""
    states: list[Any] = load_reference().run(
        record.config.to_dict(),
        data.features.tolist(),
        data.labels.tolist(),
        [w.tolist() for w in record.initial.weights],
    )
    return states


def states_as_lists(record: RunRecord) -> list[Any]:
    return [
        ([w.tolist() for w in s.weights], None if s.velocity is None else [v.tolist() for v in s.velocity])
        for s in record.states
    ]
