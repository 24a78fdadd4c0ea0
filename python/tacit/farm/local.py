"""Workers that are processes of this machine. What they are sent goes through pipes and nowhere else.

python -m tacit.farm.local THREADS    is such a process: it reads messages and writes replies
"""

from __future__ import annotations

import os
import queue
import signal
import struct
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO

from tacit.farm.events import Event, Joined, Lost, Moved, Replied
from tacit.farm.worker import Worker, use_threads

__all__ = ["LocalFarm", "serve"]

HEAD = struct.Struct(">cQ")
TABLE, JOB, MOVED, REPLY = b"T", b"J", b"M", b"R"


def _write(stream: IO[bytes], kind: bytes, content: bytes) -> None:
    stream.write(HEAD.pack(kind, len(content)))
    stream.write(content)
    stream.flush()


def _read(stream: IO[bytes]) -> tuple[bytes, bytes] | None:
    """One message; None at the end, also in the middle of one."""
    head = stream.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    kind, length = HEAD.unpack(head)
    content = stream.read(length)
    return (kind, content) if len(content) == length else None


class LocalFarm:
    """Processes that prove with `threads` threads each. Implements `Farm`."""

    def __init__(self, table: bytes, threads: int) -> None:
        """`table` is `Table.to_bytes()`."""
        self._table, self._threads = table, threads
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._count = 0

    def hire(self) -> int:
        """Start a process and send it the table."""
        worker, self._count = self._count, self._count + 1
        package = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "tacit.farm.local", str(self._threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,  # Ctrl-C is for the owner, who ends the workers
        )
        self._processes[worker] = process
        threading.Thread(target=self._listen, args=(worker, process), daemon=True).start()
        self._send(worker, TABLE, self._table)
        return worker

    def _listen(self, worker: int, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        joined = False
        while (message := _read(process.stdout)) is not None:
            kind, content = message
            if kind == MOVED:
                self._events.put(Moved(worker, struct.unpack(">d", content)[0]))
            else:
                self._events.put(Replied(worker, content) if joined else Joined(worker))
                joined = True
        process.stdout.close()
        code = process.wait()
        self._events.put(Lost(worker, f"its process ended with {code}" if code >= 0 else _killed(-code)))

    def _send(self, worker: int, kind: bytes, content: bytes) -> None:
        stream = self._processes[worker].stdin
        assert stream is not None
        with suppress(OSError):  # it has gone; `_listen` tells
            _write(stream, kind, content)

    def send(self, worker: int, job: bytes) -> None:
        """Through the pipe."""
        self._send(worker, JOB, job)

    def pid(self, worker: int) -> int:
        """The process of a worker."""
        return self._processes[worker].pid

    def wait(self, seconds: float) -> list[Event]:
        """Everything that is there, at least one if it comes in time."""
        events: list[Event] = []
        with suppress(queue.Empty):
            events.append(self._events.get(timeout=seconds))
            while True:
                events.append(self._events.get_nowait())
        return events

    def close(self) -> None:
        """Kill the processes."""
        for process in self._processes.values():
            process.kill()
            process.wait()
            if process.stdin is not None:
                with suppress(OSError):
                    process.stdin.close()


def _killed(number: int) -> str:
    name = signal.Signals(number).name
    return f"its process was killed ({name}{', out of memory perhaps' if name == 'SIGKILL' else ''})"


def serve(threads: int) -> None:
    """Be a worker until standard input ends."""
    use_threads(threads)
    # Whatever prints must not get between the messages.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    worker = Worker()
    while (message := _read(sys.stdin.buffer)) is not None:
        kind, content = message
        if kind == TABLE:
            worker.load(content)
            _write(out, REPLY, b"")
        else:
            _write(out, REPLY, worker.do(content, lambda d, t: _write(out, MOVED, struct.pack(">d", d / t))))


if __name__ == "__main__":
    serve(int(sys.argv[1]))
