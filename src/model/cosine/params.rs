//! Parameters of the cosine model, with defaults that were tuned on a validation split of MovieLens
//! latest-small.

use serde::{Deserialize, Serialize};

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

impl CosineParams {
    /// Returns the defaults for neighbours of movies.
    #[must_use]
    pub fn movies() -> Self {
        Self { between: NeighborSide::Movies, neighbors: 20, shrinkage: 10.0, center: false }
    }

    /// Returns the defaults for neighbours of users.
    #[must_use]
    pub fn users() -> Self {
        Self { between: NeighborSide::Users, neighbors: 50, shrinkage: 0.0, center: false }
    }

    /// Returns the defaults for neighbours of a side.
    #[must_use]
    pub fn between(side: NeighborSide) -> Self {
        match side {
            NeighborSide::Movies => Self::movies(),
            NeighborSide::Users => Self::users(),
        }
    }
}

impl Default for CosineParams {
    fn default() -> Self {
        Self::movies()
    }
}
