//! Reports on ratings: counts, means, orders and distributions, as plain tables.

pub mod describe;
mod distinct;
pub mod full_report;
pub mod genres;
pub mod histogram;
pub mod landing;
pub mod model;
pub mod movie;
pub mod movies;
pub mod sum_table;
pub mod summary;
pub mod sums;
pub mod timeline;
pub mod users;
