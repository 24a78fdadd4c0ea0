//! Which characters a text of the owner may have: those that a reader sees.
//!
//! Texts stand in verdicts and name tensors. A character that a terminal obeys can rewrite what it shows; one that is
//! invisible, or turns the direction of reading, makes two names look alike.

/// Code points that are invisible or steer the display although they are no control characters: general categories Cf,
/// Co, Zl and Zp, spaces other than U+0020 (Zs), and what Unicode calls default ignorable (fillers, joiners, variation
/// selectors).
const HIDDEN: [(u32, u32); 33] = [
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
];

/// The first character that a reader would not see as it is.
#[must_use]
pub fn hidden_char(text: &str) -> Option<char> {
    text.chars().find(|&c| {
        let code = u32::from(c);
        c.is_control() || HIDDEN.iter().any(|&(first, last)| (first..=last).contains(&code))
    })
}
