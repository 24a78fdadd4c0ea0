"""Relations between the rows of two data sets: proven, verified by both verifiers, refused by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from spec.johnson import summed
from spec.link import LinkedRows, LinkProof, verify_link
from spec.verify import verify_linked, verify_on_run
from spec.wire import read_file, write_file

import tacit
from spec_mutations import with_change
from spec_targets import Target, sweep
from tacit.cli import main
from tacit.errors import ProofRejected, ReportRefused, UsageError


def table(seed: int, rows: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(random.normal(size=(rows, 3)).round(3), columns=["a", "b", "c"])
    frame["y"] = np.where(frame["a"] > frame["b"], "yes", "no")
    return frame


@dataclass
class Files:
    at: Path
    data: dict[str, tacit.CommittedData]
    run: tacit.Run

    def __getitem__(self, name: str) -> Path:
        return self.at / name


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Files]:
    at = tmp_path_factory.mktemp("rows")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(at / "state"))
        patch.delenv("TACIT_PASSPHRASE", raising=False)
        train, test = table(1, 90), table(2, 40)
        leaky = pd.concat([test, train.iloc[17:18]])
        tables = {
            "train": train,
            "test": test,
            "leaky": leaky,
            "part": train.iloc[[5, 80, 5, 11]],
            "turned": train.iloc[::-1],
        }
        data: dict[str, tacit.CommittedData] = {}
        for name, rows in tables.items():
            like = {"schema": data["train"].schema} if data else {}
            data[name] = tacit.commit(rows, "y", vault=at / "v.vault", name=name, quiet=True, **like)
        run = tacit.run_of(tacit.fit(data["train"], epochs=2, batch_size=16, lr=0.125))
        tacit.prove(run, quiet=True).save(at / "run.tacit")
        tacit.evaluate(run, data["test"], metrics="accuracy", quiet=True).save(at / "report.tacit")
        found = Files(at, data, run)
        for name, first, second, relation in PROVEN:
            tacit.compare_rows(data[first], data[second], relation, quiet=True).save(at / name)
        yield found


PROVEN = [
    ("disjoint.rows", "train", "test", "disjoint"),
    ("backwards.rows", "test", "train", "disjoint"),
    ("subset.rows", "part", "train", "subset"),
    ("same.rows", "turned", "train", "same"),
]


@pytest.mark.parametrize(("name", "first", "second", "relation"), PROVEN)
def test_honest_relations_are_accepted_by_both(
    name: str, first: str, second: str, relation: str, files: Files
) -> None:
    sides = {"data": files[f"{first}.commitment"], "to": files[f"{second}.commitment"]}
    verdict = tacit.verify(files[name], **sides)  # type: ignore[arg-type]
    start = {"disjoint": "No row of commitment ", "subset": "Every row of commitment "}.get(
        relation, "Commitments "
    )
    assert verdict.shown[0].startswith(start)
    assert not any("commitment files" in line for line in verdict.not_shown)
    facts = verify_linked(files[name].read_bytes(), *(path.read_bytes() for path in sides.values()))
    assert facts["first"] == files.data[first].digest.hex() == verdict.statement["link"]["first_digest"]
    found = verify_link(read_file("link", LinkProof, files[name].read_bytes()))
    bits = summed(bits for _, bits in found.soundness)
    assert bits == pytest.approx(-dict(verdict.soundness)["total, link"], abs=1e-6)
    alone = tacit.verify(files[name])
    assert any("both commitments are valid" in line for line in alone.not_shown)


@pytest.mark.parametrize("name", ["disjoint.rows", "subset.rows", "same.rows"])
def test_changed_relations_are_rejected_by_both(name: str, files: Files, tmp_path: Path) -> None:
    def judge(content: bytes) -> None:
        verify_link(read_file("link", LinkProof, content))

    t = Target("link", LinkProof, files[name].read_bytes(), tacit.verify, judge)
    counts = sweep(t, tmp_path / "changed.rows", 1, 1, 10, seed=1)
    assert counts.keys() >= {"SourceClaim", "ColumnClaim", "MessageMissing"}


def test_the_same_proof_under_another_relation(files: Files, tmp_path: Path) -> None:
    contents = {name: read_file("link", LinkProof, files[name].read_bytes()) for name, *_ in PROVEN}
    relations = [
        body.statement.linked.relation
        for body in contents.values()
        if isinstance(body.statement.linked, LinkedRows)
    ]
    for name, body in contents.items():
        for relation in relations:
            linked = body.statement.linked
            assert isinstance(linked, LinkedRows)
            if relation == linked.relation:
                continue
            changed = with_change(body, ("statement", "linked", "relation"), relation)
            path = tmp_path / name
            path.write_bytes(write_file("link", changed))
            with pytest.raises(ProofRejected):
                tacit.verify(path)


def test_relations_that_do_not_hold_are_refused_and_cost_nothing(files: Files) -> None:
    data, vault = files.data, files.run.vault
    before = vault.accounts()
    for first, second, relation, message in [
        ("train", "leaky", "disjoint", "row 17 of 'train' is row 40 of 'leaky'"),
        ("part", "train", "same", "row 2 of 'part' is not so often in 'train'"),
        ("test", "train", "subset", "row 0 of 'test' is not in 'train'"),
    ]:
        with pytest.raises((ReportRefused, UsageError)) as raised:
            tacit.compare_rows(data[first], data[second], relation)  # type: ignore[arg-type]
        told = str(raised.value)
        assert message in told or "rows = " in told  # different numbers of rows are refused before
    assert vault.accounts() == before
    with pytest.raises(UsageError, match="one commitment"):
        tacit.compare_rows(data["train"], data["train"])
    with pytest.raises(UsageError, match="none of same"):
        tacit.compare_rows(data["train"], data["test"], "equal")  # type: ignore[arg-type]


def test_a_report_says_that_none_of_its_rows_was_trained_on(files: Files) -> None:
    line = "None of the rows of that data set is a row of the training data."
    known = {"run": files["run.tacit"], "training": files["train.commitment"], "data": files["test.commitment"]}
    without = tacit.verify(files["report.tacit"], **known)  # type: ignore[arg-type]
    assert line not in without.shown
    assert "that none of the rows was in the training data" in without.not_shown
    for name in ("disjoint.rows", "backwards.rows"):
        verdict = tacit.verify(files["report.tacit"], link=files[name], **known)  # type: ignore[arg-type]
        assert line in verdict.shown
        assert "that none of the rows was in the training data" not in verdict.not_shown
        assert "total, link" in dict(verdict.soundness)
    content = {name: path.read_bytes() for name, path in known.items()}
    links = [files["disjoint.rows"].read_bytes()]
    facts = verify_on_run(
        files["report.tacit"].read_bytes(), content["run"], content["data"], content["training"], link=links
    )
    assert facts["report"].endswith("none of which was trained on")
    with pytest.raises(ProofRejected) as raised:
        tacit.verify(files["report.tacit"], link=files["subset.rows"], **known)  # type: ignore[arg-type]
    assert raised.value.check == "IdleLink"


def test_pages_and_the_command_line(
    files: Files, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tacit.html_report(
        files["disjoint.rows"], data=files["train.commitment"], to=files["test.commitment"]
    )
    assert "Rows of two data sets" in page.content
    monkeypatch.chdir(files.at)
    monkeypatch.setenv("TACIT_VAULT", "v.vault")
    assert main(["compare", "train", "test"]) == 0
    assert main(["verify", "rows.tacit", "--data", "train.commitment", "--to", "test.commitment"]) == 0
    assert "No row of commitment" in capsys.readouterr().out
    assert main(["compare", "train", "leaky", "--out", "never.rows"]) == 2
    assert "row 17 of 'train' is row 40 of 'leaky'" in capsys.readouterr().err
    assert main(["compare", "train", "nobody", "--out", "never.rows"]) == 2
    assert not (files.at / "never.rows").exists()
    assert main(["inspect", "rows.tacit"]) == 0
