//! Parquet that others wrote.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, DictionaryArray, Float64Array, Int64Array, NullArray,
    RecordBatch, StringArray,
};
use arrow::datatypes::Int32Type;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use crate::Fixture;

type Columns = Vec<(&'static str, ArrayRef)>;

fn write(path: &Path, columns: Columns) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, true)),
    )
    .unwrap();
    let properties =
        WriterProperties::builder().set_compression(Compression::BROTLI(Default::default()));
    let file = fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties.build())).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn floats(values: &[Option<f64>]) -> ArrayRef {
    Arc::new(Float64Array::from(values.to_vec()))
}

fn ints(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

/// Ratings of 3 and 4 stars by users 1 and 2 of movies 10 and 20.
fn plain() -> Columns {
    vec![("user_id", ints(&[1, 2])), ("movie_id", ints(&[10, 20])), ("rating", ints(&[3, 4]))]
}

fn csv(fixture: &Fixture, source: &str) -> String {
    fixture.ok(&["ingest", source, "-o", "out.csv"]);
    fs::read_to_string(fixture.path("out.csv")).unwrap()
}

const PLAIN: &str = "user_id,movie_id,rating,rating_timestamp\n1,10,3.0,\n2,20,4.0,\n";

#[test]
fn columns_of_other_types_are_the_same_ratings() {
    let fixture = Fixture::new();
    let dictionary: DictionaryArray<Int32Type> = vec!["1", "2"].into_iter().collect();
    for (at, array) in [
        (0, floats(&[Some(1.0), Some(2.0)])),
        (0, texts(&["1", "2.0"])),
        (0, Arc::new(dictionary)),
        (1, floats(&[Some(10.0), Some(20.0)])),
        (2, texts(&["3", "4.0"])),
        (2, floats(&[Some(3.0), Some(4.0)])),
    ] as [(usize, ArrayRef); 6]
    {
        let mut columns = plain();
        columns[at].1 = Arc::clone(&array);
        write(&fixture.path("x.parquet"), columns);
        assert_eq!(csv(&fixture, "x.parquet"), PLAIN, "{:?}", array.data_type());
    }
}

#[test]
fn times_of_other_types_are_the_same_instants() {
    let fixture = Fixture::new();
    for (array, shown) in [
        (floats(&[Some(1_500_000_000.0), None]), "2017-07-14T02:40:00Z"),
        (floats(&[Some(1_500_000_000.9), Some(f64::NAN)]), "2017-07-14T02:40:00Z"),
        (texts(&["1500000000", "NaT"]), "2017-07-14T02:40:00Z"),
        (texts(&["2017-07-14 02:40", ""]), "2017-07-14T02:40:00Z"),
        (Arc::new(Date32Array::from(vec![Some(17_361), None])), "2017-07-14T00:00:00Z"),
        (Arc::new(Int64Array::from(vec![Some(20_170_714), None])), "2017-07-14T00:00:00Z"),
        (Arc::new(NullArray::new(2)), ""),
    ] as [(ArrayRef, &str); 7]
    {
        let mut columns = plain();
        columns.push(("created_at", Arc::clone(&array)));
        write(&fixture.path("x.parquet"), columns);
        let expected = PLAIN.replace("3.0,", &format!("3.0,{shown}"));
        assert_eq!(csv(&fixture, "x.parquet"), expected, "{:?}", array.data_type());
    }
}

#[test]
fn ids_beyond_32_bits_are_keys_and_fractions_errors() {
    let fixture = Fixture::new();
    let mut columns = plain();
    columns[0].1 = ints(&[9_000_000_000, 1]);
    write(&fixture.path("big.parquet"), columns);
    assert!(csv(&fixture, "big.parquet").contains("3.0,,9000000000"));
    let mut columns = plain();
    columns[0].1 = floats(&[Some(1.2), Some(2.0)]);
    write(&fixture.path("fraction.parquet"), columns);
    let mut columns = plain();
    columns[0].1 = Arc::new(BooleanArray::from(vec![true, false]));
    write(&fixture.path("bool.parquet"), columns);
    insta::assert_snapshot!(fixture.snapshot(&["ingest", "fraction.parquet", "-o", "x"]), @"
    exit 1
    --- stderr
    mvrec: error: fraction.parquet: row 1: user `1.2` is not a whole number
    mvrec: hint: if ids are text here, ingest them with --text-ids
    ");
    insta::assert_snapshot!(fixture.snapshot(&["ingest", "bool.parquet", "-o", "x"]), @"
    exit 1
    --- stderr
    mvrec: error: bool.parquet: column `user_id` has type Boolean, which is no user
    ");
}

#[test]
fn bad_rows_are_put_aside_with_their_row_and_reason() {
    let fixture = Fixture::new();
    let columns = vec![
        ("user_id", floats(&[Some(1.0), None, Some(3.0), Some(4.0), Some(5.5)])),
        ("movie_id", ints(&[1, 2, 3, 4, 5])),
        ("rating", floats(&[Some(3.0), Some(3.0), Some(f64::NAN), Some(9.0), Some(3.0)])),
    ];
    write(&fixture.path("bad.parquet"), columns);
    insta::assert_snapshot!(fixture.snapshot(&["ingest", "bad.parquet", "-o", "x"]), @"
    exit 1
    --- stderr
    mvrec: error: bad.parquet: row 2: user `null` is missing
    ");
    insta::assert_snapshot!(fixture.snapshot(&["ingest", "bad.parquet", "--on-error", "skip", "-o", "x"]), @"
    exit 0
    --- stderr
    mvrec: recognised Parquet: 1 rating
    mvrec: warning: 1 bad rows: rating is missing
    mvrec: warning: 1 bad rows: rating is not between 0.5 and 5
    mvrec: warning: 1 bad rows: user is missing
    mvrec: warning: 1 bad rows: user is not a whole number
    ");
    insta::assert_snapshot!(fs::read_to_string(fixture.path("x/rejected.csv")).unwrap(), @r#"
    file,line,reason,text
    bad.parquet,2,user is missing,",2,3.0"
    bad.parquet,3,rating is missing,"3.0,3,NaN"
    bad.parquet,4,rating is not between 0.5 and 5,"4.0,4,9.0"
    bad.parquet,5,user is not a whole number,"5.5,5,3.0"
    "#);
}

#[test]
fn folders_of_parts_are_one_table_for_every_command() {
    let fixture = Fixture::new();
    let part = |path: &str, columns| write(&fixture.path(path), columns);
    part("spark/part-1.parquet", plain());
    let mut other = plain();
    other.reverse();
    other[2].1 = floats(&[Some(3.0), Some(4.0)]);
    part("spark/part-0.parquet", other);
    fs::write(fixture.path("spark/_SUCCESS"), "").unwrap();
    fs::write(fixture.path("spark/.part-1.parquet.crc"), "x").unwrap();
    for user in ["7", "8"] {
        let path = format!("hive/user_id={user}/year=2019/x.parquet");
        part(&path, vec![("movie_id", ints(&[1, 2])), ("rating", ints(&[3, 4]))]);
    }
    assert_eq!(csv(&fixture, "spark").lines().count(), 5);
    assert!(csv(&fixture, "hive").contains("7,1,3.0,\n7,2,4.0,\n8,1,3.0"));
    for (folder, ratings) in [("spark", 4), ("hive", 4)] {
        assert_eq!(fixture.json(&["stats", "summary", folder])["ratings"], ratings);
        fixture.ok(&["filter", folder, "--rating", "4..", "-o", "liked"]);
        assert_eq!(fixture.json(&["stats", "summary", "liked"])["ratings"], 2);
        fixture.ok(&["train", "popularity", folder, "-o", "model"]);
    }
    fs::create_dir(fixture.path("empty")).unwrap();
    fixture.ok(&["split", "--by", "random", "--test", "0.5", "spark", "-o", "parts"]);
    for (folder, message) in [
        ("empty", "not a dataset directory"),
        ("model", "model: is a model"),
        ("parts", "give one of its parts, such as parts/train"),
    ] {
        let refused = fixture.snapshot(&["stats", "summary", folder]);
        assert!(refused.contains(message), "{refused}");
    }
}

#[test]
fn titles_of_other_writers_are_read() {
    let fixture = Fixture::new();
    write(&fixture.path("r.parquet"), plain());
    for (path, columns) in [
        ("m.parquet", vec![("movieId", ints(&[10, 20])), ("title", texts(&["A (1990)", "B"]))]),
        (
            "n.parquet",
            vec![
                ("genre", texts(&["['War']", "x"])),
                ("name", texts(&["A (1990)", "B"])),
                ("id", floats(&[Some(10.0), Some(20.0)])),
            ],
        ),
    ] {
        write(&fixture.path(path), columns);
        let movies =
            fixture.ok(&["stats", "movies", "r.parquet", "--movies", path, "--format", "csv"]);
        assert!(String::from_utf8(movies).unwrap().contains("10,A (1990)"), "{path}");
    }
    fixture.ok(&["stats", "movies", "r.parquet", "--movies", "m.parquet", "-o", "again.parquet"]);
    fixture.ok(&["ingest", "r.parquet", "--movies", "again.parquet", "-o", "ml"]);
    let found = fixture.json(&["info", "ml"]);
    assert_eq!(found["shape"]["movies"], 2, "{found}");
}
