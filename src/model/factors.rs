//! Vectors of users and items with their raw ids, as ALS and NMF have them.

use rayon::prelude::*;

use crate::dataset::ids::ItemIx;
use crate::linalg::dense::{Matrix, dot};

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

/// Returns the cosine of each row's first `k` entries with those of one row.
pub(crate) fn cosines(items: &Matrix, k: usize, item: ItemIx) -> Vec<f32> {
    let one = &items.row(item.at())[..k];
    let length = |row: &[f32]| dot(row, row).sqrt();
    let norm = length(one);
    items
        .data
        .par_chunks_exact(items.cols)
        .map(|row| dot(&row[..k], one) / (length(&row[..k]) * norm))
        .collect()
}
