"""`tacit prove`: the proof of a run, one file."""

from __future__ import annotations

from pathlib import Path

import click

from tacit.cli._options import key_file_option, open_vault, vault_option

__all__ = ["command"]


@click.command("prove", short_help="Prove a run.")
@click.argument("run", required=False)
@vault_option
@key_file_option
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("run.tacit"),
    show_default=True,
    help="Where the proof goes.",
)
@click.option("--estimate", "only_estimate", is_flag=True, help="Say what it will cost, and stop.")
def command(
    run: str | None, vault: Path | None, key_file: Path | None, output: Path, only_estimate: bool
) -> None:
    """Prove how the model of RUN (by default the latest run) was trained. The model stays hidden.

    A run that was interrupted goes on where it stopped.
    """
    from tacit import proving
    from tacit.progress import duration, size
    from tacit.runs import open_run

    chosen = open_run(open_vault(vault, key_file), run)
    if only_estimate:
        costs = proving.estimate(chosen)
        click.echo(
            f"{chosen}: {costs.chunks} chunks, {duration(costs.seconds)}, {size(costs.memory)} of memory, "
            f"a proof of {size(costs.proof_bytes)}, {costs.rows_per_proof} rows of the budget per chunk"
        )
        return
    proof = proving.prove(chosen)
    click.echo(f"{proof.save(output)}: {size(len(proof))}")
