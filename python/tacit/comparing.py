"""How the rows of two committed data sets are related, with a proof: all the same, a part, or none."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tacit import session
from tacit._files import write_public
from tacit._wording import given, name_of
from tacit.commitment import CommittedData
from tacit.errors import ReportRefused, UsageError
from tacit.progress import progress_bar

__all__ = ["RELATIONS", "RowsProof", "compare_rows"]

RELATIONS: tuple[session.RowRelation, ...] = ("same", "subset", "disjoint")


@dataclass(frozen=True, slots=True)
class RowsProof:
    """The proof of a relation between the rows of two commitments. Public: it shows no row."""

    relation: session.RowRelation
    first: bytes
    """The commitments, in the order of the statement."""
    second: bytes
    content: bytes = field(repr=False)

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the file, durably and all at once. A file of something else is refused (`FileTaken`)."""
        return write_public(path, self.content, overwrite=overwrite)

    def __len__(self) -> int:
        """Bytes."""
        return len(self.content)


def compare_rows(
    first: CommittedData,
    second: CommittedData,
    relation: session.RowRelation = "disjoint",
    *,
    quiet: bool = False,
) -> RowsProof:
    """Prove that `first` and `second` have no row in common ("disjoint"), that every row of `first` is a row of
    `second` ("subset"), or that both have the same rows, each as often, in any order ("same").

    Rows are equal if all of their features and labels are, as the integers that were committed; both data sets
    need one schema (`commit(..., like=...)`). The proof opens rows of both commitments. The time of "disjoint"
    grows with the product of the numbers of rows. Raises `ReportRefused` naming a row if the relation does not
    hold, `BudgetError` if a commitment has no rows left.
    """
    for data in (first, second):
        if not isinstance(data, CommittedData):
            raise UsageError(f"a {type(data).__name__} is no committed data: open it with tacit.open_data")
    if relation not in RELATIONS:
        raise UsageError(f"{given('relation', relation)} is none of {', '.join(RELATIONS)}")
    if first.digest == second.digest:
        raise UsageError(f"{name_of('first')} and {name_of('second')} are one commitment")
    opened = session.plan_link(first.file, second.file, relation)
    _require(first, second, relation)
    together = first.vault.path == second.vault.path
    charges = {data.digest.hex(): opened for data in (first, second)}
    purpose = f"rows {first.name} {relation} {second.name}"
    if together:
        first.vault.budget.charge(charges, purpose)
    else:
        for data in (first, second):
            data.vault.budget.require({data.digest.hex(): opened})
        for data in (first, second):
            data.vault.budget.charge({data.digest.hex(): opened}, purpose)
    with progress_bar("comparing", shown=False if quiet else None) as progress:
        content = session.link_rows(
            relation,
            _opening(first),
            _opening(second),
            (first.features, first.labels),
            (second.features, second.labels),
            first.vault.secret(),
            progress=progress,
        )
    return RowsProof(relation, first.digest, second.digest, content)


def _opening(data: CommittedData) -> session.Opening:
    return session.Opening(data.file, data.vault.secret(f"data/{data.name}"))


def _rows(data: CommittedData) -> list[bytes]:
    """Every row as bytes: its features and its labels."""
    labels = data.labels.reshape(data.n, -1).astype(np.int64)
    joined = np.concatenate([data.features.astype(np.int64), labels], axis=1)
    return [row.tobytes() for row in joined]


def _require(first: CommittedData, second: CommittedData, relation: session.RowRelation) -> None:
    """Refuse a relation that does not hold before any row is charged. Raises `ReportRefused` naming a row."""
    rows, there = _rows(first), _rows(second)
    if relation == "disjoint":
        places = {row: index for index, row in reversed(list(enumerate(there)))}
        for index, row in enumerate(rows):
            if row in places:
                raise ReportRefused(
                    f"row {index} of {first.name!r} is row {places[row]} of {second.name!r}", reason="Common"
                )
        return
    left = Counter(there)
    for index, row in enumerate(rows):
        if left[row] == 0:
            often = " so often" if relation == "same" else ""
            raise ReportRefused(
                f"row {index} of {first.name!r} is not{often} in {second.name!r}", reason="Missing"
            )
        left[row] -= relation == "same"
