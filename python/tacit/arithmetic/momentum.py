"""The optimiser state inside a chunk: V_{t+1} = sum_{s<=t} d_{t-s} G_s + d_{t+1} V_0, kept exactly.

d takes at most 2^kappa different values, so V is brought from one step to the next by adding the gradients
whose coefficient changes: at most 2^kappa + 1 additions, however slowly momentum decays.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from tacit.arithmetic.matmul import IntMatrix

Layers = list[IntMatrix]


class MomentumState:
    """V of every layer during one chunk; `start` is V_0 at the scale of gradients (zeros at the start of a
    run).
    """

    def __init__(self, taps: tuple[int, ...], start: Layers) -> None:
        """Starts a chunk."""
        self._taps = taps
        padded = (*taps, 0)
        self._changes = [
            (age, padded[age] - padded[age - 1])
            for age in range(1, len(padded))
            if padded[age] != padded[age - 1]
        ]
        # V_0 counts as the gradient of the step before the chunk, whose coefficient at age t + 1 is d_{t+1}.
        self._history: deque[Layers] = deque([start], maxlen=len(taps) + 1)
        self.velocity: Layers = [taps[0] * v for v in start]

    def add(self, gradients: Layers) -> Layers:
        """Takes G_t and returns V_{t+1}, at the scale of gradients plus kappa bits."""
        self._history.append(gradients)
        last = len(self._history) - 1
        for layer, gradient in enumerate(gradients):
            velocity = self.velocity[layer]
            np.add(velocity, self._taps[0] * gradient, out=velocity)
            for age, change in self._changes:
                if age <= last:
                    np.add(velocity, change * self._history[last - age][layer], out=velocity)
        return self.velocity


def zeros_like(layers: Layers) -> Layers:
    """Zero matrices of the same shapes."""
    return [np.zeros_like(layer) for layer in layers]
