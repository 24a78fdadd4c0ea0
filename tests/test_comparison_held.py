"""What is held of the second run of a comparison, what `inspect` says of one, and classes of few rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from spec.chain import RunProof
from spec.rejected import Rejected
from spec.verify import verify_on_run
from spec.wire import read_file

import tacit
from tacit.cli import main
from tacit.errors import ProofRejected, ReportRefused, UsageError
from test_compare_models import Bank, bank

__all__ = ["bank"]


def test_nonce_and_declaration_of_the_second_run(bank: Bank) -> None:
    """Both verifiers compare them, and refuse what is about no second run."""
    report = tacit.compare_models(bank.good, bank.bad, bank.test, quiet=True)
    path, files = bank.save(report), bank.files()
    held = {name: file.read_bytes() for name, file in files.items()}
    declared = read_file("run", RunProof, held["other"]).statement.declaration()
    assert tacit.verify(path, other_declaration=declared, **files).shown  # type: ignore[arg-type]
    run = held.pop("run")
    verify_on_run(report.content, run, other_declaration=declared, **held)
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("OtherDeclaration", {"other_declaration": bytes(32)}),
        ("NoNonce", {"other_nonce": bytes(32)}),
    ]
    for check, options in wrong:
        with pytest.raises(ProofRejected, match="the model compared with") as first:
            tacit.verify(path, **files, **options)
        with pytest.raises(Rejected) as second:
            verify_on_run(report.content, run, **held, **options)
        assert (first.value.check, second.value.check) == (check, check)
    alone = tacit.evaluate(bank.good, bank.test, metrics="accuracy", quiet=True).save(
        bank.folder / "alone.tacit"
    )
    of_one = {name: files[name] for name in ("run", "data", "training")}
    with pytest.raises(UsageError, match="of the second run is given"):
        tacit.verify(alone, other_nonce=bytes(32), **of_one)  # type: ignore[arg-type]
    assert main(["verify", str(path), "--run", str(files["run"]), "--nonce", "00", "--other-nonce", "zz"]) == 2


def test_the_nonce_of_a_second_run_that_has_one(bank: Bank) -> None:
    """The second model's order is under a verifier's nonce: another one is refused by both verifiers."""
    nonce, files = bytes(range(32)), bank.files()
    torch.manual_seed(4)
    model = torch.nn.Sequential(torch.nn.Linear(bank.bad.data().features.shape[1], 1))
    options: dict[str, Any] = {
        "model": model,
        "optimizer": torch.optim.SGD(model.parameters(), lr=0.01),
        "data": bank.bad.data(),
        "loss_fn": torch.nn.BCEWithLogitsLoss(),
        "batch_size": 16,
        "epochs": 1,
    }
    tacit.declare(**options, shuffle_seed=tacit.VerifierNonce())
    made = tacit.make_provable(**options, shuffle_seed=tacit.VerifierNonce(nonce))
    for x, y in made.loader:
        made.optimizer.zero_grad()
        made.loss_fn(made.model(x), y).backward()
        made.optimizer.step()
    tacit.prove(made.model, quiet=True).save(bank.folder / "under-nonce.tacit")
    report = tacit.compare_models(bank.good, tacit.run_of(made.model), bank.test, quiet=True)
    path = report.save(bank.folder / "under-nonce-report.tacit")
    files["other"] = bank.folder / "under-nonce.tacit"
    assert tacit.verify(path, other_nonce=nonce, **files).shown  # type: ignore[arg-type]
    held = {name: file.read_bytes() for name, file in files.items()}
    run = held.pop("run")
    verify_on_run(report.content, run, other_nonce=nonce, **held)
    with pytest.raises(ProofRejected, match="the model compared with") as first:
        tacit.verify(path, other_nonce=bytes(32), **files)  # type: ignore[arg-type]
    with pytest.raises(Rejected) as second:
        verify_on_run(report.content, run, other_nonce=bytes(32), **held)
    assert (first.value.check, second.value.check) == ("OtherNonce", "OtherNonce")


def test_inspect_of_a_comparison(bank: Bank, capsys: pytest.CaptureFixture[str]) -> None:
    """With both runs the terms are those of the verification; with one it says what is missing."""
    report = tacit.compare_models(bank.good, bank.bad, bank.test, quiet=True)
    path, files = bank.save(report), bank.files()
    told = tacit.inspect(path, run=files["run"], other=files["other"])
    checked = dict(tacit.verify(path, **files).soundness)  # type: ignore[arg-type]
    assert told.soundness and all(checked[name] == bits for name, bits in told.soundness if "total" in name)
    assert any("second model" in name for name, _ in told.soundness)
    missing = tacit.inspect(path, run=files["run"])
    assert any("the terms of a comparison follow from both runs" in line for line in missing.not_shown)
    assert not missing.soundness
    with pytest.raises(UsageError, match="beside the first"):
        tacit.inspect(path, other=files["other"])
    with pytest.raises(UsageError, match="is for a release or a report"):
        tacit.inspect(files["data"], run=files["run"])
    assert main(["inspect", str(path), "--run", str(files["run"]), "--other", str(files["other"])]) == 0
    assert "second model" in capsys.readouterr().out


def test_inspect_with_links(bank: Bank) -> None:
    """A report on a model that was committed again, beside the link that leads to it."""
    made = tacit.recommit(bank.good, proofs=3, quiet=True)
    link = bank.folder / "model.link.tacit"
    link.write_bytes(made.link)
    report = tacit.evaluate(bank.good, bank.test, metrics="accuracy", quiet=True)
    assert made.link in report.links
    path, files = report.save(bank.folder / "linked.tacit"), bank.files()
    told = tacit.inspect(path, run=files["run"], link=link)
    assert any("link" in name for name, _ in told.soundness)
    with pytest.raises(ProofRejected) as refusal:
        tacit.inspect(path, run=files["run"])
    assert refusal.value.check == "NotFinalModel"
    with pytest.raises(UsageError, match="links are for"):
        tacit.inspect(path, link=link)


def test_classes_of_few_rows_are_refused(bank: Bank) -> None:
    """No bound and no comparison about few rows of a class, though none of them is shown."""
    labels = np.asarray(bank.test.labels).reshape(-1)
    rare = int(np.bincount(labels).argmin())
    few = int((labels == rare).sum()) + 1

    def refused(**options: Any) -> str:
        with pytest.raises(ReportRefused) as raised:
            tacit.compare_models(bank.good, bank.bad, bank.test, min_group=few, quiet=True, **options)
        assert raised.value.reason == "SmallGroup"
        return str(raised.value)

    assert f"auc: class {rare} counts among" in refused(metric="auc")
    assert f"recall:{rare} counts among" in refused(metric=f"recall:{rare}")
    assert "counts among" in refused(metric="auc", by="sex")
    for bound in ({"auc": 0.01}, {f"recall:{rare}": 0.01}, {f"false_positive_rate:{1 - rare}": 0}):
        with pytest.raises(ReportRefused) as raised:
            tacit.evaluate(bank.good, bank.test, at_least=bound, min_group=few, quiet=True)
        assert raised.value.reason == "SmallGroup"
    # Accuracy counts among all rows.
    tacit.compare_models(bank.good, bank.bad, bank.test, min_group=few, quiet=True)
