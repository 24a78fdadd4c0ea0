"""`tacit prove`: the proof of a run, one file."""

from __future__ import annotations

from pathlib import Path

import click

from tacit.cli._options import force_option, open_vault, out_option, run_options

__all__ = ["command"]


@click.command("prove", short_help="Prove a run.")
@run_options
@out_option("run.tacit", "Where the proof goes.", "--output")
@force_option
@click.option("--estimate", "only_estimate", is_flag=True, help="Say what it will cost, and stop.")
@click.option("--workers", type=click.IntRange(1), help="Prove so many chunks at a time [1].")
@click.option(
    "--ray",
    metavar="[ADDRESS]",
    is_flag=False,
    flag_value="auto",
    help="Prove chunks on a Ray cluster: at ADDRESS, by default the one that runs here; local starts one.",
)
@click.option("--threads", type=click.IntRange(1), help="Threads of each worker.")
def command(
    run: str | None,
    vault: Path | None,
    key_file: Path | None,
    out: Path,
    force: bool,
    only_estimate: bool,
    workers: int | None,
    ray: str | None,
    threads: int | None,
) -> None:
    """Prove how the model of RUN (by default the latest run) was trained. The model stays hidden.

    A run that was interrupted goes on where it stopped. A file that stands at --out already is kept unless it
    is this proof, or --force is given. With --workers the chunks are proven in processes of this machine, with
    --ray on a cluster of your own: workers get the data and the weights of their chunks, sealed on the way.
    """
    from tacit import proving
    from tacit._files import require_free
    from tacit.errors import UsageError
    from tacit.progress import duration, size
    from tacit.runs import NAME, open_run

    if ray is not None and NAME.fullmatch(ray):
        raise UsageError(f"--ray {ray}: that is a run, not an address; write tacit prove {ray} --ray")
    if threads is not None and workers is None and ray is None:
        raise UsageError("--threads is for --workers or --ray")
    chosen = open_run(open_vault(vault, key_file), run)
    if only_estimate:
        costs = proving.estimate(chosen)
        click.echo(
            f"{chosen}: {costs.chunks} chunks, {duration(costs.seconds)}, {size(costs.memory)} of memory, "
            f"a proof of {size(costs.proof_bytes)}, {costs.rows_per_proof} rows of the budget per chunk"
        )
        return
    # Before hours of proving. A proof that is finished may be there already.
    made = proving.finished(chosen) if out.exists() and not force else None
    require_free(out, None if made is None else made.content, overwrite=force)
    several = None if workers is None and ray is None else proving.Workers(workers, ray, threads)
    proof = proving.prove(chosen, workers=several)
    click.echo(f"{proof.save(out, overwrite=force)}: {size(len(proof))}")
