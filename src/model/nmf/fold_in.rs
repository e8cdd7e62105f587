//! NMF fold-in: the factors of a new user.

use std::sync::OnceLock;

use crate::dataset::ids::ItemIx;
use crate::linalg::blocks::Threads;
use crate::linalg::dense::Matrix;
use crate::model::error::ModelError;
use crate::model::explain::Explanation;
use crate::model::factor_model::FoldIn;
use crate::model::nmf::fit::column_rms;
use crate::model::nmf::half_step::{FilledTerms, NmfHalfStep};
use crate::model::nmf::params::NmfParams;
use crate::model::recommender::ScoreKind;

/// Solves the row of a new user as the last half-step of training does.
#[derive(Debug)]
pub struct NmfFoldIn {
    params: NmfParams,
    /// Ratings of the data for a fitted one.
    unit: f32,
    filled: OnceLock<Option<FilledTerms>>,
    /// Item factors of a filled matrix, each component scaled by the size of its user factors.
    scaled_items: OnceLock<Matrix>,
}

impl NmfFoldIn {
    /// Takes the parameters of training, and the ratings of the data for a fitted one.
    #[must_use]
    pub fn new(params: NmfParams, unit: f32) -> Self {
        let params = params.in_units(unit);
        Self { params, unit, filled: OnceLock::new(), scaled_items: OnceLock::new() }
    }

    /// Returns the rated items, and the ratings in fitted units.
    fn fitted(&self, ratings: &[(ItemIx, f32)]) -> (Vec<u32>, Vec<f32>) {
        ratings.iter().map(|&(item, rating)| (item.0, rating / self.unit)).unzip()
    }

    /// Returns the half-step that solves a user's row; see
    /// [`AlsFoldIn`](crate::model::als::AlsFoldIn) for the calling thread.
    fn half_step<'a>(&'a self, items: &'a Matrix) -> NmfHalfStep<'a> {
        let shared = || FilledTerms::new(&self.params, items, Threads::Calling);
        NmfHalfStep::with_filled(&self.params, items, self.filled.get_or_init(shared))
    }

    fn solve(&self, items: &Matrix, ratings: &[(ItemIx, f32)]) -> Vec<f32> {
        let step = self.half_step(items);
        let (rated, values) = self.fitted(ratings);
        let mut factors = vec![0.0; items.cols];
        step.solve(&mut step.scratch(), &rated, &values, &mut factors);
        factors
    }
}

impl FoldIn for NmfFoldIn {
    fn rank(&self) -> usize {
        self.params.factors
    }

    fn preference_kind(&self) -> Option<ScoreKind> {
        // Cells that nobody rated have pulled the values of a filled matrix to V: they rank, but
        // predict no rating.
        self.params.fill.map(|_| ScoreKind::ReconstructedValue)
    }

    fn fold_in(
        &self,
        items: &Matrix,
        ratings: &[(ItemIx, f32)],
    ) -> Result<Option<Vec<f32>>, ModelError> {
        Ok(Some(self.solve(items, ratings)))
    }

    fn contributions(
        &self,
        items: &Matrix,
        ratings: &[(ItemIx, f32)],
        explained: &[ItemIx],
    ) -> Result<Vec<Explanation>, ModelError> {
        let (rated, values) = self.fitted(ratings);
        let solution = self.solve(items, ratings);
        let step = self.half_step(items);
        let contributions = step.contributions(&rated, &values, &solution, explained);
        let contributions = contributions.ok_or(ModelError::Singular { side: "user", id: None })?;
        let explain = |(base, contributions)| Explanation { base, contributions };
        Ok(contributions.into_iter().map(explain).collect())
    }

    /// Of a filled matrix, the factors scaled so that a component counts for the similarity of
    /// items as it does for the reconstructed matrix.
    fn similarity_factors<'a>(&'a self, items: &'a Matrix) -> &'a Matrix {
        if self.params.fill.is_none() {
            return items;
        }
        self.scaled_items.get_or_init(|| {
            // In a balanced model the user factors of a component are as large as its item factors.
            let rms = column_rms(items);
            let mut scaled = items.clone();
            for row in scaled.data.chunks_exact_mut(scaled.cols) {
                row.iter_mut().zip(&rms).for_each(|(x, &rms)| *x = (f64::from(*x) * rms) as f32);
            }
            scaled
        })
    }
}
