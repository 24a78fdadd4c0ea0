"""Commits again what is committed already, with fresh rows to open, and proves that both commitments are one.

A commitment may take part in so many proofs. Before it is used up, or when it is, the same data set or the
final model of a run gets a new commitment in the same vault and a *link*: the proof that both hold the same.
Reports are then made on the new one, and verified with the link.

data/NAME/description    of a re-commitment, also `recommits`: the name of the data set that it is equal to
data/NAME/link           the link from that one; until it is there, nothing is made on the new commitment
runs/NAME/final-K        the K-th re-commitment of the final model: its public record
runs/NAME/final-K-rows   its digest and row budget
runs/NAME/link-K         the link from the one before; secrets/runs/NAME/final-K is the seed
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tacit import session
from tacit._files import require_free, write_public
from tacit._wording import name_of
from tacit.commitment import (
    DEFAULT_PROOFS,
    MAX_PROOFS,
    CommittedData,
    link_of,
    open_data,
    public_facts,
    store_again,
    successor,
)
from tacit.errors import UsageError
from tacit.memory import usable_memory
from tacit.progress import progress_bar
from tacit.proving import finished
from tacit.runs import Run
from tacit.vault import Secret, Vault

if TYPE_CHECKING:
    from tacit.arithmetic.record import RunRecord

__all__ = ["Recommitted", "recommit"]


@dataclass(frozen=True, slots=True)
class Recommitted:
    """A fresh commitment and the proof that it holds what the one before does. All of it is public."""

    name: str
    """Of the data set in the vault, or of the run."""
    digest: bytes
    """The new commitment."""
    first: bytes
    """The one before."""
    file: bytes = field(repr=False)
    """The new commitment file: of data with its validity proof, of a model its record."""
    link: bytes = field(repr=False)
    """The link from the one before."""
    data: CommittedData | None = None
    """The data set under its new commitment; None for a model."""

    @property
    def stem(self) -> str:
        """What its files are called, unless said otherwise."""
        return self.name if self.data is not None else f"{self.name}-model-{self.digest.hex()[:8]}"

    def save(
        self,
        commitment: str | os.PathLike[str],
        link: str | os.PathLike[str],
        *,
        overwrite: bool = False,
    ) -> tuple[Path, Path]:
        """Write the new commitment and the link. Files of something else are refused (`FileTaken`), both
        before either is written.
        """
        require_free(commitment, self.file, overwrite=overwrite)
        require_free(link, self.link, overwrite=overwrite)
        return (
            write_public(commitment, self.file, overwrite=overwrite),
            write_public(link, self.link, overwrite=overwrite),
        )

    def __str__(self) -> str:
        """Both commitments."""
        return f"{self.first.hex()} -> {self.digest.hex()}"


def recommit(what: CommittedData | Run, *, proofs: int = DEFAULT_PROOFS, quiet: bool = False) -> Recommitted:
    """Commit a data set, or the final model of a proven run, again, for `proofs` more proofs, and link both.

    Of several commitments of the same the newest is linked to the new one. The link opens rows of both: of the
    one before those that were kept for it, so that it is possible when nothing else is. An attempt that did not
    finish goes on with the commitment that it made; its rows stay charged.

    Raises `BudgetError` if the one before has no rows left, not even those kept for a link.
    """
    if isinstance(proofs, bool) or not isinstance(proofs, int) or not 1 <= proofs <= MAX_PROOFS:
        raise UsageError(
            f"{name_of('proofs')} is {proofs!r}; it must be a whole number from 1 to {MAX_PROOFS:,}"
        )
    if isinstance(what, Run):
        return _model(what, proofs, quiet)
    if isinstance(what, CommittedData):
        return _data(what, proofs, quiet)
    raise UsageError(f"a {type(what).__name__} is neither committed data nor a run")


def _require_link_rows(vault: Vault, digest: bytes) -> None:
    """Raise `BudgetError` before anything is committed if a link could not be proven."""
    account = vault.accounts().get(digest.hex())
    if account is None:
        raise UsageError(f"the rows of the commitment {digest.hex()[:16]} are kept by another vault")
    vault.budget.require({digest.hex(): max(1, account.reserve)}, reserve=True)


def _data(data: CommittedData, proofs: int, quiet: bool) -> Recommitted:
    vault, before = data.vault, data
    vault.budget.check_place()
    pending = None
    while (after := successor(vault, before.name)) is not None:
        if link_of(vault, after) is None:
            pending = after
            break
        before = open_data(vault, after)
    _require_link_rows(vault, before.digest)
    if pending is None:
        with (
            Secret.random() as seed,
            vault.secret() as shared,
            progress_bar("committing", shown=_shown(quiet)) as p,
        ):
            # One proof more: the link.
            facts = public_facts(vault, before.name, proofs + 1)
            made = session.commit_dataset(
                before.features, before.labels, facts, seed, shared, p, memory=usable_memory()
            )
            pending = store_again(before, made, seed, proofs)
    fresh = open_data(vault, pending)
    first = session.Opening(before.file, vault.secret(f"data/{before.name}"))
    second = session.Opening(fresh.file, vault.secret(f"data/{fresh.name}"))
    _charge(vault, first, second, (before.digest, fresh.digest), f"link {before.name} {fresh.name}")
    with progress_bar("linking", shown=_shown(quiet)) as progress:
        link = session.link_data(
            first, second, (before.features, before.labels), vault.secret(), progress=progress
        )
    vault.put(f"data/{fresh.name}/link", link)
    return Recommitted(fresh.name, fresh.digest, before.digest, fresh.file, link, fresh)


def _model(run: Run, proofs: int, quiet: bool) -> Recommitted:
    vault, record = run.vault, run.record()
    vault.budget.check_place()
    if finished(run) is None:
        raise UsageError(f"{run.name} has not been proven: prove it, then commit its model again")
    before = run.final(record)
    _require_link_rows(vault, before.made.digest)
    index = before.index + 1
    second, made = _fresh_model(run, record, index, proofs)
    _charge(vault, before.opening, second, (before.made.digest, made.digest), f"link {run.name} model {index}")
    with progress_bar("linking", shown=_shown(quiet)) as progress:
        link = session.link_model(
            record.config.to_json(),
            (record.final.flat_weights(), record.final.flat_velocity()),
            before.opening,
            second,
            vault.secret(),
            progress=progress,
        )
    run.keep(f"link-{index}", link)
    return Recommitted(run.name, made.digest, before.made.digest, second.file, link)


def _fresh_model(
    run: Run, record: RunRecord, index: int, proofs: int
) -> tuple[session.Opening, session.Committed]:
    """The commitment that an earlier attempt made, or a new one.

    Its budget is opened before its record is kept.
    """
    vault, name = run.vault, f"runs/{run.name}/final-{index}"
    with vault.locked():
        if vault.has(name):
            known = run.kept_final(index)
            return known.opening, known.made
        seed = Secret.random()
        made = session.commit_model(
            record.config.to_json(),
            record.final.flat_weights(),
            record.final.flat_velocity(),
            seed,
            proofs=proofs + 1,
            for_reports=True,
        )
        vault.put(f"secrets/{name}", seed.expose())
        rows = {"digest": made.digest.hex(), "rows": made.rows, "reserve": made.reserve}
        vault.put_json(f"{name}-rows", rows)
        vault.budget.open_account(made.digest.hex(), made.rows, made.reserve)
        vault.put(name, made.file)
    return session.Opening(made.file, seed), made


def _charge(
    vault: Vault, first: session.Opening, second: session.Opening, digests: tuple[bytes, bytes], purpose: str
) -> None:
    """Charge the rows that a link opens; of the first commitment those kept for it may be used."""
    rows = session.plan_link(first.file, second.file)
    vault.budget.charge({digest.hex(): rows for digest in digests}, purpose, reserve=True)


def _shown(quiet: bool) -> bool | None:
    return False if quiet else None
