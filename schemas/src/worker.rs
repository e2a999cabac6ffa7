//! The worker protocol, version 1: how a caller asks a llama.cpp worker for a generation, or for vectors of texts, over
//! NATS.
//!
//! A caller publishes a [`WorkRequest`] on the worker's own subject with a reply subject of its own stream. The worker
//! answers there with binary [`Frame`]s: accepted, tokens, keepalives, done or refused. Steering goes the other way as
//! [`Control`] messages, and every worker tells what it is and holds in a [`Heartbeat`]. An [`EmbedRequest`] or [`RerankRequest`] goes the
//! same way to a subject of its own, and is answered with keepalives and one frame of numbers. Subjects hold ids only;
//! what a customer wrote travels in payloads. `schemas/worker/` holds golden examples of each message.
//!
//! Whoever reads skips fields that it does not know, and drops a frame of a version that it does not know.

mod control;
mod embed;
mod frame;
mod generation;
mod heartbeat;
mod prefix;
mod request;
mod rerank;

pub use control::Control;
pub use embed::{EMBED_TEXTS_MAX, EmbedRequest};
pub use frame::{
    Accepted, Body, Done, FRAME_BYTES_MAX, Frame, FrameError, Refusal, Refused, rows_max,
};
pub use generation::{Finish, Grammar, ModelInfo, Priority, Timings, Usage};
pub use heartbeat::{Heartbeat, Load, Residency, TextModelState};
pub use prefix::prefix_hashes;
pub use request::{StreamId, WorkRequest};
pub use rerank::{RERANK_DOCUMENTS_MAX, RerankRequest};

/// Begins every subject; the number is the protocol's version.
const ROOT: &str = "llm.v1";

/// Returns the subject on which a worker takes requests.
pub fn request_subject(worker: &str) -> String {
    format!("{ROOT}.req.{worker}")
}

/// Returns the subject on which a worker takes texts to embed.
pub fn embed_subject(worker: &str) -> String {
    format!("{ROOT}.emb.{worker}")
}

/// Returns the subject on which a worker takes documents to rank.
pub fn rerank_subject(worker: &str) -> String {
    format!("{ROOT}.rank.{worker}")
}

/// Returns the subject on which a worker takes [`Control`] messages.
pub fn control_subject(worker: &str) -> String {
    format!("{ROOT}.ctl.{worker}")
}

/// Returns the subject on which a pool's worker tells its [`Heartbeat`]s.
pub fn heartbeat_subject(pool: &str, worker: &str) -> String {
    format!("{ROOT}.hb.{pool}.{worker}")
}

/// Returns the subject that matches the heartbeats of all workers of a pool.
pub fn heartbeats_of(pool: &str) -> String {
    heartbeat_subject(pool, "*")
}

/// Returns the subject that a caller receives the frames of one attempt on. The attempt is part of it because NATS
/// itself answers there when nobody takes the request, and says nothing else.
pub fn stream_subject(caller: &str, stream: StreamId, attempt: u16) -> String {
    format!("{ROOT}.out.{caller}.{stream}.{attempt}")
}

/// Returns the subject that matches the frames of all streams of a caller.
pub fn streams_of(caller: &str) -> String {
    format!("{ROOT}.out.{caller}.*.*")
}

/// Reads the stream and the attempt from a subject made by [`stream_subject`].
pub fn stream_of(subject: &str) -> Option<(StreamId, u16)> {
    let rest = subject.strip_prefix(ROOT)?.strip_prefix(".out.")?;
    let mut parts = rest.split('.');
    let (caller, stream, attempt) = (parts.next()?, parts.next()?, parts.next()?);
    if !is_name(caller) || parts.next().is_some() {
        return None;
    }
    Some((stream.parse().ok()?, attempt.parse().ok()?))
}

/// Says whether a text can be the name of a pool, worker or caller: 1 to 64 letters, digits, `-` and `_`.
pub fn is_name(text: &str) -> bool {
    const BYTES_MAX: usize = 64;
    !text.is_empty()
        && text.len() <= BYTES_MAX
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_read_from_its_subject() {
        let stream = StreamId(0x1f);
        let subject = stream_subject("node-1", stream, 2);
        assert_eq!(subject, "llm.v1.out.node-1.000000000000001f.2");
        assert_eq!(stream_of(&subject), Some((stream, 2)));
        for wrong in [
            "llm.v1.out.node-1.+f.2",
            "llm.v1.req.node-1.000000000000001f.2",
            "llm.v1.out.a.b.000000000000001f.2",
        ] {
            assert_eq!(stream_of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn names_cannot_widen_a_subject() {
        assert!(is_name("gpu-1_a"));
        for name in ["", "a.b", "*", ">", "a b", &"x".repeat(65)] {
            assert!(!is_name(name), "{name}");
        }
    }
}
