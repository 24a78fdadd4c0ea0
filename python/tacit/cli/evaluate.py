"""`tacit evaluate`: how good a proven model is on committed rows, with a proof."""

from __future__ import annotations

from pathlib import Path

import click

from tacit.cli._options import key_file_option, open_vault, vault_option
from tacit.errors import UsageError

__all__ = ["command", "parse_bounds", "parse_rows"]


def parse_bounds(texts: tuple[str, ...]) -> dict[str, str]:
    """`accuracy=0.9` as {"accuracy": "0.9"}."""
    bounds = {}
    for text in texts:
        metric, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"{text!r} is not of the form METRIC=NUMBER")
        bounds[metric] = value
    return bounds


def parse_rows(text: str | None) -> range | list[int] | None:
    """`100:200` as a range, `3,5,8` as a list."""
    if text is None:
        return None
    try:
        if ":" in text:
            first, _, end = text.partition(":")
            return range(int(first), int(end))
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise UsageError(f"{text!r} is neither FIRST:END nor a list of row numbers") from None


@click.command("evaluate", short_help="Show how good a model is on committed data, with a proof.")
@click.argument("run", required=False)
@vault_option
@key_file_option
@click.option("--data", help="Name of the committed data set; without it the training data.")
@click.option("--metric", multiple=True, help="confusion, accuracy, recall:2, equalised_odds, ... Repeatable.")
@click.option("--by", multiple=True, metavar="COLUMN", help="Groups by the values of this column. Repeatable.")
@click.option(
    "--at-least", multiple=True, metavar="METRIC=NUMBER", help="Show a bound and no value. Repeatable."
)
@click.option("--at-least-each", multiple=True, metavar="METRIC=NUMBER", help="The same in every group.")
@click.option("--gap", multiple=True, metavar="METRIC=NUMBER", help="Largest difference between groups.")
@click.option("--rows", help="FIRST:END, or row numbers with commas; all without it.")
@click.option("--min-group", type=int, default=10, show_default=True, help="Refuse groups of fewer rows.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("report.tacit"),
    show_default=True,
    help="Where the report goes.",
)
def command(
    run: str | None,
    vault: Path | None,
    key_file: Path | None,
    data: str | None,
    metric: tuple[str, ...],
    by: tuple[str, ...],
    at_least: tuple[str, ...],
    at_least_each: tuple[str, ...],
    gap: tuple[str, ...],
    rows: str | None,
    min_group: int,
    out: Path,
) -> None:
    """Evaluate the final model of RUN (by default the latest run) on committed rows and prove the result.

    Rows, groups and model stay hidden; the report shows the metrics, or that they reach a bound.
    """
    from tacit.commitment import open_data
    from tacit.rates import FAIRNESS
    from tacit.reporting import evaluate
    from tacit.runs import open_run

    opened = open_vault(vault, key_file)
    made = evaluate(
        open_run(opened, run),
        None if data is None else open_data(opened, data),
        metrics=metric or None,
        by=by or None,
        at_least=parse_bounds(at_least),
        at_least_each=parse_bounds(at_least_each),
        gap_at_most=parse_bounds(gap),
        rows=parse_rows(rows),
        min_group=min_group,
    )
    for name, rate in made.rates().items():
        click.echo(f"{name}: {rate.numerator}/{rate.denominator} = {float(rate):.4f}")
    for name, difference in made.gaps().items():
        if name.partition(":")[0] in FAIRNESS:
            click.echo(f"{name}: groups differ by {float(difference):.4f}")
    for name, value in made.errors().items():
        click.echo(f"{name}: {float(value):.6g}")
    for index, name in enumerate(made.groups):
        click.echo(f"group {index}: {name}")
    click.echo(str(made.save(out)))
