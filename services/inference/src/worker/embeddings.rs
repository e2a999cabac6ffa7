//! Serves vectors of texts: what this worker's embedding model computes goes back in one frame.
//!
//! The model has a thread and a queue of its own, so texts wait for no conversation, and no conversation for texts.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_nats::Message;
use mercer_schemas::worker::{
    Body, EMBED_TEXTS_MAX, EmbedRequest, EmbedderState, Frame, Refusal, rows_max, stream_of,
};
use tokio::{
    task::JoinSet,
    time::{interval_at, sleep_until},
};

use super::{dropped, outbox::KEEPALIVE, refusal};
use crate::{Embedder, Error, bus::Bus, refusal::refused};

/// Requests that may wait or be computed, as many as wait in front of the model's thread.
const WAITING_MAX: u32 = 64;
/// No request is kept longer, whatever its caller says.
const DEADLINE_MAX: Duration = Duration::from_secs(300);

/// The embedding model of a worker, and the requests for vectors that it has.
pub(super) struct Embeddings {
    bus: Bus,
    embedder: Option<Arc<dyn Embedder>>,
    requests: JoinSet<()>,
}

impl Embeddings {
    /// Begins to serve a model, or none: then every request is refused.
    pub(super) fn new(bus: Bus, embedder: Option<Arc<dyn Embedder>>) -> Self {
        Self {
            bus,
            embedder,
            requests: JoinSet::new(),
        }
    }

    /// Returns what a heartbeat tells.
    pub(super) fn state(&self) -> Option<EmbedderState> {
        let info = self.embedder.as_ref()?.info();
        Some(EmbedderState {
            id: info.id.clone(),
            dim: info.dim as u32,
            waiting: self.requests.len() as u32,
            waiting_max: WAITING_MAX,
        })
    }

    /// Returns how many requests have no answer yet.
    pub(super) fn running(&self) -> usize {
        self.requests.len()
    }

    /// Waits until a request has its answer; nothing where there is none.
    pub(super) async fn ended(&mut self) -> Option<()> {
        self.requests.join_next().await.map(|_| ())
    }

    /// Takes a request. One that makes no sense is dropped: there is nobody to tell.
    pub(super) async fn take(&mut self, message: Message, draining: bool) {
        let Some(reply) = message.reply else {
            return dropped("no_reply");
        };
        let Ok(request) = serde_json::from_slice::<EmbedRequest>(&message.payload) else {
            return dropped("embed");
        };
        let key = (request.stream, request.attempt);
        // Frames go to no other subject, whoever asks.
        if stream_of(reply.as_str()) != Some(key) {
            return dropped("reply");
        }
        let reply = reply.to_string();
        match self.admit(&request, draining) {
            Ok(embedder) => {
                let serving = serve(self.bus.clone(), embedder, request, reply);
                self.requests.spawn(serving);
            }
            Err(kind) => {
                self.bus.publish(reply, None, refusal(key, 0, kind)).await;
            }
        }
    }

    fn admit(&self, request: &EmbedRequest, draining: bool) -> Result<Arc<dyn Embedder>, Refusal> {
        if draining {
            return Err(Refusal::Draining);
        }
        let embedder = self.embedder.as_ref().ok_or(Refusal::Embedder)?;
        let info = embedder.info();
        if info.id != request.embedder {
            return Err(Refusal::Embedder);
        }
        let most = rows_max(info.dim as u32).min(EMBED_TEXTS_MAX);
        if !(1..=most).contains(&request.texts.len()) {
            return Err(Refusal::Request);
        }
        if self.requests.len() >= WAITING_MAX as usize {
            return Err(Refusal::QueueFull);
        }
        Ok(embedder.clone())
    }
}

/// Computes the vectors and sends them, with a sign of life now and then. Past the deadline nobody waits for them, and
/// what the model has not begun by then it leaves out.
async fn serve(bus: Bus, embedder: Arc<dyn Embedder>, request: EmbedRequest, reply: String) {
    let EmbedRequest {
        stream,
        attempt,
        texts,
        deadline_ms,
        ..
    } = request;
    let frame = |body| Frame {
        stream,
        attempt,
        seq: 0,
        first_token: 0,
        body,
    };
    let send = |body| bus.publish(reply.clone(), None, frame(body).encode());
    let deadline = Instant::now() + Duration::from_millis(deadline_ms).min(DEADLINE_MAX);
    let mut alive = interval_at((Instant::now() + KEEPALIVE).into(), KEEPALIVE);
    let (count, dim) = (texts.len(), embedder.info().dim);
    let computing = embedder.embed(texts);
    tokio::pin!(computing);
    loop {
        tokio::select! {
            computed = &mut computing => {
                send(answer(computed, count, dim)).await;
                return;
            }
            _ = alive.tick() => {
                send(Body::Keepalive).await;
            }
            () = sleep_until(deadline.into()) => {
                metrics::counter!("mercer_worker_embeds_late_total").increment(1);
                return;
            }
        }
    }
}

fn answer(computed: Result<Vec<Vec<f32>>, Error>, count: usize, dim: usize) -> Body {
    let failed = |error: &Error| Body::Refused(refused(error, Duration::ZERO));
    match computed {
        Ok(vectors) if vectors.len() == count && vectors.iter().all(|one| one.len() == dim) => {
            Body::Numbers {
                width: dim as u32,
                numbers: vectors.concat(),
            }
        }
        Ok(_) => failed(&Error::Decode(
            "vectors of another number or length".to_owned(),
        )),
        Err(error) => failed(&error),
    }
}
