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
    /// What else counts in the order besides the scores.
    pub rerank: Rerank,
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
    /// If the model holds no likeness between movies.
    pub fn similar_to(&self, item: ItemIx) -> Result<Vec<Recommendation>, ModelError> {
        let likeness = self.model.recommender.similar(item)?;
        let scored = self.top(&likeness, |other| other != item);
        Ok(self.cut(scored).into_iter().map(|one| recommended(one, None)).collect())
    }

    /// Returns the genres that [`Query::favourite_genres`] narrows a person's list to, by name.
    #[must_use]
    pub fn favourite_genres(&self, ratings: &[(ItemIx, f32)]) -> Vec<&str> {
        let genres = self.genres();
        genres.favourites(ratings).into_iter().map(|genre| genres.name(genre)).collect()
    }

    fn genres(&self) -> &GenreSets {
        self.genres.get_or_init(|| GenreSets::of(&self.model.catalogue))
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
        let (mut some, mut known) = (Vec::new(), Vec::new());
        for (at, vector) in vectors.iter().enumerate() {
            if let Ok(Some(vector)) = vector {
                some.push(factored.ranking_vector(people[at], vector));
                known.push(at);
            }
        }
        let fits = |at: usize, row: u32| narrowed[known[at]].fits(ItemIx(self.items[row as usize]));
        let lists = match self.panels.get() {
            Some(panels) => panels.best(&some.concat(), self.pool(), fits),
            None => {
                let list = |(at, vector): (usize, &Vec<f32>)| {
                    self.best(factored, vector, |row| fits(at, row))
                };
                some.iter().enumerate().map(list).collect()
            }
        };
        let mut lists = lists.into_iter();
        let answer = |(vector, narrowed): (Result<Option<Vec<f32>>, ModelError>, &Narrowed<'_>)| {
            let Some(vector) = vector? else {
                return Ok(self.filled(Vec::new(), narrowed, |_| true));
            };
            let mut list = lists.next().expect("a list for each vector");
            list.iter_mut().for_each(|one| one.ix = self.items[one.ix as usize]);
            let rating = |one: &Scored| {
                let row = self.items.binary_search(&one.ix).expect("it is a candidate");
                factored.star_ranking().is_some().then(|| {
                    let product = match self.panels.get() {
                        Some(panels) => panels.product(&vector, row),
                        None => products_of_rows(&[factored.items()], &[one.ix], &vector)[0],
                    };
                    factored.rating_unit() * product
                })
            };
            let list = self.cut(list).into_iter().map(|one| recommended(one, rating(&one)));
            Ok(self.filled(list.collect(), narrowed, |_| true))
        };
        vectors.into_iter().zip(&narrowed).map(answer).collect()
    }

    /// Lists movies by what the model thinks of every movie for a person who has rated `ratings`.
    #[must_use]
    pub fn of_scores(&self, scores: &Scores, ratings: &[(ItemIx, f32)]) -> Vec<Recommendation> {
        self.list(scores, &self.narrowed(ratings))
    }

    fn list(&self, scores: &Scores, narrowed: &Narrowed<'_>) -> Vec<Recommendation> {
        let threshold = self.model.recommender.dislike_threshold();
        let score = |item: ItemIx| scores.score[item.at()];
        let is_disliked = |item| threshold.is_some_and(|threshold| score(item) < threshold);
        let fits = |item| narrowed.fits(item) && !is_disliked(item);
        let scored = self.cut(self.top(&scores.score, fits));
        let rating = |one: &Scored| Some(scores.rating.as_ref()?[one.ix as usize]);
        let list = scored.into_iter().map(|one| recommended(one, rating(&one))).collect();
        let unknown = |item: ItemIx| threshold.is_none() || score(item).is_nan();
        let mut list = self.filled(list, narrowed, unknown);
        let missing = self.query.n.saturating_sub(list.len());
        if threshold.is_some() && missing > 0 {
            let scored = self.items.iter().map(|&ix| Scored { ix, score: score(ItemIx(ix)) });
            let fits = |ix| narrowed.fits(ItemIx(ix)) && is_disliked(ItemIx(ix));
            let disliked = top_fitting(scored, missing, fits);
            list.extend(disliked.into_iter().map(|one| recommended(one, rating(&one))));
        }
        list
    }

    /// Puts the vectors into panels, which pays for many people.
    fn prepare_panels(&self, factored: &dyn Factored) {
        let new = || Panels::new(&parts(factored), &self.items, factored.bonus());
        self.panels.get_or_init(new);
    }

    /// Returns the best candidates for one vector, by their place among the candidates.
    fn best(
        &self,
        factored: &dyn Factored,
        vector: &[f32],
        fits: impl Fn(u32) -> bool,
    ) -> Vec<Scored> {
        let mut scores = products_of_rows(&parts(factored), &self.items, vector);
        if !factored.bonus().is_empty() {
            let bonus = self.items.iter().map(|&item| factored.bonus()[item as usize]);
            scores.iter_mut().zip(bonus).for_each(|(score, bonus)| *score += bonus);
        }
        let scored = scores.into_iter().zip(0..).map(|(score, ix)| Scored { ix, score });
        top_fitting(scored, self.pool(), fits)
    }

    fn narrowed<'p>(&'p self, ratings: &'p [(ItemIx, f32)]) -> Narrowed<'p> {
        Narrowed {
            seen: if self.query.include_seen { &[] } else { ratings },
            genres: self.query.favourite_genres.then(|| {
                let genres = self.genres();
                (genres, genres.favourites(ratings))
            }),
        }
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

/// Returns the vectors that a person's are multiplied with.
fn parts(factored: &dyn Factored) -> Vec<&Matrix> {
    [Some(factored.items()), factored.taste_vectors()].into_iter().flatten().collect()
}

fn recommended(one: Scored, rating: Option<f32>) -> Recommendation {
    Recommendation { item: ItemIx(one.ix), score: Some(one.score), rating }
}

/// What one person's list leaves out.
struct Narrowed<'a> {
    seen: &'a [(ItemIx, f32)],
    genres: Option<(&'a GenreSets, Vec<u16>)>,
}

impl Narrowed<'_> {
    fn fits(&self, item: ItemIx) -> bool {
        let of_genre = |(genres, wanted): &(&GenreSets, Vec<u16>)| {
            wanted.is_empty() || genres.of_item(item).iter().any(|genre| wanted.contains(genre))
        };
        self.seen.binary_search_by_key(&item, |(seen, _)| *seen).is_err()
            && self.genres.as_ref().is_none_or(of_genre)
    }
}

/// Lists the users most like one, with their likeness; the model must be open for all of them.
///
/// # Errors
/// If the model does not know the user or holds no likeness between users.
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
