"""Learning rates, batch weights and momentum as integers: rho = round(lr norm / B 2^(fw - fa - fg - omega)),
w_s = round(2^omega B / B_s).

Real values are exact fractions, so that no platform rounds differently.
"""

from __future__ import annotations

import math
from fractions import Fraction

from tacit.arithmetic.config import MAX_DECAY_BITS, Architecture, Scales, Schedule
from tacit.arithmetic.errors import RateError

TOLERANCE = Fraction(1, 100)
MAX_FILTER = 1 << 12


def round_half_up(value: Fraction) -> int:
    """floor(value + 1/2)."""
    return math.floor(value + Fraction(1, 2))


def loss_norm(architecture: Architecture) -> Fraction:
    """What PyTorch's mean reduction multiplies the summed gradient of a batch by, apart from 1 / B."""
    match architecture.loss:
        case "cross_entropy":
            return Fraction(1)
        case "bce_with_logits":
            return Fraction(1, architecture.outputs)
        case "mse":
            return Fraction(2, architecture.outputs)


def batch_weight(schedule: Schedule, omega: int, step: int) -> int:
    """w_s: what makes the gradient of a partial batch a mean over its real size."""
    return round_half_up(Fraction(schedule.batch << omega, schedule.batch_size(step)))


def choose_omega(schedule: Schedule) -> int:
    """The fewest bits with which every batch weight is within 1 % of B / B_s."""
    last = schedule.batch_size(schedule.steps_per_epoch - 1)
    real = Fraction(schedule.batch, last)
    for omega in range(9):
        if abs(round_half_up(real * (1 << omega)) / (real * (1 << omega)) - 1) < TOLERANCE:
            return omega
    raise AssertionError("8 bits bring a ratio of at least 1 within 0.2 %")


def real_rate(lr: float, architecture: Architecture, batch: int, scales: Scales) -> Fraction:
    """lr norm / B 2^(fw - fa - fg - omega), exactly."""
    return (
        Fraction(lr)
        * loss_norm(architecture)
        / batch
        * Fraction(2) ** (scales.fw - scales.fa - scales.fg - scales.omega)
    )


def check_lr(lr: float) -> None:
    """Raises `RateError` unless `lr` is a finite number of at least 0."""
    if not math.isfinite(lr) or lr < 0:
        raise RateError(f"learning rate {lr!r} is not a finite number of at least 0")


def integer_rate(lr: float, architecture: Architecture, batch: int, scales: Scales) -> int:
    """rho for a learning rate; raises `RateError` if it is not a rate or not within 1 % (0 is exact)."""
    check_lr(lr)
    real = real_rate(lr, architecture, batch, scales)
    rate = round_half_up(real)
    if real and abs(rate / real - 1) >= TOLERANCE:
        raise RateError(
            f"learning rate {lr!r} cannot be represented within 1 %: it would be the integer {rate} for "
            f"{float(real):.4g}; "
            f"name the smallest rate that the run will use with learning_rates=[..., {lr!r}], so that fw is "
            f"chosen larger than {scales.fw}"
        )
    if rate >= 1 << 40:
        raise RateError(f"learning rate {lr!r} is too large")
    return rate


def effective_lr(rate: int, architecture: Architecture, batch: int, scales: Scales) -> float:
    """The learning rate that the integer rate stands for, as stated in the proof."""
    unit = Fraction(2) ** (scales.fa + scales.fg + scales.omega - scales.fw)
    return float(rate * batch * unit / loss_norm(architecture))


def decay_step(factor: Fraction, lr: float, weight_decay: float) -> Fraction:
    """The factor on weights after one more step that shrinks them by 1 - lr weight_decay."""
    shrink = 1 - Fraction(lr) * Fraction(weight_decay)
    if shrink <= 0:
        raise RateError(f"learning rate {lr!r} with weight_decay {weight_decay!r} would turn weights around")
    return _short(factor * shrink)


def decay_numerator(factor: Fraction) -> int:
    """The factor in units of 2^-16, in 1 to 2^16."""
    return max(1, round_half_up(factor * (1 << MAX_DECAY_BITS)))


def _short(value: Fraction) -> Fraction:
    # 128 bits keep the fraction short; the error is far below what any half-way case could notice.
    return Fraction(math.floor(value * (1 << 128)), 1 << 128)


def momentum_filter(mu: float, kappa: int) -> tuple[int, ...]:
    """d_i = round(2^kappa mu^i) up to the last non-zero one; (1,) without momentum (kappa = 0)."""
    if kappa == 0:
        return (1,)
    if not 0 <= mu < 1:
        raise RateError(f"momentum {mu!r} is not in [0, 1)")
    taps: list[int] = []
    power, base = Fraction(1), Fraction(mu)
    while len(taps) <= MAX_FILTER and (tap := round_half_up(power * (1 << kappa))):
        taps.append(tap)
        power = _short(power * base)
    if not 2 <= len(taps) <= MAX_FILTER:
        raise RateError(
            f"momentum {mu!r} cannot be represented: its filter would have {len(taps)} entries, between 2 and "
            f"{MAX_FILTER} are supported; use 0 or a momentum from 1/32 to 0.999"
        )
    return tuple(taps)
