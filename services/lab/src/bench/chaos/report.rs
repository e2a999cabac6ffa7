//! What came of a run with disturbances.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use serde::Serialize;

use super::super::quantiles::{Quantiles, millis};
use super::ChaosArgs;
use super::callers::Followed;
use super::check::Verdict;
use super::disturb::Disturbed;

/// The keys are documented in `docs/benchmarks.md`.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    seed: u64,
    workers: usize,
    callers: usize,
    disturbed: Disturbed,
    pub(super) requests: usize,
    /// Replies that came whole and once.
    whole: usize,
    /// Replies that ended at their deadline and said so.
    late: usize,
    /// Honest errors, by kind.
    errors: BTreeMap<&'static str, usize>,
    /// Broken promises.
    pub(super) violations: usize,
    first_violations: Vec<String>,
    /// Times that a text went on at another worker.
    resumes: usize,
    /// From the last token of one worker to the first of the next.
    resume_gap_ms: Quantiles,
    resume_gap_ms_max: f64,
    /// Longest time between two pieces of one text, whatever the reason.
    pause_ms_max: f64,
    /// Replies that paused longest, against an engine that nothing disturbs.
    disturbed_compared: Compared,
    /// Replies that paused least, against the same.
    undisturbed_compared: Compared,
    /// The first ones by an engine alone, against the same resumed at its middle.
    resumed_alone: Compared,
    wall_s: f64,
}

/// Whole replies, and how many of them were the same token for token.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct Compared {
    pub(super) replies: usize,
    pub(super) same: usize,
}

impl Compared {
    /// Counts one.
    pub(super) fn add(&mut self, same: bool) {
        self.replies += 1;
        self.same += usize::from(same);
    }
}

impl Report {
    pub(super) fn new(
        args: &ChaosArgs,
        followed: &[Followed],
        disturbed: Disturbed,
        gaps: Vec<Duration>,
        [disturbed_compared, undisturbed_compared, resumed_alone]: [Compared; 3],
        wall: Duration,
    ) -> Self {
        const TOLD_MAX: usize = 10;
        let (mut whole, mut late) = (0, 0);
        let mut errors: BTreeMap<&'static str, usize> = BTreeMap::new();
        let mut broken = Vec::new();
        for one in followed {
            match &one.verdict {
                Verdict::Whole(_) => whole += 1,
                Verdict::Late => late += 1,
                Verdict::Refused(kind) => *errors.entry(kind).or_default() += 1,
                Verdict::Broken(how) => broken.push(how.clone()),
            }
        }
        Self {
            seed: args.seed,
            workers: args.workers,
            callers: args.callers,
            disturbed,
            requests: followed.len(),
            whole,
            late,
            errors,
            violations: broken.len(),
            first_violations: broken.into_iter().take(TOLD_MAX).collect(),
            resumes: gaps.len(),
            resume_gap_ms_max: gaps.iter().max().copied().map_or(0.0, millis),
            resume_gap_ms: Quantiles::of(gaps),
            pause_ms_max: followed
                .iter()
                .map(|one| one.pause)
                .max()
                .map_or(0.0, millis),
            disturbed_compared,
            undisturbed_compared,
            resumed_alone,
            wall_s: wall.as_secs_f64(),
        }
    }

    /// Returns a block of lines for eyes.
    pub(super) fn table(&self) -> String {
        let Disturbed {
            kills,
            kills_mid_stream,
            stops,
            restarts,
            drains,
        } = self.disturbed;
        let mut out = format!(
            "chaos, {} workers, {} callers, seed {}",
            self.workers, self.callers, self.seed
        );
        let mut line = |label: &str, text: String| {
            let _ = write!(out, "\n  {label:<16}{text}");
        };
        line(
            "disturbed",
            format!(
                "{kills} kills ({kills_mid_stream} mid-stream), {stops} freezes, {restarts} restarts of NATS, {drains} rolling drains"
            ),
        );
        line(
            "requests",
            format!(
                "{}: {} whole, {} ended at their deadline",
                self.requests, self.whole, self.late
            ),
        );
        for (kind, count) in &self.errors {
            line("  errors", format!("{count} {kind}"));
        }
        line("violations", self.violations.to_string());
        for violation in &self.first_violations {
            line("", violation.clone());
        }
        line(
            "resumes",
            format!(
                "{}: gap {}, most {:.0} ms",
                self.resumes,
                self.resume_gap_ms.line(0),
                self.resume_gap_ms_max
            ),
        );
        line("longest pause", format!("{:.0} ms", self.pause_ms_max));
        for (which, compared) in [
            (
                "that paused longest, against an engine alone",
                self.disturbed_compared,
            ),
            (
                "that paused least, against an engine alone",
                self.undisturbed_compared,
            ),
            (
                "of an engine alone that resumes its own text",
                self.resumed_alone,
            ),
        ] {
            line(
                "same text",
                format!("{} of {} {which}", compared.same, compared.replies),
            );
        }
        line("wall", format!("{:.1} s", self.wall_s));
        out
    }
}
