"""Who gives the nonces of a run's seeds, and what is fixed before a nonce from outside is known: section 13."""

from __future__ import annotations

from dataclasses import dataclass

from spec.training import RunConfig
from spec.wire import U32, U64, Bytes32


@dataclass(frozen=True)
class ByProver:
    """The prover chose the seed."""

    nonce: U64


@dataclass(frozen=True)
class ByVerifier:
    """The verifier's nonce."""

    nonce: Bytes32


@dataclass(frozen=True)
class ByBeacon:
    """A public beacon's round."""

    name: str
    round: U64
    output: Bytes32


Origin = ByProver | ByVerifier | ByBeacon


@dataclass(frozen=True)
class AnnouncedProver:
    """A prover's nonce, known from the beginning."""

    nonce: U64


@dataclass(frozen=True)
class AnnouncedVerifier:
    """A nonce that a verifier will issue."""


@dataclass(frozen=True)
class AnnouncedBeacon:
    """The output of a round to come."""

    name: str
    round: U64


Announced = AnnouncedProver | AnnouncedVerifier | AnnouncedBeacon


def announced(origin: Origin) -> Announced:
    """An origin without what comes later than a declaration."""
    match origin:
        case ByProver(nonce):
            return AnnouncedProver(nonce)
        case ByVerifier():
            return AnnouncedVerifier()
        case ByBeacon(name, number):
            return AnnouncedBeacon(name, number)


@dataclass(frozen=True)
class DeclaredHidden:
    """Committed initial weights, and the window of their range check."""

    digest: Bytes32
    bits: U32


@dataclass(frozen=True)
class DeclaredSeed:
    """Public initial weights."""

    origin: AnnouncedProver | AnnouncedVerifier | AnnouncedBeacon


@dataclass(frozen=True)
class Declaration:
    """What is fixed before a nonce from outside; the seed of a shuffled order is zero."""

    data: Bytes32
    start: DeclaredHidden | DeclaredSeed
    order: AnnouncedProver | AnnouncedVerifier | AnnouncedBeacon | None
    config: RunConfig
