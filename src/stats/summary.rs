//! Key figures of a set of ratings.

use serde::Serialize;

use crate::dataset::scan::Aggregator;
use crate::io::columns::{NO_TIME, RatingRows};
use crate::io::scan::{Projection, RowConsumer};
use crate::io::time;
use crate::stats::distinct::IdSet;
use crate::stats::histogram::{Histogram, by_stars};
use crate::stats::sums::RatingSums;

/// Key figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Ratings.
    pub ratings: usize,
    /// Users with at least one.
    pub users: usize,
    /// Movies with at least one.
    pub movies: usize,
    /// Mean rating.
    pub mean_rating: Option<f64>,
    /// Lowest rating.
    pub min_rating: Option<f32>,
    /// Highest rating.
    pub max_rating: Option<f32>,
    /// Earliest known timestamp, ISO 8601 in UTC.
    pub first_rating: Option<String>,
    /// Latest known timestamp, ISO 8601 in UTC.
    pub last_rating: Option<String>,
    /// Mean ratings of a user.
    pub ratings_per_user: Option<f64>,
    /// Mean ratings of a rated movie.
    pub ratings_per_movie: Option<f64>,
    /// Share of the cells users × rated movies that hold a rating, from 0 to 1.
    pub density: Option<f64>,
    /// Number of ratings of each value, ascending.
    #[serde(serialize_with = "by_stars")]
    pub histogram: Vec<(f32, u64)>,
}

/// Adds up what a [`Summary`] tells.
#[derive(Debug, Clone, Default)]
pub struct SummaryAggregator {
    sums: RatingSums,
    users: usize,
    ends: Option<(i32, i32)>,
    movies: IdSet,
    histogram: Histogram,
    period: Option<(i64, i64)>,
}

impl RowConsumer for SummaryAggregator {
    fn projection(&self) -> Projection {
        Projection { ratings: false, rating_indices: true, ..Projection::ALL }
    }

    fn consume(&mut self, rows: RatingRows<'_>) {
        let (Some(&first), Some(&last)) = (rows.user_id.first(), rows.user_id.last()) else {
            return;
        };
        let changes = rows.user_id.windows(2).filter(|pair| pair[0] != pair[1]).count();
        self.add_users(changes + 1, (first, last));
        rows.movie_id.iter().for_each(|&id| self.movies.insert(id));
        match rows.dictionary {
            Some(kinds) => {
                for (&stars, n) in kinds.values.iter().zip(counts(kinds.indices)) {
                    self.sums.add_times(stars, n);
                    self.histogram.add_times(stars, n);
                }
            }
            None => {
                self.histogram.add(rows.rating);
                for &stars in rows.rating {
                    self.sums.add(stars);
                }
            }
        }
        let (mut from, mut to) = (i64::MAX, i64::MIN);
        for &ms in rows.time_ms {
            // No time is the least number there is, and so never the last time.
            to = to.max(ms);
            from = from.min(if ms == NO_TIME { i64::MAX } else { ms });
        }
        self.add_period((from <= to).then_some((from, to)));
    }
}

impl Aggregator for SummaryAggregator {
    fn merge(&mut self, later: Self) {
        if let Some(ends) = later.ends {
            self.add_users(later.users, ends);
        }
        self.sums.merge(&later.sums);
        self.movies.merge(later.movies);
        self.histogram.merge(later.histogram);
        self.add_period(later.period);
    }
}

/// Counts each number.
fn counts(numbers: &[u8]) -> [u64; 256] {
    // Several tables, so that equal numbers one after another do not wait for each other.
    let mut tables = [[0_u32; 256]; 4];
    let (fours, rest) = numbers.as_chunks::<4>();
    for four in fours {
        for (table, &number) in tables.iter_mut().zip(four) {
            table[usize::from(number)] += 1;
        }
    }
    rest.iter().for_each(|&number| tables[0][usize::from(number)] += 1);
    std::array::from_fn(|number| tables.iter().map(|table| u64::from(table[number])).sum())
}

impl SummaryAggregator {
    /// Adds `n` users who come after all others, but for the first one, who may be the last one so
    /// far.
    fn add_users(&mut self, n: usize, (first, last): (i32, i32)) {
        let again = self.ends.is_some_and(|(_, end)| end == first);
        self.users += n - usize::from(again);
        self.ends = Some((self.ends.map_or(first, |(begin, _)| begin), last));
    }

    fn add_period(&mut self, period: Option<(i64, i64)>) {
        self.period = match (self.period, period) {
            (Some((a, b)), Some((from, to))) => Some((a.min(from), b.max(to))),
            (period, other) => period.or(other),
        };
    }

    /// Returns the key figures.
    #[must_use]
    pub fn finish(self) -> Summary {
        let (ratings, users, movies) = (self.sums.n as usize, self.users, self.movies.len());
        let per = |n: usize| (n > 0).then(|| ratings as f64 / n as f64);
        let (first, last) = self.period.unzip();
        let histogram = self.histogram.finish();
        Summary {
            ratings,
            users,
            movies,
            mean_rating: self.sums.mean(),
            min_rating: histogram.first().map(|(stars, _)| *stars),
            max_rating: histogram.last().map(|(stars, _)| *stars),
            first_rating: first.map(time::format),
            last_rating: last.map(time::format),
            ratings_per_user: per(users),
            ratings_per_movie: per(movies),
            density: per(users * movies),
            histogram,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::RatingScan;
    use crate::dataset::ratings::{DuplicatePolicy, Ratings};
    use crate::io::columns::RatingColumns;
    use crate::progress::Silent;

    #[test]
    fn each_number_is_counted() {
        let numbers: Vec<u8> = (0..=255).chain([7; 9]).collect();
        let found = counts(&numbers);
        assert!((0..256).all(|number| found[number] == if number == 7 { 10 } else { 1 }));
        assert_eq!(counts(&[]), [0; 256]);
    }

    fn summary(columns: RatingColumns) -> Summary {
        let scan = RatingScan::from(Ratings::new(columns, DuplicatePolicy::Last).0);
        scan.aggregate(&Silent, SummaryAggregator::default).unwrap().finish()
    }

    #[test]
    fn figures_of_three_ratings_and_of_none() {
        let mut columns = RatingColumns::default();
        columns.push(1, 10, 2.0, 1_000_000);
        columns.push(1, 20, 3.0, 0);
        columns.push(2, 10, 5.0, 2_000_000);
        let figures = summary(columns);
        assert_eq!((figures.ratings, figures.users, figures.movies), (3, 2, 2));
        assert_eq!(figures.mean_rating, Some(10.0 / 3.0));
        assert_eq!((figures.ratings_per_user, figures.density), (Some(1.5), Some(0.75)));
        assert_eq!(figures.histogram, [(2.0, 1), (3.0, 1), (5.0, 1)]);
        assert_eq!(figures.last_rating.as_deref(), Some("1970-01-01T00:33:20Z"));
        let none = summary(RatingColumns::default());
        assert_eq!((none.ratings, none.mean_rating, none.density), (0, None, None));
    }
}
