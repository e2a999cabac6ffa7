//! The task of a worker: takes requests and what steers them, tells how the worker is, and leaves in order.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, atomic::Ordering},
    time::Instant,
};

use async_nats::{Message, Subscriber};
use futures::StreamExt;
use mercer_schemas::worker::{
    Control, Heartbeat, Refusal, WorkRequest, control_subject, embed_subject, request_subject,
    rerank_subject, stream_of,
};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use super::{
    HEARTBEAT, Key, Serving, TextModels, WatchState,
    attempt::{Attempt, Steer},
    dropped,
    namesake::Namesake,
    refusal,
    residency::Told,
    text_requests::TextRequests,
};
use crate::Error;

/// The task of a worker.
pub(super) struct Server {
    serving: Arc<Serving>,
    heartbeats: String,
    namesake: Namesake,
    watch: Arc<WatchState>,
    steers: HashMap<Key, mpsc::UnboundedSender<Steer>>,
    attempts: JoinSet<Key>,
    texts: TextRequests,
    /// One clone for each attempt that the engine works on.
    working: Arc<()>,
    told: Told,
    seq: u64,
    draining: bool,
}

impl Server {
    pub(super) fn new(
        serving: Serving,
        heartbeats: String,
        watch: Arc<WatchState>,
        texts: TextModels,
    ) -> Self {
        Self {
            heartbeats,
            namesake: Namesake::new(&serving.name, serving.incarnation),
            watch,
            texts: TextRequests::new(serving.bus.clone(), texts),
            serving: Arc::new(serving),
            steers: HashMap::new(),
            attempts: JoinSet::new(),
            working: Arc::new(()),
            told: Told::default(),
            seq: 0,
            draining: false,
        }
    }

    /// Serves until it is told to leave and has ended what it has, or its name turns out to be another worker's.
    pub(super) async fn run(
        mut self,
        mut namesakes: Subscriber,
        drain: CancellationToken,
    ) -> Result<(), Error> {
        tokio::select! {
            free = self.namesake.listen_first(&self.serving.bus, &mut namesakes) => free?,
            () = drain.cancelled() => return Ok(()),
        }
        // Not before: whoever asks what ran here before must learn at once that it is gone.
        let bus = self.serving.bus.clone();
        let mut requests = bus.subscribe(request_subject(&self.serving.name)).await?;
        let mut embeds = bus.subscribe(embed_subject(&self.serving.name)).await?;
        let mut reranks = bus.subscribe(rerank_subject(&self.serving.name)).await?;
        let mut controls = bus.subscribe(control_subject(&self.serving.name)).await?;
        self.watch.speaks.store(true, Ordering::Relaxed);
        let mut beat = interval(HEARTBEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tracing::info!(
            worker.id = self.serving.name,
            model = self.serving.engine.info().label(),
            "worker serves"
        );
        loop {
            // In this order: requests come before what steers them, as they were sent, so that no cancel is read first.
            tokio::select! {
                biased;
                () = drain.cancelled(), if !self.draining => {
                    self.draining = true;
                    tracing::info!(worker.id = self.serving.name, running = self.running(), "worker drains");
                    self.beat().await;
                }
                _ = beat.tick() => {
                    self.beat().await;
                    if self.serving.engine.has_ended() {
                        // Callers go elsewhere; whoever started this process may start it again.
                        drain.cancel();
                    }
                }
                Some(message) = namesakes.next() => self.namesake.meet(&message.payload)?,
                Some(ended) = self.attempts.join_next() => {
                    if let Ok(key) = ended {
                        self.steers.remove(&key);
                    }
                }
                Some(()) = self.texts.ended() => {}
                Some(message) = requests.next() => self.take(message).await,
                Some(message) = embeds.next() => self.texts.embed(message, self.draining).await,
                Some(message) = reranks.next() => self.texts.rerank(message, self.draining).await,
                Some(message) = controls.next() => self.steer(&message, &drain).await,
            }
            if self.draining && self.running() == 0 {
                break;
            }
        }
        self.beat().await;
        self.serving.bus.flush().await;
        tracing::info!(worker.id = self.serving.name, "worker has left");
        if self.serving.engine.has_ended() {
            return Err(Error::Stopped);
        }
        Ok(())
    }

    fn running(&self) -> usize {
        Arc::strong_count(&self.working) - 1 + self.texts.running()
    }

    async fn beat(&mut self) {
        let engine = &self.serving.engine;
        let load = engine.take_load();
        let was_stalled = self.watch.stalled.swap(load.stalled, Ordering::Relaxed);
        match (was_stalled, load.stalled) {
            (false, true) => tracing::error!(
                worker.id = self.serving.name,
                "the engine hangs in a step; callers go elsewhere"
            ),
            (true, false) => {
                tracing::warn!(worker.id = self.serving.name, "the engine goes on");
            }
            _ => {}
        }
        *self
            .serving
            .load
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = load;
        if !self.serving.bus.is_connected() {
            // What is told now reaches nobody.
            return self.told.forget();
        }
        self.seq += 1;
        let heartbeat = Heartbeat {
            worker: self.serving.name.clone(),
            incarnation: self.serving.incarnation,
            up_ms: self.namesake.up_ms(),
            seq: self.seq,
            model: engine.info().as_ref().clone(),
            draining: self.draining,
            load,
            residency: self.told.tell(Instant::now(), engine.starts()),
            embedder: self.texts.embedder(),
            reranker: self.texts.reranker(),
        };
        let payload = serde_json::to_vec(&heartbeat).unwrap_or_default();
        let subject = self.heartbeats.clone();
        self.serving.bus.publish(subject, None, payload).await;
    }

    /// Takes a request. One that makes no sense is dropped: there is nobody to tell.
    async fn take(&mut self, message: Message) {
        let Some(reply) = message.reply else {
            return dropped("no_reply");
        };
        let Ok(request) = serde_json::from_slice::<WorkRequest>(&message.payload) else {
            return dropped("request");
        };
        let key = (request.stream, request.attempt);
        // Frames go to no other subject, whoever asks.
        if stream_of(reply.as_str()) != Some(key) {
            return dropped("reply");
        }
        if self.steers.contains_key(&key) {
            return dropped("repeated");
        }
        if self.draining {
            let frame = refusal(key, request.resume.len(), Refusal::Draining);
            self.serving
                .bus
                .publish(reply.to_string(), None, frame)
                .await;
            return;
        }
        let (sender, steers) = mpsc::unbounded_channel();
        self.steers.insert(key, sender);
        let attempt = Attempt::new(self.serving.clone(), &request, reply.to_string(), steers);
        let working = self.working.clone();
        self.attempts.spawn(async move {
            attempt.run(request, working).await;
            key
        });
    }

    async fn steer(&mut self, message: &Message, drain: &CancellationToken) {
        let Ok(control) = serde_json::from_slice::<Control>(&message.payload) else {
            return dropped("control");
        };
        let (key, steer) = match control {
            Control::Cancel { stream, attempt } => {
                self.texts.cancel((stream, attempt));
                ((stream, attempt), Steer::Cancel)
            }
            Control::Credit {
                stream,
                attempt,
                upto,
            } => ((stream, attempt), Steer::Credit(upto)),
            Control::Resend {
                stream,
                attempt,
                from,
            } => ((stream, attempt), Steer::Resend(from)),
            Control::Drain => return drain.cancel(),
            Control::Snapshot => return self.told.forget(),
        };
        if let Some(steers) = self.steers.get(&key) {
            // An attempt that has just ended needs no steering.
            let _ = steers.send(steer);
        }
    }
}
