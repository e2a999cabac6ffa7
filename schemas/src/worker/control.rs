//! How a caller steers a worker.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::StreamId;

/// A message on [`super::control_subject`], as JSON. One that names a stream which the worker does not know is ignored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Control {
    /// Stop within one step.
    Cancel {
        /// The stream.
        stream: StreamId,
        /// The attempt.
        attempt: u16,
    },
    /// Frames up to this number may be sent. An older, lower number changes nothing.
    Credit {
        /// The stream.
        stream: StreamId,
        /// The attempt.
        attempt: u16,
        /// One more than the highest sequence number allowed.
        upto: u32,
    },
    /// Send the frames again from this one on: it did not arrive.
    Resend {
        /// The stream.
        stream: StreamId,
        /// The attempt.
        attempt: u16,
        /// Sequence number of the first missing frame.
        from: u32,
    },
    /// Take no more requests, end those that run, then leave.
    Drain,
    /// Tell the whole residency in the next heartbeat.
    Snapshot,
}
