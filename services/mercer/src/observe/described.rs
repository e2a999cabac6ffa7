//! What each metric means, in one table: `/metrics` says it beside the values.
//!
//! Counters without labels, and those that alerts ask about, are there with 0 from the start:
//! Prometheus sees the first event of a counter only where it saw the counter before.
//! docs/operations.md says more.

use mercer_schemas::Channel;

/// What kind of metric it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Counts events, without labels.
    Counter,
    /// Counts events, by labels.
    Labelled,
    /// Tells how something is now.
    Gauge,
    /// Measures each of many.
    Histogram,
}

use Kind::{Counter, Gauge, Histogram, Labelled};

const DESCRIBED: &[(Kind, &str, &str)] = &[
    // Coming in and going out.
    (
        Labelled,
        "mercer_ingress_messages_total",
        "What came in, by channel and outcome; requests that were refused count once",
    ),
    (
        Histogram,
        "mercer_ingress_seconds",
        "From a request's headers to its answer, by channel",
    ),
    (
        Labelled,
        "mercer_delivery_total",
        "Attempts to send, by channel and outcome",
    ),
    (
        Gauge,
        "mercer_inbox_lag_seconds",
        "Age of the oldest inbox row that is still open",
    ),
    (
        Counter,
        "mercer_inbox_quarantined_total",
        "Inputs set aside after repeated crashes, or because they cannot be read back",
    ),
    (
        Counter,
        "mercer_inbox_unreadable_total",
        "Of these, inputs that cannot be read back",
    ),
    (
        Counter,
        "mercer_outbox_unreadable_total",
        "Messages given up because they cannot be read back",
    ),
    (
        Counter,
        "mercer_outbox_unrecorded_total",
        "Outcomes of sending that the database does not take",
    ),
    // Conversations.
    (Counter, "mercer_turns_total", "Turns that ended"),
    (
        Histogram,
        "mercer_turn_stage_seconds",
        "Time of a turn's stage: plan, tools, compose, check",
    ),
    (
        Labelled,
        "mercer_effect_failures_total",
        "Steps that failed and were replaced by a simpler one, by stage and cause",
    ),
    (Labelled, "mercer_tool_calls_total", "Tool calls, by tool"),
    (
        Labelled,
        "mercer_guardrail_verdicts_total",
        "What the rules said of drafts, by rule",
    ),
    (
        Counter,
        "mercer_stale_replies_total",
        "Replies rendered again because a record changed",
    ),
    (
        Counter,
        "mercer_handoffs_total",
        "Conversations handed to a person",
    ),
    (
        Gauge,
        "mercer_conversations_live",
        "Conversations in memory",
    ),
    (
        Gauge,
        "mercer_partitions",
        "Shares of all conversations that this process works on; 256 over all processes",
    ),
    (
        Histogram,
        "mercer_activation_seconds",
        "Loading a conversation from its log",
    ),
    (
        Counter,
        "mercer_passivations_total",
        "Conversations that left memory",
    ),
    (
        Counter,
        "mercer_conversation_restarts_total",
        "Conversations started again after a crash",
    ),
    (
        Counter,
        "mercer_invariant_violations_total",
        "Conversations in a state that cannot be: a bug",
    ),
    (
        Counter,
        "mercer_snapshots_unreadable_total",
        "Snapshots that could not be read; the whole log was folded instead",
    ),
    (
        Labelled,
        "mercer_retention_deleted_rows_total",
        "Old rows that were deleted, by table",
    ),
    (
        Labelled,
        "mercer_retention_failures_total",
        "Times that old rows could not be deleted, by table",
    ),
    (
        Gauge,
        "mercer_retention_last_run_timestamp_seconds",
        "When all tables were last looked through for old rows, Unix time",
    ),
    // The engine of this process.
    (
        Labelled,
        "mercer_inference_requests_total",
        "Generations of the engine, by how they ended",
    ),
    (
        Labelled,
        "mercer_inference_tokens_total",
        "Tokens: of prompts, of these from the cache, and of outputs",
    ),
    (
        Histogram,
        "mercer_inference_step_seconds",
        "One step of the engine",
    ),
    (
        Gauge,
        "mercer_inference_queue",
        "Requests that wait for the engine",
    ),
    (
        Labelled,
        "mercer_inference_drafts_total",
        "Tokens drafted from prompts, and of these right",
    ),
    (
        Labelled,
        "mercer_inference_caches_moved_total",
        "Caches moved between the context, main memory and files",
    ),
    (
        Gauge,
        "mercer_inference_host_cache_bytes",
        "Main memory that caches take",
    ),
    (
        Counter,
        "mercer_inference_texts_embedded_total",
        "Texts that were embedded",
    ),
    (
        Histogram,
        "mercer_inference_embed_seconds",
        "One batch of embeddings",
    ),
    (
        Counter,
        "mercer_inference_documents_ranked_total",
        "Documents that the reranker read",
    ),
    (
        Histogram,
        "mercer_inference_rerank_seconds",
        "One call of the reranker",
    ),
    // The pool, as its callers see it.
    (
        Labelled,
        "mercer_pool_requests_total",
        "Generations asked of the pool, by how they ended",
    ),
    (
        Labelled,
        "mercer_pool_attempts_total",
        "Attempts at workers, and why there was another one",
    ),
    (
        Labelled,
        "mercer_pool_embeds_total",
        "Calls for vectors, by how they ended",
    ),
    (
        Histogram,
        "mercer_pool_embed_seconds",
        "From a call for vectors to its end",
    ),
    (
        Labelled,
        "mercer_pool_reranks_total",
        "Calls for scores, by how they ended",
    ),
    (
        Histogram,
        "mercer_pool_rerank_seconds",
        "From a call for scores to its end",
    ),
    (
        Histogram,
        "mercer_pool_first_token_seconds",
        "From a request to its first token",
    ),
    (
        Histogram,
        "mercer_pool_resume_gap_seconds",
        "From the last token of a worker that failed to the first of the next",
    ),
    (
        Labelled,
        "mercer_pool_frames_dropped_total",
        "Frames of workers that were not used, by reason",
    ),
    (
        Gauge,
        "mercer_pool_worker_slots",
        "Generations that a worker computes at once",
    ),
    (
        Gauge,
        "mercer_pool_worker_active",
        "Generations that a worker computes now",
    ),
    (
        Gauge,
        "mercer_pool_worker_waiting",
        "Requests that wait at a worker",
    ),
    (
        Gauge,
        "mercer_pool_worker_backlog_tokens",
        "Tokens of prompts that wait at a worker",
    ),
    (
        Gauge,
        "mercer_pool_worker_stall_ms",
        "Longest step of a worker lately, milliseconds",
    ),
    (
        Gauge,
        "mercer_pool_worker_kv_used",
        "Tokens in a worker's cache",
    ),
    (
        Gauge,
        "mercer_pool_worker_embeds",
        "Texts that wait to be embedded at a worker",
    ),
    (
        Gauge,
        "mercer_pool_worker_reranks",
        "Documents that wait for the reranker at a worker",
    ),
    (
        Gauge,
        "mercer_pool_worker_draining",
        "1 while a worker takes nothing new",
    ),
    (
        Gauge,
        "mercer_pool_worker_stalled",
        "1 while a worker's engine does not move",
    ),
    // A worker of the pool.
    (
        Counter,
        "mercer_worker_frames_total",
        "Frames sent to callers",
    ),
    (
        Counter,
        "mercer_worker_resends_total",
        "Frames that callers asked for again",
    ),
    (
        Counter,
        "mercer_worker_starved_total",
        "Generations given up for want of credit",
    ),
    (
        Counter,
        "mercer_worker_texts_late_total",
        "Requests for vectors or scores whose time was over before they began",
    ),
    (
        Counter,
        "mercer_worker_namesakes_total",
        "Heartbeats of other workers of the same name",
    ),
    (
        Labelled,
        "mercer_worker_dropped_total",
        "Requests and control messages that a worker did not read, by reason",
    ),
    (
        Counter,
        "mercer_nats_slow_total",
        "Messages that the NATS client threw away because they were read too slowly",
    ),
    // What a node lives by, and notices to the retailer.
    (
        Labelled,
        "mercer_task_restarts_total",
        "Tasks of the node that ended and were started again, by task",
    ),
    (
        Counter,
        "mercer_turns_failed_total",
        "Turns that ended without an answer",
    ),
    (
        Labelled,
        "mercer_look_up_retries_total",
        "Look-ups that were tried again within their turn, by cause",
    ),
    (
        Labelled,
        "mercer_notices_delivered_total",
        "Notices that a target of the retailer took, by way",
    ),
    (
        Labelled,
        "mercer_notice_failures_total",
        "Attempts to deliver a notice that failed, by way",
    ),
    (
        Labelled,
        "mercer_notices_dead_total",
        "Notices that were given up, by way",
    ),
    // Search, stores, API.
    (
        Histogram,
        "mercer_search_seconds",
        "A leg of a search, and whole searches",
    ),
    (Labelled, "mercer_search_total", "Searches, by outcome"),
    (
        Gauge,
        "mercer_index_lag",
        "Changes that the indexes do not hold yet",
    ),
    (
        Histogram,
        "mercer_store_group_size",
        "Writes that shared one synced commit (SQLite)",
    ),
    (
        Counter,
        "mercer_store_failed_transactions_total",
        "Transactions that the database did not carry out",
    ),
    (
        Labelled,
        "mercer_admin_requests_total",
        "Requests to the admin API, by route and status",
    ),
];

/// Tells the recorder what each metric means, and begins counters at 0.
pub(super) fn describe() {
    for &(kind, name, help) in DESCRIBED {
        match kind {
            Counter | Labelled => metrics::describe_counter!(name, help),
            Gauge => metrics::describe_gauge!(name, help),
            Histogram => metrics::describe_histogram!(name, help),
        }
        if kind == Counter {
            metrics::counter!(name).increment(0);
        }
    }
    for channel in Channel::ALL {
        let channel = channel.as_str();
        metrics::counter!("mercer_delivery_total", "channel" => channel, "outcome" => "rejected")
            .increment(0);
        metrics::counter!("mercer_ingress_messages_total", "channel" => channel, "outcome" => "unavailable")
            .increment(0);
    }
    metrics::counter!("mercer_pool_requests_total", "outcome" => "busy").increment(0);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    #[test]
    fn every_metric_of_the_sources_is_described_once() {
        let mut found = BTreeSet::new();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for folder in ["actors", "services"] {
            collect(&root.join(folder), &mut found);
        }
        let mut described = BTreeSet::new();
        for (_, name, help) in DESCRIBED {
            assert!(described.insert((*name).to_owned()), "{name} comes twice");
            assert!(!help.is_empty() && !help.ends_with('.'), "{name}: {help}");
        }
        assert!(found.len() > 40, "metrics are not found: {found:?}");
        let missing: Vec<_> = found.difference(&described).collect();
        assert!(missing.is_empty(), "not in the table: {missing:?}");
    }

    fn collect(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).expect("folder of sources") {
            let path = entry.expect("entry").path();
            let is = |name: &str| path.file_name().is_some_and(|file| file == name);
            if path.is_dir() && !is("tests") && !is("target") {
                collect(&path, found);
            }
            let is_source = path.extension().is_some_and(|extension| extension == "rs");
            if !is_source || is("described.rs") || !path.is_file() {
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("source");
            let quoted = text.match_indices("\"mercer_");
            let names = quoted.filter_map(|(at, _)| text[at + 1..].split('"').next());
            let is_name = |name: &&str| name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            found.extend(names.filter(is_name).map(str::to_owned));
        }
    }

    #[test]
    fn counters_begin_at_zero_and_say_what_they_count() {
        let recorder = PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, describe);
        let text = recorder.handle().render();
        for (kind, name, help) in DESCRIBED {
            if *kind == Counter {
                assert!(text.contains(&format!("# HELP {name} {help}")), "{name}");
                assert!(text.contains(&format!("\n{name} 0\n")), "{name}");
            }
        }
        assert!(
            text.contains("mercer_delivery_total{channel=\"whatsapp\",outcome=\"rejected\"} 0")
        );
    }
}
