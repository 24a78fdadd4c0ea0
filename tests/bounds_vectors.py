"""Writes no-wrap bounds of planned runs, chunk by chunk, for the verifier's own computation to repeat.

    PYTHONPATH=python python tests/bounds_vectors.py > tests/fixtures/bounds.txt

The format is that of tests/fixtures/arithmetic.txt; `start` is w_in, `bounds` w_out and v_out of every chunk.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from arithmetic_cases import network
from tacit.arithmetic import PlanRequest, RunConfig, make_plan
from tacit.arithmetic.nowrap import RunBounds
from tacit.arithmetic.rates import batch_weight, decay_numerator, decay_step, integer_rate

ACTIVATIONS = ("identity", "relu", "sigmoid", "tanh")
LOSSES = ("cross_entropy", "bce_with_logits", "mse")


def lines(index: int) -> Iterator[str]:
    loss = LOSSES[index % 3]
    wide = index >= 10
    widths = [300, 200, 100, 10] if wide else [9, 7, 5, 4][index % 3 :]
    architecture = network(widths, ACTIVATIONS[index % 4], loss)
    total = 40 + index
    plan = make_plan(
        PlanRequest(
            architecture, rows=100 + index, batch=8 if wide else 10, learning_rates=[0.25, 0.0625],
            data_bits=12, target_bits=12 if loss == "mse" else 0, drop_last=wide or index % 5 == 0,
            momentum=(0.0, 0.5, 0.9)[index % 3], nesterov=index in (2, 4, 8),
            weight_decay=0.01 if index in (0, 6, 11) else 0.0, total_steps=total, chunk_steps=16, fg=9,
            average=4 if index in (3, 13) else None, window_bits=16 if index in (10, 12) else None,
        )
    )  # fmt: skip
    config = plan.config
    bounds, rates, after = RunBounds(config, plan.w_in, total), [], []
    factor, numerators = Fraction(1), []
    for step in range(total):
        lr = 0.25 if step < 25 else 0.0625
        rates.append(integer_rate(lr, config.architecture, config.schedule.batch, config.scales))
        weight = batch_weight(config.schedule, config.scales.omega, step)
        factor = decay_step(factor, lr, plan.weight_decay)
        numerator = decay_numerator(factor) if plan.weight_decay else None
        bounds.admit(rates[-1], (weight, config.schedule.batch_size(step)), numerator)
        if (step + 1) % config.schedule.chunk_steps == 0 or step + 1 == total:
            factor, numerators = Fraction(1), [*numerators, numerator]
            assert bounds.latest is not None
            after += [bounds.latest.w_out, bounds.latest.v_out]
    yield from config_lines(index, config, rates, [16, *numerators] if plan.weight_decay else [])
    yield f"start: {plan.w_in}"
    yield f"bounds: {' '.join(map(str, after))}"


def config_lines(index: int, config: RunConfig, rates: list[int], decay: list[int]) -> Iterator[str]:
    s, c = config.scales, config.schedule
    layers = [
        (x.inputs, x.outputs, int(x.bias), ACTIVATIONS.index(x.activation), x.z_bits, x.q_bits)
        for x in config.architecture.layers
    ]
    values: dict[str, list[int]] = {
        "case": [index],
        "layers": [v for layer in layers for v in layer],
        "loss": [LOSSES.index(config.architecture.loss)],
        "scales": [s.fa, s.fg, s.fw, s.kappa, s.omega],
        "schedule": [c.rows, c.batch, int(c.drop_last), len(rates), c.chunk_steps, int(c.nesterov)],
        "rates": rates,
        "filter": list(c.filter),
        "decay": decay,
        "seed": [],
        "bits": [config.data_bits, config.target_bits],
        "ends": [
            config.norms.z if config.norms else 0,
            config.norms.q if config.norms else 0,
            config.carry_bits or 0,
            c.average or 0,
        ],
    }
    for key, numbers in values.items():
        yield f"{key}: {' '.join(map(str, numbers))}".rstrip()


def text() -> str:
    return "\n".join(line for index in range(14) for line in lines(index)) + "\n"


if __name__ == "__main__":
    print(text(), end="")
