//! What workers tell, as metrics: a series for each, and one for all that come late.
//!
//! A recorder forgets no series, and anyone who reaches NATS can tell heartbeats under any name, as does a worker that
//! makes up a new one at every start. So only so many names get series of their own.

use std::collections::{BTreeMap, BTreeSet};

use mercer_schemas::worker::{Heartbeat, TextModelState};

/// Workers that get series of their own, over the life of a process.
const NAMES_MAX: usize = 128;
/// The label of the sum over all others.
const OTHERS: &str = "other";

const GAUGES: [&str; 10] = [
    "mercer_pool_worker_slots",
    "mercer_pool_worker_active",
    "mercer_pool_worker_waiting",
    "mercer_pool_worker_backlog_tokens",
    "mercer_pool_worker_stall_ms",
    "mercer_pool_worker_kv_used",
    "mercer_pool_worker_embeds",
    "mercer_pool_worker_reranks",
    "mercer_pool_worker_draining",
    "mercer_pool_worker_stalled",
];

/// What one worker tells, in the order of the gauges.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Figures([f64; GAUGES.len()]);

impl Figures {
    /// Reads a heartbeat.
    pub(super) fn of(heartbeat: &Heartbeat) -> Self {
        let load = &heartbeat.load;
        let waiting = |told: &Option<TextModelState>| told.as_ref().map_or(0, |told| told.waiting);
        Self([
            f64::from(load.slots),
            f64::from(load.active),
            f64::from(load.waiting),
            load.backlog_tokens as f64,
            load.stall_ms_max,
            load.kv_used as f64,
            f64::from(waiting(&heartbeat.embedder)),
            f64::from(waiting(&heartbeat.reranker)),
            f64::from(u8::from(heartbeat.draining)),
            f64::from(u8::from(load.stalled)),
        ])
    }

    fn sum<'a>(all: impl Iterator<Item = &'a Self>) -> Self {
        let mut sums = Self::default();
        for figures in all {
            for (sum, figure) in sums.0.iter_mut().zip(figures.0) {
                *sum += figure;
            }
        }
        sums
    }

    fn set(self, label: String) {
        for (gauge, figure) in GAUGES.into_iter().zip(self.0) {
            metrics::gauge!(gauge, "worker" => label.clone()).set(figure);
        }
    }
}

/// The series of a pool's workers.
#[derive(Debug, Default)]
pub(super) struct WorkerSeries {
    /// Names that have series of their own.
    named: BTreeSet<String>,
    /// What the workers beyond them told last.
    others: BTreeMap<String, Figures>,
}

impl WorkerSeries {
    /// Tells what a worker of the directory told.
    pub(super) fn tell(&mut self, worker: &str, figures: Figures) {
        let (label, figures) = self.take_in(worker, figures);
        figures.set(label);
    }

    /// Sets what a worker told to 0: it has left.
    pub(super) fn end(&mut self, worker: &str) {
        let (label, figures) = self.take_out(worker);
        figures.set(label);
    }

    fn take_in(&mut self, worker: &str, figures: Figures) -> (String, Figures) {
        if self.named.len() < NAMES_MAX {
            self.named.insert(worker.to_owned());
        }
        if self.named.contains(worker) {
            return (worker.to_owned(), figures);
        }
        self.others.insert(worker.to_owned(), figures);
        (OTHERS.to_owned(), Figures::sum(self.others.values()))
    }

    fn take_out(&mut self, worker: &str) -> (String, Figures) {
        if self.named.contains(worker) {
            return (worker.to_owned(), Figures::default());
        }
        self.others.remove(worker);
        (OTHERS.to_owned(), Figures::sum(self.others.values()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::heartbeat_for_testing;

    #[test]
    fn names_without_end_make_no_more_series_than_a_bound() {
        let mut series = WorkerSeries::default();
        let told = Figures::of(&heartbeat_for_testing("w"));
        let mut labels = BTreeSet::new();
        for n in 0..10 * NAMES_MAX {
            let name = format!("w{n}");
            let (label, figures) = series.take_in(&name, told);
            if n < NAMES_MAX {
                assert_eq!((label.as_str(), figures), (name.as_str(), told));
            }
            labels.insert(label);
            // It leaves again, and its series says so.
            let (label, figures) = series.take_out(&name);
            assert!(labels.contains(&label));
            assert_eq!(figures, Figures::default());
        }
        assert_eq!(labels.len(), NAMES_MAX + 1);
        assert!(labels.contains(OTHERS));
    }

    #[test]
    fn workers_that_come_late_are_told_together() {
        let mut series = WorkerSeries::default();
        for n in 0..NAMES_MAX {
            series.take_in(&format!("w{n}"), Figures::default());
        }
        let one = Figures([1.0; GAUGES.len()]);
        series.take_in("late", one);
        let (label, figures) = series.take_in("later", one);
        assert_eq!(
            (label.as_str(), figures),
            (OTHERS, Figures([2.0; GAUGES.len()]))
        );
        assert_eq!(series.take_out("late"), (OTHERS.to_owned(), one));
    }
}
