//! Row groups of files that mvrec wrote, decoded column by column.

use parquet::basic::Type as PhysicalType;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};

use crate::io::columns::{NO_TIME, RatingColumns, RatingRows};
use crate::io::error::IoError;
use crate::io::parquet::column::{ColumnDecoder, FixedWidthColumn, TimestampColumn};
use crate::io::parquet::ratings::pruning::is_flat;
use crate::io::parquet::ratings::{LARGE_GROUP, RatingColumnReader};
use crate::io::parquet::read::ParquetFile;
use crate::io::scan::Projection;
use crate::io::text::{MOVIE, RATING, TIMESTAMP, USER};
use crate::io::time;
use crate::io::values::check_time;

/// Returns the index of the first value that is not good. Values are checked many at a time, since
/// nearly always all are.
fn first_bad<T: Copy>(values: &[T], good: impl Fn(T) -> bool) -> Option<usize> {
    const AT_A_TIME: usize = 1 << 10;
    let all_good = |values: &[T]| values.iter().fold(true, |all, &value| all & good(value));
    let chunk = values.chunks(AT_A_TIME).position(|values| !all_good(values))? * AT_A_TIME;
    Some(chunk + values[chunk..].iter().position(|&value| !good(value))?)
}

/// Reads all of a column or the selected `rows`, ascending; empty if it is not needed, `None` if
/// its kind is not supported.
fn read_column<C: ColumnDecoder>(
    is_needed: bool,
    open: impl FnOnce() -> Result<Option<C>, ParquetError>,
    rows: Option<&[u32]>,
    memory: Vec<C::Value>,
) -> Result<Option<Vec<C::Value>>, ParquetError> {
    if !is_needed {
        return Ok(Some(Vec::new()));
    }
    open()?.map_or(Ok(None), |column| column.decode_all(rows, memory))
}

impl RatingColumnReader {
    /// Whether a row group has the columns that mvrec writes.
    pub(super) fn is_native(&self, file: &ParquetFile, group: &RowGroupMetaData) -> bool {
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

    /// Reads a row group of a file that mvrec wrote; `None` if it is stored otherwise than
    /// mvrec does it now.
    pub(super) fn read_native(
        &self,
        file: &ParquetFile,
        group: usize,
        start: usize,
        projection: Projection,
        memory: RatingColumns,
    ) -> Result<Option<RatingColumns>, IoError> {
        let metadata = file.metadata.metadata().row_group(group);
        if !self.is_native(file, metadata) {
            return Ok(None);
        }
        let n = metadata.num_rows().max(0) as usize;
        let (input, column) = (&file.input, |at: usize| metadata.column(at));
        let times = read_column(
            projection.times || self.period.is_some(),
            || TimestampColumn::open(input, column(TIMESTAMP), n),
            None,
            memory.time_ms,
        );
        let Some(times) = times.map_err(file.corrupt())? else { return Ok(None) };
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
        let open = |at: usize| FixedWidthColumn::open(input, column(at), n);
        let users = read_column(projection.users, || open(USER), wanted, memory.user_id);
        let movies = read_column(projection.movies, || open(MOVIE), wanted, memory.movie_id);
        let open = || FixedWidthColumn::open(input, column(RATING), n);
        let ratings = read_column(projection.ratings, open, wanted, memory.rating);
        let corrupt = file.corrupt();
        let (Some(user_id), Some(movie_id), Some(rating)) =
            (users.map_err(&corrupt)?, movies.map_err(&corrupt)?, ratings.map_err(&corrupt)?)
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

    /// Whether all distinct ratings are on the scale; which row has one that is not is found
    /// when ratings are read one by one.
    pub(super) fn are_on_scale(&self, values: &[f32]) -> bool {
        values.iter().all(|stars| self.scale.is_none_or(|scale| scale.contains(*stars)))
    }

    /// Refuses ratings off the scale and times before 1970 or after 2100; `row` tells which row of
    /// the file each is.
    pub(super) fn check(
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
        if let Some(at) = first_bad(times, good_time) {
            let shown = time::format(times[at]);
            return Err(bad(TIMESTAMP, at, &shown, "is not between 1970 and 2100"));
        }
        Ok(())
    }
}
