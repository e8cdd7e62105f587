//! All that the ratings tell of one movie.

use crate::dataset::ids::MovieId;
use crate::dataset::scan::Aggregator;
use crate::io::columns::{NO_TIME, RatingRows};
use crate::io::scan::{Projection, RowConsumer};
use crate::stats::histogram::Histogram;
use crate::stats::sum_table::{PerMovie, SumTable, sums_of_movie};
use crate::stats::sums::RatingSums;
use crate::stats::timeline::{PeriodLength, TimelinePeriod, day_of, periods, rows_of};

/// What the ratings tell of a movie.
#[derive(Debug, Clone, PartialEq)]
pub struct OneMovie {
    /// Number of ratings.
    pub total_ratings: u64,
    /// Mean rating.
    pub avg_rating: Option<f64>,
    /// Sample standard deviation.
    pub stddev_rating: Option<f64>,
    /// Share of the rated movies that have fewer ratings, from 0 to 1.
    pub count_percentile: f64,
    /// Share of the rated movies that have a lower mean.
    pub mean_percentile: f64,
    /// Number of ratings of each value, ascending.
    pub histogram: Vec<(f32, u64)>,
    /// By year.
    pub timeline: Vec<TimelinePeriod>,
}

/// Gathers the ratings of one movie, and adds up those of all others.
#[derive(Debug, Clone)]
pub struct WithAll {
    movie: i32,
    all: PerMovie,
    histogram: Histogram,
    days: SumTable,
}

impl WithAll {
    /// Prepares to gather the ratings of a movie.
    #[must_use]
    pub fn new(movie: MovieId) -> Self {
        Self {
            movie: movie.0,
            all: PerMovie::default(),
            histogram: Histogram::default(),
            days: SumTable::default(),
        }
    }

    /// Looks at the movie among all that are rated; `None` if it has no ratings.
    #[must_use]
    pub fn finish(self) -> Option<OneMovie> {
        let rated = self.all.finish();
        let own = sums_of_movie(&rated, self.movie)?;
        let below = |less: &dyn Fn(&RatingSums) -> bool| {
            rated.iter().filter(|(_, sums)| less(sums)).count() as f64 / rated.len() as f64
        };
        Some(OneMovie {
            total_ratings: own.n,
            avg_rating: own.mean(),
            stddev_rating: own.deviation(),
            count_percentile: below(&|sums| sums.n < own.n),
            mean_percentile: below(&|sums| sums.mean() < own.mean()),
            histogram: self.histogram.finish(),
            timeline: periods(&self.days.into_sorted(), PeriodLength::Year),
        })
    }
}

impl RowConsumer for WithAll {
    fn projection(&self) -> Projection {
        self.all.projection()
    }

    fn consume(&mut self, rows: RatingRows<'_>) {
        self.all.consume(rows);
    }

    fn late_projection(&self) -> Projection {
        Projection { rating_indices: true, times: true, ..Projection::default() }
    }

    fn select(&self, rows: RatingRows<'_>, selected: &mut Vec<u32>) {
        rows_of(rows.movie_id, self.movie, selected);
    }

    fn consume_selected(&mut self, rows: RatingRows<'_>) {
        for (row, &ms) in rows.time_ms.iter().enumerate() {
            let stars = rows.rating_at(row);
            self.histogram.add(&[stars]);
            if ms != NO_TIME {
                self.days.add(day_of(ms), stars);
            }
        }
    }
}

impl Aggregator for WithAll {
    fn merge(&mut self, later: Self) {
        self.all.merge(later.all);
        self.histogram.merge(later.histogram);
        self.days.merge(later.days);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::RatingScan;
    use crate::dataset::ratings::{DuplicatePolicy, Ratings};
    use crate::progress::Silent;

    #[test]
    fn a_movie_among_others() {
        let rows = [
            (1, 5, 4.0, 0),
            (2, 5, 2.0, 0),
            (3, 5, 4.0, 0),
            (1, 6, 5.0, 0),
            (1, 7, 1.0, 0),
            (2, 7, 1.0, 0),
        ];
        let scan =
            RatingScan::from(Ratings::new(rows.into_iter().collect(), DuplicatePolicy::Last).0);
        let look = |id| scan.aggregate(&Silent, || WithAll::new(MovieId(id))).unwrap().finish();
        let one = look(5).unwrap();
        assert_eq!((one.total_ratings, one.avg_rating), (3, Some(10.0 / 3.0)));
        assert_eq!(one.histogram, [(2.0, 1), (4.0, 2)]);
        assert!((one.count_percentile - 2.0 / 3.0).abs() < 1e-12);
        assert!((one.mean_percentile - 1.0 / 3.0).abs() < 1e-12);
        assert!((one.stddev_rating.unwrap() - (4.0_f64 / 3.0).sqrt()).abs() < 1e-12);
        assert_eq!(one.timeline.len(), 1);
        assert_eq!(look(8), None);
    }
}
