"""How many rows of each commitment may still be opened. Charged before use, never given back.

Every proof opens rows of the committed data, and a commitment hides its data only while fewer rows than its
budget have been opened. The log has one line per event, each authenticated together with the line before it,
appended and fsynced under the vault's lock before the caller goes on. A line without its newline was never
acknowledged and is dropped.

The last `reserve` rows of a commitment are kept for the proof that a re-commitment holds the same data.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tacit._files import fsync_directory, write_all
from tacit._wording import given, named
from tacit.errors import BudgetError, UnreadableFile, UsageError, VaultCopied, VaultError
from tacit.vault.identity import fingerprint, read_mark, write_mark
from tacit.vault.lock import VaultLock

__all__ = ["Account", "BudgetLog", "Share"]


@dataclass(frozen=True, slots=True)
class Account:
    """The rows of one commitment."""

    rows: int
    reserve: int
    spent: int = 0

    def left(self, *, reserve: bool = False) -> int:
        """Rows that may still be opened, with or without the reserve."""
        return max(0, self.rows - self.spent - (0 if reserve else self.reserve))


@dataclass(slots=True)
class _State:
    accounts: dict[str, Account] = field(default_factory=dict)
    instance: str = ""
    binding: str = ""
    codes: list[str] = field(default_factory=list)
    end: int = 0


class BudgetLog:
    """The append-only log in the file `path` of a vault."""

    def __init__(self, path: Path, key: bytes, lock: VaultLock) -> None:
        """`key` authenticates the lines; `lock` is the vault's."""
        self._path = path
        self._key = key
        self._lock = lock
        self._seen: tuple[bytes, _State] | None = None

    def create(self, instance: str) -> None:
        """Start the log of a new vault."""
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        os.close(handle)
        with self._lock.held():
            self._append(_State(), {"kind": "create", "instance": instance, "binding": self._here()})
            fsync_directory(self._path.parent)

    def accounts(self) -> dict[str, Account]:
        """Every commitment and its rows, whether or not the vault may be used."""
        with self._lock.held():
            return dict(self._read().accounts)

    def check_place(self) -> None:
        """Raise `VaultCopied` if the vault is not where its log says it is."""
        with self._lock.held():
            self._check(self._read())

    def open_account(self, commitment: str, rows: int, reserve: int) -> None:
        """Give a new commitment its budget, once."""
        if rows <= reserve or reserve < 0:
            raise UsageError(f"a budget of {rows:,} rows leaves none beside its reserve of {reserve:,}")
        with self._lock.held():
            state = self._checked()
            if commitment in state.accounts:
                raise VaultError(f"the commitment {commitment[:16]} has its budget already")
            self._append(state, {"kind": "open", "commitment": commitment, "rows": rows, "reserve": reserve})

    def charge(self, rows: Mapping[str, int], purpose: str, *, reserve: bool = False) -> None:
        """Write down that `rows` are about to be opened, all of them or none.

        When this returns the charge is durable. Raises `BudgetError` before writing anything if any of the
        commitments has too few rows left.
        """
        with self._lock.held():
            state = self._checked()
            _require(state.accounts, rows, reserve)
            self._append(state, {"kind": "charge", "rows": dict(rows), "purpose": purpose})

    def require(self, rows: Mapping[str, int], *, reserve: bool = False) -> None:
        """Raise `BudgetError` unless `rows` could be charged now. For planning: reserves nothing."""
        with self._lock.held():
            _require(self._checked().accounts, rows, reserve)

    def share(self, rows: Mapping[str, int], purpose: str) -> Share:
        """Charge `rows` and hand them to a worker, who needs no access to the vault to spend them."""
        self.charge(rows, f"share: {purpose}")
        return Share(rows)

    def adopt(self, spent: int | Mapping[str, int], instance: str) -> None:
        """Declare this copy the one in use, after `spent` rows were opened that its log does not show."""
        counts = spent.values() if isinstance(spent, Mapping) else [spent]
        if any(isinstance(rows, bool) or not isinstance(rows, int) for rows in counts):
            raise UsageError(f"{given('spent', spent)} is not a number of rows")
        with self._lock.held():
            state = self._read()
            told = dict.fromkeys(state.accounts, spent) if isinstance(spent, int) else dict(spent)
            for commitment, rows in told.items():
                if commitment not in state.accounts:
                    raise UsageError(f"the vault has no commitment {commitment[:16]}")
                if rows < 0:
                    raise UsageError("the number of rows spent elsewhere cannot be negative")
            missing = [c for c in state.accounts if c not in told]
            if missing:
                raise UsageError(f"say how many rows of {missing[0][:16]} were spent elsewhere")
            record = {"kind": "adopt", "instance": instance, "binding": self._here(), "spent": told}
            self._append(state, record)

    def _here(self) -> str:
        return fingerprint(self._key, self._path.parent, self._path)

    def _checked(self) -> _State:
        state = self._read()
        self._check(state)
        return state

    def _check(self, state: _State) -> None:
        if not hmac.compare_digest(state.binding, self._here()):
            raise VaultCopied(
                f"{self._path.parent} was restored, copied or moved: its budget is 0. If no other copy is in "
                f"use, say how many rows were spent outside it ({_adopting()}), or commit the data again"
            )
        mark = read_mark(state.instance)
        if mark is not None and (mark[0] > len(state.codes) or state.codes[mark[0] - 1] != mark[1]):
            raise VaultCopied(
                f"the budget log of {self._path.parent} is older than the one seen here before: its budget "
                f"is 0. Say how many rows were spent outside it ({_adopting()}), or commit the data again"
            )

    def _code(self, previous: str, body: bytes) -> str:
        return hmac.new(self._key, previous.encode() + b"\0" + body, hashlib.sha256).hexdigest()

    def _append(self, state: _State, record: Mapping[str, Any]) -> None:
        body = json.dumps({"n": len(state.codes), **record}, sort_keys=True, separators=(",", ":")).encode()
        code = self._code(state.codes[-1] if state.codes else "", body)
        handle = os.open(self._path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.lseek(handle, state.end, os.SEEK_SET)
            write_all(handle, body + b"\t" + code.encode() + b"\n")
            os.fsync(handle)
        finally:
            os.close(handle)
        instance = str(record.get("instance", state.instance))
        write_mark(instance, len(state.codes) + 1, code)

    def _read(self) -> _State:
        try:
            content = self._path.read_bytes()
        except OSError as error:
            raise UnreadableFile(f"cannot read the budget log {self._path}: {error.strerror}") from error
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            os.truncate(self._path, len(whole))
        state = self._begun(whole)
        for line in whole[state.end :].splitlines():
            body, _, code = line.rpartition(b"\t")
            expected = self._code(state.codes[-1] if state.codes else "", body)
            if not hmac.compare_digest(expected.encode(), code):
                raise UnreadableFile(f"line {len(state.codes) + 1} of {self._path} was changed")
            _apply(state, json.loads(body))
            state.codes.append(expected)
        if not state.codes:
            raise UnreadableFile(f"the budget log {self._path} is empty")
        state.end = len(whole)
        self._seen = hashlib.sha256(whole).digest(), state
        return state

    def _begun(self, whole: bytes) -> _State:
        """What the lines that were read before mean, if they still stand there; a long log is read once."""
        seen, self._seen = self._seen, None
        if seen is not None and hashlib.sha256(whole[: seen[1].end]).digest() == seen[0]:
            return seen[1]
        return _State()


def _adopting() -> str:
    return named("adopt(spent", "...)", option="tacit vault adopt --spent ROWS")


def _apply(state: _State, record: Mapping[str, Any]) -> None:
    """What one authenticated line means."""
    kind = record["kind"]
    if kind in ("create", "adopt"):
        state.instance, state.binding = record["instance"], record["binding"]
    if kind == "open":
        state.accounts[record["commitment"]] = Account(record["rows"], record["reserve"])
    spent = record.get("rows") if kind == "charge" else record.get("spent")
    for commitment, rows in (spent or {}).items():
        account = state.accounts[commitment]
        state.accounts[commitment] = replace(account, spent=account.spent + rows)


def _require(accounts: Mapping[str, Account], rows: Mapping[str, int], reserve: bool) -> None:
    if not rows:
        raise UsageError("a charge names at least one commitment")
    for commitment, needed in rows.items():
        if needed <= 0:
            raise UsageError(f"a charge of {needed} rows")
        account = accounts.get(commitment)
        if account is None:
            raise VaultError(f"the vault has no commitment {commitment[:16]}")
        left = account.left(reserve=reserve)
        if needed > left:
            kept = "" if reserve else f" ({account.reserve:,} more are kept for a re-commitment)"
            raise BudgetError(
                f"the proof opens {needed:,} rows of the commitment {commitment[:16]}, {left:,} of "
                f"{account.rows:,} are left{kept}; {_ahead(reserve)}",
                commitment=commitment,
                needed=needed,
                left=left,
            )


def _ahead(reserve: bool) -> str:
    """What to do when rows have run out."""
    if reserve:
        return (
            "nothing is left to prove that a new commitment holds the same: commit the data under another "
            "name, and train again"
        )
    again = named("recommit(..., proofs", "...)", option="tacit recommit")
    return (
        f"commit the data, or the final model of its run, again with {again}, or train again if it is a model "
        "inside a chain"
    )


class Share:
    """Rows that were charged in advance for one worker. What it does not spend is lost."""

    __slots__ = ("_accounts",)

    def __init__(self, rows: Mapping[str, int]) -> None:
        """Made by `BudgetLog.share` alone, after the charge."""
        self._accounts = {commitment: Account(count, 0) for commitment, count in rows.items()}

    def charge(self, rows: Mapping[str, int], purpose: str, *, reserve: bool = False) -> None:
        """Spend rows of the share. Raises `BudgetError` when it has too few."""
        del purpose, reserve
        _require(self._accounts, rows, reserve=False)
        for commitment, needed in rows.items():
            account = self._accounts[commitment]
            self._accounts[commitment] = replace(account, spent=account.spent + needed)

    def __reduce__(self) -> Any:
        """Refuse to be pickled: two copies would spend the same rows."""
        raise TypeError("a share cannot be pickled or copied; make one share per worker")
