//! Fitted weights, asked.

use crate::dataset::ids::ItemIx;
use crate::io::values::Scale;
use crate::model::cosine::NeighborLists;
use crate::model::error::ModelError;
use crate::model::explain::Explanation;
use crate::model::query::RankBy;
use crate::model::recommender::{
    ExplainScores, ItemScores, Recommender, ScoreItems, ScoreKind, SimilarItems, TargetUser,
};

/// Weights of each item in the scores of others.
#[derive(Debug)]
pub struct EaseModel {
    scale: Scale,
    weights: NeighborLists,
}

impl EaseModel {
    /// Takes over what was fitted.
    #[must_use]
    pub fn new(scale: Scale, weights: NeighborLists) -> Self {
        Self { scale, weights }
    }

    /// Returns the weight of an item in the score of another.
    fn weight(&self, item: ItemIx, other: ItemIx) -> f32 {
        let row = self.weights.row(item.at()).iter();
        row.filter(|one| one.ix == other.0).map(|one| one.score).sum()
    }
}

impl ScoreItems for EaseModel {
    fn score(&self, user: TargetUser<'_>) -> Result<ItemScores, ModelError> {
        let mut score = vec![0.0; self.weights.n_rows()];
        for &(item, rating) in user.ratings {
            let value = self.scale.to_movielens(rating);
            for other in self.weights.row(item.at()) {
                score[other.ix as usize] += value * other.score;
            }
        }
        // A score of 0 says that no rated movie has a weight.
        score.iter_mut().filter(|score| **score == 0.0).for_each(|score| *score = f32::NAN);
        Ok(ItemScores { score, rating: None })
    }

    fn score_kind(&self) -> ScoreKind {
        ScoreKind::WeightedRatings
    }
}

impl SimilarItems for EaseModel {
    fn similarities(&self, item: ItemIx) -> Vec<f32> {
        let mut similarity = vec![f32::NAN; self.weights.n_rows()];
        for other in self.weights.row(item.at()) {
            similarity[other.ix as usize] = other.score;
        }
        similarity
    }

    fn similarity(&self, a: ItemIx, b: ItemIx) -> Option<f32> {
        Some(self.weight(a, b))
    }

    fn similarity_kind(&self) -> ScoreKind {
        ScoreKind::Weight
    }
}

impl ExplainScores for EaseModel {
    fn explain(
        &self,
        user: TargetUser<'_>,
        items: &[ItemIx],
        _rank_by: RankBy,
    ) -> Result<Vec<Explanation>, ModelError> {
        let explain = |item: &ItemIx| {
            let contribution = |&(rated, rating): &(ItemIx, f32)| {
                self.scale.to_movielens(rating) * self.weight(rated, *item)
            };
            Explanation {
                base: 0.0,
                contributions: user.ratings.iter().map(contribution).collect(),
            }
        };
        Ok(items.iter().map(explain).collect())
    }
}

impl Recommender for EaseModel {
    fn similar_items(&self) -> Option<&dyn SimilarItems> {
        Some(self)
    }
}
