//! What the admin API needs of other parts: their health, and the pool.

use std::sync::Arc;

use async_trait::async_trait;
use mercer_admin::{HealthSource, PartHealth, PoolSource, PoolState, WorkerRecord, WorkerState};
use mercer_inference::{ChatModel, WorkerRow};
use mercer_knowledge::Knowledge;
use mercer_runtime::RuntimeHealth;
use mercer_store::Store;

use super::beside::BesideHealth;
use crate::pool::LivePool;

/// The pool for the admin API, where there is one.
pub(crate) struct Pool(pub(crate) Option<LivePool>);

impl PoolSource for Pool {
    fn state(&self) -> PoolState {
        let Some(live) = &self.0 else {
            return PoolState::None;
        };
        match live.rows() {
            None => PoolState::Unreachable,
            Some(rows) => PoolState::Live {
                name: live.name().to_owned(),
                workers: rows.iter().map(worker_record).collect(),
            },
        }
    }
}

/// Returns what the admin API tells of a worker.
fn worker_record(row: &WorkerRow) -> WorkerRecord {
    let (heartbeat, load) = (&row.heartbeat, &row.heartbeat.load);
    let (embedder, reranker) = (heartbeat.embedder.as_ref(), heartbeat.reranker.as_ref());
    WorkerRecord {
        name: heartbeat.worker.clone(),
        state: match row.state {
            mercer_inference::WorkerState::Ready => WorkerState::Ready,
            mercer_inference::WorkerState::Draining => WorkerState::Draining,
            mercer_inference::WorkerState::Stalled => WorkerState::Stalled,
            mercer_inference::WorkerState::Silent => WorkerState::Silent,
            mercer_inference::WorkerState::Twin => WorkerState::Twin,
        },
        slots: load.slots,
        active: load.active,
        waiting: load.waiting,
        waiting_max: load.waiting_max,
        cache_used_tokens: load.kv_used,
        cache_tokens: load.kv_total,
        hit_rate: row.hit_rate,
        tokens_per_s: row.tokens_per_s,
        stall_ms_max: load.stall_ms_max,
        model: heartbeat.model.label(),
        prompt_style: heartbeat.model.prompt_style.clone(),
        embedder: embedder.map(|embedder| embedder.id.clone()),
        embeds_waiting: embedder.map_or(0, |embedder| embedder.waiting),
        reranker: reranker.map(|reranker| reranker.id.clone()),
        reranks_waiting: reranker.map_or(0, |reranker| reranker.waiting),
    }
}

/// Health of the parts that a customer's request needs.
pub(crate) struct Health {
    /// The stores.
    pub(crate) store: Store,
    /// What answers, where this process runs conversations.
    pub(crate) answers: Option<Answers>,
}

/// What a process needs that runs conversations.
#[derive(Clone)]
pub(crate) struct Answers {
    /// The indexes.
    pub(crate) knowledge: Knowledge,
    /// The chat model.
    pub(crate) chat: Arc<dyn ChatModel>,
    /// The tasks that conversations live by.
    pub(crate) runtime: RuntimeHealth,
    /// The tasks beside them.
    pub(crate) beside: BesideHealth,
}

#[async_trait]
impl HealthSource for Health {
    async fn parts(&self) -> Vec<PartHealth> {
        let Some(Answers {
            knowledge,
            chat,
            runtime,
            beside,
        }) = &self.answers
        else {
            return Vec::new();
        };
        let index = match self.store.feed().head().await {
            Ok(head) => {
                let behind = (head - knowledge.indexed_seq()).max(0);
                PartHealth {
                    name: "index".into(),
                    ready: true,
                    reason: format!("{behind} changes behind"),
                }
            }
            Err(_) => PartHealth {
                name: "index".into(),
                ready: false,
                reason: "change feed cannot be read".into(),
            },
        };
        vec![
            index,
            model_health(chat.as_ref()),
            conversations_health(&runtime.failing()),
            beside_health(beside.problem()),
        ]
    }
}

/// Returns whether the tasks run that conversations live by.
fn conversations_health(failing: &[&str]) -> PartHealth {
    PartHealth {
        name: "conversations".into(),
        ready: failing.is_empty(),
        reason: match failing {
            [] => "go on".into(),
            tasks => format!("these tasks keep ending: {}", tasks.join(", ")),
        },
    }
}

/// Returns how the tasks beside conversations go. A task that keeps panicking is named and does not
/// take the node out: customers are answered without it. What stops the notifier or an import is in the
/// database, which every other node has too; an indexer that stops leaves this node's own index behind.
fn beside_health(problem: Option<String>) -> PartHealth {
    PartHealth {
        name: "tasks".into(),
        ready: true,
        reason: problem.unwrap_or_else(|| "go on".into()),
    }
}

/// Returns whether a chat model can answer.
fn model_health(chat: &dyn ChatModel) -> PartHealth {
    let (ready, reason) = if chat.has_ended() {
        let reason = "its engine has ended by a fault; start this process again";
        (false, reason.to_owned())
    } else if chat.is_stalled() {
        let reason = "its engine hangs in a step; start this process again if that does not end";
        (false, reason.to_owned())
    } else {
        (true, chat.info().label())
    };
    PartHealth {
        name: "model".into(),
        ready,
        reason,
    }
}

#[cfg(test)]
mod tests {
    use mercer_inference::{Error, GenerateRequest, Generation, ModelInfo};

    use super::*;

    struct Model {
        ended: bool,
        stalled: bool,
    }

    #[async_trait]
    impl ChatModel for Model {
        fn info(&self) -> Arc<ModelInfo> {
            Arc::new(ModelInfo {
                name: "m".to_owned(),
                sha256: "0f".repeat(32),
                n_ctx: 1,
                n_vocab: 1,
                n_params: 1,
                prompt_style: "full".to_owned(),
                template_sha256: String::new(),
                adapters: Vec::new(),
            })
        }

        fn has_ended(&self) -> bool {
            self.ended
        }

        fn is_stalled(&self) -> bool {
            self.stalled
        }

        async fn generate(&self, _: GenerateRequest) -> Result<Generation, Error> {
            Err(Error::Stopped)
        }
    }

    #[test]
    fn a_model_whose_engine_hangs_or_has_ended_is_not_ready() {
        let of = |ended, stalled| {
            let health = model_health(&Model { ended, stalled });
            (health.ready, health.reason)
        };
        assert_eq!(of(false, false), (true, "m@0f0f0f0f0f0f".to_owned()));
        let (ready, reason) = of(false, true);
        assert!(!ready && reason.contains("hangs"), "{reason}");
        let (ready, reason) = of(true, false);
        assert!(!ready && reason.contains("ended"), "{reason}");
    }

    #[test]
    fn a_task_that_keeps_ending_makes_the_conversations_unready() {
        assert!(conversations_health(&[]).ready);
        let part = conversations_health(&["dispatcher"]);
        assert!(!part.ready);
        assert!(part.reason.contains("dispatcher"), "{}", part.reason);
    }

    #[test]
    fn a_task_beside_conversations_that_keeps_panicking_is_named() {
        assert!(beside_health(None).ready);
        let part = beside_health(Some("indexer".to_owned()));
        assert_eq!((part.ready, part.reason.as_str()), (true, "indexer"));
    }
}
