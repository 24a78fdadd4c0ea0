"""A secret that does not print, pickle or copy itself, and is overwritten when it is no longer needed.

Python may have copied the bytes before they came here, and libraries that take `bytes` make copies of their
own; wiping shortens the time that a secret stays in memory, it does not end it for certain.
"""

from __future__ import annotations

import secrets
from types import TracebackType
from typing import NoReturn, Self

from tacit.errors import VaultError

__all__ = ["Secret"]


class Secret:
    """Bytes that must not leave the process."""

    __slots__ = ("_content",)

    def __init__(self, content: bytes | bytearray) -> None:
        """Take a copy of `content`; the caller wipes its own if it can."""
        self._content: bytearray | None = bytearray(content)

    @classmethod
    def random(cls, size: int = 32) -> Self:
        """Fresh bytes from the operating system."""
        return cls(secrets.token_bytes(size))

    def expose(self) -> bytearray:
        """The bytes themselves, not a copy. Raises `VaultError` after `wipe`."""
        if self._content is None:
            raise VaultError("the secret was wiped already")
        return self._content

    def wipe(self) -> None:
        """Overwrite the bytes."""
        if self._content is not None:
            self._content[:] = bytes(len(self._content))
            self._content = None

    def __enter__(self) -> Self:
        """Use as a context manager that wipes at the end."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wipe."""
        self.wipe()

    def __del__(self) -> None:
        """Wipe what nobody wiped."""
        self.wipe()

    def __repr__(self) -> str:
        """Nothing of the content, not even its length."""
        return "Secret(...)"

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied."""
        raise TypeError("a secret cannot be pickled or copied")
