"""Checks public files. Imports neither torch nor numpy, reads no secrets, uses no network."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tacit import session
from tacit._files import read_limited
from tacit._wording import given, name_of, named
from tacit.errors import ProofRejected, TrainingDataMissing, UsageError, WrongKind
from tacit.origins import from_hex
from tacit.session import Verdict

__all__ = ["MAX_FILE", "Files", "check_files", "inspect", "paths_of", "read_files", "verify"]

MAX_FILE = 1 << 30
"""Longest public file that is read."""
MAGIC = b"tacit\0"

PathLike = str | os.PathLike[str]


def verify(
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
) -> Verdict:
    """Check a proof and say what it shows. Raises `ProofRejected` (naming the check) or `UnreadableFile`.

    A run's proof is checked against the commitment `data`; without it the verdict says which data it is about
    by digest alone. A release is checked against `run` and the safetensors file `model`, a report against the
    `run` of its model, the commitment `data` of the rows that it is about and, where the model was trained on
    others, the commitment `training` of those. A report on a public model is checked against the safetensors
    file `model` and no run; given its `release` and `run` too, the verdict says where the weights come from.
    One that compares two models takes the run of the second as `other` and, where that was trained on other
    data, its commitment as `other_training`. A commitment file as `proof` has its validity proof checked.

    `link` is a file, or several, that prove two commitments to hold the same: with them a run, a release or a
    report may be about a commitment that was made again; one that nothing rests on is rejected. A link as
    `proof` is checked against the commitments `data` and `to` of its sides, one of a model against the `run`.

    `nonce` (32 bytes, or hexadecimal) is what you issued for this run: a run without it, or with another, is
    rejected. `declaration` is the digest that you held before: a run of other data, another start or another
    configuration is rejected. Without them the verdict says what is as declared and unchecked.
    `other_nonce` and `other_declaration` are the same of the second run of a comparison.
    """
    files = read_files(
        proof,
        data=data,
        run=run,
        model=model,
        release=release,
        training=training,
        to=to,
        link=link,
        other=other,
        other_training=other_training,
    )
    return check_files(
        files,
        nonce=nonce,
        declaration=declaration,
        other_nonce=other_nonce,
        other_declaration=other_declaration,
    )


@dataclass(frozen=True, slots=True)
class Files:
    """The content of the files of one check, each read once."""

    kind: str
    proof: bytes = field(repr=False)
    data: bytes | None = field(default=None, repr=False)
    run: bytes | None = field(default=None, repr=False)
    model: bytes | None = field(default=None, repr=False)
    release: bytes | None = field(default=None, repr=False)
    training: bytes | None = field(default=None, repr=False)
    other: bytes | None = field(default=None, repr=False)
    other_training: bytes | None = field(default=None, repr=False)
    to: bytes | None = field(default=None, repr=False)
    link: tuple[bytes, ...] = field(default=(), repr=False)


def read_files(
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
) -> Files:
    """Read what `verify` was given; raises as it does where a file is unreadable, missing or needless."""
    content = _read(proof, "the proof")
    kind = session.file_kind(content)
    if kind not in _ALLOWED:
        raise WrongKind(f"{os.fspath(proof)} is {_KINDS[kind]}: that is verified as part of a run")
    _refuse_missing(kind, run, model, release)
    links = paths_of(link)
    given = {
        "data": data,
        "run": run,
        "model": model,
        "release": release,
        "training": training,
        "other": other,
        "other_training": other_training,
        "to": to,
        "link": links or None,
    }
    _refuse_needless(kind, given)
    return Files(
        kind,
        content,
        None if data is None else _of_kind(data, "data", "data"),
        None if run is None else _of_kind(run, "run", "run"),
        None if model is None else _model(model),
        None if release is None else _of_kind(release, "release", "release"),
        None if training is None else _of_kind(training, "data", "training"),
        None if other is None else _of_kind(other, "run", "other"),
        None if other_training is None else _of_kind(other_training, "data", "other_training"),
        None if to is None else _of_kind(to, "data", "to"),
        tuple(_of_kind(path, "link", "link") for path in links),
    )


def paths_of(link: PathLike | Sequence[PathLike] | None) -> tuple[PathLike, ...]:
    """One link, several or none as a tuple."""
    if link is None:
        return ()
    return (link,) if isinstance(link, str | os.PathLike) else tuple(link)


def check_files(
    files: Files,
    *,
    nonce: bytes | str | None = None,
    declaration: bytes | str | None = None,
    other_nonce: bytes | str | None = None,
    other_declaration: bytes | str | None = None,
) -> Verdict:
    """`verify` on what was read."""
    of_other = {"other_nonce": other_nonce, "other_declaration": other_declaration}
    _refuse_needless(files.kind, {"nonce": nonce, "declaration": declaration} | of_other)
    if files.other is None and any(value is not None for value in of_other.values()):
        raise UsageError(f"a nonce or declaration of the second run is given, but not {named('other')}")
    held = session.Held(
        files.data,
        _bytes32(nonce, "nonce"),
        _bytes32(declaration, "declaration"),
        files.training,
        files.link,
        files.other,
        files.other_training,
        _bytes32(other_nonce, "other_nonce"),
        _bytes32(other_declaration, "other_declaration"),
    )
    if files.kind == "data":
        return session.verify_commitment(files.proof)
    if files.kind == "link":
        return session.verify_link(files.proof, files.to, files.run, held)
    if files.kind == "report" and files.model is not None:
        return _verify_public(files, files.model, held)
    if files.run is None:
        return session.verify_run(files.proof, held)
    if files.model is None:
        return _verify_report(files.proof, files.run, held)
    return session.verify_release(files.proof, files.run, files.model, held)


def _verify_public(files: Files, model: bytes, held: session.Held) -> Verdict:
    """A report on a public model, and with a release and its run where the weights come from."""
    released = None
    if files.release is not None and files.run is not None:
        released = files.release, files.run
    else:
        of_run = {"training": held.training, "nonce": held.nonce, "declaration": held.declaration}
        idle = [name for name, value in of_run.items() if value is not None]
        if idle:
            raise UsageError(f"{named(idle[0])} is about a run: give {named('run')} and {named('release')} too")
    if held.other_run is not None or held.other_training is not None:
        raise UsageError("a report on a public model compares it with no other")
    return session.verify_public_report(files.proof, model, released, held)


def _verify_report(proof: bytes, run: bytes, held: session.Held) -> Verdict:
    try:
        return session.verify_report(proof, run, held)
    except ProofRejected as error:
        if error.check == "TrainingData" and held.training is None:
            if held.other_run is not None and str(error).startswith("the model compared with"):
                needed = named("other_training")
                raise type(error)(f"{error.args[0]}. Give {needed}", check=error.check) from None
            told = f"{error.args[0]}. Give {named('training')} (the commitment of the data of the run)"
            raise TrainingDataMissing(told, check=error.check) from None
        raise


_KINDS = {
    "data": "a data commitment",
    "run": "the proof of a run",
    "release": "the proof of a release",
    "report": "a report",
    "link": "a link of two commitments",
    "model": "the record of a model",
    "statement": "the statement of a run",
    "chunk": "the proof of one chunk of a run",
}


def _refuse_missing(kind: str, run: PathLike | None, model: PathLike | None, release: PathLike | None) -> None:
    """What a kind of proof cannot be verified without."""
    missing = []
    if kind == "report" and (model is not None or release is not None):
        if model is None:
            missing.append(f"{named('model')} (the safetensors file of the public model)")
        if (run is None) != (release is None):
            committed = f"the proof of the release; of a committed model without {named('model')}"
            absent = "the proof of the run" if run is None else committed
            missing.append(f"{named('run' if run is None else 'release')} ({absent})")
    elif kind == "report" and run is None:
        model_file = f"of a public model {named('model')}, its safetensors file"
        missing.append(f"{named('run')} (the proof of its run; {model_file})")
    if kind == "release" and run is None:
        missing.append(f"{named('run')} (the proof of its run)")
    if kind == "release" and model is None:
        missing.append(f"{named('model')} (the safetensors file)")
    if missing:
        raise UsageError(f"this is {_KINDS[kind]}: verify it with {' and '.join(missing)}")


_ALLOWED: Mapping[str, tuple[str, ...]] = {
    "data": (),
    "run": ("data", "link", "nonce", "declaration"),
    "release": ("data", "run", "model", "link", "nonce", "declaration"),
    "report": (
        *("data", "run", "model", "release", "training", "link", "nonce", "declaration"),
        *("other", "other_training", "other_nonce", "other_declaration"),
    ),
    "link": ("data", "to", "run", "link", "nonce", "declaration"),
}
"""What each kind of proof is verified with."""


def _refuse_needless(kind: str, given: Mapping[str, object]) -> None:
    """What a kind of proof has no use for: leaving it out unseen would look like a check of it."""
    for name, value in given.items():
        if value is not None and name not in _ALLOWED[kind]:
            hint = f"; give the commitment as {named('data')}" if (name, kind) == ("training", "run") else ""
            raise UsageError(f"this is {_KINDS[kind]}: it is verified without {named(name)}{hint}")


def _read(path: PathLike, what: str, limit: int = MAX_FILE) -> bytes:
    if not isinstance(path, str | os.PathLike):
        raise UsageError(f"{what} is a {type(path).__name__}, not the path of a file: save it first")
    return read_limited(path, limit=limit, what=what.removeprefix("the "))


def _of_kind(path: PathLike, kind: str, argument: str) -> bytes:
    """A file of ours that stands for an argument; another kind of file is refused by both names."""
    content = _read(path, f"the file of {named(argument)}")
    found = session.file_kind(content)
    if found != kind:
        raise WrongKind(f"{given(argument, os.fspath(path))} is {_KINDS[found]}, not {_KINDS[kind]}")
    return content


def _model(path: PathLike) -> bytes:
    """The safetensors file; one of ours in its place is named."""
    content = _read(path, f"the file of {named('model')}", 1 << 34)
    if content.startswith(MAGIC):
        raise WrongKind(
            f"{given('model', os.fspath(path))} is {_KINDS[session.file_kind(content)]}, not a safetensors file"
        )
    return content


def _bytes32(value: bytes | str | None, argument: str) -> bytes | None:
    if value is None:
        return None
    what = name_of(argument)
    if not isinstance(value, bytes | str):
        raise UsageError(f"{what} is {value!r}, neither bytes nor hexadecimal text")
    return from_hex(value if isinstance(value, str) else value.hex(), what)


def inspect(
    path: PathLike,
    *,
    run: PathLike | None = None,
    other: PathLike | None = None,
    link: PathLike | Sequence[PathLike] | None = None,
) -> Verdict:
    """What a public file states, in words, without checking its proof.

    With the `run` of a release's or a report's model, the soundness terms of both are listed as well; for a
    comparison of two models with that of the second as `other` too. `link` is a file, or several, that lead
    from a run's model to the commitment that the file names.
    """
    content = _read(path, "the file")
    return session.describe(
        content,
        None if run is None else _of_kind(run, "run", "run"),
        None if other is None else _of_kind(other, "run", "other"),
        tuple(_of_kind(part, "link", "link") for part in paths_of(link)),
    )
