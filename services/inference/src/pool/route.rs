//! Which worker a request goes to: the one with the lowest predicted time to its first token, everything counted.
//!
//! ```text
//! ttft = wait for a slot + (backlog + uncached tokens) / prompt speed
//! cost = ttft + slowdown of the replies being written there + price of leaving the conversation's own worker
//! ```
//!
//! A cache that is held needs no restoring in this engine (sequences are copied by reference), so the term for it is 0.
//! How full a cache is counts for nothing: a full one is a warm one.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use mercer_schemas::worker::{ModelInfo, Priority, prefix_hashes};

use super::directory::{Directory, Known};
use crate::{BusyReason, ChatMessage};

/// Speed of a worker that has not computed a prompt yet, tokens in a second.
const PREFILL_TOKENS_PER_S: f64 = 500.0;
/// Time that a request takes on a worker that has not ended one yet.
const SERVICE_MS: f64 = 1_000.0;
/// Bytes of a token before a worker has told better.
pub(super) const BYTES_PER_TOKEN: f64 = 3.0;
/// How much of a step's time each reply being written there counts.
const DECODE_WEIGHT: f64 = 1.0;
/// Leaving the conversation's worker must gain at least this much, and this share.
const SWITCH_MS: f64 = 15.0;
const SWITCH_SHARE: f64 = 0.1;
/// A request whose cache is nowhere goes anywhere this often, so that an idle worker is found.
const EXPLORE: f64 = 0.01;
const EXPLORE_HIT_MAX: f64 = 0.2;

/// What is to be placed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ask<'a> {
    /// The conversation.
    pub(super) messages: &'a [ChatMessage],
    /// Output tokens that exist already.
    pub(super) resume: usize,
    /// Bytes that make a token, as far as it is known.
    pub(super) bytes_per_token: f64,
    /// The class.
    pub(super) priority: Priority,
    /// Time left.
    pub(super) remaining: Duration,
    /// Workers that it must not go to.
    pub(super) exclude: &'a [String],
    /// SHA-256 of the only model that can do it, if there is only one.
    pub(super) model: Option<&'a str>,
    /// Tokens that a worker's conversations must be able to hold at least.
    pub(super) context_min: u32,
    /// The LoRA adapter that it is computed with.
    pub(super) adapter: Option<&'a str>,
    /// Style that the prompt is written in; a model of another style was not made for it.
    pub(super) style: Option<&'a str>,
    /// The worker that served the conversation last.
    pub(super) own: Option<&'a str>,
    /// A random number in `[0, 1)`.
    pub(super) roll: f64,
}

/// Where it goes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Choice {
    /// The worker.
    pub(super) worker: String,
    /// Its run.
    pub(super) incarnation: u64,
    /// Its model.
    pub(super) model: Arc<ModelInfo>,
    /// Predicted time to the first token.
    pub(super) ttft: Duration,
    /// Tokens that must be computed.
    pub(super) uncached: f64,
}

struct Candidate<'a> {
    worker: &'a str,
    known: &'a Known,
    ttft_ms: f64,
    cost: f64,
    uncached: f64,
    hit: f64,
}

/// Chooses a worker.
///
/// # Errors
/// [`BusyReason::NoWorker`] when nobody may take it at all, [`BusyReason::TooLate`] when all are too busy.
pub(super) fn choose(
    directory: &Directory,
    now: Instant,
    ask: &Ask<'_>,
) -> Result<Choice, BusyReason> {
    let mut hashes: Vec<(&str, Vec<u64>)> = Vec::new();
    let mut candidates = Vec::new();
    for (worker, known) in directory.all() {
        let able = known.takes_requests(now)
            && known.breaker.lets_through(now)
            && !ask.exclude.contains(worker);
        if !able || !suits(&known.model, ask) {
            continue;
        }
        let sha256 = known.model.sha256.as_str();
        if !hashes.iter().any(|(of, _)| *of == sha256) {
            hashes.push((
                sha256,
                prefix_hashes(&known.model, ask.adapter, ask.messages),
            ));
        }
        let starts = hashes.iter().find(|(of, _)| *of == sha256);
        let held = starts.map_or(0, |(_, starts)| held_messages(known, starts));
        candidates.push(weigh(worker, known, held, ask));
    }
    let budget_ms = ask.remaining.as_secs_f64() * 1_000.0;
    let (able, late): (Vec<_>, Vec<_>) = candidates.into_iter().partition(|candidate| {
        candidate.ttft_ms <= budget_ms && has_room(candidate.known, ask.priority)
    });
    let Some(best) = best(&able, ask.roll) else {
        let soonest = late.iter().map(|candidate| candidate.ttft_ms);
        return Err(match soonest.min_by(f64::total_cmp) {
            Some(ttft_ms) => BusyReason::TooLate {
                retry_after: retry_after(ttft_ms, budget_ms),
            },
            None => BusyReason::NoWorker,
        });
    };
    Ok(Choice {
        worker: best.worker.to_owned(),
        incarnation: best.known.incarnation,
        model: best.known.model.clone(),
        ttft: Duration::from_secs_f64(best.ttft_ms / 1_000.0),
        uncached: best.uncached,
    })
}

/// Says whether a model can do what is asked: a resumed text needs the same file and as long a context.
fn suits(model: &ModelInfo, ask: &Ask<'_>) -> bool {
    ask.model.is_none_or(|sha256| model.sha256 == sha256)
        && ask.style.is_none_or(|style| model.prompt_style == style)
        && ask
            .adapter
            .is_none_or(|adapter| model.adapters.iter().any(|known| known == adapter))
        && model.n_ctx >= ask.context_min
}

/// Returns how many messages of a conversation a worker's cache begins with.
fn held_messages(known: &Known, hashes: &[u64]) -> usize {
    hashes
        .iter()
        .rposition(|hash| known.starts.contains(hash))
        .map_or(0, |last| last + 1)
}

fn weigh<'a>(worker: &'a str, known: &'a Known, held: usize, ask: &Ask<'_>) -> Candidate<'a> {
    let bytes = |messages: &[ChatMessage]| -> f64 {
        let bytes: usize = messages.iter().map(|message| message.content.len()).sum();
        bytes as f64
    };
    let all = bytes(ask.messages);
    let cached = bytes(&ask.messages[..held]);
    let uncached = (all - cached) / ask.bytes_per_token.max(0.1) + ask.resume as f64;
    let (underway, underway_tokens) = known.underway();
    let load = &known.load;
    let slots = f64::from(load.slots.max(1));
    let ahead = f64::from(load.active) + f64::from(load.waiting) + f64::from(underway);
    let queue_ms = if ahead < slots {
        0.0
    } else {
        (ahead - slots + 1.0) / slots * or(load.service_ms, SERVICE_MS)
    };
    let backlog = load.backlog_tokens as f64 + underway_tokens;
    let prefill_ms =
        (backlog + uncached) / or(load.prefill_tokens_per_s, PREFILL_TOKENS_PER_S) * 1_000.0;
    let ttft_ms = queue_ms + prefill_ms;
    let decode_ms = DECODE_WEIGHT * load.step_ms.max(0.0) * f64::from(load.decoding);
    let stay = ask.own.is_none_or(|own| own == worker);
    let switch_ms = if stay {
        0.0
    } else {
        SWITCH_MS.max(SWITCH_SHARE * ttft_ms)
    };
    Candidate {
        worker,
        known,
        ttft_ms,
        cost: ttft_ms + decode_ms + switch_ms,
        uncached,
        hit: if all > 0.0 { cached / all } else { 0.0 },
    }
}

/// Says whether a worker's queue has room for a class: what can wait leaves room for those whom a customer waits for.
fn has_room(known: &Known, priority: Priority) -> bool {
    let share = match priority {
        Priority::Interactive => 1.0,
        Priority::Step => 0.75,
        Priority::Background => 0.25,
    };
    let (underway, _) = known.underway();
    let load = &known.load;
    let free = load.slots.saturating_sub(load.active);
    let waiting = f64::from(load.waiting.saturating_add(underway).saturating_sub(free));
    waiting < f64::from(load.waiting_max) * share || underway < free
}

/// Returns the cheapest; now and then, where no cache is lost by it, any.
fn best<'a, 'b>(able: &'b [Candidate<'a>], roll: f64) -> Option<&'b Candidate<'a>> {
    let cold = able.iter().all(|candidate| candidate.hit < EXPLORE_HIT_MAX);
    if cold && roll < EXPLORE {
        let any = (roll / EXPLORE * able.len() as f64) as usize;
        return able.get(any.min(able.len().saturating_sub(1)));
    }
    let lowest = able
        .iter()
        .map(|candidate| candidate.cost)
        .min_by(f64::total_cmp)?;
    let ties: Vec<_> = able
        .iter()
        .filter(|candidate| candidate.cost <= lowest + 1e-6)
        .collect();
    ties.get((roll * ties.len() as f64) as usize).copied()
}

/// Returns when the least busy worker should be free enough.
fn retry_after(ttft_ms: f64, budget_ms: f64) -> Duration {
    const LEAST_MS: f64 = 100.0;
    const MOST_MS: f64 = 60_000.0;
    Duration::from_millis((ttft_ms - budget_ms).clamp(LEAST_MS, MOST_MS) as u64)
}

/// Returns a number that a worker told, or what is assumed while it knows none. Workers can tell anything.
fn or(told: f64, assumed: f64) -> f64 {
    if told.is_finite() && told > 0.0 {
        told
    } else {
        assumed
    }
}

#[cfg(test)]
mod tests {
    use mercer_schemas::worker::{Heartbeat, Load, Residency};
    use proptest::prelude::*;

    use super::{
        super::{
            breaker::Verdict,
            directory::{SILENCE_MAX, tests::heartbeat, tests::model},
        },
        *,
    };
    use crate::Role;

    fn chat() -> Vec<ChatMessage> {
        vec![
            ChatMessage::new(Role::System, "r".repeat(1_500)),
            ChatMessage::new(Role::User, "u".repeat(300)),
        ]
    }

    fn ask(messages: &[ChatMessage]) -> Ask<'_> {
        Ask {
            messages,
            resume: 0,
            bytes_per_token: 3.0,
            priority: Priority::Interactive,
            remaining: Duration::from_secs(10),
            exclude: &[],
            model: None,
            context_min: 0,
            adapter: None,
            style: None,
            own: None,
            roll: 0.5,
        }
    }

    fn with_load(worker: &str, change: impl FnOnce(&mut Load)) -> Heartbeat {
        let mut heartbeat = heartbeat(worker, 1);
        change(&mut heartbeat.load);
        heartbeat
    }

    fn hear(heartbeats: impl IntoIterator<Item = Heartbeat>) -> (Directory, Instant) {
        let now = Instant::now();
        let mut directory = Directory::default();
        for heartbeat in heartbeats {
            directory.hear(now, heartbeat);
        }
        (directory, now)
    }

    fn holding(worker: &str, messages: &[ChatMessage]) -> Heartbeat {
        Heartbeat {
            residency: Residency::Snapshot {
                starts: prefix_hashes(&model("a"), None, messages),
            },
            ..heartbeat(worker, 1)
        }
    }

    #[test]
    fn a_warm_cache_wins_until_its_worker_is_busier_than_computing_anew() {
        let chat = chat();
        let mut warm = holding("warm", &chat[..1]);
        let (directory, now) = hear([warm.clone(), heartbeat("cold", 1)]);
        let choice = choose(&directory, now, &ask(&chat)).unwrap();
        assert_eq!((choice.worker.as_str(), choice.uncached), ("warm", 100.0));
        assert_eq!(choice.ttft, Duration::from_millis(100));
        warm.load.backlog_tokens = 2_000;
        let (directory, now) = hear([warm, heartbeat("cold", 1)]);
        assert_eq!(choose(&directory, now, &ask(&chat)).unwrap().worker, "cold");
    }

    #[test]
    fn what_this_process_sent_a_moment_ago_counts() {
        let chat = chat();
        let (mut directory, now) = hear([holding("a", &chat[..1]), heartbeat("b", 1)]);
        directory.note_sent(now, "a", 1_000.0);
        assert_eq!(choose(&directory, now, &ask(&chat)).unwrap().worker, "b");
    }

    #[test]
    fn a_conversation_stays_where_it_is_for_a_small_gain() {
        let chat = chat();
        let busy = with_load("own", |load| load.backlog_tokens = 40);
        let (directory, now) = hear([busy, heartbeat("other", 1)]);
        assert_eq!(
            choose(&directory, now, &ask(&chat)).unwrap().worker,
            "other"
        );
        let own = Ask {
            own: Some("own"),
            ..ask(&chat)
        };
        assert_eq!(choose(&directory, now, &own).unwrap().worker, "own");
        let busy = with_load("own", |load| load.backlog_tokens = 400);
        let (directory, now) = hear([busy, heartbeat("other", 1)]);
        assert_eq!(choose(&directory, now, &own).unwrap().worker, "other");
    }

    #[test]
    fn nobody_in_time_is_told_at_once_with_when_to_ask_again() {
        let chat = chat();
        let full = with_load("w", |load| {
            (load.active, load.waiting) = (4, 6);
        });
        let (directory, now) = hear([full]);
        let hurry = Ask {
            remaining: Duration::from_millis(500),
            ..ask(&chat)
        };
        let busy = choose(&directory, now, &hurry).unwrap_err();
        // Seven places of 125 ms each and 600 tokens at 1000 a second, less the half second.
        assert_eq!(
            busy,
            BusyReason::TooLate {
                retry_after: Duration::from_millis(975)
            }
        );
        assert!(choose(&directory, now, &ask(&chat)).is_ok());
    }

    #[test]
    fn background_work_leaves_the_queue_to_customers() {
        let chat = chat();
        let (directory, now) = hear([with_load("w", |load| {
            (load.active, load.waiting) = (4, 3);
        })]);
        let background = Ask {
            priority: Priority::Background,
            ..ask(&chat)
        };
        assert!(choose(&directory, now, &background).is_err());
        assert!(choose(&directory, now, &ask(&chat)).is_ok());
    }

    #[test]
    fn workers_that_cannot_are_left_out() {
        let chat = chat();
        let draining = Heartbeat {
            draining: true,
            ..heartbeat("draining", 1)
        };
        let hanging = with_load("hanging", |load| load.stalled = true);
        let (mut directory, now) = hear([draining, hanging, heartbeat("failing", 1)]);
        let failing = directory.get_mut("failing").unwrap();
        failing.breaker.learn(now, Verdict::Lied, 0);
        assert_eq!(
            choose(&directory, now, &ask(&chat)).unwrap_err(),
            BusyReason::NoWorker
        );
        let later = now + SILENCE_MAX * 2;
        directory.hear(now, heartbeat("silent", 1));
        assert!(choose(&directory, now, &ask(&chat)).is_ok());
        assert!(choose(&directory, later, &ask(&chat)).is_err());
        let other = Ask {
            model: Some("b"),
            ..ask(&chat)
        };
        assert!(choose(&directory, now, &other).is_err());
        let excluded = ["silent".to_owned()];
        let elsewhere = Ask {
            exclude: &excluded,
            ..ask(&chat)
        };
        assert!(choose(&directory, now, &elsewhere).is_err());
    }

    #[test]
    fn a_prompt_goes_to_no_model_that_was_not_made_for_it() {
        let chat = chat();
        let compact = Heartbeat {
            model: ModelInfo {
                prompt_style: "compact".to_owned(),
                n_ctx: 2048,
                adapters: vec!["shop-1".to_owned()],
                ..model("b")
            },
            ..heartbeat("compact", 1)
        };
        let (directory, now) = hear([with_load("full", |load| load.backlog_tokens = 900), compact]);
        let of = |style, context_min| {
            let ask = Ask {
                style,
                context_min,
                ..ask(&chat)
            };
            choose(&directory, now, &ask).map(|choice| choice.worker)
        };
        assert_eq!(of(None, 0).unwrap(), "compact", "the idle one");
        assert_eq!(of(Some("full"), 0).unwrap(), "full");
        assert_eq!(of(Some("compact"), 2048).unwrap(), "compact");
        assert_eq!(of(None, 2049).unwrap(), "full");
        assert!(of(Some("compact"), 2049).is_err());
        let with = |adapter| {
            let adapter = Some(adapter);
            choose(
                &directory,
                now,
                &Ask {
                    adapter,
                    ..ask(&chat)
                },
            )
            .map(|choice| choice.worker)
        };
        assert_eq!(with("shop-1").unwrap(), "compact");
        assert!(with("shop-2").is_err());
    }

    #[test]
    fn a_cold_request_explores_now_and_then_and_a_warm_one_never() {
        let chat = chat();
        let busy = with_load("busy", |load| load.backlog_tokens = 900);
        let (directory, now) = hear([busy, heartbeat("idle", 1)]);
        let lucky = Ask {
            roll: 0.001,
            ..ask(&chat)
        };
        assert_eq!(choose(&directory, now, &lucky).unwrap().worker, "busy");
        let (directory, now) = hear([heartbeat("cold", 1), holding("warm", &chat)]);
        assert_eq!(choose(&directory, now, &lucky).unwrap().worker, "warm");
    }

    proptest! {
        /// Whatever workers tell: a choice is one that may be chosen, and no other is much cheaper by its own numbers.
        #[test]
        fn a_choice_is_never_an_excluded_worker(
            loads in prop::collection::vec((0u32..10, 0u32..10, any::<f64>(), any::<f64>(), any::<bool>(), any::<u32>()), 1..8),
            excluded in 0usize..8, roll in 0.0f64..1.0, remaining_ms in 0u64..5_000,
        ) {
            let heartbeats = loads.iter().enumerate().map(|(n, (active, waiting, tps, service, draining, backlog))| {
                let mut heartbeat = with_load(&format!("w{n}"), |load| {
                    (load.active, load.waiting, load.backlog_tokens) = (*active, *waiting, u64::from(*backlog));
                    (load.prefill_tokens_per_s, load.service_ms) = (*tps, *service);
                });
                heartbeat.draining = *draining;
                heartbeat
            });
            let (directory, now) = hear(heartbeats);
            let chat = chat();
            let exclude = [format!("w{excluded}")];
            let remaining = Duration::from_millis(remaining_ms);
            if let Ok(choice) = choose(&directory, now, &Ask { exclude: &exclude, roll, remaining, ..ask(&chat) }) {
                let known = directory.get(&choice.worker).unwrap();
                prop_assert!(!known.draining && choice.worker != exclude[0]);
                prop_assert!(choice.ttft <= remaining + Duration::from_millis(1));
            }
        }
    }
}
