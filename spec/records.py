"""Rules of the records, section 3: what can be checked without opening anything."""

from __future__ import annotations

from spec.field import lg
from spec.layout import ModelLayout
from spec.parameters import PIN_BLOCK, RATES, check_shape
from spec.rejected import require, within
from spec.statement import BinaryLabels, ClassLabels, DataRecord, ModelRecord, RealLabels, Vector
from spec.text import has_hidden
from spec.training import RunConfig

RECORD_VERSION, BLAKE3 = 1, 1
MAX_ROWS, MAX_WIDTH, MAX_COLUMNS = 1 << 24, 1 << 16, 1 << 17
MAX_TEXT, MAX_TEXTS = 256, 1 << 12


def check_texts(texts: list[str], most: int, field: str) -> None:
    """Texts that a verdict shows: not too many, not too long, nothing that a terminal obeys."""
    require(len(texts) <= most, "Record", f"{field}: {len(texts)} texts")
    for text in texts:
        require(1 <= len(text.encode()) <= MAX_TEXT, "Record", f"{field}: a text is empty or too long")
        require(not has_hidden(text), "Record", f"{field}: a text has control or invisible characters")


def check_vector(v: Vector, cells: int, stride: int) -> None:
    """Suite, rate, shape, budget, stride, capacity."""
    require(v.suite == BLAKE3, "Record", f"hash suite {v.suite}")
    require(v.log_inv_rate in RATES, "Record", f"rate 2^-{v.log_inv_rate}")
    check_shape(v.shape, 1, 0)
    require(v.shape.block >= v.row_budget + PIN_BLOCK, "Record", f"a block below {v.row_budget} rows")
    require(v.shape.holds(stride), "Record", f"slots of 2^{stride} cells straddle columns")
    require(cells <= v.shape.capacity, "Record", f"{cells} cells do not fit {v.shape.capacity}")


def check_labels(labels: ClassLabels | BinaryLabels | RealLabels) -> None:
    """Counts and windows of labels."""
    match labels:
        case ClassLabels(classes):
            within(classes, 2, 64, "Record", "classes")
        case BinaryLabels(outputs):
            within(outputs, 1, MAX_WIDTH, "Record", "label outputs")
        case RealLabels(outputs, bits):
            within(outputs, 1, MAX_WIDTH, "Record", "label outputs")
            within(bits, 2, 16, "Record", "target bits")


def check_data(record: DataRecord) -> None:
    """A data record by itself."""
    require(record.version == RECORD_VERSION, "Record", f"version {record.version}")
    within(record.rows, 1, MAX_ROWS, "Record", "rows")
    within(record.features, 1, MAX_WIDTH, "Record", "features")
    within(record.columns, 2, MAX_COLUMNS, "Record", "columns")
    within(record.fa, 1, 14, "Record", "fa")
    within(record.data_bits, 2, 16, "Record", "data_bits")
    check_labels(record.labels)
    check_texts(record.released, MAX_TEXTS, "released")
    if record.names is not None:
        require(len(record.names) == record.features, "Record", f"names of {len(record.names)} features")
        check_texts(record.names, MAX_COLUMNS, "names")
    stride = lg(record.rows)
    check_vector(record.vector, record.columns << stride, stride)


def check_model(record: ModelRecord, config: RunConfig) -> None:
    """A model record of a run's architecture, with or without a velocity."""
    require(record.version == RECORD_VERSION, "Record", f"version {record.version}")
    require(record.fw == config.scales.fw, "Record", f"fw is {record.fw}")
    expected = [(layer.k, layer.outputs) for layer in config.architecture.layers]
    require(record.layers == expected, "Record", f"layers are {record.layers}")
    layouts = ModelLayout.state(config.architecture.layers, record.velocity)
    check_vector(record.vector, layouts[-1].cells, layouts[0].max_stride)


def check_end(record: ModelRecord, config: RunConfig) -> None:
    """A model that a chunk ends with: it has a velocity iff the run has momentum."""
    momentum = len(config.schedule.filter) > 1
    require(record.velocity == momentum, "Record", "velocity")
    check_model(record, config)
