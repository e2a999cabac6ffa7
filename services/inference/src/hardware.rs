//! What a chat model computes on: GPUs, the form of its cache, how its file is held in memory.
//!
//! What cannot work together is refused here, in words. llama.cpp would refuse it with a null pointer, or end the
//! process when the first batch comes.

use llama_cpp_2::{
    context::params::{KvCacheType, LlamaContextParams},
    mlock_supported,
    model::params::{LlamaModelParams, LlamaSplitMode},
};
use llama_cpp_sys_2::{
    LLAMA_FLASH_ATTN_TYPE_AUTO, LLAMA_FLASH_ATTN_TYPE_DISABLED, LLAMA_FLASH_ATTN_TYPE_ENABLED,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Error,
    devices::{Device, usable_gpus},
};

/// What a chat model computes on. The default is the processor alone, with an exact cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hardware {
    /// Layers computed on GPUs, the last ones first; 0 for none, more than the model has for all.
    pub gpu_layers: u32,
    /// How several GPUs share a model.
    pub split_mode: SplitMode,
    /// The GPU that computes alone with `split_mode` none, and what is not shared with row; counted from 0.
    pub main_gpu: u32,
    /// Type of the cached keys.
    pub kv_keys: KvType,
    /// Type of the cached values.
    pub kv_values: KvType,
    /// Whether attention is computed in one fused step.
    pub flash_attention: FlashAttention,
    /// One cache that all conversations share, or one of equal size for each.
    pub kv_layout: KvLayout,
    /// Map the model's file into memory instead of reading it.
    pub mmap: bool,
    /// Keep the model in memory: the system may not swap it out.
    pub mlock: bool,
}

/// How several GPUs share a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SplitMode {
    /// One GPU does all.
    None,
    /// Each GPU has some of the layers.
    Layer,
    /// Each GPU has some rows of every matrix.
    Row,
}

/// How keys or values are cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KvType {
    /// Two bytes a number.
    F16,
    /// A little over one byte a number.
    #[serde(rename = "q8_0")]
    Q8_0,
    /// A little over half a byte a number.
    #[serde(rename = "q4_0")]
    Q4_0,
}

/// Where the caches of conversations lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KvLayout {
    /// Split for a small model on a processor where the cache holds a whole conversation for each; unified otherwise.
    Auto,
    /// One cache for all. Every step looks at all of it.
    Unified,
    /// A part of equal size for each. A step looks at each conversation's own part.
    Split,
}

/// Whether attention is computed in one fused step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FlashAttention {
    /// Where the device can do it and it is quicker: not on a processor with a split cache.
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

impl Default for Hardware {
    fn default() -> Self {
        Self {
            gpu_layers: 0,
            split_mode: SplitMode::Layer,
            main_gpu: 0,
            kv_keys: KvType::F16,
            kv_values: KvType::F16,
            flash_attention: FlashAttention::Auto,
            kv_layout: KvLayout::Auto,
            mmap: true,
            mlock: false,
        }
    }
}

impl KvType {
    /// Numbers that are stored together.
    const BLOCK: u32 = 32;

    /// Returns the bytes that one block of 32 numbers takes.
    pub(crate) fn block_bytes(self) -> u64 {
        match self {
            Self::F16 => 64,
            // A scale of two bytes, then the numbers.
            Self::Q8_0 => 34,
            Self::Q4_0 => 18,
        }
    }

    /// Returns its name in settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::F16 => "f16",
            Self::Q8_0 => "q8_0",
            Self::Q4_0 => "q4_0",
        }
    }

    pub(crate) fn quantized(self) -> bool {
        self != Self::F16
    }
}

impl From<KvType> for KvCacheType {
    fn from(kind: KvType) -> Self {
        match kind {
            KvType::F16 => Self::F16,
            KvType::Q8_0 => Self::Q8_0,
            KvType::Q4_0 => Self::Q4_0,
        }
    }
}

impl Hardware {
    /// Checks what can be known without a model and without looking at the machine.
    ///
    /// # Errors
    /// [`Error::Config`] names the setting.
    pub fn check(&self) -> Result<(), Error> {
        if self.kv_values.quantized() && self.flash_attention == FlashAttention::Off {
            return refuse(
                "kv_values",
                format!(
                    "cannot be {} while flash_attention is off: llama.cpp reads quantized values in flash attention \
                     only; set flash_attention to auto or kv_values to f16",
                    self.kv_values.name()
                ),
            );
        }
        if self.main_gpu > 255 {
            return refuse("main_gpu", "must be 0 to 255".to_owned());
        }
        Ok(())
    }

    /// Checks the settings against the devices of this machine that llama.cpp can use in this build.
    pub(crate) fn check_devices(&self, devices: &[Device]) -> Result<(), Error> {
        if self.mlock && !mlock_supported() {
            return refuse(
                "mlock",
                "is not possible on this system; set it to false".to_owned(),
            );
        }
        if self.gpu_layers == 0 {
            return Ok(());
        }
        let gpus = usable_gpus(devices);
        if gpus.is_empty() {
            let why = if cfg!(any(
                feature = "cuda",
                feature = "vulkan",
                feature = "metal",
                feature = "dynamic-backends"
            )) {
                "no GPU is found; see `mercer doctor`"
            } else {
                "this build computes on the processor alone; build Mercer with --features cuda, vulkan or metal"
            };
            return refuse(
                "gpu_layers",
                format!("is {}, but {why}, or set it to 0", self.gpu_layers),
            );
        }
        if self.split_mode != SplitMode::Layer && self.main_gpu as usize >= gpus.len() {
            return refuse(
                "main_gpu",
                format!(
                    "is {}, but there are {} GPUs, counted from 0: {}",
                    self.main_gpu,
                    gpus.len(),
                    gpus.iter()
                        .map(|gpu| gpu.name.as_str())
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
            );
        }
        Ok(())
    }

    /// Checks the types of the cache against the width of the model's heads.
    pub(crate) fn check_heads(&self, key_width: u32, value_width: u32) -> Result<(), Error> {
        for (key, kind, width) in [
            ("kv_keys", self.kv_keys, key_width),
            ("kv_values", self.kv_values, value_width),
        ] {
            if kind.quantized() && width % KvType::BLOCK != 0 {
                return refuse(
                    key,
                    format!(
                        "cannot be {}: it stores {} numbers together, and this model's heads are {width} wide; set it \
                         to f16",
                        kind.name(),
                        KvType::BLOCK
                    ),
                );
            }
        }
        Ok(())
    }

    /// Returns how llama.cpp is to load the model.
    pub(crate) fn model_params(&self) -> LlamaModelParams {
        let split = match self.split_mode {
            SplitMode::None => LlamaSplitMode::None,
            SplitMode::Layer => LlamaSplitMode::Layer,
            SplitMode::Row => LlamaSplitMode::Row,
        };
        let params = LlamaModelParams::default()
            .with_n_gpu_layers(self.gpu_layers)
            .with_use_mmap(self.mmap)
            .with_use_mlock(self.mlock);
        if self.gpu_layers == 0 {
            // Without layers on a GPU, llama.cpp still looks for the main one.
            return params;
        }
        params
            .with_split_mode(split)
            .with_main_gpu(self.main_gpu as i32)
    }

    /// Adds what concerns the cache to a context's parameters.
    pub(crate) fn context_params(&self, params: LlamaContextParams) -> LlamaContextParams {
        let flash = match self.flash_attention {
            FlashAttention::Auto => LLAMA_FLASH_ATTN_TYPE_AUTO,
            FlashAttention::On => LLAMA_FLASH_ATTN_TYPE_ENABLED,
            FlashAttention::Off => LLAMA_FLASH_ATTN_TYPE_DISABLED,
        };
        params
            .with_kv_unified(self.kv_layout != KvLayout::Split)
            .with_type_k(self.kv_keys.into())
            .with_type_v(self.kv_values.into())
            .with_flash_attention_policy(flash)
    }
}

fn refuse(key: &'static str, problem: String) -> Result<(), Error> {
    Err(Error::Config { key, problem })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::DeviceKind;

    fn refused(result: Result<(), Error>) -> (&'static str, String) {
        match result {
            Err(Error::Config { key, problem }) => (key, problem),
            other => panic!("{other:?}"),
        }
    }

    fn device(name: &str, kind: DeviceKind, backend: &str) -> Device {
        Device {
            name: name.to_owned(),
            description: String::new(),
            backend: backend.to_owned(),
            kind,
            memory_total: 0,
            memory_free: 0,
        }
    }

    #[test]
    fn quantized_values_need_flash_attention() {
        let mut hardware = Hardware {
            kv_keys: KvType::Q4_0,
            kv_values: KvType::Q8_0,
            flash_attention: FlashAttention::Off,
            ..Hardware::default()
        };
        let (key, problem) = refused(hardware.check());
        assert_eq!(key, "kv_values");
        assert!(problem.contains("flash_attention"), "{problem}");
        hardware.flash_attention = FlashAttention::Auto;
        hardware.check().unwrap();
        hardware.kv_values = KvType::F16;
        hardware.flash_attention = FlashAttention::Off;
        hardware.check().unwrap();
    }

    #[test]
    fn quantized_types_need_heads_of_whole_blocks() {
        let hardware = Hardware {
            kv_keys: KvType::Q8_0,
            ..Hardware::default()
        };
        hardware.check_heads(64, 80).unwrap();
        let (key, problem) = refused(hardware.check_heads(80, 64));
        assert_eq!(key, "kv_keys");
        assert!(problem.contains("80 wide"), "{problem}");
    }

    #[test]
    fn layers_on_a_gpu_need_a_gpu() {
        let cpu = [device("CPU", DeviceKind::Cpu, "CPU")];
        let mut hardware = Hardware {
            gpu_layers: 8,
            ..Hardware::default()
        };
        let (key, problem) = refused(hardware.check_devices(&cpu));
        assert_eq!(key, "gpu_layers");
        assert!(problem.contains("set it to 0"), "{problem}");
        hardware.gpu_layers = 0;
        hardware.check_devices(&cpu).unwrap();
    }

    #[test]
    fn the_main_gpu_must_exist_where_it_is_used() {
        let two = [
            device("CPU", DeviceKind::Cpu, "CPU"),
            device("CUDA0", DeviceKind::Gpu, "CUDA"),
            device("CUDA1", DeviceKind::Gpu, "CUDA"),
            device("Vulkan2", DeviceKind::IntegratedGpu, "Vulkan"),
        ];
        let mut hardware = Hardware {
            gpu_layers: 8,
            split_mode: SplitMode::None,
            main_gpu: 2,
            ..Hardware::default()
        };
        let (key, problem) = refused(hardware.check_devices(&two));
        assert_eq!(key, "main_gpu");
        assert!(problem.contains("CUDA0, CUDA1"), "{problem}");
        hardware.main_gpu = 1;
        hardware.check_devices(&two).unwrap();
        (hardware.main_gpu, hardware.split_mode) = (2, SplitMode::Layer);
        hardware.check_devices(&two).unwrap();
    }
}
