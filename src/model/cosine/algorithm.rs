//! Cosine neighbourhoods as one of the algorithms.

use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use crate::io::IoError;
use crate::model::algorithm::{
    Algorithm, FitResult, ModelContext, ModelSource, ModelState, TrainingSet,
};
use crate::model::builders::builder;
use crate::model::cosine::fit::{NeighborLists, fit};
use crate::model::cosine::params::{CosineParams, NeighborSide};
use crate::model::cosine::{CosineMovies, CosineUsers};
use crate::model::error::{ModelError, check};
use crate::model::recommender::Recommender;
use crate::schema;

impl Algorithm for CosineParams {
    fn name(&self) -> &'static str {
        "cosine"
    }

    fn validate(&self) -> Result<(), ModelError> {
        check(self.neighbors > 0, "neighbors", "1 or more", self.neighbors)?;
        let ok = self.shrinkage.is_finite() && self.shrinkage >= 0.0;
        check(ok, "shrinkage", "0 or more", self.shrinkage)
    }

    fn search_space(&self) -> &'static [(&'static str, &'static str)] {
        &[("neighbors", "5,10,20,30,50,80,120,200"), ("shrinkage", "0,2,5,10,20,50,100")]
    }

    fn bytes(&self, users: usize, items: usize) -> u64 {
        2 * 8 * (self.neighbors * (users + items)) as u64
    }

    fn needs_all_users(&self) -> bool {
        self.between == NeighborSide::Users
    }

    fn fit(&self, training: TrainingSet<'_>) -> Result<FitResult, ModelError> {
        let ratings = training.ratings;
        let neighbors = fit(ratings, self, training.progress)?;
        let ids = match self.between {
            NeighborSide::Movies => &ratings.movie_ids,
            NeighborSide::Users => &ratings.user_ids,
        };
        let state = NeighborState { params: self.clone(), ids: ids.clone(), neighbors };
        Ok(FitResult::new(Box::new(state)))
    }

    fn open(&self, source: &ModelSource<'_>) -> Result<Box<dyn ModelState>, ModelError> {
        let file = match self.between {
            NeighborSide::Movies => schema::MOVIES,
            NeighborSide::Users => schema::SEEN,
        };
        let ids = source.folder.parquet(file)?.read_ids(self.id_column())?;
        let neighbors = NeighborLists::read(source.folder, &ids, &self.columns())?;
        Ok(Box::new(NeighborState { params: self.clone(), ids, neighbors }))
    }
}

impl CosineParams {
    /// Returns the columns of the neighbours' file.
    fn columns(&self) -> SchemaRef {
        schema::neighbors(self.id_column(), "similarity")
    }

    fn id_column(&self) -> &'static str {
        match self.between {
            NeighborSide::Movies => "movie_id",
            NeighborSide::Users => "user_id",
        }
    }
}

/// The neighbours of the rows with some raw ids.
#[derive(Debug, Clone)]
struct NeighborState {
    params: CosineParams,
    ids: Vec<i32>,
    neighbors: NeighborLists,
}

impl ModelState for NeighborState {
    fn write(&self, folder: &Path, model: &str) -> Result<(), IoError> {
        let schema = self.params.columns();
        self.neighbors.write(folder, &self.ids, &schema, model)
    }

    fn into_recommender(
        self: Box<Self>,
        context: &ModelContext<'_>,
    ) -> Result<Box<dyn Recommender>, ModelError> {
        let Self { params, neighbors, .. } = *self;
        let &ModelContext { mean, scale, catalogue, seen } = context;
        Ok(match params.between {
            NeighborSide::Movies => Box::new(CosineMovies::new(params, mean, scale, neighbors)),
            NeighborSide::Users => {
                let seen = Arc::clone(seen);
                Box::new(CosineUsers::new(params, scale, neighbors, seen, catalogue.len()))
            }
        })
    }

    fn boxed_clone(&self) -> Box<dyn ModelState> {
        Box::new(self.clone())
    }
}

/// Nearest neighbours by cosine similarity.
#[derive(Debug, Clone, PartialEq)]
pub struct Cosine(CosineParams);

impl Cosine {
    /// Starts from the defaults for neighbours of movies or of users.
    #[must_use]
    pub fn between(between: NeighborSide) -> Self {
        Self(CosineParams::between(between))
    }
}

builder!(Cosine, {
    /// Sets how many neighbours of each are kept.
    neighbors: usize,
    /// Sets the number of common ratings at which a similarity is halved.
    shrinkage: f64,
    /// Sets whether ratings are taken relative to their user's mean.
    center: bool,
});
