use std::fs;

use crate::Fixture;

#[test]
fn new_user_gets_a_list_with_titles() {
    let fixture = Fixture::with_model();
    insta::assert_snapshot!(fixture.snapshot(&[
        "recommend", "als", "--rate", "Spirited Away=5", "--rate", "49=1", "-n", "2", "--format", "jsonl",
    ]), @r#"
    exit 0
    --- stdout
    {"rank":1,"movie_id":236,"title":"Nausicaä of the Valley of the Wind (Kaze no tani no Naushika) (1984)","genres":"Adventure|Animation|Drama|Fantasy|Sci-Fi","score":9.759673,"predicted_rating":4.2922883}
    {"rank":2,"movie_id":264,"title":"Minority Report (2002)","genres":"Action|Crime|Mystery|Sci-Fi|Thriller","score":8.419924,"predicted_rating":4.1403036}
    --- stderr
    mvrec: rated 5 Spirited Away (Sen to Chihiro no kamikakushi) (2001)
    mvrec: rated 1 Twilight (2008)
    mvrec: score: predicted rating + 3 (1 + 15 / n) x nearness to the n rated movies
    "#);
    let list = fixture.json(&[
        "recommend",
        "als",
        "--rate",
        "Spirited Away=5",
        "--rate",
        "Princess Mononoke=5",
        "--rate",
        "twilight=1",
    ]);
    let list = list.as_array().unwrap();
    assert_eq!(list.len(), 10);
    let animated = list.iter().filter(|row| row["genres"].as_str().unwrap().contains("Animation"));
    assert!(animated.count() >= 7, "{list:?}");
}

#[test]
fn lists_by_genre_and_with_what_was_seen() {
    let fixture = Fixture::with_model();
    let rates = ["--rate", "Alien=5", "--rate", "Aliens=5"];
    let run = |more: &[&str]| {
        let mut args = vec!["recommend", "als", "-n", "300"];
        args.extend(rates);
        args.extend(more);
        fixture.json(&args).as_array().unwrap().clone()
    };
    assert_eq!(run(&[]).len(), 298);
    assert_eq!(run(&["--include-seen"]).len(), 300);
    let western = run(&["--genre", "western"]);
    assert!(!western.is_empty());
    assert!(western.iter().all(|row| row["genres"].as_str().unwrap().contains("Western")));
    insta::assert_snapshot!(fixture.snapshot(&[
        "recommend",
        "als",
        "--user",
        "1",
        "--genre",
        "Opera"
    ]), @"
    exit 1
    --- stderr
    mvrec: error: no movie is of the genre `Opera`; known are Action, Adventure, Animation, Children, Comedy, Crime, Documentary, Drama, Fantasy, Film-Noir, Horror, Musical, Mystery, Romance, Sci-Fi, Thriller, War, Western
    ");
}

#[test]
fn users_one_by_one_from_a_file_and_all_agree() {
    let fixture = Fixture::with_model();
    let all = fixture.json(&["recommend", "als", "--all-users", "-n", "3"]);
    let all = all.as_array().unwrap();
    assert_eq!(all.len(), 600);
    fs::write(fixture.path("ids.txt"), "7\n9\n").unwrap();
    let of_file = fixture.json(&["recommend", "als", "--users", "ids.txt", "-n", "3"]);
    let named = fixture.json(&["recommend", "als", "--user", "9", "--user", "7", "-n", "3"]);
    assert_eq!(of_file, named);
    let chosen: Vec<_> =
        all.iter().filter(|row| row["user_id"] == 7 || row["user_id"] == 9).cloned().collect();
    assert_eq!(named.as_array().unwrap(), &chosen);
}

#[test]
fn similar_movies_are_listed_or_refused() {
    let fixture = Fixture::with_dataset();
    fixture.ok(&["train", "cosine", "ml", "-o", "cosine"]);
    insta::assert_snapshot!(fixture.snapshot(&[
        "recommend",
        "cosine",
        "--similar-to",
        "princess mononoke",
        "-n",
        "3",
        "--format",
        "table"
    ]), @"
    exit 0
    --- stdout
    rank  movie_id  title                                                genres        score
       1        18  The Lord of the Rings: The Return of the King (200…  Action|Adve…  0.274  ██████████
       2        27  Shrek (2001)                                         Adventure|A…  0.273  ██████████
       3        88  Reservoir Dogs (1992)                                Crime|Myste…  0.272  █████████▉
    --- stderr
    mvrec: like Princess Mononoke (Mononoke-hime) (1997)
    mvrec: score: cosine similarity of the movies' ratings
    ");
    fixture.ok(&["train", "cosine", "--between", "users", "ml", "-o", "users"]);
    insta::assert_snapshot!(fixture.snapshot(&["recommend", "users", "--similar-to", "1"]), @"
    exit 1
    --- stderr
    mvrec: error: this model has no item-item similarity; train cosine --between movies, als or nmf
    ");
}

#[test]
fn unclear_questions_are_refused() {
    let fixture = Fixture::with_model();
    insta::assert_snapshot!(fixture.snapshot(&["recommend", "als", "--rate", "harry potter=5"]), @"
    exit 1
    --- stderr
    mvrec: error: `harry potter` fits several movies:
      33  Harry Potter and the Philosopher's Stone (2001)
      81  Harry Potter and the Prisoner of Azkaban (2004)
    mvrec: hint: give the title with its year, or the id as id:ID
    ");
    insta::assert_snapshot!(fixture.snapshot(&["recommend", "als", "--rate", "Solaris 3=5"]), @"
    exit 1
    --- stderr
    mvrec: error: no movie is called `Solaris 3`
    mvrec: hint: only movies that were rated are known here; `mvrec search` finds titles
    ");
    insta::assert_snapshot!(fixture.snapshot(&["recommend", "als", "--rate", "Alien=6"]), @"
    exit 2
    --- stderr
    mvrec: error: Alien=6: not between 0.5 and 5 stars
    ");
    insta::assert_snapshot!(fixture.snapshot(&[
        "recommend",
        "als",
        "--rate",
        "Alien=5",
        "--rate",
        "28=4"
    ]), @"
    exit 2
    --- stderr
    mvrec: rated 5 Alien (1979)
    mvrec: rated 4 Alien (1979)
    mvrec: error: Alien (1979) is rated twice
    ");
    insta::assert_snapshot!(fixture.snapshot(&["recommend", "als", "--user", "12345"]), @"
    exit 1
    --- stderr
    mvrec: error: user 12345 is not in the model, whose 200 ids go from 1 to 200
    mvrec: hint: for somebody new, give ratings with --rate MOVIE=STARS
    ");
    insta::assert_snapshot!(fixture.snapshot(&["recommend", "als"]), @r#"
    exit 2
    --- stderr
    error: the following required arguments were not provided:
      <--user <ID>|--users <FILE>|--all-users|--rate <MOVIE=STARS>|--like <MOVIE>|--ratings <FILE>|--similar-to <MOVIE>|--similar-users <ID>>

    Usage: mvrec recommend [OPTIONS] <WHO> <MODEL>
           (WHO: an option under "Who", such as --user ID or --rate MOVIE=STARS)

    For more information, try '--help'.
    "#);
    insta::assert_snapshot!(fixture.snapshot(&["recommend", "ml", "--user", "1"]), @"
    exit 1
    --- stderr
    mvrec: error: ml: not a model directory (neither model.json nor Spark's metadata in it)
    ");
    insta::assert_snapshot!(fixture.snapshot(&["recommend", "nowhere", "--user", "1"]), @"
    exit 1
    --- stderr
    mvrec: error: nowhere: No such file or directory
    ");
}

#[test]
fn a_spark_model_is_opened_with_titles_from_elsewhere() {
    let fixture = Fixture::with_model();
    let own = fixture.json(&["recommend", "als", "--user", "1", "--include-seen"]);
    // What Spark reads and writes is the three folders alone; in Spark 4 the metadata has a longer
    // name.
    for extra in ["model.json", "movies.parquet", "seen.parquet"] {
        fs::remove_file(fixture.path("als").join(extra)).unwrap();
    }
    let metadata = fixture.path("als/metadata");
    fs::rename(metadata.join("part-00000"), metadata.join("part-00000-0c1d-c000.txt")).unwrap();
    let lists = fixture.json(&["recommend", "als", "--user", "1", "-n", "300", "--movies", "ml"]);
    let lists = lists.as_array().unwrap();
    assert_eq!(lists.len(), 300);
    for row in own.as_array().unwrap() {
        let same = lists.iter().find(|other| other["movie_id"] == row["movie_id"]).unwrap();
        assert_eq!(same["predicted_rating"], row["predicted_rating"]);
        assert_eq!(same["title"], row["title"]);
    }
    insta::assert_snapshot!(fixture.snapshot(&[
        "recommend",
        "als",
        "--user",
        "1",
        "-n",
        "1",
        "--format",
        "csv"
    ]), @"
    exit 0
    --- stdout
    user_id,rank,movie_id,title,genres,score,predicted_rating
    1,1,19,,,4.896892,4.896892
    --- stderr
    mvrec: a model of Spark's: explicit by its predictions, as they average 0.5 or more; --feedback implicit otherwise
    mvrec: no titles in the model: add --movies PATH (a dataset, movies.parquet or movies.csv)
    mvrec: warning: Spark models do not store the ratings of users: lists may contain rated movies; --seen INPUT gives their ratings
    mvrec: score: predicted rating
    ");
}

fn titles(rows: &serde_json::Value) -> Vec<&str> {
    rows.as_array().unwrap().iter().map(|row| row["title"].as_str().unwrap()).collect()
}

#[test]
fn ratings_come_from_files_of_any_kind() {
    let fixture = Fixture::with_model();
    let typed = fixture.json(&["recommend", "als", "--rate", "Alien=5", "--rate", "Twilight=1"]);
    for (name, text) in [
        ("one.csv", "movieId,rating\n28,5\n49,1\n"),
        (
            "titles.csv",
            "Date,Name,Year,Rating\n2020-01-01,Alien,1979,5\n2020-01-02,Twilight,2008,1\n",
        ),
        ("one.json", "{\n  \"Alien\": 5,\n  \"49\": 1\n}\n"),
        ("line.json", "{\"Alien\": 5, \"49\": 1}"),
        (
            "rows.json",
            "[{\"movie_id\": 28, \"rating\": 5}, {\"title\": \"twilight\", \"rating\": 1}]",
        ),
    ] {
        fs::write(fixture.path(name), text).unwrap();
        assert_eq!(fixture.json(&["recommend", "als", "--ratings", name]), typed, "{name}");
        let piped = fixture.ok_with(&["recommend", "als", "--ratings", "-"], text.as_bytes());
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&piped).unwrap(), typed, "{name}");
    }
    // They add up with what is typed, and `--like` gives the most stars.
    let both = ["recommend", "als", "--ratings", "half.json", "--like", "alien"];
    fs::write(fixture.path("half.json"), "{\"49\": 1}").unwrap();
    assert_eq!(fixture.json(&both), typed);
    insta::assert_snapshot!(fixture.snapshot(&["recommend", "als", "--ratings", "half.json", "--rate", "49=3"]), @"
    exit 2
    --- stderr
    mvrec: rated 3 Twilight (2008)
    mvrec: 1 rating read
    mvrec: error: Twilight (2008) is rated twice
    ");
    fs::write(fixture.path("odd.csv"), "title,rating\nAlien,5\nNo such film,3\n").unwrap();
    insta::assert_snapshot!(fixture.snapshot(&["recommend", "als", "--ratings", "odd.csv"]), @"
    exit 1
    --- stderr
    mvrec: error: odd.csv:3: no movie is called `No such film`
      (--on-error skip leaves such ratings out)
    ");
    insta::assert_snapshot!(fixture.snapshot(&[
        "recommend", "als", "--ratings", "odd.csv", "--on-error", "skip", "-n", "1", "--fields", "rank,title",
    ]), @r#"
    exit 0
    --- stdout
    [{"rank":1,"title":"Jurassic Park (1993)"}]
    --- stderr
    mvrec: 1 rating read
    mvrec: warning: left out: 1
      odd.csv:3: no movie is called `No such film`
    mvrec: score: predicted rating + 3 (1 + 15 / n) x nearness to the n rated movies
    "#);
    fs::write(fixture.path("nothing.json"), "{}").unwrap();
    insta::assert_snapshot!(fixture.snapshot(&[
        "recommend", "als", "--ratings", "nothing.json", "-n", "1", "--explain", "--format", "jsonl",
    ]), @r#"
    exit 0
    --- stdout
    {"rank":1,"movie_id":136,"title":"Rashomon (1950)","genres":"Crime|Drama|Mystery","score":4.2325153,"predicted_rating":4.2325153,"base_score":4.2325153,"because":[]}
    --- stderr
    mvrec: 0 ratings read
    mvrec: warning: no ratings given: this is the list of an average user
    mvrec: score: predicted rating + 3 (1 + 15 / n) x nearness to the n rated movies
    "#);
    for (name, text) in [
        ("off.json", "{\"Alien\": 7}"),
        ("empty.json", ""),
        ("bad.json", "{\"Alien\": "),
        ("no.csv", "a,b\n1,2\n"),
    ] {
        fs::write(fixture.path(name), text).unwrap();
    }
    insta::assert_snapshot!(fixture.snapshot(&["recommend", "als", "--ratings", "off.json"]), @"
    exit 1
    --- stderr
    mvrec: error: off.json: `Alien`: 7 is not between 0.5 and 5 stars; for another scale, use --ratings-scale MIN..MAX
      (--on-error skip leaves such ratings out)
    ");
    insta::assert_snapshot!(fixture.snapshot(&["recommend", "als", "--ratings", "empty.json"]), @"
    exit 1
    --- stderr
    mvrec: error: empty.json: the file is empty
    ");
    insta::assert_snapshot!(fixture.snapshot(&["recommend", "als", "--ratings", "bad.json"]), @"
    exit 1
    --- stderr
    mvrec: error: bad.json: EOF while parsing a value at line 1 column 10
    ");
    insta::assert_snapshot!(fixture.snapshot(&["recommend", "als", "--ratings", "no.csv"]), @"
    exit 1
    --- stderr
    mvrec: error: no.csv: no column for the movie; found `a`, `b`
    ");
}

#[test]
fn json_lines_are_answered_line_by_line() {
    let fixture = Fixture::with_model();
    let lines = concat!(
        "{\"id\": \"anna\", \"ratings\": {\"Alien\": 5}}\n\n",
        "{\"id\": 2, \"ratings\": {\"Alien\": 5, \"No such film\": 1}}\n",
        "{\"Alien\": 9}\nnonsense\n{\"id\": [3], \"ratings\": [{\"title\": \"Aliens\", \"rating\": 4}]}",
    );
    fs::write(fixture.path("people.jsonl"), lines).unwrap();
    insta::assert_snapshot!(fixture.snapshot(&[
        "recommend", "als", "--ratings", "people.jsonl", "-n", "1", "--explain",
    ]), @r#"
    exit 1
    --- stdout
    {"id":"anna","recommendations":[{"rank":1,"movie_id":15,"title":"Jurassic Park (1993)","genres":"Action|Adventure|Sci-Fi|Thriller","score":17.520699,"predicted_rating":4.4781528,"base_score":4.174415,"because":[{"movie_id":28,"title":"Alien (1979)","rating":5.0,"contribution":13.346284}]}]}
    {"line":3,"id":2,"error":"no movie is called `No such film`\n  (--on-error skip leaves such ratings out)"}
    {"line":4,"error":"`Alien`: 9 is not between 0.5 and 5 stars; for another scale, use --ratings-scale MIN..MAX\n  (--on-error skip leaves such ratings out)"}
    {"line":5,"error":"expected ident at line 1 column 2"}
    {"id":[3],"recommendations":[{"rank":1,"movie_id":35,"title":"Avatar (2009)","genres":"Action|Adventure|Sci-Fi","score":12.956811,"predicted_rating":3.6474602,"base_score":3.541587,"because":[{"movie_id":64,"title":"Aliens (1986)","rating":4.0,"contribution":9.415224}]}]}
    --- stderr
    mvrec: score: predicted rating + 3 (1 + 15 / n) x nearness to the n rated movies
    mvrec: error: 3 of 6 lines could not be answered; the output says why
    "#);
    // Each gets what it gets alone.
    let alone = fixture.json(&["recommend", "als", "--like", "alien"]);
    let out = fixture.ok_with(
        &["recommend", "als", "--ratings", "-", "--on-error", "skip"],
        b"{\"ratings\": {\"Alien\": 5}}\n{\"ratings\": {\"Alien\": 5, \"x\": 1}}\n",
    );
    let answers: Vec<serde_json::Value> = String::from_utf8(out)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers.len(), 2);
    assert!(answers.iter().all(|answer| answer["recommendations"] == alone));
    insta::assert_snapshot!(fixture.snapshot(&[
        "recommend", "als", "--ratings", "people.jsonl", "--format", "csv",
    ]), @"
    exit 2
    --- stderr
    mvrec: error: answers to JSON lines are JSON lines: leave out --format, or give jsonl
    ");
}

#[test]
fn an_answer_does_not_wait_for_the_next_line() {
    use std::io::{BufRead, BufReader, Write};
    let fixture = Fixture::with_model();
    let mut child = fixture
        .command(&["-q", "recommend", "als", "--ratings", "-", "-n", "1"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    for id in 0..3 {
        writeln!(stdin, "{{\"id\": {id}, \"ratings\": {{\"28\": 5}}}}").unwrap();
        let mut answer = String::new();
        stdout.read_line(&mut answer).unwrap();
        assert!(answer.starts_with(&format!("{{\"id\":{id},\"recommendations\":[")), "{answer}");
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

#[test]
fn users_of_a_dataset_are_new_users() {
    let fixture = Fixture::with_model();
    fixture.ok(&["filter", "ml", "--where", "user in (3, 7)", "-o", "two.parquet"]);
    let people = fixture.json(&["recommend", "als", "--ratings", "two.parquet"]);
    let users = fixture.json(&["recommend", "als", "--user", "3", "--user", "7"]);
    assert_eq!(titles(&people), titles(&users));
    assert_eq!(people[0]["user_id"], 3);
    insta::assert_snapshot!(fixture.snapshot(&[
        "recommend", "als", "--ratings", "two.parquet", "--like", "alien",
    ]), @"
    exit 2
    --- stderr
    mvrec: error: --rate and --like add to the --ratings of one user, not of many
    ");
}

#[test]
fn lists_are_narrowed_before_the_cut() {
    let fixture = Fixture::with_model();
    let run = |more: &[&str]| {
        let mut args = vec!["recommend", "als", "--like", "alien", "-n", "300", "--fields"];
        args.push("movie_id,title,release_year,genres,n_ratings,mean_rating");
        args.extend(more);
        fixture.json(&args).as_array().unwrap().clone()
    };
    let all = |rows: &[serde_json::Value], fits: &dyn Fn(&serde_json::Value) -> bool| {
        assert!(!rows.is_empty() && rows.len() < 299 && rows.iter().all(fits), "{rows:?}");
    };
    all(&run(&["--exclude-genre", "Drama"]), &|row| {
        !row["genres"].as_str().unwrap().contains("Drama")
    });
    all(&run(&["--released", "..1960"]), &|row| row["release_year"].as_i64().unwrap() <= 1960);
    all(&run(&["--released", "1990..1999"]), &|row| {
        (1990..=1999).contains(&row["release_year"].as_i64().unwrap())
    });
    all(&run(&["--min-ratings", "60"]), &|row| row["n_ratings"].as_i64().unwrap() >= 60);
    all(&run(&["--min-mean", "4"]), &|row| row["mean_rating"].as_f64().unwrap() >= 4.0);
    all(
        &run(&["--where", "genre = 'Horror' and released < 1980 or movie_ratings > 100"]),
        &|row| {
            let horror = row["genres"].as_str().unwrap().contains("Horror");
            horror && row["release_year"].as_i64().unwrap() < 1980
                || row["n_ratings"].as_i64().unwrap() > 100
        },
    );
    fs::write(fixture.path("some.txt"), "movie_id\n1\n2\n28\n3\n").unwrap();
    let some: Vec<i64> = run(&["--candidates", "some.txt"])
        .iter()
        .map(|row| row["movie_id"].as_i64().unwrap())
        .collect();
    assert_eq!(some.len(), 3, "28 is seen: {some:?}");
    assert_eq!(run(&["--exclude", "some.txt"]).len(), 296);
    // Of what the person likes: Alien is Horror and Sci-Fi.
    all(&run(&["--genre", "auto"]), &|row| {
        let genres = row["genres"].as_str().unwrap();
        genres.contains("Horror") || genres.contains("Sci-Fi")
    });
    insta::assert_snapshot!(fixture.snapshot(&[
        "recommend", "als", "--like", "alien", "--genre", "auto", "-n", "1", "--released", "1986", "--format", "csv",
    ]), @r#"
    exit 0
    --- stdout
    rank,movie_id,title,genres,score,predicted_rating
    1,193,"Fly, The (1986)",Drama|Horror|Sci-Fi|Thriller,7.4699254,4.164098
    --- stderr
    mvrec: rated 5 Alien (1979)
    mvrec: genres: Horror, Sci-Fi
    mvrec: score: predicted rating + 3 (1 + 15 / n) x nearness to the n rated movies
    "#);
    for wrong in [
        vec!["--where", "rating > 3"],
        vec!["--where", "genre = 'Opera'"],
        vec!["--exclude-genre", "Opera"],
        vec!["--released", "2000..1990"],
        vec!["--diversify", "1.5"],
        vec!["--popularity-penalty=-1"],
        vec!["--fields", "rank,tilte"],
        vec!["--fields", "because"],
        vec!["--user", "1"],
    ] {
        let mut args = vec!["recommend", "als", "--like", "alien"];
        args.extend(&wrong);
        let out = fixture.run(&args, b"");
        assert!(matches!(out.status.code(), Some(1 | 2)) && out.stdout.is_empty(), "{wrong:?}");
    }
    insta::assert_snapshot!(fixture.snapshot(&["recommend", "als", "--like", "alien", "--where", "rating > 3"]), @"
    exit 2
    --- stderr
    mvrec: error: --where: a movie has no rating, date, year, user or user_ratings here; ask for released, genre, title, movie or movie_ratings
    ");
    insta::assert_snapshot!(fixture.snapshot(&["recommend", "als", "--like", "alien", "--fields", "rank,tilte"]), @"
    exit 2
    --- stderr
    mvrec: error: --fields: there is no `tilte`; did you mean `title`?; known are user_id, user_key, rank, movie_id, movie_key, title, release_year, genres, imdb_id, tmdb_id, n_ratings, mean_rating, score, predicted_rating, score_meaning, and with --explain base_score and because
    ");
    insta::assert_snapshot!(fixture.snapshot(&["recommend", "als", "--like", "alien", "--user", "1"]), @"
    exit 2
    --- stderr
    mvrec: error: give one of: known users (--user, --users, --all-users), a new user (--rate, --like, --ratings), --similar-to or --similar-users
    ");
}

#[test]
fn the_order_can_be_more_various_and_less_popular() {
    let fixture = Fixture::with_model();
    let n_ratings = |more: &[&str]| {
        let mut args = vec!["recommend", "als", "--like", "alien", "--fields", "n_ratings"];
        args.extend(more);
        let rows = fixture.json(&args);
        rows.as_array().unwrap().iter().map(|row| row["n_ratings"].as_i64().unwrap()).sum::<i64>()
    };
    let (usual, rare) = (n_ratings(&[]), n_ratings(&["--popularity-penalty", "4"]));
    assert!(rare < usual, "{rare} {usual}");
    let usual = fixture.json(&["recommend", "als", "--like", "alien"]);
    let various = fixture.json(&["recommend", "als", "--like", "alien", "--diversify", "0.7"]);
    assert_eq!(titles(&usual)[0], titles(&various)[0]);
    assert_ne!(titles(&usual), titles(&various));
}

#[test]
fn reasons_add_up_in_every_format() {
    let fixture = Fixture::with_model();
    let args = ["recommend", "als", "--like", "alien", "--rate", "49=1", "-n", "2", "--explain"];
    insta::assert_snapshot!(fixture.snapshot(&[&args[..], &["--format", "table"]].concat()), @"
    exit 0
    --- stdout
    rank  movie_id  title                 score  predicted_rating  base_score  because
       1        15  Jurassic Park (199…  11.286             4.236       4.185  Alien (1979) +7.23…  ★★★★
       2        26  Gladiator (2000)     10.038             3.457       3.583  Alien (1979) +6.71…  ★★★½
    (no room for genres)
    --- stderr
    mvrec: rated 1 Twilight (2008)
    mvrec: rated 5 Alien (1979)
    mvrec: score: predicted rating + 3 (1 + 15 / n) x nearness to the n rated movies
    ");
    insta::assert_snapshot!(fixture.snapshot(&[&args[..], &["--format", "csv", "-q"]].concat()), @r#"
    exit 0
    --- stdout
    rank,movie_id,title,genres,score,predicted_rating,base_score,because
    1,15,Jurassic Park (1993),Action|Adventure|Sci-Fi|Thriller,11.286164,4.236154,4.1848497,"Alien (1979) +7.23, Twilight (2008) -0.13"
    2,26,Gladiator (2000),Action|Adventure|Drama,10.038147,3.4573576,3.5834296,"Alien (1979) +6.71, Twilight (2008) -0.26"
    "#);
    let rows = fixture.json(&args);
    let first = &rows[0]["because"];
    assert_eq!(first.as_array().unwrap().len(), 2, "{rows}");
    assert_eq!(first[0]["title"], "Alien (1979)");
    fixture.ok(&[&args[..], &["-o", "list.parquet"]].concat());
    assert!(fixture.path("list.parquet").is_file());
    let one = fixture.json(&["recommend", "als", "--user", "1", "-n", "1", "--explain=1"]);
    assert_eq!(one[0]["because"].as_array().unwrap().len(), 1);
}

#[test]
fn users_like_a_user() {
    let fixture = Fixture::with_model();
    let rows = fixture.json(&["recommend", "als", "--similar-users", "1", "-n", "3"]);
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().all(|row| row["user_id"] != 1 && row["score"].as_f64().unwrap() <= 1.0001));
    fixture.ok(&["train", "cosine", "ml", "-o", "cosine"]);
    insta::assert_snapshot!(fixture.snapshot(&["recommend", "cosine", "--similar-users", "1"]), @"
    exit 1
    --- stderr
    mvrec: error: this model has no user-user similarity; als, nmf and cosine --between users have
    ");
    insta::assert_snapshot!(fixture.snapshot(&["recommend", "als", "--similar-users", "12345"]), @"
    exit 1
    --- stderr
    mvrec: error: user 12345 is not in the model, whose 200 ids go from 1 to 200
    mvrec: hint: for somebody new, give ratings with --rate MOVIE=STARS
    ");
}

#[test]
fn lists_for_all_are_the_same_in_every_format() {
    let fixture = Fixture::with_model();
    let json = fixture.json(&["recommend", "als", "--all-users", "-n", "2"]);
    let lines = fixture.ok(&["recommend", "als", "--all-users", "-n", "2", "--format", "jsonl"]);
    let lines: Vec<serde_json::Value> = String::from_utf8(lines)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(json.as_array().unwrap(), &lines);
    fixture.ok(&["recommend", "als", "--all-users", "-n", "2", "-o", "lists.parquet"]);
    let info = fixture.json(&["info", "lists.parquet"]);
    assert_eq!(info["rows"], 400, "{info}");
    let csv = fixture.ok(&["recommend", "als", "--all-users", "-n", "2", "--format", "csv"]);
    assert_eq!(String::from_utf8(csv).unwrap().lines().count(), 401);
    // Nobody is an answer, too: an empty array, or a header alone.
    fs::write(fixture.path("none.txt"), "\n").unwrap();
    insta::assert_snapshot!(fixture.snapshot(&["recommend", "als", "--users", "none.txt"]), @"
    exit 0
    --- stdout
    []
    --- stderr
    mvrec: score: predicted rating + 3 (1 + 15 / n) x nearness to the n rated movies
    ");
    insta::assert_snapshot!(fixture.snapshot(&["recommend", "als", "--users", "none.txt", "--format", "csv"]), @"
    exit 0
    --- stdout
    user_id,rank,movie_id,title,genres,score,predicted_rating
    --- stderr
    mvrec: score: predicted rating + 3 (1 + 15 / n) x nearness to the n rated movies
    ");
}

#[test]
fn damaged_models_are_told_from_whole_ones() {
    let fixture = Fixture::with_model();
    let path = |name: &str| fixture.path("als").join(name);
    let model = fs::read_to_string(path("model.json")).unwrap();
    fs::write(
        path("model.json"),
        model.replacen("\"format_version\": 1", "\"format_version\": 99", 1),
    )
    .unwrap();
    insta::assert_snapshot!(fixture.snapshot(&["recommend", "als", "--user", "1"]), @"
    exit 1
    --- stderr
    mvrec: error: als/model.json: unsupported format version 99 (this build reads up to 1)
    ");
    fs::write(path("model.json"), "{").unwrap();
    insta::assert_snapshot!(fixture.snapshot(&["recommend", "als", "--user", "1"]), @"
    exit 1
    --- stderr
    mvrec: error: als/model.json: EOF while parsing an object at line 1 column 1
    ");
    fs::write(path("model.json"), model).unwrap();
    let items = path("itemFactors/part-00000.parquet");
    let whole = fs::read(&items).unwrap();
    fs::write(&items, &whole[..whole.len() / 2]).unwrap();
    insta::assert_snapshot!(fixture.snapshot(&["recommend", "als", "--user", "1"]), @"
    exit 1
    --- stderr
    mvrec: error: als/itemFactors/part-00000.parquet: not a readable Parquet file (truncated or corrupt?): Parquet error: Invalid Parquet file. Corrupt footer
    ");
    fs::write(&items, &whole).unwrap();
    fs::copy(path("userFactors/part-00000.parquet"), &items).unwrap();
    insta::assert_snapshot!(fixture.snapshot(&["recommend", "als", "--user", "1"]), @"
    exit 1
    --- stderr
    mvrec: error: als/itemFactors: its movies are not those of movies.parquet
    ");
    fs::write(&items, &whole).unwrap();
    fs::write(path("movies.parquet"), b"PAR1").unwrap();
    insta::assert_snapshot!(fixture.snapshot(&["recommend", "als", "--user", "1"]), @"
    exit 1
    --- stderr
    mvrec: error: als/movies.parquet: not a readable Parquet file (truncated or corrupt?): EOF: Parquet file too small. Size is 4 but need 8
    ");
}
