"""What the scheduler asks of a place where workers run, and what it hears from there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

__all__ = ["Event", "Farm", "Joined", "Lost", "Moved", "Replied"]


@dataclass(frozen=True, slots=True)
class Joined:
    """A worker has the table and waits for a job."""

    worker: int


@dataclass(frozen=True, slots=True)
class Moved:
    """How far a worker is with its job."""

    worker: int
    share: float


@dataclass(frozen=True, slots=True)
class Replied:
    """A worker has finished its job, or failed at it and says why (`tacit.farm.jobs.read_reply`)."""

    worker: int
    reply: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Lost:
    """A worker is gone, and what it was doing with it."""

    worker: int
    why: str


Event = Joined | Moved | Replied | Lost


class Farm(Protocol):
    """Workers that all hold one table. Their numbers are never used twice."""

    def hire(self) -> int:
        """Ask for one more worker; `Joined` or `Lost` follows."""

    def send(self, worker: int, job: bytes) -> None:
        """Give a worker that waits a job; `Replied` or `Lost` follows. Does not raise if it is gone already."""

    def wait(self, seconds: float) -> list[Event]:
        """What happened, waiting at most so long for the first."""

    def close(self) -> None:
        """End all workers at once, whatever they are doing."""
