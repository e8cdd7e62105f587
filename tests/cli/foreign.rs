//! Ratings that are not MovieLens': other delimiters, names, scales and ids.

use std::fs;

use crate::Fixture;

fn foreign(name: &str) -> String {
    format!("{}/fixtures/foreign/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn books_keep_their_isbns_and_their_scale_all_the_way() {
    let fixture = Fixture::new();
    let (books, titles) = (foreign("books-latin1.csv"), foreign("books-titles.csv"));
    let scale = ["--scale", "0..10"];
    let mut args = vec!["ingest", &books, "--movies", &titles, "-o", "books"];
    insta::assert_snapshot!(fixture.snapshot(&args), @"
    exit 1
    --- stderr
    mvrec: error: [project]/fixtures/foreign/books-latin1.csv:2: rating `0` is not between 0.5 and 5
    mvrec: hint: for another rating scale, use `mvrec ingest --scale MIN..MAX`
    ");
    args.extend(scale);
    insta::assert_snapshot!(fixture.snapshot(&args), @"
    exit 1
    --- stderr
    mvrec: error: [project]/fixtures/foreign/books-latin1.csv:4: user `André` is not a whole number
    mvrec: hint: if ids are text here, ingest them with --text-ids
    ");
    args.extend(["--text-ids", "user"]);
    insta::assert_snapshot!(fixture.snapshot(&args), @"
    exit 0
    --- stderr
    mvrec: recognised text delimited by `;`, with a header (books-latin1.csv): 5 ratings
    mvrec: users are text: 3 of them, numbered as they appear
    mvrec: movies are text: 4 of them, numbered as they appear
    ");
    insta::assert_snapshot!(fixture.snapshot(&["stats", "movies", "books", "--format", "table"]), @"
    exit 0
    --- stdout
    movie_id  movie_key   title               genres              avg_rating  total_ratings
           2  0155061224  Rites of Passage    Study                    6.000              2
           1  034545104X  Flesh Tones (2002)  Fiction|Mystery          5.000              2
           3  052165615X  052165615X          (no genres listed)       3.000              1
    ");
    let info = fixture.json(&["info", "books"]);
    assert_eq!(info["scale"], serde_json::json!({"min": 0.0, "max": 10.0}));
    assert_eq!(info["recognised"], "text delimited by `;`, with a header");

    fixture.ok(&[
        "filter",
        "--where",
        "user = \"André\" or movie = '052165615X'",
        "books",
        "-o",
        "f.csv",
    ]);
    insta::assert_snapshot!(fs::read_to_string(fixture.path("f.csv")).unwrap(), @"
    user_id,movie_id,rating,rating_timestamp,user_key,movie_key
    2,3,3.0,,276726,052165615X
    3,1,10.0,,André,034545104X
    ");
    fixture.ok(&["ingest", "f.csv", "--scale", "0..10", "-o", "g.csv"]);
    insta::assert_snapshot!(fs::read_to_string(fixture.path("g.csv")).unwrap(), @"
    user_id,movie_id,rating,rating_timestamp,user_key,movie_key
    1,1,3.0,,276726,052165615X
    2,2,10.0,,André,034545104X
    ");
    // Keys and scale pass through a pipe, and back into a dataset.
    let piped = fixture.ok(&["filter", "books"]);
    fixture.ok_with(&["ingest", "-", "-o", "again"], &piped);
    for file in ["ratings.parquet", "users.parquet"] {
        let read = |folder: &str| fs::read(fixture.path(folder).join(file)).unwrap();
        assert!(read("books") == read("again"), "{file}");
    }
    assert_eq!(fixture.json(&["info", "again"])["scale"], info["scale"]);

    fixture.ok(&["train", "cosine", "books", "-o", "model"]);
    let ask = |who: &[&str]| {
        let mut args = vec!["recommend", "model", "-n", "2", "--format", "jsonl"];
        args.extend(who);
        fixture.snapshot(&args)
    };
    insta::assert_snapshot!(ask(&["--user", "André"]), @r#"
    exit 0
    --- stdout
    {"user_id":3,"user_key":"André","rank":1,"movie_id":2,"movie_key":"0155061224","title":"Rites of Passage","genres":"Study","score":null,"predicted_rating":null}
    {"user_id":3,"user_key":"André","rank":2,"movie_id":3,"movie_key":"052165615X","title":"052165615X","genres":"(no genres listed)","score":null,"predicted_rating":null}
    --- stderr
    mvrec: score: sum over the rated movies of similarity x (rating - neutral rating)
    "#);
    insta::assert_snapshot!(ask(&["--rate", "0155061224=9.5"]), @r#"
    exit 0
    --- stdout
    {"rank":1,"movie_id":3,"movie_key":"052165615X","title":"052165615X","genres":"(no genres listed)","score":0.26713473,"predicted_rating":null}
    {"rank":2,"movie_id":1,"movie_key":"034545104X","title":"Flesh Tones (2002)","genres":"Fiction|Mystery","score":null,"predicted_rating":null}
    --- stderr
    mvrec: rated 9.5 Rites of Passage
    mvrec: score: sum over the rated movies of similarity x (rating - neutral rating)
    "#);
    insta::assert_snapshot!(ask(&["--user", "nobody"]), @"
    exit 1
    --- stderr
    mvrec: error: user nobody is not in the model
    mvrec: hint: for somebody new, give ratings with --rate MOVIE=STARS
    ");
    insta::assert_snapshot!(ask(&["--rate", "0155061224=11"]), @"
    exit 2
    --- stderr
    mvrec: error: 0155061224=11: not between 0 and 10 stars
    ");
    fs::write(fixture.path("who.txt"), "user\nAndré\n276726\n").unwrap();
    assert_eq!(
        fixture.json(&["recommend", "model", "--users", "who.txt", "-n", "1"])[0]["user_key"],
        "276726"
    );
    fixture.ok(&["filter", "--users", "who.txt", "books", "-o", "two.jsonl"]);
    assert_eq!(fs::read_to_string(fixture.path("two.jsonl")).unwrap().lines().count(), 3);
}

#[test]
fn every_foreign_layout_is_recognised() {
    let fixture = Fixture::new();
    let dry = |name: &str| {
        fixture
            .snapshot(&["ingest", "--dry-run", &foreign(name)])
            .replace(env!("CARGO_MANIFEST_DIR"), "")
    };
    insta::assert_snapshot!(dry("ml.inter"), @r#"
    exit 0
    --- stdout
    [{"user_id":196,"movie_id":242,"rating":3.0,"rating_timestamp":"1997-12-04T15:55:49Z"},{"user_id":186,"movie_id":302,"rating":3.5,"rating_timestamp":"1998-04-04T19:22:22Z"},{"user_id":22,"movie_id":377,"rating":1.0,"rating_timestamp":"1997-11-07T07:18:36Z"}]
    --- stderr
    mvrec: [project]/fixtures/foreign/ml.inter: text delimited by tab, with a header
    "#);
    insta::assert_snapshot!(dry("reviews.jsonl"), @r#"
    exit 0
    --- stdout
    [{"user_id":1,"movie_id":1,"rating":5.0,"rating_timestamp":"2009-09-13T00:00:00Z","user_key":"A2SUAM1J3GNN3B","movie_key":"0000013714"},{"user_id":1,"movie_id":2,"rating":2.0,"rating_timestamp":"2013-03-09T00:00:00Z","user_key":"A2SUAM1J3GNN3B","movie_key":"B00ET0E0Z2"},{"user_id":2,"movie_id":1,"rating":4.0,"rating_timestamp":null,"user_key":"A14VAT5EAX3D9S","movie_key":"0000013714"}]
    --- stderr
    mvrec: [project]/fixtures/foreign/reviews.jsonl: columns not used: `reviewText`, `helpful`
    mvrec: [project]/fixtures/foreign/reviews.jsonl: JSON lines
    mvrec: users are text: 2 of them, numbered as they appear
    mvrec: movies are text: 2 of them, numbered as they appear
    "#);
    insta::assert_snapshot!(dry("blanks.txt"), @r#"
    exit 0
    --- stdout
    [{"user_id":196,"movie_id":242,"rating":3.0,"rating_timestamp":"1997-12-04T15:55:49Z"},{"user_id":186,"movie_id":302,"rating":3.0,"rating_timestamp":"1998-04-04T19:22:22Z"},{"user_id":22,"movie_id":377,"rating":1.0,"rating_timestamp":"1997-11-07T07:18:36Z"}]
    --- stderr
    mvrec: [project]/fixtures/foreign/blanks.txt: text delimited by blanks, without a header
    "#);
    assert_eq!(fixture.names(), [""; 0]);
    for name in ["ml.inter", "blanks.txt"] {
        fixture.ok(&["ingest", &foreign(name), "-o", "a.csv"]);
        fixture.ok(&["ingest", "a.csv", "-o", "a.parquet"]);
        fixture.ok(&["ingest", &foreign(name), "-o", "b.parquet"]);
        let rows = |name: &str| {
            fixture.ok(&["filter", name, "-o", "x.jsonl"]);
            fs::read_to_string(fixture.path("x.jsonl")).unwrap()
        };
        assert_eq!(rows("a.parquet"), rows("b.parquet"), "{name}");
    }
}

#[test]
fn columns_and_delimiters_can_be_said() {
    let fixture = Fixture::new();
    fs::write(fixture.path("x.txt"), "note^who^when^what\n4^7^2019-01-02^9\n3^8^^9\n").unwrap();
    let mut args = vec!["ingest", "x.txt", "-o", "x.csv", "--delimiter", "^"];
    insta::assert_snapshot!(fixture.snapshot(&args), @"
    exit 1
    --- stderr
    mvrec: error: x.txt: no column for the user; found `note`, `who`, `when`, `what`
    mvrec: hint: `mvrec ingest --columns user=NAME,movie=NAME,rating=NAME` names them
    ");
    args.extend(["--columns", "user=who,movie=what,rating=note,timestamp=3"]);
    fixture.ok(&args);
    insta::assert_snapshot!(fs::read_to_string(fixture.path("x.csv")).unwrap(), @"
    user_id,movie_id,rating,rating_timestamp
    7,9,4.0,2019-01-02T00:00:00Z
    8,9,3.0,
    ");
    for bad in
        [["--columns", "who=1"], ["--delimiter", "ab"], ["--scale", "5"], ["--text-ids", "both"]]
    {
        let output = fixture.run(&["ingest", "x.txt", "-o", "y", bad[0], bad[1]], b"");
        assert_eq!(output.status.code(), Some(2), "{bad:?}");
    }
}

#[test]
fn text_ids_are_kept_where_they_are_asked_for_or_needed() {
    let fixture = Fixture::new();
    fs::write(fixture.path("a.csv"), "1,2,3\n4,5,6\n").unwrap();
    fs::write(fixture.path("b.csv"), "1,2,3\nal,5,4\n4,5,4\n5,6,4\n").unwrap();
    fs::write(fixture.path("c.csv"), "al,2,3\nbo,5,4\n").unwrap();
    fs::write(fixture.path("d.csv"), "1,2,3\n4,5,4\n").unwrap();
    insta::assert_snapshot!(fixture.snapshot(&["ingest", "a.csv", "-o", "a"]), @"
    exit 1
    --- stderr
    mvrec: error: a.csv:2: rating `6` is not between 0.5 and 5
    mvrec: hint: for another rating scale, use `mvrec ingest --scale MIN..MAX`
    ");
    insta::assert_snapshot!(fixture.snapshot(&["ingest", "b.csv", "-o", "b"]), @"
    exit 1
    --- stderr
    mvrec: error: b.csv:2: user `al` is not a whole number
    mvrec: hint: if ids are text here, ingest them with --text-ids
    ");
    insta::assert_snapshot!(fixture.snapshot(&["ingest", "b.csv", "--text-ids", "user,movie", "-o", "b.csv"]), @"
    exit 0
    --- stderr
    mvrec: recognised text delimited by `,`, without a header (b.csv): 4 ratings
    mvrec: users are text: 4 of them, numbered as they appear
    mvrec: movies are text: 3 of them, numbered as they appear
    ");
    insta::assert_snapshot!(fixture.snapshot(&["ingest", "c.csv", "d.csv", "-o", "c.jsonl"]), @"
    exit 0
    --- stderr
    mvrec: recognised text delimited by `,`, without a header (c.csv, d.csv): 4 ratings
    mvrec: users are text: 4 of them, numbered as they appear
    ");
    insta::assert_snapshot!(fs::read_to_string(fixture.path("c.jsonl")).unwrap(), @r#"
    {"user_id":1,"movie_id":2,"rating":3.0,"rating_timestamp":null,"user_key":"al"}
    {"user_id":2,"movie_id":5,"rating":4.0,"rating_timestamp":null,"user_key":"bo"}
    {"user_id":3,"movie_id":2,"rating":3.0,"rating_timestamp":null,"user_key":"1"}
    {"user_id":4,"movie_id":5,"rating":4.0,"rating_timestamp":null,"user_key":"4"}
    "#);
    insta::assert_snapshot!(fixture.snapshot(&["ingest", "d.csv", "c.csv", "-o", "d"]), @"
    exit 1
    --- stderr
    mvrec: error: c.csv: every user is text here, and was a number in an earlier source
    ");
}

#[test]
fn decompression_bomb_is_refused() {
    let fixture = Fixture::new();
    let zeros = vec![b'0'; 1 << 20];
    let mut bomb = zstd::Encoder::new(Vec::new(), 1).unwrap();
    std::io::Write::write_all(&mut bomb, b"userId,movieId,rating\n").unwrap();
    for _ in 0..300 {
        std::io::Write::write_all(&mut bomb, &zeros).unwrap();
    }
    fs::write(fixture.path("long.csv.zst"), bomb.finish().unwrap()).unwrap();
    let row = b"1,2,3\n".repeat(1 << 17);
    let mut bomb = zstd::Encoder::new(Vec::new(), 1).unwrap();
    for _ in 0..200 {
        std::io::Write::write_all(&mut bomb, &row).unwrap();
    }
    fs::write(fixture.path("many.csv.zst"), bomb.finish().unwrap()).unwrap();
    insta::assert_snapshot!(fixture.snapshot(&["ingest", "long.csv.zst", "-o", "x"]), @"
    exit 1
    --- stderr
    mvrec: error: long.csv.zst:2: a line is longer than 4 MiB
    ");
    insta::assert_snapshot!(fixture.snapshot(&["ingest", "many.csv.zst", "-o", "x"]), @"
    exit 1
    --- stderr
    mvrec: error: many.csv.zst:11184811: it unpacks to more than 200 times its size, which no file of ratings does
    ");
    assert_eq!(fixture.names(), ["long.csv.zst", "many.csv.zst"]);
}

/// Packs members into an archive.
fn zip(path: &std::path::Path, members: &[(&str, &str)]) {
    let mut zip = zip::ZipWriter::new(fs::File::create(path).unwrap());
    for (name, text) in members {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut zip, text.as_bytes()).unwrap();
    }
    zip.finish().unwrap();
}

#[test]
fn titles_come_from_the_folder_of_the_ratings_and_no_other() {
    let fixture = Fixture::new();
    let (ratings, right) =
        ("userId,movieId,rating\n1,1,5\n", "movieId,title,genres\n1,RIGHT (1990),Drama\n");
    let wrong = "movieId,title,genres\n1,WRONG (1990),Drama\n";
    for members in [
        &[("old/movies.csv", wrong), ("new/ratings.csv", ratings), ("new/movies.csv", right)][..],
        &[
            ("movies.csv", wrong),
            ("ml/Ratings.csv", ratings),
            ("ml/MOVIES.csv", right),
            ("__MACOSX/ml/ratings.csv", "x"),
        ],
        &[("a/rating.csv", ratings), ("a/movie.csv", right), ("a/.DS_Store", "x")],
    ] {
        zip(&fixture.path("x.zip"), members);
        fixture.ok(&["ingest", "x.zip", "-o", "x"]);
        let csv = fixture.ok(&["stats", "movies", "x", "--format", "csv"]);
        assert!(String::from_utf8(csv).unwrap().contains("RIGHT"), "{members:?}");
    }
    zip(&fixture.path("two.zip"), &[("a/ratings.csv", ratings), ("b/ratings.csv", ratings)]);
    let refused = fixture.snapshot(&["ingest", "two.zip", "-o", "two"]);
    assert!(refused.contains("several folders: `a/ratings.csv`, `b/ratings.csv`"), "{refused}");
    zip(&fixture.path("one.zip"), &[("plays.csv", ratings), ("readme.txt", "x")]);
    fixture.ok(&["ingest", "one.zip", "-o", "one"]);
}

#[test]
fn titles_are_taken_from_every_layout_and_archive() {
    let fixture = Fixture::new();
    fs::write(fixture.path("r.csv"), "user,item,rating\n1,1,5\n").unwrap();
    let layouts = format!("{}/fixtures/layouts", env!("CARGO_MANIFEST_DIR"));
    zip(&fixture.path("m.zip"), &[("x/movies.dat", "1::Toy Story (1995)::Animation\n")]);
    let dataset = format!("{layouts}/ml-1m");
    fixture.ok(&["ingest", &dataset, "-o", "ml"]);
    for source in [
        format!("{layouts}/ml-1m"),
        format!("{layouts}/ml-10m"),
        format!("{layouts}/ml-100k"),
        format!("{layouts}/ml-1m/movies.dat"),
        format!("{layouts}/ml-100k/u.item"),
        "m.zip".into(),
        "ml".into(),
        "ml/movies.parquet".into(),
    ] {
        let csv = fixture.ok(&["stats", "movies", "r.csv", "--movies", &source, "--format", "csv"]);
        assert!(String::from_utf8(csv).unwrap().contains("Toy Story"), "{source}");
        fixture.ok(&["ingest", "r.csv", "--movies", &source, "-o", "titled"]);
        let found = fixture.ok(&["search", "titled", "toy", "story", "--format", "csv"]);
        assert!(String::from_utf8(found).unwrap().contains("Toy Story"), "{source}");
    }
    let latin1 = foreign("folder_latin1_movies");
    fixture.ok(&["ingest", &latin1, "-o", "latin1"]);
    let movies = fixture.ok(&["stats", "movies", "latin1", "--format", "csv"]);
    assert!(String::from_utf8(movies).unwrap().contains('é'));
}

#[test]
fn titles_of_string_ids_come_from_movies_dat_as_well() {
    let fixture = Fixture::new();
    fs::create_dir(fixture.path("k")).unwrap();
    fs::write(
        fixture.path("k/ratings.dat"),
        "1::0000003::4::1363000000\n2::0000001::3::1363000001\n",
    )
    .unwrap();
    fs::write(
        fixture.path("k/movies.dat"),
        "0000001::First (1950)::Drama\n0000003::Third (1952)::War\n",
    )
    .unwrap();
    fixture.ok(&["ingest", "k", "-o", "x"]);
    let csv = String::from_utf8(fixture.ok(&["stats", "movies", "x", "--format", "csv"])).unwrap();
    assert!(csv.contains("0000003,Third (1952)") && csv.contains("0000001,First (1950)"), "{csv}");
}
