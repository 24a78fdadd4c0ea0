"""What follows from a configuration: steps, chunks, order of the rows, coefficients (docs/arithmetic.md)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cache

from spec import arithmetic
from spec.field import ONE, ZERO, E, lg, total
from spec.training import RunConfig, Schedule, Shuffled


class Part(IntEnum):
    """A part of the state that passes from chunk to chunk."""

    WEIGHTS = 0
    VELOCITY = 1


WEIGHTS, VELOCITY = Part


def weight_bits(config: RunConfig) -> int:
    """F = fw + kappa."""
    return config.scales.fw + config.scales.kappa


def has_momentum(config: RunConfig) -> bool:
    """Whether a velocity is carried from chunk to chunk."""
    return len(config.schedule.filter) > 1


def padded_batch(config: RunConfig) -> int:
    """B."""
    return 1 << lg(config.schedule.batch)


def log_rows(config: RunConfig) -> int:
    """r = lg(T B)."""
    return lg(config.schedule.chunk_steps * padded_batch(config))


def chunks(config: RunConfig) -> int:
    """Chunks of the run."""
    s = config.schedule
    return -(-s.total_steps // s.chunk_steps)


def real_steps(config: RunConfig, chunk: int) -> int:
    """T*, the steps of a chunk that are no padding."""
    s = config.schedule
    return min(s.chunk_steps, s.total_steps - chunk * s.chunk_steps)


def decay(config: RunConfig, chunk: int) -> tuple[int, int]:
    """(numerator, log2 of the denominator) of the factor on the weights at the end of a chunk."""
    d = config.schedule.decay
    return (d.numerators[chunk], d.bits) if d else (1, 0)


def averaged(config: RunConfig, chunk: int) -> int:
    """How many of its last weights the end of a chunk adds up: more than one in the run's last chunk only."""
    last = chunk == chunks(config) - 1
    return config.schedule.average or 1 if last else 1


def boundary_shift(config: RunConfig, part: Part, chunk: int) -> int:
    """Bits that the end of a chunk rounds away: kappa; of weights also those of decay and average."""
    further = decay(config, chunk)[1] + lg(averaged(config, chunk)) if part == WEIGHTS else 0
    return config.scales.kappa + further


def is_carried(config: RunConfig, part: Part) -> bool:
    """Whether the end of every chunk lies in a window of the configuration."""
    return part == WEIGHTS and config.carry_bits is not None


def boundary_bits(config: RunConfig, part: Part, chunk: int) -> int:
    """Width of the window that the end of a chunk is looked up in."""
    most = config.carry_bits if part == WEIGHTS and config.carry_bits is not None else 48
    return min(most, 63 - boundary_shift(config, part, chunk))


def boundary_checked(config: RunConfig, part: Part, chunk: int) -> bool:
    """Whether the end of a chunk is looked up: where bits are rounded away, or weights are carried."""
    return boundary_shift(config, part, chunk) > 0 or is_carried(config, part)


def steps_per_epoch(s: Schedule) -> int:
    """Steps of an epoch."""
    return s.rows // s.batch if s.drop_last else -(-s.rows // s.batch)


def batch_rows(s: Schedule, step: int) -> int:
    """B_t, the rows of a step that are not masked."""
    return max(0, min(s.batch, s.rows - step % steps_per_epoch(s) * s.batch))


@cache
def permutation(seed: bytes, epoch: int, rows: int) -> tuple[int, ...]:
    """The order of an epoch."""
    return tuple(arithmetic.permutation(seed, epoch, rows))


def row_index(config: RunConfig, chunk: int) -> list[int | None]:
    """The data row of every row of a chunk's trace, None where masked."""
    s, out = config.schedule, list[int | None]()
    first, epoch_steps = chunk * s.chunk_steps, steps_per_epoch(s)
    for step in range(first, first + s.chunk_steps):
        count = batch_rows(s, step) if step < s.total_steps else 0
        epoch, start = step // epoch_steps, step % epoch_steps * s.batch
        rows: list[int | None] = list(range(start, start + count))
        if count and isinstance(config.order, Shuffled):
            order = permutation(config.order.seed, epoch, s.rows)
            rows = [order[start + b] for b in range(count)]
        out += rows + [None] * (padded_batch(config) - count)
    return out


@dataclass(frozen=True)
class Coefficients:
    """Rates rho_u, batch weights w_s, batch rows B_s of a chunk's real steps; the filters d and h."""

    rates: list[int]
    weights: list[int]
    rows: list[int]
    filter: list[int]
    update: list[int]
    kappa: int
    averaged: int

    @classmethod
    def of(cls, config: RunConfig, chunk: int) -> Coefficients:
        """Of one chunk."""
        s, first = config.schedule, chunk * config.schedule.chunk_steps
        steps = range(first, min(first + s.chunk_steps, s.total_steps))
        rates, at = [], 0
        for span in s.rates:
            end = at + span.steps
            rates += [span.rate] * max(0, min(end, steps.stop) - max(at, steps.start))
            at = end
        rows = [batch_rows(s, step) for step in steps]
        weights = [arithmetic.hdiv(s.batch << config.scales.omega, b) for b in rows]
        h = [s.filter[0] + s.filter[1], *s.filter[2:]] if s.nesterov else s.filter
        return cls(rates, weights, rows, s.filter, h, config.scales.kappa, averaged(config, chunk))

    @property
    def real(self) -> int:
        """T*."""
        return len(self.rates)

    def tap(self, i: int) -> int:
        """d_i."""
        return self.filter[i] if i < len(self.filter) else 0

    def gradient(self, s: int) -> int:
        """c_{T*,s}."""
        return self.weights[s] * sum(r * h for r, h in zip(self.rates[s:], self.update, strict=False))

    def velocity(self) -> int:
        """c_{T*,v}."""
        return sum(r * h for r, h in zip(self.rates, self.update[1:], strict=False))

    def state(self, s: int) -> int:
        """w_s d_{T*-1-s}, the coefficient of A_s^T D_s in V_{T*}."""
        return self.weights[s] * self.tap(self.real - 1 - s)

    def gradient_mass(self) -> int:
        """sum_s c_{T*,s} B_s."""
        return sum(self.gradient(s) * b for s, b in enumerate(self.rows))

    def state_mass(self) -> int:
        """sum_s w_s d_{T*-1-s} B_s."""
        return sum(self.state(s) * b for s, b in enumerate(self.rows))

    def end(self, steps: int) -> list[E]:
        """e_t such that sum_t e_t W_t is the chunk's end, t up to the padded T; the last one is of W_{T*}."""
        e = [ZERO] * steps + [ONE]
        for t in range(self.real + 1 - self.averaged, self.real):
            e[t] = ONE
        return e

    def _tails(self, e: list[E]) -> list[E]:
        """rho_u sum_{t>u} e_t of the real steps u."""
        tail, out = total(e[self.real + 1 :]), [ZERO] * self.real
        for u in reversed(range(self.real)):
            tail = tail + (e[u + 1] if u + 1 < len(e) else ZERO)
            out[u] = tail * self.rates[u]
        return out

    def alpha(self, e: list[E], steps: int) -> list[E]:
        """sum_t e_t c_{t,s} for s < steps."""
        tails = self._tails(e)
        out = [
            total(x * h for x, h in zip(tails[s:], self.update, strict=False)) * w
            for s, w in enumerate(self.weights)
        ]
        return out + [ZERO] * (steps - self.real)

    def start_weight(self, e: list[E]) -> E:
        """sum_t e_t c_{t,0}: the coefficient of W_in."""
        return total(e) * (1 << self.kappa)

    def velocity_weight(self, e: list[E]) -> E:
        """sum_t e_t c_{t,v}: minus the coefficient of V_in."""
        return total(x * h for x, h in zip(self._tails(e), self.update[1:], strict=False))
