//! The input of every command that reads ratings: a dataset directory, a ratings file, or stdin.

use std::path::{Path, PathBuf};

use crate::dataset::error::DatasetError;
use crate::dataset::manifest::{History, Manifest, Origin, SourceFile};
use crate::dataset::movies::Movies;
use crate::dataset::ratings::{Duplicates, Ratings};
use crate::io::columns::{LinkColumns, MovieColumns, RatingColumns, TagColumns};
use crate::io::parquet::ParquetFile;
use crate::io::rejects::Rejects;
use crate::io::source::{Hashing, Kind, Source};
use crate::io::{IoError, batches, delimited, json, movielens, table};
use crate::progress::Progress;
use crate::schema;

/// Ratings with all that came along.
#[derive(Debug, Clone, Default)]
pub struct Dataset {
    /// The ratings.
    pub ratings: Ratings,
    /// Titles and genres.
    pub movies: Option<MovieColumns>,
    /// Identifiers elsewhere.
    pub links: Option<LinkColumns>,
    /// Tags.
    pub tags: Option<TagColumns>,
    /// Commands that made it.
    pub history: History,
    /// Where it was read from in the first place.
    pub origin: Origin,
    /// Rows that repeated a pair of user and movie.
    pub duplicates: usize,
}

impl Dataset {
    /// Returns movies by id, with their links; `None` where the ratings come without movies.
    #[must_use]
    pub fn movies(&self) -> Option<Movies> {
        self.movies.clone().map(|movies| Movies::new(movies, self.links.as_ref()))
    }

    /// Adds what another source holds.
    fn join(self, other: Self, duplicates: Duplicates) -> Result<Self, DatasetError> {
        let mut columns = self.ratings.into_columns();
        columns.append(&mut other.ratings.into_columns());
        let mut all = Self::of(columns, duplicates)?;
        all.duplicates += self.duplicates + other.duplicates;
        all.movies = join(self.movies, other.movies, MovieColumns::append);
        all.links = join(self.links, other.links, LinkColumns::append);
        all.tags = join(self.tags, other.tags, TagColumns::append);
        all.history = self.history;
        all.history.steps.extend(other.history.steps);
        all.origin = self.origin;
        all.origin.recognised = all.origin.recognised.or(other.origin.recognised);
        all.origin.sources.extend(other.origin.sources);
        Ok(all)
    }

    fn of(columns: RatingColumns, duplicates: Duplicates) -> Result<Self, DatasetError> {
        if u32::try_from(columns.len()).is_err() {
            return Err(DatasetError::TooMany { rows: columns.len() });
        }
        let (ratings, duplicates) = Ratings::new(columns, duplicates);
        Ok(Self { ratings, duplicates, ..Self::default() })
    }
}

fn join<T>(a: Option<T>, b: Option<T>, append: impl Fn(&mut T, T)) -> Option<T> {
    match (a, b) {
        (Some(mut a), Some(b)) => {
            append(&mut a, b);
            Some(a)
        }
        (a, b) => a.or(b),
    }
}

/// Loads a dataset directory, a ratings file or, for `-`, stdin.
///
/// # Errors
/// If it cannot be read or holds what ratings must not hold.
pub fn load(input: &Path, progress: &dyn Progress) -> Result<Dataset, DatasetError> {
    if input.is_dir() {
        return load_directory(input, progress);
    }
    load_source(Source::open(input)?, Duplicates::Last, &mut Rejects::fail(), progress)
}

/// Loads and joins what `ingest` accepts: MovieLens folders and archives, and whatever [`load`] takes.
///
/// # Errors
/// As [`load`].
pub fn ingest_all(
    inputs: &[PathBuf],
    duplicates: Duplicates,
    rejects: &mut Rejects,
    progress: &dyn Progress,
) -> Result<Dataset, DatasetError> {
    let mut all: Option<Dataset> = None;
    for input in inputs {
        let one = ingest(input, duplicates, rejects, progress)?;
        all = Some(match all {
            None => one,
            Some(before) => before.join(one, duplicates)?,
        });
    }
    Ok(all.unwrap_or_default())
}

fn ingest(
    input: &Path,
    duplicates: Duplicates,
    rejects: &mut Rejects,
    progress: &dyn Progress,
) -> Result<Dataset, DatasetError> {
    if input.is_dir() && !input.join(schema::RATINGS).is_file() {
        return of_movielens(movielens::read_folder(input, rejects, progress)?, duplicates);
    }
    if input.is_dir() {
        return load_directory(input, progress);
    }
    let source = Source::open(input)?;
    if source.kind == Kind::Zip {
        return of_movielens(movielens::read_archive(source, rejects, progress)?, duplicates);
    }
    load_source(source, duplicates, rejects, progress)
}

fn of_movielens(
    read: movielens::MovieLens,
    duplicates: Duplicates,
) -> Result<Dataset, DatasetError> {
    let sources = read.sources.into_iter().map(|(name, print)| SourceFile::new(name, print));
    let origin = Origin { recognised: Some(read.layout.into()), sources: sources.collect() };
    let (movies, links, tags) = (read.movies, read.links, read.tags);
    Ok(Dataset { movies, links, tags, origin, ..Dataset::of(read.ratings, duplicates)? })
}

fn load_directory(path: &Path, progress: &dyn Progress) -> Result<Dataset, DatasetError> {
    let ratings = path.join(schema::RATINGS);
    if !ratings.is_file() {
        return Err(DatasetError::NotADataset { path: path.display().to_string() });
    }
    let mut dataset =
        load_source(Source::open(&ratings)?, Duplicates::Last, &mut Rejects::fail(), progress)?;
    let manifest = path.join(schema::DATASET_JSON);
    if manifest.is_file() {
        let read: Manifest = json::read(&manifest)?;
        dataset.history = read.history.check(&manifest.display().to_string())?;
        dataset.origin = Origin { recognised: read.recognised, sources: read.sources };
    }
    let optional = |name: &str| Some(path.join(name)).filter(|path| path.is_file());
    if let Some(path) = optional(schema::MOVIES) {
        dataset.movies = Some(read_movies_parquet(&path)?);
    }
    if let Some(path) = optional(schema::LINKS) {
        let file = ParquetFile::open(Source::open(&path)?)?;
        dataset.links = Some(batches::to_links(&file.read_as(&schema::links())?));
    }
    if let Some(path) = optional(schema::TAGS) {
        let file = ParquetFile::open(Source::open(&path)?)?;
        dataset.tags = Some(batches::to_tags(&file.read_as(&schema::tags())?));
    }
    Ok(dataset)
}

fn read_movies_parquet(path: &Path) -> Result<MovieColumns, IoError> {
    let file = ParquetFile::open(Source::open(path)?)?;
    Ok(batches::to_movies(&file.read_as(&schema::movies())?))
}

fn load_source(
    source: Source,
    duplicates: Duplicates,
    rejects: &mut Rejects,
    progress: &dyn Progress,
) -> Result<Dataset, DatasetError> {
    let expected = "ratings as Parquet or delimited text";
    let file = source.name.clone();
    match source.kind {
        Kind::Empty => Err(IoError::Empty { file }.into()),
        Kind::Zip => {
            let found = "this is a ZIP archive";
            Err(IoError::WrongKind { file, found, expected: "a file that `ingest` made of it" }
                .into())
        }
        Kind::Json => {
            Err(IoError::WrongKind { file, found: "this looks like JSON", expected }.into())
        }
        Kind::Parquet => {
            let parquet = ParquetFile::open(source)?;
            progress.begin("reading ratings", "ratings", Some(parquet.n_rows() as u64));
            let history = match parquet.footer(schema::MANIFEST_KEY) {
                None => History::default(),
                Some(text) => serde_json::from_str::<History>(text)
                    .map_err(|source| IoError::Json { file: file.clone(), source })?
                    .check(&file)?,
            };
            let columns = parquet.read_ratings()?;
            progress.advance(columns.len() as u64);
            Ok(Dataset { history, ..Dataset::of(columns, duplicates)? })
        }
        Kind::Text => {
            let size = source.seekable.as_ref().and_then(|file| file.metadata().ok());
            progress.begin("reading ratings", "bytes", size.map(|metadata| metadata.len()));
            let mut reader = Hashing::new(source.reader);
            let columns = delimited::read_ratings(&file, &mut reader, rejects, progress)?;
            let name = Path::new(&file).file_name().unwrap_or_default();
            let name = name.to_string_lossy().into_owned();
            let sources = vec![SourceFile::new(name, reader.fingerprint())];
            let origin = Origin { recognised: Some("delimited text".into()), sources };
            Ok(Dataset { origin, ..Dataset::of(columns, duplicates)? })
        }
    }
}

/// Loads titles for ratings that came without: a dataset, model or MovieLens folder, a
/// `movies.parquet` or a `movies.csv`; links come along where the folder has them.
///
/// # Errors
/// If there are no movies at `path`.
pub fn load_movies(path: &Path) -> Result<Movies, DatasetError> {
    let inside = |name: &str| Some(path.join(name)).filter(|path| path.is_file());
    let (movies, links) = match (inside(schema::MOVIES), inside("movies.csv")) {
        (Some(movies), _) => (movies, inside(schema::LINKS)),
        (None, Some(movies)) => (movies, inside("links.csv")),
        (None, None) => (path.to_path_buf(), None),
    };
    let source = Source::open(&movies)?;
    let movies = match source.kind {
        Kind::Parquet => read_movies_parquet(&movies)?,
        Kind::Text => {
            table::read_movies(&source.name.clone(), source.reader, &mut Rejects::fail())?
        }
        Kind::Empty => return Err(IoError::Empty { file: source.name }.into()),
        Kind::Zip | Kind::Json => {
            return Err(IoError::WrongKind {
                file: source.name,
                found: "these are no movies",
                expected: "movies.parquet, movies.csv or a folder with one of them",
            }
            .into());
        }
    };
    let links = match links {
        None => None,
        Some(path) => Some(read_links(&path)?),
    };
    Ok(Movies::new(movies, links.as_ref()))
}

fn read_links(path: &Path) -> Result<LinkColumns, IoError> {
    let source = Source::open(path)?;
    if source.kind == Kind::Parquet {
        let file = ParquetFile::open(source)?;
        return Ok(batches::to_links(&file.read_as(&schema::links())?));
    }
    table::read_links(&source.name.clone(), source.reader, &mut Rejects::fail())
}

/// Reads a list of ids: a text with one in each line (or in the first field), or the column of a
/// Parquet file that `names` finds.
///
/// # Errors
/// If the file cannot be read, has no such column, or a line does not begin with an id.
pub fn load_ids(path: &Path, column: &'static str) -> Result<Vec<i32>, DatasetError> {
    let source = Source::open(path)?;
    let mut ids = match source.kind {
        Kind::Parquet => {
            let file = ParquetFile::open(source)?;
            file.read_ids(column)?
        }
        _ => table::read_ids(&source.name.clone(), source.reader, column)?,
    };
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}
