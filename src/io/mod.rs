//! From bytes to plain columns of raw ids and back: one file per format, and atomic writing.
//!
//! Nothing here knows dense indices, filters or models.

pub mod atomic;
pub mod batches;
pub mod columns;
pub mod delimited;
mod error;
pub mod json;
pub mod movielens;
pub mod parquet;
pub mod rejects;
pub mod source;
pub mod table;
pub mod time;
pub mod values;

pub use error::IoError;
