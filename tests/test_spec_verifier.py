"""The second verifier agrees with Rust: on honest proofs of every kind, and on changed ones, which both reject.

`python tests/test_spec_verifier.py COUNT` is the long sweep of `make spec-sweep`.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from spec.field import E, P
from spec.proof import BaseRows, DataFile, ExtensionRows, FirstPaths, Paths, ReleaseProof, RunProof
from spec.rejected import Rejected
from spec.release import verify_release
from spec.seed import ByBeacon
from spec.tensors import check_tensors
from spec.training import NormBits
from spec.verify import main, verify, verify_proof
from spec.wire import read_file, write_file

import tacit
from spec_cases import CASES, NONCE, make
from spec_mutations import with_change
from spec_targets import Step, Target, first_shorter, last_raised, node, plus_one, shorter, sweep
from tacit.errors import ProofRejected

FIXTURES = Path(__file__).parent / "fixtures"


class Made:
    """Proofs, made when they are first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, name: str) -> Path:
        path = self._folder / name
        if path.exists():
            return path
        if name != "seeded":
            return make(name, path)
        path.mkdir()
        (path / "run.tacit").write_bytes((FIXTURES / "seeded.tacit").read_bytes())
        return path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("spec")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        patch.delenv("TACIT_PASSPHRASE", raising=False)
        yield Made(folder)


def both_accept(run: Path, data: Path) -> dict[str, str]:
    """The facts of the second verifier, once compared with the verdict of the first."""
    facts = verify(run.read_bytes(), data.read_bytes())
    verdict = tacit.verify(run, data=data)
    model, of_data = facts["model"], facts["data"]
    assert f"model behind commitment {model} is exactly" in verdict.shown[0]
    assert f"data behind commitment {of_data} lead to." in verdict.shown[0]
    bits = dict(verdict.soundness)[f"total over {facts['chunks']} chunk(s)"]
    assert float(facts["bits"]) == pytest.approx(-bits, abs=0.006)
    commitment = tacit.verify(data)
    assert commitment.statement["digest"] == of_data == verify(data.read_bytes())["data"]
    return facts


@pytest.mark.parametrize("name", list(CASES))
def test_honest_runs_are_accepted_by_both(name: str, made: Made) -> None:
    folder = made(name)
    facts = both_accept(folder / "run.tacit", folder / "data.commitment")
    steps = CASES[name].options.get("chunk_steps", CASES[name].steps)
    assert int(facts["chunks"]) == -(-CASES[name].steps // steps)


def test_cases_cover_what_is_supported() -> None:
    """Which configurations the honest runs have, read from the cases themselves."""
    cases = CASES.values()
    modules = [module for case in cases for module in case.layers()]
    assert {type(m).__name__ for m in modules} == {"Linear", "ReLU", "Sigmoid", "Tanh"}
    assert {m.bias is not None for m in modules if type(m).__name__ == "Linear"} == {True, False}
    assert {case.loss for case in cases} == {"class", "binary", "real"}
    assert {key for case in cases for key in case.sgd} == {"momentum", "nesterov", "weight_decay"}
    assert {key for case in cases for key in case.bounds} == {"norms", "carry_bits"}
    # Carried windows with and without bits that a boundary rounds away, averages likewise.
    for has in (lambda case: "carry_bits" in case.bounds, lambda case: "average" in case.options):
        assert {bool(case.sgd) for case in cases if has(case)} == {True, False}
    assert any(case.layers()[0].out_features > case.batch for case in cases if "norms" in case.bounds)
    assert {"shuffle_seed", "drop_last", "chunk_steps"} <= {key for case in cases for key in case.options}
    assert any(len(set(case.rates)) > 1 for case in cases)
    assert any(case.rows % case.batch and not case.options.get("drop_last") for case in cases)


def test_public_start_other_rate_and_other_origins() -> None:
    """A run that only Rust makes: rate 1/2, weights from a verifier's seed, an order from a beacon's."""
    facts = both_accept(FIXTURES / "seeded.tacit", FIXTURES / "seeded.commitment")
    assert facts["start"] == "from a public seed"
    config = read_file("run", RunProof, (FIXTURES / "seeded.tacit").read_bytes()).statement.config
    assert config.norms and config.carry_bits and config.schedule.average and config.schedule.decay


# Whole proofs of a dishonest prover, as `crates/training/examples/fixture.rs` forges them.


@pytest.mark.parametrize("kind", ["norm", "rounding"])
def test_forged_proofs_are_rejected_by_both(kind: str) -> None:
    """One limb of a norm, or of a remainder, is smaller by 1; lookups, messages and opening fit it."""
    path = FIXTURES / f"forged-{kind}.tacit"
    forged, honest = (
        read_file("run", RunProof, content)
        for content in (path.read_bytes(), (FIXTURES / "seeded.tacit").read_bytes())
    )
    assert forged.statement == honest.statement
    assert len(forged.chunks[0].proof.messages) == len(honest.chunks[0].proof.messages)
    with pytest.raises(Rejected, match="SourceClaim"):
        verify(path.read_bytes())
    with pytest.raises(ProofRejected) as caught:
        tacit.verify(path)
    assert caught.value.check == "SourceClaim"


# What a verifier holds beside the file.


def both_judge(run: Path, nonce: bytes | None, declaration: bytes | None) -> str:
    """The check that rejects, "" where both accept; the same in both verifiers."""
    checks = []
    for accepts in (
        lambda: tacit.verify(run, nonce=nonce, declaration=declaration),
        lambda: verify(run.read_bytes(), nonce=nonce, declaration=declaration),
    ):
        try:
            accepts()
            checks.append("")
        except (ProofRejected, Rejected) as error:
            checks.append(error.check)
    assert checks[0] == checks[1]
    return checks[0]


@pytest.mark.parametrize("name", ["logistic", "seeded"])
def test_nonces_and_declarations(name: str, made: Made) -> None:
    folder = made(name)
    run = folder / "run.tacit"
    statement = read_file("run", RunProof, run.read_bytes()).statement
    declaration, nonce = statement.declaration(), NONCE if name == "logistic" else bytes([6]) * 32
    if name == "logistic":
        assert declaration == (folder / "declaration").read_bytes(), "what `tacit.declare` gave before the run"
    assert both_judge(run, nonce, declaration) == ""
    assert both_judge(run, nonce, None) == ""
    assert both_judge(run, None, declaration) == ""
    assert both_judge(run, bytes(32), declaration) == "OtherNonce"
    assert both_judge(run, nonce, nonce) == "OtherDeclaration"
    facts = verify(run.read_bytes(), nonce=nonce, declaration=declaration)
    assert facts["declaration"] == f"{declaration.hex()} (the one held)"
    assert "nonce" not in verify(run.read_bytes())


def test_runs_without_a_nonce(made: Made) -> None:
    run = made("relu") / "run.tacit"
    declaration = read_file("run", RunProof, run.read_bytes()).statement.declaration()
    assert both_judge(run, NONCE, None) == "NoNonce"
    assert both_judge(run, None, declaration) == ""
    assert both_judge(run, None, bytes(32)) == "OtherDeclaration"


def release_files(folder: Path) -> dict[str, bytes]:
    names = {"proof": "run.tacit", "data": "data.commitment", "release": "release.tacit"}
    return {key: (folder / name).read_bytes() for key, name in (names | {"model": "model.safetensors"}).items()}


def test_release_is_accepted_by_both(made: Made) -> None:
    folder = made("release")
    facts = verify(**release_files(folder))
    paths = {"data": folder / "data.commitment", "run": folder / "run.tacit"}
    verdict = tacit.verify(folder / "release.tacit", model=folder / "model.safetensors", **paths)
    stated = verdict.statement["release"]
    assert stated["run_digest"] == facts["run"]
    assert stated["model_digest"] == facts["model"]
    assert facts["release"] == "12 weights at 8 fractional bits"
    assert float(facts["release bits"]) == pytest.approx(-dict(verdict.soundness)["total, release"], abs=0.006)


# Changed files.


def target(name: str, folder: Path) -> Target:
    """A data commitment, a run, or a release of a case."""
    if name == "data":
        content = (folder / "data.commitment").read_bytes()
        return Target("data", DataFile, content, tacit.verify, verify)
    if name == "run":
        return Target("run", RunProof, (folder / "run.tacit").read_bytes(), tacit.verify, verify)
    files = release_files(folder)
    paths = {"run": folder / "run.tacit", "model": folder / "model.safetensors"}
    run, verdict = verify_proof(files["proof"])

    def second(content: bytes) -> None:
        release = read_file("release", ReleaseProof, content)
        verify_release(release, verdict, run.statement)
        check_tensors(files["model"], run.statement.config, release.statement)

    return Target("release", ReleaseProof, files["release"], lambda path: tacit.verify(path, **paths), second)


CHANGED = [
    ("data", "relu", 2, 60),
    ("run", "logistic", 1, 60),
    ("run", "average", 1, 10),
    ("run", "seeded", 1, 10),
    ("release", "release", 1, 20),
]


@pytest.mark.parametrize(("kind", "case", "per_node", "flips"), CHANGED)
def test_changed_files_are_rejected_by_both(
    kind: str, case: str, per_node: int, flips: int, made: Made, tmp_path: Path
) -> None:
    counts = sweep(target(kind, made(case)), tmp_path / "changed.tacit", 1, per_node, flips, seed=1)
    assert sum(counts.values()) > 60
    assert {"SourceClaim", "ColumnClaim", "Oracle(Tree(0))", "Oracle(Later)"} <= set(counts)


# Each check of a proof, reached by a change that no other check sees first: the same one in both verifiers.

WHIR: tuple[Step, ...] = ("proof", "opening", "whir")
ROUND: tuple[Step, ...] = (*WHIR, "rounds", 0)


EXACT: list[tuple[tuple[Step, ...], Callable[[Any], Any], str]] = [
    (("proof", "messages"), shorter, "MessageMissing"),
    (("proof", "messages"), lambda m: [*m, m[0]], "MessageCount"),
    (("proof", "messages", 5), plus_one, "SourceClaim"),
    (("proof", "sacrifices"), shorter, "SacrificeCount"),
    (("proof", "sacrifices"), last_raised, "SourceClaim"),
    (("proof", "trace_root"), lambda root: root[::-1], "SourceClaim"),
    (("proof", "opening", "mu"), plus_one, "SourceClaim"),
    (("proof", "opening", "value"), plus_one, "SourceClaim"),
    (("proof", "opening", "source_rounds"), shorter, "SourceRounds"),
    (("proof", "opening", "source_rounds"), last_raised, "SourceClaim"),
    (("proof", "opening", "column_rounds"), shorter, "ColumnRounds"),
    (("proof", "opening", "column_rounds"), last_raised, "ColumnClaim"),
    ((*WHIR, "evaluations", 0, "current", 0), plus_one, "ColumnClaim"),
    ((*WHIR, "evaluations"), lambda e: [], "EvaluationShape"),
    ((*WHIR, "evaluations", 0, "following"), lambda e: [E(0)], "EvaluationShape"),
    ((*WHIR, "answers"), shorter, "OutOfDomain"),
    ((*WHIR, "answers", 0), plus_one, "Work"),
    ((*WHIR, "first_sumcheck", "rounds"), shorter, "FoldShape"),
    ((*WHIR, "first_sumcheck", "rounds"), last_raised, "Work"),
    ((*WHIR, "first_sumcheck", "nonces"), lambda n: [0], "FoldShape"),
    ((*WHIR, "rounds"), shorter, "WhirRounds"),
    ((*ROUND, "roots"), lambda r: None, "RoundRoot"),
    ((*ROUND, "roots"), lambda r: r + r, "RoundRoot"),
    ((*ROUND, "roots", 0), lambda r: r[::-1], "Work"),
    ((*ROUND, "answers"), shorter, "OutOfDomain"),
    ((*ROUND, "nonce"), lambda n: n + 1, "Work"),
    ((*ROUND, "rows"), lambda r: ExtensionRows([], r.paths), "RowField"),
    ((*ROUND, "rows", "rows"), shorter, "RowCount"),
    ((*ROUND, "rows", "rows"), first_shorter, "RowWidth"),
    ((*ROUND, "rows", "rows", 0, 0), lambda x: (x + 1) % P, "Oracle(Tree(0))"),
    ((*ROUND, "rows", "paths"), lambda p: Paths([]), "Oracle"),
    ((*ROUND, "rows", "paths", "rows"), shorter, "SourceRows"),
    ((*ROUND, "rows", "paths", "rows"), first_shorter, "SourceWidth"),
    ((*ROUND, "rows", "paths", "trees"), shorter, "TreeCount"),
    ((*ROUND, "rows", "paths", "trees", 1, "salts"), shorter, "SaltCount"),
    ((*ROUND, "rows", "paths", "trees", 0, "salts", 0, 0), lambda x: x ^ 1, "Oracle(Tree(0))"),
    ((*ROUND, "rows", "paths", "trees", 1, "salts", 0, 0), lambda x: x ^ 1, "Oracle(Tree(1))"),
    ((*ROUND, "rows", "paths", "trees", 1, "siblings"), shorter, "Oracle(Tree(1))"),
    ((*ROUND, "rows", "paths", "trees", 1, "siblings"), lambda s: s + s[:1], "Oracle(Tree(1))"),
    ((*WHIR, "rounds", 1, "rows"), lambda r: BaseRows([], r.paths), "RowField"),
    ((*WHIR, "rounds", 1, "rows", "rows"), shorter, "RowCount"),
    ((*WHIR, "rounds", 1, "rows", "rows"), first_shorter, "RowWidth"),
    ((*WHIR, "rounds", 1, "rows", "rows", 0, 0), plus_one, "Oracle(Later)"),
    ((*WHIR, "rounds", 1, "rows", "paths"), lambda p: FirstPaths([], []), "Oracle"),
    ((*WHIR, "final"), lambda f: None, "FinalLength"),
    ((*WHIR, "final"), shorter, "FinalLength"),
    ((*WHIR, "final", 0), plus_one, "Work"),
    ((*WHIR, "final_nonce"), lambda n: n + 1, "Work"),
    ((*WHIR, "final_rows", "rows", 0, 0), plus_one, "Oracle(Later)"),
    ((*WHIR, "final_sumcheck"), lambda s: None, "FoldShape"),
    ((*WHIR, "final_sumcheck", "rounds"), shorter, "FoldShape"),
    ((*WHIR, "final_sumcheck", "rounds"), last_raised, "FinalClaim"),
]


# Fields of statements with norms, carried windows, averages, seeds: a change breaks a rule or is another proof.

STATED: list[tuple[str, tuple[Step, ...], Callable[[Any], Any], str]] = [
    ("average", ("config", "schedule", "average"), lambda a: None, "SourceClaim"),
    ("average", ("config", "schedule", "average"), lambda a: 4, "Config"),
    ("average", ("config", "schedule", "average"), lambda a: 3, "Config"),
    ("average", ("config", "schedule", "average"), lambda a: 1, "Config"),
    ("average", ("config", "carry_bits"), lambda c: 48, "SourceClaim"),
    ("mean", ("config", "schedule", "average"), lambda a: 2, "SourceClaim"),
    ("mean", ("config", "schedule", "average"), lambda a: None, "MessageCount"),
    ("mean", ("config", "carry_bits"), lambda c: 2, "MessageCount"),
    ("decay", ("config", "carry_bits"), lambda c: None, "MessageCount"),
    ("decay", ("config", "carry_bits"), lambda c: c + 1, "SourceClaim"),
    ("norms", ("config", "norms"), lambda n: None, "MessageCount"),
    ("norms", ("config", "norms"), lambda n: NormBits(n.q, n.z), "SourceClaim"),
    ("norms", ("config", "norms", "z"), lambda z: 55, "Config"),
    ("norms", ("config", "norms", "q"), lambda q: 0, "Config"),
    ("norms", ("config", "norms", "z"), lambda z: z - 1, "SourceClaim"),
    ("norms", ("config", "norms", "q"), lambda q: 54, "MessageMissing"),
    ("norms", ("config", "carry_bits"), lambda c: None, "SourceClaim"),
    ("norms", ("config", "carry_bits"), lambda c: 1, "Config"),
    ("norms", ("config", "carry_bits"), lambda c: 49, "Config"),
    ("norms", ("config", "schedule", "rates", 0, "rate"), lambda r: 1 << 40, "NoWrap"),
    ("norms", ("order_origin", "nonce"), lambda n: n + 1, "OrderSeed"),
    ("logistic", ("start", "bits"), lambda b: b + 1, "OrderSeed"),
    ("logistic", ("order_origin", "nonce"), lambda n: bytes(32), "OrderSeed"),
    ("logistic", ("config", "carry_bits"), lambda c: 40, "OrderSeed"),
    ("seeded", ("config", "schedule", "average"), lambda a: None, "OrderSeed"),
    ("seeded", ("order_origin", "name"), lambda n: n + "\u200b", "Record"),
    ("seeded", ("order_origin", "name"), lambda n: "", "Record"),
    ("seeded", ("order_origin", "round"), lambda n: n + 1, "OrderSeed"),
    ("seeded", ("order_origin", "output"), lambda o: o[:31] + b"x", "OrderSeed"),
    ("seeded", ("order_origin",), lambda o: None, "OrderSeed"),
    ("seeded", ("start", "origin", "nonce"), lambda n: bytes(32), "SourceClaim"),
    ("seeded", ("start", "origin"), lambda o: ByBeacon("a\u202eb", 1, bytes(32)), "Record"),
    ("seeded", ("data", "names"), lambda n: ["a", "b", "c", "d"], "Record"),
    ("seeded", ("data", "names"), lambda n: ["a", "b", "\u202e"], "Record"),
    ("seeded", ("data", "names"), lambda n: ["a", "b", "\ue000"], "Record"),
    ("seeded", ("data", "released"), lambda r: ["a\u2028"], "Record"),
    ("seeded", ("released",), lambda r: ["\u3164"], "Record"),
    ("seeded", ("released",), lambda r: ["\x9b"], "Record"),
]


@pytest.mark.parametrize(("case", "path", "change", "check"), STATED)
def test_each_field_of_a_statement(
    case: str, path: tuple[Step, ...], change: Callable[[Any], Any], check: str, made: Made, tmp_path: Path
) -> None:
    t = target("run", made(case))
    body = read_file("run", RunProof, t.content)
    path = ("statement", *path)
    changed = with_change(body, path, change(node(body, path)))
    verdicts = t.assert_rejected(write_file("run", changed), tmp_path / "changed.tacit", str(path))
    assert verdicts == (check, check)


@pytest.mark.parametrize(("path", "change", "check"), EXACT)
def test_each_check_of_a_proof(
    path: tuple[Step, ...], change: Callable[[Any], Any], check: str, made: Made, tmp_path: Path
) -> None:
    t = target("data", made("relu"))
    body = read_file("data", DataFile, t.content)
    changed = with_change(body, path, change(node(body, path)))
    verdicts = t.assert_rejected(write_file("data", changed), tmp_path / "changed.tacit", str(path))
    # Rust names the tree in its message alone.
    assert verdicts == (check.partition("(")[0], check)


@pytest.mark.parametrize(
    ("path", "change", "check"),
    [
        ((*WHIR, "final_rows", "rows", 0, 0), plus_one, "FinalQueries"),
        ((*WHIR, "rounds", 1, "rows", "rows", 0, 0), plus_one, "FinalClaim"),
        ((*ROUND, "rows", "rows", 0, 0), lambda x: (x + 1) % P, "FinalClaim"),
    ],
)
def test_rows_are_read_beside_their_trees(
    path: tuple[Step, ...],
    change: Callable[[Any], Any],
    check: str,
    made: Made,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without the check of the trees, other rows than those committed still do not pass."""
    monkeypatch.setattr("spec.oracle.check_tree", lambda *arguments: None)
    content = (made("relu") / "data.commitment").read_bytes()
    assert verify(content)
    body = read_file("data", DataFile, content)
    with pytest.raises(Rejected, match=check):
        verify(write_file("data", with_change(body, path, change(node(body, path)))))


def test_runs_are_about_their_data(made: Made) -> None:
    folder, other = made("linear"), made("deep")
    run = (folder / "run.tacit").read_bytes()
    with pytest.raises(Rejected, match="OtherData"):
        verify(run, (other / "data.commitment").read_bytes())
    with pytest.raises(ProofRejected):
        tacit.verify(folder / "run.tacit", data=other / "data.commitment")


def test_chunks_change_places_with_no_others(made: Made) -> None:
    run = read_file("run", RunProof, (made("nesterov") / "run.tacit").read_bytes())
    assert len(run.chunks) == 3
    first, second, third = run.chunks
    for chunks, check in (
        ([second, first, third], "SourceClaim"),
        ([first, third], "ChunkCount"),
        ([first, second, second], "SourceClaim"),
        ([first, second, third, third], "ChunkCount"),
        ([], "ChunkCount"),
    ):
        with pytest.raises(Rejected, match=check):
            verify(write_file("run", RunProof(run.statement, chunks)))


def test_command(made: Made, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = made("release")
    options = [f"--{name}={folder / file}" for name, file in (("data", "data.commitment"),)]
    options += [f"--release={folder / 'release.tacit'}", f"--model={folder / 'model.safetensors'}"]
    assert main([str(folder / "run.tacit"), *options]) == 0
    assert "release: 12 weights" in capsys.readouterr().out
    assert main([str(folder / "data.commitment")]) == 0
    assert main([str(folder / "release.tacit")]) == 3
    assert "rejected: Kind" in capsys.readouterr().err
    assert main([str(tmp_path / "none")]) == 3
    assert main([str(folder / "run.tacit"), f"--release={folder / 'release.tacit'}"]) == 2
    assert "rejected: Usage" in capsys.readouterr().err
    declared = made("logistic")
    held = [f"--nonce={NONCE.hex()}", f"--declaration={(declared / 'declaration').read_bytes().hex()}"]
    assert main([str(declared / "run.tacit"), *held]) == 0
    assert "(the one held)\nnonce: the one issued" in capsys.readouterr().out
    assert main([str(declared / "run.tacit"), "--nonce", bytes(32).hex()]) == 1
    assert "rejected: OtherNonce" in capsys.readouterr().err
    assert main([str(folder / "data.commitment"), *held]) == 2
    assert "rejected: Usage" in capsys.readouterr().err
    for text in ("00", "x" * 64):
        with pytest.raises(SystemExit):
            main([str(declared / "run.tacit"), "--declaration", text])
    with pytest.raises(SystemExit):
        main(["--help"])
    told = capsys.readouterr().out
    assert "0 valid, 1 rejected, 2 wrong usage, 3 a file" in told
    assert "the safetensors file of that release" in told


def long_sweep(count: int) -> None:
    """`count` nodes of every field and ten times as many random changes, of every case."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["XDG_STATE_HOME"] = str(folder / "state")
        for case, of in CASES.items():
            for kind in ("data", "run", *(["release"] if of.released else [])):
                t = target(kind, Made(folder)(case))
                counts = sweep(t, folder / "changed.tacit", count, count, 10 * count, seed=count)
                print(f"{case} {kind}: {sum(counts.values())} rejected by both: {counts}", flush=True)


if __name__ == "__main__":
    long_sweep(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
