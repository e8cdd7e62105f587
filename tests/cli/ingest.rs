use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use crate::{Fixture, broken, ml_mini};

#[test]
fn a_movielens_folder_becomes_a_dataset() {
    let fixture = Fixture::new();
    insta::assert_snapshot!(fixture.snapshot(&["ingest", &ml_mini(), "-o", "ml"]), @"
    exit 0
    --- stderr
    mvrec: recognised MovieLens CSV (ratings.csv, movies.csv, links.csv, tags.csv): 12211 ratings
    ");
    let mut names: Vec<String> = fs::read_dir(fixture.path("ml"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let expected =
        ["dataset.json", "links.parquet", "movies.parquet", "ratings.parquet", "tags.parquet"];
    assert_eq!(names, expected);
    assert_eq!(fixture.names(), ["ml"]);
}

/// Zips the fixture with its folder inside, as GroupLens does.
fn zip(target: &Path, prefix: &str) {
    let mut zip = zip::ZipWriter::new(fs::File::create(target).unwrap());
    let options = zip::write::SimpleFileOptions::default();
    for entry in fs::read_dir(ml_mini()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        zip.start_file(format!("{prefix}{name}"), options).unwrap();
        zip.write_all(&fs::read(&path).unwrap()).unwrap();
    }
    zip.finish().unwrap();
}

#[test]
fn folder_zip_packed_files_stdin_and_crlf_give_the_same_ratings() {
    let fixture = Fixture::with_dataset();
    let expected = fs::read(fixture.path("ml/ratings.parquet")).unwrap();
    zip(&fixture.path("ml.zip"), "ml-mini/");
    zip(&fixture.path("evil.zip"), "../../");
    let text = fs::read_to_string(format!("{}/ratings.csv", ml_mini())).unwrap();
    fs::write(fixture.path("crlf.csv"), text.replace('\n', "\r\n")).unwrap();
    let packed = zstd::encode_all(text.as_bytes(), 1).unwrap();
    fs::write(fixture.path("packed.csv.zst"), packed).unwrap();
    insta::assert_snapshot!(fixture.snapshot(&["ingest", "evil.zip", "-o", "again"]), @"
    exit 1
    --- stderr
    mvrec: error: evil.zip: member `../../movies.csv` leads outside of the archive; refusing to read it
    ");
    for source in ["ml.zip", "crlf.csv", "packed.csv.zst", "ml/ratings.parquet", "ml"] {
        fixture.ok(&["ingest", source, "-o", "again"]);
        let again = fs::read(fixture.path("again/ratings.parquet")).unwrap();
        assert!(again == expected, "{source}");
    }
    let zipped = fs::read(fixture.path("ml.zip")).unwrap();
    fixture.ok_with(&["ingest", "-", "-o", "zipped"], &zipped);
    assert!(fs::read(fixture.path("zipped/ratings.parquet")).unwrap() == expected, "zip on stdin");
    fixture.ok_with(&["ingest", "-", "-o", "again"], text.as_bytes());
    assert!(fs::read(fixture.path("again/ratings.parquet")).unwrap() == expected, "stdin");
}

#[test]
fn many_row_groups_are_the_same_bytes_at_any_number_of_threads_and_from_anywhere() {
    let fixture = Fixture::new();
    let mut text = String::from("userId,movieId,rating,timestamp\n");
    for row in 0..600_000_u32 {
        let (user, movie) = (row / 150 + 1, row % 150 * 7 + 1);
        let (stars, time) = (row * 7 % 10 + 1, 1_200_000_000 + row * 31 % 400_000_000);
        writeln!(text, "{user},{movie},{:.1},{time}", f64::from(stars) / 2.0).unwrap();
    }
    fs::write(fixture.path("ratings.csv"), &text).unwrap();
    let mut zip = zip::ZipWriter::new(fs::File::create(fixture.path("r.zip")).unwrap());
    zip.start_file("ml/ratings.csv", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(text.as_bytes()).unwrap();
    zip.finish().unwrap();
    // In the order of time, no user's rows stand together.
    let mut lines: Vec<&str> = text.lines().skip(1).collect();
    lines.sort_by_key(|line| line.rsplit(',').next().unwrap());
    fs::write(fixture.path("by-time.csv"), lines.join("\n")).unwrap();
    let mut seen: Option<[Vec<u8>; 2]> = None;
    for (source, threads) in [
        ("ratings.csv", "1"),
        ("ratings.csv", "2"),
        ("ratings.csv", "8"),
        ("r.zip", "2"),
        ("-", "2"),
        ("by-time.csv", "2"),
    ] {
        let stdin = if source == "-" { text.as_bytes() } else { b"" };
        fixture.ok_with(&["ingest", source, "--threads", threads, "-o", "all"], stdin);
        fixture.ok(&[
            "filter",
            "--where",
            "year = 2010 and rating > 2",
            "--threads",
            threads,
            "all",
            "-o",
            "some",
        ]);
        let read = |name: &str| fs::read(fixture.path(name).join("ratings.parquet")).unwrap();
        let now = [read("all"), read("some")];
        match &seen {
            None => seen = Some(now),
            Some(before) => assert!(now == *before, "{source} with {threads} threads"),
        }
    }
}

#[test]
fn every_movielens_layout_gives_the_same_ratings_and_movies() {
    let layouts = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/layouts");
    let fixture = Fixture::new();
    for (name, recognised) in [
        ("ml-100k", "MovieLens 100K"),
        ("ml-1m", "MovieLens 1M or 10M"),
        ("ml-10m", "MovieLens 1M or 10M"),
    ] {
        let source = layouts.join(name);
        fixture.ok(&["ingest", source.to_str().unwrap(), "-o", name]);
        assert_eq!(fixture.json(&["info", name])["recognised"], recognised);
        for file in ["ratings.parquet", "movies.parquet"] {
            let read = |folder: &str| fs::read(fixture.path(folder).join(file)).unwrap();
            assert!(read(name) == read("ml-100k"), "{name}/{file}");
        }
    }
    let table = fixture.json(&["stats", "movies", "ml-1m"]);
    assert_eq!(table[2]["title"], "Misérables, Les (1995)");
    assert_eq!(table[2]["genres"], "Drama|Musical");
    assert!(fixture.path("ml-10m/tags.parquet").is_file());
    // The parts of the 100K splits are files like any other.
    let part = |name: &str| layouts.join("ml-100k").join(name).to_str().unwrap().to_string();
    fixture.ok(&["ingest", &part("u1.base"), &part("u1.test"), "-o", "parts"]);
    let read = |folder: &str| fs::read(fixture.path(folder).join("ratings.parquet")).unwrap();
    assert!(read("parts") == read("ml-100k"));
}

#[test]
fn the_zip_brings_everything_along() {
    let fixture = Fixture::with_dataset();
    zip(&fixture.path("ml.zip"), "ml-mini/");
    fixture.ok(&["ingest", "ml.zip", "-o", "again"]);
    for name in ["dataset.json", "links.parquet", "movies.parquet", "tags.parquet"] {
        let read = |folder: &str| fs::read(fixture.path(folder).join(name)).unwrap();
        assert!(read("ml") == read("again"), "{name}");
    }
}

#[test]
fn every_broken_file_is_refused_with_its_place_and_leaves_nothing() {
    let mut text = String::new();
    let mut names: Vec<String> = fs::read_dir(broken())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(names.len() >= 30, "{names:?}");
    for name in names {
        let fixture = Fixture::new();
        let source = broken().join(&name);
        for output in ["out", "out.csv", "out.parquet"] {
            let result = fixture.snapshot(&["ingest", source.to_str().unwrap(), "-o", output]);
            assert!(result.starts_with("exit 1\n"), "{name}: {result}");
            assert_eq!(fixture.names(), [] as [&str; 0], "{name}");
            if output == "out" {
                let message = result.lines().find(|line| line.starts_with("mvrec: error")).unwrap();
                text.push_str(&message.replace("[project]/fixtures/broken/", ""));
                text.push('\n');
            }
        }
    }
    insta::assert_snapshot!(text, @r#"
    mvrec: error: archive_broken.zip: invalid Zip archive: Could not find EOCD
    mvrec: error: archive_leads_outside.zip: member `../evil/ratings.csv` leads outside of the archive; refusing to read it
    mvrec: error: archive_packed_twice.zip:u.data.zst: no column for the user; found `hello`
    mvrec: error: archive_without_ratings.zip: contains neither ratings.csv, ratings.dat or u.data nor a single ratings file (found `ml/readme.txt`)
    mvrec: error: folder_bad_movies/movies.csv:3: movie `two` is not a whole number
    mvrec: error: folder_without_ratings: contains neither ratings.csv, ratings.dat or u.data nor a single ratings file (found `movies.csv`)
    mvrec: error: lines_broken.jsonl:2: not a JSON object a line: EOF while parsing a value at line 1 column 17
    mvrec: error: lines_without_movie.jsonl:2: no movie: `{"user":1,"rating":3}`
    mvrec: error: ratings_after_2100.csv:3: timestamp `9999999999` is not between 1970 and 2100
    mvrec: error: ratings_bad_time.csv:3: timestamp `yesterday` is neither seconds since 1970 nor a date
    mvrec: error: ratings_before_1970.csv:3: timestamp `-1` is not between 1970 and 2100
    mvrec: error: ratings_blank.csv: the file is empty
    mvrec: error: ratings_broken.csv.gz: incomplete deflate stream
    mvrec: error: ratings_decimal_comma.csv:3: rating `3,5` is not a number
    mvrec: error: ratings_empty.csv: the file is empty
    mvrec: error: ratings_empty_field.csv:3: movie `` is missing
    mvrec: error: ratings_empty_user_name.csv:3: user `` is missing
    mvrec: error: ratings_infinity.csv:3: rating `inf` is not between 0.5 and 5
    mvrec: error: ratings_long_line.csv:3: line `1,2,3,5,1500000001` has 5 fields where 4 were expected
    mvrec: error: ratings_missing_column.csv: no column for the movie; found `userId`, `rating`, `timestamp`
    mvrec: error: ratings_nan.csv:3: rating `NaN` is missing
    mvrec: error: ratings_not_a_number.csv:3: rating `six` is not a number
    mvrec: error: ratings_object.json: this is a manifest of mvrec's; expected ratings: the directory itself, JSON lines or an array of objects
    mvrec: error: ratings_off_scale.csv:3: rating `6.5` is not between 0.5 and 5
    mvrec: error: ratings_one_field.csv: no column for the user; found `hello`
    mvrec: error: ratings_open_quote.csv:3: a quoted field does not end as it should
    mvrec: error: ratings_short_line.csv:3: no timestamp: the line has 3 of 4 fields: `1,2,3.5`
    mvrec: error: ratings_text_id.csv:3: user `alice` is not a whole number
    mvrec: error: ratings_truncated.parquet: not a readable Parquet file (truncated or corrupt?): Parquet error: Invalid Parquet file. Corrupt footer
    mvrec: error: ratings_zeros.csv: this is no text; expected ratings as Parquet, JSON lines or delimited text
    "#);
}

#[test]
fn a_file_with_a_header_alone_is_an_empty_dataset() {
    let fixture = Fixture::new();
    fs::write(fixture.path("none.csv"), "userId,movieId,rating,timestamp\n").unwrap();
    insta::assert_snapshot!(fixture.snapshot(&["ingest", "none.csv", "-o", "none"]), @"
    exit 0
    --- stderr
    mvrec: recognised text delimited by `,`, with a header (none.csv): 0 ratings
    mvrec: warning: there are no ratings in it
    ");
    let summary = fixture.json(&["stats", "summary", "none"]);
    assert_eq!(summary["ratings"], 0);
    for output in ["none.parquet", "again.csv", "none.json", "none.jsonl"] {
        fixture.ok(&["filter", "none", "-o", output]);
    }
    assert_eq!(fs::read_to_string(fixture.path("none.json")).unwrap(), "[]\n");
    let header = "user_id,movie_id,rating,rating_timestamp\n";
    assert_eq!(fs::read_to_string(fixture.path("again.csv")).unwrap(), header);
}

#[test]
fn duplicates_are_resolved_by_policy() {
    let fixture = Fixture::new();
    let text = "userId,movieId,rating,timestamp\n1,1,5,20\n1,1,2,10\n1,2,3,10\n";
    fs::write(fixture.path("twice.csv"), text).unwrap();
    let rating = |which: &str| {
        fixture.ok(&["ingest", "twice.csv", "-o", "out.jsonl", "--duplicates", which]);
        fs::read_to_string(fixture.path("out.jsonl")).unwrap().lines().next().unwrap().to_string()
    };
    assert!(rating("last").contains("\"rating\":5.0"), "{}", rating("last"));
    assert!(rating("first").contains("\"rating\":2.0"));
    assert!(rating("mean").contains("\"rating\":3.5"));
    insta::assert_snapshot!(fixture.snapshot(&[
        "ingest",
        "twice.csv",
        "-o",
        "x",
        "--duplicates",
        "error"
    ]), @"
    exit 1
    --- stderr
    mvrec: warning: twice.csv: all times lie in 1970, the latest is 1970-01-01T00:00:20Z: is it the right column, in seconds since 1970?
    mvrec: error: 1 rows repeat a user and movie, which --duplicates error refuses
    ");
}

#[test]
fn invalid_rows_are_rejected_on_request() {
    let fixture = Fixture::new();
    let text =
        "userId,movieId,rating,timestamp\n1,1,5,20\n1,2,six,10\n1,3,3,10\n1,4,\n1,5,NaN,10\n";
    fs::write(fixture.path("bad.csv"), text).unwrap();
    let skip = ["ingest", "bad.csv", "--on-error", "skip"];
    let run = |more: &[&str]| fixture.snapshot(&[&skip[..], more].concat());
    insta::assert_snapshot!(run(&["-o", "out"]), @"
    exit 0
    --- stderr
    mvrec: warning: bad.csv: all times lie in 1970, the latest is 1970-01-01T00:00:20Z: is it the right column, in seconds since 1970?
    mvrec: recognised text delimited by `,`, with a header (bad.csv): 2 ratings
    mvrec: warning: 1 bad rows: no timestamp
    mvrec: warning: 1 bad rows: rating is missing
    mvrec: warning: 1 bad rows: rating is not a number
    ");
    insta::assert_snapshot!(fs::read_to_string(fixture.path("out/rejected.csv")).unwrap(), @r#"
    file,line,reason,text
    bad.csv,3,rating is not a number,"1,2,six,10"
    bad.csv,5,no timestamp,"1,4,"
    bad.csv,6,rating is missing,"1,5,NaN,10"
    "#);
    let step = fixture.json(&["info", "out"])["steps"][0].clone();
    assert_eq!((&step["rows_in"], &step["rows_kept"]), (&5.into(), &2.into()));
    run(&["-o", "out.csv", "--rejected", "aside.csv"]);
    let read = |name: &str| fs::read_to_string(fixture.path(name)).unwrap();
    assert_eq!(read("aside.csv"), read("out/rejected.csv"));
    insta::assert_snapshot!(run(&["-o", "no", "--max-errors", "2", "--rejected", "no.csv"]), @"
    exit 1
    --- stderr
    mvrec: error: more than 2 bad rows; the last: bad.csv:6: rating `NaN` is missing
    ");
    assert_eq!(fixture.names(), ["aside.csv", "bad.csv", "out", "out.csv"]);
}

#[test]
fn several_sources_are_joined() {
    let fixture = Fixture::with_dataset();
    fs::write(fixture.path("more.csv"), "userId,movieId,rating,timestamp\n9999,1,5,20\n").unwrap();
    fixture.ok(&["ingest", "ml", "more.csv", "-o", "both"]);
    assert_eq!(fixture.json(&["stats", "summary", "both"])["users"], 201);
    assert!(fixture.path("both/movies.parquet").is_file());
}

#[test]
fn wrong_command_lines_end_with_2() {
    let fixture = Fixture::new();
    insta::assert_snapshot!(fixture.snapshot(&["ingest"]), @"
    exit 2
    --- stderr
    error: the following required arguments were not provided:
      <SOURCE>...

    Usage: mvrec ingest <SOURCE>...

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(fixture.snapshot(&["ingest", "x", "--duplicates", "some"]), @"
    exit 2
    --- stderr
    error: invalid value 'some' for '--duplicates <WHICH>'
      [possible values: last, first, mean, error]

    For more information, try '--help'.
    ");
}

#[test]
fn foreign_outputs_are_not_replaced() {
    let fixture = Fixture::new();
    fs::create_dir(fixture.path("photos")).unwrap();
    fs::write(fixture.path("photos/me.jpg"), "").unwrap();
    insta::assert_snapshot!(fixture.snapshot(&["ingest", &ml_mini(), "-o", "photos"]), @"
    exit 1
    --- stderr
    mvrec: error: photos: already exists and is no output of mvrec's; refusing to replace it by a dataset
    ");
    assert!(fixture.path("photos/me.jpg").is_file());
    insta::assert_snapshot!(fixture.snapshot(&["ingest", &ml_mini(), "-o", "no/such/folder"]), @"
    exit 0
    --- stderr
    mvrec: recognised MovieLens CSV (ratings.csv, movies.csv, links.csv, tags.csv): 12211 ratings
    ");
}
