"""Releases end to end: what a recipient can load, and every file that must not pass for it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sklearn.datasets import load_breast_cancer
from torch import nn

import tacit
from release_cases import Released, Tensors, flip, header_file, parts, released, synthetic, tensors_file
from tacit.errors import (
    ProofRejected,
    TrailingBytes,
    TruncatedFile,
    UnreadableFile,
    UsageError,
    WrongData,
    WrongKind,
    WrongModel,
    WrongVersion,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("release")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        patch.delenv("TACIT_PASSPHRASE", raising=False)
        yield folder


@pytest.fixture(scope="module")
def cancer(folder: Path) -> Released:
    """Breast cancer, 30-16-2, 108 steps."""
    x, y = load_breast_cancer(return_X_y=True)
    (folder / "cancer").mkdir()
    data = tacit.commit(x, y, vault=folder / "cancer" / "clinic.vault", quiet=True)
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(30, 16), nn.ReLU(), nn.Linear(16, 2))
    return released(network, data, folder / "cancer", batch_size=64, steps=108)


@pytest.fixture(scope="module")
def square(folder: Path) -> Released:
    """Two layers of one shape and one without a bias; other data, another run: two chunks, with momentum."""
    (folder / "square").mkdir()
    data = tacit.commit(*synthetic(240, 8), vault=folder / "square" / "owner.vault", quiet=True)
    torch.manual_seed(1)
    layers = [nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 2, bias=False)]
    options = {"batch_size": 32, "steps": 104, "chunk_steps": 64, "momentum": 0.5, "lr": 0.0625}
    return released(nn.Sequential(*layers), data, folder / "square", **options)


def test_the_released_model_is_the_run_s_rounded_and_loads_into_the_users_module(cancer: Released) -> None:
    state = load_file(cancer.folder / "model.safetensors")
    module = nn.Sequential(nn.Linear(30, 16), nn.ReLU(), nn.Linear(16, 2))
    module.load_state_dict(state, strict=True)
    record, data = cancer.run.record(), cancer.run.data()
    unit = 2.0 ** (record.config.scales.fw - 12)
    for layer, name in enumerate(["0", "2"]):
        exact = record.final.weights[layer] / unit
        got = torch.cat([state[f"{name}.weight"].T, state[f"{name}.bias"][None]]).double().numpy() * 4096
        assert np.array_equal(got, np.floor(exact + 0.5))
    x = torch.from_numpy((data.features / 2.0**data.fa).astype(np.float32))
    cancer.model.eval()
    with torch.no_grad():
        ours, theirs = cancer.model(x).argmax(1), module(x).argmax(1)
    assert (ours == theirs).float().mean() > 0.995
    assert (theirs.numpy() == data.labels).mean() > 0.95


def test_the_verdict_says_what_is_shown_and_what_is_not(cancer: Released) -> None:
    verdict = tacit.verify(
        cancer.folder / "release.tacit",
        run=cancer.folder / "run.tacit",
        model=cancer.folder / "model.safetensors",
        data=cancer.folder / "clinic.commitment",
    )
    assert "exactly these weights: 4 float32 tensors" in verdict.shown[0]
    assert "530 released weights and biases are the final weights of run" in verdict.shown[1]
    assert "nearest multiple of 2^-12" in verdict.shown[1]
    assert "108 steps of SGD" in verdict.shown[2]
    assert any("rounding limits it and does not bound it" in line for line in verdict.not_shown)
    assert any("safety rules" in line for line in verdict.not_shown)
    assert not any("no commitment file" in line for line in verdict.not_shown)
    assert not any("metadata" in line for line in verdict.not_shown)
    assert verdict.statement["kind"] == "release"
    told = verdict.statement["release"]
    assert told["names"] == [["0.weight", "0.bias"], ["2.weight", "2.bias"]]
    assert (told["bits"], told["weights"], told["exemption"]) == (12, 530, None)
    totals = {name: bits for name, bits in verdict.soundness if name.startswith("total")}
    assert set(totals) == {"total over 1 chunk(s)", "total, release", "total, data"}
    assert all(bits <= -128 for bits in totals.values())
    name, together = verdict.soundness[-1]
    assert name == "all proofs of this verdict together"
    assert together == pytest.approx(math.log2(sum(2.0**bits for bits in totals.values())))
    assert any("rests on 3 arguments" in line and f"2^{together:.1f}" in line for line in verdict.shown)


def test_a_release_is_described_without_being_checked(cancer: Released) -> None:
    verdict = tacit.inspect(cancer.folder / "release.tacit")
    assert "530 released weights" in verdict.shown[0]
    assert "the proof was not checked" in verdict.not_shown[0]
    assert verdict.statement["kind"] == "release"
    assert not verdict.soundness
    assert any("follow from its run" in line for line in verdict.not_shown)
    beside = tacit.inspect(cancer.folder / "release.tacit", run=cancer.folder / "run.tacit")
    checked = cancer.verify()
    assert dict(beside.soundness)["total, release"] == dict(checked.soundness)["total, release"]
    assert beside.soundness[-1][0] == "all proofs of this verdict together"
    with pytest.raises(UsageError, match="the run is for a release or a report"):
        tacit.inspect(cancer.folder / "run.tacit", run=cancer.folder / "run.tacit")
    with pytest.raises(UsageError, match=r"verify it with run=\.\.\. \(the proof of its run\) and model="):
        tacit.verify(cancer.folder / "release.tacit")


def test_layers_without_bias_and_files_of_other_writers(square: Released) -> None:
    verdict = square.verify()
    assert {"total over 2 chunk(s)", "total, release"} <= {name for name, _ in verdict.soundness}
    state = load_file(square.folder / "model.safetensors")
    assert sorted(state) == ["0.bias", "0.weight", "2.bias", "2.weight", "4.weight"]
    path = square.folder / "again.safetensors"
    # Another order, another alignment, with metadata: the same model.
    save_file(dict(reversed(state.items())), path, metadata={"format": "pt"})
    verdict = square.verify(model=path)
    assert "the metadata of the model file: it is no part of the model" in verdict.not_shown


def test_another_commitment_of_data(cancer: Released, square: Released) -> None:
    with pytest.raises(WrongData) as caught:
        tacit.verify(
            cancer.folder / "release.tacit",
            run=cancer.folder / "run.tacit",
            model=cancer.folder / "model.safetensors",
            data=square.folder / "owner.commitment",
        )
    assert caught.value.check == "DataCommitment"


def test_another_model_file(cancer: Released, square: Released) -> None:
    with pytest.raises(WrongModel) as caught:
        cancer.verify(model=square.folder / "model.safetensors")
    assert caught.value.check == "ModelTensorShape"
    # The same architecture with the unrounded weights of the same run.
    record = cancer.run.record()
    exact: Tensors = {}
    for name, matrix in zip(["0", "2"], record.final.weights, strict=True):
        values = (matrix / 2.0**record.config.scales.fw).astype(np.float32)
        exact |= {f"{name}.weight": values[:-1].T.copy(), f"{name}.bias": values[-1]}
    with pytest.raises(WrongModel) as caught:
        cancer.with_tensors(exact)
    assert caught.value.check == "ModelTensorValue"


@pytest.mark.parametrize("name", ["0.weight", "0.bias", "2.weight", "2.bias"])
@pytest.mark.parametrize("place", ["first", "last"])
def test_one_weight_off_by_the_least(cancer: Released, name: str, place: str) -> None:
    tensors = {n: t.copy() for n, t in cancer.release.weights.items()}
    flat = tensors[name].reshape(-1)
    at = 0 if place == "first" else -1
    flat[at] = np.nextafter(flat[at], np.float32(9), dtype=np.float32)
    with pytest.raises(WrongModel, match=f'tensor "{name}" entry') as caught:
        cancer.with_tensors(tensors)
    assert caught.value.check == "ModelTensorValue"


def test_minus_zero_is_not_zero(square: Released) -> None:
    tensors = {n: t.copy() for n, t in square.release.weights.items()}
    zeros = [(n, i) for n, t in tensors.items() for i in np.flatnonzero(t == 0.0)]
    assert all(not np.signbit(tensors[n].reshape(-1)[i]) for n, i in zeros)
    changes: list[tuple[str, Any]] = [("0.bias", np.nan), ("4.weight", np.inf)]
    changes += [(n, -0.0) for n, _ in zeros[:1]]
    for name, value in changes:
        changed = {n: t.copy() for n, t in tensors.items()}
        index = next((i for n, i in zeros if n == name), 0) if value == 0 else 0
        changed[name].reshape(-1)[index] = value
        with pytest.raises(WrongModel) as caught:
            square.with_tensors(changed)
        assert caught.value.check == "ModelTensorValue"


def renamed(tensors: Tensors, old: str, new: str) -> Tensors:
    return {new if name == old else name: tensor for name, tensor in tensors.items()}


STRUCTURE: dict[str, tuple[Callable[[Tensors], Tensors], str]] = {
    "renamed": (lambda t: renamed(t, "2.weight", "1.weight"), "ModelTensorMissing"),
    "without a bias": (lambda t: {n: v for n, v in t.items() if n != "0.bias"}, "ModelTensorMissing"),
    "empty": (lambda t: {}, "ModelTensorMissing"),
    "one more": (lambda t: t | {"head.weight": np.zeros(3, np.float32)}, "ModelTensorUnknown"),
    "one more, empty": (lambda t: t | {"4.bias": np.zeros(0, np.float32)}, "ModelTensorUnknown"),
    "same shape swapped": (
        lambda t: t | {"0.weight": t["2.weight"], "2.weight": t["0.weight"]},
        "ModelTensorValue",
    ),
    "biases swapped": (lambda t: t | {"0.bias": t["2.bias"], "2.bias": t["0.bias"]}, "ModelTensorValue"),
    "square transposed": (lambda t: t | {"0.weight": t["0.weight"].T.copy()}, "ModelTensorValue"),
    "transposed": (lambda t: t | {"4.weight": t["4.weight"].T.copy()}, "ModelTensorShape"),
    "flat": (lambda t: t | {"0.weight": t["0.weight"].reshape(-1)}, "ModelTensorShape"),
    "bias as a column": (lambda t: t | {"0.bias": t["0.bias"][:, None]}, "ModelTensorShape"),
    "double": (lambda t: t | {"0.weight": t["0.weight"].astype(np.float64)}, "ModelTensorType"),
    "half": (lambda t: t | {"2.bias": t["2.bias"].astype(np.float16)}, "ModelTensorType"),
    "integers": (lambda t: t | {"2.bias": t["2.bias"].view(np.int32)}, "ModelTensorType"),
}


@pytest.mark.parametrize("change", STRUCTURE)
def test_other_tensors(square: Released, change: str) -> None:
    make, check = STRUCTURE[change]
    with pytest.raises(WrongModel) as caught:
        square.with_tensors(make(dict(square.release.weights)))
    assert caught.value.check == check


def test_a_header_that_names_a_tensor_twice(square: Released) -> None:
    """The last of two entries wins in one reader, the first in another: two models in one file."""
    header, data = parts((square.folder / "model.safetensors").read_bytes())
    swapped = header | {"0.weight": header["2.weight"], "2.weight": header["0.weight"]}
    text = json.dumps(swapped)[:-1] + "," + json.dumps(header)[1:]
    assert parts(header_file(text, data))[0] == header
    with pytest.raises(UnreadableFile, match="stands twice in the header"):
        square.with_model(header_file(text, data))
    text = '{"__metadata__":{},"__metadata__":{"a":"b"},' + json.dumps(header)[1:]
    with pytest.raises(UnreadableFile, match='"__metadata__" stands twice'):
        square.with_model(header_file(text, data))


def test_damaged_model_files(square: Released) -> None:
    content = (square.folder / "model.safetensors").read_bytes()
    header, data = parts(content)
    overlap = header | {"2.weight": header["2.weight"] | {"data_offsets": header["0.weight"]["data_offsets"]}}
    far = header | {"2.weight": header["2.weight"] | {"data_offsets": [0, 2**64 - 1]}}
    cases: list[tuple[bytes, type[Exception], str]] = [
        (b"", TruncatedFile, "before its header"),
        (content[:7], TruncatedFile, "before its header"),
        (content[:40], TruncatedFile, "before its header"),
        (content[:-1], TruncatedFile, "1 bytes before its last tensor"),
        (content + b"\0", TrailingBytes, "1 bytes follow the last tensor"),
        ((1 << 21).to_bytes(8, "little") + content[8:], UnreadableFile, "its header has 2097152 bytes"),
        ((2**64 - 1).to_bytes(8, "little") + content[8:], UnreadableFile, "its header has"),
        (header_file("{", data), UnreadableFile, "not a safetensors file"),
        (header_file("[]", data), UnreadableFile, "a map of tensors"),
        (header_file(b"\xff".decode("latin-1"), data), UnreadableFile, "not a safetensors file"),
        (header_file(overlap, data), UnreadableFile, "not a safetensors file"),
        (header_file(far, data), TruncatedFile, "before its last tensor"),
        (header_file(header | {"x": {"dtype": "F32"}}, data), UnreadableFile, "data_offsets"),
        (b"PK\x03\x04" * 64, UnreadableFile, "its header has"),
    ]
    for changed, error, message in cases:
        with pytest.raises(error, match=message):
            square.with_model(changed)


def test_any_changed_bit_of_the_model_file_is_noticed(square: Released) -> None:
    model, changed = square.folder / "model.safetensors", square.folder / "flipped.safetensors"
    size = model.stat().st_size
    for at in [*range(8, 400, 31), *range(400, size, size // 9)]:
        with pytest.raises((WrongModel, UnreadableFile)):
            square.verify(model=flip(model, changed, at))


def test_the_release_of_another_run(cancer: Released, square: Released) -> None:
    with pytest.raises(ProofRejected) as caught:
        square.verify(release=cancer.folder / "release.tacit", model=cancer.folder / "model.safetensors")
    assert caught.value.check == "OtherRun"
    with pytest.raises(ProofRejected) as caught:
        square.verify(run=cancer.folder / "run.tacit")
    assert caught.value.check == "OtherRun"


def test_a_file_of_another_kind_in_every_place(square: Released) -> None:
    release, run = square.folder / "release.tacit", square.folder / "run.tacit"
    with pytest.raises(UsageError, match="this is the proof of a run: it is verified without run="):
        square.verify(release=run)
    for place, file, what in (
        ("run", release, "the proof of a release, not the proof of a run"),
        ("run", square.folder / "owner.commitment", "a data commitment, not the proof of a run"),
        ("model", release, "the proof of a release, not a safetensors file"),
    ):
        with pytest.raises(WrongKind, match=f"{place}='.*' is {what}"):
            square.verify(**{place: file})


def test_changed_proofs(square: Released) -> None:
    for place in ["release", "run"]:
        path = square.folder / f"{place}.tacit"
        content = path.read_bytes()
        changed = square.folder / "changed.tacit"
        changed.write_bytes(content[:-1])
        with pytest.raises(TruncatedFile):
            square.verify(**{place: changed})
        changed.write_bytes(content + b"\0")
        with pytest.raises(TrailingBytes):
            square.verify(**{place: changed})
        changed.write_bytes(content[:6] + (9).to_bytes(2, "big") + content[8:])
        with pytest.raises(WrongVersion):
            square.verify(**{place: changed})
        for at in range(60, len(content), len(content) // 6):
            with pytest.raises((ProofRejected, UnreadableFile)):
                square.verify(**{place: flip(path, changed, at)})


def test_a_model_file_that_follows_a_changed_release(square: Released) -> None:
    """Release and model file changed alike agree with each other, not with the run."""
    release = (square.folder / "release.tacit").read_bytes()
    forged = square.folder / "forged.tacit"
    forged.write_bytes(release.replace(b"0.weight", b"x.weight", 1))
    assert forged.read_bytes() != release
    model = square.folder / "forged.safetensors"
    model.write_bytes(tensors_file(renamed(dict(square.release.weights), "0.weight", "x.weight")))
    with pytest.raises(ProofRejected) as caught:
        square.verify(release=forged, model=model)
    assert not isinstance(caught.value, WrongModel)
    assert caught.value.check == "SourceClaim"
