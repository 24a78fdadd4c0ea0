"""A few kills at random instants in every run of the tests; `make kills` does a thousand."""

from __future__ import annotations

from fuzz.kills import main


def test_killed_commands_lose_nothing() -> None:
    assert main(kills=12, seed=3).total() >= 12
