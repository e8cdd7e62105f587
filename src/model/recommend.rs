//! Lists of movies: candidates chosen, scored, ranked and cut at n.

use std::cmp::Reverse;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use crate::dataset::ids::{ItemIx, UserId};
use crate::linalg::dense::Matrix;
use crate::linalg::panels::{Panels, products_of_rows};
use crate::linalg::topk::{Scored, top, top_fitting};
use crate::model::candidates::GenreSets;
use crate::model::error::ModelError;
use crate::model::factors::cosines;
use crate::model::ranking::mean_rating;
use crate::model::rerank::Rerank;
use crate::model::{Factored, Model, Person, Scores};

/// Which movies may be in a list, how many, and in what order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Query {
    /// Length of the list.
    pub n: usize,
    /// Lists movies that the person has rated, too.
    pub include_seen: bool,
    /// Items that may be listed, ascending; none named means all.
    pub candidates: Option<Vec<u32>>,
    /// Lists only the genres of what the person has rated highest, see [`GenreSets::favourites`].
    pub favourite_genres: bool,
    /// What the list is sorted by.
    pub rank_by: RankBy,
    /// What else counts in the order besides the scores.
    pub rerank: Rerank,
}

/// What a list is sorted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum RankBy {
    /// The model's score, movies that the person is expected to dislike last.
    #[default]
    Score,
    /// The predicted rating alone.
    Predicted,
}

impl Query {
    /// Removes items from the candidates, of which there are `n_items` if none are named.
    pub fn leave_out(&mut self, items: &[ItemIx], n_items: usize) {
        if items.is_empty() && self.candidates.is_none() {
            return;
        }
        let mut candidates =
            self.candidates.take().unwrap_or_else(|| (0..n_items as u32).collect());
        candidates.retain(|item| !items.contains(&ItemIx(*item)));
        self.candidates = Some(candidates);
    }
}

/// One movie of a list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recommendation {
    /// The movie.
    pub item: ItemIx,
    /// What the model says; `None` where it knows nothing and popularity has filled the list.
    pub score: Option<f32>,
    /// Expected stars, where the model predicts ratings.
    pub rating: Option<f32>,
}

/// A model and a query, made ready to answer one person or all of them.
#[derive(Debug)]
pub struct Ranker<'a> {
    model: &'a Model,
    query: Query,
    /// Items that may be listed, ascending.
    items: Vec<u32>,
    /// Vectors of these items, for many people.
    panels: OnceLock<Panels>,
    /// People asked for so far.
    asked: AtomicUsize,
    /// These items, most rated first.
    by_popularity: OnceLock<Vec<u32>>,
    genres: OnceLock<GenreSets>,
}

/// People who are asked for by the time at which panels pay.
const FEWEST: usize = 8;

/// People whose lists are made together: their vectors stay in the first-level cache.
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
            asked: AtomicUsize::new(0),
            by_popularity: OnceLock::new(),
            genres: OnceLock::new(),
        }
    }

    /// Returns what lists are sorted by.
    #[must_use]
    pub fn rank_by(&self) -> RankBy {
        self.query.rank_by
    }

    /// Lists movies for a user of the training data.
    ///
    /// # Errors
    /// If the model does not know the user.
    pub fn for_user(&self, user: UserId) -> Result<Vec<Recommendation>, ModelError> {
        let person = self.model.person(user)?;
        self.for_person(person)
    }

    /// Lists movies for a person, known or new.
    ///
    /// # Errors
    /// If the person's own equations cannot be solved.
    pub fn for_person(&self, person: Person<'_>) -> Result<Vec<Recommendation>, ModelError> {
        self.block(&[person]).pop().expect("a list for each person")
    }

    /// Lists movies for many people, in their order, on all threads.
    #[must_use]
    pub fn for_people(
        &self,
        people: &[Person<'_>],
    ) -> Vec<Result<Vec<Recommendation>, ModelError>> {
        if let Some(factored) = self.model.recommender.factored() {
            let known = |person: &Person<'_>| {
                person.user.is_some_and(|user| factored.users().get(user.0).is_some())
            };
            if !people.iter().all(known) {
                self.model.recommender.prepare();
            }
            let asked = self.asked.fetch_add(people.len(), Ordering::Relaxed) + people.len();
            if asked >= FEWEST {
                self.prepare_panels(factored);
            }
        }
        people.par_chunks(BLOCK).flat_map_iter(|block| self.block(block)).collect()
    }

    /// Lists the movies most like one.
    ///
    /// # Errors
    /// If the model holds no similarity between movies.
    pub fn similar_to(&self, item: ItemIx) -> Result<Vec<Recommendation>, ModelError> {
        let similarity = self.model.recommender.similar(item)?;
        let scored = self.top(&similarity, |other| other != item);
        Ok(self.cut(scored).into_iter().map(|one| self.recommended(one, None)).collect())
    }

    /// Returns the genres that [`Query::favourite_genres`] narrows a person's list to, by name.
    #[must_use]
    pub fn favourite_genres(&self, ratings: &[(ItemIx, f32)]) -> Vec<&str> {
        let genres = self.genres();
        genres.favourites(ratings).into_iter().map(|genre| genres.name(genre)).collect()
    }

    fn genres(&self) -> &GenreSets {
        self.genres.get_or_init(|| GenreSets::new(&self.model.catalogue))
    }

    fn block(&self, people: &[Person<'_>]) -> Vec<Result<Vec<Recommendation>, ModelError>> {
        let narrowed: Vec<Narrowed<'_>> =
            people.iter().map(|person| self.narrowed(person.ratings)).collect();
        let Some(factored) = self.model.recommender.factored() else {
            let list = |(person, narrowed): (&Person<'_>, &Narrowed<'_>)| {
                Ok(self.list(&self.model.recommender.score(*person)?, narrowed))
            };
            return people.iter().zip(&narrowed).map(list).collect();
        };
        let vectors: Vec<_> = people.iter().map(|person| factored.vector(*person)).collect();
        let with_vector = vectors.iter().zip(people).zip(&narrowed);
        let asked: Vec<PersonVector<'_>> = with_vector
            .filter_map(|((vector, person), narrowed)| {
                let vector = vector.as_ref().ok()?.as_deref()?;
                let ranking_vector = match self.query.rank_by {
                    RankBy::Score => factored.ranking_vector(*person, vector),
                    RankBy::Predicted => vector.to_vec(),
                };
                Some(PersonVector { vector, ranking_vector, narrowed })
            })
            .collect();
        let mut lists = self.ranked(factored, &asked).into_iter();
        let answer = |(vector, narrowed): (Result<Option<_>, ModelError>, &Narrowed<'_>)| {
            let list = match vector? {
                None => Vec::new(),
                Some(_) => lists.next().expect("a list for each vector"),
            };
            Ok(self.filled(list, narrowed, |_| true))
        };
        vectors.into_iter().zip(&narrowed).map(answer).collect()
    }

    /// Lists movies for people whose vectors are known: first those that they are expected to like.
    fn ranked(
        &self,
        factored: &dyn Factored,
        asked: &[PersonVector<'_>],
    ) -> Vec<Vec<Recommendation>> {
        let all: Vec<&PersonVector<'_>> = asked.iter().collect();
        let rating = |asked: &PersonVector<'_>, row: u32| {
            let product = match self.panels.get() {
                Some(panels) => panels.product(asked.vector, row as usize),
                None => {
                    let item = self.items[row as usize];
                    products_of_rows(&[factored.items()], &[item], asked.vector)[0]
                }
            };
            factored.rating_unit() * product
        };
        let is_disliked = |asked: &PersonVector<'_>, row: u32| {
            asked.narrowed.least_rating.is_some_and(|least| rating(asked, row) < least)
        };
        let fits = |asked: &PersonVector<'_>, row: u32| {
            asked.narrowed.fits(ItemIx(self.items[row as usize]))
        };
        let recommended =
            |asked: &PersonVector<'_>, mut rows: Vec<Scored>| -> Vec<Recommendation> {
                rows.iter_mut().for_each(|one| one.ix = self.items[one.ix as usize]);
                let with_rating = self.cut(rows).into_iter().map(|one| {
                    let row = self.items.binary_search(&one.ix).expect("it is a candidate");
                    let rating = factored.predicts_ratings().then(|| rating(asked, row as u32));
                    self.recommended(one, rating)
                });
                with_rating.collect()
            };
        let liked =
            self.best(factored, &all, |asked, row| fits(asked, row) && !is_disliked(asked, row));
        let mut lists: Vec<Vec<Recommendation>> =
            all.iter().zip(liked).map(|(asked, rows)| recommended(asked, rows)).collect();
        let is_short = |at: &usize| {
            asked[*at].narrowed.least_rating.is_some() && lists[*at].len() < self.query.n
        };
        let short: Vec<usize> = (0..asked.len()).filter(is_short).collect();
        let people: Vec<&PersonVector<'_>> = short.iter().map(|&at| &asked[at]).collect();
        let disliked =
            self.best(factored, &people, |asked, row| fits(asked, row) && is_disliked(asked, row));
        for ((at, asked), rows) in short.into_iter().zip(people).zip(disliked) {
            let missing = self.query.n - lists[at].len();
            lists[at].extend(recommended(asked, rows).into_iter().take(missing));
        }
        lists
    }

    /// Lists movies by the scores of every movie for a person who has rated `ratings`.
    #[must_use]
    pub fn for_scores(&self, scores: &Scores, ratings: &[(ItemIx, f32)]) -> Vec<Recommendation> {
        self.list(scores, &self.narrowed(ratings))
    }

    fn list(&self, scores: &Scores, narrowed: &Narrowed<'_>) -> Vec<Recommendation> {
        let threshold = self.model.recommender.dislike_threshold();
        let values = match (self.query.rank_by, &scores.rating) {
            (RankBy::Predicted, Some(ratings)) => ratings,
            _ => &scores.score,
        };
        let score = |item: ItemIx| values[item.at()];
        let rating = |item: ItemIx| Some(scores.rating.as_ref()?[item.at()]);
        let is_disliked = |item| {
            threshold.is_some_and(|threshold| score(item) < threshold)
                || narrowed.least_rating.zip(rating(item)).is_some_and(|(least, own)| own < least)
        };
        let recommended = |one: Scored| self.recommended(one, rating(ItemIx(one.ix)));
        let liked = self.cut(self.top(values, |item| narrowed.fits(item) && !is_disliked(item)));
        let list = liked.into_iter().map(recommended).collect();
        let knows_dislikes = threshold.is_some() || narrowed.least_rating.is_some();
        let unknown = |item: ItemIx| !knows_dislikes || score(item).is_nan();
        let mut list = self.filled(list, narrowed, unknown);
        let missing = self.query.n.saturating_sub(list.len());
        if knows_dislikes && missing > 0 {
            let disliked = self.top(values, |item| narrowed.fits(item) && is_disliked(item));
            list.extend(self.cut(disliked).into_iter().take(missing).map(recommended));
        }
        list
    }

    /// Packs the item vectors, which pays for many people.
    fn prepare_panels(&self, factored: &dyn Factored) {
        let new = || Panels::new(&self.matrices(factored), &self.items, self.prior(factored));
        self.panels.get_or_init(new);
    }

    /// Returns the matrices whose rows, side by side, a person's ranking vector is multiplied with.
    fn matrices<'m>(&self, factored: &'m dyn Factored) -> Vec<&'m Matrix> {
        let embeddings = match self.query.rank_by {
            RankBy::Score => factored.embeddings(),
            RankBy::Predicted => None,
        };
        [Some(factored.items()), embeddings].into_iter().flatten().collect()
    }

    fn prior<'m>(&self, factored: &'m dyn Factored) -> &'m [f32] {
        match self.query.rank_by {
            RankBy::Score => factored.popularity_prior(),
            RankBy::Predicted => &[],
        }
    }

    /// Returns the best candidates that fit for each person, as indices of the candidates.
    fn best(
        &self,
        factored: &dyn Factored,
        asked: &[&PersonVector<'_>],
        fits: impl Fn(&PersonVector<'_>, u32) -> bool,
    ) -> Vec<Vec<Scored>> {
        if let Some(panels) = self.panels.get() {
            let vectors: Vec<f32> =
                asked.iter().flat_map(|asked| asked.ranking_vector.iter().copied()).collect();
            return panels.best(&vectors, self.pool(), |at, row| fits(asked[at], row));
        }
        let prior = self.prior(factored);
        let best = |asked: &&PersonVector<'_>| {
            let vector = &asked.ranking_vector;
            let mut scores = products_of_rows(&self.matrices(factored), &self.items, vector);
            if !prior.is_empty() {
                let priors = self.items.iter().map(|&item| prior[item as usize]);
                scores.iter_mut().zip(priors).for_each(|(score, prior)| *score += prior);
            }
            let scored = scores.into_iter().zip(0..).map(|(score, ix)| Scored { ix, score });
            top_fitting(scored, self.pool(), |row| fits(asked, row))
        };
        asked.iter().map(best).collect()
    }

    fn recommended(&self, one: Scored, rating: Option<f32>) -> Recommendation {
        let score = match self.query.rank_by {
            RankBy::Score => Some(one.score),
            // A predicted rating of the data, not of the ratings that were fitted.
            RankBy::Predicted => rating.or(Some(one.score)),
        };
        Recommendation { item: ItemIx(one.ix), score, rating }
    }

    fn narrowed<'p>(&'p self, ratings: &'p [(ItemIx, f32)]) -> Narrowed<'p> {
        Narrowed {
            seen: if self.query.include_seen { &[] } else { ratings },
            least_rating: self.least_rating(ratings),
            genres: self.query.favourite_genres.then(|| {
                let genres = self.genres();
                (genres, genres.favourites(ratings))
            }),
        }
    }

    /// Returns the predicted rating below which a movie comes after all others: the mean of the
    /// person's own ratings.
    fn least_rating(&self, ratings: &[(ItemIx, f32)]) -> Option<f32> {
        let factored = self.model.recommender.factored()?;
        let has_dislikes = self.query.rank_by == RankBy::Score && factored.predicts_ratings();
        has_dislikes.then(|| mean_rating(ratings)).flatten()
    }

    /// Number of movies that are looked at for a list.
    fn pool(&self) -> usize {
        self.query.rerank.pool(self.query.n)
    }

    /// Returns the best candidates that fit and of which the model knows something.
    fn top(&self, scores: &[f32], fits: impl Fn(ItemIx) -> bool) -> Vec<Scored> {
        let scored = self.items.iter().map(|&ix| Scored { ix, score: scores[ix as usize] });
        top_fitting(scored, self.pool(), |ix| fits(ItemIx(ix)))
    }

    /// Brings the pool into its final order and cuts it.
    fn cut(&self, pool: Vec<Scored>) -> Vec<Scored> {
        self.query.rerank.choose(self.model, || self.genres(), pool, self.query.n)
    }

    /// Fills a list up with the most rated of the movies that the model knows nothing of, so that n
    /// are returned wherever n exist.
    fn filled(
        &self,
        mut list: Vec<Recommendation>,
        narrowed: &Narrowed<'_>,
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
                .filter(|item| narrowed.fits(*item) && is_unknown(*item))
                .filter(|item| listed.binary_search(item).is_err());
            let missing = missing.map(|item| Recommendation { item, score: None, rating: None });
            list.extend(missing.take(n - list.len()));
        }
        list
    }
}

/// A person whose vector is known.
struct PersonVector<'a> {
    /// What the item vectors are multiplied with.
    vector: &'a [f32],
    /// The same, and the profile behind it, as far as the list is sorted by it.
    ranking_vector: Vec<f32>,
    narrowed: &'a Narrowed<'a>,
}

/// What one person's list leaves out.
struct Narrowed<'a> {
    seen: &'a [(ItemIx, f32)],
    /// Predicted rating below which a movie comes last.
    least_rating: Option<f32>,
    genres: Option<(&'a GenreSets, Vec<u16>)>,
}

impl Narrowed<'_> {
    fn fits(&self, item: ItemIx) -> bool {
        let of_genre = |(genres, wanted): &(&GenreSets, Vec<u16>)| {
            wanted.is_empty()
                || genres.genres_of_item(item).iter().any(|genre| wanted.contains(genre))
        };
        self.seen.binary_search_by_key(&item, |(seen, _)| *seen).is_err()
            && self.genres.as_ref().is_none_or(of_genre)
    }
}

/// Lists the users most like one, with their similarity; the model must be open for all of them.
///
/// # Errors
/// If the model does not know the user or holds no similarity between users.
pub fn similar_users(
    model: &Model,
    user: UserId,
    n: usize,
) -> Result<Vec<(UserId, f32)>, ModelError> {
    let person = model.person(user)?;
    if let Some(factored) = model.recommender.factored() {
        let users = factored.users();
        let own = users.ids.binary_search(&user.0).expect("the model knows the user");
        let scores = cosines(&users.vectors, factored.factors(), own);
        let scored = scores.into_iter().zip(0..).map(|(score, ix)| Scored { ix, score });
        let best = top(scored.filter(|one| one.ix as usize != own), n);
        return Ok(best
            .into_iter()
            .map(|one| (UserId(users.ids[one.ix as usize]), one.score))
            .collect());
    }
    let mut best = model.recommender.similar_users(person)?;
    best.truncate(n);
    Ok(best)
}
