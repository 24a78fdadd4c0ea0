"""One line of the table for each attack and release, and the owner's side of a line."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from attacks.victims import Public, Victim

__all__ = ["Line", "Score", "assault", "markdown"]


@dataclass(frozen=True)
class Score:
    """What an attack got right."""

    recovered: int
    of: int
    what: str
    """Of what: "rows", "labels"."""
    note: str = ""

    @property
    def success(self) -> bool:
        """Anything at all."""
        return self.recovered > 0

    def __str__(self) -> str:
        """As it stands in the table."""
        return f"{self.recovered} of {self.of} {self.what}" + (f" ({self.note})" if self.note else "")


@dataclass(frozen=True)
class Line:
    """An attack on one release."""

    attack: str
    run: str
    bits: int | None
    rules: tuple[str, ...]
    """The rules that refuse this release; none: it is allowed."""
    score: Score
    seconds: float
    """Of processor time, for the attack alone."""

    @property
    def released(self) -> str:
        """What the attacker had."""
        return "exact" if self.bits is None else f"{self.bits} bits"

    @property
    def verdict(self) -> str:
        """What the rules say."""
        return "refuse: " + ", ".join(f"`{rule}`" for rule in self.rules) if self.rules else "**allow**"


def assault(
    attack: str,
    run: str,
    victim: Victim,
    score: Callable[[Public], Score],
    bits: tuple[int | None, ...] = (12,),
    *,
    prove: bool = False,
    **circumstances: Any,
) -> list[Line]:
    """Asks the rules for each number of bits, then attacks the weights, whatever the rules said.

    With `prove` the last width, if it is allowed, is a release with its proof, read from its tensors; all
    others are rounded in the same way. Exact weights have a rule of their own; the line adds that of 12 bits.
    """
    fw = victim.run.record().config.scales.fw
    rules: list[tuple[str, ...]] = []
    for width in bits:
        asked = (fw, 12) if width is None else (width,)
        found = [victim.refusal(b, **circumstances) for b in asked]
        rules.append(tuple(dict.fromkeys(rule for rule in found if rule is not None)))
    lines = []
    for width, rule in zip(bits, rules, strict=True):
        made = prove and width is not None and width == bits[-1] and not rule
        public = victim.release(width, **circumstances) if made and width else victim.public(width)
        began = time.process_time()
        result = score(public)
        lines.append(Line(attack, run, width, rule, result, time.process_time() - began))
    return lines


def markdown(lines: list[Line]) -> str:
    """The table."""
    head = "| attack | run | weights | the rules | recovered | seconds |\n|---|---|---|---|---|---|\n"
    return head + "\n".join(
        f"| {line.attack} | {line.run} | {line.released} | {line.verdict} | {line.score} | {line.seconds:.1f} |"
        for line in lines
    )
