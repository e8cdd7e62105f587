//! ALS fold-in: the factors of a new user.

use std::sync::OnceLock;

use crate::dataset::ids::ItemIx;
use crate::linalg::blocks::Threads;
use crate::linalg::dense::Matrix;
use crate::model::als::half_step::{AlsHalfStep, SharedTerms, SolvedSide};
use crate::model::als::params::{AlsParams, Feedback, RowSolver};
use crate::model::error::ModelError;
use crate::model::explain::Explanation;
use crate::model::factor_model::FoldIn;
use crate::model::recommender::ScoreKind;

/// Solves the row of a new user as the last half-step of training does.
#[derive(Debug)]
pub struct AlsFoldIn {
    params: AlsParams,
    /// Mean rating μ that the biases are relative to; 0 without biases.
    mean: f64,
    /// Ratings of the data for a fitted one.
    unit: f32,
    shared: OnceLock<SharedTerms>,
}

impl AlsFoldIn {
    /// Takes the parameters of training, the mean μ of fitted ratings, and the ratings of the data
    /// for a fitted one.
    #[must_use]
    pub fn new(params: AlsParams, mean: f64, unit: f32) -> Self {
        Self { params, mean, unit, shared: OnceLock::new() }
    }

    /// Whether a rating counts.
    fn counts(&self, rating: f32) -> bool {
        self.params.feedback == Feedback::Explicit || rating >= self.params.positive_from
    }

    /// Returns the ratings of a user that count, in fitted units.
    fn counted(&self, ratings: &[(ItemIx, f32)]) -> (Vec<u32>, Vec<f32>) {
        let counted = ratings.iter().filter(|(_, rating)| self.counts(*rating));
        counted.map(|&(item, rating)| (item.0, rating / self.unit)).unzip()
    }

    /// Returns the half-step that solves a user's row. What its rows share is computed on the
    /// calling thread: the threads that wait for it meanwhile would else be asked to help.
    fn half_step<'a>(&'a self, items: &'a Matrix) -> AlsHalfStep<'a> {
        let Self { params, mean, .. } = self;
        let shared = self.shared.get_or_init(|| {
            SharedTerms::new(params, *mean, SolvedSide::Users, items, Threads::Calling)
        });
        AlsHalfStep::with(params, *mean, SolvedSide::Users, items, shared)
    }
}

impl FoldIn for AlsFoldIn {
    fn rank(&self) -> usize {
        self.params.factors
    }

    fn preference_kind(&self) -> Option<ScoreKind> {
        (self.params.feedback == Feedback::Implicit).then_some(ScoreKind::Preference)
    }

    fn is_informative(&self, factors: &[f32]) -> bool {
        self.params.feedback == Feedback::Explicit || factors.iter().any(|&x| x != 0.0)
    }

    fn fold_in(
        &self,
        items: &Matrix,
        ratings: &[(ItemIx, f32)],
    ) -> Result<Option<Vec<f32>>, ModelError> {
        let (rated, values) = self.counted(ratings);
        if rated.is_empty() && self.params.feedback == Feedback::Implicit {
            return Ok(None);
        }
        let step = self.half_step(items);
        let mut factors = vec![0.0; items.cols];
        step.solve_row(RowSolver::Cholesky, &mut step.scratch(), &rated, &values, &mut factors)
            .map_err(|_| ModelError::Singular { side: "user", id: None })?;
        Ok(Some(factors))
    }

    fn contributions(
        &self,
        items: &Matrix,
        ratings: &[(ItemIx, f32)],
        explained: &[ItemIx],
    ) -> Result<Vec<Explanation>, ModelError> {
        let (rated, values) = self.counted(ratings);
        let counted = self.half_step(items).contributions(&rated, &values, explained);
        let counted = counted.ok_or(ModelError::Singular { side: "user", id: None })?;
        let base = |item: ItemIx| match self.params.biases {
            true => self.mean as f32 + items.row(item.at())[self.params.factors + 1],
            false => 0.0,
        };
        let explain = |(&item, counted): (&ItemIx, Vec<f32>)| {
            let mut counted = counted.into_iter();
            let contribution = |&(_, rating): &(ItemIx, f32)| match self.counts(rating) {
                true => counted.next().expect("a contribution of each rating that counts"),
                false => 0.0,
            };
            let contributions = ratings.iter().map(contribution).collect();
            Explanation { base: base(item), contributions }
        };
        Ok(explained.iter().zip(counted).map(explain).collect())
    }
}
