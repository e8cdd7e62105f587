//! Reads ratings: columns by the usual names, types cast, values checked as at every door.

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float32Type, Int32Type, TimestampMillisecondType};
use rayon::prelude::*;

use crate::io::columns::{NO_TIME, RatingColumns};
use crate::io::delimited::required_roles;
use crate::io::error::IoError;
use crate::io::parquet::read::ParquetFile;
use crate::io::time;
use crate::io::values::{check_rating, check_time};
use crate::schema;

impl ParquetFile {
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
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float64Array, Int64Array};
    use arrow::datatypes::{Field, Schema};

    use super::*;
    use crate::io::parquet::{Layout, write_batch};
    use crate::io::source::Source;

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
    fn times_of_any_unit_and_zone_are_the_same_instants() {
        use arrow::array::{StringArray, TimestampMicrosecondArray, TimestampSecondArray};
        let times: [ArrayRef; 5] = [
            Arc::new(TimestampSecondArray::from(vec![1_514_764_800])),
            Arc::new(TimestampSecondArray::from(vec![1_514_764_800]).with_timezone("+05:00")),
            Arc::new(
                TimestampMicrosecondArray::from(vec![1_514_764_800_000_000]).with_timezone("UTC"),
            ),
            Arc::new(StringArray::from(vec!["2018-01-01T00:00:00"])),
            Arc::new(Int64Array::from(vec![1_514_764_800])),
        ];
        for time in times {
            let one = || -> ArrayRef { Arc::new(Int64Array::from(vec![1])) };
            let columns = [("user", one()), ("item", one()), ("rating", one()), ("time", time)];
            let batch = RecordBatch::try_from_iter(columns).unwrap();
            let mut bytes = Vec::new();
            write_batch(&mut bytes, "x", &Layout::default(), &batch).unwrap();
            let rows = open(bytes).unwrap().read_ratings().unwrap();
            assert_eq!(rows.time_ms, [1_514_764_800_000], "{:?}", batch.column(3).data_type());
        }
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
