//! Opens the files of a model directory and checks that they belong together.

use std::path::{Path, PathBuf};

use crate::io::IoError;
use crate::io::keys::Keys;
use crate::io::parquet::ParquetFile;
use crate::io::source::Source;
use crate::io::{batches, parquet};
use crate::model::error::ModelError;
use crate::model::info::{self, ModelInfo};
use crate::model::spark;
use crate::schema;

/// A model directory, native or Spark's, opened for reading.
/// Native Parquet files carry the checksum of the `model.json` they were written with; a mismatch
/// is an error. A model that is replaced while it is read never yields a mix of two models.
#[derive(Debug, Clone)]
pub struct ModelFolder {
    path: PathBuf,
    info: Option<ModelInfo>,
    /// Checksum of `model.json`; `None` for Spark's models and for files of older versions.
    checksum: Option<String>,
}

impl ModelFolder {
    /// Opens a directory.
    ///
    /// # Errors
    /// If it is no model, or `model.json` cannot be read.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let (manifest, path) = (path.join(schema::MODEL_JSON), path.to_path_buf());
        if manifest.is_file() {
            let (info, checksum) = info::read(&manifest)?;
            return Ok(Self { path, info: Some(info), checksum });
        }
        if !spark::is_model(&path) {
            std::fs::metadata(&path).map_err(IoError::at(&path))?;
            return Err(ModelError::NotAModel { path: path.display().to_string() });
        }
        Ok(Self { path, info: None, checksum: None })
    }

    /// Returns where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the content of `model.json`; a model of Spark's has none.
    #[must_use]
    pub fn info(&self) -> Option<&ModelInfo> {
        self.info.as_ref()
    }

    /// Whether there is a file of that name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.path.join(name).is_file()
    }

    /// Opens a Parquet file by its path in the directory.
    ///
    /// # Errors
    /// If it cannot be read, or belongs to another model.
    pub fn parquet(&self, name: impl AsRef<Path>) -> Result<ParquetFile, IoError> {
        let file = ParquetFile::open(Source::open(&self.path.join(name))?)?;
        match &self.checksum {
            Some(checksum) if file.footer(parquet::BELONGS_TO) != Some(checksum) => {
                let folder = self.path.display().to_string();
                Err(IoError::Stray { file: file.name().into(), kind: "model", folder })
            }
            _ => Ok(file),
        }
    }

    /// Reads the keys that users are called by, where they are.
    ///
    /// # Errors
    /// As [`Self::parquet`].
    pub fn user_keys(&self) -> Result<Option<Keys>, IoError> {
        if !self.has(schema::USERS) {
            return Ok(None);
        }
        let users = self.parquet(schema::USERS)?.read_as(&schema::users())?;
        Ok(Some(batches::to_keys(&users)))
    }
}
