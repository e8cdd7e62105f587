//! What can go wrong with a dataset beyond its files.

use crate::dataset::expr::ExprError;
use crate::dataset::movies::UnknownGenre;
use crate::io::IoError;
use crate::io::values::Scale;

/// Failure to load, filter or store a dataset.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] IoError),
    /// A directory is not a dataset.
    #[error("{path}: not a dataset directory (no ratings.parquet in it, nor other Parquet files)")]
    NotADataset {
        /// Directory, as the user named it.
        path: String,
    },
    /// A directory is a model.
    #[error("{path}: is a model, expected ratings")]
    IsAModel {
        /// Directory, as the user named it.
        path: String,
    },
    /// A directory is a split.
    #[error("{path}: is a split; give one of its parts, such as {path}/train")]
    IsASplit {
        /// Directory, as the user named it.
        path: String,
    },
    /// Genres were asked for, and there are none.
    #[error("genres are needed, but these ratings have no movies")]
    NoMovies,
    /// An expression cannot be understood.
    #[error(transparent)]
    Expression(#[from] ExprError),
    /// No movie has a genre that was asked for.
    #[error(transparent)]
    UnknownGenre(#[from] UnknownGenre),
    /// Sources that are to be joined rate on different scales.
    #[error("{input}: rating scale {scale} differs from that of the earlier sources")]
    MixedScales {
        /// Source, as the user named it.
        input: String,
        /// Its scale.
        scale: Scale,
    },
    /// None of the ids of a list is in the data.
    #[error("{file}: none of its ids is a {side} of the data: {}", shown(.ids))]
    UnknownIds {
        /// List, as the user named it.
        file: String,
        /// User or movie.
        side: &'static str,
        /// The ids.
        ids: Vec<String>,
    },
    /// The ids of two things that belong together are text in one of them and numbers in the other.
    #[error("ids of {side} are text in one of these inputs and numbers in the other")]
    OtherIds {
        /// Users or movies.
        side: &'static str,
    },
    /// There are more ratings than one set can index.
    #[error("{rows} ratings exceed the limit of a dataset (4,294,967,295)")]
    TooMany {
        /// Rows found.
        rows: usize,
    },
}

/// Returns the first ids of a list, and how many more there are.
#[must_use]
pub(crate) fn shown(ids: &[String]) -> String {
    const SHOWN: usize = 10;
    let mut text: Vec<String> =
        ids.iter().take(SHOWN).map(|id| format!("`{}`", id.escape_debug())).collect();
    if ids.len() > SHOWN {
        text.push(format!("and {} more", ids.len() - SHOWN));
    }
    text.join(", ")
}
