"""Attacks every run and prints the table of docs/releases.md."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from attacks import on_labels, on_rows
from attacks.table import Line, markdown

SCENARIOS = (
    on_rows.single_rows,
    on_rows.few_rows,
    on_rows.many_rows,
    on_rows.neighbours,
    on_rows.counted_tables,
    on_rows.unknown_rows,
    on_labels.known_features,
    on_labels.rare_values,
)


def lines(names: Sequence[str]) -> Iterator[Line]:
    """All of the table, or the scenarios of these names; each has a vault of its own."""
    for scenario in (s for s in SCENARIOS if not names or s.__name__ in names):
        with tempfile.TemporaryDirectory() as folder:
            yield from scenario(Path(folder), True)


def main() -> int:
    """0 if every attack failed on what the rules allow."""
    torch.set_num_threads(1)
    made: list[Line] = []
    with tempfile.TemporaryDirectory() as state:
        os.environ["XDG_STATE_HOME"] = state
        for line in lines(sys.argv[1:]):
            made.append(line)
            print(f"{line.attack}: {line.run}, {line.released}: {line.score}", file=sys.stderr, flush=True)
    print(markdown(made))
    return int(any(not line.rules and line.score.success for line in made))


if __name__ == "__main__":
    sys.exit(main())
