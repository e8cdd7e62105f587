//! Where a few of many scores stand among all of them.

use crate::linalg::simd::{SimdLanes, dispatch};

/// A score, and how many of all scores are lower or equal; scores that are not a number are none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoreCounts {
    /// The score itself.
    pub score: f32,
    /// How many are lower.
    pub lower: u32,
    /// How many are lower or equal.
    pub not_higher: u32,
}

impl ScoreCounts {
    /// Starts counting for a score.
    #[must_use]
    pub fn new(score: f32) -> Self {
        Self { score, lower: 0, not_higher: 0 }
    }

    /// Counts more scores.
    pub fn add(&mut self, scores: &[f32]) {
        let [lower, not_higher] = count(scores, self.score);
        self.lower += lower;
        self.not_higher += not_higher;
    }
}

/// Counts some of the scores, by their positions, among all but those left out; a score that is not
/// a number is below all others.
#[must_use]
pub fn counts_among(scores: &[f32], counted: &[u32], left_out: &[u32]) -> Vec<ScoreCounts> {
    if counted.is_empty() {
        return Vec::new();
    }
    let known = |&score: &f32| if score.is_nan() { f32::NEG_INFINITY } else { score };
    let mut all: Vec<f32> = scores.iter().map(known).collect();
    let mut counts: Vec<ScoreCounts> =
        counted.iter().map(|&at| ScoreCounts::new(all[at as usize])).collect();
    left_out.iter().for_each(|&at| all[at as usize] = f32::NAN);
    counts.iter_mut().for_each(|counts| counts.add(&all));
    counts
}

#[inline(always)]
fn count_body<L: SimdLanes>(scores: &[f32], bound: f32) -> [u32; 2] {
    let mut counts = [0, 0];
    for &score in scores {
        counts[0] += u32::from(score < bound);
        counts[1] += u32::from(score <= bound);
    }
    counts
}

dispatch! {
    /// Returns how many scores are lower than a bound, and how many are not higher.
    fn count(scores: &[f32], bound: f32) -> [u32; 2] = count_body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_over_parts_and_leave_out_what_is_no_number() {
        let scores: Vec<f32> =
            (0..100).map(|at| if at % 10 == 7 { f32::NAN } else { (at % 5) as f32 }).collect();
        let mut counts = ScoreCounts::new(2.0);
        counts.add(&scores[..33]);
        counts.add(&scores[33..]);
        // Of 90 numbers, those that end in 2 and 7 are 2, of which the latter are left out.
        assert_eq!((counts.lower, counts.not_higher), (40, 50));
    }

    #[test]
    fn unknown_scores_are_below_all_others_and_what_is_left_out_counts_for_nothing() {
        let scores = [2.0, f32::NAN, 1.0, f32::NAN, 3.0, 2.0];
        let found = counts_among(&scores, &[0, 1], &[2]);
        let counts = |one: &ScoreCounts| (one.lower, one.not_higher);
        assert_eq!(found.iter().map(counts).collect::<Vec<_>>(), [(2, 4), (0, 2)]);
        assert!(counts_among(&scores, &[], &[]).is_empty());
    }
}
