"""Long runs: states that were not kept are trained again, to the bit; disk stays bounded while proving."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tacit
from arithmetic_cases import network, random_data, train
from native_double import NativeDouble, unpack
from tacit import proving, session
from tacit.arithmetic import trainer
from tacit.arithmetic.checkpoints import Checkpoints
from tacit.arithmetic.record import RunRecord
from tacit.arithmetic.trainer import kept_every
from tacit.errors import VaultError
from tacit.proving import prove
from tacit.runs import Run

STEPS, CHUNK = 50, 2
CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "momentum": {"momentum": 0.5},
    "nesterov": {"momentum": 0.5, "nesterov": True},
    "decay": {"weight_decay": 0.05},
    "mean at the end": {"average": 2, "total_steps": STEPS},
    "short last batch, rates": {"drop_last": False},
}


def trained(**options: Any) -> RunRecord:
    lrs = [0.125] * (STEPS // 2) + [0.0625] * (STEPS - STEPS // 2)
    data = random_data("cross_entropy", 22, 5, 3)
    return train(network([5, 4, 3], "relu", "cross_entropy"), data, lrs, chunk_steps=CHUNK, **options)


@pytest.mark.parametrize("case", list(CASES))
def test_states_that_are_trained_again_are_the_same(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = trained(**CASES[case])
    monkeypatch.setattr(trainer, "KEPT_BYTES", 1)
    few = trained(**CASES[case])
    assert isinstance(few.states, Checkpoints) and isinstance(whole.states, tuple)
    assert sorted(few.states.kept) == [0, 4, 8, 12, 16, 20, 24, 25] and len(few.states) == 26
    for mine, other in zip(few.states, whole.states, strict=True):
        assert mine.to_bytes() == other.to_bytes()
    assert few.to_bytes() == whole.to_bytes()
    assert few.states[-1].to_bytes() == whole.final.to_bytes() and len(few.states[3:7]) == 4
    with pytest.raises(IndexError):
        few.states[26]


def test_how_many_states_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    config = trained().config
    assert kept_every(config, 10**6) == 1, "small models keep all"
    monkeypatch.setattr(trainer, "KEPT_BYTES", 1)
    assert [kept_every(config, chunks) for chunks in (7, 8, 15, 16, 25, 100_000)] == [1, 2, 2, 4, 4, 16384]


def long_run(path: Path, monkeypatch: pytest.MonkeyPatch, **options: Any) -> Run:
    monkeypatch.setenv("XDG_STATE_HOME", str(path / "state"))
    rng = np.random.default_rng(1)
    x = rng.uniform(-1, 1, size=(32, 3))
    told = {"vault": path / "clinic.vault", "quiet": True, "proofs": 128}
    data = tacit.commit(x, (x[:, 0] > 0).astype(int), **told)
    fitted = tacit.fit(data, hidden=[3], batch_size=8, lr=0.125, chunk_steps=2, **options)
    return tacit.run_of(fitted)


def stored(run: Run) -> list[int]:
    names = run.vault.names(f"runs/{run.name}/state-")
    return sorted(int(name.rpartition("-")[2]) for name in names)


def test_disk_stays_bounded_over_many_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    native = NativeDouble()
    monkeypatch.setattr(session, "load", lambda: native)
    monkeypatch.setattr(trainer, "KEPT_BYTES", 1)
    run = long_run(tmp_path, monkeypatch, epochs=48)
    chunks = run.chunks()
    assert chunks == 96 and stored(run) == [*range(0, 96, 16), 96]
    states = list(run.record().states)
    assert len(states) == chunks + 1, "reading them all trains them all again"
    native.next_weights = [state.flat_weights() for state in states]
    for index in set(stored(run)) - {*range(0, 96, 16), 96}:
        run.vault.delete(f"runs/{run.name}/state-{index}")
    most: list[int] = []
    disk: list[int] = []
    files = tmp_path / "clinic.vault" / "blobs" / "runs" / run.name

    def look(index: int) -> None:
        most.append(len(stored(run)))
        disk.append(sum(path.stat().st_size for path in files.glob("state-*")))

    native.before_chunk = look
    proof = prove(run, quiet=True)
    assert [chunk["index"] for chunk in unpack(proof.content)["chunks"]] == list(range(chunks))
    # Seven that were kept, and the fifteen between two of them.
    assert max(most) <= 7 + 15 and most[-1] <= 3
    one = (files / "state-96").stat().st_size
    assert max(disk) <= 23 * (one + 64)
    assert stored(run) == [chunks], "the trained model stays"
    assert run.record().final.to_bytes() == states[-1].to_bytes()
    with pytest.raises(VaultError, match="the model before chunk 5 was removed"):
        run.record().states[5]


def test_a_state_that_a_crash_left_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    native = NativeDouble()
    monkeypatch.setattr(session, "load", lambda: native)
    run = long_run(tmp_path, monkeypatch, epochs=2)
    native.next_weights = [state.flat_weights() for state in run.record().states]
    content = run.vault.get(f"runs/{run.name}/state-1")
    prove(run, quiet=True)
    run.vault.put(f"runs/{run.name}/state-1", content)
    prove(run, quiet=True)
    assert stored(run) == [run.chunks()]


def test_a_stopped_proof_of_a_long_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the compiled core: it executes every chunk itself, and would not end at another state."""
    monkeypatch.setattr(trainer, "KEPT_BYTES", 1)
    run = long_run(tmp_path, monkeypatch, epochs=5, momentum=0.5)
    assert run.chunks() == 10 and stored(run) == [0, 2, 4, 6, 8, 10]
    real, done = session.prove_chunk, list[int]()

    def stops(chunk: session.Chunk, *rest: Any) -> session.ProvenChunk:
        if chunk.index == 3 and 3 not in done:
            done.append(3)
            raise KeyboardInterrupt
        return real(chunk, *rest)

    monkeypatch.setattr(session, "prove_chunk", stops)
    with pytest.raises(KeyboardInterrupt):
        prove(run, quiet=True)
    assert stored(run) == [3, 4, 6, 8, 10]
    proving.prove(tacit.open_run(run.vault), quiet=True).save(tmp_path / "run.tacit")
    assert tacit.verify(tmp_path / "run.tacit", data=tmp_path / "clinic.commitment").shown
