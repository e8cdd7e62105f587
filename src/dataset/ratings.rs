//! Ratings in the one order that everything below relies on: by user, then movie, each pair once.

use rayon::prelude::*;
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use crate::dataset::ids::distinct;
use crate::io::columns::{NO_TIME, RatingColumns};
use crate::io::time;

/// What to do with several ratings of one movie by one user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Duplicates {
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
pub struct Shape {
    /// Ratings.
    pub ratings: usize,
    /// Users with at least one.
    pub users: usize,
    /// Movies with at least one.
    pub movies: usize,
    /// Lowest and highest stars.
    pub stars: Option<(f32, f32)>,
    /// Earliest and latest known timestamp, ISO 8601 in UTC.
    pub period: Option<(String, String)>,
}

impl Ratings {
    /// Puts columns in order and resolves duplicates; returns how many rows that dropped.
    #[must_use]
    pub fn new(columns: RatingColumns, duplicates: Duplicates) -> (Self, usize) {
        if is_sorted_and_unique(&columns) {
            return (Self(columns), 0);
        }
        let key = |&row: &u32| {
            let row = row as usize;
            (columns.user_id[row], columns.movie_id[row], columns.time_ms[row], row)
        };
        assert!(u32::try_from(columns.len()).is_ok(), "up to 2^32 ratings fit one set");
        let mut order: Vec<u32> = (0..columns.len() as u32).collect();
        order.par_sort_unstable_by_key(key);
        let same = |a: &u32, b: &u32| {
            let (a, b) = (*a as usize, *b as usize);
            columns.user_id[a] == columns.user_id[b] && columns.movie_id[a] == columns.movie_id[b]
        };
        let mut unique = RatingColumns::with_capacity(columns.len());
        for group in order.chunk_by(same) {
            let (first, last) = (group[0] as usize, group[group.len() - 1] as usize);
            let kept = if duplicates == Duplicates::First { first } else { last };
            let rating = match duplicates {
                Duplicates::First | Duplicates::Last => columns.rating[kept],
                Duplicates::Mean => {
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

    /// Tells whether there are none.
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

    /// Keeps the rows for which `keep` is true; it is asked from all threads.
    #[must_use]
    pub fn filter(&self, keep: impl Fn(usize) -> bool + Sync) -> Self {
        const CHUNK: usize = 1 << 18;
        let columns = &self.0;
        let parts: Vec<RatingColumns> = (0..columns.len().div_ceil(CHUNK))
            .into_par_iter()
            .map(|chunk| {
                let mut kept = RatingColumns::default();
                for row in chunk * CHUNK..((chunk + 1) * CHUNK).min(columns.len()) {
                    if keep(row) {
                        let (user, movie) = (columns.user_id[row], columns.movie_id[row]);
                        kept.push(user, movie, columns.rating[row], columns.time_ms[row]);
                    }
                }
                kept
            })
            .collect();
        let mut all = RatingColumns::with_capacity(parts.iter().map(RatingColumns::len).sum());
        for mut part in parts {
            all.append(&mut part);
        }
        Self(all)
    }

    /// Returns size and ranges.
    #[must_use]
    pub fn shape(&self) -> Shape {
        let columns = &self.0;
        let stars = columns.rating.par_iter().map(|&stars| (stars, stars));
        let stars = stars.reduce_with(|a, b| (a.0.min(b.0), a.1.max(b.1)));
        let known = columns.time_ms.par_iter().filter(|&&ms| ms != NO_TIME).map(|&ms| (ms, ms));
        let period = known.reduce_with(|a, b| (a.0.min(b.0), a.1.max(b.1)));
        Shape {
            ratings: self.len(),
            users: self.user_ids().len(),
            movies: self.movie_ids().len(),
            stars,
            period: period.map(|(first, last)| (time::format(first), time::format(last))),
        }
    }

    /// Returns the XXH3-128 of the content, which no file format or order of columns changes.
    #[must_use]
    pub fn content_hash(&self) -> String {
        let columns = &self.0;
        let ((users, movies), (stars, times)) = rayon::join(
            || {
                rayon::join(
                    || hash(&columns.user_id, i32::to_le_bytes),
                    || hash(&columns.movie_id, i32::to_le_bytes),
                )
            },
            || {
                rayon::join(
                    || hash(&columns.rating, f32::to_le_bytes),
                    || hash(&columns.time_ms, i64::to_le_bytes),
                )
            },
        );
        let all = [users, movies, stars, times].map(u128::to_le_bytes).concat();
        format!("{:032x}", xxh3_128(&all))
    }
}

/// Returns the XXH3-128 of a column, little-endian on any machine.
fn hash<T: Copy, const N: usize>(values: &[T], bytes: fn(T) -> [u8; N]) -> u128 {
    const CHUNK: usize = 1 << 14;
    let mut hash = Xxh3::new();
    let mut buffer = Vec::with_capacity(CHUNK * N);
    for chunk in values.chunks(CHUNK) {
        buffer.clear();
        chunk.iter().for_each(|&value| buffer.extend_from_slice(&bytes(value)));
        hash.update(&buffer);
    }
    hash.digest128()
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
        let mut columns = RatingColumns::default();
        for &(user, movie, rating, time) in rows {
            columns.push(user, movie, rating, time);
        }
        columns
    }

    #[test]
    fn rows_are_sorted_and_duplicates_resolved() {
        let given =
            [(2, 1, 3.0, 5), (1, 9, 1.0, 7), (2, 1, 5.0, 4), (1, 3, 2.0, 7), (2, 1, 1.0, 5)];
        for (duplicates, kept) in [
            (Duplicates::Last, (2, 1, 1.0, 5)),
            (Duplicates::First, (2, 1, 5.0, 4)),
            (Duplicates::Mean, (2, 1, 3.0, 5)),
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
            Ratings::new(columns(rows), Duplicates::Last).0.content_hash()
        };
        let rows = [(1, 1, 3.0, 5), (1, 2, 1.0, 7)];
        assert_eq!(hash(&rows), hash(&[rows[1], rows[0]]));
        assert_ne!(hash(&rows), hash(&rows[..1]));
        assert_ne!(hash(&rows), hash(&[rows[0], (1, 2, 1.5, 7)]));
    }
}
