"""Lookup tables of a chunk: the functions of docs/arithmetic.md over a window of the inputs."""

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


def smooth(activation: int, bits: int, fa: int) -> Table:
    """(z, value, derivative)."""
    if activation == SIGMOID:
        return Table(
            bits,
            name=("sigmoid", fa),
            columns=lambda: (
                _window(arithmetic.sigmoid, bits, fa, fa),
                _window(arithmetic.sigmoid_derivative, bits, fa),
            ),
        )
    return Table(
        bits,
        name=("tanh", fa),
        columns=lambda: (
            _window(arithmetic.tanh, bits, fa),
            _window(arithmetic.tanh_derivative, bits, fa),
        ),
    )
