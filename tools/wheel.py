"""Builds the wheel for every machine of this architecture: for x86-64, the core for three instruction sets.

python -m tools.wheel [FOLDER]
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from tacit.instruction_set import BUILDS, BUILDS_FOLDER, TARGET_CPUS

__all__ = ["flags", "main"]

ROOT = Path(__file__).parent.parent


def flags(build: str, *more: str) -> dict[str, str]:
    """The environment in which cargo compiles for the machines of a build."""
    cpu = TARGET_CPUS[build]
    chosen = [f"-C target-cpu={cpu}"] if cpu else []
    return {**os.environ, "RUSTFLAGS": " ".join([*chosen, *more])}


def _compile(build: str) -> None:
    target = ROOT / "target" / build
    command = ["cargo", "build", "--release", "-p", "tacit-python", "--features", "extension-module"]
    subprocess.run(
        [*command, "--target-dir", target], cwd=ROOT, env=flags(build, "-C strip=symbols"), check=True
    )
    BUILDS_FOLDER.mkdir(exist_ok=True)
    shutil.copyfile(target / "release" / "lib_native.so", BUILDS_FOLDER / f"{build}.abi3.so")


def main() -> None:
    """Build all of them, then the wheel; none stays in the source tree, where later builds would be newer."""
    folder = sys.argv[1] if len(sys.argv) > 1 else "dist"
    x86 = sys.platform == "linux" and platform.machine() == "x86_64"
    try:
        for build in BUILDS if x86 else ():
            _compile(build)
        maturin = shutil.which("maturin", path=str(Path(sys.executable).parent)) or "maturin"
        subprocess.run(
            [maturin, "build", "--release", "--out", folder], cwd=ROOT, env=flags("baseline"), check=True
        )
    finally:
        shutil.rmtree(BUILDS_FOLDER, ignore_errors=True)


if __name__ == "__main__":
    main()
