"""How much faster two workers prove a run than one, each with one thread: processes, and Ray where it is there.

python -m benches.workers [--chunks N] [--on processes ray ...] [--json FILE]

The run is 64-64-10 at B = 32 with 32 steps in a chunk. The time of one worker includes starting it, as that of
two does. What the owner's process spends on a chunk (charging, sending, storing) is measured beside: it is what
does not get faster with more workers.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import logging
import os
import resource
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benches.workloads import synthetic


def runs(chunks: int, count: int, folder: Path) -> list[Any]:
    """Equal runs of `chunks` chunks, not proven yet."""
    import tacit

    x, y = synthetic(2048, 64, 10)
    data = tacit.commit(x, y, vault=folder / "bench.vault", quiet=True, proofs=chunks * count + 8)
    options = {"hidden": [64], "batch_size": 32, "lr": 0.125, "chunk_steps": 32, "epochs": chunks // 2}
    return [tacit.run_of(tacit.fit(data, shuffle_seed=seed, **options)) for seed in range(count)]


class Owner:
    """Seconds that a process spends while it does not wait for workers."""

    def __init__(self, farm: Any) -> None:
        self.waited, self._wait = 0.0, farm.wait
        farm.wait = self.wait

    def wait(self, seconds: float) -> Any:
        start = time.perf_counter()
        found = self._wait(seconds)
        self.waited += time.perf_counter() - start
        return found


def _children() -> float:
    """CPU seconds of processes that have ended: what waiting for other work on the machine does not change."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(run: Any, workers: int, on: str) -> dict[str, Any]:
    """Prove a run with so many workers of one thread each."""
    from tacit import proving
    from tacit.farm import prove_chunks
    from tacit.farm.jobs import Table

    record, data = run.record(), run.data()
    opening = proving.session.Opening(data.file, run.vault.secret(f"data/{data.name}"))
    costs = proving.estimate(run)
    table = Table(run.statement(record), opening, data.features, data.labels).to_bytes()
    chunks = list(range(run.chunks()))
    start, cpu = time.perf_counter(), _children()
    where = proving.Workers(workers, "local" if on == "ray" else None, 1)
    farm, count = proving.make_farm(where, table, costs.memory)
    owner = Owner(farm)
    try:
        prove_chunks(farm, count, run, record, chunks, costs.rows_per_proof, lambda done, total: None)
    finally:
        farm.close()
    seconds = time.perf_counter() - start
    return {
        "on": on,
        "workers": count,
        "chunks": len(chunks),
        "seconds": seconds,
        "cpu_seconds": _children() - cpu if on == "processes" else None,
        "owner_seconds_a_chunk": (seconds - owner.waited) / len(chunks),
        "load_before": os.getloadavg()[0],
    }


def line(one: dict[str, Any], two: dict[str, Any], efficiency: float) -> str:
    """Both measurements in words."""
    words = [f"{one['on']}: {one['chunks']} chunks"]
    for told, name in ((one, "one worker"), (two, "two")):
        cpu = f" ({told['cpu_seconds']:.1f} s of CPU time)" if told["cpu_seconds"] else ""
        words.append(f"{name} {told['seconds']:.1f} s{cpu} at a load of {told['load_before']:.1f} before")
    words.append(f"efficiency {efficiency:.2f}")
    words.append(f"owner {1e3 * two['owner_seconds_a_chunk']:.0f} ms a chunk")
    return ", ".join(words)


def main(given: Sequence[str] | None = None) -> None:
    there = ["processes"] + (["ray"] if importlib.util.find_spec("ray") else [])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--chunks", type=int, default=16)
    parser.add_argument("--on", nargs="*", default=there, choices=there)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(given)
    for name in ("commit", "vault"):
        logging.getLogger(f"tacit.{name}").setLevel(logging.ERROR)
    done = []
    with tempfile.TemporaryDirectory() as folder:
        made = iter(runs(options.chunks, 2 * len(options.on), Path(folder)))
        for on in options.on:
            one, two = (measure(next(made), workers, on) for workers in (1, 2))
            efficiency = one["seconds"] / two["seconds"] / 2
            done += [one, {**two, "efficiency": efficiency}]
            print(line(one, two, efficiency), flush=True)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(done, indent=1))


if __name__ == "__main__":
    main()
