//! `mvrec train ease`

use clap::Args;

use crate::cli::error::Result;
use crate::cli::train::{CommonArgs, TrainCommandArgs, TrainingShape};
use crate::model::AlgorithmParams;
use crate::model::ease::EaseParams;

/// EASE: ranks by weights between movies, computed at once
///
/// Every movie's rating is regressed on all others (Steck 2019), by the inverse of a dense matrix
/// of the most rated movies: 4 bytes times the square of --max-items. Others are regressed on their
/// nearest ones.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  mvrec train ease ml-2019 -o ease
  mvrec train ease --max-items 10000 --weights 1000 ml-2019 -o large-ease")]
pub(super) struct EaseArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// Regularization [default: 25 x the square root of the ratings per movie]
    #[arg(long, visible_alias = "lambda", value_name = "LAMBDA")]
    regularization: Option<f64>,
    /// Number of movies, the most rated ones, that weights are computed between
    #[arg(long, default_value_t = EaseParams::default().max_items, value_name = "N")]
    max_items: usize,
    /// Number of weights to keep of each movie, those of the largest size
    #[arg(long, default_value_t = EaseParams::default().weights, value_name = "N")]
    weights: usize,
}

impl TrainCommandArgs for EaseArgs {
    fn common(&self) -> &CommonArgs {
        &self.common
    }

    fn algorithm(&self, data: TrainingShape) -> Result<AlgorithmParams> {
        let defaults = EaseParams::for_shape(data.n_ratings, data.n_movies);
        Ok(EaseParams {
            regularization: self.regularization.unwrap_or(defaults.regularization),
            max_items: self.max_items,
            weights: self.weights,
        }
        .into())
    }
}
