"""What is changed and who reads it: a table of targets over one small run with its vault and public files.

Every outcome has to be what the honest file gives, a verdict that the change could not spoil, or an exception
of `tacit.errors` with a message, none of which tells a secret.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load as load_tensors

import tacit
from fuzz.changes import changed_bytes, changed_text
from tacit.cli._run_file import read_run_file
from tacit.commitment import open_data
from tacit.dataset import Schema
from tacit.dataset.quantised import quantise
from tacit.runs import open_run, run_names
from tacit.vault import Vault

ROWS = 64
SCHEMA = """\
fa = 8
data_bits = 12

[columns.a]
kind = "numeric"
offset = 0.0
divisor = 2.0
clip = [-8.0, 8.0]

[columns.b]
kind = "categorical"
categories = ["x", "y"]

[target]
kind = "class"
classes = ["no", "yes"]
"""
RUN = """\
vault = "clinic.vault"
data = "patients"
epochs = 20
batch_size = 64
shuffle_seed = { beacon = "drand", round = 5 }
memory = "6GB"
average = 8

[model]
hidden = [16, 4]
activation = "relu"
initial = "seed"

[optimizer]
lr = 0.125
momentum = 0.9

[[schedule]]
epoch = 10
lr = 0.0625
"""


@dataclass
class World:
    """An owner's vault with a run, and every public file of it."""

    directory: Path
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def made(cls, directory: Path) -> World:
        """Commits, trains, proves, releases and reports, as small as they get."""
        at = directory
        choose = np.random.default_rng(1)
        x = choose.normal(size=(ROWS, 3))
        y = (x[:, 0] + 0.5 * choose.normal(size=ROWS) > 0).astype(int)
        data = tacit.commit(
            x, y, vault=at / "owner.vault", commitment=at / "data.commitment", quiet=True, proofs=8
        )
        trained = tacit.fit(data, hidden=[2], epochs=2, lr=0.125, shuffle_seed=3, batch_size=8)
        tacit.prove(trained, quiet=True).save(at / "run.tacit")
        released = tacit.release(trained, bits=8, data_is_public=True, quiet=True)
        released.save(at / "model.safetensors", at / "release.tacit")
        tacit.evaluate(trained, data, at_least={"accuracy": 0.1}, quiet=True).save(at / "report.tacit")
        tacit.recommit(data, proofs=4, quiet=True).save(at / "again.commitment", at / "link.tacit")
        tacit.recommit(tacit.run_of(trained), proofs=4, quiet=True).save(
            at / "model.commitment", at / "model.link"
        )
        tacit.evaluate(trained, at_least={"accuracy": 0.1}, quiet=True).save(at / "linked.tacit")
        other = tacit.commit(
            x[:9] + 0.5,
            y[:9],
            vault=at / "owner.vault",
            name="other",
            schema=data.schema,
            commitment=at / "other.commitment",
            quiet=True,
            proofs=4,
        )
        tacit.compare_rows(data, other, quiet=True).save(at / "rows.tacit")
        rows = [f"{a:.3f},{'xy'[int(b > 0)]},{('no', 'yes')[c]}" for (a, b, _), c in zip(x, y, strict=True)]
        (at / "table.csv").write_text("\n".join(["a,b,label", *rows]) + "\n")
        _tables(at, x)
        (at / "schema.toml").write_text(SCHEMA)
        (at / "run.toml").write_text(RUN)
        vault = Vault.open(at / "owner.vault")
        names = [name for name in vault.names() if name.startswith("secrets/")]
        kept = [(at / "owner.vault" / "key").read_text().strip(), *(vault.get(name).hex() for name in names)]
        return cls(at, tuple(kept))


def _tables(at: Path, x: np.ndarray[Any, Any]) -> None:
    import pyarrow
    import pyarrow.parquet

    columns = {"a": x[:, 0], "b": ["x" if v > 0 else "y" for v in x[:, 1]], "label": x[:, 2] > 0}
    pyarrow.parquet.write_table(pyarrow.table(columns), at / "table.parquet")


@dataclass(frozen=True)
class Target:
    """A kind of file."""

    name: str
    file: str
    """Below the world's directory; a directory stands for a file of it at random."""
    read: Callable[[World, Path], object]
    """Reads the world with the changed file in its place; what it returns is compared where `bound`."""
    change: Callable[[bytes, random.Random], bytes] = changed_bytes
    bound: bool = False
    """Whether a changed file that is read without an error has to give what the honest one gives."""

    def files(self, world: World) -> list[Path]:
        """What is changed."""
        at = world.directory / self.file
        return sorted(p for p in at.rglob("*") if p.is_file()) if at.is_dir() else [at]


def _verified(**companions: str) -> Callable[[World, Path], object]:
    def read(world: World, path: Path) -> object:
        beside = {name: world.directory / file for name, file in companions.items()}
        return tacit.verify(path, **beside)  # type: ignore[arg-type]

    return read


def _linked(world: World, path: Path) -> object:
    at = world.directory
    links = [path, at / "model.link"]
    return tacit.verify(at / "linked.tacit", run=at / "run.tacit", data=at / "again.commitment", link=links)


def _model(world: World, path: Path) -> object:
    at = world.directory
    tacit.verify(at / "release.tacit", run=at / "run.tacit", model=path)
    # A header may hold metadata and spaces, which the verdict speaks of.
    return sorted((name, tensor.tobytes()) for name, tensor in load_tensors(path.read_bytes()).items())


def _table(_: World, path: Path) -> object:
    return quantise(path, "label", categorical=["b"])


def _with_schema(world: World, path: Path) -> object:
    return quantise(world.directory / "table.csv", "label", schema=Schema.load(path))


def _vault(world: World, _: Path) -> object:
    vault = Vault.open(world.directory / "owner.vault")
    stored = [(name, vault.get(name)) for name in vault.names()]
    accounts = sorted(vault.accounts().items())
    vault.budget.check_place()
    data = open_data(vault, "data")
    runs = [open_run(vault, name) for name in run_names(vault)]
    records = [(run.chunks(), str(run.origins()), run.record().config.to_json()) for run in runs]
    return stored, accounts, data.digest, data.features.tobytes(), data.labels.tobytes(), records


TARGETS = (
    Target("data", "data.commitment", _verified(), bound=True),
    Target("run", "run.tacit", _verified(data="data.commitment"), bound=True),
    Target("release", "release.tacit", _verified(run="run.tacit", model="model.safetensors"), bound=True),
    Target("report", "report.tacit", _verified(run="run.tacit", data="data.commitment"), bound=True),
    Target("link", "link.tacit", _verified(data="data.commitment", to="again.commitment"), bound=True),
    Target("link of models", "model.link", _verified(run="run.tacit"), bound=True),
    Target("rows", "rows.tacit", _verified(data="data.commitment", to="other.commitment"), bound=True),
    Target("link beside report", "link.tacit", _linked, bound=True),
    Target("safetensors", "model.safetensors", _model, bound=True),
    Target("inspect run", "run.tacit", lambda _, path: tacit.inspect(path)),
    Target("inspect report", "report.tacit", lambda _, path: tacit.inspect(path)),
    Target("vault", "owner.vault", _vault, bound=True),
    Target("vault key", "owner.vault/key", _vault, bound=True),
    Target("vault header", "owner.vault/vault.json", _vault, changed_text, bound=True),
    Target("csv", "table.csv", _table, changed_text),
    Target("parquet", "table.parquet", _table),
    Target("schema", "schema.toml", _with_schema, changed_text),
    Target("run file", "run.toml", lambda _, path: read_run_file(path), changed_text),
)
"""Every target by name."""


def chosen(name: str) -> tuple[Target, ...]:
    """The targets whose names hold `name`. Raises `SystemExit` if there are none."""
    found = tuple(target for target in TARGETS if name in target.name)
    if not found:
        raise SystemExit(f"no target {name!r}; there are {', '.join(target.name for target in TARGETS)}")
    return found


def honest(world: World) -> Mapping[str, object]:
    """What the unchanged files give, which they have to."""
    return {target.name: target.read(world, world.directory / target.file) for target in TARGETS}
