"""Who gives the nonces of a run: declarations, public starts, what a verifier can insist on. Real proofs."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import tacit
from tacit.cli import main
from tacit.errors import UsageError, WrongConfiguration
from tacit.origins import Origins, from_hex
from tacit.torch import TrainingLoopError
from tacit.training import run_of

NONCE = bytes(range(32))
OTHER = bytes(32)
STEPS = 2 * 5


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tacit.CommittedData]:
    """80 rows of 4 features in 2 classes."""
    folder = tmp_path_factory.mktemp("origins")
    rng = np.random.default_rng(5)
    x = rng.normal(size=(80, 4)).clip(-3, 3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        patch.delenv("TACIT_PASSPHRASE", raising=False)
        yield tacit.commit(x, (x.sum(1) > 0).astype(int), vault=folder / "owner.vault", quiet=True)


def network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))


def arguments(data: tacit.CommittedData, model: nn.Module | None = None, **options: Any) -> dict[str, Any]:
    """What `declare` and `make_provable` are both given: two epochs of five batches, in two proofs."""
    model = model or network()
    return {
        "model": model,
        "optimizer": torch.optim.SGD(model.parameters(), lr=0.125),
        "data": data,
        "loss_fn": nn.CrossEntropyLoss(),
        "batch_size": 16,
        "epochs": 2,
        "chunk_steps": 8,
        **options,
    }


def train(made: tacit.torch.Provable, epochs: int = 2, lr: float | None = None) -> nn.Module:  # type: ignore[name-defined]
    for _ in range(epochs):
        for x, y in made.loader:
            for group in made.optimizer.param_groups:
                group["lr"] = group["lr"] if lr is None else lr
            made.optimizer.zero_grad()
            made.loss_fn(made.model(x), y).backward()
            made.optimizer.step()
    return made.model


def proven(data: tacit.CommittedData, folder: Path, **options: Any) -> Path:
    proof = tacit.prove(train(tacit.make_provable(**arguments(data, **options))), quiet=True)
    return proof.save(folder / "run.tacit")


# A public start


def test_a_run_from_a_public_seed_is_proven_and_the_verdict_says_so(data, tmp_path) -> None:
    made = tacit.make_provable(**arguments(data, initial="seed", initial_seed=3, shuffle_seed=7))
    session = made.model.session  # type: ignore[union-attr]
    fw = session.trainer.config.scales.fw
    first = session.trainer.weights[0]
    assert np.abs(first).max() <= 2**fw // 2, "uniform within 1 / sqrt(inputs)"
    shown = torch.from_numpy(first[:4].T * 2.0**-fw).float()
    assert torch.equal(made.model.module[0].weight, shown), "the module shows exactly these weights"
    run = tacit.prove(train(made), quiet=True)
    path = run.save(tmp_path / "run.tacit")
    verdict = tacit.verify(path, data=_commitment(data))
    assert any("starts from public weights" in line and "nonce 3" in line for line in verdict.shown)
    assert any("initial weights were not chosen to please" in line for line in verdict.not_shown)
    assert not any("hidden initial weights" in line for line in verdict.not_shown)
    assert verdict.statement["run"]["start"] == {"Seed": {"origin": {"Prover": {"nonce": 3}}}}
    # Nothing of the start was committed.
    assert run_of(made.model).blob("model-0") is None


def test_public_weights_do_not_depend_on_the_module(data) -> None:
    made = [
        tacit.make_provable(**arguments(data, network(seed), initial="seed", shuffle_seed=7, mode=mode))
        for seed, mode in ((0, "prove"), (1, "prove"), (1, "check"))
    ]
    weights = [m.model.session.trainer.weights for m in made]  # type: ignore[union-attr]
    assert all(np.array_equal(a, b) for other in weights[1:] for a, b in zip(weights[0], other, strict=True))
    plain = tacit.make_provable(**arguments(data, network(2), initial="seed", shuffle_seed=7, mode="off"))
    assert torch.equal(plain.model[0].weight, made[0].model.module[0].weight)  # type: ignore[index]
    other = tacit.make_provable(**arguments(data, initial="seed", initial_seed=8, shuffle_seed=7))
    assert not np.array_equal(other.model.session.trainer.weights[0], weights[0][0])  # type: ignore[union-attr]


def test_the_first_rows_are_in_the_order_of_the_seed_in_every_mode(data) -> None:
    x = [
        next(iter(tacit.make_provable(**arguments(data, shuffle_seed=7, mode=mode)).loader))[0]
        for mode in ("prove", "check")
    ]
    assert torch.equal(x[0], x[1])


# Nonces from outside


def _commitment(data: tacit.CommittedData) -> Path:
    return data.vault.path.parent / "owner.commitment"


@pytest.mark.parametrize("initial", ["given", "seed"])
def test_a_declared_run_under_a_verifiers_nonce(data, tmp_path, initial) -> None:
    declaration = tacit.declare(
        **arguments(data, shuffle_seed=tacit.VerifierNonce(), initial=initial), memory="8GB"
    )
    assert declaration.data == data.digest
    assert (declaration.start is None) == (initial == "seed")
    assert declaration.digest.hex() in str(declaration)
    again = tacit.declare(**arguments(data, shuffle_seed=tacit.VerifierNonce(), initial=initial))
    assert again == declaration
    path = proven(data, tmp_path, shuffle_seed=tacit.VerifierNonce(NONCE), initial=initial)

    held = {"data": _commitment(data), "nonce": NONCE, "declaration": declaration.digest}
    verdict = tacit.verify(path, **held)
    text = "\n".join(verdict.shown)
    assert "the one that you issued" in text
    assert f"those of declaration {declaration.digest.hex()}, which you held" in text
    assert not any("nonce" in line or "chosen to please" in line for line in verdict.not_shown)
    if declaration.start is not None:
        assert declaration.start.hex() in text
    unchecked = tacit.verify(path, data=_commitment(data))
    assert any("as declared and unchecked" in line for line in unchecked.not_shown)
    assert any("was fixed before the nonces were known" in line for line in unchecked.not_shown)
    with pytest.raises(WrongConfiguration, match="not 0000") as caught:
        tacit.verify(path, **{**held, "nonce": OTHER.hex()})
    assert caught.value.check == "OtherNonce"
    with pytest.raises(WrongConfiguration, match="data, start or configuration changed") as caught:
        tacit.verify(path, **{**held, "declaration": OTHER})
    assert caught.value.check == "OtherDeclaration"
    with pytest.raises(UsageError, match="nonce is 'ab', not 64 hexadecimal digits"):
        tacit.verify(path, nonce="ab")
    with pytest.raises(UsageError, match="declaration is 7, neither bytes nor hexadecimal text"):
        tacit.verify(path, declaration=7)  # type: ignore[arg-type]


def test_a_run_without_the_issued_nonce_is_rejected(data, tmp_path) -> None:
    path = proven(data, tmp_path, shuffle_seed=7)
    with pytest.raises(WrongConfiguration) as caught:
        tacit.verify(path, nonce=NONCE)
    assert caught.value.check == "NoNonce"
    assert main(["verify", str(path), "--nonce", NONCE.hex()]) == 1
    assert main(["verify", str(path), "--nonce", "00"]) == 2
    with pytest.raises(UsageError, match="verified without nonce="):
        tacit.verify(_commitment(data), nonce=NONCE)


def test_a_beacons_round(data, tmp_path) -> None:
    declaration = tacit.declare(**arguments(data, shuffle_seed=tacit.Beacon("drand", 9)))
    path = proven(data, tmp_path, shuffle_seed=tacit.Beacon("drand", 9, NONCE))
    verdict = tacit.verify(path, declaration=declaration.digest)
    assert any('is round 9 of "drand"' in line for line in verdict.shown)
    assert any("gave this output in this round: compare it" in line for line in verdict.not_shown)
    with pytest.raises(UsageError, match="who gives the nonces changed"):
        tacit.make_provable(**arguments(data, shuffle_seed=tacit.Beacon("drand", 10, NONCE)))


def test_the_declared_start_keeps_its_budget(data) -> None:
    seeds = {"shuffle_seed": tacit.VerifierNonce(NONCE)}
    declaration = tacit.declare(**arguments(data, network(4), shuffle_seed=tacit.VerifierNonce()))
    assert declaration.start is not None
    run = run_of(train(tacit.make_provable(**arguments(data, network(4), **seeds))))
    _, made = run.boundary(0, run.record())
    assert made.digest == declaration.start
    assert made.digest.hex() in data.vault.accounts()


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"model": network(1)}, "the initial weights changed"),
        ({"batch_size": 8}, "the configuration changed"),
        ({"schedule": [0.125, 0.0625]}, "the configuration changed"),
        ({"epochs": 3}, "the configuration changed"),
        ({"chunk_steps": 4}, "the configuration changed"),
        ({"shuffle_seed": tacit.Beacon("drand", 1, NONCE)}, "declared: who gives the nonces changed"),
    ],
)
def test_another_run_than_was_declared_is_refused(data, change, what) -> None:
    declared = arguments(data, network(6), shuffle_seed=tacit.VerifierNonce(), max_steps=None)
    tacit.declare(**declared)
    model = change.pop("model", None) or network(6)
    with pytest.raises(UsageError, match=what):
        tacit.make_provable(**{**arguments(data, model), "shuffle_seed": tacit.VerifierNonce(NONCE), **change})


def test_a_declared_run_is_made_as_declared(data) -> None:
    options = {"shuffle_seed": tacit.VerifierNonce(), "schedule": [0.125, 0.0625]}
    tacit.declare(**arguments(data, **options))
    options["shuffle_seed"] = tacit.VerifierNonce(NONCE)
    made = tacit.make_provable(**arguments(data, **options))
    train(made, epochs=1)
    with pytest.raises(TrainingLoopError, match="declared with 10 steps and has made 5"):
        tacit.prove(made.model)
    with pytest.raises(
        TrainingLoopError, match=r"step 5 has the learning rate 0.125, another than was declared"
    ):
        train(made, epochs=1)
    made = tacit.make_provable(**arguments(data, **options))
    train(made, epochs=1)
    train(made, epochs=1, lr=0.0625)
    assert run_of(made.model).record().config.schedule.total_steps == STEPS


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shuffle_seed": tacit.VerifierNonce(), "epochs": None}, "binds every step: give epochs or max_steps"),
        ({"shuffle_seed": 7}, "nothing is left to declare"),
        ({"shuffle_seed": tacit.VerifierNonce(), "initial_seed": 3}, 'initial_seed is for initial="seed"'),
        ({"shuffle_seed": -1}, "not a whole number in"),
        ({"shuffle_seed": True}, "not a whole number in"),
        ({"shuffle_seed": 7, "initial": "random"}, 'neither "given" nor "seed"'),
    ],
)
def test_what_cannot_be_declared(data, options, message) -> None:
    with pytest.raises(UsageError, match=message):
        tacit.declare(**arguments(data, **options))


def test_a_nonce_that_is_not_known_or_not_declared(data) -> None:
    tacit.declare(**arguments(data, network(7), shuffle_seed=tacit.VerifierNonce()))
    with pytest.raises(UsageError, match="the verifier's nonce is not known yet"):
        tacit.make_provable(**arguments(data, network(7), shuffle_seed=tacit.VerifierNonce()))
    checked = tacit.make_provable(**arguments(data, shuffle_seed=tacit.VerifierNonce(), mode="check"))
    assert len(checked.loader) == 5
    for wrong in (b"", bytes(31), "00" * 32):
        with pytest.raises(UsageError, match="has to be 32 bytes"):
            tacit.VerifierNonce(wrong)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="is -1"):
        tacit.Beacon("drand", -1)
    with pytest.raises(UsageError, match="64 hexadecimal digits"):
        from_hex("zz" * 32, "it")


def test_an_undeclared_run_in_a_fresh_vault(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    rng = np.random.default_rng(5)
    x = rng.normal(size=(80, 4)).clip(-3, 3)
    fresh = tacit.commit(x, (x.sum(1) > 0).astype(int), vault=tmp_path / "f.vault", quiet=True)
    with pytest.raises(UsageError, match=r"is for a declared run: call tacit.declare"):
        tacit.make_provable(**arguments(fresh, shuffle_seed=tacit.VerifierNonce(NONCE)))


def test_origins_are_stored_and_read() -> None:
    for origins in (
        Origins(),
        Origins(7, 0),
        Origins(tacit.VerifierNonce(NONCE), tacit.Beacon("drand", 3, OTHER)),
    ):
        assert Origins.from_json(origins.to_json()) == origins
    with pytest.raises(UsageError, match="no origin of a seed"):
        Origins.from_json('{"order": {"Nobody": {}}, "start": null}')


def test_initial_weights_beyond_the_default_window_are_listed_as_released(data, tmp_path) -> None:
    model = network()
    with torch.no_grad():
        model[0].bias[0] = 5.0
    path = proven(data, tmp_path, model=copy.deepcopy(model))
    verdict = tacit.verify(path)
    assert any("the window of the initial weights" in line for line in verdict.shown)
    assert any("each below 2^4 in absolute value" in line for line in verdict.shown)
    with torch.no_grad():
        model[0].bias[0] = 1e5
    with pytest.raises(tacit.TacitError, match="initial weight of 100000 is too large"):
        tacit.make_provable(**arguments(data, model))


def test_progress_follows_the_stages_and_can_stop_the_work(data, monkeypatch) -> None:
    calls: list[tuple[int, int]] = []

    @contextmanager
    def collected(title: str, *, shown: bool | None = None) -> Iterator[Any]:
        yield lambda done, total: calls.append((done, total))

    @contextmanager
    def stopping(title: str, *, shown: bool | None = None) -> Iterator[Any]:
        def stop(done: int, total: int) -> None:
            raise KeyboardInterrupt

        yield stop

    model = train(tacit.make_provable(**arguments(data, network(8), shuffle_seed=2)))
    monkeypatch.setattr("tacit.proving.progress_bar", stopping)
    with pytest.raises(KeyboardInterrupt):
        tacit.prove(model, quiet=True)
    monkeypatch.setattr("tacit.proving.progress_bar", collected)
    tacit.prove(model, quiet=True)
    shares = [done / total for done, total in calls]
    ends = [i for i, share in enumerate(shares) if share == 1.0]
    assert len(ends) == 2, "one for each proof"
    first, second = shares[: ends[0] + 1], shares[ends[0] + 1 :]
    assert first == sorted(first) and second == sorted(second)


# The command line

RUN_FILE = """
vault = "clinic.vault"
epochs = 4
batch_size = 16
shuffle_seed = "verifier"
memory = "4GB"
[model]
hidden = [3]
initial = "seed"
[optimizer]
lr = 0.125
[[schedule]]
epoch = 2
lr = 0.0625
"""


def test_declare_train_prove_verify(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("TACIT_PASSPHRASE", raising=False)
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(60, 3)).clip(-3, 3)
    lines = ["a,b,c,y"] + [f"{a:.4f},{b:.4f},{c:.4f},{int(a + b > 0)}" for a, b, c in rows]
    Path("p.csv").write_text("\n".join(lines) + "\n")
    assert main(["commit", "p.csv", "--target", "y", "--vault", "clinic.vault"]) == 0
    Path("run.toml").write_text(RUN_FILE)
    assert main(["train", "run.toml"]) == 2
    assert "not known yet" in capsys.readouterr().err
    assert main(["declare", "run.toml"]) == 0
    declaration = capsys.readouterr().out.splitlines()[0].split()[1]
    assert main(["train", "run.toml", "--nonce", NONCE.hex()]) == 0
    assert main(["prove"]) == 0
    held = ["--data", "p.commitment", "--nonce", NONCE.hex(), "--declaration", declaration]
    assert main(["verify", "run.tacit", *held]) == 0
    assert "which you held" in capsys.readouterr().out
    assert main(["verify", "run.tacit", "--nonce", OTHER.hex()]) == 1
    assert "REJECTED by the check OtherNonce" in capsys.readouterr().err
    assert main(["inspect", "run.tacit"]) == 0
    out = capsys.readouterr().out
    assert "Integer learning rates, in units of 2^" in out and "for 8 steps" in out


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("7", 7),
        ('"verifier"', tacit.VerifierNonce()),
        (f'{{ nonce = "{NONCE.hex()}" }}', tacit.VerifierNonce(NONCE)),
        ('{ beacon = "drand", round = 5 }', tacit.Beacon("drand", 5)),
        (f'{{ beacon = "drand", round = 5, output = "{NONCE.hex()}" }}', tacit.Beacon("drand", 5, NONCE)),
    ],
)
def test_origins_in_a_run_file(tmp_path, text, origin) -> None:
    from tacit.cli._run_file import read_run_file

    (tmp_path / "run.toml").write_text(RUN_FILE.replace('"verifier"', text))
    run = read_run_file(tmp_path / "run.toml")
    assert run.shuffle_seed == origin
    assert (run.initial, run.initial_seed, run.memory) == ("seed", None, "4GB")
    assert run.given(None, None) == run
    if origin == tacit.VerifierNonce():
        assert run.given(OTHER, None).shuffle_seed == tacit.VerifierNonce(OTHER)
    else:
        with pytest.raises(UsageError, match="--nonce is for a run file with"):
            run.given(OTHER, None)
    if origin == tacit.Beacon("drand", 5):
        assert run.given(None, OTHER).shuffle_seed == tacit.Beacon("drand", 5, OTHER)
    else:
        with pytest.raises(UsageError, match="--beacon-output is for a run file with"):
            run.given(None, OTHER)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('"prover"', 'not a whole number, "verifier" or a table'),
        ("-1", "not a whole number in"),
        ("1.5", 'not a whole number, "verifier" or a table'),
        ('{ nonce = "ab" }', r"shuffle_seed.nonce is 'ab', not 64"),
        ('{ beacon = "drand" }', "does not say shuffle_seed.round"),
        ('{ beacon = "drand", round = 5, other = 1 }', "unknown entry shuffle_seed.other"),
        ('7\ninitial = "seed"', "unknown entry initial"),
    ],
)
def test_origins_that_a_run_file_cannot_have(tmp_path, text, problem) -> None:
    from tacit.cli._run_file import read_run_file

    (tmp_path / "run.toml").write_text(RUN_FILE.replace('"verifier"', text))
    with pytest.raises(UsageError, match=problem):
        read_run_file(tmp_path / "run.toml")
