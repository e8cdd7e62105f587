//! Lists of movies: candidates chosen, scored and cut at n.

use crate::dataset::ids::{ItemIx, UserId};
use crate::linalg::topk::{Scored, top};
use crate::model::error::ModelError;
use crate::model::{Model, Person, Scores};

/// Which movies may be in a list, and how many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// Length of the list.
    pub n: usize,
    /// Lists movies that the person has rated, too.
    pub include_seen: bool,
    /// Genres of which a movie must have one; none means all.
    pub genres: Vec<String>,
}

/// One movie of a list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recommendation {
    /// The movie.
    pub item: ItemIx,
    /// What it was ranked by; `None` where the model knows nothing and popularity has filled the list.
    pub score: Option<f32>,
    /// Expected stars, where the model predicts ratings.
    pub rating: Option<f32>,
}

/// Recommends to a user of the training data.
///
/// # Errors
/// If the model does not know the user.
pub fn for_user(
    model: &Model,
    user: UserId,
    query: &Query,
) -> Result<Vec<Recommendation>, ModelError> {
    if model.user_ids.binary_search(&user.0).is_err() {
        let known = model.user_ids.first().copied().zip(model.user_ids.last().copied());
        return Err(ModelError::UnknownUser { user, known });
    }
    let ratings = model.seen.get(user).unwrap_or_default();
    for_person(model, Person { user: Some(user), ratings }, query)
}

/// Recommends to a person with the ratings given, known or new.
///
/// # Errors
/// If the person's own equations cannot be solved.
pub fn for_person(
    model: &Model,
    person: Person<'_>,
    query: &Query,
) -> Result<Vec<Recommendation>, ModelError> {
    let scores = model.recommender.score(person)?;
    Ok(ranked(model, &scores, person.ratings, query))
}

/// Cuts a list out of what a model thinks of every movie for a person who has rated `ratings`.
#[must_use]
pub fn ranked(
    model: &Model,
    scores: &Scores,
    ratings: &[(ItemIx, f32)],
    query: &Query,
) -> Vec<Recommendation> {
    let mut candidates = candidates(model, query);
    if !query.include_seen {
        ratings.iter().for_each(|(item, _)| candidates[item.at()] = false);
    }
    let ranked = rank(model, &scores.score, &candidates, query.n);
    let rating = |item: ItemIx| scores.rating.as_ref().map(|stars| stars[item.at()]);
    let list = ranked.into_iter().map(|(item, score)| Recommendation {
        item,
        score,
        rating: rating(item),
    });
    list.collect()
}

/// Lists the movies most like one.
///
/// # Errors
/// If the model holds no likeness between movies.
pub fn similar_to(
    model: &Model,
    item: ItemIx,
    query: &Query,
) -> Result<Vec<Recommendation>, ModelError> {
    let likeness = model.recommender.similar(item)?;
    let mut candidates = candidates(model, query);
    candidates[item.at()] = false;
    let scored = choose(&likeness, &candidates, query.n);
    let list = scored.into_iter().map(|Scored { ix, score }| Recommendation {
        item: ItemIx(ix),
        score: Some(score),
        rating: None,
    });
    Ok(list.collect())
}

fn candidates(model: &Model, query: &Query) -> Vec<bool> {
    let fits = |genres: &[String], movie: &crate::dataset::movies::Movie| {
        genres.is_empty() || genres.iter().any(|genre| movie.has_genre(genre))
    };
    model.catalogue.movies.iter().map(|(_, movie)| fits(&query.genres, movie)).collect()
}

/// Returns the best candidates of which the model knows something.
fn choose(scores: &[f32], candidates: &[bool], n: usize) -> Vec<Scored> {
    let pairs = scores.iter().zip(candidates).zip(0..);
    top(
        pairs
            .filter(|((_, candidate), _)| **candidate)
            .map(|((&score, _), ix)| Scored { ix, score }),
        n,
    )
}

/// Ranks what the model knows something of and fills up with the most rated of the rest, so that n are
/// returned wherever n exist.
fn rank(
    model: &Model,
    scores: &[f32],
    candidates: &[bool],
    n: usize,
) -> Vec<(ItemIx, Option<f32>)> {
    let mut list: Vec<(ItemIx, Option<f32>)> = choose(scores, candidates, n)
        .into_iter()
        .map(|scored| (ItemIx(scored.ix), Some(scored.score)))
        .collect();
    if list.len() < n {
        let unknown: Vec<bool> =
            scores.iter().zip(candidates).map(|(score, &fits)| fits && score.is_nan()).collect();
        let counts: Vec<f32> = model.catalogue.n_ratings.iter().map(|&n| n as f32).collect();
        let filling = choose(&counts, &unknown, n - list.len());
        list.extend(filling.into_iter().map(|scored| (ItemIx(scored.ix), None)));
    }
    list
}
