"""One training run seen from PyTorch: keeps the module's float parameters and gradients in step with the
integers of a `Trainer`.

The integers are the record; floats are what they look like to the rest of the script. Everything that the
script could change behind the trainer's back (parameters, gradients, batches, labels, the loss) is compared
before the next integer is computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tacit.arithmetic.config import RunConfig
from tacit.arithmetic.matmul import FloatMatrix, IntMatrix
from tacit.arithmetic.rates import batch_weight, integer_rate, loss_norm
from tacit.arithmetic.record import RunRecord
from tacit.arithmetic.trainer import Trainer
from tacit.torch.capture import CapturedLayer, CapturedModel
from tacit.torch.errors import TrainingLoopError

_EVALUATION_ROWS = 4096


def torch_gemm(left: FloatMatrix, right: FloatMatrix) -> FloatMatrix:
    """The float64 product by torch's BLAS and thread count."""
    out: FloatMatrix = torch.matmul(torch.from_numpy(left), torch.from_numpy(right)).numpy()
    return out


def show_weights(captured: CapturedModel, weights: Sequence[IntMatrix], fractional_bits: int) -> list[Tensor]:
    """Puts integer weights (int64 [K, outputs] a layer) into the module, as floats; returns these."""
    shown: list[Tensor] = []
    for layer, weight in zip(captured.layers, weights, strict=True):
        shown += _split(layer, weight, 2.0**-fractional_bits)
    with torch.no_grad():
        for parameter, value in zip(_parameters(captured), shown, strict=True):
            parameter[1].copy_(value)
    return shown


def _split(layer: CapturedLayer, matrix: IntMatrix, unit: float) -> list[Tensor]:
    """A [K, outputs] matrix times `unit` as weight [outputs, inputs] and bias [outputs]."""
    dtype, inputs = layer.linear.weight.dtype, layer.linear.in_features
    # numpy converts faster than torch; a unit that is a power of two changes no digit afterwards.
    scalar: type[np.floating[Any]] = np.float32 if dtype == torch.float32 else np.float64
    floats = matrix.astype(scalar)
    np.multiply(floats, scalar(unit), out=floats)
    whole = torch.from_numpy(floats).to(dtype)
    return [whole[:inputs].T.contiguous()] + ([] if layer.linear.bias is None else [whole[inputs].clone()])


def _equal(left: Tensor, right: Tensor) -> bool:
    """As `torch.equal`, several times as fast."""
    return np.array_equal(left.numpy(), right.numpy())


class TrainingSession:
    """Ties a captured model to its trainer; the objects that `make_provable` returns call it."""

    def __init__(self, trainer: Trainer, captured: CapturedModel, declared: RunConfig | None = None) -> None:
        """Rounds the parameters to what the integers say. `declared`: the configuration that the run has to end
        with.
        """
        self.trainer = trainer
        self.dtype = captured.layers[0].linear.weight.dtype
        self._captured = captured
        self._declared = declared
        self._parameters = _parameters(captured)
        self._expected_gradients: list[Tensor] | None = None
        self._logits: Tensor | None = None
        self._logits_step = -1
        self._show_weights()

    @property
    def parameters(self) -> list[Tensor]:
        """Weight and bias of each layer, from input to output."""
        return [p for _, p in self._parameters]

    @property
    def step(self) -> int:
        """The current step, from 0."""
        return self.trainer.step

    def quantise(self, x: Tensor) -> IntMatrix:
        """Features as integers, int64 [rows, inputs]: rounded half up, clipped to the data window."""
        config = self.trainer.config
        inputs = config.architecture.layers[0].inputs
        flat = x.detach().reshape(x.shape[0], -1).double().numpy()
        if flat.shape[1] != inputs:
            raise TrainingLoopError(f"the model reads {inputs} features, it was given rows of {flat.shape[1]}")
        if not np.isfinite(flat).all():
            raise TrainingLoopError("the features hold NaN or infinity")
        half = 1 << (config.data_bits - 1)
        return np.clip(np.floor(flat * (1 << config.scales.fa) + 0.5), -half, half - 1).astype(np.int64)

    def evaluate(self, x: Tensor) -> Tensor:
        """Logits of any rows with the integer weights of now, shape [rows, outputs]; the run is not touched."""
        rows = self.quantise(x if x.ndim > 1 else x.reshape(1, -1))
        parts = [
            self.trainer.evaluate(rows[i : i + _EVALUATION_ROWS])
            for i in range(0, max(1, len(rows)), _EVALUATION_ROWS)
        ]
        out = self.logits_as_floats(np.concatenate(parts))
        return out if x.ndim > 1 else out[0]

    def logits_as_floats(self, logits: IntMatrix) -> Tensor:
        """Z 2^-fa in the dtype of the parameters."""
        return torch.from_numpy(logits / (1 << self.trainer.config.scales.fa)).to(self.dtype)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of the current batch, [rows, outputs]; refuses any other rows."""
        self._check_parameters()
        if x.requires_grad:
            raise TrainingLoopError(
                "the features require gradients: they are committed, so nothing can change them"
            )
        expected = self.trainer.features(self.trainer.rows(self.step))
        exact = torch.from_numpy(expected / (1 << self.trainer.config.scales.fa))
        if x.shape[0] != len(expected) or not torch.equal(
            x.detach().reshape(len(expected), -1).double(), exact
        ):
            raise TrainingLoopError(
                f"the model was not given the batch of step {self.step} (batch "
                f"{self.step % self.trainer.config.schedule.steps_per_epoch} of the epoch): "
                "feed every batch of the loader once, in order and unchanged; to evaluate, use model.eval() or "
                "torch.no_grad()"
            )
        self._logits = self.logits_as_floats(self.trainer.forward())
        self._logits_step = self.step
        return self._logits.clone()

    def current_logits(self) -> Tensor:
        """What the model returned for the current batch; refuses a loss without a forward pass."""
        if self._logits is None or self._logits_step != self.step:
            raise TrainingLoopError(
                f"the loss was called without a forward pass of the model in step {self.step}"
            )
        return self._logits

    def output_gradient(self) -> Tensor:
        """The gradient of the mean loss at the logits, [rows, outputs]."""
        config = self.trainer.config
        weight = batch_weight(config.schedule, config.scales.omega, self.step)
        factor = self._gradient_unit() * weight * 2**config.scales.fa
        return torch.from_numpy(self.trainer.loss_gradient() * float(factor)).to(self.dtype)

    def _gradient_unit(self) -> Fraction:
        config = self.trainer.config
        s = config.scales
        return loss_norm(config.architecture) / config.schedule.batch / (1 << (s.fa + s.fg + s.omega))

    def check_labels(self, y: Tensor) -> None:
        """Refuses labels other than the committed ones of the current batch."""
        expected = self.labels_as_tensor(self.trainer.rows(self.step))
        if y.numel() != expected.numel() or not torch.equal(
            y.detach().reshape(-1).double(), expected.reshape(-1).double()
        ):
            raise TrainingLoopError(
                f"the loss was not given the labels of step {self.step}: pass the y of the loader unchanged"
            )

    def labels_as_tensor(self, rows: IntMatrix) -> Tensor:
        """Labels of these rows as PyTorch's losses want them: int64 [rows], or floats [rows, outputs]."""
        labels = self.trainer.labels(rows)
        match self.trainer.config.architecture.loss:
            case "cross_entropy":
                return torch.from_numpy(labels.copy())
            case "bce_with_logits":
                return torch.from_numpy(labels).to(self.dtype)
            case "mse":
                return torch.from_numpy(labels / (1 << self.trainer.config.scales.fa)).to(self.dtype)

    def backward(self, step: int, gradient: Tensor) -> list[Tensor]:
        """Gradients of all parameters for the mean loss, from the exact integers."""
        if step != self.step:
            raise TrainingLoopError(
                f"backward was called on the loss of step {step}, the run is at step {self.step}"
            )
        if not torch.equal(gradient.reshape(-1), self.output_gradient().reshape(-1)):
            raise TrainingLoopError(
                "the gradient at the model's output is not that of the loss: use the loss_fn of make_provable, "
                "unchanged"
            )
        for name, parameter in self._parameters:
            if parameter.grad is not None and bool(parameter.grad.any()):
                raise TrainingLoopError(
                    f"parameter {name!r} still has a gradient: call optimizer.zero_grad() before every "
                    "backward()"
                )
        unit = float(self._gradient_unit())
        gradients: list[Tensor] = []
        for layer, g in zip(self._captured.layers, self.trainer.backward(), strict=True):
            gradients += _split(layer, g, unit)
        self._expected_gradients = [g.clone() for g in gradients]
        return gradients

    def update(self, lr: float) -> None:
        """The exact update with learning rate `lr`, then floats follow."""
        if self._expected_gradients is None:
            raise TrainingLoopError(f"step() was called without loss.backward() in step {self.step}")
        self._check_parameters()
        self._check_declared(lr)
        for (name, parameter), expected in zip(self._parameters, self._expected_gradients, strict=True):
            if parameter.grad is None or not _equal(parameter.grad, expected):
                raise TrainingLoopError(
                    f"the gradient of {name!r} was changed after backward(): clipping, accumulation and "
                    "regularisation are not supported"
                )
        self.trainer.update(lr)
        self._expected_gradients = None
        self._show_weights()

    def _show_weights(self) -> None:
        self._shown = show_weights(self._captured, self.trainer.weights, self.trainer.config.scales.f)

    def _check_declared(self, lr: float) -> None:
        """A declared run is made as it was declared: its order depends on every rate."""
        if self._declared is None:
            return
        config, rates = self.trainer.config, self._declared.schedule.rates
        if self.step >= len(rates):
            raise TrainingLoopError(f"the run was declared with {len(rates)} steps; this would be one more")
        rate = integer_rate(lr, config.architecture, config.schedule.batch, config.scales)
        if rate != rates[self.step]:
            raise TrainingLoopError(
                f"step {self.step} has the learning rate {lr!r}, another than was declared: name the "
                "rates with schedule=[...] and declare the run again"
            )

    def _check_parameters(self) -> None:
        for (name, parameter), value in zip(self._parameters, self._shown, strict=True):
            if not _equal(parameter.detach(), value):
                raise TrainingLoopError(
                    f"parameter {name!r} was changed by hand at step {self.step}: only the optimizer may "
                    "change it"
                )

    def record(self) -> RunRecord:
        """The record of the run so far, with the names of the parameters."""
        if self._expected_gradients is not None:
            raise TrainingLoopError(
                f"step {self.step} has a gradient that was not applied: call optimizer.step() first"
            )
        record = self.trainer.finish()
        if self._declared is not None:
            steps = self._declared.schedule.total_steps
            if self.step != steps:
                raise TrainingLoopError(f"the run was declared with {steps} steps and has made {self.step}")
            if replace(record.config, order=self._declared.order) != self._declared:
                raise TrainingLoopError("the run has become another one than was declared")
        return replace(record, parameter_names=self._captured.parameter_names())


def _parameters(captured: CapturedModel) -> list[tuple[str, torch.nn.Parameter]]:
    return [(name, p) for c in captured.layers for name, p in _named(c.name, c.linear)]


def _named(name: str, linear: torch.nn.Linear) -> list[tuple[str, torch.nn.Parameter]]:
    prefix = f"{name}." if name else ""
    pairs = ((f"{prefix}weight", linear.weight), (f"{prefix}bias", linear.bias))
    return [(label, p) for label, p in pairs if isinstance(p, torch.nn.Parameter)]
