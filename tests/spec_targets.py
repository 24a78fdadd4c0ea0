"""Files that tests change, and what both verifiers say of each change."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spec.field import E, P
from spec.rejected import Rejected
from spec.wire import read_file, write_file

from spec_mutations import flipped, mutations
from tacit.errors import ProofRejected, UnreadableFile

Step = str | int


@dataclass
class Target:
    """A file to change: its type, and how each verifier reads it."""

    kind: str
    body: Any
    content: bytes
    first: Callable[[Path], object]
    second: Callable[[bytes], object]

    def assert_rejected(self, content: bytes, path: Path, what: str) -> tuple[str, str]:
        """Both reject; the check of Rust and that of the second verifier."""
        path.write_bytes(content)
        verdicts = self._rejects_first(path), self._rejects_second(content)
        assert all(verdicts), f"{what}: checks of Rust and of the second verifier are {verdicts}"
        return verdicts

    def _rejects_first(self, path: Path) -> str:
        try:
            self.first(path)
        except (ProofRejected, UnreadableFile) as error:
            return getattr(error, "check", "") or type(error).__name__
        return ""

    def _rejects_second(self, content: bytes) -> str:
        try:
            self.second(content)
        except Rejected as error:
            return error.check
        return ""


def sweep(
    t: Target, path: Path, per_field: int, per_node: int, flips: int, seed: int, under: str = ""
) -> dict[str, int]:
    """Changes every field (`under` one of them) and random bytes; how often each check of the second verifier
    rejected.
    """
    counts: dict[str, int] = {}

    def count(check: str) -> None:
        counts[check] = counts.get(check, 0) + 1

    body = read_file(t.kind, t.body, t.content)
    assert write_file(t.kind, body) == t.content
    for field, changed in mutations(t.body, body, per_field, per_node, seed):
        content = write_file(t.kind, changed)
        if field.startswith(under) and content != t.content:
            count(t.assert_rejected(content, path, field)[1])
    choose = random.Random(seed)
    for at in range(flips):
        content = flipped(t.content, choose)
        if content != t.content:
            count(t.assert_rejected(content, path, f"flip {at}")[1])
    return counts


def node(value: Any, path: tuple[Step, ...]) -> Any:
    for key in path:
        value = getattr(value, key) if isinstance(key, str) else value[key]
    return value


def plus_one(value: E) -> E:
    return E((value.a + 1) % P, value.b, value.c)


def last_raised(pairs: list[tuple[E, E]]) -> list[tuple[E, E]]:
    return [*pairs[:-1], (plus_one(pairs[-1][0]), pairs[-1][1])]


def shorter(values: list[Any]) -> list[Any]:
    return values[:-1]


def first_shorter(values: list[Any]) -> list[Any]:
    return [values[0][:-1], *values[1:]]
