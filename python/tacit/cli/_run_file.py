"""Reads run.toml: which data, which model, how it is trained. Refuses what is unknown or missing, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

from tacit._files import read_limited, read_toml
from tacit.errors import UnreadableFile, UsageError
from tacit.origins import Beacon, Origin, VerifierNonce, checked, from_hex

__all__ = ["EXAMPLE", "RunFile", "read_run_file"]

EXAMPLE = """\
# What `tacit train` reads. Lines with a # before them show an entry that may be left out.

vault = "clinic.vault"     # from the directory of this file; or --vault
data = "patients"          # name of the committed data; may be left out if the vault holds one
epochs = 20
batch_size = 64
shuffle_seed = 7           # left out: rows in order; a number is the prover's choice. A nonce from outside:
                           #   "verifier" (train --nonce HEX), { nonce = "HEX" } or
                           #   { beacon = "NAME", round = 5, output = "HEX" }, its output also by
                           #   train --beacon-output
# drop_last = false        # leave out a last batch that is not full
# init_seed = 0            # of the initial weights, drawn by torch
# memory = "6GB"           # most memory of one proof, which picks its number of steps
# chunk_steps = 64         # or that number itself, a power of two
# average = 8              # end with the mean of the weights after each of the last 8 steps
# window_bits = 16         # of activations and gradients, at most 16
# gradient_bits = 12       # fractional bits of gradients

[model]
hidden = [16]              # widths of the hidden layers; [] is linear or logistic regression
# activation = "relu"      # relu, sigmoid or tanh
# bias = true
# initial = "given"        # or "seed": public weights, from initial_seed
# initial_seed = 3         # written as shuffle_seed, which it is by default

[optimizer]                # SGD
lr = 0.125
# momentum = 0.0
# nesterov = false
# weight_decay = 0.0       # acts at the end of every chunk of steps

# [[schedule]]             # any number: the rate from an epoch on, counted from 0
# epoch = 10
# lr = 0.0625
"""

Initial = Literal["given", "seed"]
ACTIVATIONS = ("relu", "sigmoid", "tanh")


@dataclass(frozen=True, slots=True)
class RunFile:
    """The content of a run.toml, checked."""

    vault: Path | None
    data: str | None
    epochs: int
    batch_size: int
    shuffle_seed: Origin | None
    init_seed: int
    memory: str | None
    chunk_steps: int | None
    average: int | None
    window_bits: int | None
    gradient_bits: int | None
    initial: Initial
    initial_seed: Origin | None
    drop_last: bool
    hidden: tuple[int, ...]
    activation: str
    bias: bool
    lr: float
    momentum: float
    nesterov: bool
    weight_decay: float
    schedule: tuple[tuple[int, float], ...]

    def given(self, nonce: bytes | None, output: bytes | None) -> RunFile:
        """The run with a nonce and an output that were not known when the file was written.

        Raises `UsageError` for one that no seed of the file waits for: it would be left out unseen.
        """
        waiting = (self.shuffle_seed, self.initial_seed)
        if nonce is not None and VerifierNonce() not in waiting:
            raise UsageError('--nonce is for a run file with shuffle_seed or model.initial_seed = "verifier"')
        if output is not None and not any(isinstance(o, Beacon) and o.output is None for o in waiting):
            raise UsageError("--beacon-output is for a run file with a beacon's round and no output")
        return replace(
            self,
            shuffle_seed=_given(self.shuffle_seed, nonce, output),
            initial_seed=_given(self.initial_seed, nonce, output),
        )

    def lr_at(self, epoch: int) -> float:
        """The learning rate of an epoch, counted from 0."""
        rate = self.lr
        for start, changed in self.schedule:
            if epoch >= start:
                rate = changed
        return rate


class _Table:
    """One table of the file, read entry by entry; `done` refuses what nobody asked for."""

    def __init__(self, content: Mapping[str, Any], where: str) -> None:
        self._content = dict(content)
        self._where = where

    def take(self, name: str, kind: type, default: Any = ...) -> Any:
        label = f"{self._where}{name}"
        if name not in self._content:
            if default is ...:
                raise UsageError(f"the run file does not say {label}")
            return default
        value = self._content.pop(name)
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise UsageError(f"run file: {label} is {value!r}, not {_KINDS[kind]}")
        return value

    def positive(self, name: str, kind: type = int, default: Any = ...) -> Any:
        value = self.take(name, kind, default)
        if not value > 0:
            raise UsageError(f"run file: {self._where}{name} is {value}; it must be positive")
        return value

    def pop(self, name: str) -> Any:
        """An entry of any kind, None if it is not there."""
        return self._content.pop(name, None)

    def named(self, name: str) -> str:
        """How errors call an entry."""
        return f"{self._where}{name}"

    def done(self) -> None:
        if self._content:
            raise UsageError(f"run file: unknown entry {self._where}{next(iter(self._content))}")


_KINDS = {
    int: "a whole number",
    float: "a number",
    str: "text",
    bool: "true or false",
    list: "a list",
    dict: "a table",
}


def read_run_file(path: Path) -> RunFile:
    """Read and check the file. Raises `UnreadableFile` or `UsageError` naming the entry."""
    try:
        document = read_toml(read_limited(path, limit=1 << 20, what="run file"))
    except ValueError as error:
        raise UnreadableFile(f"the run file {path} is not TOML: {error}") from error
    top = _Table(document, "")
    model = _Table(top.take("model", dict, {}), "model.")
    optimizer = _Table(top.take("optimizer", dict), "optimizer.")
    vault = top.take("vault", str, None)
    hidden = model.take("hidden", list, [])
    if not all(isinstance(width, int) and not isinstance(width, bool) and width > 0 for width in hidden):
        raise UsageError(f"run file: model.hidden is {hidden!r}, not a list of positive whole numbers")
    activation = model.take("activation", str, "relu")
    if activation not in ACTIVATIONS:
        raise UsageError(f"run file: model.activation is {activation!r}; there are {', '.join(ACTIVATIONS)}")
    initial = model.take("initial", str, "given")
    if initial not in ("given", "seed"):
        raise UsageError(f'run file: model.initial is {initial!r}; there are "given" and "seed"')
    run = RunFile(
        vault=None if vault is None else path.parent / vault,
        data=top.take("data", str, None),
        epochs=top.positive("epochs"),
        batch_size=top.positive("batch_size"),
        shuffle_seed=_origin(top, "shuffle_seed"),
        init_seed=top.take("init_seed", int, 0),
        memory=top.take("memory", str, None),
        chunk_steps=top.take("chunk_steps", int, None),
        average=top.take("average", int, None),
        window_bits=top.take("window_bits", int, None),
        gradient_bits=top.take("gradient_bits", int, None),
        initial=cast(Initial, initial),
        initial_seed=_origin(model, "initial_seed"),
        drop_last=top.take("drop_last", bool, False),
        hidden=tuple(hidden),
        activation=activation,
        bias=model.take("bias", bool, True),
        lr=optimizer.positive("lr", float),
        momentum=optimizer.take("momentum", float, 0.0),
        nesterov=optimizer.take("nesterov", bool, False),
        weight_decay=optimizer.take("weight_decay", float, 0.0),
        schedule=_schedule(top.take("schedule", list, [])),
    )
    for table in (top, model, optimizer):
        table.done()
    return run


def _origin(table: _Table, name: str) -> Origin | None:
    """A seed: a number, "verifier", or a table with a nonce or a beacon."""
    value, label = table.pop(name), table.named(name)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return None if value is None else checked(value)
    if value == "verifier":
        return VerifierNonce()
    if not isinstance(value, dict):
        raise UsageError(f'run file: {label} is {value!r}, not a whole number, "verifier" or a table')
    entries = _Table(value, f"{label}.")
    origin: Origin
    if "nonce" in value:
        origin = VerifierNonce(from_hex(entries.take("nonce", str), f"run file: {label}.nonce"))
    else:
        beacon, number = entries.take("beacon", str), entries.take("round", int)
        output = entries.take("output", str, None)
        known = None if output is None else from_hex(output, f"run file: {label}.output")
        origin = Beacon(beacon, number, known)
    entries.done()
    return origin


def _given(origin: Origin | None, nonce: bytes | None, output: bytes | None) -> Origin | None:
    match origin:
        case VerifierNonce(nonce=None):
            return VerifierNonce(nonce)
        case Beacon(output=None):
            return replace(origin, output=output)
        case _:
            return origin


def _schedule(entries: list[Any]) -> tuple[tuple[int, float], ...]:
    out: list[tuple[int, float]] = []
    for entry in entries:
        if not isinstance(entry, dict):
            raise UsageError("run file: schedule is not a list of tables")
        table = _Table(entry, "schedule.")
        out.append((table.positive("epoch"), table.positive("lr", float)))
        table.done()
    if [epoch for epoch, _ in out] != sorted({epoch for epoch, _ in out}):
        raise UsageError("run file: the epochs of the schedule do not ascend")
    return tuple(out)
