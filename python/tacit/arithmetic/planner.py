"""Chooses scales, windows and the chunk length of a run from its learning rates, batch size and architecture.

The smallest omega and fw bring every rate within 1 %; `tacit.arithmetic.windows` finds windows with which the
whole run fits the field. Nothing here looks at the data.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from tacit.arithmetic.config import (
    MAX_DECAY_BITS,
    MAX_FW,
    MAX_WINDOW_BITS,
    MIN_FW,
    Architecture,
    Decay,
    Order,
    RunConfig,
    Scales,
    Schedule,
    next_power_of_two,
)
from tacit.arithmetic.errors import PlanError, RateError
from tacit.arithmetic.rates import (
    TOLERANCE,
    check_lr,
    choose_omega,
    decay_numerator,
    decay_step,
    integer_rate,
    momentum_filter,
    real_rate,
    round_half_up,
)
from tacit.arithmetic.windows import Choice, Search, choose_windows

ROWS_PER_CHUNK = 1 << 14
MOMENTUM_KAPPA = 4
INITIAL_WEIGHT_BITS = 2
WIDER_WEIGHT_BITS = (4, 6, 8, 10, 12, 14)
HISTORY_BYTES = 1 << 32
HORIZON_STEPS = 1 << 10
HORIZON_EPOCHS = 20


@dataclass(frozen=True)
class PlanRequest:
    """What the planner is asked: the run as the user wrote it.

    `learning_rates` are all rates known in advance (the first is the initial one), `largest_weight` bounds
    |W_0| as a real number, `total_steps` is None when the end is not known; `fg`, `window_bits` and
    `chunk_steps` are taken as they are if given. With `average` = m the run ends with the mean of the weights
    after each of its last m steps.
    """

    architecture: Architecture
    rows: int
    batch: int
    learning_rates: Sequence[float]
    data_bits: int
    target_bits: int = 0
    drop_last: bool = False
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    order: Order = field(default_factory=Order)
    fa: int = 8
    fg: int | None = None
    total_steps: int | None = None
    largest_weight: float = 0.0
    window_bits: int | None = None
    chunk_steps: int | None = None
    average: int | None = None


@dataclass(frozen=True)
class Plan:
    """The chosen configuration (with no rates yet) and the bound `w_in` of |W_0| at scale fw.

    `total_steps` is the length that was asked for, None if it was not known; `weight_decay` is what a step
    shrinks weights by, per unit of its rate: PyTorch's, over 1 - momentum (see `docs/arithmetic.md`).
    """

    config: RunConfig
    w_in: int
    total_steps: int | None = None
    weight_decay: float = 0.0


def make_plan(request: PlanRequest) -> Plan:
    """Raises `PlanError` (or its subclass `NoWrapError`, naming layer and inequality) when nothing fits."""
    _check_request(request)
    kappa = MOMENTUM_KAPPA if request.momentum else 0
    schedule = Schedule(
        rows=request.rows,
        batch=request.batch,
        drop_last=request.drop_last,
        total_steps=0,
        chunk_steps=1,
        rates=(),
        filter=momentum_filter(request.momentum, kappa),
        nesterov=request.nesterov,
        average=request.average,
    )
    if schedule.steps_per_epoch < 1:
        raise PlanError(
            f"drop_last leaves no batch of {request.batch} in {request.rows} rows; lower batch_size"
        )
    schedule = replace(schedule, chunk_steps=_chunk_steps(request, schedule))
    _check_average(request, schedule.chunk_steps)
    if request.weight_decay:
        _check_decay(request, schedule.chunk_steps)
        schedule = replace(schedule, decay=Decay(MAX_DECAY_BITS, ()))
    omega = choose_omega(schedule)

    def option(fg: int, z_bits: int, q_bits: int) -> Choice:
        scales = _choose_fw(request, Scales(request.fa, fg, MIN_FW, kappa, omega))
        layers = tuple(replace(layer, z_bits=z_bits, q_bits=q_bits) for layer in request.architecture.layers)
        architecture = replace(request.architecture, layers=layers)
        rate = max(integer_rate(lr, architecture, request.batch, scales) for lr in request.learning_rates)
        config = RunConfig(
            architecture, scales, schedule, request.order, request.data_bits, request.target_bits
        )
        return Choice(config, _initial_bound(request.largest_weight, scales), rate)

    horizon = max(HORIZON_STEPS, HORIZON_EPOCHS * schedule.steps_per_epoch)
    search = Search(
        option,
        fa=request.fa,
        gradient_bits=_gradient_bits(request),
        window_bits=request.window_bits,
        steps=horizon if request.total_steps is None else request.total_steps,
        may_shorten=request.total_steps is None,
        averaged=request.average or 1,
    )
    choice = choose_windows(search)
    replace(choice.config, schedule=replace(choice.config.schedule, average=None)).validate()
    return Plan(choice.config, choice.w_in, request.total_steps, _shrink(request))


def _shrink(request: PlanRequest) -> float:
    """PyTorch adds weight_decay W to each gradient; momentum hands 1 / (1 - mu) of that on to the weights "
    "in all."""
    return request.weight_decay / (1 - request.momentum)


def _check_average(request: PlanRequest, chunk_steps: int) -> None:
    average, total = request.average, request.total_steps
    if average is None:
        return
    if total is None:
        raise PlanError(
            "an average of the last weights needs the length of the run: give epochs= or max_steps="
        )
    last = (total - 1) % chunk_steps + 1
    if average < 2 or average & (average - 1) or average > last:
        raise PlanError(
            f"average = {average}: the mean of the weights after each of the last 2, 4, 8, ... steps is "
            f"possible, up to "
            f"the {last} steps of the last chunk; use another average, chunk_steps or number of steps"
        )


def _check_decay(request: PlanRequest, chunk_steps: int) -> None:
    """What a full chunk shrinks weights by has to be within 5 % of what was asked for."""
    lr, factor = request.learning_rates[0], Fraction(1)
    for _ in range(min(chunk_steps, request.total_steps or chunk_steps)):
        factor = decay_step(factor, lr, _shrink(request))
    got = 1 - Fraction(decay_numerator(factor), 1 << MAX_DECAY_BITS)
    if lr and abs(got / (1 - factor) - 1) > Fraction(1, 20):
        raise PlanError(
            f"weight_decay {request.weight_decay!r} shrinks weights by {float(1 - factor):.2g} in a chunk of "
            f"{chunk_steps} steps, too little for 16 bits: use a larger one, or 0"
        )


def _gradient_bits(request: PlanRequest) -> Sequence[int]:
    """Candidates for fg, best first."""
    if request.fg is not None:
        return (request.fg,)
    if request.architecture.loss == "mse" and len(request.architecture.layers) == 1:
        # The gradient Z - y has fa fractional bits as it is; more would only be zeros.
        return (request.fa,)
    return tuple(fg for fg in (12, 11, 10, 9, 8) if fg >= request.fa) or (request.fa,)


def _chunk_steps(request: PlanRequest, schedule: Schedule) -> int:
    if request.chunk_steps is not None:
        return request.chunk_steps
    most = max(1, ROWS_PER_CHUNK // schedule.padded_batch)
    if request.total_steps is not None:
        most = min(most, next_power_of_two(request.total_steps))
    taps = len(schedule.filter)
    while taps > 1 and most > 1 and min(taps, most) * request.architecture.weight_count * 8 > HISTORY_BYTES:
        most //= 2
    return most


def _check_request(request: PlanRequest) -> None:
    if request.rows < 1 or request.batch < 1:
        raise PlanError(f"{request.rows} rows in batches of {request.batch}: both have to be at least 1")
    if not request.learning_rates:
        raise PlanError("no learning rate is given")
    for lr in request.learning_rates:
        check_lr(lr)
    if request.window_bits is not None and not 8 <= request.window_bits <= MAX_WINDOW_BITS:
        raise PlanError(f"window_bits = {request.window_bits}: between 8 and {MAX_WINDOW_BITS} is supported")
    steps = request.chunk_steps
    if steps is not None and (steps < 1 or next_power_of_two(steps) != steps):
        raise PlanError(f"chunk_steps = {steps} is not a power of two")
    if not (math.isfinite(request.weight_decay) and request.weight_decay >= 0):
        raise PlanError(f"weight_decay {request.weight_decay!r} is not a finite number of at least 0")
    if request.nesterov and not request.momentum:
        raise PlanError("nesterov needs a momentum above 0")
    if request.total_steps is not None and request.total_steps < 1:
        raise PlanError(f"total_steps = {request.total_steps}: at least one step is needed")


def _choose_fw(request: PlanRequest, scales: Scales) -> Scales:
    positive = [lr for lr in request.learning_rates if lr]
    for fw in range(MIN_FW, MAX_FW + 1):
        candidate = replace(scales, fw=fw)
        reals = [real_rate(lr, request.architecture, request.batch, candidate) for lr in positive]
        if all(abs(Fraction(round_half_up(real)) / real - 1) < TOLERANCE for real in reals):
            return candidate
    raise RateError(
        f"the learning rates {sorted(set(positive))!r} with batch size {request.batch} need "
        f"fw > {MAX_FW} to be within 1 %; use rates that are closer together, such as powers of two"
    )


def _initial_bound(largest_weight: float, scales: Scales) -> int:
    """The smallest of a few fixed windows that holds the initial weights; all but the first tell of them."""
    needed = int(largest_weight * 2.0**scales.fw) + 1
    for bits in (INITIAL_WEIGHT_BITS, *WIDER_WEIGHT_BITS):
        if needed < 1 << (scales.fw + bits):
            return 1 << (scales.fw + bits)
    raise PlanError(f"an initial weight of {largest_weight:.6g} is too large: at most 16,383 is supported")
