"""`tacit release`: rounded weights and their proof, after the safety rules."""

from __future__ import annotations

from pathlib import Path

import click

from tacit.cli._options import force_option, open_vault, out_option, run_options

__all__ = ["command"]


@click.command("release", short_help="Publish the rounded weights of a run, with a proof.")
@run_options
@click.option("--bits", type=int, default=12, show_default=True, help="Fractional bits of the weights.")
@click.option(
    "--model",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("model.safetensors"),
    show_default=True,
    help="Where the weights go.",
)
@out_option("release.tacit", "Where their proof goes.", "--proof", "--output")
@force_option
@click.option("--known", multiple=True, metavar="COLUMN", help="The recipient knows this column. Repeatable.")
@click.option("--known-labels", is_flag=True, help="The recipient knows the labels.")
@click.option("--known-rows", type=int, default=0, metavar="N", help="The recipient may know so many rows.")
@click.option("--data-is-public", is_flag=True, help="Set the safety rules aside; the proof says so.")
def command(
    run: str | None,
    vault: Path | None,
    key_file: Path | None,
    bits: int,
    model: Path,
    out: Path,
    force: bool,
    known: tuple[str, ...],
    known_labels: bool,
    known_rows: int,
    data_is_public: bool,
) -> None:
    """Publish the weights of RUN (by default the latest run), rounded to a few bits.

    Weights tell about the data that they were trained on. The rules refuse the runs for which rows were
    reconstructed; a refusal names its rule.
    """
    from tacit._files import require_free
    from tacit.errors import UsageError
    from tacit.releasing import release
    from tacit.runs import open_run

    if model.absolute() == out.absolute():
        raise UsageError(f"--model and --out are both {out}: the weights and their proof are two files")
    for path in (model, out):
        require_free(path, overwrite=force)
    made = release(
        open_run(open_vault(vault, key_file), run),
        bits=bits,
        known_columns=known,
        known_labels=known_labels,
        known_rows=known_rows,
        data_is_public=data_is_public,
    )
    for path in made.save(model, out, overwrite=force):
        click.echo(str(path))
