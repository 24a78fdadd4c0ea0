"""Loads the build of the compiled core that suits this machine's instruction set.

A wheel for x86-64 holds the core three times: one build runs on every such machine, one needs AVX2 (x86-64-v3),
one AVX-512 (x86-64-v4). All of them give the same bytes; they differ in speed alone. TACIT_SIMD=baseline, avx2
or avx512 takes a build by name.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import platform
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.machinery import ExtensionFileLoader
from pathlib import Path
from types import ModuleType

from tacit.errors import NativeMissing, UsageError

__all__ = ["BUILDS", "cpu_flags", "load", "runs_here"]

MODULE = "tacit._native"
VARIABLE = "TACIT_SIMD"
ALLOCATOR = "MIMALLOC_PURGE_DELAY"
KEPT_MS = 4_000
BUILDS_FOLDER = Path(__file__).parent / "_builds"

V3 = frozenset(["avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave"])
V4 = V3 | frozenset(["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"])
BUILDS = {"avx512": V4, "avx2": V3}
"""Builds beside the baseline, the fastest first: the processor flags that each needs, as Linux names them."""
TARGET_CPUS = {"avx512": "x86-64-v4", "avx2": "x86-64-v3", "baseline": ""}
"""What the Rust compiler calls the machines that a build is for."""


def cpu_flags(cpuinfo: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """Flags of the processor that the system lets programs use; empty where Linux does not tell them."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return frozenset()
    try:
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("flags"):
                return frozenset(line.partition(":")[2].split())
    except OSError:
        pass
    return frozenset()


def runs_here(build: str, flags: Iterable[str]) -> bool:
    """Whether a processor with these flags runs the build."""
    return build == "baseline" or BUILDS[build] <= frozenset(flags)


def _path(build: str) -> Path:
    return BUILDS_FOLDER / f"{build}.abi3.so"


def _choose() -> str:
    """The fastest build that is installed and runs here, unless the environment names one.

    Raises `UsageError` if the build named is none, is not installed or does not run here.
    """
    named = os.environ.get(VARIABLE)
    if not named:
        there = [build for build in BUILDS if _path(build).exists()]
        flags = cpu_flags() if there else frozenset()
        return next((build for build in there if runs_here(build, flags)), "baseline")
    if named not in (*BUILDS, "baseline"):
        raise UsageError(f"{VARIABLE}={named}: it takes baseline, avx2 or avx512")
    flags = cpu_flags()
    if not runs_here(named, flags):
        missing = ", ".join(sorted(BUILDS[named] - flags))
        raise UsageError(f"{VARIABLE}={named}: this machine lacks {missing}")
    if named != "baseline" and not _path(named).exists():
        raise UsageError(
            f"{VARIABLE}={named}: this installation has no such build; a wheel of `make wheel` has"
        )
    return named


@contextmanager
def _freed_pages_kept() -> Iterator[None]:
    """The core's allocator, which reads its settings while it is loaded, keeps freed pages for some seconds.

    A proof frees and takes the same pages many times. Pages given back in between are cleared anew by the
    system, a sixth of the processor time of a large prediction. The environment is as before afterwards, and a
    setting of the user's stands.
    """
    if ALLOCATOR in os.environ:
        yield
        return
    os.environ[ALLOCATOR] = str(KEPT_MS)
    try:
        yield
    finally:
        del os.environ[ALLOCATOR]


def load() -> ModuleType:
    """The compiled module, loaded once.

    Raises `NativeMissing` if none is installed, and `UsageError` if TACIT_SIMD names one that cannot run.
    """
    if MODULE in sys.modules:
        return sys.modules[MODULE]
    build = _choose()
    with _freed_pages_kept():
        return _load(build)


def _load(build: str) -> ModuleType:
    if build == "baseline":
        try:
            return importlib.import_module(MODULE)
        except ModuleNotFoundError as error:
            raise NativeMissing(
                "the compiled part of tacit is not installed: pip install . (needs the Rust toolchain)"
            ) from error
    loader = ExtensionFileLoader(MODULE, str(_path(build)))
    spec = importlib.util.spec_from_loader(MODULE, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    sys.modules[MODULE] = module
    return module


if __name__ == "__main__":
    # The Makefile asks what to compile for: a build for this machine alone, or all of them.
    here = [build for build in (*BUILDS, "baseline") if runs_here(build, cpu_flags())]
    print(TARGET_CPUS[here[0]])
