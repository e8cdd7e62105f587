//! How models that predict ratings rank.
//!
//! The best predicted ratings make a poor list: they lift films that few have seen and those few
//! loved, while what users go on to watch is mostly well known and like what they have watched
//! before. So a score is the sum of two things, both as on a scale as wide as MovieLens' (the width
//! of the data's own over 4.5 is the unit):
//!
//! - the predicted rating;
//! - 3 (1 + 15 / n) times the nearness to the n rated movies. Let g_i be the movie's
//!   [embedding](crate::model::embeddings), d_i = n_i^−0.2 and z_i = g_i / d_i: nearness is Σ r'_j
//!   d_j² z_j·z_i over the movies j that the user has rated, with r' the rating above the lowest
//!   one, so that what was liked least counts for nothing. It is the rating that a truncated SVD
//!   reconstructs where nothing counts as 0. For fewer than 16 ratings, the 64 leading dimensions
//!   count alone.
//!
//! NDCG@10 of `als` on ml-latest-small and MovieLens 100K, 10 % held out at random, and the share
//! of disliked movies (2.5 and less) among those that are listed and liked (4 and more) or
//! disliked: 0.269, 0.330 and 4.4 %, 6.5 %; with the rating itself for r' 0.269, 0.332 and 4.6 %,
//! 8.2 %; with the rating above a third of the scale 0.269, 0.306 and 3.2 %, 4.5 %; by the
//! predicted rating and popularity, as far as its own mean allows, 0.260 and 0.299.
//!
//! NDCG@10 for new people with 3, 5, 10, 20 and 50 ratings, a quarter of the users of either held
//! out: with the weight 3 alone 0.290, 0.327, 0.433, 0.497, 0.545 and 0.400, 0.426, 0.490, 0.562,
//! 0.636; with 3 (1 + 10 / n) 0.383, 0.386, 0.452, 0.502, 0.548 and 0.449, 0.469, 0.497, 0.565,
//! 0.639; with 3 (1 + 30 / n) 0.390, 0.388, 0.447, 0.502, 0.546 and 0.443, 0.461, 0.495, 0.563,
//! 0.637.

use crate::dataset::ids::ItemIx;
use crate::io::values::Scale;
use crate::linalg::dense::Matrix;
use crate::model::catalogue::ItemCatalogue;
use crate::model::embeddings::{self, column_scale, divide_by_scales};
use crate::model::factors::{cosine, cosines};
use crate::model::recommender::ScoreKind;
use crate::model::svd::SvdParams;

/// Ratings at which a similarity is trusted half.
const TRUSTED_HALF: f32 = 5.0;
/// Weight of the nearness to n rated movies: 3 (1 + 15 / n), as it is a sum over few of them.
fn nearness_weight(n: usize) -> f32 {
    const MANY: f32 = 3.0;
    const FEW: f32 = 15.0;
    MANY * (1.0 + FEW / n.max(1) as f32)
}

/// Ranks by predicted ratings and nearness to the rated items.
#[derive(Debug)]
pub struct StarRanking {
    n_ratings: Vec<u32>,
    has_counts: bool,
    /// Lowest rating of the scale.
    lowest: f32,
    unit: f32,
    /// z_i, a row per item.
    embeddings: Option<Matrix>,
    /// d_i².
    column_weights: Vec<f32>,
}

/// Returns the share of a similarity to an item with `n` ratings that is trusted.
fn trust(n: u32) -> f32 {
    n as f32 / (n as f32 + TRUSTED_HALF)
}

impl StarRanking {
    /// Takes the counts of the training data, its rating scale, and the embeddings g, a row per
    /// item, which Spark's models lack.
    pub fn new(catalogue: &ItemCatalogue, scale: Scale, embeddings: Option<Matrix>) -> Self {
        let n_ratings = catalogue.n_ratings.clone();
        let scales: Vec<f32> =
            n_ratings.iter().map(|&n| column_scale(n, SvdParams::default().exponent)).collect();
        let embeddings = embeddings.map(|mut embeddings| {
            divide_by_scales(&mut embeddings, &scales);
            embeddings
        });
        Self {
            lowest: scale.min,
            unit: scale.unit(),
            embeddings,
            column_weights: scales.iter().map(|scale| scale * scale).collect(),
            has_counts: n_ratings.iter().any(|&n| n > 0),
            n_ratings,
        }
    }

    /// Returns what a score means; without embeddings, as in Spark's models, it is the prediction.
    #[must_use]
    pub fn score_kind(&self) -> ScoreKind {
        match &self.embeddings {
            None => ScoreKind::PredictedRating,
            Some(_) if self.unit == 1.0 => ScoreKind::RatingAndNearness,
            Some(_) => ScoreKind::RatingAndNearnessRescaled,
        }
    }

    /// Returns the ratings of the data for a product of 1.
    #[must_use]
    pub fn unit(&self) -> f32 {
        self.unit
    }

    /// Whether the number of ratings of the items is known.
    pub fn has_counts(&self) -> bool {
        self.has_counts
    }

    /// Returns how far a similarity to an item can be trusted: one that a single user has rated is
    /// near all that this user has rated. 1 for all where counts are not known.
    pub fn trust(&self, item: ItemIx) -> f32 {
        if self.has_counts { trust(self.n_ratings[item.at()]) } else { 1.0 }
    }

    /// Multiplies the similarity of each item by [`Self::trust`].
    pub fn trust_similarities(&self, similarities: &mut [f32]) {
        if self.has_counts {
            let similarities = similarities.iter_mut().zip(&self.n_ratings);
            similarities.for_each(|(similarity, &n)| *similarity *= trust(n));
        }
    }

    /// Returns the scaled embeddings z, a row per item.
    pub fn embeddings(&self) -> Option<&Matrix> {
        self.embeddings.as_ref()
    }

    /// Returns the weight of a rated item's z in a profile of `n` items, 3 (1 + 15 / n) r' d².
    fn profile_weight(&self, item: ItemIx, rating: f32, n: usize) -> f32 {
        nearness_weight(n) * (rating - self.lowest) / self.unit * self.column_weights[item.at()]
    }

    /// Returns the profile of a user who has given `ratings`, whose product with z_i is the
    /// weighted nearness of item i; `None` without embeddings.
    pub fn profile(&self, ratings: &[(ItemIx, f32)]) -> Option<Vec<f32>> {
        let weight = |item, rating| self.profile_weight(item, rating, ratings.len());
        Some(embeddings::profile(self.embeddings.as_ref()?, ratings, weight))
    }

    /// Returns what each rating contributes to the weighted nearness of an item.
    pub fn contributions(&self, ratings: &[(ItemIx, f32)], item: ItemIx) -> Vec<f32> {
        let weight = |item, rating| self.profile_weight(item, rating, ratings.len());
        match &self.embeddings {
            Some(z) => embeddings::contributions(z, ratings, weight, item),
            None => vec![0.0; ratings.len()],
        }
    }

    /// Completes cosines of factors with an item to the similarity that models state, where there
    /// are embeddings.
    pub fn complete_similarities(&self, item: ItemIx, cosines_of_factors: &mut [f32]) {
        let Some(embeddings) = &self.embeddings else { return };
        let of_embeddings = cosines(embeddings, embeddings.cols, embeddings.row(item.at()));
        for (similarity, cosine) in cosines_of_factors.iter_mut().zip(of_embeddings) {
            *similarity = f32::midpoint(*similarity, cosine);
        }
    }

    /// Returns what [`Self::complete_similarities`] makes of the cosine of `other` with `item`.
    pub fn similarity(&self, cosine_of_factors: f32, item: ItemIx, other: ItemIx) -> f32 {
        let Some(embeddings) = &self.embeddings else { return cosine_of_factors };
        let of_embeddings = cosine(embeddings, embeddings.cols, item.at(), other.at());
        f32::midpoint(cosine_of_factors, of_embeddings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::dense::dot;

    #[test]
    fn similarity_of_a_pair_is_that_of_all_pairs() {
        let mut catalogue = ItemCatalogue::from_ids(&[1, 2, 3], None);
        catalogue.n_ratings = vec![100, 5, 1];
        let embeddings = Matrix { rows: 3, cols: 2, data: vec![1.0, 0.0, 0.6, 0.8, 0.0, 1.0] };
        let ranking = StarRanking::new(&catalogue, Scale::default(), Some(embeddings));
        let cosines = [1.0, 0.5, 0.2];
        let mut completed = cosines;
        ranking.complete_similarities(ItemIx(0), &mut completed);
        let pair =
            |other: usize| ranking.similarity(cosines[other], ItemIx(0), ItemIx(other as u32));
        assert_eq!(completed, [0, 1, 2].map(pair));
        assert!((completed[1] - 0.55).abs() < 1e-6, "{completed:?}");
    }

    #[test]
    fn contributions_add_up_to_the_nearness() {
        let mut catalogue = ItemCatalogue::from_ids(&[1, 2, 3, 4], None);
        catalogue.n_ratings = vec![100, 50, 10, 1];
        let data = vec![1.0, 0.1, 0.6, 0.8, -0.3, 1.0, 0.2, -0.7];
        let embeddings = Matrix { rows: 4, cols: 2, data };
        let ranking = StarRanking::new(&catalogue, Scale::default(), Some(embeddings));
        let ratings = [(ItemIx(0), 5.0), (ItemIx(2), 0.5)];
        let profile = ranking.profile(&ratings).unwrap();
        for item in 0..4 {
            let sum: f32 = ranking.contributions(&ratings, ItemIx(item)).iter().sum();
            let row = ranking.embeddings().unwrap().row(item as usize);
            assert!((sum - dot(&profile, row)).abs() < 1e-4);
        }
    }
}
