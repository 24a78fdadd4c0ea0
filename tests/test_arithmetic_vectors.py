"""The test vectors in tests/fixtures are the reference's; the Rust trainer repeats the same file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import bounds_vectors

ROOT = Path(__file__).parents[1]


def test_vectors_are_up_to_date() -> None:
    command = [sys.executable, "-m", "spec.vectors"]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    assert made == (ROOT / "tests" / "fixtures" / "arithmetic.txt").read_text()
    assert made.count("case:") == 16


def test_bounds_are_up_to_date() -> None:
    assert bounds_vectors.text() == (ROOT / "tests" / "fixtures" / "bounds.txt").read_text()
