"""What a page is made from: the verdict on a file, the files of its check, the names that these bind."""

from __future__ import annotations

import hashlib
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from tacit.html.names import Names
from tacit.session import Verdict

__all__ = ["Companion", "Verified"]


@dataclass(frozen=True)
class Companion:
    """A file that took part in the check."""

    role: str
    option: str
    """Of `tacit verify`; empty for the proof itself."""
    name: str
    size: int
    sha256: str

    @classmethod
    def of(cls, role: str, option: str, path: str | os.PathLike[str], content: bytes) -> Companion:
        """The file's name without its directory, and what identifies its content."""
        name = os.path.basename(os.fspath(path))
        return cls(role, option, name, len(content), hashlib.sha256(content).hexdigest())


@dataclass(frozen=True)
class Verified:
    """A file that was verified, with everything that its page may say."""

    verdict: Verdict
    files: Sequence[Companion]
    schemas: Mapping[str, Any]
    """Schema documents of the commitment files given, by the data set's schema id (hexadecimal)."""
    version: str
    checked: datetime
    seconds: float
    nonce: str | None = None
    declaration: str | None = None
    other_nonce: str | None = None
    other_declaration: str | None = None

    @property
    def kind(self) -> str:
        """ "data", "run", "release", "report" or "link"."""
        return str(self.verdict.statement["kind"])

    @property
    def topic(self) -> str:
        """What the page is about: the kind, or "rows" for a link that relates the rows of two data sets,
        "public" for a report on a public model."""
        rows = self.kind == "link" and self.verdict.statement["link"]["of"] == "rows"
        return "rows" if rows else "public" if self.public is not None else self.kind

    @property
    def command(self) -> str:
        """The command with which a reader checks the same files."""
        words = ["tacit", "verify"]
        for file in self.files:
            name = file.name if not file.name.startswith("-") else f"./{file.name}"
            words += [shlex.quote(name)] if not file.option else [file.option, shlex.quote(name)]
        held = [("--nonce", self.nonce), ("--declaration", self.declaration)]
        held += [("--other-nonce", self.other_nonce), ("--other-declaration", self.other_declaration)]
        for option, value in held:
            words += [] if value is None else [option, shlex.quote(value)]
        return " ".join(words)

    @property
    def public(self) -> Mapping[str, Any] | None:
        """The public model that a report is about, if it is about one."""
        found = self.verdict.statement.get("report", {}).get("public")
        return found if isinstance(found, Mapping) else None

    @property
    def config(self) -> Mapping[str, Any]:
        """Architecture and scales of the model: the public one's, or those of the run."""
        model = self.public
        if model is None:
            config: Mapping[str, Any] = self.verdict.statement["run"]["config"]
            return config
        scales = {"fa": model["fa"], "fw": model["bits"]}
        return {"architecture": model["architecture"], "scales": scales, "data_bits": model["data_bits"]}

    @cached_property
    def training(self) -> Mapping[str, Any] | None:
        """The record of the training data; for a data commitment its own, for a link of data the first."""
        statement = self.verdict.statement
        if self.kind == "link" and statement["link"]["of"] != "model":
            found = statement["link"]["records"]["first"]
        elif "run" in statement:
            found = statement["run"]["data"]
        else:
            found = statement.get("record")
        return found if isinstance(found, Mapping) else None

    @cached_property
    def evaluated(self) -> Mapping[str, Any] | None:
        """The record of the committed rows that a report is about."""
        if self.kind != "report":
            return None
        found = self.verdict.statement["report"]["input"].get("data")
        return found if isinstance(found, Mapping) else None

    @property
    def public_rows(self) -> bool:
        """Whether a report's rows stand in it with their labels."""
        return self.kind == "report" and "table" in self.verdict.statement["report"]["input"]

    def names(self, record: Mapping[str, Any]) -> Names:
        """Names of a data set; class names of the training data serve where its own are not known."""
        own = Names.of(record, self.schemas.get(bytes(record["schema"]).hex()))
        trained = self.training
        if own.classes is None and trained is not None and trained is not record:
            classes = Names.of(trained, self.schemas.get(bytes(trained["schema"]).hex())).classes
            return Names(own.fa, own.features, classes, own.scales, own.target, own.target_name)
        return own

    @property
    def renamed(self) -> bool:
        """Whether rows and training data name columns or classes differently, where both names are known."""
        if self.evaluated is None or self.training is None:
            return False
        own, trained = (
            Names.of(record, self.schemas.get(bytes(record["schema"]).hex()))
            for record in (self.evaluated, self.training)
        )
        pairs = ((own.features, trained.features), (own.classes, trained.classes))
        return any(a is not None and b is not None and a != b for a, b in pairs)

    @property
    def subject(self) -> Names:
        """Names of the rows that the file is about: those evaluated, else those trained on."""
        record = self.evaluated or self.training
        return self.names(record) if record is not None else Names(0)

    @property
    def totals(self) -> list[tuple[str, float]]:
        """The soundness error of each proof, as bits."""
        return [(name, bits) for name, bits in self.verdict.soundness if name.startswith("total")]
