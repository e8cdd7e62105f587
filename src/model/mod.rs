//! Recommenders: what they are asked, what they answer, and how each is fitted, saved and opened.

pub mod als;
pub mod catalogue;
pub mod cosine;
pub mod describe;
mod error;
pub mod factors;
pub mod info;
pub mod nmf;
pub mod open;
pub mod popularity;
pub mod recommend;
pub mod seen;
pub mod spark;
pub mod train;
pub mod warm;

use std::ops::ControlFlow;

use crate::dataset::ids::{ItemIx, UserId};

pub use error::ModelError;
pub use open::{Model, Users};
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

    /// Says what [`Scores::score`] means.
    fn score_meaning(&self) -> &'static str;

    /// Says what the values of [`Recommender::similar`] mean.
    fn likeness_meaning(&self) -> &'static str;
}

/// Called after each iteration with its number, from 1, and the loss; may end the fitting.
pub type OnIteration<'a> = &'a mut dyn FnMut(usize, f64) -> ControlFlow<()>;
