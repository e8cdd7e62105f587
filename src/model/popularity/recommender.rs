//! The baseline, asked.

use crate::dataset::ids::ItemIx;
use crate::model::catalogue::Catalogue;
use crate::model::error::ModelError;
use crate::model::explain::Explanation;
use crate::model::popularity::PopularityParams;
use crate::model::recommend::RankBy;
use crate::model::{Person, Recommender, Scores};

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
    pub fn new(params: &PopularityParams, mean: f64, catalogue: &Catalogue) -> Self {
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
    /// Returns the ratings of a person relative to the mean and the biases of the items.
    fn residuals(&self, person: Person<'_>) -> impl Iterator<Item = f64> {
        let rated = person.ratings.iter();
        rated.map(|&(item, rating)| f64::from(rating) - self.mean - self.biases[item.at()])
    }
}

impl Recommender for PopularityModel {
    fn predicts_ratings(&self) -> bool {
        true
    }

    fn score(&self, person: Person<'_>) -> Result<Scores, ModelError> {
        let weight = person.ratings.len() as f64 + self.damping;
        let sum: f64 = self.residuals(person).sum();
        let user_bias = if weight > 0.0 { sum / weight } else { 0.0 };
        let stars = self.biases.iter().map(|bias| (self.mean + user_bias + bias) as f32);
        Ok(Scores { score: self.counts.clone(), rating: Some(stars.collect()) })
    }

    fn similar(&self, item: ItemIx) -> Result<Vec<f32>, ModelError> {
        // Nothing personal is known of a movie either: the others, by count.
        let mut counts = self.counts.clone();
        counts[item.at()] = f32::NAN;
        Ok(counts)
    }

    /// The ratings of a person change the predicted rating, and nothing of the score.
    fn explain(
        &self,
        person: Person<'_>,
        items: &[ItemIx],
        rank_by: RankBy,
    ) -> Result<Vec<Explanation>, ModelError> {
        let weight = person.ratings.len() as f64 + self.damping;
        let explain = |item: &ItemIx| match rank_by {
            RankBy::Score => {
                Explanation { base: self.counts[item.at()], parts: vec![0.0; person.ratings.len()] }
            }
            RankBy::Predicted => Explanation {
                base: (self.mean + self.biases[item.at()]) as f32,
                parts: self.residuals(person).map(|one| (one / weight) as f32).collect(),
            },
        };
        Ok(items.iter().map(explain).collect())
    }

    fn score_meaning(&self) -> &'static str {
        "number of ratings in the training data"
    }

    fn similarity_meaning(&self) -> &'static str {
        "number of ratings in the training data (popularity knows no similarity)"
    }
}
