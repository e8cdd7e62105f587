//! The baseline: what most users have rated, and the ratings that biases alone predict.
//!
//! An item is scored by its number of ratings. Its predicted rating is μ + b_u + b_i, where
//! b_i = Σ (r − μ) / (n_i + d) and b_u = Σ (r − μ − b_i) / (n_u + d) are means damped by d (Koren
//! 2010, "Factor in the neighbors", section 2.1).

mod algorithm;
mod params;
mod recommender;

pub use algorithm::Popularity;
pub use params::PopularityParams;
pub use recommender::PopularityModel;
