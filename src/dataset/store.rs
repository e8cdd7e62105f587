//! Writes datasets: as a directory, or the ratings alone as one file or stream.

use std::fs::File;
use std::io::{BufWriter, Write};

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
    let columns = dataset.ratings.columns();
    let path = out.path().join(schema::RATINGS);
    let file = BufWriter::new(File::create(&path).map_err(IoError::at(&path))?);
    let layout = parquet::ratings_layout(Vec::new());
    let shown = shown(out, schema::RATINGS);
    parquet::write(file, &shown, &schema::ratings(), &layout, columns.len(), |range| {
        batches::of_ratings(columns, range)
    })?;
    if let Some(movies) = dataset.movies() {
        write_part(out, schema::MOVIES, &batches::of_movies(&movies.columns()))?;
    }
    if let Some(links) = &dataset.links {
        write_part(out, schema::LINKS, &batches::of_links(links))?;
    }
    if let Some(tags) = &dataset.tags {
        write_part(out, schema::TAGS, &batches::of_tags(tags))?;
    }
    let manifest = Manifest::new(&dataset.ratings, dataset.history.clone(), &dataset.origin);
    Ok(json::write(&out.path().join(schema::DATASET_JSON), &manifest)?)
}

/// Writes one table into a directory under construction.
///
/// # Errors
/// If the file cannot be written.
pub fn write_part(out: &AtomicDir, name: &str, batch: &RecordBatch) -> Result<(), IoError> {
    let path = out.path().join(name);
    let file = BufWriter::new(File::create(&path).map_err(IoError::at(&path))?);
    parquet::write_batch(file, &shown(out, name), &Layout::default(), batch)
}

/// Name of a file where it will stand, for messages.
fn shown(out: &AtomicDir, name: &str) -> String {
    out.target().join(name).display().to_string()
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
