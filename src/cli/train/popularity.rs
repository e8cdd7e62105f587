//! `mvrec train popularity`

use clap::Args;

use crate::cli::train::CommonArgs;
use crate::model::popularity::PopularityParams;

/// Count ratings: the baseline that everything else must beat
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  mvrec train popularity ml-2019 -o popularity
  mvrec train popularity --damping 25 ml-2019 -o popularity")]
pub(super) struct PopularityArgs {
    #[command(flatten)]
    pub(super) common: CommonArgs,
    /// Ratings of average stars that each user and movie is credited with
    #[arg(long, default_value_t = PopularityParams::default().damping, value_name = "N")]
    damping: f64,
}

impl PopularityArgs {
    pub(super) fn params(&self) -> PopularityParams {
        PopularityParams { damping: self.damping }
    }
}
