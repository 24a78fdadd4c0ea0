"""Errors of the torch front end."""

from __future__ import annotations

from tacit.errors import TacitError


class UnsupportedModelError(TacitError):
    """The model has a part that cannot be proven; the message names it and what to use instead."""


class UnsupportedOptimizerError(TacitError):
    """The optimizer, or one of its options, cannot be proven."""


class UnsupportedLossError(TacitError):
    """The loss, or one of its options, cannot be proven."""


class TrainingLoopError(TacitError):
    """The training loop left the recorded order: a skipped batch, a step without a gradient, edited parameters
    or the like.
    """
