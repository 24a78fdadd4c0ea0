"""Errors of the exact arithmetic: what does not fit, where, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

from tacit.errors import TacitError

MAX_BITS = 16


class ArithmeticConfigError(TacitError):
    """A configuration that cannot be trained exactly; the message names the field and the remedy."""


class PlanError(ArithmeticConfigError):
    """No scales, windows and chunk length satisfy the limits."""


@dataclass(frozen=True)
class NoWrapFailure:
    """One no-wrap inequality that does not hold.

    `layer` counts from 1; `left_log2` is log2 of the left side, which has to stay below `limit_log2`.
    """

    layer: int
    name: str
    inequality: str
    left_log2: float
    limit_log2: float

    def __str__(self) -> str:
        """The inequality with its numbers."""
        return (
            f"layer {self.layer} ({self.name}): {self.inequality} does not hold, "
            f"the left side is 2^{self.left_log2:.2f}, the limit 2^{self.limit_log2:.2f}"
        )


class NoWrapError(PlanError):
    """The products of a chunk could exceed the field; carries the failing inequality."""

    def __init__(self, failure: NoWrapFailure, remedy: str) -> None:
        """Joins the inequality and what to do about it."""
        super().__init__(f"{failure}; {remedy}")
        self.failure = failure


class RateError(ArithmeticConfigError):
    """A learning rate that the scales chosen at the start cannot represent within 1 %."""


class WindowOverflowError(TacitError):
    """A rounded value left its window while training.

    Attributes: `layer` (from 1), `name` (such as `Linear 128->10`), `quantity` ("z" or "q"), `step` (from 0),
    `value`, `bits`.
    """

    def __init__(self, *, layer: int, name: str, quantity: str, step: int, value: int, bits: int) -> None:
        """Writes the message."""
        limit = (1 << (bits - 1)) - 1 if value >= 0 else 1 << (bits - 1)
        remedies = [f"set window_bits={bits + 1} or more"] if bits < MAX_BITS else []
        if quantity == "q":
            remedies.append("lower gradient_bits")
        elif not remedies:
            remedies.append("scale the inputs or the initial weights down")
        remedy = " or ".join(remedies)
        super().__init__(
            f"layer {layer} ({name}) overflowed its {bits}-bit window at step {step}: "
            f"|{quantity}| = {abs(value):,} > {limit:,}; lower the learning rate or {remedy}"
        )
        self.layer, self.name, self.quantity = layer, name, quantity
        self.step, self.value, self.bits = step, value, bits


class NormOverflowError(TacitError):
    """Over a chunk, a unit's pre-activations or gradients were larger than the bounds of the run allow.

    Attributes: `layer` (from 1), `name`, `quantity` ("z" or "q"), `unit` (from 0), `step` (the chunk's last,
    from 0), `value` (the sum of squares), `bits`.
    """

    def __init__(
        self, *, layer: int, name: str, quantity: str, unit: int, step: int, value: int, bits: int
    ) -> None:
        """Writes the message."""
        super().__init__(
            f"unit {unit} of layer {layer} ({name}) exceeded its {bits}-bit norm in the chunk that ends with "
            f"step {step}: sum of {quantity}^2 = {value:,} >= {1 << bits:,}; lower the learning rate or use a "
            "smaller chunk_steps"
        )
        self.layer, self.name, self.quantity, self.unit = layer, name, quantity, unit
        self.step, self.value, self.bits = step, value, bits


class CarryOverflowError(TacitError):
    """A weight left the window in which chunks hand weights on.

    Attributes: `layer` (from 1), `name`, `step` (the chunk's last, from 0), `value` (fw fractional bits),
    `bits`.
    """

    def __init__(self, *, layer: int, name: str, step: int, value: int, bits: int) -> None:
        """Writes the message."""
        super().__init__(
            f"a weight of layer {layer} ({name}) left its {bits}-bit window at the end of a chunk, after step "
            f"{step}: |w| = {abs(value):,} > {(1 << (bits - 1)) - 1:,}; lower the learning rate"
        )
        self.layer, self.name, self.step, self.value, self.bits = layer, name, step, value, bits


class InexactProductError(TacitError):
    """A float64 product did not equal the integer product: faulty hardware or a BLAS that does not compute in
    float64.
    """


class SequenceError(TacitError):
    """Forward, backward and update were called in an order that is not a training step."""
