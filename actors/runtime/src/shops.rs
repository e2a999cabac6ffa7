//! What a turn needs to know of a shop, kept for a short while.
//!
//! Each shop is read on its own, by one reader at a time. While it is read anew, turns go on with
//! what is known, so a slow or broken shop holds up no other.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use mercer_commerce::shop_terms;
use mercer_guardrails::ReplyPolicy;
use mercer_schemas::{PromptStyle, Settings, Shop, ShopId, ShopTerms};
use mercer_store::Store;

use crate::timer::Timer;

/// How long a shop's settings are taken as they are. Prices, stock and policies never come from
/// here.
const FRESH: Duration = Duration::from_secs(5);
/// How long they may be used while they are read anew. Beyond it a turn waits for the reading.
const USABLE: Duration = Duration::from_secs(60);
/// How long a shop's names are taken as they are. They help a model to choose; what it chooses is looked
/// up as it is now.
const TERMS_FRESH: Duration = Duration::from_secs(600);
/// Shorter brands are words of everyday language too often to be held for names.
const NAME_CHARS_MIN: usize = 4;

/// A shop with what follows from it.
pub(crate) struct ShopView {
    pub(crate) shop: Shop,
    pub(crate) settings: Settings,
    pub(crate) policy: ReplyPolicy,
    /// The shop's names, for models that choose from them.
    pub(crate) terms: Option<Arc<ShopTerms>>,
}

/// Why a shop is not known.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShopError {
    /// There is none.
    #[error("shop {0} does not exist")]
    Unknown(ShopId),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] mercer_store::Error),
}

/// The shops' views. Cheap to clone.
#[derive(Clone)]
pub(crate) struct ShopDirectory {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    settings: DirectorySettings,
    timer: Arc<dyn Timer>,
    slots: Mutex<HashMap<ShopId, Arc<Slot>>>,
}

/// What all shops have in common.
pub(crate) struct DirectorySettings {
    pub(crate) prompt_style: PromptStyle,
    pub(crate) history_chars_max: usize,
    pub(crate) output_tokens_max: u32,
    pub(crate) hints: bool,
}

#[derive(Default)]
struct Slot {
    known: Mutex<Option<(Instant, Arc<ShopView>)>>,
    terms: Mutex<Option<(Instant, Arc<ShopTerms>)>>,
    /// Held by the one who reads.
    reading: tokio::sync::Mutex<()>,
}

impl Slot {
    fn known(&self) -> Option<(Instant, Arc<ShopView>)> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.clone()
    }
}

impl ShopDirectory {
    pub(crate) fn new(store: Store, settings: DirectorySettings, timer: Arc<dyn Timer>) -> Self {
        let inner = Inner {
            store,
            settings,
            timer,
            slots: Mutex::default(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Returns a shop's view.
    ///
    /// # Errors
    /// When the shop does not exist, or has never been read and the store cannot be.
    pub(crate) async fn view(&self, id: &ShopId) -> Result<Arc<ShopView>, ShopError> {
        let slot = self.slot(id);
        let Some((read_at, view)) = slot.known() else {
            return self.read_once(id, &slot).await;
        };
        let age = self.inner.timer.now() - read_at;
        if age < FRESH {
            return Ok(view);
        }
        if age < USABLE {
            self.read_aside(id, &slot);
            return Ok(view);
        }
        match self.read_once(id, &slot).await {
            // Settings that are old answer better than none.
            Err(ShopError::Store(error)) => {
                tracing::warn!(shop.id = %id, %error, "shop could not be read; its old settings are used");
                Ok(view)
            }
            read => read,
        }
    }

    fn slot(&self, id: &ShopId) -> Arc<Slot> {
        let slots = self.inner.slots.lock();
        let mut slots = slots.unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(id.clone()).or_default())
    }

    /// Reads a shop unless somebody does.
    fn read_aside(&self, id: &ShopId, slot: &Arc<Slot>) {
        if slot.reading.try_lock().is_err() {
            return;
        }
        let (directory, id, slot) = (self.clone(), id.clone(), Arc::clone(slot));
        tokio::spawn(async move {
            if let Err(error) = directory.read_once(&id, &slot).await {
                tracing::warn!(shop.id = %id, %error, "shop could not be read anew");
            }
        });
    }

    /// Reads a shop, or waits for the one who reads it.
    async fn read_once(&self, id: &ShopId, slot: &Slot) -> Result<Arc<ShopView>, ShopError> {
        let _reading = slot.reading.lock().await;
        let now = self.inner.timer.now();
        if let Some((read_at, view)) = slot.known()
            && now - read_at < FRESH
        {
            return Ok(view);
        }
        let read = self.read(id, slot).await;
        let mut known = slot.known.lock().unwrap_or_else(PoisonError::into_inner);
        match &read {
            Ok(view) => *known = Some((now, Arc::clone(view))),
            Err(ShopError::Unknown(_)) => *known = None,
            Err(ShopError::Store(_)) => {}
        }
        read
    }

    async fn read(&self, id: &ShopId, slot: &Slot) -> Result<Arc<ShopView>, ShopError> {
        let Inner {
            store, settings, ..
        } = &*self.inner;
        let shop = store
            .shops()
            .get(id)
            .await?
            .ok_or_else(|| ShopError::Unknown(id.clone()))?;
        let names: BTreeSet<String> = store
            .catalog()
            .brands(id)
            .await?
            .into_iter()
            .map(|brand| brand.to_lowercase())
            .filter(|name| name.chars().count() >= NAME_CHARS_MIN)
            .collect();
        let terms = match settings.prompt_style {
            PromptStyle::Shop => self.terms(id, slot).await,
            PromptStyle::Compact | PromptStyle::Full => None,
        };
        Ok(Arc::new(ShopView {
            terms,
            settings: Settings {
                shop_name: shop.name.clone(),
                prompt_style: settings.prompt_style,
                history_chars_max: settings.history_chars_max,
                output_tokens_max: settings.output_tokens_max,
                introduction: mercer_conversation::introduction(&shop),
                locale: shop.locale.clone(),
                hints: settings.hints,
            },
            policy: ReplyPolicy {
                link_hosts: shop.link_hosts.clone(),
                names,
            },
            shop,
        }))
    }

    /// Returns the shop's names, read again now and then: a whole catalog is behind them.
    ///
    /// They help only, so a shop whose catalog cannot be read has its old ones or none.
    async fn terms(&self, id: &ShopId, slot: &Slot) -> Option<Arc<ShopTerms>> {
        let now = self.inner.timer.now();
        let lock = || slot.terms.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((read_at, terms)) = &*lock()
            && now - *read_at < TERMS_FRESH
        {
            return Some(Arc::clone(terms));
        }
        match shop_terms(&self.inner.store, id).await {
            Ok(terms) => {
                let terms = Arc::new(terms);
                *lock() = Some((now, Arc::clone(&terms)));
                Some(terms)
            }
            Err(error) => {
                tracing::warn!(shop.id = %id, %error, "the shop's names could not be read");
                lock().as_ref().map(|(_, terms)| Arc::clone(terms))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use mercer_testing::until;

    use super::*;
    use crate::testing::{HandTimer, World, shop};

    const SECOND: Duration = Duration::from_secs(1);

    fn directory(world: &World) -> (ShopDirectory, Arc<HandTimer>) {
        let timer = HandTimer::new();
        let settings = DirectorySettings {
            prompt_style: PromptStyle::Compact,
            history_chars_max: 1_000,
            output_tokens_max: 100,
            hints: true,
        };
        let store = world.context.services.store.clone();
        (ShopDirectory::new(store, settings, timer.clone()), timer)
    }

    #[tokio::test]
    async fn a_shop_that_is_being_read_holds_up_neither_its_turns_nor_another_shop() {
        let world = World::start().await;
        let (directory, timer) = directory(&world);
        let mut other = shop();
        other.id = ShopId::new("other").expect("key");
        let shops = world.context.services.store.shops();
        shops.put(other.clone()).await.expect("shop");
        let first = directory.view(&shop().id).await.expect("a view");

        let slot = directory.slot(&shop().id);
        let slow = slot.reading.lock().await;
        timer.advance(FRESH + SECOND);
        let stale = directory.view(&shop().id).await.expect("the old view");
        assert!(Arc::ptr_eq(&first, &stale));
        assert!(directory.view(&other.id).await.is_ok());
        drop(slow);

        // Nobody read meanwhile; the next turn has it read beside.
        directory.view(&shop().id).await.expect("the old view");
        until("a new view", async || {
            let view = directory.view(&shop().id).await.expect("a view");
            !Arc::ptr_eq(&first, &view)
        })
        .await;
    }

    #[tokio::test]
    async fn a_view_too_old_is_read_before_it_is_used_and_kept_where_that_fails() {
        let world = World::start().await;
        let (directory, timer) = directory(&world);
        let first = directory.view(&shop().id).await.expect("a view");
        timer.advance(USABLE + SECOND);
        world.break_table("product").await;
        let kept = directory.view(&shop().id).await.expect("the old view");
        assert!(Arc::ptr_eq(&first, &kept));
        world.mend("product").await;
        let read = directory.view(&shop().id).await.expect("a new view");
        assert!(!Arc::ptr_eq(&first, &read));
        let nobody = ShopId::new("nobody").expect("key");
        assert!(matches!(
            directory.view(&nobody).await,
            Err(ShopError::Unknown(_))
        ));
    }

    #[tokio::test]
    async fn a_product_whose_attributes_cannot_be_read_spoils_no_turn() {
        let world = World::start().await;
        world
            .sql(
                "INSERT INTO product (shop, id, code, title, brand, category, description, \
                 attributes, visible, search_text, version, updated_at_ms) VALUES \
                 ('highbarn', 'K-1', 'k1', 'Kettle', 'Fenwick', '', '', '{broken', 1, '', 1, 1)",
            )
            .await;
        let (directory, _) = directory(&world);
        let view = directory.view(&shop().id).await.expect("a view");
        assert!(view.policy.names.contains("fenwick"));
    }
}
