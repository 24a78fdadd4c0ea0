"""`make_provable`: one call around model, optimizer, data and loss; the training loop stays as it is."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from tacit.arithmetic.config import Order, Schedule
from tacit.arithmetic.data import TrainingData
from tacit.arithmetic.errors import ArithmeticConfigError
from tacit.arithmetic.matmul import IntMatrix
from tacit.arithmetic.order import seed_bytes
from tacit.arithmetic.record import RunRecord
from tacit.arithmetic.trainer import Trainer
from tacit.torch.errors import TrainingLoopError
from tacit.torch.loader import BatchLoader, EpochCounter, to_floats
from tacit.torch.module import ProvableLoss, ProvableModule
from tacit.torch.optimizer import ProvableSGD
from tacit.torch.options import LossFunction
from tacit.torch.planning import Inputs, Resolved, Resolver, plan_run, read_inputs, with_order
from tacit.torch.session import TrainingSession, show_weights, torch_gemm

Mode = Literal["prove", "check", "off"]


class Provable(NamedTuple):
    """What `make_provable` returns; unpacks into the four names of a training loop."""

    model: nn.Module
    optimizer: Optimizer
    loader: BatchLoader
    loss_fn: LossFunction


def make_provable(
    model: nn.Module,
    optimizer: Optimizer,
    data: TrainingData,
    loss_fn: LossFunction,
    *,
    batch_size: int,
    shuffle_seed: int | bytes | None = None,
    mode: Mode = "prove",
    drop_last: bool = False,
    own_start: bool = True,
    resolve: Resolver | None = None,
    **options: Any,
) -> Provable:
    """Returns model, optimizer, loader and loss to use in place of the given ones.

    mode: "prove" trains on exact integers and records what a proof needs; "check" does the same without
    recording; "off" returns the model, optimizer and loss themselves with a loader in the same order.
    shuffle_seed: None reads rows in order, else every epoch has its own public permutation.
    drop_last: leave out a last batch that is not full.
    epochs, max_steps: how long the run will be at most. Name it if it is known: a proof has to bound what all
    steps together can do to a weight, so a run of known length keeps the widest windows and finest gradients.
    schedule: the learning rate of every epoch (with epochs) or of every step (with max_steps).
    learning_rates: further rates that a schedule will set; rates far apart cost room, powers of two none.
    window_bits: width of the range of activations and gradients, at most 16 (default: the widest that fits).
    gradient_bits: fractional bits of gradients (default: 12, or fewer where that makes room).
    chunk_steps: steps in one proof, a power of two (default: what fits 16,384 rows).
    average: end with the mean of the weights after each of the last so many steps, a power of two.
    planner: chooses the configuration; `tacit.arithmetic.make_plan` by default.
    resolve: gives order and initial weights, once the run is planned; without it they are those of
    `shuffle_seed` and of the module. `own_start` says whether it keeps the module's weights.

    The optimizer is SGD, with momentum (also Nesterov's) and weight_decay. Weights decay once a chunk, by what
    PyTorch's steps would have shrunk them in all; an unfinished chunk decays when the run is recorded.

    Raises a `TacitError` that names the layer, option or limit in the way, before training starts.
    """
    if mode not in ("prove", "check", "off"):
        raise ArithmeticConfigError(f'mode={mode!r} is not one of "prove", "check", "off"')
    inputs = read_inputs(model, optimizer, data, loss_fn)
    order = _order(shuffle_seed)
    if mode == "off" and own_start:
        loader = _plain_loader(data, inputs, batch_size=batch_size, drop_last=drop_last, order=order)
        return Provable(model, optimizer, loader, loss_fn)
    planned = plan_run(
        inputs,
        data,
        batch_size=batch_size,
        drop_last=drop_last,
        shuffled=shuffle_seed is not None,
        own_start=own_start,
        **options,
    )
    resolved = Resolved(order, planned.weights) if resolve is None else resolve(planned)
    if mode == "off":
        show_weights(inputs.captured, resolved.weights, planned.plan.config.scales.fw)
        loader = _plain_loader(data, inputs, batch_size=batch_size, drop_last=drop_last, order=resolved.order)
        return Provable(model, optimizer, loader, loss_fn)
    plan = with_order(planned.plan, resolved.order)
    trainer = Trainer(plan, data, resolved.weights, record=mode == "prove", gemm=torch_gemm)
    session = TrainingSession(trainer, inputs.captured, resolved.declared)
    loader = BatchLoader(
        plan.config.schedule,
        plan.config.order,
        lambda rows: to_floats(trainer.features(rows), data.fa, session.dtype),
        session.labels_as_tensor,
        lambda: session.step // plan.config.schedule.steps_per_epoch,
    )
    return Provable(
        ProvableModule(model, session),
        ProvableSGD(optimizer, inputs.settings, session),
        loader,
        ProvableLoss(loss_fn, session),
    )


def run_record(model: nn.Module) -> RunRecord:
    """The record of a run, from the model that `make_provable` returned with mode="prove"."""
    if not isinstance(model, ProvableModule):
        raise TrainingLoopError("this model was not trained with make_provable")
    return model.run_record()


def _order(shuffle_seed: int | bytes | None) -> Order:
    try:
        return Order(seed_bytes(shuffle_seed))
    except ValueError as error:
        raise ArithmeticConfigError(str(error)) from error


def _plain_loader(
    data: TrainingData, inputs: Inputs, *, batch_size: int, drop_last: bool, order: Order
) -> BatchLoader:
    dtype = inputs.captured.layers[0].linear.weight.dtype
    labels, loss = inputs.labels, inputs.architecture.loss

    def label_tensor(rows: IntMatrix) -> Tensor:
        if loss == "cross_entropy":
            return torch.from_numpy(labels[rows])
        return to_floats(labels[rows], data.fa if loss == "mse" else 0, dtype)

    schedule = Schedule(data.n, batch_size, drop_last, 0, 1, ())
    if batch_size < 1 or schedule.steps_per_epoch < 1:
        raise ArithmeticConfigError(f"batch_size = {batch_size} leaves no batch in {data.n} rows")
    return BatchLoader(
        schedule,
        order,
        lambda rows: to_floats(data.features[rows].astype(np.int64), data.fa, dtype),
        label_tensor,
        EpochCounter(),
    )
