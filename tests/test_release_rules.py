"""The safety rules refuse by name, before anything is proven or charged, and leave a trace when set aside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import tacit
from release_cases import synthetic, train
from tacit import session
from tacit.errors import ReleaseRefused, UsageError
from tacit.vault import Secret


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tacit.CommittedData]:
    folder = tmp_path_factory.mktemp("rules")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        patch.delenv("TACIT_PASSPHRASE", raising=False)
        yield tacit.commit(*synthetic(96, 4), vault=folder / "owner.vault", quiet=True)


def run(
    data: tacit.CommittedData, hidden: int = 0, batch: int = 16, steps: int = 100, lr: float = 0.125
) -> tacit.Run:
    torch.manual_seed(hidden)
    layers = [nn.Linear(4, hidden), nn.ReLU(), nn.Linear(hidden, 2)] if hidden else [nn.Linear(4, 2)]
    return tacit.run_of(train(nn.Sequential(*layers), data, batch_size=batch, steps=steps, lr=lr))


def refusal(of: tacit.Run, **options: Any) -> str:
    before = {k: a.spent for k, a in of.vault.accounts().items()}
    with pytest.raises(ReleaseRefused, match=r"^rule: ") as caught:
        tacit.release(of, quiet=True, **options)
    assert caught.value.exit_code == 2
    assert of.blob("chunk-0") is None, "nothing is proven for a release that is refused"
    spent = {k: a.spent for k, a in of.vault.accounts().items()}
    assert {k: spent[k] for k in before} == before
    assert not of.vault.has(f"releases/{of.name}")
    return caught.value.rule


def test_few_rows(data: tacit.CommittedData) -> None:
    assert refusal(run(data, hidden=24)) == "FewRows"


def test_single_row_batches(data: tacit.CommittedData) -> None:
    assert refusal(run(data, batch=1, lr=0.0625)) == "SingleRowBatches"


def test_few_steps(data: tacit.CommittedData) -> None:
    assert refusal(run(data, steps=99)) == "FewSteps"


def test_exact_weights(data: tacit.CommittedData) -> None:
    of = run(data)
    assert refusal(of, bits=of.record().config.scales.fw) == "ExactWeights"


def test_known_columns(data: tacit.CommittedData) -> None:
    of = run(data)
    names = data.quantised.feature_names
    assert refusal(of, known_columns=names, known_labels=True) == "DataBits"


def test_widths_that_no_rule_and_no_exemption_allows(data: tacit.CommittedData) -> None:
    of = run(data)
    for bits in [-1, 0, 3, 64]:
        with pytest.raises(UsageError, match="fractional bits"):
            tacit.release(of, bits=bits, data_is_public=True, quiet=True)
    assert of.blob("chunk-0") is None


def test_circumstances_that_are_none(data: tacit.CommittedData) -> None:
    statement = run(data).statement(run(data).record())
    good = session.Circumstances(known=[], feature_bits=[12] * 4, earlier="nothing", data_is_public=False)
    session.check_release(statement, 12, good)
    cases = [
        (replace(good, known=[6]), "column 6 is listed as known, the data set has 6 columns"),
        (replace(good, feature_bits=[12] * 3), "3 feature widths for 4 features"),
        (replace(good, earlier="never"), "circumstances: unknown variant `never`"),  # type: ignore[arg-type]
        (replace(good, known=[-1]), "circumstances: invalid value"),
    ]
    for circumstances, message in cases:
        with pytest.raises(UsageError, match=message):
            session.check_release(statement, 12, circumstances)
    for earlier in ["same", "neighbouring"]:
        with pytest.raises(ReleaseRefused) as caught:
            session.check_release(statement, 12, replace(good, earlier=earlier))  # type: ignore[arg-type]
        assert caught.value.rule == "EarlierRelease"


@pytest.fixture(scope="module")
def first(data: tacit.CommittedData) -> tacit.Run:
    """A run with a release; comes after the tests that need a vault without one."""
    of = run(data, hidden=5)
    tacit.release(of, bits=12, quiet=True)
    return of


def test_what_is_released_is_checked_against_the_commitment(first: tacit.Run) -> None:
    record = first.record()
    proof = tacit.prove(first, quiet=True).content
    opening, _ = first.boundary(1, record)
    weights, secret = record.final.flat_weights(), first.vault.secret()
    told = session.Circumstances(known=[], feature_bits=[12] * 4, earlier="nothing", data_is_public=True)
    names = list(record.parameter_names)
    good = (proof, weights, None, opening, 12, told, names, secret)

    def refused(place: int, value: Any, message: str) -> None:
        arguments = [*good[:place], value, *good[place + 1 :]]
        with pytest.raises(UsageError, match=message):
            session.prove_release(*arguments)  # type: ignore[arg-type]

    other = weights.copy()
    other[3] += 1
    refused(1, other, "these are not the model and seed of the commitment")
    refused(1, weights[1:], f"{len(weights) - 1} weights for an architecture of {len(weights)}")
    refused(3, session.Opening(opening.file, Secret.random()), "not the model and seed")
    start, _ = first.boundary(0, record)
    refused(3, start, "these are not the model and seed of the commitment")
    refused(6, names[:1], "1 entries for 2 layers")
    refused(6, [names[0], (names[0][0], "b")], "is used twice")
    refused(6, [names[0], ("w", None)], "layer 1 has a bias without a name")
    refused(7, Secret(b"short"), "has 5 bytes, not 32")


def test_a_second_release_is_refused_and_an_exemption_is_published(
    first: tacit.Run, data: tacit.CommittedData, tmp_path: Path
) -> None:
    said = rf"weights trained on this data set were released before \(the release of {first.name}\)"
    for of, bits in ((first, 11), (run(data, steps=112), 12)):
        before = {k: a.spent for k, a in of.vault.accounts().items()}
        with pytest.raises(ReleaseRefused, match=said) as caught:
            tacit.release(of, bits=bits, quiet=True)
        assert caught.value.rule == "EarlierRelease"
        after = {k: a.spent for k, a in of.vault.accounts().items()}
        assert {k: after[k] for k in before} == before
    made = tacit.release(first, bits=8, data_is_public=True, quiet=True)
    tacit.prove(first, quiet=True).save(tmp_path / "run.tacit")
    model, proof = made.save(tmp_path / "model.safetensors", tmp_path / "release.tacit")
    verdict = tacit.verify(proof, run=tmp_path / "run.tacit", model=model)
    assert any("declaring the training data public" in line for line in verdict.shown)
    assert not any("safety rules" in line for line in verdict.not_shown)
    assert verdict.statement["release"]["exemption"] == "PublicData"
    for tensor in load_file(model).values():
        scaled = tensor.numpy() * 256
        assert np.array_equal(scaled, np.round(scaled))
