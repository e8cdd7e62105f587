//! Apache Parquet: row groups encoded and decoded on all threads, tables of any schema, and
//! ratings.

mod buffer;
mod checksum;
mod claims;
mod column;
mod encoding;
mod guard;
mod input;
mod page;
mod ratings;
mod read;
mod selection;
mod vectors;
mod window;
mod write;

pub use guard::suppress_caught_panics;
pub use input::ParquetInput;
pub use ratings::{RatingChunks, RatingGroups, RowMemory};
pub use read::ParquetFile;
pub use vectors::IdVectors;
pub use write::{
    BELONGS_TO, GROUP_ROWS, GroupWriter, ParquetLayout, belonging_to, ratings_layout, write,
    write_batch, write_file,
};
