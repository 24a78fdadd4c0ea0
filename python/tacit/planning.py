"""What a run of any length will take, before its first step: rows, proofs, time, memory, disk.

A run that the row budget of its data, the disk or the size of a proof file cannot carry is refused here, not
after days of training.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from tacit import session
from tacit._wording import named
from tacit.arithmetic.config import RunConfig
from tacit.arithmetic.trainer import kept_every
from tacit.commitment import CommittedData
from tacit.errors import BudgetError, UsageError
from tacit.progress import duration, size
from tacit.verifying import MAX_FILE

__all__ = ["RunPlan", "plan_of"]

VERIFY_SECONDS = 0.008
"""Of a chunk, whatever the model: measured, see docs/scale.md."""
VERIFY_SECONDS_A_WEIGHT = 2.6e-8
"""And for every weight: a verifier evaluates polynomials as long as the model."""
STATE_BYTES = 8


@dataclass(frozen=True, slots=True)
class RunPlan:
    """A planned run. Times and memory are estimates, everything else is exact or a bound."""

    steps: int
    chunk_steps: int
    chunks: int
    """Proofs that make up the proof of the run."""
    seconds: float
    """Of proving, on this machine alone."""
    memory: int
    """Bytes, of proving one chunk."""
    proof_bytes: int
    verify_seconds: float
    """Of one chunk."""
    rows: int
    """Of the data's commitment that the run's proofs open."""
    rows_left: int
    disk: int
    """Bytes at most in the vault, the proofs included."""
    disk_left: int
    data: CommittedData

    def to_dict(self) -> dict[str, float]:
        """The figures, for programs."""
        return {name: getattr(self, name) for name in self.__slots__ if name != "data"}

    def __str__(self) -> str:
        """One line a figure."""
        per_proof = self.rows // self.chunks
        lines = {
            "steps": f"{self.steps:,}, {self.chunk_steps:,} in a proof",
            "proofs": f"{self.chunks:,}, about {duration(self.seconds / self.chunks)} each",
            "proving": f"about {duration(self.seconds)} on this machine, {size(self.memory)} of memory",
            "proof file": f"about {size(self.proof_bytes)}, {size(self.proof_bytes / self.chunks)} a chunk",
            "verifying": f"about {1e3 * self.verify_seconds:.0f} ms a chunk, "
            f"{duration(self.verify_seconds * self.chunks)} in all",
            "row budget": f"{self.rows:,} rows ({per_proof:,} a proof), {self.rows_left:,} are left",
            "disk": f"at most {size(self.disk)} in the vault, {size(self.disk_left)} are free",
        }
        return "\n".join(f"{name + ':':12}{text}" for name, text in lines.items())

    def require(self) -> None:
        """Raise `BudgetError` or `UsageError` if the run could be trained and never proven."""
        if self.rows > self.rows_left:
            per_proof = self.rows // self.chunks
            command = f"tacit recommit --data {self.data.name} --proofs {self.chunks}"
            again = named("recommit(data, proofs", f"{self.chunks})", option=command)
            raise BudgetError(
                f"a run of {self.steps:,} steps takes {self.chunks:,} proofs, which open {self.rows:,} rows of "
                f"the data's commitment; {self.rows_left:,} are left, enough for "
                f"{self.rows_left // per_proof:,} proofs: commit the data again for as many ({again}) and "
                "train on that, or give more memory, so that a proof has more steps",
                commitment=self.data.digest.hex(),
                needed=self.rows,
                left=self.rows_left,
            )
        if self.proof_bytes > MAX_FILE:
            raise UsageError(
                f"the proof of {self.chunks:,} chunks would be about {size(self.proof_bytes)}, more than the "
                f"{size(MAX_FILE)} that a file of ours may have: give more memory, so that a proof has more "
                "steps, or make several runs"
            )
        if self.disk > self.disk_left:
            raise UsageError(
                f"the run needs up to {size(self.disk)} in {self.data.vault.path}, {size(self.disk_left)} are "
                "free there: make room, or give more memory, so that there are fewer chunks"
            )


def plan_of(config: RunConfig, data: CommittedData, start_bits: int | None) -> RunPlan:
    """The plan of a run whose every step is known. `start_bits` is the window of a hidden start."""
    costs = session.estimate_plan(config.to_json(), data.file, start_bits)
    schedule, vault = config.schedule, data.vault
    weights = config.architecture.weight_count
    every = kept_every(config, costs.chunks)
    states = -(-costs.chunks // every) + every + 1
    copies = 2 if config.scales.kappa else 1
    return RunPlan(
        steps=schedule.total_steps,
        chunk_steps=schedule.chunk_steps,
        chunks=costs.chunks,
        seconds=costs.seconds,
        memory=costs.memory,
        proof_bytes=costs.proof_bytes,
        verify_seconds=VERIFY_SECONDS + VERIFY_SECONDS_A_WEIGHT * weights,
        rows=costs.rows_per_proof * costs.chunks,
        rows_left=vault.accounts()[data.digest.hex()].left(),
        disk=states * copies * weights * STATE_BYTES + costs.proof_bytes,
        disk_left=shutil.disk_usage(vault.path).free,
        data=data,
    )
