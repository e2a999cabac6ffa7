//! What came of a run: totals, rates by kind, and the results turn by turn. How it reads as a page or for a build
//! server is in the modules below.

mod html;
mod junit;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::evaluation::judge::TurnResult;

/// The normal distribution's quantile of a two-sided interval of 95 %.
const Z_95: f64 = 1.959_964;

/// Totals over all dialogues.
#[derive(Serialize)]
pub(crate) struct Report {
    dialogues: usize,
    /// Dialogues of which every turn is right.
    dialogues_right: usize,
    turns: usize,
    /// Turns of which everything expected holds.
    pub(crate) turns_right: usize,
    replies: usize,
    /// Turns with a figure that nothing backs.
    pub(crate) replies_ungrounded: usize,
    turn_ms_p50: u64,
    turn_ms_p95: u64,
    model: String,
    /// Rates of the turns that name their kind, by its name.
    kinds: Vec<KindRate>,
    results: Vec<TurnResult>,
}

/// How many turns of a kind are right.
#[derive(Serialize)]
struct KindRate {
    kind: String,
    right: usize,
    turns: usize,
    /// Lower end of the 95 % interval of the share that is right, 0 to 1.
    low: f64,
    /// Its upper end.
    high: f64,
}

impl Report {
    /// Sums up the results of each dialogue.
    pub(crate) fn of(played: Vec<Vec<TurnResult>>, model: String) -> Self {
        let dialogues = played.len();
        let all_right = |turns: &&Vec<TurnResult>| turns.iter().all(|turn| turn.right);
        let dialogues_right = played.iter().filter(all_right).count();
        let results: Vec<TurnResult> = played.into_iter().flatten().collect();
        let mut times: Vec<u64> = results.iter().map(|result| result.ms).collect();
        times.sort_unstable();
        let quantile = |share: f64| {
            let place = (times.len() as f64 * share) as usize;
            let last = times.len().saturating_sub(1);
            times.get(place.min(last)).copied().unwrap_or_default()
        };
        Self {
            dialogues,
            dialogues_right,
            turns: results.len(),
            turns_right: results.iter().filter(|result| result.right).count(),
            replies: results.iter().map(|result| result.replies.len()).sum(),
            replies_ungrounded: results.iter().filter(|result| !result.grounded).count(),
            turn_ms_p50: quantile(0.5),
            turn_ms_p95: quantile(0.95),
            model,
            kinds: kinds(&results),
            results,
        }
    }

    /// Returns the share of turns that are right, 0 to 1.
    pub(crate) fn share(&self) -> f64 {
        share(self.turns_right, self.turns)
    }

    /// Writes the report as text for a terminal.
    pub(crate) fn text(&self) -> String {
        let mut lines = Vec::new();
        for result in &self.results {
            let mark = if result.right { "ok   " } else { "WRONG" };
            lines.push(format!("{mark} {} turn {}", result.dialogue, result.turn));
            lines.extend(result.faults.iter().map(|fault| format!("        {fault}")));
            if !result.right {
                let replies = result.replies.iter();
                lines.extend(
                    replies.map(|reply| format!("        reply: {}", reply.replace('\n', " / "))),
                );
            }
        }
        lines.extend(self.kinds.iter().map(|rate| {
            format!(
                "{:<20} {:>4}/{:<4} {:>5.1} % ({:.1} to {:.1} %)",
                rate.kind,
                rate.right,
                rate.turns,
                100.0 * share(rate.right, rate.turns),
                100.0 * rate.low,
                100.0 * rate.high
            )
        }));
        lines.push(format!(
            "{} of {} dialogues right throughout ({:.1} %)",
            self.dialogues_right,
            self.dialogues,
            100.0 * share(self.dialogues_right, self.dialogues)
        ));
        lines.push(format!(
            "{} of {} turns right ({:.1} %), {} replies, {} with a figure that nothing backs; turn p50 {} ms, p95 {} ms",
            self.turns_right,
            self.turns,
            100.0 * self.share(),
            self.replies,
            self.replies_ungrounded,
            self.turn_ms_p50,
            self.turn_ms_p95
        ));
        lines.join("\n")
    }

    /// Returns the results of each dialogue, in the order played.
    fn by_dialogue(&self) -> impl Iterator<Item = &[TurnResult]> {
        self.results.chunk_by(|_, next| next.turn != 1)
    }
}

fn kinds(results: &[TurnResult]) -> Vec<KindRate> {
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for result in results {
        if let Some(kind) = &result.kind {
            let (right, turns) = counts.entry(kind).or_default();
            *right += usize::from(result.right);
            *turns += 1;
        }
    }
    let rate = |(kind, (right, turns)): (&str, (usize, usize))| {
        let (low, high) = wilson(right, turns);
        KindRate {
            kind: kind.to_owned(),
            right,
            turns,
            low,
            high,
        }
    };
    counts.into_iter().map(rate).collect()
}

fn share(right: usize, all: usize) -> f64 {
    right as f64 / all.max(1) as f64
}

/// Returns Wilson's score interval of 95 % for `right` of `all` (Wilson, "Probable inference", 1927); 0 to 1 for none.
fn wilson(right: usize, all: usize) -> (f64, f64) {
    if all == 0 {
        return (0.0, 1.0);
    }
    let (n, p, z2) = (all as f64, share(right, all), Z_95 * Z_95);
    let middle = p + z2 / (2.0 * n);
    let half = Z_95 * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    let whole = 1.0 + z2 / n;
    (
        ((middle - half) / whole).max(0.0),
        ((middle + half) / whole).min(1.0),
    )
}

/// Writes a text so that HTML and XML read it as text; characters that XML cannot hold become spaces.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            '\u{fffe}' | '\u{ffff}' => out.push(' '),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests;
