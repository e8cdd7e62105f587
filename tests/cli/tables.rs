//! Tables at the widths of terminals.

use std::fmt::Write as _;

use crate::Fixture;

/// Prints a table at 60, 80, 100 and 200 columns; no line may be wider.
fn at_widths(fixture: &Fixture, args: &[&str]) -> String {
    let mut text = String::new();
    for width in [60, 80, 100, 200] {
        let mut args = args.to_vec();
        args.extend(["--format", "table"]);
        let output =
            fixture.command(&args).env("COLUMNS", width.to_string()).output().expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let table = String::from_utf8(output.stdout).unwrap();
        for line in table.lines() {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
        writeln!(text, "== {width}\n{}", table.trim_end()).unwrap();
    }
    text
}

#[test]
fn lists_of_movies_cut_genres_before_titles() {
    let fixture = Fixture::with_dataset();
    let text =
        at_widths(&fixture, &["stats", "polarising", "ml", "-n", "4", "--min-ratings", "20"]);
    insta::assert_snapshot!(text, @"
    == 60
    movie_id  title                    avg_rating  total_ratings
         228  Kung Fu Panda (2008)          3.477             22
         258  Planet of the Apes (19…       3.109             23
         192  The Thing (1982)              3.597             31
         219  The Little Mermaid (19…       3.914             35
    (no room for genres, stddev_rating)
    == 80
    movie_id  title                      avg_rating  total_ratings  stddev_rating
         228  Kung Fu Panda (2008)            3.477             22          1.268
         258  Planet of the Apes (1968)       3.109             23          1.243
         192  The Thing (1982)                3.597             31          1.241
         219  The Little Mermaid (1989)       3.914             35          1.203
    (no room for genres)
    == 100
    movie_id  title                      genres                 avg_rating  total_ratings  stddev_rating
         228  Kung Fu Panda (2008)       Action|Animation|Chi…       3.477             22          1.268
         258  Planet of the Apes (1968)  Action|Drama|Sci-Fi         3.109             23          1.243
         192  The Thing (1982)           Action|Horror|Sci-Fi…       3.597             31          1.241
         219  The Little Mermaid (1989)  Animation|Children|C…       3.914             35          1.203
    == 200
    movie_id  title                      genres                                     avg_rating  total_ratings  stddev_rating
         228  Kung Fu Panda (2008)       Action|Animation|Children|Comedy                3.477             22          1.268
         258  Planet of the Apes (1968)  Action|Drama|Sci-Fi                             3.109             23          1.243
         192  The Thing (1982)           Action|Horror|Sci-Fi|Thriller                   3.597             31          1.241
         219  The Little Mermaid (1989)  Animation|Children|Comedy|Musical|Romance       3.914             35          1.203
    ");
}

#[test]
fn recommendations_keep_numbers_and_stars_whole() {
    let fixture = Fixture::with_model();
    let args = ["recommend", "als", "--rate", "Alien=5", "-n", "3", "--explain"];
    let text = at_widths(&fixture, &args);
    assert!(text.matches("base_score").count() >= 3, "{text}");
    let args = ["recommend", "als", "--similar-to", "alien", "-n", "3"];
    let text = at_widths(&fixture, &args);
    insta::assert_snapshot!(text, @"
    == 60
    rank  movie_id  title                 score
       1        26  Gladiator (2000)      0.529  ██████████
       2        15  Jurassic Park (1993)  0.513  █████████▋
       3       192  The Thing (1982)      0.500  █████████▌
    (no room for genres)
    == 80
    rank  movie_id  title                 genres                   score
       1        26  Gladiator (2000)      Action|Adventure|Drama   0.529  ██████████
       2        15  Jurassic Park (1993)  Action|Adventure|Sci-F…  0.513  █████████▋
       3       192  The Thing (1982)      Action|Horror|Sci-Fi|T…  0.500  █████████▌
    == 100
    rank  movie_id  title                 genres                            score
       1        26  Gladiator (2000)      Action|Adventure|Drama            0.529  ██████████
       2        15  Jurassic Park (1993)  Action|Adventure|Sci-Fi|Thriller  0.513  █████████▋
       3       192  The Thing (1982)      Action|Horror|Sci-Fi|Thriller     0.500  █████████▌
    == 200
    rank  movie_id  title                 genres                            score
       1        26  Gladiator (2000)      Action|Adventure|Drama            0.529  ██████████
       2        15  Jurassic Park (1993)  Action|Adventure|Sci-Fi|Thriller  0.513  █████████▋
       3       192  The Thing (1982)      Action|Horror|Sci-Fi|Thriller     0.500  █████████▌
    ");
}

#[test]
fn properties_are_rounded_in_sections() {
    let fixture = Fixture::with_dataset();
    fixture.ok(&["train", "popularity", "ml", "-o", "popularity"]);
    let text = at_widths(&fixture, &["info", "popularity"]);
    insta::assert_snapshot!(text, @"
    == 60
    kind            mvrec model
    format_version  1
    algorithm       popularity
    loss

    parameters
      damping  5

    training
      content_xxh3  66fd2d184a9b6e3272362ee830b0912f
      mean_rating   3.66
      shape
        ratings  12211
        users      200
        movies     300
        stars    0.5, 5
        period   2016-01-03T06:57:46Z, 2019-12-31T23:59:59Z
      steps: 1
        command    ingest
        rows_in    12211
        rows_kept  12211

    files
      movies.parquet
        rows  300
      seen.parquet
        rows  200
    == 80
    kind            mvrec model
    format_version  1
    algorithm       popularity
    loss

    parameters
      damping  5

    training
      content_xxh3  66fd2d184a9b6e3272362ee830b0912f
      mean_rating   3.66
      shape
        ratings  12211
        users      200
        movies     300
        stars    0.5, 5
        period   2016-01-03T06:57:46Z, 2019-12-31T23:59:59Z
      steps: 1
        command    ingest
        rows_in    12211
        rows_kept  12211

    files
      movies.parquet
        rows  300
      seen.parquet
        rows  200
    == 100
    kind            mvrec model
    format_version  1
    algorithm       popularity
    loss

    parameters
      damping  5

    training
      content_xxh3  66fd2d184a9b6e3272362ee830b0912f
      mean_rating   3.66
      shape
        ratings  12211
        users      200
        movies     300
        stars    0.5, 5
        period   2016-01-03T06:57:46Z, 2019-12-31T23:59:59Z
      steps: 1
        command    ingest
        rows_in    12211
        rows_kept  12211

    files
      movies.parquet
        rows  300
      seen.parquet
        rows  200
    == 200
    kind            mvrec model
    format_version  1
    algorithm       popularity
    loss

    parameters
      damping  5

    training
      content_xxh3  66fd2d184a9b6e3272362ee830b0912f
      mean_rating   3.66
      shape
        ratings  12211
        users      200
        movies     300
        stars    0.5, 5
        period   2016-01-03T06:57:46Z, 2019-12-31T23:59:59Z
      steps: 1
        command    ingest
        rows_in    12211
        rows_kept  12211

    files
      movies.parquet
        rows  300
      seen.parquet
        rows  200
    ");
}

#[test]
fn leaderboard_marks_the_best_of_five_models() {
    let fixture = Fixture::with_dataset();
    fixture.ok(&["split", "--by", "random", "--test", "0.2", "ml", "-o", "parts"]);
    let models = ["als", "als --feedback implicit", "nmf", "cosine", "popularity"];
    let mut args = vec!["evaluate".to_string()];
    for (at, model) in models.into_iter().enumerate() {
        let name = format!("model-{}", at + 1);
        let mut train = vec!["-q", "train"];
        train.extend(model.split(' '));
        train.extend(["parts/train", "-o", &name]);
        fixture.ok(&train);
        args.push(name);
    }
    args.extend(["--test", "parts/test", "--bootstrap", "0"].map(String::from));
    let named: Vec<&str> = args.iter().map(String::as_str).collect();
    let text = at_widths(&fixture, &named);
    for width in text.split("== ").skip(1) {
        let header = width.lines().nth(1).unwrap();
        assert!(header.starts_with("system") && header.contains("ndcg@10"), "{width}");
        let rows: Vec<&str> =
            width.lines().skip(2).filter(|row| row.starts_with("model-")).collect();
        assert_eq!(rows.len(), 5, "{width}");
        // Sorted by the first metric: its best is in the first row.
        assert!(rows[0].split_whitespace().nth(1).unwrap().ends_with('▲'), "{width}");
        let columns = header.split_whitespace().count() - 1;
        assert!(width.matches('▲').count() >= columns, "{width}");
    }
    let mut sorted = named.clone();
    sorted.extend(["--metrics", "rmse,mae", "--sort", "mae", "--compare", "--format", "table"]);
    let table = String::from_utf8(fixture.ok(&sorted)).unwrap();
    let rows: Vec<Vec<&str>> = table.lines().map(|row| row.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["system", "rmse", "mae"]);
    assert!(rows[1][2].ends_with('▲'), "{table}");
    // Comparisons keep the figures of each system in every format.
    let mut csv = named.clone();
    csv.extend(["--metrics", "rmse", "--compare", "--format", "csv"]);
    let csv = String::from_utf8(fixture.ok(&csv)).unwrap();
    let systems: Vec<&str> =
        csv.lines().skip(1).map(|row| row.split(',').next().unwrap()).collect();
    assert_eq!(systems.len(), 5, "{csv}");
    assert!(csv.starts_with("system,metric,value,low,high,compared_with,"), "{csv}");
    let mut wrong = named;
    wrong.extend(["--metrics", "ndgc@10"]);
    let output = fixture.run(&wrong, b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("did you mean `ndcg@10`?"));
}
