"""Merkle trees (sections 4 and 14) and the virtual first oracle (section 11)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from blake3 import blake3

from spec.field import E
from spec.packing import groups
from spec.parameters import Parameters
from spec.proof import BaseRows, ExtensionRows, FirstPaths, Paths, Rows
from spec.rejected import Rejected, require


def elements(values: Sequence[int]) -> bytes:
    """Elements of F, eight bytes each."""
    return b"".join(v.to_bytes(8, "little") for v in values)


def check_tree(
    root: bytes,
    log_leaves: int,
    indices: Sequence[int],
    leaves: Sequence[bytes],
    siblings: Sequence[bytes],
    check: str,
) -> None:
    """Leaves, opened in any order and perhaps twice, hash to the root with exactly these siblings."""
    opened: dict[int, bytes] = {}
    for index, leaf in zip(indices, leaves, strict=True):
        require(opened.setdefault(index, leaf) == leaf, check, f"leaf {index} is opened twice, differently")
    nodes = {index: blake3(opened[index]).digest() for index in sorted(opened)}
    left = iter(siblings)
    for _ in range(log_leaves):
        above: dict[int, bytes] = {}
        for index, node in nodes.items():
            if index >> 1 in above:
                continue
            other = nodes.get(index ^ 1) or next(left, None)
            if other is None:
                raise Rejected(check, "a path is too short")
            pair = other + node if index & 1 else node + other
            above[index >> 1] = blake3(pair).digest()
        nodes = above
    require(next(left, None) is None, check, "a path is too long")
    require(nodes == {0: root}, check, "rows and paths do not hash to the root")


@dataclass(frozen=True)
class FirstOracle:
    """Rows of h = g + gamma F, authenticated by the trees of g and f, whose roots are `roots`, trace first."""

    parameters: Parameters
    gamma: E
    roots: Sequence[bytes]

    def open(self, indices: Sequence[int], rows: Rows, queries: int) -> list[list[int]]:
        """The rows of h at the indices."""
        p, width, masked = self.parameters, self.parameters.sources, 3 * self.parameters.groups
        if not isinstance(rows, BaseRows):
            raise Rejected("RowField", "rows of the first oracle are not over F")
        require(len(rows.rows) == queries, "RowCount", f"round 0: {len(rows.rows)} rows for {queries}")
        require(all(len(row) == masked for row in rows.rows), "RowWidth", "round 0")
        paths = rows.paths
        if not isinstance(paths, FirstPaths):
            raise Rejected("Oracle", "the first oracle is opened as a later one")
        require(len(paths.rows) == queries, "SourceRows", f"{len(paths.rows)} for {queries}")
        require(all(len(row) == width for row in paths.rows), "SourceWidth")
        require(len(paths.trees) == len(p.shapes), "TreeCount", f"{len(paths.trees)}")
        masks = [self._mask(row, f) for row, f in zip(rows.rows, paths.rows, strict=True)]
        first = 0
        for vector, (shape, tree, root) in enumerate(zip(p.shapes, paths.trees, self.roots, strict=True)):
            require(len(tree.salts) == queries, "SaltCount", f"vector {vector}")
            opened = zip(masks, paths.rows, tree.salts, strict=True)
            leaves = [
                elements([*([] if vector else g), *f[first : first + shape.columns], *salt])
                for g, f, salt in opened
            ]
            bits = shape.log_height + p.rate
            own = [index % (1 << bits) for index in indices]
            check_tree(root, bits, own, leaves, tree.siblings, f"Oracle(Tree({vector}))")
            first += shape.columns
        return rows.rows

    def _mask(self, h: Sequence[int], f: Sequence[int]) -> list[int]:
        """g = h - gamma F on one row."""
        out: list[int] = []
        for s, (first, n) in enumerate(groups(self.parameters.shapes)):
            masked = E(*h[3 * s : 3 * s + 3]) - self.gamma * E(*f[first : first + n])
            out += [masked.a, masked.b, masked.c]
        return out


def open_later(
    root: bytes, log_leaves: int, indices: Sequence[int], rows: Rows, width: int, name: str
) -> list[list[E]]:
    """The rows of a later oracle at the indices."""
    if not isinstance(rows, ExtensionRows):
        raise Rejected("RowField", f"{name}: rows are not over E")
    require(len(rows.rows) == len(indices), "RowCount", f"{name}: {len(rows.rows)} rows for {len(indices)}")
    require(all(len(row) == width for row in rows.rows), "RowWidth", name)
    if not isinstance(rows.paths, Paths):
        raise Rejected("Oracle", f"{name}: opened as the first oracle")
    leaves = [elements([x for v in row for x in (v.a, v.b, v.c)]) for row in rows.rows]
    check_tree(root, log_leaves, indices, leaves, rows.paths.siblings, "Oracle(Later)")
    return rows.rows
