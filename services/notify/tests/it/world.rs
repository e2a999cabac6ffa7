//! A store with conversations to tell of, and a clock that tests move.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mercer_notify::{Notifier, NotifyConfig, WebhookConfig};
use mercer_schemas::{Channel, MessageId, Notice, Personal, ShopId, Stream, partition_of};
use mercer_store::{Append, DeliveryFilter, Lease, Store, StoreConfig, ToldRow};
use mercer_testing::sqlite_url;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub(crate) const OTHER_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

pub(crate) struct World {
    pub(crate) store: Store,
    leases: Vec<Lease>,
    ahead_ms: Arc<AtomicI64>,
    _folder: tempfile::TempDir,
}

/// A notifier that runs until it is dropped.
pub(crate) struct Running {
    stop: CancellationToken,
    _task: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub(crate) fn shop() -> ShopId {
    ShopId::new("highbarn").expect("key")
}

pub(crate) fn desk(url: &str, secrets: &[&str]) -> NotifyConfig {
    NotifyConfig {
        webhooks: vec![WebhookConfig {
            shop: shop(),
            name: "desk".to_owned(),
            url: url.to_owned(),
            secrets: secrets.iter().map(|&secret| secret.to_owned()).collect(),
            events: Vec::new(),
        }],
        ..NotifyConfig::default()
    }
}

impl World {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let store = Store::open(&StoreConfig::new(sqlite_url(folder.path())))
            .await
            .expect("store");
        let leases = store.leases();
        leases.register("node", "test").await.expect("node");
        let leases = leases.claim_all("node", true).await.expect("leases");
        Self {
            store,
            leases,
            ahead_ms: Arc::new(AtomicI64::new(0)),
            _folder: folder,
        }
    }

    pub(crate) async fn conversation(&self, address: &str) -> Stream {
        let address = Personal::new(address.to_owned());
        self.store
            .conversations()
            .ensure(&shop(), Channel::Whatsapp, &address, 1)
            .await
            .expect("conversation")
            .stream()
    }

    /// Stores that the customer wrote these words while a person has the conversation.
    pub(crate) async fn tell(&self, stream: &Stream, words: &str) {
        self.tell_notice(
            stream,
            Notice::MessageReceived {
                shop: stream.shop.clone(),
                conversation: stream.conversation.clone(),
                message: MessageId::from_parts(1, rand::random()),
                text: Some(words.into()),
            },
        )
        .await;
    }

    pub(crate) async fn tell_notice(&self, stream: &Stream, notice: Notice) {
        let partition = partition_of(&stream.shop, &stream.conversation);
        let append = Append {
            stream: stream.clone(),
            lease: self.leases[usize::from(partition)].clone(),
            records: Vec::new(),
            inbox_done: Vec::new(),
            inbox_quarantined: Vec::new(),
            outbox: Vec::new(),
            notices: vec![notice],
            phase: "with_person".to_owned(),
            handed_over: true,
            turns: 0,
            snapshot: None,
            expect_versions: Vec::new(),
        };
        let conversations = self.store.conversations();
        conversations.append(append).await.expect("append");
    }

    pub(crate) fn notifier(&self, config: &NotifyConfig) -> Notifier {
        let ahead_ms = self.ahead_ms.clone();
        let now = Arc::new(move || wall_ms() + ahead_ms.load(Ordering::Relaxed));
        Notifier::new(&self.store, config, now).expect("settings")
    }

    pub(crate) fn run(&self, config: &NotifyConfig) -> Running {
        let (notifier, stop) = (self.notifier(config), CancellationToken::new());
        let stopped = stop.clone();
        Running {
            stop,
            _task: tokio::spawn(async move { notifier.run(stopped).await }),
        }
    }

    /// Returns deliveries as a list shows them.
    pub(crate) async fn told(&self, filter: &DeliveryFilter) -> Vec<ToldRow> {
        let notices = self.store.notices();
        let page = notices.list(&shop(), filter, None, 1_000).await;
        page.expect("list").items
    }

    /// Moves the notifier's clock.
    pub(crate) fn later(&self, by: Duration) {
        let by_ms = i64::try_from(by.as_millis()).expect("a time");
        self.ahead_ms.fetch_add(by_ms, Ordering::Relaxed);
    }
}

fn wall_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("time");
    i64::try_from(since.as_millis()).expect("a time")
}
