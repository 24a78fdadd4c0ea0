//! Changes of a file that know its structure: typed leaves, elements, parts of other valid files; and of plain bytes.
use crate::random::Random;
use crate::spans::{HEAD, Leaf, Spans, Type};
use std::ops::Range;
use tacit_argument::field::P;

/// A range of the file, and what stands there instead.
type Edit = (Range<usize>, Vec<u8>);

/// Texts that readers have stumbled over.
const TEXTS: [&[u8]; 8] =
    [b"", b"x", b"\n", b"\x1b[2J", b"\xff", "\u{202e}".as_bytes(), "\u{feff}".as_bytes(), &[b'a'; 300]];

/// Changes a file at one place, now and then at up to four. `donors` are other valid files of its kind.
pub fn mutate(r: &mut Random, file: &Spans, donors: &[&Spans]) -> Vec<u8> {
    let places = if r.one_in(4) { 2 + r.below(3) } else { 1 };
    let mut edits: Vec<Edit> = vec![];
    for _ in 0..places {
        if let Some(edit) = edit(r, file, donors)
            && edits.iter().all(|(at, _)| at.end <= edit.0.start || edit.0.end <= at.start)
        {
            edits.push(edit);
        }
    }
    edits.sort_by_key(|e| (e.0.start, e.0.end));
    let mut out = Vec::with_capacity(file.bytes.len() + 64);
    let mut from = 0;
    for (at, new) in edits {
        out.extend_from_slice(&file.bytes[from..at.start]);
        out.extend(new);
        from = at.end;
    }
    out.extend_from_slice(&file.bytes[from..]);
    out
}

fn edit(r: &mut Random, file: &Spans, donors: &[&Spans]) -> Option<Edit> {
    match r.below(100) {
        // Every path is as likely as any other, so that a statement's few bytes are not lost among digests.
        0..45 => {
            let path = r.of(&file.by_path)?;
            let index = *r.of(path)?;
            leaf(r, file, index)
        }
        45..62 => {
            let index = r.below(file.leaves.len());
            leaf(r, file, index)
        }
        62..73 => sequence(r, file),
        73..88 => splice(r, file, donors),
        _ => Some(bytes(r, file)),
    }
}

/// The variable-length encoding of an unsigned integer.
fn varint(mut v: u64) -> Vec<u8> {
    let mut out = vec![];
    while v > 0x7f {
        out.push((v & 0x7f) as u8 | 0x80);
        v >>= 7;
    }
    out.push(v as u8);
    out
}

fn unvarint(bytes: &[u8]) -> u64 {
    bytes.iter().take(10).zip((0u32..).step_by(7)).fold(0, |v, (b, s)| v | u64::from(b & 0x7f).wrapping_shl(s))
}

fn unsigned(r: &mut Random, v: u64, bits: u32) -> u64 {
    let most = if bits >= 64 { u64::MAX } else { (1 << bits) - 1 };
    let power = 1u64 << r.below(bits as usize);
    match r.below(12) {
        0 => v.wrapping_add(1),
        1 => v.wrapping_sub(1),
        2 => v ^ power,
        3 => 0,
        4 => 1,
        5 => most,
        6 => most - 1,
        7 => power,
        8 => power - 1,
        9 => P.wrapping_add(r.below(3) as u64).wrapping_sub(1),
        10 => v.wrapping_mul(2),
        _ => r.bits(),
    }
}

fn signed(r: &mut Random, v: i64, bits: u32) -> i64 {
    let least = i64::MIN >> (64 - bits.min(64));
    let power = 1i64 << r.below(bits as usize - 1);
    match r.below(9) {
        0 => v.wrapping_add(1),
        1 => v.wrapping_sub(1),
        2 => v.wrapping_neg(),
        3 => 0,
        4 => least,
        5 => !least,
        6 => v ^ power,
        7 => power,
        _ => r.bits() as i64,
    }
}

/// Another value at one leaf.
fn leaf(r: &mut Random, file: &Spans, index: usize) -> Option<Edit> {
    let Leaf { path, of, at } = file.leaves.get(index)?;
    let old = file.bytes.get(at.clone())?;
    let new = match of {
        // The value of another leaf of the same path.
        _ if r.one_in(6) => {
            let other = *r.of(file.by_path.get(*path)?)?;
            file.bytes.get(file.leaves.get(other)?.at.clone())?.to_vec()
        }
        Type::Flag => vec![r.of(&[0, 1, 2, 0xff]).copied()?],
        Type::Byte => vec![unsigned(r, u64::from(*old.first()?), 8) as u8],
        Type::Unsigned(bits) => varint(unsigned(r, unvarint(old), *bits)),
        Type::Signed(bits) => {
            let v = unvarint(old);
            let v = signed(r, (v >> 1) as i64 ^ -((v & 1) as i64), *bits);
            varint(((v << 1) ^ (v >> 63)) as u64)
        }
        Type::Text => {
            let text = r.of(&TEXTS)?;
            [varint(text.len() as u64), text.to_vec()].concat()
        }
        Type::Length => varint(unsigned(r, unvarint(old), 64)),
        Type::Variant => varint(unsigned(r, unvarint(old), 3)),
    };
    Some((at.clone(), new))
}

/// Elements of one sequence removed, repeated, exchanged, its length kept in step.
fn sequence(r: &mut Random, file: &Spans) -> Option<Edit> {
    let s = r.of(&file.sequences)?;
    let mut elements: Vec<&[u8]> = s.elements.iter().filter_map(|e| file.bytes.get(e.clone())).collect();
    let n = elements.len();
    let (i, j) = (r.below(n), r.below(n));
    match r.below(8) {
        0 if n > 0 => drop(elements.remove(i)),
        1 if n > 0 => elements.insert(j, elements[i]),
        2 if n > 0 => elements.swap(i, j),
        3 => elements.truncate(i),
        4 => elements.clear(),
        5 if n > 0 => elements.rotate_left(i),
        6 if n > 0 => elements[i] = elements[j],
        // As many as twice the elements, or a thousand times the last one.
        _ => {
            let more = if r.one_in(10) { 1000 } else { 1 + r.below(n) };
            elements.extend(core::iter::repeat_n(*elements.get(j)?, more));
        }
    }
    let end = s.elements.last().map_or(s.length.end, |e| e.end);
    Some((s.length.start..end, [varint(elements.len() as u64), elements.concat()].concat()))
}

/// A part of this or another valid file, in the place of the part with the same path.
fn splice(r: &mut Random, file: &Spans, donors: &[&Spans]) -> Option<Edit> {
    let path = r.of(&file.node_paths)?;
    let at = r.of(file.nodes.get(path)?)?.clone();
    let donor = r.of(donors).copied().unwrap_or(file);
    let from = r.of(donor.nodes.get(path)?)?.clone();
    Some((at, donor.bytes.get(from)?.to_vec()))
}

/// Bytes as they come: bits, cuts, insertions, repetitions.
fn bytes(r: &mut Random, file: &Spans) -> Edit {
    let n = file.bytes.len();
    // The head and the statement are where decoders break.
    let start = if r.one_in(2) { r.below(n.min(HEAD + 400)) } else { r.below(n) };
    let end = (start + 1 + r.below(40)).min(n);
    let at = |from: usize, len: usize| file.bytes.get(from..(from + len).min(n)).unwrap_or_default().to_vec();
    let random = |r: &mut Random, len: usize| (0..len).map(|_| r.bits() as u8).collect::<Vec<u8>>();
    match r.below(7) {
        0 | 1 => (start..start + 1, vec![file.bytes.get(start).copied().unwrap_or(0) ^ (1 << r.below(8))]),
        2 => (start..n, vec![]),
        3 => (start..end, vec![]),
        4 => (start..start, random(r, end - start)),
        5 => (start..end, random(r, end - start)),
        _ => {
            let from = r.below(n);
            (start..start, at(from, 1 + r.below(64)))
        }
    }
}
