//! Parameters of the cosine model, with defaults that were tuned on a validation split of MovieLens
//! latest-small.

use serde::{Deserialize, Serialize};

use crate::model::error::{ModelError, check};

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum NeighborSide {
    /// Movies, by the users who rated them
    Movies,
    /// Users, by the movies that they rated
    Users,
}

/// Parameters of the cosine model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CosineParams {
    /// What is compared.
    pub between: NeighborSide,
    /// Most neighbours that are kept of each.
    pub neighbors: usize,
    /// Common ratings at which a similarity is halved.
    pub shrinkage: f64,
    /// Takes ratings relative to their user's mean.
    pub center: bool,
}

impl Default for CosineParams {
    fn default() -> Self {
        Self { between: NeighborSide::Movies, neighbors: 20, shrinkage: 10.0, center: false }
    }
}

impl CosineParams {
    /// Checks the ranges of all parameters.
    pub(crate) fn check_ranges(&self) -> Result<(), ModelError> {
        check(self.neighbors > 0, "neighbors", "1 or more", self.neighbors)?;
        let ok = self.shrinkage.is_finite() && self.shrinkage >= 0.0;
        check(ok, "shrinkage", "0 or more", self.shrinkage)
    }
}
