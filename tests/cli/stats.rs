use std::fmt::Write as _;
use std::fs;

use mvrec::dataset::titles::spoken_title;

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
      "mean_rating": 3.6595282941610026,
      "min_rating": 0.5,
      "max_rating": 5.0,
      "first_rating": "2016-01-03T06:57:46Z",
      "last_rating": "2019-12-31T23:59:59Z",
      "ratings_per_user": 61.055,
      "ratings_per_movie": 40.70333333333333,
      "density": 0.20351666666666668,
      "histogram": {
        "0.5": 13,
        "1": 52,
        "1.5": 173,
        "2": 531,
        "2.5": 1199,
        "3": 2021,
        "3.5": 2464,
        "4": 2272,
        "4.5": 1792,
        "5": 1694
      }
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
    movie_id  title                            genres                       avg_rating  total_ratings
           3  Pulp Fiction (1994)              Comedy|Crime|Drama|Thriller       3.570             93
           1  The Shawshank Redemption (1994)  Crime|Drama                       3.315             92
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
    {"movie_id":19,"title":"Lion King, The (1994)","genres":"Adventure|Animation|Children|Drama|Musical","avg_rating":4.47457627118644,"total_ratings":59}
    {"movie_id":56,"title":"Psycho (1960)","genres":"Crime|Horror","avg_rating":4.392307692307693,"total_ratings":65}
    {"movie_id":15,"title":"Jurassic Park (1993)","genres":"Action|Adventure|Sci-Fi|Thriller","avg_rating":4.342465753424658,"total_ratings":73}
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
    228,Kung Fu Panda (2008),Action|Animation|Children|Comedy,3.477272727272727,22,1.2675179413332704
    258,Planet of the Apes (1968),Action|Drama|Sci-Fi,3.108695652173913,23,1.2427656268025984
    ");
}

#[test]
fn a_lone_file_gets_its_titles_by_movies() {
    let fixture = Fixture::with_dataset();
    insta::assert_snapshot!(fixture.snapshot(&["stats", "top", "ml/ratings.parquet", "-n", "1"]), @r#"
    exit 0
    --- stdout
    [{"movie_id":19,"title":null,"genres":null,"avg_rating":4.47457627118644,"total_ratings":59}]
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
    mvrec: error: nowhere: No such file or directory
    ");
}

#[test]
fn a_bad_format_is_a_wrong_command_line() {
    let fixture = Fixture::with_dataset();
    insta::assert_snapshot!(fixture.snapshot(&["stats", "summary", "ml", "--format", "xml"]), @"
    exit 2
    --- stderr
    error: invalid value 'xml' for '--format <FORMAT>'
      [possible values: table, json, jsonl, csv, tsv, parquet]

    For more information, try '--help'.
    ");
}

#[test]
fn report_file_has_the_format_of_its_extension() {
    let fixture = Fixture::with_dataset();
    fixture.ok(&["stats", "movies", "ml", "-o", "m.parquet"]);
    let info = fixture.json(&["info", "m.parquet"]);
    assert_eq!(info["rows"], 300);
    assert_eq!(info["columns"]["avg_rating"], "Float64");
}

#[test]
fn users_genres_and_time() {
    let fixture = Fixture::with_dataset();
    insta::assert_snapshot!(fixture.snapshot(&["stats", "users", "ml", "--format", "csv"]), @"
    exit 0
    --- stdout
    top_percent,users,ratings,share
    10,20,2809,0.2300384898861682
    20,40,4679,0.3831791008107444
    30,60,6217,0.5091311112930964
    40,80,7496,0.6138727376955204
    50,100,8581,0.702727049381705
    60,120,9557,0.7826549832118581
    70,140,10443,0.8552125133076734
    80,160,11202,0.9173695848005896
    90,180,11785,0.965113422324134
    100,200,12211,1.0
    ");
    let users = fixture.json(&["stats", "users", "ml"]);
    assert_eq!((&users["users"], &users["ratings"]), (&200.into(), &12_211.into()));
    let sum = |name: &str, field: &str| -> u64 {
        users[name].as_array().unwrap().iter().map(|row| row[field].as_u64().unwrap()).sum()
    };
    assert_eq!(sum("bins", "users"), 200);
    insta::assert_snapshot!(fixture.snapshot(&["stats", "genres", "ml", "--format", "table"]), @"
    exit 0
    --- stdout
    genre        movies  total_ratings  avg_rating  share
    Drama           143           5964       3.690  0.488
    Adventure        81           3503       3.703  0.287
    Action           85           3436       3.602  0.281
    Thriller         76           3094       3.675  0.253
    Sci-Fi           66           2643       3.708  0.216
    Comedy           64           2605       3.628  0.213
    Romance          56           2263       3.636  0.185
    Crime            44           2137       3.700  0.175
    Fantasy          44           1889       3.682  0.155
    Animation        48           1785       3.720  0.146
    Children         44           1636       3.785  0.134
    Horror           39           1454       3.686  0.119
    Mystery          34           1421       3.705  0.116
    War              23           1016       3.630  0.083
    Musical          21            769       3.793  0.063
    Western          16            604       3.738  0.049
    Film-Noir        11            509       3.719  0.042
    Documentary       7            181       3.340  0.015
    ");
    insta::assert_snapshot!(fixture.snapshot(&["stats", "timeline", "--by", "year", "ml", "--format", "csv"]), @"
    exit 0
    --- stdout
    period,total_ratings,avg_rating,cumulative_ratings,cumulative_avg
    2016-01-01,1653,3.7474289171203874,1653,3.7474289171203874
    2017-01-01,2828,3.7310820367751063,4481,3.7371122517295245
    2018-01-01,3770,3.61737400530504,8251,3.682402133074779
    2019-01-01,3960,3.6118686868686867,12211,3.6595282941610026
    ");
    insta::assert_snapshot!(fixture.snapshot(&[
        "stats", "timeline", "--by", "year", "--movie", "alien", "--movie", "49", "ml", "--format", "jsonl",
    ]), @r#"
    exit 0
    --- stdout
    {"movie_id":28,"title":"Alien (1979)","period":"2016-01-01","total_ratings":6,"avg_rating":4.0,"cumulative_ratings":6,"cumulative_avg":4.0}
    {"movie_id":28,"title":"Alien (1979)","period":"2017-01-01","total_ratings":12,"avg_rating":4.541666666666667,"cumulative_ratings":18,"cumulative_avg":4.361111111111111}
    {"movie_id":28,"title":"Alien (1979)","period":"2018-01-01","total_ratings":21,"avg_rating":4.166666666666667,"cumulative_ratings":39,"cumulative_avg":4.256410256410256}
    {"movie_id":28,"title":"Alien (1979)","period":"2019-01-01","total_ratings":17,"avg_rating":3.9705882352941178,"cumulative_ratings":56,"cumulative_avg":4.169642857142857}
    {"movie_id":49,"title":"Twilight (2008)","period":"2016-01-01","total_ratings":6,"avg_rating":3.6666666666666665,"cumulative_ratings":6,"cumulative_avg":3.6666666666666665}
    {"movie_id":49,"title":"Twilight (2008)","period":"2017-01-01","total_ratings":10,"avg_rating":3.95,"cumulative_ratings":16,"cumulative_avg":3.84375}
    {"movie_id":49,"title":"Twilight (2008)","period":"2018-01-01","total_ratings":18,"avg_rating":3.611111111111111,"cumulative_ratings":34,"cumulative_avg":3.7205882352941178}
    {"movie_id":49,"title":"Twilight (2008)","period":"2019-01-01","total_ratings":21,"avg_rating":3.5,"cumulative_ratings":55,"cumulative_avg":3.6363636363636362}
    "#);
    // A movie that is named again is told again.
    let twice = fixture
        .json(&["stats", "timeline", "--by", "year", "--movie", "28", "--movie", "28", "ml"]);
    let twice = twice.as_array().unwrap();
    assert_eq!((twice.len(), &twice[..4]), (8, &twice[4..]));
    let weeks = fixture.json(&["stats", "timeline", "--by", "week", "--genre", "Western", "ml"]);
    let genres = fixture.json(&["stats", "genres", "ml"]);
    let western = genres.as_array().unwrap().iter().find(|row| row["genre"] == "Western").unwrap();
    let last = weeks.as_array().unwrap().last().unwrap();
    assert_eq!(last["cumulative_ratings"], western["total_ratings"]);
    assert_eq!(last["cumulative_avg"], western["avg_rating"]);
    insta::assert_snapshot!(fixture.snapshot(&["stats", "timeline", "--genre", "Opera", "ml"]), @"
    exit 1
    --- stderr
    mvrec: error: no movie is of the genre `Opera`; known are Action, Adventure, Animation, Children, Comedy, Crime, Documentary, Drama, Fantasy, Film-Noir, Horror, Musical, Mystery, Romance, Sci-Fi, Thriller, War, Western
    ");
    insta::assert_snapshot!(fixture.snapshot(&["stats", "timeline", "--movie", "No such film", "ml"]), @"
    exit 1
    --- stderr
    mvrec: error: no movie is called `No such film`
    mvrec: hint: only movies that were rated are known here; `mvrec search` finds titles
    ");
}

#[test]
fn selections_by_genre_and_for_newcomers() {
    let fixture = Fixture::with_dataset();
    insta::assert_snapshot!(fixture.snapshot(&["stats", "popular", "ml", "-n", "2", "--genre", "horror", "--format", "csv"]), @r#"
    exit 0
    --- stdout
    movie_id,title,genres,avg_rating,total_ratings
    7,"Silence of the Lambs, The (1991)",Crime|Horror|Thriller,3.9683544303797467,79
    56,Psycho (1960),Crime|Horror,4.392307692307693,65
    "#);
    let best = fixture.json(&["stats", "best-by-genre", "--min-ratings", "20", "ml"]);
    for row in best.as_array().unwrap() {
        let genre = row["genre"].as_str().unwrap();
        let top = fixture.json(&[
            "stats",
            "top",
            "--genre",
            genre,
            "--min-ratings",
            "20",
            "-n",
            "1",
            "ml",
        ]);
        assert_eq!(row["movie_id"], top[0]["movie_id"], "{genre}");
    }
    insta::assert_snapshot!(fixture.snapshot(&["stats", "landing", "ml", "-n", "4", "--format", "csv"]), @r#"
    exit 0
    --- stdout
    movie_id,title,genres,avg_rating,total_ratings,stddev_rating
    27,Shrek (2001),Adventure|Animation|Children|Comedy|Fantasy|Romance,3.5267857142857144,56,1.184826964187149
    4,"Matrix, The (1999)",Action|Sci-Fi|Thriller,3.4382716049382718,81,0.9266293624252588
    178,Rio Bravo (1959),Western,3.950980392156863,51,0.9861789997803863
    16,Schindler's List (1993),Drama|War,3.725,80,0.8674858186562019
    "#);
    insta::assert_snapshot!(fixture.snapshot(&["stats", "best-by-genre", "ml/ratings.parquet"]), @"
    exit 1
    --- stderr
    mvrec: no titles: add --movies PATH (a dataset, movies.parquet or movies.csv)
    mvrec: error: genres are needed, but these ratings have no movies
    mvrec: hint: give them with --movies PATH (a dataset, movies.parquet or movies.csv)
    ");
}

#[test]
fn all_that_is_known_of_one_movie() {
    let fixture = Fixture::with_model();
    insta::assert_snapshot!(fixture.snapshot(&["stats", "movie", "spirited away", "ml"]), @r#"
    exit 0
    --- stdout
    {
      "movie_id": 13,
      "title": "Spirited Away (Sen to Chihiro no kamikakushi) (2001)",
      "release_year": 2001,
      "genres": "Adventure|Animation|Fantasy",
      "imdb": "https://www.imdb.com/title/tt0245429/",
      "tmdb": "https://www.themoviedb.org/movie/129",
      "total_ratings": 77,
      "avg_rating": 3.1623376623376624,
      "stddev_rating": 0.8328832231659526,
      "count_percentile": 0.9633333333333334,
      "mean_percentile": 0.13666666666666666,
      "histogram": {
        "1": 1,
        "1.5": 2,
        "2": 7,
        "2.5": 14,
        "3": 19,
        "3.5": 14,
        "4": 13,
        "4.5": 5,
        "5": 2
      },
      "years": [
        {
          "period": "2016-01-01",
          "total_ratings": 11,
          "avg_rating": 3.4545454545454546,
          "cumulative_ratings": 11,
          "cumulative_avg": 3.4545454545454546
        },
        {
          "period": "2017-01-01",
          "total_ratings": 20,
          "avg_rating": 3.375,
          "cumulative_ratings": 31,
          "cumulative_avg": 3.403225806451613
        },
        {
          "period": "2018-01-01",
          "total_ratings": 21,
          "avg_rating": 2.857142857142857,
          "cumulative_ratings": 52,
          "cumulative_avg": 3.1826923076923075
        },
        {
          "period": "2019-01-01",
          "total_ratings": 25,
          "avg_rating": 3.12,
          "cumulative_ratings": 77,
          "cumulative_avg": 3.1623376623376624
        }
      ]
    }
    "#);
    let with = fixture.json(&["stats", "movie", "spirited away", "ml", "--model", "als"]);
    assert_eq!(with["similar"].as_array().unwrap().len(), 10);
    insta::assert_snapshot!(fixture.snapshot(&["stats", "movie", "harry potter", "ml"]), @"
    exit 1
    --- stderr
    mvrec: error: `harry potter` fits several movies:
      33  Harry Potter and the Philosopher's Stone (2001)
      81  Harry Potter and the Prisoner of Azkaban (2004)
    mvrec: hint: give the title with its year, or the id as id:ID
    ");
    insta::assert_snapshot!(fixture.snapshot(&["stats", "movie", "99999", "ml"]), @"
    exit 1
    --- stderr
    mvrec: error: no movie is called `99999`
    mvrec: hint: only movies that were rated are known here; `mvrec search` finds titles
    ");
}

#[test]
fn reports_on_next_to_nothing() {
    let fixture = Fixture::with_dataset();
    for condition in ["user = 1 and movie = 0", "user = 1 and movie < 30"] {
        fixture.ok(&["filter", "ml", "--where", condition, "-o", "few"]);
        for report in [
            "summary",
            "users",
            "genres",
            "timeline",
            "movies",
            "popular",
            "best-by-genre",
            "landing",
        ] {
            for format in ["table", "json", "jsonl", "csv", "parquet"] {
                fixture.ok(&["stats", report, "few", "--format", format]);
            }
        }
    }
}

#[test]
fn every_report_can_be_drawn() {
    let fixture = Fixture::with_model();
    fixture.ok(&["filter", "ml", "--where", "user = 1 and movie = 0", "-o", "none"]);
    fixture.ok(&["filter", "ml", "--where", "user = 1", "-o", "user"]);
    let first = fixture.json(&["stats", "popular", "user", "--min-ratings", "1", "-n", "1"]);
    let movie = first[0]["movie_id"].to_string();
    let one = format!("user = 1 and movie = {movie}");
    fixture.ok(&["filter", "ml", "--where", &one, "-o", "one"]);
    let reports: [&[&str]; 11] = [
        &["summary"],
        &["users"],
        &["genres"],
        &["timeline"],
        &["timeline", "--by", "day"],
        &["movies"],
        &["popular", "--min-ratings", "1"],
        &["top", "--min-ratings", "1"],
        &["polarising", "--min-ratings", "1"],
        &["best-by-genre", "--min-ratings", "1"],
        &["landing"],
    ];
    for data in ["none", "one", "ml"] {
        for report in reports {
            let words = |more: &[&str]| -> Vec<String> {
                ["stats"]
                    .iter()
                    .chain(report)
                    .chain(&[data])
                    .chain(more)
                    .map(|w| (*w).into())
                    .collect()
            };
            for name in ["p.svg", "p.png", "p.html"] {
                fixture.ok(&words(&["--plot", name]));
                let bytes = fs::read(fixture.path(name)).unwrap();
                let begins: &[u8] = match name {
                    "p.svg" => b"<svg ",
                    "p.png" => b"\x89PNG",
                    _ => b"<!doctype html>",
                };
                assert!(bytes.starts_with(begins), "{report:?} {name}");
                let again = fixture.run(&words(&["--plot", name, "--threads", "1"]), b"");
                assert!(again.status.success());
                assert_eq!(bytes, fs::read(fixture.path(name)).unwrap(), "{report:?} {name}");
            }
            assert!(!fixture.ok(&words(&["--chart"])).is_empty(), "{report:?}");
        }
    }
    fixture.ok(&["stats", "movie", &movie, "one", "--plot", "p.svg"]);
    fixture.ok(&["stats", "model", "als", "--plot", "p.svg"]);
    insta::assert_snapshot!(fixture.snapshot(&["stats", "genres", "ml", "--plot", "p.gif"]), @"
    exit 2
    --- stderr
    mvrec: error: --plot p.gif: the name must end in .svg, .png or .html
    ");
    insta::assert_snapshot!(fixture.snapshot(&["stats", "genres", "ml", "--chart", "--format", "csv"]), @"
    exit 2
    --- stderr
    error: the argument '--chart' cannot be used with '--format <FORMAT>'

    Usage: mvrec stats genres --chart <INPUT>

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(fixture.snapshot(&["stats", "best-by-genre", "ml", "--min-ratings", "60", "--chart"]), @"
    exit 0
    --- stdout
    Best of each genre

    average rating, stars (of how many ratings)
        Action: Jurassic Park (1993) ▏██████████████████████████████████▋ 4.34 of 73
     Adventure: Jurassic Park (1993) ▏██████████████████████████████████▋ 4.34 of 73
                Animation: Up (2009) ▏███████████████████████████████▊ 3.99 of 61
                 Children: Up (2009) ▏███████████████████████████████▊ 3.99 of 61
    Comedy: Monty Python and the Ho… ▏███████████████████████████████▍ 3.94 of 61
                Crime: Psycho (1960) ▏███████████████████████████████████ 4.39 of 65
    Drama: 2001: A Space Odyssey (1… ▏██████████████████████████████████▍ 4.31 of 60
    Fantasy: Monty Python and the H… ▏███████████████████████████████▍ 3.94 of 61
    Film-Noir: Double Indemnity (19… ▏███████████████████████████▉ 3.50 of 63
               Horror: Psycho (1960) ▏███████████████████████████████████ 4.39 of 65
               Mystery: Seven (1995) ▏██████████████████████████████▉ 3.88 of 69
             Romance: Titanic (1997) ▏███████████████████████████▍ 3.44 of 72
        Sci-Fi: Jurassic Park (1993) ▏██████████████████████████████████▋ 4.34 of 73
      Thriller: Jurassic Park (1993) ▏██████████████████████████████████▋ 4.34 of 73
     War: Saving Private Ryan (1998) ▏███████████████████████████████▎ 3.92 of 64
    ");
}

#[test]
fn stats_model_reports_loss_factors_and_neighbors() {
    let fixture = Fixture::with_model();
    let report = fixture.json(&["stats", "model", "als", "--movies", "2", "--similar", "3"]);
    let info = fixture.json(&["info", "als"]);
    assert_eq!(report["loss"], info["loss"]);
    assert_eq!((&report["users"], &report["movies"]), (&200.into(), &300.into()));
    assert_eq!(report["factors"], 8);
    // Of all 200 users, by what recommend says.
    let lists = fixture.json(&["recommend", "als", "--all-users", "-n", "10"]);
    let mut listed: Vec<u64> =
        lists.as_array().unwrap().iter().map(|row| row["movie_id"].as_u64().unwrap()).collect();
    listed.sort_unstable();
    listed.dedup();
    assert_eq!(report["coverage"]["listed"], listed.len());
    assert_eq!(report["coverage"]["users"], 200);
    let neighbors = report["neighbors"].as_array().unwrap();
    assert_eq!(neighbors.len(), 2);
    let similar = fixture.json(&[
        "recommend",
        "als",
        "--similar-to",
        &neighbors[0]["movie_id"].to_string(),
        "-n",
        "3",
    ]);
    for (ours, theirs) in
        neighbors[0]["similar"].as_array().unwrap().iter().zip(similar.as_array().unwrap())
    {
        assert_eq!(ours["movie_id"], theirs["movie_id"]);
    }
    let norms = &report["movie_norms"];
    let order = ["min", "median", "max"].map(|name| norms[name].as_f64().unwrap());
    assert!(order.is_sorted() && order[0] >= 0.0 && order[2] > 0.0, "{norms}");
    for (algorithm, neighbors) in [("cosine", true), ("nmf", true), ("popularity", true)] {
        fixture.ok(&["train", algorithm, "ml", "-o", "other"]);
        let report = fixture.json(&["stats", "model", "other"]);
        assert_eq!(report["algorithm"], algorithm);
        assert_eq!(!report["neighbors"].as_array().unwrap().is_empty(), neighbors);
    }
    fixture.ok(&["train", "cosine", "--between", "users", "ml", "-o", "between"]);
    assert_eq!(fixture.json(&["stats", "model", "between"])["neighbors"], serde_json::json!([]));
    insta::assert_snapshot!(fixture.snapshot(&["stats", "model", "ml"]), @"
    exit 1
    --- stderr
    mvrec: error: ml: not a model directory (neither model.json nor Spark's metadata in it)
    ");
}

/// Returns what the script of a report reads.
fn data_of(page: &str) -> serde_json::Value {
    use std::io::Read as _;

    use base64::Engine as _;
    let data = page.split_once("octet-stream\">").unwrap().1.split_once("</script>").unwrap().0;
    let packed = base64::engine::general_purpose::STANDARD.decode(data).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn the_page_of_everything() {
    let fixture = Fixture::with_dataset();
    fixture.ok(&["stats", "report", "ml", "-o", "report.html", "--min-ratings", "20"]);
    let page = fs::read_to_string(fixture.path("report.html")).unwrap();
    for outside in ["src=", "url(", "@import", "<link", "fetch("] {
        assert!(!page.contains(outside), "{outside}");
    }
    let data = data_of(&page);
    assert_eq!(data["movies"]["id"].as_array().unwrap().len(), 300);
    let ratings: usize =
        data["ratings"].as_array().unwrap().iter().map(|of| of.as_array().unwrap().len()).sum();
    assert_eq!(ratings, 3 * 12_211);
    let best = fixture.json(&["stats", "top", "ml", "-n", "50", "--min-ratings", "20"]);
    let listed = data["lists"][1]["rows"].as_array().unwrap();
    for (ours, theirs) in listed.iter().zip(best.as_array().unwrap()) {
        let title = spoken_title(theirs["title"].as_str().unwrap());
        assert_eq!((&ours[0], &ours[3]), (&title.into(), &theirs["avg_rating"]));
    }
    // From a pipe, with titles from elsewhere, the same page but for the name.
    let piped = fixture.ok(&["filter", "ml"]);
    fixture.ok_with(
        &[
            "stats",
            "report",
            "--movies",
            "ml",
            "--name",
            "ml",
            "-o",
            "piped.html",
            "--min-ratings",
            "20",
        ],
        &piped,
    );
    assert_eq!(page, fs::read_to_string(fixture.path("piped.html")).unwrap());
    fixture.ok(&["filter", "ml", "--where", "user = 1 and movie = 0", "-o", "none"]);
    fixture.ok(&["stats", "report", "none", "-o", "none.html"]);
    insta::assert_snapshot!(fixture.snapshot(&["stats", "report", "ml", "-o", "report.pdf"]), @"
    exit 2
    --- stderr
    mvrec: error: the report is a page: give -o a name that ends in .html
    ");
}

#[test]
fn titles_of_any_kind_and_hundreds_of_genres() {
    let fixture = Fixture::new();
    let evil = "</script><img src=x onerror=alert(1)> \"quoted\" & 'so' \u{1f3ac} (2001)";
    let genres: Vec<String> = (0..300).map(|at| format!("Genre {at}")).collect();
    let quoted = evil.replace('"', "\"\"");
    let movies = format!(
        "movieId,title,genres\n1,\"{quoted}\",{}\n2,Plain (1999),Genre 7\n",
        genres.join("|")
    );
    fs::create_dir(fixture.path("data")).unwrap();
    fs::write(fixture.path("data/movies.csv"), movies).unwrap();
    fs::write(
        fixture.path("data/ratings.csv"),
        "userId,movieId,rating,timestamp\n1,1,4.5,1000000000\n2,1,3,1100000000\n1,2,2,1000000000\n",
    )
    .unwrap();
    fixture.ok(&["ingest", "data", "-o", "odd"]);
    assert_eq!(fixture.json(&["stats", "genres", "odd"]).as_array().unwrap().len(), 300);
    fixture.ok(&["stats", "report", "odd", "-o", "odd.html", "--name", evil]);
    fixture.ok(&["stats", "popular", "odd", "--min-ratings", "1", "--plot", "popular.html"]);
    for name in ["odd.html", "popular.html"] {
        let page = fs::read_to_string(fixture.path(name)).unwrap();
        assert!(!page.contains("<img"), "{name}");
        assert_eq!(page.matches("</script>").count(), 2, "{name}");
    }
    let page = fs::read_to_string(fixture.path("odd.html")).unwrap();
    assert_eq!(data_of(&page)["movies"]["title"][0], evil);
    for name in ["g.svg", "g.png", "g.html"] {
        fixture.ok(&["stats", "genres", "odd", "--plot", name]);
    }
    fixture.ok(&["stats", "popular", "odd", "--min-ratings", "1", "--plot", "popular.svg"]);
    let svg = fs::read_to_string(fixture.path("popular.svg")).unwrap();
    assert!(!svg.contains("<img") && svg.contains("&lt;/script&gt;"), "{svg}");
    let svg = fs::read_to_string(fixture.path("g.svg")).unwrap();
    assert!(svg.contains("The first 40 of 300."));
}

#[test]
fn many_row_groups_give_the_same_bits_at_any_number_of_threads_and_from_memory() {
    let fixture = Fixture::new();
    // More row groups than parts of a pass.
    const ROWS: u32 = 2_400_000;
    let stars_of = |row: u32| (u64::from(row) * 7_919 % 1_000) as f64 / 100.0;
    let mut text = String::from("user,movie,rating,timestamp\n");
    // Stars that are no halves, so that the order of additions shows in the last bits.
    for row in 0..ROWS {
        let (user, movie) = (row / 150 + 1, row % 150 * 7 + 1);
        let stars = stars_of(row);
        let time = 1_200_000_000 + row * 31 % 400_000_000;
        writeln!(text, "{user},{movie},{stars:.2},{time}").unwrap();
    }
    fs::write(fixture.path("r.csv"), &text).unwrap();
    fixture.ok(&["ingest", "r.csv", "--scale", "0..10", "-o", "all"]);
    fixture.ok(&["filter", "all", "-o", "all.parquet"]);
    for report in ["summary", "users", "movies", "polarising", "timeline"] {
        let of = |input, threads| {
            fixture.ok(&["-q", "stats", report, input, "--threads", threads, "--format", "json"])
        };
        let one = of("all", "1");
        for (input, threads) in [("all", "2"), ("all", "8"), ("all.parquet", "2")] {
            assert!(one == of(input, threads), "{report} of {input} with {threads} threads");
        }
    }
    let movies = fixture.json(&["-q", "stats", "movies", "all"]);
    let plain: f64 =
        (0..ROWS).filter(|row| row % 150 == 3).map(|row| f64::from(stars_of(row) as f32)).sum();
    let row = movies.as_array().unwrap().iter().find(|row| row["movie_id"] == 22).unwrap();
    assert!((row["avg_rating"].as_f64().unwrap() - plain / 16_000.0).abs() < 1e-12);
    // What is loaded first says the same.
    let of = |input: &str| fixture.json(&["stats", "summary", input]);
    fixture.ok(&["ingest", &crate::ml_mini(), "-o", "mini"]);
    assert_eq!(of("mini"), of(&format!("{}/ratings.csv", crate::ml_mini())));
}
