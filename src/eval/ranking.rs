//! How good a list is for one user.
//!
//! A list is seen as the gains of its movies, best place first; a movie that is not relevant gains
//! 0. All definitions are those of [`RankingMetric::definition`], which `evaluate` writes beside
//! its metrics.

use serde::{Deserialize, Serialize};

use crate::linalg::score_counts::ScoreCounts;

/// What a relevant movie gains in NDCG.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum RelevanceGain {
    /// 1
    #[default]
    Binary,
    /// Its ratings
    Stars,
    /// 2^ratings - 1 (Burges et al. 2005)
    Exponential,
}

impl RelevanceGain {
    /// Returns the gain of a relevant movie.
    #[must_use]
    pub fn gain(self, stars: f32) -> f64 {
        match self {
            Self::Binary => 1.0,
            Self::Stars => stars.into(),
            Self::Exponential => libm::exp2(stars.into()) - 1.0,
        }
    }

    fn shown(self) -> &'static str {
        match self {
            Self::Binary => "1",
            Self::Stars => "the stars",
            Self::Exponential => "2^stars - 1",
        }
    }
}

/// Figures of which less is better.
const LESS_IS_BETTER: [&str; 6] = ["rmse", "mae", "user_rmse", "user_mae", "gini", "popularity"];

/// Whether less is better of a figure, such as `rmse` or `gini@10`.
#[must_use]
pub fn less_is_better(figure: &str) -> bool {
    LESS_IS_BETTER.contains(&figure.split('@').next().unwrap_or(figure))
}

/// A measure of a list that is cut at k.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RankingMetric {
    /// Normalised discounted cumulative gain.
    Ndcg,
    /// Share of the list that is relevant.
    Precision,
    /// Share of the relevant that is in the list.
    Recall,
    /// As [`Self::Recall`], but a full list of relevant movies is 1 (Liang et al. 2018).
    CappedRecall,
    /// Average precision.
    Map,
    /// Reciprocal rank.
    Mrr,
    /// Whether anything is relevant.
    HitRate,
}

impl RankingMetric {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Ndcg,
        Self::Precision,
        Self::Recall,
        Self::CappedRecall,
        Self::Map,
        Self::Mrr,
        Self::HitRate,
    ];

    /// Returns the name, to which `@k` is added.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ndcg => "ndcg",
            Self::Precision => "precision",
            Self::Recall => "recall",
            Self::CappedRecall => "capped_recall",
            Self::Map => "map",
            Self::Mrr => "mrr",
            Self::HitRate => "hit_rate",
        }
    }

    /// Tells how the value for one user comes about.
    #[must_use]
    pub fn definition(self, gain: RelevanceGain) -> String {
        match self {
            Self::Ndcg => format!(
                "sum of gain / log2(rank + 1) over the first k, divided by that sum for the best list of k; the gain of a \
                 relevant movie is {}",
                gain.shown()
            ),
            Self::Precision => "relevant movies among the first k, divided by k".into(),
            Self::Recall => "relevant movies among the first k, divided by all relevant movies".into(),
            Self::CappedRecall => {
                "relevant movies among the first k, divided by the smaller of k and all relevant movies".into()
            }
            Self::Map => "sum over the relevant movies among the first k of the precision at their rank, divided by the \
                          smaller of k and all relevant movies"
                .into(),
            Self::Mrr => "1 / rank of the first relevant movie among the first k, or 0".into(),
            Self::HitRate => "1 if any of the first k is relevant, or 0".into(),
        }
    }

    /// Measures a list with these gains; `ideal` has the gains of all relevant movies, descending,
    /// and at least one.
    #[must_use]
    pub fn measure(self, gains: &[f64], ideal: &[f64], k: usize) -> f64 {
        let first = &gains[..k.min(gains.len())];
        let hits = || first.iter().filter(|&&gain| gain > 0.0).count() as f64;
        let relevant = ideal.len() as f64;
        let capped = relevant.min(k as f64);
        // An empty sum is -0.
        0.0 + match self {
            Self::Ndcg => discounted(first) / discounted(&ideal[..k.min(ideal.len())]),
            Self::Precision => hits() / k as f64,
            Self::Recall => hits() / relevant,
            Self::CappedRecall => hits() / capped,
            Self::Map => {
                let ranks = ranks_of_hits(first);
                let precisions = ranks.zip(1..).map(|(rank, n)| f64::from(n) / rank as f64);
                precisions.sum::<f64>() / capped
            }
            Self::Mrr => ranks_of_hits(first).next().map_or(0.0, |rank| 1.0 / rank as f64),
            Self::HitRate => f64::from(ranks_of_hits(first).next().is_some()),
        }
    }
}

fn ranks_of_hits(gains: &[f64]) -> impl Iterator<Item = usize> {
    gains.iter().zip(1..).filter(|(gain, _)| **gain > 0.0).map(|(_, rank)| rank)
}

fn discounted(gains: &[f64]) -> f64 {
    gains.iter().zip(2..).map(|(gain, place)| gain / libm::log2(place.into())).sum()
}

/// Returns the chance that a relevant candidate has a higher score than another one, where equal
/// scores count as half, from the counts of the relevant among all `n_candidates`. Nothing, where
/// there are not both kinds.
#[must_use]
pub fn auc(relevant: &[ScoreCounts], n_candidates: usize) -> Option<f64> {
    let won = |counts: &ScoreCounts| f64::midpoint(counts.lower.into(), counts.not_higher.into());
    let n = relevant.len() as f64;
    // The relevant win half of the pairs among themselves, as each pair is counted both ways.
    let won_of_others = relevant.iter().map(won).sum::<f64>() - n * n / 2.0;
    let pairs = n * (n_candidates as f64 - n);
    (pairs > 0.0).then(|| won_of_others / pairs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::score_counts::counts_among;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-12, "{a} for {b}");
    }

    #[test]
    fn a_list_worked_out_by_hand() {
        // Relevant at ranks 1 and 4 of 5; three movies are relevant in all.
        let (gains, ideal) = ([1.0, 0.0, 0.0, 1.0, 0.0], [1.0, 1.0, 1.0]);
        let at = |metric: RankingMetric, k| metric.measure(&gains, &ideal, k);
        close(at(RankingMetric::Precision, 5), 2.0 / 5.0);
        close(at(RankingMetric::Precision, 10), 2.0 / 10.0);
        close(at(RankingMetric::Recall, 5), 2.0 / 3.0);
        close(at(RankingMetric::Recall, 2), 1.0 / 3.0);
        close(at(RankingMetric::CappedRecall, 2), 1.0 / 2.0);
        close(at(RankingMetric::Map, 5), (1.0 + 2.0 / 4.0) / 3.0);
        close(at(RankingMetric::Map, 2), 1.0 / 2.0);
        close(at(RankingMetric::Mrr, 5), 1.0);
        close(at(RankingMetric::HitRate, 5), 1.0);
        let (log3, log5) = (libm::log2(3.0), libm::log2(5.0));
        close(at(RankingMetric::Ndcg, 5), (1.0 + 1.0 / log5) / (1.0 + 1.0 / log3 + 0.5));
        close(at(RankingMetric::Ndcg, 2), 1.0 / (1.0 + 1.0 / log3));
    }

    #[test]
    fn nothing_listed_and_nothing_hit_are_zero() {
        for metric in RankingMetric::ALL {
            close(metric.measure(&[], &[1.0], 10), 0.0);
            close(metric.measure(&[0.0; 4], &[1.0], 3), 0.0);
            close(metric.measure(&[1.0, 1.0], &[1.0, 1.0], 2), 1.0);
        }
    }

    #[test]
    fn graded_gains_prefer_the_better_movie_first() {
        let ideal = [RelevanceGain::Exponential.gain(5.0), RelevanceGain::Exponential.gain(4.0)];
        close(ideal[0], 31.0);
        close(RankingMetric::Ndcg.measure(&[31.0, 15.0], &ideal, 2), 1.0);
        let log3 = libm::log2(3.0);
        close(
            RankingMetric::Ndcg.measure(&[15.0, 31.0], &ideal, 2),
            (15.0 + 31.0 / log3) / (31.0 + 15.0 / log3),
        );
        close(RelevanceGain::Stars.gain(4.5), 4.5);
    }

    #[test]
    fn auc_counts_pairs() {
        let of = |pairs: &[(f32, bool)]| {
            let scores: Vec<f32> = pairs.iter().map(|(score, _)| *score).collect();
            let places = (0..).zip(pairs).filter(|(_, (_, relevant))| *relevant);
            let relevant: Vec<u32> = places.map(|(place, _)| place).collect();
            auc(&counts_among(&scores, &relevant, &[]), pairs.len())
        };
        // Relevant 3 and 1 against 2, 1 and unknown: 3 wins three times; 1 loses, ties, wins.
        let five = [(3.0, true), (2.0, false), (1.0, true), (1.0, false), (f32::NAN, false)];
        close(of(&five).unwrap(), (3.0 + 1.5) / 6.0);
        assert_eq!((of(&[(1.0, true)]), of(&[(1.0, false)]), of(&[])), (None, None, None));
    }
}
