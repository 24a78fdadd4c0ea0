"""Changed statements about public rows: both verifiers name the same check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from spec.proof import ReportProof
from spec.rejected import Rejected
from spec.report_statement import ReportStatement
from spec.report_table import Calendar, Days, Numbers, PublicTable, TableInput
from spec.statement import BinaryLabels, ClassLabels, RealLabels
from spec.verify import verify_on_run
from spec.wire import read_file, write_file

import tacit
from tacit.errors import ProofRejected
from test_backtest import Fund, fund
from test_public_rows import later

__all__ = ["fund"]

Change = Callable[[ReportStatement], ReportStatement]


def table(change: Callable[[PublicTable], PublicTable]) -> Change:
    def changed(s: ReportStatement) -> ReportStatement:
        assert isinstance(s.input, TableInput)
        return replace(s, input=TableInput(change(s.input.table)))

    return changed


def at(values: list[int], place: int, by: int) -> list[int]:
    return [*values[:place], values[place] + by, *values[place + 1 :]]


def dated(calendar: Any) -> Change:
    return lambda s: replace(s, shown=[s.shown[0], Calendar(calendar)])


def same_days(change: Callable[[list[int]], list[int]]) -> Change:
    def changed(s: ReportStatement) -> ReportStatement:
        calendar = s.shown[1]
        assert isinstance(calendar, Calendar) and isinstance(calendar.calendar, Days)
        return dated(Days(change(calendar.calendar.days)))(s)

    return changed


CHANGES: list[tuple[str, Change]] = [
    ("LookAhead", table(lambda t: replace(t, values=at(t.values, 30, 1)))),
    ("LookAhead", table(lambda t: replace(t, values=[*t.values[1:], t.values[0]]))),
    ("LookAhead", table(lambda t: replace(t, features=at(t.features, 57, -1)))),
    ("LookAhead", table(lambda t: replace(t, earlier=at(t.earlier, 2, 1)))),
    ("BeforeFirst", table(lambda t: replace(t, earlier=t.earlier[1:]))),
    ("Mismatch", table(lambda t: replace(t, fa=t.fa + 1))),
    ("Record", table(lambda t: replace(t, data_bits=17))),
    ("Record", table(lambda t: replace(t, labels=RealLabels(1, 17)))),
    ("Record", table(lambda t: replace(t, labels=ClassLabels(65)))),
    ("PublicFeatures", table(lambda t: replace(t, features=t.features[:-1]))),
    ("PublicFeatures", table(lambda t: replace(t, features=at(t.features, 0, 1 << 14)))),
    ("PublicLabels", table(lambda t: replace(t, values=t.values[:-1]))),
    ("PublicLabels", table(lambda t: replace(t, values=at(t.values, 3, 1 << 14)))),
    ("PublicLabels", table(lambda t: replace(t, labels=BinaryLabels(1)))),
    ("PublicEarlier", table(lambda t: replace(t, earlier=at(t.earlier, 0, 1 << 14)))),
    ("Calendar", same_days(lambda d: [d[1], d[0], *d[2:]])),
    ("Length", same_days(lambda d: d[1:])),
    ("CalendarDay", same_days(lambda d: [*d[:-1], 2_932_897])),
    ("Calendar", dated(Numbers([1] * 50))),
    ("NotApplicable", lambda s: replace(s, shown=[*s.shown, s.shown[1]])),
    # What no rule finds: the digest of the statement does.
    ("SourceClaim", same_days(lambda d: [d[0] - 1, *d[1:]])),
]


@pytest.fixture(scope="module")
def proven(fund: Fund) -> bytes:
    return tacit.backtest(fund.run, later().rows(0, 50), show=["sharpe"], quiet=True).content


@pytest.mark.parametrize("index", range(len(CHANGES)))
def test_a_changed_statement(fund: Fund, proven: bytes, index: int) -> None:
    check, change = CHANGES[index]
    body = read_file("report", ReportProof, proven)
    assert write_file("report", body) == proven
    content = write_file("report", replace(body, statement=change(body.statement)))
    run, training = fund.folder / "run.tacit", fund.folder / "data.commitment"
    path = fund.folder / f"changed-{index}.tacit"
    path.write_bytes(content)
    with pytest.raises(ProofRejected) as first:
        tacit.verify(path, run=run, training=training)
    with pytest.raises(Rejected) as second:
        verify_on_run(content, run.read_bytes(), None, training.read_bytes())
    assert first.value.check == second.value.check == check
