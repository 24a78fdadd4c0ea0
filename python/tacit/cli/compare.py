"""`tacit compare`: how the rows of two committed data sets are related, with a proof."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from tacit.cli._options import force_option, key_file_option, open_vault, out_option, vault_option

__all__ = ["command"]


@click.command("compare", short_help="Show that two data sets share no rows, or all, with a proof.")
@click.argument("first")
@click.argument("second")
@click.option(
    "--show",
    type=click.Choice(["disjoint", "subset", "same"]),
    default="disjoint",
    show_default=True,
    help="No row in common; all rows of FIRST in SECOND; the same rows in any order.",
)
@vault_option
@key_file_option
@out_option("rows.tacit", "Where the proof goes.")
@force_option
def command(
    first: str,
    second: str,
    show: Literal["disjoint", "subset", "same"],
    vault: Path | None,
    key_file: Path | None,
    out: Path,
    force: bool,
) -> None:
    """Prove how the rows of the committed data sets FIRST and SECOND are related; no row is shown.

    Rows are equal if all features and labels are, as the integers that were committed. With `tacit verify
    REPORT --link rows.tacit` a report says that none of the rows of its data was in the training data.
    """
    from tacit._files import require_free
    from tacit.commitment import open_data
    from tacit.comparing import compare_rows

    require_free(out, overwrite=force)
    opened = open_vault(vault, key_file)
    made = compare_rows(open_data(opened, first), open_data(opened, second), show)
    click.echo(str(made.save(out, overwrite=force)))
