//! Parameters of EASE.

use serde::{Deserialize, Serialize};

/// Parameters of EASE.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EaseParams {
    /// λ, for ratings over the highest one.
    pub regularization: f64,
    /// Movies, the most rated ones, that weights are computed between.
    pub max_items: usize,
    /// Weights that are kept of each movie.
    pub weights: usize,
}

impl EaseParams {
    /// Returns the defaults for so many ratings of so many movies; see the
    /// [module](crate::model::ease).
    #[must_use]
    pub fn for_shape(n_ratings: usize, n_movies: usize) -> Self {
        let per_movie = n_ratings as f64 / n_movies.max(1) as f64;
        let regularization = (25.0 * per_movie.sqrt()).round().max(1.0);
        Self { regularization, max_items: 3_000, weights: 3_000 }
    }
}

impl Default for EaseParams {
    /// The defaults for data as small as MovieLens latest-small.
    fn default() -> Self {
        Self::for_shape(100_000, 10_000)
    }
}
