"""Reads optimizer and loss, or refuses them by the option that cannot be proven."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD, Optimizer

from tacit.arithmetic.config import Loss
from tacit.torch.errors import UnsupportedLossError, UnsupportedOptimizerError

LossFunction = Callable[[Tensor, Tensor], Tensor]

_LOSSES: dict[type[nn.Module], Loss] = {
    nn.CrossEntropyLoss: "cross_entropy",
    nn.BCEWithLogitsLoss: "bce_with_logits",
    nn.MSELoss: "mse",
}
_FUNCTIONS: dict[Any, Loss] = {
    functional.cross_entropy: "cross_entropy",
    functional.binary_cross_entropy_with_logits: "bce_with_logits",
    functional.mse_loss: "mse",
}
_INSTEAD = {
    "NLLLoss": "use CrossEntropyLoss on logits, without LogSoftmax in the model",
    "BCELoss": "use BCEWithLogitsLoss on logits, without Sigmoid at the end of the model",
    "L1Loss": "use MSELoss",
    "SmoothL1Loss": "use MSELoss",
    "HuberLoss": "use MSELoss",
}


def read_loss(loss_fn: LossFunction) -> Loss:
    """The loss as the configuration names it; raises `UnsupportedLossError`."""
    known = _FUNCTIONS.get(loss_fn)
    if known is not None:
        return known
    name = type(loss_fn).__name__
    loss = _LOSSES.get(type(loss_fn)) if isinstance(loss_fn, nn.Module) else None
    if loss is None:
        raise UnsupportedLossError(
            f"{getattr(loss_fn, '__name__', name)} is not supported: "
            f"{_INSTEAD.get(name, 'use CrossEntropyLoss, BCEWithLogitsLoss or MSELoss')}"
        )
    for option, wanted in (
        ("reduction", "mean"),
        ("weight", None),
        ("pos_weight", None),
        ("label_smoothing", 0.0),
        ("ignore_index", -100),
    ):
        value = getattr(loss_fn, option, wanted)
        if value is not wanted and value != wanted:
            raise UnsupportedLossError(
                f"{name}({option}={value!r}) is not supported: leave {option} at its default {wanted!r}"
            )
    return loss


@dataclass(frozen=True)
class OptimizerSettings:
    """The learning rate now, momentum, whether it is Nesterov's, and the weight decay of an SGD optimizer."""

    lr: float
    momentum: float
    nesterov: bool
    weight_decay: float


def read_lr(groups: list[dict[str, Any]]) -> float:
    """The learning rate that all parameter groups share; raises `UnsupportedOptimizerError` if they differ."""
    rates = {float(group["lr"]) for group in groups}
    if len(rates) != 1:
        raise UnsupportedOptimizerError(
            f"the parameter groups have learning rates {sorted(rates)}: use one rate for all parameters"
        )
    return rates.pop()


def read_optimizer(optimizer: Optimizer, model: nn.Module) -> OptimizerSettings:
    """The settings of a fresh `torch.optim.SGD` over all parameters of the model; raises
    `UnsupportedOptimizerError`.
    """
    name = type(optimizer).__name__
    if type(optimizer) is not SGD:
        why = (
            "its update is not linear in the gradients"
            if name.startswith(("Adam", "RMSprop", "Adagrad"))
            else "only SGD is provable"
        )
        raise UnsupportedOptimizerError(f"{name} is not supported ({why}): use torch.optim.SGD")
    if optimizer.state:
        raise UnsupportedOptimizerError(
            "the optimizer has already made steps: create it anew after loading the weights"
        )
    trained = {id(p) for group in optimizer.param_groups for p in group["params"]}
    for parameter_name, parameter in model.named_parameters():
        if id(parameter) not in trained:
            raise UnsupportedOptimizerError(
                f"parameter {parameter_name!r} is not in the optimizer: pass model.parameters()"
            )
    if len(trained) != len(list(model.parameters())):
        raise UnsupportedOptimizerError("the optimizer holds parameters that the model does not have")
    if optimizer._optimizer_step_pre_hooks or optimizer._optimizer_step_post_hooks:
        raise UnsupportedOptimizerError(
            "the optimizer has step hooks: remove them, they are not part of the proof"
        )
    momenta: set[tuple[float, bool, float]] = set()
    for group in optimizer.param_groups:
        for option, wanted, instead in (
            ("dampening", 0, "leave it 0"),
            ("maximize", False, "minimise the loss"),
            ("differentiable", False, "leave it False"),
        ):
            if group.get(option, wanted) != wanted:
                raise UnsupportedOptimizerError(f"SGD({option}={group[option]!r}) is not supported: {instead}")
        momentum, decay = float(group["momentum"]), float(group["weight_decay"])
        momenta.add((momentum, bool(group["nesterov"]), decay))
    if len(momenta) != 1:
        raise UnsupportedOptimizerError(
            "the parameter groups differ in momentum or weight_decay: use the same for all parameters"
        )
    return OptimizerSettings(read_lr(optimizer.param_groups), *momenta.pop())
