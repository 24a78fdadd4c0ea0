"""Traces a model with torch.fx into a row of operations: linear, flatten, relu, sigmoid, tanh. Everything else
is refused by name.

A new kind of layer starts with an entry here.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx, nn
from torch.nn import functional

from tacit.torch.errors import UnsupportedModelError


@dataclass(frozen=True)
class Operation:
    """One operation of the forward pass: its kind, its module and the name of that (empty for functions)."""

    kind: str
    target: str
    module: nn.Module | None = None

    @property
    def label(self) -> str:
        """How error messages call it."""
        what = type(self.module).__name__ if self.module is not None else self.kind
        return f"{what} {self.target!r}" if self.target else what


_MODULES: dict[type[nn.Module], str] = {
    nn.Linear: "linear",
    nn.ReLU: "relu",
    nn.Sigmoid: "sigmoid",
    nn.Tanh: "tanh",
    nn.Flatten: "flatten",
    nn.Identity: "nothing",
}
_FUNCTIONS: dict[Callable[..., Any], str] = {
    functional.relu: "relu",
    torch.relu: "relu",
    torch.sigmoid: "sigmoid",
    functional.sigmoid: "sigmoid",
    torch.tanh: "tanh",
    functional.tanh: "tanh",
    torch.flatten: "flatten",
}
_METHODS = {
    "relu": "relu",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "flatten": "flatten",
    "view": "view",
    "reshape": "view",
}

_INSTEAD = {
    "Dropout": "remove it (random in training)",
    "BatchNorm1d": "remove it and standardise the data when committing it",
    "BatchNorm2d": "remove it and standardise the data when committing it",
    "LayerNorm": "remove it and standardise the data when committing it",
    "Softmax": "remove it, CrossEntropyLoss takes logits",
    "LogSoftmax": "remove it, CrossEntropyLoss takes logits",
    "GELU": "use ReLU or Tanh",
    "SiLU": "use ReLU or Sigmoid",
    "LeakyReLU": "use ReLU",
    "ELU": "use ReLU or Tanh",
    "Softplus": "use ReLU",
    "Hardtanh": "use Tanh",
    "Conv1d": "use Flatten and Linear",
    "Conv2d": "use Flatten and Linear",
    "Embedding": "commit the column as categorical (one-hot) and use Linear",
    "LazyLinear": "use nn.Linear with its input width",
    "softmax": "remove it, CrossEntropyLoss takes logits",
    "log_softmax": "remove it, CrossEntropyLoss takes logits",
    "dropout": "remove it (random in training)",
    "linear": "use an nn.Linear module",
}
_SUPPORTED = "supported are Linear, ReLU, Sigmoid, Tanh and Flatten"


def _refusal(label: str, name: str) -> UnsupportedModelError:
    return UnsupportedModelError(f"{label} is not supported: {_INSTEAD.get(name, _SUPPORTED)}")


def trace(model: nn.Module) -> fx.GraphModule:
    """The fx graph of a model; raises `UnsupportedModelError` where its forward pass depends on the data."""
    try:
        return fx.symbolic_trace(model)
    except UnsupportedModelError:
        raise
    except Exception as error:
        raise UnsupportedModelError(
            f"the forward pass of {type(model).__name__} cannot be traced ({type(error).__name__}: {error}); "
            "write it without branches on the data, or as nn.Sequential"
        ) from error


def _check_names(model: nn.Module) -> None:
    # Before tracing: an unsupported module often cannot be traced either.
    for name, module in model.named_modules():
        if (
            type(module) not in _MODULES
            and type(module).__module__.startswith("torch.nn.")
            and not _is_container(module)
        ):
            raise _refusal(f"{type(module).__name__} {name!r}", type(module).__name__)
        if isinstance(module, nn.Linear) and type(module) is not nn.Linear:
            raise UnsupportedModelError(
                f"{type(module).__name__} {name!r} is a subclass of Linear: use nn.Linear itself"
            )


def operations(model: nn.Module) -> list[Operation]:
    """The operations of a model in order; raises `UnsupportedModelError` unless they are one chain."""
    _check_names(model)
    graph = trace(model)
    out: list[Operation] = []
    value: fx.Node | None = None
    sizes: set[fx.Node] = set()
    for node in graph.graph.nodes:
        if node.op == "placeholder":
            if value is not None:
                raise UnsupportedModelError(
                    f"the forward pass takes a second input {node.target!r}: one tensor of features is "
                    "supported"
                )
            value = node
        elif node.op == "output":
            if node.args[0] is not value:
                raise UnsupportedModelError(
                    "the forward pass returns something other than the output of its last layer"
                )
        elif _is_size(node, sizes):
            sizes.add(node)
        else:
            step = _operation(node, graph)
            if not node.args or node.args[0] is not value:
                raise UnsupportedModelError(
                    f"{step.label} does not read the layer before it: branches, skip connections and constants "
                    "are not supported"
                )
            _check_arguments(node, step)
            value = node
            if step.kind == "view":
                step = Operation("flatten", step.target, step.module)
            if step.kind != "nothing":
                out.append(step)
    return out


def _is_container(module: nn.Module) -> bool:
    return isinstance(module, nn.Sequential | nn.ModuleList | nn.ModuleDict)


def _is_size(node: fx.Node, sizes: set[fx.Node]) -> bool:
    """Whether a node only computes a shape, as in x.view(x.size(0), -1)."""
    if node.op == "call_method" and node.target == "size":
        return True
    if node.op != "call_function":
        return False
    if node.target is getattr and node.args[1] == "shape":
        return True
    return node.target is operator.getitem and node.args[0] in sizes


def _operation(node: fx.Node, graph: fx.GraphModule) -> Operation:
    if node.op == "call_module":
        module = graph.get_submodule(str(node.target))
        kind = _MODULES.get(type(module))
        if kind is None:
            raise _refusal(f"{type(module).__name__} {node.target!r}", type(module).__name__)
        return Operation(kind, str(node.target), module)
    if node.op == "call_function":
        assert callable(node.target)
        name = getattr(node.target, "__name__", str(node.target))
        kind = _FUNCTIONS.get(node.target)
    elif node.op == "call_method":
        name = str(node.target)
        kind = _METHODS.get(name)
    else:
        raise UnsupportedModelError(
            f"the forward pass reads {node.target!r}, which is no layer: only Linear layers may hold numbers"
        )
    if kind is None:
        raise _refusal(f"{name}()", name)
    return Operation(kind, "")


def _check_arguments(node: fx.Node, step: Operation) -> None:
    """Flatten, view and reshape have to keep the rows and make each of them one row of numbers."""
    rest = list(node.args[1:])
    if step.kind == "view":
        shape = list(rest[0]) if len(rest) == 1 and isinstance(rest[0], list | tuple) else rest
        keeps_rows = len(shape) == 2 and (shape[1] == -1 or (shape[0] == -1 and isinstance(shape[1], int)))
        if not keeps_rows:
            raise UnsupportedModelError(
                f"{node.target}({', '.join(map(str, rest))}) is not supported: use nn.Flatten() or x.flatten(1)"
            )
    elif step.kind == "flatten":
        if isinstance(step.module, nn.Flatten):
            start: Any = step.module.start_dim
            end: Any = step.module.end_dim
        else:
            start = rest[0] if rest else node.kwargs.get("start_dim", 0)
            end = rest[1] if len(rest) > 1 else node.kwargs.get("end_dim", -1)
        if (start, end) != (1, -1):
            raise UnsupportedModelError(
                f"flatten from dimension {start} to {end} is not supported: flatten from 1 to the end"
            )
