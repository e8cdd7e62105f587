//! What a fitted model can be asked: a trait for each capability.

use std::fmt;

use crate::dataset::ids::{ItemIx, UserId};
use crate::model::error::ModelError;
use crate::model::explain::Explanation;
use crate::model::factor_model::FactorModel;
use crate::model::query::RankBy;

/// A user to recommend to, known or new.
#[derive(Debug, Clone, Copy)]
pub struct TargetUser<'a> {
    /// The user of the training data, if it is one; models may use what they learnt of it.
    pub user: Option<UserId>,
    /// The user's ratings, by ascending item.
    pub ratings: &'a [(ItemIx, f32)],
}

/// Scores of all items for one user.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemScores {
    /// The ranking score of each item; NaN for items unknown to the model.
    pub score: Vec<f32>,
    /// The predicted rating of each item, if the model predicts ratings.
    pub rating: Option<Vec<f32>>,
}

/// Scores all items for a user.
pub trait ScoreItems {
    /// Scores every item for a user, known or new.
    ///
    /// # Errors
    /// If the fold-in equations of the user cannot be solved.
    fn score(&self, user: TargetUser<'_>) -> Result<ItemScores, ModelError>;

    /// Returns what [`ItemScores::score`] means.
    fn score_kind(&self) -> ScoreKind;

    /// Whether [`ItemScores::rating`] is there.
    fn predicts_ratings(&self) -> bool {
        false
    }

    /// Returns the score below which an item ranks behind items unknown to the model; `None` if low
    /// scores are no sign of dislike.
    fn dislike_threshold(&self) -> Option<f32> {
        None
    }
}

/// Explains scores by the ratings that they come from.
pub trait ExplainScores {
    /// Splits the scores of items, or their predicted ratings, into the contributions of each
    /// rating of a user. With the base they add up to the score of a new user with these ratings,
    /// and to that of the known user as far as training had converged.
    ///
    /// # Errors
    /// If the fold-in equations of the user cannot be solved.
    fn explain(
        &self,
        user: TargetUser<'_>,
        items: &[ItemIx],
        rank_by: RankBy,
    ) -> Result<Vec<Explanation>, ModelError>;
}

/// Item–item similarity.
pub trait SimilarItems {
    /// Returns the similarity of every item to one; NaN for items unknown to the model.
    fn similarities(&self, item: ItemIx) -> Vec<f32>;

    /// Returns the similarity of two items; `None` if it is not cheap to compute.
    fn similarity(&self, _a: ItemIx, _b: ItemIx) -> Option<f32> {
        None
    }

    /// Returns what the similarity means.
    fn similarity_kind(&self) -> ScoreKind;
}

/// User–user similarity.
pub trait SimilarUsers {
    /// Returns at most `n` users, the most similar first and without the user itself.
    ///
    /// # Errors
    /// If the fold-in equations of the user cannot be solved.
    fn similar_users(
        &self,
        user: TargetUser<'_>,
        n: usize,
    ) -> Result<Vec<(UserId, f32)>, ModelError>;
}

/// A fitted model: it scores and explains, and may have further capabilities.
pub trait Recommender: fmt::Debug + Send + Sync + ScoreItems + ExplainScores {
    /// Returns the item–item similarity, if the model has one.
    fn similar_items(&self) -> Option<&dyn SimilarItems> {
        None
    }

    /// Returns the user–user similarity, if the model has one.
    fn similar_users(&self) -> Option<&dyn SimilarUsers> {
        None
    }

    /// Returns the model of user and item factors, if it is one.
    fn factor_model(&self) -> Option<&FactorModel> {
        None
    }

    /// Returns the model of user and item factors for a change of its users.
    fn factor_model_mut(&mut self) -> Option<&mut FactorModel> {
        None
    }
}

/// What a score or a similarity means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScoreKind {
    /// Predicted rating alone.
    PredictedRating,
    /// Predicted rating and nearness to the rated items.
    RatingAndNearness,
    /// The same on a rating scale of another width than MovieLens'.
    RatingAndNearnessRescaled,
    /// Preference of implicit feedback.
    Preference,
    /// Rating that a truncated SVD reconstructs.
    Nearness,
    /// Sum over rated movies of weight times rating of 0.5 to 5.
    WeightedRatings,
    /// Weight of one movie in the score of another.
    Weight,
    /// Value of a reconstructed matrix whose empty cells were filled.
    ReconstructedValue,
    /// Sum over rated movies of similarity times rating.
    ItemNeighbors,
    /// Sum over similar users of similarity times rating of 0.5 to 5.
    UserNeighbors,
    /// Number of ratings.
    RatingCount,
    /// Number of ratings in place of a similarity.
    RatingCountAsSimilarity,
    /// Cosine of the ratings of two movies.
    RatingCosine,
    /// Cosine of two item factors.
    FactorCosine,
    /// The same, shrunk for items with few ratings.
    ShrunkFactorCosine,
    /// Mean of the cosines of item factors and of item embeddings, shrunk.
    FactorAndEmbeddingCosine,
    /// Cosine of two users.
    UserCosine,
}

impl ScoreKind {
    /// Returns the text that outputs show.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PredictedRating => "predicted rating",
            Self::RatingAndNearness => {
                "predicted rating + 3 (1 + 15 / n) x nearness to the n rated movies"
            }
            Self::RatingAndNearnessRescaled => {
                "predicted rating, as on a scale 4.5 wide, + 3 (1 + 15 / n) x nearness to the n \
                 rated movies"
            }
            Self::Preference => {
                "strength of preference: 1 for what people like to see, 0 for the rest"
            }
            Self::Nearness => {
                "nearness to the rated movies: the rating that a truncated SVD reconstructs, no \
                 rating counting as 0"
            }
            Self::WeightedRatings => {
                "sum over the rated movies of weight x rating, as on a scale of 0.5 to 5"
            }
            Self::Weight => "weight of the movie's rating in the score of the other",
            Self::ReconstructedValue => "reconstructed value of the filled matrix",
            Self::ItemNeighbors => {
                "sum over the rated movies of similarity x (rating - neutral rating)"
            }
            Self::UserNeighbors => {
                "sum over similar users of similarity x rating, as on a scale of 0.5 to 5"
            }
            Self::RatingCount => "number of ratings in the training data",
            Self::RatingCountAsSimilarity => {
                "number of ratings in the training data (popularity knows no similarity)"
            }
            Self::RatingCosine => "cosine similarity of the movies' ratings",
            Self::FactorCosine => "cosine of the item factors",
            Self::ShrunkFactorCosine => "cosine of the item factors, x n / (n + 5) for n ratings",
            Self::FactorAndEmbeddingCosine => {
                "mean of two cosines, of the factors that predict ratings and of embeddings of \
                 what people rate together, x n / (n + 5) for n ratings"
            }
            Self::UserCosine => "cosine similarity of the users",
        }
    }
}

impl fmt::Display for ScoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
