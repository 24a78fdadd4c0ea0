"""`tacit compare-models`: that one proven model is better than another on committed rows, with a proof."""

from __future__ import annotations

from pathlib import Path

import click

from tacit.cli._options import (
    force_option,
    key_file_option,
    open_vault,
    out_option,
    parse_rows,
    public_rows_options,
    require_one_table,
    vault_option,
)

__all__ = ["command"]


@click.command("compare-models", short_help="Show that a model is better than another, with a proof.")
@click.argument("first")
@click.argument("second")
@click.option("--data", help="Name of committed data in the vault [the training data of FIRST].")
@public_rows_options
@click.option(
    "--metric", default="accuracy", show_default=True, help="accuracy, recall:1, auc, log_loss, brier."
)
@click.option("--by-at-least", default="0", show_default=True, metavar="NUMBER", help="By how much.")
@click.option("--by", multiple=True, metavar="COLUMN", help="In every group of this column. Repeatable.")
@click.option("--rows", help="Rows of the committed data: FIRST:END, or row numbers with commas.")
@click.option("--min-group", type=int, default=10, show_default=True, help="Refuse to compare on fewer rows.")
@vault_option
@key_file_option
@out_option("comparison.tacit", "Where the report goes.")
@force_option
def command(
    first: str,
    second: str,
    data: str | None,
    table: Path | None,
    target: str | None,
    metric: str,
    by_at_least: str,
    by: tuple[str, ...],
    rows: str | None,
    min_group: int,
    vault: Path | None,
    key_file: Path | None,
    out: Path,
    force: bool,
) -> None:
    """Prove that the final model of the run FIRST is better than that of SECOND on committed rows; the metric
    of neither is shown.

    Check it with `tacit verify comparison.tacit --run FIRST.tacit --other SECOND.tacit --data DATA`. A
    comparison that does not hold is exit code 1, and nothing is proven.
    """
    from tacit._files import require_free
    from tacit.commitment import open_data
    from tacit.model_comparison import compare_models
    from tacit.runs import open_run

    require_one_table(table, data, target)
    require_free(out, overwrite=force)
    opened = open_vault(vault, key_file)
    made = compare_models(
        open_run(opened, first),
        open_run(opened, second),
        table if data is None else open_data(opened, data),
        target,
        metric=metric,
        by_at_least=by_at_least,
        by=by or None,
        rows=parse_rows(rows),
        min_group=min_group,
    )
    for index, name in enumerate(made.groups):
        click.echo(f"group {index}: {name}")
    click.echo(str(made.save(out, overwrite=force)))
