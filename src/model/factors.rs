//! Vectors of users and items with their raw ids, as ALS and NMF have them.

use rayon::prelude::*;

use crate::linalg::dense::{Matrix, dot};
use crate::model::als::UserPrior;

/// Raw ids with a vector each, ids ascending.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Factors {
    /// Raw ids, ascending.
    pub ids: Vec<i32>,
    /// A row per id.
    pub vectors: Matrix,
}

impl Factors {
    /// Returns the vector of a raw id.
    #[must_use]
    pub fn get(&self, id: i32) -> Option<&[f32]> {
        let at = self.ids.binary_search(&id).ok()?;
        Some(self.vectors.row(at))
    }
}

/// Result of fitting both sides.
#[derive(Debug, Clone)]
pub struct FittedFactors {
    /// User factors, users × width.
    pub users: Matrix,
    /// Item factors, items × width.
    pub items: Matrix,
    /// Value of the objective after each iteration.
    pub losses: Vec<f64>,
    /// Prior of the users that new ones are folded in by.
    pub(crate) user_prior: Option<UserPrior>,
}

/// Returns the bytes that rows of factors take in a fit: trained, half-way, and written.
pub(crate) fn bytes(rows: usize, width: usize) -> u64 {
    3 * (size_of::<f32>() * width) as u64 * rows as u64
}

/// Returns the cosine of each row's first `k` entries with those of one vector.
pub(crate) fn cosines(vectors: &Matrix, k: usize, one: &[f32]) -> Vec<f32> {
    let one = &one[..k];
    vectors.data.par_chunks_exact(vectors.cols).map(|row| cosine_of(&row[..k], one)).collect()
}

/// Returns the cosine of the first `k` entries of two rows.
pub(crate) fn cosine(vectors: &Matrix, k: usize, a: usize, b: usize) -> f32 {
    cosine_of(&vectors.row(a)[..k], &vectors.row(b)[..k])
}

fn cosine_of(a: &[f32], b: &[f32]) -> f32 {
    let length = |row: &[f32]| dot(row, row).sqrt();
    dot(a, b) / (length(a) * length(b))
}
