"""Exact training, step by step: the integers that a proof speaks of, on numpy arrays.

A `Trainer` is told the learning rate of each step and remembers what a proof needs. Every call checks that it
comes in turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from tacit.arithmetic.config import RunConfig, next_power_of_two
from tacit.arithmetic.data import TrainingData, label_matrix
from tacit.arithmetic.errors import ArithmeticConfigError, SequenceError
from tacit.arithmetic.matmul import Gemm, IntMatrix, Operand, Product, numpy_gemm
from tacit.arithmetic.momentum import MomentumState, zeros_like
from tacit.arithmetic.norms import NormSums, check_carry
from tacit.arithmetic.nowrap import RunBounds
from tacit.arithmetic.order import batch_rows
from tacit.arithmetic.planner import Plan
from tacit.arithmetic.rates import batch_weight, decay_numerator, decay_step, effective_lr, integer_rate
from tacit.arithmetic.record import ModelState, RunRecord
from tacit.arithmetic.steps import Forward, backward, forward, loss_gradient, rescale

KEPT_BYTES = 1 << 30
"""Memory, and disk, for the states of a run at its chunk boundaries."""
KEPT_LEAST = 8


@dataclass
class _Step:
    """What is in flight between forward and update."""

    passed: Forward
    norms: NormSums
    top: IntMatrix | None = None
    gradients: list[IntMatrix] | None = None


class Trainer:
    """Trains from `weights` (int64 [K, outputs] a layer, fw fractional bits) on a data set, by the plan.

    `record` keeps the weights at chunk boundaries and re-checks every product; without it only windows are
    checked.
    """

    def __init__(
        self,
        plan: Plan,
        data: TrainingData,
        weights: Sequence[IntMatrix],
        *,
        record: bool = True,
        gemm: Gemm = numpy_gemm,
    ) -> None:
        """Checks data and weights against the plan; raises `ArithmeticConfigError`."""
        config = plan.config
        self.config = config
        self.step = 0
        self._plan, self._data, self._record = plan, data, record
        self._labels = label_matrix(data, config.architecture)
        self._check_data()
        for index, (layer, w) in enumerate(zip(config.architecture.layers, weights, strict=True), start=1):
            if w.shape != (layer.k, layer.outputs):
                raise ArithmeticConfigError(
                    f"layer {index} ({layer.name}): weights have shape {w.shape}, expected "
                    f"{(layer.k, layer.outputs)}"
                )
            if int(np.abs(w).max(initial=0)) > plan.w_in:
                raise ArithmeticConfigError(
                    f"layer {index} ({layer.name}): an initial weight exceeds the planned bound {plan.w_in}"
                )
        self._gemm, self._product = gemm, Product(gemm, recheck=record)
        self._rates: list[int] = []
        self._lrs: list[float] = []
        self._numerators: list[int] = []
        self._bounds = RunBounds(config, plan.w_in, plan.total_steps)
        self._end: ModelState | None = None
        self._kept, self._every = dict[int, ModelState](), 1
        self._flight: _Step | None = None
        self._begin_chunk(_state(weights, zeros_like(list(weights)) if config.scales.kappa else None))

    def _check_data(self) -> None:
        config, data = self.config, self._data
        inputs = config.architecture.layers[0].inputs
        if data.features.shape != (config.schedule.rows, inputs):
            raise ArithmeticConfigError(
                f"the data set has shape {data.features.shape}, the model reads "
                f"{(config.schedule.rows, inputs)}"
            )
        if data.fa != config.scales.fa:
            raise ArithmeticConfigError(
                f"the data set has {data.fa} fractional bits, the run {config.scales.fa}"
            )

    def _begin_chunk(self, state: ModelState) -> None:
        self._latest = state
        self._keep(self.step // self.config.schedule.chunk_steps, state)
        scale = 1 << self.config.scales.kappa
        self._factor = Fraction(1)
        self._norms = NormSums(self.config)
        self._sum: list[IntMatrix] | None = None
        self._weights = [scale * w for w in state.weights]
        self._momentum = MomentumState(self.config.schedule, list(state.velocity)) if state.velocity else None
        self._refresh()

    def _keep(self, index: int, state: ModelState) -> None:
        """Keeps every state of a short run, and of a long one as many as fit."""
        if not self._record or index % self._every:
            return
        self._kept[index] = state
        most = most_kept(self.config)
        while len(self._kept) > most:
            self._every *= 2
            self._kept = {i: s for i, s in self._kept.items() if i % self._every == 0}

    def _refresh(self) -> None:
        self._operands = [Operand(w) for w in self.weights]

    @property
    def weights(self) -> list[IntMatrix]:
        """The weights now, int64 [K, outputs] a layer, F = fw + kappa fractional bits. Do not change them.

        At the end of a run that averages its last weights this is their mean.
        """
        if self._end is not None:
            return [w << self.config.scales.kappa for w in self._end.weights]
        return self._weights

    def rows(self, step: int) -> IntMatrix:
        """Row indices of a step's batch, int64 [B_t]."""
        return batch_rows(self.config.schedule, self.config.order, step)

    def features(self, rows: IntMatrix) -> IntMatrix:
        """Features of these rows, int64 [rows, inputs], fa fractional bits."""
        return self._data.features[rows].astype(np.int64)

    def labels(self, rows: IntMatrix) -> IntMatrix:
        """Labels of these rows: int64 [rows] class indices, or [rows, outputs]."""
        return self._labels[rows]

    def evaluate(self, rows: IntMatrix) -> IntMatrix:
        """Logits for any features (int64 [rows, inputs], fa fractional bits) with the weights of now; leaves
        the run as it is.
        """
        return forward(self.config, self._operands, rows, self._product, None).logits

    def forward(self) -> IntMatrix:
        """The forward pass of the current step: logits int64 [B_t, outputs]. May be repeated."""
        if self._flight is not None and self._flight.gradients is not None:
            raise SequenceError(
                f"step {self.step} already has its gradient: call the optimizer's step() before the next "
                "forward pass"
            )
        if self._plan.total_steps is not None and self.step >= self._plan.total_steps:
            raise SequenceError(
                f"the run was planned for {self._plan.total_steps} steps: name the real number of epochs or "
                "steps at the start"
            )
        features = self.features(self.rows(self.step))
        size = len(features)
        if size < self.config.schedule.padded_batch:
            # The trace pads the batch with a row of zeros; its values have to stay in their windows as well.
            features = np.concatenate([features, np.zeros((1, features.shape[1]), dtype=np.int64)])
        whole = forward(self.config, self._operands, features, self._product, self.step)
        norms = NormSums(self.config)
        norms.add_z(whole.z, size, self.config.schedule.padded_batch - size)
        passed = whole.first(size)
        self._flight = _Step(passed, norms)
        return passed.logits

    def loss_gradient(self) -> IntMatrix:
        """D of the last layer for the current step, int64 [B_t, outputs], fg fractional bits."""
        flight = self._in_flight()
        if flight.top is None:
            flight.top = loss_gradient(self.config, flight.passed.logits, self.labels(self.rows(self.step)))
        return flight.top

    def backward(self) -> list[IntMatrix]:
        """w_t A^T D of every layer, int64 [K, outputs], at fa + fg + omega fractional bits."""
        flight = self._in_flight()
        if flight.gradients is not None:
            raise SequenceError(f"backward was called twice in step {self.step}")
        weight = batch_weight(self.config.schedule, self.config.scales.omega, self.step)
        top = self.loss_gradient()
        gradients = backward(
            self.config,
            self._operands,
            flight.passed,
            top,
            product=self._product,
            step=self.step,
            norms=flight.norms,
        )
        flight.gradients = [weight * g for g in gradients] if weight != 1 else gradients
        return flight.gradients

    def _in_flight(self) -> _Step:
        if self._flight is None:
            raise SequenceError(f"step {self.step} has no forward pass yet")
        return self._flight

    def update(self, lr: float) -> None:
        """Applies the step with learning rate `lr`; raises `RateError` if the scales cannot represent it."""
        flight = self._in_flight()
        gradients = flight.gradients
        if gradients is None:
            raise SequenceError(f"step {self.step} has no gradient yet: call backward first")
        rate = self._admit(lr)
        velocity = gradients if self._momentum is None else self._momentum.add(gradients)
        for weight, v in zip(self._weights, velocity, strict=True):
            np.subtract(weight, rate * v, out=weight)
        self._rates.append(rate)
        self._lrs.append(lr)
        self._norms.add(flight.norms)
        self._flight = None
        self.step += 1
        self._average()
        if self.step % self.config.schedule.chunk_steps == 0:
            if self._plan.weight_decay:
                self._numerators.append(self._decay())
            self._begin_chunk(self._boundary())
            return
        if self._sum is not None and self.step == self._plan.total_steps:
            self._end = self._boundary()
        self._refresh()

    def _average(self) -> None:
        average, total = self.config.schedule.average, self._plan.total_steps
        if average is not None and total is not None and self.step > total - average:
            sums = self._sum or zeros_like(self._weights)
            self._sum = [s + w for s, w in zip(sums, self._weights, strict=True)]

    def _admit(self, lr: float) -> int:
        schedule, scales = self.config.schedule, self.config.scales
        rate = integer_rate(lr, self.config.architecture, schedule.batch, scales)
        batch = batch_weight(schedule, scales.omega, self.step), schedule.batch_size(self.step)
        numerator = None
        if self._plan.weight_decay:
            factor = decay_step(self._factor, lr, self._plan.weight_decay)
            numerator = decay_numerator(factor)
        self._bounds.admit(rate, batch, numerator)
        if numerator is not None:
            self._factor = factor
        return rate

    def _decay(self) -> int:
        return decay_numerator(self._factor)

    def _boundary(self) -> ModelState:
        self._norms.check(self.step - 1)
        kappa = self.config.scales.kappa
        velocity = None if self._momentum is None else [rescale(v, kappa) for v in self._momentum.velocity]
        weights = self._sum or self._weights
        if self._plan.weight_decay:
            weights = [self._decay() * w for w in weights]
        averaged = self.config.schedule.average or 1 if self._sum is not None else 1
        shift = self.config.weight_shift(averaged)
        rounded = [rescale(w, shift) for w in weights]
        check_carry(self.config, rounded, shift, self.step - 1)
        return _state(rounded, velocity)

    def finish(self) -> RunRecord:
        """The record of the steps so far; training may go on afterwards. Needs `record=True`."""
        if not self._record:
            raise SequenceError('the run was not recorded: train with mode="prove"')
        if not self.step:
            raise SequenceError("no step was trained yet")
        schedule = self.config.schedule
        if schedule.average is not None and self.step != self._plan.total_steps:
            raise SequenceError(
                f"the run ends with a mean of its last {schedule.average} weights, after step "
                f"{self._plan.total_steps}; it "
                f"is at step {self.step}"
            )
        # One chunk that was not filled may be declared shorter: nothing was rounded at a boundary yet.
        chunk_steps = min(schedule.chunk_steps, next_power_of_two(self.step))
        decay = schedule.decay
        if decay is not None:
            unfinished = [decay_numerator(self._factor)] if self.step % schedule.chunk_steps else []
            decay = replace(decay, numerators=(*self._numerators, *unfinished))
        if self.step % chunk_steps:
            zeros = np.zeros((1, self.config.architecture.layers[0].inputs), dtype=np.int64)
            operands = [Operand(w) for w in self._weights]
            masked = forward(self.config, operands, zeros, self._product, self.step)
            norms = self._norms.copy()
            norms.add_z(masked.z, 0, (-self.step % chunk_steps) * schedule.padded_batch)
            norms.check(self.step - 1)
        config = replace(
            self.config,
            schedule=replace(
                schedule, total_steps=self.step, chunk_steps=chunk_steps, rates=tuple(self._rates), decay=decay
            ),
        )
        config.validate()
        last = self._latest if self.step % schedule.chunk_steps == 0 else self._end or self._boundary()
        kept = self._kept | {-(-self.step // schedule.chunk_steps): last}
        architecture, scales = config.architecture, config.scales
        effective = {
            rate: effective_lr(rate, architecture, schedule.batch, scales) for rate in set(self._rates)
        }
        return RunRecord(
            config=config,
            data_digest=self._data.digest,
            w_in=self._plan.w_in,
            learning_rates=tuple(self._lrs),
            effective_rates=tuple(effective[rate] for rate in self._rates),
            states=self._states(config, kept),
        )

    def _states(self, config: RunConfig, kept: dict[int, ModelState]) -> Sequence[ModelState]:
        if len(kept) == max(kept) + 1:
            return tuple(kept[i] for i in sorted(kept))
        from tacit.arithmetic.checkpoints import Checkpoints, replay

        data, gemm = self._data, self._gemm
        return Checkpoints(kept, lambda state, first, at: replay(config, data, state, (first, at), gemm=gemm))


def most_kept(config: RunConfig) -> int:
    """States that a run keeps at the most, beside its last."""
    copies = 2 if config.scales.kappa else 1
    return max(KEPT_LEAST, KEPT_BYTES // (8 * copies * config.architecture.weight_count))


def kept_every(config: RunConfig, chunks: int) -> int:
    """Chunks from one kept state to the next in a run of so many: 1 for all but long ones."""
    every, most = 1, most_kept(config)
    while -(-(chunks + 1) // every) > most:
        every *= 2
    return every


def _state(weights: Sequence[IntMatrix], velocity: Sequence[IntMatrix] | None) -> ModelState:
    return ModelState(
        tuple(w.copy() for w in weights), None if velocity is None else tuple(v.copy() for v in velocity)
    )


def quantise_weights(
    weights: Sequence[np.ndarray[tuple[int, int], np.dtype[np.float64]]], fw: int
) -> list[IntMatrix]:
    """Real weights (float64 [K, outputs]) to integers with fw fractional bits, rounded half up."""
    return [np.floor(w * 2.0**fw + 0.5).astype(np.int64) for w in weights]
