"""The second verifier's command: facts, or the check that failed.

python -m spec.verify run.tacit --data data.commitment --release release.tacit --model model.safetensors
python -m spec.verify run.tacit --data data.commitment --nonce HEX --declaration HEX
python -m spec.verify report.tacit --run run.tacit --data data.commitment --training training.commitment
python -m spec.verify report.tacit --model model.safetensors --data data.commitment
python -m spec.verify report.tacit --model model.safetensors --release release.tacit --run run.tacit
python -m spec.verify comparison.tacit --run run.tacit --other other.tacit --data data.commitment
python -m spec.verify link.tacit --data old.commitment --to new.commitment
python -m spec.verify link.tacit --run run.tacit
python -m spec.verify data.commitment

Every one but the last takes `--link link.tacit`, as often as there are links.
Exit status: 0 valid, 1 rejected, 2 wrong usage, 3 a file that cannot be read, is damaged or of another kind.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from spec.chain import RunVerdict, check_held, verify_run
from spec.johnson import summed
from spec.link import LinkedModels, LinkedRows, LinkProof, Links, OtherRows, SomeRows, verify_link
from spec.proof import DataFile, ReleaseProof, ReportProof, RunProof
from spec.rejected import Rejected, require
from spec.release import verify_release
from spec.report import check_commitments, check_trained, check_unit, verify_report
from spec.report_public import check_data_of, check_released, public_of, verify_public_report
from spec.report_statement import CommittedInput
from spec.report_table import TableInput
from spec.seed import ByProver
from spec.statement import RealLabels
from spec.tensors import check_tensors, read_weights
from spec.validity import verify_data
from spec.wire import KINDS, MAGIC, read_file

Facts = dict[str, str]

UNREADABLE = ("TooLong", "NotOurs", "FormatVersion", "Kind", "Damaged", "TrailingBytes", "NotCanonical")
"""Checks of `spec.wire`: the bytes are no file of the kind that is needed."""
INCOMPLETE = ("Usage", "TrainingData")
"""Checks that decide nothing: an option is missing or needless."""
HELP = {
    "data": "the data commitment that the run or report has to be about; its validity proof is checked too",
    "release": "the proof of a release of the run; with --model",
    "model": "the safetensors file of that release",
    "run": "the proof of the run whose model a report is about",
    "training": "the commitment of the data of that run, where the report's are others",
    "other": "the proof of the run of the second model, for a report that compares two",
    "other_training": "the commitment of the data of that run, if it is another",
    "to": "the data commitment that a link leads to",
}


def verify_commitment(content: bytes) -> Facts:
    """The facts of a valid data commitment."""
    digest, bits = verify_data(read_file("data", DataFile, content))
    return {"data": digest.hex(), "bits": f"{bits:.2f}"}


class Errors:
    """-log2 of the error of every argument that a verdict rests on: a false verdict is one false argument."""

    def __init__(self) -> None:
        """Of none yet."""
        self.bits = list[float]()

    def add(self, *bits: float) -> None:
        """More arguments."""
        self.bits += bits

    def fact(self) -> Facts:
        """What a verdict says of all of them."""
        return {"together": f"{len(self.bits)} arguments, {summed(self.bits):.2f} bits"}


def verify_proof(
    content: bytes,
    commitment: bytes | None = None,
    nonce: bytes | None = None,
    declaration: bytes | None = None,
    links: Links | None = None,
    errors: Errors | None = None,
) -> tuple[RunProof, RunVerdict]:
    """A run, checked against the data commitment that it must be about, the nonce and the declaration.

    Links, which are verified, may lead from its data to that commitment.
    """
    run, errors = read_file("run", RunProof, content), errors or Errors()
    if commitment is not None:
        data = read_file("data", DataFile, commitment)
        errors.add(verify_data(data)[1])
        about = run.statement.data.digest()
        joined = (links or Links()).join(about, data.record.digest())
        require(joined, "OtherData", "the run is about other data")
    check_held(run.statement, nonce, declaration)
    verdict = verify_run(run)
    errors.add(verdict.bits)
    return run, verdict


def facts_of(verdict: RunVerdict, data_checked: bool) -> Facts:
    """What a verified run establishes."""
    return {
        "run": verdict.run_digest.hex(),
        "data": verdict.data_digest.hex() + ("" if data_checked else " (validity not checked)"),
        "start": verdict.start_digest.hex() if verdict.start_digest else "from a public seed",
        "model": verdict.model_digest.hex(),
        "chunks": str(verdict.chunks),
        "bits": f"{verdict.bits:.2f}",
    }


def file_kind(content: bytes) -> int | None:
    """The byte that names a file's kind; None if the file is not ours."""
    return content[len(MAGIC) + 2] if content.startswith(MAGIC) and len(content) > len(MAGIC) + 2 else None


def verify_on_run(
    content: bytes,
    run: bytes,
    data: bytes | None = None,
    training: bytes | None = None,
    nonce: bytes | None = None,
    declaration: bytes | None = None,
    link: Sequence[bytes] = (),
    other: bytes | None = None,
    other_training: bytes | None = None,
    other_nonce: bytes | None = None,
    other_declaration: bytes | None = None,
) -> Facts:
    """Checks a report, the run of its model, the commitment of the data evaluated and, if another, that
    of the training data; nonce and declaration are of the run. `other` is the run of the model that is compared
    with, `other_training` the commitment of its training data, then its nonce and declaration.

    Raises `Rejected`.
    """
    report = read_file("report", ReportProof, content)
    links, errors = Links(link), Errors()
    errors.add(*links.bits)
    of_run, verdict = verify_proof(run, training, nonce, declaration, links, errors)
    of_other = other_training, other_nonce, other_declaration
    require(
        other is not None or of_other == (None,) * 3,
        "OtherModel",
        "something of no other run",
    )
    second = None if other is None else verify_proof(other, *of_other, links, errors)
    evaluated = None if data is None else read_file("data", DataFile, data)
    if evaluated is not None:
        errors.add(verify_data(evaluated)[1])
    record = None if evaluated is None else evaluated.record
    check_commitments(report, of_run.statement, record, training is not None, links)
    if second is not None:
        held = other_training is not None
        check_trained(report, of_run.statement, second[0].statement, held, data is not None, links)
    about = report.statement.input
    apart = False
    if evaluated is not None and isinstance(about, CommittedInput):
        apart = links.apart(about.data.digest(), of_run.statement.data.digest())
    of_model = links.of_model(verdict, report.statement.model_digest)
    compared = None
    if second is not None:
        named = report.statement.against
        of_second = second[1] if named is None else links.of_model(second[1], named.model_digest)
        compared = of_second, second[0].statement
    of_report = verify_report(report, of_model, of_run.statement, compared)
    check_unit_of(report, evaluated, training)
    links.all_used()
    of_report_bits = summed(bits for _, bits in of_report.soundness)
    errors.add(of_report_bits)
    rows = "public rows"
    if of_report.data_digest is not None:
        rows = "rows of " + of_report.data_digest.hex() + ("" if data else " (validity not checked)")
        rows += ", none of which was trained on" if apart else ""
    return {
        **facts_of(verdict, data_checked=True),
        "report": f"{len(report.statement.shown)} figures on {of_report.rows} {rows}",
        "report bits": f"{of_report_bits:.2f}",
        **errors.fact(),
    }


def check_unit_of(report: ReportProof, evaluated: DataFile | None, training: bytes | None) -> None:
    """The unit of a backtest, where a commitment that is given says the scale of its targets."""
    scaled, about = evaluated, report.statement.input
    if training is not None and isinstance(about, TableInput):
        trained = read_file("data", DataFile, training)
        labels = trained.record.labels
        scaled = trained if isinstance(labels, RealLabels) and labels.outputs == 1 else None
    if scaled is not None and report.statement.backtest is not None:
        check_unit(report.statement.backtest, scaled.schema, scaled.record.fa)


def verify_on_file(
    content: bytes,
    model: bytes,
    data: bytes | None = None,
    released: tuple[bytes, bytes] | None = None,
    training: bytes | None = None,
    nonce: bytes | None = None,
    declaration: bytes | None = None,
    link: Sequence[bytes] = (),
) -> Facts:
    """Checks a report on the public model in a safetensors file, the commitment of the data evaluated and, with
    a release and its run, that these weights are released by it. `training`, nonce and declaration are of that
    run. Raises `Rejected`.
    """
    report = read_file("report", ReportProof, content)
    links, errors, facts = Links(link), Errors(), Facts()
    errors.add(*links.bits)
    public, config = public_of(report.statement)
    weights = read_weights(model, config, public.names, public.bits)
    if data is not None:
        errors.add(check_data_of(report, read_file("data", DataFile, data), links))
    of_report = verify_public_report(report, weights)
    evaluated = None if data is None else read_file("data", DataFile, data)
    check_unit_of(report, evaluated, None if released is None else training)
    links.all_used()
    if released is not None:
        release = read_file("release", ReleaseProof, released[0])
        run, verdict = verify_proof(released[1], training, nonce, declaration, Links(()), errors)
        of_release = verify_release(release, verdict, run.statement)
        check_released(public, run.statement.config, release.statement)
        errors.add(summed(bits for _, bits in of_release.soundness))
        facts = {**facts_of(verdict, training is not None), "release": f"{of_release.weights} weights"}
    bits = summed(bits for _, bits in of_report.soundness)
    errors.add(bits)
    about = of_report.data_digest
    rows = "public rows" if about is None else "rows of " + about.hex()
    rows += "" if about is None or data is not None else " (validity not checked)"
    return {
        **facts,
        "public model": report.statement.model_digest.hex(),
        "weights": f"{public.weights.hex()}, {public.bits} fractional bits",
        "report": f"{len(report.statement.shown)} figures on {of_report.rows} {rows}",
        "report bits": f"{bits:.2f}",
        **errors.fact(),
    }


def verify_linked(
    content: bytes,
    data: bytes | None = None,
    to: bytes | None = None,
    run: bytes | None = None,
    link: Sequence[bytes] = (),
    nonce: bytes | None = None,
    declaration: bytes | None = None,
) -> Facts:
    """Checks a link beside the data commitments of its sides, or the run that its first model is the last of.

    Raises `Rejected`.
    """
    verdict, links, errors = verify_link(read_file("link", LinkProof, content)), Links(link, others=1), Errors()
    bits = summed(bits for _, bits in verdict.soundness)
    errors.add(bits, *links.bits)
    of_data = not isinstance(verdict.linked, LinkedModels)
    require(of_data or (data is None and to is None), "LinkKind", "a link of models, beside a data commitment")
    require(not of_data or run is None, "LinkKind", "a link of data sets, beside a run")
    for stated, beside in ((verdict.first, data), (verdict.second, to)):
        if beside is not None:
            given, of_data_bits = verify_data(read_file("data", DataFile, beside))
            errors.add(of_data_bits)
            require(links.join(stated, given), "NotLinked", "the link is of another commitment")
    if run is not None:
        _, of_run = verify_proof(run, None, nonce, declaration, links, errors)
        require(links.join(of_run.model_digest, verdict.first), "NotLinked", "the link is of another model")
    links.all_used()
    said = "the same data" if of_data else "the same model"
    if isinstance(verdict.linked, LinkedRows):
        related = {SomeRows: "all rows of the first are in the second", OtherRows: "no row in common"}
        said = related.get(type(verdict.linked.relation), "the same rows in any order")
    return {
        "link": said,
        "first": verdict.first.hex(),
        "second": verdict.second.hex(),
        "link bits": f"{bits:.2f}",
        **errors.fact(),
    }


def verify(
    proof: bytes,
    data: bytes | None = None,
    release: bytes | None = None,
    model: bytes | None = None,
    nonce: bytes | None = None,
    declaration: bytes | None = None,
    link: Sequence[bytes] = (),
) -> Facts:
    """Checks a data commitment, or a run with what is given beside it: files, the nonce that a verifier issued,
    the digest of the declaration that it held. Raises `Rejected`.
    """
    if file_kind(proof) == KINDS["data"]:
        alone = all(x is None for x in (data, release, model, nonce, declaration)) and not link
        require(alone, "Usage", "a data commitment is verified alone")
        return verify_commitment(proof)
    links, errors = Links(link), Errors()
    errors.add(*links.bits)
    run, verdict = verify_proof(proof, data, nonce, declaration, links, errors)
    facts = facts_of(verdict, data is not None)
    if any(not isinstance(origin, ByProver) for origin in run.statement.origins()):
        held = "the one held" if declaration is not None else "not compared"
        facts["declaration"] = f"{run.statement.declaration().hex()} ({held})"
    if nonce is not None:
        facts["nonce"] = "the one issued"
    require((release is None) == (model is None), "Usage", "a release is verified with its model file")
    if release is not None and model is not None:
        decoded = read_file("release", ReleaseProof, release)
        of_model = links.of_model(verdict, decoded.statement.model_digest)
        links.all_used()
        of_release = verify_release(decoded, of_model, run.statement)
        check_tensors(model, run.statement.config, decoded.statement)
        facts["release"] = f"{of_release.weights} weights at {of_release.bits} fractional bits"
        bits = summed(bits for _, bits in of_release.soundness)
        errors.add(bits)
        facts["release bits"] = f"{bits:.2f}"
    links.all_used()
    return {**facts, **errors.fact()}


def bytes32(text: str) -> bytes:
    """32 bytes in hexadecimal."""
    value = bytes.fromhex(text)
    if len(value) != 32:
        raise ValueError(f"{len(value)} bytes, not 32")
    return value


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="python -m spec.verify", description=__doc__, formatter_class=plain)
    parser.add_argument("proof", type=Path, help="a run's proof, a report, or a data commitment")
    for name, words in HELP.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=Path, help=words)
    parser.add_argument("--link", type=Path, action="append", default=[], help="a link; repeatable")
    parser.add_argument("--nonce", type=bytes32, help="the nonce that you issued, in hexadecimal")
    parser.add_argument("--declaration", type=bytes32, help="the digest of the declaration that you held")
    parser.add_argument("--other-nonce", type=bytes32, help="the same of the run of --other")
    parser.add_argument("--other-declaration", type=bytes32, help="the same of the run of --other")
    told = parser.parse_args(arguments)

    def content(path: Path | None) -> bytes | None:
        return None if path is None else path.read_bytes()

    try:
        data, release, model = map(content, (told.data, told.release, told.model))
        proof = told.proof.read_bytes()
        link = [path.read_bytes() for path in told.link]
        held = told.nonce, told.declaration
        is_link = file_kind(proof) == KINDS["link"]
        require(is_link or told.to is None, "Usage", "--to is for links")
        if is_link:
            others = (release, model, told.training)
            require(all(x is None for x in others), "Usage", "a link has --data, --to, --run and --link")
            to, run = map(content, (told.to, told.run))
            facts = verify_linked(proof, data, to, run, link, *held)
        elif file_kind(proof) == KINDS["report"]:
            run, training = map(content, (told.run, told.training))
            require(model is not None or release is None, "Usage", "a release without its model file")
            if model is not None:
                other_model = told.other is not None or told.other_training is not None
                require(not other_model, "Usage", "a public model is compared with no other")
                require((release is None) == (run is None), "Usage", "a release and its run go together")
                idle = training is not None or any(x is not None for x in held)
                require(run is not None or not idle, "Usage", "of a run, which is not given")
                both = None if release is None or run is None else (release, run)
                facts = verify_on_file(proof, model, data, both, training, *held, link)
            elif run is None:
                raise Rejected("Usage", "a report is verified with the run of its model")
            else:
                other, other_training = map(content, (told.other, told.other_training))
                of_other = told.other_nonce, told.other_declaration
                facts = verify_on_run(proof, run, data, training, *held, link, other, other_training, *of_other)
        else:
            alone = told.run is None and told.training is None
            require(alone, "Usage", "--run and --training are for reports")
            facts = verify(proof, data, release, model, *held, link)
    except OSError as error:
        print(f"unreadable: {error}", file=sys.stderr)
        return 3
    except Rejected as error:
        print(f"rejected: {error}", file=sys.stderr)
        return 2 if error.check in INCOMPLETE else 3 if error.check in UNREADABLE else 1
    for name, fact in facts.items():
        print(f"{name}: {fact}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
