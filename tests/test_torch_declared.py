"""The configuration that a run is declared with is the one that its record has in the end."""

from __future__ import annotations

from typing import Any

import pytest

from tacit.arithmetic import ArithmeticConfigError, Order, PlanError, RunConfig
from tacit.arithmetic.declare import declared_config
from tacit.torch import TrainingLoopError, run_record
from tacit.torch.planning import Planned, Resolved
from torch_cases import epoch, prepare


def trained(lrs: list[float] | None = None, **options: Any) -> tuple[RunConfig, RunConfig]:
    """Declared and recorded configuration of three epochs of six batches, of which the last is partial."""
    seen: list[RunConfig] = []

    def resolve(planned: Planned) -> Resolved:
        assert planned.declared is not None
        seen.append(planned.declared)
        return Resolved(Order(bytes(range(32))), planned.weights, planned.declared)

    run = prepare(resolve=resolve, epochs=3, schedule=lrs, **options)
    for lr in lrs or [0.125] * 3:
        for group in run.optimizer.param_groups:
            group["lr"] = lr
        epoch(run)
    return seen[0], run_record(run.model).config


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"chunk_steps": 4},
        {"chunk_steps": 64},
        {"momentum": 0.9, "chunk_steps": 8},
        {"momentum": 0.9, "nesterov": True},
        {"weight_decay": 0.05, "chunk_steps": 8},
        {"weight_decay": 0.05, "chunk_steps": 32},
        {"weight_decay": 0.05, "momentum": 0.5, "chunk_steps": 4},
        {"average": 2, "chunk_steps": 8},
        {"lrs": [0.125, 0.0625, 0.0]},
        {"lrs": [0.125, 0.0625, 0.03125], "weight_decay": 0.05, "chunk_steps": 16},
        {"drop_last": True, "chunk_steps": 2},
    ],
)
def test_declared_is_recorded(options: dict[str, Any]) -> None:
    declared, recorded = trained(**options)
    assert recorded.order == Order(bytes(range(32)))
    assert declared.order == Order(bytes(32))
    fields = (declared.architecture, declared.scales, declared.schedule, declared.norms, declared.carry_bits)
    assert fields == (
        recorded.architecture,
        recorded.scales,
        recorded.schedule,
        recorded.norms,
        recorded.carry_bits,
    )


def test_a_step_with_another_rate_is_refused() -> None:
    def resolve(planned: Planned) -> Resolved:
        return Resolved(Order(bytes(32)), planned.weights, planned.declared)

    run = prepare(resolve=resolve, max_steps=2, schedule=[0.125, 0.0625])

    def unfinished() -> None:
        if run.model.session.step == 1:  # type: ignore[union-attr]
            with pytest.raises(TrainingLoopError, match="declared with 2 steps and has made 1"):
                run_record(run.model)

    with pytest.raises(TrainingLoopError, match=r"step 1 has the learning rate 0.125, another than was"):
        epoch(run, after=unfinished)


def test_schedules_that_do_not_fit() -> None:
    with pytest.raises(ArithmeticConfigError, match="2 rates for 3 epochs"):
        prepare(epochs=3, schedule=[0.1, 0.1])
    with pytest.raises(ArithmeticConfigError, match="2 rates for 3 steps"):
        prepare(max_steps=3, schedule=[0.1, 0.1])
    with pytest.raises(ArithmeticConfigError, match="needs epochs or max_steps"):
        prepare(schedule=[0.1])
    plan = prepare(epochs=1).model.session.trainer._plan  # type: ignore[union-attr]
    with pytest.raises(PlanError, match="at least one step"):
        declared_config(plan, [])
