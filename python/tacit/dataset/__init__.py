"""Tables in, fixed-point integers out: typing, scaling, rounding, and the refusal of bad data."""

from tacit.dataset.fixed_point import Scale
from tacit.dataset.quantised import QuantisedData, quantise
from tacit.dataset.report import ColumnReport, QuantisationReport
from tacit.dataset.schema import Column, LabelKind, Schema, Target

__all__ = [
    "Column",
    "ColumnReport",
    "LabelKind",
    "QuantisationReport",
    "QuantisedData",
    "Scale",
    "Schema",
    "Target",
    "quantise",
]
