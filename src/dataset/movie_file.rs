//! `movies.parquet` of a dataset or model: the one reader of it.

use std::path::Path;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;

use crate::dataset::movies::Movies;
use crate::io::columns::{LinkColumns, MovieColumns};
use crate::io::keys::Keys;
use crate::io::parquet::ParquetFile;
use crate::io::source::Source;
use crate::io::{IoError, batches};
use crate::schema;

/// An open file of movies that mvrec wrote.
pub struct MovieFile(ParquetFile);

impl MovieFile {
    /// Takes over an open file.
    #[must_use]
    pub fn new(file: ParquetFile) -> Self {
        Self(file)
    }

    /// Opens the file of a directory; returns `None` if there is none.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn open_in(folder: &Path) -> Result<Option<Self>, IoError> {
        let path = folder.join(schema::MOVIES);
        let open = || ParquetFile::open(Source::open(&path)?).map(Self);
        path.is_file().then(open).transpose()
    }

    /// Returns the path as it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// Reads the rows in the columns of a schema, and the string id of each, if movies have them.
    ///
    /// # Errors
    /// If a column is missing or corrupt.
    pub fn rows(&self, schema: &SchemaRef) -> Result<(RecordBatch, Option<ArrayRef>), IoError> {
        let keys = self.0.read_if_there(&schema::movie_keys())?;
        Ok((self.0.read_as(schema)?, keys.map(|batch| batch.column(0).clone())))
    }

    /// Reads all movies and joins their links.
    ///
    /// # Errors
    /// As [`Self::rows`].
    pub fn movies(&self, links: Option<&LinkColumns>) -> Result<Movies, IoError> {
        let (rows, keys) = self.rows(&schema::movies())?;
        Ok(Movies::from_batch(&rows, keys.as_ref(), links))
    }

    /// Reads the movies of some ids, ascending; all of them if movies have string ids.
    ///
    /// # Errors
    /// As [`Self::rows`].
    pub fn some_movies(&self, ids: &[i32]) -> Result<Movies, IoError> {
        if self.0.has_columns_of(&schema::movie_keys()) {
            return self.movies(None);
        }
        let rows = self.0.read_as_of(&schema::movies(), "movie_id", ids)?;
        Ok(Movies::from_batch(&rows, None, None))
    }

    /// Reads all movies as plain columns.
    ///
    /// # Errors
    /// As [`Self::rows`].
    pub fn columns(&self) -> Result<MovieColumns, IoError> {
        let (rows, keys) = self.rows(&schema::movies())?;
        let movie_key = keys.map(|keys| batches::texts(&keys));
        Ok(MovieColumns { movie_key, ..batches::to_movies(&rows) })
    }

    /// Reads the string ids of movies; returns `None` if they have none.
    ///
    /// # Errors
    /// If they are corrupt.
    pub fn keys(&self) -> Result<Option<Keys>, IoError> {
        let keyed = self.0.read_if_there(&schema::keyed_movies())?;
        Ok(keyed.map(|batch| batches::to_keys(&batch)))
    }
}
