//! The scan protocol: how a reader of ratings and whoever consumes them work together.
//!
//! A scan is a single pass over rows in order. For every part of them, on the thread that reads it,
//! the reader calls a [`RowConsumer`] in this order:
//!
//! 1. [`RowConsumer::projection`] and [`RowConsumer::late_projection`], which must not change
//!    during a scan: columns that neither names may come empty;
//! 2. then for each batch of rows, batches being of any length and in the order of the file:
//!    [`RowConsumer::select`] if there is a late projection, [`RowConsumer::consume`] with all rows
//!    of the batch, and [`RowConsumer::consume_selected`] with those that were selected, unless
//!    they are none.
//!
//! A reader that has decoded the late columns anyway ([`SelectedRows::feed`]) may call `consume`
//! before `select`. Nothing is called again after an error.

use crate::io::columns::{DictionaryRatings, RatingColumns, RatingRows};

/// Columns of ratings that are read; the others may come empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Projection {
    /// `user_id`.
    pub users: bool,
    /// `movie_id`.
    pub movies: bool,
    /// `rating`.
    pub ratings: bool,
    /// `time_ms`.
    pub times: bool,
    /// Ratings as dictionary indices, in [`RatingRows::dictionary`]; falls back to `rating` if the
    /// column is not dictionary-encoded.
    pub rating_indices: bool,
}

impl Projection {
    /// All four columns.
    pub const ALL: Self =
        Self { users: true, movies: true, ratings: true, times: true, rating_indices: false };

    /// Returns the columns of both.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self {
            users: self.users || other.users,
            movies: self.movies || other.movies,
            ratings: self.ratings || other.ratings,
            times: self.times || other.times,
            rating_indices: self.rating_indices || other.rating_indices,
        }
    }
}

/// Consumes batches of rows; see the [module](self) for the order of calls.
pub trait RowConsumer {
    /// Returns the columns that [`Self::consume`] and [`Self::select`] read.
    fn projection(&self) -> Projection;

    /// Consumes rows that come after all that were consumed before.
    fn consume(&mut self, rows: RatingRows<'_>);

    /// Returns the columns to materialize late, for selected rows only.
    fn late_projection(&self) -> Projection {
        Projection::default()
    }

    /// Appends the indices of the selected rows of a batch, ascending.
    fn select(&self, rows: RatingRows<'_>, selected: &mut Vec<u32>) {
        let _ = (rows, selected);
    }

    /// Consumes the selected rows of the batch that was consumed last.
    fn consume_selected(&mut self, rows: RatingRows<'_>) {
        let _ = rows;
    }
}

/// Memory for the selected rows of a batch.
#[derive(Debug, Default)]
pub struct SelectedRows {
    /// Their indices.
    pub rows: Vec<u32>,
    columns: RatingColumns,
    indices: Vec<u8>,
}

impl SelectedRows {
    /// Feeds a consumer a batch that has all of its columns, late ones included.
    pub fn feed(&mut self, consumer: &mut impl RowConsumer, rows: RatingRows<'_>) {
        consumer.consume(rows);
        if consumer.late_projection() != Projection::default() {
            self.rows.clear();
            consumer.select(rows, &mut self.rows);
            consumer.consume_selected(self.gather(rows));
        }
    }

    /// Returns the selected ones of some rows, of those columns that are not empty.
    fn gather<'a>(&'a mut self, rows: RatingRows<'a>) -> RatingRows<'a> {
        fn take<T: Copy>(to: &mut Vec<T>, from: &[T], rows: &[u32]) {
            to.clear();
            if !from.is_empty() {
                to.extend(rows.iter().map(|&row| from[row as usize]));
            }
        }
        let Self { rows: selected, columns, indices } = self;
        take(&mut columns.user_id, rows.user_id, selected);
        take(&mut columns.movie_id, rows.movie_id, selected);
        take(&mut columns.rating, rows.rating, selected);
        take(&mut columns.time_ms, rows.time_ms, selected);
        take(indices, rows.dictionary.map_or(&[], |ratings| ratings.indices), selected);
        let RatingColumns { user_id, movie_id, rating, time_ms } = &*columns;
        let dictionary = rows
            .dictionary
            .map(|ratings| DictionaryRatings { indices: &*indices, values: ratings.values });
        RatingRows { user_id, movie_id, rating, time_ms, dictionary }
    }
}
