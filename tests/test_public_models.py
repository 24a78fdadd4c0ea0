"""Reports on public models end to end: a file of weights in place of a run."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from spec.proof import ReportProof
from spec.rejected import Rejected
from spec.verify import main as second
from spec.verify import verify_on_file

import tacit
from loan_table import loans
from spec_targets import Target, sweep
from tacit.cli import main
from tacit.errors import ProofRejected, UsageError, WrongModel
from tacit.releasing import parameter_names
from tacit.weights_file import named_tensors, safetensors_bytes

FIXTURES = Path(__file__).with_name("fixtures")
TEXT = ("sex", "region")
BITS = 10


@dataclass
class Bank:
    folder: Path
    train: tacit.CommittedData
    test: tacit.CommittedData
    run: tacit.Run

    @property
    def file(self) -> Path:
        return self.folder / "model.safetensors"

    @property
    def model(self) -> tacit.PublicModel:
        return tacit.public_model(self.file, self.run)

    @property
    def chain(self) -> dict[str, Path]:
        """Where the weights come from."""
        names = {"release": "release.tacit", "run": "run.tacit", "training": "train.commitment"}
        return {argument: self.folder / name for argument, name in names.items()}

    def saved(self, report: tacit.Report) -> Path:
        return report.save(self.folder / "report.tacit", overwrite=True)

    def verify(self, report: tacit.Report, data: str | None = "test.commitment", **more: Any) -> tacit.Verdict:
        commitment = None if data is None else self.folder / data
        return tacit.verify(self.saved(report), **{"model": self.file, "data": commitment, **more})

    def second(self, report: tacit.Report, data: str | None = "test.commitment") -> dict[str, str]:
        commitment = None if data is None else (self.folder / data).read_bytes()
        return verify_on_file(report.content, self.file.read_bytes(), commitment)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    folder = tmp_path_factory.mktemp("bank")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        patch.delenv("TACIT_PASSPHRASE", raising=False)
        vault = folder / "bank.vault"
        train = tacit.commit(loans(1, 200), "good", vault=vault, name="train", categorical=TEXT, quiet=True)
        test = tacit.commit(loans(2, 150), "good", vault=vault, name="test", schema=train.schema, quiet=True)
        torch.manual_seed(2)
        run = tacit.run_of(tacit.fit(train, hidden=[5], epochs=4, batch_size=32, lr=0.125))
        tacit.prove(run, quiet=True).save(folder / "run.tacit")
        made = tacit.release(run, bits=BITS, data_is_public=True, quiet=True)
        made.save(folder / "model.safetensors", folder / "release.tacit")
        yield Bank(folder, train, test, run)


def rounded(run: tacit.Run) -> Any:
    """The weights at the bits of the release."""
    record = run.record()
    shift = record.config.scales.fw - BITS
    return (record.final.flat_weights().astype(object) + (1 << (shift - 1))) >> shift


def exact_outputs(run: tacit.Run, features: Any) -> Any:
    """The forward pass of the rounded weights in integers, by the definition."""
    config, weights = run.record().config, rounded(run)
    values, start = features.astype(object), 0
    for layer in config.architecture.layers:
        matrix = weights[start : start + layer.k * layer.outputs].reshape(layer.k, layer.outputs)
        start += matrix.size
        if layer.bias:
            one = np.full((len(values), 1), 1 << config.scales.fa, dtype=object)
            values = np.hstack([values, one])
        values = (values @ matrix + (1 << (BITS - 1))) >> BITS
        if layer.activation == "relu":
            values = np.maximum(values, 0)
    return values.astype(np.int64)


def test_predictions_are_those_of_the_file(bank: Bank) -> None:
    table = loans(3, 12).drop(columns="good")
    model = bank.model
    assert model.bits == BITS and model.weights.tolist() == rounded(bank.run).tolist()
    report = tacit.predict(model, table, quiet=True)
    told = tacit.quantise(table, schema=replace(bank.train.schema, target=tacit.Target()))
    assert np.array_equal(report.outputs(), exact_outputs(bank.run, told.features))
    # The file's floats in PyTorch give the same, but for the rounding of activations.
    verdict = bank.verify(report, None)
    assert "The outputs of the public model" in verdict.shown[0]
    assert any("holds these weights and no other tensor" in line for line in verdict.shown)
    assert "that this model was trained by anybody: no release and run were given" in verdict.not_shown
    assert bank.second(report, None)["report"] == "1 figures on 12 public rows"
    named = tacit.predict(model, data=bank.test, rows=[3, 77], quiet=True)
    assert np.array_equal(named.outputs(), exact_outputs(bank.run, bank.test.features[[3, 77]]))
    bank.verify(named)
    hidden = tacit.predict(model, data=bank.test, rows=[77], hide_rows=True, show="classes", quiet=True)
    expected = exact_outputs(bank.run, bank.test.features[[77]]).argmax(axis=1)
    assert hidden.classes().tolist() == expected.tolist()
    bank.verify(hidden)
    assert "rows of" in bank.second(hidden)["report"]


def test_figures_are_those_of_sklearn(bank: Bank) -> None:
    from sklearn.metrics import confusion_matrix, roc_auc_score

    asked = ["accuracy", "confusion", "auc"]
    report = tacit.evaluate(bank.model, bank.test, metrics=asked, quiet=True)
    outputs = exact_outputs(bank.run, bank.test.features)
    predicted = outputs.argmax(axis=1)
    assert np.array_equal(report.confusion()[0], confusion_matrix(bank.test.labels, predicted))
    area = roc_auc_score(bank.test.labels, outputs[:, 1] - outputs[:, 0])
    assert float(report.scores()["auc"]) == pytest.approx(area)
    bank.verify(report)
    bank.second(report)
    by = tacit.evaluate(bank.model, bank.test, by="sex", at_least={"accuracy": 0.1}, quiet=True)
    bank.verify(by)


def test_only_the_data_is_charged(bank: Bank) -> None:
    model = bank.run.final(bank.run.record()).made.digest.hex()
    data, vault = bank.test.digest.hex(), bank.run.vault

    def left() -> tuple[int, int]:
        accounts = vault.accounts()
        return accounts[model].left(), accounts[data].left()

    before = left()
    tacit.predict(bank.model, loans(3, 2).drop(columns="good"), quiet=True)
    assert left() == before
    tacit.predict(bank.model, data=bank.test, rows=[1], quiet=True)
    assert left()[0] == before[0] and left()[1] < before[1]


def test_outputs_are_committed(bank: Bank) -> None:
    report = tacit.predict(bank.model, data=bank.test, rows=range(20), commit_outputs="told", quiet=True)
    made = tacit.open_data(bank.run.vault, "told")
    assert np.array_equal(made.features, exact_outputs(bank.run, bank.test.features[:20]))
    bank.verify(report)
    bank.second(report)


def test_an_unproven_run_has_a_model_too(bank: Bank, tmp_path: Path) -> None:
    torch.manual_seed(5)
    run = tacit.run_of(tacit.fit(bank.train, hidden=[3], epochs=1, batch_size=50, lr=0.125))
    record, path = run.record(), tmp_path / "all.safetensors"
    shapes = [(layer.k, layer.outputs) for layer in record.config.architecture.layers]
    weights, bits = record.final.flat_weights(), record.config.scales.fw
    tensors = named_tensors(weights >> (bits - 16), shapes, parameter_names(record), 16)
    path.write_bytes(safetensors_bytes(tensors))
    model = tacit.public_model(path, run, bits=16)
    report = tacit.predict(model, data=bank.test, rows=[0], quiet=True)
    assert run.unproven(1) == [0]
    verdict = tacit.verify(report.save(tmp_path / "r.tacit"), model=path, data=bank.folder / "test.commitment")
    assert any("16 fractional bits" in line for line in verdict.shown)


def test_the_chain_from_training(bank: Bank) -> None:
    report = tacit.evaluate(bank.model, bank.test, quiet=True)
    verdict = bank.verify(report, **bank.chain)
    assert "These are the weights that the release is of." in verdict.shown
    assert not any("trained by anybody" in line for line in verdict.not_shown)
    assert any("is exactly what" in line for line in verdict.shown)
    names = [name for name, _ in verdict.soundness if name.startswith("total")]
    assert len(names) == 5 and dict(verdict.soundness)["all proofs of this verdict together"] < -128
    held = [bank.folder / name for name in ("release.tacit", "run.tacit")]
    facts = verify_on_file(
        report.content,
        bank.file.read_bytes(),
        (bank.folder / "test.commitment").read_bytes(),
        (held[0].read_bytes(), held[1].read_bytes()),
        (bank.folder / "train.commitment").read_bytes(),
    )
    assert facts["together"].startswith("5 arguments")


def test_another_release_is_none_of_this_model(bank: Bank, tmp_path: Path) -> None:
    record = bank.run.record()
    shapes = [(layer.k, layer.outputs) for layer in record.config.architecture.layers]
    changed = rounded(bank.run).astype(np.int64)
    changed[3] += 1
    path = tmp_path / "changed.safetensors"
    path.write_bytes(safetensors_bytes(named_tensors(changed, shapes, parameter_names(record), BITS)))
    report = tacit.predict(tacit.public_model(path, bank.run), data=bank.test, rows=[2], quiet=True)
    with pytest.raises(WrongModel) as rejected:
        bank.verify(report)
    assert rejected.value.check == "OtherWeights"
    with pytest.raises(Rejected) as also:
        bank.second(report)
    assert also.value.check == "OtherWeights"
    bank.verify(report, model=path)
    with pytest.raises(WrongModel) as rejected:
        bank.verify(report, model=path, **bank.chain)
    assert rejected.value.check == "OtherRelease"


def test_files_that_are_another_model(bank: Bank, tmp_path: Path) -> None:
    report = tacit.predict(bank.model, data=bank.test, rows=[2], quiet=True)
    content = bank.file.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])

    def written(told: dict[str, Any], data: bytes) -> bytes:
        text = json.dumps(told).encode()
        return len(text).to_bytes(8, "little") + text + data

    data = content[8 + length :]
    name = next(name for name in header if name != "__metadata__")
    half = struct.pack("<f", 0.3) + data[4:]
    renamed = {("other" if key == name else key): value for key, value in header.items()}
    cases = {
        "ModelTensorPrecision": written(header, half),
        "ModelTensorMissing": written(renamed, data),
        "ModelTensorShape": written(
            header | {name: header[name] | {"shape": [1, *header[name]["shape"]]}}, data
        ),
        "ModelTensorUnknown": written(
            header | {"more": {"dtype": "F32", "shape": [0], "data_offsets": [len(data)] * 2}}, data
        ),
    }
    for check, file in cases.items():
        path = tmp_path / f"{check}.safetensors"
        path.write_bytes(file)
        with pytest.raises(ProofRejected) as rejected:
            bank.verify(report, model=path)
        assert rejected.value.check == check
        with pytest.raises(Rejected) as also:
            verify_on_file(report.content, file)
        assert also.value.check == check
        with pytest.raises(ProofRejected) as refused:
            tacit.public_model(path, bank.run, bits=BITS)
        assert refused.value.check == check


def test_a_report_says_which_kind_of_model_it_is_on(bank: Bank, tmp_path: Path) -> None:
    public = bank.saved(tacit.predict(bank.model, data=bank.test, rows=[2], quiet=True))
    committed = tacit.predict(bank.run, data=bank.test, rows=[2], quiet=True).save(tmp_path / "c.tacit")
    data, training = bank.folder / "test.commitment", bank.folder / "train.commitment"
    with pytest.raises(ProofRejected) as rejected:
        tacit.verify(public, run=bank.folder / "run.tacit", data=data, training=training)
    assert rejected.value.check == "PublicModel" and "model's weights" in str(rejected.value)
    with pytest.raises(ProofRejected) as rejected:
        tacit.verify(committed, model=bank.file, data=data)
    assert rejected.value.check == "PublicModel"
    for held in (
        {},
        {"release": bank.folder / "release.tacit"},
        {"model": bank.file, "release": bank.folder / "release.tacit"},
        {"model": bank.file, "run": bank.folder / "run.tacit"},
        {"model": bank.file, "training": training},
        {"model": bank.file, "nonce": "00" * 32},
        {"model": bank.file, "other": bank.folder / "run.tacit"},
    ):
        with pytest.raises(UsageError):
            tacit.verify(public, **held)  # type: ignore[arg-type]
    with pytest.raises(UsageError):
        tacit.verify(bank.folder / "run.tacit", release=bank.folder / "release.tacit")
    with pytest.raises(UsageError):
        tacit.public_model(bank.file, bank.train)  # type: ignore[arg-type]
    with pytest.raises(UsageError):
        tacit.public_model(bank.file, bank.run, bits=47)


def test_the_commitment_of_other_data(bank: Bank) -> None:
    report = tacit.predict(bank.model, data=bank.test, rows=[2], quiet=True)
    with pytest.raises(ProofRejected) as rejected:
        bank.verify(report, "train.commitment")
    assert rejected.value.check == "DataCommitment"
    public = tacit.predict(bank.model, loans(3, 2).drop(columns="good"), quiet=True)
    with pytest.raises(ProofRejected) as rejected:
        bank.verify(public)
    assert rejected.value.check == "NoData"
    verdict = bank.verify(report, None)
    assert any("no commitment file was given" in line for line in verdict.not_shown)


def test_a_page_names_the_file(bank: Bank) -> None:
    path = bank.saved(tacit.evaluate(bank.model, bank.test, quiet=True))
    data = bank.folder / "test.commitment"
    alone = tacit.html_report(path, model=bank.file, data=data).content
    assert "Report on a public model" in alone and "model.safetensors" in alone
    assert "--model model.safetensors" in alone and "The model stays hidden" not in alone
    assert "Its training" not in alone
    chained = tacit.html_report(path, model=bank.file, data=data, **bank.chain).content
    assert "Its training" in chained and "--release release.tacit" in chained
    told = tacit.html_report(
        bank.saved(tacit.predict(bank.model, loans(3, 2).drop(columns="good"), quiet=True)), model=bank.file
    )
    assert "Predictions of a model" in told.content


def test_the_command_line(bank: Bank, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, vault = tmp_path / "cli.tacit", ["--vault", str(bank.folder / "bank.vault")]
    model = ["--model", str(bank.file)]
    for command, more in (
        ("predict", ["--data", "test", "--rows", "3"]),
        ("evaluate", ["--data", "test", "--metric", "accuracy"]),
    ):
        assert main([command, bank.run.name, *vault, *model, *more, "--out", str(out), "--force"]) == 0
        held = ["--data", str(bank.folder / "test.commitment")]
        assert main(["verify", str(out), *model, *held]) == 0
        assert "VALID" in capsys.readouterr().out
        chain = [part for name, path in bank.chain.items() for part in (f"--{name}", str(path))]
        assert main(["verify", str(out), *model, *held, *chain]) == 0
        assert second([str(out), *model, *held, *chain]) == 0
        assert main(["report", str(out), *model, *held, "--html", str(tmp_path / f"{command}.html")]) == 0
        assert main(["inspect", str(out)]) == 0
        assert "The model is public" in capsys.readouterr().out


def test_forged_files(tmp_path: Path) -> None:
    """A prover that ran another model than the one that it names, and one that names it."""
    model, data = FIXTURES / "public.safetensors", FIXTURES / "seeded.commitment"
    cases = {"forged-report-public": "SourceClaim", "forged-report-other-weights": "OtherWeights"}
    tacit.verify(FIXTURES / "report-public.tacit", model=model, data=data)
    held = model.read_bytes(), data.read_bytes()
    verify_on_file((FIXTURES / "report-public.tacit").read_bytes(), *held)
    for name, check in cases.items():
        path = shutil.copy(FIXTURES / f"{name}.tacit", tmp_path)
        with pytest.raises(ProofRejected) as rejected:
            tacit.verify(path, model=model, data=data)
        assert rejected.value.check == check
        with pytest.raises(Rejected) as also:
            verify_on_file(Path(path).read_bytes(), *held)
        assert also.value.check == check


def test_changed_reports_are_rejected_by_both(tmp_path: Path) -> None:
    """Every field of the statement; and the sum of the errors is the same."""
    model, report = FIXTURES / "public.safetensors", FIXTURES / "report-public.tacit"
    file = model.read_bytes()
    t = Target(
        "report",
        ReportProof,
        report.read_bytes(),
        lambda path: tacit.verify(path, model=model),
        lambda content: verify_on_file(content, file),
    )
    counts = sweep(t, tmp_path / "changed.report", 1, 1, 5, seed=3, under="statement")
    print(sum(counts.values()), counts)
    assert {"SourceClaim", "Run", "ModelDigest", "Names", "Config"} <= set(counts)
    facts = verify_on_file(t.content, file)
    bits = -dict(tacit.verify(report, model=model).soundness)["total, report"]
    assert float(facts["report bits"]) == pytest.approx(bits, abs=0.01)


def test_public_rows_alone_have_no_term_of_pins(bank: Bank) -> None:
    report = tacit.predict(bank.model, loans(3, 2).drop(columns="good"), quiet=True)
    terms = dict(bank.verify(report, None).soundness)
    assert not any("pin" in name for name in terms) and terms["total, report"] < -131
    facts = bank.second(report, None)
    assert float(facts["report bits"]) == pytest.approx(-terms["total, report"], abs=0.01)
