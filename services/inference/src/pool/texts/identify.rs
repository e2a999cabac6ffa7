//! The start: which model the numbers of this process are of.

use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::{super::PoolConfig, Shared};
use crate::{EmbedderInfo, Error};

/// How long a start waits for the model that was used last: some heartbeats, and a connection.
const LAST_MODEL_PATIENCE: Duration = Duration::from_secs(3);
/// How often it says what it waits for.
const SAY_EVERY: Duration = Duration::from_secs(5);

/// Finds out which model it is.
///
/// # Errors
/// [`Error::Config`] when none was used before and none is heard in time.
pub(super) async fn identify(shared: &Shared, config: &PoolConfig) -> Result<EmbedderInfo, Error> {
    if let Some(last) = shared.memory.recall().await {
        let is_last = |heard: &EmbedderInfo| *heard == last;
        let patience = LAST_MODEL_PATIENCE.min(config.start_patience);
        if wait_for(shared, config, patience, is_last).await.is_some() {
            return Ok(last);
        }
        let Some(other) = heard(shared, |_| true) else {
            tracing::warn!(
                pool = config.pool,
                model.id = last.id,
                "nats.url {}; searching without the pool's {} until it is back",
                problem(shared, config),
                shared.kind.word()
            );
            return Ok(last);
        };
        tracing::warn!(
            pool = config.pool,
            before = last.id,
            model.id = other.id,
            "the pool has another {} than before; vectors of another one are made anew",
            shared.kind.word()
        );
        return Ok(other);
    }
    let heard = wait_for(shared, config, config.start_patience, |_| true).await;
    heard.ok_or_else(|| Error::Config {
        key: "nats.url",
        problem: problem(shared, config),
    })
}

/// Returns the model of the worker that joined last, among those whose model is wanted.
fn heard(shared: &Shared, is_wanted: impl Fn(&EmbedderInfo) -> bool) -> Option<EmbedderInfo> {
    let now = Instant::now();
    let directory = shared.directory();
    let serving = directory
        .all()
        .filter(|(_, known)| known.is_fresh(now) && !known.draining)
        .filter_map(|(_, known)| {
            let told = shared.kind.told(known)?;
            let info = EmbedderInfo {
                id: told.id.clone(),
                dim: told.dim as usize,
            };
            is_wanted(&info).then_some((known.since, info))
        });
    let newest = serving.max_by_key(|(since, _)| *since);
    newest.map(|(_, info)| info)
}

/// Waits for a worker with a model that is wanted, and says so now and then.
async fn wait_for(
    shared: &Shared,
    config: &PoolConfig,
    patience: Duration,
    is_wanted: impl Fn(&EmbedderInfo) -> bool,
) -> Option<EmbedderInfo> {
    let until = Instant::now() + patience;
    let mut said = Instant::now();
    loop {
        let news = shared.heard.notified();
        if let Some(info) = heard(shared, &is_wanted) {
            return Some(info);
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return None;
        }
        if said.elapsed() >= SAY_EVERY {
            said = Instant::now();
            tracing::warn!(
                pool = config.pool,
                left_s = left.as_secs(),
                "waiting for a worker: nats.url {}",
                problem(shared, config)
            );
        }
        let _ = timeout(left.min(SAY_EVERY), news).await;
    }
}

/// Says what is missing, as it follows on `nats.url`.
fn problem(shared: &Shared, config: &PoolConfig) -> String {
    match shared.bus.problem() {
        Some(problem) => problem.to_owned(),
        None => format!(
            "has no worker with a model for models.{word} in pool `{}`; start one with `mercer serve --roles worker` and models.{word} \
             set to a file",
            config.pool,
            word = shared.kind.word()
        ),
    }
}
