"""Hands the chunks of a run to workers: commitments of the models between them, then the proofs.

A chunk's proof opens the commitments of the models before and after it. Those are made first, on the workers
too, because their budgets have to be opened before rows of them are charged. Rows are charged before a chunk
is sent. A worker that is lost costs the chunk it had: the chunk is charged again and given to another.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tacit import session
from tacit.arithmetic.record import RunRecord
from tacit.errors import TacitError, WorkerError
from tacit.farm.events import Event, Farm, Joined, Lost, Moved, Replied
from tacit.farm.jobs import attempt_secret, commit_job, prove_job, read_reply
from tacit.proving import another_model, chunk_of
from tacit.runs import Run, proofs_at
from tacit.vault import Secret

__all__ = ["ATTEMPTS", "prove_chunks"]

ATTEMPTS = 3
"""How often a chunk is given to a worker before losing it is taken for the chunk's fault."""
WAIT = 0.5
"""Seconds between two looks at the workers."""
STEPS = 1000
"""Of the progress bar, for a chunk."""

log = logging.getLogger("tacit.prove")


@dataclass(frozen=True, slots=True)
class _Task:
    kind: str
    """"commit" a boundary, or "prove" a chunk."""
    index: int
    seed: Secret | None = field(default=None, repr=False, compare=False)
    """Of the commitment that is made."""

    def __str__(self) -> str:
        return f"model {self.index}" if self.kind == "commit" else f"chunk {self.index + 1}"


class _Schedule:
    """Who does what."""

    def __init__(self, run: Run, record: RunRecord, missing: Sequence[int], rows: int) -> None:
        self.run, self.record, self.rows = run, record, rows
        self.statement, self.data = run.statement(record), run.data()
        self.secret = run.vault.secret()
        self.proofs = list(missing)
        public_start = run.origins().start is not None
        needed = {i for chunk in missing for i in (chunk, chunk + 1) if not (i == 0 and public_start)}
        self.commits = [i for i in sorted(needed) if not run.has_boundary(i)]
        self.making: set[int] = set()
        self.attempts: Counter[_Task] = Counter()
        self.busy: dict[int, _Task] = {}
        self.files: dict[int, bytes] = {}
        self.shares: dict[int, float] = {}
        self.done = 0

    def next(self) -> _Task | None:
        """The first chunk whose models are committed, else a model to commit."""
        waiting = {*self.commits, *self.making}
        ready = next((i for i in self.proofs if not waiting & {i, i + 1}), None)
        if ready is not None:
            self.proofs.remove(ready)
            return _Task("prove", ready)
        return _Task("commit", self.commits.pop(0), Secret.random()) if self.commits else None

    def begin(self, worker: int, task: _Task) -> bytes:
        """The job of a task; the rows of a proof are charged when this returns."""
        self.busy[worker] = task
        self.attempts[task] += 1
        if task.seed is not None:
            self.making.add(task.index)
            config, weights, velocity = self.run.committed_as(task.index, self.record)
            last = len(self.record.states) - 1
            return commit_job(config, weights, velocity, task.seed, proofs_at(task.index, last))
        chunk, models, file = chunk_of(self.run, self.record, self.statement, self.data, task.index)
        self.files[task.index] = file
        charged = dict.fromkeys((self.data.digest.hex(), *models), self.rows)
        self.run.vault.budget.charge(charged, f"{self.run.name} chunk {task.index}")
        with attempt_secret(self.secret) as secret:
            return prove_job(chunk, secret)

    def finish(self, worker: int, reply: bytes) -> None:
        """Store what a worker made."""
        task = self.busy.pop(worker)
        self.shares.pop(worker, None)
        made = read_reply(reply)
        if task.seed is not None:
            told = json.loads(made["told"])
            committed = session.Committed(made["digest"], made["file"], told["rows"], told["reserve"])
            self.run.boundary(task.index, self.record, made=(task.seed, committed))
            self.making.discard(task.index)
            return
        if made["model"] != self.files.pop(task.index):
            raise another_model(task.index)
        log.debug("chunk %d of %s: %s", task.index + 1, self.run.name, json.loads(made["seconds"]))
        self.run.keep_chunk(task.index, made["proof"])
        self.done += 1

    def move(self, worker: int, share: float) -> None:
        """Note how far a proof is."""
        task = self.busy.get(worker)
        if task is not None and task.kind == "prove":
            self.shares[worker] = share

    def lose(self, worker: int, why: str) -> None:
        """Give back what a lost worker had. Raises `WorkerError` if that was lost too often."""
        task = self.busy.pop(worker, None)
        self.shares.pop(worker, None)
        if task is None:
            return
        log.warning("a worker was lost (%s); %s goes to another", why, task)
        self.making.discard(task.index)
        if self.attempts[task] >= ATTEMPTS:
            raise WorkerError(f"{task} lost its worker {ATTEMPTS} times, the last time so: {why}")
        if task.kind == "commit":
            self.commits = sorted([*self.commits, task.index])
        else:
            self.proofs = sorted([*self.proofs, task.index])


def prove_chunks(
    farm: Farm,
    workers: int,
    run: Run,
    record: RunRecord,
    missing: Sequence[int],
    rows: int,
    progress: session.Progress,
) -> None:
    """Prove the chunks `missing`, each opening `rows` rows of its commitments, and keep their proofs.

    What fails (no rows left, a chunk that cannot be proven, one that was lost three times) ends the work after
    the chunks that are being proven: their rows are spent. Anything else, Ctrl-C first of all, ends it at once.
    """
    schedule = _Schedule(run, record, missing, rows)
    crew = _Crew(farm, workers)
    for _ in range(min(workers, len(missing))):
        farm.hire()
    while schedule.done < len(missing):
        crew.assign(schedule)
        if crew.trouble is not None and not schedule.busy:
            raise crew.trouble
        for event in farm.wait(WAIT):
            try:
                crew.hear(event, schedule)
            except TacitError as error:
                crew.trouble = crew.trouble or error
        done = schedule.done + sum(schedule.shares.values())
        progress(round(STEPS * done), STEPS * len(missing))


class _Crew:
    """The workers that wait, how many were lost in a row, and what went wrong first."""

    def __init__(self, farm: Farm, size: int) -> None:
        self.farm, self.size = farm, size
        self.idle: list[int] = []
        self.lost = 0
        self.trouble: TacitError | None = None

    def assign(self, schedule: _Schedule) -> None:
        """Give every worker that waits something to do, unless something went wrong."""
        while self.idle and self.trouble is None and (task := schedule.next()) is not None:
            worker = self.idle.pop()
            try:
                self.farm.send(worker, schedule.begin(worker, task))
            except TacitError as error:
                self.trouble = error
                schedule.busy.pop(worker, None)

    def hear(self, event: Event, schedule: _Schedule) -> None:
        """Take note of what happened to a worker."""
        match event:
            case Joined(worker):
                self.idle.append(worker)
                self.lost = 0
            case Moved(worker, share):
                schedule.move(worker, share)
            case Replied(worker, reply):
                self.idle.append(worker)
                schedule.finish(worker, reply)
            case Lost(worker, why):
                self.idle = [i for i in self.idle if i != worker]
                self.lost += 1
                schedule.lose(worker, why)
                if self.lost >= ATTEMPTS * self.size:
                    raise WorkerError(f"{self.lost} workers were lost one after the other, the last: {why}")
                if self.trouble is None:
                    self.farm.hire()
