"""An exclusive lock on a vault, held by one thread of one process at a time.

`flock` on a file of its own: the kernel lets go of it when the process dies, however it dies.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tacit.errors import VaultLocked

__all__ = ["VaultLock"]


class VaultLock:
    """The lock of one vault; the thread that holds it may take it again."""

    def __init__(self, path: Path, timeout: float = 30.0) -> None:
        """`timeout` is how many seconds to wait for another holder."""
        self._path = path
        self._timeout = timeout
        self._threads = threading.RLock()
        self._depth = 0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock. Raises `VaultLocked` when another process keeps it for too long."""
        with self._threads:
            if self._depth:
                self._depth += 1
                try:
                    yield
                finally:
                    self._depth -= 1
                return
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                self._wait(handle)
                self._depth = 1
                try:
                    yield
                finally:
                    self._depth = 0
            finally:
                os.close(handle)

    def _wait(self, handle: int) -> None:
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise VaultLocked(
                        f"another process has held the lock of {self._path.parent} "
                        f"for {self._timeout:g} seconds"
                    ) from None
                time.sleep(0.02)
            else:
                return
