"""Figures of scores end to end: scikit-learn on the same rows, bounds, small bins, words and pages."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score, roc_curve

import tacit
from loan_table import loans
from tacit.cli import main
from tacit.errors import ReportRefused, UsageError
from tacit.scores import first_score, probability
from test_report import exact_outputs

TEXT = ("sex", "region")
ROUNDING = 2.0**-20


@dataclass
class Lender:
    folder: Path
    train: tacit.CommittedData
    test: tacit.CommittedData
    run: tacit.Run
    scores: Any
    """Of the rows of `test`, as integers."""

    def verify(self, report: tacit.Report) -> tacit.Verdict:
        path = report.save(self.folder / "report.tacit", overwrite=True)
        return tacit.verify(path, **self.files())  # type: ignore[arg-type]

    def files(self) -> dict[str, Path]:
        names = {"run": "run.tacit", "data": "test.commitment", "training": "train.commitment"}
        return {option: self.folder / name for option, name in names.items()}

    @property
    def probabilities(self) -> Any:
        return 1 / (1 + np.exp(-self.scores / 2.0**self.test.fa))


def numbered(seed: int, rows: int) -> pd.DataFrame:
    """Loans whose label is 0 or 1."""
    frame = loans(seed, rows)
    return frame.assign(good=(frame["good"] == "yes").astype(int))


@pytest.fixture(scope="module", params=["class", "binary"])
def lender(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lender]:
    folder = tmp_path_factory.mktemp("lender")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        patch.delenv("TACIT_PASSPHRASE", raising=False)
        vault = folder / "lender.vault"
        options: dict[str, Any] = {"categorical": TEXT, "label_kind": request.param, "quiet": True}
        train = tacit.commit(numbered(1, 200), "good", vault=vault, name="train", **options)
        test = tacit.commit(numbered(2, 300), "good", vault=vault, name="test", schema=train.schema, quiet=True)
        train.save(folder / "train.commitment")
        test.save(folder / "test.commitment")
        torch.manual_seed(2)
        run = tacit.run_of(tacit.fit(train, hidden=[5], epochs=6, batch_size=32, lr=0.125))
        tacit.prove(run, quiet=True).save(folder / "run.tacit")
        outputs = exact_outputs(run, test.features)
        assert outputs.shape[1] == {"class": 2, "binary": 1}[request.param]
        scores = outputs[:, 0] if outputs.shape[1] == 1 else outputs[:, 1] - outputs[:, 0]
        yield Lender(folder, train, test, run, scores)


def test_figures_are_those_of_scikit_learn(lender: Lender) -> None:
    labels, scores, p = lender.test.labels.reshape(-1), lender.scores, lender.probabilities
    metrics = ["accuracy", "auc", "log_loss", "brier", "calibration:4", "threshold:0.3", "threshold:0.5"]
    report = tacit.evaluate(lender.run, lender.test, metrics=metrics, min_group=1, quiet=True)
    told = report.scores()
    assert set(told) == {"auc", "log_loss", "brier"}
    assert float(told["auc"]) == pytest.approx(roc_auc_score(labels, scores), abs=1e-14)
    assert float(told["log_loss"]) == pytest.approx(log_loss(labels, p), abs=ROUNDING)
    assert float(told["brier"]) == pytest.approx(brier_score_loss(labels, p), abs=ROUNDING)
    bins = report.calibration()
    assert (len(bins), sum(b.rows for b in bins)) == (4, 300)
    filled = [b for b in bins if b.rows]
    observed, predicted = calibration_curve(labels, p, n_bins=4)
    assert [float(b.observed or 0) for b in filled] == pytest.approx(list(observed), abs=1e-12)
    assert [float(b.predicted or 0) for b in filled] == pytest.approx(list(predicted), abs=ROUNDING)
    low, half = report.thresholds()
    for threshold, above in ((low, 0.3), (half, 0.5)):
        assert threshold.above == pytest.approx(above, abs=2.0**-lender.test.fa)
        assert threshold.true_positives == int(((p > above) & (labels == 1)).sum())
        assert threshold.false_positives == int(((p > above) & (labels == 0)).sum())
    # At 1/2 a threshold is the class that is predicted, and a point of the curve.
    right = half.true_positives + half.negatives - half.false_positives
    assert report.rates()["accuracy"] == Fraction(right, 300)
    false, true, _ = roc_curve(labels, scores, drop_intermediate=False)
    point = (float(half.false_positive_rate or 0), float(half.recall or 0))
    assert min(math.dist(point, pair) for pair in zip(false, true, strict=True)) < 1e-12
    verdict = lender.verify(report)
    assert any("area under the ROC curve is" in line and "ties counting half" in line for line in verdict.shown)
    assert any(f"{float(told['auc']):.6f}" in line for line in verdict.shown)
    assert any("Calibration, by score in units of" in line for line in verdict.shown)


def test_groups_and_their_difference(lender: Lender) -> None:
    labels, scores = lender.test.labels.reshape(-1), lender.scores
    report = tacit.evaluate(lender.run, lender.test, metrics=["auc", "log_loss"], by="sex", quiet=True)
    sex = np.array([f"sex={s}" for s in loans(2, 300)["sex"]])
    areas = []
    for name in report.groups:
        of = sex == name
        areas.append(roc_auc_score(labels[of], scores[of]))
        assert float(report.scores()[f"auc [{name}]"]) == pytest.approx(areas[-1], abs=1e-14)
        expected = log_loss(labels[of], lender.probabilities[of])
        assert float(report.scores()[f"log_loss [{name}]"]) == pytest.approx(expected, abs=ROUNDING)
    gap = report.gaps()["auc"]
    assert float(gap) == pytest.approx(abs(areas[0] - areas[1]), abs=1e-14)
    lender.verify(report)
    just = Fraction(math.ceil(gap * 10_000), 10_000)
    bounded = tacit.evaluate(lender.run, lender.test, by="sex", gap_at_most={"auc": just}, quiet=True)
    verdict = lender.verify(bounded)
    assert bounded.scores() == {}
    assert any("differs by at most" in line and "rows of class 1 are" in line for line in verdict.shown)
    less = {"auc": just - Fraction(1, 10_000)}
    with pytest.raises(ReportRefused) as raised:
        tacit.evaluate(lender.run, lender.test, by="sex", gap_at_most=less, quiet=True)
    assert raised.value.reason == "BoundFails"


def test_bounds_show_nothing_else(lender: Lender) -> None:
    exact = tacit.evaluate(lender.run, lender.test, metrics=["auc", "log_loss", "brier"], quiet=True).scores()
    auc = Fraction(math.floor(exact["auc"] * 1000), 1000)
    most = {name: Fraction(math.ceil(exact[name] * 1000), 1000) for name in ("log_loss", "brier")}
    report = tacit.evaluate(
        lender.run,
        lender.test,
        by="sex",
        at_least={"auc": auc},
        at_least_each={"auc": "0.01"},
        at_most=most,
        at_most_each={"log_loss": 40},
        quiet=True,
    )
    verdict = lender.verify(report)
    said = " ".join(verdict.shown)
    assert f"at least {auc.numerator}/{auc.denominator}, and nothing more about it" in said
    assert report.scores() == {}
    kinds = [next(iter(item["Scores"]["figure"])) for item in report.shown]
    assert kinds == ["AucAtLeast"] * 3 + ["LossAtMost"] * 4
    for options in (
        {"at_least": {"auc": auc + Fraction(1, 1000)}},
        {"at_most": {"log_loss": most["log_loss"] - Fraction(1, 1000)}},
    ):
        with pytest.raises(ReportRefused) as raised:
            tacit.evaluate(lender.run, lender.test, quiet=True, **options)  # type: ignore[arg-type]
        assert raised.value.reason == "BoundFails"


def test_few_rows_are_refused_in_bins_and_classes(lender: Lender) -> None:
    def refused(metrics: list[str], **options: Any) -> str:
        with pytest.raises(ReportRefused) as raised:
            tacit.evaluate(lender.run, lender.test, metrics=metrics, quiet=True, **options)
        assert raised.value.reason == "SmallGroup"
        return str(raised.value)

    order = np.sort(lender.probabilities)
    # Three rows are above.
    above = (order[-4] + order[-3]) / 2
    assert "bin 1 of the thresholds counts among" in refused([f"threshold:{above:.6f}"])
    assert "bin " in refused(["calibration:40"])
    rows = int((lender.test.labels.reshape(-1) == 0).sum())
    assert "auc: class 0 counts among" in refused(["auc"], min_group=rows + 1)
    assert "fewer than 301" in refused(["log_loss"], min_group=301)


def test_what_cannot_be_asked_for(lender: Lender) -> None:
    def message(**options: Any) -> str:
        with pytest.raises(UsageError) as raised:
            tacit.evaluate(lender.run, lender.test, quiet=True, **options)
        return str(raised.value)

    assert "2 to 256 bins" in message(metrics=["calibration:1"])
    assert "between 0 and 1" in message(metrics=["threshold"])
    assert "between 0 and 1" in message(metrics=["threshold:1"])
    assert "takes no number" in message(metrics=["auc:1"])
    assert "do not tell these probabilities apart" in message(metrics=["threshold:0.5", "threshold:0.500001"])
    assert "bounded from above are log_loss, brier" in message(at_most={"auc": 1})
    assert "only auc" in message(at_least={"log_loss": 1})
    assert "only auc can be compared" in message(gap_at_most={"brier": 1}, by="sex")
    assert "between 0 and 1" in message(at_least={"auc": 2})
    assert "about groups" in message(at_most_each={"brier": 1})
    report = tacit.evaluate(lender.run, lender.test, metrics=["auc"], quiet=True)
    with pytest.raises(UsageError, match="calibration"):
        report.calibration()


def test_edges_are_the_first_scores_above() -> None:
    for fa in (4, 8, 12):
        for above in (Fraction(1, 10), Fraction(3, 10), Fraction(1, 2), Fraction(99, 100)):
            edge = first_score(above, fa)
            exact = math.log(above / (1 - above)) * 2**fa
            assert edge - 1 <= exact + 1e-9
            assert edge > exact - 1e-9
            assert probability(edge, fa) == pytest.approx(float(above), abs=2.0**-fa / 4)
    assert first_score(Fraction(1, 2), 8) == 1


def test_command_and_page(
    lender: Lender, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TACIT_VAULT", str(lender.folder / "lender.vault"))
    out, page = lender.folder / "cli.tacit", lender.folder / "page.html"
    arguments = ["evaluate", "--data", "test", "--out", str(out), "--force", "--min-group", "1", "--by", "sex"]
    arguments += ["--metric", "auc", "--metric", "calibration:3", "--metric", "threshold:0.4"]
    arguments += ["--at-most", "log_loss=5", "--at-most-each", "brier=0.9", "--at-least", "auc=0.01"]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "auc: 0." in said
    assert "calibration, group 1: probability, rows" in said
    assert "  above 0.4" in said
    beside = [f"--{option}={path}" for option, path in lender.files().items()]
    assert main(["report", str(out), "--html", str(page), "--force", *beside]) == 0
    text = page.read_text()
    for part in ("area under the ROC curve", "Calibration, all rows", "Thresholds, all rows", "at most 0.9"):
        assert part in text, part
    assert text.count("mean predicted probability") == 3


def test_small_groups_warn(lender: Lender, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="tacit.report"):
        tacit.evaluate(lender.run, lender.test, metrics=["auc"], by=["sex", "region"], min_group=1, quiet=True)
    assert any("tell about few people" in record.message for record in caplog.records)
