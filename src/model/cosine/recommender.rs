//! Fitted cosine models, asked.

use std::sync::Arc;

use crate::dataset::ids::{ItemIx, UserId};
use crate::io::values::Scale;
use crate::linalg::topk::{ScoredIndex, top};
use crate::model::cosine::fit::{NeighborLists, add};
use crate::model::cosine::params::CosineParams;
use crate::model::error::ModelError;
use crate::model::explain::Explanation;
use crate::model::query::RankBy;
use crate::model::recommender::{
    ExplainScores, ItemScores, Recommender, ScoreItems, ScoreKind, SimilarItems, SimilarUsers,
    TargetUser,
};
use crate::model::seen::SeenRatings;

/// Ratings of average value that a user's mean is credited with, so that a lone five is praise.
const DAMPING: f32 = 5.0;

/// Neighbours of movies.
#[derive(Debug)]
pub struct CosineMovies {
    params: CosineParams,
    /// Mean rating of the training data.
    mean: f32,
    scale: Scale,
    neighbors: NeighborLists,
}

impl CosineMovies {
    /// Takes over what was fitted.
    #[must_use]
    pub fn new(params: CosineParams, mean: f64, scale: Scale, neighbors: NeighborLists) -> Self {
        Self { params, mean: mean as f32, scale, neighbors }
    }

    /// What a rating must exceed to count for a movie's neighbours.
    fn reference(&self, ratings: &[(ItemIx, f32)]) -> f32 {
        if !self.params.center {
            return neutral(self.scale);
        }
        let sum: f32 = ratings.iter().map(|(_, stars)| stars).sum();
        (sum + DAMPING * self.mean) / (ratings.len() as f32 + DAMPING)
    }
}

impl ScoreItems for CosineMovies {
    fn score(&self, user: TargetUser<'_>) -> Result<ItemScores, ModelError> {
        let reference = self.reference(user.ratings);
        let rated = user.ratings.iter().map(|&(item, stars)| (item.at(), stars - reference));
        Ok(ItemScores { score: self.neighbors.weighted_sums(rated), rating: None })
    }

    fn dislike_threshold(&self) -> Option<f32> {
        Some(0.0)
    }

    fn score_kind(&self) -> ScoreKind {
        ScoreKind::ItemNeighbors
    }
}

impl SimilarItems for CosineMovies {
    fn similarities(&self, item: ItemIx) -> Vec<f32> {
        self.neighbors.weighted_sums([(item.at(), 1.0)].into_iter())
    }

    fn similarity(&self, a: ItemIx, b: ItemIx) -> Option<f32> {
        Some(self.neighbors.pair(a.at(), b.at()))
    }

    fn similarity_kind(&self) -> ScoreKind {
        ScoreKind::RatingCosine
    }
}

impl ExplainScores for CosineMovies {
    fn explain(
        &self,
        user: TargetUser<'_>,
        items: &[ItemIx],
        _rank_by: RankBy,
    ) -> Result<Vec<Explanation>, ModelError> {
        let reference = self.reference(user.ratings);
        let explain = |item: &ItemIx| {
            let contribution = |&(rated, stars): &(ItemIx, f32)| {
                self.neighbors.pair(rated.at(), item.at()) * (stars - reference)
            };
            Explanation {
                base: 0.0,
                contributions: user.ratings.iter().map(contribution).collect(),
            }
        };
        Ok(items.iter().map(explain).collect())
    }
}

impl Recommender for CosineMovies {
    fn similar_items(&self) -> Option<&dyn SimilarItems> {
        Some(self)
    }
}

/// Returns the rating that is neither a like nor a dislike, 2.5 of 0.5 to 5; zero for unary
/// feedback.
///
/// NDCG@10 of neighbours of movies on ml-latest-small, 10 % at random, mean of three seeds, by
/// neutral rating 0, 1.5, 2.5, 2.75: 0.2007, 0.2048, 0.2070, 0.2063.
fn neutral(scale: Scale) -> f32 {
    const SHARE: f32 = 4.0 / 9.0;
    if scale.is_unary() { 0.0 } else { scale.min + SHARE * (scale.max - scale.min) }
}

/// Neighbours of users.
#[derive(Debug)]
pub struct CosineUsers {
    params: CosineParams,
    scale: Scale,
    neighbors: NeighborLists,
    seen: Arc<SeenRatings>,
    n_items: usize,
}

impl CosineUsers {
    /// Takes over what was fitted, with the ratings of all users.
    #[must_use]
    pub fn new(
        params: CosineParams,
        scale: Scale,
        neighbors: NeighborLists,
        seen: Arc<SeenRatings>,
        n_items: usize,
    ) -> Self {
        Self { params, scale, neighbors, seen, n_items }
    }

    fn row_of(&self, user: UserId) -> Option<usize> {
        self.seen.user_ids.binary_search(&user.0).ok()
    }

    /// Returns the neighbours of a user, known or new, by their rows.
    fn nearest(&self, user: TargetUser<'_>) -> Vec<ScoredIndex> {
        match user.user.and_then(|user| self.row_of(user)) {
            Some(row) => self.neighbors.row(row).to_vec(),
            None => self.neighbors_of(user.ratings),
        }
    }

    /// Compares a new user with all users, by the same formula as in fitting.
    fn neighbors_of(&self, ratings: &[(ItemIx, f32)]) -> Vec<ScoredIndex> {
        let mut profile = vec![f32::NAN; self.n_items];
        let own = self.centred(ratings);
        own.iter().for_each(|&(item, value)| profile[item.at()] = value);
        let norm = length(&own);
        let shrinkage = self.params.shrinkage as f32;
        let users = 0..self.seen.user_ids.len();
        let candidates = users.map(|user| {
            let other = self.centred(self.seen.row(user));
            let (mut sum, mut common) = (0.0, 0.0);
            for &(item, value) in &other {
                let mine = profile[item.at()];
                if !mine.is_nan() {
                    sum += mine * value;
                    common += 1.0;
                }
            }
            let similarity = sum / (norm * length(&other)) * common / (common + shrinkage);
            ScoredIndex { ix: user as u32, score: similarity }
        });
        top(candidates.filter(|scored| scored.score > 0.0), self.params.neighbors)
    }

    fn centred(&self, ratings: &[(ItemIx, f32)]) -> Vec<(ItemIx, f32)> {
        let mean = if self.params.center {
            let sum: f64 = ratings.iter().map(|&(_, stars)| f64::from(stars)).sum();
            (sum / ratings.len() as f64) as f32
        } else {
            0.0
        };
        ratings.iter().map(|&(item, stars)| (item, stars - mean)).collect()
    }
}

fn length(values: &[(ItemIx, f32)]) -> f32 {
    values.iter().map(|&(_, x)| f64::from(x).powi(2)).sum::<f64>().sqrt() as f32
}

impl ScoreItems for CosineUsers {
    fn score(&self, user: TargetUser<'_>) -> Result<ItemScores, ModelError> {
        let mut score = vec![f32::NAN; self.n_items];
        for neighbor in self.nearest(user) {
            for &(item, stars) in self.seen.row(neighbor.ix as usize) {
                add(&mut score[item.at()], neighbor.score * self.scale.to_movielens(stars));
            }
        }
        Ok(ItemScores { score, rating: None })
    }

    fn score_kind(&self) -> ScoreKind {
        ScoreKind::UserNeighbors
    }
}

impl SimilarUsers for CosineUsers {
    fn similar_users(
        &self,
        user: TargetUser<'_>,
        n: usize,
    ) -> Result<Vec<(UserId, f32)>, ModelError> {
        let id = |neighbor: ScoredIndex| {
            (UserId(self.seen.user_ids[neighbor.ix as usize]), neighbor.score)
        };
        Ok(self.nearest(user).into_iter().take(n).map(id).collect())
    }
}

/// A neighbour's share of a score is split by the contribution of each common movie to the
/// similarity.
impl ExplainScores for CosineUsers {
    fn explain(
        &self,
        user: TargetUser<'_>,
        items: &[ItemIx],
        _rank_by: RankBy,
    ) -> Result<Vec<Explanation>, ModelError> {
        let own = self.centred(user.ratings);
        let nothing = Explanation { base: 0.0, contributions: vec![0.0; own.len()] };
        let mut explanations = vec![nothing; items.len()];
        for neighbor in self.nearest(user) {
            let row = self.seen.row(neighbor.ix as usize);
            let centred = self.centred(row);
            let product = |&(item, mine): &(ItemIx, f32)| {
                let at = centred.binary_search_by_key(&item, |(item, _)| *item);
                at.map_or(0.0, |at| mine * centred[at].1)
            };
            let products: Vec<f32> = own.iter().map(product).collect();
            let all: f32 = products.iter().sum();
            if all == 0.0 {
                continue; // their similarity is 0, too
            }
            for (item, explanation) in items.iter().zip(&mut explanations) {
                if let Ok(at) = row.binary_search_by_key(item, |(item, _)| *item) {
                    let share = neighbor.score * self.scale.to_movielens(row[at].1) / all;
                    let sums = explanation.contributions.iter_mut().zip(&products);
                    sums.for_each(|(sum, product)| *sum += share * product);
                }
            }
        }
        Ok(explanations)
    }
}

impl Recommender for CosineUsers {
    fn similar_users(&self) -> Option<&dyn SimilarUsers> {
        Some(self)
    }
}
