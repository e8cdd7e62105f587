use std::fs;

use crate::Fixture;

#[test]
fn a_new_person_gets_a_list_with_titles() {
    let fixture = Fixture::with_model();
    insta::assert_snapshot!(fixture.snapshot(&[
        "recommend", "als", "--rate", "Spirited Away=5", "--rate", "49=1", "-n", "2", "--format", "jsonl",
    ]), @r#"
    exit 0
    --- stdout
    {"rank":1,"movie_id":226,"title":"Zootopia (2016)","genres":"Action|Adventure|Animation|Children|Comedy","score":8.5574,"predicted_rating":6.4963}
    {"rank":2,"movie_id":235,"title":"Castle in the Sky (Tenkû no shiro Rapyuta) (1986)","genres":"Action|Adventure|Animation|Children|Fantasy|Sci-Fi","score":8.3232,"predicted_rating":5.8756}
    --- stderr
    mvrec: rated 5 Spirited Away (Sen to Chihiro no kamikakushi) (2001)
    mvrec: rated 1 Twilight (2008)
    mvrec: score: expected stars plus a bonus for evidence, 0.7 x ln(1 + ratings of the movie)
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
fn likes_of_a_movie() {
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
     rank  movie_id  title                                                  genres                                               score
        1        18  Lord of the Rings: The Return of the King, The (2003)  Action|Adventure|Drama|Fantasy                       0.274
        2        27  Shrek (2001)                                           Adventure|Animation|Children|Comedy|Fantasy|Romance  0.273
        3        88  Reservoir Dogs (1992)                                  Crime|Mystery|Thriller                               0.272
    --- stderr
    mvrec: like Princess Mononoke (Mononoke-hime) (1997)
    mvrec: score: cosine similarity of the movies' ratings
    ");
    fixture.ok(&["train", "cosine", "--between", "users", "ml", "-o", "users"]);
    insta::assert_snapshot!(fixture.snapshot(&["recommend", "users", "--similar-to", "1"]), @"
    exit 1
    --- stderr
    mvrec: like Shawshank Redemption, The (1994)
    mvrec: error: a model between users holds no likeness of movies; train one between movies
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
    mvrec: hint: give the id, or the title with its year
    ");
    insta::assert_snapshot!(fixture.snapshot(&["recommend", "als", "--rate", "Solaris 3=5"]), @"
    exit 1
    --- stderr
    mvrec: error: no movie is called `Solaris 3`
    mvrec: hint: the model knows only movies that were rated
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
    mvrec: error: user 12345 is not in the model
    mvrec: hint: for somebody new, give ratings with --rate MOVIE=STARS
    ");
    insta::assert_snapshot!(fixture.snapshot(&["recommend", "als"]), @"
    exit 2
    --- stderr
    error: the following required arguments were not provided:
      <--user <ID>|--users <FILE>|--all-users|--rate <MOVIE=STARS>|--similar-to <MOVIE>>

    Usage: mvrec recommend <--user <ID>|--users <FILE>|--all-users|--rate <MOVIE=STARS>|--similar-to <MOVIE>> <MODEL>

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(fixture.snapshot(&["recommend", "ml", "--user", "1"]), @"
    exit 1
    --- stderr
    mvrec: error: ml: not a model directory (neither model.json nor Spark's metadata in it)
    ");
    insta::assert_snapshot!(fixture.snapshot(&["recommend", "nowhere", "--user", "1"]), @"
    exit 1
    --- stderr
    mvrec: error: nowhere: No such file or directory (os error 2)
    ");
}

#[test]
fn a_spark_model_is_opened_with_titles_from_elsewhere() {
    let fixture = Fixture::with_model();
    let own = fixture.json(&["recommend", "als", "--user", "1", "--include-seen"]);
    // What Spark reads and writes is the three folders alone; in Spark 4 the metadata has a longer name.
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
    1,1,111,,,4.9609,4.9609
    --- stderr
    mvrec: no titles in the model: add --movies PATH (a dataset, movies.parquet or movies.csv)
    mvrec: a model of Spark's does not say what users have seen: the lists may hold it
    mvrec: score: expected stars plus a bonus for evidence, 0.7 x ln(1 + ratings of the movie)
    ");
}
