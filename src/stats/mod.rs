//! Reports on ratings: counts, means, orders and distributions, as plain tables.

mod distinct;
pub mod genres;
pub mod histogram;
pub mod landing;
pub mod model;
pub mod movie;
pub mod movies;
pub mod report;
pub mod summary;
pub mod sums;
pub mod timeline;
pub mod users;
