//! Neighbourhoods by cosine similarity, between movies (default) or between users.
//!
//! s_ij = Σ r_ui r_uj / (|r_i| |r_j|) · n_ij / (n_ij + shrinkage), where n_ij counts the users who
//! rated both, and each row keeps its most similar neighbours. With `center` each rating is taken
//! relative to its user's mean (between movies: the adjusted cosine of Sarwar et al. 2001; between
//! users: Pearson's correlation up to its norm).
//!
//! Between movies a user's score of j is Σ s_ij (r_i − c) over the rated movies i of which j is a
//! neighbour; c is 0, or with `center` the user's mean, damped towards that of all ratings.
//! Between users it is Σ s_uv r_vj over the user's neighbours v.
//!
//! Each pair of rows is summed up once, in a dense accumulator of the shorter one:
//! fitting costs O(Σ_u n_u² / 2) between movies, and memory is bounded by rows × 2 · neighbours.

mod algorithm;
mod fit;
mod params;
mod recommender;
mod store;

pub use algorithm::Cosine;
pub use fit::{NeighborLists, fit};
pub use params::{CosineParams, NeighborSide};
pub use recommender::{CosineMovies, CosineUsers};
