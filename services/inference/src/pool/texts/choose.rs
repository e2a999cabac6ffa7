//! Which worker gets a request: of those with the very same model, the one that has least to do.

use std::time::Instant;

use mercer_schemas::worker::TextModelState;

use super::{
    super::directory::{Directory, Known},
    Kind,
};
use crate::{BusyReason, EmbedderInfo};

/// A run of a worker.
pub(super) type Run = (String, u64);

/// Returns the workers that have the model and take texts, those that are full among them.
pub(super) fn able<'a>(
    directory: &'a Directory,
    now: Instant,
    kind: Kind,
    info: &'a EmbedderInfo,
) -> impl Iterator<Item = (&'a str, &'a Known, &'a TextModelState)> {
    directory.all().filter_map(move |(name, known)| {
        let able = known.is_fresh(now) && !known.draining && known.breaker.lets_through(now);
        let told = kind.told(known).filter(|_| able)?;
        let is_same = told.id == info.id && told.dim as usize == info.dim;
        is_same.then_some((name.as_str(), known, told))
    })
}

/// Chooses a run that was not asked yet. `roll`, a random number, decides between equals.
///
/// # Errors
/// [`BusyReason::NoWorker`] when no other worker has the model, [`BusyReason::QueueFull`] when those that have are full.
pub(super) fn choose(
    directory: &Directory,
    now: Instant,
    kind: Kind,
    info: &EmbedderInfo,
    asked: &[Run],
    roll: u64,
) -> Result<Run, BusyReason> {
    let is_new = |name: &str, known: &Known| {
        let mut asked = asked.iter();
        !asked.any(|(worker, incarnation)| worker == name && *incarnation == known.incarnation)
    };
    let mut why = BusyReason::NoWorker;
    let mut least = u32::MAX;
    let mut best: Vec<Run> = Vec::new();
    for (name, known, told) in able(directory, now, kind, info) {
        if !is_new(name, known) {
            continue;
        }
        let busy = told.waiting.saturating_add(known.underway().0);
        if busy >= told.waiting_max {
            why = BusyReason::QueueFull;
            continue;
        }
        if busy < least {
            least = busy;
            best.clear();
        }
        if busy == least {
            best.push((name.to_owned(), known.incarnation));
        }
    }
    match best.len() as u64 {
        0 => Err(why),
        count => Ok(best.swap_remove((roll % count) as usize)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mercer_schemas::worker::Heartbeat;

    use super::*;
    use crate::pool::{breaker::Verdict, directory::tests::heartbeat};

    fn info() -> EmbedderInfo {
        EmbedderInfo {
            id: "e@1".to_owned(),
            dim: 4,
        }
    }

    fn with(worker: &str, waiting: u32, change: impl FnOnce(&mut TextModelState)) -> Heartbeat {
        let mut state = TextModelState {
            id: info().id,
            dim: 4,
            waiting,
            waiting_max: 8,
        };
        change(&mut state);
        Heartbeat {
            embedder: Some(state),
            ..heartbeat(worker, 1)
        }
    }

    fn directory(now: Instant, heartbeats: impl IntoIterator<Item = Heartbeat>) -> Directory {
        let mut directory = Directory::default();
        for heartbeat in heartbeats {
            directory.hear(now, heartbeat);
        }
        directory
    }

    fn chosen(directory: &Directory, now: Instant, asked: &[Run]) -> Result<String, BusyReason> {
        choose(directory, now, Kind::Embedder, &info(), asked, 0).map(|(worker, _)| worker)
    }

    #[test]
    fn the_least_loaded_worker_is_asked_and_what_is_under_way_counts() {
        let now = Instant::now();
        let mut directory = directory(now, [with("a", 3, |_| {}), with("b", 1, |_| {})]);
        assert_eq!(chosen(&directory, now, &[]), Ok("b".to_owned()));
        for _ in 0..3 {
            directory.note_sent(now, "b", 0.0);
        }
        assert_eq!(chosen(&directory, now, &[]), Ok("a".to_owned()));
    }

    #[test]
    fn equals_are_drawn() {
        let now = Instant::now();
        let directory = directory(now, [with("a", 0, |_| {}), with("b", 0, |_| {})]);
        let drawn = |roll| {
            let chosen = choose(&directory, now, Kind::Embedder, &info(), &[], roll);
            chosen.unwrap().0
        };
        assert_eq!([drawn(0), drawn(1), drawn(2)], ["a", "b", "a"]);
    }

    #[test]
    fn another_model_no_model_and_a_model_that_cannot_be_are_not_asked() {
        let now = Instant::now();
        let directory = directory(
            now,
            [
                with("other", 0, |told| told.id = "e@2".to_owned()),
                with("wide", 0, |told| told.dim = 8),
                heartbeat("none", 1),
            ],
        );
        assert_eq!(chosen(&directory, now, &[]), Err(BusyReason::NoWorker));
        let nonsense = with("forged", 0, |told| told.dim = u32::MAX);
        let mut directory = directory;
        directory.hear(now, nonsense);
        assert_eq!(directory.get("forged").unwrap().embedder, None);
    }

    #[test]
    fn a_reranker_is_not_asked_for_vectors_nor_an_embedder_for_scores() {
        let now = Instant::now();
        let reranker = TextModelState {
            id: info().id,
            dim: 1,
            waiting: 0,
            waiting_max: 8,
        };
        let ranks = Heartbeat {
            reranker: Some(reranker),
            ..heartbeat("ranks", 1)
        };
        let directory = directory(now, [ranks, with("embeds", 0, |_| {})]);
        assert_eq!(chosen(&directory, now, &[]), Ok("embeds".to_owned()));
        let info = EmbedderInfo { dim: 1, ..info() };
        let scored = choose(&directory, now, Kind::Reranker, &info, &[], 0);
        assert_eq!(scored.map(|(worker, _)| worker), Ok("ranks".to_owned()));
    }

    #[test]
    fn silent_leaving_resting_and_full_workers_are_left_out() {
        let now = Instant::now();
        let leaving = Heartbeat {
            draining: true,
            ..with("leaving", 0, |_| {})
        };
        let mut directory = directory(
            now,
            [leaving, with("full", 8, |_| {}), with("rests", 0, |_| {})],
        );
        let rests = directory.get_mut("rests").unwrap();
        rests.breaker.learn(now, Verdict::Lied, 0);
        assert_eq!(chosen(&directory, now, &[]), Err(BusyReason::QueueFull));
        directory.hear(now, with("able", 0, |_| {}));
        assert_eq!(chosen(&directory, now, &[]), Ok("able".to_owned()));
        let later = now + Duration::from_secs(2);
        assert_eq!(chosen(&directory, later, &[]), Err(BusyReason::NoWorker));
    }

    #[test]
    fn who_was_asked_is_asked_again_only_after_a_new_start() {
        let now = Instant::now();
        let mut directory = directory(now, [with("a", 0, |_| {})]);
        let asked = [("a".to_owned(), 1)];
        assert_eq!(chosen(&directory, now, &asked), Err(BusyReason::NoWorker));
        let later = now + Duration::from_secs(2);
        directory.hear(
            later,
            Heartbeat {
                incarnation: 2,
                ..with("a", 0, |_| {})
            },
        );
        assert_eq!(chosen(&directory, later, &asked), Ok("a".to_owned()));
    }
}
