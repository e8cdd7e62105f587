//! SVD fold-in: the factors of a user, known or new.

use crate::dataset::ids::ItemIx;
use crate::io::values::Scale;
use crate::linalg::dense::{Matrix, add_rows, dot};
use crate::model::error::ModelError;
use crate::model::explain::Explanation;
use crate::model::factor_model::FoldIn;
use crate::model::ranking::known_dimensions;
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

    /// Returns the sum over rated items, of which there are few if only leading factors count.
    pub(crate) fn solve(&self, items: &Matrix, ratings: &[(ItemIx, f32)]) -> Vec<f32> {
        let (rated, weights): (Vec<u32>, Vec<f32>) =
            ratings.iter().map(|&(item, rating)| (item.0, self.weight(item, rating))).unzip();
        let mut factors = vec![0.0; items.cols];
        add_rows(items, &rated, &weights, &mut factors);
        factors[known_dimensions(ratings.len(), items.cols)..].fill(0.0);
        factors
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
        let rank = known_dimensions(ratings.len(), items.cols);
        let explain = |item: &ItemIx| {
            let row = &items.row(item.at())[..rank];
            let contribution = |&(rated, rating): &(ItemIx, f32)| {
                self.weight(rated, rating) * dot(&items.row(rated.at())[..rank], row)
            };
            Explanation { base: 0.0, contributions: ratings.iter().map(contribution).collect() }
        };
        Ok(explained.iter().map(explain).collect())
    }
}
