"""`tacit plan`: what a run will take, before it is trained."""

from __future__ import annotations

from pathlib import Path

import click

from tacit.cli._options import key_file_option, show_json, vault_option
from tacit.cli._run_file import read_run_file
from tacit.cli.train import prepare

__all__ = ["command"]


@click.command("plan", short_help="Say what a run will take, before it is trained.")
@click.argument("run_file", type=click.Path(path_type=Path, dir_okay=False))
@vault_option
@key_file_option
@click.option("--json", "as_json", is_flag=True, help="The figures, as JSON.")
def command(run_file: Path, vault: Path | None, key_file: Path | None, as_json: bool) -> None:
    """Plan the run that RUN_FILE describes: its proofs, their time, memory and size, rows of the data's budget,
    and disk. Nothing is trained or charged. Exit code 2 if the run could not be proven, with what to change.
    """
    job = prepare(read_run_file(run_file), vault, key_file)
    from tacit.training import plan

    planned = plan(**job.arguments())
    if as_json:
        show_json(planned.to_dict())
    else:
        click.echo(str(planned))
    planned.require()
