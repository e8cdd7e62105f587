//! Searches the parameters of an algorithm for those that do best on validation ratings.
//!
//! A [`SearchSpace`](space::SearchSpace) says what may be tried, a
//! [`Sampler`](sampler::Sampler) what is tried next, an [`Objective`](objective::Objective) how
//! good it is, and the [`search`](search::search) gives most iterations to what is most promising.
//! Every trial is a line of a [log](log::TrialLog), from which a search that was ended goes on.
//!
//! Draws follow from the seed and the trial alone, and fits are the same with any number of
//! threads: so is the search.

pub mod log;
pub mod objective;
pub mod sampler;
pub mod search;
pub mod space;

use crate::model::ModelError;

/// Failure to search.
#[derive(Debug, thiserror::Error)]
pub enum TuneError {
    /// A parameter that the algorithm does not have, or that has no effect beside the others.
    #[error("{algorithm} has no parameter `{name}`{suggestion}; it has {known}")]
    UnknownParameter {
        /// Name of the algorithm.
        algorithm: &'static str,
        /// The parameter.
        name: String,
        /// A name like it, as a question.
        suggestion: String,
        /// Those that there are.
        known: String,
    },
    /// A value that the parameter cannot take.
    #[error("{name}: {problem}")]
    BadRange {
        /// The parameter.
        name: String,
        /// What is wrong.
        problem: String,
    },
    /// A figure that cannot be tuned for, or that the model does not have.
    #[error("there is no figure `{name}` to tune for; there are {known}")]
    UnknownMetric {
        /// The figure.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// A figure that does not exist for a model and the ratings.
    #[error("{name} is no number: the model predicts no ratings, or no validation rating counts")]
    NoFigure {
        /// The figure.
        name: String,
    },
    /// The log is of another search.
    #[error("{path}: {problem}")]
    OtherSearch {
        /// The file.
        path: String,
        /// What differs.
        problem: String,
    },
    /// A model could not be fitted or asked.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The ratings could not be divided.
    #[error(transparent)]
    Split(#[from] crate::eval::split::SplitError),
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] crate::io::IoError),
}
