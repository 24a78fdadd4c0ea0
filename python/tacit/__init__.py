"""Zero-knowledge proofs of machine-learning training.

Commit a private data set, train a PyTorch model on it, prove it, verify it:

    data = tacit.commit(X, y, vault="clinic.vault")
    model, opt, loader, loss_fn = tacit.make_provable(model, opt, data, loss_fn, batch_size=64)
    ...the training loop, unchanged...
    tacit.prove(model).save("run.tacit")
    tacit.verify("run.tacit", data="clinic.commitment")

Importing `tacit` imports neither torch nor numpy; what is used is loaded when it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tacit.commitment import CommittedData, commit, open_data
    from tacit.comparing import RowsProof, compare_rows
    from tacit.dataset import Column, QuantisedData, Schema, Target, quantise
    from tacit.declaring import Declaration
    from tacit.errors import ProofRejected, TacitError, UnreadableFile
    from tacit.html import HtmlReport, html_report
    from tacit.markets import Market, market
    from tacit.model_comparison import compare_models
    from tacit.origins import Beacon, VerifierNonce
    from tacit.planning import RunPlan
    from tacit.proving import Proof
    from tacit.public_models import PublicModel, public_model
    from tacit.recommitting import Recommitted, recommit
    from tacit.releasing import Release
    from tacit.reporting import Report
    from tacit.runs import Run, open_run
    from tacit.serving import Served
    from tacit.session import Estimate, Verdict
    from tacit.training import (
        backtest,
        declare,
        estimate,
        evaluate,
        fit,
        make_provable,
        plan,
        predict,
        prove,
        release,
        run_of,
        serve,
    )
    from tacit.vault import Vault
    from tacit.verifying import inspect, verify

__all__ = [
    "Beacon",
    "Column",
    "CommittedData",
    "Declaration",
    "Estimate",
    "HtmlReport",
    "Market",
    "Proof",
    "ProofRejected",
    "PublicModel",
    "QuantisedData",
    "Recommitted",
    "Release",
    "Report",
    "RowsProof",
    "Run",
    "RunPlan",
    "Schema",
    "Served",
    "TacitError",
    "Target",
    "UnreadableFile",
    "Vault",
    "Verdict",
    "VerifierNonce",
    "backtest",
    "commit",
    "compare_models",
    "compare_rows",
    "declare",
    "estimate",
    "evaluate",
    "fit",
    "html_report",
    "inspect",
    "make_provable",
    "market",
    "open_data",
    "open_run",
    "plan",
    "predict",
    "prove",
    "public_model",
    "quantise",
    "recommit",
    "release",
    "run_of",
    "serve",
    "verify",
]

_HOMES = {
    "Beacon": "origins",
    "Column": "dataset",
    "CommittedData": "commitment",
    "Declaration": "declaring",
    "Estimate": "session",
    "HtmlReport": "html",
    "Market": "markets",
    "Proof": "proving",
    "ProofRejected": "errors",
    "PublicModel": "public_models",
    "QuantisedData": "dataset",
    "Recommitted": "recommitting",
    "Release": "releasing",
    "Report": "reporting",
    "RowsProof": "comparing",
    "Run": "runs",
    "RunPlan": "planning",
    "Schema": "dataset",
    "Served": "serving",
    "TacitError": "errors",
    "Target": "dataset",
    "UnreadableFile": "errors",
    "Vault": "vault",
    "Verdict": "session",
    "VerifierNonce": "origins",
    "backtest": "training",
    "commit": "commitment",
    "compare_models": "model_comparison",
    "compare_rows": "comparing",
    "declare": "training",
    "estimate": "training",
    "evaluate": "training",
    "fit": "training",
    "html_report": "html",
    "inspect": "verifying",
    "make_provable": "training",
    "market": "markets",
    "open_data": "commitment",
    "open_run": "runs",
    "plan": "training",
    "predict": "training",
    "prove": "training",
    "public_model": "public_models",
    "quantise": "dataset",
    "recommit": "recommitting",
    "release": "training",
    "run_of": "training",
    "serve": "training",
    "verify": "verifying",
}


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("tacit")
    except PackageNotFoundError:
        return "0+source"


def __getattr__(name: str) -> Any:
    """Load a public name from the module that holds it."""
    if name == "__version__":
        return _version()
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'tacit' has no attribute {name!r}")
    return getattr(importlib.import_module(f"tacit.{home}"), name)


def __dir__() -> list[str]:
    """The public names."""
    return sorted([*__all__, "__version__"])
