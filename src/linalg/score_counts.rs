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
}
