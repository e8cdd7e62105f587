//! All figures of the one report for people: everything in one pass, and the ratings of some movies
//! in another.

use std::cmp::Reverse;

use chrono::{Datelike, NaiveDate};

use crate::dataset::ids::IdLookup;
use crate::dataset::scan::Aggregator;
use crate::io::columns::{NO_TIME, RatingRows};
use crate::io::scan::{Projection, RowConsumer};
use crate::stats::sum_table::{PerMovie, SumTable};
use crate::stats::summary::SummaryAggregator;
use crate::stats::sums::RatingSums;
use crate::stats::timeline::{DayAggregator, day_of};
use crate::stats::users::PerUser;

/// Adds up all that is told of the ratings as a whole.
#[derive(Clone)]
pub struct ReportAggregator {
    /// Key figures.
    pub totals: SummaryAggregator,
    /// Ratings of each movie.
    pub movies: PerMovie,
    /// Ratings of each user.
    pub users: PerUser,
    /// Ratings of each day.
    pub days: DayAggregator<'static>,
}

impl Default for ReportAggregator {
    fn default() -> Self {
        Self {
            totals: SummaryAggregator::default(),
            movies: PerMovie::default(),
            users: PerUser::default(),
            days: DayAggregator::all(),
        }
    }
}

impl RowConsumer for ReportAggregator {
    fn projection(&self) -> Projection {
        Projection { ratings: false, rating_indices: true, ..Projection::ALL }
    }

    fn consume(&mut self, rows: RatingRows<'_>) {
        self.totals.consume(rows);
        self.movies.consume(rows);
        self.users.consume(rows);
        self.days.consume(rows);
    }
}

impl Aggregator for ReportAggregator {
    fn merge(&mut self, later: Self) {
        self.totals.merge(later.totals);
        self.movies.merge(later.movies);
        self.users.merge(later.users);
        self.days.merge(later.days);
    }
}

/// A rating of a movie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OneRating {
    /// Who gave it.
    pub user: i32,
    /// Ratings.
    pub stars: f32,
    /// When, in milliseconds, or [`NO_TIME`].
    pub ms: i64,
}

/// Ratings of one movie by month, and the latest of them.
#[derive(Debug, Clone, Default)]
pub struct MovieHistory {
    months: SumTable,
    latest: Vec<OneRating>,
}

impl MovieHistory {
    /// Returns its months, counted from January 1970, that have ratings.
    #[must_use]
    pub fn months(&self) -> Vec<(i32, RatingSums)> {
        self.months.clone().into_sorted()
    }

    /// Returns the latest ratings, the last one first; of one time, by user.
    #[must_use]
    pub fn latest(&self) -> &[OneRating] {
        &self.latest
    }

    fn keep_latest(&mut self, n: usize) {
        self.latest.sort_unstable_by_key(|rating| (Reverse(rating.ms), rating.user));
        self.latest.truncate(n);
    }
}

/// Gathers the ratings of some movies.
#[derive(Clone)]
pub struct MovieHistories<'a> {
    movies: &'a IdLookup,
    all: Vec<MovieHistory>,
    latest: usize,
}

impl<'a> MovieHistories<'a> {
    /// Prepares to gather the ratings of `n` movies that `movies` knows, and the `latest` of each.
    #[must_use]
    pub fn new(movies: &'a IdLookup, n: usize, latest: usize) -> Self {
        Self { movies, all: vec![MovieHistory::default(); n], latest }
    }

    /// Returns what was gathered, in the order of the ids.
    #[must_use]
    pub fn finish(mut self) -> Vec<MovieHistory> {
        self.all.iter_mut().for_each(|history| history.keep_latest(self.latest));
        self.all
    }
}

impl RowConsumer for MovieHistories<'_> {
    fn projection(&self) -> Projection {
        Projection::ALL
    }

    fn consume(&mut self, rows: RatingRows<'_>) {
        for (row, &movie) in rows.movie_id.iter().enumerate() {
            let Some(at) = self.movies.get(movie) else { continue };
            let (stars, ms) = (rows.rating[row], rows.time_ms[row]);
            let history = &mut self.all[at as usize];
            if let Some(month) = month_of(ms) {
                history.months.add(month, stars);
            }
            history.latest.push(OneRating { user: rows.user_id[row], stars, ms });
            if history.latest.len() >= 4 * self.latest.max(16) {
                history.keep_latest(self.latest);
            }
        }
    }
}

impl Aggregator for MovieHistories<'_> {
    fn merge(&mut self, later: Self) {
        for (history, mut later) in self.all.iter_mut().zip(later.all) {
            history.months.merge(later.months);
            history.latest.append(&mut later.latest);
            history.keep_latest(self.latest);
        }
    }
}

/// Returns the month of a time, counted from January 1970.
fn month_of(ms: i64) -> Option<i32> {
    let known = Some(ms).filter(|&ms| ms != NO_TIME);
    let day = NaiveDate::from_epoch_days(day_of(known?))?;
    Some((day.year() - 1970) * 12 + day.month0() as i32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::RatingScan;
    use crate::dataset::ratings::{DuplicatePolicy, Ratings};
    use crate::progress::Silent;

    #[test]
    fn the_latest_ratings_of_some_movies_and_their_months() {
        let ms = |text: &str| crate::io::time::parse(text).unwrap();
        let rows = (1..=200)
            .map(|user| (user, 5, 3.0, ms("2019-01-31") + i64::from(user % 100) * 86_400_000));
        let more = [(1, 6, 4.0, 0), (1, 7, 5.0, NO_TIME), (2, 7, 1.0, 5)];
        let ratings = Ratings::new(rows.chain(more).collect(), DuplicatePolicy::Last).0;
        let lookup = IdLookup::new(&[5, 7]);
        let scan = RatingScan::from(ratings);
        let found =
            scan.aggregate(&Silent, || MovieHistories::new(&lookup, 2, 3)).unwrap().finish();
        let users: Vec<i32> = found[0].latest().iter().map(|rating| rating.user).collect();
        assert_eq!(users, [99, 199, 98]);
        let months: Vec<(i32, u64)> =
            found[0].months().iter().map(|(m, sums)| (*m, sums.n)).collect();
        // Days 0 to 99 from the last of January 2019 on, each twice.
        assert_eq!(months, [(588, 2), (589, 56), (590, 62), (591, 60), (592, 20)]);
        let users: Vec<i32> = found[1].latest().iter().map(|rating| rating.user).collect();
        assert_eq!((users, found[1].months().len()), (vec![2, 1], 1));
    }
}
