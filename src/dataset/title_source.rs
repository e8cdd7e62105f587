//! Titles for data that came without: from whatever has some.

use std::borrow::Cow;
use std::path::Path;

use arrow::array::{Array, StringArray};

use crate::dataset::DatasetMetadata;
use crate::dataset::error::DatasetError;
use crate::dataset::movie_file::MovieFile;
use crate::dataset::movies::Movies;
use crate::io::columns::{LinkColumns, MovieColumns};
use crate::io::keys::{IdMapping, IdResolver, Keys};
use crate::io::parquet::ParquetFile;
use crate::io::source::{Source, SourceKind};
use crate::io::{IoError, batches, movielens, table};
use crate::schema;

/// Loads titles for data whose movies have these keys, or numeric ids: from a dataset, model or
/// MovieLens folder or archive, or a file of movies; links come along where the folder has them.
///
/// # Errors
/// If there are no movies at `path`, or their ids are of another kind.
pub fn load_movies(path: &Path, keys: Option<&Keys>) -> Result<Movies, DatasetError> {
    let resolver = IdResolver::new(keys);
    let (mut movies, links) = read_titles(path, &mut IdMapping::Existing(&resolver))?;
    movies.movie_key = keys.map(|keys| {
        let key = |id: &i32| keys.get(*id).unwrap_or_default().to_string();
        movies.movie_id.iter().map(key).collect()
    });
    Ok(Movies::new(movies, links.as_ref()))
}

/// Loads titles with the keys that they have themselves; links only where they cost nothing more.
///
/// # Errors
/// If there are no movies at `path`.
pub fn load_movies_alone(path: &Path) -> Result<Movies, DatasetError> {
    if path.join(schema::DATASET_JSON).is_file()
        && let Some(movies) = DatasetMetadata::open_movies(path, false)?
    {
        return Ok(movies);
    }
    match own_keys(path)? {
        Some(keys) => load_movies(path, Some(&keys)),
        None => load_movies(path, None),
    }
}

/// Returns the keys of the movies of a directory or file that mvrec wrote, where they have some.
///
/// # Errors
/// If they cannot be read.
pub fn own_keys(path: &Path) -> Result<Option<Keys>, IoError> {
    let file = path.join(schema::MOVIES);
    let file = if file.is_file() { Cow::Owned(file) } else { Cow::Borrowed(path) };
    if !file.is_file() {
        return Ok(None);
    }
    let source = Source::open(&file)?;
    if source.kind != SourceKind::Parquet {
        return Ok(None);
    }
    MovieFile::new(ParquetFile::open(source)?).keys()
}

/// Reads titles and links; `ids` says what the ids of movies become.
///
/// # Errors
/// If there are no movies at `path`.
pub fn read_titles(
    path: &Path,
    ids: &mut IdMapping<'_>,
) -> Result<(MovieColumns, Option<LinkColumns>), IoError> {
    if path.is_dir() {
        let file = path.join(schema::MOVIES);
        if file.is_file() {
            let movies = from_parquet(&ParquetFile::open(Source::open(&file)?)?, ids)?;
            let links = path.join(schema::LINKS);
            let links = links.is_file().then(|| links_from_parquet(path, &links, ids));
            return Ok((movies, links.transpose()?));
        }
        return movielens::read_titles(path, None, ids)?.ok_or_else(|| no_titles(path));
    }
    let source = Source::open(path)?;
    let file = source.name.clone();
    match source.kind {
        SourceKind::Parquet => Ok((from_parquet(&ParquetFile::open(source)?, ids)?, None)),
        SourceKind::Zip => {
            movielens::read_titles(path, Some(source), ids)?.ok_or_else(|| no_titles(path))
        }
        SourceKind::Text => Ok((movielens::read_movies_text(&file, source.reader, ids)?, None)),
        SourceKind::Empty => Err(IoError::Empty { file }),
        SourceKind::Json => Err(no_titles(path)),
    }
}

fn no_titles(path: &Path) -> IoError {
    IoError::WrongKind {
        file: path.display().to_string(),
        found: "these are no movies",
        expected: "movies.parquet, movies.csv, movies.dat, u.item, or a folder or .zip with one of them",
    }
}

/// Reads a Parquet file of movies of anybody's.
fn from_parquet(file: &ParquetFile, ids: &mut IdMapping<'_>) -> Result<MovieColumns, IoError> {
    let fields = file.schema().fields().iter();
    let names: Vec<String> = fields.map(|field| field.name().clone()).collect();
    let columns = table::movie_columns(file.name(), &names)?;
    let texts = columns.map(|column| column.map(|at| file.read_texts(&names[at])).transpose());
    let [id, title, genres, year] = texts;
    let (id, title, genres, year) = (id?, title?, genres?, year?);
    let text = |column: &Option<StringArray>, row: usize| -> String {
        let column = column.as_ref().filter(|column| column.is_valid(row));
        column.map_or_else(String::new, |column| column.value(row).into())
    };
    let mut movies = MovieColumns::default();
    for row in 0..id.as_ref().map_or(0, Array::len) {
        let spelled = text(&id, row);
        let mapped = ids.map(&spelled).map_err(|problem| IoError::BadField {
            file: file.name().into(),
            line: row as u64 + 1,
            column: "movie",
            value: spelled,
            problem: problem.into(),
        })?;
        if let Some(mapped) = mapped {
            movies.add(mapped, &text(&title, row), &text(&genres, row), &text(&year, row));
        }
    }
    Ok(movies)
}

/// Reads the links of a directory of mvrec's, whose ids are those of its movies.
fn links_from_parquet(
    folder: &Path,
    links: &Path,
    ids: &mut IdMapping<'_>,
) -> Result<LinkColumns, IoError> {
    let own = own_keys(folder)?;
    let file = ParquetFile::open(Source::open(links)?)?;
    let read = batches::to_links(&file.read_as(&schema::links())?);
    let mut mapped = LinkColumns::default();
    for (row, &id) in read.movie_id.iter().enumerate() {
        let spelled = match &own {
            Some(keys) => keys.get(id).unwrap_or_default().to_string(),
            None => id.to_string(),
        };
        if let Ok(Some(id)) = ids.map(&spelled) {
            mapped.movie_id.push(id);
            mapped.imdb_id.push(read.imdb_id[row].clone());
            mapped.tmdb_id.push(read.tmdb_id[row]);
        }
    }
    Ok(mapped)
}
