//! Ratings of other writers: each column is converted by its type, and a bad value is told by its
//! row.
//!
//! pandas makes floats of integers beside nulls, Spark keeps ids of 64 bits, DuckDB decimals,
//! Polars categories: what a value means is decided by the rules that hold for text as well
//! ([`parse_id`], [`parse_time`], [`is_missing`]).

use std::borrow::Cow;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Float32Type, Float64Type, Int32Type, Int64Type, TimestampMillisecondType,
};
use arrow::util::display::array_value_to_string;
use rayon::prelude::*;

use crate::io::columns::{NO_TIME, RatingColumns};
use crate::io::error::{BadValue, IoError};
use crate::io::keys::{KeyIndex, key_of};
use crate::io::parquet::ratings::{RatingColumnReader, RatingsPart};
use crate::io::parquet::read::ParquetFile;
use crate::io::text::{MOVIE, RATING, ROLES, TIMESTAMP, TextOptions, USER};
use crate::io::time;
use crate::io::values::{
    check_time, epoch_ms, is_missing, parse_id, parse_rating, parse_time, parse_time_as,
};
use crate::schema;

/// Rating of a row without one, which says only that the user chose the movie.
const UNARY: f32 = 1.0;

/// How a file is imported.
struct RowImporter<'a> {
    pub(super) file: &'a ParquetFile,
    /// Positions of user, movie, rating and timestamp; those beyond the columns of the file are
    /// partition values.
    pub(super) positions: [Option<usize>; 4],
    /// For users and for movies, whether ids are keys.
    pub(super) keyed: [bool; 2],
    pub(super) options: &'a TextOptions,
}

/// A value that cannot be used.
struct BadCell {
    row: usize,
    role: usize,
    value: String,
    problem: Cow<'static, str>,
}

/// Bad values of a batch, and a batch's rows.
#[derive(Default)]
pub(super) struct ImportedRows {
    pub(super) rows: RatingColumns,
    /// Errors in the order of rows, each with the text of its row.
    pub(super) bad: Vec<(IoError, String)>,
}

impl RowImporter<'_> {
    /// Converts a batch whose first row is row `start` of the file; keys get numbers of `keys`.
    pub(super) fn batch(
        &self,
        batch: &RecordBatch,
        start: usize,
        keys: &mut [KeyIndex; 2],
    ) -> Result<ImportedRows, IoError> {
        let mut bad = Vec::new();
        let user_id = self.ids(USER, batch, &mut keys[USER], &mut bad)?;
        let movie_id = self.ids(MOVIE, batch, &mut keys[MOVIE], &mut bad)?;
        let rating = self.ratings(batch, &mut bad)?;
        let time_ms = self.times(batch, &mut bad)?;
        let rows = RatingColumns { user_id, movie_id, rating, time_ms };
        if bad.is_empty() {
            return Ok(ImportedRows { rows, bad: Vec::new() });
        }
        bad.sort_by_key(|bad| bad.row);
        bad.dedup_by_key(|bad| bad.row);
        let is_bad = |row: usize| bad.binary_search_by_key(&row, |bad| bad.row).is_ok();
        let rows = rows.filter(|row| !is_bad(row));
        let bad = bad.iter().map(|bad| (self.error(bad, start), text_of_row(batch, bad.row)));
        Ok(ImportedRows { rows, bad: bad.collect() })
    }

    fn error(&self, bad: &BadCell, start: usize) -> IoError {
        IoError::BadValue(Box::new(BadValue {
            file: self.file.name().into(),
            row: (start + bad.row + 1) as u64,
            column: ROLES[bad.role],
            value: bad.value.clone(),
            problem: bad.problem.clone().into_owned(),
        }))
    }

    /// Returns the column of a role, dictionaries resolved; `None` where there is none.
    fn column(&self, role: usize, batch: &RecordBatch) -> Result<Option<ArrayRef>, IoError> {
        let Some(at) = self.positions[role] else { return Ok(None) };
        let fields = self.file.schema().fields();
        let Some(field) = fields.get(at) else {
            let value = self.file.partition_value(at - fields.len());
            let values = StringArray::from_iter(std::iter::repeat_n(value, batch.num_rows()));
            return Ok(Some(std::sync::Arc::new(values)));
        };
        let array = batch.column_by_name(field.name()).expect("it was projected");
        match array.data_type() {
            DataType::Dictionary(_, values) => self.cast(role, array, values).map(Some),
            _ => Ok(Some(ArrayRef::clone(array))),
        }
    }

    fn cast(&self, role: usize, array: &ArrayRef, kind: &DataType) -> Result<ArrayRef, IoError> {
        cast(array, kind).map_err(|_| self.unusable(role, array))
    }

    fn unusable(&self, role: usize, array: &ArrayRef) -> IoError {
        let at = self.positions[role].unwrap_or(0);
        let name = self.file.schema().fields().get(at).map(|field| field.name().clone());
        IoError::BadColumn {
            file: self.file.name().into(),
            column: name.unwrap_or_default(),
            problem: format!("has type {}, which is no {}", array.data_type(), ROLES[role]),
        }
    }

    fn ids(
        &self,
        role: usize,
        batch: &RecordBatch,
        keys: &mut KeyIndex,
        bad: &mut Vec<BadCell>,
    ) -> Result<Vec<i32>, IoError> {
        let array = self.column(role, batch)?.expect("users and movies have a column");
        if self.keyed[role] {
            let verbatim = self.options.text_ids[role];
            let texts = id_texts(&array).ok_or_else(|| self.unusable(role, &array))?;
            let is_name = |text: &str| match verbatim {
                true => !text.is_empty(),
                false => !is_missing(text.as_bytes()),
            };
            let number = |text: &str| match is_name(text) {
                true => Ok(keys.number(key_of(text.as_bytes()))),
                false => Err("is missing"),
            };
            return Ok(from_texts(role, &texts, bad, number));
        }
        let numbers = match array.data_type() {
            DataType::Int32 => {
                let array = array.as_primitive::<Int32Type>();
                return Ok(from_values(role, array.iter(), bad, Ok::<_, &str>));
            }
            kind if kind.is_integer() => {
                let array = self.cast(role, &array, &DataType::Int64)?;
                let array = array.as_primitive::<Int64Type>();
                from_values(role, array.iter(), bad, |id| {
                    i32::try_from(id).map_err(|_| "does not fit 32 bits")
                })
            }
            kind if kind.is_floating() => {
                let array = self.cast(role, &array, &DataType::Float64)?;
                let array = array.as_primitive::<Float64Type>();
                from_values(role, array.iter(), bad, |id| match id {
                    _ if id.is_nan() => Err("is missing"),
                    _ if id.fract() != 0.0 => Err("is not a whole number"),
                    _ if id.abs() > f64::from(i32::MAX) => Err("does not fit 32 bits"),
                    _ => Ok(id as i32),
                })
            }
            _ => {
                let texts = id_texts(&array).ok_or_else(|| self.unusable(role, &array))?;
                from_texts(role, &texts, bad, |text| parse_id(text.as_bytes()))
            }
        };
        Ok(numbers)
    }

    fn ratings(&self, batch: &RecordBatch, bad: &mut Vec<BadCell>) -> Result<Vec<f32>, IoError> {
        let Some(array) = self.column(RATING, batch)? else {
            return Ok(vec![UNARY; batch.num_rows()]);
        };
        let (scale, decimal_comma) = (self.options.scale, self.options.decimal_comma);
        if is_text(array.data_type()) {
            let texts = self.cast(RATING, &array, &DataType::Utf8)?;
            let parse = |text: &str| parse_rating(text.trim().as_bytes(), scale, decimal_comma);
            return Ok(from_texts(RATING, texts.as_string(), bad, parse));
        }
        if !array.data_type().is_numeric() && *array.data_type() != DataType::Null {
            return Err(self.unusable(RATING, &array));
        }
        let array = self.cast(RATING, &array, &DataType::Float32)?;
        let values = array.as_primitive::<Float32Type>().iter();
        Ok(from_values(RATING, values, bad, |value| match value.is_nan() {
            true => Err("is missing".to_string()),
            false => scale.check(value),
        }))
    }

    fn times(&self, batch: &RecordBatch, bad: &mut Vec<BadCell>) -> Result<Vec<i64>, IoError> {
        let untimed = || Ok(vec![NO_TIME; batch.num_rows()]);
        let Some(array) = self.column(TIMESTAMP, batch)? else { return untimed() };
        let checked = |ms: i64| check_time(ms);
        let values = match array.data_type() {
            DataType::Null => return untimed(),
            kind if is_text(kind) => {
                let texts = self.cast(TIMESTAMP, &array, &DataType::Utf8)?;
                let format = self.options.time_format.as_deref();
                let parse = |text: &str| match format {
                    Some(format) => parse_time_as(text.trim().as_bytes(), format),
                    None => parse_time(text.trim().as_bytes()),
                };
                return Ok(from_texts(TIMESTAMP, &or_empty(texts.as_string()), bad, parse));
            }
            kind if kind.is_floating() => {
                let counts = self.cast(TIMESTAMP, &array, &DataType::Float64)?;
                let counts = counts.as_primitive::<Float64Type>().iter();
                return Ok(from_values(
                    TIMESTAMP,
                    counts.map(|n| Some(n.unwrap_or(f64::NAN))),
                    bad,
                    |count| {
                        if count.is_nan() {
                            Ok(NO_TIME)
                        } else {
                            checked(epoch_ms(count.trunc() as i64))
                        }
                    },
                ));
            }
            DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => {
                let at = self.positions[TIMESTAMP].expect("it has a column");
                let name = self.file.schema().field(at).name();
                self.file.cast(name, &array, &schema::timestamp(), true)?
            }
            kind if kind.is_integer() => {
                let counts = self.cast(TIMESTAMP, &array, &DataType::Int64)?;
                let counts = counts.as_primitive::<Int64Type>();
                std::sync::Arc::new(counts.unary::<_, TimestampMillisecondType>(epoch_ms))
            }
            _ => return Err(self.unusable(TIMESTAMP, &array)),
        };
        let values = values.as_primitive::<TimestampMillisecondType>();
        let mut times = Vec::with_capacity(values.len());
        for (row, ms) in values.iter().enumerate() {
            let ms = ms.unwrap_or(NO_TIME);
            if ms != NO_TIME
                && let Err(problem) = check_time(ms)
            {
                let value = time::format(ms);
                bad.push(BadCell { row, role: TIMESTAMP, value, problem: problem.into() });
            }
            times.push(ms);
        }
        Ok(times)
    }
}

fn is_text(kind: &DataType) -> bool {
    matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// Returns ids as text: words, whole numbers as they are spelled, UUIDs in hexadecimal; `None` for
/// types that are no ids.
pub(super) fn id_texts(array: &ArrayRef) -> Option<StringArray> {
    let kind = array.data_type();
    if let DataType::FixedSizeBinary(16) = kind {
        let ids = array.as_fixed_size_binary();
        let texts = (0..ids.len()).map(|row| ids.is_valid(row).then(|| uuid(ids.value(row))));
        return Some(texts.collect());
    }
    let is_id = is_text(kind)
        || (kind.is_numeric())
        || matches!(
            kind,
            DataType::Null | DataType::Binary | DataType::LargeBinary | DataType::BinaryView
        )
        || matches!(kind, DataType::Dictionary(..));
    let texts = is_id.then(|| cast(array, &DataType::Utf8).ok()).flatten()?;
    Some(texts.as_string::<i32>().clone())
}

fn uuid(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

fn or_empty(texts: &StringArray) -> StringArray {
    texts.iter().map(|text| Some(text.unwrap_or_default())).collect()
}

fn from_texts<T: Default, P: Into<Cow<'static, str>>>(
    role: usize,
    texts: &StringArray,
    bad: &mut Vec<BadCell>,
    mut parse: impl FnMut(&str) -> Result<T, P>,
) -> Vec<T> {
    let parsed = texts.iter().enumerate().map(|(row, text)| {
        let text = text.unwrap_or_default().trim();
        parse(text).unwrap_or_else(|problem| {
            bad.push(BadCell { row, role, value: text.into(), problem: problem.into() });
            T::default()
        })
    });
    parsed.collect()
}

fn from_values<V: ToString + Copy, T: Default, P: Into<Cow<'static, str>>>(
    role: usize,
    values: impl Iterator<Item = Option<V>>,
    bad: &mut Vec<BadCell>,
    convert: impl Fn(V) -> Result<T, P>,
) -> Vec<T> {
    let mut converted = Vec::with_capacity(values.size_hint().0);
    for (row, value) in values.enumerate() {
        let result = match value {
            Some(value) => convert(value).map_err(|problem| (value.to_string(), problem.into())),
            None => Err(("null".to_string(), Cow::Borrowed("is missing"))),
        };
        converted.push(result.unwrap_or_else(|(value, problem)| {
            bad.push(BadCell { row, role, value, problem });
            T::default()
        }));
    }
    converted
}

/// Returns the values of a row, joined by commas.
fn text_of_row(batch: &RecordBatch, row: usize) -> String {
    let values = batch.columns().iter();
    let values = values.map(|column| array_value_to_string(column, row).unwrap_or_default());
    values.collect::<Vec<_>>().join(",")
}

impl RatingColumnReader {
    /// Reads a row group of another writer's file, which begins with row `start`.
    pub(super) fn import_group(
        &self,
        file: &ParquetFile,
        group: usize,
        start: usize,
        options: &TextOptions,
    ) -> Result<RatingsPart, IoError> {
        let import = RowImporter { file, positions: self.positions, keyed: self.keyed, options };
        file.guarded(|| {
            let mut part = RatingsPart::default();
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
    pub(super) fn stream_group(
        &self,
        file: &ParquetFile,
        group: usize,
        start: usize,
        options: &TextOptions,
        take: &mut impl FnMut(Result<RatingsPart, IoError>) -> Result<bool, IoError>,
    ) -> Result<(), IoError> {
        let import = RowImporter { file, positions: self.positions, keyed: self.keyed, options };
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
                Ok(RatingsPart { rows: imported.rows, keys, bad: imported.bad })
            });
            for part in parts.collect::<Vec<_>>() {
                if !take(part)? {
                    return Ok(());
                }
            }
        }
    }
}
