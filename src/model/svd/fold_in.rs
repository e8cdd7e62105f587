//! SVD fold-in: the factors of a user, known or new.

use crate::dataset::ids::ItemIx;
use crate::io::values::Scale;
use crate::linalg::dense::Matrix;
use crate::model::embeddings;
use crate::model::error::ModelError;
use crate::model::explain::Explanation;
use crate::model::factor_model::FoldIn;
use crate::model::recommender::ScoreKind;

/// Sums the factors of rated items.
#[derive(Debug)]
pub(crate) struct SvdFoldIn {
    rank: usize,
    scale: Scale,
    /// d_i² of each item.
    column_weights: Vec<f32>,
}

impl SvdFoldIn {
    /// Takes the rank, the scale of the ratings, and the scale d_i of each item.
    pub(crate) fn new(rank: usize, scale: Scale, column_scales: impl Iterator<Item = f32>) -> Self {
        Self { rank, scale, column_weights: column_scales.map(|d| d * d).collect() }
    }

    /// Returns the weight of a rated item's factors: its rating of 0.5 to 5 times d².
    fn weight(&self, item: ItemIx, rating: f32) -> f32 {
        self.scale.to_movielens(rating) * self.column_weights[item.at()]
    }

    /// Returns the factors of a user.
    pub(crate) fn solve(&self, items: &Matrix, ratings: &[(ItemIx, f32)]) -> Vec<f32> {
        embeddings::profile(items, ratings, |item, rating| self.weight(item, rating))
    }
}

impl FoldIn for SvdFoldIn {
    fn rank(&self) -> usize {
        self.rank
    }

    fn preference_kind(&self) -> Option<ScoreKind> {
        Some(ScoreKind::Nearness)
    }

    fn is_informative(&self, factors: &[f32]) -> bool {
        factors.iter().any(|&x| x != 0.0)
    }

    fn fold_in(
        &self,
        items: &Matrix,
        ratings: &[(ItemIx, f32)],
    ) -> Result<Option<Vec<f32>>, ModelError> {
        let factors = self.solve(items, ratings);
        Ok(self.is_informative(&factors).then_some(factors))
    }

    fn contributions(
        &self,
        items: &Matrix,
        ratings: &[(ItemIx, f32)],
        explained: &[ItemIx],
    ) -> Result<Vec<Explanation>, ModelError> {
        let weight = |item, rating| self.weight(item, rating);
        let explain = |item: &ItemIx| {
            let contributions = embeddings::contributions(items, ratings, weight, *item);
            Explanation { base: 0.0, contributions }
        };
        Ok(explained.iter().map(explain).collect())
    }
}
