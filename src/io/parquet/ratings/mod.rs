//! Reads ratings: columns by the usual names, types cast, values validated at import.

mod import;
mod native;
mod pruning;
mod scan;
#[cfg(test)]
mod tests;

use std::ops::Range;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float32Type, Int32Type, TimestampMillisecondType};
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use parquet::errors::ParquetError;
use rayon::prelude::*;

use crate::io::columns::{NO_TIME, RatingColumns};
use crate::io::error::IoError;
use crate::io::import_state::{ImportState, Sink};
use crate::io::keys::{IdSample, Ids, KeyIndex, renumber};
use crate::io::parquet::ratings::import::id_texts;
use crate::io::parquet::read::ParquetFile;
use crate::io::scan::Projection;
use crate::io::text::{RATING, TIMESTAMP, TextOptions, remarks, unused};
use crate::io::values::Scale;
use crate::schema;

pub use scan::{RatingGroups, RowMemory};

impl ParquetFile {
    /// Hands all ratings to `sink`, in the order of the file, validated at import: scale,
    /// dates, and ids that fit 32 bits.
    ///
    /// Columns are found as in a text; integers as timestamps are seconds, or as their size tells.
    /// Ids in a column of text are keys where most of the first ones are no numbers.
    ///
    /// # Errors
    /// If a column is missing or holds what it must not hold, or if `sink` fails.
    pub fn read_ratings(&self, import: &mut ImportState, sink: Sink<'_>) -> Result<(), IoError> {
        let mut columns = self.rating_columns(import)?;
        import.unary = columns.positions[RATING].is_none();
        self.settle_ids(&mut columns, import)?;
        let groups = self.metadata.metadata().row_groups();
        let starts = self.group_starts();
        let wanted: Vec<usize> =
            (0..groups.len()).filter(|&group| columns.may_hold(&groups[group])).collect();
        let options = import.options.clone();
        let limit = options.limit.unwrap_or(usize::MAX);
        let mut n_rows = 0;
        let mut take = |part: Result<RatingsPart, IoError>| {
            let mut part = part?;
            for (error, text) in part.bad {
                import.rejects.take(error, &text)?;
            }
            let [users, movies] = &part.keys;
            renumber(&mut part.rows.user_id, users, &mut import.users);
            renumber(&mut part.rows.movie_id, movies, &mut import.movies);
            n_rows += part.rows.len();
            sink(part.rows)?;
            Ok(n_rows < limit)
        };
        let is_large = |group: usize| groups[group].num_rows() > LARGE_GROUP;
        for round in wanted.chunk_by(|a, b| !is_large(*a) && !is_large(*b)) {
            if let &[group] = round
                && is_large(group)
            {
                columns.stream_group(self, group, starts[group], &options, &mut take)?;
                continue;
            }
            for round in round.chunks(rayon::current_num_threads()) {
                let read = |&group: &usize| match self.is_native() {
                    true => {
                        let memory = RatingColumns::default();
                        columns.read_group(self, group, starts[group], Projection::ALL, memory)
                    }
                    false => columns.import_group(self, group, starts[group], &options),
                };
                let parts: Vec<Result<RatingsPart, IoError>> = round.par_iter().map(read).collect();
                for part in parts {
                    if !take(part)? {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    /// Says which columns of another writer's file are not used, and the like.
    ///
    /// # Errors
    /// If the user or the movie has no column.
    pub fn rating_remarks(&self, options: &TextOptions) -> Result<Vec<String>, IoError> {
        if self.is_native() {
            return Ok(Vec::new());
        }
        let names = self.column_names();
        let positions = options.columns.find_all(&self.name, names.clone())?;
        let used: Vec<usize> = positions.into_iter().flatten().collect();
        Ok(remarks(&unused(&names, &used), positions))
    }

    /// Returns the names of all columns, those that the path tells last.
    fn column_names(&self) -> Vec<String> {
        let names = self.schema().fields().iter().map(|field| field.name().clone());
        names.chain(self.partitions.iter().map(|(name, _)| name.clone())).collect()
    }

    /// Returns the row that each row group begins with.
    fn group_starts(&self) -> Vec<usize> {
        let groups = self.metadata.metadata().row_groups().iter();
        let starts = groups.scan(0, |next, group| {
            let start = *next;
            *next += group.num_rows().max(0) as usize;
            Some(start)
        });
        starts.collect()
    }

    /// Goes through ratings that mvrec itself wrote, `rows` at a time.
    ///
    /// # Errors
    /// If a column is missing.
    pub fn rating_chunks(self, rows: usize) -> Result<RatingChunks, IoError> {
        let mut columns = self.rating_columns(&ImportState::default())?;
        columns.scale = None;
        let reader = self.builder(&columns.projection(&self), None)?.with_batch_size(rows).build();
        let reader = reader.map_err(self.corrupt())?;
        Ok(RatingChunks { file: self, columns, reader })
    }

    fn rating_columns(&self, import: &ImportState) -> Result<RatingColumnReader, IoError> {
        // In its own files mvrec reads numbers, and their keys apart.
        let is_key = |name: &String| self.is_own() && name.ends_with("_key");
        let names = self.column_names().into_iter();
        let names = names.map(|name| if is_key(&name) { String::new() } else { name }).collect();
        Ok(RatingColumnReader {
            positions: import.options.columns.find_all(&self.name, names)?,
            keyed: [false; 2],
            scale: Some(import.options.scale),
            period: import.period.clone(),
        })
    }

    /// Settles of users and of movies whether they are keys, as for a text; in its own files mvrec
    /// reads numbers.
    fn settle_ids(
        &self,
        columns: &mut RatingColumnReader,
        import: &mut ImportState,
    ) -> Result<(), IoError> {
        let sides = [(&mut import.users, "user"), (&mut import.movies, "movie")];
        for (side, (ids, name)) in sides.into_iter().enumerate() {
            let at = columns.positions[side].expect("users and movies have a column");
            let known = matches!(ids, Ids::Keys(_)) || import.options.text_ids[side];
            let keyed = !self.is_native() && (known || self.has_keys(at)?);
            columns.keyed[side] = keyed;
            ids.settle(&self.name, name, keyed)?;
        }
        Ok(())
    }

    /// Whether the ids of a column are keys, by its first values.
    fn has_keys(&self, at: usize) -> Result<bool, IoError> {
        let mut sample = IdSample::default();
        let Some(field) = self.schema().fields().get(at) else {
            let value = self.partition_value(at - self.schema().fields().len());
            sample.add(value.unwrap_or_default().as_bytes());
            return Ok(sample.is_keyed());
        };
        if *field.data_type() == DataType::Int32 {
            return Ok(false);
        }
        self.guarded(|| {
            let reader = self.builder(&[at], None)?.with_limit(IdSample::SIZE).build();
            for batch in self.batches(reader.map_err(self.corrupt())?) {
                if let Some(texts) = id_texts(batch?.column(0)) {
                    texts.iter().flatten().for_each(|text| sample.add(text.as_bytes()));
                }
            }
            Ok(sample.is_keyed())
        })
    }
}

/// Rows of a group that is not read as a whole: other writers put many million of them into one.
const LARGE_GROUP: i64 = 1 << 20;

/// Ratings of a row group, with the keys that its ids are numbers of.
#[derive(Default)]
pub(super) struct RatingsPart {
    rows: RatingColumns,
    keys: [KeyIndex; 2],
    /// Errors of rows that were left out, each with the text of its row.
    bad: Vec<(IoError, String)>,
}

/// Reads the columns of ratings.
struct RatingColumnReader {
    positions: [Option<usize>; 4],
    keyed: [bool; 2],
    /// Ratings that can be given; those that mvrec wrote need no second look.
    scale: Option<Scale>,
    /// Times that are wanted.
    period: Option<Range<i64>>,
}

impl RatingColumnReader {
    /// Returns the columns of the file that are read; partition values are none.
    fn projection(&self, file: &ParquetFile) -> Vec<usize> {
        let columns = file.schema().fields().len();
        self.positions.iter().flatten().copied().filter(|&at| at < columns).collect()
    }

    /// Reads a row group, which begins with row `start`, into `memory`; columns that are not needed
    /// may come empty.
    fn read_group(
        &self,
        file: &ParquetFile,
        group: usize,
        start: usize,
        projection: Projection,
        memory: RatingColumns,
    ) -> Result<RatingsPart, IoError> {
        if let Some(rows) = self.read_native(file, group, start, projection, memory)? {
            return Ok(RatingsPart { rows, ..RatingsPart::default() });
        }
        file.guarded(|| {
            let mut part = RatingsPart::default();
            for batch in file.batches(self.reader(file, group)?) {
                self.append(file, &mut part, &batch?, start)?;
            }
            self.check_rows(file, group, part.rows.len())?;
            Ok(part)
        })
    }

    /// Refuses other than all rows of a group, where all of them are read.
    fn check_rows(&self, file: &ParquetFile, group: usize, found: usize) -> Result<(), IoError> {
        let rows = file.metadata.metadata().row_group(group).num_rows().max(0) as usize;
        if self.timed(file).is_some() || found == rows {
            return Ok(());
        }
        let text = format!("row group {group} has {found} of {rows} rows");
        Err(file.corrupt()(ParquetError::General(text)))
    }

    /// Appends the rows of a batch; `start` is the row of the file at which its group begins.
    fn append(
        &self,
        file: &ParquetFile,
        part: &mut RatingsPart,
        batch: &RecordBatch,
        start: usize,
    ) -> Result<(), IoError> {
        let column = |role: usize| {
            let name = file.schema().field(self.positions[role]?).name();
            Some((name, batch.column_by_name(name).expect("it was projected")))
        };
        let cast = |role: usize, kind: &DataType, nullable| {
            let (name, array) = column(role)?;
            Some(file.cast(name, array, kind, nullable))
        };
        let required = |role, kind| cast(role, kind, false).expect("three are required");
        let mut rows = RatingColumns::default();
        for (side, ids) in [&mut rows.user_id, &mut rows.movie_id].into_iter().enumerate() {
            let numbers = required(side, &DataType::Int32)?;
            ids.extend_from_slice(numbers.as_primitive::<Int32Type>().values());
        }
        let rating = required(RATING, &DataType::Float32)?;
        rows.rating.extend_from_slice(rating.as_primitive::<Float32Type>().values());
        match cast(TIMESTAMP, &schema::timestamp(), true).transpose()? {
            None => rows.time_ms.resize(rows.user_id.len(), NO_TIME),
            Some(time) => {
                let time = time.as_primitive::<TimestampMillisecondType>();
                match time.nulls() {
                    None => rows.time_ms.extend_from_slice(time.values()),
                    Some(_) => rows.time_ms.extend(time.iter().map(|ms| ms.unwrap_or(NO_TIME))),
                }
            }
        }
        self.check(file, rows.rows(0..rows.len()), |at| start + part.rows.len() + at)?;
        part.rows.append(&mut rows);
        Ok(())
    }
}

/// Ratings of a file, some rows at a time.
pub struct RatingChunks {
    file: ParquetFile,
    columns: RatingColumnReader,
    reader: ParquetRecordBatchReader,
}

impl Iterator for RatingChunks {
    type Item = Result<RatingColumns, IoError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.reader.next()?;
        let mut part = RatingsPart::default();
        let read = batch.map_err(|error| self.file.corrupt()(error.into()));
        let read = read.and_then(|batch| self.columns.append(&self.file, &mut part, &batch, 0));
        Some(read.map(|()| part.rows))
    }
}
