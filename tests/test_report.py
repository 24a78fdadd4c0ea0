"""Reports end to end: what scikit-learn says of the same integers, checked against the run, refused by name."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import (
    balanced_accuracy_score,
    confusion_matrix,
    f1_score,
    mean_absolute_error,
    mean_squared_error,
    precision_score,
    r2_score,
    recall_score,
)

import tacit
from loan_table import loans
from tacit.cli import main
from tacit.errors import (
    BudgetError,
    ProofRejected,
    ReportRefused,
    TrailingBytes,
    TruncatedFile,
    UsageError,
    WrongData,
)

TEXT = ("sex", "region")


@dataclass
class Bank:
    folder: Path
    train: tacit.CommittedData
    test: tacit.CommittedData
    run: tacit.Run

    def verify(self, report: tacit.Report, data: str | None = "test.commitment") -> tacit.Verdict:
        path = report.save(self.folder / "report.tacit", overwrite=True)
        commitment = None if data is None else self.folder / data
        training = self.folder / "train.commitment"
        return tacit.verify(path, run=self.folder / "run.tacit", data=commitment, training=training)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    folder = tmp_path_factory.mktemp("bank")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        patch.delenv("TACIT_PASSPHRASE", raising=False)
        vault = folder / "bank.vault"
        train = tacit.commit(loans(1, 200), "good", vault=vault, name="train", categorical=TEXT, quiet=True)
        test = tacit.commit(loans(2, 150), "good", vault=vault, name="test", schema=train.schema, quiet=True)
        train.save(folder / "train.commitment")
        test.save(folder / "test.commitment")
        # In order: the seed of a shuffle hangs on the commitment's salts, and with it every figure below.
        torch.manual_seed(2)
        fitted = tacit.fit(train, hidden=[5], epochs=4, batch_size=32, lr=0.125)
        run = tacit.run_of(fitted)
        with pytest.raises(ReportRefused) as raised:
            tacit.evaluate(run, test, quiet=True)
        assert raised.value.reason == "NotProven"
        tacit.prove(run, quiet=True).save(folder / "run.tacit")
        yield Bank(folder, train, test, run)


def exact_outputs(run: tacit.Run, features: Any) -> Any:
    """The forward pass in integers, by the definition."""
    record = run.record()
    config, weights = record.config, record.final.flat_weights().astype(object)
    values, start = features.astype(object), 0
    for layer in config.architecture.layers:
        matrix = weights[start : start + layer.k * layer.outputs].reshape(layer.k, layer.outputs)
        start += matrix.size
        if layer.bias:
            one = np.full((len(values), 1), 1 << config.scales.fa, dtype=object)
            values = np.hstack([values, one])
        values = (values @ matrix + (1 << (config.scales.fw - 1))) >> config.scales.fw
        if layer.activation == "relu":
            values = np.maximum(values, 0)
    return values.astype(np.int64)


def test_counts_and_rates_are_those_of_scikit_learn(bank: Bank) -> None:
    predicted = exact_outputs(bank.run, bank.test.features).argmax(axis=1)
    labels = bank.test.labels
    report = tacit.evaluate(
        bank.run, bank.test, metrics=["confusion", "accuracy", "recall", "precision", "f1:0"], quiet=True
    )
    assert np.array_equal(report.confusion()[0], confusion_matrix(labels, predicted))
    rates = report.rates()
    assert rates["accuracy"] == Fraction(int((labels == predicted).sum()), len(labels))
    assert float(rates["recall:1"]) == pytest.approx(recall_score(labels, predicted))
    assert float(rates["precision:1"]) == pytest.approx(precision_score(labels, predicted))
    assert float(rates["f1:0"]) == pytest.approx(f1_score(labels, predicted, pos_label=0))
    verdict = bank.verify(report)
    assert verdict.statement["kind"] == "report"
    assert tuple(verdict.statement["report"]["shown"]) == report.shown
    assert "all 150 rows" in verdict.shown[0]
    assert any(
        f"accuracy is {rates['accuracy'].numerator * 150 // rates['accuracy'].denominator} of 150" in s
        for s in verdict.shown
    )
    assert "how good the model is" not in verdict.not_shown
    assert "how good the model is on other rows" in verdict.not_shown
    assert any("training data" in line for line in verdict.not_shown)
    totals = {name: bits for name, bits in verdict.soundness if name.startswith("total")}
    assert set(totals) == {"total over 1 chunk(s)", "total, report", "total, training data", "total, data"}
    assert all(bits <= -128 for bits in totals.values())
    name, together = verdict.soundness[-1]
    assert name == "all proofs of this verdict together"
    assert together == pytest.approx(math.log2(sum(2.0**bits for bits in totals.values())))
    assert any("rests on 4 arguments" in line and f"2^{together:.1f}" in line for line in verdict.shown)


@pytest.mark.parametrize("by", [("sex",), ("sex", "region")])
def test_groups_are_those_of_the_table(bank: Bank, by: tuple[str, ...]) -> None:
    predicted = exact_outputs(bank.run, bank.test.features).argmax(axis=1)
    report = tacit.evaluate(
        bank.run, bank.test, metrics=["confusion", "accuracy"], by=by, min_group=3, quiet=True
    )
    frame = loans(2, 150)
    names = [", ".join(f"{c}={row[c]}" for c in by) for _, row in frame.iterrows()]
    assert set(report.groups) == set(names)
    for group, name in enumerate(report.groups):
        rows = np.array([n == name for n in names])
        expected = confusion_matrix(bank.test.labels[rows], predicted[rows], labels=[0, 1])
        assert np.array_equal(report.confusion()[group], expected)
        correct = int(np.trace(expected))
        assert report.rates()[f"accuracy [{name}]"] == Fraction(correct, int(rows.sum()))
    verdict = bank.verify(report)
    assert any("which row is in which group" in line for line in verdict.not_shown)
    assert not any(name in line for name in ("north", "sex=") for line in verdict.shown)


def test_bounds_show_nothing_else(bank: Bank) -> None:
    exact = tacit.evaluate(bank.run, bank.test, metrics=["accuracy", "positive_rate"], by="sex", quiet=True)
    value = exact.rates()["accuracy"]
    rates = exact.rates()
    gap = abs(rates["positive_rate:1 [sex=f]"] - rates["positive_rate:1 [sex=m]"])
    assert value < 1
    assert gap > 0
    report = tacit.evaluate(
        bank.run,
        bank.test,
        by="sex",
        at_least={"accuracy": value},
        at_least_each={"accuracy": "0.1"},
        gap_at_most={"positive_rate": gap},
        quiet=True,
    )
    assert [next(iter(item)) for item in report.shown] == ["AtLeast"] * 3 + ["GapAtMost"]
    verdict = bank.verify(report)
    assert any("at least" in line and "nothing more about it" in line for line in verdict.shown)
    for options in (
        {"at_least": {"accuracy": value + Fraction(1, 1000)}},
        {"gap_at_most": {"positive_rate": gap * Fraction(99, 100)}},
    ):
        with pytest.raises(ReportRefused) as raised:
            tacit.evaluate(bank.run, bank.test, by="sex", **options, quiet=True)  # type: ignore[arg-type]
        assert raised.value.reason == "BoundFails"


def test_rows_of_the_training_data(bank: Bank) -> None:
    report = tacit.evaluate(bank.run, rows=range(20, 120), quiet=True)
    predicted = exact_outputs(bank.run, bank.train.features[20:120]).argmax(axis=1)
    assert np.array_equal(report.confusion()[0], confusion_matrix(bank.train.labels[20:120], predicted))
    verdict = bank.verify(report, "train.commitment")
    assert "rows 20 to 119 (100 of 200)" in verdict.shown[0]
    assert any("that the model was trained on" in line for line in verdict.shown)


def test_predictions_of_public_and_of_committed_rows(bank: Bank) -> None:
    rows = loans(5, 7).drop(columns="good")
    given = tacit.quantise(rows, schema=tacit.Schema(columns=bank.train.schema.columns))
    # Columns of an array have nobody's names.
    nameless = replace(given, feature_names=tuple(f"x{i}" for i in range(given.width)))
    report = tacit.predict(bank.run, nameless, quiet=True)
    expected = exact_outputs(bank.run, given.features)
    assert np.array_equal(report.outputs(), expected)
    assert np.array_equal(report.classes(), expected.argmax(axis=1))
    verdict = bank.verify(report, None)
    assert any(f"7 public rows of {given.width} features" in line for line in verdict.shown)
    first = int(expected[0, 0]) / 2**report.fa
    assert any(f"row 0: {first:.2f}"[:-1] in line for line in verdict.shown), (first, verdict.shown)
    told = verdict.statement["report"]
    assert told["input"]["features"] == given.features.flatten().tolist()
    with pytest.raises(ProofRejected) as raised:
        bank.verify(report, "test.commitment")
    assert raised.value.check == "NoData"
    committed = tacit.predict(bank.run, data=bank.test, rows=[3, 5, 149], quiet=True)
    assert np.array_equal(committed.outputs(), exact_outputs(bank.run, bank.test.features[[3, 5, 149]]))
    bank.verify(committed)


def test_fairness_is_asked_for_as_the_rates_that_it_compares(bank: Bank) -> None:
    counts = tacit.evaluate(bank.run, bank.test, metrics=["confusion"], by="sex", quiet=True)
    predicted = exact_outputs(bank.run, bank.test.features).argmax(axis=1)
    labels = bank.test.labels
    assert float(counts.derived()["balanced_accuracy"]) == pytest.approx(
        balanced_accuracy_score(labels, predicted)
    )
    sex = np.array([f"sex={s}" for s in loans(2, 150)["sex"]])
    recalls = [recall_score(labels[sex == g], predicted[sex == g]) for g in counts.groups]
    false = [1 - recall_score(1 - labels[sex == g], 1 - predicted[sex == g]) for g in counts.groups]
    for group, recall in zip(counts.groups, recalls, strict=True):
        assert float(counts.derived()[f"recall:1 [{group}]"]) == pytest.approx(recall)
    gaps = counts.gaps()
    odds = gaps["equalised_odds:1"]
    assert float(odds) == pytest.approx(max(abs(recalls[0] - recalls[1]), abs(false[0] - false[1])))
    exact = tacit.evaluate(
        bank.run,
        bank.test,
        metrics=["equalised_odds", "recall", "balanced_accuracy"],
        gap_at_most={"equalised_odds": odds},
        by="sex",
        quiet=True,
    )
    names = [name for name in exact.rates() if "[" not in name]
    assert names == ["recall:1", "false_positive_rate:1", "recall:0"]
    assert exact.gaps()["equalised_odds:1"] == odds
    assert exact.derived()["balanced_accuracy"] == counts.derived()["balanced_accuracy"]
    bounded = [item["GapAtMost"]["rate"] for item in exact.shown if "GapAtMost" in item]
    assert bounded == [{"Recall": {"class": 1}}, {"FalsePositives": {"class": 1}}]
    bank.verify(exact)
    less = {"equalised_odds": odds - Fraction(1, 1000)}
    with pytest.raises(ReportRefused) as raised:
        tacit.evaluate(bank.run, bank.test, gap_at_most=less, by="sex", quiet=True)
    assert raised.value.reason == "BoundFails"


def test_errors_are_those_of_scikit_learn(bank: Bank) -> None:
    random = np.random.default_rng(8)
    x = random.normal(size=(120, 4))
    y = x @ [1.0, -2.0, 0.5, 0.0] + random.normal(size=120)
    data = tacit.commit(x, y, vault=bank.folder / "prices.vault", label_kind="real", quiet=True)
    data.save(bank.folder / "prices.commitment")
    run = tacit.run_of(tacit.fit(data, hidden=[3], epochs=3, batch_size=32, lr=0.0625, shuffle_seed=1))
    tacit.prove(run, quiet=True).save(bank.folder / "prices.tacit")
    report = tacit.evaluate(run, metrics=["mse", "mae", "r2"], quiet=True)
    predicted, targets = exact_outputs(run, data.features) / 2.0**data.fa, data.labels / 2.0**data.fa
    errors = report.errors()
    assert float(errors["mse"]) == pytest.approx(mean_squared_error(targets, predicted), rel=1e-12)
    assert float(errors["mae"]) == pytest.approx(mean_absolute_error(targets, predicted), rel=1e-12)
    assert float(errors["r2"]) == pytest.approx(r2_score(targets, predicted), rel=1e-9)
    path = report.save(bank.folder / "prices-report.tacit")
    verdict = tacit.verify(path, run=bank.folder / "prices.tacit", data=bank.folder / "prices.commitment")
    (line,) = [line for line in verdict.shown if "R^2 over all outputs is" in line]
    page = tacit.html_report(path, run=bank.folder / "prices.tacit", data=bank.folder / "prices.commitment")
    for told in (line.removesuffix(".").rsplit(" ", 1)[1], f"{float(errors['mae']):.4f}"):
        assert f">{told}</" in page.content
    with pytest.raises(ReportRefused) as raised:
        tacit.evaluate(run, metrics=["accuracy"], quiet=True)
    assert raised.value.reason == "NotApplicable"


def test_what_cannot_be_shown_is_refused_by_name(bank: Bank, caplog: pytest.LogCaptureFixture) -> None:
    def refused(**options: Any) -> str:
        with pytest.raises(ReportRefused) as raised:
            tacit.evaluate(bank.run, bank.test, quiet=True, **options)
        return raised.value.reason

    assert refused(by="region", min_group=1000) == "SmallGroup"
    assert refused(rows=range(9)) == "SmallGroup"
    # Few rows of a class are few people, in a group that is large enough: whatever shows their number.
    least = int(np.bincount(bank.test.labels[:40]).min())
    assert least < 30
    rare = {"rows": range(40), "min_group": least + 1}
    assert refused(metrics="confusion", **rare) == "SmallGroup"
    for metric in ("recall:0", "recall:1"):
        counts = int((bank.test.labels[:40] == int(metric[-1])).sum())
        if counts == least:
            assert refused(metrics=[metric], **rare) == "SmallGroup"
    assert refused(by="income") == "Groups"
    assert refused(rows=[]) == "Rows"
    assert refused(rows=range(100, 151)) == "Rows"
    with caplog.at_level(logging.WARNING, logger="tacit.report"):
        tacit.evaluate(bank.run, bank.test, by="sex", rows=range(60), min_group=5, quiet=True)
    assert "tell about few people" in caplog.text
    for wrong in (
        {"metrics": ["area"]},
        {"metrics": ["recall:2"]},
        {"metrics": []},
        {"at_least": {"accuracy": 1.5}},
        {"at_least": {"accuracy": "high"}},
        {"gap_at_most": {"accuracy": 0.5}},
        {"at_least_each": {"accuracy": 0.5}},
        {"metrics": ["equalised_odds"]},
        {"at_least": {"equalised_odds": 0.5}},
        {"gap_at_most": {"balanced_accuracy": 0.5}, "by": "sex"},
        {"by": "colour"},
        {"rows": [1, 1]},
        {"rows": [150]},
        {"rows": ["one"]},
        {"metrics": 7},
        {"at_least": "accuracy"},
        {"min_group": "few"},
        {"at_least": {"accuracy": "1/0"}},
    ):
        with pytest.raises(UsageError):
            tacit.evaluate(bank.run, bank.test, quiet=True, **wrong)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="not both"):
        tacit.predict(bank.run, loans(5, 2), rows=[1])
    with pytest.raises(UsageError, match="evaluate has no argument 'metric'; did you mean metrics"):
        tacit.evaluate(bank.run, bank.test, metric="accuracy")
    with pytest.raises(UsageError, match="data is a str, not committed data"):
        tacit.evaluate(bank.run, "test")  # type: ignore[arg-type]


def test_rows_have_the_columns_of_the_training_data(bank: Bank) -> None:
    given = tacit.quantise(loans(5, 2), schema=tacit.Schema(columns=bank.train.schema.columns))
    swapped = replace(given, feature_names=("debt", "income", *given.feature_names[2:]))
    with pytest.raises(ReportRefused, match="'debt' for 'income'") as raised:
        tacit.predict(bank.run, swapped, quiet=True)
    assert raised.value.reason == "OtherSchema"


def test_data_of_another_schema_is_refused(bank: Bank) -> None:
    vault = bank.folder / "bank.vault"
    other = tacit.commit(loans(3, 60), "good", vault=vault, name="other", categorical=TEXT, quiet=True)
    with pytest.raises(ReportRefused, match="scales") as raised:
        tacit.evaluate(bank.run, other, quiet=True)
    assert raised.value.reason == "OtherSchema"
    shuffled = loans(3, 60)[["debt", "income", "age", "sex", "region", "good"]]
    moved = tacit.commit(shuffled, "good", vault=vault, name="moved", categorical=TEXT, quiet=True)
    with pytest.raises(ReportRefused, match="columns"):
        tacit.evaluate(bank.run, moved, quiet=True)


def test_reports_are_checked_against_their_run_and_data(bank: Bank) -> None:
    report = tacit.evaluate(bank.run, bank.test, metrics="accuracy", quiet=True)
    assert set(report.rates()) == {"accuracy"}
    path = report.save(bank.folder / "good.tacit")
    run = bank.folder / "run.tacit"
    with pytest.raises(UsageError, match="proof of its run"):
        tacit.verify(path)
    train, test = bank.folder / "train.commitment", bank.folder / "test.commitment"
    with pytest.raises(WrongData):
        tacit.verify(path, run=run, data=train)
    with pytest.raises(WrongData):
        tacit.verify(path, run=run, data=test, training=test)
    # The bound of the weights rests on the training data: without its commitment nothing is shown.
    for data in (None, test):
        with pytest.raises(ProofRejected, match="training data") as raised:
            tacit.verify(path, run=run, data=data)
        # Nothing is decided: the command is not complete.
        assert (raised.value.check, raised.value.exit_code) == ("TrainingData", 2)
    with pytest.raises(UsageError, match="verified without training="):
        tacit.verify(run, data=train, training=train)
    unchecked = tacit.verify(path, run=run, training=train)
    assert any("no commitment file" in line for line in unchecked.not_shown)
    checked = tacit.verify(path, run=run, data=test, training=train)
    assert "The records of both data sets declare one schema: columns, their order and scales." in checked.shown
    assert (
        "If what is shown were false, an attempt at a proof would pass with a probability of at most 2^-1"
        in str(checked)
    )
    assert not any("no commitment file" in line for line in checked.not_shown)
    described = tacit.inspect(path)
    assert "the proof was not checked" in described.not_shown[0]
    assert described.statement["kind"] == "report"
    assert not described.soundness
    beside = dict(tacit.inspect(path, run=run).soundness)
    assert beside["total, report"] == dict(checked.soundness)["total, report"]
    content = path.read_bytes()
    broken = bank.folder / "broken.tacit"
    for changed, error in ((content[:-1], TruncatedFile), (content + b"\0", TrailingBytes)):
        broken.write_bytes(changed)
        with pytest.raises(error):
            tacit.verify(broken, run=run, training=train)
    broken.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    with pytest.raises(ProofRejected):
        tacit.verify(broken, run=run, training=train)


def test_the_command_line(
    bank: Bank, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(bank.folder)
    monkeypatch.setenv("TACIT_VAULT", "bank.vault")
    arguments = ["--data", "test", "--metric", "accuracy", "--metric", "equalised_odds", "--by", "sex"]
    arguments += ["--gap", "accuracy=0.9", "--force"]
    assert main(["evaluate", *arguments, "--at-least-each", "accuracy=0.1", "--rows", "0:100"]) == 0
    printed = capsys.readouterr().out
    assert "accuracy: " in printed
    assert "equalised_odds:1: groups differ by " in printed
    assert "group 0: sex=" in printed
    assert main(["evaluate", *arguments[:-1]]) == 2
    assert "report.tacit exists already" in capsys.readouterr().err
    verify = ["verify", "report.tacit", "--run", "run.tacit", "--data", "test.commitment"]
    # Without the commitment of the training data nothing is decided: the command is not complete.
    assert main(verify) == 2
    assert main([*verify, "--training", "train.commitment"]) == 0
    assert "VALID" in capsys.readouterr().out
    assert main(["inspect", "report.tacit"]) == 0
    loans(5, 3).drop(columns="good").to_csv("new.csv", index=False)
    assert main(["predict", "--input", "new.csv", "--out", "prediction.tacit"]) == 0
    assert len(capsys.readouterr().out.splitlines()) >= 4
    trained = ["--run", "run.tacit", "--training", "train.commitment"]
    assert main(["verify", "prediction.tacit", *trained]) == 0
    assert main(["evaluate", "--at-least", "accuracy=0.9999", "--out", "never.tacit"]) == 1
    assert not (bank.folder / "never.tacit").exists()
    assert "error: " in capsys.readouterr().err
    assert main(["evaluate", "--at-least", "accuracy"]) == 2
    assert main(["evaluate", "--rows", "some"]) == 2
    assert main(["predict"]) == 2


def test_every_report_is_charged_until_the_model_is_used_up(bank: Bank) -> None:
    """Last in the file: it spends what is left."""
    key = bank.run.boundary(1, bank.run.record())[1].digest.hex()
    accounts = bank.run.vault.accounts()
    before = accounts[key].left()
    tacit.predict(bank.run, loans(5, 1).drop(columns="good"), quiet=True)
    spent = before - bank.run.vault.accounts()[key].left()
    assert spent > 0
    left = bank.run.vault.accounts()[key].left()
    bank.run.vault.budget.charge({key: left}, "test")
    with pytest.raises(BudgetError):
        tacit.predict(bank.run, loans(5, 1).drop(columns="good"), quiet=True)
