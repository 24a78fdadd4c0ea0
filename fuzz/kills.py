"""Kills the commands at random instants, and looks at what they left behind.

    python -m fuzz.kills [KILLS] [SEED]

A scenario commits a table, trains two chunks, proves and releases them. Each command is started anew after
every kill until it ends by itself. After each kill and each end:

- the vault opens, and no commitment has more rows left than before;
- rows are charged for every proof whose bytes reached the disk;
- a public file is absent or whole (what a kill tears is under a temporary name);
- no two proofs on the disk share a trace root, unless they are the same proof;

and a scenario that came through has files that verify.
"""

from __future__ import annotations

import contextlib
import hashlib
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from spec.proof import ChunkProof, DataFile, RelationProof, ReleaseProof
from spec.wire import KINDS, MAGIC, Reader, read_file

import tacit
from tacit._files import TEMPORARY_SUFFIX
from tacit.cli import main as command
from tacit.errors import UnreadableFile
from tacit.proving import estimate
from tacit.runs import open_run, run_names
from tacit.vault import Vault

HEAD = len(MAGIC) + 3
"""Bytes before the body of a file: magic, format version, kind."""
SHORTEST = 0.02
"""Seconds: the shortest time that a command is taken to need."""
LONGEST = 300.0
"""Seconds after which a command hangs."""
STEP = 100
"""Kills between two lines about how far it is."""
RUN = """\
vault = "{vault}"
data = "table"
epochs = 2
batch_size = 4
chunk_steps = 8
shuffle_seed = 3

[model]
hidden = [3]
activation = "relu"

[optimizer]
lr = 0.125
"""


def whole(path: Path) -> bool:
    """Whether a file was written to its end."""
    try:
        tacit.inspect(path)
    except UnreadableFile:
        return False
    return True


@lru_cache(maxsize=64)
def told(kind: str, content: bytes) -> tuple[str, bytes, str]:
    """The name of a proof's step, its trace root, and a digest of what it sent behind the root."""
    proof: RelationProof
    match kind:
        case "chunk":
            proof = Reader(content).read(ChunkProof).proof
        case "data":
            proof = read_file("data", DataFile, content).proof
        case _:
            release = read_file("release", ReleaseProof, content)
            kind, proof = f"release {release.statement.model_digest.hex()}", release.proof
    sent = repr((proof.messages, proof.opening.mu)).encode()
    return kind, proof.trace_root, hashlib.sha256(sent).hexdigest()


@dataclass
class Scenario:
    """One table and what is done with it, in a directory of its own."""

    directory: Path
    kills: Counter[str] = field(default_factory=Counter)
    roots: dict[bytes, str] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)

    @property
    def vault(self) -> Path:
        """Where the secrets are."""
        return self.directory / "owner.vault"

    def prepare(self) -> None:
        """Writes the table and the run file."""
        choose = random.Random(5)  # noqa: S311
        rows = [
            [f"{choose.uniform(-1, 1):.3f}" for _ in range(3)] + [str(choose.randrange(2))] for _ in range(24)
        ]
        lines = ["a,b,c,label", *(",".join(row) for row in rows)]
        (self.directory / "table.csv").write_text("\n".join(lines) + "\n")
        (self.directory / "run.toml").write_text(RUN.format(vault=self.vault))

    def commands(self) -> Iterator[tuple[str, list[str]]]:
        """Each command by its name."""
        at = self.directory
        vault = ["--vault", str(self.vault)]
        public = ["--out", str(at / "table.commitment")]
        yield "commit", [str(at / "table.csv"), "--target", "label", *vault, *public]
        yield "train", [str(at / "run.toml")]
        yield "prove", [*vault, "--out", str(at / "run.tacit")]
        files = ["--model", str(at / "model.safetensors"), "--out", str(at / "release.tacit"), "--force"]
        yield "release", [*vault, "--data-is-public", *files]

    def proofs(self) -> Iterator[tuple[str, bytes, str]]:
        """Every proof on the disk, as `told` tells it; those in a run's file are the vault's."""
        chunks = []
        if self.vault.exists() and run_names(Vault.open(self.vault)):
            run = open_run(self.vault)
            chunks = [blob[HEAD:] for i in range(run.chunks()) if (blob := run.blob(f"chunk-{i}")) is not None]
        for index, chunk in enumerate(chunks):
            yield f"chunk {index}", *told("chunk", chunk)[1:]
        for path in sorted(self.directory.iterdir()):
            content = path.read_bytes() if path.is_file() else b""
            if path.name.endswith(TEMPORARY_SUFFIX) and content.startswith(MAGIC) and not whole(path):
                continue
            match content[:HEAD]:
                case head if head == MAGIC + b"\0\1" + bytes([KINDS["data"]]):
                    yield told("data", content)
                case head if head == MAGIC + b"\0\1" + bytes([KINDS["release"]]):
                    yield told("release", content)
                case head if head == MAGIC + b"\0\1" + bytes([KINDS["run"]]):
                    assert all(chunk in content for chunk in chunks), "a run's file has other chunks"

    def check(self) -> None:
        """Everything that holds at any instant; raises `AssertionError`."""
        if not self.vault.exists():
            return
        accounts = Vault.open(self.vault).accounts()
        for name, before in self.left.items():
            assert name in accounts, f"the account of {name} is gone"
            assert accounts[name].left(reserve=True) <= before, f"rows of {name} came back"
        self.left = {name: account.left(reserve=True) for name, account in accounts.items()}
        seen: dict[str, set[bytes]] = {}
        for step, root, sent in self.proofs():
            assert self.roots.setdefault(root, sent) == sent, f"{step}: two proofs on one trace root"
            seen.setdefault(step, set()).add(root)
        for step in [step for step in seen if step.startswith("release")]:
            # One that was killed while its file was written has left a part beside the file of the next one.
            account, proofs = accounts[step.split()[1]], 1 + len(seen.pop(step))
            assert account.spent >= account.reserve * proofs, "releases without a charge"
        assert all(len(roots) == 1 for roots in seen.values()), f"a step has two proofs: {seen.keys()}"
        opened = sum(len(roots) for step, roots in seen.items() if step.startswith("chunk"))
        if opened:
            run = open_run(self.vault)
            rows = estimate(run).rows_per_proof
            assert accounts[run.data().digest.hex()].spent >= rows * opened, "proofs without a charge"

    def finish(self) -> None:
        """What came through verifies."""
        at = self.directory
        tacit.verify(at / "run.tacit", data=at / "table.commitment")
        tacit.verify(at / "release.tacit", run=at / "run.tacit", model=at / "model.safetensors")


def start(arguments: Sequence[str], log: Path) -> multiprocessing.process.BaseProcess:
    """A command in a process of its own, its words in a file."""
    # Forked from a server without threads: a process that has proven something cannot be forked safely.
    process = multiprocessing.get_context("forkserver").Process(target=_work, args=(list(arguments), log))
    process.start()
    return process


def _work(arguments: list[str], log: Path) -> None:
    words = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(words, 1)
    os.dup2(words, 2)
    sys.exit(command(arguments))


def kill_until_done(
    scenario: Scenario, name: str, arguments: Sequence[str], expected: float, choose: random.Random, most: int
) -> float:
    """Kills a command at most `most` times at random instants, then lets it end; returns how long that took."""
    log = scenario.directory / "log"
    for _ in range(most):
        began = time.monotonic()
        process = start([name, *arguments], log)
        process.join(choose.uniform(0, expected))
        if process.exitcode is None:
            assert process.pid is not None
            # It may end by itself between the look and the kill.
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
                scenario.kills[name] += 1
        process.join()
        scenario.check()
        if process.exitcode in (0, *_done(name)):
            return max(SHORTEST, time.monotonic() - began)
        assert process.exitcode == -signal.SIGKILL, f"{name} after a kill: {log.read_text()}"
    began = time.monotonic()
    process = start([name, *arguments], log)
    process.join(LONGEST)
    assert process.exitcode in (0, *_done(name)), f"{name} after {most} kills: {log.read_text()}"
    scenario.check()
    return max(SHORTEST, time.monotonic() - began)


def _done(name: str) -> tuple[int, ...]:
    # A commit that was killed when all was done finds its data set there.
    return (2,) if name == "commit" else ()


def main(kills: int = 1000, seed: int | None = None) -> Counter[str]:
    """Kills so many times; prints and returns how often each command was hit."""
    seed = random.SystemRandom().randrange(1 << 32) if seed is None else seed
    # Once, so that a command's own time is what is killed into.
    multiprocessing.set_forkserver_preload(["tacit.cli", "tacit.torch"])
    choose, total = random.Random(seed), Counter[str]()  # noqa: S311
    expected = {"commit": 2.0, "train": 1.0, "prove": 4.0, "release": 2.0}
    scenarios = 0
    while total.total() < kills:
        with tempfile.TemporaryDirectory() as directory:
            scenario = Scenario(Path(directory))
            scenario.prepare()
            for name, arguments in scenario.commands():
                took = kill_until_done(scenario, name, arguments, expected[name], choose, most=3)
                expected[name] = (expected[name] + took) / 2
            scenario.finish()
            total += scenario.kills
            scenarios += 1
        if total.total() // STEP > (total - scenario.kills).total() // STEP:
            print(f"{total.total()} kills in {scenarios} scenarios, seed {seed}", flush=True)
    hits = ", ".join(f"{count} {name}" for name, count in sorted(total.items()))
    print(f"{total.total()} kills in {scenarios} scenarios ({hits}), seed {seed}: nothing lost, nothing torn")
    return total


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
