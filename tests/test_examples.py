"""The smallest example end to end, with fewer steps, and what the others read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from demos.data import LENDING_TEXT, lending_club

import tacit


def test_the_prediction_example_leaves_a_page_a_picture_and_a_valid_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from examples import breast_cancer

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    out, pictures = tmp_path / "out", tmp_path / "pictures"
    breast_cancer.main(["--out", str(out), "--pictures", str(pictures)], epochs=2)
    printed = capsys.readouterr().out
    assert printed.count("patient ") == breast_cancer.PATIENTS
    assert "all of it in" in printed
    verdict = tacit.verify(out / "prediction.tacit", run=out / "run.tacit", training=out / "owner.commitment")
    assert verdict.statement["kind"] == "report"
    assert "Predictions of a model" in (out / "prediction.html").read_text(encoding="utf-8")
    assert (pictures / "breast-cancer.svg").read_text(encoding="utf-8").startswith("<svg")


def test_the_lending_table_has_the_columns_that_are_named() -> None:
    frame = lending_club()
    assert len(frame) == 9857
    assert set(LENDING_TEXT) < set(frame.columns)
    assert set(frame["Class"]) == {"good", "bad"}


def test_the_backtest_example_leaves_a_page_a_picture_and_a_valid_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On prices of nobody: those of the example come from a package that the tests do without."""
    from examples import backtest

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    returns = np.random.default_rng(2).normal(0.001, 0.01, size=500)
    prices = pd.Series(np.cumprod(1 + returns), index=pd.bdate_range("2009-01-01", periods=500))
    monkeypatch.setattr(backtest, "sp500", lambda: prices)
    out, pictures = tmp_path / "out", tmp_path / "pictures"
    backtest.main(["--out", str(out), "--pictures", str(pictures)], epochs=1)
    printed = capsys.readouterr().out
    assert "sharpe: " in printed and "all of it in" in printed
    verdict = tacit.verify(
        out / "backtest.tacit",
        run=out / "run.tacit",
        data=out / "later.commitment",
        training=out / "owner.commitment",
    )
    assert any(line.startswith("No look-ahead in these inputs") for line in verdict.shown)
    assert "maximum drawdown" in (out / "backtest.html").read_text(encoding="utf-8")
    assert (pictures / "backtest.svg").read_text(encoding="utf-8").startswith("<svg")


def test_the_other_index_is_traded_by_the_same_strategy(monkeypatch: pytest.MonkeyPatch) -> None:
    from examples import backtest, nasdaq

    prices = pd.Series([1.0, 2.0])
    calls: list[object] = []
    monkeypatch.setattr(nasdaq, "nasdaq", lambda: prices)
    monkeypatch.setattr(nasdaq, "trade", lambda *told, epochs: calls.append((*told, epochs)))
    nasdaq.main(["--out", "x"], epochs=2)
    assert calls == [("nasdaq", prices, ["--out", "x"], 2)]
    assert nasdaq.trade is not backtest.trade and backtest.LAGS == 20
