"""Comparisons of two models end to end: scikit-learn on the same integers, both verifiers, refusals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, recall_score, roc_auc_score
from spec.proof import ReportProof
from spec.rejected import Rejected
from spec.report_comparison import BetterBy, ByAuc, ByLoss, ByRate
from spec.report_rates import F1, Accuracy, Recall
from spec.report_statement import AtLeast
from spec.score_statement import BRIER, LOG
from spec.verify import verify_on_run
from spec.wire import read_file, write_file

import tacit
from tacit.cli import main
from tacit.errors import ProofRejected, ReportRefused, UsageError
from test_report import exact_outputs
from test_scores import TEXT, numbered


@dataclass
class Bank:
    folder: Path
    test: tacit.CommittedData
    good: tacit.Run
    bad: tacit.Run

    def files(self) -> dict[str, Path]:
        names = {"run": "good.tacit", "other": "bad.tacit", "data": "test.commitment"}
        names |= {"training": "good.commitment", "other_training": "bad.commitment"}
        return {option: self.folder / name for option, name in names.items()}

    def outputs(self, run: tacit.Run) -> Any:
        return exact_outputs(run, self.test.features)

    def score(self, metric: str, run: tacit.Run) -> float:
        labels, scores = np.asarray(self.test.labels).ravel(), self.outputs(run)[:, 0]
        if metric == "auc":
            return float(roc_auc_score(labels, scores))
        of = {"accuracy": accuracy_score, "recall": recall_score}[metric]
        return float(of(labels, scores > 0))

    def save(self, report: tacit.Report) -> Path:
        return report.save(self.folder / "comparison.tacit", overwrite=True)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    folder = tmp_path_factory.mktemp("bank")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        patch.delenv("TACIT_PASSPHRASE", raising=False)
        vault = folder / "bank.vault"
        options: dict[str, Any] = {"categorical": TEXT, "label_kind": "binary", "quiet": True}
        train = tacit.commit(numbered(1, 200), "good", vault=vault, name="train", **options)
        few = tacit.commit(numbered(3, 60), "good", vault=vault, name="few", schema=train.schema, quiet=True)
        test = tacit.commit(numbered(2, 300), "good", vault=vault, name="test", schema=train.schema, quiet=True)
        for data in (train, few, test):
            data.save(folder / f"{data.name}.commitment")
        torch.manual_seed(2)
        good = tacit.run_of(tacit.fit(train, hidden=[5], epochs=6, batch_size=32, lr=0.125))
        bad = tacit.run_of(tacit.fit(few, hidden=[3], epochs=1, batch_size=16, lr=0.01))
        made = Bank(folder, test, good, bad)
        if made.score("accuracy", good) < made.score("accuracy", bad):
            made = Bank(folder, test, bad, good)
        for role, run in (("good", made.good), ("bad", made.bad)):
            tacit.prove(run, quiet=True).save(folder / f"{role}.tacit")
            (folder / f"{role}.commitment").write_bytes((folder / f"{run.data().name}.commitment").read_bytes())
        yield made


@pytest.mark.parametrize("metric", ["accuracy", "recall", "auc"])
def test_the_difference_is_that_of_scikit_learn(bank: Bank, metric: str) -> None:
    first, second = bank.good, bank.bad
    by = bank.score(metric, first) - bank.score(metric, second)
    if by < 0:
        first, second, by = second, first, -by
    exact = Fraction(by).limit_denominator(200_000)
    beyond = Fraction(round(float(exact) * 10**6) + 2, 10**6)
    with pytest.raises(ReportRefused) as refused:
        tacit.compare_models(first, second, bank.test, metric=metric, by_at_least=str(beyond), quiet=True)
    assert refused.value.reason == "NotBetter"
    below = Fraction(max(0, round(float(exact) * 10**6) - 2), 10**6)
    made = tacit.compare_models(first, second, bank.test, metric=metric, by_at_least=str(below), quiet=True)
    assert [list(item) for item in made.shown] == [["BetterBy"]]
    assert made.derived() == {} and made.rates() == {} and made.scores() == {}


def test_both_verifiers_agree(bank: Bank) -> None:
    made = tacit.compare_models(bank.good, bank.bad, bank.test, by_at_least=0, quiet=True)
    path, files = bank.save(made), bank.files()
    verdict = tacit.verify(path, **files)  # type: ignore[arg-type]
    assert any("larger than that of the second by at least 0/1" in line for line in verdict.shown)
    assert any(name.startswith("second model: ") for name, _ in verdict.soundness)
    held = {name: file.read_bytes() for name, file in files.items()}
    facts = verify_on_run(path.read_bytes(), held.pop("run"), **held)
    assert facts["report"].startswith("1 figures on 300 rows")
    bits = -dict(verdict.soundness)["total, report"]
    assert float(facts["report bits"]) == pytest.approx(bits, abs=0.01)
    # Without the second run, with the runs exchanged, without the data that the second was trained on.
    for change, check in (
        ({"other": None, "other_training": None}, "OtherModel"),
        (
            {
                "run": files["other"],
                "other": files["run"],
                "training": files["other_training"],
                "other_training": files["training"],
            },
            "OtherRun",
        ),
        ({"other_training": None}, "TrainingData"),
        ({"other_training": files["training"]}, "DataCommitment"),
    ):
        told = files | change
        with pytest.raises(ProofRejected) as rejected:
            tacit.verify(path, **told)  # type: ignore[arg-type]
        assert rejected.value.check == check
        held = {name: file.read_bytes() for name, file in told.items() if file is not None}
        with pytest.raises(Rejected) as second:
            verify_on_run(path.read_bytes(), held.pop("run"), **held)
        assert second.value.check == check.replace("DataCommitment", "OtherData")
    page = tacit.html_report(path, **files)  # type: ignore[arg-type]
    assert "larger than that of the second by at least 0/1" in page.content


CHANGES: list[tuple[Any, str]] = [
    (lambda s: replace(s, against=None), "NotApplicable"),
    (lambda s: replace(s, shown=[AtLeast(Accuracy(), None, (0, 1))]), "NotApplicable"),
    (lambda s: replace(s, against=replace(s.against, model_digest=bytes(32))), "NotFinalModel"),
    (lambda s: replace(s, against=replace(s.against, run_digest=bytes(32))), "OtherRun"),
    (lambda s: replace(s, shown=[BetterBy(ByRate(F1(1)), None, (0, 1))]), "NotComparable"),
    (lambda s: replace(s, shown=[BetterBy(ByRate(Recall(2)), None, (0, 1))]), "NoSuchClass"),
    (lambda s: replace(s, shown=[BetterBy(ByRate(Accuracy()), 0, (0, 1))]), "NoSuchGroup"),
    (lambda s: replace(s, shown=[BetterBy(ByRate(Accuracy()), None, (2, 1))]), "Fraction"),
    (lambda s: replace(s, shown=[BetterBy(ByLoss(LOG), None, (1, 2**32 - 1))]), "BoundTooFine"),
    (lambda s: replace(s, shown=[BetterBy(ByLoss(BRIER), None, (2**32 - 1, 1))]), "BoundTooFine"),
    # The proof is of another shape, or of other numbers.
    (lambda s: replace(s, shown=[BetterBy(ByRate(Accuracy()), None, (1, 300))]), "SourceClaim"),
    (lambda s: replace(s, shown=[BetterBy(ByRate(Recall(1)), None, (0, 1))]), ""),
    (lambda s: replace(s, shown=[BetterBy(ByAuc(), None, (0, 1))]), ""),
]


@pytest.mark.parametrize("index", range(len(CHANGES)))
def test_changed_statements_are_rejected_by_both(bank: Bank, index: int) -> None:
    change, check = CHANGES[index]
    path = bank.folder / "honest.tacit"
    if not path.exists():
        tacit.compare_models(bank.good, bank.bad, bank.test, quiet=True).save(path)
    body = read_file("report", ReportProof, path.read_bytes())
    content = write_file("report", replace(body, statement=change(body.statement)))
    changed = bank.folder / f"changed-{index}.tacit"
    changed.write_bytes(content)
    held = {name: file.read_bytes() for name, file in bank.files().items()}
    with pytest.raises(Rejected) as second:
        verify_on_run(content, held.pop("run"), **held)
    with pytest.raises(ProofRejected) as first:
        tacit.verify(changed, **bank.files())  # type: ignore[arg-type]
    assert first.value.check == second.value.check
    assert check in ("", first.value.check)


def test_charges_and_refusals(bank: Bank) -> None:
    def left(run: tacit.Run) -> int:
        return run.vault.budget.accounts()[run.final(run.record()).made.digest.hex()].left()

    before = [left(run) for run in (bank.good, bank.bad)]
    tacit.compare_models(bank.good, bank.bad, bank.test, quiet=True)
    after = [left(run) for run in (bank.good, bank.bad)]
    assert all(a < b for a, b in zip(after, before, strict=True))
    assert before[0] - after[0] == before[1] - after[1]
    for arguments in ({"metric": "f1"}, {"metric": "auc:1"}, {"metric": "mse"}, {"by_at_least": 2}):
        with pytest.raises(UsageError):
            tacit.compare_models(bank.good, bank.bad, bank.test, quiet=True, **arguments)  # type: ignore[arg-type]
    with pytest.raises(ReportRefused) as same:
        tacit.compare_models(bank.good, bank.good, bank.test, quiet=True)
    assert same.value.reason == "SameModel"
    with pytest.raises(ReportRefused) as small:
        tacit.compare_models(bank.good, bank.bad, bank.test, min_group=1000, quiet=True)
    assert small.value.reason == "SmallGroup"


def test_the_command(bank: Bank, capsys: pytest.CaptureFixture[str]) -> None:
    path, files = bank.folder / "cli.tacit", bank.files()
    names = [bank.good.name, bank.bad.name]
    told = ["--vault", str(bank.good.vault.path), "--data", "test", "--out", str(path)]
    assert main(["compare-models", *names, *told]) == 0
    options = [f"--{name.replace('_', '-')}={file}" for name, file in files.items()]
    assert main(["verify", str(path), *options]) == 0
    assert "first of two models that are compared" in capsys.readouterr().out
    assert main(["compare-models", *names[::-1], *told, "--by-at-least", "0.9", "--force"]) == 1


def test_training_data_of_no_other_run_is_refused(bank: Bank) -> None:
    report = tacit.evaluate(bank.good, bank.test, quiet=True)
    path, files = bank.folder / "alone.tacit", bank.files()
    report.save(path)
    del files["other"]
    files["other_training"] = files["training"]
    with pytest.raises(tacit.ProofRejected) as first:
        tacit.verify(path, **files)
    assert first.value.check == "OtherModel"
