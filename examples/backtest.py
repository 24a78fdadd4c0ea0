"""A strategy's Sharpe ratio, without the strategy: S&P 500, trained until 2009, traded from 2010 on.

    python -m examples.backtest

The fund's network sees the last 20 daily returns and takes a position for the next day, at 1 basis point of
cost. Its investor holds two commitments and the proof of the training, and learns the figures; prices and
network stay hidden.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import pandas as pd
from demos.data import sp500

import tacit
from examples.steps import arguments, done, publish, step, train_and_prove

FROM = "2010-01-01"
LAGS = 20
COST_BPS = 1


def main(given: Sequence[str] | None = None, *, epochs: int = 3) -> None:
    """Run the example."""
    trade("backtest", sp500(), given, epochs=epochs)


def trade(name: str, prices: pd.Series, given: Sequence[str] | None, *, epochs: int) -> None:
    """Learn on the prices before `FROM` and trade on those after it; the page is `name`.html."""
    started = time.perf_counter()
    folder = arguments(name, given)
    market = tacit.market(prices, lags=LAGS)
    past, later = market.until(FROM), market.since(FROM)
    with step(f"the fund commits {len(past)} days to learn from, and {len(later)} to trade on"):
        options = {"schema": market.schema, "quiet": True, **folder.options}
        data = tacit.commit(past.x, past.y, **options)
        traded = tacit.commit(later.x, later.y, name="later", **options)
    run = train_and_prove(folder, data, hidden=[32], epochs=epochs, batch_size=64, lr=0.125)
    with step(f"trade on {len(later)} days it did not learn from, with a proof"):
        report = tacit.backtest(
            run,
            traded,
            cost_bps=COST_BPS,
            long_only=True,
            show=["sharpe", "sortino", "annual_return", "volatility", "max_drawdown", "turnover", "hit_rate"],
            quiet=True,
        )
        performance = report.performance()
        for figure, value in (performance.named() if performance else {}).items():
            print(f"   {figure}: {value:.4f}")
    companions = {"run": "run.tacit", "data": "later.commitment", "training": "owner.commitment"}
    publish(folder, name, name, report, **companions)
    done(time.perf_counter() - started)


if __name__ == "__main__":
    main()
