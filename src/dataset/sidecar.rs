//! Dataset metadata: movies, links, tags, string ids and provenance.

use std::path::Path;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use crate::dataset::ids::position;
use crate::dataset::manifest::{Provenance, SourceOrigin};
use crate::dataset::movie_file::MovieFile;
use crate::dataset::movies::{Movies, NO_GENRES};
use crate::io::columns::{LinkColumns, MovieColumns, TagColumns};
use crate::io::import_state::ImportState;
use crate::io::keys::Keys;
use crate::io::parquet::ParquetFile;
use crate::io::source::Source;
use crate::io::{IoError, batches};
use crate::schema;

/// Movies, keys and provenance beside ratings.
#[derive(Debug, Clone, Default)]
pub struct DatasetMetadata {
    /// Titles and genres.
    pub movies: Option<MovieColumns>,
    /// Identifiers elsewhere.
    pub links: Option<LinkColumns>,
    /// Tags.
    pub tags: Option<TagColumns>,
    /// Names of users that are no numbers.
    pub user_keys: Option<Keys>,
    /// Commands that made the data.
    pub history: Provenance,
    /// Where it was read from in the first place.
    pub origin: SourceOrigin,
}

impl DatasetMetadata {
    /// Adds the string ids that the ids of an import turned out to be.
    pub(crate) fn add_keys(&mut self, import: &ImportState) {
        if let Some(keys) = import.users.to_keys() {
            self.user_keys = Some(keys);
        }
        if let Some(keys) = import.movies.to_keys() {
            self.set_movie_keys(&keys);
        }
    }

    /// Reads everything but `dataset.json` of a dataset directory.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn read(folder: &Path) -> Result<Self, IoError> {
        let movies = MovieFile::open_in(folder)?;
        let tags = table_of(folder, schema::TAGS, &schema::tags())?;
        Ok(Self {
            movies: movies.map(|file| file.columns()).transpose()?,
            links: read_links(folder)?,
            tags: tags.as_ref().map(batches::to_tags),
            user_keys: read_user_keys(folder)?,
            ..Self::default()
        })
    }

    /// Reads movies by id from a directory, `with_links` if these are wanted; `None` where it has
    /// none.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn open_movies(folder: &Path, with_links: bool) -> Result<Option<Movies>, IoError> {
        let Some(file) = MovieFile::open_in(folder)? else { return Ok(None) };
        let links = if with_links { read_links(folder)? } else { None };
        file.movies(links.as_ref()).map(Some)
    }

    /// Reads some movies, whose ids ascend, from a directory, or all of them where they are called
    /// by keys; `None` where it has none.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn open_some_movies(folder: &Path, ids: &[i32]) -> Result<Option<Movies>, IoError> {
        MovieFile::open_in(folder)?.map(|file| file.some_movies(ids)).transpose()
    }

    /// Returns movies by id, with their links; `None` where the ratings come without movies.
    #[must_use]
    pub fn movies(&self) -> Option<Movies> {
        self.movies.clone().map(|movies| Movies::new(movies, self.links.as_ref()))
    }

    /// Returns the keys of movies.
    #[must_use]
    pub fn movie_keys(&self) -> Option<Keys> {
        let movies = self.movies.as_ref()?;
        let keys = movies.movie_key.clone()?;
        Some(Keys::new(movies.movie_id.iter().copied().zip(keys).collect()))
    }

    /// Gives movies their keys; one that was rated and has no title is called by its key.
    pub fn set_movie_keys(&mut self, keys: &Keys) {
        let mut movies = self.movies.take().unwrap_or_default();
        let mut titled = movies.movie_id.clone();
        titled.sort_unstable();
        for (&id, key) in keys.ids.iter().zip(&keys.keys) {
            if position(&titled, id).is_none() {
                movies.movie_id.push(id);
                movies.title.push(key.clone());
                movies.release_year.push(None);
                movies.genres.push(NO_GENRES.into());
            }
        }
        let key = |id: &i32| keys.get(*id).unwrap_or_default().to_string();
        movies.movie_key = Some(movies.movie_id.iter().map(key).collect());
        self.movies = Some(movies);
    }

    /// Adds what another source holds.
    pub(super) fn join(&mut self, other: Self) {
        join(&mut self.movies, other.movies, MovieColumns::append);
        join(&mut self.links, other.links, LinkColumns::append);
        join(&mut self.tags, other.tags, TagColumns::append);
        self.history.steps.extend(other.history.steps);
        self.origin.recognised = self.origin.recognised.take().or(other.origin.recognised);
        self.origin.sources.extend(other.origin.sources);
    }
}

fn join<T>(all: &mut Option<T>, more: Option<T>, append: impl Fn(&mut T, T)) {
    match (all.as_mut(), more) {
        (Some(all), Some(more)) => append(all, more),
        (None, more) => *all = more,
        (Some(_), None) => {}
    }
}

/// Reads `users.parquet` of a dataset or model directory, where there is one.
///
/// # Errors
/// If it cannot be read.
pub fn read_user_keys(folder: &Path) -> Result<Option<Keys>, IoError> {
    Ok(table_of(folder, schema::USERS, &schema::users())?.as_ref().map(batches::to_keys))
}

fn read_links(folder: &Path) -> Result<Option<LinkColumns>, IoError> {
    Ok(table_of(folder, schema::LINKS, &schema::links())?.as_ref().map(batches::to_links))
}

/// Reads a table of a directory, where it has it.
fn table_of(folder: &Path, name: &str, schema: &SchemaRef) -> Result<Option<RecordBatch>, IoError> {
    let path = folder.join(name);
    if !path.is_file() {
        return Ok(None);
    }
    Ok(Some(ParquetFile::open(Source::open(&path)?)?.read_as(schema)?))
}
