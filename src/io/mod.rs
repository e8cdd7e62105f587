//! From bytes to plain columns of raw ids and back: one file per format, and atomic writing.
//!
//! Nothing here knows dense indices, filters or models.

pub mod atomic;
pub mod batches;
pub mod columns;
pub mod compress;
pub(crate) mod error;
pub mod id_list;
pub mod import_state;
pub mod json;
pub mod json_array;
pub mod keys;
pub mod movielens;
pub mod numbers;
pub mod parquet;
pub mod parts;
pub mod printable;
pub mod profiles;
pub mod rejects;
pub mod scan;
pub mod source;
pub mod table;
pub mod text;
pub mod time;
pub mod values;

pub use error::{BadValue, IoError};
