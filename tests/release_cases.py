"""Runs to release, and model files to reject, for the tests of releases."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

import tacit
from tacit.releasing import Release
from tacit.session import Verdict
from tacit.weights_file import safetensors_bytes

Tensors = dict[str, NDArray[Any]]


@dataclass
class Released:
    """A trained and released model with its public files."""

    model: nn.Module
    run: tacit.Run
    release: Release
    folder: Path

    def verify(self, **changed: Path) -> Verdict:
        """The release with its run and model file, or others in their place."""
        files = {name: self.folder / f"{name}.tacit" for name in ("release", "run")}
        files["model"] = self.folder / "model.safetensors"
        files |= changed
        return tacit.verify(files.pop("release"), **files)

    def with_model(self, content: bytes) -> Verdict:
        """The release with another model file."""
        path = self.folder / "other.safetensors"
        path.write_bytes(content)
        return self.verify(model=path)

    def with_tensors(self, tensors: Tensors) -> Verdict:
        return self.with_model(tensors_file(tensors))


def train(
    network: nn.Module,
    data: tacit.CommittedData,
    *,
    steps: int,
    lr: float = 0.125,
    momentum: float = 0.0,
    **options: Any,
) -> nn.Module:
    """The ordinary loop, stopped after so many steps."""
    optimizer = torch.optim.SGD(network.parameters(), lr=lr, momentum=momentum)
    model, optimizer, loader, loss_fn = tacit.make_provable(
        network, optimizer, data, nn.CrossEntropyLoss(), shuffle_seed=7, **options
    )
    left = steps
    while left:
        for x, y in loader:
            optimizer.zero_grad()
            loss_fn(model(x), y).backward()
            optimizer.step()
            left -= 1
            if not left:
                break
    return model


def released(network: nn.Module, data: tacit.CommittedData, folder: Path, **options: Any) -> Released:
    """Trained, proven, released at 12 bits and saved."""
    model = train(network, data, **options)
    run = tacit.run_of(model)
    tacit.prove(run, quiet=True).save(folder / "run.tacit")
    release = tacit.release(run, bits=12, quiet=True)
    release.save(folder / "model.safetensors", folder / "release.tacit")
    return Released(model, run, release, folder)


def synthetic(rows: int, features: int, seed: int = 5) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    random = np.random.default_rng(seed)
    x = random.normal(size=(rows, features))
    return x, (x[:, 0] * x[:, 1] + x[:, 2] > 0).astype(np.int64)


def header_file(header: dict[str, Any] | str, data: bytes) -> bytes:
    """A safetensors file with this header, whatever it says."""
    text = (header if isinstance(header, str) else json.dumps(header)).encode()
    return len(text).to_bytes(8, "little") + text + data


def parts(content: bytes) -> tuple[dict[str, Any], bytes]:
    """Header and data of a safetensors file."""
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def tensors_file(tensors: Tensors) -> bytes:
    """A safetensors file of tensors of any type."""
    if all(t.dtype == np.float32 for t in tensors.values()):
        return safetensors_bytes(tensors)
    names = {"float64": "F64", "float16": "F16", "int32": "I32", "float32": "F32"}
    header: dict[str, Any] = {}
    data = b""
    for name, tensor in tensors.items():
        start, data = len(data), data + tensor.tobytes()
        header[name] = {
            "dtype": names[str(tensor.dtype)],
            "shape": list(tensor.shape),
            "data_offsets": [start, len(data)],
        }
    return header_file(header, data)


def flip(path: Path, to: Path, at: int) -> Path:
    """A copy with one bit changed."""
    content = bytearray(path.read_bytes())
    content[at % len(content)] ^= 1 << (at % 8)
    to.write_bytes(content)
    return to
