//! What the admin API needs of other parts.

use std::sync::Arc;

use async_trait::async_trait;
use mercer_admin::{
    ConversationReplay, HealthSource, PartHealth, PoolSource, PoolState, ReplayError, ReplayReport,
    TimelineEntry, WorkerRecord, WorkerState,
};
use mercer_inference::{ChatModel, WorkerRow};
use mercer_knowledge::Knowledge;
use mercer_schemas::{ConversationId, Personal, ShopId, Stream};
use mercer_store::Store;

use crate::pool::LivePool;

/// Replays for the admin API.
pub(crate) struct Replay {
    /// The stores.
    pub(crate) store: Store,
}

#[async_trait]
impl ConversationReplay for Replay {
    async fn replay(
        &self,
        shop: &ShopId,
        conversation: &ConversationId,
    ) -> Result<ReplayReport, ReplayError> {
        let stream = Stream {
            shop: shop.clone(),
            conversation: conversation.clone(),
        };
        let records =
            mercer_replay::load(&self.store, &stream)
                .await
                .map_err(|error| match error {
                    mercer_replay::Error::Unknown(_) => ReplayError::NotFound,
                    mercer_replay::Error::Store(mercer_store::Error::Unreadable {
                        what,
                        seq,
                        ..
                    }) => ReplayError::Undecodable {
                        seq: seq.unsigned_abs(),
                        cause: what.to_owned(),
                    },
                    mercer_replay::Error::Store(error) => ReplayError::Store(error),
                })?;
        let snapshot = self.store.conversations().snapshot(&stream).await?;
        let verified = mercer_replay::verify(&records, snapshot.as_ref());
        let timeline = mercer_replay::timeline(&records)
            .into_iter()
            .map(|entry| TimelineEntry {
                seq: entry.seq,
                at_ms: entry.at_ms,
                kind: entry.kind,
                title: entry.title,
                detail: Personal::new(serde_json::json!(entry.detail)),
            })
            .collect();
        let divergence = verified
            .as_ref()
            .err()
            .map(|divergence| Personal::new(divergence.to_string()));
        Ok(ReplayReport {
            timeline,
            verified: verified.is_ok(),
            divergence,
        })
    }
}

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
    /// The indexes and the chat model, where this process runs conversations.
    pub(crate) answers: Option<(Knowledge, Arc<dyn ChatModel>)>,
}

#[async_trait]
impl HealthSource for Health {
    async fn parts(&self) -> Vec<PartHealth> {
        let Some((knowledge, chat)) = &self.answers else {
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
        let ended = chat.has_ended();
        let model = PartHealth {
            name: "model".into(),
            ready: !ended,
            reason: match ended {
                false => chat.info().label(),
                true => "its engine has ended by a fault; start this process again".into(),
            },
        };
        vec![index, model]
    }
}
