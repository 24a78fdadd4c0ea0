"""`tacit train`: trains as run.toml says and keeps the run in the vault."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tacit.cli._options import ask_passphrase, find_vault, key_file_option, renamed_option, vault_option
from tacit.cli._run_file import EXAMPLE, RunFile, read_run_file
from tacit.errors import UsageError
from tacit.origins import from_hex

if TYPE_CHECKING:
    from torch import nn

    from tacit.commitment import CommittedData
    from tacit.torch import Provable
    from tacit.vault import Vault

__all__ = ["Job", "command", "prepare"]


def show_example(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    """Print the run file with all of its entries, and stop."""
    if value and not ctx.resilient_parsing:
        click.echo(EXAMPLE, nl=False)
        ctx.exit()


RUN_FILE_HELP = """\b
Entries of a run file (tacit train --example prints one with comments):
  vault, data, epochs, batch_size, shuffle_seed, drop_last, init_seed,
  memory, chunk_steps, average, window_bits, gradient_bits
  [model]       hidden, activation, bias, initial, initial_seed
  [optimizer]   lr, momentum, nesterov, weight_decay
  [[schedule]]  epoch, lr
"""


@click.command("train", short_help="Train a model as a run file says.", epilog=RUN_FILE_HELP)
@click.argument("run_file", type=click.Path(path_type=Path, dir_okay=False))
@vault_option
@key_file_option
@click.option("--check", is_flag=True, help="Exact integers and all range checks, but nothing to prove later.")
@click.option("--nonce", metavar="HEX", help='The verifier\'s nonce, where the run file says "verifier".')
@renamed_option(
    "--beacon-output",
    "--output",
    "output",
    metavar="HEX",
    help="The beacon's output, where the run file gives its round alone.",
)
@click.option(
    "--example",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=show_example,
    help="Print a run file with comments, and stop.",
)
def command(
    run_file: Path,
    vault: Path | None,
    key_file: Path | None,
    check: bool,
    nonce: str | None,
    output: str | None,
) -> None:
    """Train on committed data as RUN_FILE (TOML) says. The run goes into the vault; `tacit prove` proves it."""
    run = read_run_file(run_file).given(
        None if nonce is None else from_hex(nonce, "--nonce"),
        None if output is None else from_hex(output, "--beacon-output"),
    )
    job = prepare(run, vault, key_file)
    from tacit.training import make_provable, run_of

    made = make_provable(**job.arguments(), mode="check" if check else "prove")
    train(made, run)
    if check:
        click.echo("checked; nothing was kept")
        return
    stored, path = run_of(made.model), job.data.vault.path
    click.echo(f"{stored} is in {path}; prove it with: tacit prove {stored} --vault {path}")


@dataclass(frozen=True)
class Job:
    """A run file with its data and a fresh model."""

    run: RunFile
    data: CommittedData
    model: nn.Module

    def arguments(self) -> dict[str, Any]:
        """For `make_provable` and `declare`, which have to be given the same."""
        import torch

        run = self.run
        return {
            "model": self.model,
            "optimizer": torch.optim.SGD(
                self.model.parameters(),
                lr=run.lr_at(0),
                momentum=run.momentum,
                nesterov=run.nesterov,
                weight_decay=run.weight_decay,
            ),
            "data": self.data,
            "loss_fn": loss_for(self.data),
            "batch_size": run.batch_size,
            "shuffle_seed": run.shuffle_seed,
            "initial": run.initial,
            "initial_seed": run.initial_seed,
            "drop_last": run.drop_last,
            "epochs": run.epochs,
            "schedule": [run.lr_at(epoch) for epoch in range(run.epochs)],
            "memory": run.memory,
            "chunk_steps": run.chunk_steps,
            "average": run.average,
            "window_bits": run.window_bits,
            "gradient_bits": run.gradient_bits,
        }


def prepare(run: RunFile, vault: Path | None, key_file: Path | None) -> Job:
    """Opens the vault and makes the model, with the initial weights that `init_seed` gives."""
    try:
        import torch
    except ModuleNotFoundError:
        raise UsageError("training needs PyTorch: pip install 'tacit[torch]'") from None
    from tacit.vault import Vault

    if run.nesterov and not run.momentum:
        raise UsageError("run file: optimizer.nesterov needs optimizer.momentum above 0")
    opened = Vault.open(find_vault(vault or run.vault), key_file=key_file, prompt=ask_passphrase)
    data = _data(opened, run)
    torch.manual_seed(run.init_seed)
    return Job(run, data, build_model(data, run))


def _data(vault: Vault, run: RunFile) -> CommittedData:
    """The data set that the run file names, or the only one."""
    from tacit.commitment import only_name, open_data

    return open_data(vault, only_name(vault) if run.data is None else run.data)


def build_model(data: CommittedData, run: RunFile) -> nn.Module:
    """The perceptron of the run file, with inputs and outputs as the data has them."""
    from torch import nn

    activations = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh}
    outputs = data.classes if data.label_kind == "class" else data.labels.shape[1]
    widths = [data.quantised.width, *run.hidden, outputs]
    layers: list[nn.Module] = []
    for inputs, width in pairwise(widths):
        layers += [nn.Linear(inputs, width, bias=run.bias), activations[run.activation]()]
    return nn.Sequential(*layers[:-1])


def loss_for(data: CommittedData) -> nn.Module:
    """The loss that the kind of labels is for."""
    from torch import nn

    kinds: dict[str, type[nn.Module]] = {
        "class": nn.CrossEntropyLoss,
        "binary": nn.BCEWithLogitsLoss,
        "real": nn.MSELoss,
    }
    return kinds[data.label_kind]()


def train(made: Provable, run: RunFile) -> None:
    """The ordinary loop. Prints the mean loss of the last epoch."""
    from tacit.progress import progress_bar

    model, optimizer, loader, loss_fn = made
    total = run.epochs * len(loader)
    done, losses = 0, 0.0
    with progress_bar("training") as progress:
        for epoch in range(run.epochs):
            for group in optimizer.param_groups:
                group["lr"] = run.lr_at(epoch)
            losses = 0.0
            for x, y in loader:
                optimizer.zero_grad()
                loss = loss_fn(model(x), y)
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                losses += float(loss.detach())
                done += 1
                progress(done, total)
    click.echo(f"{run.epochs} epochs, {total:,} steps, mean loss of the last epoch {losses / len(loader):.4f}")
