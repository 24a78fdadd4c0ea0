"""`tacit backtest`: what positions by a proven model would have earned on committed rows, with a proof."""

from __future__ import annotations

from pathlib import Path

import click

from tacit.cli._options import model_option, model_or_run, open_vault, parse_bounds, parse_rows, report_options
from tacit.errors import UsageError

__all__ = ["command"]


@click.command("backtest", short_help="Show what positions by a model would have earned, with a proof.")
@report_options
@model_option
@click.option(
    "--cost-bps", default="0", show_default=True, help="Cost of changing the position, in basis points."
)
@click.option("--position", default="sign", show_default=True, help="sign, linear or tanh of the output.")
@click.option("--limit", help="The output of a whole position, for linear and tanh.")
@click.option("--long-only", is_flag=True, help="No position below 0.")
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
    model: Path | None,
    cost_bps: str,
    position: str,
    limit: str | None,
    long_only: bool,
    position_bits: int,
    show: tuple[str, ...],
    at_least: tuple[str, ...],
    at_most: tuple[str, ...],
    periods: int,
) -> None:
    """Backtest the final model of RUN (by default the latest run) on a committed market and prove the result.

    Prices and model stay hidden; the report shows the figures, or that they reach a bound. A bound that does
    not hold is exit code 1, and nothing is proven.
    """
    from tacit._files import require_free
    from tacit.backtesting import backtest
    from tacit.commitment import open_data

    chosen = parse_rows(rows)
    if chosen is not None and not isinstance(chosen, range):
        raise UsageError("--rows: a backtest reads a range of rows, FIRST:END")
    require_free(out, overwrite=force)
    opened = open_vault(vault, key_file)
    made = backtest(
        model_or_run(opened, run, model),
        None if data is None else open_data(opened, data),
        cost_bps=cost_bps,
        position=position,  # type: ignore[arg-type]  # an unknown one is refused there
        limit=limit,
        long_only=long_only,
        position_bits=position_bits,
        show=show or None,
        at_least=parse_bounds(at_least),
        at_most=parse_bounds(at_most),
        periods_per_year=periods,
        rows=chosen,
    )
    performance = made.performance()
    for name, value in (performance.named() if performance else {}).items():
        click.echo(f"{name}: {value:.4f}")
    click.echo(str(made.save(out, overwrite=force)))
