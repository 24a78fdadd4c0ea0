"""What a newcomer runs into: files that are kept, messages that name the option, words that are plain."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path

import click
import numpy as np
import pytest

import tacit
from native_double import NativeDouble, pack, unpack
from tacit import session
from tacit._wording import check_options, given, name_of, named, options_named
from tacit.cli import cli, main
from tacit.cli._run_file import EXAMPLE, read_run_file
from tacit.errors import BoundFails, FileTaken, ReportRefused, UsageError, WrongKind, WrongPassphrase
from tacit.vault import Vault

RUN_FILE = """
vault = "clinic.vault"
data = "patients"
epochs = 2
batch_size = 8
[model]
hidden = [3]
[optimizer]
lr = 0.125
"""


@pytest.fixture
def native(monkeypatch) -> NativeDouble:
    double = NativeDouble()
    monkeypatch.setattr(session, "load", lambda: double)
    return double


@pytest.fixture
def clinic(native, tmp_path, monkeypatch) -> Path:
    """A directory with two tables and a run file, as the working directory."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("TACIT_PASSPHRASE", raising=False)
    monkeypatch.delenv("TACIT_VAULT", raising=False)
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(3)
    for name, count in (("patients", 40), ("later", 20)):
        rows = random.uniform(-1, 1, size=(count, 3))
        lines = ["age,weight,pulse,diagnosis"]
        lines += [f"{a:.4f},{b:.4f},{c:.4f},{'ill' if a + b > 0 else 'well'}" for a, b, c in rows]
        (tmp_path / f"{name}.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "run.toml").write_text(RUN_FILE)
    return tmp_path


def commit(name: str = "patients", *options: str) -> int:
    target = [] if "--like" in options else ["--target", "diagnosis"]
    return main(["commit", f"{name}.csv", "--vault", "clinic.vault", *target, *options])


@pytest.fixture
def trained(native, clinic) -> tacit.Run:
    pytest.importorskip("torch")
    assert commit() == 0
    assert main(["train", "run.toml"]) == 0
    run = tacit.open_run("clinic.vault")
    native.next_weights = [state.flat_weights() for state in run.record().states]
    return run


# Test data under the schema of training data


def test_data_like_other_data_has_its_schema_and_schema_id(clinic, capsys):
    assert commit() == 0
    assert commit("later", "--like", "patients") == 0
    first, second = (unpack(Path(f"{n}.commitment").read_bytes())["description"] for n in ("patients", "later"))
    assert first["schema_id"] == second["schema_id"]
    assert first["schema"] == second["schema"]
    # Whose rows the scales were derived from is told beside the schema, as before.
    assert "mean" in " ".join(first["released"])
    assert second["released"] == ["the number of rows"]
    capsys.readouterr()
    assert commit("later", "--like", "nobody", "--name", "third") == 2
    assert "no data called 'nobody'; it has later, patients" in capsys.readouterr().err
    Path("s.toml").write_text("fa = 8\n")
    assert commit("later", "--like", "patients", "--schema", "s.toml", "--name", "third") == 2
    assert "give --schema or --like, not both" in capsys.readouterr().err


def test_like_in_python_takes_data_or_its_name(clinic):
    x = np.random.default_rng(1).normal(size=(30, 2))
    y = np.arange(30) % 2
    train = tacit.commit(x, y, vault="v.vault", quiet=True)
    for like in (train, "data"):
        test = tacit.commit(
            x[:9] / 2, y[:9], vault="v.vault", name="test", like=like, quiet=True, max_clipped=1.0
        )
        assert test.schema_id == train.schema_id
        assert test.quantised.scales == train.quantised.scales
    for wrong, problem in (
        ({"like": 7}, "like is a int, neither committed data nor its name"),
        ({"like": "data", "schema": train.schema}, "not both"),
        ({"schema": {"fa": 8}}, "schema is a dict, not a tacit.Schema"),
        ({"proofs": "64"}, "proofs is '64'; it must be a whole number"),
        ({"name": 3}, "name='3' is not a text"),
    ):
        with pytest.raises(UsageError, match=problem):
            tacit.commit(x, y, vault="v.vault", **wrong)
    with pytest.raises(tacit.UnreadableFile, match="no vault"):
        tacit.commit(x, y, vault="other.vault", like="data")
    assert not Path("other.vault").exists()


def test_the_schema_file_of_the_help_is_one(clinic, capsys):
    assert main(["commit", "--help"]) == 0
    lines = capsys.readouterr().out.partition("A schema (--schema FILE, TOML)")[2].splitlines()[2:]
    Path("s.toml").write_text("\n".join(line for line in lines if "=" in line or "[" in line))
    schema = tacit.Schema.load("s.toml")
    assert set(schema.columns) == {"age", "town"}
    assert (schema.columns["age"].clip, schema.columns["town"].categories) == ((0.0, 100.0), ("A", "B"))
    assert schema.target.name == "diagnosis"


def test_a_missing_target_lists_the_columns(clinic, capsys):
    assert main(["commit", "patients.csv", "--vault", "clinic.vault"]) == 2
    told = capsys.readouterr().err
    assert "give --target COLUMN; the columns are age, weight, pulse, diagnosis" in told
    assert not Path("clinic.vault").exists()
    assert commit("patients", "--target", "pulse") == 2
    assert "make it categorical (--categorical diagnosis), or leave it out" in capsys.readouterr().err


# Files of something else


def test_a_commitment_does_not_replace_another(clinic, capsys):
    assert commit() == 0
    before = Path("patients.commitment").read_bytes()
    assert commit() == 0  # the same data again
    capsys.readouterr()
    for vault in ("clinic.vault", "new.vault"):
        options = ["--vault", vault, "--name", "later", "--out", "patients.commitment"]
        assert main(["commit", "later.csv", "--target", "diagnosis", *options]) == 2
        assert "patients.commitment exists already" in capsys.readouterr().err
    assert not Path("new.vault").exists()
    assert Vault.open("clinic.vault").names("data/later/") == []
    assert Path("patients.commitment").read_bytes() == before
    assert commit("later", "--out", "patients.commitment", "--force") == 0
    assert Path("patients.commitment").read_bytes() != before
    data = tacit.open_data("clinic.vault", "patients")
    with pytest.raises(FileTaken, match="overwrite=True to replace it"):
        data.save("patients.commitment")
    data.save("patients.commitment", overwrite=True)
    assert Path("patients.commitment").read_bytes() == before
    with pytest.raises(FileTaken):
        tacit.commit(np.eye(4), np.arange(4) % 2, vault="raw.vault", commitment="patients.commitment")
    assert not Path("raw.vault").exists()


def test_a_proof_does_not_replace_another_and_nothing_is_proven_in_vain(trained, native, capsys):
    Path("run.tacit").write_bytes(b"of last week")
    assert main(["prove"]) == 2
    assert "run.tacit exists already" in capsys.readouterr().err
    assert native.attempts == []
    assert main(["prove", "--out", "new.tacit"]) == 0
    assert main(["prove", "--out", "new.tacit"]) == 0  # the same proof again
    assert main(["prove", "--force"]) == 0
    assert Path("run.tacit").read_bytes() == Path("new.tacit").read_bytes()
    proof = tacit.prove(trained, quiet=True)
    Path("run.tacit").write_bytes(b"of last week")
    with pytest.raises(FileTaken):
        proof.save("run.tacit")
    assert Path("run.tacit").read_bytes() == b"of last week"
    proof.save("run.tacit", overwrite=True)


def test_a_release_replaces_neither_of_its_files(trained, native, capsys):
    for name in ("model.safetensors", "release.tacit"):
        Path(name).write_bytes(b"mine")
        assert main(["release"]) == 2
        assert f"{name} exists already" in capsys.readouterr().err
        assert Path(name).read_bytes() == b"mine"
        assert native.attempts == []
        Path(name).unlink()
    made = tacit.release(trained, quiet=True)
    Path("r.tacit").write_bytes(b"mine")
    with pytest.raises(FileTaken):
        made.save("m.safetensors", "r.tacit")
    assert not Path("m.safetensors").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "no/model.safetensors"], "there is no directory no"),
        (["--out", "no/release.tacit"], "there is no directory no"),
        (["--model", "same.tacit", "--out", "./same.tacit"], "the weights and their proof are two files"),
    ],
)
def test_a_release_is_not_spent_on_files_that_cannot_be(trained, native, capsys, arguments, message):
    assert main(["release", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert native.attempts == []
    assert main(["release"]) == 0


def test_nothing_is_proven_for_a_directory_that_is_not_there(trained, native, capsys):
    assert main(["prove", "--out", "no/run.tacit"]) == 2
    assert "there is no directory no" in capsys.readouterr().err
    assert native.attempts == []


def test_earlier_spellings_of_out_still_work_and_are_not_shown(trained, capsys):
    assert main(["prove", "--output", "a.tacit"]) == 0
    assert main(["release", "--proof", "b.tacit"]) == 0
    assert main(["evaluate", "--output", "c.tacit"]) == 0
    assert commit("later", "--output", "d.commitment") == 0
    assert all(Path(name).exists() for name in ("a.tacit", "b.tacit", "c.tacit", "d.commitment"))
    capsys.readouterr()
    for command in ("commit", "prove", "release", "evaluate", "predict"):
        assert main([command, "--help"]) == 0
        told = capsys.readouterr().out
        assert "--out FILE" in told
        assert "--output" not in told
        assert "--proof " not in told
        assert "--force" in told


# Keys


def test_a_key_file_that_is_missing_or_wrong_is_said_so(clinic, caplog):
    with caplog.at_level(logging.WARNING, "tacit.vault"):
        Vault.create("kept.vault", key_file="usb.key")
    assert "wrote a new key to usb.key: without this file nothing opens kept.vault" in caplog.text
    with pytest.raises(WrongPassphrase, match=r"a key file that is kept elsewhere: give key_file="):
        Vault.open("kept.vault")
    with pytest.raises(WrongPassphrase, match=r"cannot read the key file usv.key \(No such file"):
        Vault.open("kept.vault", key_file="usv.key")
    Path("other.key").write_text("0" * 64)
    Path("other.key").chmod(0o600)
    with pytest.raises(WrongPassphrase, match=r"the key file other\.key does not open kept.vault"):
        Vault.open("kept.vault", key_file="other.key")


def test_no_key_file_is_written_for_a_vault_that_exists(clinic, capsys):
    assert commit("patients", "--key-file", "usb.key") == 0
    assert Path("usb.key").exists()
    capsys.readouterr()
    for command in (
        ["vault", "status", "--vault", "clinic.vault", "--key-file", "usv.key"],
        ["commit", "later.csv", "--target", "diagnosis", "--vault", "clinic.vault", "--key-file", "usv.key"],
        ["prove", "--vault", "clinic.vault", "--key-file", "usv.key"],
    ):
        assert main(command) == 2
        told = capsys.readouterr().err
        assert "cannot read the key file usv.key" in told
        assert "--key-file" in told
        assert not Path("usv.key").exists()
    assert main(["vault", "status", "--vault", "clinic.vault"]) == 2
    assert "opened by a key file that is kept elsewhere: give --key-file" in capsys.readouterr().err
    Vault.create("phrase.vault", passphrase="open sesame", scrypt_n=1 << 14)
    assert main(["vault", "status", "--vault", "phrase.vault"]) == 2
    assert "give it at the prompt, or set TACIT_PASSPHRASE" in capsys.readouterr().err


# Python's words in Python, the command line's on it


def test_one_message_names_arguments_or_options():
    assert (name_of("min_group"), named("like"), given("data", "a")) == ("min_group", "like=...", "data='a'")
    with options_named():
        assert (name_of("min_group"), named("like"), given("data", "a")) == (
            "--min-group",
            "--like",
            "--data a",
        )
        assert named("overwrite", "True", option="--force") == "--force"
    assert named("like", "'x'") == "like='x'"
    with pytest.raises(UsageError, match="f has no argument 'metrc'; did you mean metric"):
        check_options("f", ["metrc"], lambda metric: None)
    with pytest.raises(UsageError, match="f has no argument 'b'; it has abcdef"):
        check_options("f", ["b"], lambda abcdef, b: None, hidden=["b"])


def test_a_copied_vault_says_what_to_type(trained, monkeypatch, capsys):
    monkeypatch.setattr("tacit.vault.identity.machine_id", lambda: "elsewhere")
    assert main(["prove"]) == 2
    told = capsys.readouterr().err
    assert "tacit vault adopt --spent ROWS" in told
    assert "spent=" not in told
    with pytest.raises(tacit.TacitError, match=r"adopt\(spent=\.\.\.\)"):
        tacit.prove(trained)
    with pytest.raises(UsageError, match="spent='many' is not a number of rows"):
        trained.vault.adopt("many")


def test_wrong_arguments_are_usage_errors(trained):
    torch = pytest.importorskip("torch")
    data = trained.data()
    with pytest.raises(UsageError, match="fit has no argument 'foo'; it has activation"):
        tacit.fit(data, foo=1)
    with pytest.raises(UsageError, match="fit has no argument 'epoch'; did you mean epochs"):
        tacit.fit(data, epoch=1)
    for what in (tacit.prove, tacit.estimate, tacit.release, tacit.evaluate, tacit.predict):
        with pytest.raises(UsageError, match=r"'run-1' is no model: open a run of a vault with tacit.open_run"):
            what("run-1")
    with pytest.raises(UsageError, match="a int is neither a model nor a run"):
        tacit.prove(7)
    with pytest.raises(UsageError, match="release has no argument 'bit'"):
        tacit.release(trained, bit=3)
    model = torch.nn.Linear(3, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.125)
    loss = torch.nn.CrossEntropyLoss()
    for wrong, problem in (
        ({"batchsize": 4}, "no argument 'batchsize'; did you mean batch_size"),
        ({}, "needs batch_size"),
        ({"batch_size": "4"}, "batch_size is '4', not a whole number"),
        ({"batch_size": 4, "epochs": 1.0}, "epochs is 1.0, not a whole number"),
        ({"batch_size": 4, "shuffle_seed": "7"}, "the seed '7' is not a whole number"),
    ):
        for call in (tacit.make_provable, tacit.declare):
            with pytest.raises(UsageError, match=problem):
                call(model, optimizer, data, loss, **wrong)
    with pytest.raises(UsageError, match="data is a ndarray, not committed data"):
        tacit.make_provable(model, optimizer, np.eye(3), loss, batch_size=4)


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: tacit.Beacon("", 5), "the beacon's name is ''"),
        (lambda: tacit.Beacon("drand", "5"), "the round of beacon drand is '5', not a whole number"),
        (lambda: tacit.Beacon("drand", -1), "the round of beacon drand is -1"),
        (
            lambda: tacit.Beacon("drand", 5, b"short"),
            "the output of round 5 of beacon drand has to be 32 bytes, it is 5 bytes",
        ),
        (lambda: tacit.VerifierNonce("ab"), "a verifier's nonce has to be 32 bytes, it is of type str"),
    ],
)
def test_origins_say_what_is_wrong_with_them(make, problem):
    with pytest.raises(UsageError, match=problem):
        make()


def test_a_nonce_that_is_not_there_yet_is_named():
    from tacit.origins import described

    with pytest.raises(
        UsageError, match=r"the output of round 5 of beacon drand is not known yet.*output=\.\.\."
    ):
        described(tacit.Beacon("drand", 5))
    with options_named(), pytest.raises(UsageError, match=r"nonce is not known yet.*tacit train --nonce HEX"):
        described(tacit.VerifierNonce())


# Runs


def test_the_example_of_a_run_file_is_one(clinic, capsys):
    assert main(["train", "--example"]) == 0
    text = capsys.readouterr().out
    assert text == EXAMPLE
    Path("example.toml").write_text(text)
    plain = read_run_file(Path("example.toml"))
    # With the comment signs taken away every entry is one.
    told = "\n".join(
        line.removeprefix("# ") if line.startswith("# ") and ("=" in line or "[[" in line) else line
        for line in text.splitlines()
    )
    Path("whole.toml").write_text(told.replace("nesterov = false", "nesterov = true"))
    whole = read_run_file(Path("whole.toml"))
    assert whole.nesterov and not plain.nesterov
    assert (whole.average, whole.window_bits, whole.gradient_bits, whole.chunk_steps) == (8, 16, 12, 64)
    assert whole.schedule == ((10, 0.0625),)
    assert main(["train", "--help"]) == 0
    told = capsys.readouterr().out
    entries = re.findall(r"^(?:# )?(\w+) = ", text, re.MULTILINE)
    assert len(entries) > 20
    assert [entry for entry in entries if entry not in told] == []


def test_nesterov_and_average_in_run_files_and_fit(trained, clinic, capsys):
    text = RUN_FILE.replace("epochs", "average = 2\nchunk_steps = 16\nepochs")
    (clinic / "run.toml").write_text(text + "momentum = 0.5\nnesterov = true\n")
    assert main(["train", "run.toml"]) == 0
    by_file = tacit.open_run("clinic.vault").record().config.schedule
    assert by_file.nesterov
    assert by_file.average == 2
    options = {"batch_size": 8, "momentum": 0.5, "nesterov": True, "average": 2, "chunk_steps": 16}
    fitted = tacit.fit(trained.data(), hidden=[3], epochs=2, **options)
    by_fit = tacit.run_of(fitted).record().config.schedule
    assert (by_fit.nesterov, by_fit.average, by_fit.filter) == (True, 2, by_file.filter)
    (clinic / "run.toml").write_text(RUN_FILE + "nesterov = true\n")
    capsys.readouterr()
    assert main(["train", "run.toml"]) == 2
    assert "optimizer.nesterov needs optimizer.momentum above 0" in capsys.readouterr().err
    with pytest.raises(tacit.TacitError, match="nesterov needs a momentum"):
        tacit.fit(trained.data(), nesterov=True)


def test_a_loop_that_was_left_early_is_warned_of(trained, native, caplog):
    torch = pytest.importorskip("torch")
    model = torch.nn.Linear(3, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.125)
    loss_fn = torch.nn.CrossEntropyLoss()
    made = tacit.make_provable(model, optimizer, trained.data(), loss_fn, batch_size=8, epochs=4)
    model, optimizer, loader, loss_fn = made
    for epoch in range(4):
        for x, y in loader:
            optimizer.zero_grad()
            loss_fn(model(x), y).backward()
            optimizer.step()
        if epoch < 2:
            continue
        native.next_weights = [state.flat_weights() for state in tacit.run_of(model).record().states]
        with caplog.at_level(logging.WARNING, "tacit.train"):
            tacit.prove(model, quiet=True)
        if epoch == 2:
            assert "the loop was left after 15 of the 20 steps that were planned" in caplog.text
            caplog.clear()
    assert not caplog.records


def test_batches_of_more_than_all_rows_and_strong_decay_are_warned_of(trained, caplog):
    options = {"epochs": 8, "mode": "check"}
    with caplog.at_level(logging.WARNING, "tacit.train"):
        tacit.fit(trained.data(), batch_size=40, **options)
        tacit.fit(trained.data(), batch_size=8, weight_decay=0.01, momentum=0.5, **options)
        assert not caplog.records
        tacit.fit(trained.data(), batch_size=41, **options)
        assert "batch_size = 41 is more than the 40 rows" in caplog.text
        caplog.clear()
        tacit.fit(trained.data(), batch_size=8, weight_decay=0.05, momentum=0.5, **options)
    # 40 steps, each of which shrinks weights by 0.125 * 0.05 / (1 - 0.5).
    share = 1 - (1 - 0.0125) ** 40
    assert f"shrinks weights by {100 * share:.0f} % at the end of each chunk of 40 steps" in caplog.text
    assert f"by about {50 * share:.0f} %" in caplog.text


# Verifying


def test_a_rejection_is_json_too(trained, capsys):
    assert main(["prove"]) == 0
    Path("other.commitment").write_bytes(pack(kind="data", digest="00" * 32, description={}))
    capsys.readouterr()
    assert main(["verify", "run.tacit", "--data", "other.commitment", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {
        "valid": False, "check": "DataCommitment", "message": "the proof is about other data",
    }  # fmt: skip
    Path("cut").write_bytes(Path("run.tacit").read_bytes()[:-5])
    assert main(["verify", "cut", "--json"]) == 3
    told = json.loads(capsys.readouterr().out)
    assert (told["valid"], told["check"]) == (False, "TruncatedFile")
    assert main(["verify", "run.tacit", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["valid"] is True
    assert main(["verify", "run.tacit", "--model", "x", "--json"]) == 2


def test_what_is_missing_or_of_another_kind_is_named(trained, capsys):
    assert main(["prove"]) == 0
    assert main(["release"]) == 0
    assert main(["evaluate"]) == 0
    model = ["--model", "model.safetensors"]
    for arguments, code, problem in (
        (
            ["release.tacit"],
            2,
            "the proof of a release: verify it with --run (the proof of its run) and --model",
        ),
        (["release.tacit", "--run", "run.tacit"], 2, "verify it with --model (the safetensors file)"),
        (
            ["report.tacit"],
            2,
            "this is a report: verify it with --run (the proof of its run; of a public model",
        ),
        (["report.tacit", "--run", "run.tacit", *model], 2, "; of a committed model without --model)"),
        (["run.tacit", "--training", "x"], 2, "without --training; give the commitment as --data"),
        (
            ["patients.commitment", "--nonce", "ab"],
            2,
            "this is a data commitment: it is verified without --nonce",
        ),
        (["run.tacit", "--nonce", "ab"], 2, "--nonce is 'ab', not 64 hexadecimal digits"),
        (
            ["run.tacit", "--data", "run.tacit"],
            3,
            "--data run.tacit is the proof of a run, not a data commitment",
        ),
        (
            ["report.tacit", "--run", "patients.commitment"],
            3,
            "--run patients.commitment is a data commitment, not the proof of a run",
        ),
        (
            ["report.tacit", "--run", "run.tacit", "--training", "release.tacit"],
            3,
            "--training release.tacit is the proof of a release, not a data commitment",
        ),
    ):
        capsys.readouterr()
        assert main(["verify", *arguments]) == code
        assert problem in capsys.readouterr().err
    with pytest.raises(WrongKind, match=r"data='run\.tacit' is the proof of a run, not a data commitment"):
        tacit.verify("run.tacit", data="run.tacit")
    with pytest.raises(UsageError, match="the proof is a Proof, not the path of a file: save it first"):
        tacit.verify(tacit.prove(trained, quiet=True))


def test_one_of_our_files_in_place_of_the_model_is_named(tmp_path, monkeypatch):
    kinds = {b"tacit\0R": "release", b"tacit\0r": "run"}
    monkeypatch.setattr(session, "file_kind", lambda content: kinds[content])
    for name, content in (("release.tacit", b"tacit\0R"), ("run.tacit", b"tacit\0r")):
        (tmp_path / name).write_bytes(content)
    run = tmp_path / "run.tacit"
    with pytest.raises(WrongKind, match=r"run\.tacit' is the proof of a run, not a safetensors file"):
        tacit.verify(tmp_path / "release.tacit", run=run, model=run)


def test_the_soundness_error_is_said_in_words():
    verdict = session.Verdict(
        ("a",), ("b",), (("lookups", -140.0), ("total, x", -129.0), ("total, y", -129.0)), {}
    )
    assert verdict.certainty.startswith(
        "If what is shown were false, an attempt at a proof would pass with a probability of"
    )
    assert "at most 2^-128.0," in verdict.certainty
    assert str(verdict).splitlines() == ["a", verdict.certainty, "Not shown: b"]
    assert str(session.Verdict(("a",), (), (), {})) == "a"


def test_a_bound_that_fails_is_no_wrong_usage():
    failure = NativeDouble.Failure("report", "BoundFails", "", "accuracy is below 9/10")
    error = session.translated(failure)
    assert isinstance(error, BoundFails)
    assert isinstance(error, ReportRefused)
    assert (error.exit_code, error.reason) == (1, "BoundFails")
    other = session.translated(NativeDouble.Failure("report", "Groups", "", "x"))
    assert (type(other), other.exit_code) == (ReportRefused, 2)


def test_commands_that_report_share_their_options():
    context = click.Context(cli)
    shared = {"run", "vault", "key_file", "data", "rows", "out", "force"}
    for name in ("evaluate", "predict"):
        command = cli.get_command(context, name)
        assert shared <= {p.name for p in command.params}


def test_the_confusion_matrix_is_printed(capsys):
    from tacit.cli.evaluate import show_confusion
    from tacit.reporting import Report

    counts = {"Counts": {"counts": [70, 3, 1, 26, 5, 6, 7, 8]}}
    show_confusion(Report(b"", "run-1", (counts,), ("sex=f", "sex=m")))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "rows by label (down) and prediction (across), group 0:"
    assert [line.split() for line in lines[1:4]] == [
        ["class", "0", "class", "1"], ["class", "0", "70", "3"], ["class", "1", "1", "26"],
    ]  # fmt: skip
    assert len({len(line) for line in lines[1:4]}) == 1
    assert lines[4].endswith("group 1:")
    show_confusion(Report(b"", "run-1", ("Outputs",)))
    assert capsys.readouterr().out == ""


def test_every_figure_tells_among_how_many_rows_it_counts():
    from tacit.reporting import _denominators

    recall = {"Recall": {"class": 1}}
    shown = [
        {"Exactly": {"rate": recall, "group": 1, "numerator": 2, "denominator": 3}},
        {"GapAtMost": {"rate": recall, "denominators": [7, 4], "bound": [1, 2]}},
        {"Counts": {"counts": [70, 3, 1, 26, 5, 6, 7, 8]}},
        {"AtLeast": {"rate": "Accuracy", "group": None, "bound": [1, 2]}},
        "Outputs",
    ]
    assert list(_denominators(shown, ["f", "m"])) == [
        ("recall:1 [m]", 3),
        ("recall:1 [f]", 7),
        ("recall:1 [m]", 4),
        ("class 0 of the confusion matrix [f]", 73),
        ("class 1 of the confusion matrix [f]", 27),
        ("class 0 of the confusion matrix [m]", 11),
        ("class 1 of the confusion matrix [m]", 15),
    ]


@pytest.mark.parametrize(
    ("character", "code"), [("\u00a0", "U+00A0 NO-BREAK SPACE"), ("\u200b", "U+200B ZERO WIDTH SPACE")]
)
def test_names_that_look_like_others_are_not_published(clinic, character, code, capsys):
    text = Path("patients.csv").read_text().replace("age", f"a{character}ge")
    Path("patients.csv").write_text(text)
    assert commit("patients", "--publish-names") == 2
    assert f"has the character {code}" in capsys.readouterr().err
    assert not Path("clinic.vault").exists()
    assert commit() == 0  # nobody sees it
