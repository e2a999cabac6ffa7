//! The measures: of one ranking, and of many.

use std::time::Duration;

use super::Leg;
use super::dataset::Grades;

/// What a grade is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Gain {
    /// The grade itself, as trec_eval and BEIR count.
    #[default]
    Linear,
    /// `2^grade - 1`, which favours high grades.
    Exponential,
}

impl Gain {
    fn of(self, grade: f64) -> f64 {
        match self {
            Self::Linear => grade.max(0.0),
            Self::Exponential => grade.max(0.0).exp2() - 1.0,
        }
    }
}

/// Sums measures over queries.
#[derive(Debug, Default)]
pub(super) struct Sums {
    ndcg: f64,
    recall_10: f64,
    recall_100: f64,
    mrr: f64,
    times: Vec<Duration>,
}

impl Sums {
    /// Adds one query's ranking, best first.
    pub(super) fn add(&mut self, ranking: &[String], grades: &Grades, gain: Gain, time: Duration) {
        let grade = |document: &String| grades.get(document).copied().unwrap_or(0.0);
        let discounted = |gains: &mut dyn Iterator<Item = f64>| -> f64 {
            gains
                .take(10)
                .enumerate()
                .map(|(rank, gain)| gain / (rank as f64 + 2.0).log2())
                .sum()
        };
        let mut ideal: Vec<f64> = grades.values().map(|grade| gain.of(*grade)).collect();
        ideal.sort_by(|a, b| b.total_cmp(a));
        let best = discounted(&mut ideal.into_iter());
        let got = discounted(&mut ranking.iter().map(|document| gain.of(grade(document))));
        self.ndcg += if best > 0.0 { got / best } else { 0.0 };

        let relevant = grades.values().filter(|grade| **grade > 0.0).count().max(1) as f64;
        let found = |depth: usize| {
            ranking
                .iter()
                .take(depth)
                .filter(|d| grade(d) > 0.0)
                .count() as f64
        };
        self.recall_10 += found(10) / relevant;
        self.recall_100 += found(100) / relevant;
        let first = ranking
            .iter()
            .take(10)
            .position(|document| grade(document) > 0.0);
        self.mrr += first.map_or(0.0, |rank| 1.0 / (rank as f64 + 1.0));
        self.times.push(time);
    }

    /// Returns the means.
    pub(super) fn leg(mut self) -> Leg {
        let count = self.times.len().max(1) as f64;
        self.times.sort();
        let at = |share: f64| {
            let place = (share * self.times.len() as f64).ceil() as usize;
            let time = self
                .times
                .get(place.saturating_sub(1))
                .copied()
                .unwrap_or_default();
            time.as_secs_f64() * 1000.0
        };
        Leg {
            ndcg_at_10: self.ndcg / count,
            recall_at_10: self.recall_10 / count,
            recall_at_100: self.recall_100 / count,
            mrr_at_10: self.mrr / count,
            p50_ms: at(0.50),
            p95_ms: at(0.95),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(ranking: &[&str], grades: &[(&str, f64)], gain: Gain) -> Leg {
        let ranking: Vec<String> = ranking.iter().map(|d| (*d).to_owned()).collect();
        let grades = grades.iter().map(|(d, g)| ((*d).to_owned(), *g)).collect();
        let mut sums = Sums::default();
        sums.add(&ranking, &grades, gain, Duration::from_millis(4));
        sums.leg()
    }

    #[test]
    fn measures_are_those_of_the_textbook() {
        let grades = [("a", 3.0), ("b", 1.0), ("c", 0.0)];
        let leg = measured(&["x", "b", "a"], &grades, Gain::Linear);
        let ideal = 3.0 + 1.0 / 3_f64.log2();
        let got = 1.0 / 3_f64.log2() + 3.0 / 4_f64.log2();
        assert!((leg.ndcg_at_10 - got / ideal).abs() < 1e-12);
        assert_eq!(
            (leg.mrr_at_10, leg.recall_at_10, leg.p50_ms),
            (0.5, 1.0, 4.0)
        );

        let leg = measured(&["x", "b", "a"], &grades, Gain::Exponential);
        let got = 1.0 / 3_f64.log2() + 7.0 / 4_f64.log2();
        assert!((leg.ndcg_at_10 - got / (7.0 + 1.0 / 3_f64.log2())).abs() < 1e-12);
        assert_eq!(measured(&["a", "b"], &grades, Gain::Linear).ndcg_at_10, 1.0);
        assert_eq!(measured(&[], &grades, Gain::Linear).ndcg_at_10, 0.0);
    }
}
