"""Encryption at rest: Scrypt or HKDF to a key, HKDF to a key per file, ChaCha20-Poly1305 in segments.

Sealed form: magic || 32-byte salt || segments. The key of a file is HKDF(vault key, salt, name), fresh for
every write, so segment numbers can be nonces. Nonce = 0^7 || segment (4 bytes) || last (1 byte): segments
cannot be reordered, dropped, or taken from another file, and the name is bound as associated data.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from tacit.errors import TruncatedFile, UnreadableFile, VaultError, WrongVersion

__all__ = ["derive", "open_sealed", "seal", "stretch"]

MAGIC = b"tacitbx1"
SALT = 32
TAG = 16
SEGMENT = 1 << 24
MIN_SCRYPT_N, MAX_SCRYPT_N = 1 << 14, 1 << 20


def derive(key: bytes | bytearray, purpose: str, salt: bytes = b"") -> bytes:
    """32 bytes for one purpose, by HKDF-SHA256."""
    return HKDF(hashes.SHA256(), 32, salt or None, purpose.encode()).derive(bytes(key))


def stretch(passphrase: bytes | bytearray, salt: bytes, n: int) -> bytes:
    """32 bytes from a passphrase by Scrypt with cost `n`, r = 8, p = 1 (1,024 n bytes of memory)."""
    if not MIN_SCRYPT_N <= n <= MAX_SCRYPT_N or n & (n - 1):
        raise VaultError(f"the Scrypt cost {n} is not a power of two in [2^14, 2^20]")
    return Scrypt(salt=salt, length=32, n=n, r=8, p=1).derive(bytes(passphrase))


def _nonce(segment: int, last: bool) -> bytes:
    return bytes(7) + segment.to_bytes(4, "big") + bytes([last])


def seal(key: bytes | bytearray, name: str, content: bytes | bytearray | memoryview) -> Iterator[bytes]:
    """The pieces of the sealed form of `content`, in order."""
    salt = secrets.token_bytes(SALT)
    cipher = ChaCha20Poly1305(derive(key, f"tacit/vault/blob/v1/{name}", salt))
    view = memoryview(content).cast("B")
    count = max(1, -(-len(view) // SEGMENT))
    yield MAGIC + salt
    for segment in range(count):
        part = bytes(view[segment * SEGMENT : (segment + 1) * SEGMENT])
        yield cipher.encrypt(_nonce(segment, segment == count - 1), part, name.encode())


def open_sealed(key: bytes | bytearray, name: str, sealed: bytes) -> bytes:
    """The content of a sealed file. Raises `UnreadableFile` for any change of content, name or order."""
    if sealed[: len(MAGIC)] != MAGIC:
        if sealed[:7] == MAGIC[:7] and len(sealed) > 7:
            raise WrongVersion(f"the vault's {name} was written by another version")
        raise UnreadableFile(f"the vault's {name} is not one of its files")
    if len(sealed) < len(MAGIC) + SALT + TAG:
        raise TruncatedFile(f"the vault's {name} is cut off")
    salt = sealed[len(MAGIC) : len(MAGIC) + SALT]
    cipher = ChaCha20Poly1305(derive(key, f"tacit/vault/blob/v1/{name}", salt))
    body = memoryview(sealed)[len(MAGIC) + SALT :]
    step = SEGMENT + TAG
    count = -(-len(body) // step)
    parts = []
    for segment in range(count):
        part = bytes(body[segment * step : (segment + 1) * step])
        try:
            parts.append(cipher.decrypt(_nonce(segment, segment == count - 1), part, name.encode()))
        except (InvalidTag, ValueError):
            raise UnreadableFile(
                f"the vault's {name} was changed, cut off or put in place of another"
            ) from None
    return b"".join(parts)
