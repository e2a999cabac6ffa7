//! Serves vectors of texts and scores of documents: what this worker's embedding model or reranker computes goes back in
//! one frame.
//!
//! These models have threads and queues of their own, so texts wait for no conversation, and no conversation for texts.

use std::{
    collections::HashMap,
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use async_nats::Message;
use mercer_schemas::worker::{
    Body, EMBED_TEXTS_MAX, EmbedRequest, Frame, RERANK_DOCUMENTS_MAX, Refusal, RerankRequest,
    TextModelState, rows_max, stream_of,
};
use serde::de::DeserializeOwned;
use tokio::{
    task::{AbortHandle, JoinError, JoinSet},
    time::{interval_at, sleep_until},
};

use super::{Key, dropped, outbox::KEEPALIVE, refusal};
use crate::{Embedder, Error, Reranker, bus::Bus, refusal::refused};

/// Requests that may wait for a model or be computed, as many as wait in front of its thread.
const WAITING_MAX: u32 = 64;
/// No request is kept longer, whatever its caller says.
const DEADLINE_MAX: Duration = Duration::from_secs(300);

/// The models that a worker serves beside its engine.
#[derive(Clone, Default)]
pub struct TextModels {
    /// Its embedding model, if it has one.
    pub embedder: Option<Arc<dyn Embedder>>,
    /// Its reranker, if it has one.
    pub reranker: Option<Arc<dyn Reranker>>,
}

/// The text models of a worker, and the requests that each has.
pub(super) struct TextRequests {
    bus: Bus,
    models: TextModels,
    embeds: JoinSet<Key>,
    reranks: JoinSet<Key>,
    /// What ends a request whose caller has given up.
    cancels: HashMap<Key, AbortHandle>,
}

impl TextRequests {
    /// Begins to serve models. Requests for one that is not there are refused.
    pub(super) fn new(bus: Bus, models: TextModels) -> Self {
        Self {
            bus,
            models,
            embeds: JoinSet::new(),
            reranks: JoinSet::new(),
            cancels: HashMap::new(),
        }
    }

    /// Returns what a heartbeat tells of the embedding model.
    pub(super) fn embedder(&self) -> Option<TextModelState> {
        let info = self.models.embedder.as_ref()?.info();
        Some(state(&info.id, info.dim as u32, &self.embeds))
    }

    /// Returns what a heartbeat tells of the reranker.
    pub(super) fn reranker(&self) -> Option<TextModelState> {
        let reranker = self.models.reranker.as_ref()?;
        Some(state(reranker.id(), 1, &self.reranks))
    }

    /// Returns how many requests have no answer yet.
    pub(super) fn running(&self) -> usize {
        self.embeds.len() + self.reranks.len()
    }

    /// Waits until a request has its answer; nothing where there is none.
    pub(super) async fn ended(&mut self) -> Option<()> {
        let ended: Result<Key, JoinError> = tokio::select! {
            Some(ended) = self.embeds.join_next() => ended,
            Some(ended) = self.reranks.join_next() => ended,
            else => return None,
        };
        match ended {
            Ok(key) => drop(self.cancels.remove(&key)),
            // Ended from outside, so it does not tell which one it was.
            Err(_) => self.cancels.retain(|_, cancel| !cancel.is_finished()),
        }
        Some(())
    }

    /// Ends a request whose caller has given up. What its model has begun to compute it computes, and nothing more.
    pub(super) fn cancel(&mut self, key: Key) {
        if let Some(cancel) = self.cancels.remove(&key) {
            cancel.abort();
        }
    }

    /// Takes a request for vectors.
    pub(super) async fn embed(&mut self, message: Message, draining: bool) {
        let key = |request: &EmbedRequest| (request.stream, request.attempt);
        let Some((request, reply)) = read(message, "embed", key) else {
            return;
        };
        let key = key(&request);
        if self.cancels.contains_key(&key) {
            return dropped("repeated");
        }
        let admitted = match &self.models.embedder {
            _ if draining => Err(Refusal::Draining),
            Some(embedder) if embedder.info().id == request.embedder => {
                let most = rows_max(embedder.info().dim as u32).min(EMBED_TEXTS_MAX);
                room(&self.embeds, request.texts.len(), most).map(|()| embedder.clone())
            }
            _ => Err(Refusal::OtherModel),
        };
        match admitted {
            Ok(embedder) => {
                let (rows, width) = (request.texts.len(), embedder.info().dim);
                let computing = async move { embedder.embed(request.texts).await };
                let responder = Responder::new(&self.bus, key, reply, rows, width);
                let giving = responder.give(request.deadline_ms, computing);
                self.cancels.insert(key, self.embeds.spawn(giving));
            }
            Err(kind) => {
                self.bus.publish(reply, None, refusal(key, 0, kind)).await;
            }
        }
    }

    /// Takes a request for scores.
    pub(super) async fn rerank(&mut self, message: Message, draining: bool) {
        let key = |request: &RerankRequest| (request.stream, request.attempt);
        let Some((request, reply)) = read(message, "rerank", key) else {
            return;
        };
        let key = key(&request);
        if self.cancels.contains_key(&key) {
            return dropped("repeated");
        }
        let admitted = match &self.models.reranker {
            _ if draining => Err(Refusal::Draining),
            Some(reranker) if reranker.id() == request.reranker => {
                let most = RERANK_DOCUMENTS_MAX;
                room(&self.reranks, request.documents.len(), most).map(|()| reranker.clone())
            }
            _ => Err(Refusal::OtherModel),
        };
        match admitted {
            Ok(reranker) => {
                let rows = request.documents.len();
                let computing = async move {
                    let scores = reranker.scores(&request.query, request.documents).await?;
                    Ok(scores.into_iter().map(|score| vec![score]).collect())
                };
                let responder = Responder::new(&self.bus, key, reply, rows, 1);
                let giving = responder.give(request.deadline_ms, computing);
                self.cancels.insert(key, self.reranks.spawn(giving));
            }
            Err(kind) => {
                self.bus.publish(reply, None, refusal(key, 0, kind)).await;
            }
        }
    }
}

fn state(id: &str, dim: u32, requests: &JoinSet<Key>) -> TextModelState {
    TextModelState {
        id: id.to_owned(),
        dim,
        waiting: requests.len() as u32,
        waiting_max: WAITING_MAX,
    }
}

/// Reads a request and where its answer goes. One that makes no sense is dropped: there is nobody to tell.
fn read<R: DeserializeOwned>(
    message: Message,
    what: &'static str,
    key: impl Fn(&R) -> Key,
) -> Option<(R, String)> {
    let Some(reply) = message.reply else {
        dropped("no_reply");
        return None;
    };
    let Ok(request) = serde_json::from_slice::<R>(&message.payload) else {
        dropped(what);
        return None;
    };
    // Frames go to no other subject, whoever asks.
    if stream_of(reply.as_str()) != Some(key(&request)) {
        dropped("reply");
        return None;
    }
    Some((request, reply.to_string()))
}

/// Says whether so many texts may be computed at once, and one more request may wait.
fn room(requests: &JoinSet<Key>, texts: usize, most: usize) -> Result<(), Refusal> {
    if !(1..=most).contains(&texts) {
        return Err(Refusal::Request);
    }
    if requests.len() >= WAITING_MAX as usize {
        return Err(Refusal::QueueFull);
    }
    Ok(())
}

/// An answer on its way.
struct Responder {
    bus: Bus,
    key: Key,
    reply: String,
    rows: usize,
    width: usize,
}

impl Responder {
    fn new(bus: &Bus, key: Key, reply: String, rows: usize, width: usize) -> Self {
        Self {
            bus: bus.clone(),
            key,
            reply,
            rows,
            width,
        }
    }

    /// Sends what is computed, with a sign of life now and then before. Past the deadline nobody waits for it, and what
    /// the model has not begun by then it leaves out. Returns which request it was.
    async fn give(
        self,
        deadline_ms: u64,
        computing: impl Future<Output = Result<Vec<Vec<f32>>, Error>>,
    ) -> Key {
        let deadline = Instant::now() + Duration::from_millis(deadline_ms).min(DEADLINE_MAX);
        let mut alive = interval_at((Instant::now() + KEEPALIVE).into(), KEEPALIVE);
        tokio::pin!(computing);
        loop {
            tokio::select! {
                computed = &mut computing => {
                    self.send(self.body(computed)).await;
                    return self.key;
                }
                _ = alive.tick() => self.send(Body::Keepalive).await,
                () = sleep_until(deadline.into()) => {
                    metrics::counter!("mercer_worker_texts_late_total").increment(1);
                    return self.key;
                }
            }
        }
    }

    fn body(&self, computed: Result<Vec<Vec<f32>>, Error>) -> Body {
        let failed = |error: &Error| Body::Refused(refused(error, Duration::ZERO));
        match computed {
            Ok(rows)
                if rows.len() == self.rows && rows.iter().all(|row| row.len() == self.width) =>
            {
                Body::Numbers {
                    width: self.width as u32,
                    numbers: rows.concat(),
                }
            }
            Ok(_) => failed(&Error::Decode(
                "rows of another number or length".to_owned(),
            )),
            Err(error) => failed(&error),
        }
    }

    async fn send(&self, body: Body) {
        let (stream, attempt) = self.key;
        let frame = Frame {
            stream,
            attempt,
            seq: 0,
            first_token: 0,
            body,
        };
        let reply = self.reply.clone();
        self.bus.publish(reply, None, frame.encode()).await;
    }
}
