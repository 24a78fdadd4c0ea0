"""The memory limit: amounts, the search for a chunk, and the estimate of the compiled module."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tacit import memory
from tacit.arithmetic import Architecture, Layer, PlanError, PlanRequest, make_plan
from tacit.arithmetic.planner import Plan
from tacit.errors import UsageError
from tacit.memory import default_limit, memory_bytes, plan_within

MB = 10**6


def request(**changes: Any) -> PlanRequest:
    layers = (Layer(8, 4, True, "relu"), Layer(4, 3, True, "identity"))
    usual = PlanRequest(Architecture(layers, "cross_entropy"), 4096, 64, [0.125], 12, total_steps=1024)
    return replace(usual, **changes)


def ten_a_step(plan: Plan) -> int:
    return 10 * MB * plan.config.schedule.chunk_steps


def steps(limit: str | int | None, **changes: Any) -> int:
    return plan_within(request(**changes), limit, ten_a_step).config.schedule.chunk_steps


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("6GB", 6 * 10**9),
        ("512 MiB", 512 << 20),
        ("1.5 gb", 1500 * MB),
        (" 7 ", 7),
        (4096, 4096),
        ("2TiB", 2 << 40),
    ],
)
def test_amounts(text: str | int, expected: int) -> None:
    assert memory_bytes(text) == expected


@pytest.mark.parametrize(
    "text", ["", "GB", "-1GB", "6 XB", "1e9", "0", True, "6GB "[:2] + "x", "9" * 400, "1.5e300"]
)
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(UsageError, match="memory = "):
        memory_bytes(text)


def test_the_default_is_8_gb_or_a_share_of_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(memory, "CGROUP_LIMIT", limit)
    monkeypatch.setattr(memory.os, "sysconf", lambda name: {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 10**7}[name])
    assert default_limit() == 8 * 10**9
    limit.write_text("max\n")
    assert default_limit() == 8 * 10**9
    limit.write_text("10000000000\n")
    assert default_limit() == 6 * 10**9


def test_the_longest_chunk_that_fits() -> None:
    assert make_plan(request()).config.schedule.chunk_steps == 256
    assert steps("2.56GB") == 256
    assert steps("2.55GB") == 128
    assert steps(10 * MB) == 1
    assert steps("5.2GB") == 512, "a limit that was asked for may lengthen the chunk"
    assert steps("100GB") == 1024, "up to the whole run"
    assert steps("100GB", total_steps=None) == 256, "whose end has to be known"


def test_the_default_limit_shortens_only(monkeypatch: pytest.MonkeyPatch) -> None:
    assert steps(None) == 256
    monkeypatch.setattr(memory, "default_limit", lambda: 700 * MB)
    assert steps(None) == 64


def test_a_longer_chunk_costs_no_precision() -> None:
    def plan(limit: str) -> Plan:
        wide = {"rows": 65536, "total_steps": 1 << 14, "momentum": 0.9}
        return plan_within(request(**wide), limit, ten_a_step)

    usual, long = plan("2.6GB"), plan("10000GB")
    assert usual.config.architecture == long.config.architecture
    assert usual.config.scales == long.config.scales


def test_refusals() -> None:
    with pytest.raises(
        PlanError, match="too little: proving one step of this model and batch needs about 10 MB"
    ):
        steps(9 * MB)
    with pytest.raises(
        PlanError, match=r"chunk_steps = 512 needs about 5.12 GB to prove, more than memory = 5 GB"
    ):
        steps("5GB", chunk_steps=512)
    assert steps("6GB", chunk_steps=512) == 512
    assert steps(None, chunk_steps=1024) == 1024, "the default limit leaves it alone"


def test_a_commitment_that_does_not_fit_is_refused_with_the_rows_that_would(tmp_path):
    import numpy as np

    import tacit

    choose = np.random.default_rng(0)
    x = choose.normal(size=(4096, 64))
    y = (x[:, 0] > 0).astype(int)
    with pytest.raises(
        UsageError, match=r"committing 4096 rows of 66 columns takes about .*\((\d+) would fit"
    ) as e:
        tacit.commit(x, y, vault=tmp_path / "v.vault", memory="1GB", quiet=True)
    fit = int(str(e.value).split("(")[1].split()[0])
    assert 0 < fit < 4096
    assert not tacit.vault.Vault.open(tmp_path / "v.vault").has("data/data/description")
    tacit.commit(x[:fit], y[:fit], vault=tmp_path / "v.vault", memory="1GB", quiet=True)
