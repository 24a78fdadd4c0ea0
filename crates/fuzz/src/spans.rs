//! Where every value of a file stands: leaves with their types, sequences with their elements, and subtrees by their
//! paths, as byte ranges of the wire format.
use serde::ser::{self, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::ops::Range;
use tacit_training::file::MAGIC;

/// Bytes before the body of a file: magic, format version, kind.
pub const HEAD: usize = MAGIC.len() + 3;

/// What a leaf holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// One byte: a flag, or a tag of an option.
    Flag,
    /// A plain byte.
    Byte,
    /// An unsigned integer of so many bits, as a variable-length integer: field elements too.
    Unsigned(u32),
    /// A signed one.
    Signed(u32),
    /// A text behind its length.
    Text,
    /// The length of a sequence.
    Length,
    /// The index of a variant.
    Variant,
}

/// One leaf.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// Index of its path in [`Spans::paths`].
    pub path: usize,
    /// Its type.
    pub of: Type,
    /// Its bytes.
    pub at: Range<usize>,
}

/// One sequence.
#[derive(Clone, Debug)]
pub struct Sequence {
    /// The bytes of its length.
    pub length: Range<usize>,
    /// The bytes of its elements.
    pub elements: Vec<Range<usize>>,
}

/// A file taken apart.
#[derive(Clone, Debug, Default)]
pub struct Spans {
    /// The file.
    pub bytes: Vec<u8>,
    /// All paths; elements of sequences, arrays and tuples are `*`.
    pub paths: Vec<String>,
    /// Leaves in the order of the file.
    pub leaves: Vec<Leaf>,
    /// Per path, its leaves.
    pub by_path: Vec<Vec<usize>>,
    /// Sequences.
    pub sequences: Vec<Sequence>,
    /// Subtrees by path.
    pub nodes: BTreeMap<String, Vec<Range<usize>>>,
    /// The paths of subtrees.
    pub node_paths: Vec<String>,
    tree: Tree,
}

/// The paths met so far as a tree, so that no path is written out for every byte of a file.
#[derive(Clone, Debug, Default)]
struct Tree {
    /// Per node but the root, which is 0: its parent, its key.
    nodes: Vec<(usize, &'static str)>,
    children: HashMap<(usize, &'static str), usize>,
    /// Where the walk is.
    at: usize,
    /// Per node, its subtrees in the file.
    ranges: Vec<Vec<Range<usize>>>,
    /// Per node, its index in [`Spans::paths`].
    leaves: HashMap<usize, usize>,
}

impl Tree {
    fn push(&mut self, key: &'static str) {
        let (parent, new) = (self.at, self.nodes.len() + 1);
        self.at = *self.children.entry((parent, key)).or_insert(new);
        if self.at == new {
            self.nodes.push((parent, key));
            self.ranges.push(vec![]);
        }
    }
    fn pop(&mut self) {
        self.at = self.at.checked_sub(1).map_or(0, |i| self.nodes[i].0);
    }
    /// The range of the node where the walk is.
    fn mark(&mut self, range: Range<usize>) {
        if let Some(i) = self.at.checked_sub(1) {
            self.ranges[i].push(range);
        }
    }
    fn name(&self, mut node: usize) -> String {
        let mut keys = vec![];
        while let Some(i) = node.checked_sub(1) {
            keys.push(self.nodes[i].1);
            node = self.nodes[i].0;
        }
        keys.reverse();
        keys.join(".")
    }
}

impl Spans {
    /// Takes a body apart; `head` is what stands before it in the file.
    ///
    /// # Panics
    /// If the body holds a type that files do not have.
    pub fn new<T: Serialize>(head: &[u8], body: &T) -> Self {
        let mut out = Self { bytes: head.to_vec(), ..Self::default() };
        body.serialize(&mut Walker { spans: &mut out }).expect("every type of ours is on the wire");
        for (i, ranges) in core::mem::take(&mut out.tree.ranges).into_iter().enumerate() {
            if !ranges.is_empty() {
                out.nodes.insert(out.tree.name(i + 1), ranges);
            }
        }
        out.node_paths = out.nodes.keys().cloned().collect();
        out
    }

    fn leaf<T: Serialize + ?Sized>(&mut self, of: Type, value: &T) -> Result<Range<usize>, Refused> {
        let start = self.bytes.len();
        self.bytes = postcard::to_extend(value, core::mem::take(&mut self.bytes)).map_err(|_| Refused)?;
        let at = start..self.bytes.len();
        let new = self.paths.len();
        let path = *self.tree.leaves.entry(self.tree.at).or_insert(new);
        if path == new {
            self.paths.push(self.tree.name(self.tree.at));
            self.by_path.push(vec![]);
        }
        self.by_path[path].push(self.leaves.len());
        self.leaves.push(Leaf { path, of, at: at.clone() });
        Ok(at)
    }
}

struct Walker<'s> {
    spans: &'s mut Spans,
}

impl Walker<'_> {
    fn under<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<Range<usize>, Refused> {
        self.spans.tree.push(key);
        let start = self.spans.bytes.len();
        value.serialize(&mut Walker { spans: self.spans })?;
        let at = start..self.spans.bytes.len();
        self.spans.tree.mark(at.clone());
        self.spans.tree.pop();
        Ok(at)
    }
    fn mark<T: Serialize>(&mut self, key: &'static str, of: Type, value: T) -> Result<Range<usize>, Refused> {
        self.spans.tree.push(key);
        let at = self.spans.leaf(of, &value);
        self.spans.tree.pop();
        at
    }
}

/// A type that files do not have.
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

/// The parts of a sequence, a struct or a variant.
struct Parts<'s> {
    walker: Walker<'s>,
    /// The sequence that the parts belong to.
    sequence: Option<Sequence>,
    /// Whether a variant's name is to be taken off the path.
    named: bool,
}

impl Parts<'_> {
    fn close(self) -> Result<(), Refused> {
        self.walker.spans.sequences.extend(self.sequence);
        if self.named {
            self.walker.spans.tree.pop();
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
                let at = self.walker.under("*", v)?;
                if let Some(s) = &mut self.sequence {
                    s.elements.push(at);
                }
                Ok(())
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
                self.walker.under(k, v).map(|_| ())
            }
            fn end(self) -> Result<(), Refused> { self.close() }
        })*
    };
}
fields!(SerializeStruct, SerializeStructVariant);

macro_rules! plain {
    ($($name:ident: $t:ty = $of:expr),*) => {
        $(fn $name(self, v: $t) -> Result<(), Refused> { self.spans.leaf($of, &v).map(|_| ()) })*
    };
}

impl<'s> ser::Serializer for &'s mut Walker<'_> {
    type Ok = ();
    type Error = Refused;
    type SerializeSeq = Parts<'s>;
    type SerializeTuple = Parts<'s>;
    type SerializeTupleStruct = Parts<'s>;
    type SerializeTupleVariant = Parts<'s>;
    type SerializeMap = ser::Impossible<(), Refused>;
    type SerializeStruct = Parts<'s>;
    type SerializeStructVariant = Parts<'s>;

    fn is_human_readable(&self) -> bool {
        false
    }

    plain!(serialize_bool: bool = Type::Flag, serialize_i8: i8 = Type::Byte, serialize_i16: i16 = Type::Signed(16),
        serialize_i32: i32 = Type::Signed(32), serialize_i64: i64 = Type::Signed(64), serialize_u8: u8 = Type::Byte,
        serialize_u16: u16 = Type::Unsigned(16), serialize_u32: u32 = Type::Unsigned(32),
        serialize_u64: u64 = Type::Unsigned(64), serialize_str: &str = Type::Text, serialize_bytes: &[u8] = Type::Text);

    fn serialize_char(self, _: char) -> Result<(), Refused> {
        Err(Refused)
    }
    fn serialize_f32(self, _: f32) -> Result<(), Refused> {
        Err(Refused)
    }
    fn serialize_f64(self, _: f64) -> Result<(), Refused> {
        Err(Refused)
    }
    fn serialize_none(self) -> Result<(), Refused> {
        self.mark("some", Type::Flag, false).map(|_| ())
    }
    fn serialize_some<T: Serialize + ?Sized>(self, v: &T) -> Result<(), Refused> {
        self.mark("some", Type::Flag, true)?;
        v.serialize(self)
    }
    fn serialize_unit(self) -> Result<(), Refused> {
        Ok(())
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Refused> {
        Ok(())
    }
    fn serialize_unit_variant(self, _: &'static str, index: u32, _: &'static str) -> Result<(), Refused> {
        self.mark("variant", Type::Variant, index).map(|_| ())
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
        self.mark("variant", Type::Variant, index)?;
        self.under(variant, v).map(|_| ())
    }
    fn serialize_seq(self, len: Option<usize>) -> Result<Parts<'s>, Refused> {
        let length = self.mark("len", Type::Length, len.ok_or(Refused)?)?;
        let sequence = Some(Sequence { length, elements: vec![] });
        Ok(Parts { walker: Walker { spans: self.spans }, sequence, named: false })
    }
    fn serialize_tuple(self, _: usize) -> Result<Parts<'s>, Refused> {
        Ok(Parts { walker: Walker { spans: self.spans }, sequence: None, named: false })
    }
    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Parts<'s>, Refused> {
        self.serialize_tuple(len)
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        index: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'s>, Refused> {
        self.mark("variant", Type::Variant, index)?;
        self.spans.tree.push(variant);
        Ok(Parts { walker: Walker { spans: self.spans }, sequence: None, named: true })
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Refused> {
        Err(Refused)
    }
    fn serialize_struct(self, _: &'static str, len: usize) -> Result<Parts<'s>, Refused> {
        self.serialize_tuple(len)
    }
    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Parts<'s>, Refused> {
        self.serialize_tuple_variant(name, index, variant, len)
    }
}
