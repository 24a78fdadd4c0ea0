"""The states of a long run: some are kept, the others computed again from the one before.

A prover needs the model before every chunk. Keeping all of them takes memory and disk that grow with the run;
training is exact, so that a state follows from any earlier one at the cost of training in between.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import overload

import numpy as np

from tacit.arithmetic.config import RunConfig
from tacit.arithmetic.data import TrainingData
from tacit.arithmetic.matmul import Gemm, numpy_gemm
from tacit.arithmetic.momentum import zeros_like
from tacit.arithmetic.planner import Plan
from tacit.arithmetic.record import ModelState
from tacit.arithmetic.trainer import Trainer

__all__ = ["Checkpoints", "replay"]

Replay = Callable[[ModelState, int, int], Sequence[ModelState]]
"""(state, first, last): the states first + 1 to last of a run, from state `first`."""


class Checkpoints(Sequence[ModelState]):
    """All states of a run, of which the first, the last, and some between are kept."""

    def __init__(self, kept: Mapping[int, ModelState], replay: Replay) -> None:
        """`kept` holds the states 0 and the last one at least."""
        self.kept, self._replay = dict(kept), replay

    def __len__(self) -> int:
        """States, kept or not."""
        return max(self.kept) + 1

    @overload
    def __getitem__(self, index: int) -> ModelState: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[ModelState]: ...
    def __getitem__(self, index: int | slice) -> ModelState | Sequence[ModelState]:
        """One state, trained again if it was not kept, or several."""
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        at = index + len(self) if index < 0 else index
        if not 0 <= at < len(self):
            raise IndexError(f"state {index} of {len(self)}")
        if at in self.kept:
            return self.kept[at]
        first = max(i for i in self.kept if i < at)
        return self._replay(self.kept[first], first, at)[-1]


class _Again(Trainer):
    """Trains chunks of a finished run again: its integer rates and decays are those of the configuration."""

    def _admit(self, lr: float) -> int:
        del lr
        return self.config.schedule.rates[self.step]

    def _decay(self) -> int:
        decay = self.config.schedule.decay
        assert decay is not None
        return decay.numerators[(self.step - 1) // self.config.schedule.chunk_steps]

    def chunk(self, state: ModelState, index: int) -> ModelState:
        """The state after chunk `index`, which starts at `state` and is not the last."""
        steps = self.config.schedule.chunk_steps
        self.step = index * steps
        self._begin_chunk(state)
        for _ in range(steps):
            self.forward()
            self.backward()
            self.update(0.0)
        return self._latest


def replay(
    config: RunConfig,
    data: TrainingData,
    state: ModelState,
    chunks: tuple[int, int],
    *,
    gemm: Gemm = numpy_gemm,
) -> list[ModelState]:
    """The states after the chunks first, ..., last - 1 of a finished run, `state` being the one before `first`.

    The run's last chunk is not among them: it may end with a mean, and its end is kept.
    """
    first, last = chunks
    zeros = zeros_like([np.asarray(w) for w in state.weights])
    plan = Plan(config, 0, config.schedule.total_steps, 1.0 if config.schedule.decay is not None else 0.0)
    trainer = _Again(plan, data, zeros, record=False, gemm=gemm)
    states = [state]
    for index in range(first, last):
        states.append(trainer.chunk(states[-1], index))
    return states[1:]
