//! What a model is like: the course of its loss, the lengths of its vectors, how much of the
//! catalogue it lists, and what it takes to be alike.

use std::cmp::Reverse;
use std::path::Path;

use serde::Serialize;

use crate::dataset::ids::{ItemIx, UserId};
use crate::linalg::dense::{Matrix, dot};
use crate::linalg::quantile::quantile;
use crate::model::factor_model::FactorModel;
use crate::model::folder::ModelFolder;
use crate::model::open::user_ids;
use crate::model::query::Query;
use crate::model::ranker::Ranker;
use crate::model::{Model, ModelError, UserSelection};

/// What is told of a model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelReport {
    /// Kind of model: `als`, `nmf`, `cosine` or `popularity`; `als` for one that Spark saved.
    pub algorithm: &'static str,
    /// Users that it knows.
    pub users: usize,
    /// Movies that it can recommend.
    pub movies: usize,
    /// Entries of a vector without its biases, where there are vectors.
    pub factors: Option<usize>,
    /// Value of the objective after each iteration.
    pub loss: Vec<f64>,
    /// Lengths of the vectors of the users that were asked about.
    pub user_norms: Option<FactorNorms>,
    /// Lengths of the vectors of all movies.
    pub movie_norms: Option<FactorNorms>,
    /// What the lists of some users have in them.
    pub coverage: CatalogCoverage,
    /// What the model takes to be like some movies.
    pub neighbors: Vec<ItemNeighborhood>,
}

/// Lengths of vectors, biases aside.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct FactorNorms {
    /// The shortest.
    pub min: f64,
    /// As long as half of them.
    pub median: f64,
    /// Their mean.
    pub mean: f64,
    /// The longest.
    pub max: f64,
}

/// What the lists of some users have in them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CatalogCoverage {
    /// Users that were asked about: every so many of all.
    pub users: usize,
    /// Length of a list.
    pub n: usize,
    /// Movies that are in any list.
    pub listed: usize,
    /// Share of all movies that are in any list, from 0 to 1.
    pub share: f64,
}

/// A movie and what the model takes to be like it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ItemNeighborhood {
    /// Raw id.
    pub movie_id: i32,
    /// Title, where there is one.
    pub title: String,
    /// The likest first.
    pub similar: Vec<SimilarMovie>,
}

/// A movie that is like another one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SimilarMovie {
    /// Raw id.
    pub movie_id: i32,
    /// Title, where there is one.
    pub title: String,
    /// How alike they are.
    pub score: Option<f32>,
}

/// What to ask a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelQuestions {
    /// Most users to make lists for.
    pub users: usize,
    /// Length of their lists.
    pub n: usize,
    /// Most rated movies to list similar movies of.
    pub movies: usize,
    /// Likes of each.
    pub similar: usize,
}

/// Asks a model directory what it is like.
///
/// # Errors
/// If it is no model or cannot be read.
pub fn model(folder: &Path, questions: ModelQuestions) -> Result<ModelReport, ModelError> {
    let folder = ModelFolder::open(folder)?;
    let ids = user_ids(&folder)?;
    let every = ids.len().div_ceil(questions.users.max(1)).max(1);
    let asked: Vec<i32> = ids.iter().copied().step_by(every).collect();
    let model = Model::open_folder(folder, &UserSelection::Some(asked), None, None)?;
    let factors = model.recommender.factor_model();
    let norms = |matrix: &Matrix| norms(matrix, factors.map_or(0, FactorModel::rank));
    Ok(ModelReport {
        algorithm: model.info.as_ref().map_or("als", |info| info.algorithm.name()),
        users: ids.len(),
        movies: model.catalogue.len(),
        factors: factors.map(FactorModel::rank),
        loss: model.info.as_ref().map(|info| info.loss.clone()).unwrap_or_default(),
        user_norms: factors.and_then(|factors| norms(&factors.users().vectors)),
        movie_norms: factors.and_then(|factors| norms(factors.items())),
        coverage: coverage(&model, questions.n)?,
        neighbors: neighbors(&model, questions)?,
    })
}

fn norms(vectors: &Matrix, k: usize) -> Option<FactorNorms> {
    let rows = vectors.iter_rows().map(|row| f64::from(dot(&row[..k], &row[..k])).sqrt());
    let mut lengths: Vec<f64> = rows.collect();
    if lengths.is_empty() {
        return None;
    }
    lengths.sort_unstable_by(f64::total_cmp);
    Some(FactorNorms {
        min: *lengths.first()?,
        median: quantile(lengths.len(), |at| lengths[at], 0.5),
        mean: lengths.iter().sum::<f64>() / lengths.len() as f64,
        max: *lengths.last()?,
    })
}

fn coverage(model: &Model, n: usize) -> Result<CatalogCoverage, ModelError> {
    let ranker = Ranker::new(model, Query { n, ..Query::default() });
    let users = model.user_ids.iter().map(|&id| model.user(UserId(id)));
    let users = users.collect::<Result<Vec<_>, _>>()?;
    let mut listed = vec![false; model.catalogue.len()];
    for list in ranker.for_users(&users) {
        list?.iter().for_each(|one| listed[one.item.at()] = true);
    }
    let listed = listed.into_iter().filter(|&listed| listed).count();
    let share = listed as f64 / model.catalogue.len().max(1) as f64;
    Ok(CatalogCoverage { users: users.len(), n, listed, share })
}

fn neighbors(
    model: &Model,
    questions: ModelQuestions,
) -> Result<Vec<ItemNeighborhood>, ModelError> {
    let catalogue = &model.catalogue;
    let mut known: Vec<ItemIx> = (0..catalogue.len() as u32).map(ItemIx).collect();
    known.sort_by_key(|item| Reverse(catalogue.n_ratings[item.at()]));
    let ranker = Ranker::new(model, Query { n: questions.similar, ..Query::default() });
    let title = |item: ItemIx| catalogue.movie(item).title.to_string();
    let around = |item: ItemIx| {
        let similar = ranker.similar_to(item)?.into_iter().map(|one| SimilarMovie {
            movie_id: catalogue.id(one.item).0,
            title: title(one.item),
            score: one.score,
        });
        let (movie_id, title) = (catalogue.id(item).0, title(item));
        Ok(ItemNeighborhood { movie_id, title, similar: similar.collect() })
    };
    match known.into_iter().take(questions.movies).map(around).collect() {
        // It may know of similarities between users only, or of none.
        Err(ModelError::NoSimilarItems) => Ok(Vec::new()),
        neighbors => neighbors,
    }
}
