//! A view of a sparse matrix in compressed rows.

/// Rows of (column, value) pairs: row `i` is `indices[starts[i]..starts[i + 1]]`, columns ascending.
#[derive(Debug, Clone, Copy)]
pub struct Csr<'a> {
    /// Where each row starts, and the end of the last.
    pub starts: &'a [usize],
    /// Column of each entry.
    pub indices: &'a [u32],
    /// Value of each entry.
    pub values: &'a [f32],
}

impl<'a> Csr<'a> {
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

    /// Returns the number of entries.
    #[must_use]
    pub fn nnz(&self) -> usize {
        self.values.len()
    }
}
