//! Parameters of the scaled SVD.

use serde::{Deserialize, Serialize};

/// Parameters of the scaled SVD.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SvdParams {
    /// Rank k of the decomposition.
    pub factors: usize,
    /// Popularity is scaled down by n^−exponent for n ratings of a movie.
    pub exponent: f64,
    /// Share of the smallest singular value that counts as noise in each.
    pub noise_share: f64,
    /// Seed of the random start.
    pub seed: u64,
}

impl Default for SvdParams {
    fn default() -> Self {
        Self { factors: 128, exponent: 0.2, noise_share: 0.8, seed: 0 }
    }
}
