"""What training reads of a committed data set."""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from tacit.arithmetic.config import Architecture
from tacit.arithmetic.errors import ArithmeticConfigError

LabelKind = Literal["class", "binary", "real"]


class TrainingData(Protocol):
    """A quantised data set with its commitment.

    `features`: int32 [n, d] with `fa` fractional bits in a window of `data_bits` bits. `labels`: int64 [n]
    class indices, or [n] / [n, N] of 0 and 1, or [n] / [n, N] fixed-point targets with `fa` fractional bits.
    `classes`: declared number of classes (0 if not classes). `digest`: the public commitment.
    """

    @property
    def n(self) -> int:
        """Rows."""
        ...

    @property
    def features(self) -> NDArray[np.int32]:
        """int32 [n, d]."""
        ...

    @property
    def labels(self) -> NDArray[np.int64] | None:
        """int64 [n] or [n, N]; None without a target."""
        ...

    @property
    def fa(self) -> int:
        """Fractional bits of features and targets."""
        ...

    @property
    def data_bits(self) -> int:
        """Bits of the window of features and targets."""
        ...

    @property
    def label_kind(self) -> LabelKind | None:
        """What the labels are; None without a target."""
        ...

    @property
    def classes(self) -> int:
        """Declared classes; 0 for other labels."""
        ...

    @property
    def digest(self) -> bytes:
        """The public commitment."""
        ...


_KINDS: dict[str, LabelKind] = {"cross_entropy": "class", "bce_with_logits": "binary", "mse": "real"}
_LOSS_NAMES = {"cross_entropy": "CrossEntropyLoss", "bce_with_logits": "BCEWithLogitsLoss", "mse": "MSELoss"}


def label_matrix(data: TrainingData, architecture: Architecture) -> NDArray[np.int64]:
    """Labels as the arithmetic reads them: [n] class indices for cross entropy, else [n, N]; refuses labels
    that do not suit loss or outputs.
    """
    wanted = _KINDS[architecture.loss]
    loss, outputs = _LOSS_NAMES[architecture.loss], architecture.outputs
    if data.label_kind != wanted:
        raise ArithmeticConfigError(
            f"{loss} needs labels of kind {wanted!r}, the data set was committed with "
            f"{'no target' if data.label_kind is None else repr(data.label_kind)}; "
            "commit it with such labels or use the loss that suits them"
        )
    labels = np.asarray(data.labels, dtype=np.int64)
    if wanted == "class":
        if data.classes != outputs:
            raise ArithmeticConfigError(
                f"the data set declares {data.classes} classes, the model has {outputs} outputs: give the last "
                f"layer {data.classes} outputs, or commit the data with classes={outputs} if it lacks some"
            )
        return labels
    labels = labels.reshape(data.n, -1)
    if labels.shape[1] != outputs:
        raise ArithmeticConfigError(
            f"the data set has {labels.shape[1]} labels a row, the model {outputs} outputs"
        )
    return labels


def target_bits(data: TrainingData, architecture: Architecture) -> int:
    """The window of real targets, 0 for other labels; taken from the commitment, or the narrowest that holds
    them.
    """
    if architecture.loss != "mse":
        return 0
    declared = getattr(data, "target_bits", None)
    return int(declared) if declared else int(data.data_bits)
