"""The configuration of a run whose every step is known beforehand: what its record will say at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from tacit.arithmetic.config import Decay, RunConfig, next_power_of_two
from tacit.arithmetic.errors import PlanError
from tacit.arithmetic.planner import Plan
from tacit.arithmetic.rates import decay_numerator, decay_step, integer_rate


def declared_config(plan: Plan, learning_rates: Sequence[float]) -> RunConfig:
    """The configuration after as many steps as there are learning rates; raises `RateError` for a rate that the
    plan's scales cannot represent.
    """
    if not learning_rates:
        raise PlanError("a declared run has at least one step")
    config, steps = plan.config, len(learning_rates)
    chunk = config.schedule.chunk_steps
    unit = config.architecture, config.schedule.batch, config.scales
    known = {lr: integer_rate(lr, *unit) for lr in set(learning_rates)}
    rates = tuple(known[lr] for lr in learning_rates)
    decay = config.schedule.decay
    if decay is not None:
        decay = Decay(decay.bits, _numerators(learning_rates, chunk, plan.weight_decay))
    schedule = replace(
        config.schedule,
        total_steps=steps,
        # As `Trainer.finish` declares a single chunk that was not filled.
        chunk_steps=min(chunk, next_power_of_two(steps)),
        rates=rates,
        decay=decay,
    )
    return replace(config, schedule=schedule)


def _numerators(learning_rates: Sequence[float], chunk: int, weight_decay: float) -> tuple[int, ...]:
    out: list[int] = []
    for first in range(0, len(learning_rates), chunk):
        factor = Fraction(1)
        for lr in learning_rates[first : first + chunk]:
            factor = decay_step(factor, lr, weight_decay)
        out.append(decay_numerator(factor))
    return tuple(out)
