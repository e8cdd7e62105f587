//! Decodes tables: columns by name and type, or the few rows that have certain ids.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, RecordBatch, RecordBatchReader, StringArray, UInt32Array,
};
use arrow::compute::{cast, concat_batches, take};
use arrow::datatypes::{
    DataType, Field, FieldRef, Int32Type, Int64Type, Schema, SchemaRef, TimestampMillisecondType,
};
use arrow::error::ArrowError;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::PageIndexPolicy;
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::reader::Length;
use rayon::prelude::*;

use crate::io::batches;
use crate::io::error::IoError;
use crate::io::parquet::checksum::check_seal;
use crate::io::parquet::claims::{check_footer, check_pages};
use crate::io::parquet::guard::{contradiction, guarded};
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
    /// Whether mvrec wrote the file and it is as it was.
    is_sealed: bool,
    /// Columns that the path of a part tells (`year=2019/`), and their values.
    pub(super) partitions: Vec<(String, Option<String>)>,
}

/// Returns the schema of a single column of ids.
fn id_schema(column: &str) -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new(column, DataType::Int32, false)]))
}

/// Returns the ids of a batch of [`id_schema`].
fn ids_in(batch: &RecordBatch) -> Vec<i32> {
    batch.column(0).as_primitive::<Int32Type>().values().to_vec()
}

impl ParquetFile {
    /// Opens a source.
    ///
    /// # Errors
    /// If it cannot be read or its footer is not that of a Parquet file.
    pub fn open(source: Source) -> Result<Self, IoError> {
        let name = source.name.clone();
        let input = ParquetInput::from_source(source)?;
        let unreadable = |source| unreadable(&name, source);
        let is_sealed = check_seal(&input).map_err(unreadable)?;
        // The index of pages of another writer may be wrong, in which case the library reads other
        // rows or panics.
        let index = if is_sealed { PageIndexPolicy::Optional } else { PageIndexPolicy::Skip };
        let load = || {
            let options = ArrowReaderOptions::new()
                .with_skip_arrow_metadata(true)
                .with_page_index_policy(index);
            let metadata = ArrowReaderMetadata::load(&input, options.clone())?;
            check_footer(metadata.metadata(), Length::len(&input))?;
            match views_of_texts(metadata.schema()).filter(|_| !is_sealed) {
                None => Ok(metadata),
                Some(schema) => ArrowReaderMetadata::try_new(
                    Arc::clone(metadata.metadata()),
                    options.with_schema(schema),
                ),
            }
        };
        let metadata = guarded(load, contradiction).map_err(unreadable)?;
        Ok(Self { name, input, metadata, is_sealed, partitions: Vec::new() })
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

    /// Whether mvrec wrote the file.
    #[must_use]
    pub fn is_own(&self) -> bool {
        let writer = self.metadata.metadata().file_metadata().created_by();
        writer.is_some_and(|writer| writer.starts_with("mvrec "))
    }

    /// Whether the file holds ratings in mvrec's own layout and is as mvrec has written it, in
    /// order. What the file says of its writer is not enough for that.
    #[must_use]
    pub fn is_in_order(&self) -> bool {
        self.is_sealed && self.is_native()
    }

    /// Whether the file holds ratings in mvrec's own layout.
    #[must_use]
    pub fn is_native(&self) -> bool {
        self.is_own() && self.has_columns_of(&schema::ratings())
    }

    /// Whether the file has all the columns of `schema` by name.
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

    pub(super) fn corrupt(&self) -> impl Fn(ParquetError) -> IoError + use<'_> {
        |source| unreadable(&self.name, source)
    }

    /// Begins to read columns, of some row groups only where these are given.
    pub(super) fn builder(
        &self,
        columns: &[usize],
        groups: Option<&[usize]>,
    ) -> Result<ParquetRecordBatchReaderBuilder<ParquetInput>, IoError> {
        if !self.is_sealed {
            self.check_pages(columns, groups).map_err(self.corrupt())?;
        }
        let mask = ProjectionMask::roots(self.metadata.parquet_schema(), columns.iter().copied());
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(
            self.input.clone(),
            self.metadata.clone(),
        );
        let builder = builder.with_projection(mask).with_batch_size(BATCH_ROWS);
        Ok(match groups {
            Some(groups) => builder.with_row_groups(groups.to_vec()),
            None => builder,
        })
    }

    /// Checks the pages of columns.
    fn check_pages(&self, columns: &[usize], groups: Option<&[usize]>) -> Result<(), ParquetError> {
        let (metadata, schema) = (self.metadata.metadata(), self.metadata.parquet_schema());
        let all: Vec<usize> = (0..metadata.num_row_groups()).collect();
        for &group in groups.unwrap_or(&all) {
            for (leaf, column) in metadata.row_group(group).columns().iter().enumerate() {
                if columns.contains(&schema.get_column_root_idx(leaf)) {
                    check_pages(&self.input, column)?;
                }
            }
        }
        Ok(())
    }

    /// Returns the batches of a reader; an error ends them, and so does more text than any memory
    /// should hold: a long text in a dictionary takes no room for each row that has it.
    pub(super) fn batches(
        &self,
        reader: ParquetRecordBatchReader,
    ) -> impl Iterator<Item = Result<RecordBatch, IoError>> {
        /// Bytes of texts in a batch.
        const TEXTS: u64 = 128 << 20;
        reader.map(|batch| {
            let batch = batch.map_err(|error| self.corrupt()(error.into()))?;
            match batch.columns().iter().map(bytes_of_texts).sum::<u64>() > TEXTS {
                false => Ok(batch),
                true => Err(self.too_large()),
            }
        })
    }

    fn too_large(&self) -> IoError {
        self.corrupt()(ParquetError::General("it unpacks to far more than it has bytes".into()))
    }

    /// Reads the columns of `schema`, cast to its types, into one batch; those of a large file that
    /// mvrec wrote on all threads.
    ///
    /// # Errors
    /// If a column is missing, cannot be cast, or holds nulls where the schema allows none.
    pub fn read_as(&self, schema: &SchemaRef) -> Result<RecordBatch, IoError> {
        /// Rows from which on it pays to read columns side by side.
        const MANY_ROWS: usize = 1 << 14;
        let mut columns = Vec::with_capacity(schema.fields().len());
        for field in schema.fields() {
            let at = self.schema().index_of(field.name());
            columns.push(at.map_err(|_| self.missing(field.name()))?);
        }
        if !self.is_sealed || self.n_rows() < MANY_ROWS {
            return self.guarded(|| self.read_columns(&columns, schema));
        }
        let column = |(&column, field): (&usize, &FieldRef)| {
            let schema = Arc::new(Schema::new(vec![field.clone()]));
            self.guarded(|| self.read_columns(&[column], &schema))
        };
        let read = columns.par_iter().zip(&schema.fields()[..]).map(column);
        let read = read.collect::<Result<Vec<RecordBatch>, IoError>>()?;
        let arrays = read.iter().map(|batch| batch.column(0).clone()).collect();
        RecordBatch::try_new(schema.clone(), arrays)
            .map_err(|error| IoError::Parquet { file: self.name.clone(), source: error.into() })
    }

    fn read_columns(&self, columns: &[usize], schema: &SchemaRef) -> Result<RecordBatch, IoError> {
        /// Few, so that texts are gathered in memory that is used again, and copied once.
        const ROWS: usize = 1 << 13;
        let builder = self.builder(columns, None)?.with_batch_size(ROWS);
        let reader = builder.build().map_err(self.corrupt())?;
        let (mut batches, mut room) = (Vec::new(), self.room());
        for batch in self.batches(reader) {
            let batch = self.cast_all(&batch?, schema)?;
            room = room.checked_sub(size_of_batch(&batch)).ok_or_else(|| self.too_large())?;
            batches.push(batch);
        }
        self.check_rows(batches.iter().map(RecordBatch::num_rows).sum())?;
        concat_batches(schema, &batches)
            .map_err(|error| IoError::Parquet { file: self.name.clone(), source: error.into() })
    }

    /// Reads the columns of `schema` as [`Self::read_as`] does, of the rows whose `key` is one of
    /// `ids`, which ascend.
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

    /// Returns how many bytes a table may have in memory: a small file has no large table, whatever
    /// it says.
    fn room(&self) -> usize {
        const LEAST: usize = 256 << 20;
        const RATIO: u64 = 256;
        LEAST.max(usize::try_from(RATIO.saturating_mul(Length::len(&self.input))).unwrap_or(LEAST))
    }

    /// Refuses other than all rows.
    fn check_rows(&self, found: usize) -> Result<(), IoError> {
        match found == self.n_rows() {
            true => Ok(()),
            false => {
                let text = format!("it has {found} of {} rows", self.n_rows());
                Err(self.corrupt()(ParquetError::General(text)))
            }
        }
    }

    /// Casts the columns of a batch to those of `schema`, by their names.
    fn cast_all(&self, batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, IoError> {
        let arrays = schema.fields().iter().map(|field| {
            let array = batch.column_by_name(field.name()).expect("it was projected");
            self.cast(field.name(), array, field.data_type(), field.is_nullable())
        });
        RecordBatch::try_new(schema.clone(), arrays.collect::<Result<Vec<_>, _>>()?)
            .map_err(|error| self.corrupt()(error.into()))
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
        let reader = || self.builder(&[at], None)?.build().map_err(self.corrupt());
        self.guarded(|| {
            let (mut texts, mut room) = (Vec::new(), self.room());
            for batch in self.batches(reader()?) {
                let batch = batch?;
                room = room.checked_sub(size_of_batch(&batch)).ok_or_else(|| self.too_large())?;
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
        Ok(ids_in(&self.read_as(&id_schema(column))?))
    }

    /// Returns those of `ids`, which ascend, that stand in a column; pages that hold none of them
    /// are not read.
    ///
    /// # Errors
    /// As [`Self::read_ids`].
    pub fn find_ids(&self, column: &'static str, ids: &[i32]) -> Result<Vec<i32>, IoError> {
        Ok(ids_in(&self.read_as_of(&id_schema(column), column, ids)?))
    }

    /// Returns the rows of each page of a column, and the pages' smallest and largest value where
    /// the index has them and they fit 32 bits; `None` if the file has no index of pages, or one
    /// that cannot be.
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

    /// Reads some rows of a column, page by page as they are: asked to pass over rows of a corrupt
    /// page, the library may never end.
    fn read_pages(&self, column: usize, pages: &[Range<usize>]) -> Result<ArrayRef, IoError> {
        self.guarded(|| {
            let rows = RowSelection::from_consecutive_ranges(pages.iter().cloned(), self.n_rows());
            let builder = self.builder(&[column], None)?.with_row_selection(rows);
            let reader = builder.build().map_err(self.corrupt())?;
            let schema = reader.schema();
            let batches = self.gather(reader)?;
            let all = concat_batches(&schema, &batches);
            let all = all.map_err(|error| self.corrupt()(error.into()))?;
            if all.num_rows() != pages.iter().map(Range::len).sum::<usize>() {
                return Err(self.corrupt()(ParquetError::General("pages of too few rows".into())));
            }
            Ok(all.column(0).clone())
        })
    }

    /// Reads the rows whose `key` is one of `ids`, which ascend; of each column, only the pages
    /// that hold one of them.
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
        let keys = cast(&keys, &DataType::Int32).map_err(|error| self.corrupt()(error.into()))?;
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
            take(&array, &places, None).map_err(|error| self.corrupt()(error.into()))
        };
        let arrays = columns.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let fields: Vec<_> = columns.iter().map(|&at| self.schema().fields()[at].clone()).collect();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays);
        batch.map_err(|error| self.corrupt()(error.into()))
    }

    /// Reads columns as they are; with `ids`, which ascend, only the rows whose `key` is one of
    /// them.
    ///
    /// Pages that hold none of the ids are not read.
    ///
    /// # Errors
    /// If a column is missing, the key is not int32, or the pages are corrupt.
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
        self.guarded(|| {
            let reader = self.builder(&positions, None)?.build().map_err(self.corrupt())?;
            let batches = self.gather(reader)?;
            self.check_rows(batches.iter().map(RecordBatch::num_rows).sum())?;
            Ok(batches)
        })
    }

    /// Returns all batches of a reader.
    fn gather(&self, reader: ParquetRecordBatchReader) -> Result<Vec<RecordBatch>, IoError> {
        let mut room = self.room();
        let take = |batch: Result<RecordBatch, IoError>| {
            let batch = batch?;
            room = room.checked_sub(size_of_batch(&batch)).ok_or_else(|| self.too_large())?;
            Ok(batch)
        };
        self.batches(reader).map(take).collect()
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
                // The size of integers tells their unit; whatever knows no time zone is UTC. Zones
                // are put on by name alone, for Arrow converts between them only
                // with a database of zones.
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

/// Says whether a file is corrupt, or of a kind that is not read.
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

/// Returns a schema in which texts are views of texts, so that a text in a dictionary is in memory
/// once; `None` if there are no texts.
fn views_of_texts(schema: &SchemaRef) -> Option<SchemaRef> {
    let as_view = |field: &Arc<Field>| match field.data_type() {
        DataType::Utf8 => Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8View)),
        DataType::Binary => Arc::new(field.as_ref().clone().with_data_type(DataType::BinaryView)),
        _ => Arc::clone(field),
    };
    let fields: Vec<Arc<Field>> = schema.fields().iter().map(as_view).collect();
    let is_same = fields.iter().zip(schema.fields()).all(|(a, b)| a.data_type() == b.data_type());
    (!is_same).then(|| Arc::new(Schema::new(fields)))
}

/// Returns how many bytes the texts of a column have, each counted as often as it comes.
fn bytes_of_texts(array: &ArrayRef) -> u64 {
    match array.data_type() {
        DataType::Utf8View => array.as_string_view().lengths().map(u64::from).sum(),
        DataType::BinaryView => array.as_binary_view().lengths().map(u64::from).sum(),
        _ => 0,
    }
}

/// Returns about how many bytes a batch has.
fn size_of_batch(batch: &RecordBatch) -> usize {
    let size = |array: &ArrayRef| match array.data_type() {
        DataType::Utf8View | DataType::BinaryView => bytes_of_texts(array) as usize,
        _ => array.get_array_memory_size(),
    };
    batch.columns().iter().map(size).sum()
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
