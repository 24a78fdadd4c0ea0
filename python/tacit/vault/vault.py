"""The owner's directory of secrets: encrypted files, seeds, run records, and the row budget.

clinic.vault/           0700
  vault.json            how the key is wrapped (public)
  key                   only if no passphrase or key file was given, 0600
  lock                  held while anything is written
  budget.log            see `tacit.vault.budget`
  blobs/...             encrypted, written whole or not at all
"""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from tacit._files import TEMPORARY_SUFFIX, fsync_directory, read_limited, write_atomic
from tacit.errors import UnreadableFile, UsageError, VaultError
from tacit.vault.budget import Account, BudgetLog, Share
from tacit.vault.crypto import derive, open_sealed, seal
from tacit.vault.keys import (
    HEADER,
    KEY_FILE,
    SCRYPT_N,
    KeySource,
    Prompt,
    check_private,
    new_key_file,
    read_header,
    source_for,
    unwrap,
    wrap,
)
from tacit.vault.lock import VaultLock
from tacit.vault.secret import Secret

__all__ = ["Vault"]

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}(/[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}){0,4}")
LOCK, LOG, BLOBS = "lock", "budget.log", "blobs"
SEED = "secrets/vault"
MAX_BLOB = 1 << 40

log = logging.getLogger("tacit.vault")


class Vault:
    """An open vault. Make one with `Vault.create` or `Vault.open`."""

    def __init__(self, directory: Path, key: Secret, identity: str, lock_timeout: float) -> None:
        """Not for callers: `create` and `open` check what this takes for granted."""
        self._directory = directory
        self._identity = identity
        self._lock = VaultLock(directory / LOCK, lock_timeout)
        self._blob_key = Secret(derive(key.expose(), "tacit/vault/blobs/v1"))
        self._key = key
        self.budget = BudgetLog(directory / LOG, derive(key.expose(), "tacit/vault/budget/v1"), self._lock)

    @classmethod
    def create(
        cls,
        directory: str | os.PathLike[str],
        *,
        passphrase: str | None = None,
        key_file: str | os.PathLike[str] | None = None,
        prompt: Prompt | None = None,
        scrypt_n: int = SCRYPT_N,
        lock_timeout: float = 30.0,
    ) -> Self:
        """Make a vault that does not exist yet; it appears whole or not at all.

        Without a passphrase, key file, TACIT_PASSPHRASE or prompt the key is written into the vault itself,
        which keeps out other users of the machine but nobody who copies the directory; a warning says so.
        """
        path = Path(directory)
        if path.exists():
            raise VaultError(f"{path} exists already")
        if not path.absolute().parent.is_dir():
            raise UsageError(f"there is no directory {path.absolute().parent} for the vault")
        source = source_for(path, None, passphrase, key_file, prompt)
        building = path.absolute().parent / f".{path.name}.{secrets.token_hex(8)}{TEMPORARY_SUFFIX}"
        building.mkdir(mode=0o700)
        try:
            vault = cls._fill(building, source, scrypt_n, lock_timeout)
            os.rename(building, path)
            fsync_directory(path.absolute().parent)
        except BaseException as error:
            shutil.rmtree(building, ignore_errors=True)
            if isinstance(error, OSError):
                raise VaultError(f"cannot create {path}: {error.strerror}") from error
            raise
        if source is None:
            log.warning(
                "the key of %s is stored inside it, in %s: whoever copies the directory can open it. "
                "Use a passphrase or a key file elsewhere for data that matters",
                path,
                path / KEY_FILE,
            )
        return cls(path, vault._key, vault._identity, lock_timeout)

    @classmethod
    def _fill(cls, building: Path, source: KeySource | None, scrypt_n: int, timeout: float) -> Self:
        source = source or new_key_file(building / KEY_FILE)
        key, identity = Secret.random(), secrets.token_hex(16)
        write_atomic(building / HEADER, wrap(key, source, identity, scrypt_n), mode=0o600)
        (building / BLOBS).mkdir(mode=0o700)
        vault = cls(building, key, identity, timeout)
        vault.budget.create(secrets.token_hex(16))
        vault.put(SEED, secrets.token_bytes(32))
        return vault

    @classmethod
    def open(
        cls,
        directory: str | os.PathLike[str],
        *,
        passphrase: str | None = None,
        key_file: str | os.PathLike[str] | None = None,
        prompt: Prompt | None = None,
        lock_timeout: float = 30.0,
    ) -> Self:
        """Open an existing vault. Raises `WrongPassphrase`, `UnreadableFile` or `VaultError`."""
        path = Path(directory)
        header = read_header(path)
        check_private(path)
        source = source_for(path, header["key"]["kind"], passphrase, key_file, prompt)
        assert source is not None  # only a new vault may go without
        vault = cls(path, unwrap(header, source, path), header["id"], lock_timeout)
        vault._remove_unfinished()
        return vault

    @classmethod
    def open_or_create(
        cls,
        directory: str | os.PathLike[str],
        *,
        passphrase: str | None = None,
        key_file: str | os.PathLike[str] | None = None,
        prompt: Prompt | None = None,
    ) -> Self:
        """Open the vault, or make it if nothing of that name exists."""
        do = cls.open if Path(directory).exists() else cls.create
        return do(directory, passphrase=passphrase, key_file=key_file, prompt=prompt)

    @property
    def path(self) -> Path:
        """The directory."""
        return self._directory

    def __repr__(self) -> str:
        """The path, nothing of the content."""
        return f"Vault({str(self._directory)!r})"

    def close(self) -> None:
        """Wipe the keys; the object cannot be used afterwards."""
        self._key.wipe()
        self._blob_key.wipe()

    def rekey(
        self,
        *,
        passphrase: str | None = None,
        key_file: str | os.PathLike[str] | None = None,
        scrypt_n: int = SCRYPT_N,
    ) -> None:
        """Change what opens the vault. Copies of the old header still open with the old passphrase."""
        source = source_for(self._directory, None, passphrase, key_file, None)
        if source is None:
            raise UsageError("give the new passphrase or key file")
        with self._lock.held():
            header = wrap(self._key, source, self._identity, scrypt_n)
            write_atomic(self._directory / HEADER, header, mode=0o600)
            inside = self._directory / KEY_FILE
            if inside.exists() and (key_file is None or Path(key_file).resolve() != inside.resolve()):
                inside.unlink()
                fsync_directory(self._directory)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from writing while several things are written together."""
        with self._lock.held():
            yield

    def _file(self, name: str) -> Path:
        if not NAME.fullmatch(name) or name.endswith(TEMPORARY_SUFFIX):
            raise UsageError(f"{name!r} cannot be the name of something in a vault")
        return self._directory / BLOBS / name

    def put(self, name: str, content: bytes | bytearray | memoryview, *, overwrite: bool = True) -> None:
        """Encrypt `content` under `name`, durably: after a crash the old or the new content is there."""
        path = self._file(name)
        with self._lock.held():
            for directory in reversed([p for p in path.parents if not p.is_dir()]):
                try:
                    directory.mkdir(mode=0o700)
                except FileExistsError:
                    raise UsageError(f"{name!r} lies below a name that is in use") from None
                fsync_directory(directory.parent)
            if not overwrite and path.exists():
                raise VaultError(f"the vault has {name} already")
            write_atomic(path, seal(self._blob_key.expose(), name, content), mode=0o600)

    def get(self, name: str) -> bytes:
        """What `put` stored. Raises `UnreadableFile` if it is missing or was changed."""
        path = self._file(name)
        if not path.is_file():
            raise UnreadableFile(f"the vault {self._directory} has no {name}")
        sealed = read_limited(path, limit=MAX_BLOB, what="vault file")
        return open_sealed(self._blob_key.expose(), name, sealed)

    def put_json(self, name: str, document: Mapping[str, Any], *, overwrite: bool = True) -> None:
        """Store a JSON document."""
        self.put(name, json.dumps(document, allow_nan=False).encode(), overwrite=overwrite)

    def get_json(self, name: str) -> dict[str, Any]:
        """Read a JSON document."""
        return dict(json.loads(self.get(name)))

    def names(self, prefix: str = "") -> list[str]:
        """The names that start with `prefix`, sorted."""
        root = self._directory / BLOBS
        found = (str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
        return sorted(n for n in found if n.startswith(prefix) and NAME.fullmatch(n))

    def has(self, name: str) -> bool:
        """Whether there is such a name."""
        return self._file(name).is_file()

    def delete(self, name: str) -> None:
        """Remove a name. The storage medium may keep the encrypted bytes."""
        with self._lock.held():
            path = self._file(name)
            path.unlink(missing_ok=True)
            fsync_directory(path.parent)

    def new_secret(self, name: str) -> Secret:
        """Draw and store 32 bytes that no proof or retry has used."""
        secret = Secret.random()
        self.put(f"secrets/{name}", secret.expose(), overwrite=False)
        return secret

    def secret(self, name: str = "vault") -> Secret:
        """A stored secret; "vault" is the one that enters the randomness of every proof."""
        return Secret(self.get(f"secrets/{name}"))

    def accounts(self) -> dict[str, Account]:
        """Row budgets by commitment."""
        return self.budget.accounts()

    def share(self, rows: Mapping[str, int], purpose: str) -> Share:
        """Rows for one parallel worker, charged now."""
        return self.budget.share(rows, purpose)

    def adopt(self, spent: int | Mapping[str, int]) -> None:
        """Use this restored, copied or moved vault; `spent` rows were opened that its log does not show."""
        self.budget.adopt(spent, secrets.token_hex(16))

    def split(
        self,
        directory: str | os.PathLike[str],
        rows: Mapping[str, int],
        names: Iterable[str],
        *,
        passphrase: str | None = None,
        key_file: str | os.PathLike[str] | None = None,
    ) -> Vault:
        """A second vault that may open `rows` of these commitments, charged here first.

        It holds the blobs called `names` and has no reserve: only the first vault re-commits. On the machine
        it is taken to, `adopt(spent=0)` puts it into use.
        """
        chosen = sorted(set(names))
        for name in chosen:
            if not self.has(name):
                raise UsageError(f"the vault has no {name}")
        self.budget.require(rows)
        other = Vault.create(directory, passphrase=passphrase, key_file=key_file)
        self.budget.charge(rows, f"split: {Path(directory).name}")
        for name in chosen:
            if name != SEED:
                other.put(name, self.get(name))
        for commitment, count in rows.items():
            other.budget.open_account(commitment, count, 0)
        return other

    def _remove_unfinished(self) -> None:
        with self._lock.held():
            for path in [*self._directory.glob(".*"), *(self._directory / BLOBS).rglob(".*")]:
                if path.name.endswith(TEMPORARY_SUFFIX):
                    path.unlink(missing_ok=True)
