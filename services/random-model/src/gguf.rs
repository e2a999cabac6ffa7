//! A GGUF file of version 3: header, metadata, tensor table, padding, tensors.
//!
//! The tensors' numbers are not here: they are written behind the header, one after the other (`weights`).

use super::weights::{Fill, TensorType};

/// Tensors begin at multiples of this, as the format has it where a file does not say otherwise.
pub(super) const ALIGNMENT: usize = 32;

/// Type numbers of the format.
const U32: u32 = 4;
const I32: u32 = 5;
const F32: u32 = 6;
const BOOL: u32 = 7;
const STRING: u32 = 8;
const ARRAY: u32 = 9;

/// A tensor that will stand in the file.
#[derive(Debug)]
pub(super) struct Tensor {
    name: String,
    shape: Vec<u64>,
    pub(super) kind: TensorType,
    pub(super) fill: Fill,
}

impl Tensor {
    pub(super) fn new(name: String, shape: &[u64], kind: TensorType, fill: Fill) -> Self {
        Self {
            name,
            shape: shape.to_vec(),
            kind,
            fill,
        }
    }

    /// Returns how many numbers it holds.
    pub(super) fn numbers(&self) -> u64 {
        self.shape.iter().product()
    }

    /// Returns its bytes together with the padding behind them.
    pub(super) fn bytes_padded(&self) -> u64 {
        self.kind
            .bytes(self.numbers())
            .next_multiple_of(ALIGNMENT as u64)
    }
}

/// The metadata of a file.
#[derive(Debug, Default)]
pub(super) struct Header {
    entries: u64,
    metadata: Vec<u8>,
}

impl Header {
    pub(super) fn text(&mut self, key: &str, value: &str) {
        self.entry(key, STRING);
        put_text(&mut self.metadata, value);
    }

    pub(super) fn number(&mut self, key: &str, value: u32) {
        self.entry(key, U32);
        self.metadata.extend(value.to_le_bytes());
    }

    pub(super) fn float(&mut self, key: &str, value: f32) {
        self.entry(key, F32);
        self.metadata.extend(value.to_le_bytes());
    }

    pub(super) fn flag(&mut self, key: &str, value: bool) {
        self.entry(key, BOOL);
        self.metadata.push(u8::from(value));
    }

    pub(super) fn texts(&mut self, key: &str, values: &[String]) {
        self.array(key, STRING, values.len());
        values
            .iter()
            .for_each(|value| put_text(&mut self.metadata, value));
    }

    pub(super) fn integers(&mut self, key: &str, values: &[i32]) {
        self.array(key, I32, values.len());
        values
            .iter()
            .for_each(|value| self.metadata.extend(value.to_le_bytes()));
    }

    /// Returns all that stands in front of the first tensor.
    pub(super) fn bytes(self, tensors: &[Tensor]) -> Vec<u8> {
        let mut out = b"GGUF".to_vec();
        out.extend(3u32.to_le_bytes());
        out.extend((tensors.len() as u64).to_le_bytes());
        out.extend(self.entries.to_le_bytes());
        out.extend(self.metadata);
        let mut offset = 0u64;
        for tensor in tensors {
            put_text(&mut out, &tensor.name);
            out.extend((tensor.shape.len() as u32).to_le_bytes());
            tensor
                .shape
                .iter()
                .for_each(|side| out.extend(side.to_le_bytes()));
            out.extend(tensor.kind.number().to_le_bytes());
            out.extend(offset.to_le_bytes());
            offset += tensor.bytes_padded();
        }
        out.resize(out.len().next_multiple_of(ALIGNMENT), 0);
        out
    }

    fn entry(&mut self, key: &str, kind: u32) {
        self.entries += 1;
        put_text(&mut self.metadata, key);
        self.metadata.extend(kind.to_le_bytes());
    }

    fn array(&mut self, key: &str, kind: u32, length: usize) {
        self.entry(key, ARRAY);
        self.metadata.extend(kind.to_le_bytes());
        self.metadata.extend((length as u64).to_le_bytes());
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}
