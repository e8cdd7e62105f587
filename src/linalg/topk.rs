//! The best few of many scores.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// An index with its score; a higher score is greater, and of equal scores the lower index.
#[derive(Debug, Clone, Copy)]
pub struct Scored {
    /// Position in the scores.
    pub ix: u32,
    /// Its score.
    pub score: f32,
}

impl Ord for Scored {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.total_cmp(&other.score).then(other.ix.cmp(&self.ix))
    }
}

impl PartialOrd for Scored {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Scored {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Scored {}

/// Returns the `n` best, best first; scores that are not a number are left out.
///
/// Costs one comparison for most scores and log n for those that enter the heap.
pub fn top(scores: impl IntoIterator<Item = Scored>, n: usize) -> Vec<Scored> {
    let mut heap: BinaryHeap<Reverse<Scored>> = BinaryHeap::new();
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

#[cfg(test)]
mod tests {
    use super::*;

    fn ranked(scores: &[f32], n: usize) -> Vec<u32> {
        let scores = scores.iter().zip(0..).map(|(&score, ix)| Scored { ix, score });
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
}
