"""How the cost grows: width, depth, batch, steps and rows, each doubled four times, with the fitted exponent.

python -m benches.growth [--only CURVE ...] [--json FILE]

`benches.plots` makes the figure of what --json writes.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benches.measuring import Measured, measure
from benches.workloads import growth

Curve = list[tuple[int, Measured]]


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """The slope of the line through log y over log x, by least squares."""
    xs, ys = ([math.log(v) for v in values] for values in zip(*points, strict=True))
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((a - x) * (b - y) for a, b in zip(xs, ys, strict=True)) / sum((a - x) ** 2 for a in xs)


def table(name: str, curve: Curve) -> str:
    """One line a doubling, and the exponents of all of them together."""
    lines = [
        f"{name:>8} {'torch s':>8} {'prove s':>8} {'x':>5} {'verify ms':>9} {'KB':>6} {'GB':>5} {'chunks':>6}"
    ]
    before = None
    for x, r in curve:
        factor = "" if before is None else f"{r.prove_seconds / before:.2f}"
        before = r.prove_seconds
        lines.append(
            f"{x:8} {r.torch_seconds:8.3f} {r.prove_seconds:8.2f} {factor:>5} {r.verify_ms:9.1f} "
            f"{r.proof_bytes / 1e3:6.0f} {r.peak_memory / 1e9:5.2f} {r.chunks:6}"
        )
    measures = {
        "torch": lambda r: r.torch_seconds,
        "prove": lambda r: r.prove_seconds,
        "verify": lambda r: r.verify_ms,
        "bytes": lambda r: r.proof_bytes,
        "memory": lambda r: r.peak_memory,
    }
    if len(curve) > 1:
        found = {k: exponent([(x, of(r)) for x, r in curve]) for k, of in measures.items()}
        lines.append(f"exponents of {name}: " + ", ".join(f"{k} {v:.2f}" for k, v in found.items()))
    return "\n".join(lines)


def main(given: Sequence[str] | None = None) -> None:
    curves = growth()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", nargs="*", default=list(curves), choices=list(curves))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(given)
    done: dict[str, Curve] = {}
    for name in options.only:
        done[name] = []
        for x, workload in curves[name]:
            measured = measure(workload)
            if isinstance(measured, Measured):
                done[name].append((x, measured))
            else:
                print(f"{measured.name}: {measured.reason}")
        print(table(name, done[name]) + "\n", flush=True)
    if options.json:
        told = {name: [{"x": x, **asdict(r)} for x, r in curve] for name, curve in done.items()}
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
