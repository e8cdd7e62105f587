//! NMF as one of the algorithms.

use crate::dataset::matrix::InteractionMatrix;
use crate::io::values::Scale;
use crate::model::algorithm::{
    Algorithm, FitResult, ModelContext, ModelSource, ModelState, TrainingSet,
};
use crate::model::als::UserPrior;
use crate::model::builders::builder;
use crate::model::error::{ModelError, check};
use crate::model::factor_model::FoldIn;
use crate::model::factor_state::{self, FactorAlgorithm, UnitConversion};
use crate::model::factors::{self, FittedFactors};
use crate::model::nmf::fit::fit;
use crate::model::nmf::fold_in::NmfFoldIn;
use crate::model::nmf::params::NmfParams;
use crate::model::svd::SvdParams;

impl Algorithm for NmfParams {
    fn name(&self) -> &'static str {
        "nmf"
    }

    fn validate(&self) -> Result<(), ModelError> {
        const MOST_FACTORS: usize = 4096;
        let factors = (1..=MOST_FACTORS).contains(&self.factors);
        check(factors, "factors", "from 1 to 4096", self.factors)?;
        let lambda = self.regularization;
        let ok = lambda.is_finite() && lambda >= 0.0;
        check(ok, "regularization", "0 or more", lambda)?;
        let fill = self.fill.unwrap_or(0.0);
        check(fill.is_finite() && fill >= 0.0, "fill", "0 or more", fill)
    }

    fn unused_parameters(&self) -> &'static [&'static str] {
        if self.fill.is_none() { &["fill"] } else { &[] }
    }

    fn tuned_metric(&self) -> &'static str {
        if self.fill.is_none() { "rmse" } else { "ndcg@10" }
    }

    fn search_space(&self) -> &'static [(&'static str, &'static str)] {
        match self.fill {
            None => &[("factors", "8,16,32,64"), ("regularization", "0.03..0.4:log")],
            Some(_) => {
                &[("factors", "10,15,20,30,40,60"), ("regularization", "0,0.0001,0.001,0.01")]
            }
        }
    }

    fn bytes(&self, users: usize, items: usize) -> u64 {
        factors::bytes(users + items, self.factors + SvdParams::default().factors)
    }

    fn iterations_mut(&mut self) -> Option<&mut usize> {
        Some(&mut self.iterations)
    }

    fn warm_start_width(&self) -> Option<usize> {
        Some(self.factors)
    }

    fn fit(&self, training: TrainingSet<'_>) -> Result<FitResult, ModelError> {
        factor_state::fit(self, training)
    }

    fn open(&self, source: &ModelSource<'_>) -> Result<Box<dyn ModelState>, ModelError> {
        factor_state::open(self, source)
    }
}

impl FactorAlgorithm for NmfParams {
    fn rank(&self) -> usize {
        self.factors
    }

    fn predicts_ratings(&self) -> bool {
        self.fill.is_none()
    }

    fn fits_ratings(&self) -> bool {
        true
    }

    fn check_ratings(&self, ratings: &InteractionMatrix, scale: Scale) -> Result<(), ModelError> {
        let lowest = ratings.by_user().values.iter().copied().fold(f32::INFINITY, f32::min);
        if lowest < 0.0 {
            return Err(ModelError::Negative { rating: lowest });
        }
        match self.fill {
            None if scale.is_unary() => Err(ModelError::Unary),
            Some(fill) if scale.is_unary() && fill == scale.max => Err(ModelError::Unary),
            _ => Ok(()),
        }
    }

    fn fit_factors(
        &self,
        ratings: &InteractionMatrix,
        units: UnitConversion,
        training: TrainingSet<'_>,
    ) -> Result<FittedFactors, ModelError> {
        let mut on_iteration = training.begin(self.iterations);
        let params = self.clone().in_units(units.rating);
        fit(ratings, &params, training.start, &mut on_iteration)
    }

    fn fold_in(
        &self,
        _context: &ModelContext<'_>,
        units: UnitConversion,
        _prior: Option<&UserPrior>,
    ) -> Result<Box<dyn FoldIn>, ModelError> {
        Ok(Box::new(NmfFoldIn::new(self.clone(), units.rating)))
    }
}

/// Non-negative matrix factorization.
#[derive(Debug, Clone, PartialEq)]
pub struct Nmf(NmfParams);

impl Nmf {
    /// Starts from the defaults for the rated cells alone.
    #[must_use]
    pub fn masked() -> Self {
        Self(NmfParams::masked())
    }

    /// Starts from the defaults for a matrix whose unrated cells count as `fill`.
    #[must_use]
    pub fn filled(fill: f32) -> Self {
        Self(NmfParams::filled(fill))
    }
}

builder!(Nmf, {
    /// Sets the rank of the factor matrices.
    factors: usize,
    /// Sets the number of passes over users and items.
    iterations: usize,
    /// Sets the regularization λ.
    regularization: f64,
    /// Sets the random seed.
    seed: u64,
});
