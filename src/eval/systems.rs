//! Systems that are evaluated: a model, or lists that another system made.

use std::borrow::Cow;

use rayon::prelude::*;

use crate::dataset::Ratings;
use crate::dataset::ids::{ItemIx, MovieId, UserId};
use crate::eval::ranking::auc;
use crate::model::query::Query;
use crate::model::ranker::{Ranker, UserProbe};
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

/// A user with the ratings that it went on to give.
#[derive(Debug, Clone, PartialEq)]
pub struct TestUser {
    /// The user.
    pub user: UserId,
    /// Movies and ratings.
    pub ratings: Vec<(i32, f32)>,
}

/// Anything that can be measured.
pub trait EvaluatedSystem: Sync {
    /// Answers some users, in their order and on all threads; `None` for one that it does not know.
    ///
    /// # Errors
    /// If the model cannot answer.
    fn answer(&self, users: &[TestUser]) -> Result<Vec<Option<SystemAnswer>>, ModelError>;
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

    /// Returns the known ratings of a user, by ascending item; `None` if there is no such user.
    fn known_ratings(&self, user: UserId) -> Option<Cow<'_, [(ItemIx, f32)]>> {
        let Self { model, fold_in, .. } = self;
        let Some(fold_in) = fold_in else {
            model.user_ids.binary_search(&user.0).ok()?;
            return Some(Cow::Borrowed(model.seen.get(user).unwrap_or_default()));
        };
        let of_item = |(movie, rating)| Some((model.catalogue.item(MovieId(movie))?, rating));
        let ratings: Vec<_> = rows_of(fold_in, user.0).filter_map(of_item).collect();
        (!ratings.is_empty()).then_some(Cow::Owned(ratings))
    }

    /// Returns the mean of a user's ratings or, without any, of the training data.
    fn fallback(&self, ratings: &[(ItemIx, f32)]) -> f64 {
        let mean = self.model.info.as_ref().map_or(f64::NAN, |info| info.training.mean_rating);
        mean_stars(ratings.iter().map(|&(_, stars)| stars)).unwrap_or(mean)
    }
}

impl EvaluatedSystem for ModelSystem<'_> {
    fn answer(&self, users: &[TestUser]) -> Result<Vec<Option<SystemAnswer>>, ModelError> {
        let known: Vec<_> = users.par_iter().map(|one| self.known_ratings(one.user)).collect();
        let item_of = |movie: i32| self.model.catalogue.item(MovieId(movie));
        let is_rated = |ratings: &[(ItemIx, f32)], item: ItemIx| {
            ratings.binary_search_by_key(&item, |(item, _)| *item).is_ok()
        };
        let both =
            || users.iter().zip(&known).filter_map(|(one, known)| Some((one, &**known.as_ref()?)));
        let probe = |(one, ratings): (&TestUser, _)| {
            let items: Vec<Option<ItemIx>> =
                one.ratings.iter().map(|&(movie, _)| item_of(movie)).collect();
            let is_counted = |item: ItemIx, rating: f32| {
                rating >= self.relevant_from && !is_rated(ratings, item)
            };
            let with_rating = items.iter().zip(&one.ratings);
            let counted = with_rating
                .filter_map(|(item, &(_, rating))| item.filter(|&item| is_counted(item, rating)));
            UserProbe {
                user: TargetUser { user: self.fold_in.is_none().then_some(one.user), ratings },
                counted: counted.collect(),
                predicted: items,
            }
        };
        let probes: Vec<UserProbe<'_>> = both().map(probe).collect();
        let answers = self.ranker.probe_users(&probes);
        let n_items = self.model.catalogue.len();
        let with_answer = probes.iter().zip(answers).map(|(probe, answer)| {
            let (answer, ratings) = (answer?, probe.user.ratings);
            let known_rows =
                probe.predicted.iter().flatten().filter(|&&item| is_rated(ratings, item));
            Ok(SystemAnswer {
                list: answer.list.iter().map(|row| self.model.catalogue.id(row.item).0).collect(),
                predicted: answer.predicted,
                fallback: self.fallback(ratings),
                auc: auc(&answer.counts, n_items - ratings.len()),
                known_rows: known_rows.count(),
            })
        });
        let mut with_answer = with_answer.collect::<Result<Vec<_>, ModelError>>()?.into_iter();
        Ok(known.iter().map(|known| known.as_ref().and_then(|_| with_answer.next())).collect())
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

impl ListSystem<'_> {
    fn list(&self, user: UserId) -> Option<SystemAnswer> {
        let mut rows: Vec<(i32, f32)> = rows_of(self.rows, user.0).collect();
        if rows.is_empty() {
            return None;
        }
        // Equal values keep the order of ids.
        rows.sort_by(|a, b| if self.by_rank { a.1.total_cmp(&b.1) } else { b.1.total_cmp(&a.1) });
        let list = rows.into_iter().take(self.n).map(|(movie, _)| movie).collect();
        Some(SystemAnswer { list, fallback: f64::NAN, ..SystemAnswer::default() })
    }
}

impl EvaluatedSystem for ListSystem<'_> {
    fn answer(&self, users: &[TestUser]) -> Result<Vec<Option<SystemAnswer>>, ModelError> {
        Ok(users.par_iter().map(|one| self.list(one.user)).collect())
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
