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
    from tacit.public_models import PublicModel
    from tacit.runs import Run
    from tacit.session import Verdict
    from tacit.vault import Vault

__all__ = [
    "ask_passphrase",
    "companion_options",
    "find_vault",
    "force_option",
    "key_file_option",
    "model_option",
    "model_or_run",
    "open_vault",
    "out_option",
    "parse_bounds",
    "parse_rows",
    "renamed_option",
    "report_options",
    "run_options",
    "show_json",
    "show_verdict",
    "vault_option",
]

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


class _Renamed(click.Option):
    """An option of which only the first name is shown; the others are what it was called before."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        names = self.opts
        self.opts = names[:1]
        try:
            return super().get_help_record(ctx)
        finally:
            self.opts = names


def renamed_option(*names: str, **attributes: Any) -> Callable[[F], F]:
    """An option with earlier names that still work."""
    return click.option(*names, cls=_Renamed, **attributes)


def out_option(default: str | None, text: str, *earlier: str) -> Callable[[F], F]:
    """`--out`: where the public file of a command goes."""
    return renamed_option(
        "--out",
        *earlier,
        "out",
        type=click.Path(path_type=Path, dir_okay=False),
        default=None if default is None else Path(default),
        show_default=default is not None,
        help=text,
    )


def force_option(function: F) -> F:
    """`--force`: replace a file of something else."""
    return click.option("--force", is_flag=True, help="Replace a file of something else that stands there.")(
        function
    )


def run_options(function: F) -> F:
    """The run, and the vault that holds it."""
    function = key_file_option(function)
    function = vault_option(function)
    return click.argument("run", required=False)(function)


def report_options(function: F) -> F:
    """What every report on a run is told: run, vault, committed rows, and where it goes."""
    function = force_option(function)
    function = out_option("report.tacit", "Where the report goes.", "--output")(function)
    function = click.option(
        "--rows", help="Rows of the committed data: FIRST:END, or row numbers with commas."
    )(function)
    function = click.option("--data", help="Name of committed data in the vault [the training data].")(function)
    return run_options(function)


def model_option(function: F) -> F:
    """`--model`: the report is about a public model."""
    return click.option(
        "--model",
        type=click.Path(path_type=Path, dir_okay=False),
        help="A safetensors file: the report is on this public model, of the architecture of RUN.",
    )(function)


def companion_options(function: F) -> F:
    """What a proof is checked against: the same for `verify` and for a page, whose command it prints."""
    path = click.Path(path_type=Path)
    for option in (
        click.option("--other-declaration", metavar="HEX", help="The declaration of the run of --other."),
        click.option("--other-nonce", metavar="HEX", help="The nonce that you issued for the run of --other."),
        click.option("--declaration", metavar="HEX", help="The run's declaration, which you held before."),
        click.option("--nonce", metavar="HEX", help="The nonce that you issued for this run."),
        click.option(
            "--link",
            type=path,
            multiple=True,
            help="A link to a commitment that was made again. Repeatable.",
        ),
        click.option("--to", type=path, help="For a link of data: the commitment that it leads to."),
        click.option(
            "--other-training", type=path, help="The commitment of the data of --other, if it is another."
        ),
        click.option("--other", type=path, help="For a comparison of models: the proof of the second run."),
        click.option(
            "--training", type=path, help="For a report on other rows: commitment of the training data."
        ),
        click.option(
            "--release",
            type=path,
            help="For a report on a public model: the release that it is from, with --run.",
        ),
        click.option(
            "--model", type=path, help="For a release, or a report on a public model: the safetensors file."
        ),
        click.option("--run", type=path, help="For a release, a report or a link: the proof of its run."),
        click.option("--data", type=path, help="Commitment that the data must have."),
    ):
        function = option(function)
    return function


def model_or_run(vault: Vault, run: str | None, model: Path | None) -> Run | PublicModel:
    """What a report is about: the final model of a run, or the public one in a file."""
    from tacit.public_models import public_model
    from tacit.runs import open_run

    opened = open_run(vault, run)
    return opened if model is None else public_model(model, opened)


def parse_bounds(texts: tuple[str, ...]) -> dict[str, str]:
    """`accuracy=0.9` as {"accuracy": "0.9"}."""
    bounds = {}
    for text in texts:
        metric, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"{text!r} is not of the form METRIC=NUMBER")
        bounds[metric] = value
    return bounds


def parse_rows(text: str | None) -> range | list[int] | None:
    """`100:200` as a range, `3,5,8` as a list."""
    if text is None:
        return None
    try:
        if ":" in text:
            first, _, end = text.partition(":")
            return range(int(first), int(end))
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise UsageError(f"{text!r} is neither FIRST:END nor a list of row numbers") from None


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


def show_verdict(verdict: Verdict, *, as_json: bool, valid: bool | None = None) -> None:
    """Print a verdict in words, or as JSON; `valid` says there that it was checked."""
    if as_json:
        from dataclasses import asdict

        show_json(({} if valid is None else {"valid": valid}) | asdict(verdict))
        return
    for line in verdict.shown:
        click.echo(line)
    if verdict.not_shown:
        click.echo("\nNot shown:")
        for line in verdict.not_shown:
            click.echo(f"  - {line}")
    if verdict.soundness:
        click.echo(f"\n{verdict.certainty}")
        click.echo("Terms of that probability, as powers of two:")
        for name, bits in verdict.soundness:
            click.echo(f"  {bits:8.1f}  {name}")


def show_json(document: Any) -> None:
    """Print a document that programs read."""
    import json

    click.echo(json.dumps(document, indent=2))


def public_rows_options(function: F) -> F:
    """`--input` and `--target`: rows with their labels in the clear."""
    function = click.option(
        "--target",
        metavar="COLUMN",
        help="Column of the labels in --input [that of the training data].",
    )(function)
    return click.option(
        "--input",
        "table",
        type=click.Path(path_type=Path),
        help="CSV or Parquet file of public rows with their labels, instead of --data.",
    )(function)


def require_one_table(table: Path | None, data: str | None, target: str | None) -> None:
    """Refuse public rows beside committed ones, and a column of none."""
    if table is not None and data is not None:
        raise UsageError("give public rows (--input) or committed data (--data), not both")
    if table is None and target is not None:
        raise UsageError("--target is the column of the labels in --input")
