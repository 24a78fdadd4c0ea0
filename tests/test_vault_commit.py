"""Committing data: what goes into the vault, what becomes public, and when a commitment is made again."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from native_double import ROWS_PER_PROOF, Failure, NativeDouble, unpack
from tacit import instruction_set, session
from tacit.commitment import commit, open_data
from tacit.dataset import Column, Schema
from tacit.errors import (
    DataError,
    NativeMissing,
    ProofRejected,
    ReleaseRefused,
    TrailingBytes,
    TruncatedFile,
    UnreadableFile,
    UsageError,
    WrongConfiguration,
    WrongData,
    WrongModel,
    WrongVersion,
)
from tacit.vault import Vault

X = np.array([[0.5, -1.25], [1.0, 2.0], [-3.5, 0.0]])
Y = np.array([0, 1, 0])


@pytest.fixture
def native(tmp_path, monkeypatch) -> NativeDouble:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("TACIT_PASSPHRASE", raising=False)
    double = NativeDouble()
    monkeypatch.setattr(session, "load", lambda: double)
    return double


def test_commit_prints_and_writes_the_public_part(native, tmp_path, capsys):
    data = commit(X, Y, vault=tmp_path / "clinic.vault")
    assert data.digest.hex() in capsys.readouterr().out
    file = (tmp_path / "clinic.commitment").read_bytes()
    assert file == data.file
    told = unpack(file)["description"]
    assert told["schema_id"] == data.schema_id.hex()
    assert told["names"] is None
    assert told["released"][0] == "the number of rows"
    assert set(json.loads(told["schema"])) == {
        "classes", "data_bits", "fa", "features", "format", "labels", "rule",
    }  # fmt: skip
    assert (data.n, data.fa, data.data_bits, data.label_kind, data.classes) == (3, 8, 12, "class", 2)


def test_commitments_of_equal_data_differ(native, tmp_path):
    first = commit(X, Y, vault=tmp_path / "a.vault", quiet=True)
    second = commit(X, Y, vault=tmp_path / "b.vault", quiet=True)
    assert first.digest != second.digest
    assert first.schema_id == second.schema_id


def test_the_same_data_is_committed_once(native, tmp_path, capsys):
    first = commit(X, Y, vault=tmp_path / "v.vault")
    again = commit(X, Y, vault=tmp_path / "v.vault")
    assert again.digest == first.digest
    assert native.calls == ["commit_dataset"]
    assert "already committed" in capsys.readouterr().out
    changed = X.copy()
    changed[1, 1] = 2.5
    other_options: list[dict[str, object]] = [{"proofs": 3}, {"publish_names": True}, {"fa": 7}, {"classes": 3}]
    for x, options in [(changed, {}), *[(X, o) for o in other_options]]:
        with pytest.raises(UsageError, match="under the name 'data'; choose another name"):
            commit(x, Y, vault=tmp_path / "v.vault", **options)
    other = commit(changed, Y, vault=tmp_path / "v.vault", name="later", quiet=True)
    assert other.digest != first.digest
    assert (tmp_path / "later.commitment").read_bytes() == other.file
    assert (tmp_path / "v.commitment").read_bytes() == first.file


def test_open_data_gives_back_what_was_committed(native, tmp_path):
    schema = Schema({"x0": Column(offset=1, divisor=2, clip=(-3, 3)), "x1": Column(offset=0, divisor=1)})
    made = commit(X, Y * 1.5 - 0.25, vault=tmp_path / "v.vault", schema=schema, quiet=True)
    read = open_data(tmp_path / "v.vault")
    assert np.array_equal(read.features, made.features)
    assert np.array_equal(read.labels, made.labels)
    assert read.schema == made.schema
    assert read.quantised.scales == made.quantised.scales
    assert read.quantised.target_scale == made.quantised.target_scale
    assert (read.digest, read.schema_id, read.file) == (made.digest, made.schema_id, made.file)
    assert (read.label_kind, read.classes, read.quantised.released) == ("real", 0, made.quantised.released)
    with pytest.raises(ValueError, match="read-only"):
        read.features[0, 0] = 0
    with pytest.raises(UsageError, match="no data called 'other'; it has data"):
        open_data(tmp_path / "v.vault", "other")


def test_the_budget_is_opened_with_the_commitment(native, tmp_path):
    data = commit(X, Y, vault=tmp_path / "v.vault", proofs=3, quiet=True)
    account = data.vault.accounts()[data.digest.hex()]
    assert (account.rows, account.reserve, account.spent) == (4 * ROWS_PER_PROOF, ROWS_PER_PROOF, 0)
    with pytest.raises(UsageError, match="proofs is 0"):
        commit(X, Y, vault=tmp_path / "v.vault", proofs=0)


def test_bad_data_makes_no_vault(native, tmp_path):
    with pytest.raises(DataError):
        commit(np.array([[np.nan]]), [0], vault=tmp_path / "v.vault")
    with pytest.raises(DataError, match=r"give y=\.\.\.; the columns are x0, x1"):
        commit(X, vault=tmp_path / "v.vault")
    assert os.listdir(tmp_path) == []


def test_a_failing_proof_leaves_the_name_free(native, tmp_path, monkeypatch):
    def fail(*_):
        raise Failure("usage", "", "", "no parameters fit")

    with monkeypatch.context() as patch:
        patch.setattr(native, "commit_dataset", fail)
        with pytest.raises(UsageError, match="no parameters fit"):
            commit(X, Y, vault=tmp_path / "v.vault")
    assert not (tmp_path / "v.commitment").exists()
    assert commit(X, Y, vault=tmp_path / "v.vault", quiet=True).n == 3


def test_nothing_private_is_outside_the_vault(native, tmp_path):
    import pandas as pd

    frame = pd.DataFrame({"hiv_status": [0.25, 0.5, 0.75], "outcome": ["relapse", "cured", "cured"]})
    data = commit(frame, "outcome", vault=tmp_path / "v.vault", quiet=True)
    public = (tmp_path / "v.commitment").read_bytes()
    stored = [p.read_bytes() for p in (tmp_path / "v.vault").rglob("*") if p.is_file()]
    for word in (b"hiv", b"relapse", b"cured", b"outcome"):
        assert word not in public
        assert not any(word in content for content in stored)
    seed = bytes(data.vault.secret("data/data").expose())
    assert seed not in public
    assert seed.hex().encode() not in public
    opted_in = commit(frame, "outcome", vault=tmp_path / "w.vault", publish_names=True, quiet=True)
    assert unpack(opted_in.file)["description"]["names"] == ["hiv_status"]


def test_repr_holds_no_values(native, tmp_path):
    data = commit(X, Y, vault=tmp_path / "v.vault", quiet=True)
    assert "features" not in repr(data)
    assert "896" not in repr(data)


def test_given_vault_object_and_path_for_the_public_file(native, tmp_path):
    vault = Vault.create(tmp_path / "v.vault", passphrase="p", scrypt_n=1 << 14)
    commit(X, Y, vault=vault, commitment=tmp_path / "public", quiet=True)
    assert (tmp_path / "public").exists()
    assert open_data(tmp_path / "v.vault", passphrase="p").n == 3


# The facade


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (Failure("rejected", "Opening", "proof", "m"), ProofRejected),
        (Failure("rejected", "DataCommitment", "data", "m"), WrongData),
        (Failure("rejected", "Weights", "model", "m"), WrongModel),
        (Failure("rejected", "NoWrap", "configuration", "m"), WrongConfiguration),
        (Failure("unreadable", "truncated", "", "m"), TruncatedFile),
        (Failure("unreadable", "trailing", "", "m"), TrailingBytes),
        (Failure("unreadable", "version", "", "m"), WrongVersion),
        (Failure("unreadable", "format", "", "m"), UnreadableFile),
        (Failure("release", "steps", "", "m"), ReleaseRefused),
        (Failure("usage", "", "", "m"), UsageError),
    ],
)
def test_every_category_of_failure_has_its_exception(failure, expected):
    error = session.translated(failure)
    assert type(error) is expected
    assert str(error) == "m"
    assert error.exit_code == {"rejected": 1, "unreadable": 3}.get(failure.category, 2)
    if isinstance(error, ProofRejected):
        assert error.check == failure.check


def test_without_the_compiled_module_the_error_says_so(monkeypatch):
    def missing(_):
        raise ModuleNotFoundError("tacit._native")

    # Another test may have loaded it.
    monkeypatch.delitem(sys.modules, "tacit._native", raising=False)
    monkeypatch.setattr(instruction_set.importlib, "import_module", missing)
    with pytest.raises(NativeMissing, match="compiled part of tacit is not installed"):
        session.describe(b"")


def test_only_the_facade_names_the_compiled_module():
    root = Path(session.__file__).parent
    users = {p.name for p in root.rglob("*.py") if "_native" in p.read_text()}
    assert users == {"session.py", "errors.py", "instruction_set.py"}
