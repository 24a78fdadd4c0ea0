"""From a trained model to its run in the vault: remembers the data set and order of provable models."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

from tacit import proving, releasing, reporting, session
from tacit.commitment import CommittedData
from tacit.errors import UsageError
from tacit.runs import Run, store_run

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer

    from tacit.torch import Fitted, Mode, Provable

__all__ = ["estimate", "evaluate", "fit", "make_provable", "predict", "prove", "release", "run_of"]

_origins: WeakKeyDictionary[Any, tuple[CommittedData, int | None]] = WeakKeyDictionary()


def make_provable(
    model: nn.Module,
    optimizer: Optimizer,
    data: CommittedData,
    loss_fn: Any,
    *,
    batch_size: int,
    shuffle_seed: int | None = None,
    mode: Mode = "prove",
    **options: Any,
) -> Provable:
    """Model, optimizer, loader and loss to use in place of the given ones; the loop stays as it is.

    See `tacit.torch.make_provable` for the options. With mode="prove" the order of the rows follows from
    `shuffle_seed` and the commitment of the data, so that it cannot be chosen before the data.
    """
    from tacit import torch as front

    order: int | bytes | None = shuffle_seed
    if mode == "prove" and shuffle_seed is not None:
        # The seed binds the architecture as planned; a dry run on a copy plans without touching the model.
        twin, twin_optimizer = copy.deepcopy((model, optimizer))
        dry = front.make_provable(
            twin, twin_optimizer, data, loss_fn, batch_size=batch_size, mode="check", **options
        )
        config = cast(Any, dry.model).session.trainer.config
        order = session.order_seed(config.to_json(), data.file, shuffle_seed)
    made = front.make_provable(
        model,
        optimizer,
        data,
        loss_fn,
        batch_size=batch_size,
        shuffle_seed=order,
        mode=mode,
        **options,
    )
    if mode == "prove":
        _origins[made.model] = (data, shuffle_seed)
    return made


def fit(data: CommittedData, **options: Any) -> Fitted:
    """Train a perceptron in one call; `prove` and `release` take the result as they take a model.

    See `tacit.torch.fit` for the options (hidden, epochs, batch_size, lr, ...).
    """
    from tacit import torch as front

    return front.fit(data, wrap=make_provable, **options)


def run_of(model: Run | Fitted | nn.Module) -> Run:
    """The run of a model that `make_provable` or `fit` returned, put into the vault of its data."""
    if isinstance(model, Run):
        return model
    model = cast("nn.Module", getattr(model, "model", model) if isinstance(model, tuple) else model)
    origin = _origins.get(model)
    if origin is None:
        raise UsageError('this model was not trained with make_provable(..., mode="prove")')
    from tacit.torch import run_record

    return store_run(origin[0], run_record(model), nonce=origin[1])


def estimate(model: Run | Fitted | nn.Module) -> session.Estimate:
    """What proving the run of this model will cost: time, memory, proof size."""
    return proving.estimate(run_of(model))


def prove(model: Run | Fitted | nn.Module, *, quiet: bool = False) -> proving.Proof:
    """Prove how this model was trained. The model stays hidden behind its commitment."""
    return proving.prove(run_of(model), quiet=quiet)


def release(model: Run | Fitted | nn.Module, *, bits: int = 12, **options: Any) -> releasing.Release:
    """Publish the rounded weights of this model's run, with a proof and after the safety rules.

    See `tacit.releasing.release` for the options.
    """
    return releasing.release(run_of(model), bits=bits, **options)


def evaluate(
    model: Run | Fitted | nn.Module, data: CommittedData | None = None, **options: Any
) -> reporting.Report:
    """Show how good this model is on committed rows (those it was trained on, unless `data` is given).

    See `tacit.reporting.evaluate` for the options (metrics, by, at_least, gap_at_most, rows, min_group).
    """
    return reporting.evaluate(run_of(model), data, **options)


def predict(model: Run | Fitted | nn.Module, x: Any = None, **options: Any) -> reporting.Report:
    """Show this model's outputs on the public rows `x`, or on rows of a committed data set.

    See `tacit.reporting.predict` for the options.
    """
    return reporting.predict(run_of(model), x, **options)
