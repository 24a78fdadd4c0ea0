"""The vault: what is on disk, who may read it, what happens when it is changed, copied or restored."""

from __future__ import annotations

import copy
import json
import logging
import os
import pickle
import shutil
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import tacit
from tacit._files import read_limited, write_atomic
from tacit.errors import (
    BudgetError,
    TruncatedFile,
    UnreadableFile,
    UsageError,
    VaultCopied,
    VaultError,
    VaultLocked,
    WrongPassphrase,
    WrongVersion,
)
from tacit.vault import Secret, Share, Vault, crypto

C, D = "c" * 64, "d" * 64
CHEAP = 1 << 14
PACKAGES = str(Path(tacit.__file__).parents[1])


@pytest.fixture(autouse=True)
def state_home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("TACIT_PASSPHRASE", raising=False)


@pytest.fixture
def vault(tmp_path) -> Vault:
    made = Vault.create(tmp_path / "clinic.vault", passphrase="open sesame", scrypt_n=CHEAP)
    made.budget.open_account(C, 1000, 100)
    return made


def reopened(vault: Vault) -> Vault:
    return Vault.open(vault.path, passphrase="open sesame")


def modes(root: Path) -> dict[str, int]:
    return {str(p.relative_to(root)): stat.S_IMODE(p.stat().st_mode) for p in [root, *root.rglob("*")]}


# Content


def test_what_is_put_is_got_by_another_process_view(vault):
    vault.put("data/x/features", b"rows")
    vault.put_json("runs/1/info", {"a": [1, 2]})
    other = reopened(vault)
    assert other.get("data/x/features") == b"rows"
    assert other.get_json("runs/1/info") == {"a": [1, 2]}
    assert other.names("data/") == ["data/x/features"]
    other.delete("data/x/features")
    assert not vault.has("data/x/features")
    with pytest.raises(UnreadableFile, match="has no data/x/features"):
        vault.get("data/x/features")


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 40])
def test_segments_join_at_every_boundary(monkeypatch, size):
    monkeypatch.setattr(crypto, "SEGMENT", 16)
    content = bytes(range(size))
    sealed = b"".join(crypto.seal(bytes(32), "n", content))
    assert crypto.open_sealed(bytes(32), "n", sealed) == content
    assert content not in sealed or size < 2


def test_sealed_files_refuse_every_change(monkeypatch):
    monkeypatch.setattr(crypto, "SEGMENT", 16)
    sealed = b"".join(crypto.seal(bytes(32), "n", bytes(range(40))))
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(UnreadableFile):
            crypto.open_sealed(bytes(32), "n", bytes(changed))
    for length in range(len(sealed)):
        with pytest.raises(UnreadableFile):
            crypto.open_sealed(bytes(32), "n", sealed[:length])
    head, step = 40, 32
    swapped = (
        sealed[:head]
        + sealed[head + step : head + 2 * step]
        + sealed[head : head + step]
        + sealed[head + 2 * step :]
    )
    dropped = sealed[: head + step]
    for other in (swapped, dropped, sealed + b"\0"):
        with pytest.raises(UnreadableFile, match="was changed, cut off"):
            crypto.open_sealed(bytes(32), "n", other)
    with pytest.raises(UnreadableFile, match="put in place of another"):
        crypto.open_sealed(bytes(32), "m", sealed)
    with pytest.raises(WrongVersion):
        crypto.open_sealed(bytes(32), "n", b"tacitbx2" + sealed[8:])
    with pytest.raises(TruncatedFile):
        crypto.open_sealed(bytes(32), "n", sealed[:30])


def test_one_blob_in_place_of_another_is_refused(vault):
    vault.put("a", b"one")
    vault.put("b", b"two")
    blobs = vault.path / "blobs"
    shutil.copy(blobs / "a", blobs / "b")
    with pytest.raises(UnreadableFile, match="put in place of another"):
        vault.get("b")


def test_nothing_secret_is_on_disk_in_the_clear(vault):
    marker = b"a very private marker"
    vault.put("data/x/features", marker)
    secret = vault.new_secret("data/x")
    content = bytes(secret.expose())
    for path in vault.path.rglob("*"):
        if path.is_file():
            stored = path.read_bytes()
            assert marker not in stored
            assert content not in stored
            assert content.hex().encode() not in stored
            assert b"sesame" not in stored


def test_equal_content_is_stored_differently(vault):
    vault.put("a", b"same")
    first = (vault.path / "blobs" / "a").read_bytes()
    vault.put("a", b"same")
    second = (vault.path / "blobs" / "a").read_bytes()
    assert first[8:40] != second[8:40]
    assert first[40:] != second[40:]


def test_modes_do_not_depend_on_the_umask(tmp_path):
    before = os.umask(0)
    try:
        vault = Vault.create(tmp_path / "v", key_file=tmp_path / "key")
        vault.put("data/x/features", b"rows")
    finally:
        os.umask(before)
    for name, mode in modes(vault.path).items():
        assert mode == (0o700 if (vault.path / name).is_dir() else 0o600), name
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "name", ["", "/a", "../a", "a/../b", "a//b", ".a", "a/", "a b", "a/.b", "x.tmp", "a" * 101]
)
def test_names_stay_inside(vault, name):
    with pytest.raises(UsageError, match="cannot be the name"):
        vault.put(name, b"")


def test_a_name_below_a_name_is_refused(vault):
    vault.put("a", b"")
    with pytest.raises(UsageError, match="lies below a name"):
        vault.put("a/b", b"")


def test_no_overwrite(vault):
    vault.put("a", b"1", overwrite=False)
    with pytest.raises(VaultError, match="has a already"):
        vault.put("a", b"2", overwrite=False)
    assert vault.get("a") == b"1"
    vault.new_secret("s")
    with pytest.raises(VaultError, match="has secrets/s already"):
        vault.new_secret("s")


# Keys


def test_wrong_passphrase_and_kinds_of_key(tmp_path, vault):
    with pytest.raises(WrongPassphrase, match="does not open"):
        Vault.open(vault.path, passphrase="open sesam")
    with pytest.raises(WrongPassphrase, match="is opened by a passphrase: give passphrase="):
        Vault.open(vault.path)
    write_atomic(tmp_path / "key", b"k" * 32, mode=0o600)
    with pytest.raises(WrongPassphrase, match="by a passphrase, not by a key file"):
        Vault.open(vault.path, key_file=tmp_path / "key")
    with pytest.raises(UsageError, match="not both"):
        Vault.open(vault.path, passphrase="a", key_file=tmp_path / "key")
    with pytest.raises(UsageError, match="passphrase is empty"):
        Vault.open(vault.path, passphrase="")
    other = Vault.create(tmp_path / "w", key_file=tmp_path / "key")
    with pytest.raises(WrongPassphrase, match="by a key file, not by a passphrase"):
        Vault.open(other.path, passphrase="a")
    write_atomic(tmp_path / "key", b"l" * 32, mode=0o600)
    with pytest.raises(WrongPassphrase, match="does not open"):
        Vault.open(other.path, key_file=tmp_path / "key")


def test_passphrase_from_environment_and_prompt(monkeypatch, vault):
    monkeypatch.setenv("TACIT_PASSPHRASE", "open sesame")
    assert Vault.open(vault.path).has("secrets/vault")
    monkeypatch.setenv("TACIT_PASSPHRASE", "wrong")
    with pytest.raises(WrongPassphrase):
        Vault.open(vault.path)
    assert Vault.open(vault.path, passphrase="open sesame")
    monkeypatch.delenv("TACIT_PASSPHRASE")
    asked = []

    def prompt(new: bool) -> str:
        asked.append(new)
        return "open sesame"

    Vault.open(vault.path, prompt=prompt)
    assert asked == [False]


def test_key_inside_the_vault_only_with_a_warning(tmp_path, caplog):
    with caplog.at_level(logging.WARNING, "tacit.vault"):
        vault = Vault.create(tmp_path / "v")
    assert [r.levelname for r in caplog.records] == ["WARNING"]
    assert "whoever copies the directory can open it" in caplog.text
    key = (vault.path / "key").read_text().strip()
    assert key not in caplog.text
    assert len(key) == 64
    caplog.clear()
    Vault.open(vault.path)
    assert not caplog.records
    os.chmod(vault.path / "key", 0o644)
    with pytest.raises(VaultError, match="can be read by other users"):
        Vault.open(vault.path)


def test_vault_directory_open_to_others_is_refused(vault):
    os.chmod(vault.path, 0o755)
    with pytest.raises(VaultError, match="chmod 700"):
        reopened(vault)


def test_short_or_missing_key_file(tmp_path):
    write_atomic(tmp_path / "key", b"short\n", mode=0o600)
    with pytest.raises(VaultError, match="has 5 bytes, no key has fewer than 32"):
        Vault.create(tmp_path / "v", key_file=tmp_path / "key")
    assert not (tmp_path / "v").exists()
    made = Vault.create(tmp_path / "v", key_file=tmp_path / "new")
    os.unlink(tmp_path / "new")
    with pytest.raises(WrongPassphrase, match="cannot read the key file"):
        Vault.open(made.path, key_file=tmp_path / "new")


def test_rekey(tmp_path):
    vault = Vault.create(tmp_path / "v")
    vault.put("a", b"1")
    vault.rekey(passphrase="new", scrypt_n=CHEAP)
    assert not (vault.path / "key").exists()
    with pytest.raises(WrongPassphrase):
        Vault.open(vault.path)
    assert Vault.open(vault.path, passphrase="new").get("a") == b"1"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda h: h | {"version": 2}, WrongVersion),
        (lambda h: h | {"format": "other"}, UnreadableFile),
        (lambda h: h | {"id": "0" * 32}, WrongPassphrase),
        (lambda h: h | {"wrapped": "00"}, UnreadableFile),
        (lambda h: h | {"key": h["key"] | {"r": 1}}, UnreadableFile),
        (lambda h: h | {"key": h["key"] | {"n": 1 << 30}}, VaultError),
        (lambda h: h | {"key": h["key"] | {"n": 1 << 15}}, WrongPassphrase),
        (lambda h: {k: v for k, v in h.items() if k != "key"}, UnreadableFile),
    ],
)
def test_header_changes_are_refused(vault, change, error):
    path = vault.path / "vault.json"
    header = change(json.loads(path.read_text()))
    path.write_text(json.dumps(header))
    with pytest.raises(error):
        reopened(vault)


def test_what_is_no_vault(tmp_path, vault):
    with pytest.raises(UnreadableFile, match="there is no vault"):
        Vault.open(tmp_path / "none")
    with pytest.raises(UnreadableFile, match="is not a vault"):
        Vault.open(tmp_path)
    with pytest.raises(VaultError, match="exists already"):
        Vault.create(vault.path)
    with pytest.raises(UsageError, match="no directory"):
        Vault.create(tmp_path / "a" / "b")
    (vault.path / "vault.json").write_text("{")
    with pytest.raises(UnreadableFile, match="is damaged"):
        reopened(vault)


# Secrets


def test_secret_does_not_print_pickle_or_copy():
    secret = Secret(b"do not show me at all, ever......")
    held = secret.expose()
    for text in (repr(secret), str(secret), f"{secret}", f"{[secret]}"):
        assert "show" not in text
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be pickled or copied"):
            leak(secret)
    secret.wipe()
    assert held == bytearray(len(held))
    with pytest.raises(VaultError, match="wiped already"):
        secret.expose()


def test_secret_is_wiped_at_the_end_of_a_block_and_of_its_life():
    with Secret(b"x" * 32) as secret:
        held = secret.expose()
    assert held == bytearray(32)
    other = Secret(b"y" * 32)
    held = other.expose()
    del other
    assert held == bytearray(32)


def test_errors_and_logs_do_not_name_secrets(tmp_path, caplog):
    with caplog.at_level(logging.DEBUG):
        vault = Vault.create(tmp_path / "v", passphrase="hunter2hunter2", scrypt_n=CHEAP)
        with pytest.raises(WrongPassphrase) as caught:
            Vault.open(vault.path, passphrase="hunter3hunter3")
    assert "hunter" not in caplog.text
    assert "hunter" not in str(caught.value)
    assert "hunter" not in repr(vault)
    assert caught.value.__cause__ is None


def test_closed_vault_has_no_key(vault):
    vault.close()
    with pytest.raises(VaultError, match="wiped already"):
        vault.put("a", b"")


# Budget


def test_charges_add_up_and_are_never_given_back(vault):
    vault.budget.charge({C: 400}, "one")
    vault.budget.charge({C: 500}, "two")
    with pytest.raises(BudgetError, match=r"opens 1 rows .* 0 of 1,000 are left \(100 more") as caught:
        vault.budget.charge({C: 1}, "three")
    assert (caught.value.needed, caught.value.left) == (1, 0)
    assert reopened(vault).accounts()[C].spent == 900
    assert not hasattr(vault.budget, "refund")


def test_the_reserve_is_for_recommitment_only(vault):
    vault.budget.charge({C: 900}, "all")
    vault.budget.charge({C: 100}, "equality", reserve=True)
    with pytest.raises(BudgetError):
        vault.budget.charge({C: 1}, "more", reserve=True)


def test_a_charge_of_several_commitments_is_all_or_nothing(vault):
    vault.budget.open_account(D, 50, 0)
    with pytest.raises(BudgetError):
        vault.budget.charge({C: 10, D: 51}, "both")
    assert [a.spent for a in vault.accounts().values()] == [0, 0]
    with pytest.raises(BudgetError):
        vault.budget.require({C: 901})
    vault.budget.require({C: 900})
    assert vault.accounts()[C].spent == 0


@pytest.mark.parametrize(
    ("rows", "error"), [({}, UsageError), ({C: 0}, UsageError), ({C: -5}, UsageError), ({D: 1}, VaultError)]
)
def test_meaningless_charges(vault, rows, error):
    with pytest.raises(error):
        vault.budget.charge(rows, "x")


def test_accounts_are_opened_once(vault):
    with pytest.raises(VaultError, match="has its budget already"):
        vault.budget.open_account(C, 2000, 0)
    with pytest.raises(UsageError, match="leaves none"):
        vault.budget.open_account(D, 100, 100)
    with pytest.raises(UsageError, match="leaves none"):
        vault.budget.open_account(D, 100, -1)


def test_log_lines_cannot_be_changed_dropped_or_reordered(vault):
    vault.budget.charge({C: 100}, "one")
    vault.budget.charge({C: 200}, "two")
    path = vault.path / "budget.log"
    original = path.read_bytes()
    lines = original.splitlines(keepends=True)
    attacks = {
        "changed": original.replace(b":200", b":100"),
        "dropped": b"".join(lines[:2] + lines[3:]),
        "swapped": b"".join([lines[0], lines[2], lines[1], lines[3]]),
        "repeated": b"".join([*lines, lines[-1]]),
        "forged": original + b'{"kind":"charge"}\t' + b"0" * 64 + b"\n",
    }
    for attack in attacks.values():
        path.write_bytes(attack)
        with pytest.raises(UnreadableFile, match=r"line \d of .* was changed"):
            vault.accounts()
    path.write_bytes(b"")
    with pytest.raises(UnreadableFile, match="is empty"):
        vault.accounts()
    path.unlink()
    with pytest.raises(UnreadableFile, match="cannot read the budget log"):
        vault.accounts()


def test_a_log_cut_back_in_place_is_noticed(vault):
    path = vault.path / "budget.log"
    before = path.read_bytes()
    vault.budget.charge({C: 500}, "one")
    with open(path, "r+b") as file:  # same inode: only the count kept outside the vault can tell
        file.truncate(len(before))
    with pytest.raises(VaultCopied, match="older than the one seen here before"):
        vault.budget.charge({C: 500}, "again")
    vault.adopt(500)
    assert vault.accounts()[C].spent == 500
    vault.budget.charge({C: 400}, "rest")


def test_a_log_replaced_by_another_of_the_same_length_is_noticed(vault):
    path = vault.path / "budget.log"
    before = path.read_bytes()
    vault.budget.charge({C: 500}, "one")
    with open(path, "r+b") as file:
        file.truncate(len(before))
    mark = next((Path(os.environ["XDG_STATE_HOME"]) / "tacit" / "vaults").iterdir())
    kept = mark.read_text()
    mark.unlink()
    vault.budget.charge({C: 1}, "other branch")
    mark.write_text(kept)
    with pytest.raises(VaultCopied):
        vault.budget.charge({C: 1}, "x")


def test_an_unfinished_line_is_dropped_and_the_next_charge_is_whole(vault):
    vault.budget.charge({C: 100}, "one")
    path = vault.path / "budget.log"
    with open(path, "ab") as file:
        file.write(b'{"kind":"charge","rows":{"')
    assert vault.accounts()[C].spent == 100
    vault.budget.charge({C: 1}, "two")
    assert reopened(vault).accounts()[C].spent == 101


@pytest.mark.parametrize("how", ["copy", "restore", "move_log"])
def test_a_copy_or_restored_backup_has_no_budget_until_adopted(tmp_path, vault, how):
    if how == "copy":
        shutil.copytree(vault.path, tmp_path / "copy.vault")
        other = Vault.open(tmp_path / "copy.vault", passphrase="open sesame")
    elif how == "restore":
        shutil.copytree(vault.path, tmp_path / "backup")
        vault.budget.charge({C: 900}, "all")
        shutil.rmtree(vault.path)
        shutil.move(tmp_path / "backup", vault.path)
        other = reopened(vault)
    else:
        shutil.copy(vault.path / "budget.log", tmp_path / "log")
        os.replace(tmp_path / "log", vault.path / "budget.log")
        os.chmod(vault.path / "budget.log", 0o600)
        other = reopened(vault)
    attempts = [
        lambda: other.budget.charge({C: 1}, "x"),
        lambda: other.share({C: 1}, "x"),
        lambda: other.budget.require({C: 1}),
        lambda: other.budget.open_account(D, 10, 0),
        other.budget.check_place,
        lambda: other.split(tmp_path / "s", {C: 1}, [], passphrase="p"),
    ]
    for attempt in attempts:
        with pytest.raises(VaultCopied, match="budget"):
            attempt()
    assert not (tmp_path / "s").exists()
    other.adopt(900)
    with pytest.raises(BudgetError):
        other.budget.charge({C: 1}, "x")
    other.budget.charge({C: 100}, "equality", reserve=True)


def test_another_machine_has_no_budget(vault, monkeypatch):
    monkeypatch.setattr("tacit.vault.identity.machine_id", lambda: "another machine")
    with pytest.raises(VaultCopied):
        vault.budget.charge({C: 1}, "x")
    assert vault.accounts()[C].spent == 0  # looking is allowed


def test_renaming_in_place_is_no_copy(tmp_path, vault):
    os.rename(vault.path, tmp_path / "renamed.vault")
    Vault.open(tmp_path / "renamed.vault", passphrase="open sesame").budget.charge({C: 1}, "x")


def test_adoption_needs_a_complete_statement(vault):
    vault.budget.open_account(D, 10, 0)
    with pytest.raises(UsageError, match="no commitment"):
        vault.adopt({"e" * 64: 1})
    with pytest.raises(UsageError, match="say how many rows of ddd"):
        vault.adopt({C: 1})
    with pytest.raises(UsageError, match="negative"):
        vault.adopt(-1)
    vault.adopt({C: 5, D: 10})
    assert [a.spent for a in vault.accounts().values()] == [5, 10]


def test_the_log_does_not_name_the_machine(vault):
    from tacit.vault.identity import machine_id

    assert machine_id().encode() not in (vault.path / "budget.log").read_bytes()


def test_without_a_state_directory_the_vault_works(vault, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", "/proc/none")
    vault.budget.charge({C: 1}, "x")
    vault.budget.charge({C: 1}, "x")
    assert vault.accounts()[C].spent == 2


# Shares


def test_shares_are_charged_first_and_disjoint(vault):
    shares = [vault.share({C: 300}, f"worker {i}") for i in range(3)]
    with pytest.raises(BudgetError):
        vault.share({C: 1}, "too many")
    shares[0].charge({C: 200}, "chunk")
    with pytest.raises(BudgetError):
        shares[0].charge({C: 101}, "chunk")
    with pytest.raises(VaultError, match="no commitment"):
        shares[0].charge({D: 1}, "chunk")
    del shares
    assert vault.accounts()[C].spent == 900
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(Share({C: 1}))


def test_split_moves_rows_and_only_the_named_blobs(tmp_path, vault, monkeypatch):
    vault.put("data/x/features", b"rows")
    vault.put("data/y/features", b"others")
    part = vault.split(tmp_path / "part.vault", {C: 300}, ["data/x/features"], passphrase="p")
    assert vault.accounts()[C].spent == 300
    assert (part.accounts()[C].rows, part.accounts()[C].reserve) == (300, 0)
    assert part.names("data/") == ["data/x/features"]
    assert part.get("data/x/features") == b"rows"
    assert bytes(part.secret().expose()) != bytes(vault.secret().expose())
    with pytest.raises(BudgetError):
        vault.split(tmp_path / "more.vault", {C: 601}, [], passphrase="p")
    assert not (tmp_path / "more.vault").exists()
    with pytest.raises(UsageError, match="has no data/z"):
        vault.split(tmp_path / "more.vault", {C: 1}, ["data/z"], passphrase="p")
    monkeypatch.setattr("tacit.vault.identity.machine_id", lambda: "the other machine")
    with pytest.raises(VaultCopied):
        part.budget.charge({C: 1}, "x")
    part.adopt(0)
    part.budget.charge({C: 300}, "x")
    with pytest.raises(BudgetError):
        part.budget.charge({C: 1}, "x")


# Locks and crashes


def test_the_lock_keeps_other_processes_out(vault):
    program = (
        "import sys\nfrom pathlib import Path\nfrom tacit.vault.lock import VaultLock\n"
        "with VaultLock(Path(sys.argv[1])).held():\n print('held', flush=True)\n sys.stdin.read()\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(vault.path / "lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": PACKAGES},
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    with holder:
        assert holder.stdout.readline() == b"held\n"
        impatient = Vault(vault.path, Secret(bytes(32)), "", 0.1)
        with pytest.raises(VaultLocked, match=r"for 0\.1 seconds"):
            impatient.put("a", b"")
        holder.kill()  # the kernel frees the lock of a dead process
    vault.put("a", b"")


def test_threads_do_not_overdraw(vault):
    refused = []

    def work() -> None:
        for _ in range(30):
            try:
                vault.budget.charge({C: 10}, "thread")
            except BudgetError:
                refused.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert vault.accounts()[C].spent == 900
    assert len(refused) == 120 - 90


CHARGING = """
import sys
from tacit.vault import Vault
vault = Vault.open(sys.argv[1])
for number in range(1000):
    vault.budget.charge({sys.argv[2]: 1}, "chunk")
    vault.put("runs/1/state", b"%06d" % number * 1000)
    print(number + 1, flush=True)
"""


def test_killed_at_random_instants_nothing_is_lost_or_torn(tmp_path):
    path = tmp_path / "w"
    made = Vault.create(path)
    made.budget.open_account(C, 100_000, 0)
    acknowledged_before = 0
    for attempt in range(12):
        process = subprocess.Popen(
            [sys.executable, "-c", CHARGING, str(path), C],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": PACKAGES},
        )
        assert process.stdout is not None
        with process:
            acknowledged = 0
            for line in process.stdout:
                acknowledged = int(line)
                if acknowledged >= 3 + attempt:
                    break
            threading.Event().wait(0.0007 * attempt)  # somewhere inside the next charge or write
            process.kill()
            rest = process.stdout.read().split()
            acknowledged = int(rest[-1]) if rest else acknowledged
        after = Vault.open(path)
        spent = after.accounts()[C].spent
        assert acknowledged <= spent - acknowledged_before <= acknowledged + 1
        state = after.get("runs/1/state")
        assert state == state[:6] * 1000
        assert int(state[:6]) in (acknowledged - 1, acknowledged)
        acknowledged_before = spent
    assert not [p for p in path.rglob(".*") if p.name.endswith(".tmp")]


CREATING = """
import sys
from tacit.vault import Vault
print("go", flush=True)
for number in range(1000):
    Vault.create(f"{sys.argv[1]}/{number}.vault")
"""


def test_killed_while_creating_leaves_whole_vaults_only(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", CREATING, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": PACKAGES},
    )
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        threading.Event().wait(0.15)
        process.kill()
    made = list(tmp_path.glob("*.vault"))
    assert made
    for path in made:
        Vault.open(path).budget.check_place()


# Files


def test_atomic_write_leaves_the_old_file_when_it_fails(tmp_path):
    path = tmp_path / "f"
    write_atomic(path, b"old")

    def pieces():
        yield b"new"
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        write_atomic(path, pieces())
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["f"]
    with pytest.raises(UsageError, match="exists already"):
        write_atomic(path, b"new", overwrite=False)
    with pytest.raises(UsageError, match="cannot write"):
        write_atomic(tmp_path / "none" / "f", b"")


def test_reading_is_limited(tmp_path):
    (tmp_path / "f").write_bytes(b"12345")
    assert read_limited(tmp_path / "f", limit=5, what="proof") == b"12345"
    with pytest.raises(UnreadableFile, match="larger than 4 bytes"):
        read_limited(tmp_path / "f", limit=4, what="proof")
    with pytest.raises(UnreadableFile, match="cannot read the proof"):
        read_limited(tmp_path, limit=4, what="proof")


def test_a_log_that_was_read_before_is_still_checked_from_its_first_line(tmp_path: Path) -> None:
    vault = Vault.create(tmp_path / "v.vault")
    vault.budget.open_account("a" * 64, 1000, 10)
    vault.budget.charge({"a" * 64: 100}, "one")
    assert vault.accounts()["a" * 64].spent == 100
    log = tmp_path / "v.vault" / "budget.log"
    content = log.read_bytes()
    Vault.open(tmp_path / "v.vault").budget.charge({"a" * 64: 50}, "by another process")
    assert vault.accounts()["a" * 64].spent == 150, "what others wrote is read"
    whole = log.read_bytes()
    log.write_bytes(whole.replace(b'"a":100', b'"a":001').replace(b"one", b"two"))
    with pytest.raises(UnreadableFile, match="line 3 of"):
        vault.accounts()
    log.write_bytes(content)
    with pytest.raises(VaultCopied):
        vault.budget.charge({"a" * 64: 1}, "after a rollback")
    log.write_bytes(whole)
    assert vault.accounts()["a" * 64].spent == 150
