"""The `tacit` command.

Exit codes: 0 valid, 1 proof rejected or a bound that does not hold, 2 wrong usage, 3 unreadable input, 130
interrupted.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
from collections.abc import Sequence

import click

from tacit._wording import options_named
from tacit.errors import ProofRejected, TacitError

__all__ = ["cli", "main"]

COMMANDS = (
    "commit",
    "declare",
    "plan",
    "train",
    "prove",
    "release",
    "evaluate",
    "backtest",
    "predict",
    "recommit",
    "compare",
    "compare-models",
    "verify",
    "report",
    "inspect",
    "vault",
)
INTERRUPTED = 130


class _Commands(click.Group):
    """Commands by name, each loaded when it is used: verifying loads nothing that training needs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = getattr(importlib.import_module(f"tacit.cli.{cmd_name.replace('-', '_')}"), "command", None)
        return command if isinstance(command, click.Command) else None


def _show_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        import tacit
        from tacit.session import instruction_set

        click.echo(f"tacit {tacit.__version__} ({instruction_set()} build)")
        ctx.exit()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version.",
)
def cli() -> None:
    """Commit private data, train on it, prove it, verify it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING, stream=sys.stderr)
    try:
        with options_named():
            code = cli.main(
                args=None if arguments is None else list(arguments), prog_name="tacit", standalone_mode=False
            )
    except ProofRejected as error:
        rejected = error.exit_code == ProofRejected.exit_code
        click.echo(f"REJECTED by the check {error.check}: {error}" if rejected else f"error: {error}", err=True)
        return error.exit_code
    except TacitError as error:
        click.echo(f"error: {error}", err=True)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted; nothing unfinished is kept", err=True)
        return INTERRUPTED
    except (BrokenPipeError, SystemExit):
        # Whoever read the output has gone, which click makes an exit with 1; Python would complain about that
        # once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 2
    return code if isinstance(code, int) else 0
