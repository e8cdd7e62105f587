//! `mvrec train cosine`

use clap::Args;

use crate::cli::error::Result;
use crate::cli::train::{CommonArgs, TrainCommandArgs, TrainingShape};
use crate::model::AlgorithmParams;
use crate::model::cosine::{CosineParams, NeighborSide};

/// Nearest neighbors of movies or users by cosine similarity
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  mvrec train cosine ml-2019 -o cosine
  mvrec train cosine --between users --center ml-2019 -o similar-users")]
pub(super) struct CosineArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// Whose neighbors
    #[arg(long, value_enum, default_value_t = NeighborSide::Movies, value_name = "WHAT")]
    between: NeighborSide,
    #[arg(long, value_name = "N", help = format!(
        "Number of neighbors to keep of each [default: {}, users: {}]",
        CosineParams::movies().neighbors, CosineParams::users().neighbors
    ))]
    neighbors: Option<usize>,
    #[arg(long, value_name = "N", help = format!(
        "Number of common ratings at which a similarity is halved (shrinkage) [default: {}, \
         users: {}]",
        CosineParams::movies().shrinkage, CosineParams::users().shrinkage
    ))]
    shrinkage: Option<f64>,
    /// Center ratings on the mean of their user
    #[arg(long)]
    center: bool,
}

impl TrainCommandArgs for CosineArgs {
    fn common(&self) -> &CommonArgs {
        &self.common
    }

    fn algorithm(&self, _data: TrainingShape) -> Result<AlgorithmParams> {
        let defaults = CosineParams::between(self.between);
        Ok(CosineParams {
            between: self.between,
            neighbors: self.neighbors.unwrap_or(defaults.neighbors),
            shrinkage: self.shrinkage.unwrap_or(defaults.shrinkage),
            center: self.center,
        }
        .into())
    }
}
