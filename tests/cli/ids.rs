//! Ids are those of the people who bring the data, at every entrance.

use std::fs;

use crate::Fixture;

/// Data whose keys look like the numbers inside, in another order: `20` is 1 inside, `1` is 2.
fn fixture() -> Fixture {
    let fixture = Fixture::new();
    let ratings = "user,item,rating\n30,20,5\n2,20,4\n1,1,3\n30,1,2\n2,al,1\n";
    fs::write(fixture.path("r.csv"), ratings).unwrap();
    fixture.ok(&["ingest", "r.csv", "--text-ids", "user,movie", "-o", "keyed"]);
    fs::write(
        fixture.path("m.csv"),
        "movieId,title\n1,One (1990)\n20,Twenty (1991)\nal,Al (1992)\n2,Wrong\n3,Wrong\n",
    )
    .unwrap();
    fixture.ok(&["train", "popularity", "keyed", "-o", "model"]);
    // The same ids in another order, so with other numbers inside.
    fs::write(fixture.path("o.csv"), "user,item,rating\n1,al,3\n7,1,3\n").unwrap();
    fixture.ok(&["ingest", "o.csv", "--text-ids", "user,movie", "-o", "other"]);
    fixture.ok(&["ingest", "o.csv", "--text-ids", "user,movie", "-o", "other.parquet"]);
    fixture
}

fn text(fixture: &Fixture, args: &[&str]) -> String {
    String::from_utf8(fixture.ok(args)).unwrap()
}

fn stderr(fixture: &Fixture, args: &[&str], code: i32) -> String {
    let output = fixture.run(args, b"");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {stderr}");
    stderr
}

/// The keys in the last column of a CSV, sorted and once each.
fn keys(csv: &str, column: &str) -> Vec<String> {
    let at = csv.lines().next().unwrap().split(',').position(|name| name == column).unwrap();
    let mut keys: Vec<String> =
        csv.lines().skip(1).map(|line| line.split(',').nth(at).unwrap().into()).collect();
    keys.sort();
    keys.dedup();
    keys
}

#[test]
fn lists_of_every_form_select_by_key() {
    let fixture = fixture();
    for (name, content) in [
        ("plain.txt", "1\n"),
        ("float.txt", "1.0\n"),
        ("column.csv", "note,user,movie\nx,1,1\n"),
        ("lines.jsonl", "{\"user\":1,\"movie\":1}\n"),
        ("array.json", "[\"1\"]"),
    ] {
        fs::write(fixture.path(name), content).unwrap();
        for (option, column) in [("--users", "user_key"), ("--movies-in", "movie_key")] {
            fixture.ok(&["filter", option, name, "keyed", "-o", "out.csv"]);
            let kept = fs::read_to_string(fixture.path("out.csv")).unwrap();
            assert_eq!(keys(&kept, column), ["1"], "{option} {name}");
        }
        for option in ["--candidates", "--exclude"] {
            let args =
                ["-q", "recommend", "model", "--rate", "al=3", "--format", "csv", option, name];
            let list = text(&fixture, &args);
            let expected: &[&str] = if option == "--candidates" { &["1"] } else { &["20"] };
            assert_eq!(keys(&list, "movie_key"), expected, "{option} {name}");
        }
    }
    for other in ["other", "other.parquet"] {
        fixture.ok(&["filter", "--users", other, "keyed", "-o", "out.csv"]);
        let kept = fs::read_to_string(fixture.path("out.csv")).unwrap();
        assert_eq!(keys(&kept, "user_key"), ["1"], "{other}");
    }
    let listed =
        text(&fixture, &["-q", "recommend", "model", "--users", "plain.txt", "--format", "csv"]);
    assert_eq!(keys(&listed, "user_key"), ["1"]);
}

#[test]
fn single_ids_are_keys_and_not_the_numbers_inside() {
    let fixture = fixture();
    let movie = fixture.json(&["stats", "movie", "1", "keyed", "--movies", "m.csv"]);
    assert_eq!((&movie["movie_key"], &movie["title"]), (&"1".into(), &"One (1990)".into()));
    assert!(stderr(&fixture, &["stats", "movie", "3", "keyed"], 1).contains('3'));
    let user = text(&fixture, &["-q", "recommend", "model", "--user", "2", "--format", "csv"]);
    assert_eq!(keys(&user, "user_key"), ["2"]);
    assert!(stderr(&fixture, &["recommend", "model", "--user", "3"], 1).contains("user 3"));
    fixture.ok(&["filter", "--where", "user = '1' or movie = 'al'", "keyed", "-o", "out.csv"]);
    let kept = fs::read_to_string(fixture.path("out.csv")).unwrap();
    assert_eq!(keys(&kept, "user_key"), ["1", "2"]);
}

#[test]
fn titles_meet_the_keys_they_are_of() {
    let fixture = fixture();
    let numeric = "user,item,rating\n1,1,3\n1,20,4\n";
    fs::write(fixture.path("n.csv"), numeric).unwrap();
    fixture.ok(&["ingest", "n.csv", "-o", "numeric"]);
    fixture.ok(&[
        "ingest",
        "r.csv",
        "--text-ids",
        "user,movie",
        "--movies",
        "m.csv",
        "-o",
        "titled",
    ]);
    for args in [
        &["stats", "movies", "keyed", "--movies", "m.csv", "--format", "csv"][..],
        &["stats", "movies", "titled", "--format", "csv"],
        &["stats", "movies", "keyed", "--movies", "titled", "--format", "csv"],
        &["-q", "recommend", "model", "--movies", "m.csv", "--rate", "al=3", "--format", "csv"],
        &["-q", "recommend", "model", "--movies", "titled", "--rate", "al=3", "--format", "csv"],
    ] {
        let csv = text(&fixture, args);
        for (key, title) in [("20", "Twenty (1991)"), ("1", "One (1990)")] {
            assert!(csv.contains(&format!(",{key},{title},")), "{args:?}: {csv}");
        }
        assert!(!csv.contains("Wrong"), "{args:?}: {csv}");
    }
    // Keys that are numbers name movies of numeric data, and other keys none.
    for titles in ["titled", "titled/movies.parquet", "m.csv"] {
        let args = ["stats", "movies", "numeric", "--movies", titles];
        assert!(stderr(&fixture, &args, 1).contains("`al` is not a whole number"), "{titles}");
    }
    fs::write(fixture.path("k.csv"), "user,item,rating\n1,20,5\n2,1,5\n").unwrap();
    fs::write(fixture.path("km.csv"), "movieId,title\n1,One (1990)\n20,Twenty (1991)\n").unwrap();
    fixture.ok(&["ingest", "k.csv", "--text-ids", "movie", "--movies", "km.csv", "-o", "k"]);
    let csv = text(&fixture, &["stats", "movies", "numeric", "--movies", "k", "--format", "csv"]);
    assert!(csv.contains("1,One (1990)") && csv.contains("20,Twenty (1991)"), "{csv}");
}

#[test]
fn ids_that_cannot_be_translated_are_named() {
    let fixture = fixture();
    fs::write(fixture.path("typo.txt"), "alise\n1\n").unwrap();
    fs::write(fixture.path("typos.txt"), "alise\nbop\n").unwrap();
    let filter = |list| ["filter", "--users", list, "keyed", "-o", "out.csv"];
    assert!(stderr(&fixture, &filter("typo.txt"), 0).contains("1 unknown id of user: `alise`"));
    assert!(stderr(&fixture, &filter("typos.txt"), 1).contains("`alise`, `bop`"));
    fixture.ok(&["ingest", &crate::ml_mini(), "-o", "ml"]);
    fixture.ok(&["train", "popularity", "ml", "-o", "pop"]);
    fs::write(fixture.path("some.txt"), "1\n99999\n2\n").unwrap();
    let args = ["recommend", "pop", "--users", "some.txt", "-n", "1", "--format", "csv"];
    let said = stderr(&fixture, &args, 0);
    assert!(said.contains("`99999`") && !said.contains("whose ids"), "{said}");
    assert_eq!(text(&fixture, &args).lines().count(), 3);
    let numeric = ["filter", "--users", "typo.txt", "ml", "-o", "out.csv"];
    assert!(
        stderr(&fixture, &numeric, 1).contains("typo.txt:1: user `alise` is not a whole number")
    );
    fs::write(fixture.path("strange.txt"), "1\n88888888\n").unwrap();
    let args = ["recommend", "pop", "--user", "1", "--candidates", "strange.txt"];
    assert!(stderr(&fixture, &args, 0).contains("`88888888`"));
}

#[test]
fn tests_and_lists_meet_models_by_spelling() {
    let fixture = fixture();
    // A test of numbers, whose model has keys of the same spelling.
    fs::write(fixture.path("t.csv"), "user,item,rating\n2,1,5\n30,77,5\n").unwrap();
    let figures = fixture.json(&["evaluate", "model", "--test", "t.csv", "--bootstrap", "0"]);
    assert_eq!(figures["systems"][0]["unknown_users"], 0, "{figures}");
    assert_eq!(figures["systems"][0]["cold_ratings"], 1, "{figures}");
    fs::write(fixture.path("l.csv"), "user,item,rank\n2,1,1\n30,77,1\n").unwrap();
    for test in ["t.csv", "keyed"] {
        let figures = fixture.json(&[
            "evaluate",
            "l.csv",
            "--test",
            test,
            "-k",
            "1",
            "--relevant-from",
            "1",
            "--bootstrap",
            "0",
        ]);
        assert_eq!(
            figures["systems"][0]["unknown_users"],
            if test == "keyed" { 1 } else { 0 },
            "{figures}"
        );
    }
}
