"""The optimizer that stands in for the user's SGD: learning rates come from its parameter groups, updates from
the integers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import torch
from torch.optim import SGD, Optimizer

from tacit.torch.errors import TrainingLoopError, UnsupportedOptimizerError
from tacit.torch.options import OptimizerSettings, read_lr
from tacit.torch.session import TrainingSession


class ProvableSGD(SGD):
    """SGD whose `step()` applies the exact update. It shares the parameter groups of the optimizer that it
    replaces, so that a scheduler made for either of them sets the rate of the next step.
    """

    def __init__(self, optimizer: Optimizer, settings: OptimizerSettings, session: TrainingSession) -> None:
        """Takes over the parameter groups as they are."""
        super().__init__(
            [p for g in optimizer.param_groups for p in g["params"]],
            lr=settings.lr,
            momentum=settings.momentum,
            nesterov=settings.nesterov,
            weight_decay=settings.weight_decay,
        )
        self.param_groups = optimizer.param_groups
        self._replaced = optimizer
        self._settings = settings
        self._session = session

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """One exact update with the learning rate that the parameter groups hold now."""
        if closure is not None:
            raise TrainingLoopError(
                "step(closure) is not supported: compute the loss in the loop and call step()"
            )
        for group in self.param_groups:
            planned = asdict(self._settings)
            for option in ("momentum", "nesterov", "dampening", "weight_decay", "maximize"):
                if group.get(option, 0) != planned.get(option, 0):
                    raise UnsupportedOptimizerError(
                        f"{option} was set to {group[option]!r} during the run: only lr may change"
                    )
        self._session.update(read_lr(self.param_groups))
        # A scheduler made for the replaced optimizer asks whether that one has stepped.
        self._replaced._opt_called = True  # type: ignore[attr-defined]

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Refused once the run has begun."""
        if hasattr(self, "_session"):
            raise UnsupportedOptimizerError("parameter groups cannot be added to a run")
        super().add_param_group(param_group)

    def load_state_dict(self, state_dict: Any) -> None:
        """Refused: a run starts with no momentum."""
        raise UnsupportedOptimizerError("the state of another optimizer cannot be loaded into a run")
