//! Apache Parquet: row groups encoded and decoded on all threads, tables of any schema, and ratings.

use std::io::Write;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Float32Type, Int32Type, SchemaRef, TimestampMillisecondType};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowPredicateFn, ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
    RowFilter,
};
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowWriter, ArrowWriterOptions, compute_leaves,
};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, PageIndexPolicy, SortingColumn};
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;
use rayon::prelude::*;

use crate::io::columns::{NO_TIME, RatingColumns};
use crate::io::delimited::{check_rating, check_time, required_roles};
use crate::io::error::IoError;
use crate::io::parquet_input::ParquetInput;
use crate::io::source::Source;
use crate::io::time;
use crate::schema;

/// How a table is laid out in a Parquet file.
#[derive(Debug, Clone, Default)]
pub struct Layout {
    /// Rows of a row group; 0 for the default, a million.
    pub group_rows: usize,
    /// Rows of a page; 0 for the encoder's default.
    pub page_rows: usize,
    /// Columns of integers that are better stored as differences than by dictionary.
    pub deltas: &'static [&'static str],
    /// Columns that neither a dictionary nor compression makes smaller, such as factors; the parts of a
    /// nested name are joined by dots.
    pub plain: &'static [&'static str],
    /// Columns that the rows are sorted by.
    pub sorted_by: &'static [&'static str],
    /// Entries of the footer.
    pub footer: Vec<(String, String)>,
}

const GROUP_ROWS: usize = 1 << 20;

/// Layout of every file of ratings.
#[must_use]
pub fn ratings_layout(footer: Vec<(String, String)>) -> Layout {
    Layout {
        deltas: &["movie_id", "rating_timestamp"],
        sorted_by: &["user_id", "movie_id"],
        footer,
        ..Layout::default()
    }
}

fn properties(schema: &SchemaRef, layout: &Layout) -> WriterProperties {
    let position = |name: &&str| schema.index_of(name).expect("layouts name columns of the schema");
    let sorting = layout.sorted_by.iter().map(|name| SortingColumn {
        column_idx: position(name) as i32,
        descending: false,
        nulls_first: false,
    });
    let footer = layout.footer.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
    let mut builder = WriterProperties::builder()
        .set_created_by(format!("mvrec {}", env!("CARGO_PKG_VERSION")))
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).expect("1 is a level")))
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

/// Writes `n_rows` rows that `rows` hands out by range; row groups are encoded in parallel.
///
/// # Errors
/// If writing fails.
pub fn write<W: Write + Send>(
    out: W,
    file: &str,
    schema: &SchemaRef,
    layout: &Layout,
    n_rows: usize,
    rows: impl Fn(Range<usize>) -> RecordBatch + Sync,
) -> Result<(), IoError> {
    write_groups(out, schema, layout, n_rows, rows)
        .map_err(|source| IoError::Encode { file: file.into(), source: source.into() })
}

fn write_groups<W: Write + Send>(
    out: W,
    schema: &SchemaRef,
    layout: &Layout,
    n_rows: usize,
    rows: impl Fn(Range<usize>) -> RecordBatch + Sync,
) -> Result<(), ParquetError> {
    let options = ArrowWriterOptions::new()
        .with_properties(properties(schema, layout))
        .with_schema_root("schema".into());
    let writer = ArrowWriter::try_new_with_options(out, schema.clone(), options)?;
    let (mut writer, factory) = writer.into_serialized_writer()?;
    let group_rows = if layout.group_rows == 0 { GROUP_ROWS } else { layout.group_rows };
    let groups: Vec<Range<usize>> = (0..n_rows)
        .step_by(group_rows)
        .map(|start| start..(start + group_rows).min(n_rows))
        .collect();
    let at_once = rayon::current_num_threads();
    for (round, ranges) in groups.chunks(at_once).enumerate() {
        let encoded: Result<Vec<Vec<ArrowColumnChunk>>, ParquetError> = ranges
            .par_iter()
            .enumerate()
            .map(|(i, range)| {
                let columns = factory.create_column_writers(round * at_once + i)?;
                let batch = rows(range.clone());
                let mut columns = columns.into_iter();
                let mut chunks = Vec::new();
                for (field, array) in schema.fields().iter().zip(batch.columns()) {
                    for leaf in compute_leaves(field, array)? {
                        let mut column = columns.next().expect("a writer for each leaf");
                        column.write(&leaf)?;
                        chunks.push(column.close()?);
                    }
                }
                Ok(chunks)
            })
            .collect();
        for chunks in encoded? {
            let mut group = writer.next_row_group()?;
            for chunk in chunks {
                chunk.append_to_row_group(&mut group)?;
            }
            group.close()?;
        }
    }
    writer.finish()?;
    writer.inner_mut().flush()?;
    Ok(())
}

/// Writes a table that is in memory as one batch.
///
/// # Errors
/// If writing fails.
pub fn write_batch<W: Write + Send>(
    out: W,
    file: &str,
    layout: &Layout,
    batch: &RecordBatch,
) -> Result<(), IoError> {
    write(out, file, &batch.schema(), layout, batch.num_rows(), |range| {
        batch.slice(range.start, range.len())
    })
}

/// An open Parquet file whose footer has been read.
pub struct ParquetFile {
    name: String,
    input: ParquetInput,
    metadata: ArrowReaderMetadata,
}

impl ParquetFile {
    /// Opens a source.
    ///
    /// # Errors
    /// If it cannot be read or its footer is not that of a Parquet file.
    pub fn open(source: Source) -> Result<Self, IoError> {
        let name = source.name.clone();
        let input = ParquetInput::from_source(source)?;
        let options = ArrowReaderOptions::new()
            .with_skip_arrow_metadata(true)
            .with_page_index_policy(PageIndexPolicy::Optional);
        let metadata = ArrowReaderMetadata::load(&input, options)
            .map_err(|source| IoError::Parquet { file: name.clone(), source })?;
        Ok(Self { name, input, metadata })
    }

    /// Returns the number of rows.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.metadata.metadata().file_metadata().num_rows().max(0) as usize
    }

    /// Returns the columns.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        self.metadata.schema()
    }

    /// Returns the footer entry under `key`.
    #[must_use]
    pub fn footer(&self, key: &str) -> Option<&str> {
        let entries = self.metadata.metadata().file_metadata().key_value_metadata()?;
        entries.iter().find(|entry| entry.key == key)?.value.as_deref()
    }

    /// Tells whether the file has all the columns of `schema` by name.
    #[must_use]
    pub fn has_columns_of(&self, schema: &SchemaRef) -> bool {
        schema.fields().iter().all(|field| self.schema().index_of(field.name()).is_ok())
    }

    fn damaged(&self) -> impl Fn(ParquetError) -> IoError + use<'_> {
        |source| IoError::Parquet { file: self.name.clone(), source }
    }

    fn builder(&self, columns: &[usize]) -> ParquetRecordBatchReaderBuilder<ParquetInput> {
        let mask = ProjectionMask::roots(self.metadata.parquet_schema(), columns.iter().copied());
        ParquetRecordBatchReaderBuilder::new_with_metadata(
            self.input.clone(),
            self.metadata.clone(),
        )
        .with_projection(mask)
        .with_batch_size(GROUP_ROWS)
    }

    /// Reads the columns of `schema`, cast to its types, into one batch.
    ///
    /// # Errors
    /// If a column is missing, cannot be cast, or holds nulls where the schema allows none.
    pub fn read_as(&self, schema: &SchemaRef) -> Result<RecordBatch, IoError> {
        let mut columns = Vec::with_capacity(schema.fields().len());
        for field in schema.fields() {
            columns.push(self.schema().index_of(field.name()).map_err(|_| {
                let found = self.schema().fields().iter().map(|field| field.name().clone());
                IoError::BadColumn {
                    file: self.name.clone(),
                    column: field.name().clone(),
                    problem: format!("is missing; found {}", found.collect::<Vec<_>>().join(", ")),
                }
            })?);
        }
        let reader = self.builder(&columns).build().map_err(self.damaged())?;
        let mut batches = Vec::new();
        for batch in reader {
            let batch = batch.map_err(|error| self.damaged()(error.into()))?;
            let arrays = schema.fields().iter().map(|field| {
                let array = batch.column_by_name(field.name()).expect("it was projected");
                self.cast(field.name(), array, field.data_type(), field.is_nullable())
            });
            let arrays = arrays.collect::<Result<Vec<_>, _>>()?;
            batches.push(RecordBatch::try_new(schema.clone(), arrays).map_err(|error| {
                IoError::Parquet { file: self.name.clone(), source: error.into() }
            })?);
        }
        concat_batches(schema, &batches)
            .map_err(|error| IoError::Parquet { file: self.name.clone(), source: error.into() })
    }

    /// Reads one column of ids by its name.
    ///
    /// # Errors
    /// If there is no such column or it does not hold ids.
    pub fn read_ids(&self, column: &str) -> Result<Vec<i32>, IoError> {
        let field = arrow::datatypes::Field::new(column, DataType::Int32, false);
        let batch = self.read_as(&Arc::new(arrow::datatypes::Schema::new(vec![field])))?;
        Ok(batch.column(0).as_primitive::<Int32Type>().values().to_vec())
    }

    /// Reads columns as they are; with `ids`, which ascend, only the rows whose `key` is one of them.
    ///
    /// Pages that hold none of the ids are not decoded.
    ///
    /// # Errors
    /// If a column is missing, the key is not int32, or the pages are damaged.
    pub fn read_rows(
        &self,
        columns: &[&'static str],
        key: &'static str,
        ids: Option<&[i32]>,
    ) -> Result<Vec<RecordBatch>, IoError> {
        let mut positions = Vec::with_capacity(columns.len());
        for &column in columns {
            positions.push(self.schema().index_of(column).map_err(|_| IoError::BadColumn {
                file: self.name.clone(),
                column: column.into(),
                problem: "is missing".into(),
            })?);
        }
        let mut builder = self.builder(&positions);
        if let Some(ids) = ids {
            let key = self.schema().index_of(key).expect("the key is one of the columns");
            let mask = ProjectionMask::roots(self.metadata.parquet_schema(), [key]);
            let ids = ids.to_vec();
            let wanted = ArrowPredicateFn::new(mask, move |batch| {
                let keys = cast(batch.column(0), &DataType::Int32)?;
                let keys = keys.as_primitive::<Int32Type>().values();
                Ok(keys.iter().map(|key| Some(ids.binary_search(key).is_ok())).collect())
            });
            builder = builder.with_row_filter(RowFilter::new(vec![Box::new(wanted)]));
        }
        let reader = builder.build().map_err(self.damaged())?;
        reader.map(|batch| batch.map_err(|error| self.damaged()(error.into()))).collect()
    }

    fn cast(
        &self,
        column: &str,
        array: &ArrayRef,
        kind: &DataType,
        nullable: bool,
    ) -> Result<ArrayRef, IoError> {
        let bad = |problem| IoError::BadColumn {
            file: self.name.clone(),
            column: column.into(),
            problem,
        };
        if array.null_count() > 0 && !nullable {
            return Err(bad("has empty values".into()));
        }
        if array.data_type() == kind {
            return Ok(Arc::clone(array));
        }
        let seconds = array.data_type().is_integer() && matches!(kind, DataType::Timestamp(_, _));
        let cast_once = |array: &ArrayRef, kind: &DataType| {
            cast(array, kind).map_err(|error| bad(format!("cannot be used: {error}")))
        };
        let converted = if seconds {
            let unit = arrow::datatypes::TimeUnit::Second;
            let array = cast_once(array, &DataType::Timestamp(unit, Some("UTC".into())))?;
            cast_once(&array, kind)?
        } else {
            cast_once(array, kind)?
        };
        // A cast that overflows yields null.
        if converted.null_count() > array.null_count() {
            return Err(bad(format!("has values that do not fit {kind}")));
        }
        Ok(converted)
    }

    /// Reads all ratings, checked as at every door: scale, dates, and ids that fit 32 bits.
    ///
    /// Columns are found by the usual names of this field; integers as timestamps are seconds.
    ///
    /// # Errors
    /// If a column is missing or holds what it must not hold.
    pub fn read_ratings(&self) -> Result<RatingColumns, IoError> {
        let names = self.schema().fields().iter().map(|field| field.name().clone()).collect();
        let positions = required_roles(&self.name, names)?;
        let columns: Vec<usize> = positions.iter().flatten().copied().collect();
        let groups = self.metadata.metadata().row_groups();
        let mut first_row = 0;
        let starts: Vec<usize> = groups
            .iter()
            .map(|group| {
                let start = first_row;
                first_row += group.num_rows().max(0) as usize;
                start
            })
            .collect();
        let parts: Vec<Result<RatingColumns, IoError>> = (0..groups.len())
            .into_par_iter()
            .map(|group| {
                let reader = self.builder(&columns).with_row_groups(vec![group]).build();
                let mut rows =
                    RatingColumns::with_capacity(groups[group].num_rows().max(0) as usize);
                for batch in reader.map_err(self.damaged())? {
                    let batch = batch.map_err(|error| self.damaged()(error.into()))?;
                    self.append_ratings(&mut rows, &batch, positions, starts[group])?;
                }
                Ok(rows)
            })
            .collect();
        let mut all = RatingColumns::with_capacity(first_row);
        for part in parts {
            all.append(&mut part?);
        }
        Ok(all)
    }

    fn append_ratings(
        &self,
        rows: &mut RatingColumns,
        batch: &RecordBatch,
        positions: [Option<usize>; 4],
        group_start: usize,
    ) -> Result<(), IoError> {
        let column = |position: Option<usize>, kind: &DataType, nullable| {
            position.map(|position| {
                let name = self.schema().field(position).name();
                let array = batch.column_by_name(name).expect("it was projected");
                self.cast(name, array, kind, nullable)
            })
        };
        let required = |position, kind| column(position, kind, false).expect("three are required");
        let start = group_start + rows.len();
        let user = required(positions[0], &DataType::Int32)?;
        let movie = required(positions[1], &DataType::Int32)?;
        let rating = required(positions[2], &DataType::Float32)?;
        let time = column(positions[3], &schema::timestamp(), true).transpose()?;
        rows.user_id.extend_from_slice(user.as_primitive::<Int32Type>().values());
        rows.movie_id.extend_from_slice(movie.as_primitive::<Int32Type>().values());
        let rating = rating.as_primitive::<Float32Type>().values();
        if let Some(at) = rating.iter().position(|&value| check_rating(value).is_err()) {
            let problem = check_rating(rating[at]).expect_err("it was found so");
            return Err(self.bad_value(positions[2], start + at, &rating[at], &problem));
        }
        rows.rating.extend_from_slice(rating);
        match time {
            None => rows.time_ms.resize(rows.user_id.len(), NO_TIME),
            Some(time) => {
                let time = time.as_primitive::<TimestampMillisecondType>();
                let range = rows.time_ms.len()..;
                rows.time_ms.extend(time.iter().map(|ms| ms.unwrap_or(NO_TIME)));
                let bad = |&ms: &i64| ms != NO_TIME && check_time(ms).is_err();
                if let Some(at) = rows.time_ms[range.clone()].iter().position(bad) {
                    let shown = time::format(rows.time_ms[range][at]);
                    let problem = "is not between 1970 and 2100";
                    return Err(self.bad_value(positions[3], start + at, &shown, problem));
                }
            }
        }
        Ok(())
    }

    fn bad_value(
        &self,
        position: Option<usize>,
        row: usize,
        value: &dyn std::fmt::Display,
        problem: &str,
    ) -> IoError {
        let column = position.map_or_else(String::new, |at| self.schema().field(at).name().clone());
        let problem = format!("has `{value}` in row {}, which {problem}", row + 1);
        IoError::BadColumn { file: self.name.clone(), column, problem }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use arrow::array::{Float64Array, Int64Array};
    use arrow::datatypes::{Field, Schema};

    use super::*;

    fn open(bytes: Vec<u8>) -> Result<ParquetFile, IoError> {
        ParquetFile::open(Source::from_reader("x.parquet".into(), Cursor::new(bytes))?)
    }

    fn foreign(time: i64, rating: f64) -> Vec<u8> {
        let fields = vec![
            Field::new("iid", DataType::Int64, false),
            Field::new("ts", DataType::Int64, true),
            Field::new("uid", DataType::Int64, false),
            Field::new("score", DataType::Float64, false),
        ];
        let batch = RecordBatch::try_new(
            Arc::new(Schema::new(fields)),
            vec![
                Arc::new(Int64Array::from(vec![10, 20])),
                Arc::new(Int64Array::from(vec![Some(time), None])),
                Arc::new(Int64Array::from(vec![1, 2])),
                Arc::new(Float64Array::from(vec![rating, 4.0])),
            ],
        );
        let mut bytes = Vec::new();
        write_batch(&mut bytes, "x", &Layout::default(), &batch.unwrap()).unwrap();
        bytes
    }

    #[test]
    fn foreign_names_types_and_seconds_are_understood() {
        let rows = open(foreign(5, 3.5)).unwrap().read_ratings().unwrap();
        let mut expected = RatingColumns::default();
        expected.push(1, 10, 3.5, 5000);
        expected.push(2, 20, 4.0, NO_TIME);
        assert_eq!(rows, expected);
    }

    #[test]
    fn bad_values_are_named_with_column_and_row() {
        let message = |bytes| open(bytes).unwrap().read_ratings().unwrap_err().to_string();
        assert_eq!(
            message(foreign(5, 7.0)),
            "x.parquet: column `score` has `7` in row 1, which is not between 0.5 and 5"
        );
        assert!(message(foreign(-5, 3.0)).contains("column `ts` has `1969-12-31T23:59:55Z`"));
        assert!(message(foreign(5, f64::NAN)).contains("has `NaN` in row 1"));
    }

    #[test]
    fn truncated_files_are_an_error_at_every_length() {
        let bytes = foreign(5, 3.5);
        for length in 4..bytes.len() {
            let read = open(bytes[..length].to_vec()).and_then(|file| file.read_ratings());
            assert!(matches!(read, Err(IoError::Parquet { .. })), "{length}");
        }
    }

    #[test]
    fn row_groups_and_pages_do_not_change_what_is_read() {
        let ids: Vec<i64> = (0..1000).collect();
        let fields = vec![Field::new("movie_id", DataType::Int64, false)];
        let column: ArrayRef = Arc::new(Int64Array::from(ids));
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), vec![column]).unwrap();
        for (group_rows, page_rows) in [(0, 0), (7, 0), (100, 3), (1000, 1)] {
            let deltas = &["movie_id"];
            let layout = Layout { group_rows, page_rows, deltas, ..Layout::default() };
            let mut bytes = Vec::new();
            write_batch(&mut bytes, "x", &layout, &batch).unwrap();
            let read = open(bytes).unwrap().read_as(&batch.schema()).unwrap();
            assert_eq!(read, batch, "{group_rows} {page_rows}");
        }
    }
}
