//! Decodes tables: columns by name and type, or the few rows that have certain ids.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::{cast, concat_batches, filter_record_batch};
use arrow::datatypes::{DataType, Int32Type, Int64Type, SchemaRef, TimestampMillisecondType};
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
use crate::io::parquet::input::ParquetInput;
use crate::io::source::Source;
use crate::io::values::epoch_ms;

/// Rows that are decoded at a time: few enough that their memory is used again and again.
const BATCH_ROWS: usize = 1 << 16;

/// An open Parquet file whose footer has been read.
pub struct ParquetFile {
    pub(super) name: String,
    pub(super) input: ParquetInput,
    pub(super) metadata: ArrowReaderMetadata,
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
        let file = Self { name, input, metadata };
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

    /// Tells whether the file has all the columns of `schema` by name.
    #[must_use]
    pub fn has_columns_of(&self, schema: &SchemaRef) -> bool {
        schema.fields().iter().all(|field| self.schema().index_of(field.name()).is_ok())
    }

    pub(super) fn damaged(&self) -> impl Fn(ParquetError) -> IoError + use<'_> {
        |source| IoError::Parquet { file: self.name.clone(), source }
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
            columns.push(self.schema().index_of(field.name()).map_err(|_| {
                let found = self.schema().fields().iter().map(|field| field.name().clone());
                IoError::BadColumn {
                    file: self.name.clone(),
                    column: field.name().clone(),
                    problem: format!("is missing; found {}", found.collect::<Vec<_>>().join(", ")),
                }
            })?);
        }
        self.guarded(|| self.read_columns(&columns, schema))
    }

    fn read_columns(&self, columns: &[usize], schema: &SchemaRef) -> Result<RecordBatch, IoError> {
        let reader = self.builder(columns).build().map_err(self.damaged())?;
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

    /// Reads the columns of `schema` as [`Self::read_as`] does, where the file has all of them.
    ///
    /// # Errors
    /// As [`Self::read_as`].
    pub fn read_if_there(&self, schema: &SchemaRef) -> Result<Option<RecordBatch>, IoError> {
        self.has_columns_of(schema).then(|| self.read_as(schema)).transpose()
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

    /// Returns the rows of the pages that may hold one of `ids`, which ascend, as far as the index of pages tells and the pages of
    /// all `columns` hold the same rows.
    fn pages_with(&self, key: usize, ids: &[i32], columns: &[usize]) -> Option<RowSelection> {
        let metadata = self.metadata.metadata();
        let schema = self.metadata.parquet_schema();
        let leaves = (0..schema.num_columns())
            .filter(|&leaf| columns.contains(&schema.get_column_root_idx(leaf)));
        let mut wanted = Vec::new();
        let mut start = 0;
        for (at, group) in metadata.row_groups().iter().enumerate() {
            let rows = group.num_rows().max(0) as usize;
            let pages = metadata.page_index_for_row_group(at);
            let ColumnIndexMetaData::INT32(index) = pages.column_index(key)? else { return None };
            let firsts = |leaf: usize| -> Option<Vec<i64>> {
                Some(pages.page_locations(leaf)?.iter().map(|page| page.first_row_index).collect())
            };
            let own = firsts(key)?;
            let sound = own.is_sorted_by(|a, b| a < b) && own.first().is_none_or(|&row| row == 0);
            if !sound || !leaves.clone().all(|leaf| firsts(leaf).as_ref() == Some(&own)) {
                return None;
            }
            let ends = own.iter().skip(1).map(|&row| row as usize).chain([rows]);
            for (page, (&first, end)) in own.iter().zip(ends).enumerate() {
                let holds = match (index.min_value(page), index.max_value(page)) {
                    (Some(min), Some(max)) => {
                        ids.get(ids.partition_point(|id| id < min)).is_some_and(|id| id <= max)
                    }
                    _ => true,
                };
                let range = first as usize..end;
                if range.start >= range.end || range.end > rows {
                    return None;
                }
                if holds {
                    wanted.push(start + range.start..start + range.end);
                }
            }
            start += rows;
        }
        Some(RowSelection::from_consecutive_ranges(wanted.into_iter(), start))
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
        let mut builder = self.builder(&positions);
        if let Some(ids) = ids {
            let key = self.schema().index_of(key).expect("the key is one of the columns");
            let schema = self.metadata.parquet_schema();
            let leaf = (0..schema.num_columns()).find(|&at| schema.get_column_root_idx(at) == key);
            if let Some(pages) = leaf.and_then(|leaf| self.pages_with(leaf, ids, &positions)) {
                builder = builder.with_row_selection(pages);
            }
        }
        self.guarded(|| {
            let reader = builder.build().map_err(self.damaged())?;
            let batches = reader.map(|batch| {
                let batch = batch?;
                match ids {
                    // Pages are read whole: asked to pass over rows of a damaged one, the library may never end.
                    Some(ids) => rows_with(&batch, key, ids),
                    None => Ok(batch),
                }
            });
            batches.map(|batch| batch.map_err(|error| self.damaged()(error.into()))).collect()
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

/// Keeps the rows whose `key` is one of `ids`, which ascend.
fn rows_with(batch: &RecordBatch, key: &str, ids: &[i32]) -> Result<RecordBatch, ArrowError> {
    let keys = cast(batch.column_by_name(key).expect("it was projected"), &DataType::Int32)?;
    let keys = keys.as_primitive::<Int32Type>().values();
    let wanted = keys.iter().map(|key| Some(ids.binary_search(key).is_ok())).collect();
    filter_record_batch(batch, &wanted)
}
