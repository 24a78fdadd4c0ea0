"""One SGD step of 64-64-10 at B = 32 by ezkl (from PyPI, in an environment of its own) beside a step of ours.

    python -m benches.peers [--environment FOLDER]

Needs the network for the environment, ten minutes and 10 GB.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benches.measuring import Refused, measure
from benches.workloads import WORKLOADS

HERE = Path(__file__).parent
OURS = "64-64-10, B = 32"
SIZES = ("64", "64", "10", "32")


def environment(folder: Path) -> Path:
    """Its interpreter; made if it is not there."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [python, "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
        subprocess.run([*pip, "-r", HERE / "requirements.txt"], check=True)
    return python


def ezkl(python: Path) -> dict[str, Any]:
    """What ezkl took for one step."""
    command = [python, HERE / "ezkl_step.py", *SIZES]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def main() -> None:
    """Print both, and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--environment", type=Path, default=Path(".venv-peers"))
    options = parser.parse_args()
    theirs = ezkl(environment(options.environment))
    ours = measure(next(w for w in WORKLOADS if w.name == OURS))
    if isinstance(ours, Refused):
        sys.exit(f"{ours.name}: {ours.reason}")
    step = ours.prove_seconds / ours.steps
    rows = [
        ("one SGD step, 64-64-10, B = 32", "set-up s", "prove s", "verify ms", "KB", "GB"),
        (
            f"ezkl {theirs['version']}",
            f"{theirs['setup_seconds']:.1f}",
            f"{theirs['prove_seconds']:.1f}",
            f"{1e3 * theirs['verify_seconds']:.1f}",
            f"{theirs['proof_bytes'] / 1e3:.0f}",
            f"{theirs['peak_memory'] / 1e9:.1f}",
        ),
        (
            f"tacit, a step of {ours.steps} in a chunk",
            "0",
            f"{step:.4f}",
            f"{ours.verify_ms:.1f}",
            f"{ours.proof_bytes / 1e3:.0f}",
            f"{ours.peak_memory / 1e9:.1f}",
        ),
    ]
    for name, *figures in rows:
        print(f"{name:34}" + "".join(f"{figure:>10}" for figure in figures))
    both = theirs["setup_seconds"] + theirs["prove_seconds"]
    print(f"prove: 1/{theirs['prove_seconds'] / step:,.0f}; with its set-up: 1/{both / step:,.0f}")
    print("ezkl shows its model's updated parameters and needs a trusted set-up; it rounds by its own rules")


if __name__ == "__main__":
    main()
