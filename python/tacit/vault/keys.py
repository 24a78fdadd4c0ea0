"""Who may open the vault: a passphrase or a key file wraps the vault's key, which encrypts everything else.

The header `vault.json` is public: format, identity, how the wrapping key is made, and the wrapped key.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from tacit._files import read_json, read_limited, write_atomic
from tacit._wording import named
from tacit.errors import UnreadableFile, UsageError, VaultError, WrongPassphrase, WrongVersion
from tacit.vault.crypto import derive, stretch
from tacit.vault.secret import Secret

__all__ = ["HEADER", "KEY_FILE", "KeySource", "Prompt", "read_header", "source_for", "unwrap", "wrap"]

HEADER = "vault.json"
KEY_FILE = "key"
PASSPHRASE_VARIABLE = "TACIT_PASSPHRASE"  # noqa: S105
FORMAT, VERSION = "tacit-vault", 1
SCRYPT_N = 1 << 17

Prompt: TypeAlias = Callable[[bool], str]
"""Asks a person for the passphrase; the argument says whether it is a new one. Nothing typed means none."""

log = logging.getLogger("tacit.vault")


@dataclass(frozen=True, slots=True)
class KeySource:
    """A passphrase or the content of a key file."""

    kind: Literal["passphrase", "key_file"]
    secret: Secret = field(repr=False)
    path: Path | None = None
    """Of the key file."""


def check_private(path: Path) -> None:
    """Refuse a file or directory that other users may read."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        wanted = "700" if path.is_dir() else "600"
        raise VaultError(f"{path} can be read by other users (mode {mode:o}); chmod {wanted} {path}")


def read_key_file(path: Path) -> KeySource:
    """The key in a file of 32 to 4,096 bytes that only its owner can read."""
    try:
        check_private(path)
    except OSError as error:
        raise WrongPassphrase(
            f"cannot read the key file {path} ({error.strerror}); say where it is with {named('key_file')}"
        ) from error
    content = read_limited(path, limit=4096, what="key file").rstrip(b"\r\n")
    if len(content) < 32:
        raise WrongPassphrase(f"the key file {path} has {len(content)} bytes, no key has fewer than 32")
    return KeySource("key_file", Secret(content), path)


def new_key_file(path: Path) -> KeySource:
    """Write a fresh key to `path`, which must not exist. Only for a vault that is about to be made."""
    write_atomic(path, secrets.token_hex(32).encode() + b"\n", mode=0o600, overwrite=False)
    return read_key_file(path)


def source_for(
    directory: Path,
    kind: str | None,
    passphrase: str | None,
    key_file: str | os.PathLike[str] | None,
    prompt: Prompt | None,
) -> KeySource | None:
    """The key for an existing vault of `kind`, or for a new one (`kind` None).

    In order: the argument, the key file, TACIT_PASSPHRASE, the prompt. None means, for a new vault only, that
    nothing was said and a key file inside the vault has to do.
    """
    if passphrase is not None and key_file is not None:
        raise UsageError("give a passphrase or a key file, not both")
    if kind == "key_file" and passphrase is not None:
        raise WrongPassphrase(
            f"{directory} is opened by a key file, not by a passphrase: give {named('key_file')}"
        )
    if kind == "passphrase" and key_file is not None:
        raise WrongPassphrase(
            f"{directory} is opened by a passphrase, not by a key file: leave {named('key_file')} out, "
            f"and give {_passphrase_words()}"
        )
    if passphrase is not None:
        return _passphrase(passphrase)
    if key_file is not None or kind == "key_file":
        return _key_file(directory, kind, key_file)
    variable = os.environ.get(PASSPHRASE_VARIABLE)
    if variable:
        return _passphrase(variable)
    if prompt is not None and (text := prompt(kind is None)):
        return _passphrase(text)
    if kind == "passphrase":
        raise WrongPassphrase(f"{directory} is opened by a passphrase: give {_passphrase_words()}")
    return None


def _key_file(directory: Path, kind: str | None, key_file: str | os.PathLike[str] | None) -> KeySource:
    """The key file of a vault; a new one is written for a new vault alone."""
    if key_file is None:
        inside = directory / KEY_FILE
        if not inside.exists():
            raise WrongPassphrase(
                f"{directory} is opened by a key file that is kept elsewhere: give {named('key_file')}"
            )
        return read_key_file(inside)
    path = Path(key_file)
    if kind is not None or path.exists():
        return read_key_file(path)
    made = new_key_file(path)
    log.warning("wrote a new key to %s: without this file nothing opens %s", path, directory)
    return made


def _passphrase_words() -> str:
    typed = named("passphrase", option="it at the prompt")
    return f"{typed}, or set {PASSPHRASE_VARIABLE}"


def _passphrase(text: str) -> KeySource:
    if not text:
        raise UsageError("the passphrase is empty")
    return KeySource("passphrase", Secret(text.encode()))


def _wrapping_key(source: KeySource, how: dict[str, Any]) -> bytes:
    if how["kind"] == "key_file":
        return derive(source.secret.expose(), "tacit/vault/key-file/v1")
    return stretch(source.secret.expose(), bytes.fromhex(how["salt"]), how["n"])


def _bound(identity: str, how: dict[str, Any]) -> bytes:
    return json.dumps([FORMAT, VERSION, identity, how], sort_keys=True).encode()


def wrap(key: Secret, source: KeySource, identity: str, scrypt_n: int = SCRYPT_N) -> bytes:
    """The header that lets `source` open a vault whose key is `key`."""
    how: dict[str, Any] = {"kind": source.kind}
    if source.kind == "passphrase":
        how |= {"kdf": "scrypt", "n": scrypt_n, "r": 8, "p": 1, "salt": secrets.token_hex(32)}
    nonce = secrets.token_bytes(12)
    cipher = ChaCha20Poly1305(_wrapping_key(source, how))
    wrapped = nonce + cipher.encrypt(nonce, bytes(key.expose()), _bound(identity, how))
    header = {"format": FORMAT, "version": VERSION, "id": identity, "key": how, "wrapped": wrapped.hex()}
    return json.dumps(header, indent=2).encode() + b"\n"


def read_header(directory: Path) -> dict[str, Any]:
    """The checked header of the vault in `directory`."""
    path = directory / HEADER
    if not directory.exists():
        raise UnreadableFile(f"there is no vault {directory}")
    if not directory.is_dir() or not path.exists():
        raise UnreadableFile(f"{directory} is not a vault: it has no {HEADER}")
    try:
        header = read_json(read_limited(path, limit=1 << 16, what="vault header"))
        if header["format"] != FORMAT:
            raise UnreadableFile(f"{path} is not the header of a vault")
        if header["version"] != VERSION:
            raise WrongVersion(f"{directory} is a vault of version {header['version']}, not {VERSION}")
        how = header["key"]
        if how["kind"] == "passphrase":
            good = how["kdf"] == "scrypt" and (how["r"], how["p"]) == (8, 1) and isinstance(how["n"], int)
            good = good and len(bytes.fromhex(how["salt"])) == 32
        else:
            good = how == {"kind": "key_file"}
        good = good and isinstance(header["id"], str) and len(bytes.fromhex(header["wrapped"])) == 60
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadableFile(f"the header of the vault {directory} is damaged") from error
    if not good:
        raise UnreadableFile(f"the header of the vault {directory} is damaged")
    return dict(header)


def unwrap(header: dict[str, Any], source: KeySource, directory: Path) -> Secret:
    """The vault's key. Raises `WrongPassphrase`."""
    if source.kind != header["key"]["kind"]:
        raise WrongPassphrase(f"{directory} is opened by a {header['key']['kind'].replace('_', ' ')}")
    wrapped = bytes.fromhex(header["wrapped"])
    cipher = ChaCha20Poly1305(_wrapping_key(source, header["key"]))
    try:
        return Secret(cipher.decrypt(wrapped[:12], wrapped[12:], _bound(header["id"], header["key"])))
    except InvalidTag:
        what = "passphrase" if source.kind == "passphrase" else f"key file {source.path}"
        raise WrongPassphrase(f"the {what} does not open {directory}") from None
