"""The optimiser state inside a chunk, kept exactly: V_{t+1} = sum_{s<=t} d_{t-s} G_s + d_{t+1} V_0.

Nesterov's update descends along the same sum with the filter h in place of d. A filter takes few different
values, so a sum is brought from one step to the next by adding the gradients whose coefficient changes: at most
2^kappa + 1 additions, however slowly momentum decays.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from tacit.arithmetic.config import Schedule
from tacit.arithmetic.matmul import IntMatrix

Layers = list[IntMatrix]


class _FilteredSum:
    """sum_i taps_i G_{t-i}, the start of the chunk counting as the gradient of the step before it."""

    def __init__(self, taps: tuple[int, ...], start: Layers) -> None:
        padded = (*taps, 0)
        changes = ((age, padded[age] - padded[age - 1]) for age in range(1, len(padded)))
        self._first = taps[0]
        self._changes = [(age, change) for age, change in changes if change]
        self.value: Layers = [taps[0] * v for v in start]

    def add(self, history: deque[Layers]) -> None:
        last = len(history) - 1
        for layer, value in enumerate(self.value):
            np.add(value, self._first * history[last][layer], out=value)
            for age, change in self._changes:
                if age <= last:
                    np.add(value, change * history[last - age][layer], out=value)


class MomentumState:
    """V of every layer during one chunk; `start` is V_0 at the scale of gradients, zeros at the first chunk."""

    def __init__(self, schedule: Schedule, start: Layers) -> None:
        """Starts a chunk."""
        self._history: deque[Layers] = deque([start], maxlen=len(schedule.filter) + 1)
        self._velocity = _FilteredSum(schedule.filter, start)
        self._direction = _FilteredSum(schedule.update_filter, start) if schedule.nesterov else self._velocity

    @property
    def velocity(self) -> Layers:
        """V_t, at the scale of gradients plus kappa bits."""
        return self._velocity.value

    def add(self, gradients: Layers) -> Layers:
        """Takes G_t and returns what W_{t+1} descends along: V_{t+1}, or Nesterov's direction."""
        self._history.append(gradients)
        self._velocity.add(self._history)
        if self._direction is not self._velocity:
            self._direction.add(self._history)
        return self._direction.value


def zeros_like(layers: Layers) -> Layers:
    """Zero matrices of the same shapes."""
    return [np.zeros_like(layer) for layer in layers]
