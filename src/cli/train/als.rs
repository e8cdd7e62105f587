//! `mvrec train als`

use clap::{Args, ValueEnum};

use crate::cli::error::{Result, usage};
use crate::cli::train::{CommonArgs, PassesArgs, TrainCommandArgs, TrainingShape};
use crate::io::values::Scale;
use crate::model::AlgorithmParams;
use crate::model::als::{AlsParams, CG_STEPS, ConfidenceWeighting, Feedback, RowSolver};

/// Matrix factorization by alternating least squares
///
/// With explicit feedback the model predicts ratings; with implicit feedback it ranks. Options of
/// the other feedback type are refused.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  mvrec train als ml-2019 -o als
  mvrec train als --feedback implicit --rank 256 ml-2019 -o ials")]
pub(super) struct AlsArgs {
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    passes: PassesArgs,
    /// Feedback type
    #[arg(long, value_enum, default_value_t = Feedback::Explicit, value_name = "KIND")]
    feedback: Feedback,
    #[arg(long, visible_alias = "rank", value_name = "K", help = format!(
        "Rank of the factor matrices [default: {}, implicit: {}]",
        AlsParams::explicit().factors, AlsParams::implicit().factors
    ))]
    factors: Option<usize>,
    /// Number of iterations over users and movies
    #[arg(long, visible_alias = "max-iter", default_value_t = AlsParams::explicit().iterations, value_name = "N")]
    iterations: usize,
    #[arg(long, visible_alias = "reg-param", value_name = "LAMBDA", help = format!(
        "Regularization, times the number of ratings of the row [default: {}, implicit: {}]",
        AlsParams::explicit().regularization, AlsParams::implicit().regularization
    ))]
    regularization: Option<f64>,
    /// Exactly Spark's objective: no biases, no implicit terms, and Spark's regularization
    /// (explicit)
    #[arg(long)]
    no_biases: bool,
    #[arg(long, value_name = "WEIGHT", help = format!(
        "Weight of each cell without a rating (implicit) [default: {}]",
        AlsParams::implicit().unobserved_weight
    ))]
    unobserved_weight: Option<f64>,
    #[arg(long, value_name = "NU", help = format!(
        "Exponent of the frequency-scaled regularization [default: {}, implicit: {}]",
        AlsParams::explicit().exponent, AlsParams::implicit().exponent
    ))]
    exponent: Option<f64>,
    #[arg(long, value_name = "WEIGHT", conflicts_with = "no_biases", help = format!(
        "Weight of the implicit terms, by which factors also say who has rated what (explicit) \
         [default: {}]",
        AlsParams::explicit().implicit_weight
    ))]
    implicit_weight: Option<f64>,
    /// Weigh a rating of r by 1 + ALPHA r, and everything else by 1, as Hu et al. (implicit)
    #[arg(long, value_name = "ALPHA", conflicts_with = "unobserved_weight")]
    alpha: Option<f32>,
    /// Lowest rating that counts as positive feedback (implicit) [default: 4 of 0.5..5, three
    /// quarters of another scale]
    #[arg(long, value_name = "RATING", allow_hyphen_values = true)]
    positive_from: Option<f32>,
    /// Solver of the equations of each row [default: cholesky, implicit: cg]
    #[arg(long, value_enum, value_name = "SOLVER")]
    solver: Option<SolverArg>,
    #[arg(long, value_name = "N", help = format!("Steps of --solver cg in each iteration [default: {CG_STEPS}]"))]
    cg_steps: Option<usize>,
    /// Random seed
    #[arg(long, default_value_t = AlsParams::explicit().seed, value_name = "N")]
    seed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SolverArg {
    /// Exact solve
    Cholesky,
    /// Conjugate gradients from the last iteration's factors
    Cg,
}

impl TrainCommandArgs for AlsArgs {
    fn common(&self) -> &CommonArgs {
        &self.common
    }

    fn passes(&self) -> Option<&PassesArgs> {
        Some(&self.passes)
    }

    fn algorithm(&self, data: TrainingShape) -> Result<AlgorithmParams> {
        let positive_from = self.positive_from.unwrap_or_else(|| data.scale.liked_from());
        Ok(AlsParams { positive_from, ..self.params()? }.into())
    }

    fn scale_note(&self, scale: Scale) -> Option<String> {
        let is_implicit = self.feedback == Feedback::Implicit;
        let is_other = self.positive_from.is_none() && scale != Scale::default();
        let from = scale.liked_from();
        (is_implicit && is_other)
            .then(|| format!("ratings of {from} or more count as positive feedback"))
    }
}

impl AlsArgs {
    fn params(&self) -> Result<AlsParams> {
        let implicit_only = [
            ("--unobserved-weight", self.unobserved_weight.is_some()),
            ("--alpha", self.alpha.is_some()),
            ("--positive-from", self.positive_from.is_some()),
        ];
        let defaults = match self.feedback {
            Feedback::Explicit => {
                if let Some((name, _)) = implicit_only.iter().find(|(_, given)| *given) {
                    return Err(usage(format!("{name} belongs to --feedback implicit")));
                }
                match self.no_biases {
                    true => AlsParams::without_biases(),
                    false => AlsParams::explicit(),
                }
            }
            Feedback::Implicit => {
                if self.no_biases {
                    return Err(usage("--no-biases belongs to --feedback explicit"));
                }
                if self.implicit_weight.is_some() {
                    return Err(usage("--implicit-weight belongs to --feedback explicit"));
                }
                AlsParams::implicit()
            }
        };
        let solver = match (self.solver, self.cg_steps) {
            (None, None) => defaults.solver,
            (Some(SolverArg::Cholesky), None) => RowSolver::Cholesky,
            (Some(SolverArg::Cg), steps) => RowSolver::Cg { steps: steps.unwrap_or(CG_STEPS) },
            (None, Some(steps)) if defaults.solver != RowSolver::Cholesky => {
                RowSolver::Cg { steps }
            }
            (_, Some(_)) => return Err(usage("--cg-steps belongs to --solver cg")),
        };
        Ok(AlsParams {
            feedback: self.feedback,
            factors: self.factors.unwrap_or(defaults.factors),
            iterations: self.iterations,
            regularization: self.regularization.unwrap_or(defaults.regularization),
            biases: defaults.biases,
            weighting: self
                .alpha
                .map_or(defaults.weighting, |alpha| ConfidenceWeighting::Hu { alpha }),
            unobserved_weight: self.unobserved_weight.unwrap_or(defaults.unobserved_weight),
            implicit_weight: self.implicit_weight.unwrap_or(defaults.implicit_weight),
            exponent: self.exponent.unwrap_or(defaults.exponent),
            positive_from: self.positive_from.unwrap_or(defaults.positive_from),
            solver,
            seed: self.seed,
        })
    }
}
