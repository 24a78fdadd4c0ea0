//! Proof files: `b"tacit\0"`, format version, kind, body; one canonical encoding, nothing behind it.
//!
//! A decoded body is encoded again and compared, so that two files never mean the same proof.
use alloc::vec::Vec;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// First bytes of every file.
pub const MAGIC: &[u8; 6] = b"tacit\0";
/// Version of the wire format.
pub const FORMAT_VERSION: u16 = 1;
/// Longest file that a verifier reads, in bytes.
pub const MAX_BYTES: usize = 1 << 30;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A data commitment: record and validity proof.
    Data = 1,
    /// A run's proof.
    Run = 2,
    /// A release: rounded weights and their proof.
    Release = 3,
    /// A model's record.
    Model = 4,
    /// A run's statement, before it is proven.
    Statement = 5,
    /// One chunk of a run.
    Chunk = 6,
    /// A statement about a model.
    Report = 7,
    /// A statement that two commitments hold the same content.
    Link = 8,
}

/// What a file of a kind is called.
#[must_use]
pub const fn kind_words(kind: u8) -> &'static str {
    match kind {
        1 => "a data commitment",
        2 => "the proof of a run",
        3 => "the proof of a release",
        4 => "the record of a model",
        5 => "the statement of a run",
        6 => "the proof of one chunk of a run",
        7 => "a report",
        8 => "a link of two commitments",
        _ => "a file of an unknown kind",
    }
}

/// The bytes are not a file of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// Too short or another magic.
    #[error("this is not a tacit file")]
    NotOurs,
    /// Another format version.
    #[error("the file has format version {got}, this build reads {FORMAT_VERSION}")]
    Version {
        /// In the file.
        got: u16,
    },
    /// Another kind of file.
    #[error("this is {}, not {}", kind_words(*got), kind_words(*expected as u8))]
    Kind {
        /// In the file.
        got: u8,
        /// What was asked for.
        expected: Kind,
    },
    /// The body cannot be decoded.
    #[error("the file is truncated or damaged")]
    Damaged,
    /// Bytes behind the body.
    #[error("{extra} bytes follow the end of the proof")]
    TrailingBytes {
        /// How many.
        extra: usize,
    },
    /// Another encoding of the same proof.
    #[error("the file is not in canonical encoding")]
    NotCanonical,
    /// Longer than any proof.
    #[error("the file has {got} bytes, more than {MAX_BYTES}")]
    TooLong {
        /// Its length.
        got: usize,
    },
}

/// Encodes a body.
///
/// # Errors
/// [`FileError::Damaged`] if the body has no encoding, never for our own types.
pub fn encode<T: Serialize>(kind: Kind, body: &T) -> Result<Vec<u8>, FileError> {
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(&FORMAT_VERSION.to_be_bytes());
    out.push(kind as u8);
    postcard::to_extend(body, out).map_err(|_| FileError::Damaged)
}

/// The kind of a file.
///
/// # Errors
/// [`FileError::NotOurs`] or [`FileError::Version`].
pub fn kind(bytes: &[u8]) -> Result<u8, FileError> {
    if bytes.len() > MAX_BYTES {
        return Err(FileError::TooLong { got: bytes.len() });
    }
    let rest = bytes.strip_prefix(MAGIC.as_slice()).ok_or(FileError::NotOurs)?;
    let (&[high, low], rest) = rest.split_first_chunk().ok_or(FileError::NotOurs)?;
    let got = u16::from_be_bytes([high, low]);
    if got != FORMAT_VERSION {
        return Err(FileError::Version { got });
    }
    rest.first().copied().ok_or(FileError::NotOurs)
}

/// Decodes a file of one kind.
///
/// # Errors
/// A [`FileError`] naming what is wrong.
pub fn decode<T: Serialize + DeserializeOwned>(expected: Kind, bytes: &[u8]) -> Result<T, FileError> {
    let got = kind(bytes)?;
    if got != expected as u8 {
        return Err(FileError::Kind { got, expected });
    }
    let body = bytes.get(MAGIC.len() + 3..).ok_or(FileError::Damaged)?;
    let (value, rest) = postcard::take_from_bytes::<T>(body).map_err(|_| FileError::Damaged)?;
    if !rest.is_empty() {
        return Err(FileError::TrailingBytes { extra: rest.len() });
    }
    match postcard::serialize_with_flavor(&value, Compared { rest: body }) {
        Ok([]) => Ok(value),
        Ok(_) | Err(postcard::Error::SerializeBufferFull) => Err(FileError::NotCanonical),
        Err(_) => Err(FileError::Damaged),
    }
}

/// Where a value is encoded again: it keeps nothing, and refuses the first byte that is not the file's.
struct Compared<'a> {
    rest: &'a [u8],
}

impl<'a> postcard::ser_flavors::Flavor for Compared<'a> {
    type Output = &'a [u8];

    // Digests come byte by byte.
    #[inline]
    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        match self.rest.split_first() {
            Some((&first, rest)) if first == byte => {
                self.rest = rest;
                Ok(())
            }
            _ => Err(postcard::Error::SerializeBufferFull),
        }
    }

    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.rest = self.rest.strip_prefix(bytes).ok_or(postcard::Error::SerializeBufferFull)?;
        Ok(())
    }

    fn finalize(self) -> postcard::Result<&'a [u8]> {
        Ok(self.rest)
    }
}
