"""What statements about a committed model cost: prediction, evaluation by group, backtest; and predictions of a
public one beside it.

python -m benches.statements [--only NAME ...] [--json FILE]

Each workload trains and proves a small run first; only the report is timed. Each has a process of its own, so
that its peak memory is its own. Zero knowledge is on.
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benches.measuring import endless, network, train
from benches.workloads import synthetic

PROOFS = 3
VERIFICATIONS = 20
DAYS = 5_000
LOANS = 9_857
"""Rows of Lending Club."""


@dataclass(frozen=True)
class Measured:
    """One line of the table."""

    name: str
    prove_seconds: float
    """Median of the proofs."""
    cpu_seconds: float
    """Of all threads of that proof: on two idle cores it takes at least half of this."""
    verify_ms: float
    """Processor time of report and run together: a report is verified beside its run."""
    run_ms: float
    """Of the run alone."""
    report_bytes: int
    peak_memory: float
    load: float
    """Of the machine, when the measurement began: processes that wanted a core."""
    bar: str
    """What it ought to be at most."""


@dataclass(frozen=True)
class Made:
    """A proven run with what reports need."""

    run: Any
    run_file: bytes
    data: Any


def trained(folder: Path, table: tuple[Any, Any], widths: tuple[int, ...], batch: int, **options: Any) -> Made:
    """A proven run of one step on a table."""
    import torch
    from torch import nn

    import tacit

    data = tacit.commit(*table, vault=folder / "bench.vault", proofs=64, quiet=True, **options)
    model = network(widths)
    loss = nn.MSELoss() if data.label_kind == "real" else nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0625)
    model, optimizer, loader, loss_fn = tacit.make_provable(
        model, optimizer, data, loss, batch_size=batch, max_steps=1
    )
    train(model, optimizer, endless(loader), loss_fn, 1)
    proof = tacit.prove(model, quiet=True)
    return Made(tacit.run_of(model), proof.content, data)


def lending(folder: Path) -> tuple[Made, Callable[[], Any]]:
    """9,857 rows, 23-64-32-2: accuracy and confusion by a group column."""
    import tacit

    x, y = synthetic(LOANS, 23, 2)
    x[:, 22] = x[:, 22] > 0
    made = trained(folder, (x, y), (23, 64, 32, 2), 64)
    metrics = ["accuracy", "confusion"]
    return made, lambda: tacit.evaluate(made.run, made.data, metrics=metrics, by="x22", quiet=True)


def backtest(folder: Path) -> tuple[Made, Callable[[], Any]]:
    """5,000 days of a 20-32-1 strategy: Sharpe ratio and maximum drawdown."""
    import numpy as np

    import tacit

    returns = np.random.default_rng(0).normal(0.0004, 0.01, size=DAYS + 20)
    days = tacit.market(returns=returns, lags=20)
    made = trained(folder, (days.x, days.y), (20, 32, 1), 64, schema=days.schema)
    shown = ["sharpe", "max_drawdown"]
    return made, lambda: tacit.backtest(made.run, made.data, show=shown, cost_bps=1, quiet=True)


def prediction(
    widths: tuple[int, ...], rows: int = 1, served: bool = False, again: bool = False
) -> Callable[[Path], tuple[Made, Callable[[], Any]]]:
    """Outputs on public rows: if served, of a model whose tree is at hand; if `again`, committed again."""

    def prepare(folder: Path) -> tuple[Made, Callable[[], Any]]:
        import tacit

        x, y = synthetic(64, widths[0], widths[-1])
        # A batch of few rows would give a trace of more columns than a verifier reads.
        made = trained(folder, (x, y), widths, 64)
        if again:
            tacit.recommit(made.run, proofs=64, quiet=True)
        model = tacit.serve(made.run) if served else made.run
        return made, lambda: tacit.predict(model, x[:rows], quiet=True)

    return prepare


def hidden(folder: Path) -> tuple[Made, Callable[[], Any]]:
    """A row of 9,857 whose place stays hidden."""
    import tacit

    made = trained(folder, synthetic(LOANS, 23, 2), (23, 64, 32, 2), 64)
    return made, lambda: tacit.predict(made.run, made.data, rows=[4321], hide_rows=True, quiet=True)


def known(folder: Path) -> tuple[Made, Callable[[], Any]]:
    """The same row, named."""
    import tacit

    made = trained(folder, synthetic(LOANS, 23, 2), (23, 64, 32, 2), 64)
    return made, lambda: tacit.predict(made.run, made.data, rows=[4321], quiet=True)


@dataclass(frozen=True)
class Ratio:
    """The same prediction with the committed and with the public model, one after the other in one process."""

    name: str
    committed_seconds: float
    """Mean of the proofs."""
    public_seconds: float
    ratio: float
    """Of the means."""
    error: float
    """Standard error of that ratio: the work of queries alone takes a random time."""
    committed_cpu: float
    """Of all threads, mean."""
    public_cpu: float
    cpu_ratio: float
    verify_ms: float
    """Of the report on the public model alone: there is no run. Processor time."""
    load: float
    bar: str


RATIOS = {
    f"prediction of {rows:,} rows, {'-'.join(map(str, widths))}": (widths, rows)
    for widths in ((30, 16, 2), (23, 64, 32, 2))
    for rows in (1, 1000)
}
"""Predictions with a committed and with a public model: widths and public rows."""
PAIRS = 12
"""Proofs of each, in turn, of one run: about as many as the budget of the committed model has rows for."""
RUNS = 10
"""Runs of each workload."""


def _compare(name: str, out: Any) -> None:
    import tacit
    from tacit import session

    for logger in ("tacit.commit", "tacit.vault", "tacit.report"):
        logging.getLogger(logger).setLevel(logging.ERROR)
    widths, rows = RATIOS[name]
    with tempfile.TemporaryDirectory() as directory:
        os.environ["XDG_STATE_HOME"] = directory
        x, y = synthetic(max(64, rows), widths[0], widths[-1])
        wall: list[list[float]] = [[], []]
        cpu: list[list[float]] = [[], []]
        load, content, file = os.getloadavg()[0], [b"", b""], b""
        for run in range(RUNS):
            folder = Path(directory, str(run))
            folder.mkdir()
            made = trained(folder, (x, y), widths, 2)
            released = tacit.release(made.run, bits=12, data_is_public=True, quiet=True)
            released.save(folder / "model.safetensors", folder / "release.tacit")
            models = [made.run, tacit.public_model(folder / "model.safetensors", made.run)]
            file = (folder / "model.safetensors").read_bytes()
            for turn in range(PAIRS + 1):
                for which in (0, 1) if turn % 2 else (1, 0):
                    start, worked = time.perf_counter(), time.process_time()
                    content[which] = tacit.predict(models[which], x[:rows], quiet=True).content
                    # The first of each warms tables and pages.
                    if turn:
                        wall[which].append(time.perf_counter() - start)
                        cpu[which].append(time.process_time() - worked)
        checks = list[float]()
        for _ in range(VERIFICATIONS):
            start = time.process_time()
            session.verify_public_report(content[1], file, None, session.Held())
            checks.append(time.process_time() - start)
    (committed, public), (committed_cpu, public_cpu) = (map(statistics.fmean, of) for of in (wall, cpu))
    spread = [statistics.stdev(of) / statistics.fmean(of) / len(of) ** 0.5 for of in wall]
    ratio = committed / public
    ms = 1e3 * statistics.median(checks)
    error = ratio * (spread[0] ** 2 + spread[1] ** 2) ** 0.5
    told = (committed, public, ratio, error, committed_cpu, public_cpu, committed_cpu / public_cpu)
    out.put(Ratio(name, *told, ms, load, "1.15"))


WORKLOADS: dict[str, tuple[Callable[[Path], tuple[Made, Callable[[], Any]]], str]] = {
    "evaluation by group, 9,857 x 23-64-32-2": (lending, "10 s, 20 ms, 400 KB"),
    "backtest, 5,000 days, 20-32-1": (backtest, "5 s, 20 ms"),
    "prediction, 30-16-2": (prediction((30, 16, 2)), ""),
    "prediction, named row of 9,857, 23-64-32-2": (known, ""),
    "prediction, hidden row of 9,857, 23-64-32-2": (hidden, ""),
    "prediction, 784-1640-1640-10 (4.0M)": (prediction((784, 1640, 1640, 10)), ""),
    "the same, served": (prediction((784, 1640, 1640, 10), served=True), ""),
    "the same, committed again and served": (
        prediction((784, 1640, 1640, 10), served=True, again=True),
        "2 s, 20 ms",
    ),
}


def _work(name: str, out: Any) -> None:
    from tacit import session

    for logger in ("tacit.commit", "tacit.vault", "tacit.report"):
        logging.getLogger(logger).setLevel(logging.ERROR)
    prepare, bar = WORKLOADS[name]
    with tempfile.TemporaryDirectory() as directory:
        os.environ["XDG_STATE_HOME"] = directory
        made, ask = prepare(Path(directory))
        load, times, cpu, report = os.getloadavg()[0], list[float](), list[float](), None
        for _ in range(PROOFS):
            start, worked = time.perf_counter(), time.process_time()
            report = ask()
            times.append(time.perf_counter() - start)
            cpu.append(time.process_time() - worked)
        assert report is not None
        about = session.describe(report.content, made.run_file, links=report.links).statement["report"]["input"]
        on_data = "features" not in about
        held = session.Held(
            commitment=made.data.file if on_data else None, training=made.data.file, links=report.links
        )
        both, alone = [], []
        for _ in range(VERIFICATIONS):
            start = time.process_time()
            session.verify_report(report.content, made.run_file, held)
            both.append(time.process_time() - start)
            start = time.process_time()
            session.verify_run(made.run_file, session.Held(commitment=made.data.file))
            alone.append(time.process_time() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    ms = [1e3 * statistics.median(of) for of in (both, alone)]
    out.put(
        Measured(
            name, statistics.median(times), statistics.median(cpu), *ms, len(report.content), peak, load, bar
        )
    )


def table(rows: list[Measured]) -> str:
    """Times, sizes, memory, and the bar."""
    lines = [
        f"{'statement':44} {'prove s':>8} {'CPU s':>6} {'verify ms':>9} {'less run':>8} {'KB':>5} {'GB':>5} "
        f"{'load':>5}  bar"
    ]
    lines += [
        f"{r.name:44} {r.prove_seconds:8.2f} {r.cpu_seconds:6.2f} {r.verify_ms:9.1f} "
        f"{r.verify_ms - r.run_ms:8.1f} "
        f"{r.report_bytes / 1e3:5.0f} {r.peak_memory / 1e9:5.1f} {r.load:5.1f}  {r.bar}"
        for r in rows
    ]
    return "\n".join(lines)


def ratios(rows: list[Ratio]) -> str:
    """Committed beside public."""
    lines = [
        f"{'committed / public':44} {'s':>6} {'s':>6} {'ratio':>6} {'+-':>5} "
        f"{'CPU s':>6} {'CPU s':>6} {'ratio':>6} {'verify ms':>9} {'load':>5}  bar"
    ]
    lines += [
        f"{r.name:44} {r.committed_seconds:6.3f} {r.public_seconds:6.3f} {r.ratio:6.2f} {r.error:5.2f} "
        f"{r.committed_cpu:6.3f} {r.public_cpu:6.3f} {r.cpu_ratio:6.2f} {r.verify_ms:9.1f} "
        f"{r.load:5.1f}  {r.bar}"
        for r in rows
    ]
    committed, public = (
        sum(of) for of in zip(*((r.committed_seconds, r.public_seconds) for r in rows), strict=True)
    )
    error = sum((r.error / r.ratio) ** 2 * r.public_seconds**2 for r in rows) ** 0.5 / public
    lines.append(f"{'together':44} {committed:6.3f} {public:6.3f} {committed / public:6.2f} {error:5.2f}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", nargs="*", help="parts of names of statements")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows: list[Measured] = []
    compared: list[Ratio] = []
    context = multiprocessing.get_context("spawn")
    for name in (*WORKLOADS, *RATIOS):
        if options.only and not any(part in name for part in options.only):
            continue
        out: Any = context.Queue()
        process = context.Process(target=_work if name in WORKLOADS else _compare, args=(name, out))
        process.start()
        while process.is_alive() and out.empty():
            process.join(0.2)
        if out.empty():
            process.join()
            print(f"{name}: the process ended with {process.exitcode}", flush=True)
            continue
        found = out.get()
        process.join()
        if isinstance(found, Ratio):
            compared.append(found)
            print(ratios(compared).splitlines()[-2], flush=True)
        else:
            rows.append(found)
            print(table(rows).splitlines()[-1], flush=True)
    print(f"\n{table(rows)}" if rows else "")
    print(f"\n{ratios(compared)}" if compared else "")
    if options.json:
        options.json.write_text(json.dumps([asdict(r) for r in [*rows, *compared]], indent=1))


if __name__ == "__main__":
    main()
