//! Canonical digests: SHA-256 over fixed-width big-endian fields, lengths in front of every sequence.
//!
//! One encoding per value: integers big-endian at their own width, `bool` and enum tags as one and four bytes,
//! sequences, strings and byte strings behind a u64 length, structs as their fields in order, `Option` as a tag byte.
//! Floating-point numbers have no encoding. A contract can recompute every digest (protocol.md, decision 14).
use alloc::vec::Vec;
use serde::ser::{self, Serialize};
use sha2::{Digest, Sha256};

/// A value has no canonical encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a value of this type has no canonical encoding")]
pub struct NoEncoding;

impl ser::Error for NoEncoding {
    fn custom<T: core::fmt::Display>(_: T) -> Self {
        Self
    }
}

/// SHA-256 of a label and a value's canonical encoding.
///
/// # Errors
/// [`NoEncoding`] for values that hold floats, chars or maps.
pub fn digest<T: Serialize>(label: &str, value: &T) -> Result<[u8; 32], NoEncoding> {
    let mut e = Encoder { out: Vec::new() };
    label.serialize(&mut e)?;
    value.serialize(&mut e)?;
    Ok(Sha256::digest(&e.out).into())
}

struct Encoder {
    out: Vec<u8>,
}

impl Encoder {
    fn length(&mut self, n: usize) {
        self.out.extend_from_slice(&(n as u64).to_be_bytes());
    }
}

macro_rules! integers {
    ($($f:ident: $t:ty),*) => {
        $(fn $f(self, v: $t) -> Result<(), NoEncoding> {
            self.out.extend_from_slice(&v.to_be_bytes());
            Ok(())
        })*
    };
}

impl ser::Serializer for &mut Encoder {
    type Ok = ();
    type Error = NoEncoding;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = ser::Impossible<(), NoEncoding>;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    integers!(serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
              serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64);

    fn is_human_readable(&self) -> bool {
        false
    }
    fn serialize_bool(self, v: bool) -> Result<(), NoEncoding> {
        self.out.push(u8::from(v));
        Ok(())
    }
    fn serialize_f32(self, _: f32) -> Result<(), NoEncoding> {
        Err(NoEncoding)
    }
    fn serialize_f64(self, _: f64) -> Result<(), NoEncoding> {
        Err(NoEncoding)
    }
    fn serialize_char(self, _: char) -> Result<(), NoEncoding> {
        Err(NoEncoding)
    }
    fn serialize_str(self, v: &str) -> Result<(), NoEncoding> {
        self.serialize_bytes(v.as_bytes())
    }
    fn serialize_bytes(self, v: &[u8]) -> Result<(), NoEncoding> {
        self.length(v.len());
        self.out.extend_from_slice(v);
        Ok(())
    }
    fn serialize_none(self) -> Result<(), NoEncoding> {
        self.out.push(0);
        Ok(())
    }
    fn serialize_some<T: ?Sized + Serialize>(self, v: &T) -> Result<(), NoEncoding> {
        self.out.push(1);
        v.serialize(self)
    }
    fn serialize_unit(self) -> Result<(), NoEncoding> {
        Ok(())
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), NoEncoding> {
        Ok(())
    }
    fn serialize_unit_variant(self, _: &'static str, index: u32, _: &'static str) -> Result<(), NoEncoding> {
        self.serialize_u32(index)
    }
    fn serialize_newtype_struct<T: ?Sized + Serialize>(self, _: &'static str, v: &T) -> Result<(), NoEncoding> {
        v.serialize(self)
    }
    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        v: &T,
    ) -> Result<(), NoEncoding> {
        self.out.extend_from_slice(&index.to_be_bytes());
        v.serialize(self)
    }
    fn serialize_seq(self, len: Option<usize>) -> Result<Self, NoEncoding> {
        self.length(len.ok_or(NoEncoding)?);
        Ok(self)
    }
    fn serialize_tuple(self, _: usize) -> Result<Self, NoEncoding> {
        Ok(self)
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, NoEncoding> {
        Ok(self)
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, NoEncoding> {
        self.out.extend_from_slice(&index.to_be_bytes());
        Ok(self)
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, NoEncoding> {
        Err(NoEncoding)
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, NoEncoding> {
        Ok(self)
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, NoEncoding> {
        self.out.extend_from_slice(&index.to_be_bytes());
        Ok(self)
    }
}

macro_rules! compound {
    ($($t:ident $m:ident),*) => {
        $(impl ser::$t for &mut Encoder {
            type Ok = ();
            type Error = NoEncoding;
            fn $m<T: ?Sized + Serialize>(&mut self, v: &T) -> Result<(), NoEncoding> {
                v.serialize(&mut **self)
            }
            fn end(self) -> Result<(), NoEncoding> {
                Ok(())
            }
        })*
    };
}
compound!(SerializeSeq serialize_element, SerializeTuple serialize_element, SerializeTupleStruct serialize_field,
          SerializeTupleVariant serialize_field);

macro_rules! named {
    ($($t:ident),*) => {
        $(impl ser::$t for &mut Encoder {
            type Ok = ();
            type Error = NoEncoding;
            fn serialize_field<T: ?Sized + Serialize>(&mut self, _: &'static str, v: &T) -> Result<(), NoEncoding> {
                v.serialize(&mut **self)
            }
            fn end(self) -> Result<(), NoEncoding> {
                Ok(())
            }
        })*
    };
}
named!(SerializeStruct, SerializeStructVariant);
