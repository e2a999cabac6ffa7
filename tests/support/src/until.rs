//! Waiting for what another task or process does.

use std::time::Duration;

use tokio::time::{sleep, timeout};

/// Long enough for the slowest machine that runs the tests; only a failure waits that long.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// How often it is looked whether something holds that nothing tells of, such as what another process writes.
pub const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Waits until something holds.
///
/// # Panics
/// With what was waited for, when it does not hold within [`PATIENCE`].
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waited = timeout(PATIENCE, async {
        while !holds().await {
            sleep(LOOK_EVERY).await;
        }
    });
    assert!(waited.await.is_ok(), "not in time: {what}");
}
