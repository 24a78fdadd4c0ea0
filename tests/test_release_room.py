"""The rules that read the data: bits that a recipient lacks, known rows, values of few rows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from math import comb, factorial, log2
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import tacit
from release_cases import synthetic, train
from tacit.cli import main
from tacit.errors import ReleaseRefused, UsageError
from tacit.release_room import code_length, unknown_bits, unordered_bits
from tacit.releasing import check

_vaults = count()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("room")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        patch.delenv("TACIT_PASSPHRASE", raising=False)
        yield folder


def commit(x: Any, y: Any, folder: Path, **options: Any) -> tacit.CommittedData:
    vault = folder / f"owner-{next(_vaults)}.vault"
    return tacit.commit(x, y, vault=vault, key_file=folder / "key", quiet=True, **options)


def run(data: tacit.CommittedData) -> tacit.Run:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(data.features.shape[1], 2))
    return tacit.run_of(train(network, data, batch_size=16, steps=100))


def refusal(of: tacit.Run, **options: Any) -> ReleaseRefused:
    with pytest.raises(ReleaseRefused, match=r"^rule: ") as caught:
        check(of, **options)
    with pytest.raises(ReleaseRefused):
        tacit.release(of, quiet=True, **options)
    assert of.blob("chunk-0") is None, "nothing is proven for a release that is refused"
    check(of, data_is_public=True, **options)
    return caught.value


@pytest.fixture(scope="module")
def plain(folder: Path) -> tacit.Run:
    return run(commit(*synthetic(96, 4), folder))


def test_rows_count_whatever_their_order() -> None:
    assert unordered_bits(20, 3.0) == pytest.approx(log2(comb(27, 20)))
    assert unordered_bits(1, 7.5) == pytest.approx(7.5)
    assert unordered_bits(50, 0.0) == 0.0
    assert unordered_bits(100, 300.0) == pytest.approx(100 * 300 - log2(factorial(100)))
    # Both formulas meet where one takes over from the other.
    assert unordered_bits(100, 40.001) == pytest.approx(unordered_bits(100, 39.999), abs=1)


def test_labels_count_by_what_the_model_does_not_predict(plain: tacit.Run, folder: Path) -> None:
    record, data = plain.record(), plain.data()
    w = record.final.weights[0] * 2.0**-record.config.scales.fw
    logits = np.c_[data.features / 2.0**data.fa, np.ones(data.n)] @ w
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    expected = -np.log2(p[np.arange(data.n), data.labels]).sum()
    assert code_length(record.config, data, record.final.flat_weights()) == pytest.approx(expected)
    assert expected < data.n, "the model predicts something"


def test_binary_labels_and_targets_count_likewise(folder: Path) -> None:
    x, y = synthetic(96, 4)
    for labels, kind in ((y, "binary"), (x @ [0.5, 0.25, 0.0, -0.5] + 0.1 * x[:, 0] ** 2, "real")):
        data = commit(x, labels, folder, label_kind=kind)
        record = tacit.run_of(tacit.fit(data, epochs=4, batch_size=16)).record()
        w = record.final.weights[0] * 2.0**-record.config.scales.fw
        out = (np.c_[data.features / 2.0**data.fa, np.ones(data.n)] @ w)[:, 0]
        true = data.labels[:, 0]
        if kind == "binary":
            expected = -np.log2(1 / (1 + np.exp(np.where(true == 1, -out, out)))).sum()
        else:
            spread = (true - out * 2.0**data.fa).std()
            expected = data.n * np.log2(spread * np.sqrt(2 * np.pi * np.e))
            assert 0 < expected < data.n * np.log2(true.std() * np.sqrt(2 * np.pi * np.e))
        assert code_length(record.config, data, record.final.flat_weights()) == pytest.approx(expected)


def test_known_features_leave_the_labels(plain: tacit.Run) -> None:
    record, data = plain.record(), plain.data()
    weights = record.final.flat_weights()
    left = code_length(record.config, data, weights)
    assert unknown_bits(record.config, data, weights, known=range(4)) == pytest.approx(left, rel=1e-6)
    assert unknown_bits(record.config, data, weights, known=range(5)) == 0.0
    assert unknown_bits(record.config, data, weights, known=[]) > 1000
    assert refusal(plain, known_columns=data.quantised.feature_names).rule == "DataBits"


def test_known_rows(plain: tacit.Run) -> None:
    check(plain, known_rows=60)
    assert refusal(plain, known_rows=95).rule == "FewRows"
    assert refusal(plain, known_rows=88).rule == "FewRows"
    # Nine rows are enough for the first rule and hold fewer bits than 10 weights of 17 and more.
    assert refusal(plain, known_rows=87, bits=20).rule == "DataBits"
    for rows in (-1, 97):
        with pytest.raises(UsageError, match=f"{rows} known rows of a data set of 96"):
            check(plain, known_rows=rows)
    with pytest.raises(ReleaseRefused, match="7 rows that the recipient does not know"):
        check(plain, known_rows=89)


def test_known_rows_on_the_command_line(plain: tacit.Run, capsys: pytest.CaptureFixture[str]) -> None:
    vault = plain.vault.path
    code = main(
        ["release", "--vault", str(vault), "--key-file", str(vault.parent / "key"), "--known-rows", "95"]
    )
    assert code == 2
    assert "1 rows that the recipient does not know" in capsys.readouterr().err.replace("\n", " ")


def test_a_value_of_few_rows(folder: Path) -> None:
    x, y = synthetic(96, 4)
    x[:, 3] = 0.0
    x[:9, 3] = 1.0
    refused = refusal(run(commit(x, y, folder)))
    assert refused.rule == "RareValues"
    assert "9 of 96 rows differ from the most common value of column" in str(refused)
    x[9, 3] = 1.0
    check(run(commit(x, y, folder)))
    x[:, 3] = 0.0
    check(run(commit(x, y, folder)))


def test_a_class_of_few_rows(folder: Path) -> None:
    x, y = synthetic(96, 4)
    y[:] = 0
    y[:9] = 1
    refused = refusal(run(commit(x, y, folder)))
    assert refused.rule == "RareValues"
    assert "9 of 96 rows differ from the most common value of the labels' classes" in str(refused)
    y[9] = 1
    check(run(commit(x, y, folder)))


def test_indicators_of_a_category_count_once(folder: Path) -> None:
    """Ten indicators of one column hold the bits of the column, not ten bits."""
    random = np.random.default_rng(1)
    kinds = np.repeat(np.arange(8), 25)
    random.shuffle(kinds)
    import pandas

    table = pandas.DataFrame({"kind": [f"k{k}" for k in kinds]})
    data = commit(table, (kinds % 2 == 0).astype(np.int64), folder, categorical=["kind"])
    assert data.features.shape[1] == 8
    of = run(data)
    record = of.record()
    held = unknown_bits(record.config, data, record.final.flat_weights(), known=[])
    assert held < unordered_bits(200, 3.0 + 1.0) < 200 * 3
    assert refusal(of).rule == "DataBits"
