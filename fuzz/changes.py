"""Random changes of files: of plain bytes, and of texts with their tokens known."""

from __future__ import annotations

import random
import re
import struct

NUMBERS = (
    *("0", "-1", "1e308", "-1e309", "nan", "inf", "1e-320", "9" * 400, "0x10", "1_000", "١٢", "1,5", "+", "2."),
    *("18446744073709551616", "-9223372036854775809", "1979-05-27", "00:00:00", "true", "[1]", "{a=1}", '""'),
    *("9" * 5000, "0x" + "f" * 5000, "[" * 5000),
)
"""What a number in a text is replaced with."""
TEXTS = (
    *("", '"', "'", "\n", "\r", ",", ",,", ";", "\t", "=", "[", "]", "#"),
    *("\x00", "\x1b[2J", "\u202e", "\ufeff", "[" * 5000, "{a=" * 5000, "0x" + "f" * 5000),
)
"""What is put between the tokens of a text."""
TOKEN = re.compile(rb"[A-Za-z_]+|[-+.0-9]+|\s+|.", re.DOTALL)


def changed_bytes(file: bytes, choose: random.Random) -> bytes:
    """One change: bits, bytes, a cut, an insertion, a repetition, a length."""
    content = bytearray(file)
    at = choose.randrange(max(1, len(content)))
    match choose.randrange(8):
        case 0 if content:
            content[at] ^= 1 << choose.randrange(8)
        case 1 if content:
            content[at] = choose.choice((0, 1, 0x7F, 0x80, 0xFF))
        case 2:
            del content[at:]
        case 3:
            content[at:at] = choose.randbytes(choose.randrange(1, 20))
        case 4:
            content += content[at:]
        case 5:
            content[at : at + 8] = choose.randbytes(8)
        case 6:
            content[at : at + 4] = struct.pack("<I", choose.choice((0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)))
        case _ if content:
            # The head holds lengths and counts; a decoder breaks there if anywhere.
            content[at % min(200, len(content))] = choose.randrange(256)
    return bytes(content)


def changed_text(file: bytes, choose: random.Random) -> bytes:
    """One change of a text's tokens, or of its bytes."""
    tokens: list[bytes] = TOKEN.findall(file)
    if not tokens or choose.randrange(4) == 0:
        return changed_bytes(file, choose)
    at, other = choose.randrange(len(tokens)), choose.randrange(len(tokens))
    match choose.randrange(7):
        case 0:
            del tokens[at]
        case 1:
            tokens[at], tokens[other] = tokens[other], tokens[at]
        case 2:
            tokens.insert(at, tokens[other])
        case 3:
            tokens.insert(at, choose.choice(TEXTS).encode())
        case 4:
            # A line, or many of them, once more.
            lines = file.splitlines(keepends=True)
            line = choose.choice(lines)
            return file + line * choose.choice((1, 2, 1000))
        case 5:
            tokens[at] = tokens[other]
        case _:
            numbers = [i for i, token in enumerate(tokens) if token[0] in b"-+.0123456789"]
            if numbers:
                tokens[choose.choice(numbers)] = choose.choice(NUMBERS).encode()
    return b"".join(tokens)


def several(change: object, file: bytes, choose: random.Random) -> bytes:
    """A change, now and then up to four on top of each other."""
    assert callable(change)
    times = choose.randrange(2, 5) if choose.randrange(4) == 0 else 1
    for _ in range(times):
        file = change(file, choose)
    return file
