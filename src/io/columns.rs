//! Plain columns of raw ids, as files hold them: one vector per column, equal lengths.

use std::ops::Range;

use rayon::prelude::*;

/// Stands for "no timestamp" in a column of milliseconds; no valid date comes near it.
pub const NO_TIME: i64 = i64::MIN;

/// Ratings as they stand in a file, in any order, possibly with duplicates.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RatingColumns {
    /// Raw user ids.
    pub user_id: Vec<i32>,
    /// Raw movie ids.
    pub movie_id: Vec<i32>,
    /// Ratings.
    pub rating: Vec<f32>,
    /// Milliseconds since 1970 in UTC, or [`NO_TIME`].
    pub time_ms: Vec<i64>,
}

/// Rows of user, movie, ratings and milliseconds.
impl FromIterator<(i32, i32, f32, i64)> for RatingColumns {
    fn from_iter<I: IntoIterator<Item = (i32, i32, f32, i64)>>(rows: I) -> Self {
        let mut columns = Self::default();
        for (user, movie, rating, ms) in rows {
            columns.push(user, movie, rating, ms);
        }
        columns
    }
}

impl RatingColumns {
    /// Returns the number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.user_id.len()
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.user_id.is_empty()
    }

    /// Returns empty columns with room for `n` rows.
    #[must_use]
    pub fn with_capacity(n: usize) -> Self {
        Self {
            user_id: Vec::with_capacity(n),
            movie_id: Vec::with_capacity(n),
            rating: Vec::with_capacity(n),
            time_ms: Vec::with_capacity(n),
        }
    }

    /// Returns some of the rows; of a column that is empty, nothing.
    #[must_use]
    pub fn rows(&self, range: Range<usize>) -> RatingRows<'_> {
        fn some<'a, T>(values: &'a [T], range: &Range<usize>) -> &'a [T] {
            if values.is_empty() { values } else { &values[range.clone()] }
        }
        RatingRows {
            user_id: some(&self.user_id, &range),
            movie_id: some(&self.movie_id, &range),
            rating: some(&self.rating, &range),
            time_ms: some(&self.time_ms, &range),
            dictionary: None,
        }
    }

    /// Adds one row.
    pub fn push(&mut self, user_id: i32, movie_id: i32, rating: f32, time_ms: i64) {
        self.user_id.push(user_id);
        self.movie_id.push(movie_id);
        self.rating.push(rating);
        self.time_ms.push(time_ms);
    }

    /// Adds all rows of `other`.
    pub fn append(&mut self, other: &mut Self) {
        self.user_id.append(&mut other.user_id);
        self.movie_id.append(&mut other.movie_id);
        self.rating.append(&mut other.rating);
        self.time_ms.append(&mut other.time_ms);
    }

    /// Returns the rows for which `keep` is true; it is asked from all threads.
    #[must_use]
    pub fn filter(&self, keep: impl Fn(usize) -> bool + Sync) -> Self {
        const CHUNK: usize = 1 << 16;
        let parts: Vec<Self> = (0..self.len().div_ceil(CHUNK))
            .into_par_iter()
            .map(|chunk| {
                let mut kept = Self::default();
                for row in chunk * CHUNK..((chunk + 1) * CHUNK).min(self.len()) {
                    if keep(row) {
                        let (user, movie) = (self.user_id[row], self.movie_id[row]);
                        kept.push(user, movie, self.rating[row], self.time_ms[row]);
                    }
                }
                kept
            })
            .collect();
        let mut all = Self::with_capacity(parts.iter().map(Self::len).sum());
        for mut part in parts {
            all.append(&mut part);
        }
        all
    }

    /// Removes the first `n` rows.
    pub fn remove_first(&mut self, n: usize) {
        self.user_id.drain(..n);
        self.movie_id.drain(..n);
        self.rating.drain(..n);
        self.time_ms.drain(..n);
    }

    /// Cuts the rows off from the `n`th on and returns them.
    #[must_use]
    pub fn split_off(&mut self, n: usize) -> Self {
        Self {
            user_id: self.user_id.split_off(n),
            movie_id: self.movie_id.split_off(n),
            rating: self.rating.split_off(n),
            time_ms: self.time_ms.split_off(n),
        }
    }
}

/// Some rows of ratings; a column that is not in the
/// [`Projection`](crate::io::scan::Projection) may be empty.
#[derive(Debug, Clone, Copy, Default)]
pub struct RatingRows<'a> {
    /// Raw user ids.
    pub user_id: &'a [i32],
    /// Raw movie ids.
    pub movie_id: &'a [i32],
    /// Ratings.
    pub rating: &'a [f32],
    /// Milliseconds since 1970 in UTC, or [`NO_TIME`].
    pub time_ms: &'a [i64],
    /// Ratings as dictionary indices, in place of `rating`.
    pub dictionary: Option<DictionaryRatings<'a>>,
}

/// Ratings as dictionary indices.
#[derive(Debug, Clone, Copy)]
pub struct DictionaryRatings<'a> {
    /// Index of each row's rating.
    pub indices: &'a [u8],
    /// The distinct ratings, followed by zeros.
    pub values: &'a [f32; 256],
}

impl DictionaryRatings<'_> {
    /// Returns the rating of a row.
    #[must_use]
    pub fn rating(&self, row: usize) -> f32 {
        self.values[usize::from(self.indices[row])]
    }
}

impl RatingRows<'_> {
    /// Returns the rating of a row, in whichever form it has come.
    #[must_use]
    pub fn rating_at(&self, row: usize) -> f32 {
        match self.dictionary {
            Some(ratings) => ratings.rating(row),
            None => self.rating[row],
        }
    }
}

/// Movies as they stand in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MovieColumns {
    /// Raw movie ids.
    pub movie_id: Vec<i32>,
    /// Titles, with the year at the end where MovieLens gives one.
    pub title: Vec<String>,
    /// Year of release, from the title.
    pub release_year: Vec<Option<i16>>,
    /// Genres joined by `|`.
    pub genres: Vec<String>,
    /// What each id stands for, where ids are keys.
    pub movie_key: Option<Vec<String>>,
}

impl MovieColumns {
    /// Adds all rows of `other`.
    pub fn append(&mut self, other: Self) {
        self.movie_id.extend(other.movie_id);
        self.title.extend(other.title);
        self.release_year.extend(other.release_year);
        self.genres.extend(other.genres);
        if let (Some(keys), Some(more)) = (&mut self.movie_key, other.movie_key) {
            keys.extend(more);
        } else {
            self.movie_key = None; // those of all are set at the end
        }
    }
}

/// Identifiers of movies elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinkColumns {
    /// Raw movie ids.
    pub movie_id: Vec<i32>,
    /// IMDb number with its leading zeros, without `tt`.
    pub imdb_id: Vec<Option<String>>,
    /// TMDb number.
    pub tmdb_id: Vec<Option<i32>>,
}

impl LinkColumns {
    /// Adds all rows of `other`.
    pub fn append(&mut self, other: Self) {
        self.movie_id.extend(other.movie_id);
        self.imdb_id.extend(other.imdb_id);
        self.tmdb_id.extend(other.tmdb_id);
    }
}

/// Free-text tags.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TagColumns {
    /// Raw user ids.
    pub user_id: Vec<i32>,
    /// Raw movie ids.
    pub movie_id: Vec<i32>,
    /// The tags.
    pub tag: Vec<String>,
    /// Milliseconds since 1970 in UTC, or [`NO_TIME`].
    pub time_ms: Vec<i64>,
}

impl TagColumns {
    /// Adds all rows of `other`.
    pub fn append(&mut self, other: Self) {
        self.user_id.extend(other.user_id);
        self.movie_id.extend(other.movie_id);
        self.tag.extend(other.tag);
        self.time_ms.extend(other.time_ms);
    }
}
