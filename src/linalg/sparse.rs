//! A view of a sparse matrix in compressed rows.

use rayon::prelude::*;

use crate::linalg::dense::{Matrix, add_rows};

/// Rows of (column, value) pairs: row `i` is `indices[starts[i]..starts[i + 1]]`, columns
/// ascending.
#[derive(Debug, Clone, Copy)]
pub struct CsrView<'a> {
    /// Where each row starts, and the end of the last.
    pub starts: &'a [usize],
    /// Column of each entry.
    pub indices: &'a [u32],
    /// Value of each entry.
    pub values: &'a [f32],
}

impl<'a> CsrView<'a> {
    /// Returns the number of rows.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.starts.len() - 1
    }

    /// Returns the columns and values of a row.
    #[must_use]
    pub fn row(&self, i: usize) -> (&'a [u32], &'a [f32]) {
        let range = self.starts[i]..self.starts[i + 1];
        (&self.indices[range.clone()], &self.values[range])
    }

    /// Returns the number of entries of a row.
    #[must_use]
    pub fn len(&self, i: usize) -> usize {
        self.starts[i + 1] - self.starts[i]
    }

    /// Returns the product with a dense matrix, each value being replaced by what `weight` makes of
    /// it.
    #[must_use]
    pub fn times(&self, x: &Matrix, weight: impl Fn(f32) -> f32 + Sync) -> Matrix {
        let mut out = Matrix::zeros(self.n_rows(), x.cols);
        out.data.par_chunks_mut(x.cols.max(1)).enumerate().for_each_init(
            Vec::new,
            |weights: &mut Vec<f32>, (i, out)| {
                let (indices, values) = self.row(i);
                weights.clear();
                weights.extend(values.iter().map(|&value| weight(value)));
                add_rows(x, indices, weights, out);
            },
        );
        out
    }

    /// Returns the number of entries.
    #[must_use]
    pub fn nnz(&self) -> usize {
        self.values.len()
    }
}
