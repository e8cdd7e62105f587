//! Parameters of the baseline.

use serde::{Deserialize, Serialize};

/// Parameters of the baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PopularityParams {
    /// Ratings of average value that each user and movie is credited with.
    pub damping: f64,
}

impl Default for PopularityParams {
    fn default() -> Self {
        Self { damping: 5.0 }
    }
}
