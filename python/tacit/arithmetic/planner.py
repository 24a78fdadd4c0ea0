"""Chooses scales, windows and the chunk length of a run from its learning rates, batch size and architecture.

The smallest omega and fw bring every rate within 1 %. Then the no-wrap inequalities decide how long a chunk may be: halving it and
narrowing windows both make room, and the planner takes the cheapest combination (a halving costs 1; windows of 15, 14, 13 bits
cost 0.5, 1.5 and 5, since an overflow ends a run).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from tacit.arithmetic import nowrap
from tacit.arithmetic.config import (
    MAX_F_PLUS_WINDOW,
    MAX_FW,
    MAX_WINDOW_BITS,
    MIN_FW,
    Architecture,
    Layer,
    Order,
    RunConfig,
    Scales,
    Schedule,
    next_power_of_two,
)
from tacit.arithmetic.errors import NoWrapError, PlanError, RateError
from tacit.arithmetic.rates import (
    TOLERANCE,
    check_lr,
    choose_omega,
    integer_rate,
    momentum_filter,
    real_rate,
    round_half_up,
)

ROWS_PER_CHUNK = 1 << 14
MOMENTUM_KAPPA = 4
INITIAL_WEIGHT_BITS = 2
HISTORY_BYTES = 1 << 32
_WINDOW_COST = {16: 0.0, 15: 0.5, 14: 1.5, 13: 5.0}


@dataclass(frozen=True)
class PlanRequest:
    """What the planner is asked: the run as the user wrote it.

    `learning_rates` are all rates known in advance (the first is the initial one), `largest_weight` bounds |W_0| as a real number,
    `total_steps` is None when the end is not known; `window_bits` and `chunk_steps` are taken as they are if given.
    """

    architecture: Architecture
    rows: int
    batch: int
    learning_rates: Sequence[float]
    data_bits: int
    target_bits: int = 0
    drop_last: bool = False
    momentum: float = 0.0
    order: Order = Order()
    fa: int = 8
    fg: int = 12
    total_steps: int | None = None
    largest_weight: float = 0.0
    window_bits: int | None = None
    chunk_steps: int | None = None


@dataclass(frozen=True)
class Plan:
    """The chosen configuration (with no rates yet), the bound `w_in` of |W_0| at scale fw, the largest integer rate and the number of steps that were planned for."""

    config: RunConfig
    w_in: int
    largest_rate: int
    total_steps: int | None = None


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
    )
    if schedule.steps_per_epoch < 1:
        raise PlanError(
            f"drop_last leaves no batch of {request.batch} in {request.rows} rows; lower batch_size"
        )
    scales = _choose_fw(request, Scales(request.fa, request.fg, MIN_FW, kappa, choose_omega(schedule)))
    rate = max(integer_rate(lr, request.architecture, request.batch, scales) for lr in request.learning_rates)
    w_in = _initial_bound(request.largest_weight, scales)
    base = RunConfig(
        request.architecture, scales, schedule, request.order, request.data_bits, request.target_bits
    )
    config = _choose_chunk(base, request, w_in, rate)
    config.validate()
    return Plan(config, w_in, rate, request.total_steps)


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
    if request.total_steps is not None and request.total_steps < 1:
        raise PlanError(f"total_steps = {request.total_steps}: at least one step is needed")


def _choose_fw(request: PlanRequest, scales: Scales) -> Scales:
    positive = [lr for lr in request.learning_rates if lr]
    for fw in range(MIN_FW, MAX_FW + 1):
        candidate = replace(scales, fw=fw)
        reals = [real_rate(lr, request.architecture, request.batch, candidate) for lr in positive]
        if all(abs(Fraction(round_half_up(real)) / real - 1) < TOLERANCE for real in reals):
            bits = request.window_bits or 13
            if candidate.f + bits > MAX_F_PLUS_WINDOW:
                raise PlanError(
                    f"the smallest learning rate {min(positive)!r} with batch size {request.batch} needs fw = {fw}; fw + kappa + window bits = "
                    f"{candidate.f + bits} exceeds {MAX_F_PLUS_WINDOW}; raise the learning rate or lower batch_size"
                )
            return candidate
    raise RateError(
        f"the learning rates {sorted(set(positive))!r} with batch size {request.batch} need fw > {MAX_FW} to be within 1 %; "
        "use rates that are closer together, such as powers of two"
    )


def _initial_bound(largest_weight: float, scales: Scales) -> int:
    """2^(fw+2), or the next power of two above the largest initial weight."""
    needed = int(largest_weight * 2.0**scales.fw) + 1
    return max(1 << (scales.fw + INITIAL_WEIGHT_BITS), next_power_of_two(needed + 1))


def _with_windows(config: RunConfig, windows: Sequence[tuple[int, int]], chunk_steps: int) -> RunConfig:
    layers = tuple(
        replace(layer, z_bits=z, q_bits=q)
        for layer, (z, q) in zip(config.architecture.layers, windows, strict=True)
    )
    return replace(
        config,
        architecture=replace(config.architecture, layers=layers),
        schedule=replace(config.schedule, chunk_steps=chunk_steps),
    )


def _chunk_candidates(config: RunConfig, request: PlanRequest) -> list[int]:
    if request.chunk_steps is not None:
        return [request.chunk_steps]
    most = max(1, ROWS_PER_CHUNK // config.schedule.padded_batch)
    if request.total_steps is not None:
        most = min(most, next_power_of_two(request.total_steps))
    taps = len(config.schedule.filter)
    while taps > 1 and most > 1 and min(taps, most) * config.architecture.weight_count * 8 > HISTORY_BYTES:
        most //= 2
    return [most >> i for i in range(most.bit_length())]


def _choose_chunk(config: RunConfig, request: PlanRequest, w_in: int, rate: int) -> RunConfig:
    most_bits = min(MAX_WINDOW_BITS, MAX_F_PLUS_WINDOW - config.scales.f)
    allowed = (
        [bits for bits in _WINDOW_COST if bits <= most_bits]
        if request.window_bits is None
        else [request.window_bits]
    )
    candidates = _chunk_candidates(config, request)
    options = sorted(
        (halvings + _WINDOW_COST.get(bits, 0.0), -bits, steps)
        for halvings, steps in enumerate(candidates)
        for bits in allowed
    )
    layers: tuple[Layer, ...] = config.architecture.layers
    for _, negative_bits, steps in options:
        candidate = _with_windows(config, [(-negative_bits, -negative_bits)] * len(layers), steps)
        if _fits(candidate, w_in, rate, request.total_steps):
            return (
                _widen(candidate, w_in, rate, request.total_steps, most_bits)
                if request.window_bits is None
                else candidate
            )
    _, failed = nowrap.failures(
        _with_windows(config, [(allowed[-1], allowed[-1])] * len(layers), candidates[-1]), w_in, 0, rate
    )
    raise NoWrapError(
        failed[0],
        f"even with {candidates[-1]} steps a chunk and {allowed[-1]}-bit windows; use a smaller batch_size, narrower layers, "
        "a narrower data window or a smaller learning rate",
    )


def _fits(config: RunConfig, w_in: int, rate: int, total: int | None) -> bool:
    steps = config.schedule.chunk_steps
    if total is not None and total <= steps:
        return not nowrap.failures(config, w_in, 0, rate, total)[1]
    bounds, failed = nowrap.failures(config, w_in, 0, rate)
    if failed or not config.scales.kappa:
        return not failed
    # Later chunks start from a momentum state that is not zero.
    return not nowrap.failures(config, w_in, bounds.v_out, rate)[1]


def _widen(config: RunConfig, w_in: int, rate: int, total: int | None, most: int) -> RunConfig:
    """Gives every window that does not limit anything its full width again, from the output back (logits need it most)."""
    steps = config.schedule.chunk_steps
    windows = [[layer.z_bits, layer.q_bits] for layer in config.architecture.layers]
    for index in range(len(windows) - 1, -1, -1):
        for kind in (0, 1):
            for bits in range(most, windows[index][kind], -1):
                trial = [list(pair) for pair in windows]
                trial[index][kind] = bits
                if _fits(_with_windows(config, [(z, q) for z, q in trial], steps), w_in, rate, total):
                    windows = trial
                    break
    return _with_windows(config, [(z, q) for z, q in windows], steps)
