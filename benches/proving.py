"""What proving costs: one table of training, proving and verifying, with PyTorch's own time in the same run.

python -m benches.proving [--large] [--only NAME ...] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benches.measuring import Measured, Refused, measure
from benches.workloads import LARGE, TINY, WORKLOADS

EZKL_STEP_SECONDS = 116.0 + 112.0
"""ezkl 23, one SGD step of 64-64-10 at B = 32 on such a machine: set-up and proof."""


def table(rows: Sequence[Measured]) -> str:
    """Times, sizes and memory, one workload a line."""
    lines = [
        f"{'workload':28} {'steps':>5} {'torch s':>8} {'exact s':>8} {'commit s':>8} {'prove s':>8} "
        f"{'estim. s':>8} {'prove/torch':>11} {'verify ms':>9} {'data ms':>8} {'KB/chunk':>8} {'chunks':>6} "
        f"{'GB':>5} {'est. GB':>7}"
    ]
    lines += [
        f"{r.name:28} {r.steps:5} {r.torch_seconds:8.2f} {r.exact_seconds:8.2f} {r.commit_seconds:8.2f} "
        f"{r.prove_seconds:8.2f} {r.estimate_seconds:8.2f} {r.ratio:11.0f} "
        f"{r.verify_ms:9.1f} {r.verify_data_ms:8.1f} {r.proof_bytes / r.chunks / 1e3:8.0f} {r.chunks:6} "
        f"{r.peak_memory / 1e9:5.1f} {r.estimate_memory / 1e9:7.1f}"
        for r in rows
    ]
    return "\n".join(lines)


def stages(rows: Sequence[Measured]) -> str:
    """Seconds of every stage, all chunks together."""
    names = list(dict.fromkeys(stage for r in rows for stage in r.stages))
    lines = [f"{'seconds by stage':28} " + " ".join(f"{name:>16}" for name in names)]
    lines += [f"{r.name:28} " + " ".join(f"{r.stages.get(name, 0.0):16.2f}" for name in names) for r in rows]
    return "\n".join(lines)


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--large", action="store_true", help="the large workloads, not the small ones")
    parser.add_argument("--only", nargs="*", help="names of workloads")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(given)
    chosen = LARGE if options.large else WORKLOADS
    if options.only:
        chosen = tuple(w for w in (*WORKLOADS, *LARGE, TINY) if w.name in options.only)
    rows: list[Measured] = []
    refused: list[Refused] = []
    for workload in chosen:
        done = measure(workload)
        if isinstance(done, Refused):
            refused.append(done)
            print(f"{done.name}: {done.reason}", flush=True)
        else:
            rows.append(done)
            print(table([done]).splitlines()[-1], flush=True)
    print(f"\n{table(rows)}\n\n{stages(rows)}\n")
    print(f"instruction set: {', '.join(sorted({r.build for r in rows}))}")
    for r in rows:
        if r.name.startswith("64-64-10"):
            step = r.prove_seconds / r.steps
            times = EZKL_STEP_SECONDS / step
            print(
                f"64-64-10: {step * 1e3:.1f} ms a step; ezkl's took {EZKL_STEP_SECONDS:.0f} s: "
                f"{times:,.0f} times less"
            )
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps([asdict(r) for r in (*rows, *refused)], indent=1))


if __name__ == "__main__":
    main()
