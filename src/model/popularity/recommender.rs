//! The baseline, asked.

use crate::dataset::ids::ItemIx;
use crate::model::catalogue::ItemCatalogue;
use crate::model::error::ModelError;
use crate::model::explain::Explanation;
use crate::model::popularity::PopularityParams;
use crate::model::query::RankBy;
use crate::model::recommender::{
    ExplainScores, ItemScores, Recommender, ScoreItems, ScoreKind, SimilarItems, TargetUser,
};

/// Counts and damped means of every item.
#[derive(Debug)]
pub struct PopularityModel {
    damping: f64,
    mean: f64,
    counts: Vec<f32>,
    /// b_i of every item.
    biases: Vec<f64>,
}

impl PopularityModel {
    /// Derives all from the catalogue and the mean of all ratings.
    #[must_use]
    pub fn new(params: &PopularityParams, mean: f64, catalogue: &ItemCatalogue) -> Self {
        let pairs = catalogue.n_ratings.iter().zip(&catalogue.mean_rating);
        let bias = |(&n, &item_mean): (&u32, &f64)| {
            let n = f64::from(n);
            n * (item_mean - mean) / (n + params.damping)
        };
        Self {
            damping: params.damping,
            mean,
            counts: catalogue.n_ratings.iter().map(|&n| n as f32).collect(),
            biases: pairs.map(bias).collect(),
        }
    }
}

impl PopularityModel {
    /// Returns the ratings of a user relative to the mean and the biases of the items.
    fn residuals(&self, user: TargetUser<'_>) -> impl Iterator<Item = f64> {
        let rated = user.ratings.iter();
        rated.map(|&(item, rating)| f64::from(rating) - self.mean - self.biases[item.at()])
    }
}

impl ScoreItems for PopularityModel {
    fn score(&self, user: TargetUser<'_>) -> Result<ItemScores, ModelError> {
        let weight = user.ratings.len() as f64 + self.damping;
        let sum: f64 = self.residuals(user).sum();
        let user_bias = if weight > 0.0 { sum / weight } else { 0.0 };
        let ratings = self.biases.iter().map(|bias| (self.mean + user_bias + bias) as f32);
        Ok(ItemScores { score: self.counts.clone(), rating: Some(ratings.collect()) })
    }

    fn score_kind(&self) -> ScoreKind {
        ScoreKind::RatingCount
    }

    fn predicts_ratings(&self) -> bool {
        true
    }
}

/// The ratings of a user change the predicted rating, but not the score.
impl ExplainScores for PopularityModel {
    fn explain(
        &self,
        user: TargetUser<'_>,
        items: &[ItemIx],
        rank_by: RankBy,
    ) -> Result<Vec<Explanation>, ModelError> {
        let weight = user.ratings.len() as f64 + self.damping;
        let explain = |item: &ItemIx| match rank_by {
            RankBy::Score => Explanation {
                base: self.counts[item.at()],
                contributions: vec![0.0; user.ratings.len()],
            },
            RankBy::Predicted => Explanation {
                base: (self.mean + self.biases[item.at()]) as f32,
                contributions: self.residuals(user).map(|x| (x / weight) as f32).collect(),
            },
        };
        Ok(items.iter().map(explain).collect())
    }
}

/// Nothing personal is known of a movie either: the others, by count.
impl SimilarItems for PopularityModel {
    fn similarities(&self, item: ItemIx) -> Vec<f32> {
        let mut counts = self.counts.clone();
        counts[item.at()] = f32::NAN;
        counts
    }

    fn similarity_kind(&self) -> ScoreKind {
        ScoreKind::RatingCountAsSimilarity
    }
}

impl Recommender for PopularityModel {
    fn similar_items(&self) -> Option<&dyn SimilarItems> {
        Some(self)
    }
}
