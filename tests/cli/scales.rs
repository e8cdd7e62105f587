//! Ratings of any scale, and of none.

use std::fs;

use crate::{Fixture, ml_mini};

const MODELS: [&[&str]; 8] = [
    &["als", "--rank", "8"],
    &["als", "--no-biases", "--rank", "8"],
    &["als", "--feedback", "implicit", "--rank", "8"],
    &["nmf"],
    &["cosine"],
    &["cosine", "--center"],
    &["cosine", "--between", "users"],
    &["popularity"],
];

/// Writes the ratings of the fixture, each times `factor`, and makes a dataset of them.
fn rescaled(fixture: &Fixture, factor: f64, scale: &str) {
    let text = fs::read_to_string(format!("{}/ratings.csv", ml_mini())).unwrap();
    let mut out = String::from("userId,movieId,rating,timestamp\n");
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let rating = factor * fields[2].parse::<f64>().unwrap();
        out += &format!("{},{},{rating},{}\n", fields[0], fields[1], fields[3]);
    }
    fs::write(fixture.path("r.csv"), out).unwrap();
    fixture.ok(&["ingest", "r.csv", "--scale", scale, "-o", "scaled"]);
}

#[test]
fn the_same_ratings_on_a_wider_scale_are_ranked_the_same() {
    let fixture = Fixture::with_dataset();
    rescaled(&fixture, 2.0, "1..10");
    let columns = |args: &[&str], data: &str, at: &[&str]| -> Vec<serde_json::Value> {
        fixture.ok(&[&["train"][..], args, &[data, "-o", "model"]].concat());
        let mut lists = Vec::new();
        for who in [["--user", "7"], ["--rate", if data == "ml" { "1=5" } else { "1=10" }]] {
            let list = fixture.json(&[&["-q", "recommend", "model"][..], &who].concat());
            lists.extend(list.as_array().unwrap().iter().cloned());
        }
        lists.iter().flat_map(|row| at.iter().map(|name| row[*name].clone())).collect()
    };
    for args in MODELS {
        let lists = |data| columns(args, data, &["movie_id"]);
        assert_eq!(lists("ml"), lists("scaled"), "{args:?}");
    }
    // What is predicted are ratings of the data's own scale.
    let predicted = |data| -> Vec<f64> {
        let values = columns(&["als", "--rank", "8"], data, &["predicted_rating"]);
        values.iter().map(|value| value.as_f64().unwrap()).collect()
    };
    for (own, wider) in predicted("ml").into_iter().zip(predicted("scaled")) {
        assert!((2.0 * own - wider).abs() < 1e-3, "{own} {wider}");
    }
}

#[test]
fn thresholds_follow_the_scale_and_say_when_they_divide_nothing() {
    let fixture = Fixture::new();
    rescaled(&fixture, 20.0, "10..100");
    fixture.ok(&["train", "als", "--feedback", "implicit", "--rank", "4", "scaled", "-o", "model"]);
    let info = fixture.json(&["info", "model"]);
    assert_eq!(info["parameters"]["positive_from"], 77.5, "{info}");
    let stderr = |args: &[&str]| String::from_utf8(fixture.run(args, b"").stderr).unwrap();
    let implicit = [
        "train",
        "als",
        "--feedback",
        "implicit",
        "--positive-from",
        "1",
        "--rank",
        "4",
        "scaled",
        "-o",
        "model",
    ];
    assert!(stderr(&implicit).contains("every rating counts as positive feedback"));
    let none =
        ["evaluate", "model", "--test", "scaled", "--relevant-from", "101", "--bootstrap", "0"];
    assert!(
        stderr(&none).contains("none of the 12211 test ratings is relevant, which begins at 101")
    );
    fs::write(fixture.path("thumbs.csv"), "user,item,rating\n1,1,1\n1,2,-1\n2,1,1\n").unwrap();
    fixture.ok(&["ingest", "thumbs.csv", "--scale", "-1..1", "-o", "thumbs"]);
    let nmf = fixture.snapshot(&["train", "nmf", "thumbs", "-o", "nmf"]);
    assert!(
        nmf.contains("exit 1")
            && nmf.contains("NMF needs non-negative ratings, but -1 is one of them"),
        "{nmf}"
    );
}

#[test]
fn unary_feedback_goes_from_ingest_to_evaluate() {
    let fixture = Fixture::new();
    let text = fs::read_to_string(format!("{}/ratings.csv", ml_mini())).unwrap();
    let pairs = |line: &str| line.split(',').take(2).collect::<Vec<_>>().join(",");
    let plays: Vec<String> = text.lines().map(pairs).collect();
    fs::write(fixture.path("plays.csv"), plays.join("\n")).unwrap();
    let said = fixture.snapshot(&["ingest", "plays.csv", "-o", "plays"]);
    assert!(said.contains("each row counts as a rating of 1"), "{said}");
    assert_eq!(fixture.json(&["info", "plays"])["scale"]["max"], 1.0);
    fixture.ok(&["split", "--by", "random", "--test", "0.2", "plays", "-o", "parts"]);
    for args in
        [&["als", "--feedback", "implicit", "--rank", "8"][..], &["cosine"], &["popularity"]]
    {
        fixture.ok(&[&["train"][..], args, &["parts/train", "-o", "model"]].concat());
        let figures =
            fixture.json(&["-q", "evaluate", "model", "--test", "parts/test", "--bootstrap", "0"]);
        let value = figures["systems"][0]["figures"]["ndcg@10"]["value"].as_f64().unwrap();
        assert!(value > 0.05, "{args:?}: {value}");
        fixture.ok(&["-q", "recommend", "model", "--like", "1"]);
    }
    for args in [&["als"][..], &["nmf"], &["nmf", "--fill", "1"]] {
        let refused = fixture.snapshot(&[&["train"][..], args, &["plays", "-o", "x"]].concat());
        assert!(
            refused.contains("unary feedback") && refused.contains("--feedback implicit"),
            "{refused}"
        );
    }
}

#[test]
fn reasons_of_likeness_are_a_usage_error() {
    let fixture = Fixture::with_model();
    for who in ["--similar-to", "--similar-users"] {
        let output = fixture.run(&["recommend", "als", who, "1", "--explain"], b"");
        assert_eq!(output.status.code(), Some(2), "{who}");
    }
}
