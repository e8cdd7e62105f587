//! What people type is understood, and what they read back is right.

use std::fs;

use crate::Fixture;

fn stderr(fixture: &Fixture, args: &[&str]) -> String {
    String::from_utf8(fixture.run(args, b"").stderr).unwrap()
}

#[test]
fn unknown_user_is_left_out_of_a_batch() {
    let fixture = Fixture::with_model();
    let args = ["recommend", "als", "--user", "1", "--user", "999", "-n", "2", "--format", "csv"];
    let output = fixture.run(&args, b"");
    assert!(output.status.success());
    let rows = String::from_utf8(output.stdout).unwrap();
    assert!(rows.lines().skip(1).all(|row| row.starts_with("1,")) && rows.lines().count() == 3);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("--user: 1 unknown user left out: `999`"), "{said}");
    // None of them known is an error, which tells the ids of the whole model.
    let said = stderr(&fixture, &["recommend", "als", "--user", "998", "--user", "999"]);
    assert!(
        said.contains("user 998 is not in the model, whose 200 ids go from 1 to 200"),
        "{said}"
    );
}

#[test]
fn explanation_adds_up_with_its_base() {
    let fixture = Fixture::with_model();
    fixture.ok(&["train", "nmf", "--rank", "4", "ml", "-o", "nmf"]);
    fixture.ok(&["train", "popularity", "ml", "-o", "popularity"]);
    for model in ["als", "nmf", "popularity"] {
        for rank_by in ["score", "predicted"] {
            let rows = fixture.json(&[
                "recommend",
                model,
                "--rate",
                "Alien=5",
                "--rate",
                "Twilight=1",
                "--rate",
                "Heat=4",
                "--explain=9",
                "--rank-by",
                rank_by,
            ]);
            for row in rows.as_array().unwrap() {
                let reasons = row["because"].as_array().unwrap().iter();
                let sum: f64 = reasons.map(|one| one["contribution"].as_f64().unwrap()).sum();
                let sum = sum + row["base_score"].as_f64().unwrap();
                let score = row["score"].as_f64().unwrap();
                assert!((sum - score).abs() < 2e-3, "{model} {rank_by}: {sum} {row}");
            }
        }
    }
}

#[test]
fn rank_by_predicted_sorts_by_predicted_ratings() {
    let fixture = Fixture::with_model();
    let rows = fixture.json(&["recommend", "als", "--user", "7", "--rank-by", "predicted"]);
    let predicted = |row: &serde_json::Value| row["predicted_rating"].as_f64().unwrap();
    let values: Vec<f64> = rows.as_array().unwrap().iter().map(predicted).collect();
    assert!(values.is_sorted_by(|a, b| a >= b) && values.len() == 10, "{values:?}");
    fixture.ok(&["train", "cosine", "ml", "-o", "cosine"]);
    let output =
        fixture.run(&["recommend", "cosine", "--user", "7", "--rank-by", "predicted"], b"");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn what_was_rated_lowest_draws_nothing_near() {
    let fixture = Fixture::with_model();
    let beyond_prediction = |rate: &str| -> Vec<f64> {
        let rows = fixture.json(&["recommend", "als", "--rate", rate, "-n", "50"]);
        let rows = rows.as_array().unwrap().iter();
        rows.map(|row| row["score"].as_f64().unwrap() - row["predicted_rating"].as_f64().unwrap())
            .collect()
    };
    let lowest = beyond_prediction("28=0.5");
    assert!(lowest.len() == 50 && lowest.iter().all(|x| x.abs() < 1e-6), "{lowest:?}");
    let (half, whole) = (beyond_prediction("28=2.75"), beyond_prediction("28=5"));
    let most = |nearness: &[f64]| nearness.iter().copied().fold(0.0, f64::max);
    assert!(most(&half) > 0.01 && most(&whole) > 1.5 * most(&half), "{half:?} {whole:?}");
}

#[test]
fn implicit_spark_model_predicts_no_stars_and_leaves_out_what_was_seen() {
    let fixture = Fixture::with_dataset();
    fixture.ok(&["split", "--by", "random", "--test", "0.2", "ml", "-o", "parts"]);
    let train =
        ["train", "als", "--feedback", "implicit", "--rank", "8", "parts/train", "-o", "spark"];
    fixture.ok(&train);
    for extra in ["model.json", "movies.parquet", "seen.parquet"] {
        fs::remove_file(fixture.path("spark").join(extra)).unwrap();
    }
    let output = fixture.run(&["recommend", "spark", "--rate", "28=5", "--format", "csv"], b"");
    let (rows, said) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(rows.lines().nth(1).unwrap().ends_with(','), "no predicted rating: {rows}");
    assert!(said.contains("implicit by its predictions"), "{said}");
    assert!(said.contains("strength of preference"), "{said}");
    let said =
        stderr(&fixture, &["recommend", "spark", "--feedback", "explicit", "--rate", "28=5"]);
    assert!(!said.contains("by its predictions") && said.contains("predicted rating"), "{said}");
    // Training ratings say what users have seen.
    let ndcg = |args: &[&str]| {
        let mut all = vec!["evaluate", "spark", "--test", "parts/test", "--bootstrap", "0"];
        all.extend(args);
        let figures = fixture.json(&all);
        figures["systems"][0]["figures"]["ndcg@10"]["value"].as_f64().unwrap()
    };
    let (with_seen, without) = (ndcg(&[]), ndcg(&["--train", "parts/train"]));
    assert!(without > 1.5 * with_seen, "{without} {with_seen}");
    let seen = |args: &[&str]| {
        let mut all = vec!["recommend", "spark", "--user", "1", "-n", "5"];
        all.extend(args);
        fixture.json(&all)
    };
    assert_ne!(seen(&[]), seen(&["--seen", "parts/train"]));
}

#[test]
fn empty_results_say_why_and_may_fail() {
    let fixture = Fixture::with_model();
    for (args, said) in [
        (
            &["stats", "top", "ml", "--min-ratings", "1000"][..],
            "no movie has 1000 ratings; try --min-ratings 93",
        ),
        (
            &["recommend", "als", "--user", "1", "--released", "2100.."],
            "no movie was released in these years",
        ),
        (
            &["recommend", "als", "--user", "1", "--min-ratings", "1000"],
            "no movie has 1000 ratings (try --min-ratings 93)",
        ),
        (&["search", "als", "no such film"], "no movie is called `no such film`"),
        (
            &["filter", "--year", "1990", "ml", "-o", "none.parquet"],
            "no rating meets all conditions",
        ),
    ] {
        let output = fixture.run(args, b"");
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(said), "{args:?}: {text}");
        let mut failing = args.to_vec();
        failing.push("--fail-if-empty");
        assert_eq!(fixture.run(&failing, b"").status.code(), Some(3), "{args:?}");
    }
    let full = ["stats", "top", "ml", "--min-ratings", "20", "--fail-if-empty"];
    assert_eq!(fixture.run(&full, b"").status.code(), Some(0));
}

#[test]
fn quiet_does_not_hide_leakage() {
    let fixture = Fixture::with_model();
    let said = stderr(&fixture, &["-q", "evaluate", "als", "--test", "ml", "--bootstrap", "0"]);
    assert!(said.contains("it has been trained on 12211 of the 12211 test ratings"), "{said}");
}

#[test]
fn expressions_take_names_of_columns_like_and_between() {
    let fixture = Fixture::with_dataset();
    let count = |expression: &str| {
        let rows = fixture.ok(&["filter", "--where", expression, "ml", "-o", "some.csv"]);
        assert!(rows.is_empty());
        fs::read_to_string(fixture.path("some.csv")).unwrap().lines().count()
    };
    for (a, b) in [
        ("user_id = 3 and movie_id <= 50", "user = 3 and movie <= 50"),
        ("rating between 2 and 3.5", "rating >= 2 and rating <= 3.5"),
        ("rating not between 2 and 3.5", "rating < 2 or rating > 3.5"),
        ("title like '%alien%'", "title ~ 'alien'"),
        ("title not like 'a%'", "not (title like 'A%')"),
        ("timestamp >= 1546300800", "date >= 2019-01-01"),
        ("timestamp between 2018-01-01 and 2018-12-31", "year = 2018"),
    ] {
        assert_eq!(count(a), count(b), "{a}");
        assert!(count(a) > 1, "{a}");
    }
    for (expression, said) in [
        ("ratng >= 4", "did you mean `rating`?"),
        ("genre = \"Darma\"", "did you mean `Drama`?"),
        ("rating between 4", "expected `and` and the highest value"),
    ] {
        let text = stderr(&fixture, &["filter", "--where", expression, "ml", "-o", "x.csv"]);
        assert!(text.contains(said), "{expression}: {text}");
    }
}

#[test]
fn info_lists_the_parameters_that_count() {
    let fixture = Fixture::with_model();
    fixture.ok(&["train", "als", "--feedback", "implicit", "--rank", "4", "ml", "-o", "implicit"]);
    let names = |model: &str| -> Vec<String> {
        let info = fixture.json(&["info", model]);
        info["parameters"].as_object().unwrap().keys().cloned().collect()
    };
    let explicit = names("als");
    assert!(explicit.contains(&"biases".into()) && !explicit.contains(&"positive_from".into()));
    let implicit = names("implicit");
    assert!(!implicit.contains(&"biases".into()) && implicit.contains(&"positive_from".into()));
}

#[test]
fn missing_directories_are_named() {
    let fixture = Fixture::new();
    let said = stderr(&fixture, &["stats", "top", "no/such.csv"]);
    assert!(said.contains("no/such.csv: the directory `no` does not exist"), "{said}");
    let said = stderr(&fixture, &["stats", "top", "such.csv"]);
    assert!(said.contains("such.csv: No such file or directory\n"), "{said}");
}

#[test]
#[cfg(target_os = "linux")]
fn full_disk_is_named() {
    let fixture = Fixture::with_dataset();
    for args in [
        &["filter", "ml", "-o", "/dev/full"][..],
        &["stats", "top", "ml", "--format", "csv", "-o", "/dev/full"],
    ] {
        let output = fixture.run(args, b"");
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("No space left on device"), "{args:?}: {said}");
        assert_eq!(said.matches("No space left").count(), 1, "{said}");
    }
}

#[test]
fn help_is_a_command_and_usage_fits_a_screen() {
    let fixture = Fixture::new();
    let help = String::from_utf8(fixture.ok(&["help", "recommend"])).unwrap();
    let usage: Vec<&str> = help.lines().skip_while(|line| !line.starts_with("Usage")).collect();
    assert!(usage[0].starts_with("Usage: mvrec recommend") && usage[0].len() < 80, "{}", usage[0]);
    assert!(fixture.ok(&["help"]).starts_with(b"Turn rating data"));
}

#[test]
fn similar_movies_of_an_implicit_model_have_ratings() {
    let fixture = Fixture::with_dataset();
    // Movies that one user alone has rated are near all that this user has rated.
    let csv = format!(
        "user,movie,rating\n{}{}",
        (1..=40).map(|user| format!("{user},1,5\n{user},{},5\n", 2 + user % 3)).collect::<String>(),
        (5..=9).map(|movie| format!("1,{movie},5\n")).collect::<String>(),
    );
    fs::write(fixture.path("rare.csv"), csv).unwrap();
    fixture.ok(&[
        "train",
        "als",
        "--feedback",
        "implicit",
        "--rank",
        "4",
        "rare.csv",
        "-o",
        "rare",
    ]);
    let similar = fixture.json(&["recommend", "rare", "--similar-to", "1", "-n", "3"]);
    let ids: Vec<i64> =
        similar.as_array().unwrap().iter().map(|row| row["movie_id"].as_i64().unwrap()).collect();
    assert!(ids.iter().all(|id| (2..=4).contains(id)), "{similar}");
}
