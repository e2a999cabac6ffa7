//! The stream of one generation, and the end that a model writes into.
//!
//! A stream is bounded by the request's `max_tokens`, one chunk a token at most; the channel needs no bound of its own.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures::Stream;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{Chunk, Completion, Error};

/// Ends a generation early; what was generated so far still arrives with [`crate::Finish::Cancelled`].
#[derive(Debug, Clone, Default)]
pub struct CancelHandle(CancellationToken);

impl CancelHandle {
    /// Asks the model to stop within its next step. Repeating it does nothing.
    pub fn cancel(&self) {
        self.0.cancel();
    }

    /// Tells whether someone has cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Waits until someone cancels.
    pub async fn cancelled(&self) {
        self.0.cancelled().await;
    }
}

/// A stream of chunks that ends after `Done` or an error. Dropping it cancels the generation.
#[derive(Debug)]
pub struct Generation {
    chunks: mpsc::UnboundedReceiver<Result<Chunk, Error>>,
    cancel: CancelHandle,
    ended: bool,
}

impl Generation {
    /// Makes a generation and the sink that its model writes into.
    pub fn channel() -> (GenerationSink, Self) {
        let (sender, chunks) = mpsc::unbounded_channel();
        let cancel = CancelHandle::default();
        let sink = GenerationSink {
            chunks: sender,
            cancel: cancel.clone(),
        };
        let generation = Self {
            chunks,
            cancel,
            ended: false,
        };
        (sink, generation)
    }

    /// Returns a handle that ends the generation early.
    pub fn cancel_handle(&self) -> CancelHandle {
        self.cancel.clone()
    }

    /// Waits for the end and returns the completion.
    ///
    /// # Errors
    /// The error that ended the generation; [`Error::Stopped`] when the model went away.
    pub async fn complete(mut self) -> Result<Completion, Error> {
        loop {
            match self.chunks.recv().await {
                Some(Ok(Chunk::Done(completion))) => return Ok(completion),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => return Err(Error::Stopped),
            }
        }
    }
}

impl Stream for Generation {
    type Item = Result<Chunk, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let polled = self.chunks.poll_recv(cx);
        match polled {
            Poll::Pending => Poll::Pending,
            Poll::Ready(None) => {
                self.ended = true;
                Poll::Ready(Some(Err(Error::Stopped)))
            }
            Poll::Ready(Some(item)) => {
                self.ended = matches!(item, Ok(Chunk::Done(_)) | Err(_));
                Poll::Ready(Some(item))
            }
        }
    }
}

impl Drop for Generation {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

/// The end of a generation that a model writes into.
#[derive(Debug)]
pub struct GenerationSink {
    chunks: mpsc::UnboundedSender<Result<Chunk, Error>>,
    cancel: CancelHandle,
}

impl GenerationSink {
    /// Passes a chunk or the error that ends the generation on. One that nobody reads any more is dropped.
    pub fn send(&self, item: Result<Chunk, Error>) {
        // A failed send means that the stream was dropped, which has cancelled the generation already.
        let _ = self.chunks.send(item);
    }

    /// Tells whether the caller has cancelled or dropped the stream.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Returns the handle that the stream's side cancels with.
    pub fn cancel_handle(&self) -> CancelHandle {
        self.cancel.clone()
    }
}
