//! What a model is: `model.json`.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::dataset::manifest::{ProvenanceStep, check_version};
use crate::dataset::ratings::RatingsShape;
use crate::io::values::Scale;
use crate::io::{IoError, json};
use crate::model::AlgorithmParams;
use crate::model::algorithm::ModelContext;
use crate::model::catalogue::ItemCatalogue;
use crate::model::seen::SeenRatings;

/// What a model was trained on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingInfo {
    /// Size and ranges of the ratings.
    pub shape: RatingsShape,
    /// XXH3-128 of the ratings.
    pub content_xxh3: String,
    /// Mean of the ratings.
    pub mean_rating: f64,
    /// Commands that made the ratings.
    pub steps: Vec<ProvenanceStep>,
    /// Ratings that could be given, where it was not MovieLens' half a star to five.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<Scale>,
}

/// Content of `model.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Says what the directory is.
    pub kind: String,
    /// Version of the layout.
    pub format_version: u32,
    /// Kind of model and all parameters.
    #[serde(flatten)]
    pub algorithm: AlgorithmParams,
    /// What it was trained on.
    pub training: TrainingInfo,
    /// XXH3-128 of the ratings of the model that training went on from; empty, where that is not
    /// known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm_start: Option<String>,
    /// Iterations that were asked for, if training was interrupted before the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iterations_requested: Option<usize>,
    /// Rank of the item embeddings of a model that predicts ratings; 0 without any.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub embedding_rank: usize,
    /// Variance of the errors of fitted ratings; with a prior of the users only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub residual_variance: Option<f32>,
    /// Value of the objective after each iteration.
    pub loss: Vec<f64>,
}

impl ModelInfo {
    /// Returns the training data in brief, as an algorithm's model needs it.
    pub(crate) fn context<'a>(
        &self,
        catalogue: &'a Arc<ItemCatalogue>,
        seen: &'a Arc<SeenRatings>,
    ) -> ModelContext<'a> {
        let TrainingInfo { mean_rating: mean, scale, .. } = self.training;
        ModelContext { mean, scale: scale.unwrap_or_default(), catalogue, seen }
    }
}

fn is_zero(n: &usize) -> bool {
    *n == 0
}

/// Reads `model.json` and its checksum, and refuses a newer format by its number before anything
/// else in it.
///
/// # Errors
/// If the file cannot be read, is not what is expected, has changed, or is newer.
pub fn read(path: &Path) -> Result<(ModelInfo, Option<String>), IoError> {
    #[derive(Deserialize)]
    struct Version {
        format_version: u32,
    }
    let version: Version = json::read(path)?;
    check_version(&path.display().to_string(), version.format_version)?;
    json::read_manifest(path)
}
