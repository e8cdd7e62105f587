//! Apache Parquet: row groups encoded and decoded on all threads, tables of any schema, and
//! ratings.

mod bits;
mod buffer;
mod checksum;
mod claims;
mod decode;
mod guard;
mod import;
mod input;
mod ratings;
mod read;
mod vectors;
mod window;
mod write;

pub use guard::hush;
pub use input::ParquetInput;
pub use ratings::{RatingChunks, RatingGroups, RowMemory};
pub use read::ParquetFile;
pub use vectors::Vectors;
pub use write::{
    BELONGS_TO, GROUP_ROWS, GroupWriter, ParquetLayout, belonging_to, ratings_layout, write,
    write_batch, write_file,
};
