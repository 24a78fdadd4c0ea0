"""`tacit predict`: the outputs of a proven model on public rows, with a proof."""

from __future__ import annotations

from pathlib import Path

import click

from tacit.cli._options import key_file_option, open_vault, vault_option
from tacit.cli.evaluate import parse_rows
from tacit.errors import UsageError

__all__ = ["command"]


@click.command("predict", short_help="Show a model's outputs, with a proof.")
@click.argument("run", required=False)
@vault_option
@key_file_option
@click.option("--input", "table", type=click.Path(path_type=Path), help="CSV or Parquet file of public rows.")
@click.option("--data", help="Name of a committed data set, with --rows.")
@click.option("--rows", help="Rows of it: FIRST:END, or row numbers with commas.")
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
    table: Path | None,
    data: str | None,
    rows: str | None,
    out: Path,
) -> None:
    """Run the final model of RUN (by default the latest run) on rows and prove its outputs.

    Public rows stand in the report in the clear; of committed rows only the outputs do. Outputs tell about the
    model.
    """
    from tacit.commitment import open_data
    from tacit.reporting import predict
    from tacit.runs import open_run

    if (table is None) == (rows is None):
        raise UsageError("give public rows (--input) or rows of committed data (--rows)")
    opened = open_vault(vault, key_file)
    made = predict(
        open_run(opened, run),
        table,
        data=None if data is None else open_data(opened, data),
        rows=parse_rows(rows),
    )
    for values in made.outputs():
        click.echo(" ".join(f"{int(v) / 2**made.fa:g}" for v in values))
    click.echo(str(made.save(out)))
