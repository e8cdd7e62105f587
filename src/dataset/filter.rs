//! Keeps the ratings that meet all conditions.
//!
//! First come the conditions on single ratings (listed users and movies, time, ratings, genre,
//! sample), whose order does not matter; then the counts per user and per movie, which are taken
//! on what those have left.

use std::ops::Range;

use serde_json::{Map, Value, json};

use crate::dataset::draw::{Draw, DrawOperation};
use crate::dataset::error::DatasetError;
use crate::dataset::expr::{Counts, Plan};
use crate::dataset::ids::{IdLookup, MovieId};
use crate::dataset::manifest::ProvenanceStep;
use crate::dataset::movies::Movies;
use crate::io::columns::{NO_TIME, RatingColumns};
use crate::io::keys::Keys;
use crate::io::time;

/// What a rating must meet to be kept; the default keeps all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FilterConditions {
    /// Users to keep, ascending.
    pub users: Option<Vec<i32>>,
    /// Movies to keep, ascending.
    pub movies: Option<Vec<i32>>,
    /// First millisecond to keep; a rating without a timestamp meets no condition on time.
    pub since_ms: Option<i64>,
    /// First millisecond to leave out.
    pub until_ms: Option<i64>,
    /// Lowest rating.
    pub min_rating: Option<f32>,
    /// Highest rating.
    pub max_rating: Option<f32>,
    /// Genres of which the movie must have one.
    pub genres: Vec<String>,
    /// Chance of each rating, or of each user with all ratings, to be kept.
    pub sample: Option<Sample>,
    /// Fewest ratings of a user.
    pub min_user_ratings: usize,
    /// Fewest ratings of a movie.
    pub min_movie_ratings: usize,
    /// Repeats the two counts until both hold, instead of once at the same time.
    pub core: bool,
}

/// A sample that always takes the same ratings: each is kept or not by a hash of the seed and its
/// ids, so that the choice depends neither on the other rows nor on their order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Share to keep, from 0 to 1.
    pub fraction: f64,
    /// Keeps or drops users as a whole.
    pub whole_users: bool,
    /// Seed.
    pub seed: u64,
}

impl FilterConditions {
    /// Names the options that were set, for the history of the data.
    #[must_use]
    pub fn options(&self) -> Map<String, Value> {
        let pairs = [
            ("users", self.users.as_ref().map(|ids| json!(ids.len()))),
            ("movies", self.movies.as_ref().map(|ids| json!(ids.len()))),
            ("since", self.since_ms.map(|ms| json!(time::format(ms)))),
            ("until", self.until_ms.map(|ms| json!(time::format(ms)))),
            ("min_rating", self.min_rating.map(|stars| json!(stars))),
            ("max_rating", self.max_rating.map(|stars| json!(stars))),
            ("genres", (!self.genres.is_empty()).then(|| json!(self.genres))),
            ("sample", self.sample.map(|sample| json!(sample.fraction))),
            ("sample_of", self.sample.map(|sample| json!(sample.unit()))),
            ("seed", self.sample.map(|sample| json!(sample.seed))),
            ("min_user_ratings", (self.min_user_ratings > 0).then(|| json!(self.min_user_ratings))),
            (
                "min_movie_ratings",
                (self.min_movie_ratings > 0).then(|| json!(self.min_movie_ratings)),
            ),
            ("core", self.core.then(|| json!(true))),
        ];
        pairs.into_iter().filter_map(|(name, value)| Some((name.to_string(), value?))).collect()
    }
}

impl Sample {
    fn unit(&self) -> &'static str {
        if self.whole_users { "users" } else { "ratings" }
    }
}

/// Conditions that are ready to be asked of ratings.
pub struct Filter<'a> {
    conditions: &'a FilterConditions,
    users: Option<IdLookup>,
    movies: Option<IdLookup>,
    of_genre: Option<IdLookup>,
    /// Users and movies with enough ratings, as far as that is decided.
    enough: Option<[IdLookup; 2]>,
    plan: Option<Plan>,
    draw: Option<Draw<'a>>,
}

impl<'a> Filter<'a> {
    /// Looks up what the conditions need; `plan` is one more of them.
    ///
    /// # Errors
    /// If genres are asked for and there are no movies, or none of that genre.
    pub fn new(
        conditions: &'a FilterConditions,
        movies: Option<&Movies>,
        plan: Option<Plan>,
    ) -> Result<Self, DatasetError> {
        let of_genre = match (&conditions.genres[..], movies) {
            ([], _) => None,
            (_, None) => return Err(DatasetError::NoMovies),
            (genres, Some(movies)) => Some(IdLookup::new(&movies_of(genres, movies)?)),
        };
        let users = conditions.users.as_deref().map(IdLookup::new);
        let movies = conditions.movies.as_deref().map(IdLookup::new);
        let draw =
            conditions.sample.map(|sample| Draw::new(sample.seed, DrawOperation::Sample, &[]));
        Ok(Self { conditions, users, movies, of_genre, enough: None, plan, draw })
    }

    /// Draws the sample afresh from data that `earlier` commands have made, by string ids where
    /// there are some.
    #[must_use]
    pub fn drawing_after(
        mut self,
        earlier: &[ProvenanceStep],
        user_keys: Option<&'a Keys>,
        movie_keys: Option<&'a Keys>,
    ) -> Self {
        let draw = |sample: Sample| Draw::new(sample.seed, DrawOperation::Sample, earlier);
        self.draw = self.conditions.sample.map(draw);
        self.draw = self.draw.map(|draw| draw.with_keys(user_keys, movie_keys));
        self
    }

    fn samples(&self, user: i32, movie: i32) -> bool {
        let (Some(sample), Some(draw)) = (self.conditions.sample, &self.draw) else { return true };
        let number = if sample.whole_users { draw.user(user) } else { draw.rating(user, movie) };
        number < sample.fraction
    }

    /// Returns milliseconds outside of which nothing is kept.
    #[must_use]
    pub fn period(&self) -> Option<Range<i64>> {
        let FilterConditions { since_ms, until_ms, .. } = self.conditions;
        let own = (since_ms.is_some() || until_ms.is_some())
            .then(|| since_ms.unwrap_or(i64::MIN)..until_ms.unwrap_or(i64::MAX));
        let planned = self.plan.as_ref().and_then(Plan::period);
        own.into_iter().chain(planned).reduce(|a, b| a.start.max(b.start)..a.end.min(b.end))
    }

    /// Keeps the ratings that meet the conditions on single ratings, and those on counts as far as
    /// they are decided.
    #[must_use]
    pub fn rows(&self, columns: &RatingColumns) -> RatingColumns {
        let conditions = self.conditions;
        let listed =
            |list: &Option<IdLookup>, id| list.as_ref().is_none_or(|l| l.get(id).is_some());
        let timed = conditions.since_ms.is_some() || conditions.until_ms.is_some();
        let since = conditions.since_ms.unwrap_or(i64::MIN);
        let until = conditions.until_ms.unwrap_or(i64::MAX);
        let stars = conditions.min_rating.unwrap_or(f32::NEG_INFINITY)
            ..=conditions.max_rating.unwrap_or(f32::INFINITY);
        let are_enough = |user, movie| {
            self.enough.as_ref().is_none_or(|[users, movies]| {
                users.get(user).is_some() && movies.get(movie).is_some()
            })
        };
        columns.filter(|row| {
            let (user, movie) = (columns.user_id[row], columns.movie_id[row]);
            let (rating, ms) = (columns.rating[row], columns.time_ms[row]);
            (!timed || (ms != NO_TIME && ms >= since && ms < until))
                && stars.contains(&rating)
                && listed(&self.users, user)
                && listed(&self.movies, movie)
                && listed(&self.of_genre, movie)
                && are_enough(user, movie)
                && self.samples(user, movie)
                && self.plan.as_ref().is_none_or(|plan| plan.keeps(user, movie, rating, ms))
        })
    }

    /// Whether there are conditions on the counts of users and movies, which all ratings
    /// together decide.
    #[must_use]
    pub fn counts(&self) -> bool {
        // Whoever is there has one.
        self.conditions.min_user_ratings > 1 || self.conditions.min_movie_ratings > 1
    }

    /// Decides which users and movies have enough ratings: `count` counts those of [`Self::rows`],
    /// again and again where both counts must hold in the end.
    ///
    /// # Errors
    /// If `count` fails.
    pub fn settle<E>(
        &mut self,
        mut count: impl FnMut(&Self) -> Result<(Counts, Counts), E>,
    ) -> Result<(), E> {
        let least = [self.conditions.min_user_ratings, self.conditions.min_movie_ratings];
        let few = |counts: &Counts, least: usize| counts.counts.iter().any(|&n| n < least as u64);
        while self.counts() {
            let (users, movies) = count(self)?;
            if !few(&users, least[0]) && !few(&movies, least[1]) {
                break;
            }
            self.enough = Some([enough(&users, least[0]), enough(&movies, least[1])]);
            if !self.conditions.core {
                break;
            }
        }
        Ok(())
    }

    /// Names the options that were set, for the history of the data; `expression` is that of the
    /// plan.
    #[must_use]
    pub fn step(
        &self,
        expression: Option<&str>,
        rows_in: usize,
        rows_kept: usize,
    ) -> ProvenanceStep {
        let mut options = self.conditions.options();
        if let Some(expression) = expression {
            options.insert("where".into(), json!(expression));
        }
        ProvenanceStep {
            command: "filter".into(),
            options,
            rows_in,
            rows_kept,
            rejected: Map::new(),
        }
    }
}

fn movies_of(genres: &[String], movies: &Movies) -> Result<Vec<i32>, DatasetError> {
    movies.check_genres(genres)?;
    let fits = movies.iter().filter(|(_, movie)| genres.iter().any(|genre| movie.has_genre(genre)));
    Ok(fits.map(|(MovieId(id), _)| id).collect())
}

/// Returns those who have at least so many ratings.
fn enough(counts: &Counts, least: usize) -> IdLookup {
    let pairs = counts.ids.iter().zip(&counts.counts);
    let ids = pairs.filter(|(_, n)| **n >= least as u64).map(|(&id, _)| id);
    IdLookup::new(&ids.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dataset::ids::distinct;
    use crate::dataset::ratings::{DuplicatePolicy, Ratings};
    use crate::io::columns::MovieColumns;

    fn ratings(rows: &[(i32, i32, f32, i64)]) -> Ratings {
        Ratings::new(rows.iter().copied().collect(), DuplicatePolicy::Last).0
    }

    fn apply(ratings: &Ratings, conditions: &FilterConditions) -> Ratings {
        let mut filter = Filter::new(conditions, Some(&movies()), None).unwrap();
        let count = |ids: &[i32]| {
            let distinct = distinct(ids);
            let count = |id: &i32| ids.iter().filter(|other| *other == id).count() as u64;
            Counts { counts: distinct.iter().map(count).collect(), ids: distinct }
        };
        let settled = filter.settle(|filter| {
            let rows = filter.rows(ratings.columns());
            Ok::<_, ()>((count(&rows.user_id), count(&rows.movie_id)))
        });
        settled.unwrap();
        Ratings::new(filter.rows(ratings.columns()), DuplicatePolicy::Last).0
    }

    fn kept(ratings: &Ratings, conditions: &FilterConditions) -> Vec<(i32, i32)> {
        let kept = apply(ratings, conditions);
        let columns = kept.columns();
        columns.user_id.iter().copied().zip(columns.movie_id.iter().copied()).collect()
    }

    fn movies() -> Movies {
        let genres = ["Drama", "Comedy|Drama", "Horror"].map(String::from).to_vec();
        let title = genres.clone();
        let movie_id = vec![1, 2, 3];
        Movies::new(
            MovieColumns { movie_id, title, release_year: vec![None; 3], genres, movie_key: None },
            None,
        )
    }

    fn small() -> Ratings {
        ratings(&[
            (1, 1, 5.0, 1000),
            (1, 2, 1.0, 2000),
            (1, 3, 3.0, NO_TIME),
            (2, 1, 4.0, 3000),
            (3, 3, 2.5, 4000),
        ])
    }

    #[test]
    fn each_condition_keeps_what_it_says() {
        let c = FilterConditions::default;
        for (conditions, expected) in [
            (c(), vec![(1, 1), (1, 2), (1, 3), (2, 1), (3, 3)]),
            (FilterConditions { since_ms: Some(2000), ..c() }, vec![(1, 2), (2, 1), (3, 3)]),
            (FilterConditions { until_ms: Some(2000), ..c() }, vec![(1, 1)]),
            (
                FilterConditions { min_rating: Some(2.5), max_rating: Some(4.0), ..c() },
                vec![(1, 3), (2, 1), (3, 3)],
            ),
            (FilterConditions { users: Some(vec![2, 3]), ..c() }, vec![(2, 1), (3, 3)]),
            (FilterConditions { movies: Some(vec![2]), ..c() }, vec![(1, 2)]),
            (FilterConditions { genres: vec!["comedy".into()], ..c() }, vec![(1, 2)]),
            (
                FilterConditions { genres: vec!["Drama".into(), "Horror".into()], ..c() },
                vec![(1, 1), (1, 2), (1, 3), (2, 1), (3, 3)],
            ),
            (FilterConditions { min_user_ratings: 2, ..c() }, vec![(1, 1), (1, 2), (1, 3)]),
            (
                FilterConditions { min_movie_ratings: 2, ..c() },
                vec![(1, 1), (1, 3), (2, 1), (3, 3)],
            ),
            (
                FilterConditions { min_movie_ratings: 2, min_user_ratings: 2, ..c() },
                vec![(1, 1), (1, 3)],
            ),
            (
                FilterConditions { min_movie_ratings: 2, min_user_ratings: 2, core: true, ..c() },
                vec![],
            ),
        ] {
            assert_eq!(kept(&small(), &conditions), expected, "{conditions:?}");
        }
    }

    #[test]
    fn unknown_genres_and_missing_movies_are_errors() {
        let conditions =
            FilterConditions { genres: vec!["Opera".into()], ..FilterConditions::default() };
        let error = |movies: Option<&Movies>| Filter::new(&conditions, movies, None).err().unwrap();
        assert_eq!(
            error(Some(&movies())).to_string(),
            "no movie is of the genre `Opera`; known are Comedy, Drama, Horror"
        );
        assert!(matches!(error(None), DatasetError::NoMovies));
    }

    #[test]
    fn a_sample_takes_about_its_share_and_whole_users_where_asked() {
        let rows: Vec<_> = (0..200).flat_map(|u| (0..50).map(move |m| (u, m, 3.0, 0))).collect();
        let all = ratings(&rows);
        let sample = |whole_users, seed| {
            let sample = Some(Sample { fraction: 0.3, whole_users, seed });
            kept(&all, &FilterConditions { sample, ..FilterConditions::default() })
        };
        let n = sample(false, 1).len();
        assert!((2_800..3_200).contains(&n), "{n} of 10000");
        assert_ne!(sample(false, 1), sample(false, 2));
        let by_user = sample(true, 1);
        assert!(by_user.len() % 50 == 0 && (40 * 50..80 * 50).contains(&by_user.len()));
    }

    prop_compose! {
        fn any_conditions()(
            since in proptest::option::of(0_i64..50),
            until in proptest::option::of(0_i64..50),
            min in proptest::option::of(0.5_f32..5.0),
            max in proptest::option::of(0.5_f32..5.0),
            users in proptest::option::of(proptest::collection::btree_set(0..8_i32, 0..8)),
            fraction in proptest::option::of(0.0..1.0),
            whole_users: bool,
            counts in (0..4_usize, 0..4_usize),
        ) -> FilterConditions {
            FilterConditions {
                since_ms: since,
                until_ms: until,
                min_rating: min,
                max_rating: max,
                users: users.map(|ids| ids.into_iter().collect()),
                sample: fraction.map(|fraction| Sample { fraction, whole_users, seed: 7 }),
                min_user_ratings: counts.0,
                min_movie_ratings: counts.1,
                core: true,
                ..FilterConditions::default()
            }
        }
    }

    proptest! {
        #[test]
        fn filtering_twice_equals_once(
            rows in proptest::collection::vec((0..8_i32, 0..8_i32, 1..10_u8, 0_i64..50), 0..120),
            conditions in any_conditions(),
        ) {
            let rows: Vec<_> = rows.into_iter().map(|(u, m, r, t)| (u, m, f32::from(r) / 2.0, t)).collect();
            let once = apply(&ratings(&rows), &conditions);
            prop_assert_eq!(&once, &apply(&once, &conditions));
            // With `core`, both counts hold in the end.
            let shape = once.shape();
            prop_assert!(shape.ratings >= shape.users * conditions.min_user_ratings);
            prop_assert!(shape.ratings >= shape.movies * conditions.min_movie_ratings);
        }
    }
}
