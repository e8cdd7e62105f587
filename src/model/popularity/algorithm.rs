//! The baseline as one of the algorithms.

use std::path::Path;

use crate::io::IoError;
use crate::model::algorithm::{
    Algorithm, FitResult, ModelContext, ModelSource, ModelState, TrainingSet,
};
use crate::model::builders::builder;
use crate::model::error::{ModelError, check};
use crate::model::popularity::{PopularityModel, PopularityParams};
use crate::model::recommender::Recommender;

impl Algorithm for PopularityParams {
    fn name(&self) -> &'static str {
        "popularity"
    }

    fn validate(&self) -> Result<(), ModelError> {
        let ok = self.damping.is_finite() && self.damping >= 0.0;
        check(ok, "damping", "0 or more", self.damping)
    }

    fn tuned_metric(&self) -> &'static str {
        "rmse"
    }

    fn search_space(&self) -> &'static [(&'static str, &'static str)] {
        &[("damping", "0.5..50:log")]
    }

    fn bytes(&self, users: usize, items: usize) -> u64 {
        16 * (users + items) as u64
    }

    fn fit(&self, _training: TrainingSet<'_>) -> Result<FitResult, ModelError> {
        let state = CatalogueState(self.clone());
        Ok(FitResult::new(Box::new(state)))
    }

    fn open(&self, _source: &ModelSource<'_>) -> Result<Box<dyn ModelState>, ModelError> {
        Ok(Box::new(CatalogueState(self.clone())))
    }
}

/// The state of a model that is made of the catalogue's counts and means alone.
#[derive(Debug, Clone)]
struct CatalogueState(PopularityParams);

impl ModelState for CatalogueState {
    fn write(&self, _folder: &Path, _model: &str) -> Result<(), IoError> {
        Ok(())
    }

    fn into_recommender(
        self: Box<Self>,
        context: &ModelContext<'_>,
    ) -> Result<Box<dyn Recommender>, ModelError> {
        Ok(Box::new(PopularityModel::new(&self.0, context.mean, context.catalogue)))
    }

    fn boxed_clone(&self) -> Box<dyn ModelState> {
        Box::new(self.clone())
    }
}

/// Number of ratings, and damped biases: the baseline.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Popularity(PopularityParams);

builder!(Popularity, {
    /// Sets the number of ratings that biases are damped by.
    damping: f64,
});
