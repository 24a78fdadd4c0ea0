"""Rules of a configuration: counts and widths that a verifier accepts (docs/arithmetic.md)."""

from __future__ import annotations

from spec.rejected import require, within
from spec.schedule import chunks, padded_batch, real_steps, steps_per_epoch
from spec.training import CROSS_ENTROPY, IDENTITY, SQUARED_ERROR, RunConfig

MAX_LAYERS, MAX_WIDTH, MAX_WEIGHTS, MAX_CLASSES = 64, 1 << 16, 1 << 28, 64
MAX_ROWS, MAX_BATCH, MAX_STEPS = 1 << 24, 1 << 20, 1 << 24
MAX_CHUNK_STEPS, MAX_CHUNK_ROWS, MAX_CHUNKS = 1 << 16, 1 << 22, 1 << 20
MAX_SCANNED, MAX_FILTER, MAX_RATE, MAX_DECAY_BITS, MAX_WINDOW = 1 << 28, 1 << 12, 1 << 40, 16, 16
MAX_NORM_BITS, MAX_CARRY_BITS = 54, 48

CHECK = "Config"


def check_config(config: RunConfig) -> None:
    """Raises `Rejected` for a configuration that breaks a rule."""
    _check_layers(config)
    s = config.scales
    within(s.fa, 1, 14, CHECK, "fa")
    within(s.fg, max(1, s.fa), min(20, s.fa + 14), CHECK, "fg")
    within(s.fw, 1, 46, CHECK, "fw")
    within(s.kappa, 0, 16, CHECK, "kappa")
    within(s.omega, 0, 20, CHECK, "omega")
    within(config.data_bits, 1, MAX_WINDOW, CHECK, "data_bits")
    least, most = (1, MAX_WINDOW) if config.architecture.loss == SQUARED_ERROR else (0, 0)
    within(config.target_bits, least, most, CHECK, "target_bits")
    _check_steps(config)
    _check_rates(config)
    _check_filter(config)
    _check_decay(config)
    _check_average(config)
    if config.norms is not None:
        within(config.norms.z, 1, MAX_NORM_BITS, CHECK, "norm bits of Z")
        within(config.norms.q, 1, MAX_NORM_BITS, CHECK, "norm bits of Q")
    if config.carry_bits is not None:
        within(config.carry_bits, 2, MAX_CARRY_BITS, CHECK, "carry_bits")


def _check_layers(config: RunConfig) -> None:
    layers, loss = config.architecture.layers, config.architecture.loss
    within(len(layers), 1, MAX_LAYERS, CHECK, "number of layers")
    for index, layer in enumerate(layers):
        within(layer.inputs, 1, MAX_WIDTH, CHECK, f"inputs of layer {index}")
        within(layer.outputs, 1, MAX_WIDTH, CHECK, f"outputs of layer {index}")
        require(index == 0 or layers[index - 1].outputs == layer.inputs, CHECK, f"layer {index} does not fit")
        within(layer.z_bits, 2, MAX_WINDOW, CHECK, "z_bits")
        within(layer.q_bits, 2, MAX_WINDOW, CHECK, "q_bits")
    within(sum(layer.k * layer.outputs for layer in layers), 0, MAX_WEIGHTS, CHECK, "number of weights")
    require(layers[-1].activation == IDENTITY, CHECK, "the last layer has an activation")
    if loss == CROSS_ENTROPY:
        within(layers[-1].outputs, 2, MAX_CLASSES, CHECK, "classes")


def _check_steps(config: RunConfig) -> None:
    s = config.schedule
    within(s.rows, 1, MAX_ROWS, CHECK, "rows")
    within(s.batch, 1, MAX_BATCH, CHECK, "batch")
    within(s.total_steps, 1, MAX_STEPS, CHECK, "steps")
    within(s.chunk_steps, 1, MAX_CHUNK_STEPS, CHECK, "chunk_steps")
    require(s.chunk_steps & (s.chunk_steps - 1) == 0, CHECK, "chunk_steps is no power of two")
    within(s.chunk_steps * padded_batch(config), 1, MAX_CHUNK_ROWS, CHECK, "rows of a chunk")
    within(chunks(config), 1, MAX_CHUNKS, CHECK, "chunks")
    within(len(s.rates) * chunks(config), 0, MAX_SCANNED, CHECK, "rate spans times chunks")
    within(len(s.filter) * s.total_steps, 0, MAX_SCANNED, CHECK, "filter length times steps")
    require(steps_per_epoch(s) > 0, CHECK, "an epoch without a step")


def _check_rates(config: RunConfig) -> None:
    spans = config.schedule.rates
    for index, span in enumerate(spans):
        repeated = index > 0 and spans[index - 1].rate == span.rate
        require(span.steps > 0 and not repeated, CHECK, f"rate span {index} is empty or repeats a rate")
        within(span.rate, 0, MAX_RATE, CHECK, "learning rate")
    require(sum(span.steps for span in spans) == config.schedule.total_steps, CHECK, "one rate per step")


def _check_filter(config: RunConfig) -> None:
    taps, one = config.schedule.filter, 1 << config.scales.kappa
    within(len(taps), 1, MAX_FILTER, CHECK, "length of the filter")
    require(taps[0] == one, CHECK, "the filter does not start with 1")
    require(all(0 <= d <= one for d in taps) and taps[-1] > 0, CHECK, "an entry of the filter")
    require(not config.schedule.nesterov or len(taps) > 1, CHECK, "nesterov without momentum")


def _check_decay(config: RunConfig) -> None:
    decay = config.schedule.decay
    if decay is None:
        return
    within(decay.bits, 1, MAX_DECAY_BITS, CHECK, "bits of the decay")
    require(len(decay.numerators) == chunks(config), CHECK, "one numerator of the decay per chunk")
    for numerator in decay.numerators:
        within(numerator, 1, 1 << decay.bits, CHECK, "numerator of the decay")


def _check_average(config: RunConfig) -> None:
    average = config.schedule.average
    if average is None:
        return
    within(average, 2, real_steps(config, chunks(config) - 1), CHECK, "averaged steps")
    require(average & (average - 1) == 0, CHECK, "averaged steps are no power of two")
