"""Reads a CSV file with a header row. Every problem is an error that names the line."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np

from tacit.dataset.table import RawColumn, Table, parse_number
from tacit.errors import DataError, UnreadableFile

__all__ = ["read_csv"]

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none"})
BOOLEANS = {"true": 1.0, "false": 0.0}


def read_csv(path: Path, *, delimiter: str = ",") -> Table:
    """The table in `path`. Numbers and true/false are recognised; anything else stays text."""
    rows: list[list[str]] = []
    lines: list[int] = []
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            header = [name.strip() for name in next(reader, [])]
            if not header:
                raise DataError(f"{path.name} is empty")
            for cells in reader:
                if not cells:
                    continue  # a blank line holds no row
                if len(cells) != len(header):
                    raise DataError(
                        f"{path.name} is ragged: line {reader.line_num} has {len(cells)} values, "
                        f"the header has {len(header)}",
                        row=len(rows),
                    )
                rows.append(cells)
                lines.append(reader.line_num)
    except OSError as error:
        raise UnreadableFile(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"{path} is not UTF-8 text: byte {error.start}") from error
    except csv.Error as error:
        raise UnreadableFile(f"{path} is not a CSV file: {error}") from error
    for position, name in enumerate(header):
        if not name:
            raise DataError(f"{path.name}: column {position} has no name")
    columns = tuple(_typed(name, [row[j].strip() for row in rows]) for j, name in enumerate(header))
    return Table(columns, len(rows), path.name, lines=np.array(lines, dtype=np.int64))


def _typed(name: str, cells: list[str]) -> RawColumn:
    present = [cell for cell in cells if cell.lower() not in MISSING]
    if present and all(cell.lower() in BOOLEANS for cell in present):
        flags = [BOOLEANS.get(cell.lower(), math.nan) for cell in cells]
        return RawColumn(name, "boolean", np.array(flags))
    numbers = [math.nan if cell.lower() in MISSING else parse_number(cell) for cell in cells]
    if all(number is not None for number in numbers):
        whole = all(cell.lstrip("+-").isdigit() for cell in present)
        return RawColumn(name, "numeric", np.array(numbers, dtype=np.float64), whole=whole)
    text = np.empty(len(cells), dtype=object)
    text[:] = [None if cell.lower() in MISSING else cell for cell in cells]
    return RawColumn(name, "other", text)
