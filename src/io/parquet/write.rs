//! Encodes tables, row groups in parallel.

use std::fs::File;
use std::io::Write;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use parquet::arrow::arrow_writer::{
    ArrowRowGroupWriterFactory, ArrowWriter, ArrowWriterOptions, compute_leaves,
};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;
use rayon::prelude::*;

use crate::io::error::IoError;
use crate::io::parquet::checksum::{KeptPages, SealingWriter, unsealed};

/// Key of the footer entry that names what a file belongs to: ratings have the XXH3-128 of their
/// content, files of a model the checksum of its `model.json`.
pub const BELONGS_TO: &str = "mvrec.belongs_to";

/// Returns that entry.
#[must_use]
pub fn belonging_to(what: &str) -> (String, String) {
    (BELONGS_TO.into(), what.into())
}

/// How a table is laid out in a Parquet file.
#[derive(Debug, Clone, Default)]
pub struct ParquetLayout {
    /// Rows of a row group; 0 for the default, a quarter of a million.
    pub group_rows: usize,
    /// Rows of a page; 0 for the encoder's default.
    pub page_rows: usize,
    /// Columns of integers that are better stored as differences than by dictionary.
    pub deltas: &'static [&'static str],
    /// Columns that neither a dictionary nor compression makes smaller, such as factors; the parts
    /// of a nested name are joined by dots.
    pub plain: &'static [&'static str],
    /// Columns whose values are nearly all different, such as titles: a dictionary would only have
    /// to be read whole before any of them.
    pub distinct: &'static [&'static str],
    /// Leaves out compression.
    pub uncompressed: bool,
    /// Columns that the rows are sorted by.
    pub sorted_by: &'static [&'static str],
    /// Entries of the footer.
    pub footer: Vec<(String, String)>,
}

/// Rows of a row group unless told otherwise, and of a batch that is read.
pub const GROUP_ROWS: usize = 1 << 18;

/// Layout of every file of ratings.
///
/// Differences of sorted ids and of times, and dictionaries of users and ratings, leave little to
/// compress: zstd would save 2 % of MovieLens' ratings and make reading them take half as long
/// again.
#[must_use]
pub fn ratings_layout(footer: Vec<(String, String)>) -> ParquetLayout {
    ParquetLayout {
        // So many for all columns: left to itself, the encoder ends pages of times, which may be
        // null, at other rows.
        page_rows: 1 << 14,
        deltas: &["movie_id", "rating_timestamp"],
        uncompressed: true,
        sorted_by: &["user_id", "movie_id"],
        footer,
        ..ParquetLayout::default()
    }
}

fn properties(schema: &SchemaRef, layout: &ParquetLayout) -> WriterProperties {
    let position = |name: &&str| schema.index_of(name).expect("layouts name columns of the schema");
    let sorting = layout.sorted_by.iter().map(|name| SortingColumn {
        column_idx: position(name) as i32,
        descending: false,
        nulls_first: false,
    });
    let footer = layout.footer.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
    let mut builder = WriterProperties::builder()
        .set_created_by(format!("mvrec {}", env!("CARGO_PKG_VERSION")))
        .set_compression(match layout.uncompressed {
            true => Compression::UNCOMPRESSED,
            false => Compression::ZSTD(ZstdLevel::try_new(1).expect("1 is a level")),
        })
        .set_max_row_group_row_count(None)
        .set_sorting_columns((!layout.sorted_by.is_empty()).then(|| sorting.collect()))
        .set_key_value_metadata(Some(footer.collect()));
    if layout.page_rows > 0 {
        builder = builder
            .set_data_page_row_count_limit(layout.page_rows)
            .set_write_batch_size(layout.page_rows);
    }
    for &name in layout.deltas {
        let path = column_path(name);
        builder = builder
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
    }
    for &name in layout.distinct {
        builder = builder.set_column_dictionary_enabled(column_path(name), false);
    }
    for &name in layout.plain {
        let path = column_path(name);
        builder = builder
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_compression(path, Compression::UNCOMPRESSED);
    }
    builder.build()
}

/// Path of a column whose parts are joined by dots.
fn column_path(name: &str) -> ColumnPath {
    ColumnPath::new(name.split('.').map(str::to_string).collect())
}

/// An encoded column of a row group, and what it is.
type Chunk = (Bytes, ColumnCloseResult);

/// A Parquet file under construction, row group by row group, with checksums of its pages and its
/// footer.
pub struct GroupWriter<W: Write + Send> {
    file: String,
    schema: SchemaRef,
    writer: SerializedFileWriter<SealingWriter<W>>,
    groups: usize,
}

impl<W: Write + Send> GroupWriter<W> {
    /// Begins a file; `file` is its name in errors.
    ///
    /// # Errors
    /// If writing fails.
    pub fn new(
        out: W,
        file: &str,
        schema: &SchemaRef,
        layout: &ParquetLayout,
    ) -> Result<Self, IoError> {
        let options = ArrowWriterOptions::new()
            .with_properties(properties(schema, layout))
            .with_schema_root("schema".into());
        let writer =
            ArrowWriter::try_new_with_options(SealingWriter::new(out), schema.clone(), options)
                .and_then(ArrowWriter::into_serialized_writer);
        let (writer, _) = writer.map_err(failed(file))?;
        Ok(Self { file: file.into(), schema: schema.clone(), writer, groups: 0 })
    }

    /// Writes `n` row groups, which `group` hands out by their place from 0; they are encoded in
    /// parallel.
    ///
    /// # Errors
    /// If writing fails.
    pub fn write(
        &mut self,
        n: usize,
        group: impl Fn(usize) -> RecordBatch + Sync,
    ) -> Result<(), IoError> {
        let factory = |_| ArrowRowGroupWriterFactory::new(&self.writer, self.schema.clone());
        let factories: Vec<_> = (0..n).map(factory).collect();
        let encode = |(at, factory): (usize, ArrowRowGroupWriterFactory)| {
            let pages = Arc::new(KeptPages::default());
            let factory = factory.with_page_store_factory(pages.clone());
            let mut columns = factory.create_column_writers(self.groups + at)?.into_iter();
            let batch = group(at);
            let mut chunks: Vec<Chunk> = Vec::new();
            for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
                for leaf in compute_leaves(field, array)? {
                    let mut column = columns.next().expect("a writer for each leaf");
                    column.write(&leaf)?;
                    let close = column.close()?.close().clone();
                    chunks.push(pages.checked_chunk(chunks.len(), close)?);
                }
            }
            Ok(chunks)
        };
        let encoded: Result<Vec<Vec<Chunk>>, ParquetError> =
            factories.into_par_iter().enumerate().map(encode).collect();
        let encoded = encoded.map_err(failed(&self.file))?;
        self.groups += n;
        self.append(encoded).map_err(failed(&self.file))
    }

    fn append(&mut self, groups: Vec<Vec<Chunk>>) -> Result<(), ParquetError> {
        for chunks in groups {
            let mut group = self.writer.next_row_group()?;
            for (bytes, close) in chunks {
                group.append_column(&bytes, close)?;
            }
            group.close()?;
        }
        Ok(())
    }

    /// Ends the file with entries of the footer besides those of its layout.
    ///
    /// # Errors
    /// If writing fails.
    pub fn finish(mut self, footer: &[(&str, String)]) -> Result<W, IoError> {
        for (key, value) in footer {
            self.writer.append_key_value_metadata(KeyValue::new(key.to_string(), value.clone()));
        }
        self.writer.append_key_value_metadata(unsealed());
        let at = IoError::named(self.file.clone());
        self.writer.flush().map_err(&at)?;
        self.writer.inner_mut().hold();
        let sealing = self.writer.into_inner().map_err(failed(&self.file))?;
        sealing.finish().map_err(at)
    }
}

fn failed(file: &str) -> impl Fn(ParquetError) -> IoError + use<> {
    let file = file.to_string();
    move |error| {
        let source = match error {
            ParquetError::External(inner) => inner,
            other => other.into(),
        };
        IoError::Encode { file: file.clone(), source }
    }
}

/// Writes `n_rows` rows that `rows` hands out by range; row groups are encoded in parallel.
///
/// # Errors
/// If writing fails.
pub fn write<W: Write + Send>(
    out: W,
    file: &str,
    schema: &SchemaRef,
    layout: &ParquetLayout,
    n_rows: usize,
    rows: impl Fn(Range<usize>) -> RecordBatch + Sync,
) -> Result<(), IoError> {
    let mut writer = GroupWriter::new(out, file, schema, layout)?;
    let group_rows = if layout.group_rows == 0 { GROUP_ROWS } else { layout.group_rows };
    let groups: Vec<Range<usize>> = (0..n_rows)
        .step_by(group_rows)
        .map(|start| start..(start + group_rows).min(n_rows))
        .collect();
    for ranges in groups.chunks(rayon::current_num_threads()) {
        writer.write(ranges.len(), |at| rows(ranges[at].clone()))?;
    }
    writer.finish(&[]).map(drop)
}

/// Writes a new file, as [`write()`] does.
///
/// # Errors
/// If the file cannot be created or written.
pub fn write_file(
    path: &Path,
    schema: &SchemaRef,
    layout: &ParquetLayout,
    n_rows: usize,
    rows: impl Fn(Range<usize>) -> RecordBatch + Sync,
) -> Result<(), IoError> {
    let file = File::create(path).map_err(IoError::at(path))?;
    write(file, &path.display().to_string(), schema, layout, n_rows, rows)
}

/// Writes a table that is in memory as one batch.
///
/// # Errors
/// If writing fails.
pub fn write_batch<W: Write + Send>(
    out: W,
    file: &str,
    layout: &ParquetLayout,
    batch: &RecordBatch,
) -> Result<(), IoError> {
    write(out, file, &batch.schema(), layout, batch.num_rows(), |range| {
        batch.slice(range.start, range.len())
    })
}
