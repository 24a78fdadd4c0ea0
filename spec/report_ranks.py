"""The rank of the label among a row's outputs, for top-k accuracy (section 10.14)."""

from __future__ import annotations

from spec.field import lg
from spec.layout import Allocator, ForwardLayout
from spec.lookup import Form, System, Table, column
from spec.report_columns import DATA, Head, HeadEquation, Pair
from spec.report_rules import Checked


class Ranks:
    """The label's output, per class the gap and whether it is at most 0, per k whether the rank is below."""

    def __init__(self, tops: list[int], checked: Checked, layout: ForwardLayout, slots: Allocator) -> None:
        """Takes its columns."""
        layers = checked.config.architecture.layers
        self.tops, self.classes = tops, checked.classes
        self.z, self.z_bits, self.labels = layout.layers[-1].z, layers[-1].z_bits, layers[0].inputs
        self.of_label = slots.take(1)
        self.gap, self.behind = slots.take(self.classes), slots.take(self.classes)
        self.hit = slots.take(len(tops))

    def lookups(self, system: System) -> None:
        """Signs of gaps; ranks."""
        signs = Table(self.z_bits + 1, bound=1 << self.z_bits)
        for j in range(self.classes):
            index = Form([(0, self.gap + j, 1)], (1 << self.z_bits) - 1)
            system.add(signs, [index, column(self.behind + j)])
        bits, tops = lg(self.classes + 1), self.tops
        table = Table(
            bits,
            name=("ranks", *tops),
            columns=lambda: [[int(rank < k) for rank in range(1 << bits)] for k in tops],
        )
        rank = Form([(0, self.behind + j, -1) for j in range(self.classes)], self.classes)
        system.add(table, [rank, *(column(self.hit + i) for i in range(len(tops)))])

    def equations(self) -> list[HeadEquation]:
        """The label's output; what every output has over it, and 1 more where it stands before it."""
        pairs = [(column(self.labels + c, DATA), column(self.z + c)) for c in range(self.classes)]
        out = [HeadEquation(columns=[(self.of_label, -1)], pairs=pairs)]
        for j in range(self.classes):
            columns = [(self.gap + j, -1), (self.z + j, 1), (self.of_label, -1)]
            later = [(self.labels + c, 1) for c in range(j + 1, self.classes)]
            out.append(HeadEquation(columns=columns, labels=later))
        return out

    def hits(self, head: Head) -> list[Pair]:
        """For every k, for every group: in the group, and among the k largest."""
        groups = range(head.group.n)
        return [(head.group.form(g), column(self.hit + i)) for i in range(len(self.tops)) for g in groups]
