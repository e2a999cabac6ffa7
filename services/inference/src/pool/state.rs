//! What all generations of a caller share: the workers, where conversations are at home, what may be spent.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    breaker::{Budget, Verdict},
    directory::Directory,
    drops::Drops,
    failover::{Wish, Workers},
    route::{self, Ask, BYTES_PER_TOKEN, Choice},
};
use crate::{BusyReason, GenerateRequest, ModelInfo};

/// A tenth of the requests may be tried again, and always some.
const RETRY_SHARE: f64 = 0.1;
const RETRY_FLOOR: f64 = 20.0;
/// One request in fifty may be given to two workers.
const HEDGE_SHARE: f64 = 0.02;
const HEDGE_FLOOR: f64 = 1.0;
/// Gaps that are remembered until somebody asks: an hour of a bad day.
const GAPS_MAX: usize = 4_096;

/// What is shared.
#[derive(Debug)]
pub(super) struct State {
    /// The workers.
    pub(super) directory: Directory,
    /// The model that was told last.
    pub(super) model: Option<Arc<ModelInfo>>,
    /// The style that this process writes prompts in, once it is chosen. Whoever uses the pool chooses once.
    pub(super) style: Option<String>,
    gaps: VecDeque<Duration>,
    homes: Homes,
    retries: Budget,
    hedges: Budget,
    bytes_per_token: f64,
}

impl Default for State {
    fn default() -> Self {
        Self {
            directory: Directory::default(),
            model: None,
            style: None,
            gaps: VecDeque::new(),
            homes: Homes::default(),
            retries: Budget::new(RETRY_SHARE, RETRY_FLOOR),
            hedges: Budget::new(HEDGE_SHARE, HEDGE_FLOOR),
            bytes_per_token: BYTES_PER_TOKEN,
        }
    }
}

impl State {
    /// Says so when a worker appears whose model was not made for the prompts of this process.
    pub(super) fn warn_of_another_style(&self, now: Instant, worker: &str) {
        let (Some(style), Some(known)) = (&self.style, self.directory.get(worker)) else {
            return;
        };
        if known.since == now && known.model.prompt_style != *style {
            tracing::warn!(
                worker.id = worker,
                worker.style = known.model.prompt_style,
                style,
                "worker gets nothing from here: its model is for prompts of another style; after a change of models \
                 start this process again"
            );
        }
    }

    /// Takes out how long readers waited at each resume since the last call, oldest first.
    pub(super) fn take_gaps(&mut self) -> Vec<Duration> {
        self.gaps.drain(..).collect()
    }

    /// Notes a new request.
    pub(super) fn earn(&mut self) {
        self.retries.earn();
        self.hedges.earn();
    }
}

/// The state as one request sees it.
pub(super) struct View<'a> {
    /// The state.
    pub(super) state: &'a mut State,
    /// The request.
    pub(super) request: &'a GenerateRequest,
    /// Counts frames that are not used.
    pub(super) drops: &'a Drops,
}

impl Workers for View<'_> {
    fn choose(&mut self, now: Instant, wish: &Wish<'_>) -> Result<Choice, BusyReason> {
        let ask = Ask {
            messages: &self.request.messages,
            resume: wish.resume,
            bytes_per_token: self.state.bytes_per_token,
            priority: self.request.priority,
            remaining: wish.remaining,
            exclude: wish.exclude,
            model: wish.model,
            context_min: wish.context_min,
            adapter: self.request.adapter.as_deref(),
            style: self.state.style.as_deref(),
            own: self.state.homes.get(&self.request.conversation_key),
            roll: rand::random(),
        };
        route::choose(&self.state.directory, now, &ask)
    }

    fn sent(&mut self, now: Instant, choice: &Choice) {
        self.state
            .directory
            .note_sent(now, &choice.worker, choice.uncached);
        self.state
            .homes
            .set(&self.request.conversation_key, &choice.worker);
    }

    fn seen(&self, worker: &str) -> Option<(u64, Instant)> {
        let known = self.state.directory.get(worker)?;
        Some((known.incarnation, known.seen))
    }

    fn hangs(&self, worker: &str) -> bool {
        let known = self.state.directory.get(worker);
        known.is_some_and(|known| known.load.stalled)
    }

    fn judge(&mut self, now: Instant, worker: &str, verdict: Verdict) {
        if let Some(known) = self.state.directory.get_mut(worker) {
            known.breaker.learn(now, verdict, rand::random());
            if !known.breaker.lets_through(now) {
                tracing::warn!(worker.id = worker, "worker fails and gets a rest");
            }
        }
    }

    fn learn_prompt(&mut self, tokens: u32) {
        const NEWEST: f64 = 0.1;
        let bytes = self.request.messages.iter().map(|m| m.content.len());
        let told = bytes.sum::<usize>() as f64 / f64::from(tokens.max(1));
        // A worker can tell anything; no tokenizer is further off than this.
        let told = told.clamp(0.5, 20.0);
        self.state.bytes_per_token += NEWEST * (told - self.state.bytes_per_token);
    }

    fn resumed(&mut self, gap: Duration) {
        metrics::histogram!("mercer_pool_resume_gap_seconds").record(gap.as_secs_f64());
        if self.state.gaps.len() >= GAPS_MAX {
            self.state.gaps.pop_front();
        }
        self.state.gaps.push_back(gap);
    }

    fn may_retry(&mut self, now: Instant) -> bool {
        self.state.retries.spend(now)
    }

    fn may_hedge(&mut self, now: Instant) -> bool {
        self.state.hedges.spend(now)
    }

    fn count(&mut self, what: &'static str) {
        match what {
            "late" | "repeated" | "early" => self.drops.count(what),
            _ => metrics::counter!("mercer_pool_attempts_total", "what" => what).increment(1),
        }
    }
}

/// Which worker served a conversation last. Two maps: when the young one is full it becomes the old one, so that
/// what is used stays and what is not goes, in constant time.
#[derive(Debug, Default)]
struct Homes {
    young: HashMap<String, String>,
    old: HashMap<String, String>,
}

impl Homes {
    const YOUNG_MAX: usize = 20_000;

    fn get(&self, conversation: &str) -> Option<&str> {
        let found = self.young.get(conversation);
        found
            .or_else(|| self.old.get(conversation))
            .map(String::as_str)
    }

    fn set(&mut self, conversation: &str, worker: &str) {
        if conversation.is_empty() {
            return;
        }
        if self.young.len() >= Self::YOUNG_MAX {
            self.old = std::mem::take(&mut self.young);
        }
        self.young
            .insert(conversation.to_owned(), worker.to_owned());
    }
}

/// Returns what a request that nobody has yet wants.
pub(super) fn first_wish(remaining: Duration) -> Wish<'static> {
    Wish {
        exclude: &[],
        model: None,
        context_min: 0,
        resume: 0,
        remaining,
    }
}
