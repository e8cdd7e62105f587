//! Reports on ratings: counts, means, orders and distributions, as plain tables.

pub mod genres;
pub mod landing;
pub mod movie;
pub mod movies;
pub mod summary;
mod sums;
pub mod timeline;
pub mod users;
