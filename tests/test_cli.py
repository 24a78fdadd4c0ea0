"""The command line: the main job, exit codes, refusals, resume, and what verifying loads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tacit
from native_double import ROWS_PER_PROOF, NativeDouble, pack, unpack
from tacit import session
from tacit.cli import main
from tacit.cli._run_file import read_run_file
from tacit.errors import BudgetError, FileTaken, ReleaseRefused, UnreadableFile, UsageError
from tacit.origins import Origins
from tacit.proving import Proof, prove
from tacit.runs import Run, open_run
from tacit.vault import Vault
from tacit.weights_file import named_tensors, safetensors_bytes

RUN_FILE = """
vault = "clinic.vault"
epochs = 8
batch_size = 4
shuffle_seed = 7
[model]
hidden = [3]
[optimizer]
lr = 0.125
[[schedule]]
epoch = 2
lr = 0.0625
"""


@pytest.fixture
def native(monkeypatch) -> NativeDouble:
    double = NativeDouble()
    monkeypatch.setattr(session, "load", lambda: double)
    return double


@pytest.fixture
def clinic(tmp_path, monkeypatch) -> Path:
    """A directory with a table and a run file, as the working directory."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("TACIT_PASSPHRASE", raising=False)
    monkeypatch.delenv("TACIT_VAULT", raising=False)
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(3)
    rows = random.normal(size=(40, 3))
    lines = ["age,weight,pulse,diagnosis"]
    lines += [f"{a:.4f},{b:.4f},{c:.4f},{'ill' if a + b > 0 else 'well'}" for a, b, c in rows]
    (tmp_path / "patients.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "run.toml").write_text(RUN_FILE)
    return tmp_path


def committed(*options: str) -> None:
    assert main(["commit", "patients.csv", "--target", "diagnosis", "--vault", "clinic.vault", *options]) == 0


@pytest.fixture
def trained(native, clinic) -> Run:
    """A run of three chunks, trained through the command line."""
    pytest.importorskip("torch")
    committed()
    text = RUN_FILE.replace("epochs = 8", "epochs = 16")
    (clinic / "run.toml").write_text(text)
    import tacit.training

    original = tacit.training.make_provable
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            tacit.training, "make_provable", lambda *a, **k: original(*a, **(k | {"chunk_steps": 64}))
        )
        assert main(["train", "run.toml"]) == 0
    run = open_run("clinic.vault")
    record = run.record()
    native.next_weights = [state.flat_weights() for state in record.states]
    assert len(record.states) == 4
    return run


# The main job


def test_commit_train_prove_verify_release(trained, capsys):
    assert main(["prove", "run-1"]) == 0
    assert main(["verify", "run.tacit", "--data", "patients.commitment"]) == 0
    out = capsys.readouterr().out
    assert "VALID" in out
    assert "The model is what training gives." in out
    assert "who collected the data" in out
    assert "-129.5  total" in out
    assert main(["release", "run-1"]) == 0
    assert main(["verify", "release.tacit", "--run", "run.tacit", "--model", "model.safetensors"]) == 0
    assert main(["inspect", "run.tacit"]) == 0
    assert "nothing of it was checked" in capsys.readouterr().out
    assert main(["verify", "run.tacit", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["shown"] == ["The model is what training gives."]
    assert main(["verify", "patients.commitment"]) == 0


def test_released_weights_load_into_the_users_module(trained):
    torch = pytest.importorskip("torch")
    safetensors = pytest.importorskip("safetensors.torch")
    assert main(["release", "run-1"]) == 0
    state = safetensors.load_file("model.safetensors")
    module = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.ReLU(), torch.nn.Linear(3, 2))
    module.load_state_dict(state)
    record = trained.record()
    exact = record.final.weights[0] / 2.0**record.config.scales.fw
    released = np.concatenate([state["0.weight"].numpy().T, state["0.bias"].numpy()[None]])
    assert np.abs(released - exact).max() <= 2.0**-13
    assert np.array_equal(released * 4096, np.round(released * 4096))


def test_the_order_follows_from_seed_and_commitment(trained, native):
    record, data = trained.record(), trained.data()
    origin = '{"Prover": {"nonce": 7}}'
    seed = native.derive_seed("order", origin, record.config.to_json(), data.file, None)
    assert record.config.order.seed == seed
    assert unpack(trained.statement(record))["origins"] == {"order": {"Prover": {"nonce": 7}}, "start": None}


def test_training_the_same_again_is_the_same_run(trained):
    from tacit.runs import run_names, store_run

    again = store_run(trained.data(), trained.record(), origins=trained.origins())
    assert again.name == "run-1"
    other = store_run(trained.data(), trained.record(), origins=Origins(8))
    assert other.name == "run-2"
    assert run_names(trained.vault) == ["run-1", "run-2"]


def test_fit_is_a_run_like_any_other(native, clinic):
    pytest.importorskip("torch")
    committed()
    data = tacit.open_data("clinic.vault", "patients")
    fitted = tacit.fit(data, hidden=(3,), epochs=5, batch_size=8, shuffle_seed=1, init_seed=0)
    assert fitted.losses[-1] < fitted.losses[0]
    run = tacit.run_of(fitted)
    native.next_weights = [state.flat_weights() for state in run.record().states]
    proof = tacit.prove(fitted, quiet=True)
    assert unpack(proof.content)["statement"]["data"] == data.digest.hex()
    assert tacit.run_of(run) is run
    with pytest.raises(UsageError, match="not trained with make_provable"):
        tacit.prove(fitted.model.module)


def test_fit_takes_a_vault_or_raw_data(native, clinic):
    pytest.importorskip("torch")
    committed()
    options = {"epochs": 1, "batch_size": 8}
    data = tacit.open_data("clinic.vault", "patients")
    for given in ({"data": "clinic.vault"}, {"data": data.vault}, {"data": data.vault, "name": "patients"}):
        assert tacit.run_of(tacit.fit(**given, **options)).data().digest == data.digest
    x, y = np.arange(24.0).reshape(12, 2) / 16, np.arange(12) % 2
    fitted = tacit.fit(x, y, vault="raw.vault", **options)
    again = tacit.fit(x, y, vault="raw.vault", **options)
    assert tacit.run_of(fitted).data().digest == tacit.run_of(again).data().digest
    assert Path("raw.commitment").exists()
    tacit.commit(x, y, vault="raw.vault", name="second", quiet=True)
    for wrong, message in (
        ({"data": x, "y": y}, "give vault=...: data is committed"),
        ({"data": data, "vault": "raw.vault"}, "committed data has its vault"),
        ({"data": "raw.vault", "vault": "raw.vault"}, "give one vault"),
        ({"data": "raw.vault"}, r"holds 2 data sets \(data, second\); say which one"),
        ({"data": "raw.vault", "name": "third"}, "no data called 'third'"),
    ):
        with pytest.raises(UsageError, match=message):
            tacit.fit(**wrong, **options)


def test_memory_picks_the_steps_of_a_proof(native, clinic, capsys):
    """The double needs 10 MB a step."""
    pytest.importorskip("torch")
    committed()
    text = RUN_FILE.replace("epochs = 8", "epochs = 8\nmemory = '200MB'")
    (clinic / "run.toml").write_text(text)
    assert main(["train", "run.toml"]) == 0
    assert open_run("clinic.vault").record().config.schedule.chunk_steps == 16
    assert "16 steps in a proof: about 160 MB of memory, limit 200 MB" in capsys.readouterr().err
    (clinic / "run.toml").write_text(text.replace("200MB", "9 MB"))
    assert main(["train", "run.toml"]) == 2
    assert "memory = 9 MB is too little: proving one step" in capsys.readouterr().err
    (clinic / "run.toml").write_text(text.replace("200MB", "lots"))
    assert main(["train", "run.toml"]) == 2
    assert 'is not an amount like "6GB"' in capsys.readouterr().err


def test_check_keeps_nothing(native, clinic):
    pytest.importorskip("torch")
    committed()
    assert main(["train", "run.toml", "--check"]) == 0
    with pytest.raises(UsageError, match="holds no runs"):
        open_run("clinic.vault")


@pytest.mark.parametrize(("labels", "outputs"), [("class", 2), ("binary", 1)])
def test_model_and_loss_follow_the_labels(native, clinic, labels, outputs):
    torch = pytest.importorskip("torch")
    from tacit.cli.train import build_model, loss_for
    from tacit.commitment import open_data

    committed("--labels", labels, "--classes", "well,ill")
    data = open_data("clinic.vault", "patients")
    run = read_run_file(clinic / "run.toml")
    assert build_model(data, run)(torch.zeros(5, 3)).shape == (5, outputs)
    assert type(loss_for(data)).__name__ == {"class": "CrossEntropyLoss", "binary": "BCEWithLogitsLoss"}[labels]


# Proving: budget, resume, crashes


def test_every_chunk_is_charged_before_it_is_proven(trained, native):
    data = trained.data()
    key = data.digest.hex()
    seen = []
    native.before_chunk = lambda index: seen.append(trained.vault.accounts()[key].spent)
    prove(trained, quiet=True)
    assert seen == [ROWS_PER_PROOF * (i + 1) for i in range(3)]
    spent = {k: a.spent for k, a in trained.vault.accounts().items() if k != key}
    assert sorted(spent.values()) == [ROWS_PER_PROOF, ROWS_PER_PROOF, 2 * ROWS_PER_PROOF, 2 * ROWS_PER_PROOF]


def test_a_stopped_proof_goes_on_where_it_stopped_and_its_rows_stay_spent(trained, native):
    def stop(index: int) -> None:
        if index == 1 and native.attempts.count(1) == 1:
            raise KeyboardInterrupt

    native.before_chunk = stop
    with pytest.raises(KeyboardInterrupt):
        prove(trained, quiet=True)
    assert native.attempts == [0, 1]
    proof = prove(trained, quiet=True)
    assert native.attempts == [0, 1, 1, 2]
    assert trained.vault.accounts()[trained.data().digest.hex()].spent == 4 * ROWS_PER_PROOF
    assert [c["index"] for c in unpack(proof.content)["chunks"]] == [0, 1, 2]
    prove(trained, quiet=True)
    assert native.attempts == [0, 1, 1, 2]


def test_nothing_of_an_unfinished_attempt_is_stored(trained, native):
    def stop(index: int) -> None:
        raise KeyboardInterrupt

    run_statement = trained.statement(trained.record())
    trained.boundary(0, trained.record())
    trained.boundary(1, trained.record())
    before = set(trained.vault.names())
    native.before_chunk = stop
    with pytest.raises(KeyboardInterrupt):
        prove(trained, quiet=True)
    assert set(trained.vault.names()) == before
    assert trained.statement(trained.record()) == run_statement


def test_ctrl_c_is_exit_code_130(trained, native, capsys):
    def stop(index: int) -> None:
        raise KeyboardInterrupt

    native.before_chunk = stop
    assert main(["prove"]) == 130
    assert "interrupted" in capsys.readouterr().err
    assert not Path("run.tacit").exists()


def test_a_run_beyond_the_budget_is_refused_before_its_first_proof(trained, native):
    key = trained.data().digest.hex()
    account = trained.vault.accounts()[key]
    trained.vault.budget.charge({key: account.left() - 2 * ROWS_PER_PROOF}, "others")
    with pytest.raises(BudgetError, match=r"opens 372 rows .* 248 of"):
        prove(trained, quiet=True)
    assert native.attempts == []
    assert main(["prove"]) == 2


def test_a_copied_vault_proves_nothing(trained, native, monkeypatch):
    monkeypatch.setattr("tacit.vault.identity.machine_id", lambda: "elsewhere")
    assert main(["prove"]) == 2
    assert native.attempts == []
    assert main(["vault", "status"]) == 0
    assert main(["vault", "adopt", "--spent", "0"]) == 0
    assert main(["prove"]) == 0


def test_another_model_after_reexecution_is_an_error(trained, native):
    native.next_weights[2] = native.next_weights[2] + 1
    with pytest.raises(UsageError, match="chunk 1 executed again gives another model"):
        prove(trained, quiet=True)
    assert trained.blob("chunk-0") is not None
    assert trained.blob("chunk-1") is None


def test_estimate_stops_before_proving(trained, native, capsys):
    assert main(["prove", "--estimate"]) == 0
    assert "3 chunks, 1.5 s, 1 GB of memory, a proof of 350 KB" in capsys.readouterr().out
    assert native.attempts == []


def test_a_model_of_another_data_set_cannot_be_stored(trained):
    from dataclasses import replace

    from tacit.runs import store_run

    record = replace(trained.record(), data_digest=bytes(32))
    with pytest.raises(UsageError, match="another data set"):
        store_run(trained.data(), record, origins=trained.origins())


def test_unknown_runs(trained, capsys):
    assert main(["prove", "run-9"]) == 2
    assert "no run 'run-9'; it has run-1" in capsys.readouterr().err
    assert main(["prove", "--vault", "none.vault"]) == 3


# Release


def test_one_release_per_data_set_and_its_neighbours(trained, native, clinic, capsys):
    assert main(["release", "run-1"]) == 0
    assert native.circumstances["earlier"] == "nothing"
    spent = {k: a.spent for k, a in trained.vault.accounts().items()}
    assert main(["release", "run-1", "--force", "--bits", "11"]) == 2
    assert "rule: same data (the release of run-1)" in capsys.readouterr().err
    assert {k: a.spent for k, a in trained.vault.accounts().items()} == spent
    # The same rows, one removed, under another name in the same vault.
    lines = (clinic / "patients.csv").read_text().splitlines()
    (clinic / "later.csv").write_text("\n".join(lines[:-1]) + "\n")
    assert main(["commit", "later.csv", "--target", "diagnosis", "--vault", "clinic.vault"]) == 0
    (clinic / "run.toml").write_text('data = "later"\n' + RUN_FILE.replace("epochs = 8", "epochs = 16"))
    assert main(["train", "run.toml"]) == 0
    native.next_weights = [state.flat_weights() for state in open_run("clinic.vault").record().states]
    capsys.readouterr()
    assert main(["release", "run-2", "--force"]) == 2
    assert "rule: neighbouring data (the release of run-1)" in capsys.readouterr().err
    with pytest.raises(ReleaseRefused) as caught:
        tacit.release(open_run("clinic.vault"), quiet=True)
    assert caught.value.rule == "EarlierRelease"
    assert main(["release", "run-2", "--data-is-public"]) == 2
    assert "model.safetensors exists already" in capsys.readouterr().err
    assert main(["release", "run-2", "--data-is-public", "--force"]) == 0
    assert native.circumstances["data_is_public"]


def test_a_release_whose_files_were_not_written_can_be_had_again(trained, native, capsys):
    made = tacit.release(trained, quiet=True)
    Path("model.safetensors").write_text("something else")
    with pytest.raises(FileTaken):
        made.save("model.safetensors", "release.tacit")
    spent = {k: a.spent for k, a in trained.vault.accounts().items()}
    proofs = native.releases
    again = tacit.release(open_run("clinic.vault"), quiet=True)
    assert again.proof == made.proof and again.links == made.links
    assert {n: t.tobytes() for n, t in again.weights.items()} == {
        n: t.tobytes() for n, t in made.weights.items()
    }
    assert (again.metric_exact, again.metric_rounded) == (made.metric_exact, made.metric_rounded)
    assert native.releases == proofs == 1, "nothing is proven twice"
    assert {k: a.spent for k, a in trained.vault.accounts().items()} == spent
    # At other bits, or with the rules set aside, it is another release.
    with pytest.raises(ReleaseRefused) as caught:
        tacit.release(trained, bits=11, quiet=True)
    assert caught.value.rule == "EarlierRelease"
    assert main(["release", "run-1", "--model", "again.safetensors"]) == 0
    assert Path("release.tacit").read_bytes() == made.proof
    tacit.release(trained, data_is_public=True, quiet=True)
    assert native.releases == 2


def test_other_rows_are_no_neighbours_and_shared_rows_are(trained, native, clinic):
    from tacit.neighbours import earlier_release, remember_release

    data = trained.data()
    remember_release(data, "run-1")
    schema = data.schema
    random = np.random.default_rng(9)
    features = data.quantised.values() * np.array([s.divisor for s in data.quantised.scales])
    original = features + np.array([s.offset for s in data.quantised.scales])
    fresh = random.normal(size=(40, 3))
    mixed = np.concatenate([original[:5], fresh[5:]])
    labels = ["ill" if label == 0 else "well" for label in data.labels]
    found = {}
    for name, x in {"fresh": fresh, "mixed": mixed, "again": original}.items():
        table = {"age": x[:, 0], "weight": x[:, 1], "pulse": x[:, 2], "diagnosis": np.array(labels)}
        made = tacit.commit(
            table, "diagnosis", vault=trained.vault, name=name, schema=schema, quiet=True, max_clipped=1.0
        )
        found[name] = earlier_release(made)
    assert found == {"fresh": "nothing", "mixed": "neighbouring", "again": "neighbouring"}
    assert earlier_release(data) == "same"


@pytest.mark.parametrize(("kind", "expected"), [("class", 0.75), ("binary", 0.75), ("real", 0.0)])
def test_metric_of_a_known_model(native, clinic, kind, expected):
    from tacit.arithmetic.config import Architecture, Layer, Order, RunConfig, Scales, Schedule
    from tacit.metrics import METRICS, training_metric

    outputs = 2 if kind == "class" else 1
    x = np.array([[-1.0], [-0.5], [0.5], [1.0]])
    y = {"class": [1, 0, 1, 1], "binary": [1, 0, 1, 1], "real": [1.0, -1.0, 3.0, 1.0]}[kind]
    data = tacit.commit(x, y, vault=clinic / "m.vault", label_kind=kind, quiet=True, scale="none")
    loss = {"class": "cross_entropy", "binary": "bce_with_logits", "real": "mse"}[kind]
    config = RunConfig(
        Architecture((Layer(1, outputs, True, "identity"),), loss),
        Scales(),
        Schedule(4, 4, False, 1, 1, (1,)),
        Order(),
        12,
        12 if kind == "real" else 0,
    )
    weights = {"class": [-1.0, 1.0, 0.0, 0.0], "binary": [1.0, 0.0], "real": [0.0, 1.0]}[kind]
    assert training_metric(config, data, np.array(weights)) == expected
    assert METRICS[kind] in ("accuracy", "R^2")


def test_release_tells_its_owner_the_metric(trained, native, capsys):
    made = tacit.release(trained)
    assert made.metric == "accuracy"
    assert 0.5 < made.metric_exact <= 1.0
    assert abs(made.metric_exact - made.metric_rounded) < 0.1
    assert f"{made.metric_exact:.4f} exact" in capsys.readouterr().err
    assert str(made.metric_exact) not in repr(made)


def test_circumstances_name_columns_by_position(trained, native):
    main(["release", "run-1", "--known", "weight", "--known-labels"])
    assert native.circumstances["known"] == [1, 3, 4]
    assert all(4 <= bits <= 6 for bits in native.circumstances["feature_bits"])


def test_categorical_columns_are_known_with_their_indicators(native, clinic):
    from tacit.releasing import _bits, _known

    x = {"age": np.linspace(-1, 1, 9), "town": np.array(list("abcabcabc"))}
    made = tacit.commit(
        x, np.arange(9) % 2, vault=clinic / "t.vault", categorical=["town"], quiet=True, scale="none"
    )
    assert _known(made, ["town"], labels=False) == [1, 2, 3]
    assert [_bits(made.features[:, j]) for j in range(4)] == [4, 1, 1, 1]


def test_release_refuses_odd_options(trained, native, capsys):
    for options, problem in [
        (["--known", "height"], "no input column 'height'"),
        (["--bits", "1"], "a release of 1 fractional bits"),
    ]:
        assert main(["release", "run-1", *options]) == 2
        assert problem in capsys.readouterr().err
    assert not Path("model.safetensors").exists()
    assert not trained.vault.names("releases/")


def test_weights_that_float32_cannot_hold_are_refused():
    with pytest.raises(UsageError, match="do not fit float32"):
        named_tensors(np.array([1 << 24, 0]), [(2, 1)], [("w", "b")], 20)
    with pytest.raises(UsageError, match="3 weights do not fit"):
        named_tensors(np.array([1, 2, 3]), [(2, 1)], [("w", "b")], 12)
    tensors = named_tensors(np.array([4096, -2048, 1]), [(3, 1)], [("w", "b")], 12)
    assert tensors["w"].tolist() == [[1.0, -0.5]]
    assert tensors["b"].tolist() == [2.0**-12]
    content = safetensors_bytes(tensors)
    assert content == safetensors_bytes(dict(reversed(tensors.items())))
    assert int.from_bytes(content[:8], "little") % 8 == 0


# Exit codes


def test_exit_codes(trained, native, clinic, capsys):
    prove(trained, quiet=True).save("run.tacit")
    good = Path("run.tacit").read_bytes()
    committed_other = pack(kind="data", digest="00" * 32, description={})
    Path("other.commitment").write_bytes(committed_other)
    assert main(["verify", "run.tacit", "--data", "other.commitment"]) == 1
    assert "REJECTED by the check DataCommitment: the proof is about other data" in capsys.readouterr().err
    told = unpack(good)
    told["chunks"].reverse()
    Path("reversed.tacit").write_bytes(pack(**told))
    assert main(["verify", "reversed.tacit"]) == 1
    assert "ChunkOrder" in capsys.readouterr().err
    for name, content in {"cut": good[:-5], "longer": good + b"x", "text": b"hello"}.items():
        Path(name).write_bytes(content)
        assert main(["verify", name]) == 3, name
    assert main(["verify", "missing.tacit"]) == 3
    assert main(["verify", str(clinic)]) == 3
    assert main(["verify"]) == 2
    assert main(["verify", "run.tacit", "--run", "run.tacit"]) == 2
    assert main(["verify", "patients.commitment", "--data", "patients.commitment"]) == 2
    assert main(["prove", "--no-such-option"]) == 2
    assert main(["no-such-command"]) == 2
    assert main(["--help"]) == 0


def test_the_version_names_the_build(native, capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"tacit {tacit.__version__} (double build)\n"


def test_a_release_needs_its_run_and_model(trained, native, capsys):
    assert main(["release", "run-1"]) == 0
    assert main(["verify", "release.tacit"]) == 2
    told = capsys.readouterr().err
    assert "verify it with --run (the proof of its run) and --model (the safetensors file)" in told
    prove(trained, quiet=True).save("run.tacit")
    Path("other.tacit").write_bytes(Path("run.tacit").read_bytes() + b" ")
    assert main(["verify", "release.tacit", "--run", "other.tacit", "--model", "model.safetensors"]) == 1


def test_commit_refusals(native, clinic, capsys):
    (clinic / "bad.csv").write_text("a,y\n1,0\nnan,1\n")
    assert main(["commit", "bad.csv", "--target", "y", "--vault", "v.vault"]) == 2
    assert "column 'a', row 1 (line 3 of bad.csv)" in capsys.readouterr().err
    assert main(["commit", "none.csv", "--target", "y", "--vault", "v.vault"]) == 3
    assert main(["commit", "patients.csv", "--vault", "v.vault"]) == 2
    assert (
        main(["commit", "patients.csv", "--target", "diagnosis", "--vault", "v.vault", "--schema", "no.toml"])
        == 3
    )
    assert not (clinic / "v.vault").exists()


def test_commit_with_key_file_schema_and_names(native, clinic):
    (clinic / "s.toml").write_text(
        '[target]\nname = "diagnosis"\nclasses = ["well", "ill"]\n'
        "[columns.age]\noffset = 0\ndivisor = 1\n[columns.pulse]\noffset = 0\ndivisor = 2\n"
    )
    options = ["--schema", "s.toml", "--key-file", "key", "--publish-names", "--output", "out.commitment"]
    assert main(["commit", "patients.csv", "--vault", "v.vault", *options]) == 0
    told = unpack((clinic / "out.commitment").read_bytes())["description"]
    assert told["names"] == ["age", "pulse"]
    assert told["released"] == ["the number of rows"]
    assert not (clinic / "v.vault" / "key").exists()
    Vault.open(clinic / "v.vault", key_file=clinic / "key")


def test_which_vault(native, clinic, monkeypatch, capsys):
    assert main(["vault", "status"]) == 2
    assert "say which vault: --vault PATH (there is none here)" in capsys.readouterr().err
    committed()
    assert main(["vault", "status"]) == 0
    assert f"patients  {''}" in capsys.readouterr().out
    Vault.create(clinic / "other.vault")
    assert main(["vault", "status"]) == 2
    assert "here are clinic.vault, other.vault" in capsys.readouterr().err
    monkeypatch.setenv("TACIT_VAULT", "clinic.vault")
    assert main(["vault", "status"]) == 0


# run.toml


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("epochs = 8", ""), "does not say epochs"),
        (("epochs = 8", "epochs = 0"), "epochs is 0; it must be positive"),
        (("epochs = 8", "epochs = true"), "epochs is True, not a whole number"),
        (("batch_size = 4", "batch_size = 4.0"), "batch_size is 4.0, not a whole number"),
        (("batch_size = 4", "batchsize = 4"), "does not say batch_size"),
        (("shuffle_seed", "shufle_seed"), "unknown entry shufle_seed"),
        (("lr = 0.125", 'lr = "fast"'), "optimizer.lr is 'fast', not a number"),
        (("lr = 0.125", "rate = 0.125"), "does not say optimizer.lr"),
        (("hidden = [3]", "hidden = [0]"), "not a list of positive whole numbers"),
        (("hidden = [3]", 'activation = "gelu"'), "there are relu, sigmoid, tanh"),
        (("hidden = [3]", "dropout = 0.5"), "unknown entry model.dropout"),
        (("epoch = 2", "epoch = 0"), "schedule.epoch is 0"),
        (("epoch = 2\nlr = 0.0625", "epoch = 2\nlr = 0.1\n[[schedule]]\nepoch = 2\nlr = 0.1"), "do not ascend"),
    ],
)
def test_run_file_refusals(clinic, change, problem):
    (clinic / "run.toml").write_text(RUN_FILE.replace(*change))
    with pytest.raises(UsageError, match=problem):
        read_run_file(clinic / "run.toml")


def test_run_file_reading(clinic):
    run = read_run_file(clinic / "run.toml")
    assert [run.lr_at(epoch) for epoch in (0, 1, 2, 7)] == [0.125, 0.125, 0.0625, 0.0625]
    assert run.vault == clinic / "clinic.vault"
    (clinic / "run.toml").write_text("= 3")
    with pytest.raises(UnreadableFile, match="is not TOML"):
        read_run_file(clinic / "run.toml")
    assert main(["train", "none.toml"]) == 3


# Imports


VERIFYING = """
import sys
import tacit
from tacit.cli import main
code = main(["verify", sys.argv[1]])
loaded = [m for m in ("torch", "numpy", "pandas", "cryptography", "rich") if m in sys.modules]
assert not loaded, loaded
sys.exit(code)
"""


def test_verifying_loads_neither_torch_nor_numpy_nor_secrets(clinic):
    (clinic / "run.tacit").write_bytes(b"nothing")
    done = subprocess.run(
        [sys.executable, "-c", VERIFYING, str(clinic / "none.tacit")],
        env={**os.environ, "PYTHONPATH": str(Path(tacit.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    assert "AssertionError" not in done.stderr


def test_every_public_name_exists():
    for name in tacit.__all__:
        assert getattr(tacit, name) is not None
    assert set(tacit.__all__) == set(tacit._HOMES)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = tacit.nothing
    assert "commit" in dir(tacit)


def test_progress_is_silent_without_a_terminal(capsys):
    from tacit.progress import duration, progress_bar, size

    with progress_bar("x") as progress:
        progress(1, 2)
    assert capsys.readouterr() == ("", "")
    with progress_bar("proving", shown=True) as progress:
        progress(1, 2)
        progress(2, 2)
    assert capsys.readouterr().out == ""
    assert [duration(s) for s in (0.02, 4.12, 125, 4800)] == ["0.02 s", "4.1 s", "2 min 5 s", "1 h 20 min"]
    assert [size(b) for b in (812, 3100, 350_711, 1.53e9)] == ["812 B", "3.1 KB", "351 KB", "1.53 GB"]


def test_proofs_are_loaded_as_saved(tmp_path):
    saved = Proof(b"content", "run-1")
    saved.save(tmp_path / "p.tacit")
    assert Proof.load(tmp_path / "p.tacit").content == b"content"
    assert len(saved) == 7


def test_a_reader_that_goes_away_is_no_rejection(tmp_path: Path) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    command = [sys.executable, "-m", "tacit.cli", "verify", "--help"]
    done = subprocess.run(command, check=False, stdout=write_end, stderr=subprocess.PIPE)
    os.close(write_end)
    assert done.returncode == 2, done.stderr
