//! How much memory a model needs, from its file's metadata alone: nothing is loaded for it.
//!
//! Weights and cache follow from the file. What computing takes is an estimate of llama.cpp's largest graph, as is
//! the cache of models whose layers differ in more than the number of heads.

use std::{fs, path::Path};

use llama_cpp_2::model::LlamaModel;

use crate::{
    EngineConfig, Error, FlashAttention,
    hardware::{Hardware, KvLayout},
    model_file::{self, fault},
    text_model,
};

/// Cells of a cache come in blocks of this many.
const CELLS: u64 = 256;

/// Bytes that a model needs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Needs {
    /// The weights.
    pub weights: u64,
    /// The cache of keys and values.
    pub cache: u64,
    /// What computing a batch takes, about.
    pub computing: u64,
}

impl Needs {
    /// Returns the sum.
    pub fn total(&self) -> u64 {
        self.weights + self.cache + self.computing
    }

    fn share(&self, part: u64, of: u64) -> Self {
        let share = |bytes: u64| (u128::from(bytes) * u128::from(part) / u128::from(of)) as u64;
        Self {
            weights: share(self.weights),
            cache: share(self.cache),
            computing: self.computing,
        }
    }
}

/// What a chat model needs, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChatNeeds {
    /// Main memory.
    pub host: Needs,
    /// Memory of the GPUs together.
    pub gpu: Needs,
    /// Tokens that the cache holds.
    pub cache_tokens: u32,
}

/// Returns what the chat model of an engine needs.
///
/// # Errors
/// [`Error::ModelFile`] names the file; [`Error::Config`] names the setting.
pub fn chat_needs(config: &EngineConfig) -> Result<ChatNeeds, Error> {
    config.hardware.check()?;
    let path = &config.model;
    let model = model_file::load_vocabulary(path)?;
    let shape = Shape::of(&model)
        .ok_or_else(|| fault(path, "it does not say its shape", "choose another model"))?;
    let weights = file_bytes(path)?;
    let config = config.resolved(shape.context, parameters(&model, weights))?;
    config
        .hardware
        .check_heads(shape.key_width, shape.value_width)?;
    let sequences = u64::from(config.sequences());
    let tokens = u64::from(config.cache_tokens);
    // Parts that a split cache has, and the cells of each.
    let (parts, cells) = match config.hardware.kv_layout {
        KvLayout::Split => {
            let part = tokens.next_multiple_of(CELLS) / sequences;
            (sequences, part.next_multiple_of(CELLS))
        }
        _ => (1, tokens.next_multiple_of(CELLS)),
    };
    let whole = Needs {
        weights,
        cache: shape.cache_bytes(parts * cells, &config.hardware),
        computing: shape.computing_bytes(u64::from(config.batch), cells, &config.hardware),
    };
    // llama.cpp counts the output as one more layer, and it goes to a GPU first.
    let layers = u64::from(shape.layers) + 1;
    let on_gpu = u64::from(config.hardware.gpu_layers).min(layers);
    let (gpu, host) = match on_gpu {
        0 => (Needs::default(), whole),
        on_gpu => {
            let mut gpu = whole.share(on_gpu, layers);
            gpu.cache = whole.share(on_gpu - 1, layers - 1).cache;
            let host = Needs {
                weights: whole.weights - gpu.weights,
                cache: whole.cache - gpu.cache,
                computing: if on_gpu == layers { 0 } else { whole.computing },
            };
            (gpu, host)
        }
    };
    Ok(ChatNeeds {
        host,
        gpu,
        cache_tokens: config.cache_tokens,
    })
}

/// Returns what an embedding model or a reranker needs.
///
/// # Errors
/// [`Error::ModelFile`] names the file.
pub fn text_model_needs(path: &Path) -> Result<Needs, Error> {
    let model = model_file::load_vocabulary(path)?;
    let shape = Shape {
        // It computes no chances of next tokens.
        vocabulary: 0,
        ..Shape::of(&model).unwrap_or_default()
    };
    let tokens = u64::from(text_model::TEXT_TOKENS_MAX);
    let hardware = Hardware::default();
    let how = text_model::Shape::embedding(&model).or(text_model::Shape::ranking(&model));
    let cache = match how {
        Ok(how) if !how.encoder => shape.cache_bytes(tokens, &hardware),
        _ => 0,
    };
    Ok(Needs {
        weights: file_bytes(path)?,
        cache,
        computing: shape.computing_bytes(tokens, tokens, &hardware),
    })
}

/// A file's weights are all of it but a few kilobytes of metadata.
fn file_bytes(path: &Path) -> Result<u64, Error> {
    fs::metadata(path)
        .map(|metadata| metadata.len())
        .map_err(|error| {
            fault(
                path,
                format!("it cannot be read: {error}"),
                "check its permissions",
            )
        })
}

/// What a model's metadata says of its shape.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    layers: u32,
    width: u64,
    heads: u64,
    /// Heads of keys and values, of all layers together.
    heads_kv: u64,
    /// Numbers of one head's key.
    pub(crate) key_width: u32,
    /// Numbers of one head's value.
    pub(crate) value_width: u32,
    feed_forward: u64,
    vocabulary: u64,
    context: u32,
}

impl Shape {
    /// Reads a model's metadata. `None` when it says too little.
    pub(crate) fn of(model: &LlamaModel) -> Option<Self> {
        let architecture = model.meta_val_str("general.architecture").ok()?;
        let text = |key: &str| model.meta_val_str(&format!("{architecture}.{key}")).ok();
        // A list has one number a layer; the largest stands for all but where all are summed.
        let numbers = |key: &str| text(key).map(|text| numbers(&text)).unwrap_or_default();
        let number = |key: &str| numbers(key).into_iter().max();
        let layers = number("block_count")?;
        let width = number("embedding_length")?;
        let heads = number("attention.head_count").filter(|&heads| heads > 0)?;
        let per_layer = numbers("attention.head_count_kv");
        let heads_kv = match per_layer.as_slice() {
            [] => layers * heads,
            [all] => layers * all,
            each => each.iter().sum(),
        };
        Some(Self {
            layers: u32::try_from(layers).ok()?,
            width,
            heads,
            heads_kv,
            key_width: number("attention.key_length").unwrap_or(width / heads) as u32,
            value_width: number("attention.value_length").unwrap_or(width / heads) as u32,
            feed_forward: number("feed_forward_length").unwrap_or(4 * width),
            vocabulary: model.vocab().n_tokens().max(0) as u64,
            context: number("context_length")? as u32,
        })
    }

    fn cache_bytes(&self, cells: u64, hardware: &Hardware) -> u64 {
        let bytes = |width: u32, block_bytes: u64| u64::from(width) * block_bytes / 32;
        let key = bytes(self.key_width, hardware.kv_keys.block_bytes());
        let value = bytes(self.value_width, hardware.kv_values.block_bytes());
        cells * self.heads_kv * (key + value)
    }

    /// Returns about what llama.cpp's largest graph takes: the widest thing that is computed for each token of a
    /// batch, a few of the model's width, and the mask over the cache. Of a Qwen2.5-0.5B shape it was 400 MiB where
    /// llama.cpp took 361, and without flash attention 1000 where it took 1009.
    fn computing_bytes(&self, batch: u64, cells: u64, hardware: &Hardware) -> u64 {
        const FLOAT: u64 = 4;
        let attention = match hardware.flash_attention {
            // One score a head and cell.
            FlashAttention::Off => self.heads * cells,
            FlashAttention::Auto | FlashAttention::On => 0,
        };
        let widest = self.vocabulary.max(3 * self.feed_forward).max(attention);
        // The mask is there as floats and in half precision.
        let mask = cells * (FLOAT + FLOAT / 2);
        batch * ((widest + 4 * self.width) * FLOAT + mask)
    }
}

/// Estimates how many parameters a file of so many bytes has: they are not counted without loading them.
fn parameters(model: &LlamaModel, bytes: u64) -> u64 {
    // Numbers of llama.h's `llama_ftype`; bytes of ten parameters.
    let of_ten = match model.meta_val_str("general.file_type").as_deref() {
        Ok("0") => 40,        // F32
        Ok("1" | "32") => 20, // F16, BF16
        Ok("7") => 11,        // Q8_0
        Ok(_) => 6,           // four bits and about
        Err(_) => 10,
    };
    bytes * 10 / of_ten
}

/// Reads `8` or `[8, 4, 8]`.
fn numbers(text: &str) -> Vec<u64> {
    text.trim_matches(['[', ']'])
        .split(',')
        .filter_map(|number| number.trim().parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use mercer_random_model::{RandomModel, write_random_model};

    use super::*;
    use crate::KvType;

    fn needs(change: impl FnOnce(&mut EngineConfig)) -> ChatNeeds {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.gguf");
        let model = RandomModel {
            layers: 4,
            width: 256,
            heads: 4,
            heads_kv: 2,
            ..RandomModel::default()
        };
        write_random_model(&path, &model).unwrap();
        let mut config = EngineConfig::for_testing(&path);
        config.cache_tokens = 1024;
        config.hardware.kv_layout = KvLayout::Unified;
        change(&mut config);
        chat_needs(&config).unwrap()
    }

    #[test]
    fn the_cache_is_layers_times_heads_times_their_width() {
        let exact = needs(|_| {});
        // 1024 cells, 4 layers, 2 heads, 64 numbers for a key and 64 for a value, 2 bytes each.
        assert_eq!(exact.host.cache, 1024 * 4 * 2 * (64 + 64) * 2);
        assert_eq!(exact.gpu, Needs::default());
        let small = needs(|config| {
            config.hardware.kv_keys = KvType::Q8_0;
            config.hardware.kv_values = KvType::Q4_0;
        });
        assert_eq!(small.host.cache, 1024 * 4 * 2 * (2 * 34 + 2 * 18));
    }

    #[test]
    fn a_split_cache_has_whole_blocks_for_each_conversation() {
        let split = needs(|config| {
            config.hardware.kv_layout = KvLayout::Split;
            (config.slots, config.parked, config.n_ctx) = (2, 1, 300);
        });
        // Three parts of 341 tokens take 512 cells each.
        assert_eq!(split.host.cache, 3 * 512 * 4 * 2 * (64 + 64) * 2);
    }

    #[test]
    fn layers_on_a_gpu_take_their_share_there() {
        let whole = needs(|_| {}).host;
        let half = needs(|config| config.hardware.gpu_layers = 3);
        // The output and two of four layers.
        assert_eq!(half.gpu.cache, whole.cache / 2);
        assert_eq!(half.gpu.cache + half.host.cache, whole.cache);
        assert_eq!(half.gpu.weights + half.host.weights, whole.weights);
        let all = needs(|config| config.hardware.gpu_layers = 99);
        assert_eq!(all.host, Needs::default());
        assert_eq!(all.gpu.total(), whole.total());
    }

    #[test]
    fn lists_and_numbers_are_read() {
        assert_eq!(numbers("8"), [8]);
        assert_eq!(numbers("[8, 4, 0]"), [8, 4, 0]);
        assert!(numbers("").is_empty());
    }
}
