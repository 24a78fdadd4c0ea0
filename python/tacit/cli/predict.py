"""`tacit predict`: the outputs of a proven model on public rows, with a proof."""

from __future__ import annotations

from pathlib import Path

import click

from tacit.cli._options import model_option, model_or_run, open_vault, parse_bounds, parse_rows, report_options
from tacit.errors import UsageError

__all__ = ["command"]


@click.command("predict", short_help="Show a model's outputs, with a proof.")
@report_options
@model_option
@click.option("--input", "table", type=click.Path(path_type=Path), help="CSV or Parquet file of rows.")
@click.option("--hide-rows", is_flag=True, help="Do not tell which of the committed rows are read.")
@click.option(
    "--commit-as", metavar="NAME", help="Commit the rows of --input under this name, and show none of them."
)
@click.option(
    "--show", "shown", multiple=True, type=click.Choice(["outputs", "classes"]), help="Repeatable [outputs]."
)
@click.option(
    "--at-least", multiple=True, metavar="WHAT=BOUND", help="Such as probability=0.8, output:0=1. Repeatable."
)
@click.option("--at-most", multiple=True, metavar="WHAT=BOUND", help="The same from above. Repeatable.")
@click.option("--commit-outputs", metavar="NAME", help="Commit the outputs under this name.")
def command(
    run: str | None,
    vault: Path | None,
    key_file: Path | None,
    data: str | None,
    rows: str | None,
    out: Path,
    force: bool,
    model: Path | None,
    table: Path | None,
    hide_rows: bool,
    commit_as: str | None,
    shown: tuple[str, ...],
    at_least: tuple[str, ...],
    at_most: tuple[str, ...],
    commit_outputs: str | None,
) -> None:
    """Run the final model of RUN (by default the latest run) on rows and prove its outputs.

    Rows of a file (--input) stand in the report in the clear, unless they are committed first (--commit-as).
    Committed rows (--data, --rows) do not, and with --hide-rows it does not tell which of them are read.
    Outputs tell about the model: --show classes, --at-least and --at-most tell less, --commit-outputs none.
    """
    from tacit._files import require_free
    from tacit.commitment import open_data
    from tacit.predicting import predict

    if (table is None) == (rows is None and data is None):
        raise UsageError("give public rows (--input) or rows of committed data (--data, --rows)")
    require_free(out, overwrite=force)
    opened = open_vault(vault, key_file)
    made = predict(
        model_or_run(opened, run, model),
        table,
        data=None if data is None else open_data(opened, data),
        rows=parse_rows(rows),
        hide_rows=hide_rows,
        commit_as=commit_as,
        show=shown or None,
        at_least=parse_bounds(at_least),
        at_most=parse_bounds(at_most),
        commit_outputs=commit_outputs,
    )
    if any("Outputs" in item for item in made.shown):
        for values in made.outputs():
            click.echo(" ".join(f"{int(v) / 2**made.fa:g}" for v in values))
    elif any("Classes" in item for item in made.shown):
        for predicted in made.classes():
            click.echo(str(int(predicted)))
    click.echo(str(made.save(out, overwrite=force)))
