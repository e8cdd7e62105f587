//! Writes datasets: as a directory, or the ratings alone as one file or stream.

use std::io::{self, Write};
use std::path::Path;

use arrow::array::RecordBatch;

use crate::dataset::manifest::Manifest;
use crate::dataset::ratings::Ratings;
use crate::dataset::sidecar::DatasetMetadata;
use crate::dataset::sort::SortedRatings;
use crate::dataset::writer::{ParquetFooter, RatingsSummary};
use crate::io::json::{self, TextFormat};
use crate::io::keys::Keys;
use crate::io::parquet::{self, GROUP_ROWS, GroupWriter, ParquetFile, ParquetLayout};
use crate::io::source::Source;
use crate::io::{IoError, batches};
use crate::schema;

/// Writes ratings, their metadata and the manifest into a folder.
///
/// # Errors
/// If a file cannot be written.
pub fn write_files(
    ratings: &Ratings,
    sidecar: &DatasetMetadata,
    folder: &Path,
) -> Result<(), IoError> {
    let (columns, tally) = (ratings.columns(), ratings.tally());
    let path = folder.join(schema::RATINGS);
    let layout = parquet::ratings_layout(vec![parquet::belonging_to(&tally.content_hash())]);
    parquet::write_file(&path, &schema::ratings(), &layout, columns.len(), |range| {
        batches::ratings_batch(columns, range)
    })?;
    write_sidecar(sidecar, &tally, folder)
}

/// Writes the metadata and the manifest into a folder beside the ratings that were summarized.
///
/// # Errors
/// If a file cannot be written.
pub fn write_sidecar(
    sidecar: &DatasetMetadata,
    tally: &RatingsSummary,
    folder: &Path,
) -> Result<(), IoError> {
    let hash = tally.content_hash();
    if let Some(movies) = sidecar.movies() {
        write_table(folder, schema::MOVIES, &movies.to_batch(), &hash)?;
    }
    if let Some(links) = &sidecar.links {
        write_table(folder, schema::LINKS, &batches::links_batch(links), &hash)?;
    }
    if let Some(tags) = &sidecar.tags {
        write_table(folder, schema::TAGS, &batches::tags_batch(tags), &hash)?;
    }
    if let Some(keys) = &sidecar.user_keys {
        write_table(folder, schema::USERS, &batches::user_keys_batch(keys), &hash)?;
    }
    let manifest = Manifest::new(tally, sidecar.history.clone(), &sidecar.origin);
    json::write_manifest(&folder.join(schema::DATASET_JSON), &manifest).map(drop)
}

/// Writes one table into a folder, of which `belongs_to` names the rest.
///
/// # Errors
/// If the file cannot be written.
pub fn write_table(
    folder: &Path,
    name: &str,
    batch: &RecordBatch,
    belongs_to: &str,
) -> Result<(), IoError> {
    let layout = ParquetLayout {
        // Few rows to a page, as some readers want those of one movie.
        page_rows: 1 << 12,
        distinct: &["title", "imdb_id", "movie_key", "user_key"],
        footer: vec![parquet::belonging_to(belongs_to)],
        ..ParquetLayout::default()
    };
    let n_rows = batch.num_rows();
    parquet::write_file(&folder.join(name), &batch.schema(), &layout, n_rows, |range| {
        batch.slice(range.start, range.len())
    })
}

/// Returns the entries of the footer of ratings that have no directory around them.
///
/// # Errors
/// If the history cannot be written as JSON.
pub fn footer(sidecar: &DatasetMetadata, file: &str) -> Result<ParquetFooter, IoError> {
    let history = serde_json::to_string(&sidecar.history)
        .map_err(|source| IoError::Json { file: file.into(), source })?;
    Ok(vec![(schema::MANIFEST_KEY, history)])
}

/// Keys that ids of ratings stand for.
struct KeysOf<'a> {
    users: Option<&'a Keys>,
    movies: Option<Keys>,
}

impl<'a> KeysOf<'a> {
    fn new(sidecar: &'a DatasetMetadata) -> Self {
        Self { users: sidecar.user_keys.as_ref(), movies: sidecar.movie_keys() }
    }

    fn add(&self, batch: &RecordBatch) -> RecordBatch {
        batches::with_keys(batch, self.users, self.movies.as_ref())
    }
}

fn open(sorted: SortedRatings, name: &str) -> Result<ParquetFile, IoError> {
    ParquetFile::open(Source::from_file(name.into(), sorted.file)?)
}

/// Writes sorted ratings as Parquet: as they are, or with the keys of their ids as columns more.
///
/// # Errors
/// If writing fails.
pub fn write_parquet<W: Write + Send>(
    mut sorted: SortedRatings,
    sidecar: &DatasetMetadata,
    out: &mut W,
    name: &str,
) -> Result<(), IoError> {
    let keys = KeysOf::new(sidecar);
    let at = IoError::named(name.into());
    if keys.users.is_none() && keys.movies.is_none() {
        io::Seek::rewind(&mut sorted.file).map_err(&at)?;
        io::copy(&mut sorted.file, out).map_err(&at)?;
        return out.flush().map_err(at);
    }
    let schema = schema::keyed_ratings(keys.users.is_some(), keys.movies.is_some());
    let layout = parquet::ratings_layout(Vec::new());
    let mut writer = GroupWriter::new(out, name, &schema, &layout)?;
    for rows in open(sorted, name)?.rating_chunks(GROUP_ROWS)? {
        let rows = rows?;
        writer.write(1, |_| keys.add(&batches::ratings_batch(&rows, 0..rows.len())))?;
    }
    writer.finish(&footer(sidecar, name)?).map(drop)
}

/// Writes sorted ratings as text, with the keys of their ids where they have some.
///
/// # Errors
/// If writing fails.
pub fn write_text(
    sorted: SortedRatings,
    sidecar: &DatasetMetadata,
    out: impl Write + Send,
    name: &str,
    format: TextFormat,
) -> Result<(), IoError> {
    const ROWS: usize = 1 << 16;
    let keys = KeysOf::new(sidecar);
    // An empty set still needs its header.
    let none = (sorted.tally.shape().ratings == 0).then(Default::default);
    let mut failure = None;
    let chunks = open(sorted, name)?.rating_chunks(ROWS)?;
    let chunks = chunks.map_while(|rows| rows.map_err(|error| failure = Some(error)).ok());
    let rows = none.into_iter().chain(chunks);
    let batches = rows.map(|rows| keys.add(&batches::ratings_batch(&rows, 0..rows.len())));
    json::write_table(out, name, format, batches)?;
    failure.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dataset::load::load;
    use crate::dataset::ratings::DuplicatePolicy;
    use crate::dataset::sort::{ExternalSorter, SortPlace};
    use crate::io::columns::{NO_TIME, RatingColumns};
    use crate::io::time;
    use crate::progress::Silent;

    prop_compose! {
        fn any_row()(
            user: i32,
            movie: i32,
            half_stars in 1..=10_u8,
            ms in proptest::option::of(time::MIN_MS..time::MAX_MS),
        ) -> (i32, i32, f32, i64) {
            (user, movie, f32::from(half_stars) / 2.0, ms.unwrap_or(NO_TIME))
        }
    }

    proptest! {
        #[test]
        fn ratings_survive_every_format(
            rows in proptest::collection::vec(any_row(), 1..60),
            keyed: bool,
        ) {
            let mut columns = RatingColumns::default();
            let mut pairs = Vec::new();
            for (user, movie, rating, ms) in rows {
                columns.push(user, movie, rating, ms);
                pairs.push((user, format!("\"user\", {user}")));
            }
            let keys = keyed.then(|| Keys::new(pairs));
            let ratings = Ratings::new(columns.clone(), DuplicatePolicy::Last).0;
            let folder = tempfile::tempdir().unwrap();
            let sidecar = DatasetMetadata { user_keys: keys.clone(), ..DatasetMetadata::default() };
            let sorted = || {
                let mut sorter = ExternalSorter::new(SortPlace::In(folder.path().into()), DuplicatePolicy::Last).unwrap();
                sorter.push(columns.clone()).unwrap();
                sorter.finish(|_, _| footer(&sidecar, "x")).unwrap()
            };
            let path = folder.path().join("x");
            let mut bytes = Vec::new();
            write_parquet(sorted(), &sidecar, &mut bytes, "x").unwrap();
            std::fs::write(&path, bytes).unwrap();
            let back = load(&path, &Silent).unwrap();
            prop_assert_eq!(&back.ratings, &ratings);
            prop_assert_eq!(&back.sidecar.user_keys, &keys);
            for format in [TextFormat::Csv, TextFormat::JsonLines] {
                let mut text = Vec::new();
                write_text(sorted(), &sidecar, &mut text, "x", format).unwrap();
                std::fs::write(&path, text).unwrap();
                let back = load(&path, &Silent).unwrap();
                // Keys come back with numbers of their own.
                prop_assert_eq!(back.ratings.len(), ratings.len());
                prop_assert!(keyed || back.ratings == ratings);
            }
        }
    }
}
