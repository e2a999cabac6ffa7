//! Reading that is tried again: it changes nothing, and the turn has time.

use std::fmt;
use std::future::Future;

use mercer_schemas::BackOff;

use super::FailureCause;
use crate::context::Context;
use crate::timer::within;

/// Reads until it succeeds, as long as the tools have time.
pub(super) async fn looked_up<T, E, R>(
    context: &Context,
    cause: FailureCause,
    read: impl Fn() -> R,
) -> Result<T, FailureCause>
where
    E: fmt::Display,
    R: Future<Output = Result<T, E>>,
{
    let timer = &*context.timer;
    let end = timer.now() + context.config.tools;
    let mut failures = 0;
    loop {
        let left = end.saturating_duration_since(timer.now());
        let error = match within(timer, left, read()).await {
            Some(Ok(found)) => return Ok(found),
            Some(Err(error)) => error,
            None => return Err(FailureCause::Deadline),
        };
        failures += 1;
        let wait = BackOff::LOOK_UP.wait(failures, rand::random());
        tracing::warn!(%error, failures, %cause, "look-up failed");
        if timer.now() + wait >= end {
            return Err(cause);
        }
        metrics::counter!("mercer_look_up_retries_total", "cause" => cause.as_str()).increment(1);
        timer.sleep(wait).await;
    }
}
