"""`tacit inspect`: what a public file states, without checking it."""

from __future__ import annotations

from pathlib import Path

import click

from tacit.cli._options import show_verdict

__all__ = ["command"]


@click.command("inspect", short_help="Say what a file states, without checking it.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--run",
    type=click.Path(path_type=Path),
    help="For a release or a report: the proof of its run, from which its soundness terms follow.",
)
@click.option("--json", "as_json", is_flag=True, help="Everything, as JSON.")
def command(file: Path, run: Path | None, as_json: bool) -> None:
    """Print the statement of FILE (commitment, run, release, report or link) in plain words, with its soundness
    terms and their total."""
    from tacit.verifying import inspect

    if not as_json:
        click.echo("What the file states; nothing of it was checked.")
    show_verdict(inspect(file, run=run), as_json=as_json)
