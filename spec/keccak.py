"""Keccak-256, the original padding, as WHIR's domain separators use it."""

from __future__ import annotations

MASK = 2**64 - 1
RATE = 136


def _round_constants() -> list[int]:
    """The constants of iota, from the linear feedback shift register x^8 + x^6 + x^5 + x^4 + 1."""
    out, state = [], 1
    for _ in range(24):
        constant = 0
        for j in range(7):
            if state & 1:
                constant |= 1 << ((1 << j) - 1)
            state = state << 1 ^ (0x171 if state & 0x80 else 0)
        out.append(constant)
    return out


ROUND_CONSTANTS = _round_constants()


def _rotate(word: int, by: int) -> int:
    by %= 64
    return (word << by | word >> (64 - by)) & MASK


def _permute(lanes: list[list[int]]) -> list[list[int]]:
    """Keccak-f[1600]; lanes[x][y]."""
    for constant in ROUND_CONSTANTS:
        parity = [a[0] ^ a[1] ^ a[2] ^ a[3] ^ a[4] for a in lanes]
        effect = [parity[x - 1] ^ _rotate(parity[(x + 1) % 5], 1) for x in range(5)]
        lanes = [[lane ^ effect[x] for lane in lanes[x]] for x in range(5)]
        x, y, current = 1, 0, lanes[1][0]
        for t in range(24):
            x, y = y, (2 * x + 3 * y) % 5
            current, lanes[x][y] = lanes[x][y], _rotate(current, (t + 1) * (t + 2) // 2)
        lanes = [
            [lanes[x][y] ^ (~lanes[(x + 1) % 5][y] & lanes[(x + 2) % 5][y]) for y in range(5)] for x in range(5)
        ]
        lanes[0][0] ^= constant
    return lanes


def keccak256(message: bytes) -> bytes:
    """The digest, 32 bytes."""
    padded = bytearray(message) + bytearray(RATE - len(message) % RATE)
    padded[len(message)] ^= 0x01
    padded[-1] ^= 0x80
    lanes = [[0] * 5 for _ in range(5)]
    for start in range(0, len(padded), RATE):
        for i in range(RATE // 8):
            lanes[i % 5][i // 5] ^= int.from_bytes(padded[start + 8 * i : start + 8 * i + 8], "little")
        lanes = _permute(lanes)
    return b"".join(lanes[i % 5][i // 5].to_bytes(8, "little") for i in range(4))
