"""`tacit report`: a page for people of what a verified file shows. Needs no torch, secrets or network."""

from __future__ import annotations

from pathlib import Path

import click

from tacit.cli._options import companion_options, force_option

__all__ = ["command"]


@click.command("report", short_help="Check a proof and show it to people, as HTML.")
@click.argument("proof", type=click.Path(path_type=Path))
@click.option(
    "--html", "page", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The page."
)
@companion_options
@force_option
def command(
    proof: Path,
    page: Path,
    data: Path | None,
    run: Path | None,
    model: Path | None,
    release: Path | None,
    training: Path | None,
    other: Path | None,
    other_training: Path | None,
    to: Path | None,
    link: tuple[Path, ...],
    nonce: str | None,
    declaration: str | None,
    other_nonce: str | None,
    other_declaration: str | None,
    force: bool,
) -> None:
    """Check PROOF as `tacit verify` does, with the same options, and write what it shows as a page: figures,
    tables, what is not shown, and how to check it. The page needs no network and runs no script.

    Nothing is written unless the proof is valid. Exit code 1: rejected; 3: not a file of ours, or damaged.
    """
    from tacit.html import html_report

    made = html_report(
        proof,
        data=data,
        run=run,
        model=model,
        release=release,
        training=training,
        other=other,
        other_training=other_training,
        to=to,
        link=link,
        nonce=nonce,
        declaration=declaration,
        other_nonce=other_nonce,
        other_declaration=other_declaration,
    )
    click.echo(f"VALID: {made.save(page, overwrite=force)}")
