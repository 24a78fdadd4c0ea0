"""Reports on public rows with labels: what committed rows give, checked, dated, and refused by name."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, roc_auc_score
from spec.rejected import Rejected
from spec.verify import verify_on_run

import tacit
from tacit import backtesting, predicting, reporting
from tacit.cli import main
from tacit.errors import DataError, ProofRejected, ReportRefused, UsageError
from tacit.html import html_report
from tacit.public_rows import calendar
from test_backtest import ALL, LAGS, LEARNT, Fund, fund, prices
from test_compare_models import Bank, bank
from test_report import exact_outputs
from test_scores import numbered

__all__ = ["bank", "fund"]


def later() -> tacit.Market:
    return tacit.market(prices(), lags=LAGS).rows(LEARNT)


def checked(of: Fund, report: tacit.Report, **options: Any) -> tacit.Verdict:
    path = report.save(of.folder / "public.tacit", overwrite=True)
    run, training = of.folder / "run.tacit", of.folder / "data.commitment"
    verdict = tacit.verify(path, run=run, training=training, **options)
    facts = verify_on_run(report.content, run.read_bytes(), None, training.read_bytes())
    assert facts["report"] == f"{len(report.shown)} figures on {report.rows} public rows"
    return verdict


def test_a_public_backtest_is_the_committed_one(fund: Fund) -> None:
    """The same figures on the same rows; every input shown to be known; the calendar stands in the report."""
    market = later()
    hidden = tacit.backtest(fund.run, fund.later, cost_bps=5, show=ALL, quiet=True)
    part = range(LAGS, len(market))
    public = tacit.backtest(fund.run, market, cost_bps=5, show=ALL, rows=part, quiet=True)
    assert public.performance() == hidden.performance()
    assert public.shown[0] == hidden.shown[0]
    verdict = checked(fund, public)
    table = verdict.statement["report"]["input"]["table"]
    assert np.array_equal(table["values"], fund.later.labels.reshape(-1)[LAGS:])
    assert np.array_equal(table["features"], fund.later.features[LAGS:].reshape(-1))
    assert table["earlier"] == fund.later.labels.reshape(-1)[:LAGS].tolist()
    assert market.dates is not None
    first, last = (str(pd.Timestamp(market.dates[i]).date()) for i in (LAGS, -1))
    assert any(f"from {first} to {last}" in line for line in verdict.shown)
    assert any(line.startswith("No look-ahead in these inputs") for line in verdict.shown)
    assert any("By the schema document" in line for line in verdict.shown)
    assert any("public rows that stand in the report" in line for line in verdict.shown)
    assert any("they are the owner's word" in line for line in verdict.not_shown)
    with pytest.raises(ProofRejected) as refusal:
        checked(fund, public, data=fund.folder / "later.commitment")
    assert refusal.value.check == "NoData"


def test_the_first_public_row_is_read_too(fund: Fund) -> None:
    """Returns before the market stand among the inputs of its first rows."""
    market = later()
    report = tacit.backtest(fund.run, market, position="linear", limit=0.002, show=["turnover"], quiet=True)
    assert report.rows == len(market)
    verdict = checked(fund, report)
    told = tacit.market(prices(), lags=LAGS)
    before = [round(v * 16384) for v in told.y[LEARNT - LAGS : LEARNT]]
    assert verdict.statement["report"]["input"]["table"]["earlier"] == before
    lags = report.shown[0]["Backtest"]["strategy"]["lags"]
    assert lags == [{"column": k, "back": k} for k in range(LAGS)]


def test_a_look_ahead_is_refused(fund: Fund, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inputs one day late, stated to be in time."""
    market = later()
    names = list(market.x.columns)
    late = pd.DataFrame(np.column_stack([market.y, market.x.to_numpy()[:, :-1]]), columns=names)
    shifted = tacit.Market(late, market.y, market.dates, market.schema)
    report = tacit.backtest(fund.run, shifted, quiet=True)
    # The first input is the return that the position earns: nothing says that it was known.
    assert any("these inputs were known" in line for line in checked(fund, report).not_shown)
    every = [{"column": k, "back": k} for k in range(LAGS)]
    monkeypatch.setattr(backtesting, "earlier_targets", lambda *_: every)
    with pytest.raises(ReportRefused) as refusal:
        tacit.backtest(fund.run, shifted, quiet=True)
    assert refusal.value.reason == "LookAhead"


def test_another_unit_than_the_training_data_has(fund: Fund, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both verifiers read the scale of public returns in the training data's schema document."""
    monkeypatch.setattr(backtesting, "_unit", lambda data: 1 << 13)
    report = tacit.backtest(fund.run, later(), quiet=True)
    with pytest.raises(ProofRejected) as raised:
        checked(fund, report)
    assert raised.value.check == "OtherUnit"
    files = [(fund.folder / name).read_bytes() for name in ("run.tacit", "data.commitment")]
    with pytest.raises(Rejected, match="OtherUnit"):
        verify_on_run(report.content, files[0], None, files[1])


def test_a_calendar_of_committed_rows(fund: Fund) -> None:
    """Dates that the owner states, of rows that stay hidden."""
    rows, days = range(LAGS, LAGS + 12), [f"2016-02-{day}" for day in range(18, 30)]
    report = tacit.backtest(fund.run, fund.later, rows=rows, dates=days, quiet=True)
    assert report.shown[1] == {"Calendar": {"calendar": {"Days": {"days": list(range(16849, 16861))}}}}
    verdict = fund.verify(report)
    assert fund.second(report)["report"].startswith("2 figures on 12 rows")
    assert any("from 2016-02-18 to 2016-02-29: 12 dates" in line for line in verdict.shown)
    wrong: list[tuple[Any, str]] = [
        (days[1:], "11 dates for 12 rows"),
        ([*days[:11], days[10]], "date 11 .* does not come after"),
        ([*range(11), 3], "date 11 .* does not come after"),
        ([days[0], "NaT", *days[2:]], "date 1 is missing"),
        (["monday"] * 12, "neither dates nor whole numbers"),
    ]
    for dates, message in wrong:
        with pytest.raises(DataError, match=message):
            tacit.backtest(fund.run, fund.later, rows=rows, dates=dates, quiet=True)
    assert calendar([7, 8, 9], 3) == {"Calendar": {"calendar": {"Numbers": {"numbers": [7, 8, 9]}}}}
    minutes = calendar(["2016-02-29T10:00", "2016-02-29T10:01"], 2)
    assert minutes == {"Calendar": {"calendar": {"Numbers": {"numbers": [1456740000, 1456740060]}}}}


def test_a_market_of_another_scale(fund: Fund) -> None:
    other = tacit.market(prices(), lags=LAGS, largest=0.5)
    with pytest.raises(ReportRefused) as refusal:
        tacit.backtest(fund.run, other, quiet=True)
    assert refusal.value.reason == "OtherSchema"
    like = tacit.market(prices(), like=fund.data.schema)
    assert (len(like.x.columns), like.schema) == (LAGS, later().schema)
    with pytest.raises(UsageError, match="not that of a market"):
        tacit.market(prices(), like=tacit.Schema())
    with pytest.raises(UsageError, match="the data has the rows"):
        tacit.backtest(fund.run, later(), rows=range(0, 1000), quiet=True)


def test_the_command_on_a_file_of_prices(
    fund: Fund, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(fund.folder)
    told = prices()
    pd.DataFrame({"Date": told.index.strftime("%Y-%m-%d"), "close": told.to_numpy()}).to_csv(
        "p.csv", index=False
    )
    since = str(told.index[LEARNT + LAGS].date())
    command = ["backtest", "--vault", "fund.vault", "--input", "p.csv", "--since", since, "--cost-bps", "5"]
    assert main([*command, "--show", "sharpe", "--out", "p.tacit"]) == 0
    assert "sharpe: " in capsys.readouterr().out
    assert main(["verify", "p.tacit", "--run", "run.tacit", "--training", "data.commitment"]) == 0
    assert f"from {since} to" in capsys.readouterr().out
    assert main([*command, "--data", "later"]) == 2
    assert main(["backtest", "--vault", "fund.vault", "--since", since]) == 2
    assert "give --input" in capsys.readouterr().err
    pd.DataFrame({"a": [1.0], "b": [2.0]}).to_csv("two.csv", index=False)
    assert main(["backtest", "--vault", "fund.vault", "--input", "two.csv", "--out", "q.tacit"]) == 2
    assert "--price COLUMN" in capsys.readouterr().err


def test_dates_of_committed_rows_on_the_command_line(
    fund: Fund, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(fund.folder)
    Path("days.txt").write_text("\n".join(f"2016-02-{day}" for day in range(18, 30)))
    command = ["backtest", "--vault", "fund.vault", "--data", "later", "--rows", "5:17", "--out", "dated.tacit"]
    assert main([*command, "--dates", "days.txt"]) == 0
    checks = ["--run", "run.tacit", "--data", "later.commitment", "--training", "data.commitment"]
    assert main(["verify", "dated.tacit", *checks]) == 0
    assert "from 2016-02-18 to 2016-02-29" in capsys.readouterr().out
    Path("days.txt").write_text("1 2 3")
    assert main([*command, "--force", "--dates", "days.txt"]) == 2
    assert "3 dates for 12 rows" in capsys.readouterr().err
    Path("days.txt").write_bytes(b"\xff")
    assert main([*command, "--force", "--dates", "days.txt"]) == 2
    assert "is not text" in capsys.readouterr().err


OPTIONS = {
    "x": "--input",
    "labels": "--target",
    "first": "first",
    "second": "second",
    "run": "run",
    "metrics": "--metric",
    "gap_at_most": "--gap",
    "periods_per_year": "--periods",
}
"""Options that are not called as their argument is."""


@pytest.mark.parametrize(
    ("command", "function"),
    [
        ("predict", predicting.predict),
        ("evaluate", reporting.evaluate),
        ("backtest", backtesting.backtest),
        ("compare-models", tacit.compare_models),
    ],
)
def test_every_argument_has_its_option(command: str, function: Any) -> None:
    """But for `quiet`: the command line shows progress on a terminal alone."""
    known = importlib.import_module(f"tacit.cli.{command.replace('-', '_')}").command
    options = {name for p in known.params for name in (*p.opts, p.name)}
    for name in inspect.signature(function).parameters:
        if name != "quiet":
            assert OPTIONS.get(name, "--" + name.replace("_", "-")) in options, name


def both(of: Bank, path: Path) -> tacit.Verdict:
    files = [(of.folder / name).read_bytes() for name in ("good.tacit", "good.commitment")]
    assert "public rows" in verify_on_run(path.read_bytes(), files[0], None, files[1])["report"]
    return tacit.verify(path, run=of.folder / "good.tacit", training=of.folder / "good.commitment")


def test_an_evaluation_on_a_public_table(bank: Bank) -> None:
    """scikit-learn's figures on the rows in the clear, by group, with few rows."""
    table = numbered(7, 40)
    labels = table["good"].to_numpy()
    report = tacit.evaluate(
        bank.good, table.drop(columns=["good"]), labels, metrics=["confusion", "accuracy", "auc"], quiet=True
    )
    told = tacit.evaluate(bank.good, table, "good", metrics="accuracy", quiet=True)
    from tacit.public_rows import public_rows

    scores = exact_outputs(bank.good, public_rows(bank.good, table, "good").features)[:, 0]
    assert float(report.rates()["accuracy"]) == accuracy_score(labels, scores > 0)
    assert told.rates()["accuracy"] == report.rates()["accuracy"]
    assert np.array_equal(report.confusion()[0], confusion_matrix(labels, scores > 0))
    assert float(report.scores()["auc"]) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    verdict = both(bank, report.save(bank.folder / "public.tacit", overwrite=True))
    assert any("40 public rows that stand in the report with their labels" in s for s in verdict.shown)
    assert verdict.statement["report"]["input"]["table"]["values"] == labels.tolist()


def test_groups_and_rows_of_a_public_table(bank: Bank) -> None:
    table = numbered(7, 60)
    report = tacit.evaluate(
        bank.good, table, "good", metrics="accuracy", by="sex", rows=range(10, 50), quiet=True
    )
    assert report.rows == 40 and len(report.groups) >= 2
    verdict = both(bank, report.save(bank.folder / "public.tacit", overwrite=True))
    assert "which row is in which group" not in verdict.not_shown


def test_models_compared_on_a_public_table(bank: Bank) -> None:
    table = numbered(8, 120)
    report = tacit.compare_models(bank.good, bank.bad, table, "good", metric="auc", quiet=True)
    path = report.save(bank.folder / "public.tacit", overwrite=True)
    files = {k: v for k, v in bank.files().items() if k != "data"}
    verdict = tacit.verify(path, **files)
    assert any("area under the ROC curve" in line for line in verdict.shown)
    with pytest.raises(ReportRefused) as refusal:
        tacit.compare_models(bank.bad, bank.good, table, "good", metric="auc", quiet=True)
    assert refusal.value.reason == "NotBetter"
    content = {name: path.read_bytes() for name, path in files.items()}
    run, training = content.pop("run"), content.pop("training")
    assert "120 public rows" in verify_on_run(path.read_bytes(), run, None, training, **content)["report"]


def test_tables_that_do_not_fit(bank: Bank, capsys: pytest.CaptureFixture[str]) -> None:
    table = numbered(7, 40)
    with pytest.raises(DataError, match="no column 'good'"):
        tacit.evaluate(bank.good, table.drop(columns=["good"]), quiet=True)
    with pytest.raises(UsageError, match="are for public rows"):
        tacit.evaluate(bank.good, bank.test, table["good"].to_numpy(), quiet=True)
    with pytest.raises(DataError, match="labels for"):
        tacit.evaluate(bank.good, table.drop(columns=["good"]), np.zeros(3), quiet=True)
    told = tacit.quantise(table, "good", schema=bank.test.schema)
    with pytest.raises(UsageError, match="bring their labels"):
        tacit.evaluate(bank.good, told, "good", quiet=True)
    with pytest.raises(UsageError, match="numbered from 0 to 39"):
        tacit.evaluate(bank.good, told, rows=[40], quiet=True)
    path = bank.folder / "table.csv"
    table.to_csv(path, index=False)
    vault = ["--vault", str(bank.folder / "bank.vault"), "--out", str(bank.folder / "cli.tacit"), "--force"]
    command = ["evaluate", bank.good.name, *vault, "--input", str(path)]
    assert main([*command, "--metric", "accuracy"]) == 0
    assert "accuracy: " in capsys.readouterr().out
    assert main([*command, "--data", "test"]) == 2
    assert main(["evaluate", bank.good.name, *vault, "--target", "good"]) == 2
    compared = ["compare-models", bank.good.name, bank.bad.name, *vault, "--metric", "auc"]
    assert main([*compared, "--input", str(path)]) == 0
    assert main([*compared, "--input", str(path), "--data", "test"]) == 2


def page(of: Fund | Bank, report: tacit.Report, **files: Path) -> str:
    path = report.save(of.folder / "page.tacit", overwrite=True)
    return str(html_report(path, **files).content)  # type: ignore[arg-type]


def test_the_page_of_a_public_backtest(fund: Fund) -> None:
    """Rows, returns and dates stand on it, in their units, as the verified bytes have them."""
    market = later()
    report = tacit.backtest(fund.run, market, show=["sharpe"], quiet=True)
    files = {"run": fund.folder / "run.tacit", "training": fund.folder / "data.commitment"}
    text = page(fund, report, **files)
    assert market.dates is not None
    first, last = (str(pd.Timestamp(market.dates[i]).date()) for i in (0, -1))
    assert f"{len(market)} dates, one a row, from {first} to {last}: the owner" in text
    assert "public rows" in text and "The inputs and their labels stand in the file in the clear." in text
    values = report_table(fund, report)["values"]
    assert f'<th scope="row">label</th><td class="num">{values[0] / 16384:.5g}</td>' in text
    performance = report.performance()
    assert performance is not None and f"{performance.sharpe:.2f}" in text


def report_table(of: Fund, report: tacit.Report) -> Any:
    return checked(of, report).statement["report"]["input"]["table"]


def test_the_page_of_classes_bounds_and_comparisons(bank: Bank) -> None:
    """Each figure of the page is one of the statement."""
    rows = range(20)
    names = ("run", "data", "training")
    files = {name: path for name, path in bank.files().items() if name in names}
    told = tacit.predict(
        bank.good, data=bank.test, rows=rows, show="classes", at_most={"output:0": 90}, quiet=True
    )
    text = page(bank, told, **files)
    classes = told.classes()
    assert '<th scope="col">class predicted</th>' in text and "Predictions of a model" in text
    for row, c in zip(rows, classes, strict=True):
        line = f'<th scope="row">{row}</th><td><strong>'
        assert line in text and text.split(line)[1].startswith((f"{c}: ", f"class {c}<"))
    assert "minus output 0 at least" in text and text.count('<td class="num">-90</td>') == len(rows)
    compared = tacit.compare_models(
        bank.good, bank.bad, bank.test, metric="auc", by_at_least="0.01", quiet=True
    )
    text = page(bank, compared, **bank.files())
    assert "Two models" in text and "larger by at least 1 %" in text
    assert "area under the ROC curve" in text and "nothing more is told about either" in text
