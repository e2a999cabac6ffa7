//! What workers answer their callers, as anyone who reaches NATS sees it.

use std::time::Duration;

use futures::StreamExt;
use mercer_inference::Bus;
use mercer_schemas::worker::{Body, Finish, Frame, StreamId};
use tokio::time::timeout;

/// An attempt at a generation.
pub(crate) type Attempt = (StreamId, u16);

/// Frames of all workers, and what they said so far.
pub(crate) struct Frames {
    frames: std::pin::Pin<Box<dyn futures::Stream<Item = Frame> + Send>>,
    _bus: Bus,
    /// Attempts that came to their end, in order.
    pub(crate) ended: Vec<Attempt>,
}

impl Frames {
    /// Begins to listen.
    pub(crate) async fn listen(nats: &str) -> Self {
        let bus = Bus::connect(nats, "test").await.expect("NATS");
        let messages = bus.subscribe("llm.v1.out.>".to_owned());
        let frames = messages
            .await
            .expect("frames")
            .filter_map(|message| std::future::ready(Frame::decode(&message.payload).ok()));
        bus.flush().await;
        Self {
            frames: Box::pin(frames),
            _bus: bus,
            ended: Vec::new(),
        }
    }

    /// Waits until a worker has begun a generation, and returns its attempt.
    pub(crate) async fn begun(&mut self, worker: &str) -> Attempt {
        loop {
            let frame = self.next().await;
            if let Body::Accepted(accepted) = &frame.body
                && accepted.worker == worker
            {
                return (frame.stream, frame.attempt);
            }
        }
    }

    /// Says whether an attempt comes to its end within a time.
    pub(crate) async fn ends_within(&mut self, attempt: Attempt, patience: Duration) -> bool {
        let ends = async {
            while !self.ended.contains(&attempt) {
                self.next().await;
            }
        };
        timeout(patience, ends).await.is_ok()
    }

    /// Reads what has come already.
    pub(crate) async fn catch_up(&mut self) {
        while timeout(Duration::from_millis(200), self.next())
            .await
            .is_ok()
        {}
    }

    async fn next(&mut self) -> Frame {
        let frame = self.frames.next().await.expect("NATS is there");
        let attempt = (frame.stream, frame.attempt);
        if let Body::Done { done, .. } = &frame.body
            && done.finish == Finish::Stop
            && !self.ended.contains(&attempt)
        {
            self.ended.push(attempt);
        }
        frame
    }
}
