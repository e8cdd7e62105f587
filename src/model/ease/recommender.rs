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
}

impl ScoreItems for EaseModel {
    fn score(&self, user: TargetUser<'_>) -> Result<ItemScores, ModelError> {
        let rated = user.ratings.iter();
        let rated = rated.map(|&(item, rating)| (item.at(), self.scale.to_movielens(rating)));
        Ok(ItemScores { score: self.weights.weighted_sums(rated), rating: None })
    }

    fn score_kind(&self) -> ScoreKind {
        ScoreKind::WeightedRatings
    }
}

impl SimilarItems for EaseModel {
    fn similarities(&self, item: ItemIx) -> Vec<f32> {
        self.weights.weighted_sums([(item.at(), 1.0)].into_iter())
    }

    fn similarity(&self, a: ItemIx, b: ItemIx) -> Option<f32> {
        Some(self.weights.pair(a.at(), b.at()))
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
                self.scale.to_movielens(rating) * self.weights.pair(rated.at(), item.at())
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
