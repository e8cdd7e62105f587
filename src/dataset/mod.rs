//! Ratings and movies in memory: loading, order, filters, dense indices, and dataset directories.

pub mod draw;
pub(crate) mod error;
pub mod expr;
pub mod filter;
pub mod id_lists;
pub mod ids;
pub mod ingest;
pub mod input;
pub mod keyed;
mod list_layout;
pub mod load;
pub mod manifest;
pub mod matrix;
pub mod movie_file;
pub mod movies;
mod open;
pub mod ratings;
pub mod scan;
pub mod sidecar;
pub mod sort;
pub mod store;
pub mod title_source;
pub mod titles;
pub mod writer;

pub use error::DatasetError;
pub use movies::Movies;
pub use ratings::Ratings;
pub use scan::RatingScan;
pub use sidecar::DatasetMetadata;

/// Ratings in memory with all that came along.
#[derive(Debug, Clone, Default)]
pub struct Dataset {
    /// The ratings.
    pub ratings: Ratings,
    /// Movies, keys and provenance.
    pub sidecar: DatasetMetadata,
    /// Rows that repeated a pair of user and movie.
    pub duplicates: usize,
}
