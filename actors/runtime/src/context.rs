//! What every actor of this node shares.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use mercer_commerce::Tools;
use mercer_gateway::Channels;
use mercer_gateway::live::LiveFeed;
use mercer_inference::{ChatModel, IntentClassifier};
use mercer_schemas::PromptStyle;
use mercer_schemas::ids::PARTITIONS;
use mercer_store::{Lease, Store};
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use crate::clock::Clock;
use crate::config::RuntimeConfig;
use crate::dispatcher::InFlight;
use crate::shops::{DirectorySettings, ShopDirectory};
use crate::timer::Timer;
use crate::uncounted::Uncounted;

/// The services that conversations use.
#[derive(Clone)]
pub struct Services {
    /// The stores.
    pub store: Store,
    /// The tools.
    pub tools: Tools,
    /// The chat model: the engine in this process, or a pool.
    pub chat: Arc<dyn ChatModel>,
    /// Names likely intents for small chat models; none plans without.
    pub intents: Option<Arc<IntentClassifier>>,
    /// The channels that messages leave by.
    pub channels: Channels,
    /// Watchers of web chats.
    pub live: LiveFeed,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

/// Shared by all actors; cheap to clone.
pub(crate) type Context = Arc<Shared>;

pub(crate) struct Shared {
    pub(crate) services: Services,
    pub(crate) config: RuntimeConfig,
    pub(crate) shops: ShopDirectory,
    /// How time passes for waits.
    pub(crate) timer: Arc<dyn Timer>,
    /// One a partition, by number; none where this node is not the owner.
    pub(crate) leases: std::sync::RwLock<Vec<Option<Lease>>>,
    /// Wakes the dispatcher when the outbox has something new.
    pub(crate) outbox_ready: Notify,
    /// Messages that are being sent.
    pub(crate) in_flight: InFlight,
    /// Attempts at inbox rows that are to be taken back.
    pub(crate) uncounted: Uncounted,
    /// Room at the store; see [`Shared::store_permit`].
    pub(crate) store_permits: Semaphore,
    /// Conversations in memory.
    pub(crate) live_count: AtomicUsize,
    /// Conversations loaded so far.
    pub(crate) loaded_count: AtomicUsize,
}

/// Conversations that load, or begin turns, at the same time. Enough to fill the writer's groups
/// four times over, and few enough that every other write waits a fraction of a second.
pub(crate) const STORE_PERMITS: usize = 256;

/// Least characters of history for a model with the shop's names in front: what is looked up and called is
/// some 700 characters a turn, and "the second one" may be three turns ago. Some 2,000 tokens of the
/// 8,192 that such a model reads.
const HISTORY_CHARS_SHOP: usize = 6_000;

impl Shared {
    /// Builds what is shared by a node that owns no partition yet.
    pub(crate) fn new(config: RuntimeConfig, services: Services, timer: Arc<dyn Timer>) -> Self {
        let prompt_style = match services.chat.info().prompt_style.as_str() {
            "compact" => PromptStyle::Compact,
            "shop" => PromptStyle::Shop,
            _ => PromptStyle::Full,
        };
        let settings = DirectorySettings {
            prompt_style,
            history_chars_max: match prompt_style {
                PromptStyle::Shop => config.history_chars_max.max(HISTORY_CHARS_SHOP),
                PromptStyle::Compact | PromptStyle::Full => config.history_chars_max,
            },
            output_tokens_max: config.output_tokens_max,
            hints: config.hints,
        };
        Self {
            shops: ShopDirectory::new(services.store.clone(), settings, Arc::clone(&timer)),
            services,
            config,
            timer,
            leases: std::sync::RwLock::new(vec![None; usize::from(PARTITIONS)]),
            outbox_ready: Notify::new(),
            in_flight: InFlight::default(),
            uncounted: Uncounted::default(),
            store_permits: Semaphore::new(STORE_PERMITS),
            live_count: AtomicUsize::new(0),
            loaded_count: AtomicUsize::new(0),
        }
    }

    /// Waits until a conversation may load, or begin what is in its inbox. When thousands are woken at once (a restart, a
    /// campaign) the store would otherwise refuse most of them, each would count as a crash, and turns that run could not
    /// end. A turn that runs waits for nobody here.
    pub(crate) async fn store_permit(&self) -> Option<SemaphorePermit<'_>> {
        // Never closed.
        self.store_permits.acquire().await.ok()
    }

    /// Returns the lease of a partition, while this node owns it.
    pub(crate) fn lease(&self, partition: u16) -> Option<Lease> {
        let leases = self
            .leases
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        leases.get(usize::from(partition)).cloned().flatten()
    }

    /// Works on partitions from now on.
    pub(crate) fn take_leases(&self, gained: &[Lease]) {
        let mut leases = self
            .leases
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        for lease in gained {
            if let Some(slot) = leases.get_mut(usize::from(lease.partition)) {
                *slot = Some(lease.clone());
            }
        }
    }

    /// Forgets leases: nothing may be written under them any more.
    pub(crate) fn drop_leases(&self, lost: &[Lease]) {
        let mut leases = self
            .leases
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        for lease in lost {
            if let Some(slot) = leases.get_mut(usize::from(lease.partition))
                && slot.as_ref() == Some(lease)
            {
                *slot = None;
            }
        }
    }

    /// Returns the partitions that this node owns.
    pub(crate) fn owned(&self) -> Vec<Lease> {
        let leases = self
            .leases
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        leases.iter().flatten().cloned().collect()
    }
}
