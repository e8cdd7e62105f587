//! ALS as one of the algorithms.

use crate::dataset::matrix::InteractionMatrix;
use crate::io::values::Scale;
use crate::model::algorithm::{
    Algorithm, FitResult, ModelContext, ModelSource, ModelState, TrainingSet,
};
use crate::model::als::fit::fit;
use crate::model::als::fold_in::AlsFoldIn;
use crate::model::als::params::{AlsParams, ConfidenceWeighting, Feedback};
use crate::model::als::user_prior::UserPrior;
use crate::model::builders::builder;
use crate::model::error::{ModelError, check};
use crate::model::factor_model::FoldIn;
use crate::model::factor_state::{self, FactorAlgorithm, UnitConversion};
use crate::model::factors::{self, FittedFactors};
use crate::model::svd::SvdParams;

impl Algorithm for AlsParams {
    fn name(&self) -> &'static str {
        "als"
    }

    fn validate(&self) -> Result<(), ModelError> {
        const MOST_FACTORS: usize = 4096;
        let positive = |value: f64| value.is_finite() && value >= 0.0;
        let factors = (1..=MOST_FACTORS).contains(&self.factors);
        check(factors, "factors", "from 1 to 4096", self.factors)?;
        let lambda = self.regularization;
        check(positive(lambda), "regularization", "0 or more", lambda)?;
        let alpha0 = self.unobserved_weight;
        check(positive(alpha0), "unobserved-weight", "0 or more", alpha0)?;
        let weight = self.implicit_weight;
        check(positive(weight), "implicit-weight", "0 or more", weight)?;
        check(self.exponent.is_finite(), "exponent", "a number", self.exponent)?;
        check(self.positive_from.is_finite(), "positive-from", "a number", self.positive_from)?;
        if let ConfidenceWeighting::Hu { alpha } | ConfidenceWeighting::Spark { alpha } =
            self.weighting
        {
            check(positive(alpha.into()), "alpha", "0 or more", alpha)?;
        }
        Ok(())
    }

    fn unused_parameters(&self) -> &'static [&'static str] {
        match (self.feedback, self.weighting) {
            (Feedback::Explicit, _) => &["weighting", "unobserved_weight", "positive_from"],
            (Feedback::Implicit, ConfidenceWeighting::Uniform) => &["biases", "implicit_weight"],
            (
                Feedback::Implicit,
                ConfidenceWeighting::Hu { .. } | ConfidenceWeighting::Spark { .. },
            ) => &["biases", "implicit_weight", "unobserved_weight"],
        }
    }

    fn tuned_metric(&self) -> &'static str {
        if self.feedback == Feedback::Explicit { "rmse" } else { "ndcg@10" }
    }

    fn search_space(&self) -> &'static [(&'static str, &'static str)] {
        if self.feedback == Feedback::Implicit {
            return &[
                ("factors", "64,128,192"),
                ("unobserved_weight", "0.02..1:log"),
                ("regularization", "0.001..0.1:log"),
            ];
        }
        if !self.biases {
            return &[("factors", "16,32,64,128"), ("regularization", "0.02..0.5:log")];
        }
        &[
            ("factors", "16,32,64"),
            ("regularization", "0.4..4:log"),
            ("implicit_weight", "0.2..5:log"),
            ("exponent", "0.3..0.8"),
        ]
    }

    fn bytes(&self, users: usize, items: usize) -> u64 {
        factors::bytes(users + items, self.factors + 2 + SvdParams::default().factors)
    }

    fn iterations_mut(&mut self) -> Option<&mut usize> {
        Some(&mut self.iterations)
    }

    fn warm_start_width(&self) -> Option<usize> {
        Some(self.width())
    }

    fn fit(&self, training: TrainingSet<'_>) -> Result<FitResult, ModelError> {
        factor_state::fit(self, training)
    }

    fn open(&self, source: &ModelSource<'_>) -> Result<Box<dyn ModelState>, ModelError> {
        factor_state::open(self, source)
    }
}

impl FactorAlgorithm for AlsParams {
    fn rank(&self) -> usize {
        self.factors
    }

    fn width(&self) -> usize {
        Self::width(self)
    }

    fn predicts_ratings(&self) -> bool {
        self.feedback == Feedback::Explicit
    }

    fn fits_ratings(&self) -> bool {
        self.feedback == Feedback::Explicit
    }

    fn check_ratings(&self, _ratings: &InteractionMatrix, scale: Scale) -> Result<(), ModelError> {
        match self.feedback == Feedback::Explicit && scale.is_unary() {
            true => Err(ModelError::Unary),
            false => Ok(()),
        }
    }

    fn fit_factors(
        &self,
        ratings: &InteractionMatrix,
        _units: UnitConversion,
        training: TrainingSet<'_>,
    ) -> Result<FittedFactors, ModelError> {
        let is_implicit = self.feedback == Feedback::Implicit;
        let positive = is_implicit.then(|| ratings.at_least(self.positive_from));
        let n_ratings = ratings.n_ratings();
        let ratings = positive.as_ref().unwrap_or(ratings);
        let (from, scale) = (self.positive_from, training.scale);
        if ratings.n_ratings() == 0 {
            return Err(ModelError::NoPositives { from, scale });
        }
        if is_implicit && ratings.n_ratings() == n_ratings && !scale.is_unary() {
            training.progress.warn(&format!(
                "every rating counts as positive feedback: all are {from} or more (--positive-from)"
            ));
        }
        let mut on_iteration = training.begin(self.iterations);
        fit(ratings, self, training.start, &mut on_iteration)
    }

    fn fold_in(
        &self,
        context: &ModelContext<'_>,
        units: UnitConversion,
        prior: Option<&UserPrior>,
    ) -> Result<Box<dyn FoldIn>, ModelError> {
        let mean = if self.biases { context.mean / f64::from(units.rating) } else { 0.0 };
        let fold_in = AlsFoldIn::new(self.clone(), mean, units.rating);
        Ok(Box::new(match prior {
            Some(prior) => fold_in.with_prior(prior)?,
            None => fold_in,
        }))
    }
}

/// Matrix factorization by alternating least squares.
#[derive(Debug, Clone, PartialEq)]
pub struct Als(AlsParams);

impl Als {
    /// Starts from the defaults for explicit feedback: the model predicts ratings.
    #[must_use]
    pub fn explicit() -> Self {
        Self(AlsParams::explicit())
    }

    /// Starts from the defaults for implicit feedback: the model ranks.
    #[must_use]
    pub fn implicit() -> Self {
        Self(AlsParams::implicit())
    }
}

builder!(Als, {
    /// Sets the rank of the factor matrices.
    factors: usize,
    /// Sets the number of passes over users and items.
    iterations: usize,
    /// Sets the regularization λ.
    regularization: f64,
    /// Sets whether users and items have biases (explicit).
    biases: bool,
    /// Sets the random seed.
    seed: u64,
});
