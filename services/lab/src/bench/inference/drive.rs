//! Sends requests: by a number of clients that each wait for their answer, or at fixed times.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::ProgressBar;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::target::{Ask, Outcome, Target};

/// Sends requests in order by `clients` at once, until none is left or no new one may begin. A conversation has one
/// request at a time: the next one of it waits, and others go first.
///
/// # Errors
/// When a client ends with a panic.
pub(super) async fn closed(
    target: &Arc<Target>,
    asks: Vec<Ask>,
    clients: usize,
    until: Option<Instant>,
    bar: &ProgressBar,
) -> anyhow::Result<Vec<Outcome>> {
    let line = Arc::new(Line::new(asks));
    let mut tasks = JoinSet::new();
    for _ in 0..clients.max(1) {
        let (target, line, bar) = (target.clone(), line.clone(), bar.clone());
        tasks.spawn(async move {
            let mut outcomes = Vec::new();
            while until.is_none_or(|until| Instant::now() < until) {
                let Some(ask) = line.next().await else { break };
                let conversation = ask.conversation.clone();
                outcomes.push(target.follow(ask).await);
                line.done(&conversation);
                bar.inc(1);
            }
            outcomes
        });
    }
    let mut outcomes = Vec::new();
    while let Some(some) = tasks.join_next().await {
        outcomes.extend(some?);
    }
    Ok(outcomes)
}

/// Sends each request at its time after `start`, whatever became of the others.
///
/// # Errors
/// When a request ends with a panic.
pub(super) async fn open(
    target: &Arc<Target>,
    asks: Vec<(Duration, Ask)>,
    start: Instant,
    bar: &ProgressBar,
) -> anyhow::Result<Vec<Outcome>> {
    let mut tasks = JoinSet::new();
    for (at, ask) in asks {
        sleep_until(start + at).await;
        let (target, bar) = (target.clone(), bar.clone());
        tasks.spawn(async move {
            let outcome = target.follow(ask).await;
            bar.inc(1);
            outcome
        });
    }
    let mut outcomes = Vec::new();
    while let Some(outcome) = tasks.join_next().await {
        outcomes.push(outcome?);
    }
    Ok(outcomes)
}

/// Requests that wait for a client.
struct Line {
    state: Mutex<State>,
    freed: Notify,
}

struct State {
    asks: VecDeque<Ask>,
    busy: HashSet<String>,
}

impl Line {
    fn new(asks: Vec<Ask>) -> Self {
        Self {
            state: Mutex::new(State {
                asks: asks.into(),
                busy: HashSet::new(),
            }),
            freed: Notify::new(),
        }
    }

    /// Returns the first request whose conversation is free, waiting for one if need be; `None` when all are sent.
    async fn next(&self) -> Option<Ask> {
        loop {
            let freed = self.freed.notified();
            {
                let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                if state.asks.is_empty() {
                    return None;
                }
                let State { asks, busy } = &mut *state;
                let first = asks
                    .iter()
                    .position(|ask| !busy.contains(&ask.conversation));
                if let Some(ask) = first.and_then(|first| asks.remove(first)) {
                    busy.insert(ask.conversation.clone());
                    return Some(ask);
                }
            }
            freed.await;
        }
    }

    fn done(&self, conversation: &str) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.busy.remove(conversation);
        drop(state);
        self.freed.notify_waiters();
    }
}
