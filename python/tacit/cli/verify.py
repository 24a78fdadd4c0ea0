"""`tacit verify`: checks a proof and says in words what it shows. Needs no torch, secrets or network."""

from __future__ import annotations

import time
from pathlib import Path

import click

from tacit.cli._options import companion_options, show_json, show_verdict
from tacit.errors import ProofRejected, TrainingDataMissing, UnreadableFile

__all__ = ["command"]


@click.command("verify", short_help="Check a proof.")
@click.argument("proof", type=click.Path(path_type=Path))
@companion_options
@click.option("--json", "as_json", is_flag=True, help="The verdict as JSON.")
def command(
    proof: Path,
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
    as_json: bool,
) -> int:
    """Check PROOF: a run (with --data), a release (with --run and --model), a report (with --run and --data;
    one on a public model with --model), a link (with --data and --to, or --run), or a data commitment.

    Exit code 0: valid; 1: rejected, the failing check is named; 2: wrong usage; 3: not a file of ours,
    damaged, or of another kind. With --json a rejection is an object too: valid (false), check, message.
    """
    from tacit.progress import duration
    from tacit.verifying import verify

    started = time.perf_counter()
    try:
        verdict = verify(
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
    except (ProofRejected, UnreadableFile) as error:
        # Without a file that is needed nothing is decided: no verdict, not even a false one.
        if not as_json or isinstance(error, TrainingDataMissing):
            raise
        check = error.check if isinstance(error, ProofRejected) else type(error).__name__
        show_json({"valid": False, "check": check, "message": str(error)})
        return error.exit_code
    if not as_json:
        click.echo(f"VALID, checked in {duration(time.perf_counter() - started)}")
    show_verdict(verdict, as_json=as_json, valid=True)
    return 0
