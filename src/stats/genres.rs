//! Figures of every genre; a movie counts in each of its genres.

use std::collections::BTreeMap;

use crate::dataset::ids::MovieId;
use crate::dataset::{Movies, Ratings};
use crate::stats::sums::{Sums, per_movie};

/// Figures of one genre.
#[derive(Debug, Clone, PartialEq)]
pub struct GenreFigures {
    /// Its name.
    pub genre: String,
    /// Rated movies of it.
    pub movies: usize,
    /// Their ratings.
    pub total_ratings: u64,
    /// Mean stars.
    pub avg_rating: f64,
    /// Share of all ratings, from 0 to 1; the shares add up to more than 1.
    pub share: f64,
}

/// Returns the figures of each genre that has a rated movie, most ratings first.
#[must_use]
pub fn genres(ratings: &Ratings, movies: &Movies) -> Vec<GenreFigures> {
    let ids = ratings.movie_ids();
    let mut by_name: BTreeMap<&str, (usize, Sums)> = BTreeMap::new();
    for (&id, sums) in ids.iter().zip(per_movie(ratings, &ids)) {
        for genre in movies.get(MovieId(id)).iter().flat_map(|movie| movie.genre_list()) {
            let (n, total) = by_name.entry(genre).or_default();
            *n += 1;
            total.join(&sums);
        }
    }
    let mut figures: Vec<GenreFigures> = by_name
        .into_iter()
        .map(|(genre, (movies, sums))| GenreFigures {
            genre: genre.into(),
            movies,
            total_ratings: sums.n,
            avg_rating: sums.mean().unwrap_or(f64::NAN),
            share: sums.n as f64 / ratings.len() as f64,
        })
        .collect();
    // Stable: equal ones stay in the order of their names.
    figures.sort_by_key(|figures| std::cmp::Reverse(figures.total_ratings));
    figures
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::ratings::Duplicates;
    use crate::io::columns::MovieColumns;

    #[test]
    fn a_movie_counts_in_each_of_its_genres() {
        let rows = [(1, 5, 4.0, 0), (2, 5, 2.0, 0), (1, 6, 5.0, 0), (1, 9, 1.0, 0)];
        let ratings = Ratings::new(rows.into_iter().collect(), Duplicates::Last).0;
        let columns = MovieColumns {
            movie_id: vec![5, 6, 7],
            title: vec!["a".into(); 3],
            release_year: vec![None; 3],
            genres: vec!["X|Y".into(), "Y".into(), "Z".into()],
            movie_key: None,
        };
        let found = genres(&ratings, &Movies::new(columns, None));
        let found: Vec<_> = found
            .iter()
            .map(|g| (&*g.genre, g.movies, g.total_ratings, g.avg_rating, g.share))
            .collect();
        assert_eq!(found, [("Y", 2, 3, 11.0 / 3.0, 0.75), ("X", 1, 2, 3.0, 0.5)]);
    }
}
