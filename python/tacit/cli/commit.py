"""`tacit commit`: a table into the vault, its public commitment into a file."""

from __future__ import annotations

import re
from pathlib import Path

import click

from tacit.cli._options import ask_passphrase, force_option, key_file_option, out_option

__all__ = ["command"]


SCHEMA_HELP = """\b
A schema (--schema FILE, TOML). Everything in it is optional; a column that is not named is left
out once [columns] names any, and an offset and divisor that are not given are derived.
  fa = 8                      # fractional bits of features and real targets
  data_bits = 12              # bits of a value, 12 to 16
\b
  [target]
  name = "diagnosis"          # instead of --target
  kind = "class"              # class, binary or real
  classes = ["well", "ill"]   # in this order: 0, 1
  offset = 0.0                # with divisor, of a real target
  divisor = 1.0
  clip = [-4.0, 4.0]
\b
  [columns.age]               # columns in this order
  offset = 50.0               # v becomes floor(2^fa (v - offset) / divisor + 1/2)
  divisor = 10.0
  clip = [0.0, 100.0]         # in the column's own units
  fill = 50.0                 # for missing values
  [columns.town]
  kind = "categorical"        # numeric (default), boolean or categorical
  categories = ["A", "B"]     # one column each
"""


@click.command("commit", short_help="Commit a data set; makes the vault.", epilog=SCHEMA_HELP)
@click.argument("table", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--target", metavar="COLUMN", help="Column to predict; needed unless the schema names it.")
@click.option("--vault", required=True, type=click.Path(path_type=Path), help="The vault; made if it is new.")
@key_file_option
@out_option(None, "Public file [TABLE.commitment].", "--output")
@force_option
@click.option("--name", help="Name of the data in the vault [TABLE].")
@click.option(
    "--schema",
    type=click.Path(path_type=Path, dir_okay=False),
    help="TOML file with types and scales; see below.",
)
@click.option(
    "--like", metavar="NAME", help="Treat the columns as those of this committed data: for test data."
)
@click.option(
    "--scale",
    type=click.Choice(["auto", "standardise", "none"]),
    default="auto",
    show_default=True,
    help="For columns without a scale in the schema.",
)
@click.option("--categorical", multiple=True, metavar="COLUMN", help="One-hot encode this column. Repeatable.")
@click.option("--drop", multiple=True, metavar="COLUMN", help="Leave this column out. Repeatable.")
@click.option("--labels", type=click.Choice(["class", "binary", "real"]), help="Kind of the target.")
@click.option("--classes", help="The classes in order, separated by commas.")
@click.option("--fa", type=int, help="Fractional bits [8].")
@click.option("--data-bits", type=int, help="Bits of a value, 12 to 16 [12].")
@click.option("--delimiter", help="Between the cells of a CSV file.")
@click.option(
    "--proofs", type=int, default=64, show_default=True, help="Proofs that the data can take part in."
)
@click.option("--publish-names", is_flag=True, help="Put column and class names into the commitment.")
def command(
    table: Path,
    target: str | None,
    vault: Path,
    key_file: Path | None,
    out: Path | None,
    force: bool,
    name: str | None,
    schema: Path | None,
    like: str | None,
    scale: str,
    categorical: tuple[str, ...],
    drop: tuple[str, ...],
    labels: str | None,
    classes: str | None,
    fa: int | None,
    data_bits: int | None,
    delimiter: str | None,
    proofs: int,
    publish_names: bool,
) -> None:
    """Commit the CSV or Parquet file TABLE: the data goes into the vault, encrypted; the commitment is public.

    The commitment tells the number of rows and columns, the scales, the row budget, and what was derived from
    the data. Names of columns stay secret unless --publish-names is given.

    A file that stands at --out already is kept unless it is this commitment, or --force is given.
    """
    from tacit.commitment import commit
    from tacit.dataset import Schema

    committed = commit(
        table,
        target,
        vault=vault,
        key_file=key_file,
        prompt=ask_passphrase,
        name=name or re.sub(r"[^A-Za-z0-9_.-]", "-", table.stem).lstrip(".-") or "data",
        commitment=out or Path(table.stem + ".commitment"),
        overwrite=force,
        like=like,
        schema=None if schema is None else Schema.load(schema),
        scale=scale,  # type: ignore[arg-type]
        categorical=categorical,
        drop=drop,
        label_kind=labels,  # type: ignore[arg-type]
        classes=None if classes is None else _classes(classes),
        fa=fa,
        data_bits=data_bits,
        delimiter=delimiter,
        proofs=proofs,
        publish_names=publish_names,
    )
    for fact in committed.quantised.released:
        click.echo(f"released: {fact}")
    click.echo(str(committed.report), err=True)


def _classes(text: str) -> list[str | int]:
    """The classes as the table has them: numbers if all of them are."""
    parts = [part.strip() for part in text.split(",")]
    return [int(p) for p in parts] if all(re.fullmatch(r"[+-]?\d+", p) for p in parts) else list(parts)
