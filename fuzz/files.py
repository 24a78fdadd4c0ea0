"""Changes real files at random and reads them: every outcome must be a verdict or one of our exceptions.

    python -m fuzz.files [SECONDS] [SEED]

A changed file that is accepted is as much a failure as a crash, and so is an error without a named check.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

import tacit
from tacit.errors import ProofRejected, TacitError, UnreadableFile, UsageError

INTERNAL = "internal error"


def small_commitment(directory: Path) -> bytes:
    """The file of a small data commitment."""
    values = np.random.default_rng(1).normal(size=(32, 3))
    data = tacit.commit(values, np.arange(32) % 2, vault=directory / "fuzz.vault", quiet=True, proofs=1)
    return data.file


def changed(file: bytes, choose: random.Random) -> bytes:
    """One random change: bits, bytes, a cut, an insertion, a repetition, another length."""
    content = bytearray(file)
    at = choose.randrange(len(content))
    match choose.randrange(7):
        case 0:
            content[at] ^= 1 << choose.randrange(8)
        case 1:
            content[at] = choose.choice((0, 1, 0x7F, 0x80, 0xFF))
        case 2:
            del content[at:]
        case 3:
            content[at:at] = choose.randbytes(choose.randrange(1, 20))
        case 4:
            content += content[at:]
        case 5:
            content[at : at + 8] = choose.randbytes(8)
        case _:
            # The head holds lengths and counts; a decoder breaks there if anywhere.
            content[at % 200] = choose.randrange(256)
    return bytes(content)


def outcome(path: Path) -> str:
    """What reading the file gives; raises on anything that is not meant to happen."""
    try:
        tacit.verify(path)
    except ProofRejected as error:
        if not error.check:
            raise AssertionError("a rejection without the name of its check") from error
        return f"rejected: {error.check}"
    except UnreadableFile:
        return "unreadable"
    except UsageError as error:
        if INTERNAL in str(error):
            raise
        return "usage"
    except TacitError as error:
        raise AssertionError("an exception that reading does not raise") from error
    return "accepted"


def main() -> None:
    """Fuzz for a while and report what came out."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(1 << 32)
    choose, seen = random.Random(seed), Counter[str]()  # noqa: S311
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        original = small_commitment(directory)
        path = directory / "changed"
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            content = changed(original, choose)
            if content == original:
                continue
            path.write_bytes(content)
            try:
                result = outcome(path)
                if result == "accepted":
                    raise AssertionError("a changed file was accepted")
            except BaseException:
                kept = Path("fuzz-failure.bin")
                kept.write_bytes(content)
                print(f"seed {seed}: the file is kept as {kept}")
                raise
            seen[result] += 1
    for result, count in seen.most_common():
        print(f"{count:8,}  {result}")


if __name__ == "__main__":
    main()
