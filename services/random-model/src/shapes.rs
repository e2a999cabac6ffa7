//! Shapes of well-known models, from their published configurations.

use super::{Architecture, RandomModel, TensorType};

/// Longest context that a named shape claims; more would only tempt a small machine.
const CONTEXT_MAX: u32 = 32_768;

impl RandomModel {
    /// Names that [`RandomModel::like`] knows.
    pub const NAMES: [&str; 5] = [
        "mercer-chat",
        "qwen2.5-0.5b",
        "qwen2.5-1.5b",
        "llama3.2-1b",
        "llama3-8b",
    ];

    /// Returns the shape of a well-known model, from its published configuration, with Q8_0 weights and a context of
    /// 32,768 tokens at most. The vocabulary has the model's size, but Mercer's special tokens and made-up words.
    pub fn like(name: &str) -> Option<Self> {
        let base = Self {
            name: format!("{name}-random"),
            weights: TensorType::Q8_0,
            ..Self::default()
        };
        let shape = match name {
            // Mercer's own small model. It claims a longer context than the trained one, so that prompts of
            // ordinary length can be measured.
            "mercer-chat" => Self {
                layers: 4,
                width: 256,
                feed_forward: 512,
                vocabulary: 4096,
                context: 8192,
                tied_output: true,
                ..base
            },
            "qwen2.5-0.5b" => Self {
                architecture: Architecture::Qwen2,
                layers: 24,
                width: 896,
                heads: 14,
                heads_kv: 2,
                feed_forward: 4864,
                vocabulary: 151_936,
                context: CONTEXT_MAX,
                rope_base: Some(1_000_000.0),
                norm_epsilon: 1e-6,
                tied_output: true,
                ..base
            },
            "qwen2.5-1.5b" => Self {
                architecture: Architecture::Qwen2,
                layers: 28,
                width: 1536,
                heads: 12,
                heads_kv: 2,
                feed_forward: 8960,
                vocabulary: 151_936,
                context: CONTEXT_MAX,
                rope_base: Some(1_000_000.0),
                norm_epsilon: 1e-6,
                tied_output: true,
                ..base
            },
            "llama3.2-1b" => Self {
                layers: 16,
                width: 2048,
                heads: 32,
                heads_kv: 8,
                feed_forward: 8192,
                vocabulary: 128_256,
                context: CONTEXT_MAX,
                rope_base: Some(500_000.0),
                tied_output: true,
                ..base
            },
            "llama3-8b" => Self {
                layers: 32,
                width: 4096,
                heads: 32,
                heads_kv: 8,
                feed_forward: 14_336,
                vocabulary: 128_256,
                context: 8192,
                rope_base: Some(500_000.0),
                ..base
            },
            _ => return None,
        };
        Some(shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_shape_whose_parts_divide() {
        for name in RandomModel::NAMES {
            let shape = RandomModel::like(name).unwrap();
            assert_eq!(shape.width % shape.heads, 0, "{name}");
            assert_eq!(shape.heads % shape.heads_kv, 0, "{name}");
            assert_eq!(
                (shape.width % 32, shape.feed_forward % 32),
                (0, 0),
                "{name}"
            );
        }
        assert_eq!(RandomModel::like("gpt-5"), None);
    }

    #[test]
    fn named_shapes_have_the_parameters_that_their_models_publish() {
        for (name, millions) in [
            ("qwen2.5-0.5b", 494),
            ("qwen2.5-1.5b", 1544),
            ("llama3.2-1b", 1236),
            ("llama3-8b", 8030),
        ] {
            let shape = RandomModel::like(name).unwrap();
            let tensors = shape.tensors(u64::from(shape.vocabulary));
            let numbers: u64 = tensors.iter().map(|tensor| tensor.numbers()).sum();
            assert_eq!((numbers + 500_000) / 1_000_000, millions, "{name}");
        }
    }
}
