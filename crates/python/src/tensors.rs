//! A safetensors file holds the weights of a release, or of a public model: every tensor under its name, in PyTorch's layout, bit for bit,
//! and no tensor more.
//!
//! Readers disagree about headers that name a tensor twice, so such a file could be one model here and another one
//! elsewhere: it is refused.
use crate::errors::Failed;
use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use std::collections::BTreeSet;
use std::fmt;
use tacit_training::config::RunConfig;
use tacit_training::release::{LayerNames, ReleaseStatement};

/// Longest header that is parsed: 128 tensors of the longest names take less than a fifth of it.
const MAX_HEADER: usize = 1 << 20;
/// Where a file keeps its metadata.
const METADATA: &str = "__metadata__";

/// The names in a header, and where its last tensor ends.
struct Header {
    names: BTreeSet<String>,
    metadata: bool,
    end: u64,
}

#[derive(Deserialize)]
struct Span {
    data_offsets: (u64, u64),
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = Header;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of tensors")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
                let mut header = Header { names: BTreeSet::new(), metadata: false, end: 0 };
                while let Some(name) = map.next_key::<String>()? {
                    let again = if name == METADATA {
                        map.next_value::<IgnoredAny>()?;
                        std::mem::replace(&mut header.metadata, true)
                    } else {
                        header.end = header.end.max(map.next_value::<Span>()?.data_offsets.1);
                        !header.names.insert(name.clone())
                    };
                    if again {
                        return Err(A::Error::custom(format!("{name:?} stands twice in the header")));
                    }
                }
                Ok(header)
            }
        }
        d.deserialize_map(Names)
    }
}

/// The header, and the file as its tensors.
fn parse(file: &[u8]) -> Result<(Header, SafeTensors<'_>), Failed> {
    let damaged = |why: String| Failed::unreadable("format", format!("not a safetensors file: {why}"));
    let short = || Failed::unreadable("truncated", "the file ends before its header does");
    let (length, rest) = file.split_first_chunk::<8>().ok_or_else(short)?;
    let length = u64::from_le_bytes(*length);
    let Some(length) = usize::try_from(length).ok().filter(|&n| n <= MAX_HEADER) else {
        return Err(damaged(format!("its header has {length} bytes, more than {MAX_HEADER}")));
    };
    let (text, data) = rest.split_at_checked(length).ok_or_else(short)?;
    let header: Header = serde_json::from_slice(text).map_err(|e| damaged(e.to_string()))?;
    let got = data.len() as u64;
    if got < header.end {
        let message = format!("the file ends {} bytes before its last tensor", header.end - got);
        return Err(Failed::unreadable("truncated", message));
    }
    if got > header.end {
        return Err(Failed::unreadable("trailing", format!("{} bytes follow the last tensor", got - header.end)));
    }
    let tensors = SafeTensors::deserialize(file).map_err(|e| damaged(e.to_string()))?;
    Ok((header, tensors))
}

/// A released weight as float32, if it is one.
pub fn float(weight: i64, bits: u32) -> Option<f32> {
    let near = weight as f32;
    // Dividing by a power of two is exact.
    (near as i128 == i128::from(weight)).then(|| near / (1u64 << bits) as f32)
}

/// One tensor as the release has it: rows of `columns` entries, entry (j, k) being weight `first + k stride + j`.
struct Expected<'a> {
    name: &'a str,
    shape: Vec<usize>,
    first: usize,
    stride: usize,
}

impl Expected<'_> {
    fn reject(&self, check: &str, message: String) -> Failed {
        Failed::rejected("model", check, format!("tensor {:?} {message}", self.name))
    }

    /// The tensor's bytes, once name, type and shape are as expected.
    fn find<'f>(&self, tensors: &SafeTensors<'f>) -> Result<&'f [u8], Failed> {
        let found = tensors.tensor(self.name);
        let tensor = found.map_err(|_| self.reject("ModelTensorMissing", "is not in the file".into()))?;
        if tensor.dtype() != Dtype::F32 {
            return Err(self.reject("ModelTensorType", format!("is {:?}, the release is F32", tensor.dtype())));
        }
        if tensor.shape() != self.shape {
            let message = format!("has shape {:?}, the release {:?}", tensor.shape(), self.shape);
            return Err(self.reject("ModelTensorShape", message));
        }
        Ok(tensor.data())
    }

    /// Writes the entries as integers with `bits` fractional bits; refuses those that are none.
    fn read(&self, data: &[u8], weights: &mut [i64], bits: u32) -> Result<(), Failed> {
        let columns = self.shape.get(1).copied().unwrap_or(1);
        for (at, got) in data.as_chunks::<4>().0.iter().enumerate() {
            let value = f32::from_le_bytes(*got);
            // Multiplying by a power of two is exact in float64, and every float32 is one.
            let scaled = f64::from(value) * (1u64 << bits.min(62)) as f64;
            let whole = scaled as i64;
            let place = weights.get_mut(self.first + (at % columns) * self.stride + at / columns);
            match (float(whole, bits), place) {
                (Some(same), Some(place)) if same.to_le_bytes() == *got => *place = whole,
                _ => {
                    let message = format!("entry {at} is {value}, no integer over 2^{bits}");
                    return Err(self.reject("ModelTensorPrecision", message));
                }
            }
        }
        Ok(())
    }

    fn compare(&self, data: &[u8], weights: &[i64], bits: u32) -> Result<(), Failed> {
        let columns = self.shape.get(1).copied().unwrap_or(1);
        for (at, got) in data.as_chunks::<4>().0.iter().enumerate() {
            let (j, k) = (at / columns, at % columns);
            let weight = weights.get(self.first + k * self.stride + j).copied().unwrap_or(i64::MAX);
            let Some(expected) = float(weight, bits) else {
                let message = format!("entry {at} is {weight}/2^{bits} in the release: no float32 is");
                return Err(self.reject("ModelTensorPrecision", message));
            };
            if *got != expected.to_le_bytes() {
                let message = format!("entry {at} is {}, the release has {expected}", f32::from_le_bytes(*got));
                return Err(self.reject("ModelTensorValue", message));
            }
        }
        Ok(())
    }
}

/// Every tensor of a model; a bias is the last row of its layer's matrix.
fn expected<'a>(config: &RunConfig, names: &'a [LayerNames]) -> Vec<Expected<'a>> {
    let mut out = Vec::new();
    for (l, (layer, (weight, bias))) in config.architecture.layers.iter().zip(names).enumerate() {
        let (inputs, outputs) = (layer.inputs as usize, layer.outputs as usize);
        let first = config.weight_offset(l);
        out.push(Expected { name: weight, shape: vec![outputs, inputs], first, stride: outputs });
        if let Some(name) = bias {
            out.push(Expected { name, shape: vec![outputs], first: first + inputs * outputs, stride: outputs });
        }
    }
    out
}

/// The bytes of the tensors that are expected, if the file has these and no other.
fn found<'f>(expected: &[Expected<'_>], header: &Header, tensors: &SafeTensors<'f>) -> Result<Vec<&'f [u8]>, Failed> {
    let found = expected.iter().map(|e| e.find(tensors)).collect::<Result<Vec<_>, _>>()?;
    if let Some(name) = header.names.iter().find(|n| expected.iter().all(|e| e.name != n.as_str())) {
        let message = format!("tensor {name:?} is not in the release");
        return Err(Failed::rejected("model", "ModelTensorUnknown", message));
    }
    Ok(found)
}

/// The weights in a file of exactly these tensors, as integers with `bits` fractional bits, in the order of a release;
/// and whether the file has metadata as well. `config` is valid and has these names.
pub fn read_tensors(
    file: &[u8],
    config: &RunConfig,
    names: &[LayerNames],
    bits: u32,
) -> Result<(Vec<i64>, bool), Failed> {
    let (header, tensors) = parse(file)?;
    let expected = expected(config, names);
    let found = found(&expected, &header, &tensors)?;
    let mut weights = vec![0; config.weight_count()];
    for (e, data) in expected.iter().zip(found) {
        e.read(data, &mut weights, bits)?;
    }
    Ok((weights, header.metadata))
}

/// Compares a file with a verified release; returns whether the file has metadata as well.
pub fn check_tensors(file: &[u8], config: &RunConfig, statement: &ReleaseStatement) -> Result<bool, Failed> {
    let (header, tensors) = parse(file)?;
    let expected = expected(config, &statement.names);
    let found = found(&expected, &header, &tensors)?;
    for (e, data) in expected.iter().zip(found) {
        e.compare(data, &statement.weights, statement.bits)?;
    }
    Ok(header.metadata)
}
