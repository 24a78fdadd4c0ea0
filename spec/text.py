"""Which characters a text of the owner may have: those that a reader sees as they are."""

from __future__ import annotations

HIDDEN = (
    # Control characters, category Cc.
    (0x0000, 0x001F),
    (0x007F, 0x009F),
    # Format characters (Cf), among them marks that turn the direction of reading; line and paragraph separators
    # (Zl, Zp); spaces other than U+0020 (Zs); private use (Co); default ignorable ones: fillers, joiners,
    # variation selectors.
    (0x00A0, 0x00A0),
    (0x00AD, 0x00AD),
    (0x034F, 0x034F),
    (0x0600, 0x0605),
    (0x061C, 0x061C),
    (0x06DD, 0x06DD),
    (0x070F, 0x070F),
    (0x0890, 0x0891),
    (0x08E2, 0x08E2),
    (0x115F, 0x1160),
    (0x1680, 0x1680),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x2000, 0x200F),
    (0x2028, 0x202F),
    (0x205F, 0x206F),
    (0x2800, 0x2800),
    (0x3000, 0x3000),
    (0x3164, 0x3164),
    (0xE000, 0xF8FF),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFFB),
    (0xFFFE, 0xFFFF),
    (0x110BD, 0x110BD),
    (0x110CD, 0x110CD),
    (0x13430, 0x1343F),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
    (0xF0000, 0xFFFFF),
    (0x100000, 0x10FFFF),
)
"""First and last code points, both included."""


def has_hidden(text: str) -> bool:
    """Whether a text has a character that a terminal obeys or nobody sees."""
    return any(first <= ord(character) <= last for character in text for first, last in HIDDEN)
