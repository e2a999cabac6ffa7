//! What the admin API needs of other parts.

use std::sync::Arc;

use async_trait::async_trait;
use axum::body::Bytes;
use mercer_admin::{
    ConversationReplay, HealthSource, ImportError, ImportFormat, ImportKind, ImportLineError,
    ImportReport, Importer, OnError, PartHealth, PoolSource, PoolState, ReplayError, ReplayReport,
    TimelineEntry, WorkerRecord, WorkerState,
};
use mercer_inference::{ChatModel, WorkerRow};
use mercer_knowledge::{Knowledge, Progress, import};
use mercer_runtime::RuntimeHealth;
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
                    mercer_replay::Error::Store(mercer_store::Error::Corrupt { what, at }) => {
                        ReplayError::Undecodable {
                            seq: at
                                .rsplit(['/', ' ', ':', '@'])
                                .next()
                                .and_then(|seq| seq.parse().ok())
                                .unwrap_or_default(),
                            cause: what.to_owned(),
                        }
                    }
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

/// Imports for the admin API.
pub(crate) struct Import {
    /// The stores.
    pub(crate) store: Store,
}

#[async_trait]
impl Importer for Import {
    async fn import(
        &self,
        shop: &ShopId,
        kind: ImportKind,
        format: ImportFormat,
        on_error: OnError,
        file: Bytes,
    ) -> Result<ImportReport, ImportError> {
        // The import tells kinds of records apart by file name, here as on disk.
        let name = match (kind, format) {
            (ImportKind::Products, ImportFormat::JsonLines) => "catalog.jsonl",
            (ImportKind::Products, ImportFormat::Csv) => "catalog.csv",
            (ImportKind::Documents, ImportFormat::Markdown) => "document.md",
            (ImportKind::Customers, ImportFormat::JsonLines) => "customers.jsonl",
            (ImportKind::Orders, ImportFormat::JsonLines) => "orders.jsonl",
            _ => return Err(ImportError::Format),
        };
        let on_error = match on_error {
            OnError::Abort => import::OnError::Abort,
            OnError::Skip => import::OnError::Skip,
        };
        let other = |error: std::io::Error| ImportError::Other(error.to_string());
        let folder = tempfile::tempdir().map_err(other)?;
        let path = folder.path().join(name);
        tokio::fs::write(&path, &file).await.map_err(other)?;
        let imported = import::import_shop(
            &path,
            &self.store,
            Some(shop.clone()),
            on_error,
            &Progress::hidden(),
        )
        .await;
        match imported {
            Ok(report) => {
                let counts = report.counts;
                Ok(ImportReport {
                    imported: (counts.products
                        + counts.documents
                        + counts.customers
                        + counts.orders) as u64,
                    skipped: report.skipped.len() as u64,
                    errors: report.skipped.into_iter().map(line_error).collect(),
                })
            }
            Err(import::Error::Broken(errors)) => Ok(ImportReport {
                imported: 0,
                skipped: 0,
                errors: errors.into_iter().map(line_error).collect(),
            }),
            Err(import::Error::Store(error)) => Err(ImportError::Store(error)),
            Err(error) => Err(ImportError::Other(error.to_string())),
        }
    }
}

fn line_error(error: import::LineError) -> ImportLineError {
    let message = if error.fix.is_empty() {
        error.message
    } else {
        format!("{}; {}", error.message, error.fix)
    };
    ImportLineError {
        line: error.line,
        field: error.field,
        message,
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
    /// What answers, where this process runs conversations.
    pub(crate) answers: Option<Answers>,
}

/// What a process needs that runs conversations.
pub(crate) struct Answers {
    /// The indexes.
    pub(crate) knowledge: Knowledge,
    /// The chat model.
    pub(crate) chat: Arc<dyn ChatModel>,
    /// The tasks that conversations live by.
    pub(crate) runtime: RuntimeHealth,
}

#[async_trait]
impl HealthSource for Health {
    async fn parts(&self) -> Vec<PartHealth> {
        let Some(Answers {
            knowledge,
            chat,
            runtime,
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
        let ended = chat.has_ended();
        let model = PartHealth {
            name: "model".into(),
            ready: !ended,
            reason: match ended {
                false => chat.info().label(),
                true => "its engine has ended by a fault; start this process again".into(),
            },
        };
        vec![index, model, conversations_part(&runtime.failing())]
    }
}

fn conversations_part(failing: &[&str]) -> PartHealth {
    PartHealth {
        name: "conversations".into(),
        ready: failing.is_empty(),
        reason: match failing {
            [] => "go on".into(),
            tasks => format!("these tasks keep ending: {}", tasks.join(", ")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_that_keeps_ending_makes_the_conversations_unready() {
        assert!(conversations_part(&[]).ready);
        let part = conversations_part(&["dispatcher"]);
        assert!(!part.ready);
        assert!(part.reason.contains("dispatcher"), "{}", part.reason);
    }
}
