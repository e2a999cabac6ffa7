//! Settings of the models: which files, how much at once, and what they compute on.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::ensure;
use mercer_inference::{AdapterConfig, EngineConfig, Error, Hardware};
use mercer_schemas::ShopId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Bases;

/// The models.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Models {
    /// Chat model, GGUF.
    pub chat: PathBuf,
    /// Embedding model, GGUF; `pool` for the one that the pool's workers serve, empty for none.
    pub embedder: PathBuf,
    /// Intent classifier for small chat models, safetensors; empty for none.
    pub intents: PathBuf,
    /// Threads of the embedding model; 0 chooses.
    pub embedder_threads: u32,
    /// Reranker, GGUF; `pool` for the one that the pool's workers serve, empty for none.
    pub reranker: PathBuf,
    /// Threads of the reranker; 0 chooses.
    pub reranker_threads: u32,
    /// Threads of the chat model; 0 chooses.
    pub threads: u32,
    /// Threads of the chat model while it reads prompts; 0 takes as many as `threads`.
    pub batch_threads: u32,
    /// Conversations generated at once, 1 to 64.
    pub slots: u32,
    /// Conversations whose cache is kept between their turns.
    pub parked: u32,
    /// Tokens computed in one step at most, 64 to 8192.
    pub batch_tokens: u32,
    /// Tokens that one conversation may hold; 0 takes what the model allows, at most 8192.
    pub context_tokens: u32,
    /// Tokens that the cache holds for all conversations; 0 chooses.
    pub cache_tokens: u32,
    /// Mebibytes of main memory for caches that left the one above; 0 computes them again.
    pub host_cache_mb: u64,
    /// Mebibytes of files below the data folder for more such caches; 0 writes none.
    pub disk_cache_mb: u64,
    /// Tokens drafted from the prompt for one reply in one step at most, 0 to 64.
    pub draft_tokens: u32,
    /// Milliseconds that a step should take while replies are being written, 10 to 5000.
    pub step_ms: u64,
    /// LoRA adapters of the chat model.
    #[serde(default)]
    pub(crate) adapters: Vec<Adapter>,
}

/// Where a model computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelPlace<'a> {
    /// Nowhere.
    None,
    /// In this process, with the model of a file.
    Here(&'a Path),
    /// By workers of the pool.
    Pool,
}

impl<'a> ModelPlace<'a> {
    fn of(setting: &'a Path) -> Self {
        match setting.to_str() {
            Some("") => Self::None,
            Some("pool") => Self::Pool,
            _ => Self::Here(setting),
        }
    }
}

/// A LoRA adapter of the chat model.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Adapter {
    /// Its name; workers and callers of a pool go by it.
    pub(crate) name: String,
    /// The file, GGUF.
    pub(crate) file: PathBuf,
    /// How strongly it changes the model.
    #[serde(default = "one")]
    pub(crate) scale: f32,
    /// Shops whose conversations are computed with it.
    #[serde(default)]
    pub(crate) shops: Vec<ShopId>,
}

fn one() -> f32 {
    1.0
}

impl Models {
    /// Checks the section and that on hardware, each alone: what depends on the model is checked when it is loaded.
    ///
    /// # Errors
    /// Names the key that is wrong.
    pub(super) fn check(&self, hardware: &Hardware) -> anyhow::Result<()> {
        ensure!(
            (1..=64).contains(&self.slots),
            "models.slots: {} is not between 1 and 64",
            self.slots
        );
        ensure!(
            self.parked <= 128,
            "models.parked: {} is more than 128",
            self.parked
        );
        ensure!(
            (64..=8192).contains(&self.batch_tokens),
            "models.batch_tokens: {} is not between 64 and 8192",
            self.batch_tokens
        );
        ensure!(
            self.draft_tokens <= 64,
            "models.draft_tokens: {} is more than 64",
            self.draft_tokens
        );
        ensure!(
            (10..=5000).contains(&self.step_ms),
            "models.step_ms: {} is not between 10 and 5000",
            self.step_ms
        );
        let mut served = BTreeSet::new();
        for (at, adapter) in self.adapters.iter().enumerate() {
            ensure!(
                !adapter.name.is_empty(),
                "models.adapters[{at}].name: is empty"
            );
            ensure!(
                adapter.scale.is_finite(),
                "models.adapters[{at}].scale: is not a number"
            );
            for shop in &adapter.shops {
                ensure!(
                    served.insert(shop),
                    "models.adapters[{at}].shops: `{shop}` has an adapter already"
                );
            }
        }
        hardware.check().map_err(|error| match error {
            Error::Config { key, problem } => anyhow::anyhow!("hardware.{key}: {problem}"),
            other => other.into(),
        })
    }

    /// Finds the files that are named by relative paths.
    pub(super) fn find_files(&mut self, bases: &Bases) {
        self.chat = bases.find(&self.chat);
        self.intents = bases.find(&self.intents);
        for setting in [&mut self.embedder, &mut self.reranker] {
            if let ModelPlace::Here(file) = ModelPlace::of(setting) {
                let found = bases.find(file);
                *setting = found;
            }
        }
        for adapter in &mut self.adapters {
            adapter.file = bases.find(&adapter.file);
        }
    }

    /// Returns where texts are embedded.
    pub fn embedder(&self) -> ModelPlace<'_> {
        ModelPlace::of(&self.embedder)
    }

    /// Returns where hits are read again.
    pub fn reranker(&self) -> ModelPlace<'_> {
        ModelPlace::of(&self.reranker)
    }

    /// Returns which adapter each shop's conversations are computed with.
    pub(super) fn adapters_of_shops(&self) -> BTreeMap<ShopId, String> {
        self.adapters
            .iter()
            .flat_map(|adapter| {
                let name = &adapter.name;
                adapter
                    .shops
                    .iter()
                    .map(|shop| (shop.clone(), name.clone()))
            })
            .collect()
    }

    /// Returns the engine's settings.
    pub(super) fn engine(&self, hardware: &Hardware, data: &Path) -> EngineConfig {
        EngineConfig {
            n_ctx: self.context_tokens,
            cache_tokens: self.cache_tokens,
            slots: self.slots,
            parked: self.parked,
            host_cache: self.host_cache_mb.saturating_mul(1 << 20),
            disk_cache: self.disk_cache_mb.saturating_mul(1 << 20),
            disk_folder: data.join("kv-cache"),
            drafts: self.draft_tokens,
            step_target: Duration::from_millis(self.step_ms),
            adapters: self.adapters.iter().map(Adapter::engine).collect(),
            batch: self.batch_tokens,
            threads: self.threads,
            batch_threads: self.batch_threads,
            hardware: hardware.clone(),
            ..EngineConfig::new(&self.chat)
        }
    }
}

impl Adapter {
    fn engine(&self) -> AdapterConfig {
        AdapterConfig {
            name: self.name.clone(),
            path: self.file.clone(),
            scale: self.scale,
        }
    }
}
