//! `mvrec train popularity`

use clap::Args;

use crate::cli::error::Result;
use crate::cli::train::{CommonArgs, TrainCommandArgs, TrainingShape};
use crate::model::AlgorithmParams;
use crate::model::popularity::PopularityParams;

/// Number of ratings and damped biases: the baseline
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  mvrec train popularity ml-2019 -o popularity
  mvrec train popularity --damping 25 ml-2019 -o popularity")]
pub(super) struct PopularityArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// Damping of the biases, in ratings of average value
    #[arg(long, default_value_t = PopularityParams::default().damping, value_name = "N")]
    damping: f64,
}

impl TrainCommandArgs for PopularityArgs {
    fn common(&self) -> &CommonArgs {
        &self.common
    }

    fn algorithm(&self, _data: TrainingShape) -> Result<AlgorithmParams> {
        Ok(PopularityParams { damping: self.damping }.into())
    }
}
