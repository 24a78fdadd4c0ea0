"""The model and the loss that stand in for the user's own: same calls, exact integers inside."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from tacit.arithmetic.record import RunRecord
from tacit.torch.errors import TrainingLoopError
from tacit.torch.options import LossFunction
from tacit.torch.session import TrainingSession


class _ExactForward(torch.autograd.Function):
    """Logits of the current batch; its backward pass hands out the gradients that the integers give."""

    @staticmethod
    def forward(ctx: Any, session: TrainingSession, x: Tensor, *parameters: Tensor) -> Tensor:
        ctx.session, ctx.step = session, session.step
        return session.forward(x)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> Any:
        return (None, None, *ctx.session.backward(ctx.step, grad_outputs[0]))


class _ExactLoss(torch.autograd.Function):
    """The float loss for display; its backward pass is the exact gradient at the logits."""

    @staticmethod
    def forward(ctx: Any, session: TrainingSession, out: Tensor, value: Tensor) -> Tensor:
        ctx.session, ctx.step, ctx.shape = session, session.step, out.shape
        return value.clone()

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> Any:
        if float(grad_outputs[0]) != 1.0:
            raise TrainingLoopError(
                "the loss was scaled or combined with something: call backward() on the result of loss_fn "
                "itself"
            )
        if ctx.step != ctx.session.step:
            raise TrainingLoopError(
                f"backward was called on the loss of step {ctx.step}, the run is at step {ctx.session.step}"
            )
        return None, ctx.session.output_gradient().reshape(ctx.shape), None


class ProvableModule(nn.Module):
    """Wraps a model: in training it runs the exact forward pass of the current batch, else it evaluates any
    rows.

    `state_dict`, attributes and printing are those of the wrapped model (`.module`), whose parameters follow
    the integers.
    """

    def __init__(self, module: nn.Module, session: TrainingSession) -> None:
        """Keeps the mode (training or evaluation) of the model."""
        super().__init__()
        self.module = module
        self.session = session
        self.train(module.training)

    def forward(self, x: Tensor) -> Tensor:
        """Logits [rows, outputs]. Training: the loader's current batch. `eval()` or `no_grad()`: any rows,
        nothing is recorded.
        """
        if self.training and torch.is_grad_enabled():
            out: Tensor = _ExactForward.apply(self.session, x, *self.session.parameters)
            return out
        return self.session.evaluate(x)

    def run_record(self) -> RunRecord:
        """What the prover needs of the steps trained so far (mode="prove")."""
        return self.session.record()

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """The state of the wrapped model, under its own names."""
        return self.module.state_dict(*args, **kwargs)

    def load_state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """Refused: weights cannot be replaced during a run."""
        raise TrainingLoopError(
            "weights cannot be loaded into a run: load them into the model before make_provable"
        )

    def __getattr__(self, name: str) -> Any:
        """What the wrapper lacks is looked up in the wrapped model."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("module"), name)

    def __getitem__(self, index: Any) -> Any:
        """A layer of the wrapped model, where that has an order."""
        return cast(nn.Sequential, self.module)[index]


class ProvableLoss(nn.Module):
    """Wraps a loss: the same number for display, and the exact gradient in `backward()`."""

    def __init__(self, loss_fn: LossFunction, session: TrainingSession) -> None:
        """Keeps the loss for the number that is displayed."""
        super().__init__()
        self._loss_fn = loss_fn
        self.session = session

    def forward(self, out: Tensor, y: Tensor) -> Tensor:
        """The mean loss of the current batch, a scalar; without gradients, the plain loss of any tensors."""
        if not (torch.is_grad_enabled() and out.requires_grad):
            return self._loss_fn(out, y)
        session = self.session
        logits = session.current_logits()
        if out.numel() != logits.numel() or not torch.equal(out.detach().reshape(-1), logits.reshape(-1)):
            raise TrainingLoopError(
                f"the loss was not given the model's output of step {session.step}, unchanged"
            )
        session.check_labels(y)
        plain = out.detach().reshape(logits.shape)
        value = self._loss_fn(
            plain, y.reshape(session.labels_as_tensor(session.trainer.rows(session.step)).shape)
        )
        result: Tensor = _ExactLoss.apply(session, out, value)
        return result
