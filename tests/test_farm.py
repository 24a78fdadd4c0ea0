"""Chunks on several workers: charged before they are sent, lost with their worker alone, sealed on the way."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tacit
from farm_cases import FakeRay, InlineFarm
from native_double import ROWS_PER_PROOF, NativeDouble, unpack
from tacit import proving, session
from tacit.cli import main
from tacit.errors import BudgetError, UnreadableFile, UsageError, VaultError, WorkerError
from tacit.farm import Joined, Lost, local, rays
from tacit.farm.jobs import Table, attempt_secret, frame, read_reply, unframe
from tacit.farm.local import LocalFarm
from tacit.farm.sealing import Channel, KeyPair, session_key
from tacit.farm.worker import Worker
from tacit.proving import Workers
from tacit.runs import Run
from tacit.vault import Secret

pytest.importorskip("torch")
CHUNKS = 4


@pytest.fixture
def native(monkeypatch: pytest.MonkeyPatch) -> NativeDouble:
    double = NativeDouble()
    monkeypatch.setattr(session, "load", lambda: double)
    return double


def trained(path: Path, monkeypatch: pytest.MonkeyPatch, **options: Any) -> Run:
    monkeypatch.setenv("XDG_STATE_HOME", str(path / "state"))
    monkeypatch.chdir(path)
    rng = np.random.default_rng(1)
    x = rng.uniform(-1, 1, size=(32, 3))
    data = tacit.commit(x, (x[:, 0] > 0).astype(int), vault=path / "clinic.vault", quiet=True)
    told = {"hidden": [3], "epochs": CHUNKS, "batch_size": 8, "lr": 0.125, "chunk_steps": 4, **options}
    run = tacit.run_of(tacit.fit(data, **told))
    assert run.chunks() == CHUNKS
    return run


@pytest.fixture
def run(native: NativeDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    made = trained(tmp_path, monkeypatch)
    native.next_weights = [state.flat_weights() for state in made.record().states]
    return made


@pytest.fixture
def farm(run: Run, monkeypatch: pytest.MonkeyPatch) -> InlineFarm:
    """The farm that the next proof gets."""
    made = InlineFarm(table_of(run))
    monkeypatch.setattr(local, "LocalFarm", lambda table, threads: made.again())
    return made


def table_of(run: Run) -> bytes:
    data = run.data()
    opening = session.Opening(data.file, run.vault.secret(f"data/{data.name}"))
    return Table(run.statement(run.record()), opening, data.features, data.labels).to_bytes()


def spent(run: Run) -> int:
    return run.vault.accounts()[run.data().digest.hex()].spent // ROWS_PER_PROOF


def prove(run: Run, count: int = 2) -> proving.Proof:
    return proving.prove(run, quiet=True, workers=Workers(count))


def first_time(farm: InlineFarm, chunk: int) -> Callable[[int, str, int], bool]:
    """Loses the first worker that has this chunk."""
    return lambda worker, kind, index: (
        (kind, index) == ("prove", chunk) and [job[1:] for job in farm.jobs].count((kind, index)) == 1
    )


# The scheduler


def test_chunks_on_several_workers_are_the_proof_that_one_makes(run: Run, farm: InlineFarm) -> None:
    proof = prove(run)
    assert [chunk["index"] for chunk in unpack(proof.content)["chunks"]] == list(range(CHUNKS))
    assert spent(run) == CHUNKS and farm.closed and farm.workers == 2
    kinds = [kind for _, kind, _ in farm.jobs]
    # The hidden start was committed with the statement; the models after it on the workers.
    assert kinds.count("prove") == CHUNKS and kinds.count("commit") == CHUNKS
    accounts = run.vault.accounts()
    models = sorted(a.spent // ROWS_PER_PROOF for k, a in accounts.items() if k != run.data().digest.hex())
    assert models == [1, 1, 2, 2, 2], "start and end are opened once, the models between by two chunks"
    again = prove(run)
    assert again.content == proof.content and len(farm.jobs) == 2 * CHUNKS


def test_rows_are_charged_before_a_chunk_is_sent(run: Run, farm: InlineFarm) -> None:
    charged: list[int] = []
    farm.before_job = lambda kind, index: charged.append(spent(run)) if kind == "prove" else None
    prove(run, 1)
    assert charged == [1, 2, 3, 4]


def test_a_lost_worker_costs_its_chunk_only(run: Run, farm: InlineFarm) -> None:
    farm.loses = first_time(farm, 1)
    proof = prove(run)
    assert len(unpack(proof.content)["chunks"]) == CHUNKS
    proved = [index for _, kind, index in farm.jobs if kind == "prove"]
    assert sorted(proved) == [0, 1, 1, 2, 3] and spent(run) == CHUNKS + 1
    assert farm.workers == 3, "another worker takes the place"


def test_a_lost_worker_may_have_been_at_a_commitment(run: Run, farm: InlineFarm) -> None:
    farm.loses = lambda worker, kind, index: kind == "commit" and worker == 1
    prove(run)
    assert [kind for _, kind, _ in farm.jobs].count("commit") == CHUNKS + 1 and spent(run) == CHUNKS


def test_a_chunk_that_takes_its_workers_along_is_given_up(run: Run, farm: InlineFarm) -> None:
    farm.loses = lambda worker, kind, index: kind == "prove" and index == 2
    with pytest.raises(WorkerError, match=r"chunk 3 lost its worker 3 times, .* the machine went away"):
        prove(run)
    assert [index for _, kind, index in farm.jobs if kind == "prove"].count(2) == 3 and farm.closed
    assert run.unproven(CHUNKS) == [2]


def test_workers_that_never_come(run: Run, farm: InlineFarm) -> None:
    farm.refuses_workers = True
    with pytest.raises(WorkerError, match="6 workers were lost one after the other, the last: no room"):
        prove(run)
    assert spent(run) == 0


def test_rows_that_run_out_end_the_work_after_what_is_being_proven(run: Run, farm: InlineFarm) -> None:
    key = run.data().digest.hex()
    run.vault.budget.charge({key: run.vault.accounts()[key].left() - CHUNKS * ROWS_PER_PROOF}, "others")
    farm.loses = first_time(farm, 0)
    with pytest.raises(BudgetError):
        prove(run)
    # Rows for four proofs: one was lost, and the chunk that has none was not sent.
    assert len(run.unproven(CHUNKS)) == 1


def test_too_few_rows_are_found_before_any_worker_starts(run: Run, farm: InlineFarm) -> None:
    key = run.data().digest.hex()
    run.vault.budget.charge({key: run.vault.accounts()[key].left() - ROWS_PER_PROOF}, "others")
    with pytest.raises(BudgetError):
        prove(run)
    assert farm.workers == 0 and not farm.jobs


def test_ctrl_c_ends_the_workers_and_keeps_what_is_finished(run: Run, farm: InlineFarm) -> None:
    def stop(kind: str, index: int) -> None:
        if index == 2 and len(stopped) == 0:
            stopped.append(index)
            raise KeyboardInterrupt

    stopped: list[int] = []

    farm.before_job = stop
    assert main(["prove", "--workers", "2"]) == 130
    assert farm.closed and set(run.unproven(CHUNKS)) == {2, 3}
    prove(run)
    assert not run.unproven(CHUNKS)


def test_what_fails_on_a_worker_is_told_and_the_rest_is_kept(
    run: Run, farm: InlineFarm, native: NativeDouble
) -> None:
    def fail(index: int) -> None:
        if index == 1:
            raise native.Failure("usage", "usage", "", "layer 1 overflows at step 5")

    native.before_chunk = fail
    with pytest.raises(WorkerError, match="layer 1 overflows at step 5"):
        prove(run)
    assert 0 not in run.unproven(CHUNKS) and 1 in run.unproven(CHUNKS)


def test_a_worker_with_another_model_is_noticed(run: Run, farm: InlineFarm, native: NativeDouble) -> None:
    native.next_weights[2] = native.next_weights[2] + 1
    with pytest.raises(UsageError, match="chunk 1 executed again gives another model"):
        prove(run)
    assert 1 in run.unproven(CHUNKS)


def test_progress_is_of_all_chunks(run: Run, farm: InlineFarm) -> None:
    from tacit.farm import prove_chunks

    seen: list[tuple[int, int]] = []
    rows = session.estimate_run(run.statement(run.record())).rows_per_proof
    prove_chunks(farm, 2, run, run.record(), [0, 1, 2, 3], rows, lambda d, t: seen.append((d, t)))
    assert {total for _, total in seen} == {4000} and seen[-1][0] == 4000
    assert any(done % 1000 for done, _ in seen), "parts of chunks count"


def test_the_vaults_secret_stays_with_its_owner(run: Run, farm: InlineFarm) -> None:
    with run.vault.secret() as shared:
        kept = bytes(shared.expose())
    seen: list[bytes] = [farm.table]
    send = farm.send
    farm.send = lambda worker, job: (seen.append(job), send(worker, job))[1]  # type: ignore[method-assign]
    prove(run)
    assert len(seen) == 2 * CHUNKS + 1 and not any(kept in message for message in seen)
    secrets = [unframe(m)[1]["secret"] for m in seen if unframe(m)[0] == "prove"]
    assert len(set(secrets)) == CHUNKS, "every attempt has its own"
    first, second = attempt_secret(Secret(kept)), attempt_secret(Secret(kept))
    assert first.expose() != second.expose() and len(first.expose()) == 32


# Messages


def test_messages_round_trip_and_damage() -> None:
    message = frame("job", {"a": b"one", "b": b"", "c": bytes(100)})
    assert unframe(message) == ("job", {"a": b"one", "b": b"", "c": bytes(100)})
    for bad in (b"", message[:-1], message + b"x", b"\0\0\0\x02{}", b"\0\0\0\x02[]", message[:9]):
        with pytest.raises(UnreadableFile, match="between owner and worker"):
            unframe(bad)
    with pytest.raises(UnreadableFile, match="a worker was sent a job"):
        Table.from_bytes(message)


def test_jobs_that_a_worker_does_not_do() -> None:
    worker = Worker()
    with pytest.raises(WorkerError, match="there is no job 'bake'"):
        read_reply(worker.do(frame("bake", {}), lambda done, total: None))
    with pytest.raises(WorkerError, match="has no table"):
        read_reply(worker.do(frame("prove", {"index": b"0"}), lambda done, total: None))


def test_sealed_messages_open_for_their_worker_alone() -> None:
    owner = Channel(session_key())
    right, wrong = KeyPair(), KeyPair()
    sealed = owner.for_worker(right.public)
    message = owner.seal("tacit/farm/job", b"secret weights")
    assert b"secret weights" not in message
    assert right.channel(sealed).open("tacit/farm/job", message) == b"secret weights"
    with pytest.raises(UnreadableFile):
        wrong.channel(sealed)
    with pytest.raises(UnreadableFile):
        right.channel(sealed).open("tacit/farm/table", message)
    with pytest.raises(UnreadableFile):
        owner.open("tacit/farm/job", message[:-1] + bytes([message[-1] ^ 1]))
    assert owner.for_worker(right.public) != sealed
    owner.close()
    with pytest.raises(VaultError, match="wiped"):
        owner.seal("tacit/farm/job", b"")


# Ray


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> FakeRay:
    fake = FakeRay()
    monkeypatch.setattr(rays, "load_ray", lambda: fake)
    monkeypatch.setattr(rays, "use_threads", lambda count: None)
    return fake


def test_a_run_on_ray(run: Run, ray: FakeRay) -> None:
    assert main(["prove", "run-1", "--ray", "local", "--out", "run.tacit"]) == 0
    assert main(["verify", "run.tacit", "--data", "clinic.commitment"]) == 0
    assert ray.options["num_cpus"] == 1 and ray.options["max_restarts"] == 0
    assert ray.options["memory"] == proving.estimate(run).memory
    assert ray.killed == 2 and not ray.running and spent(run) == CHUNKS


def test_nothing_that_ray_keeps_is_readable(run: Run, ray: FakeRay) -> None:
    record, data = run.record(), run.data()
    states = [state.flat_weights().tobytes() for state in record.states]
    proving.prove(run, quiet=True, workers=Workers(2, "local"))
    seen = b"".join(part for part in ray.seen if isinstance(part, bytes))
    secrets = [run.vault.secret(f"data/{data.name}"), run.vault.secret()]
    secrets += [run.vault.secret(f"runs/{run.name}/{index}") for index in range(CHUNKS + 1)]
    assert len(seen) > sum(map(len, states[:-1]))
    for hidden in (*states, data.features.tobytes(), *(bytes(secret.expose()) for secret in secrets)):
        assert hidden not in seen
        assert hidden[:32] not in seen
    parts = [p for p in ray.seen if not isinstance(p, bytes | int | float | type(None))]
    assert all(isinstance(p, tuple) and len(p[0]) == 32 for p in parts), "public keys and versions"


def test_an_actor_that_dies_costs_its_chunk_only(run: Run, ray: FakeRay) -> None:
    ray.dies = lambda method, call: method == "do" and call == 6
    proving.prove(run, quiet=True, workers=Workers(2, "local"))
    assert ray.calls.count("do") == 2 * CHUNKS + 1 and ray.calls.count("hello") == 3
    assert spent(run) in (CHUNKS, CHUNKS + 1)


def test_an_actor_of_another_version_gets_nothing(
    run: Run, ray: FakeRay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rays.Actor, "hello", lambda self: (bytes(32), "9.9"))
    with pytest.raises(WorkerError, match=r"it has tacit 9\.9, here is"):
        proving.prove(run, quiet=True, workers=Workers(1, "local"))
    assert ray.calls.count("load") == 0 and spent(run) == 0


def test_clusters_that_cannot_be_used(run: Run, ray: FakeRay, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prove", "run-1", "--ray"]) == 2
    assert "no Ray cluster answers at 'auto'" in capsys.readouterr().err
    ray.cluster = [{"Alive": True, "Resources": {"CPU": 4.0, "memory": 1e8}}, {"Alive": False, "Resources": {}}]
    assert main(["prove", "run-1", "--ray", "local"]) == 2
    assert "no machine of the cluster has 1 CPUs and 1 GB of memory" in capsys.readouterr().err
    assert main(["prove", "--ray", "run-1"]) == 2
    assert "write tacit prove run-1 --ray" in capsys.readouterr().err
    assert main(["prove", "--threads", "2"]) == 2
    assert main(["prove", "--workers", "0"]) == 2


def test_ray_is_an_extra(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(rays.importlib, "import_module", missing)
    with pytest.raises(UsageError, match=r"pip install 'tacit\[ray\]'"):
        proving.prove(run, quiet=True, workers=Workers(1, "local"))


def test_workers_fit_the_memory(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proving, "usable_memory", lambda: 3 * 10**9)
    with pytest.raises(UsageError, match=r"4 workers need about 4 GB of memory, .* has 3 GB .* 3 would"):
        prove(run, 4)
    for wrong in (Workers(0), Workers(True), Workers(1, threads=0)):
        with pytest.raises(UsageError, match="is not a number of"):
            proving.prove(run, quiet=True, workers=wrong)


# Processes, with the compiled core


def test_processes_prove_and_one_that_is_killed_costs_its_chunk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trained(tmp_path, monkeypatch, momentum=0.5)
    killed: list[int] = []

    class Killed(LocalFarm):
        def send(self, worker: int, job: bytes) -> None:
            super().send(worker, job)
            kind, parts = unframe(job)
            if kind == "prove" and parts["index"] == b"1" and not killed:
                killed.append(worker)
                threading.Timer(0.05, os.kill, (self.pid(worker), signal.SIGKILL)).start()

    monkeypatch.setattr(local, "LocalFarm", Killed)
    rows = proving.estimate(run).rows_per_proof
    proving.prove(run, quiet=True, workers=Workers(2, threads=1)).save("run.tacit")
    assert tacit.verify("run.tacit", data="clinic.commitment").shown
    assert killed and run.vault.accounts()[run.data().digest.hex()].spent == (CHUNKS + 1) * rows


def test_a_process_ends_with_its_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    farm = LocalFarm(table_of(trained(tmp_path, monkeypatch)), 1)
    worker = farm.hire()
    assert farm.wait(60) == [Joined(worker)]
    farm._processes[worker].stdin.close()  # type: ignore[union-attr]
    assert farm.wait(60) == [Lost(worker, "its process ended with 0")]
    worker = farm.hire()
    assert farm.wait(60) == [Joined(worker)]
    os.kill(farm.pid(worker), signal.SIGKILL)
    assert farm.wait(60) == [Lost(worker, "its process was killed (SIGKILL, out of memory perhaps)")]
    farm.send(worker, b"nobody hears this")
    farm.close()
