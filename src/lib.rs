//! Turns rating data into recommendations; the library behind the `mvrec` command.
//!
//! Rooms, each of which uses only those below it:
//!
//! | room | what it does |
//! |---|---|
//! | [`cli`] | arguments, output, exit codes |
//! | [`tune`] | the search of parameters |
//! | [`stats`], [`eval`] | figures of the ratings; what is held out to judge models |
//! | [`model`] | recommenders: fit, save, open, recommend |
//! | [`dataset`] | ratings and movies in memory: order, filters, dense indices |
//! | [`io`], [`linalg`] | files to columns and back; kernels on slices |
//! | [`schema`], [`progress`], [`suggest`] | names of files and columns; progress; typos |
//!
//! From rating files to a list, as `mvrec ingest`, `filter`, `train als` and `recommend --rate` do
//! it:
//!
//! ```
//! use mvrec::{Als, Dataset, Model};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("als");
//! let data = Dataset::open("fixtures/ml-mini")?.filter("year = 2019")?;
//! Als::explicit().factors(8).fit(&data)?.save(&path)?;
//! let model = Model::open(&path)?;
//! let alien = model.movie("alien")?;
//! for row in model.recommend([(alien, 5.0)])?.take(3) {
//!     println!("{} {:.2}", model.catalogue.name(row.item), row.score.unwrap_or_default());
//! }
//! # assert_eq!(model.recommend([(alien, 5.0)])?.filter(|row| row.item == alien).count(), 0);
//! # Ok(())
//! # }
//! ```
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

pub mod cli;
pub mod dataset;
pub mod eval;
pub mod io;
pub mod linalg;
pub mod model;
pub mod plot;
pub mod progress;
pub mod schema;
pub mod stats;
pub mod suggest;
pub mod tune;

pub use dataset::Dataset;
pub use model::{Als, Cosine, Model, Nmf, Popularity};
