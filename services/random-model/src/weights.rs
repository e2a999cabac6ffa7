//! Random numbers in the forms that tensors are stored in.

use std::io::{self, Write};

use super::gguf::{ALIGNMENT, Tensor};

/// Numbers of a block, which share one scale in Q8_0. Every row of a matrix is made of whole ones.
const BLOCK: u64 = 32;
/// Numbers made before they are written.
const PIECE: u64 = 1 << 16;

/// How a tensor's numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TensorType {
    /// Four bytes each.
    F32,
    /// Two bytes each.
    F16,
    /// One byte each and a scale of two bytes for every 32.
    Q8_0,
}

impl TensorType {
    /// Returns the number that the format gives to the type.
    pub(super) fn number(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::F16 => 1,
            Self::Q8_0 => 8,
        }
    }

    /// Returns the bytes that so many numbers take.
    pub(super) fn bytes(self, numbers: u64) -> u64 {
        match self {
            Self::F32 => 4 * numbers,
            Self::F16 => 2 * numbers,
            Self::Q8_0 => numbers / BLOCK * (BLOCK + 2),
        }
    }
}

/// What a tensor's numbers are.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fill {
    /// All 1.
    Ones,
    /// Spread evenly between this and its negative.
    Even(f32),
    /// Numbers at places of the tensor, in order; 0 elsewhere.
    Sparse(Vec<(u64, f32)>),
    /// A row for each token: `code` numbers of one size whose signs are its own, `code` zeros, `constant`, and zeros.
    Codes {
        width: u64,
        code: u64,
        size: f32,
        constant: f32,
    },
}

impl Fill {
    /// Returns a matrix of rows of a width from its cells: row, column, number.
    pub(super) fn sparse(width: u64, cells: Vec<(usize, usize, f32)>) -> Self {
        let mut numbers: Vec<(u64, f32)> = cells
            .into_iter()
            .map(|(row, column, number)| (row as u64 * width + column as u64, number))
            .collect();
        numbers.sort_by_key(|&(at, _)| at);
        Self::Sparse(numbers)
    }

    /// Returns the number at a place of a tensor that is not random.
    fn number(&self, at: u64) -> f32 {
        match self {
            Self::Ones => 1.0,
            Self::Even(_) => 0.0,
            Self::Sparse(numbers) => numbers
                .binary_search_by_key(&at, |&(place, _)| place)
                .map_or(0.0, |found| numbers[found].1),
            Self::Codes {
                width,
                code,
                size,
                constant,
            } => {
                let (row, column) = (at / width, at % width);
                if column == 2 * code {
                    *constant
                } else if column >= *code {
                    0.0
                } else if (Random::new((row << 32) | (column / 64)).next() >> (column % 64)) & 1
                    == 0
                {
                    *size
                } else {
                    -size
                }
            }
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

/// Writes a tensor's numbers and the padding behind them, and tells the bytes of each piece.
pub(super) fn write(
    out: &mut dyn Write,
    tensor: &Tensor,
    random: &mut Random,
    wrote: &mut dyn FnMut(u64),
) -> io::Result<()> {
    let numbers = tensor.numbers();
    let stock = Stock::of(tensor, random);
    let mut piece = Vec::new();
    let mut made = 0;
    while made < numbers {
        let count = PIECE.min(numbers - made);
        piece.clear();
        match (&tensor.fill, &stock) {
            (Fill::Even(_), Some(stock)) => stock.put(&mut piece, count / BLOCK, random),
            (Fill::Even(size), None) => put_f32(&mut piece, count, *size, random),
            (fill, _) => {
                let numbers: Vec<f32> = (made..made + count).map(|at| fill.number(at)).collect();
                put_numbers(&mut piece, &numbers, tensor.kind);
            }
        }
        made += count;
        if made == numbers {
            let bytes = tensor.kind.bytes(numbers) as usize;
            let padding = bytes.next_multiple_of(ALIGNMENT) - bytes;
            piece.resize(piece.len() + padding, 0);
        }
        out.write_all(&piece)?;
        wrote(piece.len() as u64);
    }
    Ok(())
}

fn put_f32(piece: &mut Vec<u8>, count: u64, size: f32, random: &mut Random) {
    for _ in 0..count {
        let number = ((random.next() >> 40) as f32 / (1u32 << 23) as f32 - 1.0) * size;
        piece.extend(number.to_le_bytes());
    }
}

/// Stores numbers in their tensor's form; whole blocks of them.
fn put_numbers(piece: &mut Vec<u8>, numbers: &[f32], kind: TensorType) {
    match kind {
        TensorType::F32 => piece.extend(numbers.iter().flat_map(|number| number.to_le_bytes())),
        TensorType::F16 => piece.extend(
            numbers
                .iter()
                .flat_map(|&number| f16_bits(number).to_le_bytes()),
        ),
        TensorType::Q8_0 => {
            for block in numbers.chunks(BLOCK as usize) {
                let largest = block
                    .iter()
                    .fold(0.0f32, |most, number| most.max(number.abs()));
                let scale = largest / 127.0;
                piece.extend(f16_bits(scale).to_le_bytes());
                piece.extend(block.iter().map(|number| {
                    let steps = if scale > 0.0 { number / scale } else { 0.0 };
                    (steps.round() as i8).to_le_bytes()[0]
                }));
            }
        }
    }
}

/// Numbers in their stored form that are made once for a tensor. Its blocks are copies of random stretches of them,
/// because billions of numbers made one by one would take minutes in a build without optimisation.
struct Stock {
    bytes: Vec<u8>,
    /// Bytes of a block, without its scale.
    block: usize,
    scale: Option<[u8; 2]>,
}

impl Stock {
    /// Blocks to choose from: a power of two.
    const STARTS: u64 = 1 << 14;

    /// Makes the stock of a tensor; none for one whose numbers are made one by one.
    fn of(tensor: &Tensor, random: &mut Random) -> Option<Self> {
        let Fill::Even(size) = tensor.fill else {
            return None;
        };
        let numbers = (Self::STARTS + BLOCK) / 8;
        let steps = (0..numbers).flat_map(|_| random.next().to_le_bytes());
        match tensor.kind {
            TensorType::F32 => None,
            TensorType::F16 => Some(Self {
                bytes: steps
                    .map(|step| (f32::from(step) - 127.5) / 127.5 * size)
                    .flat_map(|number| f16_bits(number).to_le_bytes())
                    .collect(),
                block: 2 * BLOCK as usize,
                scale: None,
            }),
            TensorType::Q8_0 => Some(Self {
                bytes: steps.collect(),
                block: BLOCK as usize,
                scale: Some(f16_bits(size / 127.0).to_le_bytes()),
            }),
        }
    }

    fn put(&self, piece: &mut Vec<u8>, blocks: u64, random: &mut Random) {
        let number = self.block / BLOCK as usize;
        for _ in 0..blocks {
            let start = (random.next() % Self::STARTS) as usize * number;
            if let Some(scale) = &self.scale {
                piece.extend_from_slice(scale);
            }
            piece.extend_from_slice(&self.bytes[start..start + self.block]);
        }
    }
}

/// Returns the nearest half-precision number, or zero for what is too small for a normal one.
fn f16_bits(number: f32) -> u16 {
    let bits = number.to_bits();
    let sign = (bits >> 16) as u16 & 0x8000;
    // Half of the last place that stays is added, so cutting off rounds to the nearest.
    let rounded = (bits & 0x7FFF_FFFF) + 0x1000;
    let exponent = (rounded >> 23) as i32 - 127 + 15;
    match exponent {
        ..=0 => sign,
        31.. => sign | 0x7C00,
        _ => sign | (exponent as u16) << 10 | (rounded >> 13 & 0x3FF) as u16,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_is_written_as_the_standard_has_it() {
        for (number, bits) in [
            (1.0, 0x3C00),
            (-2.0, 0xC000),
            (0.1, 0x2E66),
            (65504.0, 0x7BFF),
            (6.2e-5, 0x0410),
            (1e-9, 0),
            (1e9, 0x7C00),
        ] {
            assert_eq!(f16_bits(number), bits, "{number}");
        }
    }

    #[test]
    fn every_type_takes_the_bytes_it_says() {
        for kind in [TensorType::F32, TensorType::F16, TensorType::Q8_0] {
            let shape = [96, 1001];
            let tensor = Tensor::new("t".to_owned(), &shape, kind, Fill::Even(0.5));
            let (mut out, mut told) = (Vec::new(), 0);
            write(&mut out, &tensor, &mut Random::new(3), &mut |bytes| {
                told += bytes
            })
            .unwrap();
            assert_eq!(out.len() as u64, tensor.bytes_padded(), "{kind:?}");
            assert_eq!(told, tensor.bytes_padded(), "{kind:?}");
        }
    }
}
