"""Workers without processes: a farm in this one, and a stand-in for the calls of Ray that are used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tacit.farm.events import Event, Joined, Lost, Moved, Replied
from tacit.farm.jobs import unframe
from tacit.farm.worker import Worker


class InlineFarm:
    """Does a job when its result is waited for. `loses(worker, kind, index)` says which are lost with it."""

    def __init__(self, table: bytes) -> None:
        self.table, self.workers, self.jobs = table, 0, list[tuple[int, str, int]]()
        self.pending: list[tuple[int, bytes | Event | None]] = []
        self.loses: Callable[[int, str, int], bool] = lambda worker, kind, index: False
        self.refuses_workers = False
        self.before_job: Callable[[str, int], None] = lambda kind, index: None
        self.closed = False

    def again(self) -> InlineFarm:
        self.pending, self.closed = [], False
        return self

    def hire(self) -> int:
        self.workers += 1
        self.pending.append((self.workers, None))
        return self.workers

    def send(self, worker: int, job: bytes) -> None:
        self.pending.append((worker, job))

    def wait(self, seconds: float) -> list[Event]:
        worker, job = self.pending.pop(0)
        if job is None:
            return [Lost(worker, "no room") if self.refuses_workers else Joined(worker)]
        if not isinstance(job, bytes):
            return [job]
        kind, parts = unframe(job)
        index = int(parts.get("index", b"-1"))
        self.jobs.append((worker, kind, index))
        self.before_job(kind, index)
        if self.loses(worker, kind, index):
            return [Moved(worker, 0.5), Lost(worker, "the machine went away")]
        does = Worker()
        does.load(self.table)
        moved: list[Event] = []
        reply = does.do(job, lambda done, total: moved.append(Moved(worker, done / total)))
        self.pending.append((worker, Replied(worker, reply)))
        return moved

    def close(self) -> None:
        self.closed = True


class RayError(Exception):
    pass


class _Ref:
    def __init__(self, work: Callable[[], Any]) -> None:
        self.work, self.result, self.done = work, None, False


class FakeRay:
    """`ray`, in one process. `seen` has every argument and result that Ray would have kept."""

    class exceptions:
        RayError = RayError

    def __init__(self, nodes: list[dict[str, Any]] | None = None) -> None:
        self.seen: list[Any] = []
        self.options: dict[str, Any] = {}
        self.running, self.killed, self.calls = False, 0, list[str]()
        self.dies: Callable[[str, int], bool] = lambda method, call: False
        self.cluster = nodes or [{"Alive": True, "Resources": {"CPU": 2.0, "memory": 8e9}}]

    def is_initialized(self) -> bool:
        return self.running

    def init(self, *address: str, **options: Any) -> None:
        if options.get("address") == "auto":
            raise ConnectionError("Could not find any running Ray instance")
        self.running = True

    def shutdown(self) -> None:
        self.running = False

    def nodes(self) -> list[dict[str, Any]]:
        return self.cluster

    def put(self, value: Any) -> Any:
        self.seen.append(value)
        return value

    def remote(self, cls: type) -> Any:
        fake = self

        class Handle:
            def __init__(self, *args: Any) -> None:
                self.instance = cls(*args)

            def __getattr__(self, method: str) -> Any:
                return _Method(fake, self.instance, method)

        class Remote:
            @staticmethod
            def options(**options: Any) -> Any:
                fake.options = options
                return Remote

            @staticmethod
            def remote(*args: Any) -> Any:
                fake.seen += args
                return Handle(*args)

        return Remote

    def wait(self, refs: list[_Ref], num_returns: int, timeout: float) -> tuple[list[_Ref], list[_Ref]]:
        return refs[:num_returns], refs[num_returns:]

    def get(self, ref: _Ref) -> Any:
        result = ref.work()
        self.seen.append(result)
        return result

    def kill(self, actor: Any) -> None:
        self.killed += 1


class _Method:
    def __init__(self, ray: FakeRay, instance: Any, name: str) -> None:
        self.ray, self.instance, self.name = ray, instance, name

    def remote(self, *args: Any) -> _Ref:
        self.ray.seen += args
        self.ray.calls.append(self.name)
        call = self.ray.calls.count(self.name)

        def work() -> Any:
            if self.ray.dies(self.name, call):
                raise RayError("the actor died")
            return getattr(self.instance, self.name)(*args)

        return _Ref(work)
