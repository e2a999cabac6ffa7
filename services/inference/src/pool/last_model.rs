//! What is known of a pool's model, kept in a file over restarts. Losing it costs a wait at the next start, and where
//! it was an embedding model and the pool has another one by then, new vectors.

use std::{path::PathBuf, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};
use tokio::{fs, sync::Mutex};

/// The file, and what it holds.
#[derive(Debug)]
pub(super) struct LastModel<T> {
    path: Option<PathBuf>,
    kept: Mutex<Option<Arc<T>>>,
}

impl<T: Serialize + DeserializeOwned + PartialEq> LastModel<T> {
    /// Uses a file, or keeps nothing.
    pub(super) fn new(path: Option<PathBuf>) -> Self {
        Self {
            path,
            kept: Mutex::new(None),
        }
    }

    /// Returns what an earlier run kept. A file that cannot be read counts as none.
    pub(super) async fn recall(&self) -> Option<T> {
        let path = self.path.as_ref()?;
        let bytes = fs::read(path).await.ok()?;
        match serde_json::from_slice(&bytes) {
            Ok(model) => Some(model),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "what was known of the pool cannot be read");
                None
            }
        }
    }

    /// Keeps a model, where it is another one than was kept last.
    pub(super) async fn keep(&self, model: &Arc<T>) {
        let Some(path) = &self.path else { return };
        let mut kept = self.kept.lock().await;
        if kept.as_ref() == Some(model) {
            return;
        }
        // Tried once for each model: a folder that cannot be written would fail four times a second.
        *kept = Some(model.clone());
        let write = async {
            let bytes = serde_json::to_vec_pretty(model.as_ref())?;
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder).await?;
            }
            // Whoever reads finds the old file or the new one, never half of one.
            let beside = path.with_extension("new");
            fs::write(&beside, bytes).await?;
            fs::rename(&beside, path).await
        };
        if let Err(error) = write.await {
            tracing::warn!(path = %path.display(), %error, "what is known of the pool cannot be kept");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ModelInfo, pool::directory::tests::model};

    #[tokio::test]
    async fn a_model_is_known_to_the_next_run_and_nonsense_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data").join("pool.json");
        let memory = || LastModel::<ModelInfo>::new(Some(path.clone()));
        assert_eq!(memory().recall().await, None);
        let first = memory();
        for sha256 in ["a", "b"] {
            first.keep(&Arc::new(model(sha256))).await;
        }
        assert_eq!(memory().recall().await, Some(model("b")));
        std::fs::write(&path, "{").unwrap();
        assert_eq!(memory().recall().await, None);
        let forged = model(&"é".repeat(32));
        std::fs::write(&path, serde_json::to_vec(&forged).unwrap()).unwrap();
        assert_eq!(memory().recall().await, None, "a hash that is none");
        let nowhere = LastModel::<ModelInfo>::new(None);
        nowhere.keep(&Arc::new(model("a"))).await;
        assert_eq!(nowhere.recall().await, None);
    }
}
