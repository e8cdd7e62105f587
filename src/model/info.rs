//! What a model is: `model.json`.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::dataset::manifest::{Step, check_version};
use crate::dataset::ratings::Shape;
use crate::io::values::Scale;
use crate::io::{IoError, json};
use crate::model::als::{AlsParams, Feedback, Weighting};
use crate::model::cosine::CosineParams;
use crate::model::embeddings;
use crate::model::error::ModelError;
use crate::model::nmf::NmfParams;
use crate::model::popularity::PopularityParams;

/// A kind of model with its parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "algorithm", content = "parameters", rename_all = "lowercase")]
pub enum Algorithm {
    /// Matrix factorisation by alternating least squares.
    Als(AlsParams),
    /// Non-negative matrix factorisation.
    Nmf(NmfParams),
    /// Neighbourhoods by cosine.
    Cosine(CosineParams),
    /// The baseline.
    Popularity(PopularityParams),
}

impl Algorithm {
    /// Returns about how much memory a fit takes for each user and each movie beside the ratings.
    #[must_use]
    pub fn bytes_per_row(&self) -> u64 {
        let bytes = |factors: usize| 3 * size_of::<f32>() as u64 * factors as u64;
        match self {
            Self::Als(params) => bytes(params.factors + 2 + embeddings::RANK),
            Self::Nmf(params) => bytes(params.factors + embeddings::RANK),
            Self::Cosine(params) => 2 * 8 * params.neighbors as u64,
            Self::Popularity(_) => 16,
        }
    }

    /// Returns the names of the parameters that are of no consequence here.
    #[must_use]
    pub fn unused_parameters(&self) -> &'static [&'static str] {
        match self {
            Self::Als(params) => match (params.feedback, params.weighting) {
                (Feedback::Explicit, _) => {
                    &["weighting", "unobserved_weight", "exponent", "positive_from"]
                }
                (Feedback::Implicit, Weighting::Uniform) => &["biases"],
                (Feedback::Implicit, Weighting::Hu { .. } | Weighting::Spark { .. }) => {
                    &["biases", "unobserved_weight"]
                }
            },
            Self::Nmf(params) if params.fill.is_none() => &["fill"],
            Self::Nmf(_) | Self::Cosine(_) | Self::Popularity(_) => &[],
        }
    }

    /// Tells whether the model predicts stars and lists by
    /// [`StarRanking`](crate::model::ranking::StarRanking).
    #[must_use]
    pub fn ranks_by_stars(&self) -> bool {
        match self {
            Self::Als(params) => params.feedback == Feedback::Explicit,
            Self::Nmf(params) => params.fill.is_none(),
            Self::Cosine(_) | Self::Popularity(_) => false,
        }
    }

    /// Checks the ranges of all parameters.
    ///
    /// # Errors
    /// At the first parameter out of its range.
    pub fn validate(&self) -> Result<(), ModelError> {
        match self {
            Self::Als(params) => params.validate(),
            Self::Nmf(params) => params.validate(),
            Self::Cosine(params) => params.validate(),
            Self::Popularity(params) => params.validate(),
        }
    }
}

/// What a model was trained on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// Size and ranges of the ratings.
    pub shape: Shape,
    /// XXH3-128 of the ratings.
    pub content_xxh3: String,
    /// Mean of the ratings.
    pub mean_rating: f64,
    /// Commands that made the ratings.
    pub steps: Vec<Step>,
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
    pub algorithm: Algorithm,
    /// What it was trained on.
    pub training: Training,
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
    /// Value of the objective after each iteration.
    pub loss: Vec<f64>,
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
