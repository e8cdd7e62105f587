//! A few movies for a new user to rate.

use crate::dataset::movies::{genre_overlap, known_genres};
use crate::stats::movies::MovieFigures;

/// Movies that a selection is made of: the most rated ones.
pub const POOL: usize = 200;

/// Chooses `n` movies that most users know, that users disagree on, and that stand for different
/// tastes; `most_rated` comes in the order of the number of ratings.
///
/// Of the [`POOL`] most rated movies, one after another is chosen for which
/// ln(1 + n) / ln(1 + n_max) + d / d_max − o is largest: n is its number of ratings, d their
/// standard deviation, and o the largest overlap (Jaccard) of its genres with those of a movie
/// chosen before. Ties go to the one with more ratings.
#[must_use]
pub fn landing(most_rated: &[MovieFigures], n: usize) -> Vec<MovieFigures> {
    let pool = &most_rated[..most_rated.len().min(POOL)];
    let known = |movie: &MovieFigures| libm::log1p(movie.total_ratings as f64);
    let divides = |movie: &MovieFigures| movie.stddev_rating.unwrap_or(0.0);
    let most = |value: &dyn Fn(&MovieFigures) -> f64| {
        pool.iter().map(value).fold(f64::MIN_POSITIVE, f64::max)
    };
    let (most_known, most_divided) = (most(&known), most(&divides));
    let mut left: Vec<(&MovieFigures, f64)> = pool.iter().map(|movie| (movie, 0.0)).collect();
    let mut chosen: Vec<MovieFigures> = Vec::new();
    while chosen.len() < n && !left.is_empty() {
        let value = |(movie, overlap): &(&MovieFigures, f64)| {
            known(movie) / most_known + divides(movie) / most_divided - overlap
        };
        let mut best = 0;
        for at in 1..left.len() {
            if value(&left[at]) > value(&left[best]) {
                best = at;
            }
        }
        let (movie, _) = left.remove(best);
        for (other, overlap) in &mut left {
            *overlap = overlap.max(common(movie, other));
        }
        chosen.push(movie.clone());
    }
    chosen
}

/// Returns the overlap of the genres of two movies.
fn common(a: &MovieFigures, b: &MovieFigures) -> f64 {
    let genres = |movie: &MovieFigures| -> Vec<String> {
        known_genres(movie.genres.as_deref().unwrap_or_default()).map(String::from).collect()
    };
    genre_overlap(&genres(a), &genres(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::ids::MovieId;

    #[test]
    fn the_chosen_are_known_disputed_and_different() {
        let movie = |id, n, deviation, genres: &str| MovieFigures {
            movie_id: MovieId(id),
            movie_key: None,
            title: None,
            genres: Some(genres.into()),
            avg_rating: 3.0,
            total_ratings: n,
            stddev_rating: deviation,
        };
        let all = [
            movie(1, 100, Some(1.0), "Drama"),
            movie(2, 99, Some(1.0), "Drama"),
            movie(3, 50, Some(0.9), "Comedy"),
            movie(4, 20, Some(0.1), "War"),
            movie(5, 1, None, "(no genres listed)"),
        ];
        let ids: Vec<i32> = landing(&all, 3).iter().map(|movie| movie.movie_id.0).collect();
        assert_eq!(ids, [1, 3, 2]);
        assert_eq!(landing(&all, 10).len(), 5);
        assert!(landing(&[], 10).is_empty());
    }
}
