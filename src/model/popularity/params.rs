//! Parameters of the baseline.

use serde::{Deserialize, Serialize};

use crate::model::error::{ModelError, check};

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

impl PopularityParams {
    /// Checks the ranges of all parameters.
    pub(crate) fn check_ranges(&self) -> Result<(), ModelError> {
        let ok = self.damping.is_finite() && self.damping >= 0.0;
        check(ok, "damping", "0 or more", self.damping)
    }
}
