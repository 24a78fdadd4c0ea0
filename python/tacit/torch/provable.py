"""`make_provable`: one call around model, optimizer, data and loss; the training loop stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from tacit.arithmetic.config import Order, Schedule
from tacit.arithmetic.data import TrainingData, label_matrix, target_bits
from tacit.arithmetic.errors import ArithmeticConfigError
from tacit.arithmetic.matmul import IntMatrix
from tacit.arithmetic.order import seed_bytes
from tacit.arithmetic.planner import PlanRequest, make_plan
from tacit.arithmetic.record import RunRecord
from tacit.arithmetic.trainer import Trainer, quantise_weights
from tacit.torch.capture import CapturedModel, capture
from tacit.torch.errors import TrainingLoopError
from tacit.torch.loader import BatchLoader, EpochCounter, to_floats
from tacit.torch.module import ProvableLoss, ProvableModule
from tacit.torch.optimizer import ProvableSGD
from tacit.torch.options import LossFunction, read_loss, read_optimizer
from tacit.torch.session import TrainingSession, torch_gemm

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
    epochs: int | None = None,
    max_steps: int | None = None,
    learning_rates: Sequence[float] | None = None,
    window_bits: int | None = None,
    chunk_steps: int | None = None,
    gradient_bits: int | None = None,
) -> Provable:
    """Returns model, optimizer, loader and loss to use in place of the given ones.

    mode: "prove" trains on exact integers and records what a proof needs; "check" does the same without
    recording; "off" returns the model, optimizer and loss themselves with a loader in the same order.
    shuffle_seed: None reads rows in order, else every epoch has its own public permutation.
    epochs, max_steps: how long the run will be at most. Name it if it is known: a proof has to bound what all
    steps together can do to a weight, so a run of known length keeps the widest windows and finest gradients.
    learning_rates: further rates that a schedule will set; rates far apart cost room, powers of two none.
    window_bits: width of the range of activations and gradients, at most 16 (default: the widest that fits).
    gradient_bits: fractional bits of gradients (default: 12, or fewer where that makes room).
    chunk_steps: steps in one proof, a power of two (default: what fits 16,384 rows).

    The optimizer is SGD, with momentum (also Nesterov's) or weight_decay. Weights decay once a chunk, by what
    PyTorch's steps would have shrunk them in all; an unfinished chunk decays when the run is recorded.

    Raises a `TacitError` that names the layer, option or limit in the way, before training starts.
    """
    if mode not in ("prove", "check", "off"):
        raise ArithmeticConfigError(f'mode={mode!r} is not one of "prove", "check", "off"')
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
    order = _order(shuffle_seed)
    weights = _real_weights(captured)
    if mode == "off":
        return Provable(
            model,
            optimizer,
            _plain_loader(
                data, labels, captured, loss, batch_size=batch_size, drop_last=drop_last, order=order
            ),
            loss_fn,
        )
    plan = make_plan(
        PlanRequest(
            architecture=architecture,
            rows=data.n,
            batch=batch_size,
            learning_rates=[settings.lr, *(learning_rates or ())],
            data_bits=data.data_bits,
            target_bits=target_bits(data, architecture),
            drop_last=drop_last,
            momentum=settings.momentum,
            nesterov=settings.nesterov,
            weight_decay=settings.weight_decay,
            order=order,
            fa=data.fa,
            fg=gradient_bits,
            total_steps=_total_steps(data.n, batch_size, drop_last, epochs, max_steps),
            largest_weight=max(float(np.abs(w).max(initial=0.0)) for w in weights),
            window_bits=window_bits,
            chunk_steps=chunk_steps,
        )
    )
    integers = quantise_weights(weights, plan.config.scales.fw)
    trainer = Trainer(plan, data, integers, record=mode == "prove", gemm=torch_gemm)
    session = TrainingSession(trainer, captured)
    loader = BatchLoader(
        plan.config.schedule,
        order,
        lambda rows: to_floats(trainer.features(rows), data.fa, session.dtype),
        session.labels_as_tensor,
        lambda: session.step // plan.config.schedule.steps_per_epoch,
    )
    return Provable(
        ProvableModule(model, session),
        ProvableSGD(optimizer, settings, session),
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


def _total_steps(
    rows: int, batch: int, drop_last: bool, epochs: int | None, max_steps: int | None
) -> int | None:
    if epochs is None:
        return max_steps
    if max_steps is not None:
        raise ArithmeticConfigError("give epochs or max_steps, not both")
    if batch < 1:
        raise ArithmeticConfigError(f"batch_size = {batch}: at least 1 is needed")
    return epochs * Schedule(rows, batch, drop_last, 0, 1, ()).steps_per_epoch


def _real_weights(captured: CapturedModel) -> list[Any]:
    """The module's weights as float64 [K, outputs], the bias in the last row."""
    out = []
    for layer in captured.layers:
        weight = layer.linear.weight.detach().double().numpy().T
        bias = layer.linear.bias
        out.append(weight if bias is None else np.concatenate([weight, bias.detach().double().numpy()[None]]))
    return out


def _plain_loader(
    data: TrainingData,
    labels: IntMatrix,
    captured: CapturedModel,
    loss: str,
    *,
    batch_size: int,
    drop_last: bool,
    order: Order,
) -> BatchLoader:
    dtype = captured.layers[0].linear.weight.dtype

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
