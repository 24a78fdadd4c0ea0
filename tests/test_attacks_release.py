"""The attacks of attacks/ succeed where the release rules refuse, and fail where they allow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from attacks import on_labels, on_rows
from attacks.sources import births
from attacks.table import Line, markdown
from attacks.victims import commit, train

Bits = int | None


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


CASES: list[tuple[Callable[[Path, bool], Iterator[Line]], list[tuple[Bits, str | None, bool | None]]]] = [
    # Weights, the rule that refuses them, whether the attack succeeds: in the order of the scenario.
    (
        on_rows.single_rows,
        [
            (None, "SingleRowBatches", True),
            (20, "SingleRowBatches", True),
            (16, "SingleRowBatches", True),
            # Refused either way: the start is hidden and random, and now and then the division works.
            (12, "SingleRowBatches", None),
            (12, None, False),
        ],
    ),
    (
        on_rows.few_rows,
        [(None, "FewRows", True), (20, "FewRows", True), (16, "FewRows", True), (12, "FewRows", True)],
    ),
    (on_rows.many_rows, [(12, None, False)]),
    (on_rows.neighbours, [(12, None, False), (12, "EarlierRelease", True)]),
    (on_rows.counted_tables, [(12, "DataBits", True), (4, None, False)]),
    (on_rows.unknown_rows, [(16, "FewRows", True)]),
    (
        on_labels.known_features,
        [(None, "FewSteps", True), (12, "FewSteps", True), (12, "DataBits", True), (12, None, False)],
    ),
    (on_labels.rare_values, [(12, "RareValues", True), (12, None, False)]),
]


@pytest.mark.parametrize(("scenario", "expected"), CASES, ids=[case[0].__name__ for case in CASES])
def test_attacks_succeed_where_the_rules_refuse_and_fail_where_they_allow(
    scenario: Callable[[Path, bool], Iterator[Line]],
    expected: list[tuple[Bits, str | None, bool | None]],
    tmp_path: Path,
) -> None:
    lines = list(scenario(tmp_path, False))
    got = [(line.bits, line.rules[-1] if line.rules else None, line.score.success) for line in lines]
    assert [g[:2] for g in got] == [e[:2] for e in expected]
    assert all(e[2] in (None, g[2]) for g, e in zip(got, expected, strict=True)), got
    for line in lines:
        assert ("ExactWeights" in line.rules) == (line.bits is None)
        if line.bits is None:
            assert line.score.recovered == line.score.of


def test_a_release_hands_out_what_the_attacks_are_given(tmp_path: Path) -> None:
    data = commit(*births(60, ["smoke"]), tmp_path, label_kind="binary", scale="none")
    victim = train(data, steps=100)
    rounded, released = victim.public(4), victim.release(4)
    assert released.bits == rounded.bits == 4
    for ours, theirs in zip(rounded.weights, released.weights, strict=True):
        assert np.array_equal(ours, theirs)
    # The same one can be had again; another one would tell more.
    assert victim.refusal(4) is None
    assert victim.refusal(6) == "EarlierRelease"


def test_the_table_says_what_the_rules_say(tmp_path: Path) -> None:
    lines = list(on_rows.counted_tables(tmp_path, False))
    refused, allowed = markdown(lines).splitlines()[2:]
    assert "| refuse: `DataBits` | 40 of 40 rows" in refused
    assert "| **allow** | 0 of 40 rows" in allowed
