"""A short run of the fuzzer of `fuzz/` in every run of the tests, and what it and the kills have found."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from fuzz.__main__ import Finding, attempt, fuzz, outcome
from fuzz.changes import changed_bytes, changed_text
from fuzz.targets import SCHEMA, TARGETS, Target, World, chosen, honest

import tacit
from tacit.cli._run_file import read_run_file
from tacit.dataset import Column, Schema
from tacit.dataset.load import load
from tacit.errors import BudgetError, DataError, UnreadableFile, UsageError
from tacit.proving import estimate, prove
from tacit.training import run_of
from tacit.vault import Vault

ATTEMPTS = 2_000
"""Of a clock that counts its readings: about as many changed files, whatever the machine."""


def test_every_reader_gives_a_verdict_or_one_of_our_errors():
    seen, findings = fuzz(ATTEMPTS, seed=1, clock=itertools.count().__next__)
    assert findings == []
    assert all(seen[target.name].total() > 0 for target in TARGETS)


@pytest.mark.parametrize("text", [b"[" * 50_000, b'{"format": ' * 5_000, b"\xff", b"{}", b"1" * 5_000, b""])
def test_vault_headers_that_the_json_reader_gives_up_on(tmp_path, text):
    Vault.create(tmp_path / "v.vault").close()
    (tmp_path / "v.vault" / "vault.json").write_bytes(text)
    with pytest.raises(UnreadableFile, match="the header of the vault"):
        Vault.open(tmp_path / "v.vault")


LONG = ("1" + "0" * 400, "0x" + "f" * 5000)
"""Integers that no float holds, and that Python does not print."""


@pytest.mark.parametrize("clip", ['["x", 2]', "[true, 2]", "[2, 1]", *(f"[0, {value}]" for value in LONG)])
def test_schema_refuses_a_clip_that_is_no_interval_of_numbers(tmp_path, clip):
    path = tmp_path / "schema.toml"
    path.write_text(SCHEMA.replace("[-8.0, 8.0]", clip))
    with pytest.raises((DataError, UnreadableFile), match=r"the clip interval is|more than 1,000 bits"):
        Schema.load(path)


@pytest.mark.parametrize("entry", ["offset", "divisor"])
@pytest.mark.parametrize("value", [*LONG, "inf", "nan", "true", '"1"'])
def test_schema_refuses_what_is_no_number(tmp_path, entry, value):
    old = {"offset": "offset = 0.0", "divisor": "divisor = 2.0"}[entry]
    path = tmp_path / "schema.toml"
    path.write_text(SCHEMA.replace(old, f"{entry} = {value}"))
    with pytest.raises((DataError, UnreadableFile), match=rf"{entry} is|more than 1,000 bits"):
        Schema.load(path)


def test_columns_refuse_integers_that_no_float_holds():
    with pytest.raises(DataError, match="the divisor is"):
        Schema({"a": Column(offset=0, divisor=10**400)})
    with pytest.raises(DataError, match="the fill value is"):
        Schema({"a": Column(fill=10**400)})


@pytest.mark.parametrize("text", ["a = " + "9" * 5000, "a = " + "[" * 5000, "a = " + "{a=" * 5000])
def test_texts_that_the_toml_reader_gives_up_on(tmp_path, text):
    path = tmp_path / "file.toml"
    path.write_text(text)
    with pytest.raises(UnreadableFile, match="is not TOML"):
        Schema.load(path)
    with pytest.raises(UnreadableFile, match="is not TOML"):
        read_run_file(path)


@pytest.mark.parametrize("value", LONG)
@pytest.mark.parametrize("entry", ["epochs", "optimizer.lr", "shuffle_seed"])
def test_run_file_refuses_integers_that_python_does_not_print(tmp_path, entry, value):
    content = {"epochs": "2", "batch_size": "2", "optimizer.lr": "1", entry: value}
    path = tmp_path / "run.toml"
    path.write_text("".join(f"{name} = {text}\n" for name, text in content.items()))
    with pytest.raises(UnreadableFile, match="more than 1,000 bits"):
        read_run_file(path)


def test_parquet_with_text_that_is_not_utf8(tmp_path):
    import pyarrow
    import pyarrow.parquet

    column = pyarrow.array([b"\x80", b"x"]).view(pyarrow.utf8())
    pyarrow.parquet.write_table(pyarrow.table({"a": column, "label": [0, 1]}), tmp_path / "t.parquet")
    with pytest.raises(UnreadableFile, match="a value that cannot be read"):
        load(tmp_path / "t.parquet")


def test_a_run_survives_attempts_that_did_not_finish(tmp_path):
    """Each killed attempt is charged; after three of them a chain could not be proven any more."""
    x = np.random.default_rng(5).normal(size=(24, 3))
    data = tacit.commit(x, np.arange(24) % 2, vault=tmp_path / "v.vault", quiet=True)
    trained = tacit.fit(data, hidden=[2], epochs=2, batch_size=4, lr=0.125, shuffle_seed=3, chunk_steps=8)
    run = run_of(trained)
    record, rows = run.record(), estimate(run).rows_per_proof
    assert run.chunks() == 2
    inside = run.boundary(1, record)[1].digest.hex()
    for _ in range(6):
        run.vault.budget.charge({inside: rows}, "an attempt that was killed")
    path = prove(run, quiet=True).save(tmp_path / "run.tacit")
    tacit.verify(path)
    with pytest.raises(BudgetError, match="or train again"):
        run.vault.budget.charge({inside: 100 * rows}, "too many")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World.made(tmp_path_factory.mktemp("world"))


def test_findings_are_found(world):
    """The fuzzer itself: acceptances, foreign exceptions, told secrets and empty messages are findings."""
    path = world.directory / "run.toml"

    def failing(error):
        def read(_world, _path):
            raise error

        return Target("x", "run.toml", read)

    for target in (
        Target("x", "run.toml", lambda _, path: path.read_bytes(), bound=True),
        failing(TypeError("foreign")),
        failing(UsageError("")),
        failing(UsageError("internal error: the work was lost")),
        failing(UsageError(f"the key is {world.secrets[0]}")),
    ):
        with pytest.raises((AssertionError, TypeError)):
            outcome(target, world, path, b"")
    assert outcome(failing(UsageError("named")), world, path, b"") == "UsageError"

    class Once:
        def choice(self, files):
            return files[0]

        def randrange(self, *_):
            return 1

    changed = Target("x", "run.toml", failing(TypeError("foreign")).read, lambda file, _: file + b"#")
    before = path.read_bytes()
    with pytest.raises(Finding, match="TypeError at test_fuzz"):
        attempt(changed, world, None, Once())
    assert path.read_bytes() == before


def test_honest_files_are_read(world):
    assert set(honest(world)) == {target.name for target in TARGETS}
    assert chosen("vault")[0].name == "vault"
    with pytest.raises(SystemExit, match="no target"):
        chosen("nothing of that name")


@pytest.mark.parametrize("change", [changed_bytes, changed_text])
def test_changes_of_any_file(change):
    import random

    for seed in range(300):
        choose = random.Random(seed)
        for file in (b"", b"x", b"a,b\n1,2\n", bytes(range(256))):
            assert isinstance(change(file, choose), bytes)
