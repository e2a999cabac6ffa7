//! What a generation is asked for and what it reports, the same in this process and over NATS.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::Error};

/// A grammar that the output must follow, as llguidance reads it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", content = "source", rename_all = "snake_case")]
pub enum Grammar {
    /// A Lark grammar with a `start` rule.
    Lark(String),
    /// A JSON Schema, as JSON text.
    JsonSchema(String),
}

impl fmt::Debug for Grammar {
    /// Tells the length only: a grammar holds spans of what a customer wrote.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lark(source) => write!(f, "Lark({} bytes)", source.len()),
            Self::JsonSchema(source) => write!(f, "JsonSchema({} bytes)", source.len()),
        }
    }
}

/// Which request goes first when several wait. Within a class the earlier deadline wins.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// A customer waits for it.
    #[default]
    Interactive,
    /// A step inside a turn that no one watches.
    Step,
    /// Evaluation, summaries, anything that can wait.
    Background,
}

/// Why a generation ended without an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// The model or the grammar said that the text is complete.
    Stop,
    /// `max_tokens` or the context's end was reached: the text may break off.
    Length,
    /// The caller cancelled: the text may break off.
    Cancelled,
    /// The deadline passed: the text may break off.
    Deadline,
}

impl Finish {
    /// Returns the name used in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::Cancelled => "cancelled",
            Self::Deadline => "deadline",
        }
    }
}

/// Tokens that a generation took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Tokens of the prompt that were already in the cache.
    pub cached_tokens: u32,
    /// Tokens generated, without the end token.
    pub output_tokens: u32,
}

/// Where the time of a generation went, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Timings {
    /// From submission to admission.
    pub queue_ms: f64,
    /// From admission to the first token.
    pub prefill_ms: f64,
    /// From the first token to the end.
    pub decode_ms: f64,
}

/// What is known about a chat model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelInfo {
    /// `general.name` of the file, or the file's name.
    pub name: String,
    /// SHA-256 of the file, hexadecimal.
    #[serde(deserialize_with = "hexadecimal")]
    pub sha256: String,
    /// Tokens that one conversation may hold.
    pub n_ctx: u32,
    /// Tokens in the vocabulary.
    pub n_vocab: u32,
    /// Parameters of the model.
    pub n_params: u64,
    /// Metadata key `mercer.prompt`: `compact` for models trained on Mercer's short prompts, else `full`.
    pub prompt_style: String,
    /// SHA-256 of the chat template, hexadecimal.
    #[serde(deserialize_with = "hexadecimal")]
    pub template_sha256: String,
    /// Names of the LoRA adapters that requests may choose from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adapters: Vec<String>,
}

impl ModelInfo {
    /// Returns the name and the first 12 digits of the file's hash, as completions carry it.
    pub fn label(&self) -> String {
        const DIGITS: usize = 12;
        let digits: String = self.sha256.chars().take(DIGITS).collect();
        format!("{}@{digits}", self.name)
    }
}

/// Reads a SHA-256 as hexadecimal digits. Whoever reaches NATS can tell anything, and a hash becomes part of labels.
pub(super) fn hexadecimal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    const DIGITS_MAX: usize = 64;
    let text = String::deserialize(deserializer)?;
    if text.len() > DIGITS_MAX || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(D::Error::custom("expected at most 64 hexadecimal digits"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(sha256: &str) -> ModelInfo {
        ModelInfo {
            name: "m".to_owned(),
            sha256: sha256.to_owned(),
            n_ctx: 1,
            n_vocab: 1,
            n_params: 1,
            prompt_style: "full".to_owned(),
            template_sha256: String::new(),
            adapters: Vec::new(),
        }
    }

    #[test]
    fn a_label_has_twelve_digits_and_cuts_no_character() {
        assert_eq!(model("0123456789abcdef").label(), "m@0123456789ab");
        assert_eq!(model("01").label(), "m@01");
        assert_eq!(
            model(&"é".repeat(32)).label(),
            format!("m@{}", "é".repeat(12))
        );
    }

    #[test]
    fn a_hash_that_is_none_is_not_read() {
        let read = |sha256: &str| {
            let json = serde_json::to_string(&model(sha256)).unwrap();
            serde_json::from_str::<ModelInfo>(&json)
        };
        assert_eq!(read(&"0f".repeat(32)).unwrap().sha256, "0f".repeat(32));
        for wrong in ["é".repeat(32), "0".repeat(65), "x".to_owned()] {
            assert!(read(&wrong).is_err(), "{wrong}");
        }
    }
}
