"""Committing again: one command, the link, what is verified with it, budgets, unfinished attempts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import tacit
from native_double import ROWS_PER_PROOF, Failure, NativeDouble, unpack
from tacit import session
from tacit.cli import main
from tacit.commitment import newest, only_name
from tacit.errors import BudgetError, ProofRejected, UsageError, WrongKind
from tacit.vault import Vault

X = np.random.default_rng(4).normal(size=(60, 3))
Y = (X[:, 0] > X[:, 1]).astype(int)


@dataclass
class Clinic:
    """An owner whose data and model were committed twice again, and the public files."""

    folder: Path
    data: tacit.CommittedData
    run: tacit.Run
    again: list[tacit.Recommitted]
    models: list[tacit.Recommitted]

    def at(self, name: str) -> Path:
        return self.folder / name

    def rejected(self, proof: str, **beside: object) -> str:
        with pytest.raises(ProofRejected) as raised:
            tacit.verify(self.at(proof), **beside)  # type: ignore[arg-type]
        return raised.value.check


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    at = tmp_path_factory.mktemp("clinic")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(at / "state"))
        patch.delenv("TACIT_PASSPHRASE", raising=False)
        data = tacit.commit(X, Y, vault=at / "clinic.vault", name="patients", proofs=6, quiet=True)
        trained = tacit.fit(data, hidden=[3], epochs=2, batch_size=16, lr=0.125, momentum=0.5)
        run = tacit.run_of(trained)
        with pytest.raises(UsageError, match="has not been proven"):
            tacit.recommit(run)
        tacit.prove(run, quiet=True).save(at / "run.tacit")
        again = [tacit.recommit(data, proofs=proofs, quiet=True) for proofs in (5, 70)]
        models = [tacit.recommit(run, proofs=proofs, quiet=True) for proofs in (3, 40)]
        for index, made in enumerate(again, 2):
            made.save(at / f"patients-{index}.commitment", at / f"data-{index}.link")
        for index, made in enumerate(models, 1):
            made.save(at / f"model-{index}.commitment", at / f"model-{index}.link")
        tacit.evaluate(run, data, metrics="accuracy", quiet=True).save(at / "old.report")
        tacit.evaluate(run, metrics="accuracy", quiet=True).save(at / "new.report")
        tacit.release(run, bits=8, data_is_public=True, quiet=True).save(
            at / "m.safetensors", at / "release.tacit"
        )
        data.save(at / "patients.commitment")
        yield Clinic(at, data, run, again, models)


def test_names_and_digests_form_a_chain(clinic: Clinic) -> None:
    assert [made.name for made in clinic.again] == ["patients-2", "patients-3"]
    assert clinic.again[0].first == clinic.data.digest
    assert clinic.again[1].first == clinic.again[0].digest
    assert clinic.models[1].first == clinic.models[0].digest
    fresh = clinic.again[1].data
    assert fresh is not None
    assert np.array_equal(fresh.features, clinic.data.features)
    assert fresh.schema_id == clinic.data.schema_id
    assert len({clinic.data.digest, *(made.digest for made in clinic.again)}) == 3
    for made in clinic.again:
        assert tacit.verify(clinic.at(f"{made.name}.commitment")).statement["digest"] == made.digest.hex()


def test_a_link_is_verified_by_itself(clinic: Clinic) -> None:
    first, second = clinic.at("patients.commitment"), clinic.at("patients-2.commitment")
    verdict = tacit.verify(clinic.at("data-2.link"), data=first, to=second)
    assert "the same table of 60 rows and 3 features" in verdict.shown[0]
    assert clinic.data.digest.hex() in verdict.shown[0]
    assert clinic.again[0].digest.hex() in verdict.shown[0]
    assert not any("no commitment file" in line for line in verdict.not_shown)
    assert {name for name, _ in verdict.soundness if name.startswith("total")} == {
        "total, link", "total, first data", "total, second data",
    }  # fmt: skip
    alone = tacit.verify(clinic.at("data-2.link"))
    assert any("no commitment file" in line for line in alone.not_shown)
    assert all(bits <= -128 for name, bits in alone.soundness)
    assert clinic.rejected("data-2.link", data=second) == "NotLinked"
    assert clinic.rejected("data-2.link", data=first, to=clinic.at("patients-3.commitment")) == "NotLinked"
    assert clinic.rejected("data-2.link", run=clinic.at("run.tacit")) == "LinkKind"
    of_model = tacit.verify(clinic.at("model-1.link"), run=clinic.at("run.tacit"))
    assert "the same model of 2 layers" in of_model.shown[0]
    assert "velocity" in of_model.shown[0]
    assert clinic.rejected("model-2.link", run=clinic.at("run.tacit")) == "NotLinked"
    tacit.verify(clinic.at("model-2.link"), run=clinic.at("run.tacit"), link=clinic.at("model-1.link"))
    assert clinic.rejected("model-1.link", data=first) == "LinkKind"
    stated = tacit.inspect(clinic.at("model-1.link"))
    assert stated.statement["link"]["second_digest"] == clinic.models[0].digest.hex()


def test_a_run_is_verified_with_the_new_commitment(clinic: Clinic) -> None:
    links = [clinic.at("data-3.link"), clinic.at("data-2.link")]
    verdict = tacit.verify(clinic.at("run.tacit"), data=clinic.at("patients-3.commitment"), link=links)
    joined = [line for line in verdict.shown if "to the same table" in line]
    assert len(joined) == 2
    assert {"total, link 1", "total, link 2"} <= {name for name, _ in verdict.soundness}
    assert clinic.rejected("run.tacit", data=clinic.at("patients-3.commitment")) == "DataCommitment"
    assert (
        clinic.rejected("run.tacit", data=clinic.at("patients-3.commitment"), link=links[1]) == "DataCommitment"
    )
    assert clinic.rejected("run.tacit", data=clinic.at("patients.commitment"), link=links[1]) == "IdleLink"
    with pytest.raises(WrongKind, match="link"):
        tacit.verify(clinic.at("run.tacit"), link=clinic.at("run.tacit"))


def test_reports_are_made_on_the_newest_commitments(clinic: Clinic) -> None:
    run, of_models = clinic.at("run.tacit"), [clinic.at(f"model-{i}.link") for i in (1, 2)]
    of_data = [clinic.at(f"data-{i}.link") for i in (2, 3)]
    # Data that is named is used as it is; the model is the newest.
    verdict = tacit.verify(
        clinic.at("old.report"), run=run, data=clinic.at("patients.commitment"), link=of_models
    )
    assert verdict.statement["report"]["model_digest"] == clinic.models[1].digest.hex()
    fresh = clinic.at("patients-3.commitment")
    verdict = tacit.verify(clinic.at("new.report"), run=run, data=fresh, link=of_data + of_models)
    assert "The rows are of the data set that the model was trained on." in verdict.shown
    assert clinic.models[1].digest.hex() in verdict.shown[0]
    assert sum("total, link" in name for name, _ in verdict.soundness) == 4
    # With the commitment that was trained on as well: one argument more.
    old = clinic.at("patients.commitment")
    tacit.verify(clinic.at("new.report"), run=run, data=fresh, training=old, link=of_data + of_models)
    assert clinic.rejected("new.report", run=run, data=fresh, link=of_data) == "NotFinalModel"
    assert clinic.rejected("new.report", run=run, data=fresh, link=of_models) == "TrainingData"
    assert clinic.rejected("new.report", run=run, data=old, link=of_models) == "DataCommitment"
    assert clinic.rejected("old.report", run=run, data=old, link=of_models + of_data[:1]) == "IdleLink"


def test_a_release_opens_the_newest_commitment(clinic: Clinic) -> None:
    run, model = clinic.at("run.tacit"), clinic.at("m.safetensors")
    links = [clinic.at(f"model-{i}.link") for i in (2, 1)]
    verdict = tacit.verify(clinic.at("release.tacit"), run=run, model=model, link=links)
    assert verdict.statement["release"]["model_digest"] == clinic.models[1].digest.hex()
    assert clinic.rejected("release.tacit", run=run, model=model) == "NotFinalModel"


def test_pages_show_links(clinic: Clinic) -> None:
    page = tacit.html_report(clinic.at("model-1.link"), run=clinic.at("run.tacit"))
    assert "Link of two commitments" in page.content
    assert "tacit verify model-1.link --run run.tacit" in page.content
    page = tacit.html_report(
        clinic.at("data-2.link"), data=clinic.at("patients.commitment"), to=clinic.at("patients-2.commitment")
    )
    assert "--to patients-2.commitment" in page.content
    of_data = [clinic.at(f"data-{i}.link") for i in (2, 3)]
    page = tacit.html_report(clinic.at("run.tacit"), data=clinic.at("patients-3.commitment"), link=of_data)
    assert "--link data-2.link --link data-3.link" in page.content


def test_what_the_report_needs_comes_with_it(clinic: Clinic) -> None:
    """Last of the proofs: it opens rows."""
    made = tacit.evaluate(clinic.run, metrics="accuracy", quiet=True)
    assert made.links == (*(m.link for m in clinic.models), *(m.link for m in clinic.again))
    assert tacit.evaluate(clinic.run, clinic.data, metrics="accuracy", quiet=True).links == made.links[:2]


# Budgets and attempts that did not finish, without proofs


@pytest.fixture
def native(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> NativeDouble:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("TACIT_PASSPHRASE", raising=False)
    double = NativeDouble()
    monkeypatch.setattr(session, "load", lambda: double)
    return double


def committed(at: Path) -> tacit.CommittedData:
    return tacit.commit(X, Y, vault=at / "v.vault", name="patients", proofs=2, quiet=True)


def test_a_link_is_charged_to_both_and_the_last_rows_are_for_it(native: NativeDouble, tmp_path: Path) -> None:
    data = committed(tmp_path)
    budget, key = data.vault.budget, data.digest.hex()
    budget.charge({key: 2 * ROWS_PER_PROOF}, "proofs")
    with pytest.raises(BudgetError, match=r"recommit\(\.\.\., proofs=\.\.\.\)"):
        budget.charge({key: 1}, "one more")
    made = tacit.recommit(data, proofs=3, quiet=True)
    accounts = data.vault.accounts()
    assert accounts[key].left(reserve=True) == 0
    fresh = accounts[made.digest.hex()]
    assert (fresh.left(), fresh.reserve) == (3 * ROWS_PER_PROOF, ROWS_PER_PROOF)
    # Nothing is left of the first; the chain goes on from the second.
    second = tacit.recommit(data, proofs=1, quiet=True)
    assert (second.name, second.first) == ("patients-3", made.digest)
    assert unpack(second.link)["ends"] == [made.digest.hex(), second.digest.hex()]


def test_without_rows_nothing_is_committed(native: NativeDouble, tmp_path: Path) -> None:
    data = committed(tmp_path)
    data.vault.budget.charge({data.digest.hex(): 3 * ROWS_PER_PROOF}, "everything", reserve=True)
    calls = list(native.calls)
    with pytest.raises(BudgetError, match="nothing is left to prove"):
        tacit.recommit(data, quiet=True)
    assert native.calls == calls
    assert only_name(data.vault) == "patients"


def test_an_attempt_that_did_not_finish_goes_on(native: NativeDouble, tmp_path: Path) -> None:
    data = committed(tmp_path)

    def fail(*_: object) -> bytes:
        raise Failure("usage", "killed", "", "killed")

    honest, native.link_data = native.link_data, fail  # type: ignore[method-assign]
    with pytest.raises(UsageError, match="killed"):
        tacit.recommit(data, proofs=3, quiet=True)
    # The new commitment is there and not linked: nothing is made on it.
    vault = Vault.open(tmp_path / "v.vault")
    assert only_name(vault) == "patients"
    assert newest(tacit.open_data(vault, "patients"))[1] == ()
    pending = tacit.open_data(vault, "patients-2")
    spent = vault.accounts()[data.digest.hex()].spent
    native.link_data = honest  # type: ignore[method-assign]
    made = tacit.recommit(tacit.open_data(vault, "patients"), proofs=9, quiet=True)
    assert (made.name, made.digest) == ("patients-2", pending.digest)
    assert native.calls.count("commit_dataset") == 2
    assert vault.accounts()[data.digest.hex()].spent == spent + ROWS_PER_PROOF
    assert only_name(vault) == "patients-2"
    found, links = newest(tacit.open_data(vault, "patients"))
    assert (found.name, links) == ("patients-2", (made.link,))


def test_a_model_whose_link_did_not_finish_keeps_its_commitment(native: NativeDouble, tmp_path: Path) -> None:
    data = committed(tmp_path)
    run = tacit.run_of(tacit.fit(data, epochs=1, batch_size=16, lr=0.125))
    native.next_weights = [state.flat_weights() for state in run.record().states]
    tacit.prove(run, quiet=True)

    def fail(*_: object) -> bytes:
        raise Failure("usage", "killed", "", "killed")

    honest, native.link_model = native.link_model, fail  # type: ignore[method-assign]
    with pytest.raises(UsageError, match="killed"):
        tacit.recommit(run, proofs=3, quiet=True)
    record = run.record()
    before = run.final(record)
    pending = run.kept_final(1)
    assert (before.index, before.links) == (0, ())
    native.link_model = honest  # type: ignore[method-assign]
    made = tacit.recommit(run, proofs=3, quiet=True)
    assert made.digest == pending.made.digest
    after = run.final(record)
    assert (after.index, after.links, after.made.digest) == (1, (made.link,), made.digest)
    account = run.vault.accounts()[made.digest.hex()]
    assert account.left() == 2 * ROWS_PER_PROOF  # two links were charged, of rows for four proofs


def test_wrong_arguments(native: NativeDouble, tmp_path: Path) -> None:
    data = committed(tmp_path)
    for proofs in (0, True, 1.5, 1 << 21):
        with pytest.raises(UsageError, match="whole number"):
            tacit.recommit(data, proofs=proofs)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="neither committed data nor a run"):
        tacit.recommit("patients")  # type: ignore[arg-type]


def test_the_command_line(
    native: NativeDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    committed(tmp_path)
    assert main(["recommit", "--proofs", "2"]) == 0
    printed = capsys.readouterr().out
    assert (
        "public file patients-2.commitment\nlink patients-2.link.tacit\nname in the vault patients-2" in printed
    )
    assert main(["recommit", "--data", "patients", "--out", "x", "--link", "x"]) == 2
    assert main(["recommit", "--data", "patients", "--run", "run-1"]) == 2
    assert main(["recommit", "--out", "patients-2.commitment"]) == 2
    assert "exists already" in capsys.readouterr().err
    assert main(["recommit", "--run", "run-1"]) == 2
    assert main(["vault", "status"]) == 0
    assert "patients-2" in capsys.readouterr().out
