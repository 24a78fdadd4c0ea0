"""Tells a vault from a copy of it.

The budget log records a fingerprint of the machine, the vault's directory and the log file itself; a vault
that was restored, copied or moved to another machine has another one. A count of the log's records is also
kept outside the vault, in the user's state directory, to notice a log that was put back in place by content.
Neither notices a machine that was put back as a whole (a snapshot of a virtual machine).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import platform
import uuid
from pathlib import Path

from tacit._files import write_atomic
from tacit.errors import UsageError

__all__ = ["fingerprint", "read_mark", "write_mark"]


def machine_id() -> str:
    """The operating system's identifier of this machine, or the best substitute."""
    for path in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        try:
            text = Path(path).read_text().strip()
        except OSError:
            continue
        if text:
            return text
    return f"{platform.node()}/{uuid.getnode():x}"


def fingerprint(key: bytes, directory: Path, log: Path) -> str:
    """What this vault's place looks like. Keyed: it tells nothing about the machine to a reader."""
    place = f"{machine_id()}\0{directory.stat().st_ino}\0{log.stat().st_ino}"
    return hmac.new(key, place.encode(), hashlib.sha256).hexdigest()


def _mark_path(instance: str) -> Path:
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "tacit" / "vaults" / instance


def read_mark(instance: str) -> tuple[int, str] | None:
    """Number of records and last authentication code that this machine has seen, if it kept them."""
    try:
        count, code = _mark_path(instance).read_text().split()
        return int(count), code
    except (OSError, ValueError, RuntimeError):
        return None


def write_mark(instance: str, count: int, code: str) -> None:
    """Keep them. A machine without a writable state directory goes without."""
    try:
        path = _mark_path(instance)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomic(path, f"{count} {code}\n".encode(), mode=0o600)
    except (OSError, RuntimeError, UsageError):
        return
