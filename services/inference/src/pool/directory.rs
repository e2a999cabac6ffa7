//! What a caller knows of the workers: their last heartbeats, and what it sent them since.
//!
//! Time is passed in, so that tests choose it. Nothing here is kept: a caller that starts knows everything again
//! within one heartbeat and one snapshot.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use mercer_schemas::worker::{
    Heartbeat, Load, ModelInfo, Residency, TextModelState, is_name, rows_max,
};

use super::breaker::Breaker;

/// Three heartbeats: a worker that is silent for longer is dead, frozen or cut off.
pub(super) const SILENCE_MAX: Duration = Duration::from_millis(750);
/// A worker that is silent for this long is forgotten.
pub(super) const FORGET: Duration = Duration::from_secs(60);
/// A request on its way is not in a heartbeat that arrives this soon after it was sent.
const UNDERWAY: Duration = Duration::from_millis(100);
/// More cannot be real; it bounds what forged heartbeats can take.
pub(super) const WORKERS_MAX: usize = 1024;
pub(crate) const STARTS_MAX: usize = 16_384;
const ID_BYTES_MAX: usize = 256;

/// A worker as its heartbeats tell it.
#[derive(Debug, Clone)]
pub(super) struct Known {
    /// Run of the worker.
    pub(super) incarnation: u64,
    /// Its model.
    pub(super) model: Arc<ModelInfo>,
    /// It is about to leave.
    pub(super) draining: bool,
    /// How busy it was.
    pub(super) load: Load,
    /// Its embedding model, where it serves one.
    pub(super) embedder: Option<TextModelState>,
    /// Its reranker, where it serves one.
    pub(super) reranker: Option<TextModelState>,
    /// Hashes of the starts of conversations that its cache holds.
    pub(super) starts: HashSet<u64>,
    /// When its last heartbeat arrived.
    pub(super) seen: Instant,
    /// When this run was first heard of.
    pub(super) since: Instant,
    /// Keeps requests away while it fails.
    pub(super) breaker: Breaker,
    /// How long the run had lasted at its last heartbeat.
    up_ms: u64,
    seq: u64,
    /// Nothing was heard since NATS was away.
    doubted: bool,
    /// Requests sent that its last heartbeat cannot count yet: when, and tokens to compute.
    underway: Vec<(Instant, f64)>,
}

impl Known {
    /// Returns the requests sent that the load does not count yet, and their tokens.
    pub(super) fn underway(&self) -> (u32, f64) {
        let tokens = self.underway.iter().map(|(_, tokens)| tokens).sum();
        (self.underway.len() as u32, tokens)
    }

    /// Says whether its chat model takes requests: it was heard lately, stays, and its engine does not hang.
    pub(super) fn takes_requests(&self, now: Instant) -> bool {
        self.is_fresh(now) && !self.draining && !self.load.stalled
    }

    /// Says whether it was heard lately.
    pub(super) fn is_fresh(&self, now: Instant) -> bool {
        !self.doubted && now.saturating_duration_since(self.seen) <= SILENCE_MAX
    }
}

/// What a heartbeat told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// It is taken in.
    Known,
    /// It is taken in, but what the cache holds is not known: ask for a snapshot.
    Incomplete,
    /// It is older than what is known, or cannot be true.
    Wrong,
    /// It is of another run than the one that is known and lives: two processes share a name, and this one is younger.
    Twin,
}

/// All workers of a pool.
#[derive(Debug, Default)]
pub(super) struct Directory {
    workers: BTreeMap<String, Known>,
}

impl Directory {
    /// Forgets the workers that have been silent for long, and returns their names.
    pub(super) fn forget(&mut self, now: Instant) -> Vec<String> {
        let gone =
            |_: &String, known: &mut Known| now.saturating_duration_since(known.seen) >= FORGET;
        self.workers
            .extract_if(.., gone)
            .map(|(name, _)| name)
            .collect()
    }

    /// Takes a heartbeat in.
    pub(super) fn hear(&mut self, now: Instant, heartbeat: Heartbeat) -> Heard {
        let Heartbeat {
            worker,
            incarnation,
            up_ms,
            seq,
            model,
            draining,
            load,
            residency,
            embedder,
            reranker,
        } = heartbeat;
        let embedder = embedder.filter(is_possible);
        let reranker = reranker.filter(|told| is_possible(told) && told.dim == 1);
        let is_new = !self.workers.contains_key(&worker);
        let has_room = !is_new || self.workers.len() < WORKERS_MAX;
        if !is_name(&worker) || !is_bounded(&model) || !has_room {
            return Heard::Wrong;
        }
        let known = self.workers.entry(worker).or_insert_with(|| Known {
            incarnation,
            model: Arc::new(model.clone()),
            draining,
            load,
            embedder: embedder.clone(),
            reranker: reranker.clone(),
            starts: HashSet::new(),
            seen: now,
            since: now,
            breaker: Breaker::default(),
            up_ms,
            seq: 0,
            doubted: false,
            underway: Vec::new(),
        });
        let is_restart = known.incarnation != incarnation;
        if !is_new && !is_restart && seq <= known.seq {
            return Heard::Wrong;
        }
        // A worker listens before it speaks, so one that was just started anew follows a silence. Taking two in turns
        // would void what is known of either, four times a second.
        if is_restart && known.is_fresh(now) && up_ms <= known.up_ms {
            return Heard::Twin;
        }
        let is_next = !is_new && !is_restart && seq == known.seq + 1;
        if is_restart {
            known.starts.clear();
            known.underway.clear();
            known.breaker = Breaker::default();
            known.since = now;
        }
        if *known.model != model {
            known.model = Arc::new(model);
        }
        known.incarnation = incarnation;
        known.up_ms = up_ms;
        known.seq = seq;
        known.draining = draining;
        known.load = load;
        known.embedder = embedder;
        known.reranker = reranker;
        known.seen = now;
        known.doubted = false;
        known
            .underway
            .retain(|(sent, _)| now.saturating_duration_since(*sent) < UNDERWAY);
        match residency {
            Residency::Snapshot { starts } => {
                known.starts = starts.into_iter().take(STARTS_MAX).collect();
                Heard::Known
            }
            Residency::Changes { added, removed } => {
                removed.iter().for_each(|start| {
                    known.starts.remove(start);
                });
                let room = STARTS_MAX.saturating_sub(known.starts.len());
                known.starts.extend(added.into_iter().take(room));
                if is_next {
                    Heard::Known
                } else {
                    Heard::Incomplete
                }
            }
        }
    }

    /// Returns a worker.
    pub(super) fn get(&self, worker: &str) -> Option<&Known> {
        self.workers.get(worker)
    }

    /// Returns a worker to change.
    pub(super) fn get_mut(&mut self, worker: &str) -> Option<&mut Known> {
        self.workers.get_mut(worker)
    }

    /// Returns all workers, by name.
    pub(super) fn all(&self) -> impl Iterator<Item = (&String, &Known)> {
        self.workers.iter()
    }

    /// Takes no worker for alive before it is heard again: the connection was lost, and workers lost theirs too.
    pub(super) fn doubt(&mut self) {
        for known in self.workers.values_mut() {
            known.doubted = true;
        }
    }

    /// Notes that a request was sent.
    pub(super) fn note_sent(&mut self, now: Instant, worker: &str, tokens: f64) {
        if let Some(known) = self.workers.get_mut(worker) {
            known.underway.push((now, tokens));
        }
    }

    /// Returns the model of the worker that joined last among those that take requests, of a style of prompts where
    /// one is given.
    pub(super) fn newest_model(&self, now: Instant, style: Option<&str>) -> Option<Arc<ModelInfo>> {
        self.workers
            .values()
            .filter(|known| known.takes_requests(now))
            .filter(|known| style.is_none_or(|style| known.model.prompt_style == style))
            .max_by_key(|known| known.since)
            .map(|known| known.model.clone())
    }
}

/// Says whether what a model tells of itself takes no more room than a real one's.
fn is_bounded(model: &ModelInfo) -> bool {
    const ADAPTERS_MAX: usize = 1024;
    let names = [&model.name, &model.prompt_style];
    model.adapters.len() <= ADAPTERS_MAX
        && names
            .into_iter()
            .chain(&model.adapters)
            .all(|name| name.len() <= ID_BYTES_MAX)
}

/// Says whether a text model can be as it is told: one row of its numbers at least fits into a frame.
fn is_possible(told: &TextModelState) -> bool {
    told.dim > 0 && rows_max(told.dim) > 0 && told.id.len() <= ID_BYTES_MAX
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn model(sha256: &str) -> ModelInfo {
        ModelInfo {
            name: "m".to_owned(),
            sha256: sha256.to_owned(),
            n_ctx: 4096,
            n_vocab: 100,
            n_params: 1,
            prompt_style: "full".to_owned(),
            template_sha256: "7e".to_owned(),
            adapters: Vec::new(),
        }
    }

    /// A heartbeat of an idle worker of known speed.
    pub(in super::super) fn heartbeat(worker: &str, seq: u64) -> Heartbeat {
        Heartbeat {
            worker: worker.to_owned(),
            incarnation: 1,
            up_ms: 1_000,
            seq,
            model: model("a"),
            draining: false,
            load: Load {
                slots: 4,
                waiting_max: 8,
                prefill_tokens_per_s: 1_000.0,
                step_ms: 20.0,
                service_ms: 500.0,
                ..Load::default()
            },
            residency: Residency::Snapshot { starts: Vec::new() },
            embedder: None,
            reranker: None,
        }
    }

    pub(crate) fn heartbeat_for_testing(worker: &str) -> Heartbeat {
        heartbeat(worker, 1)
    }

    fn changes(worker: &str, seq: u64, added: &[u64], removed: &[u64]) -> Heartbeat {
        Heartbeat {
            residency: Residency::Changes {
                added: added.to_vec(),
                removed: removed.to_vec(),
            },
            ..heartbeat(worker, seq)
        }
    }

    #[test]
    fn changes_add_up_and_a_gap_asks_for_a_snapshot() {
        let now = Instant::now();
        let mut directory = Directory::default();
        assert_eq!(
            directory.hear(now, changes("w", 4, &[1], &[])),
            Heard::Incomplete
        );
        let snapshot = Heartbeat {
            residency: Residency::Snapshot { starts: vec![1, 2] },
            ..heartbeat("w", 5)
        };
        assert_eq!(directory.hear(now, snapshot), Heard::Known);
        assert_eq!(
            directory.hear(now, changes("w", 6, &[3], &[1])),
            Heard::Known
        );
        let starts = &directory.get("w").unwrap().starts;
        assert_eq!(*starts, HashSet::from([2, 3]));
        assert_eq!(
            directory.hear(now, changes("w", 6, &[9], &[])),
            Heard::Wrong
        );
        assert_eq!(
            directory.hear(now, changes("w", 8, &[], &[])),
            Heard::Incomplete
        );
    }

    #[test]
    fn another_run_of_a_worker_voids_what_was_known() {
        let now = Instant::now();
        let mut directory = Directory::default();
        directory.hear(
            now,
            Heartbeat {
                residency: Residency::Snapshot { starts: vec![1] },
                ..heartbeat("w", 9)
            },
        );
        let restarted = Heartbeat {
            incarnation: 2,
            up_ms: 0,
            ..changes("w", 1, &[], &[])
        };
        let later = now + SILENCE_MAX * 2;
        assert_eq!(directory.hear(later, restarted), Heard::Incomplete);
        assert!(directory.get("w").unwrap().starts.is_empty());
    }

    #[test]
    fn two_workers_of_one_name_do_not_void_each_other() {
        let now = Instant::now();
        let mut directory = Directory::default();
        let of = |incarnation, up_ms, seq| Heartbeat {
            incarnation,
            up_ms,
            residency: Residency::Snapshot { starts: vec![1] },
            ..heartbeat("w", seq)
        };
        assert_eq!(directory.hear(now, of(1, 9_000, 9)), Heard::Known);
        assert_eq!(directory.hear(now, of(2, 0, 1)), Heard::Twin);
        assert_eq!(directory.hear(now, of(1, 9_250, 10)), Heard::Known);
        assert_eq!(directory.get("w").unwrap().incarnation, 1);
        // The one that is known has died, and comes back: it was only frozen.
        let later = now + SILENCE_MAX * 2;
        assert_eq!(directory.hear(later, of(2, 1_500, 2)), Heard::Known);
        assert_eq!(directory.hear(later, of(1, 10_750, 11)), Heard::Known);
        assert_eq!(directory.get("w").unwrap().incarnation, 1);
    }

    #[test]
    fn after_a_lost_connection_a_worker_counts_when_it_is_heard_again() {
        let now = Instant::now();
        let mut directory = Directory::default();
        directory.hear(now, heartbeat("w", 1));
        directory.doubt();
        assert!(!directory.get("w").unwrap().is_fresh(now));
        directory.hear(now, heartbeat("w", 2));
        assert!(directory.get("w").unwrap().is_fresh(now));
    }

    #[test]
    fn the_newest_ready_model_is_told() {
        let now = Instant::now();
        let mut directory = Directory::default();
        assert_eq!(directory.newest_model(now, None), None);
        directory.hear(now, heartbeat("old", 1));
        let later = now + Duration::from_millis(100);
        directory.hear(
            later,
            Heartbeat {
                model: model("b"),
                ..heartbeat("new", 1)
            },
        );
        assert_eq!(directory.newest_model(later, None).unwrap().sha256, "b");
        let of_style = |style| directory.newest_model(later, Some(style));
        assert_eq!(of_style("full").unwrap().sha256, "b");
        assert_eq!(of_style("compact"), None);
        directory.hear(
            later,
            Heartbeat {
                model: model("b"),
                draining: true,
                ..heartbeat("new", 2)
            },
        );
        assert_eq!(directory.newest_model(later, None).unwrap().sha256, "a");
        assert_eq!(directory.newest_model(later + SILENCE_MAX * 2, None), None);
    }

    #[test]
    fn forged_heartbeats_take_no_more_than_a_bound() {
        let now = Instant::now();
        let mut directory = Directory::default();
        assert_eq!(directory.hear(now, heartbeat("a.b", 1)), Heard::Wrong);
        for n in 0..WORKERS_MAX + 10 {
            directory.hear(now, heartbeat(&format!("w{n}"), 1));
        }
        assert_eq!(directory.all().count(), WORKERS_MAX);
        assert!(directory.forget(now).is_empty());
        assert_eq!(directory.forget(now + FORGET).len(), WORKERS_MAX);
        let mut forged = heartbeat("long", 1);
        forged.model.name = "m".repeat(ID_BYTES_MAX + 1);
        assert_eq!(directory.hear(now, forged), Heard::Wrong);
        assert_eq!(directory.all().count(), 0);
    }

    #[test]
    fn a_worker_whose_engine_hangs_takes_no_requests_until_it_goes_on() {
        let now = Instant::now();
        let mut directory = Directory::default();
        for (seq, stalled) in [(1, false), (2, true), (3, false)] {
            let mut told = heartbeat("w", seq);
            told.load.stalled = stalled;
            directory.hear(now, told);
            assert_eq!(directory.get("w").unwrap().takes_requests(now), !stalled);
            assert_eq!(directory.newest_model(now, None).is_some(), !stalled);
        }
    }

    #[test]
    fn what_was_sent_counts_until_a_heartbeat_can_know_of_it() {
        let now = Instant::now();
        let mut directory = Directory::default();
        directory.hear(now, heartbeat("w", 1));
        directory.note_sent(now, "w", 70.0);
        directory.hear(now + Duration::from_millis(20), heartbeat("w", 2));
        assert_eq!(directory.get("w").unwrap().underway(), (1, 70.0));
        directory.hear(now + Duration::from_millis(270), heartbeat("w", 3));
        assert_eq!(directory.get("w").unwrap().underway(), (0, 0.0));
    }
}
