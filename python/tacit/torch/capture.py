"""Reads a PyTorch model as a list of affine layers with activations, or refuses it by the name of the part that
does not fit.

The model is traced with torch.fx. What comes out is run against the model on random rows, so that a misread
model cannot be trained.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tacit.arithmetic.config import Activation, Architecture, Layer, Loss
from tacit.torch.errors import UnsupportedModelError
from tacit.torch.graph import Operation, operations

_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "identity": lambda z: z,
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
}
_HOOKS = (
    "_forward_hooks",
    "_forward_pre_hooks",
    "_backward_hooks",
    "_backward_pre_hooks",
)


@dataclass(frozen=True)
class CapturedLayer:
    """One `nn.Linear` of the model, under its own name, and the activation that follows it."""

    name: str
    linear: nn.Linear
    activation: Activation


@dataclass(frozen=True)
class CapturedModel:
    """The layers of a model from input to output."""

    layers: tuple[CapturedLayer, ...]

    def architecture(self, loss: Loss) -> Architecture:
        """The same as a configuration, with full windows."""
        return Architecture(
            tuple(
                Layer(c.linear.in_features, c.linear.out_features, c.linear.bias is not None, c.activation)
                for c in self.layers
            ),
            loss,
        )

    def parameter_names(self) -> tuple[tuple[str, str | None], ...]:
        """Names of weight and bias of each layer in the model's state_dict."""
        return tuple(
            (_join(c.name, "weight"), _join(c.name, "bias") if c.linear.bias is not None else None)
            for c in self.layers
        )

    def run(self, x: Tensor) -> Tensor:
        """The captured layers in float arithmetic, for comparison with the model."""
        x = x.flatten(1)
        for layer in self.layers:
            x = _ACTIVATIONS[layer.activation](layer.linear(x))
        return x


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def capture(model: nn.Module) -> CapturedModel:
    """The layers of `model`; raises `UnsupportedModelError` naming what cannot be proven and what to use
    instead.
    """
    _check_modules(model)
    steps = [Operation("linear", "", model)] if type(model) is nn.Linear else operations(model)
    captured = _pair(steps)
    _check_parameters(model, captured)
    _compare(model, captured)
    return captured


def _pair(steps: list[Operation]) -> CapturedModel:
    layers: list[CapturedLayer] = []
    pending: Operation | None = None
    activation: Activation = "identity"
    label = ""
    for step in steps:
        if isinstance(step.module, nn.Linear) and step.kind == "linear":
            if pending is not None:
                layers.append(_layer(pending, activation))
            pending, activation = step, "identity"
        elif step.kind == "flatten":
            continue
        elif pending is None:
            raise UnsupportedModelError(
                f"{step.label} comes before the first Linear layer: apply it to the data instead"
            )
        elif activation != "identity":
            raise UnsupportedModelError(
                f"{step.label} follows another activation ({label}): put a Linear layer between them"
            )
        else:
            activation, label = _activation(step.kind), step.label
    if pending is None:
        raise UnsupportedModelError("the model has no Linear layer")
    if activation != "identity":
        raise UnsupportedModelError(
            f"{label} comes after the last Linear layer: remove it, the loss contains it "
            "(CrossEntropyLoss and BCEWithLogitsLoss take logits)"
        )
    layers.append(_layer(pending, activation))
    seen: dict[int, str] = {}
    for layer in layers:
        if id(layer.linear) in seen:
            raise UnsupportedModelError(
                f"layer {layer.name!r} is used twice: shared weights are not supported, use two Linear layers"
            )
        seen[id(layer.linear)] = layer.name
    return CapturedModel(tuple(layers))


def _activation(kind: str) -> Activation:
    match kind:
        case "relu" | "sigmoid" | "tanh":
            return kind
        case _:
            raise UnsupportedModelError(f"{kind} is not supported")


def _layer(step: Operation, activation: Activation) -> CapturedLayer:
    assert isinstance(step.module, nn.Linear)
    return CapturedLayer(step.target, step.module, activation)


def _check_modules(model: nn.Module) -> None:
    for name, module in model.named_modules():
        label = f"{type(module).__name__} {name!r}" if name else type(module).__name__
        for attribute in _HOOKS:
            if getattr(module, attribute, None):
                raise UnsupportedModelError(
                    f"{label} has hooks registered: remove them, they are not part of the proof"
                )
        if hasattr(module, "parametrizations"):
            raise UnsupportedModelError(f"{label} has parametrizations: use a plain Linear layer")
        if isinstance(module, nn.Linear) and isinstance(module.weight, nn.parameter.UninitializedParameter):
            raise UnsupportedModelError(
                f"{label} is not initialised yet: run it once, or use nn.Linear with its input width"
            )


def _check_parameters(model: nn.Module, captured: CapturedModel) -> None:
    used = {id(p): c.name for c in captured.layers for p in c.linear.parameters()}
    if len(used) != sum(len(list(c.linear.parameters())) for c in captured.layers):
        raise UnsupportedModelError(
            "two layers share one weight: shared weights are not supported, give each layer its own"
        )
    for name, parameter in model.named_parameters():
        if id(parameter) not in used:
            raise UnsupportedModelError(
                f"parameter {name!r} belongs to no Linear layer of the forward pass: remove it"
            )
        if not parameter.requires_grad:
            raise UnsupportedModelError(
                f"parameter {name!r} is frozen (requires_grad=False): train all layers, or commit its outputs "
                "as data"
            )
        if parameter.dtype not in (torch.float32, torch.float64):
            raise UnsupportedModelError(f"parameter {name!r} is {parameter.dtype}: use float32 (model.float())")
        if parameter.device.type != "cpu":
            raise UnsupportedModelError(
                f"parameter {name!r} is on {parameter.device}: move the model to the CPU (model.cpu())"
            )
        if not bool(torch.isfinite(parameter).all()):
            raise UnsupportedModelError(f"parameter {name!r} holds NaN or infinity")
        if parameter._backward_hooks or getattr(parameter, "_post_accumulate_grad_hooks", None):
            raise UnsupportedModelError(f"parameter {name!r} has hooks registered: remove them")
    if len({p.dtype for p in model.parameters()}) > 1:
        raise UnsupportedModelError("the layers have different dtypes: use float32 throughout (model.float())")


def _compare(model: nn.Module, captured: CapturedModel) -> None:
    first = captured.layers[0].linear
    x = torch.randn(3, first.in_features, dtype=first.weight.dtype, generator=torch.Generator().manual_seed(0))
    was_training = model.training
    with torch.no_grad():
        expected, got = model(x), captured.run(x)
    model.train(was_training)
    if (
        not isinstance(expected, Tensor)
        or expected.reshape(3, -1).shape != got.shape
        or not torch.allclose(expected.reshape(3, -1), got, atol=1e-4, rtol=1e-3)
    ):
        raise UnsupportedModelError(
            "the forward pass does something beyond Linear layers and activations in a row: use nn.Sequential"
        )
