"""Known vulnerabilities in what is locked, looked up in copies of the two public databases; needs no network.

    python -m tools.advisories RUSTSEC PYPA

`RUSTSEC` is a clone of github.com/RustSec/advisory-db, `PYPA` one of github.com/pypa/advisory-database; bare
ones do. Ends with 1 if a locked version is affected. Says how old the copies are: what was found since is not
in them.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
EVENT = re.compile(r"^\s*(?:- )?(introduced|fixed|last_affected): *['\"]?([^'\"\s]+)", re.MULTILINE)

COMMIT = re.compile(r"[0-9a-f]{40}")
"""Ranges of commits stand beside those of versions."""


@dataclass(frozen=True)
class Found:
    """An advisory that a locked version is subject to."""

    package: str
    version: str
    advisory: str
    kind: str

    def line(self) -> str:
        """As it is printed."""
        return f"{self.package} {self.version}: {self.advisory} ({self.kind})"


def git(clone: Path, *arguments: str) -> str:
    """What git prints; raises `CalledProcessError` where there is no clone."""
    command = ["git", "-C", str(clone), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def files(clone: Path, directory: str) -> Iterator[tuple[str, str]]:
    """(name, text) of every advisory in a directory, which may be missing."""
    for path in git(clone, "ls-tree", "-r", "--name-only", "HEAD", directory).split():
        yield Path(path).stem, git(clone, "show", f"HEAD:{path}")


def caret(requirement: str) -> SpecifierSet:
    """A crate's version requirement as a specifier set: `^1.2` is `>=1.2,<2`; commas are "and"."""
    parts = []
    for part in (p.strip() for p in requirement.split(",")):
        if part.startswith("^") or part[0].isdigit():
            low = part.lstrip("^ ")
            numbers = [int(n) for n in re.split(r"[-+]", low)[0].split(".")]
            first = next((i for i, n in enumerate(numbers) if n), len(numbers) - 1)
            high = ".".join(str(n) for n in [*numbers[:first], numbers[first] + 1])
            parts += [f">={low}", f"<{high}"]
        else:
            parts.append(f"=={part.lstrip('= ')}" if re.match(r"=\s*\d", part) else part)
    return SpecifierSet(",".join(parts), prereleases=True)


def rust(clone: Path, package: str, version: str) -> Iterator[Found]:
    """The advisories on a crate whose version is neither patched nor unaffected."""
    for name, text in files(clone, f"crates/{package}/"):
        told = tomllib.loads(text.split("```toml", 1)[1].split("```", 1)[0])
        safe = [*told["versions"].get("patched", []), *told["versions"].get("unaffected", [])]
        if "withdrawn" not in told["advisory"] and not any(Version(version) in caret(s) for s in safe):
            yield Found(package, version, name, told["advisory"].get("informational", "vulnerability"))


def affected(text: str, version: Version) -> bool:
    """Whether a version is inside a range of the events of an OSV file."""
    inside = False
    for event, bound in EVENT.findall(text):
        if COMMIT.fullmatch(bound):
            continue
        match event:
            case "introduced":
                inside = inside or version >= Version(bound)
            case "fixed":
                if version >= Version(bound):
                    inside = False
            case _:
                if version > Version(bound):
                    inside = False
    return inside


def python(clone: Path, package: str, version: str) -> Iterator[Found]:
    """The advisories on a distribution whose ranges hold its version."""
    for name, text in files(clone, f"vulns/{package}/"):
        if "\nwithdrawn:" not in text and affected(text, Version(version)):
            yield Found(package, version, name, "vulnerability")


def locked_crates() -> list[tuple[str, str]]:
    """(name, version) of every crate in Cargo.lock that is not ours."""
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
    return [(p["name"], p["version"]) for p in lock["package"] if "source" in p]


def pinned_distributions() -> list[tuple[str, str]]:
    """(name, version) of every requirement of every set."""
    pins: set[tuple[str, str]] = set()
    for path in (ROOT / "requirements").glob("*.txt"):
        for line in path.read_text().splitlines():
            stripped = line.split("#")[0].split("\\")[0].strip()
            if stripped and not stripped.startswith("-"):
                needed = Requirement(stripped)
                pins |= {(canonicalize_name(needed.name), s.version) for s in needed.specifier}
    return sorted(pins)


def main(rustsec: str, pypa: str) -> int:
    """Prints what is found; returns the exit code."""
    found: list[Found] = []
    for kind, clone, locked, look in (
        ("crates", Path(rustsec), locked_crates(), rust),
        ("distributions", Path(pypa), pinned_distributions(), python),
    ):
        known = [f for name, version in locked for f in look(clone, name, version)]
        date = git(clone, "log", "-1", "--format=%cs").strip()
        print(f"{len(locked)} {kind}, database of {date}: {len(known)} advisories apply")
        found += known
    for one in found:
        print(one.line())
    return 1 if any(f.kind == "vulnerability" for f in found) else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
