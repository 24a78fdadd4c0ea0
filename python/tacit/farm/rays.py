"""Workers that are actors of a Ray cluster. Everything they are sent, and send back, is sealed.

Needs `pip install "tacit[ray]"` here, and the same version of tacit on every machine of the cluster.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tacit
from tacit.errors import UsageError
from tacit.farm.events import Event, Joined, Lost, Moved, Replied
from tacit.farm.sealing import Channel, KeyPair, session_key
from tacit.farm.worker import Worker, use_threads

__all__ = ["Actor", "RayFarm", "load_ray"]

ASK_EVERY = 1.0
"""Seconds between two questions how far a worker is."""
TABLE, JOB, REPLY = "tacit/farm/table", "tacit/farm/job", "tacit/farm/reply"


class Actor:
    """What Ray runs on a machine of the cluster: a worker, its key pair, and how far it is."""

    def __init__(self, threads: int) -> None:
        """No secret comes this way: Ray keeps the arguments of constructors to start actors again."""
        use_threads(threads)
        self._worker, self._keys = Worker(), KeyPair()
        self._channel: Channel | None = None
        self._share = 0.0

    def hello(self) -> tuple[bytes, str]:
        """The public key, and the version of this package."""
        return self._keys.public, tacit.__version__

    def load(self, key: bytes, table: bytes) -> None:
        """Take the session's key and the table."""
        self._channel = self._keys.channel(key)
        self._worker.load(self._channel.open(TABLE, table))

    def do(self, job: bytes) -> bytes:
        """One job."""
        channel = self._channel
        if channel is None:
            raise UsageError("the worker has no key yet")

        def moved(done: int, total: int) -> None:
            self._share = done / total

        self._share = 0.0
        return channel.seal(REPLY, self._worker.do(channel.open(JOB, job), moved))

    def share(self) -> float:
        """How far the job is; answered while it goes on."""
        return self._share


def load_ray() -> Any:
    """The module, or `UsageError` with what to install."""
    try:
        return importlib.import_module("ray")
    except ModuleNotFoundError:
        raise UsageError("proving on Ray needs it: pip install 'tacit[ray]'") from None


@dataclass(slots=True)
class _Hired:
    actor: Any
    pending: Any
    """The answer that is waited for, None if there is none."""
    then: Callable[[Any], Event | None] | None
    """What to do with it."""
    question: Any = None
    asked: float = 0.0


class RayFarm:
    """Actors on a cluster. Implements `Farm`."""

    def __init__(self, table: bytes, threads: int, *, address: str, memory: int) -> None:
        """`address`: of a cluster, "auto" for the one that runs here, "local" to start one on this machine.

        An actor asks Ray for `threads` CPUs and `memory` bytes. Raises `UsageError` if there is no cluster.
        """
        self._ray, self._threads, self._memory = load_ray(), threads, memory
        self._joined = not self._ray.is_initialized()
        if self._joined:
            options = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": False}
            try:
                if address == "local":
                    self._ray.init("local", include_dashboard=False, **options)
                else:
                    self._ray.init(address=address, **options)
            except (ConnectionError, ValueError) as error:
                raise UsageError(
                    f"no Ray cluster answers at {address!r} ({error}): start one with `ray start --head`, or "
                    'say "local" for one on this machine'
                ) from None
        self._channel = Channel(session_key())
        self._table = self._ray.put(self._channel.seal(TABLE, table))
        self._hired: dict[int, _Hired] = {}
        self._count = 0

    def slots(self) -> int:
        """Workers that the machines of the cluster have CPUs and memory for."""
        nodes = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        return sum(
            min(int(node.get("CPU", 0)) // self._threads, int(node.get("memory", 0)) // self._memory)
            for node in nodes
        )

    def hire(self) -> int:
        """Start an actor; it gets key and table when it has said its public key."""
        worker, self._count = self._count, self._count + 1
        remote = self._ray.remote(Actor).options(
            num_cpus=self._threads, memory=self._memory, max_restarts=0, max_task_retries=0, max_concurrency=2
        )
        actor = remote.remote(self._threads)
        self._hired[worker] = _Hired(actor, actor.hello.remote(), lambda answer: self._greeted(worker, answer))
        return worker

    def _greeted(self, worker: int, answer: tuple[bytes, str]) -> Event | None:
        public, version = answer
        if version != tacit.__version__:
            return self._lose(worker, f"it has tacit {version}, here is {tacit.__version__}")
        hired = self._hired[worker]
        hired.pending = hired.actor.load.remote(self._channel.for_worker(public), self._table)
        hired.then = lambda _: Joined(worker)
        return None

    def _lose(self, worker: int, why: str) -> Lost:
        hired = self._hired.pop(worker)
        self._ray.kill(hired.actor)
        return Lost(worker, why)

    def send(self, worker: int, job: bytes) -> None:
        """Sealed; Ray may put it into its object store."""
        hired = self._hired.get(worker)
        if hired is not None:
            hired.pending = hired.actor.do.remote(self._channel.seal(JOB, job))
            hired.then = lambda reply: Replied(worker, self._channel.open(REPLY, reply))

    def wait(self, seconds: float) -> list[Event]:
        """Answers of the workers, and how far they are."""
        self._ask()
        pending = {ref: i for i, h in self._hired.items() for ref in (h.pending, h.question) if ref is not None}
        if not pending:
            time.sleep(seconds)
            return []
        ready, _ = self._ray.wait(list(pending), num_returns=1, timeout=seconds)
        if ready:
            ready, _ = self._ray.wait(list(pending), num_returns=len(pending), timeout=0)
        events = [self._answered(pending[ref], ref) for ref in ready]
        return [event for event in events if event is not None]

    def _ask(self) -> None:
        now = time.monotonic()
        for hired in self._hired.values():
            if hired.question is None and hired.pending is not None and now - hired.asked > ASK_EVERY:
                hired.question, hired.asked = hired.actor.share.remote(), now

    def _answered(self, worker: int, ref: Any) -> Event | None:
        hired = self._hired.get(worker)
        if hired is None:  # lost by an earlier answer of the same look
            return None
        is_question = ref == hired.question
        try:
            answer = self._ray.get(ref)
        except self._ray.exceptions.RayError as error:
            return self._lose(worker, type(error).__name__)
        if is_question:
            hired.question = None
            return Moved(worker, answer)
        then, hired.pending, hired.then = hired.then, None, None
        return None if then is None else then(answer)

    def close(self) -> None:
        """Kill the actors, wipe the key, and leave the cluster if this joined it."""
        for hired in self._hired.values():
            self._ray.kill(hired.actor)
        self._hired.clear()
        self._channel.close()
        if self._joined:
            self._ray.shutdown()
