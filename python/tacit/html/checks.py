"""What lets a reader check a page: what is not shown, what was checked against what, how sure it is."""

from __future__ import annotations

import re
from math import log2

from tacit.html.facts import digest
from tacit.html.markup import Child, Markup, tag
from tacit.html.numbers import count
from tacit.html.verified import Verified

__all__ = ["files_table", "not_shown", "power", "reproduce", "sentences", "soundness", "sureness"]

_DIGEST = re.compile(r"\b([0-9a-f]{64})\b")


def _prose(sentence: str) -> list[Child]:
    """A sentence of the verdict with its digests set apart."""
    return [digest(part) if _DIGEST.fullmatch(part) else part for part in _DIGEST.split(sentence)]


def sentences(about: Verified) -> Markup:
    """The verdict word for word, as `tacit verify` prints it."""
    return tag("ol", [tag("li", _prose(line)) for line in about.verdict.shown], class_="sentences")


def not_shown(about: Verified) -> Markup:
    """What the proof leaves open."""
    return tag("ul", [tag("li", _prose(line)) for line in about.verdict.not_shown], class_="open")


def sureness(about: Verified) -> Markup:
    """The soundness error in one sentence: the sum over all proofs that were checked."""
    totals = about.totals
    which = "this check" if len(totals) < 2 else f"one of the {len(totals)} proofs of this check"
    together = log2(sum(2.0**bits for _, bits in totals)) if totals else None
    chance = tag("span", "2", tag("sup", "-128")) if together is None else power(together)
    return tag("span", f"A false statement passes {which} with a chance of at most ", chance, ".")


def power(bits: float) -> Markup:
    """A chance that is given as bits."""
    return tag("span", "2", tag("sup", f"{bits:.1f}"), class_="power")


def soundness(about: Verified) -> list[Child]:
    """Every term of the soundness error."""
    first = tag(
        "p",
        sureness(about),
        " For comparison: 2",
        tag("sup", "-128"),
        " is one in 340 million million million million million million. The bound holds against any prover, "
        "if the hash function behaves like a random one.",
    )
    terms = about.verdict.soundness
    if not terms:
        return [first]
    lines = [
        tag(
            "tr",
            tag("th", name, scope="row"),
            tag("td", power(bits), class_="num"),
            class_="total" if name.startswith("total") else None,
        )
        for name, bits in terms
    ]
    head = tag("tr", tag("th", "term", scope="col"), tag("th", "chance", scope="col"))
    return [first, tag("table", tag("thead", head), tag("tbody", lines), class_="facts terms")]


def files_table(about: Verified) -> Markup:
    """The files of the check with what identifies each."""
    lines = [
        tag(
            "tr",
            tag("th", file.name, tag("small", file.role), scope="row"),
            tag("td", f"{count(file.size)} bytes", class_="num"),
            tag("td", digest(file.sha256)),
        )
        for file in about.files
    ]
    held = [("nonce that was issued", about.nonce), ("declaration that was held", about.declaration)]
    lines += [
        tag("tr", tag("th", what, scope="row"), tag("td"), tag("td", digest(value)))
        for what, value in held
        if value is not None
    ]
    head = tag("tr", [tag("th", title, scope="col") for title in ("file", "length", "SHA-256")])
    return tag("table", tag("thead", head), tag("tbody", lines), class_="facts files")


def reproduce(about: Verified) -> list[Child]:
    """How a reader checks the same files without this page."""
    return [
        tag(
            "p",
            "Ask for the files below, compare the commitments with those that you were told by another way, "
            "and run this with tacit ",
            about.version,
            " or later in their directory. It needs neither network nor secrets, and ends with exit code 0 if "
            "the proof is valid, 1 if it is not.",
        ),
        tag("pre", tag("code", about.command)),
    ]
