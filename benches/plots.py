"""Figures for the documentation, from the JSON that the benchmarks write.

python -m benches.plots FILE.json ... [--to FOLDER]

FILE.json becomes FOLDER/FILE.svg and FOLDER/FILE.png; by default the folder of the file. Needs matplotlib
(`pip install "tacit[bench]"`).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benches.growth import exponent

Row = dict[str, Any]


def figure(content: Any) -> Any:
    """The figure of a file's content: a list of workloads, or curves by name."""
    if isinstance(content, dict):
        return growth(content)
    return proving([row for row in content if "prove_seconds" in row])


def proving(rows: Sequence[Row]) -> Any:
    """Seconds of training in PyTorch, of exact training and of proving, by workload, on a logarithmic axis."""
    plt = _pyplot()
    drawn, axis = plt.subplots(figsize=(8, 1.2 + 0.6 * len(rows)))
    bars = {
        "train in PyTorch": "torch_seconds",
        "train on integers": "exact_seconds",
        "prove": "prove_seconds",
    }
    for place, (label, key) in enumerate(bars.items()):
        heights = [row[key] for row in rows]
        drawn_bars = axis.barh([i + 0.27 * (place - 1) for i in range(len(rows))], heights, 0.25, label=label)
        axis.bar_label(drawn_bars, [f"{seconds:.2g} s" for seconds in heights], padding=2, fontsize=7)
    axis.set_xscale("log")
    axis.margins(x=0.15)
    axis.set_yticks(range(len(rows)), [f"{row['name']}, {row['steps']} steps" for row in rows], fontsize=8)
    axis.invert_yaxis()
    axis.set_xlabel("seconds")
    axis.legend(fontsize=7, loc="lower right")
    drawn.tight_layout()
    return drawn


def growth(curves: dict[str, list[Row]]) -> Any:
    """One panel a curve, both axes logarithmic, with the fitted exponents in the legend."""
    plt = _pyplot()
    drawn, axes = plt.subplots(1, len(curves), figsize=(3.2 * len(curves), 3.2), sharey=True, squeeze=False)
    lines = {"prove": ("o-", "prove_seconds", 1.0), "train in PyTorch": ("s--", "torch_seconds", 1.0)}
    lines["verify"] = ("^:", "verify_ms", 1e-3)
    for axis, (name, curve) in zip(axes[0], curves.items(), strict=True):
        xs = [point["x"] for point in curve]
        for label, (style, key, unit) in lines.items():
            points = [(x, unit * point[key]) for x, point in zip(xs, curve, strict=True)]
            slope = f", exponent {exponent(points):.2f}" if len(points) > 1 else ""
            axis.loglog(xs, [y for _, y in points], style, label=label + slope)
        axis.set_xlabel(name)
        axis.set_xticks(xs, [str(x) for x in xs])
        axis.minorticks_off()
        axis.grid(visible=True, alpha=0.3)
        axis.legend(fontsize=6)
    axes[0][0].set_ylabel("seconds")
    drawn.tight_layout()
    return drawn


def _pyplot() -> Any:
    import matplotlib

    matplotlib.use("agg")
    # The same file from the same figures, and text that a reader can search.
    matplotlib.rcParams.update({"svg.hashsalt": "tacit", "svg.fonttype": "none"})
    import matplotlib.pyplot as plt

    return plt


def draw(source: Path, folder: Path | None = None) -> list[Path]:
    """Write the SVG and the PNG of one JSON file, and say where."""
    plt = _pyplot()
    drawn = figure(json.loads(source.read_text()))
    made = [(folder or source.parent) / f"{source.stem}.{kind}" for kind in ("svg", "png")]
    for path in made:
        drawn.savefig(path, dpi=150, metadata={"Date": None} if path.suffix == ".svg" else None)
    plt.close(drawn)
    return made


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--to", type=Path, help="folder of the figures")
    options = parser.parse_args(given)
    for source in options.files:
        for path in draw(source, options.to):
            print(path)


if __name__ == "__main__":
    main()
