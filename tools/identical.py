"""Makes the same proofs, without randomness, with builds for every instruction set that runs here.

python -m tools.identical
"""

from __future__ import annotations

import subprocess
import sys

from tacit.instruction_set import BUILDS, cpu_flags, runs_here
from tools.wheel import ROOT, flags

__all__ = ["main"]

EXAMPLE = ["cargo", "run", "--release", "--quiet", "-p", "tacit-training", "--example", "bytes"]


def main() -> None:
    """Print what every build makes; exit 1 if two differ."""
    builds = ["baseline", *(build for build in BUILDS if runs_here(build, cpu_flags()))]
    made: dict[str, str] = {}
    for build in builds:
        command = [*EXAMPLE, "--target-dir", str(ROOT / "target" / f"identical-{build}")]
        done = subprocess.run(command, cwd=ROOT, env=flags(build), check=True, capture_output=True, text=True)
        made[build] = done.stdout
        print(f"{build}:\n{done.stdout}", flush=True)
    if len(builds) < 2:
        sys.exit("this machine runs the baseline alone: nothing to compare")
    if len(set(made.values())) > 1:
        sys.exit("the builds differ")
    print(f"{', '.join(builds)}: identical bytes")


if __name__ == "__main__":
    main()
