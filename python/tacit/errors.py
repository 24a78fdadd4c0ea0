"""Every exception of the package, with the exit code that the command line gives it.

Exit codes: 0 valid, 1 a proof was rejected or a bound does not hold, 2 wrong usage (bad data, bad
configuration, vault, budget), 3 a file that cannot be read as ours, or is another than is needed.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "BoundFails",
    "BudgetError",
    "DataError",
    "FileTaken",
    "NativeMissing",
    "ProofRejected",
    "ReleaseRefused",
    "ReportRefused",
    "TacitError",
    "TrailingBytes",
    "TrainingDataMissing",
    "TruncatedFile",
    "UnreadableFile",
    "UsageError",
    "VaultCopied",
    "VaultError",
    "VaultLocked",
    "WorkerError",
    "WrongConfiguration",
    "WrongData",
    "WrongKind",
    "WrongModel",
    "WrongPassphrase",
    "WrongVersion",
]


class TacitError(Exception):
    """Base class of everything that this package raises on purpose."""

    exit_code: ClassVar[int] = 2


class UsageError(TacitError):
    """The call, the option or the configuration file asks for something that is not possible."""


class FileTaken(UsageError):
    """Another file stands where a public file would be written; nothing was written."""


class NativeMissing(TacitError):
    """The compiled module `tacit._native` is not installed."""


class DataError(TacitError):
    """The data cannot be committed. `column` and `row` say where (row counts from 0)."""

    def __init__(self, message: str, *, column: str | None = None, row: int | None = None) -> None:
        """Keep the place beside the message."""
        super().__init__(message)
        self.column = column
        self.row = row


class VaultError(TacitError):
    """The vault cannot be used as asked."""


class VaultLocked(VaultError):
    """Another process holds the vault's lock."""


class WrongPassphrase(VaultError):
    """The passphrase or key file does not open the vault."""


class VaultCopied(VaultError):
    """The vault was restored, copied or moved; its budget is 0 until `adopt` states what was spent."""


class BudgetError(VaultError):
    """A proof would open more rows of a commitment than its budget allows."""

    def __init__(self, message: str, *, commitment: str, needed: int, left: int) -> None:
        """Keep the numbers beside the message."""
        super().__init__(message)
        self.commitment = commitment
        self.needed = needed
        self.left = left


class WorkerError(TacitError):
    """A worker failed at its part of a proof, or workers are lost again and again."""


class ReleaseRefused(TacitError):
    """A safety rule forbids publishing the weights; `rule` names it."""

    def __init__(self, message: str, *, rule: str) -> None:
        """Keep the rule's name beside the message."""
        super().__init__(message)
        self.rule = rule


class ReportRefused(TacitError):
    """A statement about a model that cannot or must not be made; `reason` names why."""

    def __init__(self, message: str, *, reason: str) -> None:
        """Keep the reason's name beside the message."""
        super().__init__(message)
        self.reason = reason


class BoundFails(ReportRefused):
    """The model does not reach a bound that was to be shown: there is nothing to prove."""

    exit_code: ClassVar[int] = 1


class UnreadableFile(TacitError):
    """A file is missing, damaged, or not one of ours."""

    exit_code: ClassVar[int] = 3


class TruncatedFile(UnreadableFile):
    """A file ends before its content does."""


class TrailingBytes(UnreadableFile):
    """A file goes on after its content has ended."""


class WrongKind(UnreadableFile):
    """A file of ours stands where one of another kind is needed."""


class WrongVersion(UnreadableFile):
    """A file was written for another version of the format."""


class ProofRejected(TacitError):
    """A proof parses and a check fails; `check` names the check."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, check: str) -> None:
        """Keep the check's name beside the message."""
        super().__init__(message)
        self.check = check


class TrainingDataMissing(ProofRejected):
    """A report is verified without the commitment of its model's training data: that decides nothing."""

    exit_code: ClassVar[int] = 2


class WrongData(ProofRejected):
    """The proof is about another data commitment."""


class WrongModel(ProofRejected):
    """The proof is about another model."""


class WrongConfiguration(ProofRejected):
    """The proof is about other hyper-parameters or another architecture."""
