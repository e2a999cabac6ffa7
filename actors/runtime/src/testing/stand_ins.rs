//! A model and a sender that do as they are told, and time that moves by hand.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use axum::http::HeaderMap;
use futures::future::BoxFuture;
use mercer_gateway::ingress::Incoming;
use mercer_gateway::{Adapter, Limits, Problem, SendOutcome, Verified, Working};
use mercer_inference::{
    ChatModel, Chunk, Completion, Error, Finish, GenerateRequest, Generation, GenerationSink,
    ModelInfo,
};
use mercer_schemas::{Channel, OutboundMessage, ShopId};
use mercer_store::{OutboxRow, Part};
use tokio::sync::watch;

use crate::timer::Timer;

/// Time that moves when a test says so.
pub(crate) struct HandTimer {
    now: watch::Sender<Instant>,
    waits: Mutex<Vec<Duration>>,
}

impl HandTimer {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            now: watch::Sender::new(Instant::now()),
            waits: Mutex::default(),
        })
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.now.send_modify(|now| *now += by);
    }

    /// Counts those who wait.
    pub(crate) fn sleepers(&self) -> usize {
        self.now.receiver_count()
    }

    /// Returns how long each wait so far was to be.
    pub(crate) fn waits(&self) -> Vec<Duration> {
        self.waits.lock().expect("lock").clone()
    }
}

impl Timer for HandTimer {
    fn now(&self) -> Instant {
        *self.now.borrow()
    }

    fn sleep(&self, wait: Duration) -> BoxFuture<'static, ()> {
        self.waits.lock().expect("lock").push(wait);
        let until = self.now() + wait;
        let mut time = self.now.subscribe();
        Box::pin(async move {
            let _ = time.wait_for(|now| *now >= until).await;
        })
    }
}

/// A model that is silent, refuses everything, or writes the same again and again.
#[derive(Default)]
pub(crate) struct Model {
    asked: Mutex<Vec<String>>,
    silent: Mutex<Vec<GenerationSink>>,
    says: Mutex<Says>,
}

#[derive(Clone, Default)]
pub(crate) enum Says {
    #[default]
    Nothing,
    No,
    Text(&'static str),
}

impl Model {
    pub(crate) fn says(&self, says: Says) {
        *self.says.lock().expect("lock") = says;
    }

    /// Returns the ids of the effects that asked.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("lock").clone()
    }
}

#[async_trait]
impl ChatModel for Model {
    fn info(&self) -> Arc<ModelInfo> {
        Arc::new(ModelInfo {
            name: "test".to_owned(),
            sha256: String::new(),
            n_ctx: 4_096,
            n_vocab: 1,
            n_params: 1,
            prompt_style: "compact".to_owned(),
            template_sha256: String::new(),
            adapters: Vec::new(),
        })
    }

    async fn generate(&self, request: GenerateRequest) -> Result<Generation, Error> {
        self.asked.lock().expect("lock").push(request.request_id);
        let (sink, generation) = Generation::channel();
        let says = self.says.lock().expect("lock").clone();
        match says {
            Says::Nothing => self.silent.lock().expect("lock").push(sink),
            Says::No => return Err(Error::Stopped),
            Says::Text(text) => sink.send(Ok(Chunk::Done(Completion {
                text: text.to_owned(),
                tokens: Vec::new(),
                finish: Finish::Stop,
                usage: Default::default(),
                timings: Default::default(),
                prompt_sha256: String::new(),
                model: "test".to_owned(),
            }))),
        }
        Ok(generation)
    }
}

/// A sender that takes everything, or panics.
#[derive(Default)]
pub(crate) struct Platform {
    pub(crate) panics: AtomicBool,
}

#[async_trait]
impl Adapter for Platform {
    fn channel(&self) -> Channel {
        Channel::Webchat
    }

    fn limits(&self) -> Limits {
        Limits { body_bytes_max: 0 }
    }

    fn shop(&self, _: &str) -> Option<ShopId> {
        None
    }

    fn verify(&self, _: &ShopId, _: &HeaderMap, _: &[u8]) -> Result<Verified, Problem> {
        Ok(Verified::default())
    }

    fn parse(&self, _: &ShopId, _: &Verified, _: &[u8], _: i64) -> Result<Vec<Incoming>, Problem> {
        Ok(Vec::new())
    }

    fn render(&self, content: &OutboundMessage) -> Vec<OutboundMessage> {
        vec![content.clone()]
    }

    async fn send(&self, row: &OutboxRow, _: &OutboundMessage, _: Part) -> SendOutcome {
        assert!(!self.panics.load(Ordering::Relaxed), "told to panic");
        SendOutcome::Sent {
            provider_id: format!("sent-{}", row.message),
        }
    }

    async fn working(&self, _: &Working) {}
}
