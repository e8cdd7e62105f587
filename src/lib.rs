//! Turns rating data into recommendations; the library behind the `mvrec` command.
//!
//! Rooms, each of which uses only those below it:
//!
//! | room | what it does |
//! |---|---|
//! | [`cli`] | arguments, output, exit codes |
//! | [`stats`], [`eval`] | figures of the ratings; what is held out to judge models |
//! | [`model`] | recommenders: fit, save, open, recommend |
//! | [`dataset`] | ratings and movies in memory: order, filters, dense indices |
//! | [`io`], [`linalg`] | files to columns and back; kernels on slices |
//! | [`schema`], [`progress`], [`suggest`] | names of files and columns; how work is reported; typos |
//!
//! From rating files to a list, as `mvrec ingest`, `filter --year 2019`, `train als` and `recommend
//! --rate` do it:
//!
//! ```
//! use std::path::Path;
//!
//! use mvrec::dataset::Ratings;
//! use mvrec::dataset::filter::{Conditions, Filter};
//! use mvrec::dataset::load::load;
//! use mvrec::dataset::title_source::load_movies;
//! use mvrec::dataset::ratings::Duplicates;
//! use mvrec::io::atomic::{AtomicDir, MODEL};
//! use mvrec::io::time::start_of_year;
//! use mvrec::model::als::AlsParams;
//! use mvrec::model::recommend::{Query, Ranker};
//! use mvrec::model::info::Algorithm;
//! use mvrec::model::{Model, Person, Users, train};
//! use mvrec::progress::Silent;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let source = Path::new("fixtures/ml-mini");
//! let mut dataset = load(&source.join("ratings.csv"), &Silent)?;
//! let movies = load_movies(source, None)?;
//! let of_2019 = Conditions { since_ms: start_of_year(2019), ..Conditions::default() };
//! let kept = Filter::new(&of_2019, None, None)?.rows(dataset.ratings.columns());
//! (dataset.ratings, _) = Ratings::new(kept, Duplicates::Last);
//!
//! let algorithm = Algorithm::Als(AlsParams { factors: 8, ..AlsParams::explicit() });
//! let folder = tempfile::tempdir()?;
//! let out = AtomicDir::create(&folder.path().join("als"), MODEL, &[])?;
//! train(&dataset, Some(&movies), algorithm, &Silent)?.write(&out)?;
//! out.commit()?;
//!
//! let model = Model::open(&folder.path().join("als"), &Users::Some(Vec::new()), None)?;
//! let alien = model.catalogue.find("alien")?;
//! let person = Person { user: None, ratings: &[(alien, 5.0)] };
//! let list = Ranker::new(&model, Query { n: 3, ..Query::default() }).for_person(person)?;
//! assert_eq!(list.len(), 3);
//! assert!(list.iter().all(|row| row.item != alien));
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
