//! `mvrec train nmf`

use clap::Args;

use crate::cli::error::Result;
use crate::cli::train::{CommonArgs, PassesArgs, TrainCommandArgs, TrainingShape};
use crate::model::AlgorithmParams;
use crate::model::nmf::{NmfInit, NmfParams};

/// Non-negative matrix factorization
///
/// Fits the rated cells alone and predicts ratings, unless --fill gives the rating of all other
/// cells: then it ranks, with the objective of scikit-learn's NMF on the dense matrix, which is
/// never built.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  mvrec train nmf ml-2019 -o nmf
  mvrec train nmf --fill 2.5 --factors 20 ml-2019 -o nmf-filled")]
pub(super) struct NmfArgs {
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    passes: PassesArgs,
    /// Rating of every cell without one [default: such cells do not count]
    #[arg(long, value_name = "STARS")]
    fill: Option<f32>,
    #[arg(long, visible_alias = "rank", value_name = "K", help = format!(
        "Rank of the factor matrices [default: {}, filled: {}]", masked().factors, filled().factors
    ))]
    factors: Option<usize>,
    #[arg(long, visible_alias = "max-iter", value_name = "N", help = format!(
        "Number of iterations over users and movies [default: {}, filled: {}]",
        masked().iterations, filled().iterations
    ))]
    iterations: Option<usize>,
    #[arg(long, visible_alias = "reg-param", value_name = "LAMBDA", help = format!(
        "Regularization, times the number of cells of the row [default: {} for 100,000 ratings, less \
         for more of them; filled: {}]",
        masked().regularization, filled().regularization
    ))]
    regularization: Option<f64>,
    /// Initialization [default: random, filled: nndsvda]
    #[arg(long, value_enum, value_name = "START")]
    init: Option<NmfInit>,
    /// Random seed
    #[arg(long, default_value_t = masked().seed, value_name = "N")]
    seed: u64,
}

fn masked() -> NmfParams {
    NmfParams::masked()
}

fn filled() -> NmfParams {
    NmfParams::filled(0.0)
}

impl TrainCommandArgs for NmfArgs {
    fn common(&self) -> &CommonArgs {
        &self.common
    }

    fn passes(&self) -> Option<&PassesArgs> {
        Some(&self.passes)
    }

    fn algorithm(&self, data: TrainingShape) -> Result<AlgorithmParams> {
        let defaults = match self.fill {
            Some(fill) => NmfParams::filled(fill),
            None => NmfParams::masked_for(data.n_ratings),
        };
        Ok(NmfParams {
            factors: self.factors.unwrap_or(defaults.factors),
            iterations: self.iterations.unwrap_or(defaults.iterations),
            regularization: self.regularization.unwrap_or(defaults.regularization),
            fill: self.fill,
            init: self.init.unwrap_or(defaults.init),
            seed: self.seed,
        }
        .into())
    }
}
