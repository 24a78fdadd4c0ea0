"""Runs of any length are planned before their first step, and refused there if they could not be proven."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import tacit
from native_double import ROWS_PER_PROOF, NativeDouble
from tacit import planning, session
from tacit.cli import main
from tacit.errors import BudgetError, UsageError
from tacit.planning import RunPlan

torch = pytest.importorskip("torch")
RUN_FILE = """
vault = "clinic.vault"
epochs = {epochs}
batch_size = 32
chunk_steps = {chunk}
[model]
hidden = [16]
[optimizer]
lr = 0.125
momentum = 0.5
"""


class Disk(NamedTuple):
    total: int
    used: int
    free: int


@pytest.fixture
def clinic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def native(monkeypatch: pytest.MonkeyPatch) -> NativeDouble:
    double = NativeDouble()
    monkeypatch.setattr(session, "load", lambda: double)
    return double


def committed(rows: int = 320, **options: Any) -> tacit.CommittedData:
    x = np.random.default_rng(1).uniform(-1, 1, size=(rows, 6))
    return tacit.commit(x, (x[:, 0] > 0).astype(int), vault="clinic.vault", quiet=True, **options)


def run_file(epochs: int, chunk: int = 64) -> None:
    Path("run.toml").write_text(RUN_FILE.format(epochs=epochs, chunk=chunk))


def planned(data: tacit.CommittedData, **options: Any) -> RunPlan:
    model = torch.nn.Linear(6, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.125)
    return tacit.plan(model, optimizer, data, torch.nn.CrossEntropyLoss(), batch_size=32, **options)


def test_a_run_of_100_000_steps(clinic: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the compiled core, which chooses the parameters of every proof."""
    data = committed(proofs=2000)
    run_file(10_000)
    assert main(["plan", "run.toml", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["steps"] == 100_000 and told["chunks"] == -(-100_000 // 64) == 1563
    costs = session.estimate_plan  # the rows of one proof times the proofs
    assert callable(costs) and told["rows"] % told["chunks"] == 0
    assert told["rows"] <= told["rows_left"] == data.vault.accounts()[data.digest.hex()].left()
    assert 50e6 < told["proof_bytes"] < 1e9
    # Of 162 weights all states are kept, with their velocity in 8 bytes each.
    weights = 7 * 16 + 17 * 2
    assert told["disk"] == (1563 + 1 + 1) * 2 * weights * 8 + told["proof_bytes"]
    assert main(["plan", "run.toml"]) == 0
    out = capsys.readouterr().out
    for line in ("steps:      100,000, 64 in a proof", "proofs:     1,563, about", "ms a chunk", "are left"):
        assert line in out
    assert not data.vault.names("runs/") and data.vault.accounts()[data.digest.hex()].spent == 0


def test_a_run_beyond_the_rows_is_refused_before_its_first_step(
    native: NativeDouble, clinic: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = committed(proofs=10)
    run_file(100)
    for command in ("plan", "train"):
        assert main([command, "run.toml"]) == 2
        error = capsys.readouterr().err
        assert "takes 16 proofs" in error and "enough for 10 proofs" in error
        assert "tacit recommit --data data --proofs 16" in error and "more memory" in error
    assert main(["train", "run.toml", "--check"]) == 0, "nothing is proven of a check"
    with pytest.raises(BudgetError, match=r"recommit\(data, proofs=16\)") as caught:
        planned(data, epochs=100, chunk_steps=64).require()
    assert (caught.value.needed, caught.value.left) == (16 * ROWS_PER_PROOF, 10 * ROWS_PER_PROOF)
    planned(data, epochs=100, chunk_steps=128).require()
    run_file(60)
    assert main(["plan", "run.toml"]) == 0
    assert main(["train", "run.toml"]) == 0


def test_the_remedy_works(native: NativeDouble, clinic: Path) -> None:
    committed(proofs=10)
    run_file(100)
    assert main(["train", "run.toml"]) == 2
    assert main(["recommit", "--data", "data", "--proofs", "16"]) == 0
    assert main(["train", "run.toml"]) == 0


def test_runs_that_disk_or_file_cannot_hold(
    native: NativeDouble, clinic: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = planned(committed(), epochs=10, chunk_steps=64)
    plan.require()
    assert plan.chunks == 2 and "about 3.0 s on this machine" in str(plan)
    with pytest.raises(UsageError, match=r"would be about 2 GB, more than the 1\.07 GB"):
        replace(plan, proof_bytes=2 * 10**9).require()
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Disk(10**6, 10**6 - 1000, 1000))
    with pytest.raises(UsageError, match=r"needs up to 70\d KB in clinic.vault, 1 KB are free"):
        planned(committed(), epochs=10, chunk_steps=64).require()
    assert planning.shutil is shutil


def test_a_run_without_an_end_has_no_plan(native: NativeDouble, clinic: Path) -> None:
    data = committed(proofs=1)
    with pytest.raises(UsageError, match="whose end and rates are known"):
        planned(data)
    model = torch.nn.Linear(6, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.125)
    # Such a run can be trained: it may end before its rows do.
    tacit.make_provable(model, optimizer, data, torch.nn.CrossEntropyLoss(), batch_size=32)
