//! Parameters of ALS, with defaults that were tuned on a validation split of MovieLens
//! latest-small.

use serde::{Deserialize, Serialize};

/// What a rating says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Feedback {
    /// Ratings, which the model predicts
    Explicit,
    /// Positive feedback, by which the model ranks
    Implicit,
}

/// How much a liked movie weighs in implicit training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConfidenceWeighting {
    /// Each weighs 1.
    Uniform,
    /// A rating of r weighs 1 + αr, and everything not rated 1 (Hu et al. 2008).
    Hu {
        /// α.
        alpha: f32,
    },
    /// As [`Self::Hu`], with a regularization of λn for n ratings, as Spark has it.
    Spark {
        /// α.
        alpha: f32,
    },
}

/// How the equations of a row are solved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RowSolver {
    /// To the end, by factorization.
    #[default]
    Cholesky,
    /// By some steps of conjugate gradients from the last iteration's vector; the last pass over
    /// the users goes to the end.
    Cg {
        /// Steps.
        steps: usize,
    },
}

/// Steps of conjugate gradients that do as well as solving to the end, iteration for iteration
/// (Takács et al. 2011).
pub const CG_STEPS: usize = 3;

/// Parameters of ALS.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlsParams {
    /// What a rating says.
    pub feedback: Feedback,
    /// Length k of the vectors.
    pub factors: usize,
    /// Passes over both sides.
    pub iterations: usize,
    /// λ.
    pub regularization: f64,
    /// Learns a bias per user and item; explicit only.
    pub biases: bool,
    /// Weights of liked movies; implicit only.
    pub weighting: ConfidenceWeighting,
    /// α₀, the weight of each cell in which nothing is known; implicit only.
    pub unobserved_weight: f64,
    /// ν, the power of the row's size in the regularization.
    pub exponent: f64,
    /// w, the weight of the implicit terms; explicit only, 0 without them.
    #[serde(default)]
    pub implicit_weight: f64,
    /// Lowest rating with which a movie counts as liked; implicit only.
    pub positive_from: f32,
    /// How each row is solved.
    #[serde(default)]
    pub solver: RowSolver,
    /// Seed of the start.
    pub seed: u64,
}

impl AlsParams {
    /// Returns the defaults for explicit feedback.
    #[must_use]
    pub fn explicit() -> Self {
        Self {
            feedback: Feedback::Explicit,
            factors: 32,
            iterations: 15,
            regularization: 1.2,
            biases: true,
            weighting: ConfidenceWeighting::Uniform,
            unobserved_weight: 0.2,
            exponent: 0.5,
            implicit_weight: 1.0,
            positive_from: 4.0,
            solver: RowSolver::Cholesky,
            seed: 42,
        }
    }

    /// Returns the defaults for Spark's objective, Σ (r − x_u·y_i)² + λ Σ n |x|².
    #[must_use]
    pub fn without_biases() -> Self {
        Self {
            biases: false,
            factors: 64,
            regularization: 0.1,
            exponent: 1.0,
            implicit_weight: 0.0,
            ..Self::explicit()
        }
    }

    /// Returns the defaults for implicit feedback.
    #[must_use]
    pub fn implicit() -> Self {
        Self {
            feedback: Feedback::Implicit,
            factors: 128,
            regularization: 0.01,
            positive_from: 4.0,
            solver: RowSolver::Cg { steps: CG_STEPS },
            ..Self::without_biases()
        }
    }

    /// Returns Spark's defaults: `ALSModel` stores none of its parameters but the rank.
    #[must_use]
    pub fn spark(feedback: Feedback, factors: usize) -> Self {
        let own = match feedback {
            Feedback::Explicit => Self::without_biases(),
            Feedback::Implicit => Self::implicit(),
        };
        Self {
            factors,
            regularization: 0.1,
            weighting: ConfidenceWeighting::Spark { alpha: 1.0 },
            positive_from: f32::MIN_POSITIVE,
            ..own
        }
    }

    /// Whether factors also say who has rated what.
    #[must_use]
    pub fn has_implicit_terms(&self) -> bool {
        self.feedback == Feedback::Explicit && self.implicit_weight > 0.0
    }

    /// Returns the length of a stored vector: the factors, and two entries for biases.
    #[must_use]
    pub fn width(&self) -> usize {
        self.factors + if self.biases { 2 } else { 0 }
    }
}
