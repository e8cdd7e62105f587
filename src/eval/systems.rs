//! Systems that are evaluated: a model, or lists that another system made.

use crate::dataset::Ratings;
use crate::dataset::ids::{ItemIx, MovieId, UserId};
use crate::eval::ranking::auc;
use crate::model::query::Query;
use crate::model::ranker::Ranker;
use crate::model::{Model, ModelError, TargetUser};

/// What a system says to one user.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SystemAnswer {
    /// Movies, the best first.
    pub list: Vec<i32>,
    /// Predicted rating of each test rating, if it predicts ratings; NaN where it knows nothing of
    /// the movie.
    pub predicted: Option<Vec<f32>>,
    /// Fallback prediction: the mean of the user's ratings, else the global mean.
    pub fallback: f64,
    /// Chance that a relevant unseen movie is above another; where all movies are scored.
    pub auc: Option<f64>,
    /// Test ratings of movies that the user is known to have rated before.
    pub known_rows: usize,
}

/// Anything that can be measured.
pub trait EvaluatedSystem: Sync {
    /// Answers a user of whom `test` holds the ratings to come: movies and ratings. `None`, if it
    /// does not know the user.
    ///
    /// # Errors
    /// If the model cannot answer.
    fn answer(&self, user: UserId, test: &[(i32, f32)])
    -> Result<Option<SystemAnswer>, ModelError>;
}

/// A model, asked about users of its training data, or about new users with some ratings.
#[derive(Debug)]
pub struct ModelSystem<'a> {
    model: &'a Model,
    fold_in: Option<&'a Ratings>,
    ranker: Ranker<'a>,
    relevant_from: f32,
}

impl<'a> ModelSystem<'a> {
    /// Asks a model about the users that it knows or, with `fold_in`, about the new users whose
    /// ratings are there.
    #[must_use]
    pub fn new(
        model: &'a Model,
        fold_in: Option<&'a Ratings>,
        n: usize,
        relevant_from: f32,
    ) -> Self {
        let query = Query { n, ..Query::default() };
        let ranker = Ranker::new(model, query);
        Self { model, fold_in, ranker, relevant_from }
    }
}

impl EvaluatedSystem for ModelSystem<'_> {
    fn answer(
        &self,
        user: UserId,
        test: &[(i32, f32)],
    ) -> Result<Option<SystemAnswer>, ModelError> {
        let Self { model, fold_in, ranker, relevant_from } = self;
        let items: Vec<(ItemIx, f32)>;
        let (known, ratings) = match fold_in {
            Some(fold_in) => {
                let rows = rows_of(fold_in, user.0);
                items = rows
                    .filter_map(|(movie, stars)| {
                        Some((model.catalogue.item(MovieId(movie))?, stars))
                    })
                    .collect();
                (None, &items[..])
            }
            None => (Some(user), model.seen.get(user).unwrap_or_default()),
        };
        let unknown = known.is_some_and(|user| model.user_ids.binary_search(&user.0).is_err());
        if unknown || (known.is_none() && ratings.is_empty()) {
            return Ok(None);
        }
        let scores = model.recommender.score(TargetUser { user: known, ratings })?;
        let list = ranker.for_scores(&scores, ratings);
        let item_of = |movie: i32| model.catalogue.item(MovieId(movie));
        let predicted = scores.rating.as_ref().map(|stars| {
            let of_movie = |movie| item_of(movie).map_or(f32::NAN, |item| stars[item.at()]);
            test.iter().map(|&(movie, _)| of_movie(movie)).collect()
        });
        let mut candidate = vec![Some(false); scores.score.len()];
        ratings.iter().for_each(|(item, _)| candidate[item.at()] = None);
        for &(movie, stars) in test {
            if let Some(item) = item_of(movie).filter(|_| stars >= *relevant_from) {
                candidate[item.at()] = candidate[item.at()].map(|_| true);
            }
        }
        let pairs = scores.score.iter().zip(&candidate);
        let candidates = pairs.filter_map(|(&score, relevant)| Some((score, (*relevant)?)));
        let mean = model.info.as_ref().map_or(f64::NAN, |info| info.training.mean_rating);
        Ok(Some(SystemAnswer {
            list: list.iter().map(|row| model.catalogue.id(row.item).0).collect(),
            predicted,
            fallback: mean_stars(ratings.iter().map(|&(_, stars)| stars)).unwrap_or(mean),
            auc: auc(candidates),
            known_rows: test
                .iter()
                .filter_map(|&(movie, _)| item_of(movie))
                .filter(|item| ratings.binary_search_by_key(item, |(item, _)| *item).is_ok())
                .count(),
        }))
    }
}

/// Lists that were made before: a row per movie, its `rating` the rank, or a score.
#[derive(Debug, Clone, Copy)]
pub struct ListSystem<'a> {
    /// The rows.
    pub rows: &'a Ratings,
    /// Whether the best movie has the lowest value.
    pub by_rank: bool,
    /// How many movies of a list count.
    pub n: usize,
}

impl EvaluatedSystem for ListSystem<'_> {
    fn answer(
        &self,
        user: UserId,
        _test: &[(i32, f32)],
    ) -> Result<Option<SystemAnswer>, ModelError> {
        let mut rows: Vec<(i32, f32)> = rows_of(self.rows, user.0).collect();
        if rows.is_empty() {
            return Ok(None);
        }
        // Equal values keep the order of ids.
        rows.sort_by(|a, b| if self.by_rank { a.1.total_cmp(&b.1) } else { b.1.total_cmp(&a.1) });
        let list = rows.into_iter().take(self.n).map(|(movie, _)| movie).collect();
        Ok(Some(SystemAnswer { list, fallback: f64::NAN, ..SystemAnswer::default() }))
    }
}

fn rows_of(ratings: &Ratings, user: i32) -> impl Iterator<Item = (i32, f32)> {
    let columns = ratings.columns();
    let first = columns.user_id.partition_point(|&id| id < user);
    let end = first + columns.user_id[first..].partition_point(|&id| id == user);
    let movies = &columns.movie_id[first..end];
    movies.iter().copied().zip(columns.rating[first..end].iter().copied())
}

fn mean_stars(stars: impl ExactSizeIterator<Item = f32>) -> Option<f64> {
    let n = stars.len() as f64;
    (n > 0.0).then(|| stars.map(f64::from).sum::<f64>() / n)
}
