"""Options and questions that several commands share."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tacit.errors import UsageError

if TYPE_CHECKING:
    from tacit.session import Verdict
    from tacit.vault import Vault

__all__ = ["ask_passphrase", "find_vault", "key_file_option", "open_vault", "show_verdict", "vault_option"]

F = TypeVar("F", bound=Callable[..., Any])

VAULT_VARIABLE = "TACIT_VAULT"


def vault_option(function: F) -> F:
    """`--vault`, optional: see `find_vault`."""
    return click.option(
        "--vault",
        type=click.Path(path_type=Path),
        help=f"The vault; without it {VAULT_VARIABLE}, or the only *.vault in this directory.",
    )(function)


def key_file_option(function: F) -> F:
    """`--key-file`."""
    return click.option(
        "--key-file",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Open the vault with this key file instead of a passphrase.",
    )(function)


def find_vault(given: Path | None) -> Path:
    """The vault that is meant. Raises `UsageError` if that is not clear."""
    if given is not None:
        return given
    variable = os.environ.get(VAULT_VARIABLE)
    if variable:
        return Path(variable)
    here = sorted(path for path in Path().glob("*.vault") if path.is_dir())
    if len(here) == 1:
        return here[0]
    found = "there is none here" if not here else f"here are {', '.join(map(str, here))}"
    raise UsageError(f"say which vault: --vault PATH ({found})")


def ask_passphrase(new: bool) -> str:
    """Ask on the terminal, twice for a new vault. Without a terminal: nothing."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return ""
    if new:
        text = "Passphrase for the new vault (empty: keep a key inside it)"
        return str(
            click.prompt(
                text, hide_input=True, default="", show_default=False, confirmation_prompt=True, err=True
            )
        )
    return str(click.prompt("Passphrase", hide_input=True, err=True))


def open_vault(given: Path | None, key_file: Path | None) -> Vault:
    """Open the vault that is meant."""
    from tacit.vault import Vault

    return Vault.open(find_vault(given), key_file=key_file, prompt=ask_passphrase)


def show_verdict(verdict: Verdict, *, as_json: bool) -> None:
    """Print a verdict in words, or as JSON."""
    if as_json:
        import json
        from dataclasses import asdict

        click.echo(json.dumps(asdict(verdict), indent=2))
        return
    for line in verdict.shown:
        click.echo(line)
    if verdict.not_shown:
        click.echo("\nNot shown:")
        for line in verdict.not_shown:
            click.echo(f"  - {line}")
    if verdict.soundness:
        click.echo("\nSoundness error, as bits:")
        for name, bits in verdict.soundness:
            click.echo(f"  {bits:8.1f}  {name}")
