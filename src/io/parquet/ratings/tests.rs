use std::io::Cursor;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array};
use arrow::datatypes::{Field, Schema};
use proptest::prelude::*;

use super::*;
use crate::io::columns::RatingRows;
use crate::io::parquet::{ParquetLayout, ratings_layout, write_batch};
use crate::io::scan::{RowConsumer, SelectedRows};
use crate::io::source::Source;

fn open(bytes: Vec<u8>) -> Result<ParquetFile, IoError> {
    ParquetFile::open(Source::from_reader("x.parquet".into(), Cursor::new(bytes))?)
}

fn read_with(file: &ParquetFile, import: &mut ImportState) -> Result<RatingColumns, IoError> {
    let mut all = RatingColumns::default();
    file.read_ratings(import, &mut |mut rows| {
        all.append(&mut rows);
        Ok(())
    })?;
    Ok(all)
}

fn read(bytes: Vec<u8>) -> Result<RatingColumns, IoError> {
    read_with(&open(bytes)?, &mut ImportState::default())
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
        Arc::new(TimestampMicrosecondArray::from(vec![1_514_764_800_000_000]).with_timezone("UTC")),
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
    let texts = |values: [&str; 2]| -> ArrayRef { Arc::new(StringArray::from(values.to_vec())) };
    let stars: ArrayRef = Arc::new(Float64Array::from(vec![4.0, 5.0]));
    let columns = [("user", texts(["zoe", "al"])), ("item", texts(["7", "8"])), ("rating", stars)];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    write_batch(&mut bytes, "x", &ParquetLayout::default(), &batch).unwrap();
    let mut import = ImportState::default();
    let rows = read_with(&open(bytes).unwrap(), &mut import).unwrap();
    assert_eq!((&rows.user_id[..], &rows.movie_id[..]), (&[1, 2][..], &[7, 8][..]));
    assert_eq!(import.users.to_keys().unwrap().keys, ["zoe", "al"]);
    assert!(import.movies.to_keys().is_none());
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
    let mut import = ImportState { period: Some(250_000..252_000), ..ImportState::default() };
    let rows = read_with(&open(bytes).unwrap(), &mut import).unwrap();
    assert_eq!(rows.time_ms, [250_000, 251_000]);
    assert_eq!((&rows.user_id[..], &rows.movie_id[..]), (&[35, 35][..], &[5, 6][..]));
}

/// Keeps all rows.
#[derive(Default)]
struct All {
    needed: Projection,
    seen: RatingColumns,
}

fn keep(seen: &mut RatingColumns, rows: RatingRows<'_>) {
    for (row, (&user, &movie)) in rows.user_id.iter().zip(rows.movie_id).enumerate() {
        seen.push(user, movie, rows.rating_at(row), rows.time_ms[row]);
    }
}

impl RowConsumer for All {
    fn projection(&self) -> Projection {
        self.needed
    }

    fn consume(&mut self, rows: RatingRows<'_>) {
        keep(&mut self.seen, rows);
    }
}

/// Picks and keeps the rows of every third movie.
#[derive(Default)]
struct EveryThird {
    needs: Projection,
    of_picked: Projection,
    rows: usize,
    seen: RatingColumns,
}

impl RowConsumer for EveryThird {
    fn projection(&self) -> Projection {
        self.needs
    }

    fn consume(&mut self, rows: RatingRows<'_>) {
        self.rows += rows.movie_id.len();
    }

    fn late_projection(&self) -> Projection {
        self.of_picked
    }

    fn select(&self, rows: RatingRows<'_>, selected: &mut Vec<u32>) {
        let all = rows.movie_id.iter().enumerate();
        selected.extend(all.filter(|(_, id)| **id % 3 == 0).map(|(row, _)| row as u32));
    }

    fn consume_selected(&mut self, rows: RatingRows<'_>) {
        keep(&mut self.seen, rows);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn native_decoder_reads_what_arrow_reads(
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
            let import = ImportState { period: period.clone(), ..ImportState::default() };
            let reader = file.rating_columns(&import).unwrap();
            let (mut short, mut arrow) = (RatingColumns::default(), RatingsPart::default());
            let memory = columns.clone();
            for group in 0..file.metadata.metadata().num_row_groups() {
                short.append(&mut reader.read_native(&file, group, 0, Projection::ALL, memory.clone()).unwrap().expect("it is mvrec's own"));
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
        let kinds = Projection { ratings: false, rating_indices: true, ..Projection::ALL };
        for needed in [Projection::ALL, kinds] {
            let mut all = All { needed, ..All::default() };
            (0..groups.len()).for_each(|group| groups.feed(group, &mut all, &mut memory).unwrap());
            prop_assert_eq!(&all.seen, &columns);
        }
        // Late materialization: the columns of selected rows only.
        for (needs, of_picked) in [
            (Projection { movies: true, ..Projection::default() }, Projection { movies: false, ..kinds }),
            (Projection { movies: true, rating_indices: true, ..Projection::default() }, Projection::ALL),
            (Projection::ALL, kinds),
        ] {
            let mut some = EveryThird { needs, of_picked, ..EveryThird::default() };
            (0..groups.len()).for_each(|group| groups.feed(group, &mut some, &mut memory).unwrap());
            prop_assert_eq!(&some.seen, &columns.filter(|row| columns.movie_id[row] % 3 == 0));
            prop_assert_eq!(some.rows, columns.len());
            let mut shown = EveryThird { needs, of_picked, ..EveryThird::default() };
            SelectedRows::default().feed(&mut shown, columns.rows(0..columns.len()));
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
                for needed in [Projection::ALL, kinds] {
                    let mut all = All { needed, ..All::default() };
                    let _ = (0..groups.len()).try_for_each(|at| groups.feed(at, &mut all, &mut memory));
                }
                let needs = Projection { movies: true, ..Projection::default() };
                let mut some = EveryThird { needs, of_picked: kinds, ..EveryThird::default() };
                let _ = (0..groups.len()).try_for_each(|at| groups.feed(at, &mut some, &mut memory));
            }
        }
    }
}

#[test]
fn bad_values_are_named_with_column_and_row() {
    let message = |bytes| read(bytes).unwrap_err().to_string();
    assert_eq!(message(foreign(5, 7.0)), "x.parquet: row 1: rating `7` is not between 0.5 and 5");
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
        let layout = ParquetLayout { group_rows, page_rows, deltas, ..ParquetLayout::default() };
        let mut bytes = Vec::new();
        write_batch(&mut bytes, "x", &layout, &batch).unwrap();
        let read = open(bytes).unwrap().read_as(&batch.schema()).unwrap();
        assert_eq!(read, batch, "{group_rows} {page_rows}");
    }
}
