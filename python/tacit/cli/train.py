"""`tacit train`: trains as run.toml says and keeps the run in the vault."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tacit.cli._options import ask_passphrase, find_vault, key_file_option, vault_option
from tacit.cli._run_file import RunFile, read_run_file
from tacit.errors import UsageError

if TYPE_CHECKING:
    from torch import nn

    from tacit.commitment import CommittedData
    from tacit.torch import Provable
    from tacit.vault import Vault

__all__ = ["command"]


@click.command("train", short_help="Train a model as a run file says.")
@click.argument("run_file", type=click.Path(path_type=Path, dir_okay=False))
@vault_option
@key_file_option
@click.option("--check", is_flag=True, help="Exact integers and all range checks, but nothing to prove later.")
def command(run_file: Path, vault: Path | None, key_file: Path | None, check: bool) -> None:
    """Train on committed data as RUN_FILE (TOML) says. The run goes into the vault; `tacit prove` proves it."""
    run = read_run_file(run_file)
    try:
        import torch
    except ModuleNotFoundError:
        raise UsageError("training needs PyTorch: pip install 'tacit[torch]'") from None
    from tacit.training import make_provable, run_of
    from tacit.vault import Vault

    opened = Vault.open(find_vault(vault or run.vault), key_file=key_file, prompt=ask_passphrase)
    data = _data(opened, run)
    torch.manual_seed(run.init_seed)
    model = build_model(data, run)
    made = make_provable(
        model,
        torch.optim.SGD(model.parameters(), lr=run.lr, momentum=run.momentum),
        data,
        loss_for(data),
        batch_size=run.batch_size,
        shuffle_seed=run.shuffle_seed,
        mode="check" if check else "prove",
        drop_last=run.drop_last,
        epochs=run.epochs,
        learning_rates=[rate for _, rate in run.schedule],
    )
    train(made, run)
    if check:
        click.echo("checked; nothing was kept")
        return
    stored = run_of(made.model)
    click.echo(f"{stored} is in {opened.path}; prove it with: tacit prove {stored} --vault {opened.path}")


def _data(vault: Vault, run: RunFile) -> CommittedData:
    """The data set that the run file names, or the only one."""
    from tacit.commitment import open_data

    names = [n.split("/")[1] for n in vault.names("data/") if n.endswith("/description")]
    if run.data is None and len(names) != 1:
        raise UsageError(f"{vault.path} holds {len(names)} data sets; say data = ... in the run file")
    return open_data(vault, run.data or names[0])


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
