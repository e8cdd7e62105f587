//! Figures of every rated movie, and the selections made of them.

use crate::dataset::Movies;
use crate::dataset::ids::MovieId;
use crate::stats::sums::Sums;

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

/// Returns the figures of every movie with at least `min_ratings`, in order; `rated` are the sums of all rated movies.
#[must_use]
pub fn movies(
    rated: &[(i32, Sums)],
    movies: Option<&Movies>,
    min_ratings: u64,
    order: Order,
) -> Vec<MovieFigures> {
    let mut figures: Vec<MovieFigures> = rated
        .iter()
        .filter(|(_, sums)| sums.n >= min_ratings.max(1))
        .map(|&(id, sums)| {
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

    fn rated() -> Vec<(i32, Sums)> {
        let stars: [(i32, &[f32]); 5] = [
            (5, &[4.0, 4.0]),
            (6, &[1.0, 5.0]),
            (7, &[4.0, 4.0]),
            (8, &[5.0]),
            (9, &[2.0, 3.0, 4.0]),
        ];
        let sums = stars.map(|(id, stars)| {
            let mut sums = Sums::default();
            stars.iter().for_each(|&stars| sums.add(stars));
            (id, sums)
        });
        sums.to_vec()
    }

    fn ids(min: u64, order: Order) -> Vec<i32> {
        movies(&rated(), None, min, order).iter().map(|figures| figures.movie_id.0).collect()
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
        let all = movies(&rated(), None, 0, Order::MostPolarising);
        assert!((all[0].stddev_rating.unwrap() - 8.0_f64.sqrt()).abs() < 1e-12);
        assert!((all[1].stddev_rating.unwrap() - 1.0).abs() < 1e-12);
        assert_eq!((all[1].avg_rating, all[1].total_ratings), (3.0, 3));
    }
}
