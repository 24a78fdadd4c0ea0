"""The build of the core that is loaded: the fastest that is there and runs here, or the one that was named."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tacit import instruction_set
from tacit.errors import NativeMissing, UsageError
from tacit.instruction_set import BUILDS, V3, V4, cpu_flags, runs_here


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation that has no builds yet, on a machine with AVX-512."""
    monkeypatch.setattr(instruction_set, "BUILDS_FOLDER", tmp_path)
    monkeypatch.setattr(instruction_set, "cpu_flags", lambda: V4)
    monkeypatch.delenv("TACIT_SIMD", raising=False)
    return tmp_path


def test_the_fastest_build_that_is_there(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert instruction_set._choose() == "baseline"
    (installed / "avx2.abi3.so").touch()
    assert instruction_set._choose() == "avx2"
    (installed / "avx512.abi3.so").touch()
    assert instruction_set._choose() == "avx512"
    for flags, build in (
        (V3, "avx2"),
        (V4 - {"avx512vl"}, "avx2"),
        (V3 - {"fma"}, "baseline"),
        ((), "baseline"),
    ):
        monkeypatch.setattr(instruction_set, "cpu_flags", lambda flags=flags: frozenset(flags))
        assert instruction_set._choose() == build


@pytest.mark.parametrize("own", [None, "7"])
def test_the_allocator_is_told_while_the_core_is_loaded(own: str | None) -> None:
    """The environment of the process and of its children stays as it was."""
    code = "import os; from tacit import instruction_set as i; load = i._load; told = []\n"
    code += "i._load = lambda build: told.append(os.environ[i.ALLOCATOR]) or load(build)\n"
    code += "i.load(); print(*told, os.environ.get(i.ALLOCATOR))"
    environment = {k: v for k, v in os.environ.items() if k != instruction_set.ALLOCATOR}
    environment |= {} if own is None else {instruction_set.ALLOCATOR: own}
    said = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert said.stdout.split() == ["4000" if own is None else own, str(own)], said.stderr


def test_a_build_by_name(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for build in BUILDS:
        (installed / f"{build}.abi3.so").touch()
    for build in (*BUILDS, "baseline"):
        monkeypatch.setenv("TACIT_SIMD", build)
        assert instruction_set._choose() == build


@pytest.mark.parametrize(
    ("named", "flags", "message"),
    [
        ("sse", V4, "TACIT_SIMD=sse: it takes baseline, avx2 or avx512"),
        ("avx512", V4 - {"avx512bw"}, "TACIT_SIMD=avx512: this machine lacks avx512bw"),
        ("avx2", V4, "TACIT_SIMD=avx2: this installation has no such build; a wheel of `make wheel` has"),
    ],
)
def test_a_name_that_cannot_be_had(
    installed: Path, monkeypatch: pytest.MonkeyPatch, named: str, flags: frozenset[str], message: str
) -> None:
    monkeypatch.setattr(instruction_set, "cpu_flags", lambda: flags)
    monkeypatch.setenv("TACIT_SIMD", named)
    with pytest.raises(UsageError) as raised:
        instruction_set._choose()
    assert str(raised.value) == message


def test_flags_as_linux_tells_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    told = tmp_path / "cpuinfo"
    told.write_text("processor\t: 0\nflags\t\t: fpu avx avx2\nbugs\t\t: none\n\nflags\t\t: fpu\n")
    assert cpu_flags(told) == {"fpu", "avx", "avx2"}
    assert cpu_flags(tmp_path / "missing") == frozenset()
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert cpu_flags(told) == frozenset()


def test_more_flags_for_a_faster_build() -> None:
    assert runs_here("baseline", ()) and V3 < V4
    assert runs_here("avx2", V4) and not runs_here("avx512", V3)


def test_no_module_at_all(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "tacit._native", raising=False)

    def missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(NativeMissing):
        instruction_set.load()


def test_a_build_beside_the_baseline_is_the_module_from_then_on(tmp_path: Path) -> None:
    """A copy of the baseline in the place of another build: loaded from there, imported by everyone else."""
    code = f"""
import pathlib, shutil
import tacit.instruction_set as chosen
module = next(pathlib.Path(chosen.__file__).parent.glob("_native*.so"))
chosen.BUILDS_FOLDER = pathlib.Path({str(tmp_path)!r})
shutil.copyfile(module, chosen.BUILDS_FOLDER / "avx2.abi3.so")
chosen.cpu_flags = lambda: chosen.V3
loaded = chosen.load()
from tacit import _native, session
assert loaded is _native is chosen.load() and loaded.__spec__.origin.endswith("avx2.abi3.so"), loaded.__spec__
print(session.instruction_set())
"""
    environment = {k: v for k, v in os.environ.items() if k != "TACIT_SIMD"}
    environment["PYTHONPATH"] = str(Path(instruction_set.__file__).parent.parent)
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in ("baseline", "AVX2", "AVX-512")
