//! Figures of every rated movie, and the selections made of them.

use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;

use crate::dataset::Movies;
use crate::dataset::ids::MovieId;
use crate::stats::sums::RatingSums;

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
    /// Mean rating.
    pub avg_rating: f64,
    /// Number of ratings.
    pub total_ratings: u64,
    /// Sample standard deviation of the ratings; none for a single rating.
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

/// Returns the first `n` in an order of those of the rated movies that have at least `min_ratings`
/// and that `keep` keeps.
#[must_use]
pub fn ranked(
    rated: &[(i32, RatingSums)],
    min_ratings: u64,
    order: Order,
    keep: impl Fn(MovieId) -> bool,
    n: usize,
) -> Vec<(i32, RatingSums)> {
    let key = |sums: &RatingSums| {
        let (n, mean) = (sums.n as f64, sums.mean()?);
        match order {
            Order::MostRated => Some((n, mean)),
            Order::BestRated => Some((mean, n)),
            Order::MostPolarising => Some((sums.deviation()?, n)),
        }
    };
    // With the id, which decides between equal ones, and the place.
    type Keyed = (f64, f64, i32, usize);
    let by_key = |(a1, a2, a, _): &Keyed, (b1, b2, b, _): &Keyed| {
        b1.total_cmp(a1).then(b2.total_cmp(a2)).then(a.cmp(b))
    };
    let mut keyed: Vec<Keyed> = Vec::with_capacity(rated.len());
    for (at, (id, sums)) in rated.iter().enumerate() {
        if sums.n >= min_ratings
            && keep(MovieId(*id))
            && let Some((first, second)) = key(sums)
        {
            keyed.push((first, second, *id, at));
        }
    }
    if n < keyed.len() {
        keyed.select_nth_unstable_by(n, by_key);
        keyed.truncate(n);
    }
    keyed.par_sort_unstable_by(by_key);
    keyed.into_iter().map(|(_, _, _, at)| rated[at]).collect()
}

/// Returns all of [`ranked`].
#[must_use]
pub fn all_ranked(
    rated: &[(i32, RatingSums)],
    min_ratings: u64,
    order: Order,
) -> Vec<(i32, RatingSums)> {
    ranked(rated, min_ratings, order, |_| true, usize::MAX)
}

/// Returns the first `n` of each genre among movies in an order, genre by genre in the order of
/// their names.
#[must_use]
pub fn first_of_genres<'a>(
    ranked: &[(i32, RatingSums)],
    movies: &'a Movies,
    n: usize,
) -> Vec<(&'a str, (i32, RatingSums))> {
    let mut of_genre: HashMap<&str, Vec<(i32, RatingSums)>> = HashMap::new();
    for one in ranked {
        for genre in movies.get(MovieId(one.0)).unwrap_or_default().genre_list() {
            let of_genre = of_genre.entry(genre).or_default();
            // A movie may name a genre twice.
            if of_genre.len() < n && of_genre.last().is_none_or(|last| last.0 != one.0) {
                of_genre.push(*one);
            }
        }
    }
    let of_genre: BTreeMap<_, _> = of_genre.into_iter().collect();
    let each = of_genre.into_iter();
    each.flat_map(|(genre, some)| some.into_iter().map(move |one| (genre, one))).collect()
}

/// Returns the figures of movies in the order in which they come.
#[must_use]
pub fn figures<'a>(
    some: impl IntoParallelIterator<Iter: IndexedParallelIterator, Item = &'a (i32, RatingSums)>,
    movies: Option<&Movies>,
) -> Vec<MovieFigures> {
    let figures = |&(id, sums): &(i32, RatingSums)| {
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
    };
    some.into_par_iter().map(figures).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::columns::MovieColumns;

    fn rated() -> Vec<(i32, RatingSums)> {
        let stars: [(i32, &[f32]); 5] = [
            (5, &[4.0, 4.0]),
            (6, &[1.0, 5.0]),
            (7, &[4.0, 4.0]),
            (8, &[5.0]),
            (9, &[2.0, 3.0, 4.0]),
        ];
        let sums = stars.map(|(id, stars)| {
            let mut sums = RatingSums::default();
            stars.iter().for_each(|&stars| sums.add(stars));
            (id, sums)
        });
        sums.to_vec()
    }

    fn ids(min: u64, order: Order) -> Vec<i32> {
        all_ranked(&rated(), min, order).iter().map(|(id, _)| *id).collect()
    }

    #[test]
    fn orders_break_ties_by_count_and_id() {
        assert_eq!(ids(0, Order::MostRated), [9, 5, 7, 6, 8]);
        assert_eq!(ids(0, Order::BestRated), [8, 5, 7, 9, 6]);
        assert_eq!(ids(2, Order::BestRated), [5, 7, 9, 6]);
        assert_eq!(ids(0, Order::MostPolarising), [6, 9, 5, 7]);
        for n in 0..6 {
            let some = ranked(&rated(), 0, Order::BestRated, |id| id.0 != 5, n);
            let some: Vec<i32> = some.iter().map(|(id, _)| *id).collect();
            assert_eq!(some, [8, 7, 9, 6][..n.min(4)]);
        }
    }

    #[test]
    fn a_movie_is_among_the_first_of_each_of_its_genres() {
        let columns = MovieColumns {
            movie_id: vec![5, 6, 7, 8],
            title: vec!["a".into(); 4],
            release_year: vec![None; 4],
            genres: ["X|Y", "Y", "", "X|X"].map(String::from).to_vec(),
            movie_key: None,
        };
        let movies = Movies::new(columns, None);
        let first = |n| -> Vec<(&str, i32)> {
            let ranked = all_ranked(&rated(), 0, Order::MostRated);
            first_of_genres(&ranked, &movies, n)
                .into_iter()
                .map(|(genre, one)| (genre, one.0))
                .collect()
        };
        assert_eq!(first(1), [("X", 5), ("Y", 5)]);
        assert_eq!(first(9), [("X", 5), ("X", 8), ("Y", 5), ("Y", 6)]);
        assert_eq!(first(0), []);
    }

    #[test]
    fn the_deviation_is_that_of_a_sample() {
        let all = figures(&all_ranked(&rated(), 0, Order::MostPolarising), None);
        assert!((all[0].stddev_rating.unwrap() - 8.0_f64.sqrt()).abs() < 1e-12);
        assert!((all[1].stddev_rating.unwrap() - 1.0).abs() < 1e-12);
        assert_eq!((all[1].avg_rating, all[1].total_ratings), (3.0, 3));
    }
}
