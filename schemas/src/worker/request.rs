//! What a caller asks a worker for.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Grammar, Priority};
use crate::ChatMessage;

/// Names one generation between a caller and its workers: a random number, so that nobody else can guess it and
/// forge frames of it. Written as 16 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(pub u64);

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for StreamId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "expected 16 hexadecimal digits";
        if text.len() != 16 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(WRONG);
        }
        u64::from_str_radix(text, 16).map(Self).map_err(|_| WRONG)
    }
}

impl Serialize for StreamId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for StreamId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for StreamId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "StreamId".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[0-9a-f]{16}$" })
    }
}

/// Asks for a generation, or for the rest of one that another worker began. JSON on [`super::request_subject`], with
/// [`super::stream_subject`] as the reply subject.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WorkRequest {
    /// The stream.
    pub stream: StreamId,
    /// Counts the workers asked for this stream, from 1. Frames carry it.
    pub attempt: u16,
    /// Names the request; seeds its sampling together with the token's index, so that attempts draw the same tokens.
    pub request_id: String,
    /// The key under which the conversation's cache is kept.
    pub conversation_key: String,
    /// The LoRA adapter to compute with, one of [`super::ModelInfo::adapters`]; none takes the model as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adapter: Option<String>,
    /// The whole conversation so far, oldest first.
    pub messages: Vec<ChatMessage>,
    /// Output tokens that were received already: the worker goes on behind them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resume: Vec<u32>,
    /// What the whole output must look like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grammar: Option<Grammar>,
    /// At most this many output tokens, those in `resume` among them.
    pub max_tokens: u32,
    /// 0 takes the likeliest token each time.
    pub temperature: f32,
    /// Probability that the tokens sampled from hold together, in `(0, 1]`.
    pub top_p: f32,
    /// Milliseconds left. A time of day would need clocks that agree.
    pub deadline_ms: u64,
    /// The class of the request.
    pub priority: Priority,
    /// Frames that the worker may send before it needs [`super::Control::Credit`].
    pub credit: u32,
}

impl fmt::Debug for WorkRequest {
    /// Tells no text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkRequest")
            .field("stream", &self.stream)
            .field("attempt", &self.attempt)
            .field("messages", &self.messages.len())
            .field("resume", &self.resume.len())
            .field("deadline_ms", &self.deadline_ms)
            .finish_non_exhaustive()
    }
}
