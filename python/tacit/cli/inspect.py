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
@click.option(
    "--other",
    type=click.Path(path_type=Path),
    help="For a comparison of models, beside --run: the proof of the second run.",
)
@click.option(
    "--link",
    type=click.Path(path_type=Path),
    multiple=True,
    help="A link to the commitment that the file names, beside --run. Repeatable.",
)
@click.option("--json", "as_json", is_flag=True, help="Everything, as JSON.")
def command(file: Path, run: Path | None, other: Path | None, link: tuple[Path, ...], as_json: bool) -> None:
    """Print the statement of FILE (commitment, run, release, report or link) in plain words, with its soundness
    terms and their total."""
    from tacit.verifying import inspect

    if not as_json:
        click.echo("What the file states; nothing of it was checked.")
    show_verdict(inspect(file, run=run, other=other, link=link), as_json=as_json)
