//! The start of a caller: which model its conversations are written for.
//!
//! The style of prompts follows from it and stays for the life of the process, because whoever writes prompts asks
//! once. Workers of another style are left out from then on.

use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::{PoolConfig, Shared};
use crate::Error;

/// How long a start waits for a worker where an earlier run knew one: some heartbeats, and a connection.
const SETTLE: Duration = Duration::from_secs(3);
/// How often it says what it waits for.
const SAY_EVERY: Duration = Duration::from_secs(5);

/// Waits until a model is known: from a worker, or after a short wait from an earlier run.
///
/// # Errors
/// [`Error::Config`] when neither is known in time.
pub(super) async fn settle(shared: &Shared, config: &PoolConfig) -> Result<(), Error> {
    let remembered = shared.memory.recall().await;
    let patience = match &remembered {
        Some(_) => SETTLE.min(config.start_patience),
        None => config.start_patience,
    };
    let heard = hear(shared, config, patience).await;
    let mut state = shared.state();
    if !heard {
        let Some(model) = remembered else {
            return Err(Error::Config {
                key: "nats.url",
                problem: problem(shared, config),
            });
        };
        tracing::warn!(
            pool = config.pool,
            model = model.label(),
            "nats.url {}; starting with the model that was there last, and templates answer until it is back",
            problem(shared, config)
        );
        state.model.get_or_insert_with(|| model.into());
    }
    state.style = state.model.as_ref().map(|model| model.prompt_style.clone());
    Ok(())
}

/// Waits for the first worker and says so now and then. False when none came.
async fn hear(shared: &Shared, config: &PoolConfig, patience: Duration) -> bool {
    let until = Instant::now() + patience;
    let mut said = Instant::now();
    loop {
        let heard = shared.heard.notified();
        if shared.state().model.is_some() {
            return true;
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        if said.elapsed() >= SAY_EVERY {
            said = Instant::now();
            let left_s = left.as_secs();
            tracing::warn!(
                pool = config.pool,
                left_s,
                "waiting for a worker: nats.url {}",
                problem(shared, config)
            );
        }
        let _ = timeout(left.min(SAY_EVERY), heard).await;
    }
}

/// Says what is missing, as it follows on `nats.url`.
fn problem(shared: &Shared, config: &PoolConfig) -> String {
    match shared.bus.problem() {
        Some(problem) => problem.to_owned(),
        None => format!(
            "has no worker in pool `{}`; start one with `mercer serve --roles worker`",
            config.pool
        ),
    }
}
