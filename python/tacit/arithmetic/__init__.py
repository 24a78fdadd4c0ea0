"""Exact integer training, free of torch: configuration, planner, tables, trainer and the record of a run."""

from __future__ import annotations

from tacit.arithmetic.config import Architecture, Layer, Order, RunConfig, Scales, Schedule
from tacit.arithmetic.data import TrainingData
from tacit.arithmetic.errors import (
    ArithmeticConfigError,
    InexactProductError,
    NoWrapError,
    PlanError,
    RateError,
    SequenceError,
    WindowOverflowError,
)
from tacit.arithmetic.planner import Plan, PlanRequest, make_plan
from tacit.arithmetic.record import ModelState, RunRecord
from tacit.arithmetic.trainer import Trainer, quantise_weights

__all__ = [
    "Architecture",
    "ArithmeticConfigError",
    "InexactProductError",
    "Layer",
    "ModelState",
    "NoWrapError",
    "Order",
    "Plan",
    "PlanError",
    "PlanRequest",
    "RateError",
    "RunConfig",
    "RunRecord",
    "Scales",
    "Schedule",
    "SequenceError",
    "Trainer",
    "TrainingData",
    "WindowOverflowError",
    "make_plan",
    "quantise_weights",
]
