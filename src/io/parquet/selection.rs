//! The rows of a column that are selected, as a page sees them.

use std::ops::Range;

/// All rows of a page, or some of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct PageSelection<'a> {
    /// Rows of the column, ascending; `None` selects all.
    rows: Option<&'a [u32]>,
    /// Row of the column that is the first of the page.
    first: usize,
}

impl<'a> PageSelection<'a> {
    /// Selects all rows.
    pub(super) const ALL: Self = Self { rows: None, first: 0 };

    /// Selects rows of a page by their index in it, ascending.
    pub(super) fn for_page(rows: &'a [u32]) -> Self {
        Self { rows: Some(rows), first: 0 }
    }

    /// Selects rows of a column, ascending, or all of them, for the page that begins with row
    /// `first`.
    pub(super) fn for_column(rows: Option<&'a [u32]>, first: usize) -> Self {
        Self { rows, first }
    }

    /// Returns the selected rows among some of the page; `None` if all are selected.
    pub(super) fn within(&self, range: Range<usize>) -> Option<&'a [u32]> {
        let rows = self.rows?;
        let at = |index: usize| rows.partition_point(|&row| (row as usize) < self.first + index);
        Some(&rows[at(range.start)..at(range.end)])
    }

    /// Returns how many of the first `n` rows of the page are selected.
    pub(super) fn count(&self, n: usize) -> usize {
        self.within(0..n).map_or(n, <[u32]>::len)
    }

    /// Returns the index of a row of the column in the page.
    pub(super) fn index(&self, row: u32) -> usize {
        row as usize - self.first
    }
}
