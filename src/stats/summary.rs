//! Key figures of a set of ratings.

use serde::Serialize;

use crate::dataset::Ratings;

/// Key figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Ratings.
    pub ratings: usize,
    /// Users with at least one.
    pub users: usize,
    /// Movies with at least one.
    pub movies: usize,
    /// Mean stars.
    pub mean_rating: Option<f64>,
    /// Lowest stars.
    pub min_rating: Option<f32>,
    /// Highest stars.
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
}

/// Computes the key figures.
#[must_use]
pub fn summary(ratings: &Ratings) -> Summary {
    let shape = ratings.shape();
    let per = |n: usize| (n > 0).then(|| shape.ratings as f64 / n as f64);
    let sum: f64 = ratings.columns().rating.iter().map(|&stars| f64::from(stars)).sum();
    let (first, last) = shape.period.clone().unzip();
    Summary {
        ratings: shape.ratings,
        users: shape.users,
        movies: shape.movies,
        mean_rating: (shape.ratings > 0).then(|| sum / shape.ratings as f64),
        min_rating: shape.stars.map(|(min, _)| min),
        max_rating: shape.stars.map(|(_, max)| max),
        first_rating: first,
        last_rating: last,
        ratings_per_user: per(shape.users),
        ratings_per_movie: per(shape.movies),
        density: per(shape.users * shape.movies),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::ratings::Duplicates;
    use crate::io::columns::RatingColumns;

    #[test]
    fn figures_of_three_ratings_and_of_none() {
        let mut columns = RatingColumns::default();
        columns.push(1, 10, 2.0, 1_000_000);
        columns.push(1, 20, 3.0, 0);
        columns.push(2, 10, 5.0, 2_000_000);
        let figures = summary(&Ratings::new(columns, Duplicates::Last).0);
        assert_eq!((figures.ratings, figures.users, figures.movies), (3, 2, 2));
        assert_eq!(figures.mean_rating, Some(10.0 / 3.0));
        assert_eq!((figures.ratings_per_user, figures.density), (Some(1.5), Some(0.75)));
        assert_eq!(figures.last_rating.as_deref(), Some("1970-01-01T00:33:20Z"));
        let none = summary(&Ratings::default());
        assert_eq!((none.ratings, none.mean_rating, none.density), (0, None, None));
    }
}
