"""Writes test vectors of the exact arithmetic: whole runs by the reference, for every implementation to repeat.

    python -m spec.vectors > tests/fixtures/arithmetic.txt

A run is a block of lines `key: integers`. Activations: 0 identity, 1 relu, 2 sigmoid, 3 tanh. Losses: 0 cross
entropy, 1 binary cross entropy, 2 squared error. `layers` holds inputs, outputs, bias, activation, z_bits and
q_bits of each layer, `ends` the norm bits of Z and Q, carry bits and averaged steps (0 for none), `weights`
(and `velocity`) one state per line: the start, every chunk boundary, the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from spec import arithmetic

ACTIVATIONS = ("Identity", "Relu", "Sigmoid", "Tanh")
LOSSES = ("CrossEntropy", "BceWithLogits", "Mse")
SCHEDULE = ("rows", "batch", "drop_last", "total_steps", "chunk_steps", "nesterov")
FW = 30


class Numbers:
    """Repeatable integers from a linear congruence."""

    def __init__(self, seed: int) -> None:
        """Starts from a seed."""
        self._state = seed

    def below(self, bound: int) -> int:
        """The next integer in [0, bound)."""
        self._state = (self._state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self._state >> 33) % bound

    def around(self, size: int) -> int:
        """The next integer in [-size, size]."""
        return self.below(2 * size + 1) - size


def case(index: int) -> tuple[dict[str, Any], list[list[int]], list[Any], list[list[list[int]]]]:
    """Configuration, features, labels and initial weights of one run."""
    numbers = Numbers(index + 1)
    activation, loss = ACTIVATIONS[index % 4], LOSSES[index % 3]
    momentum, shuffled, drop_last = index % 2 == 1, index % 3 != 0, index % 5 == 4
    widths = [4, 5, 3, 3] if index % 4 else [4, 3]
    layers: list[dict[str, Any]] = [
        {
            "inputs": a,
            "outputs": b,
            "bias": (index + i) % 3 != 2,
            "activation": activation if i + 2 < len(widths) else "Identity",
            "z_bits": 16,
            "q_bits": 16,
        }
        for i, (a, b) in enumerate(pairwise(widths))
    ]
    rows, steps = 11, 7
    rates = [3 if t < 4 else 1 for t in range(steps)]
    config = {
        "architecture": {"layers": layers, "loss": loss},
        "scales": {"fa": 8, "fg": 10, "fw": FW, "kappa": 4 if momentum else 0, "omega": 0 if drop_last else 4},
        "schedule": {
            "rows": rows,
            "batch": 4,
            "drop_last": drop_last,
            "total_steps": steps,
            "chunk_steps": 4,
            "rates": [{"steps": 1, "rate": rate << 3} for rate in rates],
            "filter": [16, 8, 4, 2, 1, 1] if momentum else [1],
            "nesterov": momentum and index % 4 == 3,
            "decay": {"bits": 12, "numerators": [4000, 4096]} if index in (2, 4, 5, 13) else None,
            "average": 2 if index in (12, 13) else None,
        },
        "order": {"Shuffled": {"seed": [numbers.below(256) for _ in range(32)]}} if shuffled else "Contiguous",
        "data_bits": 12,
        "target_bits": 12 if loss == "Mse" else 0,
        "norms": {"z": 34, "q": 33} if index >= 13 else None,
        "carry_bits": 33 if index in (12, 14, 15) else None,
    }
    features = [[numbers.around(700) for _ in range(widths[0])] for _ in range(rows)]
    kinds: dict[str, Callable[[], list[Any]]] = {
        "CrossEntropy": lambda: [numbers.below(3) for _ in range(rows)],
        "BceWithLogits": lambda: [[numbers.below(2) for _ in range(3)] for _ in range(rows)],
        "Mse": lambda: [[numbers.around(700) for _ in range(3)] for _ in range(rows)],
    }
    labels = kinds[loss]()
    weights = [
        [
            [numbers.around(2 ** (FW - 1)) for _ in range(layer["outputs"])]
            for _ in range(layer["inputs"] + layer["bias"])
        ]
        for layer in layers
    ]
    return config, features, labels, weights


def flat(value: Any) -> Iterator[int]:
    """All integers in nested lists."""
    if isinstance(value, list):
        for item in value:
            yield from flat(item)
    else:
        yield int(value)


def lines(index: int) -> Iterator[str]:
    """One run as text."""
    config, features, labels, weights = case(index)
    architecture, schedule = config["architecture"], config["schedule"]

    def line(key: str, *values: Any) -> str:
        return f"{key}: {' '.join(map(str, flat(list(values))))}".rstrip()

    yield line("case", index)
    yield line(
        "layers",
        [
            [x["inputs"], x["outputs"], x["bias"], ACTIVATIONS.index(x["activation"]), x["z_bits"], x["q_bits"]]
            for x in architecture["layers"]
        ],
    )
    yield line("loss", LOSSES.index(architecture["loss"]))
    yield line("scales", *config["scales"].values())
    yield line("schedule", *(schedule[k] for k in SCHEDULE))
    yield line("rates", [span["rate"] for span in schedule["rates"]])
    yield line("filter", schedule["filter"])
    decay = schedule["decay"]
    yield line("decay", [decay["bits"], decay["numerators"]] if decay else [])
    yield line("seed", [] if config["order"] == "Contiguous" else config["order"]["Shuffled"]["seed"])
    yield line("bits", config["data_bits"], config["target_bits"])
    norms = config["norms"] or {"z": 0, "q": 0}
    yield line("ends", norms["z"], norms["q"], config["carry_bits"] or 0, schedule["average"] or 0)
    yield line("features", features)
    yield line("labels", labels)
    for state, velocity in arithmetic.run(config, features, labels, weights):
        yield line("weights", state)
        if velocity is not None:
            yield line("velocity", velocity)


def text(cases: int = 16) -> str:
    """All vectors."""
    return "\n".join(line for index in range(cases) for line in lines(index)) + "\n"


if __name__ == "__main__":
    print(text(), end="")
