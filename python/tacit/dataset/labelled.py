"""What rows with labels tell of their integers, committed or public."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tacit.dataset.quantised import QuantisedData
    from tacit.dataset.schema import LabelKind

__all__ = ["LabelledRows"]


class LabelledRows:
    """Rows that have labels, by their `quantised` integers."""

    __slots__ = ()

    quantised: QuantisedData

    @property
    def n(self) -> int:
        """Rows."""
        return self.quantised.n

    @property
    def features(self) -> NDArray[np.int32]:
        """[n, d] integers with `fa` fractional bits."""
        return self.quantised.features

    @property
    def labels(self) -> NDArray[np.int64]:
        """[n] class indices, or [n, N] 0/1 or fixed-point targets."""
        assert self.quantised.labels is not None
        return self.quantised.labels

    @property
    def fa(self) -> int:
        """Fractional bits."""
        return self.quantised.fa

    @property
    def data_bits(self) -> int:
        """Window of features and real targets, in bits."""
        return self.quantised.data_bits

    @property
    def label_kind(self) -> LabelKind:
        """Which losses the labels are for."""
        assert self.quantised.label_kind is not None
        return self.quantised.label_kind
