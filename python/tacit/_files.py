"""Files that are either the old or the new version after a crash, never something between.

A write goes to a temporary file in the same directory, is fsynced, renamed over the target, and the
directory is fsynced. Secret files are created with mode 0600 before the first byte is written.
"""

from __future__ import annotations

import json
import os
import secrets
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tacit._wording import named
from tacit.errors import FileTaken, UnreadableFile, UsageError

__all__ = [
    "TEMPORARY_SUFFIX",
    "fsync_directory",
    "read_json",
    "read_limited",
    "read_toml",
    "require_free",
    "write_all",
    "write_atomic",
    "write_public",
]

TEMPORARY_SUFFIX = ".tmp"
"""Names that end like this are unfinished writes; nothing reads them."""
MAX_BITS = 1_000
"""Of an integer in a TOML file: TOML has 64; a float holds 1,024, and Python does not print many more."""


def fsync_directory(directory: Path) -> None:
    """Make the names in `directory` durable."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_all(handle: int, content: bytes | bytearray | memoryview) -> None:
    """Write all of `content` to a file descriptor; `os.write` alone may stop early."""
    view = memoryview(content).cast("B")
    while view:
        view = view[os.write(handle, view) :]


def write_atomic(
    path: str | os.PathLike[str],
    content: bytes | Iterable[bytes],
    *,
    mode: int = 0o644,
    overwrite: bool = True,
) -> None:
    """Write `content` (bytes, or pieces of it in order) to `path`, durably and all at once.

    With `overwrite=False` an existing file is refused, also when it appears during the write.
    """
    target = Path(path)
    pieces = [content] if isinstance(content, bytes) else content
    temporary = target.parent / f".{target.name}.{secrets.token_hex(8)}{TEMPORARY_SUFFIX}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        handle = os.open(temporary, flags, mode)
    except OSError as error:
        raise UsageError(f"cannot write {target}: {error.strerror}") from error
    try:
        try:
            for piece in pieces:
                write_all(handle, piece)
            os.fsync(handle)
        finally:
            os.close(handle)
        if overwrite:
            os.replace(temporary, target)
        else:
            os.link(temporary, target)
            os.unlink(temporary)
        fsync_directory(target.parent)
    except FileExistsError as error:
        raise UsageError(f"{target} exists already") from error
    except OSError as error:
        raise UsageError(f"cannot write {target}: {error.strerror}") from error
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)


def require_free(
    path: str | os.PathLike[str], content: bytes | None = None, *, overwrite: bool = False
) -> Path:
    """The path, if nothing stands there, or `content` itself, or it may be replaced. Raises `FileTaken`.

    Raises `UsageError` if there is no such directory: called before work, it keeps the work from being in vain.
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise UsageError(f"cannot write {target}: there is no directory {target.parent}")
    if overwrite or not target.exists():
        return target
    if content is not None and target.is_file() and target.stat().st_size == len(content):
        with suppress(OSError):
            if target.read_bytes() == content:
                return target
    raise FileTaken(
        f"{target} exists already and is of something else; choose another name, or give "
        f"{named('overwrite', 'True', option='--force')} to replace it"
    )


def write_public(path: str | os.PathLike[str], content: bytes, *, overwrite: bool = False) -> Path:
    """Write a public file, durably and all at once. Raises `FileTaken` for a file of something else."""
    target = require_free(path, content, overwrite=overwrite)
    write_atomic(target, content)
    return target


def read_limited(path: str | os.PathLike[str], *, limit: int, what: str) -> bytes:
    """Read a whole file of at most `limit` bytes; `what` names it in errors."""
    content = bytearray()
    try:
        with open(path, "rb") as file:
            # Piece by piece: asking for the limit at once would allocate it.
            while len(content) <= limit and (piece := file.read(min(1 << 24, limit + 1))):
                content += piece
    except OSError as error:
        raise UnreadableFile(f"cannot read the {what} {os.fspath(path)}: {error.strerror}") from error
    if len(content) > limit:
        raise UnreadableFile(f"the {what} {os.fspath(path)} is larger than {limit:,} bytes and was not read")
    return bytes(content)


def read_toml(content: bytes) -> dict[str, Any]:
    """A TOML document. Raises `ValueError` for anything that is none, or that Python cannot print again."""
    try:
        document = tomllib.loads(content.decode())
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if _bits(document) > MAX_BITS:
        raise ValueError(f"it has an integer of more than {MAX_BITS:,} bits")
    return document


def read_json(content: bytes | str) -> Any:
    """A JSON document. Raises `ValueError` for anything that is none."""
    try:
        return json.loads(content)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _bits(value: Any) -> int:
    """Bits of the longest integer in a document."""
    if isinstance(value, Mapping):
        return max(map(_bits, value.values()), default=0)
    if isinstance(value, list):
        return max(map(_bits, value), default=0)
    return value.bit_length() if isinstance(value, int) else 0
