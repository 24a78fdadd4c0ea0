"""Reference of the exact arithmetic: one step and a whole run over plain Python integers.

Slow on purpose; it imports nothing of tacit. Matrices are lists of rows. `run` takes the configuration as the
plain dictionary that the proving core reads, the data and the initial weights, and returns the state at every
chunk boundary.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

Matrix = list[list[int]]
P = 1 << 60


class Overflow(Exception):
    """A rounded value left its window: (layer from 0, "z" or "q", step)."""


def rescale(v: int, s: int) -> int:
    """floor((v + 2^(s-1)) / 2^s)."""
    return (v + 2 ** (s - 1)) // 2**s if s else v


def hdiv(a: int, b: int) -> int:
    """a / b rounded half up."""
    return (2 * a + b) // (2 * b)


# Tables, one entry at a time.


def exp_factors(fa: int) -> list[int]:
    """X_i = exp(-2^(i - fa)) with 60 fractional bits."""
    terms, k = [P], 0
    while terms[-1]:
        terms.append(terms[-1] // (2**fa * (k + 1)))
        k += 1
    x = [sum(t if i % 2 == 0 else -t for i, t in enumerate(terms))]
    while len(x) < 17:
        x.append((x[-1] * x[-1] + P // 2) // P)
    return x


_FACTORS: dict[int, list[int]] = {}


def expq(d: int, fa: int) -> int:
    """exp(-d 2^-fa) with 60 fractional bits."""
    factors = _FACTORS.setdefault(fa, exp_factors(fa))
    r = P
    for i in range(17):
        if d >> i & 1:
            r = (r * factors[i] + P // 2) // P
    return r


def exp_entry(d: int, fa: int, fe: int) -> int:
    """EXP[d]."""
    return ((expq(d, fa) << (fe + 1)) + P) // (2 * P)


def sigmoid(z: int, fa: int, bits: int) -> int:
    """SIG[z] with `bits` fractional bits."""
    e = expq(abs(z), fa)
    return hdiv(2**bits * (P if z >= 0 else e), P + e)


def sigmoid_derivative(z: int, fa: int) -> int:
    """DSIG[z], 12 fractional bits."""
    s = P * P // (P + expq(abs(z), fa))
    return hdiv(s * (P - s) // P, 2**48)


def tanh(z: int, fa: int, bits: int | None = None) -> int:
    """TANH[z], with fa or other fractional bits."""
    e = expq(2 * abs(z), fa)
    return hdiv((1 if z >= 0 else -1) * 2 ** (fa if bits is None else bits) * (P - e), P + e)


def tanh_derivative(z: int, fa: int) -> int:
    """DTANH[z], 12 fractional bits."""
    e = expq(2 * abs(z), fa)
    th = (P - e) * P // (P + e)
    return hdiv(P - th * th // P, 2**48)


# Order and batches.


def permutation(seed: bytes, epoch: int, n: int) -> list[int]:
    """perm_e by Fisher-Yates from the top."""
    words: list[int] = []
    counter = 0
    order = list(range(n))
    for i in range(n - 1, 0, -1):
        while True:
            if not words:
                digest = hashlib.sha256(
                    b"tacit/order/v1" + seed + epoch.to_bytes(8, "big") + counter.to_bytes(8, "big")
                ).digest()
                words = [int.from_bytes(digest[8 * k : 8 * k + 8], "big") for k in range(4)]
                counter += 1
            x = words.pop(0)
            if x < 2**64 // (i + 1) * (i + 1):
                break
        j = x % (i + 1)
        order[i], order[j] = order[j], order[i]
    return order


def batch(config: dict[str, Any], step: int) -> list[int]:
    """The rows of step t."""
    s = config["schedule"]
    n, b = s["rows"], s["batch"]
    per_epoch = n // b if s["drop_last"] else -(-n // b)
    epoch, position = divmod(step, per_epoch)
    order = list(range(n))
    if config["order"] != "Contiguous":
        order = permutation(bytes(config["order"]["Shuffled"]["seed"]), epoch, n)
    return order[position * b : min(n, (position + 1) * b)]


# One step.


def product(a: Matrix, b: Matrix) -> Matrix:
    """a b."""
    columns = list(zip(*b, strict=True))
    return [[sum(x * y for x, y in zip(row, column, strict=True)) for column in columns] for row in a]


def transpose(a: Matrix) -> Matrix:
    """a^T."""
    return [list(column) for column in zip(*a, strict=True)]


def in_window(values: Matrix, bits: int, layer: int, quantity: str, step: int) -> Matrix:
    """The values, if all lie in [-2^(bits-1), 2^(bits-1))."""
    if any(not -(2 ** (bits - 1)) <= v < 2 ** (bits - 1) for row in values for v in row):
        raise Overflow(layer, quantity, step)
    return values


def forward(
    config: dict[str, Any], weights: list[Matrix], rows: Matrix, step: int
) -> tuple[list[Matrix], list[Matrix]]:
    """A_l (with bias column) and Z_l of every layer."""
    fa, shift = config["scales"]["fa"], config["scales"]["fw"] + config["scales"]["kappa"]
    inputs, z, a = [], [], rows
    for index, layer in enumerate(config["architecture"]["layers"]):
        inputs.append([row + [2**fa] * layer["bias"] for row in a])
        raw = product(inputs[-1], weights[index])
        z.append(
            in_window([[rescale(v, shift) for v in row] for row in raw], layer["z_bits"], index, "z", step)
        )
        activations: dict[str, Callable[[int], int]] = {
            "Identity": lambda v: v,
            "Relu": lambda v: v if v > 0 else 0,
            "Sigmoid": lambda v: sigmoid(v, fa, fa),
            "Tanh": lambda v: tanh(v, fa),
        }
        act = activations[layer["activation"]]
        a = [[act(v) for v in row] for row in z[-1]]
    return inputs, z


def loss_gradient(config: dict[str, Any], z: Matrix, labels: list[Any]) -> Matrix:
    """D of the last layer."""
    fa, fg, loss = config["scales"]["fa"], config["scales"]["fg"], config["architecture"]["loss"]
    if loss == "BceWithLogits":
        return [
            [sigmoid(v, fa, fg) - 2**fg * y for v, y in zip(row, ys, strict=True)]
            for row, ys in zip(z, labels, strict=True)
        ]
    if loss == "Mse":
        return [
            [(v - y) * 2 ** (fg - fa) for v, y in zip(row, ys, strict=True)]
            for row, ys in zip(z, labels, strict=True)
        ]
    out = []
    classes = len(z[0])
    fe = 16 - next(k for k in range(17) if 2**k >= classes)
    for row, y in zip(z, labels, strict=True):
        e = [exp_entry(max(row) - v, fa, fe) for v in row]
        out.append([e[j] * 2**fg // sum(e) - (2**fg if j == y else 0) for j in range(classes)])
    return out


def backward(
    config: dict[str, Any], weights: list[Matrix], inputs: list[Matrix], z: list[Matrix], top: Matrix, step: int
) -> tuple[list[Matrix], list[Matrix]]:
    """A_l^T D_l of every layer, and Q of every hidden layer."""
    layers, scales = config["architecture"]["layers"], config["scales"]
    fa, shift = scales["fa"], scales["fw"] + scales["kappa"]
    gradients: list[Matrix] = [[] for _ in layers]
    hidden: list[Matrix] = [[] for _ in layers[1:]]
    d = top
    for index in range(len(layers) - 1, -1, -1):
        gradients[index] = product(transpose(inputs[index]), d)
        if index == 0:
            break
        below = layers[index - 1]
        raw = product(d, transpose(weights[index][: layers[index]["inputs"]]))
        q = in_window([[rescale(v, shift) for v in row] for row in raw], below["q_bits"], index - 1, "q", step)
        hidden[index - 1] = q
        derivatives: dict[str, Callable[[int, int], int]] = {
            "Identity": lambda g, v: g,
            "Relu": lambda g, v: g if v > 0 else 0,
            "Sigmoid": lambda g, v: rescale(g * sigmoid_derivative(v, fa), 12),
            "Tanh": lambda g, v: rescale(g * tanh_derivative(v, fa), 12),
        }
        through = derivatives[below["activation"]]
        d = [
            [through(g, v) for g, v in zip(gs, vs, strict=True)] for gs, vs in zip(q, z[index - 1], strict=True)
        ]
        in_window(d, below["q_bits"], index - 1, "q", step)
    return gradients, hidden


# A run.


def combine(terms: list[tuple[int, list[Matrix]]]) -> list[Matrix]:
    """sum of c_i M_i over layers."""
    shapes = terms[0][1]
    return [
        [[sum(c * m[layer][k][j] for c, m in terms) for j in range(len(w[0]))] for k in range(len(w))]
        for layer, w in enumerate(shapes)
    ]


State = tuple[list[Matrix], list[Matrix] | None]


def tap(taps: list[int], i: int) -> int:
    """d_i, 0 beyond the filter."""
    return taps[i] if i < len(taps) else 0


def update_taps(config: dict[str, Any]) -> list[int]:
    """h: the filter d, or Nesterov's h_i = d_{i+1} + 2^kappa [i = 0]."""
    d = config["schedule"]["filter"]
    return [d[0] + d[1], *d[2:]] if config["schedule"]["nesterov"] else d


def weights_at(
    t: int, kappa: int, taps: list[int], rho: list[int], start: State, gradients: list[tuple[int, list[Matrix]]]
) -> list[Matrix]:
    """W_t = 2^kappa W_0 - sum_s c_{t,s} A_s^T D_s - c_{t,v} V_0, with t counted from the start of the chunk and
    the coefficients by the taps h of the update.
    """
    terms = [(2**kappa, start[0])]
    for s, (weight, gradient) in enumerate(gradients[:t]):
        terms.append((-weight * sum(rho[u] * tap(taps, u - s) for u in range(s, t)), gradient))
    if start[1] is not None:
        terms.append((-sum(rho[u] * tap(taps, u + 1) for u in range(t)), start[1]))
    return combine(terms)


def run(config: dict[str, Any], features: Matrix, labels: list[Any], initial: list[Matrix]) -> list[State]:
    """(W, V) at the start of every chunk and at the end, by the closed form of `weights_at`."""
    s, scales = config["schedule"], config["scales"]
    rates = [span["rate"] for span in s["rates"] for _ in range(span["steps"])]
    taps, update, kappa, padded = s["filter"], update_taps(config), scales["kappa"], 1
    while padded < s["batch"]:
        padded *= 2
    decay, average = s["decay"] or {"bits": 0, "numerators": None}, s["average"] or 1
    states: list[State] = [(initial, combine([(0, initial)]) if kappa else None)]
    for first in range(0, s["total_steps"], s["chunk_steps"]):
        steps = min(s["chunk_steps"], s["total_steps"] - first)
        rho, start = rates[first : first + steps], states[-1]
        gradients: list[tuple[int, list[Matrix]]] = []
        norms = Norms(config)
        for t in range(s["chunk_steps"]):
            if t >= steps:
                end = weights_at(steps, kappa, update, rho, start, gradients)
                norms.add(padded, forward(config, end, [[0] * len(features[0])], first + steps)[1], [])
                continue
            weights = weights_at(t, kappa, update, rho, start, gradients)
            rows = batch(config, first + t)
            if len(rows) < padded:
                masked = forward(config, weights, [[0] * len(features[0])], first + t)[1]
                norms.add(padded - len(rows), masked, [])
            inputs, z = forward(config, weights, [features[r] for r in rows], first + t)
            top = loss_gradient(config, z[-1], [labels[r] for r in rows])
            weight = hdiv(2 ** scales["omega"] * s["batch"], len(rows))
            step_gradients, q = backward(config, weights, inputs, z, top, first + t)
            gradients.append((weight, step_gradients))
            norms.add(1, z, q)
        norms.check(first + steps - 1)
        averaged = average if first + steps == s["total_steps"] else 1
        ends = [weights_at(steps - i, kappa, update, rho, start, gradients) for i in range(averaged)]
        last = combine([(1, end) for end in ends])
        velocity = None
        if start[1] is not None:
            terms = [(w * tap(taps, steps - 1 - i), g) for i, (w, g) in enumerate(gradients)]
            velocity = rescaled(combine([*terms, (tap(taps, steps), start[1])]), kappa)
        factor = decay["numerators"][first // s["chunk_steps"]] if decay["numerators"] else 1
        shift = kappa + decay["bits"] + averaged.bit_length() - 1
        out = rescaled(combine([(factor, last)]), shift)
        if config["carry_bits"] is not None:
            for index, matrix in enumerate(out):
                in_window(matrix, min(config["carry_bits"], 48, 63 - shift), index, "carry", first + steps - 1)
        states.append((out, velocity))
    return states


class Norms:
    """Sums of squares of Z (layers whose activation is no table) and of Q over a chunk's rows, per hidden "
    "unit."""

    def __init__(self, config: dict[str, Any]) -> None:
        """Starts from zero."""
        self._layers, self._bits = config["architecture"]["layers"][:-1], config["norms"]
        self._sums = {
            (kind, i): [0] * layer["outputs"] for i, layer in enumerate(self._layers) for kind in "zq"
        }

    def add(self, times: int, z: list[Matrix], q: list[Matrix]) -> None:
        """Adds `times` the squares of rows of Z and, where given, of Q."""
        for kind, matrices in (("z", z), ("q", q)):
            for index, matrix in enumerate(matrices[: len(self._layers)]):
                for row in matrix:
                    for j, v in enumerate(row):
                        self._sums[kind, index][j] += times * v * v

    def check(self, step: int) -> None:
        """Raises `Overflow` for a norm beyond its bound."""
        for (kind, index), sums in self._sums.items():
            table = self._layers[index]["activation"] in ("Sigmoid", "Tanh")
            if self._bits is not None and max(sums) >> self._bits[kind] and not (kind == "z" and table):
                raise Overflow(index, f"norm of {kind}", step)


def rescaled(layers: list[Matrix], shift: int) -> list[Matrix]:
    """`rescale` of every entry."""
    return [[[rescale(v, shift) for v in row] for row in matrix] for matrix in layers]
