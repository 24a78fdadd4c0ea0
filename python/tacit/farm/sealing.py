"""Keeps what is sent to workers unreadable on the way: a key of this session, given to each worker sealed.

Ray keeps arguments and results in its object store, which is shared memory and, when that is full, files; and
its network is not encrypted unless it was set up so. A worker makes an X25519 key pair when it starts; the
owner seals the session's key for it, and everything else under the session's key. Nothing of it is written
down by us. It does not tell the owner's worker from one that somebody else put into the cluster.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from tacit.vault.crypto import derive, open_sealed, seal
from tacit.vault.secret import Secret

__all__ = ["Channel", "KeyPair", "session_key"]

KEY = "tacit/farm/key/v1"


def session_key() -> Secret:
    """A new key for one proof of a run."""
    return Secret.random()


class Channel:
    """Seals messages under a key. A message says what it is, so that none stands for another."""

    def __init__(self, key: Secret) -> None:
        """`key` has 32 bytes."""
        self._key = key

    def seal(self, name: str, content: bytes) -> bytes:
        """`content` under its name, with fresh salt."""
        return b"".join(seal(self._key.expose(), name, content))

    def open(self, name: str, sealed: bytes) -> bytes:
        """Raises `UnreadableFile` for anything that was changed, or has another name."""
        return open_sealed(self._key.expose(), name, sealed)

    def close(self) -> None:
        """Wipe the key."""
        self._key.wipe()

    def for_worker(self, public: bytes) -> bytes:
        """The key, sealed for the worker that has the secret to `public`."""
        mine = X25519PrivateKey.generate()
        ours = mine.public_key().public_bytes_raw()
        shared = mine.exchange(X25519PublicKey.from_public_bytes(public))
        return ours + b"".join(seal(derive(shared, KEY, ours + public), KEY, self._key.expose()))


class KeyPair:
    """A worker's, for as long as it lives."""

    def __init__(self) -> None:
        """From the operating system's randomness."""
        self._secret = X25519PrivateKey.generate()
        self.public = self._secret.public_key().public_bytes_raw()

    def channel(self, sealed: bytes) -> Channel:
        """What `Channel.for_worker` gave this worker."""
        shared = self._secret.exchange(X25519PublicKey.from_public_bytes(sealed[:32]))
        return Channel(Secret(open_sealed(derive(shared, KEY, sealed[:32] + self.public), KEY, sealed[32:])))
