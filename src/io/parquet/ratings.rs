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
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::statistics::Statistics;
use rayon::prelude::*;

use crate::io::columns::{
    Kinds, NO_TIME, Needed, RatingColumns, RatingRows, SelectedRows, Visitor,
};
use crate::io::error::IoError;
use crate::io::intake::{Intake, Sink};
use crate::io::keys::{IdSample, Ids, KeyIndex, renumber};
use crate::io::parquet::buffer::Buffer;
use crate::io::parquet::decode::{ColumnDecoder, Fours, KindNumbers, RawPage, Times, Wanted};
use crate::io::parquet::import::{Import, id_texts};
use crate::io::parquet::input::ParquetInput;
use crate::io::parquet::read::ParquetFile;
use crate::io::text::{MOVIE, RATING, TIMESTAMP, TextOptions, USER, remarks, unused};
use crate::io::time;
use crate::io::values::{Scale, check_time};
use crate::schema;

impl ParquetFile {
    /// Hands all ratings to `sink`, in the order of the file, checked as at every door: scale,
    /// dates, and ids that fit 32 bits.
    ///
    /// Columns are found as in a text; integers as timestamps are seconds, or as their size tells.
    /// Ids in a column of text are keys where most of the first ones are no numbers.
    ///
    /// # Errors
    /// If a column is missing or holds what it must not hold, or if `sink` fails.
    pub fn read_ratings(&self, intake: &mut Intake, sink: Sink<'_>) -> Result<(), IoError> {
        let mut columns = self.rating_columns(intake)?;
        intake.unary = columns.positions[RATING].is_none();
        self.settle_ids(&mut columns, intake)?;
        let groups = self.metadata.metadata().row_groups();
        let starts = self.group_starts();
        let wanted: Vec<usize> =
            (0..groups.len()).filter(|&group| columns.may_hold(&groups[group])).collect();
        let options = intake.options.clone();
        let limit = options.limit.unwrap_or(usize::MAX);
        let mut n_rows = 0;
        let mut take = |part: Result<Part, IoError>| {
            let mut part = part?;
            for (error, text) in part.bad {
                intake.rejects.take(error, &text)?;
            }
            let [users, movies] = &part.keys;
            renumber(&mut part.rows.user_id, users, &mut intake.users);
            renumber(&mut part.rows.movie_id, movies, &mut intake.movies);
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
                        columns.read_group(self, group, starts[group], Needed::ALL, memory)
                    }
                    false => columns.import_group(self, group, starts[group], &options),
                };
                let parts: Vec<Result<Part, IoError>> = round.par_iter().map(read).collect();
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

    /// Opens the ratings of a file that mvrec itself wrote, so that each row group can be read by
    /// itself.
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
        let reader = self.builder(&columns.projection(&self), None)?.with_batch_size(rows).build();
        let reader = reader.map_err(self.damaged())?;
        Ok(RatingChunks { file: self, columns, reader })
    }

    fn rating_columns(&self, intake: &Intake) -> Result<RatingColumnReader, IoError> {
        // In its own files mvrec reads numbers, and their keys apart.
        let is_key = |name: &String| self.is_own() && name.ends_with("_key");
        let names = self.column_names().into_iter();
        let names = names.map(|name| if is_key(&name) { String::new() } else { name }).collect();
        Ok(RatingColumnReader {
            positions: intake.options.columns.find_all(&self.name, names)?,
            keyed: [false; 2],
            scale: Some(intake.options.scale),
            period: intake.period.clone(),
        })
    }

    /// Settles of users and of movies whether they are keys, as for a text; in its own files mvrec
    /// reads numbers.
    fn settle_ids(
        &self,
        columns: &mut RatingColumnReader,
        intake: &mut Intake,
    ) -> Result<(), IoError> {
        let sides = [(&mut intake.users, "user"), (&mut intake.movies, "movie")];
        for (side, (ids, name)) in sides.into_iter().enumerate() {
            let at = columns.positions[side].expect("users and movies have a column");
            let known = matches!(ids, Ids::Keys(_)) || intake.options.text_ids[side];
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
            for batch in self.batches(reader.map_err(self.damaged())?) {
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

/// Tells whether the place of a leaf is that of its column, as it is in a table of ratings.
fn is_flat(group: &RowGroupMetaData) -> bool {
    let schema = group.schema_descr();
    schema.num_columns() == schema.root_schema().get_fields().len()
}

/// Tells whether values from `min` to `max`, as far as they are known, may lie in a period.
fn overlap(period: &Range<i64>, min: Option<&i64>, max: Option<&i64>) -> bool {
    min.is_none_or(|min| *min < period.end) && max.is_none_or(|max| *max >= period.start)
}

/// Returns the place of the first value that is not good. Values are looked at many at a time,
/// since nearly always all are.
fn first_bad<T: Copy>(values: &[T], good: impl Fn(T) -> bool) -> Option<usize> {
    const AT_A_TIME: usize = 1 << 10;
    let all_good = |values: &[T]| values.iter().fold(true, |all, &value| all & good(value));
    let chunk = values.chunks(AT_A_TIME).position(|values| !all_good(values))? * AT_A_TIME;
    Some(chunk + values[chunk..].iter().position(|&value| !good(value))?)
}

/// Returns a place before which all times are known and good, if there is any after it that may not
/// be. These are as good as all times; that none of so many is negative or too late is seen from
/// the signs of sums, for which any processor has instructions.
fn first_unlikely_time(times: &[i64]) -> Option<usize> {
    const AT_A_TIME: usize = 1 << 10;
    let unlikely = |ms: i64| ms.wrapping_sub(time::MIN_MS) | (time::MAX_MS - 1).wrapping_sub(ms);
    let any = |times: &[i64]| times.iter().fold(0, |all, &ms| all | unlikely(ms)) < 0;
    Some(times.chunks(AT_A_TIME).position(any)? * AT_A_TIME)
}

/// Ratings of a row group, with the keys that its ids are numbers of.
#[derive(Default)]
struct Part {
    rows: RatingColumns,
    keys: [KeyIndex; 2],
    /// Errors of rows that were left out, each with the text of its row.
    bad: Vec<(IoError, String)>,
}

/// Reads all of a column or the rows `wanted`, which ascend; nothing where it is stored in a way
/// that is not known.
fn whole<C: ColumnDecoder>(
    column: Result<Option<C>, ParquetError>,
    wanted: Option<&[u32]>,
    memory: Vec<C::Value>,
) -> Result<Option<Vec<C::Value>>, ParquetError> {
    column?.map_or(Ok(None), |column| column.all(wanted, memory))
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

    /// Returns the column of timestamps where only some are wanted and they are stored as
    /// milliseconds.
    fn timed(&self, file: &ParquetFile) -> Option<(usize, Range<i64>)> {
        let at = self.positions[TIMESTAMP]?;
        let stored = file.schema().fields().get(at)?.data_type();
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

    /// Returns the rows of the pages of a row group that may hold wanted times, where the file
    /// tells.
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

    /// Reads a row group, which begins with row `start`, into `memory`; columns that are not needed
    /// may come empty.
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
        Err(file.damaged()(ParquetError::General(text)))
    }

    /// Reads a row group of another writer's file, which begins with row `start`.
    fn import_group(
        &self,
        file: &ParquetFile,
        group: usize,
        start: usize,
        options: &TextOptions,
    ) -> Result<Part, IoError> {
        let import = Import { file, positions: self.positions, keyed: self.keyed, options };
        file.guarded(|| {
            let mut part = Part::default();
            let mut row = start;
            for batch in file.batches(self.reader(file, group)?) {
                let batch = batch?;
                let mut imported = import.batch(&batch, row, &mut part.keys)?;
                row += batch.num_rows();
                part.rows.append(&mut imported.rows);
                part.bad.append(&mut imported.bad);
            }
            self.check_rows(file, group, row - start)?;
            Ok(part)
        })
    }

    /// Reads a large row group, which begins with row `start`, in parts of as many batches as there
    /// are threads, until `take` has enough.
    fn stream_group(
        &self,
        file: &ParquetFile,
        group: usize,
        start: usize,
        options: &TextOptions,
        take: &mut impl FnMut(Result<Part, IoError>) -> Result<bool, IoError>,
    ) -> Result<(), IoError> {
        let import = Import { file, positions: self.positions, keyed: self.keyed, options };
        let mut batches = file.guarded(|| Ok(file.batches(self.reader(file, group)?)))?;
        let mut row = start;
        loop {
            let decode = || batches.by_ref().take(rayon::current_num_threads()).collect();
            let decoded: Vec<RecordBatch> = file.guarded(decode)?;
            if decoded.is_empty() {
                return self.check_rows(file, group, row - start);
            }
            let starts = decoded.iter().map(|batch| {
                row += batch.num_rows();
                row - batch.num_rows()
            });
            let starts: Vec<usize> = starts.collect();
            let parts = decoded.par_iter().zip(starts).map(|(batch, start)| {
                let mut keys = <[KeyIndex; 2]>::default();
                let imported = import.batch(batch, start, &mut keys)?;
                Ok(Part { rows: imported.rows, keys, bad: imported.bad })
            });
            for part in parts.collect::<Vec<_>>() {
                if !take(part)? {
                    return Ok(());
                }
            }
        }
    }

    /// Tells whether a row group has the columns that mvrec writes.
    fn is_own(&self, file: &ParquetFile, group: &RowGroupMetaData) -> bool {
        let numbers = self.keyed == [false; 2] && self.positions == [0, 1, 2, 3].map(Some);
        let types =
            [PhysicalType::INT32, PhysicalType::INT32, PhysicalType::FLOAT, PhysicalType::INT64];
        let found = group.columns().iter().map(ColumnChunkMetaData::column_type);
        let is_small = group.num_rows() <= LARGE_GROUP;
        file.is_own()
            && is_small
            && numbers
            && is_flat(group)
            && types.into_iter().eq(found.take(4))
    }

    /// Reads a row group of a file that mvrec wrote; nothing where it is stored otherwise than
    /// mvrec does it now.
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
        let (input, column) = (&file.input, |at: usize| metadata.column(at));
        let times = match needed.times || self.period.is_some() {
            true => whole(Times::open(input, column(TIMESTAMP), n), None, memory.time_ms),
            false => Ok(Some(Vec::new())),
        };
        let Some(times) = times.map_err(file.damaged())? else { return Ok(None) };
        let wanted: Option<Vec<u32>> = self.period.as_ref().map(|period| {
            let mut rows = vec![0; n];
            let mut found = 0;
            for (row, ms) in times.iter().enumerate() {
                // Written whether it is wanted or not, and then kept or written over: no branch to
                // guess.
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
            true => whole(Fours::open(input, column(at), n), wanted, memory),
            false => Ok(Some(Vec::new())),
        };
        let users = ids(needed.users, USER, memory.user_id);
        let movies = ids(needed.movies, MOVIE, memory.movie_id);
        let stars = match needed.stars {
            true => whole(Fours::open(input, column(RATING), n), wanted, memory.rating),
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
        let row = |at: usize| start + wanted.map_or(at, |wanted| wanted[at] as usize);
        self.check(
            file,
            RatingRows { rating: &rating, time_ms: &time_ms, ..RatingRows::default() },
            row,
        )?;
        Ok(Some(RatingColumns { user_id, movie_id, rating, time_ms }))
    }

    /// Tells whether all kinds of stars are on the scale; which row has one that is not is found
    /// when stars are read one by one.
    fn are_good(&self, kinds: &[f32]) -> bool {
        kinds.iter().all(|stars| self.scale.is_none_or(|scale| scale.contains(*stars)))
    }

    /// Refuses stars off the scale and times before 1970 or after 2100; `row` tells which row of
    /// the file each is.
    fn check(
        &self,
        file: &ParquetFile,
        rows: RatingRows<'_>,
        row: impl Fn(usize) -> usize,
    ) -> Result<(), IoError> {
        let (stars, times) = (rows.rating, rows.time_ms);
        let bad = |role: usize, at: usize, value: &dyn std::fmt::Display, problem: &str| {
            let name = self.positions[role].map(|at| file.schema().field(at).name().clone());
            let problem = format!("has `{value}` in row {}, which {problem}", row(at) + 1);
            IoError::BadColumn {
                file: file.name.clone(),
                column: name.unwrap_or_default(),
                problem,
            }
        };
        if let Some(scale) = self.scale
            && let Some(at) = first_bad(stars, |value| scale.contains(value))
        {
            let problem = scale.check(stars[at]).expect_err("it was found so");
            return Err(bad(RATING, at, &stars[at], &problem));
        }
        let good_time = |ms: i64| (ms == NO_TIME) | check_time(ms).is_ok();
        if let Some(at) = first_unlikely_time(times)
            .and_then(|from| Some(from + first_bad(&times[from..], good_time)?))
        {
            let shown = time::format(times[at]);
            return Err(bad(TIMESTAMP, at, &shown, "is not between 1970 and 2100"));
        }
        Ok(())
    }

    /// Returns the reader of a row group; where times are wanted, it passes over rows without
    /// looking at their other columns.
    fn reader(
        &self,
        file: &ParquetFile,
        group: usize,
    ) -> Result<ParquetRecordBatchReader, IoError> {
        let mut builder = file.builder(&self.projection(file), Some(&[group]))?;
        if let Some((at, period)) = self.timed(file) {
            if let Some(pages) = self.pages(file, group, at, &period) {
                builder = builder.with_row_selection(pages);
            }
            let mask = ProjectionMask::roots(file.metadata.parquet_schema(), [at]);
            let wanted = ArrowPredicateFn::new(mask, move |batch| {
                let times = batch.column(0).as_primitive::<TimestampMillisecondType>();
                let width = if period.is_empty() { 0 } else { period.end.abs_diff(period.start) };
                let values = times.values();
                // One comparison and no branch: a time before the period wraps around to a large
                // number.
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

    /// Shows the rows of a row group to a visitor, some at a time, of which the columns that are
    /// not needed may come empty. `memory` is used for them.
    ///
    /// # Errors
    /// If the file is damaged or holds what it must not hold.
    pub fn show(
        &self,
        group: usize,
        visitor: &mut impl Visitor,
        memory: &mut RowMemory,
    ) -> Result<(), IoError> {
        let (done, rows) = (self.show_own(group, visitor, memory)?, self.rows(group));
        if done < rows {
            let needed = visitor.needs().or(visitor.needs_of_picked());
            let needed = Needed { stars: needed.stars || needed.kinds, ..needed };
            let columns = std::mem::take(&mut memory.columns);
            let part =
                self.columns.read_group(self.file, group, self.starts[group], needed, columns)?;
            memory.columns = part.rows;
            memory.picked.show(visitor, memory.columns.rows(done..rows));
        }
        Ok(())
    }

    /// Shows rows page by page, so that what was decoded is still in the processor's cache when it
    /// is looked at; returns how many were shown before some that are stored otherwise than
    /// mvrec does it now.
    fn show_own(
        &self,
        group: usize,
        visitor: &mut impl Visitor,
        memory: &mut RowMemory,
    ) -> Result<usize, IoError> {
        let Self { file, columns, .. } = self;
        let metadata = file.metadata.metadata().row_group(group);
        if !columns.is_own(file, metadata) {
            return Ok(0);
        }
        let (rows, start) = (self.rows(group), self.starts[group]);
        let RowMemory { pages: memory, picked, .. } = memory;
        let mut show = || {
            let mut streams = Streams::open(&file.input, metadata, visitor, memory)?;
            let mut done = 0;
            while done < rows {
                let Some(n) = streams.fill(rows - done)? else { break };
                let known = match streams.some == Needed::default() {
                    true => Some(()),
                    false => {
                        picked.rows.clear();
                        visitor.pick(streams.first(n), &mut picked.rows);
                        streams.pick(n, &picked.rows)?
                    }
                };
                let kinds = streams.kinds.column.as_ref().map_or(&[][..], KindNumbers::kinds);
                if known.is_none() || !columns.are_good(kinds) {
                    break;
                }
                let (of_all, of_picked) = (streams.first(n), streams.picked());
                let checked = columns.check(file, of_all, |at| start + done + at).and_then(|()| {
                    columns.check(file, of_picked, |at| start + done + picked.rows[at] as usize)
                });
                if let Err(error) = checked {
                    return Ok(Err(error));
                }
                visitor.add(of_all);
                if !picked.rows.is_empty() {
                    visitor.add_picked(of_picked);
                }
                streams.pass(n);
                done += n;
            }
            Ok(Ok(done))
        };
        show().map_err(file.damaged())?
    }
}

/// Memory for some rows of a file.
#[derive(Debug, Default)]
pub struct RowMemory {
    pages: PageMemory,
    columns: RatingColumns,
    picked: SelectedRows,
}

/// Memory for pages of each column.
#[derive(Debug, Default)]
struct PageMemory {
    users: Buffer<i32>,
    movies: Buffer<i32>,
    stars: Buffer<f32>,
    times: Buffer<i64>,
    kinds: Buffer<u8>,
}

/// The columns of a row group, decoded as far as they are needed.
struct Streams<'a> {
    /// What is needed of picked rows.
    some: Needed,
    users: PageStream<'a, Fours<i32>>,
    movies: PageStream<'a, Fours<i32>>,
    stars: PageStream<'a, Fours<f32>>,
    times: PageStream<'a, Times>,
    kinds: PageStream<'a, KindNumbers>,
}

impl<'a> Streams<'a> {
    fn open(
        input: &ParquetInput,
        group: &RowGroupMetaData,
        visitor: &impl Visitor,
        memory: &'a mut PageMemory,
    ) -> Result<Self, ParquetError> {
        let (all, some) = (visitor.needs(), visitor.needs_of_picked());
        let (column, rows) = (|at: usize| group.column(at), group.num_rows().max(0) as usize);
        let PageMemory { users, movies, stars, times, kinds } = memory;
        Ok(Self {
            some,
            users: PageStream::new(all.users, some.users, users, || {
                Fours::open(input, column(USER), rows)
            })?,
            movies: PageStream::new(all.movies, some.movies, movies, || {
                Fours::open(input, column(MOVIE), rows)
            })?,
            stars: PageStream::new(all.stars, some.stars, stars, || {
                Fours::open(input, column(RATING), rows)
            })?,
            times: PageStream::new(all.times, some.times, times, || {
                Times::open(input, column(TIMESTAMP), rows)
            })?,
            kinds: PageStream::new(all.kinds, some.kinds, kinds, || {
                KindNumbers::open(input, column(RATING), rows)
            })?,
        })
    }

    /// Reads pages where there are no values, and returns how many rows, `most` at the most, are
    /// there of all columns then; nothing where they are stored in a way that is not known.
    fn fill(&mut self, most: usize) -> Result<Option<usize>, ParquetError> {
        let Self { users, movies, stars, times, kinds, .. } = self;
        let n = [users.fill()?, movies.fill()?, stars.fill()?, times.fill()?, kinds.fill()?];
        Ok(n.into_iter().try_fold(most, |least, n| Some(least.min(n?))))
    }

    /// Decodes what is needed of the picked ones of the first `n` rows; nothing where that is
    /// stored in a way that is not known.
    fn pick(&mut self, n: usize, rows: &[u32]) -> Result<Option<()>, ParquetError> {
        let Self { users, movies, stars, times, kinds, .. } = self;
        let known = [
            users.pick(n, rows)?,
            movies.pick(n, rows)?,
            stars.pick(n, rows)?,
            times.pick(n, rows)?,
            kinds.pick(n, rows)?,
        ];
        Ok(known.into_iter().collect())
    }

    /// Returns the first `n` rows, as far as they are needed of all.
    fn first(&self, n: usize) -> RatingRows<'_> {
        RatingRows {
            user_id: self.users.first(n),
            movie_id: self.movies.first(n),
            rating: self.stars.first(n),
            time_ms: self.times.first(n),
            kinds: self.kinds_of(self.kinds.first(n)).filter(|_| self.kinds.all),
        }
    }

    /// Returns the picked ones of them.
    fn picked(&self) -> RatingRows<'_> {
        RatingRows {
            user_id: &self.users.picked,
            movie_id: &self.movies.picked,
            rating: &self.stars.picked,
            time_ms: &self.times.picked,
            kinds: self.kinds_of(&self.kinds.picked),
        }
    }

    fn kinds_of<'b>(&'b self, numbers: &'b [u8]) -> Option<Kinds<'b>> {
        let column = self.kinds.column.as_ref()?;
        Some(Kinds { numbers, stars: column.stars() })
    }

    /// Passes over the first `n` rows.
    fn pass(&mut self, n: usize) {
        self.users.values.pass(n);
        self.movies.values.pass(n);
        self.stars.values.pass(n);
        self.times.values.pass(n);
        self.kinds.values.pass(n);
    }
}

/// A column of which some values have been read.
struct PageStream<'a, C: ColumnDecoder> {
    /// Whether it is needed of all rows.
    all: bool,
    /// Whether it is needed at all.
    needed: bool,
    /// Nothing also where it is stored in a way that is not known.
    column: Option<C>,
    /// The page before which values end, where it was not decoded at once.
    page: Option<RawPage>,
    values: &'a mut Buffer<C::Value>,
    picked: Buffer<C::Value>,
}

impl<'a, C: ColumnDecoder> PageStream<'a, C> {
    fn new(
        all: bool,
        some: bool,
        memory: &'a mut Buffer<C::Value>,
        open: impl FnOnce() -> Result<Option<C>, ParquetError>,
    ) -> Result<Self, ParquetError> {
        memory.clear();
        let needed = all || some;
        let column = if needed { open()? } else { None };
        Ok(Self { all, needed, column, page: None, values: memory, picked: Buffer::default() })
    }

    /// Reads a page where there is none, and decodes it if it is needed of all rows; returns how
    /// many rows there are then: any number where none is needed, and nothing where they are
    /// stored in a way that is not known.
    fn fill(&mut self) -> Result<Option<usize>, ParquetError> {
        if !self.needed {
            return Ok(Some(usize::MAX));
        }
        let Some(column) = &mut self.column else { return Ok(None) };
        while self.values.is_empty() && self.page.as_ref().is_none_or(|page| page.rows == 0) {
            let Some(page) = column.pages().next()? else { return Ok(None) };
            if !self.all {
                self.page = Some(page);
            } else if column.decode(&page, Wanted::ALL, self.values)?.is_none() {
                return Ok(None);
            }
        }
        Ok(Some(self.page.as_ref().map_or(self.values.len(), |page| page.rows)))
    }

    /// Finds those of the first `n` rows that are picked; nothing where they are stored in a way
    /// that is not known.
    fn pick(&mut self, n: usize, rows: &[u32]) -> Result<Option<()>, ParquetError> {
        self.picked.clear();
        if !self.needed {
            return Ok(Some(()));
        }
        let Some(column) = &mut self.column else { return Ok(None) };
        if let Some(page) = self.page.take() {
            // Nearly always the pages of all columns have the same rows.
            return match (page.rows == n, rows) {
                (true, []) => Ok(Some(())),
                (true, _) => column.decode(&page, Wanted::for_page(rows), &mut self.picked),
                (false, _) => match column.decode(&page, Wanted::ALL, self.values)? {
                    Some(()) => self.pick(n, rows),
                    None => Ok(None),
                },
            };
        }
        self.picked.extend(rows.iter().map(|&row| self.values[row as usize]));
        Ok(Some(()))
    }

    /// Returns the first `n` rows; none where they are not needed of all.
    fn first(&self, n: usize) -> &[C::Value] {
        if self.all { &self.values[..n] } else { &[] }
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
    use crate::io::parquet::{ParquetLayout, ratings_layout, write_batch};
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
        write_batch(&mut bytes, "x", &ParquetLayout::default(), &batch.unwrap()).unwrap();
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
            write_batch(&mut bytes, "x", &ParquetLayout::default(), &batch).unwrap();
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
        write_batch(&mut bytes, "x", &ParquetLayout::default(), &batch).unwrap();
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
        let batch = crate::io::batches::ratings_batch(&columns, 0..1000);
        let mut bytes = Vec::new();
        let layout = ParquetLayout { group_rows: 100, ..ParquetLayout::default() };
        write_batch(&mut bytes, "x", &layout, &batch).unwrap();
        let mut intake = Intake { period: Some(250_000..252_000), ..Intake::default() };
        let rows = read_with(&open(bytes).unwrap(), &mut intake).unwrap();
        assert_eq!(rows.time_ms, [250_000, 251_000]);
        assert_eq!((&rows.user_id[..], &rows.movie_id[..]), (&[35, 35][..], &[5, 6][..]));
    }

    /// Keeps all rows.
    #[derive(Default)]
    struct All {
        needed: Needed,
        seen: RatingColumns,
    }

    fn keep(seen: &mut RatingColumns, rows: RatingRows<'_>) {
        for (row, (&user, &movie)) in rows.user_id.iter().zip(rows.movie_id).enumerate() {
            seen.push(user, movie, rows.stars(row), rows.time_ms[row]);
        }
    }

    impl Visitor for All {
        fn needs(&self) -> Needed {
            self.needed
        }

        fn add(&mut self, rows: RatingRows<'_>) {
            keep(&mut self.seen, rows);
        }
    }

    /// Picks and keeps the rows of every third movie.
    #[derive(Default)]
    struct EveryThird {
        needs: Needed,
        of_picked: Needed,
        rows: usize,
        seen: RatingColumns,
    }

    impl Visitor for EveryThird {
        fn needs(&self) -> Needed {
            self.needs
        }

        fn add(&mut self, rows: RatingRows<'_>) {
            self.rows += rows.movie_id.len();
        }

        fn needs_of_picked(&self) -> Needed {
            self.of_picked
        }

        fn pick(&self, rows: RatingRows<'_>, picked: &mut Vec<u32>) {
            let all = rows.movie_id.iter().enumerate();
            picked.extend(all.filter(|(_, id)| **id % 3 == 0).map(|(row, _)| row as u32));
        }

        fn add_picked(&mut self, rows: RatingRows<'_>) {
            keep(&mut self.seen, rows);
        }
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
            let batch = crate::io::batches::ratings_batch(&columns, 0..columns.len());
            let layout = ParquetLayout { group_rows, page_rows: 64, ..ratings_layout(Vec::new()) };
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
            let mut memory = RowMemory::default();
            let kinds = Needed { stars: false, kinds: true, ..Needed::ALL };
            for needed in [Needed::ALL, kinds] {
                let mut all = All { needed, ..All::default() };
                (0..groups.len()).for_each(|group| groups.show(group, &mut all, &mut memory).unwrap());
                prop_assert_eq!(&all.seen, &columns);
            }
            // Of some rows only, of which all that is there is looked at.
            for (needs, of_picked) in [
                (Needed { movies: true, ..Needed::default() }, Needed { movies: false, ..kinds }),
                (Needed { movies: true, kinds: true, ..Needed::default() }, Needed::ALL),
                (Needed::ALL, kinds),
            ] {
                let mut some = EveryThird { needs, of_picked, ..EveryThird::default() };
                (0..groups.len()).for_each(|group| groups.show(group, &mut some, &mut memory).unwrap());
                prop_assert_eq!(&some.seen, &columns.filter(|row| columns.movie_id[row] % 3 == 0));
                prop_assert_eq!(some.rows, columns.len());
                let mut shown = EveryThird { needs, of_picked, ..EveryThird::default() };
                SelectedRows::default().show(&mut shown, columns.rows(0..columns.len()));
                prop_assert_eq!(&shown.seen, &some.seen);
            }
            // Damage anywhere is an error or other values, and never a panic.
            for at in (0..bytes.len()).step_by(bytes.len() / 40 + 1) {
                let mut bytes = bytes.clone();
                bytes[at] ^= 1 << (at % 8);
                let _ = read(bytes.clone());
                if let Ok(file) = open(bytes)
                    && let Ok(groups) = file.rating_groups(Scale::default())
                {
                    for needed in [Needed::ALL, kinds] {
                        let mut all = All { needed, ..All::default() };
                        let _ = (0..groups.len()).try_for_each(|at| groups.show(at, &mut all, &mut memory));
                    }
                    let needs = Needed { movies: true, ..Needed::default() };
                    let mut some = EveryThird { needs, of_picked: kinds, ..EveryThird::default() };
                    let _ = (0..groups.len()).try_for_each(|at| groups.show(at, &mut some, &mut memory));
                }
            }
        }
    }

    #[test]
    fn bad_values_are_named_with_column_and_row() {
        let message = |bytes| read(bytes).unwrap_err().to_string();
        assert_eq!(
            message(foreign(5, 7.0)),
            "x.parquet: row 1: rating `7` is not between 0.5 and 5"
        );
        assert!(message(foreign(-5, 3.0)).contains("row 1: timestamp `1969-12-31T23:59:55Z`"));
        assert!(message(foreign(5, f64::NAN)).contains("row 1: rating `NaN` is missing"));
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
            let layout =
                ParquetLayout { group_rows, page_rows, deltas, ..ParquetLayout::default() };
            let mut bytes = Vec::new();
            write_batch(&mut bytes, "x", &layout, &batch).unwrap();
            let read = open(bytes).unwrap().read_as(&batch.schema()).unwrap();
            assert_eq!(read, batch, "{group_rows} {page_rows}");
        }
    }
}
