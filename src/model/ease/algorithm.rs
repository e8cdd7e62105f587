//! EASE as one of the algorithms.

use std::path::Path;

use arrow::datatypes::SchemaRef;

use crate::io::IoError;
use crate::linalg::inverse::SquareMatrix;
use crate::model::algorithm::{
    Algorithm, FitResult, ModelContext, ModelSource, ModelState, TrainingSet,
};
use crate::model::builders::builder;
use crate::model::cosine::NeighborLists;
use crate::model::ease::fit::fit;
use crate::model::ease::params::EaseParams;
use crate::model::ease::recommender::EaseModel;
use crate::model::error::{ModelError, check};
use crate::model::recommender::Recommender;
use crate::schema;

impl Algorithm for EaseParams {
    fn name(&self) -> &'static str {
        "ease"
    }

    fn validate(&self) -> Result<(), ModelError> {
        let lambda = self.regularization;
        let positive = lambda.is_finite() && lambda > 0.0;
        check(positive, "regularization", "more than 0", lambda)?;
        check(self.max_items > 0, "max-items", "1 or more", self.max_items)?;
        check(self.weights > 0, "weights", "1 or more", self.weights)
    }

    fn search_space(&self) -> &'static [(&'static str, &'static str)] {
        &[("regularization", "10..3000:log")]
    }

    fn bytes(&self, _users: usize, items: usize) -> u64 {
        /// Bytes of a weight: kept, joined with all others, and written.
        const WEIGHT: u64 = 24;
        let dense = items.min(self.max_items);
        let kept = dense as u64 * dense.min(self.weights) as u64;
        SquareMatrix::bytes(dense) + WEIGHT * kept
    }

    fn fit(&self, training: TrainingSet<'_>) -> Result<FitResult, ModelError> {
        let TrainingSet { ratings, scale, progress, .. } = training;
        let weights = fit(ratings, scale, self, progress)?;
        Ok(FitResult::new(Box::new(WeightState { ids: ratings.movie_ids.clone(), weights })))
    }

    fn open(&self, source: &ModelSource<'_>) -> Result<Box<dyn ModelState>, ModelError> {
        let ids = source.folder.parquet(schema::MOVIES)?.read_ids("movie_id")?;
        let weights = NeighborLists::read(source.folder, &ids, &columns())?;
        Ok(Box::new(WeightState { ids, weights }))
    }
}

/// Returns the columns of the weights' file.
fn columns() -> SchemaRef {
    schema::neighbors("movie_id", "weight")
}

/// The weights of the items with some raw ids.
#[derive(Debug, Clone)]
struct WeightState {
    ids: Vec<i32>,
    weights: NeighborLists,
}

impl ModelState for WeightState {
    fn write(&self, folder: &Path, model: &str) -> Result<(), IoError> {
        self.weights.write(folder, &self.ids, &columns(), model)
    }

    fn into_recommender(
        self: Box<Self>,
        context: &ModelContext<'_>,
    ) -> Result<Box<dyn Recommender>, ModelError> {
        Ok(Box::new(EaseModel::new(context.scale, self.weights)))
    }

    fn boxed_clone(&self) -> Box<dyn ModelState> {
        Box::new(self.clone())
    }
}

/// EASE, which ranks.
#[derive(Debug, Clone, PartialEq)]
pub struct Ease(EaseParams);

impl Ease {
    /// Starts from a regularization λ.
    #[must_use]
    pub fn regularized(regularization: f64) -> Self {
        Self(EaseParams { regularization, ..EaseParams::default() })
    }
}

builder!(Ease, {
    /// Sets between how many of the most rated movies weights are computed.
    max_items: usize,
    /// Sets how many weights of each movie are kept.
    weights: usize,
});
