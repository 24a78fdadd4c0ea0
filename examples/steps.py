"""What the examples share: a clean folder, training that gives the same figures every time, and the page."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demos.job import step

import tacit
from tacit.progress import duration, size
from tacit.runs import Run

__all__ = ["Folder", "arguments", "publish", "step", "train_and_prove"]


@dataclass(frozen=True)
class Folder:
    """Where an example writes, and where its pictures go."""

    path: Path
    pictures: Path

    @property
    def options(self) -> dict[str, Any]:
        """Vault and key of the owner, for `tacit.commit`."""
        return {"vault": self.path / "owner.vault", "key_file": self.path / "key", "publish_names": True}


def arguments(name: str, given: Sequence[str] | None = None) -> Folder:
    """`--out` and `--pictures` of an example; the output folder is emptied."""
    parser = argparse.ArgumentParser(prog=f"python -m examples.{name}")
    parser.add_argument("--out", type=Path, default=Path("example-output") / name, help="folder for all files")
    parser.add_argument("--pictures", type=Path, help="folder for the picture; by default the same")
    options = parser.parse_args(given)
    shutil.rmtree(options.out, ignore_errors=True)
    pictures = options.pictures or options.out
    for folder in (options.out, pictures):
        folder.mkdir(parents=True, exist_ok=True)
    return Folder(options.out, pictures)


def train_and_prove(folder: Folder, data: tacit.CommittedData, **options: Any) -> Run:
    """Train a perceptron on committed data and prove it: `run.tacit`.

    Rows are read in the order of the commitment. A shuffle's seed hangs on the commitment, which holds fresh
    randomness: with one the figures would be others every time.
    """
    with step("train on exact integers"):
        fitted = tacit.fit(data, init_seed=1, **options)
        print(f"   mean loss of the first epoch {fitted.losses[0]:.3f}, of the last {fitted.losses[-1]:.3f}")
    run = tacit.run_of(fitted)
    with step("prove that the hidden model is what this training gives"):
        proof = tacit.prove(run, quiet=True)
        proof.save(folder.path / "run.tacit")
        print(f"   run.tacit, {size(len(proof))}")
    return run


def publish(folder: Folder, name: str, picture: str, report: tacit.Report, **companions: str) -> None:
    """Save a report, check it as its reader would, and make the page and the picture of what it shows."""
    path = report.save(folder.path / f"{name}.tacit")
    held = {option: folder.path / file for option, file in companions.items()}
    with step(f"check {path.name} ({size(len(report))}) and make its page"):
        page = tacit.html_report(path, **held)
        page.save(folder.path / f"{name}.html")
        target = folder.pictures / f"{picture}.svg"
        target.write_text(next(iter(page.pictures.values())), encoding="utf-8")
        for line in page.verdict.shown[:6]:
            print(f"   {line}")
        print(f"   {folder.path / name}.html, {target}")


def done(seconds: float) -> None:
    """The last line."""
    print(f"\nall of it in {duration(seconds)}", file=sys.stdout)
