"""`tacit evaluate`: how good a proven model is on committed rows, with a proof."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tacit.cli._options import (
    model_option,
    model_or_run,
    open_vault,
    parse_bounds,
    parse_rows,
    public_rows_options,
    report_options,
    require_one_table,
)

if TYPE_CHECKING:
    from tacit.reporting import Report

__all__ = ["command"]


@click.command("evaluate", short_help="Show how good a model is on committed data, with a proof.")
@report_options
@public_rows_options
@model_option
@click.option("--metric", multiple=True, help="confusion, accuracy, recall:2, top_3, auc, ... Repeatable.")
@click.option("--by", multiple=True, metavar="COLUMN", help="Groups by the values of this column. Repeatable.")
@click.option(
    "--at-least", multiple=True, metavar="METRIC=NUMBER", help="Show a bound and no value. Repeatable."
)
@click.option("--at-least-each", multiple=True, metavar="METRIC=NUMBER", help="The same in every group.")
@click.option(
    "--at-most", multiple=True, metavar="METRIC=NUMBER", help="An upper bound: log_loss, mse, recall@0.3."
)
@click.option("--at-most-each", multiple=True, metavar="METRIC=NUMBER", help="The same in every group.")
@click.option("--gap", multiple=True, metavar="METRIC=NUMBER", help="Largest difference between groups.")
@click.option(
    "--min-group",
    type=int,
    default=10,
    show_default=True,
    help="Refuse figures of fewer rows: of groups, and of what a rate counts among.",
)
def command(
    run: str | None,
    vault: Path | None,
    key_file: Path | None,
    data: str | None,
    rows: str | None,
    out: Path,
    force: bool,
    table: Path | None,
    target: str | None,
    model: Path | None,
    metric: tuple[str, ...],
    by: tuple[str, ...],
    at_least: tuple[str, ...],
    at_least_each: tuple[str, ...],
    at_most: tuple[str, ...],
    at_most_each: tuple[str, ...],
    gap: tuple[str, ...],
    min_group: int,
) -> None:
    """Evaluate the final model of RUN (by default the latest run) on committed rows and prove the result.

    Rows, groups and model stay hidden (rows of a file, --input, stand in the report); the report shows the
    metrics, or that they reach a bound. A bound that does not hold is exit code 1, and nothing is proven.
    """
    from tacit._files import require_free
    from tacit.commitment import open_data
    from tacit.rates import FAIRNESS
    from tacit.reporting import evaluate

    require_one_table(table, data, target)
    require_free(out, overwrite=force)
    opened = open_vault(vault, key_file)
    made = evaluate(
        model_or_run(opened, run, model),
        table if data is None else open_data(opened, data),
        target,
        metrics=metric or None,
        by=by or None,
        at_least=parse_bounds(at_least),
        at_least_each=parse_bounds(at_least_each),
        at_most=parse_bounds(at_most),
        at_most_each=parse_bounds(at_most_each),
        gap_at_most=parse_bounds(gap),
        rows=parse_rows(rows),
        min_group=min_group,
    )
    for name, rate in made.rates().items():
        click.echo(f"{name}: {rate.numerator}/{rate.denominator} = {float(rate):.4f}")
    for name, difference in made.gaps().items():
        if name.partition(":")[0] in FAIRNESS:
            click.echo(f"{name}: groups differ by {float(difference):.4f}")
    for name, value in made.scores().items():
        click.echo(f"{name}: {float(value):.6f}")
    show_bins(made)
    for name, value in made.errors().items():
        click.echo(f"{name}: {float(value):.6g}")
    for index, name in enumerate(made.groups):
        click.echo(f"group {index}: {name}")
    show_confusion(made)
    click.echo(str(made.save(out, overwrite=force)))


def show_bins(report: Report) -> None:
    """Print calibration and thresholds, if the report shows them."""
    from tacit.scores import shown_bins, shown_thresholds

    def of(group: int | None) -> str:
        return "" if group is None else f", group {group}"

    for group, bins in shown_bins(report.shown, report.fa).items():
        click.echo(f"calibration{of(group)}: probability, rows, mean probability, share of class 1")
        for b in bins:
            known = "" if not b.rows else f"{float(b.predicted or 0):>10.4f}{float(b.observed or 0):>10.4f}"
            click.echo(f"  {b.above:.4f} to {b.up_to:.4f}{b.rows:>9}{known}")
    for group, thresholds in shown_thresholds(report.shown, report.fa).items():
        click.echo(f"thresholds{of(group)}: probability, true and false positives")
        for t in thresholds:
            hits, wrong = f"{t.true_positives} of {t.positives}", f"{t.false_positives} of {t.negatives}"
            click.echo(f"  above {t.above:.4f}{hits:>18}{wrong:>18}")


def show_confusion(report: Report) -> None:
    """Print the table of rows by label and prediction, if the report shows it."""
    if not any("Counts" in item for item in report.shown):
        return
    for index, table in enumerate(report.confusion()):
        group = f", group {index}" if report.groups else ""
        width = max(9, len(str(table.max())))
        click.echo(f"rows by label (down) and prediction (across){group}:")
        click.echo(" " * 8 + "".join(f"{f'class {c}':>{width + 1}}" for c in range(len(table))))
        for label, line in enumerate(table):
            click.echo(f"{f'class {label}':<8}" + "".join(f"{int(count):>{width + 1}}" for count in line))
