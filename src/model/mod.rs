//! Recommenders: what they are asked, what they answer, and how each is fitted, saved and opened.

pub mod als;
pub mod candidates;
pub mod catalogue;
pub mod cosine;
pub mod describe;
mod error;
pub mod explain;
pub mod factors;
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
pub mod taste;
pub mod train;
mod units;
pub mod warm;

use std::ops::ControlFlow;

use crate::dataset::ids::{ItemIx, UserId};
use crate::linalg::dense::{Matrix, scores};
use crate::model::explain::Explanation;
use crate::model::factors::Factors;
use crate::model::ranking::{StarRanking, Taste};

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

    /// Scores every item by its likeness to one; NaN where the model knows nothing.
    ///
    /// # Errors
    /// If the model holds no likeness between items.
    fn similar(&self, item: ItemIx) -> Result<Vec<f32>, ModelError>;

    /// Tells how alike two items are, 1 being the same; nothing where the model cannot tell without
    /// much work.
    fn likeness(&self, _a: ItemIx, _b: ItemIx) -> Option<f32> {
        None
    }

    /// Lists the users most like one, with their likeness; asked of models without vectors.
    ///
    /// # Errors
    /// If the model holds no likeness between users.
    fn similar_users(&self, _person: Person<'_>) -> Result<Vec<(UserId, f32)>, ModelError> {
        Err(ModelError::NoSimilarUsers)
    }

    /// Splits the scores of items into what each rating of a person brought; the parts add up to
    /// the score of a new person with these ratings, and to that of the user as far as training
    /// had settled.
    ///
    /// # Errors
    /// If the person's own equations cannot be solved.
    fn explain(&self, person: Person<'_>, items: &[ItemIx])
    -> Result<Vec<Explanation>, ModelError>;

    /// Computes what all new people share; to be called before many are asked about at once. (Left
    /// to the first of them, it would run on all threads while the others wait for it, and a
    /// thread that helps out may begin to wait for itself.)
    fn prepare(&self) {}

    /// Puts the vectors of other users in place of those that a model of vectors was opened for.
    fn take_users(&mut self, _users: Factors) {}

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
    fn likeness_meaning(&self) -> &'static str;
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
    /// Returns how the model ranks, where its products are expected stars; else it ranks by the
    /// products themselves.
    fn star_ranking(&self) -> Option<&StarRanking>;

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

    /// Returns what is added to the products, an entry per item, or nothing at all.
    fn bonus(&self) -> &[f32] {
        self.star_ranking().map_or(&[], StarRanking::bonus)
    }

    /// Returns the vectors of taste, a row per item, where the model ranks by them, too.
    fn taste_vectors(&self) -> Option<&Matrix> {
        self.star_ranking()?.vectors()
    }

    /// Returns what a person's ratings say about a list beside the expected stars.
    fn taste(&self, person: Person<'_>) -> Option<Taste> {
        self.star_ranking()?.taste(person.ratings)
    }

    /// Completes a person's vector, which an item's is multiplied with, by the one for the item's
    /// vector of taste.
    fn ranking_vector(&self, person: Person<'_>, vector: &[f32]) -> Vec<f32> {
        let mut whole = vector.to_vec();
        match self.taste(person) {
            Some(taste) => whole.extend(taste.vector),
            None => whole.resize(vector.len() + self.taste_vectors().map_or(0, |z| z.cols), 0.0),
        }
        whole
    }

    /// Completes the explanations of products to those of scores.
    fn with_ranking(
        &self,
        person: Person<'_>,
        items: &[ItemIx],
        mut products: Vec<Explanation>,
    ) -> Vec<Explanation> {
        let Some(ranking) = self.star_ranking() else { return products };
        let taste = self.taste(person);
        for (item, explanation) in items.iter().zip(&mut products) {
            explanation.base += ranking.bonus()[item.at()];
            if let Some(taste) = &taste {
                let parts = ranking.parts(taste, person.ratings, *item);
                explanation.parts.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
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
        if let Some((z, taste)) = model.taste_vectors().zip(model.taste(person)) {
            let mut near = vec![0.0; z.rows];
            scores(&z.data, &taste.vector, &mut near);
            score.iter_mut().zip(near).for_each(|(score, near)| *score += near);
        }
    }
    score.iter_mut().zip(model.bonus()).for_each(|(score, bonus)| *score += bonus);
    Ok(Scores { score, rating })
}

/// Scores every item by its likeness to one: by the vectors that the scores come from, and by what
/// people rate together where the model knows that.
fn similar_by_vectors(model: &dyn Factored, item: ItemIx) -> Vec<f32> {
    let mut likeness = factors::cosines(model.items(), model.factors(), item.at());
    if let Some(ranking) = model.star_ranking() {
        ranking.complete_likeness(item, &mut likeness);
    }
    likeness
}

/// Tells how alike two items are, by the same vectors.
fn likeness_by_vectors(model: &dyn Factored, a: ItemIx, b: ItemIx) -> f32 {
    let own = factors::cosine(model.items(), model.factors(), a.at(), b.at());
    match model.star_ranking() {
        Some(ranking) => ranking.similarity(own, a, b),
        None => own,
    }
}

/// Says what [`similar_by_vectors`] means.
fn likeness_of_vectors(model: &dyn Factored) -> &'static str {
    match model.taste_vectors() {
        Some(_) => ranking::LIKENESS,
        None => "cosine of the movies' vectors",
    }
}

/// Called after each iteration with its number, from 1, and the loss; may end the fitting.
pub type OnIteration<'a> = &'a mut dyn FnMut(usize, f64) -> ControlFlow<()>;
