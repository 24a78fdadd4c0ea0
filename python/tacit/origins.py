"""Who gives the nonce behind a public seed: the prover, a verifier, or a beacon.

A seed from a verifier or a beacon binds the declaration of its run (`tacit.declare`), which has to be known
before the nonce is. The classes without their nonce stand for one that is still to come.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, TypeAlias

from tacit._wording import named
from tacit.errors import UsageError

__all__ = ["Beacon", "Origin", "Origins", "VerifierNonce", "from_hex"]

NONCE_BYTES = 32
MAX_NUMBER = 1 << 64


@dataclass(frozen=True, slots=True)
class VerifierNonce:
    """32 bytes that a verifier issued after it held the run's declaration; None: not issued yet."""

    nonce: bytes | None = None

    def __post_init__(self) -> None:
        """Refuses a nonce of another length."""
        _check_bytes(self.nonce, "a verifier's nonce")


@dataclass(frozen=True, slots=True)
class Beacon:
    """The 32 bytes that a public beacon gives in one round; `output` None: the round is still to come."""

    name: str
    round: int
    output: bytes | None = None

    def __post_init__(self) -> None:
        """Refuses an output of another length, and a round outside [0, 2^64)."""
        if not isinstance(self.name, str) or not self.name:
            raise UsageError(f"the beacon's name is {self.name!r}, not a text")
        if isinstance(self.round, bool) or not isinstance(self.round, int) or not 0 <= self.round < MAX_NUMBER:
            raise UsageError(
                f"the round of beacon {self.name} is {self.round!r}, not a whole number in [0, 2^64)"
            )
        _check_bytes(self.output, f"the output of round {self.round} of beacon {self.name}")


Origin: TypeAlias = int | VerifierNonce | Beacon
"""The prover's own number in [0, 2^64), or a nonce from outside."""


def from_hex(text: str, what: str) -> bytes:
    """32 bytes from 64 hexadecimal digits; raises `UsageError` naming `what`."""
    try:
        value = bytes.fromhex(text)
    except ValueError:
        value = b""
    if len(value) != NONCE_BYTES:
        raise UsageError(f"{what} is {text!r}, not 64 hexadecimal digits")
    return value


def _check_bytes(value: bytes | None, what: str) -> None:
    if value is not None and (not isinstance(value, bytes) or len(value) != NONCE_BYTES):
        got = f"{len(value)} bytes" if isinstance(value, bytes) else f"of type {type(value).__name__}"
        raise UsageError(f"{what} has to be {NONCE_BYTES} bytes, it is {got}")


def is_later(origin: Origin | None) -> bool:
    """Whether the nonce comes from outside, after the declaration."""
    return isinstance(origin, VerifierNonce | Beacon)


def nonce_of(origin: Origin) -> bytes | None:
    """The 32 bytes from outside, if they are known; None for the prover's own number."""
    match origin:
        case VerifierNonce(nonce=nonce):
            return nonce
        case Beacon(output=output):
            return output
        case _:
            return None


def announced(origin: Origin) -> Any:
    """What is known before the nonce, as the compiled module reads it."""
    match origin:
        case VerifierNonce():
            return "Verifier"
        case Beacon(name=name, round=number):
            return {"Beacon": {"name": name, "round": number}}
        case _:
            return {"Prover": {"nonce": checked(origin)}}


def checked(nonce: int) -> int:
    """The prover's number; raises `UsageError` for anything else."""
    if isinstance(nonce, bool) or not isinstance(nonce, int) or not 0 <= nonce < MAX_NUMBER:
        raise UsageError(f"the seed {nonce!r} is not a whole number in [0, 2^64)")
    return nonce


def described(origin: Origin) -> Any:
    """The whole origin, as the compiled module reads it; its nonce has to be known."""
    nonce = nonce_of(origin)
    match origin:
        case VerifierNonce() if nonce is not None:
            return {"Verifier": {"nonce": list(nonce)}}
        case Beacon(name=name, round=number) if nonce is not None:
            return {"Beacon": {"name": name, "round": number, "output": list(nonce)}}
        case int():
            return {"Prover": {"nonce": checked(origin)}}
        case Beacon(name=name, round=number):
            raise UsageError(
                f"the output of round {number} of beacon {name} is not known yet: declare the run before "
                "that round, "
                f"then give the output ({named('output', option='tacit train --beacon-output HEX')})"
            )
        case VerifierNonce():
            raise UsageError(
                "the verifier's nonce is not known yet: declare the run, hand in the declaration, then "
                "give the nonce "
                f"({named('VerifierNonce(nonce', '...)', option='tacit train --nonce HEX')})"
            )
        case _:
            raise UsageError(
                f"the seed {origin!r} is neither a whole number in [0, 2^64), a VerifierNonce nor a Beacon"
            )


@dataclass(frozen=True, slots=True)
class Origins:
    """Origins of the seeds of a run: of the order (None: rows as committed), and of the initial weights (None:
    hidden ones).
    """

    order: Origin | None = None
    start: Origin | None = None

    @property
    def later(self) -> bool:
        """Whether a nonce comes from outside."""
        return is_later(self.order) or is_later(self.start)

    def announced_json(self) -> str:
        """What is known before the nonces."""
        return _json(self, announced)

    def to_json(self) -> str:
        """All of it; raises `UsageError` while a nonce is missing."""
        return _json(self, described)

    @classmethod
    def from_json(cls, text: str) -> Origins:
        """The inverse of `to_json`."""
        document = json.loads(text)
        return cls(_read(document["order"]), _read(document["start"]))


def _json(origins: Origins, form: Any) -> str:
    pair = {"order": origins.order, "start": origins.start}
    return json.dumps({k: None if v is None else form(v) for k, v in pair.items()}, sort_keys=True)


def _read(document: Any) -> Origin | None:
    match document:
        case None:
            return None
        case {"Prover": {"nonce": int() as nonce}}:
            return nonce
        case {"Verifier": {"nonce": nonce}}:
            return VerifierNonce(bytes(nonce))
        case {"Beacon": {"name": str() as name, "round": int() as number, "output": output}}:
            return Beacon(name, number, bytes(output))
        case _:
            raise UsageError(f"{document!r} is no origin of a seed")
