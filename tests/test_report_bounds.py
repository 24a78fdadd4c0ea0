"""Top-k accuracy and bounds of errors and at a threshold: scikit-learn on the same integers."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import (
    balanced_accuracy_score,
    mean_absolute_error,
    mean_squared_error,
    precision_score,
    r2_score,
    recall_score,
    top_k_accuracy_score,
)

import tacit
from tacit.cli import main
from tacit.errors import ReportRefused, UsageError
from test_report import exact_outputs


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("TACIT_PASSPHRASE", raising=False)


def made(folder: Path, kind: str, y: Any, x: Any) -> tuple[tacit.Run, tacit.CommittedData, Any]:
    """A proven run, its data, the outputs on them."""
    data = tacit.commit(x, y, vault=folder / "v.vault", label_kind=kind, quiet=True)
    data.save(folder / "d.commitment")
    run = tacit.run_of(tacit.fit(data, hidden=[4], epochs=6, batch_size=32, lr=0.0625))
    tacit.prove(run, quiet=True).save(folder / "run.tacit")
    return run, data, exact_outputs(run, data.features)


def said(folder: Path, report: tacit.Report) -> str:
    path = report.save(folder / "report.tacit", overwrite=True)
    files = {"run": folder / "run.tacit", "data": folder / "d.commitment"}
    page = tacit.html_report(path, **files).content  # type: ignore[arg-type]
    return " ".join(tacit.verify(path, **files).shown) + page  # type: ignore[arg-type]


def refused(run: tacit.Run, **options: Any) -> str:
    with pytest.raises(ReportRefused) as raised:
        tacit.evaluate(run, quiet=True, **options)
    return raised.value.reason


def test_labels_among_the_largest_outputs(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    x = random.normal(size=(150, 4))
    y = (x[:, 0] > 0).astype(int) * 2 + (x[:, 1] > 0)
    run, data, z = made(tmp_path, "class", y, x)
    report = tacit.evaluate(run, metrics=["top_1", "top_2", "top_k:3", "accuracy"], min_group=1, quiet=True)
    labels = data.labels.reshape(-1)
    # Of equal outputs the first is the larger: scikit-learn sees none that are equal.
    apart = z * 8 - np.arange(4)
    for k in (1, 2, 3):
        assert float(report.rates()[f"top_{k}"]) == pytest.approx(top_k_accuracy_score(labels, apart, k=k))
    assert report.rates()["top_1"] == report.rates()["accuracy"]
    assert "The top-2 accuracy is " in said(tmp_path, report)
    just = report.rates()["top_2"]
    assert "top-2 accuracy" in said(tmp_path, tacit.evaluate(run, at_least={"top_2": just}, quiet=True))
    assert refused(run, at_least={"top_2": just + Fraction(1, 150)}) == "BoundFails"
    for wrong in ("top_0", "top_4"):
        with pytest.raises(UsageError, match="among 1 to 3 of 4"):
            tacit.evaluate(run, metrics=wrong, quiet=True)
    with pytest.raises(UsageError, match="of two classes"):
        tacit.evaluate(run, at_least={"balanced_accuracy": 0}, quiet=True)


def test_bounds_at_a_threshold(tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    x = random.normal(size=(160, 3))
    y = (x @ [1.0, -1.0, 0.5] + random.normal(size=160) > 0).astype(int)
    run, data, z = made(tmp_path, "binary", y, x)
    labels, p = data.labels.reshape(-1), 1 / (1 + np.exp(-z[:, 0] / 2.0**data.fa))
    called = p > 0.3
    for name, metric in (("recall", recall_score), ("precision", precision_score)):
        value = float(metric(labels, called))
        low, high = math.floor(value * 1000), math.ceil(value * 1000)
        bounds = {
            "at_least": {f"{name}@0.3": Fraction(low, 1000)},
            "at_most": {f"{name}@0.3": Fraction(high, 1000)},
        }
        text = said(tmp_path, tacit.evaluate(run, quiet=True, **bounds))  # type: ignore[arg-type]
        assert f"the {name} of class 1 is at least " in text
        assert "are predicted as class 1" in text
        if low < 1000:
            assert refused(run, at_least={f"{name}@0.3": Fraction(low + 1, 1000)}) == "BoundFails"
        assert refused(run, at_most={f"{name}@0.3": Fraction(high - 1, 1000)}) == "BoundFails"
    for name, predicted in (("balanced_accuracy", p > 0.5), ("balanced_accuracy@0.3", called)):
        low = math.floor(balanced_accuracy_score(labels, predicted) * 1000)
        text = said(tmp_path, tacit.evaluate(run, at_least={name: Fraction(low, 1000)}, quiet=True))
        assert "the balanced accuracy is at least " in text
        assert refused(run, at_least={name: Fraction(low + 1, 1000)}) == "BoundFails"
    # Few rows of a class are few people, at a threshold too.
    of_class = np.bincount(labels)
    rare = int(of_class.argmin())
    for name in (f"recall:{rare}@0.3", f"false_positive_rate:{1 - rare}@0.3", "balanced_accuracy"):
        few = int(of_class.min()) + 1
        assert refused(run, at_least={name: 0}, min_group=few) == "SmallGroup"
        tacit.evaluate(run, at_least={name: 0}, min_group=few - 1, quiet=True)
    lower = ({"recall@2": 0}, {"top_1@0.5": 0})
    for wrong in ({"at_most": {"balanced_accuracy@0.5": 1}}, *({"at_least": bound} for bound in lower)):
        with pytest.raises(UsageError):
            tacit.evaluate(run, quiet=True, **wrong)  # type: ignore[arg-type]


def test_bounded_errors(tmp_path: Path) -> None:
    random = np.random.default_rng(8)
    x = random.normal(size=(160, 3))
    y = x @ [1.0, -2.0, 0.5] + random.normal(size=160) / 4
    run, data, z = made(tmp_path, "real", y, x)
    predicted, targets = z / 2.0**data.fa, data.labels.reshape(-1, 1) / 2.0**data.fa
    for name, metric in (("mse", mean_squared_error), ("mae", mean_absolute_error)):
        high = math.ceil(metric(targets, predicted) * 1000)
        text = said(tmp_path, tacit.evaluate(run, at_most={name: Fraction(high, 1000)}, quiet=True))
        assert "over rows and outputs is at most " in text
        assert refused(run, at_most={name: Fraction(high - 1, 1000)}) == "BoundFails"
    low = math.floor(r2_score(targets, predicted) * 100)
    assert low > 0
    text = said(tmp_path, tacit.evaluate(run, at_least={"r2": Fraction(low, 100)}, quiet=True))
    assert "R^2 over all outputs is at least " in text
    assert refused(run, at_least={"r2": Fraction(low + 1, 100)}) == "BoundFails"
    assert refused(run, at_least={"r2": 1}) == "BoundTooFine"


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    random = np.random.default_rng(8)
    x = random.normal(size=(160, 3))
    run, _, _ = made(tmp_path, "real", x @ [1.0, -2.0, 0.5] + random.normal(size=160) / 4, x)
    out = tmp_path / "cli.tacit"
    asked = ["--at-most", "mse=100", "--at-most", "mae=10", "--at-least", "r2=0", "--out", str(out)]
    assert main(["evaluate", run.name, "--vault", str(tmp_path / "v.vault"), *asked]) == 0
    files = ["--run", str(tmp_path / "run.tacit"), "--data", str(tmp_path / "d.commitment")]
    assert main(["verify", str(out), *files]) == 0
    assert "R^2 over all outputs is at least " in capsys.readouterr().out
    refused = ["--at-most", "mse=1/1000000000", "--out", str(tmp_path / "none.tacit")]
    assert main(["evaluate", run.name, "--vault", str(tmp_path / "v.vault"), *refused]) == 1
