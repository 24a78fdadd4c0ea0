"""`tacit vault`: what a vault holds, and putting a restored or moved one into use."""

from __future__ import annotations

from pathlib import Path

import click

from tacit.cli._options import key_file_option, open_vault, vault_option

__all__ = ["command"]


@click.group("vault", short_help="Look into a vault, or adopt a restored one.")
def command() -> None:
    """What a vault holds, and putting a restored or moved one into use."""


@command.command("status")
@vault_option
@key_file_option
def status(vault: Path | None, key_file: Path | None) -> None:
    """List data sets, runs and what is left of the row budgets."""
    from tacit.errors import VaultCopied
    from tacit.runs import run_names

    opened = open_vault(vault, key_file)
    digests: dict[str, str] = {}
    for entry in opened.names("data/"):
        if entry.endswith("/description"):
            name = entry.split("/")[1]
            digests[opened.get_json(entry)["digest"]] = name
    for digest, account in opened.accounts().items():
        label = digests.get(digest, "model")
        click.echo(f"{label}  {digest[:16]}  {account.left():,} of {account.rows:,} rows left")
    for name in run_names(opened):
        done = sum(n.startswith(f"runs/{name}/chunk-") for n in opened.names(f"runs/{name}/"))
        click.echo(f"{name}  on {opened.get_json(f'runs/{name}/info')['data']}, {done} chunks proven")
    try:
        opened.budget.check_place()
    except VaultCopied as error:
        click.echo(f"\n{error}", err=True)


@command.command("adopt")
@vault_option
@key_file_option
@click.option(
    "--spent",
    type=click.IntRange(min=0),
    required=True,
    help="Rows of each commitment that were opened by proofs made elsewhere since this copy was taken.",
)
def adopt(vault: Path | None, key_file: Path | None, spent: int) -> None:
    """Put a restored, copied or moved vault into use. The other copy must not be used any more.

    A commitment hides its data only while fewer rows than its budget have been opened, over all copies.
    """
    opened = open_vault(vault, key_file)
    opened.adopt(spent)
    for digest, account in opened.accounts().items():
        click.echo(f"{digest[:16]}  {account.left():,} of {account.rows:,} rows left")
