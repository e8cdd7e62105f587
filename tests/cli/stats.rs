use crate::Fixture;

#[test]
fn the_summary_is_one_object() {
    let fixture = Fixture::with_dataset();
    insta::assert_snapshot!(fixture.snapshot(&["stats", "summary", "ml"]), @r#"
    exit 0
    --- stdout
    {
      "ratings": 12211,
      "users": 200,
      "movies": 300,
      "mean_rating": 3.6595,
      "min_rating": 0.5,
      "max_rating": 5.0,
      "first_rating": "2016-01-03T06:57:46Z",
      "last_rating": "2019-12-31T23:59:59Z",
      "ratings_per_user": 61.055,
      "ratings_per_movie": 40.7033,
      "density": 0.2035
    }
    "#);
}

#[test]
fn movies_are_listed_in_the_order_of_the_original() {
    let fixture = Fixture::with_dataset();
    insta::assert_snapshot!(fixture.snapshot(&[
        "stats",
        "movies",
        "--min-ratings",
        "85",
        "ml",
        "--format",
        "table"
    ]), @"
    exit 0
    --- stdout
     movie_id  title                             genres                       avg_rating  total_ratings
            3  Pulp Fiction (1994)               Comedy|Crime|Drama|Thriller       3.570             93
            1  Shawshank Redemption, The (1994)  Crime|Drama                       3.315             92
    ");
    let all = fixture.json(&["stats", "movies", "ml"]);
    let all = all.as_array().unwrap();
    assert_eq!(all.len(), 300);
    let key = |row: &serde_json::Value| {
        let number = |name: &str| row[name].as_f64().unwrap();
        (-number("total_ratings"), -number("avg_rating"), number("movie_id"))
    };
    assert!(all.windows(2).all(|pair| key(&pair[0]) < key(&pair[1])));
    let total: u64 = all.iter().map(|row| row["total_ratings"].as_u64().unwrap()).sum();
    assert_eq!(total, 12_211);
}

#[test]
fn selections_are_cut_at_n() {
    let fixture = Fixture::with_dataset();
    insta::assert_snapshot!(
        fixture.snapshot(&["stats", "top", "ml", "-n", "3", "--format", "jsonl"]), @r#"
    exit 0
    --- stdout
    {"movie_id":19,"title":"Lion King, The (1994)","genres":"Adventure|Animation|Children|Drama|Musical","avg_rating":4.4746,"total_ratings":59}
    {"movie_id":56,"title":"Psycho (1960)","genres":"Crime|Horror","avg_rating":4.3923,"total_ratings":65}
    {"movie_id":15,"title":"Jurassic Park (1993)","genres":"Action|Adventure|Sci-Fi|Thriller","avg_rating":4.3425,"total_ratings":73}
    "#);
    insta::assert_snapshot!(fixture.snapshot(&[
        "stats",
        "polarising",
        "--min-ratings",
        "20",
        "-n",
        "2",
        "--format",
        "csv",
        "ml"
    ]), @"
    exit 0
    --- stdout
    movie_id,title,genres,avg_rating,total_ratings,stddev_rating
    228,Kung Fu Panda (2008),Action|Animation|Children|Comedy,3.4773,22,1.2675
    258,Planet of the Apes (1968),Action|Drama|Sci-Fi,3.1087,23,1.2428
    ");
}

#[test]
fn a_lone_file_gets_its_titles_by_movies() {
    let fixture = Fixture::with_dataset();
    insta::assert_snapshot!(fixture.snapshot(&["stats", "top", "ml/ratings.parquet", "-n", "1"]), @r#"
    exit 0
    --- stdout
    [{"movie_id":19,"title":null,"genres":null,"avg_rating":4.4746,"total_ratings":59}]
    --- stderr
    mvrec: no titles: add --movies PATH (a dataset, movies.parquet or movies.csv)
    "#);
    let with = fixture.json(&["stats", "top", "ml/ratings.parquet", "-n", "1", "--movies", "ml"]);
    assert_eq!(with, fixture.json(&["stats", "top", "ml", "-n", "1"]));
    insta::assert_snapshot!(fixture.snapshot(&[
        "stats",
        "top",
        "ml/ratings.parquet",
        "--movies",
        "nowhere"
    ]), @"
    exit 1
    --- stderr
    mvrec: error: nowhere: No such file or directory (os error 2)
    ");
}

#[test]
fn a_bad_format_is_a_wrong_command_line() {
    let fixture = Fixture::with_dataset();
    insta::assert_snapshot!(fixture.snapshot(&["stats", "summary", "ml", "--format", "xml"]), @"
    exit 2
    --- stderr
    error: invalid value 'xml' for '--format <FORMAT>'
      [possible values: table, json, jsonl, csv, parquet]

    For more information, try '--help'.
    ");
}

#[test]
fn a_report_goes_to_a_file_of_the_kind_of_its_name() {
    let fixture = Fixture::with_dataset();
    fixture.ok(&["stats", "movies", "ml", "-o", "m.parquet"]);
    let info = fixture.json(&["info", "m.parquet"]);
    assert_eq!(info["rows"], 300);
    assert_eq!(info["columns"]["avg_rating"], "Float64");
}
