//! `mvrec train cosine`

use clap::Args;

use crate::cli::error::Result;
use crate::cli::train::{CommonArgs, TrainCommandArgs};
use crate::io::values::Scale;
use crate::model::AlgorithmParams;
use crate::model::cosine::{Between, CosineParams};

/// Find similar movies, or similar users, by cosine
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  mvrec train cosine ml-2019 -o cosine
  mvrec train cosine --between users --center ml-2019 -o similar-users")]
pub(super) struct CosineArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// What is compared
    #[arg(long, value_enum, default_value_t = Between::Movies, value_name = "WHAT")]
    between: Between,
    /// Most neighbors that are kept of each
    #[arg(long, default_value_t = CosineParams::default().neighbors, value_name = "N")]
    neighbors: usize,
    /// Common ratings at which a similarity is halved
    #[arg(long, default_value_t = CosineParams::default().shrinkage, value_name = "N")]
    shrinkage: f64,
    /// Take ratings relative to their user's mean
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
