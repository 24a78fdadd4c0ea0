"""Batches of a committed data set, in the order of the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from tacit.arithmetic.config import Order, Schedule
from tacit.arithmetic.matmul import IntMatrix
from tacit.arithmetic.order import batch_rows


class BatchLoader:
    """Iterating once gives the batches of one epoch as (x, y): x floats [rows, inputs], exact multiples of
    2^-fa; y as the loss wants it.

    `epoch` tells which epoch a new iteration is. Looking at batches records nothing; only training steps do.
    """

    def __init__(
        self,
        schedule: Schedule,
        order: Order,
        features: Callable[[IntMatrix], Tensor],
        labels: Callable[[IntMatrix], Tensor],
        epoch: Callable[[], int],
    ) -> None:
        """Takes functions from row indices to tensors."""
        self._schedule, self._order = schedule, order
        self._features, self._labels, self._epoch = features, labels, epoch

    def __len__(self) -> int:
        """Batches in an epoch."""
        return self._schedule.steps_per_epoch

    @property
    def batch_size(self) -> int:
        """Rows in a full batch."""
        return self._schedule.batch

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of one epoch."""
        first = self._epoch() * len(self)
        for step in range(first, first + len(self)):
            rows = batch_rows(self._schedule, self._order, step)
            yield self._features(rows), self._labels(rows)


class EpochCounter:
    """Counts iterations, for plain training where no steps are recorded."""

    def __init__(self) -> None:
        """Starts before the first epoch."""
        self._next = -1

    def __call__(self) -> int:
        """The number of this iteration."""
        self._next += 1
        return self._next


def to_floats(values: IntMatrix, fractional_bits: int, dtype: torch.dtype) -> Tensor:
    """Fixed point to floats; exact, since windows have at most 16 bits."""
    return torch.from_numpy(values / (1 << fractional_bits)).to(dtype)
