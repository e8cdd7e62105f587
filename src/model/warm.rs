//! Training that goes on from a model.

use std::path::Path;

use crate::dataset::keyed::remap;
use crate::dataset::matrix::InteractionMatrix;
use crate::dataset::movie_file::MovieFile;
use crate::dataset::sidecar::DatasetMetadata;
use crate::io::keys::Keys;
use crate::linalg::dense::Matrix;
use crate::model::error::ModelError;
use crate::model::factors::Factors;
use crate::model::folder::ModelFolder;
use crate::model::spark;
use crate::schema;

/// Vectors to begin with, a row for each row of the matrix; of what the model did not know they are
/// zero.
#[derive(Debug, Clone, PartialEq)]
pub struct StartFactors {
    /// Of users.
    pub users: Matrix,
    /// Of items.
    pub items: Matrix,
}

/// The vectors of a model, mvrec's own or Spark's.
#[derive(Debug, Clone)]
pub struct WarmStart {
    users: Factors,
    items: Factors,
    user_keys: Option<Keys>,
    movie_keys: Option<Keys>,
    /// XXH3-128 of the ratings of that model; empty, where it does not say.
    pub origin: String,
}

impl WarmStart {
    /// Reads the vectors, which have `width` entries.
    ///
    /// # Errors
    /// If it is no model with vectors of that width.
    pub fn open(folder: &Path, width: usize) -> Result<Self, ModelError> {
        if !spark::is_model(folder) {
            return Err(ModelError::NotAModel { path: folder.display().to_string() });
        }
        let model = ModelFolder::open(folder)?;
        let found = spark::read_rank(folder)?;
        if found != width {
            let path = folder.display().to_string();
            return Err(ModelError::OtherWidth { path, found, wanted: width });
        }
        let movies = model.has(schema::MOVIES).then(|| model.parquet(schema::MOVIES));
        let movies = movies.transpose()?.map(|file| MovieFile::new(file).columns()).transpose()?;
        let origin = model.info().map(|info| info.training.content_xxh3.clone());
        Ok(Self {
            origin: origin.unwrap_or_default(),
            users: spark::read_factors(&model, schema::USER_FACTORS, width, None)?,
            items: spark::read_factors(&model, schema::ITEM_FACTORS, width, None)?,
            user_keys: model.user_keys()?,
            movie_keys: DatasetMetadata { movies, ..DatasetMetadata::default() }.movie_keys(),
        })
    }

    /// Finds the rows of a matrix, by id or where ids are numbers of keys by key.
    pub(crate) fn start_for(
        &self,
        matrix: &InteractionMatrix,
        sidecar: &DatasetMetadata,
    ) -> Result<StartFactors, ModelError> {
        let users = (sidecar.user_keys.as_ref(), self.user_keys.as_ref(), "users");
        let movies = (sidecar.movie_keys(), self.movie_keys.as_ref(), "movies");
        let rows = |ids: &[i32], own, other, side, from: &Factors| -> Result<Matrix, ModelError> {
            let map = remap(ids, own, other, side)?;
            let mut out = Matrix::zeros(ids.len(), from.vectors.cols);
            for (at, &id) in ids.iter().enumerate() {
                let id = map.as_ref().map_or(Some(id), |map| map.get(&id).copied());
                if let Some(vector) = id.and_then(|id| from.get(id)) {
                    out.row_mut(at).copy_from_slice(vector);
                }
            }
            Ok(out)
        };
        Ok(StartFactors {
            users: rows(&matrix.user_ids, users.0, users.1, users.2, &self.users)?,
            items: rows(&matrix.movie_ids, movies.0.as_ref(), movies.1, movies.2, &self.items)?,
        })
    }
}
