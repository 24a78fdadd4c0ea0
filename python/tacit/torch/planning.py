"""From a user's model, optimizer and data to the plan of a run, before a step of it is made."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn
from torch.optim import Optimizer

from tacit.arithmetic.config import Architecture, Order, RunConfig, Schedule
from tacit.arithmetic.data import TrainingData, label_matrix, target_bits
from tacit.arithmetic.declare import declared_config
from tacit.arithmetic.errors import ArithmeticConfigError
from tacit.arithmetic.matmul import IntMatrix
from tacit.arithmetic.planner import Plan, PlanRequest, make_plan
from tacit.arithmetic.trainer import quantise_weights
from tacit.torch.capture import CapturedModel, capture
from tacit.torch.options import LossFunction, OptimizerSettings, read_loss, read_optimizer

STRONG_DECAY = 0.1
"""Above, what a chunk shrinks weights by is warned of."""

log = logging.getLogger("tacit.train")


@dataclass(frozen=True)
class Inputs:
    """What the user gave, read and checked against each other."""

    captured: CapturedModel
    architecture: Architecture
    settings: OptimizerSettings
    labels: IntMatrix = field(repr=False)


@dataclass(frozen=True)
class Planned:
    """A plan with the module's weights as its integers. The seed of a shuffled order is still zero.

    `declared` is the configuration that the whole run will have, None if its rates or its end are not known.
    """

    plan: Plan
    weights: list[IntMatrix] = field(repr=False)
    declared: RunConfig | None


@dataclass(frozen=True)
class Resolved:
    """What the seeds of a run give: its order and initial weights. `declared`: the run has to become this."""

    order: Order
    weights: list[IntMatrix] = field(repr=False)
    declared: RunConfig | None = None


Planner = Callable[[PlanRequest], Plan]
Resolver = Callable[[Planned], Resolved]


def read_inputs(model: nn.Module, optimizer: Optimizer, data: TrainingData, loss_fn: LossFunction) -> Inputs:
    """Captures and checks; raises a `TacitError` naming layer, option or column in the way."""
    captured = capture(model)
    loss = read_loss(loss_fn)
    settings = read_optimizer(optimizer, model)
    architecture = captured.architecture(loss)
    labels = label_matrix(data, architecture)
    inputs = architecture.layers[0].inputs
    if data.features.shape[1] != inputs:
        raise ArithmeticConfigError(
            f"the data set has {data.features.shape[1]} features, layer 1 ({architecture.layers[0].name}) "
            f"reads {inputs}"
        )
    return Inputs(captured, architecture, settings, labels)


def plan_run(
    inputs: Inputs,
    data: TrainingData,
    *,
    batch_size: int,
    shuffled: bool,
    own_start: bool = True,
    drop_last: bool = False,
    epochs: int | None = None,
    max_steps: int | None = None,
    schedule: Sequence[float] | None = None,
    learning_rates: Sequence[float] | None = None,
    window_bits: int | None = None,
    chunk_steps: int | None = None,
    gradient_bits: int | None = None,
    average: int | None = None,
    planner: Planner = make_plan,
) -> Planned:
    """Plans a run; see `make_provable` for the options. `own_start`: the module's weights start it."""
    settings = inputs.settings
    weights = real_weights(inputs.captured)
    per_epoch = steps_per_epoch(data.n, batch_size, drop_last)
    total = _total_steps(per_epoch, epochs, max_steps)
    rates = _rates(schedule, settings.lr, per_epoch, epochs, total)
    largest = max(float(np.abs(w).max(initial=0.0)) for w in weights) if own_start else 0.0
    plan = planner(
        PlanRequest(
            architecture=inputs.architecture,
            rows=data.n,
            batch=batch_size,
            learning_rates=[settings.lr, *(learning_rates or ()), *sorted(set(schedule or ()))],
            data_bits=data.data_bits,
            target_bits=target_bits(data, inputs.architecture),
            drop_last=drop_last,
            momentum=settings.momentum,
            nesterov=settings.nesterov,
            weight_decay=settings.weight_decay,
            order=Order(bytes(32) if shuffled else None),
            fa=data.fa,
            fg=gradient_bits,
            total_steps=total,
            largest_weight=largest,
            window_bits=window_bits,
            chunk_steps=chunk_steps,
            average=average,
        )
    )
    if batch_size > data.n:
        log.warning(
            "batch_size = %d is more than the %d rows: every step reads all of them, and costs as much as "
            "if there "
            "were that many",
            batch_size,
            data.n,
        )
    _warn_of_decay(plan, settings.lr)
    declared = None if rates is None else declared_config(plan, rates)
    return Planned(plan, quantise_weights(weights, plan.config.scales.fw), declared)


def _warn_of_decay(plan: Plan, lr: float) -> None:
    """PyTorch shrinks weights at every step, a proof at the end of a chunk: they differ by half of that."""
    steps = min(plan.config.schedule.chunk_steps, plan.total_steps or plan.config.schedule.chunk_steps)
    share = 1 - max(0.0, 1 - lr * plan.weight_decay) ** steps
    if share > STRONG_DECAY:
        log.warning(
            "weight_decay shrinks weights by %.0f %% at the end of each chunk of %d steps, PyTorch does so at "
            "every step: weights will differ from PyTorch's by about %.0f %%; lower chunk_steps or "
            "weight_decay",
            100 * share,
            steps,
            50 * share,
        )


def with_order(plan: Plan, order: Order) -> Plan:
    """The plan with the seed of its order."""
    return replace(plan, config=replace(plan.config, order=order))


def steps_per_epoch(rows: int, batch: int, drop_last: bool) -> int:
    """Batches in one pass over the data; 0 for a batch size that planning will refuse."""
    if batch < 1:
        return 0
    return Schedule(rows, batch, drop_last, 0, 1, ()).steps_per_epoch


def real_weights(captured: CapturedModel) -> list[NDArray[np.float64]]:
    """The module's weights as float64 [K, outputs], the bias in the last row."""
    out: list[Any] = []
    for layer in captured.layers:
        weight = layer.linear.weight.detach().double().numpy().T
        bias = layer.linear.bias
        out.append(weight if bias is None else np.concatenate([weight, bias.detach().double().numpy()[None]]))
    return out


def _total_steps(per_epoch: int, epochs: int | None, max_steps: int | None) -> int | None:
    if epochs is None:
        return max_steps
    if max_steps is not None:
        raise ArithmeticConfigError("give epochs or max_steps, not both")
    return epochs * per_epoch


def _rates(
    schedule: Sequence[float] | None, lr: float, per_epoch: int, epochs: int | None, total: int | None
) -> list[float] | None:
    """The rate of every step, if it is known."""
    if schedule is None:
        return None if total is None else [lr] * total
    if total is None:
        raise ArithmeticConfigError("a schedule needs epochs or max_steps, so that it has an end")
    entries, unit = (epochs, "epochs") if epochs is not None else (total, "steps")
    if len(schedule) != entries:
        raise ArithmeticConfigError(f"the schedule has {len(schedule)} rates for {entries} {unit}")
    repeat = per_epoch if epochs is not None else 1
    return [float(rate) for rate in schedule for _ in range(repeat)]
