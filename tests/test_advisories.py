"""The offline look-up of advisories finds what applies to a locked version, and nothing else."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from packaging.version import Version
from tools import advisories

RUST = """\
```toml
[advisory]
id = "RUSTSEC-2020-0001"
package = "{name}"
{extra}
[versions]
patched = {patched}
unaffected = {unaffected}
```
# Words
"""
PYTHON = """\
id: PYSEC-2020-1
affected:
- ranges:
  - type: GIT
    events:
    - introduced: '0'
    - fixed: 94a50a9731f35405f0357fa5f3b177d46a726ab3
  - type: ECOSYSTEM
    events:
    - introduced: '0'
    - fixed: 1.2.0
    - introduced: 2.0.0
    - last_affected: 2.1.0
"""


def clone(at: Path, files: dict[str, str]) -> Path:
    """A repository of these files."""
    for name, text in files.items():
        (at / name).parent.mkdir(parents=True, exist_ok=True)
        (at / name).write_text(text)
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    for command in (["init", "-q"], ["add", "-A"], [*who, "commit", "-qm", "advisories"]):
        subprocess.run(["git", "-C", str(at), *command], check=True)
    return at


@pytest.mark.parametrize(
    ("version", "patched", "unaffected", "extra", "hit"),
    [
        ("1.4.0", '[">= 1.5.0"]', "[]", "", True),
        ("1.5.0", '[">= 1.5.0"]', "[]", "", False),
        ("1.4.2", '["^1.4.2", ">= 2.0.0"]', "[]", "", False),
        ("1.9.0", '["^1.4.2", ">= 2.0.0"]', "[]", "", False),
        ("1.4.1", '["^1.4.2", ">= 2.0.0"]', "[]", "", True),
        ("0.3.9", '["^0.2.1"]', "[]", "", True),
        ("0.2.9", '["^0.2.1"]', "[]", "", False),
        ("0.1.0", "[]", '["< 0.2.0"]', "", False),
        ("1.0.0", "[]", "[]", 'withdrawn = "2021-01-01"', False),
        ("1.0.0", "[]", "[]", "", True),
        ("1.0.3", '["= 1.0.3"]', "[]", "", False),
        ("1.0.4", '[">= 1.0.3, < 1.0.4"]', "[]", "", True),
    ],
)
def test_a_crate(tmp_path: Path, version: str, patched: str, unaffected: str, extra: str, hit: bool) -> None:
    text = RUST.format(name="thing", patched=patched, unaffected=unaffected, extra=extra)
    database = clone(tmp_path, {"crates/thing/RUSTSEC-2020-0001.md": text})
    assert [f.advisory for f in advisories.rust(database, "thing", version)] == ["RUSTSEC-2020-0001"] * hit
    assert not list(advisories.rust(database, "other", version))


@pytest.mark.parametrize(
    ("version", "hit"),
    [("0.1", True), ("1.1.9", True), ("1.2.0", False), ("2.0.0", True), ("2.1.0", True), ("2.1.1", False)],
)
def test_a_distribution(tmp_path: Path, version: str, hit: bool) -> None:
    database = clone(tmp_path, {"vulns/thing/PYSEC-2020-1.yaml": PYTHON})
    assert bool(list(advisories.python(database, "thing", version))) == hit
    assert advisories.affected(PYTHON, Version(version)) == hit


def test_what_is_locked_is_looked_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    crates, pins = advisories.locked_crates(), dict(advisories.pinned_distributions())
    assert len(crates) > 50
    assert {"p3-whir", "blake3"} <= {name for name, _ in crates}
    assert "numpy" in pins
    text = RUST.format(name="blake3", patched="[]", unaffected="[]", extra='informational = "unsound"')
    rustsec = clone(tmp_path / "rust", {"crates/blake3/RUSTSEC-2020-0001.md": text})
    pypa = clone(tmp_path / "python", {"vulns/other/PYSEC-2020-1.yaml": PYTHON})
    assert advisories.main(str(rustsec), str(pypa)) == 0
    assert "blake3 1.8.7: RUSTSEC-2020-0001 (unsound)" in capsys.readouterr().out
    everything = "events:\n    - introduced: '0'\n"
    other = clone(tmp_path / "more", {"vulns/numpy/PYSEC-2020-2.yaml": everything})
    assert advisories.main(str(rustsec), str(other)) == 1
