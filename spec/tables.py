"""Lookup tables of activations and losses: the functions of docs/arithmetic.md over a window of the inputs."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from spec import arithmetic
from spec.lookup import Table
from spec.training import SIGMOID

SIZE = 16
"""log2 of the exponential's rows."""


@cache
def _exponential(fa: int, fe: int) -> tuple[list[int]]:
    return ([arithmetic.exp_entry(d, fa, fe) for d in range(1 << SIZE)],)


@cache
def _window(function: Callable[..., int], bits: int, *arguments: int) -> list[int]:
    return [function(z, *arguments) for z in range(-(1 << (bits - 1)), 1 << (bits - 1))]


def exponential(fa: int, fe: int) -> Table:
    """(d, EXP[d])."""
    return Table(SIZE, name=("exp", fa, fe), columns=lambda: _exponential(fa, fe))


def loss_sigmoid(bits: int, fa: int, fg: int) -> Table:
    """(z, SIG[z] at fg fractional bits)."""
    return Table(bits, name=("loss", fa, fg), columns=lambda: (_window(arithmetic.sigmoid, bits, fa, fg),))


def relu(bits: int) -> Table:
    """(z, [z <= 0])."""
    return Table(bits, bound=(1 << (bits - 1)) + 1)


def smooth(activation: int, bits: int, fa: int, derivatives: bool = True) -> Table:
    """(z, value, derivative), or (z, value)."""
    value, derivative = (
        (arithmetic.sigmoid, arithmetic.sigmoid_derivative)
        if activation == SIGMOID
        else (arithmetic.tanh, arithmetic.tanh_derivative)
    )
    name = "sigmoid" if activation == SIGMOID else "tanh"

    def columns() -> list[list[int]]:
        values = _window(value, bits, fa, fa) if activation == SIGMOID else _window(value, bits, fa)
        return [values, _window(derivative, bits, fa)] if derivatives else [values]

    return Table(bits, name=(name, fa, derivatives), columns=columns)
