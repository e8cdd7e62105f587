//! Recommenders: what they are asked, what they answer, and how each is fitted, saved and opened.

pub mod als;
mod assemble;
pub mod builders;
pub mod candidates;
pub mod catalogue;
pub mod cosine;
pub mod describe;
pub mod embeddings;
mod error;
pub mod explain;
pub mod factors;
pub mod finder;
pub mod folder;
pub mod info;
pub mod nmf;
pub mod open;
pub mod popularity;
pub mod ranking;
pub mod recommend;
mod rerank;
pub mod seen;
pub mod spark;
pub mod train;
mod units;
pub mod warm;

use std::ops::ControlFlow;

use crate::dataset::ids::{ItemIx, UserId};
use crate::linalg::dense::{Matrix, scores};
use crate::model::explain::Explanation;
use crate::model::factors::Factors;
use crate::model::ranking::{ProfileVector, StarRanking};
use crate::model::recommend::RankBy;

pub use builders::{Als, Cosine, FittedModel, Nmf, Popularity};
pub use error::ModelError;
pub use open::{Model, Users};
pub use rerank::Rerank;
pub use train::train;

/// Somebody to recommend to.
#[derive(Debug, Clone, Copy)]
pub struct Person<'a> {
    /// The user of the training data, where it is one; models may use what they learnt of them.
    pub user: Option<UserId>,
    /// What the person has rated, by ascending item.
    pub ratings: &'a [(ItemIx, f32)],
}

/// What a model thinks of every item for one person.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// What to rank by, an entry per item; NaN where the model knows nothing.
    pub score: Vec<f32>,
    /// Expected stars, an entry per item, where the model predicts ratings.
    pub rating: Option<Vec<f32>>,
}

/// A fitted model.
pub trait Recommender: std::fmt::Debug + Sync {
    /// Scores every item for a person, known or new.
    ///
    /// # Errors
    /// If the person's own equations cannot be solved.
    fn score(&self, person: Person<'_>) -> Result<Scores, ModelError>;

    /// Scores every item by its similarity to one; NaN where the model knows nothing.
    ///
    /// # Errors
    /// If the model holds no similarity between items.
    fn similar(&self, item: ItemIx) -> Result<Vec<f32>, ModelError>;

    /// Tells how alike two items are, 1 being the same; nothing where the model cannot tell without
    /// much work.
    fn similarity(&self, _a: ItemIx, _b: ItemIx) -> Option<f32> {
        None
    }

    /// Lists the users most similar to one; for models without factors.
    ///
    /// # Errors
    /// If the model holds no similarity between users.
    fn similar_users(&self, _person: Person<'_>) -> Result<Vec<(UserId, f32)>, ModelError> {
        Err(ModelError::NoSimilarUsers)
    }

    /// Splits the scores of items, or their predicted ratings, into the contributions of each
    /// rating of a person. With the base they add up to the score of a new person with these
    /// ratings, and to that of the user as far as training had converged.
    ///
    /// # Errors
    /// If the person's own equations cannot be solved.
    fn explain(
        &self,
        person: Person<'_>,
        items: &[ItemIx],
        rank_by: RankBy,
    ) -> Result<Vec<Explanation>, ModelError>;

    /// Computes what all new people share; to be called before many are asked about at once. (Left
    /// to the first of them, it would run on all threads while the others wait for it, and a
    /// thread that helps out may begin to wait for itself.)
    fn prepare(&self) {}

    /// Puts the vectors of other users in place of those that a model of vectors was opened for.
    fn take_users(&mut self, _users: Factors) {}

    /// Whether [`Scores::rating`] is there.
    fn predicts_ratings(&self) -> bool {
        self.factored().is_some_and(Factored::predicts_ratings)
    }

    /// Returns the model as one of vectors, where it is one.
    fn factored(&self) -> Option<&dyn Factored> {
        None
    }

    /// Returns the score below which an item is worse than one the model knows nothing about;
    /// `None` if low scores are no sign of dislike.
    fn dislike_threshold(&self) -> Option<f32> {
        None
    }

    /// Says what [`Scores::score`] means.
    fn score_meaning(&self) -> &'static str;

    /// Says what the values of [`Recommender::similar`] mean.
    fn similarity_meaning(&self) -> &'static str;
}

/// A model in which a score is the product of the vectors of person and item, and a number of the
/// item's own.
pub trait Factored: Sync {
    /// Returns the vectors of the users that the model was opened for.
    fn users(&self) -> &Factors;
    /// Returns the vectors of all items.
    fn items(&self) -> &Matrix;
    /// Returns how many of a vector's entries are factors; biases stand behind them.
    fn factors(&self) -> usize;
    /// Returns what is known of the items beside their vectors, and how predicted ratings rank.
    fn ranking(&self) -> &StarRanking;
    /// Whether products are predicted ratings.
    fn predicts_ratings(&self) -> bool;

    /// Returns how the model ranks where its products are predicted ratings; `None` where it ranks
    /// by the products themselves.
    fn star_ranking(&self) -> Option<&StarRanking> {
        self.predicts_ratings().then(|| self.ranking())
    }

    /// Returns the ratings of the data for a product of 1, where products are expected ratings.
    fn rating_unit(&self) -> f32 {
        self.star_ranking().map_or(1.0, StarRanking::unit)
    }

    /// Returns the vector of a person: the trained one, or one solved from the ratings; nothing
    /// where nothing that was rated counts.
    ///
    /// # Errors
    /// If the person's own equations cannot be solved.
    fn vector(&self, person: Person<'_>) -> Result<Option<Vec<f32>>, ModelError>;

    /// Returns what is added to the products, an entry per item; empty where that is zero.
    fn popularity_prior(&self) -> &[f32] {
        self.star_ranking().map_or(&[], StarRanking::popularity_prior)
    }

    /// Returns the item embeddings, a row per item; `None` where the model does not rank by them.
    fn embeddings(&self) -> Option<&Matrix> {
        self.star_ranking()?.embeddings()
    }

    /// Returns a person's profile, which the embeddings are multiplied with.
    fn profile(&self, person: Person<'_>) -> Option<ProfileVector> {
        self.star_ranking()?.profile(person.ratings)
    }

    /// Appends the profile to a person's vector, as the embeddings stand behind the item vectors.
    fn ranking_vector(&self, person: Person<'_>, vector: &[f32]) -> Vec<f32> {
        let mut whole = vector.to_vec();
        match self.profile(person) {
            Some(profile) => whole.extend(profile.vector),
            None => whole.resize(vector.len() + self.embeddings().map_or(0, |z| z.cols), 0.0),
        }
        whole
    }

    /// Completes the explanations of products to those of scores or predicted ratings.
    fn with_ranking(
        &self,
        person: Person<'_>,
        items: &[ItemIx],
        mut products: Vec<Explanation>,
        rank_by: RankBy,
    ) -> Vec<Explanation> {
        let Some(ranking) = self.star_ranking() else { return products };
        if rank_by == RankBy::Predicted {
            for explanation in &mut products {
                let values = explanation.parts.iter_mut().chain([&mut explanation.base]);
                values.for_each(|value| *value *= ranking.unit());
            }
            return products;
        }
        let profile = self.profile(person);
        for (item, explanation) in items.iter().zip(&mut products) {
            explanation.base += ranking.popularity_prior()[item.at()];
            if let Some(profile) = &profile {
                let more = ranking.contributions(profile, person.ratings, *item);
                explanation.parts.iter_mut().zip(more).for_each(|(sum, one)| *sum += one);
            }
        }
        products
    }
}

/// Scores every item by a model of vectors.
fn score_by_vectors(model: &dyn Factored, person: Person<'_>) -> Result<Scores, ModelError> {
    let items = model.items();
    let (mut score, mut rating) = (vec![f32::NAN; items.rows], None);
    if let Some(vector) = model.vector(person)? {
        scores(&items.data, &vector, &mut score);
        if model.star_ranking().is_some() {
            let unit = model.rating_unit();
            rating = Some(score.iter().map(|stars| unit * stars).collect());
        }
        if let Some((embeddings, profile)) = model.embeddings().zip(model.profile(person)) {
            let mut similarity = vec![0.0; embeddings.rows];
            scores(&embeddings.data, &profile.vector, &mut similarity);
            score.iter_mut().zip(similarity).for_each(|(score, similarity)| *score += similarity);
        }
    }
    score.iter_mut().zip(model.popularity_prior()).for_each(|(score, prior)| *score += prior);
    Ok(Scores { score, rating })
}

/// Returns the similarity of every item to one: of the vectors that scores come from, and of the
/// embeddings where there are some, as far as the ratings of the other item can be trusted.
fn similar_by_vectors(model: &dyn Factored, item: ItemIx) -> Vec<f32> {
    let mut similarity = factors::cosines(model.items(), model.factors(), item.at());
    if let Some(ranking) = model.star_ranking() {
        ranking.complete_similarities(item, &mut similarity);
    }
    model.ranking().trust_similarities(&mut similarity);
    similarity
}

/// Returns the similarity of two items as [`similar_by_vectors`] does.
fn similarity_by_vectors(model: &dyn Factored, a: ItemIx, b: ItemIx) -> f32 {
    let of_factors = factors::cosine(model.items(), model.factors(), a.at(), b.at());
    let similarity = match model.star_ranking() {
        Some(ranking) => ranking.similarity(of_factors, a, b),
        None => of_factors,
    };
    model.ranking().trust(b) * similarity
}

/// Returns the meaning of [`similar_by_vectors`].
fn similarity_of_vectors(model: &dyn Factored) -> &'static str {
    match model.embeddings() {
        Some(_) => ranking::SIMILARITY,
        None if model.ranking().has_counts() => {
            "cosine of the item factors, x n / (n + 5) for n ratings"
        }
        None => "cosine of the item factors",
    }
}

/// Called after each iteration with its number, from 1, and the loss; may end the fitting.
pub type OnIteration<'a> = &'a mut dyn FnMut(usize, f64) -> ControlFlow<()>;
