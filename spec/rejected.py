"""The one exception of the verifier: it names the check that failed."""

from __future__ import annotations


class Rejected(Exception):
    """A file, a statement or a proof was rejected. `check` is a short name, the message says what was found."""

    def __init__(self, check: str, message: str = "") -> None:
        """Names the check."""
        super().__init__(f"{check}: {message}" if message else check)
        self.check = check


def require(condition: bool, check: str, message: str = "") -> None:
    """Raises `Rejected` unless the condition holds."""
    if not condition:
        raise Rejected(check, message)


def within(value: int, least: int, most: int, check: str, what: str) -> None:
    """Raises `Rejected` unless least <= value <= most."""
    require(least <= value <= most, check, f"{what} is {value}, outside {least}..={most}")
