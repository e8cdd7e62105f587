//! `mvrec train svd`

use clap::Args;

use crate::cli::error::Result;
use crate::cli::train::{CommonArgs, TrainCommandArgs, TrainingShape};
use crate::model::AlgorithmParams;
use crate::model::svd::SvdParams;

/// Scaled truncated SVD: ranks by what people rate highly together
///
/// The rating matrix, popularity scaled down, is decomposed at once, without iterations; a person
/// is the sum of the movies they have rated.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  mvrec train svd ml-2019 -o svd
  mvrec train svd --factors 64 ml-2019 -o svd")]
pub(super) struct SvdArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// Rank of the decomposition
    #[arg(long, visible_alias = "rank", default_value_t = defaults().factors, value_name = "K")]
    factors: usize,
    /// Scale movies by n^-NU for n ratings: 0 lets popularity rule
    #[arg(long, default_value_t = defaults().exponent, value_name = "NU", allow_hyphen_values = true)]
    exponent: f64,
    /// Share of the smallest singular value that counts as noise in each
    #[arg(long, default_value_t = defaults().noise_share, value_name = "SHARE")]
    noise_share: f64,
    /// Random seed
    #[arg(long, default_value_t = defaults().seed, value_name = "N")]
    seed: u64,
}

fn defaults() -> SvdParams {
    SvdParams::default()
}

impl TrainCommandArgs for SvdArgs {
    fn common(&self) -> &CommonArgs {
        &self.common
    }

    fn algorithm(&self, _data: TrainingShape) -> Result<AlgorithmParams> {
        let Self { factors, exponent, noise_share, seed, .. } = *self;
        Ok(SvdParams { factors, exponent, noise_share, seed }.into())
    }
}
