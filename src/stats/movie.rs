//! All that the ratings tell of one movie.

use crate::dataset::Ratings;
use crate::dataset::ids::MovieId;
use crate::stats::sums::{Sums, per_movie};
use crate::stats::timeline::{Every, Period, timeline};

/// What the ratings tell of a movie.
#[derive(Debug, Clone, PartialEq)]
pub struct OneMovie {
    /// Number of ratings.
    pub total_ratings: u64,
    /// Mean stars.
    pub avg_rating: Option<f64>,
    /// Sample standard deviation.
    pub stddev_rating: Option<f64>,
    /// Share of the rated movies that have fewer ratings, from 0 to 1.
    pub count_percentile: f64,
    /// Share of the rated movies that have a lower mean.
    pub mean_percentile: f64,
    /// Number of each kind of stars, ascending.
    pub histogram: Vec<(f32, u64)>,
    /// By year.
    pub timeline: Vec<Period>,
}

/// Looks at one movie; nothing if it has no ratings.
#[must_use]
pub fn one_movie(ratings: &Ratings, movie: MovieId) -> Option<OneMovie> {
    let ids = ratings.movie_ids();
    let at = ids.binary_search(&movie.0).ok()?;
    let all = per_movie(ratings, &ids);
    let own = all[at];
    let below = |less: &dyn Fn(&Sums) -> bool| {
        all.iter().filter(|sums| less(sums)).count() as f64 / all.len() as f64
    };
    let columns = ratings.columns();
    let rows = columns.movie_id.iter().zip(&columns.rating);
    let mut stars: Vec<f32> =
        rows.filter(|(id, _)| **id == movie.0).map(|(_, &stars)| stars).collect();
    stars.sort_unstable_by(f32::total_cmp);
    let histogram = stars.chunk_by(|a, b| a == b).map(|same| (same[0], same.len() as u64));
    Some(OneMovie {
        total_ratings: own.n,
        avg_rating: own.mean(),
        stddev_rating: own.deviation(),
        count_percentile: below(&|sums| sums.n < own.n),
        mean_percentile: below(&|sums| sums.mean() < own.mean()),
        histogram: histogram.collect(),
        timeline: timeline(ratings, Every::Year, |row| columns.movie_id[row] == movie.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::ratings::Duplicates;

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
        let ratings = Ratings::new(rows.into_iter().collect(), Duplicates::Last).0;
        let one = one_movie(&ratings, MovieId(5)).unwrap();
        assert_eq!((one.total_ratings, one.avg_rating), (3, Some(10.0 / 3.0)));
        assert_eq!(one.histogram, [(2.0, 1), (4.0, 2)]);
        assert!((one.count_percentile - 2.0 / 3.0).abs() < 1e-12);
        assert!((one.mean_percentile - 1.0 / 3.0).abs() < 1e-12);
        assert!((one.stddev_rating.unwrap() - (4.0_f64 / 3.0).sqrt()).abs() < 1e-12);
        assert_eq!(one.timeline.len(), 1);
        assert_eq!(one_movie(&ratings, MovieId(8)), None);
    }
}
