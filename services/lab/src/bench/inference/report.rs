//! What a measurement found, for eyes and for machines.

use std::collections::HashSet;
use std::fmt::Write;
use std::time::Duration;

use serde::Serialize;

use super::super::quantiles::{Quantiles, millis};
use super::pool::PoolReport;
use super::target::{Ending, Outcome};

/// What counts as an answer in time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Objective {
    /// Time to the first text at most.
    pub(super) ttft: Duration,
    /// Time between two pieces of text on average at most.
    pub(super) gap: Duration,
}

/// What one measurement found. The keys are documented in `docs/benchmarks.md`.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Report {
    pub(super) workload: &'static str,
    pub(super) target: String,
    pub(super) concurrency: Option<usize>,
    pub(super) seed: u64,
    pub(super) requests: usize,
    pub(super) errors: usize,
    pub(super) prompt_tokens: u64,
    /// `None` where prompts were sent as text and nobody here knows their tokens.
    pub(super) unique_prompt_tokens: Option<u64>,
    pub(super) prefill_tokens: u64,
    pub(super) reused_tokens: u64,
    pub(super) output_tokens: u64,
    /// Share of what one cache that holds everything would have reused.
    pub(super) reused_of_possible: Option<f64>,
    pub(super) ttft_ms: Quantiles,
    /// Time between two pieces of one reply.
    pub(super) gap_ms: Quantiles,
    pub(super) stall_ms_max: f64,
    pub(super) tokens_per_s: f64,
    pub(super) goodput_per_s: f64,
    pub(super) wall_s: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scaled: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) late: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cancelled: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) valid: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) long_prompt_ttft_ms: Option<Quantiles>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cancel_to_free_ms: Option<Quantiles>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) embeddings_per_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reranked_per_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pool: Option<PoolReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first_error: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) notes: Vec<String>,
}

impl Report {
    /// Counts what happened in `wall`.
    pub(super) fn of(outcomes: &[Outcome], wall: Duration, objective: Objective) -> Self {
        let wall_s = wall.as_secs_f64();
        let per_s = |count: f64| count / wall_s.max(f64::MIN_POSITIVE);
        let mut report = Self {
            requests: outcomes.len(),
            ttft_ms: ttft(outcomes),
            gap_ms: Quantiles::of(gaps(outcomes).collect()),
            stall_ms_max: stall_ms_max(outcomes),
            wall_s,
            ..Self::default()
        };
        let (mut late, mut cancelled, mut in_time) = (0, 0, 0);
        let (mut unmeasured, mut uncounted) = (0, 0);
        for outcome in outcomes {
            match &outcome.ending {
                Ending::Whole => in_time += usize::from(is_in_time(outcome, objective)),
                Ending::Late => late += 1,
                Ending::Cancelled => cancelled += 1,
                Ending::Failed(error) => {
                    report.errors += 1;
                    report.first_error.get_or_insert_with(|| error.clone());
                }
            }
            report.output_tokens += outcome
                .counts
                .output
                .unwrap_or(outcome.arrivals.len() as u64);
            if !was_computed(outcome) {
                continue;
            }
            let prompt = outcome.counts.prompt.unwrap_or(outcome.tokens.len() as u64);
            let cached = outcome.counts.cached.unwrap_or_default().min(prompt);
            if prompt == 0 {
                unmeasured += 1;
            } else if outcome.counts.cached.is_none() {
                uncounted += 1;
            }
            report.prompt_tokens += prompt;
            report.reused_tokens += cached;
        }
        report.prefill_tokens = report.prompt_tokens - report.reused_tokens;
        report.unique_prompt_tokens = unique_tokens(outcomes);
        report.reused_of_possible = report.unique_prompt_tokens.and_then(|unique| {
            let possible = report.prompt_tokens.checked_sub(unique)?;
            (possible > 0).then(|| report.reused_tokens as f64 / possible as f64)
        });
        report.tokens_per_s = per_s(report.output_tokens as f64);
        report.goodput_per_s = per_s(in_time as f64);
        report.late = Some(late).filter(|late| *late > 0);
        report.cancelled = Some(cancelled).filter(|cancelled| *cancelled > 0);
        if unmeasured > 0 {
            report.notes.push(format!(
                "nobody told how many tokens {unmeasured} of the prompts have: they count as none; name the file with --model"
            ));
        }
        if uncounted > 0 {
            report.notes.push(format!(
                "of {uncounted} requests the target did not tell how much of the prompt was cached: they count as computed"
            ));
        }
        let freed: Vec<Duration> = outcomes
            .iter()
            .filter_map(|outcome| outcome.freed)
            .collect();
        if !freed.is_empty() {
            report.cancel_to_free_ms = Some(Quantiles::of(freed));
        }
        report
    }

    /// Returns a block of lines for eyes.
    pub(super) fn table(&self) -> String {
        let mut out = self.workload.to_owned();
        if let Some(concurrency) = self.concurrency {
            let _ = write!(out, ", {concurrency} at once");
        }
        if let Some(scaled) = self.scaled {
            let _ = write!(out, ", all lengths times {scaled} to fit the context");
        }
        let mut line = |label: &str, text: String| {
            let _ = write!(out, "\n  {label:<16}{text}");
        };
        let mut requests = format!("{}, {} errors", self.requests, self.errors);
        for (count, what) in [(self.late, "too late"), (self.cancelled, "cancelled")] {
            if let Some(count) = count {
                let _ = write!(requests, ", {count} {what}");
            }
        }
        line("requests", requests);
        let unique = self
            .unique_prompt_tokens
            .map_or("unknown".to_owned(), |unique| unique.to_string());
        line(
            "prompt tokens",
            format!(
                "{} ({unique} unique): {} computed, {} reused",
                self.prompt_tokens, self.prefill_tokens, self.reused_tokens
            ),
        );
        if let Some(share) = self.reused_of_possible {
            line("  of possible", format!("{:.1} %", share * 100.0));
        }
        line(
            "output tokens",
            format!(
                "{}, {:.1} per second",
                self.output_tokens, self.tokens_per_s
            ),
        );
        line("first text", self.ttft_ms.line(1));
        if let Some(long) = &self.long_prompt_ttft_ms {
            line("  long prompts", long.line(1));
        }
        line("gaps", self.gap_ms.line(1));
        line("longest gap", format!("{:.1} ms", self.stall_ms_max));
        for (label, text) in self.pool.iter().flat_map(PoolReport::lines) {
            line(label, text);
        }
        if let Some(freed) = &self.cancel_to_free_ms {
            line("cancel to free", freed.line(1));
        }
        if let Some(valid) = self.valid {
            line("valid outputs", format!("{:.1} %", valid * 100.0));
        }
        if let Some(reranked) = self.reranked_per_s {
            line("reranked", format!("{reranked:.1} documents per second"));
        }
        if let Some(embeddings) = self.embeddings_per_s {
            line("embeddings", format!("{embeddings:.1} per second"));
        }
        line(
            "in time",
            format!("{:.2} requests per second", self.goodput_per_s),
        );
        line("wall", format!("{:.2} s", self.wall_s));
        for note in &self.notes {
            line("note", note.clone());
        }
        if let Some(error) = &self.first_error {
            line("first error", error.clone());
        }
        out
    }
}

/// Returns the times from submission to the first text.
pub(super) fn ttft(outcomes: &[Outcome]) -> Quantiles {
    let times = outcomes.iter().filter_map(first_text_after);
    Quantiles::of(times.collect())
}

fn first_text_after(outcome: &Outcome) -> Option<Duration> {
    Some(*outcome.arrivals.first()? - outcome.submitted)
}

/// Returns the longest time between two pieces of text of any reply.
pub(super) fn stall_ms_max(outcomes: &[Outcome]) -> f64 {
    gaps(outcomes).max().map_or(0.0, millis)
}

fn gaps(outcomes: &[Outcome]) -> impl Iterator<Item = Duration> + '_ {
    outcomes
        .iter()
        .flat_map(|outcome| outcome.arrivals.windows(2).map(|pair| pair[1] - pair[0]))
}

fn is_in_time(outcome: &Outcome, objective: Objective) -> bool {
    let Some(first) = first_text_after(outcome) else {
        return false;
    };
    let gaps = outcome.arrivals.len().saturating_sub(1) as u32;
    let span = match (outcome.arrivals.first(), outcome.arrivals.last()) {
        (Some(first), Some(last)) => *last - *first,
        _ => Duration::ZERO,
    };
    first <= objective.ttft && span <= objective.gap * gaps
}

/// Tells whether a target took a prompt up: not if it failed or ended while it waited.
fn was_computed(outcome: &Outcome) -> bool {
    let unfinished = matches!(outcome.ending, Ending::Cancelled | Ending::Late);
    let began = outcome.started || !outcome.arrivals.is_empty();
    !matches!(outcome.ending, Ending::Failed(_)) && (began || !unfinished)
}

/// Counts the different prompts and starts of prompts: as many tokens must be computed at least, whoever does it.
fn unique_tokens(outcomes: &[Outcome]) -> Option<u64> {
    let mut seen: HashSet<u64> = HashSet::new();
    for outcome in outcomes.iter().filter(|outcome| was_computed(outcome)) {
        if outcome.tokens.is_empty() {
            return None;
        }
        let mut prefix = 0;
        for token in &outcome.tokens {
            prefix = mix(prefix, u64::from(*token) + 1);
            seen.insert(prefix);
        }
    }
    Some(seen.len() as u64)
}

/// Hashes a token onto the hash of all before it, with the last steps of SplitMix64 (Steele, Lea, Flood, 2014).
fn mix(prefix: u64, token: u64) -> u64 {
    let mut z = prefix.wrapping_add(token.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::super::target::Counts;
    use super::*;

    const OBJECTIVE: Objective = Objective {
        ttft: Duration::from_millis(100),
        gap: Duration::from_millis(20),
    };

    /// A reply whose pieces came so many milliseconds after the request.
    fn outcome(tokens: &[u32], arrivals_ms: &[u64], cached: u64) -> Outcome {
        let submitted = Instant::now();
        let after = |ms: &u64| submitted + Duration::from_millis(*ms);
        Outcome {
            submitted,
            started: true,
            arrivals: arrivals_ms.iter().map(after).collect(),
            text: String::new(),
            counts: Counts {
                prompt: Some(tokens.len() as u64),
                cached: Some(cached),
                output: Some(arrivals_ms.len() as u64),
                late: false,
            },
            ending: Ending::Whole,
            freed: None,
            tokens: tokens.to_vec(),
        }
    }

    #[test]
    fn tokens_times_and_goodput_are_counted() {
        let mut failed = outcome(&[9, 9], &[], 0);
        failed.ending = Ending::Failed("it broke".to_owned());
        let outcomes = [
            outcome(&[1, 2, 3], &[50, 60, 90], 0),
            outcome(&[1, 2, 4], &[90, 100], 2),
            outcome(&[1, 2, 4], &[150, 160], 2),
            failed,
        ];
        let report = Report::of(&outcomes, Duration::from_secs(2), OBJECTIVE);
        assert_eq!((report.requests, report.errors), (4, 1));
        assert_eq!((report.prompt_tokens, report.reused_tokens), (9, 4));
        assert_eq!((report.prefill_tokens, report.output_tokens), (5, 7));
        assert_eq!(report.unique_prompt_tokens, Some(4));
        assert_eq!(report.ttft_ms.p50, 90.0);
        assert_eq!(report.stall_ms_max, 30.0);
        assert_eq!(report.goodput_per_s, 1.0, "the third came too late");
        assert_eq!(report.tokens_per_s, 3.5);
        let table = report.table();
        assert!(
            table.contains("9 (4 unique): 5 computed, 4 reused"),
            "{table}"
        );
        assert!(table.contains("it broke"));
    }

    #[test]
    fn the_same_token_in_another_place_is_another_prefix() {
        let outcomes = [outcome(&[7, 7, 7], &[1], 0), outcome(&[8, 7, 7], &[1], 0)];
        assert_eq!(unique_tokens(&outcomes), Some(6));
    }

    #[test]
    fn what_was_cancelled_in_the_queue_was_not_computed() {
        let mut waiting = outcome(&[1, 2], &[], 0);
        waiting.started = false;
        waiting.ending = Ending::Cancelled;
        let report = Report::of(&[waiting], Duration::from_secs(1), OBJECTIVE);
        assert_eq!((report.prompt_tokens, report.cancelled), (0, Some(1)));
    }

    #[test]
    fn the_keys_of_the_report_are_a_promise() {
        let value = serde_json::to_value(Report::default()).unwrap();
        for key in [
            "workload",
            "requests",
            "errors",
            "prompt_tokens",
            "unique_prompt_tokens",
            "prefill_tokens",
            "reused_tokens",
            "output_tokens",
            "ttft_ms",
            "stall_ms_max",
            "tokens_per_s",
            "goodput_per_s",
            "wall_s",
        ] {
            assert!(value.get(key).is_some(), "{key}");
        }
        assert_eq!(
            value["ttft_ms"],
            serde_json::json!({ "p50": 0.0, "p95": 0.0, "p99": 0.0 })
        );
    }
}
