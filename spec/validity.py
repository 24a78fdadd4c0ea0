"""Validity of a data commitment, section 10.1."""

from __future__ import annotations

from spec.field import ONE, ZERO, eq_prefix_sum, eq_table, lg, powers
from spec.hiding import Affine, Low, Reduction
from spec.johnson import summed
from spec.lookup import System, column, lookup_check, signed
from spec.parameters import LOG_VALIDITY, Term, algebraic
from spec.proof import DataFile
from spec.records import check_data
from spec.rejected import require
from spec.relation import check_relation
from spec.statement import ClassLabels, DataRecord, RealLabels, schema_id

LABEL = b"tacit/validity/v1"
DATA = 1


class ValidityRelation:
    """Features in their window, labels valid, nothing beyond the last row."""

    log_proofs = LOG_VALIDITY

    def __init__(self, record: DataRecord) -> None:
        """Of a checked record."""
        self.record, self.max_stride = record, lg(record.rows)
        self.lookups = System(self.max_stride)
        for k in range(record.features):
            self.lookups.add_range(record.data_bits, signed(k, record.data_bits, DATA))
        for j in range(record.features, record.columns):
            if isinstance(record.labels, RealLabels):
                self.lookups.add_range(record.labels.bits, signed(j, record.labels.bits, DATA))
            else:
                self.lookups.add_range(1, column(j, DATA))
        self.column_cells = self.lookups.place(0) << self.max_stride

    def check(self, r: Reduction) -> None:
        """The chain of claims."""
        record = self.record
        r.begin(LABEL)
        lookup_check(r, self.lookups)
        row = r.point(self.max_stride)
        batch = r.challenge()
        if isinstance(record.labels, ClassLabels):
            one_hot, low = Affine(-eq_prefix_sum(row, record.rows)), r.low(Low(point=row))
            for j in range(record.features, record.columns):
                one_hot.add_cell(DATA, low, j, ONE)
            r.assert_zero(one_hot)
        table = eq_table(row)
        low = r.low(Low(table=[ZERO] * record.rows + table[record.rows :]))
        beyond = Affine()
        for slot, w in enumerate(powers(batch, record.columns)):
            beyond.add_cell(DATA, low, slot, w)
        r.assert_zero(beyond)

    def soundness(self, bits: float) -> list[Term]:
        """Error terms."""
        points = self.max_stride + self.record.columns
        return [
            algebraic("random row and batching of columns", points, bits),
            algebraic("lookups", self.lookups.error_numerator(), bits),
        ]


def verify_data(file: DataFile) -> tuple[bytes, float]:
    """Checks a data commitment; returns its digest C and -log2 of the proof's error."""
    record = file.record
    require(schema_id(file.schema) == record.schema, "SchemaId", "another schema document")
    check_data(record)
    digest, rate = record.digest(), record.vector.log_inv_rate
    terms = check_relation(LABEL, digest, ValidityRelation(record), rate, [record.committed()], file.proof)
    return digest, summed(bits for _, bits in terms)
