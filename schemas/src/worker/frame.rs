//! What a worker answers: binary frames, little-endian.
//!
//! | byte | type | what |
//! |---|---|---|
//! | 0 | u8 | version, 1 |
//! | 1 | u8 | kind: 1 accepted, 2 tokens, 3 keepalive, 4 done, 5 refused, 6 numbers |
//! | 2 | u16 | attempt |
//! | 4 | u64 | stream |
//! | 12 | u32 | sequence number within the attempt, from 0 |
//! | 16 | u32 | index of the first token in the whole output |
//! | 20 | u16 | number of tokens |
//! | 22 | u32 each | tokens |
//! | | u32 | bytes of the body |
//! | | bytes | text of the tokens (kind 2), JSON (kinds 1, 4, 5), nothing (kind 3), or rows (kind 6) |
//!
//! Rows are a u32, how many numbers a row has, at least 1, and then all rows, each number as f32.
//!
//! A keepalive has no sequence number of its own: it repeats the next one, so that a reader sees a missing end.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Finish, StreamId, Timings, Usage, generation::hexadecimal};

/// A larger frame is not read. One step's tokens and text take some hundred bytes.
pub const FRAME_BYTES_MAX: usize = 256 * 1024;

const VERSION: u8 = 1;
const HEAD_BYTES: usize = 22;

/// Returns how many rows of so many numbers fit into one frame.
pub fn rows_max(width: u32) -> usize {
    // Behind the head come the bytes of the body and the width.
    let room = FRAME_BYTES_MAX - HEAD_BYTES - 8;
    room / (4 * width.max(1) as usize)
}

/// One message from a worker.
#[derive(Clone, PartialEq)]
pub struct Frame {
    /// The stream.
    pub stream: StreamId,
    /// The attempt.
    pub attempt: u16,
    /// Position among the attempt's frames, from 0.
    pub seq: u32,
    /// Index of the first of the frame's tokens in the whole output; the number of tokens so far where it has none.
    pub first_token: u32,
    /// The content.
    pub body: Body,
}

/// The content of a frame.
#[derive(Clone, PartialEq)]
pub enum Body {
    /// The prompt is being computed.
    Accepted(Accepted),
    /// Output.
    Tokens {
        /// The tokens.
        tokens: Vec<u32>,
        /// Their text; always whole characters.
        text: String,
    },
    /// The request waits or its prompt is being computed.
    Keepalive,
    /// The end of the output. Tokens are those whose bytes never became a whole character.
    Done {
        /// The tokens behind the last text.
        tokens: Vec<u32>,
        /// How it ended.
        done: Done,
    },
    /// The request failed or was not taken.
    Refused(Refused),
    /// What an embedding model or a reranker computed: all of the answer.
    Numbers {
        /// Numbers in a row, at least 1.
        width: u32,
        /// The rows, one behind the other.
        numbers: Vec<f32>,
    },
}

/// A worker has taken a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Accepted {
    /// Name of the worker.
    pub worker: String,
    /// Run of the worker.
    pub incarnation: u64,
    /// Tokens of the prompt, resumed output among them.
    pub prompt_tokens: u32,
    /// Tokens of it that need no computing.
    pub cached_tokens: u32,
}

/// A generation has ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Done {
    /// Why.
    pub finish: Finish,
    /// Tokens taken; output tokens count the whole output, resumed tokens among them.
    pub usage: Usage,
    /// Time taken by this attempt.
    pub timings: Timings,
    /// SHA-256 of the prompt's token ids, hexadecimal.
    #[serde(deserialize_with = "hexadecimal")]
    pub prompt_sha256: String,
    /// Name of the model and the first 12 digits of its file's SHA-256.
    pub model: String,
}

/// Why a worker refused or gave up a request. The text of an error could quote a customer, so only its kind travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// As many requests wait as are allowed to.
    QueueFull,
    /// The cache is full of running conversations.
    CacheFull,
    /// It is about to leave.
    Draining,
    /// The request makes no sense, for instance `max_tokens` of 0, or resumed tokens that its grammar does not allow.
    Request,
    /// The prompt does not fit into the context.
    PromptTooLong,
    /// The model's chat template does not render the messages.
    Template,
    /// The grammar does not compile.
    Grammar,
    /// The grammar failed while it was in use.
    Matcher,
    /// The model failed.
    Model,
    /// It does not serve the embedding model or reranker that is asked for.
    OtherModel,
}

impl Refusal {
    /// Says whether another worker may do better.
    pub fn elsewhere(self) -> bool {
        matches!(
            self,
            Self::QueueFull | Self::CacheFull | Self::Draining | Self::Model | Self::OtherModel
        )
    }
}

/// A refusal with its numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refused {
    /// The kind.
    pub refusal: Refusal,
    /// Tokens of a prompt that is too long, or index of the output token at which a grammar failed; else 0.
    #[serde(default)]
    pub tokens: u32,
    /// Milliseconds after which asking again may help; 0 where it is not known.
    #[serde(default)]
    pub retry_after_ms: u64,
}

impl fmt::Debug for Frame {
    /// Tells no text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, tokens) = match &self.body {
            Body::Accepted(_) => ("accepted", 0),
            Body::Tokens { tokens, .. } => ("tokens", tokens.len()),
            Body::Keepalive => ("keepalive", 0),
            Body::Done { tokens, .. } => ("done", tokens.len()),
            Body::Refused(_) => ("refused", 0),
            Body::Numbers { .. } => ("numbers", 0),
        };
        write!(
            f,
            "Frame({kind} {}/{} #{} {}+{tokens})",
            self.stream, self.attempt, self.seq, self.first_token
        )
    }
}

/// What is wrong with the bytes of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// More than [`FRAME_BYTES_MAX`] bytes.
    #[error("it is too large")]
    TooLarge,
    /// It ends before or behind where it should.
    #[error("its length is wrong")]
    Length,
    /// A version of the protocol that is not known.
    #[error("version {0} of the protocol is not known")]
    Version(u8),
    /// A kind that is not known.
    #[error("kind {0} is not known")]
    Kind(u8),
    /// Its text is not UTF-8, or its JSON is not what the kind says.
    #[error("its body cannot be read")]
    Body,
}

impl FrameError {
    /// Returns the name used in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::Length => "length",
            Self::Version(_) => "version",
            Self::Kind(_) => "kind",
            Self::Body => "body",
        }
    }
}

impl Frame {
    /// Writes the frame.
    pub fn encode(&self) -> Vec<u8> {
        const NONE: &[u32] = &[];
        let json = |value: serde_json::Result<Vec<u8>>| value.unwrap_or_default();
        let (kind, tokens, body) = match &self.body {
            Body::Accepted(accepted) => (1, NONE, json(serde_json::to_vec(accepted))),
            Body::Tokens { tokens, text } => (2, &tokens[..], text.clone().into_bytes()),
            Body::Keepalive => (3, NONE, Vec::new()),
            Body::Done { tokens, done } => (4, &tokens[..], json(serde_json::to_vec(done))),
            Body::Refused(refused) => (5, NONE, json(serde_json::to_vec(refused))),
            Body::Numbers { width, numbers } => (6, NONE, rows(*width, numbers)),
        };
        let mut out = Vec::with_capacity(HEAD_BYTES + tokens.len() * 4 + 4 + body.len());
        out.extend([VERSION, kind]);
        out.extend(self.attempt.to_le_bytes());
        out.extend(self.stream.0.to_le_bytes());
        out.extend(self.seq.to_le_bytes());
        out.extend(self.first_token.to_le_bytes());
        out.extend((tokens.len() as u16).to_le_bytes());
        tokens
            .iter()
            .for_each(|token| out.extend(token.to_le_bytes()));
        out.extend((body.len() as u32).to_le_bytes());
        out.extend(body);
        out
    }

    /// Reads a frame.
    ///
    /// # Errors
    /// Says what is wrong with the bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        if bytes.len() > FRAME_BYTES_MAX {
            return Err(FrameError::TooLarge);
        }
        let mut rest = bytes;
        let version = take::<1>(&mut rest)?[0];
        if version != VERSION {
            return Err(FrameError::Version(version));
        }
        let kind = take::<1>(&mut rest)?[0];
        let attempt = u16::from_le_bytes(take(&mut rest)?);
        let stream = StreamId(u64::from_le_bytes(take(&mut rest)?));
        let seq = u32::from_le_bytes(take(&mut rest)?);
        let first_token = u32::from_le_bytes(take(&mut rest)?);
        let count = u16::from_le_bytes(take(&mut rest)?);
        let mut tokens = Vec::with_capacity(usize::from(count).min(rest.len() / 4));
        for _ in 0..count {
            tokens.push(u32::from_le_bytes(take(&mut rest)?));
        }
        let length = u32::from_le_bytes(take(&mut rest)?);
        if rest.len() != length as usize {
            return Err(FrameError::Length);
        }
        if !tokens.is_empty() && matches!(kind, 1 | 3 | 5 | 6) {
            return Err(FrameError::Body);
        }
        let body = match kind {
            1 => Body::Accepted(json(rest)?),
            2 => Body::Tokens {
                tokens,
                text: String::from_utf8(rest.to_vec()).map_err(|_| FrameError::Body)?,
            },
            3 if rest.is_empty() => Body::Keepalive,
            3 => return Err(FrameError::Body),
            4 => Body::Done {
                tokens,
                done: json(rest)?,
            },
            5 => Body::Refused(json(rest)?),
            6 => read_rows(rest)?,
            kind => return Err(FrameError::Kind(kind)),
        };
        Ok(Self {
            stream,
            attempt,
            seq,
            first_token,
            body,
        })
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], FrameError> {
    let (head, tail) = rest.split_first_chunk::<N>().ok_or(FrameError::Length)?;
    *rest = tail;
    Ok(*head)
}

fn rows(width: u32, numbers: &[f32]) -> Vec<u8> {
    let mut out = Vec::with_capacity(4 + numbers.len() * 4);
    out.extend(width.to_le_bytes());
    numbers
        .iter()
        .for_each(|number| out.extend(number.to_le_bytes()));
    out
}

fn read_rows(mut bytes: &[u8]) -> Result<Body, FrameError> {
    let width = u32::from_le_bytes(take(&mut bytes)?);
    let (numbers, odd) = bytes.as_chunks::<4>();
    let is_whole = width > 0 && odd.is_empty() && numbers.len().is_multiple_of(width as usize);
    if !is_whole {
        return Err(FrameError::Body);
    }
    Ok(Body::Numbers {
        width,
        numbers: numbers
            .iter()
            .map(|bytes| f32::from_le_bytes(*bytes))
            .collect(),
    })
}

fn json<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, FrameError> {
    serde_json::from_slice(bytes).map_err(|_| FrameError::Body)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(body: Body) -> Frame {
        Frame {
            stream: StreamId(7),
            attempt: 2,
            seq: 9,
            first_token: 4,
            body,
        }
    }

    #[test]
    fn a_wrong_frame_is_told_by_what_is_wrong() {
        let good = frame(Body::Tokens {
            tokens: vec![1, 2],
            text: "hé".to_owned(),
        })
        .encode();
        assert_eq!(Frame::decode(&good[..10]), Err(FrameError::Length));
        assert_eq!(
            Frame::decode(&[&good[..], &[0]].concat()),
            Err(FrameError::Length)
        );
        let with = |at: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[at] = byte;
            Frame::decode(&bytes)
        };
        assert_eq!(with(0, 2), Err(FrameError::Version(2)));
        assert_eq!(with(1, 9), Err(FrameError::Kind(9)));
        assert_eq!(with(1, 4), Err(FrameError::Body));
        assert_eq!(with(good.len() - 1, 0xff), Err(FrameError::Body));
        assert_eq!(
            Frame::decode(&vec![1; FRAME_BYTES_MAX + 1]),
            Err(FrameError::TooLarge)
        );
    }

    #[test]
    fn rows_that_are_not_whole_are_no_frame() {
        let numbers = |width, numbers: &[f32]| {
            frame(Body::Numbers {
                width,
                numbers: numbers.to_vec(),
            })
        };
        let good = numbers(2, &[0.5, -1.0, f32::INFINITY, 0.0]);
        assert_eq!(Frame::decode(&good.encode()), Ok(good));
        for wrong in [numbers(0, &[]), numbers(0, &[1.0]), numbers(2, &[1.0])] {
            assert_eq!(Frame::decode(&wrong.encode()), Err(FrameError::Body));
        }
        let rows = rows_max(384);
        let full = |rows: usize| numbers(384, &vec![0.5; 384 * rows]).encode();
        assert!(Frame::decode(&full(rows)).is_ok());
        assert_eq!(Frame::decode(&full(rows + 1)), Err(FrameError::TooLarge));
    }

    proptest! {
        #[test]
        fn a_frame_survives_the_wire(
            stream: u64, attempt: u16, seq: u32, first_token: u32,
            tokens in prop::collection::vec(any::<u32>(), 0..20), text in ".{0,40}",
        ) {
            let frame = Frame {
                stream: StreamId(stream), attempt, seq, first_token, body: Body::Tokens { tokens, text },
            };
            prop_assert_eq!(Frame::decode(&frame.encode()), Ok(frame));
        }

        #[test]
        fn no_bytes_make_reading_fail_otherwise(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Frame::decode(&bytes);
        }

        #[test]
        fn a_damaged_frame_is_read_or_refused(at in 0usize..60, byte: u8) {
            let mut bytes = frame(Body::Keepalive).encode();
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = Frame::decode(&bytes);
        }
    }
}
