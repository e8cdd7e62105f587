//! Decodes tables: columns by name and type, or the few rows that have certain ids.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, RecordBatch, RecordBatchReader, StringArray, UInt32Array,
};
use arrow::compute::{cast, concat_batches, take};
use arrow::datatypes::{
    DataType, Int32Type, Int64Type, Schema, SchemaRef, TimestampMillisecondType,
};
use arrow::error::ArrowError;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::PageIndexPolicy;
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::reader::Length;

use crate::io::batches;
use crate::io::error::IoError;
use crate::io::parquet::checksum::check_seal;
use crate::io::parquet::input::ParquetInput;
use crate::io::source::Source;
use crate::io::values::epoch_ms;
use crate::schema;

/// Rows that are decoded at a time: few enough that their memory is used again and again.
const BATCH_ROWS: usize = 1 << 16;

/// An open Parquet file whose footer has been read.
pub struct ParquetFile {
    pub(super) name: String,
    pub(super) input: ParquetInput,
    pub(super) metadata: ArrowReaderMetadata,
    /// Columns that the path of a part tells (`year=2019/`), and their values.
    pub(super) partitions: Vec<(String, Option<String>)>,
}

impl ParquetFile {
    /// Opens a source.
    ///
    /// # Errors
    /// If it cannot be read or its footer is not that of a Parquet file.
    pub fn open(source: Source) -> Result<Self, IoError> {
        let name = source.name.clone();
        let input = ParquetInput::from_source(source)?;
        check_seal(&input).map_err(|source| unreadable(&name, source))?;
        let options = ArrowReaderOptions::new()
            .with_skip_arrow_metadata(true)
            .with_page_index_policy(PageIndexPolicy::Optional);
        let metadata = ArrowReaderMetadata::load(&input, options)
            .map_err(|source| unreadable(&name, source))?;
        let file = Self { name, input, metadata, partitions: Vec::new() };
        file.check_places().map_err(file.damaged())?;
        Ok(file)
    }

    /// Refuses columns that lie outside of the file or have less than nothing in them, at which the decoder would panic.
    fn check_places(&self) -> Result<(), ParquetError> {
        let length = Length::len(&self.input);
        for group in self.metadata.metadata().row_groups() {
            for column in group.columns() {
                let offset = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
                let numbers = [offset, column.data_page_offset(), column.compressed_size()];
                let sound = numbers.iter().all(|&number| number >= 0)
                    && offset
                        .checked_add(column.compressed_size())
                        .is_some_and(|end| end as u64 <= length)
                    && column.num_values() >= 0
                    && group.num_rows() >= 0;
                if !sound {
                    return Err(ParquetError::General("a column lies outside of the file".into()));
                }
            }
        }
        Ok(())
    }

    /// Returns the name of the file or stream, as the user named it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
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

    /// Tells whether mvrec wrote the file.
    #[must_use]
    pub fn is_own(&self) -> bool {
        let writer = self.metadata.metadata().file_metadata().created_by();
        writer.is_some_and(|writer| writer.starts_with("mvrec "))
    }

    /// Whether the file holds ratings in mvrec's own layout.
    #[must_use]
    pub fn is_native(&self) -> bool {
        self.is_own() && self.has_columns_of(&schema::ratings())
    }

    /// Tells whether the file has all the columns of `schema` by name.
    #[must_use]
    pub fn has_columns_of(&self, schema: &SchemaRef) -> bool {
        schema.fields().iter().all(|field| self.schema().index_of(field.name()).is_ok())
    }

    /// Adds the columns that the path of a part tells.
    #[must_use]
    pub fn with_partitions(mut self, partitions: Vec<(String, Option<String>)>) -> Self {
        self.partitions = partitions;
        self
    }

    pub(super) fn partition_value(&self, at: usize) -> Option<&str> {
        self.partitions[at].1.as_deref()
    }

    pub(super) fn damaged(&self) -> impl Fn(ParquetError) -> IoError + use<'_> {
        |source| unreadable(&self.name, source)
    }

    pub(super) fn builder(
        &self,
        columns: &[usize],
    ) -> ParquetRecordBatchReaderBuilder<ParquetInput> {
        let mask = ProjectionMask::roots(self.metadata.parquet_schema(), columns.iter().copied());
        ParquetRecordBatchReaderBuilder::new_with_metadata(
            self.input.clone(),
            self.metadata.clone(),
        )
        .with_projection(mask)
        .with_batch_size(BATCH_ROWS)
    }

    /// Reads the columns of `schema`, cast to its types, into one batch.
    ///
    /// # Errors
    /// If a column is missing, cannot be cast, or holds nulls where the schema allows none.
    pub fn read_as(&self, schema: &SchemaRef) -> Result<RecordBatch, IoError> {
        let mut columns = Vec::with_capacity(schema.fields().len());
        for field in schema.fields() {
            let at = self.schema().index_of(field.name());
            columns.push(at.map_err(|_| self.missing(field.name()))?);
        }
        self.guarded(|| self.read_columns(&columns, schema))
    }

    fn read_columns(&self, columns: &[usize], schema: &SchemaRef) -> Result<RecordBatch, IoError> {
        /// Few, so that texts are gathered in memory that is used again, and copied once.
        const ROWS: usize = 1 << 13;
        let reader = self.builder(columns).with_batch_size(ROWS).build().map_err(self.damaged())?;
        let mut batches = Vec::new();
        for batch in reader {
            let batch = batch.map_err(|error| self.damaged()(error.into()))?;
            batches.push(self.cast_all(&batch, schema)?);
        }
        concat_batches(schema, &batches)
            .map_err(|error| IoError::Parquet { file: self.name.clone(), source: error.into() })
    }

    /// Reads the columns of `schema` as [`Self::read_as`] does, of the rows whose `key` is one of `ids`, which ascend.
    ///
    /// # Errors
    /// As [`Self::read_as`], and if there is no column of such keys.
    pub fn read_as_of(
        &self,
        schema: &SchemaRef,
        key: &'static str,
        ids: &[i32],
    ) -> Result<RecordBatch, IoError> {
        let column = |name: &str| self.schema().index_of(name).map_err(|_| self.missing(name));
        let columns = schema.fields().iter().map(|field| column(field.name()));
        let rows = self.read_some(&columns.collect::<Result<Vec<_>, _>>()?, column(key)?, ids)?;
        self.cast_all(&rows, schema)
    }

    /// Casts the columns of a batch to those of `schema`, by their names.
    fn cast_all(&self, batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, IoError> {
        let arrays = schema.fields().iter().map(|field| {
            let array = batch.column_by_name(field.name()).expect("it was projected");
            self.cast(field.name(), array, field.data_type(), field.is_nullable())
        });
        RecordBatch::try_new(schema.clone(), arrays.collect::<Result<Vec<_>, _>>()?)
            .map_err(|error| self.damaged()(error.into()))
    }

    /// Says that a column is missing, and which there are.
    fn missing(&self, column: &str) -> IoError {
        let found = self.schema().fields().iter().map(|field| field.name().clone());
        IoError::BadColumn {
            file: self.name.clone(),
            column: column.into(),
            problem: format!("is missing; found {}", found.collect::<Vec<_>>().join(", ")),
        }
    }

    /// Reads the columns of `schema` as [`Self::read_as`] does, where the file has all of them.
    ///
    /// # Errors
    /// As [`Self::read_as`].
    pub fn read_if_there(&self, schema: &SchemaRef) -> Result<Option<RecordBatch>, IoError> {
        self.has_columns_of(schema).then(|| self.read_as(schema)).transpose()
    }

    /// Reads one column as text by its name: numbers as they are spelled, lists joined by `|`.
    ///
    /// # Errors
    /// If there is no such column or it cannot be text.
    pub fn read_texts(&self, column: &str) -> Result<StringArray, IoError> {
        let at = self.schema().index_of(column).map_err(|_| self.missing(column))?;
        let reader = || self.builder(&[at]).build().map_err(self.damaged());
        self.guarded(|| {
            let mut texts = Vec::new();
            for batch in reader()? {
                let batch = batch.map_err(|error| self.damaged()(error.into()))?;
                texts.push(text_column(batch.column(0)).map_err(|error| IoError::BadColumn {
                    file: self.name.clone(),
                    column: column.into(),
                    problem: format!("cannot be read as text: {error}"),
                })?);
            }
            Ok(texts.iter().flatten().collect())
        })
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

    /// Returns the rows of each page of a column, and the pages' smallest and largest value where they are told and of 32 bits; nothing where
    /// the file has no index of pages, or one that cannot be.
    fn pages(&self, column: usize) -> Option<Vec<PageRows>> {
        let metadata = self.metadata.metadata();
        let schema = self.metadata.parquet_schema();
        let leaf =
            (0..schema.num_columns()).find(|&at| schema.get_column_root_idx(at) == column)?;
        let mut all = Vec::new();
        let mut start = 0;
        for (at, group) in metadata.row_groups().iter().enumerate() {
            let n = group.num_rows().max(0) as usize;
            let index = metadata.page_index_for_row_group(at);
            let firsts: Vec<i64> =
                index.page_locations(leaf)?.iter().map(|page| page.first_row_index).collect();
            let sound = firsts.is_sorted_by(|a, b| a < b)
                && firsts.first().is_none_or(|&first| first == 0)
                && firsts.last().is_none_or(|&last| (last as usize) < n);
            if !sound || (firsts.is_empty() && n > 0) {
                return None;
            }
            let values = match index.column_index(leaf) {
                Some(ColumnIndexMetaData::INT32(values)) => Some(values),
                _ => None,
            };
            let ends = firsts.iter().skip(1).map(|&first| first as usize).chain([n]);
            for (page, (&first, end)) in firsts.iter().zip(ends).enumerate() {
                let range =
                    values.and_then(|values| values.min_value(page).zip(values.max_value(page)));
                let range = range.map(|(min, max)| (*min, *max));
                all.push(PageRows { rows: start + first as usize..start + end, range });
            }
            start += n;
        }
        Some(all)
    }

    /// Reads some rows of a column, page by page as they are: asked to pass over rows of a damaged page, the library may never end.
    fn read_pages(&self, column: usize, pages: &[Range<usize>]) -> Result<ArrayRef, IoError> {
        self.guarded(|| {
            let rows = RowSelection::from_consecutive_ranges(pages.iter().cloned(), self.n_rows());
            let builder = self.builder(&[column]).with_row_selection(rows);
            let reader = builder.build().map_err(self.damaged())?;
            let schema = reader.schema();
            let batches = reader.collect::<Result<Vec<_>, _>>();
            let all = batches.and_then(|batches| concat_batches(&schema, &batches));
            let all = all.map_err(|error| self.damaged()(error.into()))?;
            if all.num_rows() != pages.iter().map(Range::len).sum::<usize>() {
                return Err(self.damaged()(ParquetError::General("pages of too few rows".into())));
            }
            Ok(all.column(0).clone())
        })
    }

    /// Reads the rows whose `key` is one of `ids`, which ascend; of each column, only the pages that hold one of them.
    fn read_some(
        &self,
        columns: &[usize],
        key: usize,
        ids: &[i32],
    ) -> Result<RecordBatch, IoError> {
        let whole = [PageRows { rows: 0..self.n_rows(), range: None }];
        let pages_of = |column| self.pages(column).unwrap_or_else(|| whole.to_vec());
        let may_hold = |page: &PageRows| {
            page.range.is_none_or(|(min, max)| {
                ids.get(ids.partition_point(|id| *id < min)).is_some_and(|id| *id <= max)
            })
        };
        let key_pages = pages_of(key).into_iter().filter(may_hold).map(|page| page.rows);
        let key_pages: Vec<Range<usize>> = key_pages.collect();
        let keys = self.read_pages(key, &key_pages)?;
        let keys = cast(&keys, &DataType::Int32).map_err(|error| self.damaged()(error.into()))?;
        let keys = keys.as_primitive::<Int32Type>().values();
        let rows = key_pages.iter().cloned().flatten().zip(keys);
        let rows: Vec<usize> =
            rows.filter(|(_, key)| ids.binary_search(key).is_ok()).map(|(row, _)| row).collect();
        let read = |&column: &usize| {
            let holds = |page: &PageRows| {
                rows.get(rows.partition_point(|row| *row < page.rows.start))
                    .is_some_and(|row| *row < page.rows.end)
            };
            let pages = pages_of(column).into_iter().filter(holds).map(|page| page.rows);
            let pages: Vec<Range<usize>> = pages.collect();
            let array = self.read_pages(column, &pages)?;
            let places = pages.iter().cloned().flatten().zip(0_u32..);
            let places = places.filter(|(row, _)| rows.binary_search(row).is_ok());
            let places = UInt32Array::from_iter_values(places.map(|(_, place)| place));
            take(&array, &places, None).map_err(|error| self.damaged()(error.into()))
        };
        let arrays = columns.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let fields: Vec<_> = columns.iter().map(|&at| self.schema().fields()[at].clone()).collect();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays);
        batch.map_err(|error| self.damaged()(error.into()))
    }

    /// Reads columns as they are; with `ids`, which ascend, only the rows whose `key` is one of them.
    ///
    /// Pages that hold none of the ids are not read.
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
        if let Some(ids) = ids {
            let key = self.schema().index_of(key).expect("the key is one of the columns");
            return Ok(vec![self.read_some(&positions, key, ids)?]);
        }
        let builder = self.builder(&positions);
        self.guarded(|| {
            let reader = builder.build().map_err(self.damaged())?;
            reader.map(|batch| batch.map_err(|error| self.damaged()(error.into()))).collect()
        })
    }

    pub(super) fn cast(
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
        let cast_to = |array: &ArrayRef, kind: &DataType| {
            cast(array, kind).map_err(|error| bad(format!("cannot be used: {error}")))
        };
        let converted = match (array.data_type(), kind) {
            (from, DataType::Timestamp(unit, _)) => {
                // The size of integers tells their unit; whatever knows no time zone is UTC. Zones are put on by name alone,
                // for Arrow converts between them only with a database of zones.
                let from_zone = match from {
                    DataType::Timestamp(_, zone) => zone.clone(),
                    _ => None,
                };
                let array = match from {
                    _ if from.is_integer() => {
                        let counts = cast_to(array, &DataType::Int64)?;
                        let counts = counts.as_primitive::<Int64Type>();
                        Arc::new(counts.unary::<_, TimestampMillisecondType>(epoch_ms))
                    }
                    _ => Arc::clone(array),
                };
                let array = cast_to(&array, &DataType::Timestamp(*unit, from_zone))?;
                batches::with_zone(&array)
            }
            _ => cast_to(array, kind)?,
        };
        // A cast that overflows yields null.
        if converted.null_count() > array.null_count() {
            return Err(bad(format!("has values that do not fit {kind}")));
        }
        Ok(converted)
    }
}

/// Says whether a file is damaged, or of a kind that is not read.
fn unreadable(file: &str, source: ParquetError) -> IoError {
    let text = source.to_string();
    let is_unsupported = matches!(source, ParquetError::NYI(_))
        || ["codec", "ompression", "ncrypt", "not supported", "nsupported", "not implemented"]
            .iter()
            .any(|word| text.contains(word));
    match is_unsupported {
        true => IoError::UnsupportedParquet { file: file.into(), problem: text },
        false => IoError::Parquet { file: file.into(), source },
    }
}

fn text_column(array: &ArrayRef) -> Result<StringArray, ArrowError> {
    if !matches!(array.data_type(), DataType::List(_)) {
        return Ok(cast(array, &DataType::Utf8)?.as_string::<i32>().clone());
    }
    let lists = array.as_list::<i32>();
    let joined = |row: usize| -> Result<Option<String>, ArrowError> {
        let items = cast(&lists.value(row), &DataType::Utf8)?;
        Ok(Some(items.as_string::<i32>().iter().flatten().collect::<Vec<_>>().join("|")))
    };
    (0..lists.len()).map(joined).collect()
}

/// Rows of a page, and its smallest and largest value.
#[derive(Clone)]
struct PageRows {
    rows: Range<usize>,
    range: Option<(i32, i32)>,
}
