//! Reads ratings: columns by the usual names, types cast, values checked as at every door.

use std::ops::Range;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, Float32Type, Int32Type, TimeUnit, TimestampMillisecondType};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowPredicateFn, ParquetRecordBatchReader, RowFilter, RowSelection, RowSelector,
};
use parquet::basic::Type as PhysicalType;
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::statistics::Statistics;
use rayon::prelude::*;

use crate::io::columns::{NO_TIME, Needed, RatingColumns};
use crate::io::error::IoError;
use crate::io::intake::{Intake, Sink};
use crate::io::keys::{Ids, KeyIndex, needs_key, renumber};
use crate::io::parquet::decode;
use crate::io::parquet::read::ParquetFile;
use crate::io::text::{MOVIE, RATING, TIMESTAMP, USER};
use crate::io::time;
use crate::io::values::{Scale, check_time};
use crate::schema;

impl ParquetFile {
    /// Hands all ratings to `sink`, in the order of the file, checked as at every door: scale, dates, and
    /// ids that fit 32 bits.
    ///
    /// Columns are found as in a text; integers as timestamps are seconds, or as their size tells. Ids in a column of
    /// text are keys where most of the first ones are no numbers.
    ///
    /// # Errors
    /// If a column is missing or holds what it must not hold, or if `sink` fails.
    pub fn read_ratings(&self, intake: &mut Intake, sink: Sink<'_>) -> Result<(), IoError> {
        let mut columns = self.rating_columns(intake)?;
        self.settle_ids(&mut columns, intake)?;
        let groups = self.metadata.metadata().row_groups();
        let starts = self.group_starts();
        let wanted: Vec<usize> =
            (0..groups.len()).filter(|&group| columns.may_hold(&groups[group])).collect();
        let mut n_rows = 0;
        for round in wanted.chunks(rayon::current_num_threads()) {
            let parts: Vec<Result<Part, IoError>> = round
                .par_iter()
                .map(|&group| {
                    let memory = RatingColumns::default();
                    columns.read_group(self, group, starts[group], Needed::ALL, memory)
                })
                .collect();
            for part in parts {
                let mut part = part?;
                let [users, movies] = &part.keys;
                renumber(&mut part.rows.user_id, users, &mut intake.users);
                renumber(&mut part.rows.movie_id, movies, &mut intake.movies);
                n_rows += part.rows.len();
                sink(part.rows)?;
            }
            if intake.options.limit.is_some_and(|limit| n_rows >= limit) {
                break;
            }
        }
        Ok(())
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

    /// Opens the ratings of a file that mvrec itself wrote, so that each row group can be read by itself.
    ///
    /// # Errors
    /// If a column is missing.
    pub fn rating_groups(&self, scale: Scale) -> Result<RatingGroups<'_>, IoError> {
        let mut intake = Intake::default();
        intake.options.scale = scale;
        let columns = self.rating_columns(&intake)?;
        Ok(RatingGroups { file: self, columns, starts: self.group_starts() })
    }

    /// Goes through ratings that mvrec itself wrote, `rows` at a time.
    ///
    /// # Errors
    /// If a column is missing.
    pub fn rating_chunks(self, rows: usize) -> Result<RatingChunks, IoError> {
        let mut columns = self.rating_columns(&Intake::default())?;
        columns.scale = None;
        let reader = self.builder(&columns.projection()).with_batch_size(rows).build();
        let reader = reader.map_err(self.damaged())?;
        Ok(RatingChunks { file: self, columns, reader })
    }

    fn rating_columns(&self, intake: &Intake) -> Result<RatingColumnReader, IoError> {
        // In its own files mvrec reads numbers, and their keys apart.
        let is_key = |name: &String| self.is_own() && name.ends_with("_key");
        let names = self.schema().fields().iter().map(|field| field.name().clone());
        let names = names.map(|name| if is_key(&name) { String::new() } else { name }).collect();
        Ok(RatingColumnReader {
            positions: intake.options.columns.find_all(&self.name, names)?,
            keyed: [false; 2],
            scale: Some(intake.options.scale),
            period: intake.period.clone(),
        })
    }

    /// Tells whether users and movies are keys, as for a text.
    fn settle_ids(
        &self,
        columns: &mut RatingColumnReader,
        intake: &mut Intake,
    ) -> Result<(), IoError> {
        const SAMPLED: usize = 1000;
        let sides = [(&mut intake.users, "user"), (&mut intake.movies, "movie")];
        for (side, (ids, name)) in sides.into_iter().enumerate() {
            let at = columns.positions[side].expect("users and movies have a column");
            let mut keyed = matches!(ids, Ids::Keys(_)) || intake.options.text_ids[side];
            if !keyed && is_text(self.schema().field(at).data_type()) {
                keyed = self.guarded(|| {
                    let reader = self.builder(&[at]).with_limit(SAMPLED).build();
                    let (mut n, mut keys) = (0, 0);
                    for batch in reader.map_err(self.damaged())? {
                        let batch = batch.map_err(|error| self.damaged()(error.into()))?;
                        let texts = self.cast(name, batch.column(0), &DataType::Utf8, true)?;
                        n += texts.len();
                        let texts = texts.as_string::<i32>().iter().flatten();
                        keys += texts.filter(|text| needs_key(text.as_bytes())).count();
                    }
                    Ok(2 * keys > n)
                })?;
            }
            columns.keyed[side] = keyed;
            ids.settle(&self.name, name, keyed)?;
        }
        Ok(())
    }
}

fn is_text(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

/// Tells whether the place of a leaf is that of its column, as it is in a table of ratings.
fn is_flat(group: &RowGroupMetaData) -> bool {
    let schema = group.schema_descr();
    schema.num_columns() == schema.root_schema().get_fields().len()
}

/// Tells whether values from `min` to `max`, as far as they are known, may lie in a period.
fn overlap(period: &Range<i64>, min: Option<&i64>, max: Option<&i64>) -> bool {
    min.is_none_or(|min| *min < period.end) && max.is_none_or(|max| *max >= period.start)
}

/// Returns the place of the first value that is not good. Values are looked at many at a time, since nearly always all are.
fn first_bad<T: Copy>(values: &[T], good: impl Fn(T) -> bool) -> Option<usize> {
    const AT_A_TIME: usize = 1 << 10;
    let all_good = |values: &[T]| values.iter().fold(true, |all, &value| all & good(value));
    let chunk = values.chunks(AT_A_TIME).position(|values| !all_good(values))? * AT_A_TIME;
    Some(chunk + values[chunk..].iter().position(|&value| !good(value))?)
}

/// Ratings of a row group, with the keys that its ids are numbers of.
#[derive(Default)]
struct Part {
    rows: RatingColumns,
    keys: [KeyIndex; 2],
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
    fn projection(&self) -> Vec<usize> {
        self.positions.iter().flatten().copied().collect()
    }

    /// Returns the column of timestamps where only some are wanted and they are stored as milliseconds.
    fn timed(&self, file: &ParquetFile) -> Option<(usize, Range<i64>)> {
        let at = self.positions[TIMESTAMP]?;
        let stored = file.schema().field(at).data_type();
        let ms = matches!(stored, DataType::Timestamp(TimeUnit::Millisecond, _));
        Some((at, self.period.clone().filter(|_| ms)?))
    }

    /// Tells from its statistics whether a row group may hold wanted times.
    fn may_hold(&self, group: &RowGroupMetaData) -> bool {
        let Some((at, period)) = self.positions[TIMESTAMP].zip(self.period.as_ref()) else {
            return true;
        };
        match group
            .columns()
            .get(at)
            .filter(|_| is_flat(group))
            .and_then(ColumnChunkMetaData::statistics)
        {
            Some(Statistics::Int64(times)) => overlap(period, times.min_opt(), times.max_opt()),
            _ => true,
        }
    }

    /// Returns the rows of the pages of a row group that may hold wanted times, where the file tells.
    fn pages(
        &self,
        file: &ParquetFile,
        group: usize,
        at: usize,
        period: &Range<i64>,
    ) -> Option<RowSelection> {
        let metadata = file.metadata.metadata();
        let index = metadata.page_index_for_row_group(group);
        let group = metadata.row_group(group);
        let ColumnIndexMetaData::INT64(times) =
            index.column_index(at).filter(|_| is_flat(group))?
        else {
            return None;
        };
        let starts: Vec<i64> =
            index.page_locations(at)?.iter().map(|page| page.first_row_index).collect();
        let ends = starts.iter().skip(1).copied().chain([group.num_rows()]);
        let pages = starts.iter().zip(ends).enumerate().map(|(page, (start, end))| {
            let rows = (end - start).max(0) as usize;
            match !times.is_null_page(page)
                && overlap(period, times.min_value(page), times.max_value(page))
            {
                true => RowSelector::select(rows),
                false => RowSelector::skip(rows),
            }
        });
        Some(pages.collect())
    }

    /// Reads a row group, which begins with row `start`, into `memory`; columns that are not needed may come empty.
    fn read_group(
        &self,
        file: &ParquetFile,
        group: usize,
        start: usize,
        needed: Needed,
        memory: RatingColumns,
    ) -> Result<Part, IoError> {
        if let Some(rows) = self.read_own(file, group, start, needed, memory)? {
            return Ok(Part { rows, ..Part::default() });
        }
        file.guarded(|| {
            let mut part = Part::default();
            for batch in self.reader(file, group)? {
                let batch = batch.map_err(|error| file.damaged()(error.into()))?;
                self.append(file, &mut part, &batch, start)?;
            }
            Ok(part)
        })
    }

    /// Tells whether a row group has the columns that mvrec writes.
    fn is_own(&self, file: &ParquetFile, group: &RowGroupMetaData) -> bool {
        let numbers = self.keyed == [false; 2] && self.positions == [0, 1, 2, 3].map(Some);
        let types =
            [PhysicalType::INT32, PhysicalType::INT32, PhysicalType::FLOAT, PhysicalType::INT64];
        let found = group.columns().iter().map(ColumnChunkMetaData::column_type);
        file.is_own() && numbers && is_flat(group) && types.into_iter().eq(found.take(4))
    }

    /// Reads a row group of a file that mvrec wrote; nothing where it is stored otherwise than mvrec does it now.
    fn read_own(
        &self,
        file: &ParquetFile,
        group: usize,
        start: usize,
        needed: Needed,
        memory: RatingColumns,
    ) -> Result<Option<RatingColumns>, IoError> {
        let metadata = file.metadata.metadata().row_group(group);
        if !self.is_own(file, metadata) {
            return Ok(None);
        }
        let n = metadata.num_rows().max(0) as usize;
        let column = |at: usize| metadata.column(at);
        let times = match needed.times || self.period.is_some() {
            true => decode::read_times(&file.input, column(TIMESTAMP), n, memory.time_ms),
            false => Ok(Some(Vec::new())),
        };
        let Some(times) = times.map_err(file.damaged())? else { return Ok(None) };
        let wanted: Option<Vec<u32>> = self.period.as_ref().map(|period| {
            let mut rows = vec![0; n];
            let mut found = 0;
            for (row, ms) in times.iter().enumerate() {
                // Written whether it is wanted or not, and then kept or written over: no branch to guess.
                rows[found] = row as u32;
                found += usize::from(*ms >= period.start && *ms < period.end);
            }
            rows.truncate(found);
            rows
        });
        if wanted.as_ref().is_some_and(Vec::is_empty) {
            return Ok(Some(RatingColumns::default()));
        }
        let wanted = wanted.as_deref();
        let ids = |needed: bool, at: usize, memory| match needed {
            true => decode::read_four(&file.input, column(at), n, wanted, memory),
            false => Ok(Some(Vec::new())),
        };
        let users = ids(needed.users, USER, memory.user_id);
        let movies = ids(needed.movies, MOVIE, memory.movie_id);
        let stars = match needed.stars {
            true => decode::read_four(&file.input, column(RATING), n, wanted, memory.rating),
            false => Ok(Some(Vec::new())),
        };
        let damaged = file.damaged();
        let (Some(user_id), Some(movie_id), Some(rating)) =
            (users.map_err(&damaged)?, movies.map_err(&damaged)?, stars.map_err(&damaged)?)
        else {
            return Ok(None);
        };
        let time_ms = match wanted {
            None => times,
            Some(wanted) => wanted.iter().map(|&row| times[row as usize]).collect(),
        };
        let rows = RatingColumns { user_id, movie_id, rating, time_ms };
        self.check(file, &rows, start)?;
        Ok(Some(rows))
    }

    /// Refuses stars off the scale and times before 1970 or after 2100; `start` is the row of the file that the first is.
    fn check(&self, file: &ParquetFile, rows: &RatingColumns, start: usize) -> Result<(), IoError> {
        let bad = |role: usize, at: usize, value: &dyn std::fmt::Display, problem: &str| {
            let name = self.positions[role].map(|at| file.schema().field(at).name().clone());
            let problem = format!("has `{value}` in row {}, which {problem}", start + at + 1);
            IoError::BadColumn {
                file: file.name.clone(),
                column: name.unwrap_or_default(),
                problem,
            }
        };
        if let Some(scale) = self.scale
            && let Some(at) = first_bad(&rows.rating, |value| scale.contains(value))
        {
            let problem = scale.check(rows.rating[at]).expect_err("it was found so");
            return Err(bad(RATING, at, &rows.rating[at], &problem));
        }
        let good_time = |ms: i64| (ms == NO_TIME) | check_time(ms).is_ok();
        if let Some(at) = first_bad(&rows.time_ms, good_time) {
            let shown = time::format(rows.time_ms[at]);
            return Err(bad(TIMESTAMP, at, &shown, "is not between 1970 and 2100"));
        }
        Ok(())
    }

    /// Returns the reader of a row group; where times are wanted, it passes over rows without looking at their other
    /// columns.
    fn reader(
        &self,
        file: &ParquetFile,
        group: usize,
    ) -> Result<ParquetRecordBatchReader, IoError> {
        let mut builder = file.builder(&self.projection()).with_row_groups(vec![group]);
        if let Some((at, period)) = self.timed(file) {
            if let Some(pages) = self.pages(file, group, at, &period) {
                builder = builder.with_row_selection(pages);
            }
            let mask = ProjectionMask::roots(file.metadata.parquet_schema(), [at]);
            let wanted = ArrowPredicateFn::new(mask, move |batch| {
                let times = batch.column(0).as_primitive::<TimestampMillisecondType>();
                let width = if period.is_empty() { 0 } else { period.end.abs_diff(period.start) };
                let values = times.values();
                // One comparison and no branch: a time before the period wraps around to a large number.
                let within = |at: usize| (values[at].wrapping_sub(period.start) as u64) < width;
                let wanted = BooleanBuffer::collect_bool(values.len(), within);
                Ok(BooleanArray::new(wanted, times.nulls().cloned()))
            });
            builder = builder.with_row_filter(RowFilter::new(vec![Box::new(wanted)]));
        }
        builder.build().map_err(file.damaged())
    }

    /// Adds the rows of a batch; `start` is the row of the file at which its group begins.
    fn append(
        &self,
        file: &ParquetFile,
        part: &mut Part,
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
            if self.keyed[side] {
                let texts = required(side, &DataType::Utf8)?;
                let texts = texts.as_string::<i32>().iter().flatten();
                ids.extend(texts.map(|text| part.keys[side].number(text.as_bytes())));
            } else {
                let numbers = required(side, &DataType::Int32)?;
                ids.extend_from_slice(numbers.as_primitive::<Int32Type>().values());
            }
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
        self.check(file, &rows, start + part.rows.len())?;
        part.rows.append(&mut rows);
        Ok(())
    }
}

/// The ratings of a file that mvrec wrote, by row group.
pub struct RatingGroups<'a> {
    file: &'a ParquetFile,
    columns: RatingColumnReader,
    starts: Vec<usize>,
}

impl RatingGroups<'_> {
    /// Returns the number of row groups.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Tells whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Returns the number of rows of a row group.
    #[must_use]
    pub fn rows(&self, group: usize) -> usize {
        self.file.metadata.metadata().row_group(group).num_rows().max(0) as usize
    }

    /// Reads the stars of a row group as numbers of their kinds, in place of those of another one; returns the stars of each kind, and
    /// nothing where they are not stored so or one of them must not be there.
    ///
    /// # Errors
    /// If the file is damaged.
    pub fn read_kinds(
        &self,
        group: usize,
        numbers: &mut Vec<u8>,
    ) -> Result<Option<[f32; 256]>, IoError> {
        let metadata = self.file.metadata.metadata().row_group(group);
        if !self.columns.is_own(self.file, metadata) {
            return Ok(None);
        }
        let (rows, memory) = (self.rows(group), std::mem::take(numbers));
        let read = decode::read_kinds(&self.file.input, metadata.column(RATING), rows, memory);
        let Some((read, kinds)) = read.map_err(self.file.damaged())? else { return Ok(None) };
        *numbers = read;
        let good = |stars: &f32| self.columns.scale.is_none_or(|scale| scale.contains(*stars));
        Ok(kinds.iter().all(good).then(|| {
            let mut stars = [0.0; 256];
            stars.iter_mut().zip(kinds).for_each(|(to, from)| *to = from);
            stars
        }))
    }

    /// Reads the columns that are needed of a row group in place of those of another one, whose memory is used again; the others may
    /// come empty.
    ///
    /// # Errors
    /// If the file is damaged or holds what it must not hold.
    pub fn read(
        &self,
        group: usize,
        needed: Needed,
        columns: &mut RatingColumns,
    ) -> Result<(), IoError> {
        let memory = std::mem::take(columns);
        let start = self.starts[group];
        *columns = self.columns.read_group(self.file, group, start, needed, memory)?.rows;
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
        let mut part = Part::default();
        let read = batch.map_err(|error| self.file.damaged()(error.into()));
        let read = read.and_then(|batch| self.columns.append(&self.file, &mut part, &batch, 0));
        Some(read.map(|()| part.rows))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float64Array, Int64Array};
    use arrow::datatypes::{Field, Schema};
    use proptest::prelude::*;

    use super::*;
    use crate::io::parquet::{Layout, ratings_layout, write_batch};
    use crate::io::source::Source;

    fn open(bytes: Vec<u8>) -> Result<ParquetFile, IoError> {
        ParquetFile::open(Source::from_reader("x.parquet".into(), Cursor::new(bytes))?)
    }

    fn read_with(file: &ParquetFile, intake: &mut Intake) -> Result<RatingColumns, IoError> {
        let mut all = RatingColumns::default();
        file.read_ratings(intake, &mut |mut rows| {
            all.append(&mut rows);
            Ok(())
        })?;
        Ok(all)
    }

    fn read(bytes: Vec<u8>) -> Result<RatingColumns, IoError> {
        read_with(&open(bytes)?, &mut Intake::default())
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
        let rows = read(foreign(5, 3.5)).unwrap();
        let mut expected = RatingColumns::default();
        expected.push(1, 10, 3.5, 5000);
        expected.push(2, 20, 4.0, NO_TIME);
        assert_eq!(rows, expected);
    }

    #[test]
    fn times_of_any_unit_and_zone_are_the_same_instants() {
        use arrow::array::{StringArray, TimestampMicrosecondArray, TimestampSecondArray};
        let times: [ArrayRef; 6] = [
            Arc::new(TimestampSecondArray::from(vec![1_514_764_800])),
            Arc::new(TimestampSecondArray::from(vec![1_514_764_800]).with_timezone("+05:00")),
            Arc::new(
                TimestampMicrosecondArray::from(vec![1_514_764_800_000_000]).with_timezone("UTC"),
            ),
            Arc::new(StringArray::from(vec!["2018-01-01T00:00:00"])),
            Arc::new(Int64Array::from(vec![1_514_764_800])),
            Arc::new(Int64Array::from(vec![1_514_764_800_000])),
        ];
        for time in times {
            let one = || -> ArrayRef { Arc::new(Int64Array::from(vec![1])) };
            let columns = [("user", one()), ("item", one()), ("rating", one()), ("time", time)];
            let batch = RecordBatch::try_from_iter(columns).unwrap();
            let mut bytes = Vec::new();
            write_batch(&mut bytes, "x", &Layout::default(), &batch).unwrap();
            let rows = read(bytes).unwrap();
            assert_eq!(rows.time_ms, [1_514_764_800_000], "{:?}", batch.column(3).data_type());
        }
    }

    #[test]
    fn texts_that_are_no_numbers_are_keys() {
        use arrow::array::StringArray;
        let texts =
            |values: [&str; 2]| -> ArrayRef { Arc::new(StringArray::from(values.to_vec())) };
        let stars: ArrayRef = Arc::new(Float64Array::from(vec![4.0, 5.0]));
        let columns =
            [("user", texts(["zoe", "al"])), ("item", texts(["7", "8"])), ("rating", stars)];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut bytes = Vec::new();
        write_batch(&mut bytes, "x", &Layout::default(), &batch).unwrap();
        let mut intake = Intake::default();
        let rows = read_with(&open(bytes).unwrap(), &mut intake).unwrap();
        assert_eq!((&rows.user_id[..], &rows.movie_id[..]), (&[1, 2][..], &[7, 8][..]));
        assert_eq!(intake.users.to_keys().unwrap().keys, ["zoe", "al"]);
        assert!(intake.movies.to_keys().is_none());
    }

    #[test]
    fn only_times_that_are_wanted_need_come() {
        let mut columns = RatingColumns::default();
        for row in 0..1000 {
            let ms = if row % 10 == 9 { NO_TIME } else { i64::from(row) * 1000 };
            columns.push(row / 7, row % 7, 3.0, ms);
        }
        let batch = crate::io::batches::of_ratings(&columns, 0..1000);
        let mut bytes = Vec::new();
        let layout = Layout { group_rows: 100, ..Layout::default() };
        write_batch(&mut bytes, "x", &layout, &batch).unwrap();
        let mut intake = Intake { period: Some(250_000..252_000), ..Intake::default() };
        let rows = read_with(&open(bytes).unwrap(), &mut intake).unwrap();
        assert_eq!(rows.time_ms, [250_000, 251_000]);
        assert_eq!((&rows.user_id[..], &rows.movie_id[..]), (&[35, 35][..], &[5, 6][..]));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn the_short_way_reads_what_arrow_reads(
            rows in proptest::collection::vec(
                (0..5_i32, any::<i32>(), 1..10_u8, proptest::option::of(0..4_000_000_000_000_i64)), 1..900),
            users in 1..100_i32,
            group_rows in 100..400_usize,
            period in 0..4_000_000_000_000_i64,
        ) {
            let mut columns = RatingColumns::default();
            for (user, movie, stars, ms) in rows {
                columns.push(user * users, movie, f32::from(stars) / 2.0, ms.unwrap_or(NO_TIME));
            }
            let batch = crate::io::batches::of_ratings(&columns, 0..columns.len());
            let layout = Layout { group_rows, page_rows: 64, ..ratings_layout(Vec::new()) };
            let mut bytes = Vec::new();
            write_batch(&mut bytes, "x", &layout, &batch).unwrap();
            for period in [None, Some(0..period), Some(period..period)] {
                let file = open(bytes.clone()).unwrap();
                let intake = Intake { period: period.clone(), ..Intake::default() };
                let reader = file.rating_columns(&intake).unwrap();
                let (mut short, mut arrow) = (RatingColumns::default(), Part::default());
                let memory = columns.clone();
                for group in 0..file.metadata.metadata().num_row_groups() {
                    short.append(&mut reader.read_own(&file, group, 0, Needed::ALL, memory.clone()).unwrap().expect("it is mvrec's own"));
                    for batch in reader.reader(&file, group).unwrap() {
                        reader.append(&file, &mut arrow, &batch.unwrap(), 0).unwrap();
                    }
                }
                prop_assert_eq!(&short, &arrow.rows);
                if period.is_none() {
                    prop_assert_eq!(&short, &columns);
                }
            }
            let file = open(bytes.clone()).unwrap();
            let groups = file.rating_groups(Scale::default()).unwrap();
            let (mut numbers, mut stars) = (Vec::new(), Vec::new());
            for group in 0..groups.len() {
                let kinds = groups.read_kinds(group, &mut numbers).unwrap().expect("there are few");
                stars.extend(numbers.iter().map(|&number| kinds[usize::from(number)]));
            }
            prop_assert_eq!(&stars, &columns.rating);
            // Damage anywhere is an error or other values, and never a panic.
            for at in (0..bytes.len()).step_by(bytes.len() / 40 + 1) {
                let mut bytes = bytes.clone();
                bytes[at] ^= 1 << (at % 8);
                let _ = read(bytes.clone());
                if let Ok(file) = open(bytes)
                    && let Ok(groups) = file.rating_groups(Scale::default())
                {
                    let _ = (0..groups.len()).try_for_each(|at| groups.read_kinds(at, &mut numbers).map(drop));
                }
            }
        }
    }

    #[test]
    fn bad_values_are_named_with_column_and_row() {
        let message = |bytes| read(bytes).unwrap_err().to_string();
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
            let read = read(bytes[..length].to_vec());
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
