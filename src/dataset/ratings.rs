//! Ratings in the one order that everything below relies on: by user, then movie, each pair once.

use rayon::prelude::*;

use crate::dataset::ids::{IdLookup, count, distinct};
use crate::dataset::writer::{RatingsSummary, SummaryAccumulator};
use crate::io::columns::RatingColumns;

/// What to do with several ratings of one movie by one user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DuplicatePolicy {
    /// Keep the latest by timestamp; of equal ones, the last in the file.
    #[default]
    Last,
    /// Keep the earliest by timestamp; of equal ones, the first in the file.
    First,
    /// Keep their mean, with the latest timestamp.
    Mean,
}

/// Ratings sorted by user, then movie, without duplicates.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ratings(RatingColumns);

/// Size and ranges of a set of ratings.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct RatingsShape {
    /// Ratings.
    pub ratings: usize,
    /// Users with at least one.
    pub users: usize,
    /// Movies with at least one.
    pub movies: usize,
    /// Lowest and highest rating.
    pub stars: Option<(f32, f32)>,
    /// Earliest and latest known timestamp, ISO 8601 in UTC.
    pub period: Option<(String, String)>,
}

impl Ratings {
    /// Puts columns in order and resolves duplicates; returns how many rows that dropped.
    #[must_use]
    pub fn new(columns: RatingColumns, duplicates: DuplicatePolicy) -> (Self, usize) {
        if is_sorted_and_unique(&columns) {
            return (Self(columns), 0);
        }
        let order = order(&columns);
        let same = |a: &u32, b: &u32| {
            let (a, b) = (*a as usize, *b as usize);
            columns.user_id[a] == columns.user_id[b] && columns.movie_id[a] == columns.movie_id[b]
        };
        let mut unique = RatingColumns::with_capacity(columns.len());
        for group in order.chunk_by(same) {
            let (first, last) = (group[0] as usize, group[group.len() - 1] as usize);
            let kept = if duplicates == DuplicatePolicy::First { first } else { last };
            let rating = match duplicates {
                DuplicatePolicy::First | DuplicatePolicy::Last => columns.rating[kept],
                DuplicatePolicy::Mean => {
                    let stars = group.iter().map(|&row| f64::from(columns.rating[row as usize]));
                    (stars.sum::<f64>() / group.len() as f64) as f32
                }
            };
            let (user, movie) = (columns.user_id[kept], columns.movie_id[kept]);
            unique.push(user, movie, rating, columns.time_ms[kept]);
        }
        let dropped = columns.len() - unique.len();
        (Self(unique), dropped)
    }

    /// Returns the columns.
    #[must_use]
    pub fn columns(&self) -> &RatingColumns {
        &self.0
    }

    /// Gives the columns back.
    #[must_use]
    pub fn into_columns(self) -> RatingColumns {
        self.0
    }

    /// Returns the number of ratings.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the raw ids of all users, ascending.
    #[must_use]
    pub fn user_ids(&self) -> Vec<i32> {
        let mut ids = self.0.user_id.clone();
        ids.dedup();
        ids
    }

    /// Returns the raw ids of all rated movies, ascending.
    #[must_use]
    pub fn movie_ids(&self) -> Vec<i32> {
        distinct(&self.0.movie_id)
    }

    /// Returns where the ratings of each user start, and the end of the last.
    #[must_use]
    pub fn user_starts(&self) -> Vec<usize> {
        let by_user = self.0.user_id.chunk_by(|a, b| a == b);
        let ends = by_user.scan(0, |end, rows| {
            *end += rows.len();
            Some(*end)
        });
        std::iter::once(0).chain(ends).collect()
    }

    /// Returns the number of ratings of each user, by ascending raw id.
    #[must_use]
    pub fn user_counts(&self) -> Vec<(i32, usize)> {
        let users = self.0.user_id.chunk_by(|a, b| a == b);
        users.map(|rows| (rows[0], rows.len())).collect()
    }

    /// Returns the number of ratings of each movie, by ascending raw id.
    #[must_use]
    pub fn movie_counts(&self) -> Vec<(i32, usize)> {
        let ids = self.movie_ids();
        let counts = count(&self.0.movie_id, &IdLookup::new(&ids), ids.len());
        ids.into_iter().zip(counts).collect()
    }

    /// Keeps the rows for which `keep` is true; it is asked from all threads.
    #[must_use]
    pub fn filter(&self, keep: impl Fn(usize) -> bool + Sync) -> Self {
        Self(self.0.filter(keep))
    }

    /// Returns size, ranges and hash.
    #[must_use]
    pub fn tally(&self) -> RatingsSummary {
        let mut tally = RatingsSummary::default();
        tally.add(&self.0, 0..self.len());
        tally
    }

    /// Returns size and ranges.
    #[must_use]
    pub fn shape(&self) -> RatingsShape {
        let mut census = SummaryAccumulator::default();
        census.add(&self.0, 0..self.len());
        census.shape()
    }

    /// Returns the XXH3-128 of the content, which no file format or order of columns changes.
    #[must_use]
    pub fn content_hash(&self) -> String {
        self.tally().content_hash()
    }
}

/// Puts columns in order by user, movie, timestamp and place; keeps all rows.
#[must_use]
pub(super) fn sorted(columns: RatingColumns) -> RatingColumns {
    let order = order(&columns);
    let mut all = RatingColumns::with_capacity(columns.len());
    for row in order {
        let row = row as usize;
        let (user, movie) = (columns.user_id[row], columns.movie_id[row]);
        all.push(user, movie, columns.rating[row], columns.time_ms[row]);
    }
    all
}

/// Returns the rows in order by user, movie, timestamp and place.
fn order(columns: &RatingColumns) -> Vec<u32> {
    assert!(u32::try_from(columns.len()).is_ok(), "up to 2^32 ratings fit one set");
    let mut order: Vec<u32> = (0..columns.len() as u32).collect();
    order.par_sort_unstable_by_key(|&row| {
        let row = row as usize;
        (columns.user_id[row], columns.movie_id[row], columns.time_ms[row], row)
    });
    order
}

fn is_sorted_and_unique(columns: &RatingColumns) -> bool {
    (1..columns.len()).into_par_iter().with_min_len(1 << 16).all(|row| {
        let before = (columns.user_id[row - 1], columns.movie_id[row - 1]);
        before < (columns.user_id[row], columns.movie_id[row])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(rows: &[(i32, i32, f32, i64)]) -> RatingColumns {
        rows.iter().copied().collect()
    }

    #[test]
    fn rows_are_sorted_and_duplicates_resolved() {
        let given =
            [(2, 1, 3.0, 5), (1, 9, 1.0, 7), (2, 1, 5.0, 4), (1, 3, 2.0, 7), (2, 1, 1.0, 5)];
        for (duplicates, kept) in [
            (DuplicatePolicy::Last, (2, 1, 1.0, 5)),
            (DuplicatePolicy::First, (2, 1, 5.0, 4)),
            (DuplicatePolicy::Mean, (2, 1, 3.0, 5)),
        ] {
            let (ratings, dropped) = Ratings::new(columns(&given), duplicates);
            assert_eq!(ratings.columns(), &columns(&[(1, 3, 2.0, 7), (1, 9, 1.0, 7), kept]));
            assert_eq!(dropped, 2);
            assert_eq!((ratings.user_ids(), ratings.movie_ids()), (vec![1, 2], vec![1, 3, 9]));
        }
    }

    #[test]
    fn the_hash_follows_the_content() {
        let hash = |rows: &[(i32, i32, f32, i64)]| {
            Ratings::new(columns(rows), DuplicatePolicy::Last).0.content_hash()
        };
        let rows = [(1, 1, 3.0, 5), (1, 2, 1.0, 7)];
        assert_eq!(hash(&rows), hash(&[rows[1], rows[0]]));
        assert_ne!(hash(&rows), hash(&rows[..1]));
        assert_ne!(hash(&rows), hash(&[rows[0], (1, 2, 1.5, 7)]));
    }
}
