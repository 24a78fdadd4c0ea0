"""Which rows enter which step: contiguous, or one Fisher-Yates permutation per epoch from a public seed."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tacit.arithmetic.config import Order, Schedule

_DOMAIN = b"tacit/order/v1"


def seed_bytes(seed: int | bytes | None) -> bytes | None:
    """The 32-byte seed of an order: bytes are taken as they are, an integer in [0, 2^64) is hashed, None means
    contiguous.
    """
    if seed is None:
        return None
    if isinstance(seed, bytes):
        if len(seed) != 32:
            raise ValueError(f"shuffle_seed has {len(seed)} bytes, 32 are needed")
        return seed
    if not 0 <= seed < 1 << 64:
        raise ValueError(f"shuffle_seed = {seed} is not in [0, 2^64)")
    return hashlib.sha256(b"tacit/shuffle-seed/v1" + struct.pack(">Q", seed)).digest()


def _words(seed: bytes, epoch: int) -> Iterator[int]:
    prefix = _DOMAIN + seed + struct.pack(">Q", epoch)
    counter = 0
    while True:
        yield from struct.unpack(">4Q", hashlib.sha256(prefix + struct.pack(">Q", counter)).digest())
        counter += 1


@lru_cache(maxsize=4)
def permutation(seed: bytes, epoch: int, rows: int) -> NDArray[np.int64]:
    """The permutation of `range(rows)` in an epoch: Fisher-Yates from the top, with rejection so that every
    draw is uniform.
    """
    order = list(range(rows))
    words = _words(seed, epoch)
    for i in range(rows - 1, 0, -1):
        limit = ((1 << 64) // (i + 1)) * (i + 1)
        word = next(words)
        while word >= limit:
            word = next(words)
        j = word % (i + 1)
        order[i], order[j] = order[j], order[i]
    out = np.array(order, dtype=np.int64)
    out.setflags(write=False)
    return out


def batch_rows(schedule: Schedule, order: Order, step: int) -> NDArray[np.int64]:
    """Row indices of step t, int64 [B_t]; B_t < B for a partial last batch."""
    epoch, position = divmod(step, schedule.steps_per_epoch)
    start = position * schedule.batch
    stop = min(start + schedule.batch, schedule.rows)
    if order.seed is None:
        return np.arange(start, stop, dtype=np.int64)
    return permutation(order.seed, epoch, schedule.rows)[start:stop]
