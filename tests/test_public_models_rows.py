"""Public models on public rows with labels, and backtests of public models: nothing of a run is opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix
from spec.rejected import Rejected
from spec.verify import verify_on_file

import tacit
from loan_table import loans
from tacit import backtesting
from tacit.cli import main
from tacit.errors import ProofRejected
from tacit.public_rows import public_rows
from test_backtest import ALL, Fund, fund
from test_public_models import Bank, bank, exact_outputs
from test_public_rows import later

__all__ = ["bank", "fund"]


def left(run: tacit.Run, data: tacit.CommittedData) -> tuple[int, int]:
    """Rows left of the run's final model and of data."""
    accounts = run.vault.accounts()
    model = run.final(run.record()).made.digest.hex()
    return accounts[model].left(), accounts[data.digest.hex()].left()


@dataclass
class Open:
    """A fund whose model is released."""

    fund: Fund
    model: tacit.PublicModel

    @property
    def chain(self) -> dict[str, Path]:
        names = {"release": "release.tacit", "run": "run.tacit", "training": "data.commitment"}
        return {argument: self.fund.folder / name for argument, name in names.items()}

    @property
    def file(self) -> Path:
        return self.fund.folder / "model.safetensors"

    def verify(self, report: tacit.Report, *, data: str | None = None, chain: bool = False) -> tacit.Verdict:
        """By both verifiers."""
        path = report.save(self.fund.folder / "of-file.tacit", overwrite=True)
        held = None if data is None else self.fund.folder / data
        names = {"model": self.file, "data": held, **(self.chain if chain else {})}
        verdict = tacit.verify(path, **names)
        self.second(report, data=data, chain=chain)
        return verdict

    def second(self, report: tacit.Report, *, data: str | None = None, chain: bool = False) -> dict[str, str]:
        release, run, training = (self.chain[name].read_bytes() for name in ("release", "run", "training"))
        held = None if data is None else (self.fund.folder / data).read_bytes()
        both = (release, run) if chain else None
        told = training if chain else None
        return verify_on_file(report.content, self.file.read_bytes(), held, both, told)


@pytest.fixture(scope="module")
def opened(fund: Fund) -> Open:
    made = tacit.release(fund.run, bits=10, data_is_public=True, quiet=True)
    made.save(fund.folder / "model.safetensors", fund.folder / "release.tacit")
    return Open(fund, tacit.public_model(fund.folder / "model.safetensors", fund.run))


def test_a_backtest_of_a_public_model(opened: Open) -> None:
    """The same figures on committed and on public days; only committed days are charged."""
    fund = opened.fund
    market = later()
    part = range(20, len(market))
    before = left(fund.run, fund.later)
    hidden = tacit.backtest(opened.model, fund.later, cost_bps=5, show=ALL, rows=part, quiet=True)
    after = left(fund.run, fund.later)
    assert after[0] == before[0] and after[1] < before[1]
    public = tacit.backtest(opened.model, market, cost_bps=5, show=ALL, rows=part, quiet=True)
    assert left(fund.run, fund.later) == after
    assert public.performance() == hidden.performance() and public.shown[0] == hidden.shown[0]
    verdict = opened.verify(hidden, data="later.commitment", chain=True)
    assert any("By the schema document" in line for line in verdict.shown)
    alone = opened.verify(public)
    assert any("that a target of" in line for line in alone.not_shown)
    whole = opened.verify(public, chain=True)
    assert any("By the schema document" in line for line in whole.shown)
    assert any(line.startswith("No look-ahead in these inputs") for line in whole.shown)


def test_another_unit_is_found_with_the_training_data(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backtesting, "_unit", lambda data: 1 << 13)
    report = tacit.backtest(opened.model, later(), quiet=True)
    opened.verify(report)
    with pytest.raises(ProofRejected) as raised:
        opened.verify(report, chain=True)
    assert raised.value.check == "OtherUnit"
    with pytest.raises(Rejected, match="OtherUnit"):
        opened.second(report, chain=True)


def test_an_evaluation_on_a_public_table(bank: Bank) -> None:
    """scikit-learn's figures of the file's model on rows that everybody sees; no budget is touched."""
    table = loans(9, 60)
    before = left(bank.run, bank.test)
    report = tacit.evaluate(bank.model, table, metrics=["accuracy", "confusion"], by="sex", quiet=True)
    assert left(bank.run, bank.test) == before
    rows = public_rows(bank.run, table)
    predicted = exact_outputs(bank.run, rows.features).argmax(axis=1)
    counts = sum(np.array(counts) for counts in report.confusion())
    assert np.array_equal(counts, confusion_matrix(rows.labels, predicted))
    verdict = bank.verify(report, None)
    assert any("60 public rows that stand in the report with their labels" in line for line in verdict.shown)
    assert "figures on 60 public rows" in bank.second(report, None)["report"]
    labels = verdict.statement["report"]["input"]["table"]["values"]
    assert labels == rows.labels.reshape(-1).tolist()


def test_the_commands(opened: Open, bank: Bank, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, out = tmp_path / "rows.csv", tmp_path / "cli.tacit"
    loans(9, 40).to_csv(table, index=False)
    model = ["--model", str(bank.file)]
    asked = ["--input", str(table), "--metric", "accuracy", "--out", str(out)]
    assert main(["evaluate", bank.run.name, "--vault", str(bank.folder / "bank.vault"), *model, *asked]) == 0
    assert main(["verify", str(out), *model]) == 0
    prices, traded = tmp_path / "prices.csv", tmp_path / "traded.tacit"
    from test_backtest import prices as made

    made().rename_axis("date").rename("price").to_csv(prices)
    model = ["--model", str(opened.file)]
    asked = ["--input", str(prices), "--since", "2016-03-01", "--show", "turnover", "--out", str(traded)]
    vault = ["--vault", str(opened.fund.folder / "fund.vault")]
    assert main(["backtest", opened.fund.run.name, *vault, *model, *asked]) == 0
    page = tmp_path / "traded.html"
    assert main(["report", str(traded), *model, "--html", str(page)]) == 0
    assert "The model is public" in capsys.readouterr().out or "public" in page.read_text()
