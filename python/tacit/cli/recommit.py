"""`tacit recommit`: a fresh commitment of the same data or model, and the proof that it is the same."""

from __future__ import annotations

from pathlib import Path

import click

from tacit.cli._options import force_option, key_file_option, open_vault, out_option, vault_option
from tacit.errors import UsageError

__all__ = ["command"]


@click.command("recommit", short_help="Commit data or a model again, and prove that it is the same.")
@vault_option
@key_file_option
@click.option("--data", metavar="NAME", help="The committed data [the only data set, unless --run is given].")
@click.option("--run", metavar="RUN", help="The final model of this run instead.")
@click.option(
    "--proofs", type=int, default=64, show_default=True, help="Proofs that the new commitment can take part in."
)
@out_option(None, "The new commitment [NAME.commitment, RUN-model-DIGEST.commitment].")
@click.option(
    "--link",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The link, beside it [NAME.link.tacit].",
)
@force_option
def command(
    vault: Path | None,
    key_file: Path | None,
    data: str | None,
    run: str | None,
    proofs: int,
    out: Path | None,
    link: Path | None,
    force: bool,
) -> None:
    """Commit data, or the final model of a proven run, again, with fresh rows for more proofs, and prove that
    both commitments hold the same.

    What was proven on the first holds of the second: `tacit verify ... --link NAME.link.tacit`. A commitment
    has rows for one link in reserve. Later reports and releases use the newest commitment by themselves.
    """
    from tacit._files import require_free
    from tacit.commitment import only_name, open_data
    from tacit.recommitting import recommit
    from tacit.runs import open_run

    if data is not None and run is not None:
        raise UsageError("give --data or --run, not both")
    for path in (out, link):
        if path is not None:
            require_free(path, overwrite=force)
    if out is not None and link is not None and out.absolute() == link.absolute():
        raise UsageError(f"--out and --link are both {out}: the commitment and its link are two files")
    opened = open_vault(vault, key_file)
    what = open_run(opened, run) if run is not None else open_data(opened, data or only_name(opened))
    made = recommit(what, proofs=proofs)
    commitment, linked = made.save(
        out or Path(f"{made.stem}.commitment"), link or Path(f"{made.stem}.link.tacit"), overwrite=force
    )
    click.echo(f"committed again {made}\npublic file {commitment}\nlink {linked}")
    if made.data is not None:
        click.echo(f"name in the vault {made.name}")
