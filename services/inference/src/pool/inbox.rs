//! Gives each frame to its generation: one subscription for all streams of a process.
//!
//! Frames come from anyone who can reach NATS. What is not a frame, belongs to no stream or contradicts its subject
//! is dropped and counted; a stream's number is random, so that it cannot be guessed.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_nats::{Message, StatusCode, Subscriber};
use futures::StreamExt;
use mercer_schemas::worker::{Frame, StreamId, stream_of};
use tokio::sync::mpsc;

use super::drops::Drops;

/// Frames that wait for their generation: more than the credit of two attempts. What is over is sent again.
const WAITING_MAX: usize = 256;

/// What comes for a generation.
#[derive(Debug, PartialEq)]
pub(super) enum Letter {
    /// A frame.
    Frame(Frame),
    /// NATS says that nobody listens where the request of an attempt went.
    NoResponder {
        /// The attempt.
        attempt: u16,
    },
}

type Streams = Arc<Mutex<HashMap<StreamId, mpsc::Sender<Letter>>>>;

/// The streams that are open.
#[derive(Debug, Clone)]
pub(super) struct Inbox {
    streams: Streams,
    drops: Arc<Drops>,
}

/// An open stream; dropping it closes it.
#[derive(Debug)]
pub(super) struct Open {
    /// Its number.
    pub(super) stream: StreamId,
    /// What comes for it.
    pub(super) letters: mpsc::Receiver<Letter>,
    streams: Streams,
}

impl Drop for Open {
    fn drop(&mut self) {
        lock(&self.streams).remove(&self.stream);
    }
}

impl Inbox {
    pub(super) fn new(drops: Arc<Drops>) -> Self {
        Self {
            streams: Streams::default(),
            drops,
        }
    }

    /// Opens a stream.
    pub(super) fn open(&self) -> Open {
        let stream = StreamId(rand::random());
        let (sender, letters) = mpsc::channel(WAITING_MAX);
        lock(&self.streams).insert(stream, sender);
        Open {
            stream,
            letters,
            streams: self.streams.clone(),
        }
    }

    /// Gives out what comes until the client ends.
    pub(super) async fn run(self, mut frames: Subscriber) {
        while let Some(message) = frames.next().await {
            if let Err(reason) =
                read(&message).and_then(|(stream, letter)| self.give(stream, letter))
            {
                self.drops.count(reason);
            }
        }
    }

    fn give(&self, stream: StreamId, letter: Letter) -> Result<(), &'static str> {
        let streams = lock(&self.streams);
        let sender = streams.get(&stream).ok_or("unknown_stream")?;
        sender.try_send(letter).map_err(|_| "overflow")
    }
}

fn lock<T>(streams: &Mutex<T>) -> MutexGuard<'_, T> {
    streams.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads a message. The error is the reason for dropping it.
fn read(message: &Message) -> Result<(StreamId, Letter), &'static str> {
    let (stream, attempt) = stream_of(message.subject.as_str()).ok_or("subject")?;
    if message.status == Some(StatusCode::NO_RESPONDERS) {
        return Ok((stream, Letter::NoResponder { attempt }));
    }
    let frame = Frame::decode(&message.payload).map_err(|error| error.as_str())?;
    if (frame.stream, frame.attempt) != (stream, attempt) {
        return Err("forged");
    }
    Ok((stream, Letter::Frame(frame)))
}
