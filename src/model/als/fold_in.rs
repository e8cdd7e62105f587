//! ALS fold-in: the factors of a new user.

use std::sync::OnceLock;

use crate::dataset::ids::ItemIx;
use crate::linalg::blocks::Threads;
use crate::linalg::dense::Matrix;
use crate::model::als::half_step::{AlsHalfStep, SharedTerms, SolvedSide};
use crate::model::als::params::{AlsParams, Feedback, RowSolver};
use crate::model::als::user_prior::{UserPosterior, UserPrior};
use crate::model::error::ModelError;
use crate::model::explain::Explanation;
use crate::model::factor_model::FoldIn;
use crate::model::recommender::ScoreKind;

/// Solves the row of a new user as training has solved those of its users: under their prior, or
/// by the last half-step where there is none.
#[derive(Debug)]
pub struct AlsFoldIn {
    params: AlsParams,
    /// Mean rating μ that the biases are relative to; 0 without biases.
    mean: f64,
    /// Ratings of the data for a fitted one.
    unit: f32,
    shared: OnceLock<SharedTerms>,
    posterior: Option<UserPosterior>,
}

impl AlsFoldIn {
    /// Takes the parameters of training, the mean μ of fitted ratings, and the ratings of the data
    /// for a fitted one.
    #[must_use]
    pub fn new(params: AlsParams, mean: f64, unit: f32) -> Self {
        Self { params, mean, unit, shared: OnceLock::new(), posterior: None }
    }

    /// Sets the prior of the users, in fitted units.
    ///
    /// # Errors
    /// If its covariance is not positive definite.
    pub(crate) fn with_prior(mut self, prior: &UserPrior) -> Result<Self, ModelError> {
        let posterior = UserPosterior::new(prior, self.mean);
        self.posterior =
            Some(posterior.map_err(|_| ModelError::Singular { side: "user", id: None })?);
        Ok(self)
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
            SharedTerms::new(params, *mean, SolvedSide::Users, items, None, Threads::Calling)
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
        let mut factors = vec![0.0; items.cols];
        if let Some(posterior) = &self.posterior {
            posterior
                .solve(&mut posterior.scratch(), items, &rated, &values, &mut factors)
                .map_err(|_| ModelError::Singular { side: "user", id: None })?;
            return Ok(Some(factors));
        }
        let step = self.half_step(items);
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
        if let Some(posterior) = &self.posterior {
            let explained = explained.iter().map(|item| item.0);
            let split = posterior.contributions(items, &rated, &values, explained);
            let split = split.ok_or(ModelError::Singular { side: "user", id: None })?.into_iter();
            return Ok(split
                .map(|(base, contributions)| Explanation { base, contributions })
                .collect());
        }
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
