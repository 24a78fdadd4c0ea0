//! Walks a value as the wire format writes it: every byte under the path of the field that it belongs to.
#![allow(dead_code)]
use serde::ser::{self, Serialize};
use std::collections::BTreeMap;
use std::fmt;

pub mod list;

/// Leaves in the order of the wire: path, bytes. Elements of sequences, arrays and tuples are `*`; a length, an
/// option's or a variant's tag is a leaf of its own, `len`, `some`, `variant`.
pub fn leaves<T: Serialize>(value: &T) -> Vec<(String, Vec<u8>)> {
    let mut w = Walker::default();
    value.serialize(&mut w).expect("every type of ours is on the wire");
    assert!(w.bytes() == postcard::to_allocvec(value).expect("an encoding"), "the walk is the wire format");
    w.out
}

/// The value of the longest prefix of a path in a table.
pub fn longest<'t, V>(table: &'t [(&'static str, V)], path: &str) -> Option<&'t (&'static str, V)> {
    let under = |k: &str| path == k || (path.starts_with(k) && path[k.len()..].starts_with('.'));
    table.iter().filter(|(k, _)| under(k)).max_by_key(|(k, _)| k.len())
}

/// Bytes per class; fails on a leaf without one and on rows that no leaf needs.
pub fn classify<V: Copy + Ord + fmt::Debug>(
    leaves: &[(String, Vec<u8>)],
    table: &[(&'static str, V)],
) -> Result<BTreeMap<V, Vec<u8>>, String> {
    let (mut out, mut used) = (BTreeMap::<V, Vec<u8>>::new(), vec![false; table.len()]);
    for (path, bytes) in leaves {
        let (key, class) = longest(table, path).ok_or_else(|| format!("{path} is in no class"))?;
        used[table.iter().position(|r| r.0 == *key).unwrap_or_default()] = true;
        out.entry(*class).or_default().extend(bytes);
    }
    match used.iter().position(|u| !u) {
        Some(k) => Err(format!("no field needs the row {}", table[k].0)),
        None => Ok(out),
    }
}

#[derive(Default)]
struct Walker {
    path: Vec<String>,
    out: Vec<(String, Vec<u8>)>,
}

impl Walker {
    fn bytes(&self) -> Vec<u8> {
        self.out.iter().flat_map(|l| l.1.clone()).collect()
    }
    fn leaf<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        let bytes = postcard::to_allocvec(value).map_err(|_| Refused)?;
        self.out.push((self.path.join("."), bytes));
        Ok(())
    }
    fn under<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), Refused> {
        self.path.push(key.to_string());
        let done = value.serialize(&mut *self);
        self.path.pop();
        done
    }
    fn mark<T: Serialize>(&mut self, key: &str, value: T) -> Result<(), Refused> {
        self.path.push(key.to_string());
        let done = self.leaf(&value);
        self.path.pop();
        done
    }
}

#[derive(Debug)]
struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no such type on the wire")
    }
}
impl std::error::Error for Refused {}
impl ser::Error for Refused {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

macro_rules! plain {
    ($($name:ident: $t:ty),*) => {
        $(fn $name(self, v: $t) -> Result<(), Refused> { self.leaf(&v) })*
    };
}

/// A sequence, or the fields of a variant: pops what the opening pushed.
struct Parts<'w> {
    walker: &'w mut Walker,
    pop: bool,
}

impl Parts<'_> {
    fn close(self) -> Result<(), Refused> {
        if self.pop {
            self.walker.path.pop();
        }
        Ok(())
    }
}

macro_rules! elements {
    ($($trait:ident $method:ident),*) => {
        $(impl ser::$trait for Parts<'_> {
            type Ok = ();
            type Error = Refused;
            fn $method<T: Serialize + ?Sized>(&mut self, v: &T) -> Result<(), Refused> {
                self.walker.under("*", v)
            }
            fn end(self) -> Result<(), Refused> { self.close() }
        })*
    };
}
elements!(
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field
);

macro_rules! fields {
    ($($trait:ident),*) => {
        $(impl ser::$trait for Parts<'_> {
            type Ok = ();
            type Error = Refused;
            fn serialize_field<T: Serialize + ?Sized>(&mut self, k: &'static str, v: &T) -> Result<(), Refused> {
                self.walker.under(k, v)
            }
            fn end(self) -> Result<(), Refused> { self.close() }
        })*
    };
}
fields!(SerializeStruct, SerializeStructVariant);

impl<'w> ser::Serializer for &'w mut Walker {
    type Ok = ();
    type Error = Refused;
    type SerializeSeq = Parts<'w>;
    type SerializeTuple = Parts<'w>;
    type SerializeTupleStruct = Parts<'w>;
    type SerializeTupleVariant = Parts<'w>;
    type SerializeMap = ser::Impossible<(), Refused>;
    type SerializeStruct = Parts<'w>;
    type SerializeStructVariant = Parts<'w>;

    fn is_human_readable(&self) -> bool {
        false
    }

    plain!(serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_char: char,
        serialize_i128: i128, serialize_u128: u128, serialize_str: &str);

    fn serialize_f32(self, _: f32) -> Result<(), Refused> {
        Err(Refused)
    }
    fn serialize_f64(self, _: f64) -> Result<(), Refused> {
        Err(Refused)
    }
    fn serialize_bytes(self, v: &[u8]) -> Result<(), Refused> {
        self.leaf(v)
    }
    fn serialize_none(self) -> Result<(), Refused> {
        self.mark("some", false)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, v: &T) -> Result<(), Refused> {
        self.mark("some", true)?;
        v.serialize(self)
    }
    fn serialize_unit(self) -> Result<(), Refused> {
        Ok(())
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Refused> {
        Ok(())
    }
    fn serialize_unit_variant(self, _: &'static str, index: u32, _: &'static str) -> Result<(), Refused> {
        self.mark("variant", index)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, v: &T) -> Result<(), Refused> {
        v.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        index: u32,
        variant: &'static str,
        v: &T,
    ) -> Result<(), Refused> {
        self.mark("variant", index)?;
        self.under(variant, v)
    }
    fn serialize_seq(self, len: Option<usize>) -> Result<Parts<'w>, Refused> {
        self.mark("len", len.ok_or(Refused)?)?;
        Ok(Parts { walker: self, pop: false })
    }
    fn serialize_tuple(self, _: usize) -> Result<Parts<'w>, Refused> {
        Ok(Parts { walker: self, pop: false })
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Parts<'w>, Refused> {
        Ok(Parts { walker: self, pop: false })
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        index: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'w>, Refused> {
        self.mark("variant", index)?;
        self.path.push(variant.to_string());
        Ok(Parts { walker: self, pop: true })
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Refused> {
        Err(Refused)
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Parts<'w>, Refused> {
        Ok(Parts { walker: self, pop: false })
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        index: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'w>, Refused> {
        self.mark("variant", index)?;
        self.path.push(variant.to_string());
        Ok(Parts { walker: self, pop: true })
    }
}
