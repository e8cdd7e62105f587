//! Writes datasets: as a directory, or the ratings alone as one file or stream.

use std::io::Write;
use std::path::Path;

use arrow::array::RecordBatch;

use crate::dataset::error::DatasetError;
use crate::dataset::load::Dataset;
use crate::dataset::manifest::Manifest;
use crate::io::atomic::AtomicDir;
use crate::io::json::{self, TextFormat};
use crate::io::parquet::{self, Layout};
use crate::io::{IoError, batches};
use crate::schema;

/// Writes all parts and the manifest into a directory under construction.
///
/// # Errors
/// If a file cannot be written.
pub fn write_directory(dataset: &Dataset, out: &AtomicDir) -> Result<(), DatasetError> {
    write_files(dataset, out.path()).map_err(|error| out.named(error).into())
}

/// Writes all parts and the manifest into a folder.
///
/// # Errors
/// If a file cannot be written.
pub fn write_files(dataset: &Dataset, folder: &Path) -> Result<(), IoError> {
    let columns = dataset.ratings.columns();
    let path = folder.join(schema::RATINGS);
    let layout = parquet::ratings_layout(Vec::new());
    parquet::write_file(&path, &schema::ratings(), &layout, columns.len(), |range| {
        batches::of_ratings(columns, range)
    })?;
    if let Some(movies) = dataset.movies() {
        write_table(folder, schema::MOVIES, &batches::of_movies(&movies.columns()))?;
    }
    if let Some(links) = &dataset.links {
        write_table(folder, schema::LINKS, &batches::of_links(links))?;
    }
    if let Some(tags) = &dataset.tags {
        write_table(folder, schema::TAGS, &batches::of_tags(tags))?;
    }
    let manifest = Manifest::new(&dataset.ratings, dataset.history.clone(), &dataset.origin);
    json::write(&folder.join(schema::DATASET_JSON), &manifest)
}

/// Writes one table into a folder.
///
/// # Errors
/// If the file cannot be written.
pub fn write_table(folder: &Path, name: &str, batch: &RecordBatch) -> Result<(), IoError> {
    let (layout, n_rows) = (Layout::default(), batch.num_rows());
    parquet::write_file(&folder.join(name), &batch.schema(), &layout, n_rows, |range| {
        batch.slice(range.start, range.len())
    })
}

/// Writes the ratings as Parquet, with their history in the footer.
///
/// # Errors
/// If writing fails.
pub fn write_parquet(
    dataset: &Dataset,
    out: impl Write + Send,
    file: &str,
) -> Result<(), DatasetError> {
    let history = serde_json::to_string(&dataset.history)
        .map_err(|source| IoError::Json { file: file.into(), source })?;
    let layout = parquet::ratings_layout(vec![(schema::MANIFEST_KEY.into(), history)]);
    let columns = dataset.ratings.columns();
    Ok(parquet::write(out, file, &schema::ratings(), &layout, columns.len(), |range| {
        batches::of_ratings(columns, range)
    })?)
}

/// Writes the ratings as text.
///
/// # Errors
/// If writing fails.
pub fn write_text(
    dataset: &Dataset,
    out: impl Write,
    file: &str,
    format: TextFormat,
) -> Result<(), DatasetError> {
    const ROWS: usize = 1 << 16;
    let columns = dataset.ratings.columns();
    // An empty set still needs its header.
    let starts = (0..columns.len().max(1)).step_by(ROWS);
    let batches =
        starts.map(|start| batches::of_ratings(columns, start..(start + ROWS).min(columns.len())));
    Ok(json::write_table(out, file, format, batches)?)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;
    use crate::dataset::ratings::{Duplicates, Ratings};
    use crate::io::columns::{NO_TIME, RatingColumns};
    use crate::io::delimited::read_ratings;
    use crate::io::parquet::ParquetFile;
    use crate::io::rejects::Rejects;
    use crate::io::source::Source;
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
        fn ratings_survive_parquet_and_csv(rows in proptest::collection::vec(any_row(), 0..60)) {
            let mut columns = RatingColumns::default();
            for (user, movie, rating, ms) in rows {
                columns.push(user, movie, rating, ms);
            }
            let ratings = Ratings::new(columns, Duplicates::Last).0;
            let dataset = Dataset { ratings, ..Dataset::default() };

            let mut bytes = Vec::new();
            write_parquet(&dataset, &mut bytes, "x").unwrap();
            let source = Source::from_reader("x".into(), Cursor::new(bytes)).unwrap();
            let back = ParquetFile::open(source).unwrap().read_ratings().unwrap();
            prop_assert_eq!(&back, dataset.ratings.columns());

            let mut text = Vec::new();
            write_text(&dataset, &mut text, "x", TextFormat::Csv).unwrap();
            let back = read_ratings("x", &text[..], &mut Rejects::fail(), &Silent).unwrap();
            prop_assert_eq!(&back, dataset.ratings.columns());
        }
    }
}
