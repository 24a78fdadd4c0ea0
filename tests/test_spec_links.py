"""The second verifier on links: it accepts what the first does, and rejects what the first rejects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from spec.johnson import summed
from spec.link import LinkedData, LinkedModels, LinkProof, verify_link
from spec.proof import DataFile
from spec.rejected import Rejected
from spec.statement import BinaryLabels
from spec.verify import main, verify, verify_linked, verify_on_run
from spec.wire import read_file, write_file

import tacit
from spec_mutations import with_change
from spec_targets import Step, Target, last_raised, node, shorter, sweep
from tacit.errors import ProofRejected

FIXTURES = Path(__file__).parent / "fixtures"
X = np.random.default_rng(9).normal(size=(50, 4))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    at = tmp_path_factory.mktemp("links")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(at / "state"))
        patch.delenv("TACIT_PASSPHRASE", raising=False)
        data = tacit.commit(X, (X[:, 0] > 0).astype(int), vault=at / "v.vault", proofs=4, quiet=True)
        data.save(at / "data.commitment")
        trained = tacit.fit(data, hidden=[3], epochs=2, batch_size=16, lr=0.125, momentum=0.5)
        run = tacit.run_of(trained)
        tacit.prove(run, quiet=True).save(at / "run.tacit")
        for number in (2, 3):
            tacit.recommit(data, proofs=40 * number, quiet=True).save(
                at / f"data-{number}", at / f"data-{number}.link"
            )
            tacit.recommit(run, proofs=40 * number, quiet=True).save(
                at / f"model-{number}", at / f"model-{number}.link"
            )
        tacit.evaluate(run, metrics="accuracy", quiet=True).save(at / "report.tacit")
        tacit.release(run, bits=8, data_is_public=True, quiet=True).save(
            at / "m.safetensors", at / "release.tacit"
        )
        yield {path.name: path for path in at.iterdir() if path.is_file()}


def target(files: dict[str, Path], name: str) -> Target:
    """A link to change."""

    def judge(content: bytes) -> None:
        verify_link(read_file("link", LinkProof, content))

    return Target("link", LinkProof, files[name].read_bytes(), tacit.verify, judge)


LINKS = ("data-2.link", "model-2.link")


@pytest.mark.parametrize("name", LINKS)
def test_honest_links_are_accepted_by_both(name: str, files: dict[str, Path]) -> None:
    verdict = tacit.verify(files[name])
    found = verify_link(read_file("link", LinkProof, files[name].read_bytes()))
    stated = verdict.statement["link"]
    assert (stated["first_digest"], stated["second_digest"]) == (found.first.hex(), found.second.hex())
    assert isinstance(found.linked, LinkedData if name.startswith("data") else LinkedModels)
    bits = summed(bits for _, bits in found.soundness)
    assert bits == pytest.approx(-dict(verdict.soundness)["total, link"], abs=1e-6)
    assert bits >= 128


@pytest.mark.parametrize("name", LINKS)
def test_changed_links_are_rejected_by_both(name: str, files: dict[str, Path], tmp_path: Path) -> None:
    counts = sweep(target(files, name), tmp_path / "changed.link", 1, 1, 20, seed=1)
    assert sum(counts.values()) > 60
    assert counts.keys() >= {"SourceClaim", "ColumnClaim"}


def of(side: str, *path: Step) -> tuple[Step, ...]:
    return ("linked", side, *path)


def raised(n: int) -> int:
    """One more."""
    return n + 1


STATED: list[tuple[str, tuple[Step, ...], Callable[[Any], Any], str]] = [
    ("data-2.link", ("version",), raised, "Version"),
    ("data-2.link", of("second", "rows"), lambda n: n - 1, "Differs"),
    ("data-2.link", of("first", "fa"), lambda n: n - 1, "Differs"),
    ("data-2.link", of("second", "data_bits"), lambda n: n - 1, "Differs"),
    ("data-2.link", of("second", "labels"), lambda _: BinaryLabels(2), "Labels"),
    ("data-2.link", of("second", "schema"), lambda s: s[::-1], "Schema"),
    ("data-2.link", of("second", "vector", "log_inv_rate"), lambda _: 1, "Rates"),
    ("data-2.link", of("second", "version"), raised, "Record"),
    ("data-2.link", of("second", "vector", "root"), lambda r: r[::-1], "SourceClaim"),
    ("model-2.link", of("second", "layers"), shorter, "Layers"),
    ("model-2.link", of("second", "layers"), lambda _: [], "Record"),
    ("model-2.link", of("second", "fw"), raised, "Differs"),
    ("model-2.link", of("second", "velocity"), lambda _: False, "Differs"),
    ("model-2.link", of("first", "vector", "log_inv_rate"), lambda _: 1, "Rates"),
    ("model-2.link", of("first", "pin"), lambda e: e + e, "SourceClaim"),
]


@pytest.mark.parametrize(("name", "path", "change", "check"), STATED)
def test_each_rule_of_a_statement(
    name: str,
    path: tuple[Step, ...],
    change: Callable[[Any], Any],
    check: str,
    files: dict[str, Path],
    tmp_path: Path,
) -> None:
    t = target(files, name)
    body, path = read_file("link", LinkProof, t.content), ("statement", *path)
    changed = with_change(body, path, change(node(body, path)))
    assert t.assert_rejected(write_file("link", changed), tmp_path / "x.link", str(path)) == (check, check)


PROVEN: list[tuple[tuple[Step, ...], Callable[[Any], Any], str]] = [
    (("messages",), lambda _: [node_zero()], "MessageCount"),
    (("sacrifices",), lambda _: [(node_zero(), node_zero())], "SacrificeCount"),
    (("trace_root",), lambda root: root[::-1], "SourceClaim"),
    (("opening", "column_rounds"), last_raised, "ColumnClaim"),
    (("opening", "whir", "rounds", 0, "rows", "paths", "trees", 2, "siblings"), shorter, "Oracle(Tree(2))"),
]


def node_zero() -> Any:
    """0 of E."""
    from spec.field import ZERO

    return ZERO


@pytest.mark.parametrize(("path", "change", "check"), PROVEN)
def test_each_check_of_a_proof(
    path: tuple[Step, ...],
    change: Callable[[Any], Any],
    check: str,
    files: dict[str, Path],
    tmp_path: Path,
) -> None:
    t = target(files, "data-2.link")
    body = read_file("link", LinkProof, t.content)
    changed = with_change(body, ("proof", *path), change(node(body, ("proof", *path))))
    verdicts = t.assert_rejected(write_file("link", changed), tmp_path / "x.link", str(path))
    assert verdicts == (check.partition("(")[0], check)


def swapped(content: bytes) -> bytes:
    """The same proof under the records in the other order."""
    body = read_file("link", LinkProof, content)
    linked = body.statement.linked
    turned = replace(linked, first=linked.second, second=linked.first)
    return write_file("link", replace(body, statement=replace(body.statement, linked=turned)))


def other_proof(content: bytes, proof: bytes) -> bytes:
    """The statement of one link over the proof of another."""
    body, other = read_file("link", LinkProof, content), read_file("link", LinkProof, proof)
    return write_file("link", replace(body, proof=other.proof))


def twice(content: bytes) -> bytes:
    """One commitment on both sides."""
    body = read_file("link", LinkProof, content)
    linked = replace(body.statement.linked, second=body.statement.linked.first)
    return write_file("link", replace(body, statement=replace(body.statement, linked=linked)))


@pytest.mark.parametrize("name", LINKS)
def test_records_that_the_proof_is_not_about(name: str, files: dict[str, Path], tmp_path: Path) -> None:
    t, path = target(files, name), tmp_path / "x.link"
    assert t.assert_rejected(swapped(t.content), path, "swapped") == ("SourceClaim", "SourceClaim")
    assert t.assert_rejected(twice(t.content), path, "twice") == ("SameCommitment", "SameCommitment")
    other = files[name.replace("2", "3")].read_bytes()
    t.assert_rejected(other_proof(t.content, other), path, "the next link's proof")


def both(files: dict[str, Path], kind: str, proof: str, link: list[str], **beside: str) -> str:
    """The check by which both reject, or "" where both accept."""
    paths = {name: files[file] for name, file in beside.items()}
    held = {name: path.read_bytes() for name, path in paths.items()}
    links = [files[name].read_bytes() for name in link]
    content = files[proof].read_bytes()
    verdicts = []
    try:
        tacit.verify(files[proof], link=[files[name] for name in link], **paths)  # type: ignore[arg-type]
        verdicts.append("")
    except ProofRejected as error:
        verdicts.append(error.check.replace("DataCommitment", "OtherData"))
    try:
        if kind == "run":
            verify(content, held.get("data"), link=links)
        elif kind == "report":
            verify_on_run(content, held["run"], held.get("data"), held.get("training"), link=links)
        elif kind == "release":
            verify(held["run"], release=content, model=held["model"], link=links)
        else:
            verify_linked(content, held.get("data"), held.get("to"), held.get("run"), links)
        verdicts.append("")
    except Rejected as error:
        verdicts.append(error.check)
    assert verdicts[0] == verdicts[1]
    return verdicts[0]


def test_chains_are_judged_alike(files: dict[str, Path]) -> None:
    d2, d3, m2, m3 = "data-2.link", "data-3.link", "model-2.link", "model-3.link"
    assert both(files, "run", "run.tacit", [d3, d2], data="data-3") == ""
    assert both(files, "run", "run.tacit", [d2], data="data-3") == "OtherData"
    assert both(files, "run", "run.tacit", [d2], data="data.commitment") == "IdleLink"
    assert both(files, "run", "run.tacit", [d2, d2], data="data-2") == "IdleLink"
    assert both(files, "report", "report.tacit", [d2, d3, m2, m3], run="run.tacit", data="data-3") == ""
    old = {"run": "run.tacit", "training": "data.commitment"}
    assert both(files, "report", "report.tacit", [d2, d3, m2, m3], **old) == ""
    assert both(files, "report", "report.tacit", [m2, m3], **old) == ""
    assert (
        both(files, "report", "report.tacit", [d2, d3, m3], run="run.tacit", data="data-3") == "NotFinalModel"
    )
    assert both(files, "report", "report.tacit", [d3, m2, m3], run="run.tacit", data="data-3") == "TrainingData"
    assert both(files, "report", "report.tacit", [m2, m3], run="run.tacit", data="data-2") == "OtherData"
    release = {"run": "run.tacit", "model": "m.safetensors"}
    assert both(files, "release", "release.tacit", [m3, m2], **release) == ""
    assert both(files, "release", "release.tacit", [m2], **release) == "IdleLink"
    assert both(files, "release", "release.tacit", [], **release) == "NotFinalModel"
    assert both(files, "link", d3, [], data="data-2", to="data-3") == ""
    assert both(files, "link", d3, [d2], data="data.commitment") == ""
    assert both(files, "link", d3, [], data="data.commitment") == "NotLinked"
    assert both(files, "link", d3, [], data="data-2", to="data-2") == "NotLinked"
    assert both(files, "link", m2, [], run="run.tacit") == ""
    assert both(files, "link", m3, [m2], run="run.tacit") == ""
    assert both(files, "link", m3, [], run="run.tacit") == "NotLinked"
    assert both(files, "link", m3, [m2]) == "IdleLink"
    assert both(files, "link", d2, [], run="run.tacit") == "LinkKind"
    assert both(files, "link", m2, [], data="data-2") == "LinkKind"


def test_commitments_that_were_made_again_are_valid_by_themselves(files: dict[str, Path]) -> None:
    bodies = [read_file("data", DataFile, files[name].read_bytes()) for name in ("data.commitment", "data-2")]
    assert bodies[0].schema == bodies[1].schema
    assert bodies[0].record.vector.shape != bodies[1].record.vector.shape
    assert verify(files["data-2"].read_bytes())["data"] == bodies[1].record.digest().hex()


def test_command(files: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    at = {name: str(path) for name, path in files.items()}
    assert main([at["data-2.link"], "--data", at["data.commitment"], "--to", at["data-2"]]) == 0
    assert "link: the same data" in capsys.readouterr().out
    assert main([at["model-2.link"], "--run", at["run.tacit"]]) == 0
    links = ["--link", at["data-2.link"], "--link", at["data-3.link"]]
    assert main([at["run.tacit"], "--data", at["data-3"], *links]) == 0
    assert main([at["run.tacit"], "--data", at["data-3"]]) == 1
    assert main([at["run.tacit"], "--to", at["data-3"]]) == 2
    assert main([at["data-2.link"], "--training", at["data-2"]]) == 2
    assert main([at["data-2"], *links]) == 2


# Whole links of a dishonest prover, as `link::tests::fixtures` forges them, and honest ones beside them.

FORGED = {
    "cell": "data",
    "shape": "data",
    "swapped": "data",
    "model": "model",
    "same": "same",
    "subset": "subset",
    "disjoint": "disjoint",
}
"""What is not as said, and the honest link of that kind."""


@pytest.mark.parametrize("kind", sorted(set(FORGED.values())))
def test_honest_links_of_rust_are_accepted_by_both(kind: str) -> None:
    path = FIXTURES / f"link-{kind}.tacit"
    verdict = tacit.verify(path)
    facts = verify_linked(path.read_bytes())
    assert verdict.statement["link"]["first_digest"] == facts["first"]
    assert float(facts["link bits"]) == pytest.approx(-dict(verdict.soundness)["total, link"], abs=0.006)


@pytest.mark.parametrize("kind", FORGED)
def test_forged_links_are_rejected_by_both(kind: str) -> None:
    """Other content at one cell, in other columns, another model, records in the other order, a row that is not
    as said; messages, lookups and opening fit it.
    """
    path = FIXTURES / f"forged-link-{kind}.tacit"
    forged, honest = (
        read_file("link", LinkProof, content)
        for content in (path.read_bytes(), (FIXTURES / f"link-{FORGED[kind]}.tacit").read_bytes())
    )
    assert type(forged.statement.linked) is type(honest.statement.linked)
    assert len(forged.proof.messages) == len(honest.proof.messages)
    with pytest.raises(Rejected, match="SourceClaim"):
        verify_linked(path.read_bytes())
    with pytest.raises(ProofRejected) as caught:
        tacit.verify(path)
    assert caught.value.check == "SourceClaim"


# One error for everything that a verdict checked.


def together(verdict: tacit.session.Verdict) -> tuple[int, float]:
    """How many arguments a verdict rests on, and the bits of their sum."""
    totals = [bits for name, bits in verdict.soundness if name.startswith("total")]
    return len(totals), -np.log2(sum(2.0**bits for bits in totals))


def test_everything_that_a_verdict_checked_has_one_error_of_128_bits(
    files: dict[str, Path],
) -> None:
    names = [f"{kind}-{number}.link" for kind in ("data", "model") for number in (2, 3)]
    content = {name: path.read_bytes() for name, path in files.items()}
    # The report and its run, the validity of the data, and four links.
    links = [files[name] for name in names]
    verdict = tacit.verify(files["report.tacit"], run=files["run.tacit"], data=files["data-3"], link=links)
    facts = verify_on_run(
        content["report.tacit"], content["run.tacit"], content["data-3"], link=[content[name] for name in names]
    )
    count, bits = together(verdict)
    assert (count, facts["together"]) == (7, f"7 arguments, {bits:.2f} bits")
    assert bits >= 128
    assert dict(verdict.soundness)["all proofs of this verdict together"] == pytest.approx(-bits)
    said = "This rests on 7 arguments; the chance that any of them is false and passes is at most"
    assert f"{said} 2^-{bits:.1f}." in verdict.shown
    # Each has its share: a run a half, a report and a validity proof an eighth, a link a 128th.
    shares = {"total over": 129, "total, report": 131, "total, data": 131, "total, link": 135}
    for start, share in shares.items():
        for own in [-bits for name, bits in verdict.soundness if name.startswith(start)]:
            assert share <= own < share + 3
    # More links than a verdict may rest on are refused before one of them is read.
    many = links * 5
    with pytest.raises(ProofRejected) as caught:
        tacit.verify(files["run.tacit"], link=many)
    assert caught.value.check == "TooManyLinks"
    with pytest.raises(Rejected, match="TooManyLinks"):
        verify(content["run.tacit"], link=[content[name] for name in names] * 5)
    with pytest.raises(Rejected, match="TooManyLinks"):
        verify_linked(content["data-2.link"], link=[content["data-3.link"]] * 16)
    with pytest.raises(ProofRejected) as caught:
        tacit.verify(files["data-2.link"], link=[files["data-3.link"]] * 16)
    assert caught.value.check == "TooManyLinks"
