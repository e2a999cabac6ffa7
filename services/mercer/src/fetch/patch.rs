//! Makes a model of a base and a patch: what training changed of the base, small enough for a repository.
//!
//! A patch is a safetensors file that `services/trainer/base/patch.py` writes. Its metadata hold the steps that write the
//! model's file from start to end, and the SHA-256 that comes out of them: only that file is kept.

use std::path::Path;

use anyhow::{Context, bail};
use half::f16;
use indicatif::ProgressBar;
use safetensors::SafeTensors;
use serde::Deserialize;

use super::folder::WORK_PREFIX;
use super::part::Part;
use super::{Digest, Fetched, FileName, Folder};

const FORMAT: &str = "mercer-patch-1";
/// A repository holds no larger one, and it is read whole.
const PATCH_BYTES_MAX: u64 = 64 << 20;
/// The longest model that a patch may make.
const MODEL_BYTES_MAX: u64 = 1 << 30;
/// Bytes that are converted or copied in one go.
const PIECE_BYTES: usize = 1 << 20;

/// Numbers of a block, in every kind of block here.
const BLOCK: usize = 32;
/// A scale in half precision, and four bits a number.
const Q4_0_BYTES: usize = 2 + BLOCK / 2;
/// A scale and a least value, and four bits a number.
const Q4_1_BYTES: usize = 4 + BLOCK / 2;
/// A scale, and a byte a number.
const Q8_0_BYTES: usize = 2 + BLOCK;

/// What the metadata of a patch tell.
struct Facts {
    base: Digest,
    model: Digest,
    bytes: u64,
    steps: Vec<Step>,
}

/// How the next bytes of the model come about. Places are bytes from the start.
#[derive(Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Step {
    /// They are the base's.
    Copy { copy: (usize, usize) },
    /// They are the patch's.
    Write { write: (usize, usize) },
    /// They are blocks of the base with differences added to them, if there are any, as Q8_0.
    Convert {
        convert: Kind,
        from: usize,
        blocks: usize,
        add: Option<String>,
    },
}

/// How the base stores what is converted.
#[derive(Debug, Clone, Copy, Deserialize)]
enum Kind {
    #[serde(rename = "q4_1")]
    Q41,
}

/// Makes the model, unless it is there. A file of its name that is not whole or not right is replaced.
///
/// `base` is the base's file, whose SHA-256 the caller has checked.
///
/// # Errors
/// When the patch cannot be read or belongs to another base, and when the disk fails. Nothing is left then.
pub(crate) async fn apply(
    folder: &Folder,
    patch: &Path,
    (base, base_sha256): (&Path, Digest),
    name: &FileName,
    bar: &ProgressBar,
) -> anyhow::Result<Fetched> {
    let unread = || format!("the patch {} cannot be read", patch.display());
    let length = tokio::fs::metadata(patch).await.with_context(unread)?.len();
    if length > PATCH_BYTES_MAX {
        bail!(
            "{}: {length} bytes; a patch has {PATCH_BYTES_MAX} at most",
            unread()
        );
    }
    let bytes = tokio::fs::read(patch).await.with_context(unread)?;
    let facts = read(&bytes).with_context(unread)?;
    if facts.base != base_sha256 {
        bail!(
            "the patch {} belongs to a base with SHA-256 {}, not to {} ({base_sha256})",
            patch.display(),
            facts.base,
            base.display()
        );
    }
    let _held = folder.hold()?;
    let to = folder.file(name);
    if folder.digest(name).await? == Some(facts.model) {
        return Ok(Fetched::AlreadyThere(to));
    }
    let work = tempfile::Builder::new()
        .prefix(WORK_PREFIX)
        .tempdir_in(folder.path())
        .with_context(|| format!("{} cannot be written", folder.path().display()))?;
    let base = tokio::fs::read(base)
        .await
        .with_context(|| format!("{} cannot be read", base.display()))?;
    let made = async {
        let mut part = Part::open(work.path().join("model"), facts.bytes).await?;
        bar.set_message("making");
        bar.set_length(facts.bytes);
        bar.set_position(0);
        let tensors = SafeTensors::deserialize(&bytes).with_context(unread)?;
        for step in &facts.steps {
            let step = Pieces::of(step, &base, &tensors).with_context(unread)?;
            for piece in step {
                part.write(&piece).await?;
                bar.set_position(part.bytes());
            }
        }
        part.finish(facts.model, &to).await
    };
    let made = made.await;
    bar.finish_and_clear();
    made.map(|()| Fetched::Brought(to))
}

fn read(bytes: &[u8]) -> anyhow::Result<Facts> {
    let (_, about) = SafeTensors::read_metadata(bytes)?;
    let facts = about.metadata().clone().unwrap_or_default();
    let fact = |name: &str| facts.get(name).with_context(|| format!("it has no {name}"));
    let format = fact("format")?;
    if format != FORMAT {
        bail!("its format is {format}, and this program knows {FORMAT}");
    }
    let digest = |name| fact(name)?.parse::<Digest>().map_err(anyhow::Error::msg);
    let bytes = fact("bytes")?.parse().context("bytes is no number")?;
    if bytes > MODEL_BYTES_MAX {
        bail!("it makes a model of {bytes} bytes, and {MODEL_BYTES_MAX} are allowed");
    }
    Ok(Facts {
        base: digest("base_sha256")?,
        model: digest("sha256")?,
        bytes,
        steps: serde_json::from_str(fact("steps")?).context("its steps")?,
    })
}

/// What a step writes, a piece at a time.
enum Pieces<'a> {
    Bytes(std::slice::Chunks<'a, u8>),
    Blocks {
        base: std::slice::Chunks<'a, u8>,
        add: Option<std::slice::Chunks<'a, u8>>,
    },
}

impl<'a> Pieces<'a> {
    fn of(step: &Step, base: &'a [u8], patch: &SafeTensors<'a>) -> anyhow::Result<Self> {
        let part = |of: &'a [u8], (from, to)| {
            of.get(from..to)
                .with_context(|| format!("there are no bytes {from} to {to}"))
        };
        match step {
            Step::Copy { copy } => Ok(Self::Bytes(part(base, *copy)?.chunks(PIECE_BYTES))),
            Step::Write { write } => {
                let own = patch.tensor("bytes")?.data();
                Ok(Self::Bytes(part(own, *write)?.chunks(PIECE_BYTES)))
            }
            Step::Convert {
                convert: Kind::Q41,
                from,
                blocks,
                add,
            } => {
                let at_once = PIECE_BYTES / Q8_0_BYTES;
                let end = blocks
                    .checked_mul(Q4_1_BYTES)
                    .and_then(|bytes| bytes.checked_add(*from))
                    .context("a step asks for more than there can be")?;
                let of_base = part(base, (*from, end))?;
                let add = match add {
                    None => None,
                    Some(name) => {
                        let data = patch.tensor(name)?.data();
                        if data.len() != blocks * Q4_0_BYTES {
                            bail!(
                                "{name} has {} bytes for {blocks} blocks of {Q4_0_BYTES}",
                                data.len()
                            );
                        }
                        Some(data.chunks(at_once * Q4_0_BYTES))
                    }
                };
                Ok(Self::Blocks {
                    base: of_base.chunks(at_once * Q4_1_BYTES),
                    add,
                })
            }
        }
    }
}

impl Iterator for Pieces<'_> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        match self {
            Self::Bytes(pieces) => pieces.next().map(<[u8]>::to_vec),
            Self::Blocks { base, add } => {
                let base = base.next()?;
                let add = add.as_mut().and_then(Iterator::next).unwrap_or_default();
                let mut made = Vec::with_capacity(base.len() / Q4_1_BYTES * Q8_0_BYTES);
                for (at, block) in base.chunks_exact(Q4_1_BYTES).enumerate() {
                    let mut values = q4_1(block);
                    let place = at * Q4_0_BYTES;
                    if let Some(difference) = add.get(place..place + Q4_0_BYTES) {
                        for (value, more) in values.iter_mut().zip(q4_0(difference)) {
                            *value += more;
                        }
                    }
                    made.extend(q8_0(&values));
                }
                Some(made)
            }
        }
    }
}

// Blocks as llama.cpp lays them out (ggml-quants.c), little-endian. The arithmetic is that of the Python package gguf,
// which made the SHA-256: in single precision, halves rounded away from zero.

fn half(block: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([block[at], block[at + 1]]).to_f32()
}

/// Returns the four-bit numbers of a block: first the low halves of all bytes, then the high ones.
fn nibbles(bytes: &[u8]) -> [u8; BLOCK] {
    let mut numbers = [0; BLOCK];
    for (at, byte) in bytes.iter().enumerate() {
        numbers[at] = byte & 15;
        numbers[at + BLOCK / 2] = byte >> 4;
    }
    numbers
}

fn q4_0(block: &[u8]) -> [f32; BLOCK] {
    let scale = half(block, 0);
    nibbles(&block[2..]).map(|number| scale * (f32::from(number) - 8.0))
}

fn q4_1(block: &[u8]) -> [f32; BLOCK] {
    let (scale, least) = (half(block, 0), half(block, 2));
    nibbles(&block[4..]).map(|number| scale * f32::from(number) + least)
}

fn q8_0(values: &[f32; BLOCK]) -> [u8; Q8_0_BYTES] {
    let largest = values
        .iter()
        .fold(0.0f32, |most, value| most.max(value.abs()));
    let scale = largest / 127.0;
    let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
    let mut block = [0; Q8_0_BYTES];
    block[..2].copy_from_slice(&f16::from_f32(scale).to_le_bytes());
    for (byte, value) in block[2..].iter_mut().zip(values) {
        *byte = ((value * inverse).round() as i8).cast_unsigned();
    }
    block
}

#[cfg(test)]
mod tests;
