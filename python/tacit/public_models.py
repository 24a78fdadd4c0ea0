"""Models whose weights everybody has: a report on one is verified with its safetensors file, not with a run."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tacit import session
from tacit._files import read_limited
from tacit._wording import given
from tacit.errors import ProofRejected, UsageError
from tacit.progress import progress_bar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tacit.commitment import CommittedData
    from tacit.reporting import Report
    from tacit.runs import Run

__all__ = ["PublicModel", "apart", "prove_public", "public_model"]

MAX_FILE = 1 << 34
"""Longest model file that is read."""


@dataclass(frozen=True, slots=True)
class PublicModel:
    """A public model in place of a run: what `tacit.predict`, `evaluate` and `backtest` are about."""

    run: Run
    """Whose architecture, scales and schema it has. Nothing of it is opened."""
    bits: int
    """Fractional bits of the weights."""
    description: str = field(repr=False)
    """The model as the core describes it, as JSON."""
    weights: NDArray[np.int64] = field(repr=False)
    """[weights] integers with `bits` fractional bits, layer after layer."""

    def outputs(
        self,
        data: CommittedData | None,
        table: tuple[NDArray[np.int32], NDArray[np.int64]],
        request: str,
    ) -> list[int]:
        """The outputs on the rows of a request that asks for them alone, row after row."""
        plan = session.plan_public_report(self, None if data is None else data.file, table, request)
        return [int(v) for v in plan["shown"][0]["Outputs"]["values"]]


def public_model(path: str | os.PathLike[str], run: Run, *, bits: int | None = None) -> PublicModel:
    """The model in a safetensors file, as `tacit.release` writes it: tensors of the architecture of `run`.

    Its weights are integers over 2^`bits`; without `bits`, those of the releases of the run are tried, then the
    bits of training. The file need not be of a release, nor the run proven: a report says which weights it is
    about, and a verifier who is given release and run checks that they are these. Raises `UsageError`, or
    `ProofRejected` (`ModelTensorPrecision`, `ModelTensorShape`, ...) where the file holds something else.
    """
    from tacit.releasing import parameter_names
    from tacit.runs import Run

    if not isinstance(run, Run):
        raise UsageError(f"a {type(run).__name__} is no run: open one with tacit.open_run(vault, name)")
    if bits is not None and (isinstance(bits, bool) or not isinstance(bits, int) or not 1 <= bits <= 46):
        raise UsageError(f"{given('bits', bits)} is not a number of fractional bits from 1 to 46")
    content = read_limited(path, limit=MAX_FILE, what="model file")
    record = run.record()
    names, config = parameter_names(record), record.config.to_json()
    possible = [bits] if bits is not None else sorted({*_released(run), record.config.scales.fw})
    # Too few bits are refused by the core, too many are the same numbers.
    for tried in possible[:-1]:
        try:
            return PublicModel(run, tried, *session.public_model(content, config, tried, names))
        except ProofRejected as error:
            if error.check != "ModelTensorPrecision":
                raise
    return PublicModel(run, possible[-1], *session.public_model(content, config, possible[-1], names))


def _released(run: Run) -> list[int]:
    """The bits of the releases that the vault keeps of a run, ascending."""
    prefix = f"released/{run.name}-"
    return sorted({int(name.removeprefix(prefix).split("-")[0]) for name in run.vault.names(prefix)})


def apart(run: Run | PublicModel) -> tuple[Run, PublicModel | None]:
    """A run, and the public model that stands for its own, if one does."""
    return (run.run, run) if isinstance(run, PublicModel) else (run, None)


def prove_public(
    model: PublicModel,
    data: CommittedData | None,
    table: tuple[NDArray[np.int32], NDArray[np.int64]],
    request: str,
    names: tuple[str, ...],
    min_group: int,
    quiet: bool,
    outputs: CommittedData | None = None,
) -> Report:
    """Plan what is asked of a public model, refuse figures of few rows, charge the data's budget, and prove."""
    from tacit.reporting import Report, require_rows

    told = None if outputs is None else outputs.file
    file = None if data is None else data.file
    plan = session.plan_public_report(model, file, table, request, outputs=told)
    require_rows(plan, names, min_group)
    opened = [_opened(model, committed, int(plan["rows_per_proof"])) for committed in (data, outputs)]
    with progress_bar("proving", shown=False if quiet else None) as progress:
        content = session.prove_public_report(
            model,
            opened[0],
            table,
            request,
            model.run.vault.secret(),
            outputs=None
            if opened[1] is None or outputs is None
            else (opened[1], (outputs.features, outputs.labels)),
            progress=progress,
        )
    config = model.run.record().config
    width = config.architecture.layers[-1].outputs
    return Report(content, model.run.name, tuple(plan["shown"]), names, config.scales.fa, width, plan["rows"])


def _opened(model: PublicModel, committed: CommittedData | None, rows: int) -> session.Opening | None:
    """A commitment as the core opens it, charged with the rows that the proof opens of it."""
    if committed is None:
        return None
    what = f"report on a public model of {model.run.name}"
    committed.vault.budget.charge({committed.digest.hex(): rows}, what)
    return session.Opening(committed.file, committed.vault.secret(f"data/{committed.name}"))
