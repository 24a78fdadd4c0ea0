"""A model that is at hand: the same statements, fresh randomness, the same charges, and its own tree alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from spec.verify import verify_on_run

import tacit
from loan_table import loans
from tacit import session
from tacit.errors import ReportRefused
from test_report import Bank, bank

__all__ = ["bank"]


@pytest.fixture(scope="module")
def served(bank: Bank) -> tacit.Served:
    return tacit.serve(bank.run)


def verified(bank: Bank, report: tacit.Report, data: str | None = "test.commitment") -> None:
    """By both verifiers."""
    path = report.save(bank.folder / "served.tacit", overwrite=True)
    names = ("run.tacit", "test.commitment" if data else None, "train.commitment")
    run, on, training = (None if name is None else bank.folder / name for name in names)
    tacit.verify(path, run=run, data=on, training=training)
    held = [None if file is None else file.read_bytes() for file in (run, on, training)]
    assert held[0] is not None
    verify_on_run(report.content, held[0], held[1], held[2])


def test_reports_are_those_of_the_run(bank: Bank, served: tacit.Served) -> None:
    table = loans(3, 5).drop(columns="good")
    ours, theirs = (tacit.predict(model, table, quiet=True) for model in (served, bank.run))
    assert np.array_equal(ours.outputs(), theirs.outputs())
    verified(bank, ours, None)
    told = tacit.evaluate(served, bank.test, metrics=["confusion"], quiet=True)
    assert told.shown == tacit.evaluate(bank.run, bank.test, metrics=["confusion"], quiet=True).shown
    verified(bank, told)


def test_every_proof_is_fresh_and_charged(bank: Bank, served: tacit.Served) -> None:
    table = loans(3, 1).drop(columns="good")
    model = bank.run.final(bank.run.record()).made.digest.hex()

    def left() -> int:
        return bank.run.vault.accounts()[model].left()

    before = left()
    tacit.predict(bank.run, table, quiet=True)
    rows = before - left()
    first, second = (tacit.predict(served, table, quiet=True) for _ in range(2))
    assert rows > 0 and before - left() == 3 * rows
    # The statement is the same; nothing that is random is.
    assert first.shown == second.shown
    same = sum(a == b for a, b in zip(first.content[-4096:], second.content[-4096:], strict=True))
    assert same < 400


def test_a_model_that_is_committed_again_has_its_own_tree(
    bank: Bank, served: tacit.Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tree at hand is of the old commitment: it is not used, and the proof opens the new one."""
    made = tacit.recommit(bank.run, quiet=True)
    report = tacit.predict(served, loans(3, 1).drop(columns="good"), quiet=True)
    path = report.save(bank.folder / "again.tacit", overwrite=True)
    link = bank.folder / "link.tacit"
    made.save(bank.folder / "again.model", link, overwrite=True)
    files = {"run": bank.folder / "run.tacit", "training": bank.folder / "train.commitment"}
    tacit.verify(path, **files, link=link)
    opened: list[object] = []
    monkeypatch.setattr(session, "open_model", lambda *a, **k: opened.append(a))
    tacit.predict(served, loans(3, 1).drop(columns="good"), quiet=True)
    assert not opened


def test_secrets_stay_out_of_words(served: tacit.Served) -> None:
    assert str(served) == served.name
    assert "held" not in repr(served) and "tree" not in repr(served)
    assert repr(served.tree) == "ModelTree()"


def test_an_unproven_run_is_not_served(bank: Bank, tmp_path: Path) -> None:
    data = tacit.commit(loans(1, 40), "good", vault=tmp_path / "v", categorical=("sex", "region"), quiet=True)
    with pytest.raises(ReportRefused) as refusal:
        tacit.serve(tacit.run_of(tacit.fit(data, hidden=[3], epochs=1, batch_size=8, lr=0.125)))
    assert refusal.value.reason == "NotProven"
