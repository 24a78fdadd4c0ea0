"""A page for people of what a verified file shows. Imports neither torch nor numpy, uses no network.

Guarantees: the page is made after the check, of the bytes that were checked, and of nothing else; without a
valid proof there is no page. It holds no script and refers to nothing outside itself, whatever names the file
gives.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tacit import session
from tacit._files import write_public
from tacit.errors import UsageError
from tacit.verifying import PathLike, check_files, paths_of, read_files

if TYPE_CHECKING:
    from tacit.session import Verdict

__all__ = ["HtmlReport", "html_report"]

COMPANIONS = (
    ("data", "--data", "data commitment"),
    ("run", "--run", "proof of the run"),
    ("model", "--model", "released model"),
    ("release", "--release", "proof of the release"),
    ("training", "--training", "commitment of the training data"),
    ("other", "--other", "proof of the run compared with"),
    ("other_training", "--other-training", "commitment of its training data"),
    ("to", "--to", "commitment that the link leads to"),
)


@dataclass(frozen=True, slots=True)
class HtmlReport:
    """A page about a file that was verified."""

    content: str = field(repr=False)
    verdict: Verdict
    pictures: dict[str, str] = field(repr=False)
    """The page's charts as SVG files of their own, by name."""
    sources: tuple[Path, ...] = ()
    """The files that were checked."""

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the page, durably and all at once.

        Raises `FileTaken` over another file, unless `overwrite`; `UsageError` over one that it was made from.
        """
        target = Path(path)
        if target.exists() and any(source.exists() and target.samefile(source) for source in self.sources):
            raise UsageError(f"{target} is one of the files that were checked; give the page another name")
        return write_public(target, self.content.encode(), overwrite=overwrite)


def html_report(
    proof: PathLike,
    *,
    data: PathLike | None = None,
    run: PathLike | None = None,
    model: PathLike | None = None,
    release: PathLike | None = None,
    training: PathLike | None = None,
    other: PathLike | None = None,
    other_training: PathLike | None = None,
    to: PathLike | None = None,
    link: PathLike | Sequence[PathLike] | None = None,
    nonce: bytes | str | None = None,
    declaration: bytes | str | None = None,
    other_nonce: bytes | str | None = None,
    other_declaration: bytes | str | None = None,
    checked: datetime | None = None,
) -> HtmlReport:
    """Check a file of any kind as `tacit.verify` does, with the same options, and tell what it shows as HTML.

    `checked` is the time that the page names, by default now. Raises what `verify` raises: there is no page of
    a file that was not found valid.
    """
    from tacit.html.page import pictures, render
    from tacit.html.verified import Companion, Verified

    paths = {"data": data, "run": run, "model": model, "training": training, "to": to}
    paths |= {"release": release, "other": other, "other_training": other_training}
    links = paths_of(link)
    files = read_files(
        proof,
        data=data,
        run=run,
        model=model,
        release=release,
        training=training,
        other=other,
        other_training=other_training,
        to=to,
        link=links,
    )
    started = time.perf_counter()
    verdict = check_files(
        files,
        nonce=nonce,
        declaration=declaration,
        other_nonce=other_nonce,
        other_declaration=other_declaration,
    )
    seconds = time.perf_counter() - started
    given: list[Companion] = [Companion.of("the proof", "", proof, files.proof)]
    schemas: dict[str, Any] = {}
    for name, option, role in COMPANIONS:
        path, content = paths[name], getattr(files, name)
        if path is not None and content is not None:
            given.append(Companion.of(role, option, path, content))
    given += [
        Companion.of("link", "--link", path, content) for path, content in zip(links, files.link, strict=True)
    ]
    for content in (files.proof, files.data, files.training, files.other_training, files.to):
        if content is not None and session.file_kind(content) == "data":
            # Of the bytes that were just verified: the record binds the document.
            told = session.describe(content).statement
            schemas[bytes(told["record"]["schema"]).hex()] = told["schema"]
    about = Verified(
        verdict=verdict,
        files=given,
        schemas=schemas,
        version=_version(),
        checked=(checked or datetime.now(UTC)).astimezone(UTC),
        seconds=seconds,
        nonce=_hex(nonce),
        declaration=_hex(declaration),
        other_nonce=_hex(other_nonce),
        other_declaration=_hex(other_declaration),
    )
    sources = tuple(Path(path) for path in (proof, *paths.values(), *links) if path is not None)
    return HtmlReport(render(about), verdict, pictures(about), sources)


def _hex(value: bytes | str | None) -> str | None:
    return value.hex() if isinstance(value, bytes) else value


def _version() -> str:
    import tacit

    return str(tacit.__version__)
