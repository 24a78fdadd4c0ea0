"""Changes files at random and reads them: every outcome is a verdict or one of our exceptions.

    python -m fuzz [--target NAME] SECONDS [SEED]

Files that were not read as they must be are kept as `fuzz-failure-0.bin` and so on. The proofs themselves are
verified at another rate by `cargo run --release -p tacit-fuzz`; `make fuzz` runs both.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from fuzz.changes import several
from fuzz.targets import TARGETS, Target, World, chosen, honest
from tacit.errors import ProofRejected, TacitError

INTERNAL = ("internal error", "panicked")
SLOWEST = 60.0
"""Seconds after which a reader hangs."""


class Spoilt(AssertionError):
    """A changed file gave what it must not."""


class Finding(Exception):
    """A changed file that was not read as it must be."""

    def __init__(self, target: str, file: str, content: bytes, error: Exception) -> None:
        """`content` is the file `file` of `target` as it was read."""
        self.content = content
        last = traceback.extract_tb(error.__traceback__)[-1]
        self.place = f"{target}: {type(error).__name__} at {Path(last.filename).name}:{last.lineno}"
        super().__init__(f"{self.place}, {file}: {error}")


def outcome(target: Target, world: World, path: Path, expected: object) -> str:
    """What reading a changed file gives. Raises on anything that is not meant to happen."""
    started = time.monotonic()
    try:
        read = target.read(world, path)
    except TacitError as error:
        message = str(error)
        if not message.strip() or any(word in message for word in INTERNAL):
            raise Spoilt(f"an error without a cause: {message!r}") from error
        if any(secret in message for secret in world.secrets):
            raise Spoilt("an error tells a secret") from error
        if isinstance(error, ProofRejected) and not error.check:
            raise Spoilt("a rejection without the name of its check") from error
        check = f": {error.check}" if isinstance(error, ProofRejected) else ""
        result = f"{type(error).__name__}{check}"
    else:
        if target.bound and read != expected:
            raise Spoilt("a changed file was accepted")
        result = "the same" if target.bound else "read"
    if time.monotonic() - started > SLOWEST:
        raise Spoilt(f"reading took {time.monotonic() - started:.0f} s")
    return result


def attempt(target: Target, world: World, expected: object, choose: random.Random) -> str | None:
    """Changes one file in its place, reads the world, and puts the file back; None if nothing was changed."""
    path = choose.choice(target.files(world))
    original = path.read_bytes()
    content = several(target.change, original, choose)
    if content == original:
        return None
    path.write_bytes(content)
    try:
        return outcome(target, world, path, expected)
    except Exception as error:
        raise Finding(target.name, path.name, content, error) from error
    finally:
        path.write_bytes(original)


def fuzz(
    limit: float,
    seed: int,
    targets: tuple[Target, ...] = TARGETS,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[Mapping[str, Counter[str]], list[Finding]]:
    """Changes files until `clock` has gone on by `limit` seconds, each target for as long as the others.

    Returns outcomes by target, and what must not be: one finding per place in the code.
    """
    choose = random.Random(seed)  # noqa: S311
    findings: dict[str, Finding] = {}
    seen: dict[str, Counter[str]] = {target.name: Counter() for target in targets}
    with tempfile.TemporaryDirectory() as name:
        world = World.made(Path(name))
        expected = honest(world)
        spent = dict.fromkeys(seen, 0.0)
        end = clock() + limit
        while clock() < end:
            target = min(targets, key=lambda target: spent[target.name])
            began = clock()
            result = None
            try:
                result = attempt(target, world, expected[target.name], choose)
            except Finding as finding:
                findings.setdefault(finding.place, finding)
            spent[target.name] += clock() - began
            if result is not None:
                seen[target.name][result] += 1
    return seen, list(findings.values())


def main() -> None:
    """Fuzz for a while and report what came out."""
    parser = argparse.ArgumentParser(prog="python -m fuzz")
    parser.add_argument("--target", default="", help="only targets whose names hold this")
    parser.add_argument("seconds", type=float, nargs="?", default=60.0)
    parser.add_argument("seed", type=int, nargs="?", default=random.SystemRandom().randrange(1 << 32))
    given = parser.parse_args()
    seen, findings = fuzz(given.seconds, given.seed, chosen(given.target))
    for target, outcomes in seen.items():
        print(f"{outcomes.total():10,}  {target}")
        for result, count in outcomes.most_common():
            print(f"{count:20,}  {result}")
    print(f"{sum(map(Counter.total, seen.values())):10,}  in all, seed {given.seed}")
    for number, finding in enumerate(findings):
        kept = Path(f"fuzz-failure-{number}.bin")
        kept.write_bytes(finding.content)
        print(f"{finding}; the file is kept as {kept}")
    if findings:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
