"""Backtests end to end: what plain numpy gives on the same integers, checked, and refused by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from spec.verify import verify_on_run
from torch import nn

import tacit
from tacit import backtesting, markets
from tacit.cli import main
from tacit.errors import BoundFails, DataError, ProofRejected, ReportRefused, UsageError
from tacit.html import html_report
from tacit.performance import Performance, bits_of, shown_performance

LAGS, DAYS, LEARNT = 5, 420, 200
ROOT = Path(__file__).resolve().parent.parent
ALL = ["sharpe", "sortino", "annual_return", "volatility", "max_drawdown", "turnover", "hit_rate"]


def prices() -> pd.Series[float]:
    """Daily prices with some momentum, so that there is something to learn."""
    random = np.random.default_rng(3)
    returns = [0.0]
    for noise in random.normal(scale=0.01, size=DAYS):
        returns.append(0.0005 + 0.35 * returns[-1] + noise)
    days = pd.bdate_range("2015-01-01", periods=DAYS)
    return pd.Series(100 * np.cumprod(1 + np.array(returns[1:])), index=days)


@dataclass
class Fund:
    folder: Path
    data: tacit.CommittedData
    later: tacit.CommittedData
    run: tacit.Run

    def verify(self, report: tacit.Report, data: str | None = "later.commitment") -> tacit.Verdict:
        path = report.save(self.folder / "report.tacit", overwrite=True)
        commitment = None if data is None else self.folder / data
        return tacit.verify(
            path, run=self.folder / "run.tacit", data=commitment, training=self.folder / "data.commitment"
        )

    def second(self, report: tacit.Report) -> dict[str, str]:
        """The second verifier's facts."""
        names = ("run.tacit", "later.commitment", "data.commitment")
        return verify_on_run(report.content, *((self.folder / name).read_bytes() for name in names))


@pytest.fixture(scope="module")
def fund(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fund]:
    folder = tmp_path_factory.mktemp("fund")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        patch.delenv("TACIT_PASSPHRASE", raising=False)
        market = tacit.market(prices(), lags=LAGS)
        past, later = market.rows(0, LEARNT), market.rows(LEARNT)
        options: dict[str, Any] = {"vault": folder / "fund.vault", "schema": market.schema, "quiet": True}
        data = tacit.commit(past.x, past.y, **options)
        traded = tacit.commit(later.x, later.y, name="later", **options)
        data.save(folder / "data.commitment")
        traded.save(folder / "later.commitment")
        fitted = tacit.fit(data, hidden=[4], epochs=6, batch_size=32, lr=0.125, init_seed=3)
        run = tacit.run_of(fitted)
        tacit.prove(run, quiet=True).save(folder / "run.tacit")
        yield Fund(folder, data, traded, run)


def exact_outputs(run: tacit.Run, features: Any) -> Any:
    """The forward pass in integers, by the definition."""
    record = run.record()
    config, weights = record.config, record.final.flat_weights().astype(object)
    values, start = features.astype(object), 0
    for layer in config.architecture.layers:
        matrix = weights[start : start + layer.k * layer.outputs].reshape(layer.k, layer.outputs)
        start += matrix.size
        one = np.full((len(values), 1), 1 << config.scales.fa, dtype=object)
        values = (np.hstack([values, one]) @ matrix + (1 << (config.scales.fw - 1))) >> config.scales.fw
        values = np.maximum(values, 0) if layer.activation == "relu" else values
    return values.astype(np.int64)


def plain(report: tacit.Report, z: Any, y: Any) -> dict[str, Any]:
    """A backtest as one writes it in numpy, in the integers that the statement names."""
    strategy = report.shown[0]["Backtest"]["strategy"]
    match strategy["position"]:
        case "Sign":
            p = np.where(z > 0, 1, -1)
        case "Long":
            p = (z > 0).astype(int)
        case {"Linear": told}:
            step = 1 << told["bits"]
            p = np.floor(np.clip(z / told["limit"], -1, 1) * step + 0.5).astype(int)
            p = np.clip(p, 0 if told["long"] else -told["most"], told["most"])
        case {"Tanh": told}:
            p = np.floor(np.tanh(z / 2.0 ** told["shift"]) * (1 << told["bits"]) + 0.5).astype(int)
            p = np.clip(p, 0 if told["long"] else -told["most"], told["most"])
    c, d = strategy["cost"]
    moved = np.abs(np.diff(p, prepend=0))
    profits = d * p * y - c * moved
    wealth = np.concatenate([[0], profits.cumsum()])
    return {
        "profits": profits,
        "Profit": {"sum": profits.sum()},
        "Squares": {"sum": (profits**2).sum()},
        "Downside": {"sum": (np.minimum(profits, 0) ** 2).sum()},
        "Turnover": {"sum": moved.sum()},
        "Hits": {"profitable": (profits > 0).sum(), "invested": (p != 0).sum()},
        "Drawdown": {"value": (np.maximum.accumulate(wealth) - wealth).max()},
    }


@pytest.mark.parametrize(
    "options",
    [
        {"cost_bps": 5},
        {"cost_bps": "0.3", "long_only": True},
        {"position": "linear", "limit": 0.002, "cost_bps": 2, "position_bits": 4},
        {"position": "linear", "limit": "0.001", "long_only": True},
        {"position": "tanh", "limit": 0.001, "cost_bps": 1, "position_bits": 3},
        {"position": "linear", "limit": 0.002, "cost_bps": 2, "max_position": 0.3},
        {"position": "tanh", "limit": 0.001, "max_position": "0.5", "long_only": True},
    ],
)
def test_figures_are_those_of_a_plain_backtest(options: dict[str, Any], fund: Fund) -> None:
    report = tacit.backtest(fund.run, fund.later, show=ALL, quiet=True, **options)
    z = exact_outputs(fund.run, fund.later.features[LAGS:])[:, 0]
    y = fund.later.labels.reshape(-1)[LAGS:]
    told = {name: value for f in report.shown[0]["Backtest"]["figures"] for name, value in f.items()}
    expected = plain(report, z, y)
    profits = expected.pop("profits")
    assert told == expected
    # The figures, from profits as parts of the capital.
    strategy = report.shown[0]["Backtest"]["strategy"]
    whole = strategy["cost"][1] * strategy["unit"] * (1 << bits_of(strategy["position"]))
    real = profits / whole
    found = report.performance()
    assert found is not None
    assert found.sharpe == pytest.approx(np.sqrt(252) * real.mean() / real.std(ddof=1))
    assert found.sortino == pytest.approx(
        np.sqrt(252) * real.mean() / np.sqrt((np.minimum(real, 0) ** 2).mean())
    )
    assert found.volatility == pytest.approx(real.std(ddof=1) * np.sqrt(252))
    assert found.annual_return == pytest.approx(252 * real.mean())
    # The returns before they were rounded to integers, and costs before they were, give nearly the same.
    assert strategy["cost"][0] / strategy["cost"][1] / strategy["unit"] == pytest.approx(
        float(options.get("cost_bps", 0)) / 10_000, rel=0.02
    )
    verdict = fund.verify(report)
    assert tuple(verdict.statement["report"]["shown"]) == report.shown
    assert fund.second(report)["report"].startswith("1 figures on")
    assert any(f"annual Sharpe ratio {'-' if found.sharpe < 0 else ''}" in line for line in verdict.shown)


def test_ratios_are_those_of_a_library() -> None:
    """Those of empyrical-reloaded 0.7.1 on the same returns, recorded."""
    profits = np.random.default_rng(11).integers(-3000, 3100, size=1000)
    mine = Performance(
        1000,
        252,
        1 << 17,
        1,
        int(profits.sum()),
        int((profits**2).sum()),
        int((np.minimum(profits, 0) ** 2).sum()),
    )
    assert mine.sharpe == pytest.approx(EMPYRICAL["sharpe"], rel=1e-9)
    assert mine.sortino == pytest.approx(EMPYRICAL["sortino"], rel=1e-9)
    assert mine.volatility == pytest.approx(EMPYRICAL["volatility"], rel=1e-9)


EMPYRICAL = {"sharpe": 0.07547386691754612, "sortino": 0.10722256430729722, "volatility": 0.2149480620027665}


def test_bounds_tell_nothing_but_that_they_hold(fund: Fund) -> None:
    shown = tacit.backtest(fund.run, fund.later, show=[*ALL, "total_return"], quiet=True).performance()
    assert shown is not None and shown.sharpe is not None and shown.sharpe > 0.5, shown
    known = shown.named()
    below = {
        name: round(known[name] * 0.98, 4)
        for name in ("sharpe", "sortino", "total_return", "annual_return", "hit_rate")
    }
    above = {name: round(known[name] * 1.02, 4) for name in ("max_drawdown", "volatility", "turnover")}
    # Bounded through the mean square, which is a little larger; a return by its sum or its mean, not both.
    above["volatility"] = round(known["volatility"] * 1.15, 4)
    del below["annual_return"]
    report = tacit.backtest(fund.run, fund.later, at_least=below, at_most=above, quiet=True)
    verdict = fund.verify(report)
    assert fund.second(report)
    assert report.performance() == Performance(len(fund.later.labels) - LAGS, 252, 1 << 14, 1)
    kinds = [next(iter(f)) for f in report.shown[0]["Backtest"]["figures"]]
    assert kinds == [
        "SharpeAtLeast",
        "SortinoAtLeast",
        "ProfitAtLeast",
        "HitsAtLeast",
        "DrawdownAtMost",
        "SquaresAtMost",
        "TurnoverAtMost",
    ]
    assert sum("nothing more about it" in line for line in verdict.shown) == len(kinds)
    made = html_report(
        fund.folder / "report.tacit",
        run=fund.folder / "run.tacit",
        data=fund.folder / "later.commitment",
        training=fund.folder / "data.commitment",
    )
    page = made.save(fund.folder / "report.html").read_text(encoding="utf-8")
    assert "Sharpe ratio" in page and "nothing more about it is told" in page
    for name, value in known.items():
        if name in ("sharpe", "sortino", "total_return", "annual_return", "hit_rate"):
            bounds: dict[str, Any] = {"at_least": {name: round(value * 1.02 + 1e-4, 4)}}
        else:
            bounds = {"at_most": {name: round(value * 0.98, 4)}}
        if name == "volatility":
            # Bounded through the mean square, which is a little larger.
            bounds = {"at_most": {name: round(value * 0.9, 4)}}
        with pytest.raises(BoundFails):
            tacit.backtest(fund.run, fund.later, quiet=True, **bounds)


def test_the_verdict_says_what_is_known_and_what_is_not(fund: Fund) -> None:
    report = tacit.backtest(fund.run, fund.later, cost_bps=5, quiet=True)
    verdict = fund.verify(report)
    shown, not_shown = "\n".join(verdict.shown), "\n".join(verdict.not_shown)
    assert "5.0000 basis points of every change" in shown
    assert (
        "No look-ahead in these inputs, on every row: features 0 to 4 are the targets 1 to 5 rows earlier"
        in shown
    )
    assert "known when the position was taken" not in not_shown
    assert "a target of 16384 integers is a return of 100 %" in shown
    alone = fund.verify(report, data=None)
    assert "a target of 16384 integers is a return of 100 %" in "\n".join(alone.not_shown)
    assert "that the rows are days in their order" in not_shown


def test_another_unit_than_the_schema_has_is_found(fund: Fund, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backtesting, "_unit", lambda data: 1 << 13)
    report = tacit.backtest(fund.run, fund.later, quiet=True)
    fund.verify(report, data=None)
    with pytest.raises(ProofRejected) as raised:
        fund.verify(report)
    assert raised.value.check == "OtherUnit"
    with pytest.raises(Exception, match="OtherUnit"):
        fund.second(report)


def test_inputs_of_tomorrow_are_no_earlier_targets(fund: Fund) -> None:
    """Features that are one day late in their column show returns that the position earns: no lag is found."""
    features, targets = fund.later.features, fund.later.labels.reshape(-1)
    assert backtesting.earlier_targets(features, targets) == [{"column": k, "back": k} for k in range(LAGS)]
    ahead = np.roll(features, -1, axis=0)
    late = backtesting.earlier_targets(ahead, targets)
    assert {lag["column"] for lag in late}.isdisjoint({0})
    assert backtesting.earlier_targets(features + 1, targets) == []


def test_lags_beyond_what_a_backtest_ties_to_days_are_refused_before_the_table_is_made() -> None:
    """2^26 entries, the rule of the statement (`within("rows times earlier targets", ...)`)."""
    returns = np.zeros(65_536 + 1024 + 1)
    with pytest.raises(UsageError, match=r"67,109,888 entries, and .* at most 67,108,864 .* lags of 1,023 or"):
        tacit.market(returns=returns, lags=1024)
    assert len(tacit.market(returns=returns[:2048], lags=1024)) == 1024
    for lags in (0, 1025, True, 2.5):
        with pytest.raises(UsageError, match="not a number from 1 to 1024"):
            tacit.market(returns=returns, lags=lags)  # type: ignore[arg-type]
    rules = (ROOT / "crates/training/src/report/backtest/rules.rs").read_text()
    assert "const MAX_LAGGED: u64 = 1 << 26;" in rules and markets.MAX_LAGGED == 1 << 26


def test_an_input_that_is_no_earlier_target_is_named(fund: Fund, tmp_path: Path) -> None:
    market = tacit.market(prices(), lags=LAGS)
    x = market.x.iloc[LEARNT:].reset_index(drop=True).copy()
    x["return_3"] = x["return_3"].sample(frac=1, random_state=1).to_numpy()
    other = tacit.commit(
        x, market.y[LEARNT:], vault=tmp_path / "o.vault", schema=market.schema, name="mixed", quiet=True
    )
    report = tacit.backtest(fund.run, other, quiet=True)
    assert [lag["column"] for lag in report.shown[0]["Backtest"]["strategy"]["lags"]] == [0, 1, 3, 4]
    verdict = fund.verify(report, data=None)
    assert any(
        line.startswith("that these inputs were known") and line.endswith("features 2")
        for line in verdict.not_shown
    )


def test_misuse_is_refused_by_name(fund: Fund, tmp_path: Path) -> None:
    def refused(match: str, error: type[Exception] = UsageError, **options: Any) -> None:
        with pytest.raises(error, match=match):
            tacit.backtest(fund.run, fund.later, quiet=True, **options)

    refused("none of sign, linear and tanh", position="short")
    refused("needs limit", position="linear")
    refused("is for linear and tanh", limit=1)
    refused("signs are a whole one", max_position=0.5)
    refused("more than a whole position", position="linear", limit=0.001, max_position=1.5)
    refused("positive", position="linear", limit=0.001, max_position=0)
    refused("less than a step", position="tanh", limit=0.001, max_position="0.001")
    refused("is not known; known are", show=["alpha"])
    refused("has no such bound", at_least={"max_drawdown": 1})
    refused("has no such bound", at_most={"sharpe": 1})
    refused("not a number", at_least={"sharpe": "good"})
    refused("positive", cost_bps=-1)
    refused("too many digits", at_least={"sharpe": 1.23456789})
    refused("not a range", rows=[1, 2, 3])
    refused("the data has the rows", rows=range(10, 5000))
    refused("rows of a year", ReportRefused, periods_per_year=0)
    refused("fewer than 10", ReportRefused, rows=range(10, 15))
    with pytest.raises(ReportRefused) as raised:
        tacit.backtest(
            fund.run, fund.later, position="linear", limit=0.001, position_bits=12, cost_bps=50_000, quiet=True
        )
    assert raised.value.reason == "TooLarge"
    scaled = tacit.market(prices(), lags=LAGS, largest=0.5)
    other = tacit.commit(scaled.x, scaled.y, vault=tmp_path / "s.vault", schema=scaled.schema, quiet=True)
    with pytest.raises(ReportRefused) as raised:
        tacit.backtest(fund.run, other, quiet=True)
    assert raised.value.reason == "OtherSchema"


def test_a_classifier_takes_positions_too(fund: Fund, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One trained on up and down, with one output, on the same inputs."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    market = tacit.market(prices(), lags=LAGS)
    past = market.rows(0, LEARNT)
    schema = tacit.Schema(
        market.schema.columns,
        tacit.Target(kind="binary"),
        fa=market.schema.fa,
        data_bits=market.schema.data_bits,
    )
    data = tacit.commit(past.x, (past.y > 0).astype(int), vault=tmp_path / "c.vault", schema=schema, quiet=True)
    network = nn.Sequential(nn.Linear(LAGS, 1))
    torch.manual_seed(0)
    fitted = tacit.fit(data, model=network, epochs=2, batch_size=32, lr=0.125)
    run = tacit.run_of(fitted)
    tacit.prove(run, quiet=True).save(tmp_path / "run.tacit")
    report = tacit.backtest(run, fund.later, show=ALL, position="tanh", limit=0.5, quiet=True)
    path = report.save(tmp_path / "report.tacit")
    data.save(tmp_path / "data.commitment", overwrite=True)
    tacit.verify(
        path,
        run=tmp_path / "run.tacit",
        data=fund.folder / "later.commitment",
        training=tmp_path / "data.commitment",
    )
    with pytest.raises(ReportRefused) as raised:
        tacit.backtest(run, data, quiet=True)
    assert raised.value.reason == "Labels"


def test_on_the_command_line(fund: Fund, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "report.tacit")
    arguments = ["backtest", "--vault", str(fund.run.vault.path), "--data", "later", "--output", out]
    assert main([*arguments, "--cost-bps", "1", "--show", "sharpe", "--show", "turnover"]) == 0
    assert "sharpe: " in capsys.readouterr().out
    assert main([*arguments, "--force", "--at-least", "sharpe=50"]) == 1
    assert main([*arguments, "--force", "--rows", "7,8"]) == 2
    assert "a backtest reads a range of rows" in capsys.readouterr().err
    files = ["--run", str(fund.folder / "run.tacit"), "--data", str(fund.folder / "later.commitment")]
    assert main(["verify", out, *files, "--training", str(fund.folder / "data.commitment")]) == 0
    assert "Sharpe ratio" in capsys.readouterr().out


# The table of a market.


def test_rows_of_a_market() -> None:
    told = prices()
    market = tacit.market(told, lags=3)
    returns = told.to_numpy()[1:] / told.to_numpy()[:-1] - 1
    assert len(market) == DAYS - 1 - 3
    assert market.dates is not None and pd.Timestamp(market.dates[0]) == told.index[3]
    assert np.array_equal(market.y, returns[3:])
    for k in (1, 2, 3):
        assert np.array_equal(market.x[f"return_{k}"], returns[3 - k : len(returns) - k])
    cut = told.index[100]
    past, later = market.until(cut), market.since(cut)
    assert later.dates is not None and pd.Timestamp(later.dates[0]) == cut
    # The last target that is learnt from is known on the day before.
    assert past.dates is not None and pd.Timestamp(past.dates[-1]) == told.index[98]
    assert past.y[-1] == returns[98]
    of_returns = tacit.market(returns=pd.Series(returns, index=told.index[1:]), lags=3)
    assert np.array_equal(of_returns.y, market.y) and of_returns.dates == market.dates
    quantised = tacit.quantise(market.x, market.y, schema=market.schema)
    assert quantised.labels is not None
    assert len(backtesting.earlier_targets(quantised.features, quantised.labels.reshape(-1))) == 3


def test_bad_prices_are_refused_by_day() -> None:
    good = prices()

    def with_(at: int, value: float) -> pd.Series[float]:
        bad = good.copy()
        bad.iloc[at] = value
        return bad

    for series, match in (
        (with_(7, np.nan), "price 7 .2015-01-12.* not a number"),
        (with_(7, np.inf), "price 7 .* not a number"),
        (with_(7, 0.0), "price 2015-01-12: 0 is not positive"),
        (with_(7, -1.0), "is not positive"),
        (with_(7, 1000.0), "return 2015-01-12: .* beyond the window of 0.25"),
        (good.iloc[::-1], "does not come after"),
        (pd.concat([good, good.iloc[-1:]]), "does not come after"),
    ):
        with pytest.raises(DataError, match=match):
            tacit.market(series)
    with pytest.raises(DataError, match="dates for"):
        tacit.market(good.to_numpy(), dates=good.index[:-1])
    with pytest.raises(DataError, match="are not dates"):
        tacit.market([1.0, 2.0, 3.0], dates=["a", "b", "c"])
    with pytest.raises(DataError, match="not numbers"):
        tacit.market(["a", "b"])
    with pytest.raises(DataError, match="one column"):
        tacit.market(np.ones((3, 2)))
    for options, match in (
        ({"lags": 0}, "lags"),
        ({"lags": 500}, "too few"),
        ({"largest": 0}, "largest"),
        ({"largest": 0.3}, "whole number"),
    ):
        with pytest.raises(UsageError, match=match):
            tacit.market(good, **options)
    with pytest.raises(UsageError, match="give prices, or returns"):
        tacit.market()
    with pytest.raises(UsageError, match="without dates"):
        tacit.market(good.to_numpy()).since("2016-01-01")


def test_a_report_without_a_backtest_has_no_performance() -> None:
    assert shown_performance([{"Outputs": {"values": [1]}}], 1) is None
