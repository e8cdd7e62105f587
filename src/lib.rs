//! Turns rating data into recommendations; the library behind the `mvrec` command.
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

pub mod cli;
pub mod dataset;
pub mod io;
pub mod linalg;
pub mod model;
pub mod progress;
pub mod schema;
pub mod stats;
