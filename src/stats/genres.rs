//! Figures of every genre; a movie counts in each of its genres.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use crate::dataset::Movies;
use crate::stats::sums::RatingSums;

/// Figures of one genre.
#[derive(Debug, Clone, PartialEq)]
pub struct GenreFigures {
    /// Its name.
    pub genre: String,
    /// Rated movies of it.
    pub movies: usize,
    /// Their ratings.
    pub total_ratings: u64,
    /// Mean rating.
    pub avg_rating: f64,
    /// Share of all ratings, from 0 to 1; the shares add up to more than 1.
    pub share: f64,
}

/// Returns the figures of each genre that has a rated movie, most ratings first; `rated` are the
/// sums of all rated movies.
#[must_use]
pub fn genres(rated: &[(i32, RatingSums)], movies: &Movies) -> Vec<GenreFigures> {
    let all: u64 = rated.iter().map(|(_, sums)| sums.n).sum();
    // Few combinations of genres are those of many movies, so that few are taken apart.
    let mut by_genres: HashMap<&str, (usize, usize, RatingSums)> = HashMap::new();
    for ((_, sums), at) in rated.iter().zip(movies.places(rated.iter().map(|(id, _)| *id))) {
        if let Some(at) = at {
            let genres = by_genres.entry(movies.genres_at(at));
            let (_, n, total) = genres.or_insert((at, 0, RatingSums::default()));
            *n += 1;
            total.merge(sums);
        }
    }
    // In the order of their names, so that sums of ratings that are no halves come to the same bits
    // each time.
    let by_genres: BTreeMap<_, _> = by_genres.into_iter().collect();
    let mut by_name: BTreeMap<&str, (usize, RatingSums)> = BTreeMap::new();
    for &(at, n, ref sums) in by_genres.values() {
        for genre in movies.at(at).genre_list() {
            let (all, total) = by_name.entry(genre).or_default();
            *all += n;
            total.merge(sums);
        }
    }
    let mut figures: Vec<GenreFigures> = by_name
        .into_iter()
        .map(|(genre, (movies, sums))| GenreFigures {
            genre: genre.into(),
            movies,
            total_ratings: sums.n,
            avg_rating: sums.mean().unwrap_or(f64::NAN),
            share: sums.n as f64 / all as f64,
        })
        .collect();
    // Stable: equal ones stay in the order of their names.
    figures.sort_by_key(|figures| Reverse(figures.total_ratings));
    figures
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::columns::MovieColumns;

    #[test]
    fn a_movie_counts_in_each_of_its_genres() {
        let sums = |stars: &[f32]| {
            let mut sums = RatingSums::default();
            stars.iter().for_each(|&stars| sums.add(stars));
            sums
        };
        let rated = [(5, sums(&[4.0, 2.0])), (6, sums(&[5.0])), (9, sums(&[1.0]))];
        let columns = MovieColumns {
            movie_id: vec![5, 6, 7],
            title: vec!["a".into(); 3],
            release_year: vec![None; 3],
            genres: vec!["X|Y".into(), "Y".into(), "Z".into()],
            movie_key: None,
        };
        let found = genres(&rated, &Movies::new(columns, None));
        let found: Vec<_> = found
            .iter()
            .map(|g| (&*g.genre, g.movies, g.total_ratings, g.avg_rating, g.share))
            .collect();
        assert_eq!(found, [("Y", 2, 3, 11.0 / 3.0, 0.75), ("X", 1, 2, 3.0, 0.5)]);
    }
}
