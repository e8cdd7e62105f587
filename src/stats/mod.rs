//! Reports on ratings: counts, means and orders, as plain tables.

pub mod movies;
pub mod summary;
