//! Trains any algorithm on a dataset and writes the model directory.

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::path::Path;

use crate::dataset::matrix::Interactions;
use crate::dataset::store::write_table;
use crate::dataset::{Dataset, Movies, Ratings};
use crate::io::atomic::{AtomicDir, MODEL};
use crate::io::keys::Keys;
use crate::io::values::Scale;
use crate::io::{IoError, batches, json};
use crate::model::als::{self, Feedback};
use crate::model::assemble::ModelParts;
use crate::model::catalogue::Catalogue;
use crate::model::cosine::{self, Between};
use crate::model::embeddings;
use crate::model::error::ModelError;
use crate::model::factors::Factors;
use crate::model::info::{Algorithm, ModelInfo, Training};
use crate::model::seen::Seen;
use crate::model::units::{FactorsOf, Units};
use crate::model::warm::WarmStart;
use crate::model::{Model, nmf, spark};
use crate::progress::Progress;
use crate::schema;

/// A model that has just been trained.
#[derive(Debug, Clone)]
pub struct Trained {
    /// Content of `model.json`.
    pub info: ModelInfo,
    catalogue: Catalogue,
    seen: Seen,
    user_keys: Option<Keys>,
    parts: ModelParts,
}

/// Trains a model.
///
/// # Errors
/// If a parameter is out of its range, there is nothing to learn from, or the data is degenerate.
pub fn train(
    dataset: &Dataset,
    movies: Option<&Movies>,
    algorithm: Algorithm,
    progress: &dyn Progress,
) -> Result<Trained, ModelError> {
    train_from(dataset, movies, algorithm, None, progress)
}

/// Trains a model that has vectors from those of another one; where [`Progress::stops`] says so,
/// what there is after an iteration is the result.
///
/// # Errors
/// As [`train`].
pub fn train_from(
    dataset: &Dataset,
    movies: Option<&Movies>,
    algorithm: Algorithm,
    warm: Option<&WarmStart>,
    progress: &dyn Progress,
) -> Result<Trained, ModelError> {
    algorithm.validate()?;
    if dataset.ratings.is_empty() {
        return Err(ModelError::NoRatings);
    }
    progress.begin("building the matrix", "ratings", None);
    let matrix = Interactions::new(&dataset.ratings);
    let scale = dataset.sidecar.history.scale.unwrap_or_default();
    check_scale(&algorithm, scale, &dataset.ratings)?;
    let units = Units::new(&algorithm, scale);
    let begin = |iterations| progress.begin("training", "iterations", Some(iterations as u64));
    let mut on_iteration = |iteration: usize, loss: f64| {
        progress.advance(1);
        progress.note(&format!("iteration {iteration}: loss {loss:.6e}"));
        if progress.stops() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let start = warm.map(|warm| warm.start_for(&matrix, &dataset.sidecar)).transpose()?;
    let start = start.map(|mut start| {
        units.convert_users(&mut start.users, FactorsOf::Fitted);
        units.convert_items(&mut start.items, FactorsOf::Fitted);
        start
    });
    let fitted = units.fitted(&dataset.ratings);
    let scaled = matches!(&fitted, Cow::Owned(_)).then(|| Interactions::new(&fitted));
    let fitted = scaled.as_ref().unwrap_or(&matrix);
    let square = f64::from(units.rating).powi(2);
    let losses = |losses: Vec<f64>| losses.into_iter().map(|loss| square * loss).collect();
    let factors = |ids: &[i32], vectors| Factors { ids: ids.to_vec(), vectors };
    let embeddings = algorithm.ranks_by_stars().then(|| {
        progress.begin("relating movies", "movies", None);
        factors(&matrix.movie_ids, embeddings::fit(&matrix, scale))
    });
    let embedding_rank = embeddings.as_ref().map_or(0, |factors| factors.vectors.cols);
    let (parts, loss) = match &algorithm {
        Algorithm::Als(params) => {
            let liked = match params.feedback {
                Feedback::Explicit => None,
                Feedback::Implicit => Some(fitted.at_least(params.positive_from)),
            };
            let liked = liked.as_ref().unwrap_or(fitted);
            if liked.n_ratings() == 0 {
                return Err(ModelError::NoPositives { from: params.positive_from, scale });
            }
            if params.feedback == Feedback::Implicit
                && liked.n_ratings() == fitted.n_ratings()
                && !scale.is_unary()
            {
                let from = params.positive_from;
                progress.warn(&format!(
                    "every rating counts as liked: all are {from} or more; --positive-from decides"
                ));
            }
            begin(params.iterations);
            let mut fit = als::fit(liked, params, start, &mut on_iteration)?;
            units.convert_users(&mut fit.users, FactorsOf::Data);
            units.convert_items(&mut fit.items, FactorsOf::Data);
            let users = factors(&matrix.user_ids, fit.users);
            let items = factors(&matrix.movie_ids, fit.items);
            (ModelParts::Factors { users, items, embeddings }, losses(fit.losses))
        }
        Algorithm::Nmf(params) => {
            begin(params.iterations);
            let params = params.clone().in_units(units.rating);
            let mut fit = nmf::fit(fitted, &params, start, &mut on_iteration)?;
            units.convert_users(&mut fit.users, FactorsOf::Data);
            units.convert_items(&mut fit.items, FactorsOf::Data);
            let users = factors(&matrix.user_ids, fit.users);
            let items = factors(&matrix.movie_ids, fit.items);
            (ModelParts::Factors { users, items, embeddings }, losses(fit.losses))
        }
        Algorithm::Cosine(params) => {
            let neighbors = cosine::fit(&matrix, params, progress)?;
            let (ids, id_column) = match params.between {
                Between::Movies => (matrix.movie_ids.clone(), "movie_id"),
                Between::Users => (matrix.user_ids.clone(), "user_id"),
            };
            (ModelParts::Neighbors { ids, id_column, neighbors }, Vec::new())
        }
        Algorithm::Popularity(_) => (ModelParts::Counts, Vec::new()),
    };
    let (algorithm, iterations_requested) = completed(algorithm, loss.len());
    let tally = dataset.ratings.tally();
    let training = Training {
        shape: tally.shape(),
        content_xxh3: tally.content_hash(),
        mean_rating: matrix.mean(),
        scale: dataset.sidecar.history.scale,
        steps: dataset.sidecar.history.steps.clone(),
    };
    let info = ModelInfo {
        kind: schema::MODEL_KIND.into(),
        format_version: schema::FORMAT_VERSION,
        algorithm,
        training,
        warm_start: warm.map(|warm| warm.origin.clone()),
        iterations_requested,
        embedding_rank,
        loss,
    };
    let catalogue = Catalogue::from_training(&matrix, movies);
    let user_keys = dataset.sidecar.user_keys.clone();
    Ok(Trained { info, catalogue, seen: Seen::from_training(&matrix), user_keys, parts })
}

/// Returns the parameters with the number of iterations that were done, and if these are fewer than
/// asked for, how many that were.
fn completed(mut algorithm: Algorithm, done: usize) -> (Algorithm, Option<usize>) {
    let iterations = match &mut algorithm {
        Algorithm::Als(params) => &mut params.iterations,
        Algorithm::Nmf(params) => &mut params.iterations,
        Algorithm::Cosine(_) | Algorithm::Popularity(_) => return (algorithm, None),
    };
    let requested = std::mem::replace(iterations, done);
    (algorithm, (requested != done).then_some(requested))
}

/// Refuses ratings that an algorithm can make nothing of.
fn check_scale(algorithm: &Algorithm, scale: Scale, ratings: &Ratings) -> Result<(), ModelError> {
    let Algorithm::Nmf(params) = algorithm else {
        let is_explicit = algorithm.ranks_by_stars();
        return if is_explicit && scale.is_unary() { Err(ModelError::Unary) } else { Ok(()) };
    };
    let lowest = ratings.columns().rating.iter().copied().fold(f32::INFINITY, f32::min);
    if lowest < 0.0 {
        return Err(ModelError::Negative { rating: lowest });
    }
    match params.fill {
        None if scale.is_unary() => Err(ModelError::Unary),
        Some(fill) if scale.is_unary() && fill == scale.max => Err(ModelError::Unary),
        _ => Ok(()),
    }
}

impl Trained {
    /// Makes a model of it that can be asked at once.
    ///
    /// # Errors
    /// If the parts contradict each other, which training rules out.
    pub fn model(&self) -> Result<Model, ModelError> {
        let Self { info, catalogue, seen, parts, .. } = self.clone();
        Model::from_parts(info, catalogue, seen, parts)
    }

    /// Writes a model directory; a model that is there is replaced.
    ///
    /// # Errors
    /// If something else is there, or a file cannot be written.
    pub fn save(&self, folder: impl AsRef<Path>) -> Result<(), ModelError> {
        let out = AtomicDir::create(folder.as_ref(), MODEL, &[])?;
        self.write(&out)?;
        Ok(out.commit()?)
    }

    /// Writes all files into a directory under construction.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn write(&self, out: &AtomicDir) -> Result<(), ModelError> {
        self.write_files(out.path()).map_err(|error| out.named(error).into())
    }

    fn write_files(&self, folder: &Path) -> Result<(), IoError> {
        let model = &json::write_manifest(&folder.join(schema::MODEL_JSON), &self.info)?;
        let movie_ids = self.catalogue.movies.ids();
        write_table(folder, schema::MOVIES, &self.catalogue.to_batch(), model)?;
        self.seen.write(folder, movie_ids, model)?;
        if let Some(keys) = &self.user_keys {
            write_table(folder, schema::USERS, &batches::user_keys_batch(keys), model)?;
        }
        match &self.parts {
            ModelParts::Factors { users, items, embeddings } => {
                spark::write(folder, users, items, model)?;
                let folder = folder.join(schema::EMBEDDINGS);
                let write = |factors| spark::write_factors(&folder, factors, model);
                embeddings.as_ref().map_or(Ok(()), write)
            }
            ModelParts::Neighbors { ids, id_column, neighbors } => {
                neighbors.write(folder, ids, id_column, model)
            }
            ModelParts::Counts => Ok(()),
        }
    }
}
