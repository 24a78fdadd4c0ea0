"""Finds the widest windows with which a whole run fits the field.

A weight can only be bounded by what all steps so far could have added to it, so room is shared between the
length of the run, the windows of Z and Q and the precision of gradients. Every step away from full windows has
a cost (an overflow ends a run, a coarse gradient costs accuracy); the cheapest combination that fits is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from tacit.arithmetic import nowrap
from tacit.arithmetic.config import MAX_F_PLUS_WINDOW, MAX_WINDOW_BITS, Layer, RunConfig
from tacit.arithmetic.errors import NoWrapError, NoWrapFailure, RateError

_Z_COST = {7: 0.0, 6: 0.1, 5: 0.5, 4: 2.5, 3: 6.0}
"""By log2 of the largest |Z| as a real number."""
_Q_COST = {3: 0.0, 2: 0.3, 1: 1.5, 0: 5.0}
"""By log2 of the largest |Q| as a real number."""
_GRADIENT_COST = (0.0, 0.6, 1.2, 3.0, 5.0)
"""By the number of gradient bits given up."""
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
    `may_shorten` a shorter run is acceptable where the full length would cost too much.
    """

    option: Callable[[int, int, int], Choice]
    fa: int
    gradient_bits: Sequence[int]
    window_bits: int | None
    steps: int
    may_shorten: bool


def choose_windows(search: Search) -> Choice:
    """The cheapest choice that fits; raises `NoWrapError` with the failing inequality of the narrowest one."""
    priced = sorted(_priced(search), key=lambda item: item[:2])
    built = [(cost, bits, _built(search, bits)) for cost, _, bits in priced]
    refusals = [choice for _, _, choice in built if isinstance(choice, RateError)]
    options = [(cost, bits, choice) for cost, bits, choice in built if isinstance(choice, Choice)]
    if not options:
        raise refusals[-1]

    steps = search.steps
    while True:
        limit = _ACCEPTABLE if search.may_shorten and steps > _LEAST_STEPS else float("inf")
        for cost, _, choice in options:
            if cost > limit:
                break
            if not run_failures(choice, steps):
                return choice if search.window_bits is not None else _widened(choice, steps)
        if limit == float("inf"):
            break
        steps //= 2
    _, (_, z_bits, q_bits), narrowest = options[-1]
    raise NoWrapError(
        run_failures(narrowest, steps)[0],
        f"a run of {steps} steps does not fit even with windows of {z_bits} and {q_bits} bits; use fewer "
        "steps, a smaller batch_size, narrower layers, a narrower data window "
        "or a smaller learning rate",
    )


def _priced(search: Search) -> Iterator[tuple[float, int, tuple[int, int, int]]]:
    order = 0
    for given_up, fg in enumerate(search.gradient_bits):
        for z_bits, z_cost in _windows(search.fa, _Z_COST, search.window_bits):
            for q_bits, q_cost in _windows(fg, _Q_COST, search.window_bits):
                yield _GRADIENT_COST[given_up] + z_cost + q_cost, order, (fg, z_bits, q_bits)
                order += 1


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


def run_failures(choice: Choice, steps: int) -> list[NoWrapFailure]:
    """The inequalities that fail in a run of `steps` steps at the largest rate, chunk by chunk."""
    config, w_in, v_in = choice.config, choice.w_in, 0
    for index, layer in enumerate(config.architecture.layers, start=1):
        for bits in (layer.z_bits, layer.q_bits):
            if bits + config.scales.f > MAX_F_PLUS_WINDOW:
                text = f"window bits + fw + kappa <= {MAX_F_PLUS_WINDOW}"
                return [NoWrapFailure(index, layer.name, text, bits + config.scales.f, MAX_F_PLUS_WINDOW)]
    length = config.schedule.chunk_steps
    full, rest = divmod(steps, length)
    mass = nowrap.constant_mass(config, choice.rate, length)
    if not config.scales.kappa and full > 1:
        # Every chunk adds the same, so only the last full one has to be looked at.
        bounds, _ = nowrap.check_chunk(config, 0, 0, mass)
        w_in, full = w_in + (full - 1) * bounds.w_out, 1
    for _ in range(full):
        bounds, failed = nowrap.check_chunk(config, w_in, v_in, mass)
        if failed:
            return failed
        w_in, v_in = bounds.w_out, bounds.v_out
    last = nowrap.constant_mass(config, choice.rate, rest) if rest else None
    return nowrap.check_chunk(config, w_in, v_in, last)[1] if last else []


def _widened(choice: Choice, steps: int) -> Choice:
    """Gives every window that limits nothing its full width again, from the output back."""
    most = min(MAX_WINDOW_BITS, MAX_F_PLUS_WINDOW - choice.config.scales.f)
    for index in range(len(choice.config.architecture.layers) - 1, -1, -1):
        for wider in (_with_z_bits, _with_q_bits):
            for bits in range(most, 0, -1):
                trial = wider(choice, index, bits)
                if trial is None:
                    break
                if not run_failures(trial, steps):
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
