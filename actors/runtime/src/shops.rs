//! What a turn needs to know of a shop, kept for a short while.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mercer_guardrails::ReplyPolicy;
use mercer_schemas::{PromptStyle, Settings, Shop, ShopId};
use mercer_store::Store;
use tokio::sync::Mutex;

/// How long a shop's settings may lag behind the store. Prices, stock and policies never come
/// from here.
const FRESH: Duration = Duration::from_secs(5);

/// A shop with what follows from it.
pub(crate) struct ShopView {
    pub(crate) shop: Shop,
    pub(crate) settings: Settings,
    pub(crate) policy: ReplyPolicy,
}

pub(crate) struct ShopDirectory {
    store: Store,
    prompt_style: PromptStyle,
    history_chars_max: usize,
    output_tokens_max: u32,
    known: Mutex<HashMap<ShopId, (Instant, Arc<ShopView>)>>,
}

impl ShopDirectory {
    pub(crate) fn new(
        store: Store,
        prompt_style: PromptStyle,
        history_chars_max: usize,
        output_tokens_max: u32,
    ) -> Self {
        Self {
            store,
            prompt_style,
            history_chars_max,
            output_tokens_max,
            known: Mutex::new(HashMap::new()),
        }
    }

    /// Returns a shop's view.
    ///
    /// # Errors
    /// When the store cannot be read or the shop does not exist.
    pub(crate) async fn view(&self, id: &ShopId) -> anyhow::Result<Arc<ShopView>> {
        let mut known = self.known.lock().await;
        if let Some((read_at, view)) = known.get(id)
            && read_at.elapsed() < FRESH
        {
            return Ok(Arc::clone(view));
        }
        let shop = self
            .store
            .shops()
            .get(id)
            .await?
            .ok_or_else(|| anyhow::anyhow!("shop {id} does not exist"))?;
        let brands = self.store.catalog().facet_values(id).await?.brands;
        let names: BTreeSet<String> = brands
            .into_keys()
            .map(|brand| brand.to_lowercase())
            .filter(|name| name.chars().count() > 3)
            .collect();
        let view = Arc::new(ShopView {
            settings: Settings {
                shop_name: shop.name.clone(),
                prompt_style: self.prompt_style,
                history_chars_max: self.history_chars_max,
                output_tokens_max: self.output_tokens_max,
                introduction: mercer_conversation::introduction(&shop),
            },
            policy: ReplyPolicy {
                link_hosts: shop.link_hosts.clone(),
                names,
            },
            shop,
        });
        known.insert(id.clone(), (Instant::now(), Arc::clone(&view)));
        Ok(view)
    }
}
