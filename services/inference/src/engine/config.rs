//! Settings of the engine.

use std::{path::PathBuf, time::Duration};

use super::adapters::AdapterConfig;
use crate::{Error, FlashAttention, Hardware, KvLayout, backend::chat_threads, testing::StepHook};

/// Sequences that llama.cpp can tell apart in one context.
const SEQUENCES_MAX: u32 = 256;

/// From here on a processor spends more on weights, which a split cache reads more often, than on looking at all of a
/// unified one. Measured with 135 and 494 million parameters: docs/benchmarks.md.
const SPLIT_PARAMETERS_MAX: u64 = 300_000_000;

/// How to load and run a chat model. Start from [`EngineConfig::new`] and change what differs.
#[derive(Debug, Clone, PartialEq)]
pub struct EngineConfig {
    /// The GGUF file.
    pub model: PathBuf,
    /// LoRA adapters that requests may choose from.
    pub adapters: Vec<AdapterConfig>,
    /// Tokens that one conversation may hold; 0 takes what the model was trained with, at most 8192.
    pub n_ctx: u32,
    /// Tokens that the cache holds for all conversations together; 0 takes four times `n_ctx`, or where the cache is
    /// to be split `n_ctx` for each conversation.
    pub cache_tokens: u32,
    /// Conversations computed at once.
    pub slots: u32,
    /// Conversations whose cache stays in the context between their requests, beside those that are computed. Every step
    /// looks at all of a unified cache, so more of them make the others slower where main memory could keep them as well.
    pub parked: u32,
    /// System prompts whose cache is kept for new conversations.
    pub prefixes: u32,
    /// Bytes of main memory for caches of conversations that left the context; 0 computes them again.
    pub host_cache: u64,
    /// Bytes of files for such caches beside main memory; 0 writes none.
    pub disk_cache: u64,
    /// Where those files are.
    pub disk_folder: PathBuf,
    /// Tokens that may be drafted from the prompt for one reply in one step; 0 drafts none.
    pub drafts: u32,
    /// How many times over a draft must be expected to pay for what it costs; 0 drafts whenever there is something to
    /// draft.
    pub draft_gain: f64,
    /// Threads of llama.cpp; 0 takes one for each core that is not taken, or one in all for a model of less than 100
    /// million parameters.
    pub threads: u32,
    /// Cores that other models of this process compute on. Where there are fewer than four nothing is left to them.
    pub cores_taken: u32,
    /// Threads for steps that compute prompts; 0 takes as many as `threads`.
    pub batch_threads: u32,
    /// Tokens computed in one step at most.
    pub batch: u32,
    /// Time that a step should take while replies are being written: prompts and, where several replies are written, drafts are
    /// cut to fit. 8 tokens of a prompt are computed whatever they take.
    pub step_target: Duration,
    /// A step that takes longer than this, and than twenty times what is expected of it, hangs: the engine says so and takes
    /// nothing new until the step ends. While its pace is not known a step may take ten times as long.
    pub step_patience: Duration,
    /// Done before each step; for tests.
    #[doc(hidden)]
    pub before_step: Option<StepHook>,
    /// What it computes on.
    pub hardware: Hardware,
    /// Requests that may wait; more are answered with `Busy`.
    pub queue: usize,
}

impl EngineConfig {
    /// Returns the defaults for a model file: four conversations at once.
    pub fn new(model: impl Into<PathBuf>) -> Self {
        Self {
            model: model.into(),
            adapters: Vec::new(),
            n_ctx: 0,
            cache_tokens: 0,
            slots: 4,
            parked: 0,
            prefixes: 4,
            host_cache: 256 << 20,
            disk_cache: 0,
            disk_folder: std::env::temp_dir().join("mercer-kv-cache"),
            drafts: 16,
            // What a draft costs and brings are estimates: it should pay with room to spare.
            draft_gain: 1.1,
            threads: 0,
            cores_taken: 0,
            batch_threads: 0,
            batch: 512,
            step_target: Duration::from_millis(200),
            // A step is planned to take a second at most; a slow disk may read a cache for some seconds.
            step_patience: Duration::from_secs(15),
            before_step: None,
            hardware: Hardware::default(),
            queue: 64,
        }
    }

    /// Returns small settings for tests: short contexts, a split cache as small models have, and one thread, because
    /// llama.cpp's threads wait for one another by spinning, which takes very long where tests run side by side.
    pub fn for_testing(model: impl Into<PathBuf>) -> Self {
        Self {
            n_ctx: 512,
            slots: 8,
            parked: 8,
            prefixes: 2,
            threads: 1,
            batch: 128,
            hardware: Hardware {
                kv_layout: KvLayout::Split,
                ..Hardware::default()
            },
            ..Self::new(model)
        }
    }

    /// Returns the settings with their zeros filled in.
    ///
    /// # Errors
    /// [`Error::Config`] names the first setting that is out of range.
    pub(crate) fn resolved(&self, n_ctx_train: u32, parameters: u64) -> Result<Self, Error> {
        /// Where a model allows more, memory on a small machine does not.
        const N_CTX_DEFAULT_MAX: u32 = 8192;
        /// Whole conversations that a cache holds by default.
        const PARTS: u32 = 4;
        let mut config = self.clone();
        if config.n_ctx == 0 {
            config.n_ctx = n_ctx_train.clamp(1, N_CTX_DEFAULT_MAX);
        }
        let conversations = config.slots.saturating_add(config.parked);
        if config.hardware.kv_layout == KvLayout::Auto {
            // Tokens of a small model take as long to look at as to compute. A large one is read once for what is computed
            // together, which is less in a split cache.
            let room = match config.cache_tokens {
                0 => conversations <= PARTS,
                tokens => config.n_ctx.saturating_mul(conversations) <= tokens,
            };
            let split = room
                && parameters < SPLIT_PARAMETERS_MAX
                && config.hardware.gpu_layers == 0
                && config.host_cache > 0;
            config.hardware.kv_layout = match split {
                true => KvLayout::Split,
                false => KvLayout::Unified,
            };
        }
        let is_split = config.hardware.kv_layout == KvLayout::Split;
        if config.hardware.flash_attention == FlashAttention::Auto
            && is_split
            && parameters < SPLIT_PARAMETERS_MAX
            && config.hardware.gpu_layers == 0
            && !config.hardware.kv_values.quantized()
        {
            // On a processor the fused step's one gain is that it skips what other conversations hold, of which a part of
            // its own has nothing: with 135 million parameters a prompt takes two thirds of the time without it.
            config.hardware.flash_attention = FlashAttention::Off;
        }
        if is_split {
            // Main memory keeps the rules as part of the conversations that it holds.
            config.prefixes = 0;
        }
        if config.cache_tokens == 0 {
            let parts = if is_split { conversations } else { PARTS };
            config.cache_tokens = config.n_ctx.saturating_mul(parts);
        }
        config.threads = chat_threads(config.threads, parameters, config.cores_taken);
        if config.batch_threads == 0 {
            config.batch_threads = config.threads;
        }
        let refuse = |key, problem: String| Err(Error::Config { key, problem });
        if config.n_ctx < 16 || config.n_ctx > n_ctx_train {
            return refuse(
                "n_ctx",
                format!("must be 16 to {n_ctx_train}, which the model was trained with"),
            );
        }
        if config.slots == 0 || config.sequences() > SEQUENCES_MAX {
            return refuse(
                "slots",
                "must be at least 1, and 256 at most together with parked and prefixes".to_owned(),
            );
        }
        if config.cache_tokens < config.n_ctx || config.cache_tokens > 1 << 22 {
            return refuse(
                "cache_tokens",
                format!("must be {} (n_ctx) to 4194304", config.n_ctx),
            );
        }
        // llama.cpp takes no larger batch than its cache, and ends the process on one.
        config.batch = config.batch.min(config.cache_tokens);
        let part = config.cache_tokens / config.sequences();
        if is_split && part < config.n_ctx {
            return refuse(
                "cache_tokens",
                format!(
                    "leaves {part} tokens for each of {} conversations, because kv_layout is split and each has an equal \
                     part; n_ctx is {}: set cache_tokens to {} or more, fewer slots and parked conversations, or \
                     kv_layout to unified",
                    config.sequences(),
                    config.n_ctx,
                    u64::from(config.n_ctx) * u64::from(config.sequences())
                ),
            );
        }
        // llama.cpp ends the process where the context has more sequences than a batch may have outputs.
        if config.batch < config.sequences().max(32) || config.batch > 8192 {
            return refuse(
                "batch",
                format!(
                    "must be {} (slots, parked and prefixes together, and 32) to 8192",
                    config.sequences().max(32)
                ),
            );
        }
        if !(0.0..=100.0).contains(&config.draft_gain) {
            return refuse("draft_gain", "must be 0 to 100".to_owned());
        }
        if config.drafts > 64 {
            return refuse("drafts", "must be 64 at most".to_owned());
        }
        for (key, threads) in [
            ("threads", config.threads),
            ("batch_threads", config.batch_threads),
        ] {
            if threads > 512 {
                return refuse(key, "must be 512 at most".to_owned());
            }
        }
        let mut names: Vec<&str> = config
            .adapters
            .iter()
            .map(|one| one.name.as_str())
            .collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) || names.first() == Some(&"") {
            return refuse("adapters", "each must have a name of its own".to_owned());
        }
        if config.adapters.iter().any(|one| !one.scale.is_finite()) {
            return refuse("adapters", "a scale is not a number".to_owned());
        }
        if config.queue == 0 {
            return refuse("queue", "must be at least 1".to_owned());
        }
        Ok(config)
    }

    /// Returns how many sequences the context needs.
    pub(crate) fn sequences(&self) -> u32 {
        self.slots
            .saturating_add(self.parked)
            .saturating_add(self.prefixes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KvType;

    #[test]
    fn zeros_are_filled_in() {
        let config = EngineConfig::new("m.gguf")
            .resolved(2048, 5_000_000)
            .unwrap();
        assert_eq!((config.n_ctx, config.cache_tokens), (2048, 8192));
        assert_eq!((config.threads, config.batch_threads), (1, 1));
    }

    #[test]
    fn a_split_cache_has_room_for_a_whole_conversation_in_each_part() {
        let mut config = EngineConfig {
            n_ctx: 1000,
            slots: 2,
            parked: 6,
            prefixes: 4,
            ..EngineConfig::new("m.gguf")
        };
        config.hardware.kv_layout = KvLayout::Split;
        let whole = config.resolved(2048, 5_000_000).unwrap();
        assert_eq!((whole.cache_tokens, whole.sequences()), (8000, 8));
        config.cache_tokens = 4000;
        match config.resolved(2048, 5_000_000) {
            Err(Error::Config { key, problem }) => {
                assert_eq!(key, "cache_tokens");
                assert!(problem.contains("8000"), "{problem}");
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_cache_of_a_small_model_is_split_where_each_conversation_has_a_whole_part() {
        let layout = |change: fn(&mut EngineConfig)| {
            let mut config = EngineConfig::new("m.gguf");
            change(&mut config);
            config.resolved(2048, 5_000_000).unwrap().hardware.kv_layout
        };
        let large = EngineConfig::new("m.gguf").resolved(2048, 500_000_000);
        assert_eq!(large.unwrap().hardware.kv_layout, KvLayout::Unified);
        assert_eq!(layout(|config| config.host_cache = 0), KvLayout::Unified);
        assert_eq!(layout(|_| {}), KvLayout::Split);
        let middling = EngineConfig::new("m.gguf").resolved(2048, 135_000_000);
        assert_eq!(middling.unwrap().hardware.kv_layout, KvLayout::Split);
        assert_eq!(layout(|config| config.slots = 5), KvLayout::Unified);
        assert_eq!(layout(|config| config.parked = 1), KvLayout::Unified);
        assert_eq!(
            layout(|config| (config.slots, config.cache_tokens) = (5, 10_240)),
            KvLayout::Split
        );
        assert_eq!(
            layout(|config| config.hardware.gpu_layers = 1),
            KvLayout::Unified
        );
    }

    #[test]
    fn attention_is_fused_unless_a_processor_computes_a_split_cache() {
        let fused = |change: fn(&mut Hardware)| {
            let mut config = EngineConfig::new("m.gguf");
            change(&mut config.hardware);
            let config = config.resolved(2048, 5_000_000).unwrap();
            config.hardware.flash_attention
        };
        assert_eq!(fused(|_| {}), FlashAttention::Off);
        let kept = |change: fn(&mut Hardware)| assert_eq!(fused(change), FlashAttention::Auto);
        kept(|hardware| hardware.kv_layout = KvLayout::Unified);
        kept(|hardware| hardware.kv_values = KvType::Q8_0);
        kept(|hardware| (hardware.gpu_layers, hardware.kv_layout) = (9, KvLayout::Split));
        let mut large = EngineConfig::new("m.gguf");
        large.hardware.kv_layout = KvLayout::Split;
        let large = large.resolved(2048, 500_000_000).unwrap();
        assert_eq!(large.hardware.flash_attention, FlashAttention::Auto);
        let on = fused(|hardware| hardware.flash_attention = FlashAttention::On);
        assert_eq!(on, FlashAttention::On);
    }

    #[test]
    fn a_batch_is_never_larger_than_the_cache() {
        let config = EngineConfig {
            n_ctx: 300,
            cache_tokens: 300,
            batch: 512,
            hardware: Hardware::default(),
            ..EngineConfig::for_testing("m.gguf")
        };
        assert_eq!(config.resolved(1024, 5_000_000).unwrap().batch, 300);
    }

    #[test]
    fn the_setting_that_is_wrong_is_named() {
        let mut base = EngineConfig::for_testing("m.gguf");
        base.hardware.kv_layout = KvLayout::Unified;
        let cases = [
            (
                EngineConfig {
                    n_ctx: 4096,
                    ..base.clone()
                },
                "n_ctx",
            ),
            (
                EngineConfig {
                    cache_tokens: 100,
                    ..base.clone()
                },
                "cache_tokens",
            ),
            (
                EngineConfig {
                    slots: 0,
                    ..base.clone()
                },
                "slots",
            ),
            (
                EngineConfig {
                    parked: 300,
                    ..base.clone()
                },
                "slots",
            ),
            (
                EngineConfig {
                    batch: 4,
                    ..base.clone()
                },
                "batch",
            ),
            (
                EngineConfig {
                    batch: 32,
                    parked: 100,
                    ..base.clone()
                },
                "batch",
            ),
            (
                EngineConfig {
                    drafts: 65,
                    ..base.clone()
                },
                "drafts",
            ),
            (
                EngineConfig {
                    batch_threads: 1000,
                    ..base.clone()
                },
                "batch_threads",
            ),
            (
                EngineConfig {
                    queue: 0,
                    ..base.clone()
                },
                "queue",
            ),
        ];
        for (config, expected) in cases {
            match config.resolved(1024, 5_000_000) {
                Err(Error::Config { key, .. }) => assert_eq!(key, expected),
                other => panic!("{expected}: {other:?}"),
            }
        }
    }
}
