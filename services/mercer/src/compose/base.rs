//! What conversations stand on: the stores and the search in them.

use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use mercer_commerce::Tools;
use mercer_gateway::{Channels, GatewayConfig, LiveFeed};
use mercer_inference::{ChatModel, IntentClassifier};
use mercer_knowledge::{Knowledge, SearchConfig};
use mercer_runtime::{Clock, Services};
use mercer_store::Store;

use super::models::{OwnModels, load_intents};
use crate::config::Config;

/// Stores and search, without models for chat or running conversations.
pub(crate) struct Base {
    /// The stores.
    pub(crate) store: Store,
    /// The indexes.
    pub(crate) knowledge: Knowledge,
    /// The intent classifier, if there is one for the embedder.
    pub(crate) intents: Option<Arc<IntentClassifier>>,
    /// The text models that compute in this process.
    pub(crate) own: OwnModels,
}

impl Base {
    /// Opens the stores and the indexes.
    ///
    /// # Errors
    /// Says which part could not be opened.
    pub(crate) async fn open(config: &Config) -> anyhow::Result<Self> {
        let store = open_store(config).await?;
        let own = OwnModels::load(config).await?;
        let models = own.for_search(config).await?;
        let intents = match &models.embedder {
            Some(embedder) => load_intents(&config.models.intents, embedder)?,
            None => None,
        };
        let knowledge = Knowledge::open(
            &config.data.join("index"),
            store.clone(),
            models,
            SearchConfig::default(),
        )
        .await
        .context("indexes could not be opened")?;
        Ok(Self {
            store,
            knowledge,
            intents,
            own,
        })
    }

    /// Returns what conversations on it work with.
    pub(super) fn services(
        &self,
        chat: Arc<dyn ChatModel>,
        channels: Channels,
        live: LiveFeed,
        clock: Arc<dyn Clock>,
    ) -> Services {
        Services {
            store: self.store.clone(),
            tools: Tools::new(self.store.clone(), self.knowledge.clone()),
            chat,
            intents: self.intents.clone(),
            channels,
            live,
            clock,
        }
    }
}

/// Opens the store, making the data folder where it is missing, for its owner alone.
///
/// # Errors
/// Names the folder or the database.
pub(crate) async fn open_store(config: &Config) -> anyhow::Result<Store> {
    mercer_store::create_private_folder(&config.data)
        .with_context(|| format!("data: folder {}", config.data.display()))?;
    Store::open(&config.store())
        .await
        .context("database could not be opened")
}

/// Fails where the database is one that belongs to a single process.
///
/// # Errors
/// Names the setting.
pub(super) fn check_shared(config: &Config) -> anyhow::Result<()> {
    ensure!(
        config.store.url.starts_with("postgres"),
        "--roles: processes with some of the roles share a PostgreSQL; set store.url, or leave --roles out"
    );
    Ok(())
}

/// Builds the channels as they are configured, once every shop of theirs is known.
///
/// # Errors
/// Names the setting that is wrong, or the shop that is not in the store.
pub(super) async fn open_channels(
    config: &Config,
    store: &Store,
    live: &LiveFeed,
) -> anyhow::Result<Channels> {
    let gateway: GatewayConfig = config.gateway()?;
    for shop in gateway.shops() {
        if store.shops().get(shop).await?.is_none() {
            bail!(
                "shop `{shop}` is configured for a channel but not in the store; run `mercer import FOLDER` first"
            );
        }
    }
    Channels::new(&gateway, live).context("channels")
}
