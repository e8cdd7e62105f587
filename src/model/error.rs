//! What can go wrong with a model beyond its files.

use crate::dataset::DatasetError;
use crate::io::IoError;
use crate::io::values::Scale;

/// Failure to fit, save, open or ask a model.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] IoError),
    /// A dataset could not be loaded.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// A parameter is out of its range.
    #[error("{name} must be {must}, not {value}")]
    BadParameter {
        /// Name of the parameter.
        name: &'static str,
        /// What it must be.
        must: &'static str,
        /// What it is.
        value: String,
    },
    /// There is nothing to learn from.
    #[error("no ratings to train on")]
    NoRatings,
    /// Implicit training found no rating that counts as liked.
    #[error("no rating in {scale} is {from} or more, the threshold of positive feedback")]
    NoPositives {
        /// Threshold.
        from: f32,
        /// Ratings that can be given.
        scale: Scale,
    },
    /// Ratings that are all the same predict nothing.
    #[error("unary feedback: all ratings are equal, so there is no rating to predict")]
    Unary,
    /// Non-negative factors cannot make a negative rating.
    #[error("NMF needs non-negative ratings, but {rating} is one of them")]
    Negative {
        /// The lowest rating.
        rating: f32,
    },
    /// A row's equations have no unique solution.
    #[error("the equations of {} are singular; raise the regularization", row(side, *.id))]
    Singular {
        /// `user` or `movie`.
        side: &'static str,
        /// Raw id of the row; `None` for a new user.
        id: Option<i32>,
    },
    /// Factors are no longer finite.
    #[error(
        "training diverged in iteration {iteration}: the loss is {loss}; raise the regularization"
    )]
    Diverged {
        /// Iteration, from 1.
        iteration: usize,
        /// The loss.
        loss: f64,
    },
    /// A directory is not a model.
    #[error("{path}: not a model directory (neither model.json nor Spark's metadata in it)")]
    NotAModel {
        /// Directory, as the user named it.
        path: String,
    },
    /// A model to go on from has vectors of another length.
    #[error("{path}: factors have width {found}, expected {wanted} for these parameters")]
    OtherWidth {
        /// Directory, as the user named it.
        path: String,
        /// Entries found, biases included.
        found: usize,
        /// Entries wanted, biases included.
        wanted: usize,
    },
    /// A model directory contradicts itself.
    #[error("{path}: {problem}")]
    Damaged {
        /// File or directory.
        path: String,
        /// What does not fit.
        problem: String,
    },
    /// The model has never seen the user.
    #[error("user {user} is not in the model")]
    UnknownUser {
        /// Raw id or key.
        user: String,
    },
    /// The model has no similarity between items.
    #[error("this model has no item-item similarity; train cosine --between movies, als or nmf")]
    NoSimilarItems,
    /// The model has no similarity between users.
    #[error("this model has no user-user similarity; als, nmf and cosine --between users have")]
    NoSimilarUsers,
}

fn row(side: &str, id: Option<i32>) -> String {
    id.map_or_else(|| "the new person".into(), |id| format!("{side} {id}"))
}

/// Returns an error unless a parameter is in its range.
pub(crate) fn check(
    ok: bool,
    name: &'static str,
    must: &'static str,
    value: impl std::fmt::Display,
) -> Result<(), ModelError> {
    if ok { Ok(()) } else { Err(ModelError::BadParameter { name, must, value: value.to_string() }) }
}
