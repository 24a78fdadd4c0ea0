"""`tacit declare`: fixes a run before somebody else gives the nonce of its seeds."""

from __future__ import annotations

from pathlib import Path

import click

from tacit.cli._options import key_file_option, vault_option
from tacit.cli._run_file import read_run_file
from tacit.cli.train import prepare

__all__ = ["command"]


@click.command("declare", short_help="Fix a run before its nonce is issued.")
@click.argument("run_file", type=click.Path(path_type=Path, dir_okay=False))
@vault_option
@key_file_option
def command(run_file: Path, vault: Path | None, key_file: Path | None) -> None:
    """Commit the start of the run that RUN_FILE describes, and print the digest that binds data, start and
    configuration.

    Give it to the verifier, who then issues a nonce (tacit train RUN_FILE --nonce HEX), or date it before the
    round of the beacon (--beacon-output HEX). The run file says shuffle_seed = "verifier" or a beacon and its
    round.
    """
    job = prepare(read_run_file(run_file), vault, key_file)
    from tacit.training import declare

    click.echo(str(declare(**job.arguments())))
