//! `mvrec train cosine`

use clap::Args;

use crate::cli::error::Result;
use crate::cli::train::{CommonArgs, TrainCommandArgs};
use crate::io::values::Scale;
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
    /// Number of neighbors to keep of each
    #[arg(long, default_value_t = CosineParams::default().neighbors, value_name = "N")]
    neighbors: usize,
    /// Number of common ratings at which a similarity is halved (shrinkage)
    #[arg(long, default_value_t = CosineParams::default().shrinkage, value_name = "N")]
    shrinkage: f64,
    /// Center ratings on the mean of their user
    #[arg(long)]
    center: bool,
}

impl TrainCommandArgs for CosineArgs {
    fn common(&self) -> &CommonArgs {
        &self.common
    }

    fn algorithm(&self, _scale: Scale) -> Result<AlgorithmParams> {
        Ok(CosineParams {
            between: self.between,
            neighbors: self.neighbors,
            shrinkage: self.shrinkage,
            center: self.center,
        }
        .into())
    }
}
