//! Scaled truncated SVD: movies are near each other that the same people rate highly.
//!
//! The score of item i is what the truncated decomposition of the scaled rating matrix reconstructs
//! of a user's row, nothing counting as 0: r_u (D V w) (V D⁻¹)ᵀ with the ratings r_u on a scale of
//! 0.5 to 5, D = diag(n_i^−0.2), V the right singular vectors of the rating matrix times D and w
//! their weights (`PureSVD`, Cremonesi, Koren & Turrin 2010, with the column scaling of `EigenRec`,
//! Nikolakopoulos and others 2019; see [`crate::model::embeddings`]). A user is a sum over the
//! movies that they have rated, so new ones cost nothing.

mod algorithm;
mod fold_in;
mod params;

pub use algorithm::Svd;
pub use params::SvdParams;
