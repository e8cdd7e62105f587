//! Figures of every rated movie, and the selections made of them.

use crate::dataset::ids::MovieId;
use crate::dataset::{Movies, Ratings};
use crate::stats::sums::per_movie;

/// Figures of one movie.
#[derive(Debug, Clone, PartialEq)]
pub struct MovieFigures {
    /// Raw id.
    pub movie_id: MovieId,
    /// What the id stands for, where ids are keys.
    pub movie_key: Option<String>,
    /// Title, where movies are known.
    pub title: Option<String>,
    /// Genres joined by `|`, where movies are known.
    pub genres: Option<String>,
    /// Mean stars.
    pub avg_rating: f64,
    /// Number of ratings.
    pub total_ratings: u64,
    /// Sample standard deviation of the stars; none for a single rating.
    pub stddev_rating: Option<f64>,
}

/// An order of movies; ties go by the number of ratings, descending, and then by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Most ratings first, then highest mean: the order of the original project's SQL.
    MostRated,
    /// Highest mean first.
    BestRated,
    /// Largest sample standard deviation first.
    MostPolarising,
}

/// Returns the figures of every movie with at least `min_ratings`, in order.
#[must_use]
pub fn movies(
    ratings: &Ratings,
    movies: Option<&Movies>,
    min_ratings: u64,
    order: Order,
) -> Vec<MovieFigures> {
    let ids = ratings.movie_ids();
    let sums = per_movie(ratings, &ids);
    let figures = ids.iter().zip(sums).filter(|(_, sums)| sums.n >= min_ratings.max(1));
    let mut figures: Vec<MovieFigures> = figures
        .map(|(&id, sums)| {
            let movie = movies.and_then(|movies| movies.get(MovieId(id)));
            MovieFigures {
                movie_id: MovieId(id),
                movie_key: movie.and_then(|movie| movie.key).map(String::from),
                title: movie.map(|movie| movie.title.into()),
                genres: movie.map(|movie| movie.genres.into()),
                avg_rating: sums.mean().unwrap_or(f64::NAN),
                total_ratings: sums.n,
                stddev_rating: sums.deviation(),
            }
        })
        .collect();
    if order == Order::MostPolarising {
        figures.retain(|figures| figures.stddev_rating.is_some());
    }
    let key = |f: &MovieFigures| match order {
        Order::MostRated => (f.total_ratings as f64, f.avg_rating),
        Order::BestRated => (f.avg_rating, f.total_ratings as f64),
        Order::MostPolarising => (f.stddev_rating.unwrap_or(0.0), f.total_ratings as f64),
    };
    figures.sort_by(|a, b| {
        let ((a1, a2), (b1, b2)) = (key(a), key(b));
        b1.total_cmp(&a1).then(b2.total_cmp(&a2)).then(a.movie_id.cmp(&b.movie_id))
    });
    figures
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::ratings::Duplicates;
    use crate::io::columns::RatingColumns;

    fn ratings() -> Ratings {
        let mut columns = RatingColumns::default();
        // Movie 5: 4, 4; movie 6: 1, 5; movie 7: 4, 4; movie 8: 5; movie 9: 2, 3, 4.
        let rows = [(1, 5, 4.0), (2, 5, 4.0), (1, 6, 1.0), (2, 6, 5.0), (1, 7, 4.0), (2, 7, 4.0)];
        for (user, movie, stars) in
            rows.into_iter().chain([(1, 8, 5.0), (1, 9, 2.0), (2, 9, 3.0), (3, 9, 4.0)])
        {
            columns.push(user, movie, stars, 0);
        }
        Ratings::new(columns, Duplicates::Last).0
    }

    fn ids(min: u64, order: Order) -> Vec<i32> {
        movies(&ratings(), None, min, order).iter().map(|figures| figures.movie_id.0).collect()
    }

    #[test]
    fn orders_break_ties_by_count_and_id() {
        assert_eq!(ids(0, Order::MostRated), [9, 5, 7, 6, 8]);
        assert_eq!(ids(0, Order::BestRated), [8, 5, 7, 9, 6]);
        assert_eq!(ids(2, Order::BestRated), [5, 7, 9, 6]);
        assert_eq!(ids(0, Order::MostPolarising), [6, 9, 5, 7]);
    }

    #[test]
    fn the_deviation_is_that_of_a_sample() {
        let all = movies(&ratings(), None, 0, Order::MostPolarising);
        assert!((all[0].stddev_rating.unwrap() - 8.0_f64.sqrt()).abs() < 1e-12);
        assert!((all[1].stddev_rating.unwrap() - 1.0).abs() < 1e-12);
        assert_eq!((all[1].avg_rating, all[1].total_ratings), (3.0, 3));
    }
}
