//! The best few of many scores.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// An index with its score; a higher score is greater, and of equal scores the lower index.
#[derive(Debug, Clone, Copy)]
pub struct ScoredIndex {
    /// Position in the scores.
    pub ix: u32,
    /// Its score.
    pub score: f32,
}

impl Ord for ScoredIndex {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.total_cmp(&other.score).then(other.ix.cmp(&self.ix))
    }
}

impl PartialOrd for ScoredIndex {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ScoredIndex {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for ScoredIndex {}

/// Returns the `n` best, best first; scores that are not a number are left out.
///
/// Costs one comparison for most scores and log n for those that enter the heap.
pub fn top(scores: impl IntoIterator<Item = ScoredIndex>, n: usize) -> Vec<ScoredIndex> {
    let mut heap: BinaryHeap<Reverse<ScoredIndex>> = BinaryHeap::new();
    for candidate in scores {
        if candidate.score.is_nan() {
            continue;
        }
        if heap.len() < n {
            heap.push(Reverse(candidate));
        } else if let Some(mut worst) = heap.peek_mut()
            && candidate > worst.0
        {
            *worst = Reverse(candidate);
        }
    }
    heap.into_sorted_vec().into_iter().map(|Reverse(scored)| scored).collect()
}

/// Returns the `n` best that fit, best first, of scores in ascending order of their indices; `fits`
/// is asked only of those that could be among them, and scores that are not a number are left out.
pub fn top_fitting(
    scores: impl IntoIterator<Item = ScoredIndex>,
    n: usize,
    mut fits: impl FnMut(u32) -> bool,
) -> Vec<ScoredIndex> {
    let mut best = TopKHeap::new(n);
    let mut bound = f32::NEG_INFINITY;
    for candidate in scores {
        // Of equal scores the lower index wins, and it came before.
        if candidate.score > bound && n > 0 && fits(candidate.ix) {
            bound = best.push(candidate).unwrap_or(bound);
        }
    }
    best.into_sorted()
}

/// Keeps the `n` best of scores that come one by one, in any order.
///
/// Twice as many are held before the worse half is dropped, which costs less for each score than a
/// heap.
#[derive(Debug, Clone, Default)]
pub struct TopKHeap {
    n: usize,
    kept: Vec<ScoredIndex>,
}

impl TopKHeap {
    /// Keeps up to `n`.
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self { n, kept: Vec::new() }
    }

    /// Takes a score that is a number; returns a new bound that later scores must reach to matter,
    /// where there is one.
    pub fn push(&mut self, candidate: ScoredIndex) -> Option<f32> {
        const FEWEST: usize = 16;
        self.kept.push(candidate);
        if self.kept.len() < 2 * self.n.max(FEWEST) {
            return None;
        }
        self.drop_worst();
        self.kept.last().map(|worst| worst.score)
    }

    /// Drops all but the best, of which the worst is the last.
    fn drop_worst(&mut self) {
        if self.kept.len() > self.n {
            if let Some(last) = self.n.checked_sub(1) {
                self.kept.select_nth_unstable_by(last, |a, b| b.cmp(a));
            }
            self.kept.truncate(self.n);
        }
    }

    /// Returns the best, best first.
    #[must_use]
    pub fn into_sorted(mut self) -> Vec<ScoredIndex> {
        self.drop_worst();
        self.kept.sort_unstable_by(|a, b| b.cmp(a));
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranked(scores: &[f32], n: usize) -> Vec<u32> {
        let scores = scores.iter().zip(0..).map(|(&score, ix)| ScoredIndex { ix, score });
        top(scores, n).into_iter().map(|scored| scored.ix).collect()
    }

    #[test]
    fn the_best_come_first_and_ties_by_index() {
        let scores = [1.0, 3.0, f32::NAN, 3.0, -1.0, 2.0];
        assert_eq!(ranked(&scores, 3), [1, 3, 5]);
        assert_eq!(ranked(&scores, 100), [1, 3, 5, 0, 4]);
        assert_eq!(ranked(&scores, 1), [1]);
        assert!(ranked(&scores, 0).is_empty());
    }

    #[test]
    fn one_by_one_the_same_are_kept() {
        for n in [0, 1, 3, 40, 500] {
            let scores = (0..300_u32).map(|ix| ScoredIndex { ix, score: (ix * 7919 % 101) as f32 });
            let mut best = TopKHeap::new(n);
            let mut bound = f32::NEG_INFINITY;
            for scored in scores.clone().filter(|scored| scored.ix % 3 != 0 || n < 40) {
                if scored.score >= bound {
                    bound = best.push(scored).unwrap_or(bound);
                }
            }
            let wanted = top(scores.clone().filter(|scored| scored.ix % 3 != 0 || n < 40), n);
            assert_eq!(best.into_sorted(), wanted, "n = {n}");
            let fits = |ix: u32| !ix.is_multiple_of(3) || n < 40;
            let all = scores.map(|one| match one.ix % 7 {
                0 => ScoredIndex { score: f32::NAN, ..one },
                _ => one,
            });
            let fitting = top(all.clone().filter(|one| fits(one.ix)), n);
            assert_eq!(top_fitting(all, n, fits), fitting, "n = {n}");
        }
    }
}
