"""Whole proofs of a dishonest prover, comparisons and public rows: both verifiers reject them by one check.

Made by `crates/training/src/report/tests/comparison.rs` and `fixtures.rs`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from spec.proof import ReportProof
from spec.rejected import Rejected
from spec.verify import verify_on_run
from spec.wire import read_file

import tacit
from tacit.errors import ProofRejected

FIXTURES = Path(__file__).parent / "fixtures"


def read(name: str) -> ReportProof:
    return read_file("report", ReportProof, (FIXTURES / f"{name}.tacit").read_bytes())


def beside(name: str) -> dict[str, Path]:
    """The files that a report of this name is verified with."""
    seeded, second = FIXTURES / "seeded.tacit", FIXTURES / "second.tacit"
    files = {"training": FIXTURES / "seeded.commitment"}
    if read(name).statement.against is None:
        return files | {"run": seeded}
    return files | {"run": second, "other": seeded, "other_training": files["training"]}


def both(name: str) -> tuple[tacit.Verdict, dict[str, str]]:
    files = beside(name)
    held = {option: path.read_bytes() for option, path in files.items()}
    path = FIXTURES / f"{name}.tacit"
    first = tacit.verify(path, **files)  # type: ignore[arg-type]
    return first, verify_on_run(path.read_bytes(), held.pop("run"), **held)


@pytest.mark.parametrize("name", ["report-comparison", "report-rows"])
def test_the_honest_ones_are_accepted_by_both(name: str) -> None:
    verdict, facts = both(name)
    assert float(facts["report bits"]) == pytest.approx(-dict(verdict.soundness)["total, report"], abs=0.006)


@pytest.mark.parametrize(
    ("kind", "honest", "told"),
    [
        # The number between two losses is one more, or one loss and that number.
        ("between", "report-comparison", True),
        ("loss", "report-comparison", True),
        # A public label, or a feature, that is not the one that was evaluated.
        ("label", "report-rows", False),
        ("row", "report-rows", False),
    ],
)
def test_forged_ones_are_rejected_by_both(kind: str, honest: str, told: bool) -> None:
    lie, truth = read(f"forged-report-{kind}"), read(honest)
    assert (lie.statement == truth.statement) is told
    assert replace(lie.statement, input=truth.statement.input) == truth.statement
    assert len(lie.proof.messages) == len(truth.proof.messages)
    with pytest.raises(ProofRejected) as first:
        tacit.verify(FIXTURES / f"forged-report-{kind}.tacit", **beside(honest))  # type: ignore[arg-type]
    held = {option: path.read_bytes() for option, path in beside(honest).items()}
    content = (FIXTURES / f"forged-report-{kind}.tacit").read_bytes()
    with pytest.raises(Rejected) as second:
        verify_on_run(content, held.pop("run"), **held)
    assert (first.value.check, second.value.check) == ("SourceClaim", "SourceClaim")
