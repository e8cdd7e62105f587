use std::fs;

use crate::Fixture;

#[test]
fn a_year_is_kept() {
    let fixture = Fixture::with_dataset();
    insta::assert_snapshot!(fixture.snapshot(&["filter", "--year", "2019", "ml", "-o", "y"]), @"
    exit 0
    --- stderr
    mvrec: kept 3960 of 12211 ratings
    ");
    let summary = fixture.json(&["stats", "summary", "y"]);
    assert!(summary["first_rating"].as_str().unwrap().starts_with("2019-01"));
    assert!(summary["last_rating"].as_str().unwrap().starts_with("2019-12"));
    assert!(fixture.path("y/movies.parquet").is_file() && fixture.path("y/tags.parquet").is_file());
}

#[test]
fn conditions_combine_with_and() {
    let fixture = Fixture::with_dataset();
    let n = |args: &[&str]| {
        let mut all = vec!["filter", "ml", "-o", "out.csv"];
        all.extend(args);
        fixture.ok(&all);
        fs::read_to_string(fixture.path("out.csv")).unwrap().lines().count() - 1
    };
    let all = n(&[]);
    assert_eq!(all, 12_211);
    let years: usize =
        ["2016", "2017", "2018", "2019"].iter().map(|year| n(&["--year", year])).sum();
    assert_eq!(years, all);
    assert_eq!(n(&["--until", "2018-01-01"]) + n(&["--since", "2018"]), all);
    assert_eq!(n(&["--rating", "..3"]) + n(&["--rating", "3.5.."]), all);
    assert_eq!(n(&["--since", "2018", "--until", "2019"]), n(&["--year", "2018"]));
    let horror = n(&["--genre", "horror"]);
    let both = n(&["--genre", "Horror", "--genre", "western"]);
    assert!(0 < horror && horror < both && both < all);
    let loved = n(&["--genre", "Horror", "--rating", "4.."]);
    assert!(0 < loved && loved < horror);
    fs::write(fixture.path("users.txt"), "1\n2\n3\n").unwrap();
    let three = n(&["--users", "users.txt"]);
    assert!(0 < three && three < all);
    fs::write(fixture.path("movies.csv"), "movieId,title\n1,x\n2,y\n").unwrap();
    assert!(n(&["--movies-in", "movies.csv"]) <= 400);
    let sample = n(&["--sample", "0.25"]);
    assert!((all / 5..all / 3).contains(&sample), "{sample}");
    assert!(n(&["--min-user-ratings", "50"]) < all);
    let once = n(&["--min-user-ratings", "40", "--min-movie-ratings", "20"]);
    let core = n(&["--min-user-ratings", "40", "--min-movie-ratings", "20", "--core"]);
    assert!(0 < core && core <= once);
}

#[test]
fn every_output_format_holds_the_same_ratings() {
    let fixture = Fixture::with_dataset();
    let expected = fs::read(fixture.path("ml/ratings.parquet")).unwrap();
    for name in ["a.parquet", "a.csv"] {
        fixture.ok(&["filter", "ml", "-o", name]);
        fixture.ok(&["ingest", name, "-o", "back"]);
        assert!(fs::read(fixture.path("back/ratings.parquet")).unwrap() == expected, "{name}");
    }
    fixture.ok(&["filter", "ml", "-o", "a.json"]);
    fixture.ok(&["filter", "ml", "-o", "a.jsonl"]);
    let json: Vec<serde_json::Value> =
        serde_json::from_slice(&fs::read(fixture.path("a.json")).unwrap()).unwrap();
    let lines = fs::read_to_string(fixture.path("a.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(json, lines);
    assert_eq!(json.len(), 12_211);
    let csv = fs::read_to_string(fixture.path("a.csv")).unwrap();
    insta::assert_snapshot!(csv.lines().take(3).collect::<Vec<_>>().join("\n"), @"
    user_id,movie_id,rating,rating_timestamp
    1,1,3.0,2019-05-15T11:21:46Z
    1,9,5.0,2019-05-15T10:56:12Z
    ");
    insta::assert_snapshot!(json[0], @r#"{"user_id":1,"movie_id":1,"rating":3.0,"rating_timestamp":"2019-05-15T11:21:46Z"}"#);
}

#[test]
fn nothing_left_is_an_answer() {
    let fixture = Fixture::with_dataset();
    insta::assert_snapshot!(fixture.snapshot(&["filter", "--year", "1999", "ml", "-o", "none"]), @"
    exit 0
    --- stderr
    mvrec: kept 0 of 12211 ratings
    mvrec: warning: no rating meets all conditions
    ");
    assert_eq!(fixture.json(&["stats", "summary", "none"])["ratings"], 0);
    insta::assert_snapshot!(fixture.snapshot(&["train", "als", "none", "-o", "als"]), @"
    exit 1
    --- stderr
    mvrec: error: no ratings to train on
    ");
    assert!(!fixture.path("als").exists());
}

#[test]
fn bad_conditions_are_refused() {
    let fixture = Fixture::with_dataset();
    insta::assert_snapshot!(fixture.snapshot(&["filter", "--genre", "Opera", "ml", "-o", "x"]), @"
    exit 1
    --- stderr
    mvrec: error: no movie is of the genre `Opera`; known are Action, Adventure, Animation, Children, Comedy, Crime, Documentary, Drama, Fantasy, Film-Noir, Horror, Musical, Mystery, Romance, Sci-Fi, Thriller, War, Western
    ");
    insta::assert_snapshot!(fixture.snapshot(&[
        "filter",
        "--genre",
        "Drama",
        "ml/ratings.parquet",
        "-o",
        "x"
    ]), @"
    exit 1
    --- stderr
    mvrec: error: genres are needed, but these ratings have no movies
    mvrec: hint: give them with --movies PATH (a dataset, movies.parquet or movies.csv)
    ");
    insta::assert_snapshot!(fixture.snapshot(&["filter", "--rating", "4..3", "ml", "-o", "x"]), @"
    exit 2
    --- stderr
    error: invalid value '4..3' for '--rating <RANGE>': the range is empty

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(fixture.snapshot(&["filter", "--since", "soon", "ml", "-o", "x"]), @"
    exit 2
    --- stderr
    error: invalid value 'soon' for '--since <DATE>': not a date such as 2019, 2019-07-01 or 2019-07-01T12:00:00Z

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(fixture.snapshot(&["filter", "--sample", "2", "ml", "-o", "x"]), @"
    exit 2
    --- stderr
    mvrec: error: --sample must be from 0 to 1, not 2
    ");
    insta::assert_snapshot!(fixture.snapshot(&["filter", "nowhere", "-o", "x"]), @"
    exit 1
    --- stderr
    mvrec: error: nowhere: No such file or directory
    ");
    assert_eq!(fixture.names(), ["ml"]);
}

#[test]
fn expressions_agree_with_options_and_point_at_what_is_wrong() {
    let fixture = Fixture::with_dataset();
    let rows = |args: &[&str]| {
        let mut all = vec!["filter", "ml", "-o", "out.csv"];
        all.extend(args);
        fixture.ok(&all);
        fs::read(fixture.path("out.csv")).unwrap()
    };
    for (expression, options) in [
        ("year = 2018", vec!["--year", "2018"]),
        (
            "date >= 2017-03-01 and date < 2018-06-01",
            vec!["--since", "2017-03-01", "--until", "2018-06-01"],
        ),
        ("rating >= 2 and rating <= 3.5", vec!["--rating", "2..3.5"]),
        ("genre in ('Horror', 'Western')", vec!["--genre", "Horror", "--genre", "Western"]),
        ("user_ratings >= 40", vec!["--min-user-ratings", "40"]),
        (
            "movie_ratings >= 20 and user_ratings >= 40",
            vec!["--min-user-ratings", "40", "--min-movie-ratings", "20"],
        ),
    ] {
        assert!(rows(&["--where", expression]) == rows(&options), "{expression}");
    }
    let count = |rows: Vec<u8>| rows.iter().filter(|&&byte| byte == b'\n').count() - 1;
    let old = count(rows(&["--where", "released < 1980"]));
    let new = count(rows(&["--where", "not released < 1980"]));
    let unknown = count(rows(&[])) - old - new;
    assert!(old > 0 && new > old && unknown < 100, "{old} {new} {unknown}");
    let star_wars = rows(&["--where", "title ~ 'star wars' and not genre = 'Animation'"]);
    assert!(count(star_wars) > 10);
    let mut shown = String::new();
    for expression in ["rating >= four", "genre = 'Opera'", "(rating > 3 and title ~ 'x'"] {
        let mut args = vec!["filter", "ml", "-o", "x", "--where"];
        args.push(expression);
        shown.push_str(&fixture.snapshot(&args));
    }
    insta::assert_snapshot!(shown, @"
    exit 2
    --- stderr
    mvrec: error: --where: expected a number, a date such as 2019-07-01, or text in quotes
      rating >= four
                ^^^^
    exit 2
    --- stderr
    mvrec: error: --where: no movie is of the genre `Opera`; known are Action, Adventure, Animation, Children, Comedy, Crime, Documentary, Drama, Fantasy, Film-Noir, Horror, Musical, Mystery, Romance, Sci-Fi, Thriller, War, Western
      genre = 'Opera'
      ^^^^^^^^^^^^^^^
    exit 2
    --- stderr
    mvrec: error: --where: expected `)`, `and` or `or`
      (rating > 3 and title ~ 'x'
                                 ^
    ");
    assert!(!fixture.path("x").exists());
    fixture.ok(&["filter", "ml", "-o", "lone.parquet"]);
    insta::assert_snapshot!(fixture.snapshot(&["filter", "lone.parquet", "-o", "x", "--where", "released > 1990"]), @"
    exit 2
    --- stderr
    mvrec: error: --where: this needs movies: give them with --movies PATH
      released > 1990
      ^^^^^^^^^^^^^^^
    ");
}
