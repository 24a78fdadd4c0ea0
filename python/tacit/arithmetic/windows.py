"""Finds the widest windows with which a whole run fits the field.

A weight can only be bounded by what all steps so far could have added to it, so room is shared between the
length of the run, the windows of Z and Q and the precision of gradients. Every step away from full windows has
a cost (an overflow ends a run, a coarse gradient costs accuracy, norms and carried weights cost proving
time); the cheapest combination that fits is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from tacit.arithmetic import nowrap
from tacit.arithmetic.config import (
    MAX_CARRY_BITS,
    MAX_F_PLUS_WINDOW,
    MAX_NORM_BITS,
    MAX_WINDOW_BITS,
    Layer,
    NormBits,
    RunConfig,
)
from tacit.arithmetic.errors import NoWrapError, NoWrapFailure, RateError

_Z_COST = {7: 0.0, 6: 0.1, 5: 0.5, 4: 2.5, 3: 6.0}
"""By log2 of the largest |Z| as a real number."""
_Q_COST = {3: 0.0, 2: 0.3, 1: 1.5, 0: 5.0}
"""By log2 of the largest |Q| as a real number."""
_GRADIENT_COST = (0.0, 0.6, 1.2, 3.0, 5.0)
"""By the number of gradient bits given up."""
_NORM_COST = 0.2
_Z_NORM, _Q_NORM, _SPREAD_ROWS = 4, -4, 12
"""Norms allow at least a mean square of 2^4 for Z and 2^-4 for Q over 2^12 rows, and as much in all over
fewer, of which a few can have most of it."""
_CARRY_COST = 0.2
_CARRY_BITS = 4
"""Carried weights lie in [-8, 8) at least."""
_ACCEPTABLE = 4.5
"""What a run of unknown length may cost; beyond it a shorter run is planned."""
_LEAST_STEPS = 16


@dataclass(frozen=True)
class Choice:
    """A configuration without rates, the bound of |W_0| and the largest integer rate."""

    config: RunConfig
    w_in: int
    rate: int


@dataclass(frozen=True)
class Search:
    """What to search: `option(fg, z_bits, q_bits)` builds a candidate; `steps` is the length of the run.

    `gradient_bits` lists the candidates for fg, best first; `window_bits` fixes both windows if given. With
    `may_shorten` a shorter run is acceptable where the full length would cost too much. `averaged` is what
    the run ends with the mean of.
    """

    option: Callable[[int, int, int], Choice]
    fa: int
    gradient_bits: Sequence[int]
    window_bits: int | None
    steps: int
    may_shorten: bool
    averaged: int = 1


def choose_windows(search: Search) -> Choice:
    """The cheapest choice that fits; raises `NoWrapError` with the failing inequality of the narrowest one."""
    built = [(cost, bits, _built(search, bits)) for cost, bits in _priced(search)]
    refusals = [choice for _, _, choice in built if isinstance(choice, RateError)]
    plain = [(cost, bits, choice) for cost, bits, choice in built if isinstance(choice, Choice)]
    if not plain:
        raise refusals[-1]
    options = sorted(
        [(cost + more, bits, c) for cost, bits, choice in plain for more, c in _bounded(choice)],
        key=lambda option: option[0],
    )

    steps = search.steps
    while True:
        limit = _ACCEPTABLE if search.may_shorten and steps > _LEAST_STEPS else float("inf")
        for cost, _, choice in options:
            if cost > limit:
                break
            if not run_failures(choice, steps, search.averaged):
                return _widened(choice, steps, search)
        if limit == float("inf"):
            break
        steps //= 2
    _, (_, z_bits, q_bits), narrowest = options[-1]
    raise NoWrapError(
        run_failures(narrowest, steps, search.averaged)[0],
        f"a run of {steps} steps does not fit even with windows of {z_bits} and {q_bits} bits; use fewer "
        "steps, a smaller batch_size, narrower layers, a narrower data window "
        "or a smaller learning rate",
    )


def _priced(search: Search) -> Iterator[tuple[float, tuple[int, int, int]]]:
    for given_up, fg in enumerate(search.gradient_bits):
        for z_bits, z_cost in _windows(search.fa, _Z_COST, search.window_bits):
            for q_bits, q_cost in _windows(fg, _Q_COST, search.window_bits):
                yield _GRADIENT_COST[given_up] + z_cost + q_cost, (fg, z_bits, q_bits)


def _bounded(choice: Choice) -> Iterator[tuple[float, Choice]]:
    """The choice as it is, with column norms, with carried weights, and with both; with what that costs."""
    config = choice.config
    rows = (config.schedule.rows_per_chunk - 1).bit_length()
    spread = max(rows, _SPREAD_ROWS)
    norms = NormBits(
        min(MAX_NORM_BITS, spread + 2 * config.scales.fa + _Z_NORM),
        min(MAX_NORM_BITS, spread + 2 * config.scales.fg + _Q_NORM),
    )
    carry = max(config.scales.fw + _CARRY_BITS, choice.w_in.bit_length() + 1)
    hidden = len(config.architecture.layers) > 1
    yield 0.0, choice
    if hidden:
        yield _NORM_COST, replace(choice, config=replace(config, norms=norms))
    if carry <= MAX_CARRY_BITS:
        yield _CARRY_COST, replace(choice, config=replace(config, carry_bits=carry))
        if hidden:
            yield (
                _NORM_COST + _CARRY_COST,
                replace(choice, config=replace(config, norms=norms, carry_bits=carry)),
            )


def _built(search: Search, bits: tuple[int, int, int]) -> Choice | RateError:
    try:
        return search.option(*bits)
    except RateError as error:
        return error


def _windows(fractional: int, costs: dict[int, float], fixed: int | None) -> list[tuple[int, float]]:
    if fixed is not None:
        return [(fixed, 0.0)]
    out = {min(MAX_WINDOW_BITS, fractional + 1 + bits): cost for bits, cost in costs.items()}
    return sorted(out.items(), reverse=True)


def run_failures(choice: Choice, steps: int, averaged: int = 1) -> list[NoWrapFailure]:
    """The inequalities that fail in a run of `steps` steps at the largest rate, chunk by chunk; it ends with
    the mean of `averaged` weights.
    """
    config, w_in, v_in = choice.config, choice.w_in, 0
    for index, layer in enumerate(config.architecture.layers, start=1):
        for bits in (layer.z_bits, layer.q_bits):
            if bits + config.scales.f > MAX_F_PLUS_WINDOW:
                text = f"window bits + fw + kappa <= {MAX_F_PLUS_WINDOW}"
                return [NoWrapFailure(index, layer.name, text, bits + config.scales.f, MAX_F_PLUS_WINDOW)]
    length = config.schedule.chunk_steps
    full, rest = divmod(max(0, steps - 1), length)
    mass = nowrap.constant_mass(config, choice.rate, length)
    if config.carry_bits is None and not config.scales.kappa and full > 1:
        # Every chunk adds the same, so only the last full one has to be looked at.
        bounds, _ = nowrap.check_chunk(config, 0, 0, mass)
        w_in, full = w_in + (full - 1) * bounds.w_out, 1
    before = None
    for _ in range(full):
        bounds, failed = nowrap.check_chunk(config, w_in, v_in, mass)
        if failed:
            return failed
        w_in, v_in = bounds.w_out, bounds.v_out
        if before == (w_in, v_in):
            break
        before = (w_in, v_in)
    last = nowrap.constant_mass(config, choice.rate, rest + 1)
    return nowrap.check_chunk(config, w_in, v_in, last, averaged=averaged)[1]


def _widened(choice: Choice, steps: int, search: Search) -> Choice:
    """Gives every window that limits nothing its full width again, from the output back; then norms, then
    carried weights.
    """
    if search.window_bits is None:
        choice = _with_wider_layers(choice, steps, search.averaged)
    norms = choice.config.norms
    while norms is not None and max(norms.z, norms.q) < MAX_NORM_BITS:
        norms = NormBits(norms.z + 1, norms.q + 1)
        trial = replace(choice, config=replace(choice.config, norms=norms))
        if run_failures(trial, steps, search.averaged):
            break
        choice = trial
    carry = choice.config.carry_bits
    while carry is not None and carry < MAX_CARRY_BITS:
        carry += 1
        trial = replace(choice, config=replace(choice.config, carry_bits=carry))
        if run_failures(trial, steps, search.averaged):
            break
        choice = trial
    return choice


def _with_wider_layers(choice: Choice, steps: int, averaged: int) -> Choice:
    most = min(MAX_WINDOW_BITS, MAX_F_PLUS_WINDOW - choice.config.scales.f)
    for index in range(len(choice.config.architecture.layers) - 1, -1, -1):
        for wider in (_with_z_bits, _with_q_bits):
            for bits in range(most, 0, -1):
                trial = wider(choice, index, bits)
                if trial is None:
                    break
                if not run_failures(trial, steps, averaged):
                    choice = trial
                    break
    return choice


def _with_z_bits(choice: Choice, index: int, bits: int) -> Choice | None:
    layer = choice.config.architecture.layers[index]
    return _with_layer(choice, index, replace(layer, z_bits=bits)) if bits > layer.z_bits else None


def _with_q_bits(choice: Choice, index: int, bits: int) -> Choice | None:
    layer = choice.config.architecture.layers[index]
    return _with_layer(choice, index, replace(layer, q_bits=bits)) if bits > layer.q_bits else None


def _with_layer(choice: Choice, index: int, layer: Layer) -> Choice:
    layers = list(choice.config.architecture.layers)
    layers[index] = layer
    architecture = replace(choice.config.architecture, layers=tuple(layers))
    return replace(choice, config=replace(choice.config, architecture=architecture))
