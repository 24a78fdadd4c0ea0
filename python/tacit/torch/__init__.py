"""PyTorch front end: train an ordinary model on exact integers, in an unchanged loop. The only part of tacit
that imports torch.
"""

from __future__ import annotations

from tacit.torch.capture import CapturedLayer, CapturedModel, capture
from tacit.torch.errors import (
    TrainingLoopError,
    UnsupportedLossError,
    UnsupportedModelError,
    UnsupportedOptimizerError,
)
from tacit.torch.fit import Fitted, fit, perceptron
from tacit.torch.loader import BatchLoader
from tacit.torch.module import ProvableLoss, ProvableModule
from tacit.torch.optimizer import ProvableSGD
from tacit.torch.provable import Mode, Provable, make_provable, run_record

__all__ = [
    "BatchLoader",
    "CapturedLayer",
    "CapturedModel",
    "Fitted",
    "Mode",
    "Provable",
    "ProvableLoss",
    "ProvableModule",
    "ProvableSGD",
    "TrainingLoopError",
    "UnsupportedLossError",
    "UnsupportedModelError",
    "UnsupportedOptimizerError",
    "capture",
    "fit",
    "make_provable",
    "perceptron",
    "run_record",
]
