//! Ratings and movies in memory: loading, order, filters, dense indices, and dataset directories.

pub mod draw;
pub(crate) mod error;
pub mod expr;
pub mod filter;
pub mod ids;
pub mod keyed;
mod list_layout;
pub mod load;
pub mod manifest;
pub mod matrix;
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
pub use load::Dataset;
pub use movies::Movies;
pub use ratings::Ratings;
pub use scan::RatingScan;
pub use sidecar::DatasetMetadata;
