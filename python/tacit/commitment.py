"""Commits a data set: integers and seeds into the vault, the commitment with its validity proof to a file."""

from __future__ import annotations

import io
import logging
import os
import unicodedata
from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from tacit import session
from tacit._files import require_free, write_public
from tacit._wording import given, name_of, named
from tacit.dataset.encode import ScaleRule
from tacit.dataset.fixed_point import Scale
from tacit.dataset.labelled import LabelledRows
from tacit.dataset.public import canonical, public_schema, schema_id
from tacit.dataset.quantised import QuantisedData, quantise
from tacit.dataset.report import QuantisationReport
from tacit.dataset.schema import LabelKind, Schema
from tacit.errors import DataError, UsageError, VaultError
from tacit.memory import memory_bytes, usable_memory
from tacit.progress import progress_bar
from tacit.vault import Secret, Vault
from tacit.vault.keys import Prompt

__all__ = [
    "DEFAULT_NAME",
    "DEFAULT_PROOFS",
    "MAX_PROOFS",
    "CommittedData",
    "commit",
    "commit_quantised",
    "link_of",
    "newest",
    "only_name",
    "open_data",
    "predecessor",
    "public_facts",
    "store_again",
    "successor",
]

DEFAULT_NAME = "data"
DEFAULT_PROOFS = 64
"""How many proofs a data commitment can take part in, unless said otherwise."""
MAX_PROOFS = 1 << 20

HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Zl", "Zp", "Zs"})
"""Of Unicode: control and format characters, private ones, separators and spaces."""
ROWS_RELEASED = "the number of rows"

log = logging.getLogger("tacit.commit")


@dataclass(frozen=True, slots=True)
class CommittedData(LabelledRows):
    """A committed data set in the hands of its owner: what training and proving read."""

    quantised: QuantisedData
    digest: bytes
    """The public commitment."""
    schema_id: bytes
    name: str
    vault: Vault
    file: bytes = field(repr=False)
    """The public commitment file, with the validity proof."""

    @property
    def classes(self) -> int:
        """Number of classes; 0 for other labels."""
        return self.quantised.classes

    @property
    def schema(self) -> Schema:
        """The complete schema, to treat other rows in the same way. Secret: it may hold names."""
        return self.quantised.schema

    @property
    def report(self) -> QuantisationReport:
        """What rounding and clipping did. For the owner alone."""
        return self.quantised.report

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the public commitment file. A file of something else is refused (`FileTaken`)."""
        return write_public(path, self.file, overwrite=overwrite)

    def __str__(self) -> str:
        """The public commitment."""
        return f"{self.digest.hex()} ({self.n:,} rows, {self.quantised.width:,} features)"


def commit(
    x: Any,
    y: Any = None,
    *,
    vault: str | os.PathLike[str] | Vault,
    name: str = DEFAULT_NAME,
    schema: Schema | None = None,
    like: str | CommittedData | None = None,
    scale: ScaleRule = "auto",
    label_kind: LabelKind | None = None,
    classes: int | Collection[Hashable] | None = None,
    categorical: Collection[str] = (),
    drop: Collection[str] = (),
    fa: int | None = None,
    data_bits: int | None = None,
    max_clipped: float = 0.01,
    delimiter: str | None = None,
    proofs: int = DEFAULT_PROOFS,
    publish_names: bool = False,
    commitment: str | os.PathLike[str] | None = None,
    passphrase: str | None = None,
    key_file: str | os.PathLike[str] | None = None,
    prompt: Prompt | None = None,
    memory: str | int | None = None,
    overwrite: bool = False,
    quiet: bool = False,
) -> CommittedData:
    """Commit a data set, once. See `tacit.dataset.quantise` for how `x` and `y` become integers.

    The vault is made if it does not exist. The public file goes to `commitment`, by default beside the vault
    (clinic.vault -> clinic.commitment, or named after `name`). `proofs` is fixed here: each proof opens rows,
    and after so many the data has to be committed again. The same data under the same name gives the same
    commitment back; other data under a name that is taken is refused, and so is a file at `commitment` that is
    of something else, unless `overwrite` is said.

    `memory` is what committing may take, as "6GB"; without it 80 % of what the machine has. More than that is
    refused before it starts.

    `like` is committed data, or its name in the vault: the new rows get its schema (columns, encodings, scales,
    target), as test data has to have that of the training data.
    """
    _check_arguments(name, proofs, schema, like)
    limit = usable_memory() if memory is None else memory_bytes(memory)
    opened = vault if isinstance(vault, Vault) else None
    place = Path("." if isinstance(vault, Vault) else vault)
    if like is not None:
        if isinstance(like, str):
            opened = opened or Vault.open(place, passphrase=passphrase, key_file=key_file, prompt=prompt)
            like = open_data(opened, like)
        schema = like.schema
    data = quantise(
        x,
        y,
        schema=schema,
        scale=scale,
        label_kind=label_kind,
        classes=classes,
        categorical=categorical,
        drop=drop,
        fa=fa,
        data_bits=data_bits,
        max_clipped=max_clipped,
        delimiter=delimiter,
        labelled=True,
    )
    place = place if opened is None else opened.path
    stem = place.stem if name == DEFAULT_NAME else name
    target = place.parent / f"{stem}.commitment" if commitment is None else Path(commitment)
    public = public_schema(data, names=publish_names)
    _check_names(public.get("names", {}))
    if opened is None and not place.exists():
        require_free(target, overwrite=overwrite)  # before there is a vault
    if opened is None:
        opened = Vault.open_or_create(place, passphrase=passphrase, key_file=key_file, prompt=prompt)
    known = opened.has(f"data/{name}/description")
    if known:
        committed = _same(opened, name, data, public, proofs)
    else:
        require_free(target, overwrite=overwrite)
        committed = _store(opened, name, data, public, proofs, limit)
    path = committed.save(target, overwrite=overwrite)
    if not quiet:
        state = "already committed" if known else "committed"
        print(f"{state} {committed}\npublic file {path}")
    return committed


def commit_quantised(
    data: QuantisedData, vault: Vault, name: str, proofs: int, *, overwrite: bool = False
) -> CommittedData:
    """Commit rows that are integers already, under a free name; the public file goes beside the vault."""
    _check_arguments(name, proofs, None, None)
    if vault.has(f"data/{name}/description"):
        raise UsageError(f"{vault.path} holds data under the name {name!r} already; choose another name")
    target = vault.path.parent / f"{name}.commitment"
    require_free(target, overwrite=overwrite)
    committed = _store(vault, name, data, public_schema(data, names=False), proofs, usable_memory())
    committed.save(target, overwrite=overwrite)
    return committed


def _check_arguments(name: Any, proofs: Any, schema: Any, like: Any) -> None:
    """Refuse arguments of the wrong type before anything is read."""
    if not isinstance(name, str):
        raise UsageError(f"{given('name', name)} is not a text")
    if isinstance(proofs, bool) or not isinstance(proofs, int) or not 1 <= proofs <= MAX_PROOFS:
        raise UsageError(
            f"{name_of('proofs')} is {proofs!r}; it must be a whole number from 1 to {MAX_PROOFS:,}"
        )
    if schema is not None and like is not None:
        raise UsageError(f"give {named('schema')} or {named('like')}, not both")
    if schema is not None and not isinstance(schema, Schema):
        raise UsageError(f"{name_of('schema')} is a {type(schema).__name__}, not a tacit.Schema")
    if like is not None and not isinstance(like, str | CommittedData):
        raise UsageError(f"{name_of('like')} is a {type(like).__name__}, neither committed data nor its name")


def _check_names(names: Mapping[str, Any]) -> None:
    """Refuse to publish a name that a reader would not see as it is, as a verifier does."""
    for name in [*names.get("features", []), names.get("target") or "-", *(names.get("classes") or [])]:
        for character in name:
            if character != " " and unicodedata.category(character) in HIDDEN_CATEGORIES:
                code = f"U+{ord(character):04X} {unicodedata.name(character, '')}".strip()
                raise DataError(
                    f"the name {name!r} has the character {code}, which looks like another or like none; names "
                    "that are published must not",
                    column=name,
                )


def _array_bytes(array: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _array(content: bytes) -> NDArray[Any]:
    array = cast(NDArray[Any], np.load(io.BytesIO(content), allow_pickle=False))
    array.flags.writeable = False
    return array


def _store(
    vault: Vault, name: str, data: QuantisedData, public: dict[str, Any], proofs: int, memory: int
) -> CommittedData:
    """Commit and write everything; the description comes last, so a crash before it leaves the name free."""
    vault.budget.check_place()
    assert data.labels is not None
    assert data.label_kind is not None
    open_facts = session.PublicData(
        label_kind=data.label_kind,
        classes=data.classes,
        fa=data.fa,
        data_bits=data.data_bits,
        schema_id=schema_id(public),
        schema=canonical(public),
        names=public["names"]["features"] if "names" in public else None,
        released=[ROWS_RELEASED, *data.released],
        proofs=proofs,
    )
    with Secret.random() as seed, vault.secret() as shared, progress_bar("committing") as progress:
        made = session.commit_dataset(
            data.features, data.labels, open_facts, seed, shared, progress, memory=memory
        )
        description = {
            "digest": made.digest.hex(),
            "schema": data.schema.to_dict(),
            "public": public,
            "label_kind": data.label_kind,
            "classes": data.classes,
            "released": list(data.released),
            "feature_names": list(data.feature_names),
            "proofs": proofs,
        }
        with vault.locked():
            if vault.has(f"data/{name}/description"):
                raise VaultError(f"another process has committed data called {name!r} meanwhile")
            vault.put(f"secrets/data/{name}", seed.expose())
            vault.put(f"data/{name}/features", _array_bytes(data.features))
            vault.put(f"data/{name}/labels", _array_bytes(data.labels))
            vault.put(f"data/{name}/commitment", made.file)
            vault.budget.open_account(made.digest.hex(), made.rows, made.reserve)
            vault.put_json(f"data/{name}/description", description)
    return CommittedData(data, made.digest, schema_id(public), name, vault, made.file)


def _same(vault: Vault, name: str, data: QuantisedData, public: dict[str, Any], proofs: int) -> CommittedData:
    """The commitment that `name` has, if it is of exactly this data."""
    stored = open_data(vault, name)
    description = vault.get_json(f"data/{name}/description")
    assert data.labels is not None
    same = (
        np.array_equal(stored.features, data.features)
        and np.array_equal(stored.labels, data.labels)
        and description["public"] == public
        and description["schema"] == data.schema.to_dict()
        and description["proofs"] == proofs
    )
    if not same:
        raise UsageError(
            f"{vault.path} holds other data, or the same with other options, under the name {name!r}; "
            "choose another name"
        )
    return CommittedData(data, stored.digest, stored.schema_id, name, vault, stored.file)


def public_facts(vault: Vault, name: str, proofs: int) -> session.PublicData:
    """What the commitment `name` tells in the clear, for another one of the same data."""
    description = vault.get_json(f"data/{name}/description")
    public = description["public"]
    schema = Schema.from_dict(description["schema"])
    return session.PublicData(
        label_kind=description["label_kind"],
        classes=description["classes"],
        fa=schema.fa,
        data_bits=schema.data_bits,
        schema_id=schema_id(public),
        schema=canonical(public),
        names=public["names"]["features"] if "names" in public else None,
        released=[ROWS_RELEASED, *description["released"]],
        proofs=proofs,
    )


def store_again(before: CommittedData, made: session.Committed, seed: Secret, proofs: int) -> str:
    """Write a new commitment of the same data beside the one before; returns its name.

    The description comes last: after a crash before it there is no such commitment, and nothing was opened.
    """
    vault, old = before.vault, f"data/{before.name}"
    with vault.locked():
        if successor(vault, before.name) is not None:
            raise VaultError(f"another process has committed {before.name!r} again meanwhile")
        name = _free_name(vault, before.name)
        vault.put(f"secrets/data/{name}", seed.expose())
        for part in ("features", "labels"):
            vault.put(f"data/{name}/{part}", vault.get(f"{old}/{part}"))
        vault.put(f"data/{name}/commitment", made.file)
        vault.budget.open_account(made.digest.hex(), made.rows, made.reserve)
        changes = {"digest": made.digest.hex(), "proofs": proofs, "recommits": before.name}
        vault.put_json(f"data/{name}/description", vault.get_json(f"{old}/description") | changes)
    return name


def _free_name(vault: Vault, name: str) -> str:
    """`patients-2` for the second commitment of `patients`, `patients-3` for that of `patients-2`."""
    while (before := predecessor(vault, name)) is not None:
        name = before
    number = 2
    while vault.has(f"data/{name}-{number}/description"):
        number += 1
    return f"{name}-{number}"


def predecessor(vault: Vault, name: str) -> str | None:
    """The data set that this one commits again, if it does."""
    found = vault.get_json(f"data/{name}/description").get("recommits")
    return None if found is None else str(found)


def successor(vault: Vault, name: str) -> str | None:
    """The data set that commits this one again, if there is one, linked or not yet."""
    return next((n for n in _names(vault) if predecessor(vault, n) == name), None)


def link_of(vault: Vault, name: str) -> bytes | None:
    """The link that leads to a re-commitment, once it is proven."""
    place = f"data/{name}/link"
    return vault.get(place) if vault.has(place) else None


def newest(data: CommittedData) -> tuple[CommittedData, tuple[bytes, ...]]:
    """The newest commitment of the same data that links lead to, and those links."""
    links: list[bytes] = []
    while (after := successor(data.vault, data.name)) is not None:
        link = link_of(data.vault, after)
        if link is None:
            break
        data = open_data(data.vault, after)
        links.append(link)
    return data, tuple(links)


def _names(vault: Vault) -> list[str]:
    return [n.split("/")[1] for n in vault.names("data/") if n.endswith("/description")]


def only_name(vault: Vault) -> str:
    """The name of the only data set in a vault, of several commitments of it the newest that is linked.

    Raises `UsageError` if there is none, or a choice.
    """
    names = _names(vault)
    first = [n for n in names if predecessor(vault, n) is None] if len(names) > 1 else names
    if len(first) != 1:
        raise UsageError(f"{vault.path} holds {len(first)} data sets ({', '.join(first)}); say which one")
    return newest(open_data(vault, first[0]))[0].name if len(names) > 1 else first[0]


def open_data(
    vault: str | os.PathLike[str] | Vault,
    name: str = DEFAULT_NAME,
    *,
    passphrase: str | None = None,
    key_file: str | os.PathLike[str] | None = None,
    prompt: Prompt | None = None,
) -> CommittedData:
    """A data set that was committed earlier."""
    if not isinstance(vault, Vault):
        vault = Vault.open(vault, passphrase=passphrase, key_file=key_file, prompt=prompt)
    if not vault.has(f"data/{name}/description"):
        known = [n.split("/")[1] for n in vault.names("data/") if n.endswith("/description")]
        raise UsageError(f"{vault.path} has no data called {name!r}; it has {', '.join(known) or 'none'}")
    description = vault.get_json(f"data/{name}/description")
    schema = Schema.from_dict(description["schema"])
    public = description["public"]
    scales = [
        Scale(run["offset"], run["divisor"], tuple(run["clip"]) if "clip" in run else None)
        for run in public["features"]
        for _ in range(run["count"])
    ]
    target = public.get("target")
    quantised = QuantisedData(
        features=_array(vault.get(f"data/{name}/features")),
        labels=_array(vault.get(f"data/{name}/labels")),
        fa=schema.fa,
        data_bits=schema.data_bits,
        label_kind=description["label_kind"],
        classes=description["classes"],
        schema=schema,
        scales=tuple(scales),
        target_scale=Scale(target["offset"], target["divisor"]) if target else None,
        feature_names=tuple(description["feature_names"]),
        released=tuple(description["released"]),
        report=QuantisationReport(()),
    )
    digest = bytes.fromhex(description["digest"])
    file = vault.get(f"data/{name}/commitment")
    return CommittedData(quantised, digest, schema_id(public), name, vault, file)
