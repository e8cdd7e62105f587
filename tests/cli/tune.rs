use std::fs;

use serde_json::Value;

use crate::Fixture;

/// Lines of the log without the seconds, in the order of trials and iterations.
fn trials(fixture: &Fixture, folder: &str) -> Vec<String> {
    let text = fs::read_to_string(fixture.path(folder).join("trials.jsonl")).unwrap();
    let without_seconds = |line: &str| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        line.as_object_mut().unwrap().remove("seconds").unwrap();
        line.to_string()
    };
    let mut lines: Vec<String> = text.lines().map(without_seconds).collect();
    lines.sort();
    lines
}

fn best(fixture: &Fixture, folder: &str) -> Vec<u8> {
    fs::read(fixture.path(folder).join("best.json")).unwrap()
}

#[test]
fn a_search_that_was_killed_goes_on_to_the_same_result_with_any_number_of_threads() {
    let fixture = Fixture::with_dataset();
    let tune = |folder: &str, trials: &str, threads: &str| {
        fixture.ok(&[
            "tune",
            "als",
            "ml",
            "-o",
            folder,
            "--factors",
            "2,4,8",
            "--regularization",
            "0.1..5:log",
            "--trials",
            trials,
            "--threads",
            threads,
        ]);
    };
    tune("whole", "12", "1");
    let lines = trials(&fixture, "whole");
    // Of nine trials three go on and one of them again, of the other three one; the first goes on
    // to its end whatever it is worth.
    assert!((12 + 3 + 1 + 1..=12 + 4 + 2 + 1 + 1).contains(&lines.len()), "{}", lines.len());
    for cut in [0, 1, 200, 1500] {
        let whole = fs::read(fixture.path("whole/trials.jsonl")).unwrap();
        let folder = format!("cut-{cut}");
        fs::create_dir(fixture.path(&folder)).unwrap();
        fs::copy(fixture.path("whole/tune.json"), fixture.path(&folder).join("tune.json")).unwrap();
        fs::write(fixture.path(&folder).join("trials.jsonl"), &whole[..cut]).unwrap();
        tune(&folder, "12", "3");
        assert_eq!(trials(&fixture, &folder), lines, "{cut}");
        assert_eq!(best(&fixture, &folder), best(&fixture, "whole"), "{cut}");
    }
    // With more trials, the first ones are those that were there.
    tune("whole", "14", "2");
    assert!(lines.iter().all(|line| trials(&fixture, "whole").contains(line)));
}

#[test]
fn the_best_parameters_train_the_model_that_a_refit_is() {
    let fixture = Fixture::with_dataset();
    let found = fixture.json(&[
        "tune",
        "cosine",
        "ml",
        "-o",
        "t",
        "--neighbors",
        "5,40",
        "--shrinkage",
        "0,30",
        "--sampler",
        "grid",
        "--by",
        "users",
        "--refit",
    ]);
    assert_eq!((&found["trials"], &found["metric"]), (&4.into(), &"ndcg@10".into()));
    fixture.ok(&["train", "cosine", "--params", "t/best.json", "ml", "-o", "again"]);
    let neighbors =
        |folder: &str| fs::read(fixture.path(folder).join("neighbors.parquet")).unwrap();
    assert_eq!(neighbors("again"), neighbors("t/model"));
    // The figure is that of evaluate on the same division.
    let parameters = &found["parameters"];
    let (n, shrinkage) = (parameters["neighbors"].to_string(), parameters["shrinkage"].to_string());
    let users = fixture.json(&["stats", "summary", "ml"])["users"].as_u64().unwrap().div_ceil(10);
    let users = users.to_string();
    fixture.ok(&["split", "--by", "users", "--held-out", &users, "ml", "-o", "parts"]);
    fixture.ok(&[
        "train",
        "cosine",
        "--neighbors",
        &n,
        "--shrinkage",
        &shrinkage,
        "parts/train",
        "-o",
        "c",
    ]);
    let measured = fixture.json(&[
        "evaluate",
        "c",
        "--test",
        "parts/test",
        "--fold-in",
        "parts/fold-in",
        "--bootstrap",
        "0",
    ]);
    assert_eq!(measured["systems"][0]["figures"]["ndcg@10"]["value"], found["value"]);
    // Options beside the file win; what says another kind of model is refused.
    fixture.ok(&[
        "train",
        "cosine",
        "--params",
        "t/best.json",
        "--neighbors",
        "7",
        "ml",
        "-o",
        "d",
    ]);
    let trained = fixture.json(&["info", "d"]);
    assert_eq!(trained["parameters"]["neighbors"], 7);
    assert_eq!(trained["parameters"]["shrinkage"], parameters["shrinkage"]);
    assert_eq!(fixture.json(&["info", "t"])["kind"], "mvrec search");
}

#[test]
fn searches_that_cannot_be_are_refused() {
    let fixture = Fixture::with_dataset();
    fixture.ok(&["tune", "popularity", "ml", "-o", "t", "--trials", "1"]);
    let shown: String = [
        &["tune", "als", "ml", "-o", "x", "--neighbors", "3"][..],
        &["tune", "als", "ml", "-o", "x", "--factors", "8.5"],
        &["tune", "als", "ml", "-o", "x", "--factors", "0..8"],
        &["tune", "als", "ml", "-o", "x", "--regularization", "0..1:log"],
        &["tune", "cosine", "ml", "-o", "x", "--fill", "3"],
        &["tune", "cosine", "ml", "-o", "x", "--metric", "ndcg"],
        &["tune", "cosine", "ml", "-o", "x", "--metric", "rmse"],
        &["tune", "als", "ml", "-o", "x", "--last", "2"],
        &["tune", "popularity", "ml", "-o", "t", "--seed", "1"],
        &["tune", "popularity", "ml", "-o", "ml"],
        &["train", "als", "ml", "-o", "x", "--params", "t/best.json"],
        &["train", "popularity", "ml", "-o", "x", "--params", "ml/dataset.json"],
    ]
    .iter()
    .map(|args| fixture.snapshot(args))
    .collect();
    insta::assert_snapshot!(shown, @r#"
    exit 2
    --- stderr
    mvrec: error: als has no parameter `neighbors`; it has factors, iterations, regularization, exponent, implicit_weight
    exit 2
    --- stderr
    mvrec: error: factors: 8.5 is not a whole number
    exit 2
    --- stderr
    mvrec: error: factors must be from 1 to 4096, not 0
    exit 2
    --- stderr
    error: invalid value '0..1:log' for '--regularization <RANGE>': with :log, values are above 0, and 0 is not

    For more information, try '--help'.
    exit 2
    --- stderr
    mvrec: error: unexpected argument '--fill' found
    exit 2
    --- stderr
    mvrec: error: there is no figure `ndcg` to tune for; there are rmse, mae, user_rmse, user_mae, auc, ndcg@k, precision@k, recall@k, capped_recall@k, map@k, mrr@k, hit_rate@k
    exit 1
    --- stderr
    mvrec: error: rmse is no number: the model predicts no ratings, or no validation rating counts
    exit 2
    --- stderr
    mvrec: error: --last belongs to --by last
    exit 1
    --- stderr
    mvrec: error: t/tune.json: it is of another search: divisions is [{"by":"random","test":0.1,"seed":42}], here [{"by":"random","test":0.1,"seed":1}]; give another -o, or the same options
    exit 1
    --- stderr
    mvrec: error: ml: it is not empty and holds no search
    exit 2
    --- stderr
    mvrec: error: --params t/best.json: it holds parameters of popularity
    exit 1
    --- stderr
    mvrec: error: ml/dataset.json: no parameters of an algorithm: missing field `algorithm`
    "#);
    assert_eq!(fixture.names(), ["ml", "t"]);
}

#[test]
fn folds_are_judged_by_their_mean() {
    let fixture = Fixture::with_dataset();
    fixture.ok(&["split", "--by", "random", "--folds", "3", "ml", "-o", "folds"]);
    for fold in ["fold-1", "fold-2", "fold-3"] {
        let (data, model) = (format!("folds/{fold}/train"), format!("models/{fold}"));
        fs::create_dir_all(fixture.path("models")).unwrap();
        fixture.ok(&["train", "popularity", &data, "-o", &model]);
    }
    let metric = |object: &Value, name: &str| object["systems"][0]["figures"][name].clone();
    let whole = fixture.json(&["evaluate", "models", "--folds", "folds"]);
    for name in ["rmse", "ndcg@10", "coverage@20"] {
        let values: Vec<f64> = ["fold-1", "fold-2", "fold-3"]
            .iter()
            .map(|fold| {
                let (model, test) = (format!("models/{fold}"), format!("folds/{fold}/test"));
                let one = fixture.json(&["evaluate", &model, "--test", &test, "--bootstrap", "0"]);
                metric(&one, name)["value"].as_f64().unwrap()
            })
            .collect();
        let mean = values.iter().sum::<f64>() / 3.0;
        let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
        let found = metric(&whole, name);
        assert!((found["value"].as_f64().unwrap() - mean).abs() < 1e-12);
        let deviation = found["standard_deviation"].as_f64().unwrap();
        assert!((deviation - (squares / 2.0).sqrt()).abs() < 1e-12);
        assert_eq!(found["folds"], serde_json::json!(values));
    }
    let table = fixture.snapshot(&["evaluate", "models", "--folds", "folds", "--format", "table"]);
    assert!(table.contains(" ± "), "{table}");
    fs::remove_dir_all(fixture.path("models/fold-2")).unwrap();
    let missing = fixture.snapshot(&["evaluate", "models", "--folds", "folds"]);
    assert!(missing.contains("holds nothing for fold-2"), "{missing}");
}
