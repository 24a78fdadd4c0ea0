"""Predictions end to end: rows, inputs and outputs that are told, bounded, committed or hidden."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tacit
from loan_table import loans
from tacit.cli import main
from tacit.errors import BoundFails, ProofRejected, ReportRefused, UsageError

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
        torch.manual_seed(2)
        run = tacit.run_of(tacit.fit(train, hidden=[5], epochs=4, batch_size=32, lr=0.125))
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


def told(value: Any) -> Any:
    """A statement less its digests, which are random, and the shown outputs."""
    if isinstance(value, dict):
        return {key: told(item) for key, item in value.items() if key != "shown"}
    if isinstance(value, list):
        return "digest" if len(value) == 32 else [told(item) for item in value]
    return "digest" if isinstance(value, str) and len(value) == 64 else value


def test_a_hidden_row_is_told_by_nothing(bank: Bank) -> None:
    report = tacit.predict(bank.run, bank.test, rows=[137], hide_rows=True, quiet=True)
    assert np.array_equal(report.outputs(), exact_outputs(bank.run, bank.test.features[[137]]))
    verdict = bank.verify(report)
    statement = verdict.statement["report"]
    assert statement["input"]["rows"] == {"Hidden": {"count": 1}}
    assert "1 hidden row of the 150 of the data behind commitment" in verdict.shown[0]
    assert any(line.startswith("which rows of the data set these are") for line in verdict.not_shown)
    twin = bank.verify(tacit.predict(bank.run, bank.test, rows=[4], hide_rows=True, quiet=True))
    assert told(statement) == told(twin.statement["report"])


def test_hidden_rows_stand_in_their_order_and_may_be_read_twice(bank: Bank) -> None:
    rows = [9, 3, 9]
    report = tacit.predict(bank.run, data=bank.test, rows=rows, hide_rows=True, quiet=True)
    assert np.array_equal(report.outputs(), exact_outputs(bank.run, bank.test.features[rows]))
    bank.verify(report)
    with pytest.raises(UsageError, match="say which rows"):
        tacit.predict(bank.run, bank.test, hide_rows=True, quiet=True)
    for wrong in ([], [150], [-1]):
        with pytest.raises(UsageError, match="numbered from 0 to 149"):
            tacit.predict(bank.run, bank.test, rows=wrong, hide_rows=True, quiet=True)
    with pytest.raises(UsageError, match="not both"):
        tacit.predict(bank.run, loans(3, 4).drop(columns="good"), hide_rows=True, quiet=True)


def test_committed_rows_are_given_as_they_are(bank: Bank) -> None:
    report = tacit.predict(bank.run, bank.test, rows=range(20, 30), quiet=True)
    assert np.array_equal(report.outputs(), exact_outputs(bank.run, bank.test.features[20:30]))
    bank.verify(report)
    with pytest.raises(UsageError, match="given twice"):
        tacit.predict(bank.run, bank.test, data=bank.test, quiet=True)


def test_classes_without_scores(bank: Bank) -> None:
    expected = exact_outputs(bank.run, bank.test.features[40:60]).argmax(axis=1)
    report = tacit.predict(bank.run, bank.test, rows=range(40, 60), show="classes", quiet=True)
    assert np.array_equal(report.classes(), expected)
    verdict = bank.verify(report)
    assert any("Of the outputs behind it nothing else is shown" in line for line in verdict.shown)
    with pytest.raises(UsageError, match="shows no outputs"):
        report.outputs()
    assert [list(item) for item in verdict.statement["report"]["shown"]] == [["Classes"]]
    page = tacit.html_report(
        bank.folder / "report.tacit",
        run=bank.folder / "run.tacit",
        data=bank.folder / "test.commitment",
        training=bank.folder / "train.commitment",
    )
    assert "class predicted" in str(page.save(bank.folder / "page.html", overwrite=True).read_text())


def test_bounds_are_those_of_the_real_probability(bank: Bank) -> None:
    outputs = exact_outputs(bank.run, bank.test.features) / 2.0**bank.test.fa
    probability = 1 / (1 + np.exp(outputs[:, 0] - outputs[:, 1]))
    row = int(np.argsort(probability)[100])
    below, above = float(probability[row]) - 0.004, float(probability[row]) + 0.004
    report = tacit.predict(bank.run, bank.test, rows=[row], at_least={"probability": below}, quiet=True)
    verdict = bank.verify(report)
    assert any("output 1 less output 0 is at least its bound" in line for line in verdict.shown)
    assert "Outputs" not in json.dumps(verdict.statement["report"]["shown"])
    bank.verify(
        tacit.predict(
            bank.run, bank.test, rows=[row], hide_rows=True, at_most={"probability": above}, quiet=True
        )
    )
    for wrong in ({"at_least": {"probability": above}}, {"at_most": {"probability": below}}):
        with pytest.raises(BoundFails, match="row 0"):
            tacit.predict(bank.run, bank.test, rows=[row], quiet=True, **wrong)


def test_bounds_of_outputs_are_exact(bank: Bank) -> None:
    rows, scale = [5, 6], 2.0**bank.test.fa
    z = exact_outputs(bank.run, bank.test.features[rows])
    least, margin = z[:, 0].min(), (z[:, 1] - z[:, 0]).max()
    report = tacit.predict(
        bank.run,
        bank.test,
        rows=rows,
        at_least={"output:0": least / scale},
        at_most={"margin:1:0": margin / scale},
        quiet=True,
    )
    bank.verify(report)
    assert [item["Margins"]["bounds"] for item in report.shown] == [[least] * 2, [-margin] * 2]
    for wrong in (
        {"at_least": {"output:0": (least + 1) / scale}},
        {"at_most": {"margin:1:0": (margin - 1) / scale}},
    ):
        with pytest.raises(BoundFails):
            tacit.predict(bank.run, bank.test, rows=rows, quiet=True, **wrong)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"at_least": {"output:2": 0}}, "numbered from 0 to 1"),
        ({"at_least": {"margin:1:1": 0}}, "numbered from 0 to 1"),
        ({"at_least": {"output": 0}}, "not known"),
        ({"at_least": {"margin:x:0": 0}}, "no number"),
        ({"at_least": {"score": 0}}, "not known"),
        ({"at_least": {"probability": 1}}, "between 0 and 1"),
        ({"at_least": {"output:0": 10**9}}, "beyond every output"),
        ({"at_least": [1]}, "not of the form"),
        ({"show": "logits"}, "neither 'outputs' nor 'classes'"),
        ({"commit_as": "x"}, "committed already"),
    ],
)
def test_what_cannot_be_asked(bank: Bank, asked: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        tacit.predict(bank.run, bank.test, rows=[1], quiet=True, **asked)


def test_committed_outputs_are_a_data_set(bank: Bank) -> None:
    """Two proofs on the same rows commit the same outputs, which a third one shows without telling them."""
    rows = range(10, 40)
    report = tacit.predict(bank.run, bank.test, rows=rows, commit_outputs="scores", quiet=True)
    verdict = bank.verify(report)
    told = tacit.open_data(bank.run.vault, "scores")
    assert np.array_equal(told.features, exact_outputs(bank.run, bank.test.features[rows]))
    assert any(told.digest.hex() in line for line in verdict.shown)
    assert "Outputs" not in json.dumps([list(item) for item in report.shown])
    assert tacit.verify(bank.folder / "scores.commitment")
    tacit.predict(bank.run, bank.test, rows=rows, commit_outputs="again", quiet=True)
    again = tacit.open_data(bank.run.vault, "again")
    tacit.compare_rows(told, again, "same", quiet=True).save(bank.folder / "same.tacit")
    with pytest.raises(UsageError, match="choose another name"):
        tacit.predict(bank.run, bank.test, rows=rows, commit_outputs="scores", quiet=True)


def test_inputs_that_are_committed_for_a_prediction(bank: Bank) -> None:
    frame = loans(5, 3).drop(columns="good")
    report = tacit.predict(bank.run, frame, commit_as="applicants", show="classes", quiet=True)
    public = tacit.predict(bank.run, frame, quiet=True)
    assert np.array_equal(report.classes(), public.classes())
    verdict = bank.verify(report, "applicants.commitment")
    assert "all 3 rows of the data behind commitment" in verdict.shown[0]
    assert "features" not in verdict.statement["report"]["input"]
    with pytest.raises(ProofRejected) as raised:
        bank.verify(report)
    assert raised.value.check == "DataCommitment"
    other = loans(5, 3).drop(columns="good").rename(columns={"debt": "depth"})
    with pytest.raises((ReportRefused, tacit.errors.DataError)):
        tacit.predict(bank.run, other, commit_as="others", quiet=True)


def test_the_command_line(bank: Bank, capsys: pytest.CaptureFixture[str]) -> None:
    out = bank.folder / "cli.tacit"
    vault = ["--vault", str(bank.folder / "bank.vault")]
    line = ["predict", bank.run.name, *vault, "--data", "test", "--rows", "7,3", "--hide-rows"]
    assert main([*line, "--show", "classes", "--at-least", "output:0=-100", "--out", str(out)]) == 0
    expected = exact_outputs(bank.run, bank.test.features[[7, 3]]).argmax(axis=1)
    assert capsys.readouterr().out.split()[:2] == [str(c) for c in expected]
    files = ["--run", str(bank.folder / "run.tacit"), "--data", str(bank.folder / "test.commitment")]
    assert main(["verify", str(out), *files, "--training", str(bank.folder / "train.commitment")]) == 0
    assert "2 hidden rows of the 150" in capsys.readouterr().out
