//! The models of this process, loaded as they are configured.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use mercer_conversation::intent::FEATURES;
use mercer_inference::{
    Embedder, IntentClassifier, LlamaEmbedder, LlamaEngine, LlamaReranker, Reranker, TextModels,
};
use mercer_knowledge::SearchModels;

use crate::config::{Config, ModelPlace};
use crate::pool;

/// The text models that compute in this process.
#[derive(Clone, Default)]
pub struct OwnModels {
    /// The embedder, where a file is configured.
    pub(crate) embedder: Option<Arc<LlamaEmbedder>>,
    /// The reranker, where a file is configured.
    pub(crate) reranker: Option<Arc<LlamaReranker>>,
}

impl OwnModels {
    /// Loads those that are configured.
    ///
    /// # Errors
    /// Names the file.
    pub async fn load(config: &Config) -> anyhow::Result<Self> {
        let models = config.models.clone();
        let load = move || {
            let embedder = match models.embedder() {
                ModelPlace::Here(file) => {
                    let loaded = LlamaEmbedder::load(file, models.embedder_threads);
                    Some(Arc::new(loaded.context("models.embedder")?))
                }
                ModelPlace::None | ModelPlace::Pool => None,
            };
            let reranker = match models.reranker() {
                ModelPlace::Here(file) => {
                    let loaded = LlamaReranker::load(file, models.reranker_threads);
                    Some(Arc::new(loaded.context("models.reranker")?))
                }
                ModelPlace::None | ModelPlace::Pool => None,
            };
            Ok(Self { embedder, reranker })
        };
        tokio::task::spawn_blocking(load).await?
    }

    /// Returns how many threads they compute with.
    pub fn threads(&self) -> u32 {
        let embedder = self.embedder.as_deref().map_or(0, LlamaEmbedder::threads);
        let reranker = self.reranker.as_deref().map_or(0, LlamaReranker::threads);
        embedder + reranker
    }

    /// Returns them as a worker serves them.
    pub(crate) fn served(&self) -> TextModels {
        TextModels {
            embedder: self.embedder.clone().map(|own| own as Arc<dyn Embedder>),
            reranker: self.reranker.clone().map(|own| own as Arc<dyn Reranker>),
        }
    }

    /// Returns what searches use: these, and the pool's where that is configured.
    ///
    /// # Errors
    /// Says what to start.
    pub async fn for_search(&self, config: &Config) -> anyhow::Result<SearchModels> {
        let TextModels {
            mut embedder,
            mut reranker,
        } = self.served();
        if config.models.embedder() == ModelPlace::Pool {
            embedder = Some(pool::connect_embedder(config).await?);
        }
        if config.models.reranker() == ModelPlace::Pool {
            reranker = Some(pool::connect_reranker(config).await?);
        }
        Ok(SearchModels { embedder, reranker })
    }
}

/// Loads the intent classifier, if one is configured and belongs to the embedder.
///
/// # Errors
/// Names the file.
pub(super) fn load_intents(
    path: &Path,
    embedder: &Arc<dyn Embedder>,
) -> anyhow::Result<Option<Arc<IntentClassifier>>> {
    if path.as_os_str().is_empty() {
        return Ok(None);
    }
    let classifier =
        IntentClassifier::load(path, embedder.clone(), FEATURES).context("models.intents")?;
    Ok(classifier.map(Arc::new))
}

/// Loads the chat model, which leaves some cores to the text models of this process.
///
/// # Errors
/// Names the file.
pub async fn load_chat(config: &Config, own: &OwnModels) -> anyhow::Result<Arc<LlamaEngine>> {
    let mut engine = config.engine();
    engine.cores_taken = own.threads();
    let engine = tokio::task::spawn_blocking(move || LlamaEngine::load(engine))
        .await?
        .context("models.chat")?;
    Ok(Arc::new(engine))
}
