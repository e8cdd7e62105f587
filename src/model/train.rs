//! Trains any algorithm on a dataset and writes the model directory.

use std::path::Path;
use std::sync::Arc;

use crate::dataset::matrix::InteractionMatrix;
use crate::dataset::store::write_table;
use crate::dataset::{Dataset, Movies};
use crate::io::atomic::{AtomicDir, MODEL};
use crate::io::keys::Keys;
use crate::io::{IoError, batches, json};
use crate::model::algorithm::{FitResult, ModelState, TrainingSet};
use crate::model::catalogue::ItemCatalogue;
use crate::model::error::ModelError;
use crate::model::info::{ModelInfo, TrainingInfo};
use crate::model::seen::SeenRatings;
use crate::model::warm::{StartFactors, WarmStart};
use crate::model::{AlgorithmParams, Model};
use crate::progress::Progress;
use crate::schema;

/// A model that has just been trained.
#[derive(Debug)]
pub struct TrainedModel {
    /// Content of `model.json`.
    pub info: ModelInfo,
    catalogue: Arc<ItemCatalogue>,
    seen: Arc<SeenRatings>,
    user_keys: Option<Keys>,
    state: Box<dyn ModelState>,
}

/// Trains a model.
///
/// # Errors
/// If a parameter is out of its range, there is nothing to learn from, or the data is degenerate.
pub fn train(
    dataset: &Dataset,
    movies: Option<&Movies>,
    algorithm: AlgorithmParams,
    progress: &dyn Progress,
) -> Result<TrainedModel, ModelError> {
    train_from(dataset, movies, algorithm, None, progress)
}

/// Trains a model, from the factors of another one if `warm` is given; if [`Progress::stops`] says
/// so, the result is that of the iteration which has just ended.
///
/// # Errors
/// As [`train`].
pub fn train_from(
    dataset: &Dataset,
    movies: Option<&Movies>,
    algorithm: AlgorithmParams,
    warm: Option<&WarmStart>,
    progress: &dyn Progress,
) -> Result<TrainedModel, ModelError> {
    algorithm.validate()?;
    progress.begin("building the matrix", "ratings", None);
    let data = TrainingData::new(dataset, movies)?;
    let start = warm.map(|warm| warm.start_for(&data.ratings, &dataset.sidecar)).transpose()?;
    let mut trained = data.fit(algorithm, start, true, progress)?;
    trained.info.warm_start = warm.map(|warm| warm.origin.clone());
    Ok(trained)
}

/// Ratings made ready to fit models to, one or many.
#[derive(Debug)]
pub struct TrainingData {
    ratings: InteractionMatrix,
    catalogue: Arc<ItemCatalogue>,
    seen: Arc<SeenRatings>,
    user_keys: Option<Keys>,
    info: TrainingInfo,
}

impl TrainingData {
    /// Takes the ratings of a dataset, and the titles and genres of their movies.
    ///
    /// # Errors
    /// If there are no ratings.
    pub fn new(dataset: &Dataset, movies: Option<&Movies>) -> Result<Self, ModelError> {
        if dataset.ratings.is_empty() {
            return Err(ModelError::NoRatings);
        }
        let ratings = InteractionMatrix::new(&dataset.ratings);
        let tally = dataset.ratings.tally();
        let info = TrainingInfo {
            shape: tally.shape(),
            content_xxh3: tally.content_hash(),
            mean_rating: ratings.mean(),
            scale: dataset.sidecar.history.scale,
            steps: dataset.sidecar.history.steps.clone(),
        };
        Ok(Self {
            catalogue: Arc::new(ItemCatalogue::from_training(&ratings, movies)),
            seen: Arc::new(SeenRatings::from_training(&ratings)),
            user_keys: dataset.sidecar.user_keys.clone(),
            ratings,
            info,
        })
    }

    /// Fits a model, from `start` if it is given; with `for_lists`, it has what only lists need.
    ///
    /// # Errors
    /// If the algorithm cannot learn from such ratings, or their equations cannot be solved.
    pub fn fit(
        &self,
        mut algorithm: AlgorithmParams,
        start: Option<StartFactors>,
        for_lists: bool,
        progress: &dyn Progress,
    ) -> Result<TrainedModel, ModelError> {
        let scale = self.info.scale.unwrap_or_default();
        let training = TrainingSet { ratings: &self.ratings, scale, start, for_lists, progress };
        let FitResult { state, losses, embedding_rank, residual_variance } =
            algorithm.fit(training)?;
        let iterations_requested = record_iterations(&mut algorithm, losses.len());
        let info = ModelInfo {
            kind: schema::MODEL_KIND.into(),
            format_version: schema::FORMAT_VERSION,
            algorithm,
            training: self.info.clone(),
            warm_start: None,
            iterations_requested,
            embedding_rank,
            residual_variance,
            loss: losses,
        };
        Ok(TrainedModel {
            info,
            catalogue: Arc::clone(&self.catalogue),
            seen: Arc::clone(&self.seen),
            user_keys: self.user_keys.clone(),
            state,
        })
    }
}

/// Sets the number of iterations to those that were done; returns how many were requested if these
/// are fewer.
fn record_iterations(algorithm: &mut AlgorithmParams, done: usize) -> Option<usize> {
    let iterations = algorithm.iterations_mut()?;
    let requested = std::mem::replace(iterations, done);
    (requested != done).then_some(requested)
}

impl TrainedModel {
    /// Makes a model of it that can be asked at once.
    ///
    /// # Errors
    /// If the parts contradict each other, which training rules out.
    pub fn model(&self) -> Result<Model, ModelError> {
        let (catalogue, seen) = (Arc::clone(&self.catalogue), Arc::clone(&self.seen));
        Model::from_state(self.info.clone(), catalogue, seen, self.state.boxed_clone())
    }

    /// Returns the factors, for a fit to the same ratings to go on from; `None` if it has none.
    pub(crate) fn start_factors(&self) -> Option<StartFactors> {
        self.state.start_factors()
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
        self.state.write(folder, model)
    }
}
