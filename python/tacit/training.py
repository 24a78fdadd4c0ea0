"""From a trained model to its run in the vault: seeds, declarations, and which data a provable model has."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Required, TypedDict, Unpack, cast
from weakref import WeakKeyDictionary

import numpy as np

from tacit import backtesting, predicting, proving, releasing, reporting, session
from tacit._wording import arguments_of, check_names, check_options
from tacit.arithmetic.config import Order
from tacit.commitment import DEFAULT_NAME, CommittedData, commit, only_name, open_data
from tacit.declaring import Declaration, DeclaredRun, declared_before, keep_declaration
from tacit.errors import UsageError
from tacit.origins import Origin, Origins, announced, is_later, nonce_of
from tacit.public_models import PublicModel
from tacit.runs import Run, start_bits, store_run

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer

    from tacit.arithmetic.config import RunConfig
    from tacit.arithmetic.planner import Plan
    from tacit.markets import Market
    from tacit.planning import RunPlan
    from tacit.serving import Served
    from tacit.torch import Fitted, Mode, Provable
    from tacit.torch.planning import Planned, Planner, Resolved
    from tacit.vault import Vault

__all__ = [
    "backtest",
    "declare",
    "estimate",
    "evaluate",
    "fit",
    "make_provable",
    "plan",
    "predict",
    "prove",
    "release",
    "run_of",
    "serve",
]


Initial = Literal["given", "seed"]
MAX_START_BITS = 48
WINDOW_RELEASED = "the window of the initial weights"

log = logging.getLogger("tacit.train")


@dataclass(slots=True)
class _Made:
    """What is known of a provable model beside its training."""

    data: CommittedData
    origins: Origins
    declaration: Declaration | None = None
    released: tuple[str, ...] = ()
    planned_steps: int | None = None
    """As `epochs` or `max_steps` had it."""


_made: WeakKeyDictionary[Any, _Made] = WeakKeyDictionary()


class RunOptions(TypedDict, total=False):
    """How a run is made: what `make_provable` and `declare` are told beside model, optimizer, data and loss.

    batch_size: rows of a step; the last batch of an epoch may have fewer (drop_last leaves it out).
    shuffle_seed: None reads rows in order. A number is the prover's choice, and the verdict says so; a
    `VerifierNonce` or `Beacon` is somebody else's, for a run that was declared before (`declare`).
    initial: "given" starts from the module's weights, hidden; "seed" replaces them by public ones that a
    verifier draws itself, from `initial_seed` (default: from `shuffle_seed`, or 0).
    memory: most memory that proving may take, as "6GB" or in bytes (default: 8 GB, or 60 % of the machine's if
    that is less). It picks how many steps go into one proof, which is part of the statement.
    epochs, max_steps, schedule, learning_rates, window_bits, gradient_bits, chunk_steps, average: see
    `tacit.torch.make_provable`.
    """

    batch_size: Required[int]
    shuffle_seed: Origin | None
    initial: Initial
    initial_seed: Origin | None
    memory: str | int | None
    drop_last: bool
    epochs: int | None
    max_steps: int | None
    schedule: Sequence[float] | None
    learning_rates: Sequence[float] | None
    window_bits: int | None
    gradient_bits: int | None
    chunk_steps: int | None
    average: int | None


@dataclass(frozen=True)
class _Asked:
    """The options of a run, read: seeds and memory apart, the rest as `tacit.torch` takes it."""

    origins: Origins
    planner: Planner
    rest: dict[str, Any]


def _read_options(call: str, data: Any, options: RunOptions) -> _Asked:
    """Refuses options that do not exist or have a wrong type, before anything is planned."""
    if not isinstance(data, CommittedData):
        raise UsageError(
            f"data is a {type(data).__name__}, not committed data: use tacit.commit, or "
            "tacit.open_data(vault, name)"
        )
    check_names(call, options, RunOptions.__annotations__)
    rest: dict[str, Any] = dict(options)
    if "batch_size" not in rest:
        raise UsageError(f"{call} needs batch_size")
    for name in ("batch_size", "epochs", "max_steps", "window_bits", "gradient_bits", "chunk_steps", "average"):
        value = rest.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise UsageError(f"{name} is {value!r}, not a whole number")
    origins = _origins(
        rest.pop("shuffle_seed", None), rest.pop("initial", "given"), rest.pop("initial_seed", None)
    )
    return _Asked(origins, _planner(data, origins, rest.pop("memory", None)), rest)


def make_provable(
    model: nn.Module,
    optimizer: Optimizer,
    data: CommittedData,
    loss_fn: Any,
    *,
    mode: Mode = "prove",
    **options: Unpack[RunOptions],
) -> Provable:
    """Model, optimizer, loader and loss to use in place of the given ones; the loop stays as it is.

    mode: "prove" trains on exact integers and records what a proof needs, "check" does not record, "off" is
    plain PyTorch. See `RunOptions` for the options (batch_size, shuffle_seed, epochs, ...).

    Seeds bind the commitment of the data and the architecture; those of a nonce from outside bind start and
    configuration as well. The order is the same with mode="check"; a nonce from outside may be missing there,
    and mode="off" shuffles in its own way.
    """
    from tacit import torch as front

    asked = _read_options("make_provable", data, options)
    origins = asked.origins
    made = _Made(data, origins)

    def resolve(planned: Planned) -> Resolved:
        return _resolve(planned, made, mode)

    built = front.make_provable(
        model,
        optimizer,
        data,
        loss_fn,
        shuffle_seed=None if origins.order is None else _stand_in(origins.order),
        mode=mode,
        own_start=origins.start is None,
        resolve=resolve,
        planner=asked.planner,
        **asked.rest,
    )
    if mode == "prove":
        _made[built.model] = made
    return built


def declare(
    model: nn.Module,
    optimizer: Optimizer,
    data: CommittedData,
    loss_fn: Any,
    **options: Unpack[RunOptions],
) -> Declaration:
    """Fix a run before somebody else gives the nonce of its seeds; `make_provable` then takes the same run.

    The arguments are those of `make_provable`, with `VerifierNonce()` or `Beacon(name, round)` for a nonce to
    come; the run's end and every rate have to be known (epochs or max_steps; schedule unless the rate stays).
    Commits the module's weights if they are the start. Whoever holds the returned digest before the nonce
    exists can tell afterwards that nothing was chosen by what the nonce gave.
    """
    from tacit.torch.planning import plan_run, read_inputs

    asked = _read_options("declare", data, options)
    origins = asked.origins
    if not origins.later:
        raise UsageError(
            "nothing is left to declare: no seed of this run comes from a verifier's nonce or a beacon "
            '(VerifierNonce(), Beacon(name, round); in a run file "verifier" or a beacon\'s table)'
        )
    planned = plan_run(
        read_inputs(model, optimizer, data, loss_fn),
        data,
        shuffled=origins.order is not None,
        own_start=origins.start is None,
        planner=asked.planner,
        **asked.rest,
    )
    return keep_declaration(_declared(planned, data, origins))


def plan(
    model: nn.Module,
    optimizer: Optimizer,
    data: CommittedData,
    loss_fn: Any,
    **options: Unpack[RunOptions],
) -> RunPlan:
    """What a run will take: proofs, rows, time, memory, disk. The arguments are those of `make_provable`.

    The run's end and every rate have to be known (epochs or max_steps; schedule unless the rate stays). Trains
    and charges nothing. `make_provable` refuses what `RunPlan.require` refuses, where it knows as much.
    """
    from tacit.torch.planning import plan_run, read_inputs

    asked = _read_options("plan", data, options)
    planned = plan_run(
        read_inputs(model, optimizer, data, loss_fn),
        data,
        shuffled=asked.origins.order is not None,
        own_start=asked.origins.start is None,
        planner=asked.planner,
        **asked.rest,
    )
    found = _plan_of(planned, data, asked.origins)
    if found is None:
        raise UsageError(
            "a plan is of a run whose end and rates are known: give epochs or max_steps, and schedule=[...] "
            "unless the learning rate stays as it is"
        )
    return found


def _plan_of(planned: Planned, data: CommittedData, origins: Origins) -> RunPlan | None:
    from tacit.planning import plan_of

    if planned.declared is None:
        return None
    return plan_of(planned.declared, data, start_bits(planned.plan.w_in) if origins.start is None else None)


def _planner(data: CommittedData, origins: Origins, memory: str | int | None) -> Planner:
    """Plans runs whose chunks fit the memory."""
    from tacit.arithmetic.declare import declared_config
    from tacit.memory import plan_within

    def needed(plan: Plan) -> int:
        # Sizes do not follow the rates; one full chunk is enough.
        config = declared_config(plan, [0.0] * plan.config.schedule.chunk_steps)
        bits = start_bits(plan.w_in) if origins.start is None else None
        return session.estimate_plan(config.to_json(), data.file, bits).memory

    return lambda request: plan_within(request, memory, needed)


def _origins(order: Origin | None, initial: Initial, start: Origin | None) -> Origins:
    if initial not in ("given", "seed"):
        raise UsageError(f'initial={initial!r} is neither "given" nor "seed"')
    if initial == "given":
        if start is not None:
            raise UsageError('initial_seed is for initial="seed"')
        origins = Origins(order)
    else:
        chosen = start if start is not None else order
        origins = Origins(order, 0 if chosen is None else chosen)
    for origin in (origins.order, origins.start):
        if origin is not None:
            announced(origin)  # refuses numbers outside [0, 2^64)
    return origins


def _stand_in(origin: Origin) -> int:
    """The prover's number, or one that stands for a nonce from outside where nothing is proven."""
    return origin if isinstance(origin, int) else int.from_bytes((nonce_of(origin) or bytes(8))[:8], "big")


def _resolve(planned: Planned, made: _Made, mode: Mode) -> Resolved:
    """Order and initial weights, from the seeds of a planned run."""
    from tacit.torch.planning import Resolved

    data, origins, config = made.data, made.origins, planned.plan.config
    made.planned_steps = planned.plan.total_steps
    declared: RunConfig | None = None
    if mode != "prove":
        start = None if origins.start is None else _stand_in(origins.start)
        origins = Origins(None if origins.order is None else _stand_in(origins.order), start)
    elif origins.start is None:
        made.released = _check_window(planned)
    if mode == "prove" and (plan := _plan_of(planned, data, origins)) is not None:
        plan.require()
    if origins.later:
        origins.to_json()  # refuses nonces that are not known
        run = _declared(planned, data, origins)
        made.declaration, declared = declared_before(run), run.config
    declaration = None if made.declaration is None else made.declaration.digest

    def seed(purpose: Literal["order", "initial"], origin: Origin) -> bytes:
        bound = declaration if is_later(origin) else None
        return session.derive_seed(purpose, origin, config.to_json(), data.file, bound)

    order = Order(None if origins.order is None else seed("order", origins.order))
    weights = planned.weights
    if origins.start is not None:
        flat = session.initial_weights(config.to_json(), seed("initial", origins.start))
        shapes = [w.shape for w in weights]
        cuts = np.cumsum([rows * columns for rows, columns in shapes])[:-1]
        weights = [m.reshape(shape) for m, shape in zip(np.split(flat, cuts), shapes, strict=True)]
    return Resolved(order, weights, declared)


def _declared(planned: Planned, data: CommittedData, origins: Origins) -> DeclaredRun:
    if planned.declared is None:
        raise UsageError(
            "a nonce from outside binds every step: give epochs or max_steps, and schedule=[...] unless the "
            "learning rate stays as it is"
        )
    if origins.start is None:
        _check_window(planned)
    return DeclaredRun(data, planned.declared, planned.weights, start_bits(planned.plan.w_in), origins)


def _check_window(planned: Planned) -> tuple[str, ...]:
    """What the range check of hidden initial weights tells about them; refuses weights beyond every window."""
    w_in, fw = planned.plan.w_in, planned.plan.config.scales.fw
    if start_bits(w_in) > MAX_START_BITS:
        raise UsageError(
            f"initial weights of up to {w_in >> fw} with {fw} fractional bits need a window of "
            f"{start_bits(w_in)} bits, more than {MAX_START_BITS}: use smaller initial weights, or learning "
            "rates that are closer together"
        )
    from tacit.arithmetic.planner import INITIAL_WEIGHT_BITS

    return () if w_in <= 1 << (fw + INITIAL_WEIGHT_BITS) else (WINDOW_RELEASED,)


def fit(
    data: Any,
    y: Any = None,
    *,
    vault: str | os.PathLike[str] | Vault | None = None,
    name: str | None = None,
    **options: Any,
) -> Fitted:
    """Train a perceptron in one call; `prove` and `release` take the result as they take a model.

    data: a committed data set; a vault, open or as a path, with one data set or that called `name`; or
    features, with labels `y`, which are committed into `vault` first as `tacit.commit` does by default (the
    same again if they are there already). See `tacit.torch.fit` for the options (hidden, epochs, batch_size,
    lr, ...).
    """
    from tacit import torch as front

    # The schedule and the end of the run are fit's own.
    known = {*arguments_of(front.fit), *RunOptions.__annotations__} - {"data", "wrap", "schedule", "max_steps"}
    check_names("fit", options, known)
    return front.fit(_data(data, y, vault, name), wrap=make_provable, **options)


def _data(data: Any, y: Any, vault: str | os.PathLike[str] | Vault | None, name: str | None) -> CommittedData:
    from tacit.vault import Vault

    if y is None and isinstance(data, CommittedData):
        if vault is not None or name is not None:
            raise UsageError("committed data has its vault and name; vault and name are for other data")
        return data
    is_vault = isinstance(data, Vault) or (isinstance(data, str | os.PathLike) and Path(data).is_dir())
    if y is None and is_vault:
        if vault is not None:
            raise UsageError("give one vault, not two")
        opened = data if isinstance(data, Vault) else Vault.open(data)
        return open_data(opened, only_name(opened) if name is None else name)
    if vault is None:
        raise UsageError("give vault=...: data is committed before it is trained on")
    return commit(data, y, vault=vault, name=DEFAULT_NAME if name is None else name)


def run_of(model: Run | Fitted | nn.Module) -> Run:
    """The run of a model that `make_provable` or `fit` returned, put into the vault of its data."""
    if isinstance(model, Run):
        return model
    if isinstance(model, str | os.PathLike):
        raise UsageError(
            f"{str(model)!r} is no model: open a run of a vault with tacit.open_run(vault, name), and give that"
        )
    model = cast("nn.Module", getattr(model, "model", model) if isinstance(model, tuple) else model)
    try:
        made = _made.get(model)
    except TypeError:
        raise UsageError(f"a {type(model).__name__} is neither a model nor a run") from None
    if made is None:
        raise UsageError('this model was not trained with make_provable(..., mode="prove")')
    from tacit.torch import run_record

    declaration = None if made.declaration is None else made.declaration.digest
    return store_run(
        made.data, run_record(model), origins=made.origins, released=made.released, declaration=declaration
    )


def _finished(model: Run | Fitted | nn.Module) -> Run:
    """The run, with a warning if its loop was left before the steps that were planned."""
    run = run_of(model)
    if isinstance(model, Run):
        return run
    made = _made[cast("nn.Module", getattr(model, "model", model) if isinstance(model, tuple) else model)]
    steps = run.record().config.schedule.total_steps
    if made.planned_steps is not None and steps < made.planned_steps:
        log.warning(
            "the loop was left after %d of the %d steps that were planned: the proof is of these %d steps",
            steps,
            made.planned_steps,
            steps,
        )
    return run


def estimate(model: Run | Fitted | nn.Module) -> session.Estimate:
    """What proving the run of this model will cost: time, memory, proof size."""
    return proving.estimate(run_of(model))


def prove(
    model: Run | Fitted | nn.Module,
    *,
    quiet: bool = False,
    workers: int | None = None,
    ray: str | None = None,
    threads: int | None = None,
) -> proving.Proof:
    """Prove how this model was trained. The model stays hidden behind its commitment.

    workers: prove so many chunks at a time, in processes of this machine. ray: on a Ray cluster ("auto" for the
    one that runs here, "local" to start one, or an address), on `workers` actors or as many as it has room for.
    threads: of each of them.
    """
    several = None if workers is None and ray is None else proving.Workers(workers, ray, threads)
    return proving.prove(_finished(model), quiet=quiet, workers=several)


def release(model: Run | Fitted | nn.Module, *, bits: int = 12, **options: Any) -> releasing.Release:
    """Publish the rounded weights of this model's run, with a proof and after the safety rules.

    See `tacit.releasing.release` for the options.
    """
    check_options("release", options, releasing.release, hidden=("run",))
    return releasing.release(_finished(model), bits=bits, **options)


def _reported(model: Run | PublicModel | Fitted | nn.Module) -> Run | PublicModel:
    """What a report is about: a public model, or a run."""
    return model if isinstance(model, PublicModel) else run_of(model)


def serve(model: Run | Fitted | nn.Module) -> Served:
    """Keep a proven model at hand for many reports of this process: `tacit.predict(served, x)`.

    See `tacit.reporting.serve`.
    """
    return reporting.serve(_finished(model))


def evaluate(
    model: Run | PublicModel | Fitted | nn.Module,
    data: CommittedData | Any = None,
    labels: Any = None,
    **options: Any,
) -> reporting.Report:
    """Show how good this model is on committed rows (those it was trained on, unless `data` is given).

    Or on public rows with their labels: `tacit.evaluate(model, x, y)`.

    See `tacit.reporting.evaluate` for the options (metrics, by, at_least, gap_at_most, rows, min_group).
    """
    check_options("evaluate", options, reporting.evaluate, hidden=("run", "data", "labels"))
    return reporting.evaluate(_reported(model), data, labels, **options)


def backtest(
    model: Run | PublicModel | Fitted | nn.Module,
    market: CommittedData | Market | None = None,
    **options: Any,
) -> reporting.Report:
    """Show what positions by this model's output would have earned on a market, committed or public.

    See `tacit.backtesting.backtest` for the options (cost_bps, position, limit, long_only, show, at_least,
    at_most, periods_per_year, rows, dates), and `tacit.market` for the rows.
    """
    check_options("backtest", options, backtesting.backtest, hidden=("run", "data"))
    return backtesting.backtest(_reported(model), market, **options)


def predict(model: Run | PublicModel | Fitted | nn.Module, x: Any = None, **options: Any) -> reporting.Report:
    """Show this model's outputs on rows: public ones, committed ones, or committed ones that stay unnamed.

    See `tacit.predicting.predict` for the options (rows, hide_rows, commit_as).
    """
    check_options("predict", options, predicting.predict, hidden=("run", "x"))
    return predicting.predict(_reported(model), x, **options)
