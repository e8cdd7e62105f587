//! Lists of movies: candidates chosen, scored, ranked and cut at n.

use std::cmp::Reverse;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use crate::dataset::ids::ItemIx;
use crate::linalg::dense::Matrix;
use crate::linalg::panels::{FoundRows, PackedRows, VectorQuery, products_of_rows};
use crate::linalg::score_counts::{ScoreCounts, counts_among};
use crate::linalg::topk::{ScoredIndex, top_fitting};
use crate::model::candidates::GenreSets;
use crate::model::error::ModelError;
use crate::model::factor_model::FactorModel;
use crate::model::query::{Query, RankBy, Recommendation};
use crate::model::{ItemScores, Model, TargetUser};

/// A model and a query, made ready to answer one user or all of them.
#[derive(Debug)]
pub struct Ranker<'a> {
    model: &'a Model,
    query: Query,
    /// Items that may be listed, ascending.
    items: Vec<u32>,
    /// The factors of these items, packed, for many users.
    panels: OnceLock<PackedRows>,
    /// Users asked about so far.
    n_users: AtomicUsize,
    /// These items, most rated first.
    by_popularity: OnceLock<Vec<u32>>,
    genres: OnceLock<GenreSets>,
}

/// A user whose ratings to come are known, as models are evaluated.
#[derive(Debug, Clone)]
pub struct UserProbe<'a> {
    /// The user.
    pub user: TargetUser<'a>,
    /// Items whose ratings are to be predicted; `None` stands for one that the model lacks.
    pub predicted: Vec<Option<ItemIx>>,
    /// Items whose scores are counted among those of all that may be listed and are not rated.
    pub counted: Vec<ItemIx>,
}

impl<'a> UserProbe<'a> {
    /// Asks for a list alone.
    fn new(user: TargetUser<'a>) -> Self {
        Self { user, predicted: Vec::new(), counted: Vec::new() }
    }

    /// Returns the predicted ratings; NaN of items that the model lacks.
    fn predict(&self, rating: impl Fn(ItemIx) -> f32) -> Vec<f32> {
        self.predicted.iter().map(|item| item.map_or(f32::NAN, &rating)).collect()
    }
}

/// The answer to a [`UserProbe`].
#[derive(Debug, Clone, PartialEq)]
pub struct ProbeAnswer {
    /// The user's list.
    pub list: Vec<Recommendation>,
    /// Predicted ratings, if the model predicts some; NaN where it knows nothing of the item.
    pub predicted: Option<Vec<f32>>,
    /// Counts of the scores of candidates below and not above each counted item's.
    pub counts: Vec<ScoreCounts>,
}

/// Number of users from which packing the item factors pays.
const PACKING_PAYS_FROM: usize = 8;

/// Users whose lists are made together: their factors stay in the first-level cache.
const BLOCK: usize = 64;

impl<'a> Ranker<'a> {
    /// Joins the two.
    #[must_use]
    pub fn new(model: &'a Model, query: Query) -> Self {
        let items = match &query.candidates {
            Some(items) => items.clone(),
            None => (0..model.catalogue.len() as u32).collect(),
        };
        Self {
            model,
            query,
            items,
            panels: OnceLock::new(),
            n_users: AtomicUsize::new(0),
            by_popularity: OnceLock::new(),
            genres: OnceLock::new(),
        }
    }

    /// Returns what lists are sorted by.
    #[must_use]
    pub fn rank_by(&self) -> RankBy {
        self.query.rank_by
    }

    /// Lists movies for a user, known or new.
    ///
    /// # Errors
    /// If the fold-in equations of the user cannot be solved.
    pub fn for_user(&self, user: TargetUser<'_>) -> Result<Vec<Recommendation>, ModelError> {
        self.block(&[user]).pop().expect("a list for each user")
    }

    /// Lists movies for many users, in their order, on all threads.
    #[must_use]
    pub fn for_users(
        &self,
        users: &[TargetUser<'_>],
    ) -> Vec<Result<Vec<Recommendation>, ModelError>> {
        if let Some(factors) = self.model.recommender.factor_model() {
            let asked = self.n_users.fetch_add(users.len(), Ordering::Relaxed) + users.len();
            if asked >= PACKING_PAYS_FROM {
                self.pack_items(factors);
            }
        }
        users.par_chunks(BLOCK).flat_map_iter(|block| self.block(block)).collect()
    }

    /// Answers many users whose ratings to come are known, in their order, on all threads.
    #[must_use]
    pub fn probe_users(&self, users: &[UserProbe<'_>]) -> Vec<Result<ProbeAnswer, ModelError>> {
        if let Some(factors) = self.model.recommender.factor_model() {
            self.pack_items(factors);
        }
        users.par_chunks(BLOCK).flat_map_iter(|block| self.probe_block(block)).collect()
    }

    /// Lists the movies most similar to one.
    ///
    /// # Errors
    /// If the model has no item–item similarity.
    pub fn similar_to(&self, item: ItemIx) -> Result<Vec<Recommendation>, ModelError> {
        let similar_items = self.model.recommender.similar_items();
        let similarity = similar_items.ok_or(ModelError::NoSimilarItems)?.similarities(item);
        let scored = self.top(&similarity, |other| other != item);
        Ok(self.cut(scored).into_iter().map(|one| self.recommended(one, None)).collect())
    }

    /// Returns the genres that [`Query::favourite_genres`] narrows a user's list to, by name.
    #[must_use]
    pub fn favourite_genres(&self, ratings: &[(ItemIx, f32)]) -> Vec<&str> {
        let genres = self.genres();
        genres.favourites(ratings).into_iter().map(|genre| genres.name(genre)).collect()
    }

    fn genres(&self) -> &GenreSets {
        self.genres.get_or_init(|| GenreSets::new(&self.model.catalogue))
    }

    fn block(&self, users: &[TargetUser<'_>]) -> Vec<Result<Vec<Recommendation>, ModelError>> {
        let probes: Vec<UserProbe<'_>> = users.iter().map(|&user| UserProbe::new(user)).collect();
        let answers = self.probe_block(&probes).into_iter();
        answers.map(|answer| Ok(answer?.list)).collect()
    }

    fn probe_block(&self, users: &[UserProbe<'_>]) -> Vec<Result<ProbeAnswer, ModelError>> {
        let constraints: Vec<UserConstraints<'_>> =
            users.iter().map(|probe| self.constraints(probe.user.ratings)).collect();
        let Some(factors) = self.model.recommender.factor_model() else {
            let answer = |(probe, constraints): (&UserProbe<'_>, &UserConstraints<'_>)| {
                let scores = self.model.recommender.score(probe.user)?;
                Ok(ProbeAnswer {
                    list: self.list(&scores, constraints),
                    counts: self.counts_of_scores(&scores.score, probe),
                    predicted: scores
                        .rating
                        .map(|ratings| probe.predict(|item| ratings[item.at()])),
                })
            };
            return users.iter().zip(&constraints).map(answer).collect();
        };
        let vectors: Vec<_> = users.iter().map(|probe| factors.user_factors(probe.user)).collect();
        let with_vector = vectors.iter().zip(users).zip(&constraints);
        let asked: Vec<UserQuery<'_>> = with_vector
            .filter_map(|((vector, probe), constraints)| {
                let vector = vector.as_ref().ok()?.as_deref()?;
                let ranking_vector = match self.query.rank_by {
                    RankBy::Score => factors.ranking_vector(probe.user, vector),
                    RankBy::Predicted => vector.to_vec(),
                };
                Some(UserQuery { vector, ranking_vector, probe, constraints })
            })
            .collect();
        let mut answers = self.ranked(factors, &asked).into_iter();
        let answer = |((vector, probe), constraints): (
            (Result<Option<_>, ModelError>, &UserProbe<'_>),
            &UserConstraints<'_>,
        )| {
            let mut answer = match vector? {
                None => self.uninformed(factors, probe),
                Some(_) => answers.next().expect("an answer for each vector"),
            };
            answer.list = self.filled(answer.list, constraints, |_| true);
            Ok(answer)
        };
        vectors.into_iter().zip(users).zip(&constraints).map(answer).collect()
    }

    /// Answers for users whose vectors are known.
    fn ranked(&self, factors: &FactorModel, asked: &[UserQuery<'_>]) -> Vec<ProbeAnswer> {
        let rating = |asked: &UserQuery<'_>, item: ItemIx| {
            let product = match (self.panels.get(), self.row_of(item)) {
                (Some(panels), Some(row)) => panels.product(asked.vector, row as usize),
                _ => products_of_rows(&[factors.items()], &[item.0], asked.vector)[0],
            };
            factors.rating_unit() * product
        };
        let fits = |asked: &UserQuery<'_>, row: u32| {
            asked.constraints.fits(ItemIx(self.items[row as usize]))
        };
        let predicts_ratings = factors.star_ranking().is_some();
        let answer = |(asked, found): (&UserQuery<'_>, FoundRows)| {
            let mut rows = found.best;
            rows.iter_mut().for_each(|one| one.ix = self.items[one.ix as usize]);
            let with_rating = self.cut(rows).into_iter().map(|one| {
                let rating = predicts_ratings.then(|| rating(asked, ItemIx(one.ix)));
                self.recommended(one, rating)
            });
            ProbeAnswer {
                list: with_rating.collect(),
                predicted: predicts_ratings
                    .then(|| asked.probe.predict(|item| rating(asked, item))),
                counts: found.counts,
            }
        };
        asked.iter().zip(self.best(factors, asked, fits)).map(answer).collect()
    }

    /// Answers for a user of whom a model of factors knows nothing.
    fn uninformed(&self, factors: &FactorModel, probe: &UserProbe<'_>) -> ProbeAnswer {
        let unknown = vec![f32::NAN; self.model.catalogue.len()];
        ProbeAnswer {
            list: Vec::new(),
            counts: self.counts_of_scores(&unknown, probe),
            predicted: factors.star_ranking().map(|_| probe.predict(|_| f32::NAN)),
        }
    }

    /// Counts the scores of candidates; those of unknown items are below all others.
    fn counts_of_scores(&self, scores: &[f32], probe: &UserProbe<'_>) -> Vec<ScoreCounts> {
        let candidates: Vec<f32> = self.items.iter().map(|&item| scores[item as usize]).collect();
        let (counted, left_out) = self.counted_rows(probe);
        counts_among(&candidates, &counted, &left_out)
    }

    /// Returns which candidates are counted, and which are left out while they are.
    fn counted_rows(&self, probe: &UserProbe<'_>) -> (Vec<u32>, Vec<u32>) {
        let rows = |items: &mut dyn Iterator<Item = ItemIx>| -> Vec<u32> {
            items.filter_map(|item| self.row_of(item)).collect()
        };
        match probe.counted.is_empty() {
            true => (Vec::new(), Vec::new()),
            false => (
                rows(&mut probe.counted.iter().copied()),
                rows(&mut probe.user.ratings.iter().map(|(item, _)| *item)),
            ),
        }
    }

    fn row_of(&self, item: ItemIx) -> Option<u32> {
        Some(self.items.binary_search(&item.0).ok()? as u32)
    }

    fn list(&self, scores: &ItemScores, constraints: &UserConstraints<'_>) -> Vec<Recommendation> {
        let threshold = self.model.recommender.dislike_threshold();
        let values = match (self.query.rank_by, &scores.rating) {
            (RankBy::Predicted, Some(ratings)) => ratings,
            _ => &scores.score,
        };
        let score = |item: ItemIx| values[item.at()];
        let rating = |item: ItemIx| Some(scores.rating.as_ref()?[item.at()]);
        let is_disliked = |item| threshold.is_some_and(|threshold| score(item) < threshold);
        let recommended = |one: ScoredIndex| self.recommended(one, rating(ItemIx(one.ix)));
        let liked = self.cut(self.top(values, |item| constraints.fits(item) && !is_disliked(item)));
        let list = liked.into_iter().map(recommended).collect();
        let unknown = |item: ItemIx| threshold.is_none() || score(item).is_nan();
        let mut list = self.filled(list, constraints, unknown);
        let missing = self.query.n.saturating_sub(list.len());
        if threshold.is_some() && missing > 0 {
            let disliked = self.top(values, |item| constraints.fits(item) && is_disliked(item));
            list.extend(self.cut(disliked).into_iter().take(missing).map(recommended));
        }
        list
    }

    /// Packs the item vectors, which pays for many users.
    fn pack_items(&self, factors: &FactorModel) {
        let new = || PackedRows::new(&self.matrices(factors), &self.items);
        self.panels.get_or_init(new);
    }

    /// Returns the matrices whose rows, side by side, a user's ranking vector is multiplied with.
    fn matrices<'m>(&self, factors: &'m FactorModel) -> Vec<&'m Matrix> {
        let embeddings = match self.query.rank_by {
            RankBy::Score => factors.embeddings(),
            RankBy::Predicted => None,
        };
        [Some(factors.items()), embeddings].into_iter().flatten().collect()
    }

    /// Returns the best candidates that fit for each user, as indices of the candidates.
    fn best(
        &self,
        factors: &FactorModel,
        asked: &[UserQuery<'_>],
        fits: impl Fn(&UserQuery<'_>, u32) -> bool,
    ) -> Vec<FoundRows> {
        if let Some(panels) = self.panels.get() {
            let rows: Vec<_> = asked.iter().map(|asked| self.counted_rows(asked.probe)).collect();
            let query = |at: usize| VectorQuery {
                vector: &asked[at].ranking_vector,
                counted: &rows[at].0,
                left_out: &rows[at].1,
            };
            let queries: Vec<VectorQuery<'_>> = (0..asked.len()).map(query).collect();
            return panels.best(&queries, self.pool(), |at, row| fits(&asked[at], row));
        }
        let best = |asked: &UserQuery<'_>| {
            let vector = &asked.ranking_vector;
            let scores = products_of_rows(&self.matrices(factors), &self.items, vector);
            let scored = scores.into_iter().zip(0..).map(|(score, ix)| ScoredIndex { ix, score });
            let best = top_fitting(scored, self.pool(), |row| fits(asked, row));
            FoundRows { best, counts: Vec::new() }
        };
        asked.iter().map(best).collect()
    }

    fn recommended(&self, one: ScoredIndex, rating: Option<f32>) -> Recommendation {
        let score = match self.query.rank_by {
            RankBy::Score => Some(one.score),
            // A predicted rating of the data, not of the ratings that were fitted.
            RankBy::Predicted => rating.or(Some(one.score)),
        };
        Recommendation { item: ItemIx(one.ix), score, rating }
    }

    fn constraints<'p>(&'p self, ratings: &'p [(ItemIx, f32)]) -> UserConstraints<'p> {
        UserConstraints {
            seen: if self.query.include_seen { &[] } else { ratings },
            genres: self.query.favourite_genres.then(|| {
                let genres = self.genres();
                (genres, genres.favourites(ratings))
            }),
        }
    }

    /// Number of candidates that a list is re-ranked from.
    fn pool(&self) -> usize {
        self.query.rerank.pool(self.query.n)
    }

    /// Returns the best candidates that fit and of which the model knows something.
    fn top(&self, scores: &[f32], fits: impl Fn(ItemIx) -> bool) -> Vec<ScoredIndex> {
        let scored = self.items.iter().map(|&ix| ScoredIndex { ix, score: scores[ix as usize] });
        top_fitting(scored, self.pool(), |ix| fits(ItemIx(ix)))
    }

    /// Brings the pool into its final order and cuts it.
    fn cut(&self, pool: Vec<ScoredIndex>) -> Vec<ScoredIndex> {
        self.query.rerank.choose(self.model, || self.genres(), pool, self.query.n)
    }

    /// Fills a list up with the most rated of the movies that the model knows nothing of, so that n
    /// are returned wherever n exist.
    fn filled(
        &self,
        mut list: Vec<Recommendation>,
        constraints: &UserConstraints<'_>,
        is_unknown: impl Fn(ItemIx) -> bool,
    ) -> Vec<Recommendation> {
        let n = self.query.n.min(self.items.len());
        if list.len() < n {
            let mut listed: Vec<ItemIx> = list.iter().map(|row| row.item).collect();
            listed.sort_unstable();
            let by_popularity = self.by_popularity.get_or_init(|| {
                let mut items = self.items.clone();
                items.sort_by_key(|&item| Reverse(self.model.catalogue.n_ratings[item as usize]));
                items
            });
            let missing = by_popularity
                .iter()
                .map(|&item| ItemIx(item))
                .filter(|item| constraints.fits(*item) && is_unknown(*item))
                .filter(|item| listed.binary_search(item).is_err());
            let missing = missing.map(|item| Recommendation { item, score: None, rating: None });
            list.extend(missing.take(n - list.len()));
        }
        list
    }
}

/// A user whose vector is known.
struct UserQuery<'a> {
    /// What the item vectors are multiplied with.
    vector: &'a [f32],
    /// The same, and the profile behind it, as far as the list is sorted by it.
    ranking_vector: Vec<f32>,
    probe: &'a UserProbe<'a>,
    constraints: &'a UserConstraints<'a>,
}

/// What one user's list leaves out.
struct UserConstraints<'a> {
    seen: &'a [(ItemIx, f32)],
    genres: Option<(&'a GenreSets, Vec<u16>)>,
}

impl UserConstraints<'_> {
    fn fits(&self, item: ItemIx) -> bool {
        let of_genre = |(genres, wanted): &(&GenreSets, Vec<u16>)| {
            wanted.is_empty()
                || genres.genres_of_item(item).iter().any(|genre| wanted.contains(genre))
        };
        self.seen.binary_search_by_key(&item, |(seen, _)| *seen).is_err()
            && self.genres.as_ref().is_none_or(of_genre)
    }
}
