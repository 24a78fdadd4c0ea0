"""`tacit backtest`: what positions by a proven model would have earned on committed rows, with a proof."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tacit.cli._options import model_option, model_or_run, open_vault, parse_bounds, parse_rows, report_options
from tacit.errors import UsageError

if TYPE_CHECKING:
    from tacit.commitment import CommittedData
    from tacit.markets import Market

__all__ = ["command"]


@click.command("backtest", short_help="Show what positions by a model would have earned, with a proof.")
@report_options
@model_option
@click.option(
    "--input",
    "table",
    type=click.Path(path_type=Path),
    help="CSV or Parquet file of public prices, instead of --data.",
)
@click.option("--price", metavar="COLUMN", help="Column of the prices in --input [the only one but the dates].")
@click.option("--date", metavar="COLUMN", help="Column of their dates [the one called date, if there is one].")
@click.option("--since", metavar="DATE", help="Rows of --input from this date on.")
@click.option("--until", metavar="DATE", help="Rows of --input whose return is known before this date.")
@click.option(
    "--dates",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Text file of the dates of the rows that are read, one a line, for the report's calendar.",
)
@click.option(
    "--cost-bps", default="0", show_default=True, help="Cost of changing the position, in basis points."
)
@click.option("--position", default="sign", show_default=True, help="sign, linear or tanh of the output.")
@click.option("--limit", help="The output of a whole position, for linear and tanh.")
@click.option("--long-only", is_flag=True, help="No position below 0.")
@click.option("--max-position", help="Largest linear or tanh position, as a part of a whole one.")
@click.option("--position-bits", type=int, default=6, show_default=True, help="Fractional bits of positions.")
@click.option("--show", multiple=True, help="sharpe, sortino, max_drawdown, turnover, ... Repeatable.")
@click.option(
    "--at-least", multiple=True, metavar="FIGURE=NUMBER", help="Show a bound and no value. Repeatable."
)
@click.option("--at-most", multiple=True, metavar="FIGURE=NUMBER", help="The same for a largest value.")
@click.option("--periods", type=int, default=252, show_default=True, help="Rows of a year.")
def command(
    run: str | None,
    vault: Path | None,
    key_file: Path | None,
    data: str | None,
    rows: str | None,
    out: Path,
    force: bool,
    table: Path | None,
    price: str | None,
    date: str | None,
    since: str | None,
    until: str | None,
    dates: Path | None,
    model: Path | None,
    cost_bps: str,
    position: str,
    limit: str | None,
    long_only: bool,
    max_position: str | None,
    position_bits: int,
    show: tuple[str, ...],
    at_least: tuple[str, ...],
    at_most: tuple[str, ...],
    periods: int,
) -> None:
    """Backtest the final model of RUN (by default the latest run) on a committed market and prove the result.

    Prices and model stay hidden (prices of a file, --input, stand in the report); the report shows the figures,
    or that they reach a bound. A bound that does not hold is exit code 1, and nothing is proven.
    """
    from tacit._files import require_free
    from tacit.backtesting import backtest
    from tacit.commitment import open_data
    from tacit.markets import market_file
    from tacit.public_models import apart

    chosen = parse_rows(rows)
    if chosen is not None and not isinstance(chosen, range):
        raise UsageError("--rows: a backtest reads a range of rows, FIRST:END")
    if table is not None and data is not None:
        raise UsageError("give public prices (--input) or committed data (--data), not both")
    if table is None and any(value is not None for value in (price, date, since, until)):
        raise UsageError("--price, --date, --since and --until are about a file of prices: give --input")
    require_free(out, overwrite=force)
    opened = open_vault(vault, key_file)
    about = model_or_run(opened, run, model)
    market: CommittedData | Market | None = None if data is None else open_data(opened, data)
    if table is not None:
        market = market_file(table, like=apart(about)[0].data().schema, price=price, date=date)
        market = market if until is None else market.until(until)
        market = market if since is None else market.since(since)
    made = backtest(
        about,
        market,
        cost_bps=cost_bps,
        position=position,  # type: ignore[arg-type]  # an unknown one is refused there
        limit=limit,
        long_only=long_only,
        max_position=max_position,
        position_bits=position_bits,
        show=show or None,
        at_least=parse_bounds(at_least),
        at_most=parse_bounds(at_most),
        periods_per_year=periods,
        rows=chosen,
        dates=None if dates is None else read_dates(dates),
    )
    performance = made.performance()
    for name, value in (performance.named() if performance else {}).items():
        click.echo(f"{name}: {value:.4f}")
    click.echo(str(made.save(out, overwrite=force)))


def read_dates(path: Path) -> list[str] | list[int]:
    """The lines of a file: whole numbers, or ISO dates."""
    from tacit._files import read_limited
    from tacit.errors import DataError

    try:
        lines = read_limited(path, limit=1 << 26, what="dates").decode().split()
    except UnicodeDecodeError:
        raise DataError(f"{path} is not text") from None
    try:
        return [int(line) for line in lines]
    except ValueError:
        return lines
