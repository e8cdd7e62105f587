use std::fs;

use serde_json::Value;

use crate::Fixture;

/// A fixture with a random split of the dataset and two models of its training part.
fn split() -> Fixture {
    let fixture = Fixture::with_dataset();
    fixture.ok(&["split", "--by", "random", "--test", "0.2", "ml", "-o", "parts"]);
    fixture.ok(&["train", "popularity", "parts/train", "-o", "popularity"]);
    fixture.ok(&["train", "cosine", "parts/train", "-o", "cosine"]);
    fixture
}

fn figure(report: &Value, system: usize, name: &str) -> f64 {
    report["systems"][system]["figures"][name]["value"].as_f64().unwrap()
}

const LISTS: &str = "user,item,rank\n1,12,1\n1,10,2\n2,12,1\n2,13,2\n3,14,1\n";
const TEST: &str = "user,item,rating\n1,10,5\n1,11,2\n2,12,4\n3,10,1\n4,10,4\n";

#[test]
fn lists_of_another_system_by_rank_or_score() {
    let fixture = Fixture::new();
    fs::write(fixture.path("test.csv"), TEST).unwrap();
    fs::write(fixture.path("rank.csv"), LISTS).unwrap();
    let scored = "{\"user_id\":1,\"movie_id\":12,\"score\":0.5}\n{\"user_id\":1,\"movie_id\":10,\"score\":-3e9}\n\
                  {\"user_id\":2,\"movie_id\":12,\"score\":9}\n{\"user_id\":2,\"movie_id\":13,\"score\":0}\n\
                  {\"user_id\":3,\"movie_id\":14,\"score\":1}\n";
    fs::write(fixture.path("score.jsonl"), scored).unwrap();
    for lists in ["rank.csv", "score.jsonl"] {
        let report = fixture.json(&["-q", "evaluate", lists, "--test", "test.csv", "-k", "3,1"]);
        for (name, wanted) in [
            ("hit_rate@1", 1.0 / 3.0),
            ("hit_rate@3", 2.0 / 3.0),
            ("mrr@3", (0.5 + 1.0) / 3.0),
            ("recall@3", 2.0 / 3.0),
            ("ndcg@3", (1.0 / libm::log2(3.0) + 1.0) / 3.0),
        ] {
            assert!((figure(&report, 0, name) - wanted).abs() < 1e-12, "{lists} {name}");
        }
        let system = &report["systems"][0];
        assert_eq!((&system["users"], &system["users_with_relevant"]), (&4.into(), &3.into()));
        assert_eq!(system["unknown_users"], 1);
        assert_eq!(system["figures"]["rmse"]["value"], Value::Null);
    }
    insta::assert_snapshot!(
        fixture.snapshot(&["evaluate", "rank.csv", "--test", "test.csv", "-k", "1", "--train", "test.csv", "--bootstrap", "0", "--format", "csv"]),
        @"
    exit 0
    --- stdout
    system,metric,value,low,high
    rank.csv,rmse,,,
    rank.csv,mae,,,
    rank.csv,user_rmse,,,
    rank.csv,user_mae,,,
    rank.csv,auc,,,
    rank.csv,ndcg@1,0.3333333333333333,,
    rank.csv,precision@1,0.3333333333333333,,
    rank.csv,recall@1,0.3333333333333333,,
    rank.csv,capped_recall@1,0.3333333333333333,,
    rank.csv,map@1,0.3333333333333333,,
    rank.csv,mrr@1,0.3333333333333333,,
    rank.csv,hit_rate@1,0.3333333333333333,,
    rank.csv,novelty@1,1.3333333333333333,,
    rank.csv,popularity@1,0.16666666666666666,,
    rank.csv,diversity@1,,,
    rank.csv,coverage@1,0.5,,
    rank.csv,gini@1,0.5833333333333333,,
    --- stderr
    mvrec: warning: rank.csv: nothing is known of 1 of the 4 users: their lists count as empty
    "
    );
}

#[test]
fn a_models_own_lists_measure_as_the_model_does() {
    let fixture = split();
    let of_model = fixture.json(&["-q", "evaluate", "cosine", "--test", "parts/test", "-k", "5"]);
    fixture.ok(&["recommend", "cosine", "--all-users", "-n", "5", "-o", "lists.parquet"]);
    let args = ["-q", "evaluate", "lists.parquet", "--test", "parts/test", "-k", "5", "--train"];
    let of_lists = fixture.json(&[&args[..], &["parts/train"]].concat());
    let figures = of_model["systems"][0]["figures"].as_object().unwrap();
    assert!(figures.keys().any(|name| name == "auc"), "{figures:?}");
    for name in figures.keys().filter(|name| name.contains('@')) {
        let (a, b) = (figure(&of_model, 0, name), figure(&of_lists, 0, name));
        assert!((a - b).abs() < 1e-12, "{name}: {a} {b}");
    }
    let interval = &figures["ndcg@5"]["interval"];
    let value = figure(&of_model, 0, "ndcg@5");
    assert!(interval[0].as_f64().unwrap() < value && value < interval[1].as_f64().unwrap());
    let terms = of_model["definitions"].as_object().unwrap();
    assert!(figures.keys().all(|name| {
        let kind = name.split('@').next().unwrap();
        terms.keys().any(|term| term.contains(kind))
    }));
}

#[test]
fn models_are_compared_by_user_directly_and_through_files() {
    let fixture = split();
    let both = ["popularity", "cosine", "--test", "parts/test", "-k", "5", "--compare"];
    let direct = fixture.json(&[&["-q", "evaluate"][..], &both].concat());
    for (model, file) in [("popularity", "a.parquet"), ("cosine", "b.csv")] {
        fixture.ok(&["evaluate", model, "--test", "parts/test", "-k", "5", "--per-user", file]);
    }
    let by_files = fixture.json(&["-q", "evaluate", "a.parquet", "b.csv", "--compare"]);
    let find = |report: &Value, metric: &str| {
        let rows = report["comparisons"].as_array().unwrap();
        rows.iter().find(|row| row["metric"] == metric).unwrap().clone()
    };
    for metric in ["ndcg@5", "recall@5", "auc"] {
        let (a, b) = (find(&direct, metric), find(&by_files, metric));
        for name in ["difference", "wilcoxon_p", "permutation_p"] {
            let (a, b) = (a[name].as_f64().unwrap(), b[name].as_f64().unwrap());
            assert!((a - b).abs() < 1e-9, "{metric} {name}: {a} {b}");
        }
        assert!(a["wilcoxon_holm"].as_f64() >= a["wilcoxon_p"].as_f64());
    }
    let difference = figure(&direct, 1, "ndcg@5") - figure(&direct, 0, "ndcg@5");
    let told = find(&direct, "ndcg@5")["difference"].as_f64().unwrap();
    assert!((difference - told).abs() < 1e-12);
}

#[test]
fn held_out_users_are_folded_in() {
    let fixture = Fixture::with_dataset();
    fixture.ok(&["split", "--by", "users", "--held-out", "40", "ml", "-o", "parts"]);
    fixture.ok(&["train", "cosine", "parts/train", "-o", "cosine"]);
    let args = ["-q", "evaluate", "cosine", "--test", "parts/test"];
    let strangers = fixture.json(&args);
    assert_eq!(strangers["systems"][0]["unknown_users"], strangers["systems"][0]["users"]);
    assert!(figure(&strangers, 0, "ndcg@10").abs() < 1e-12);
    let known = fixture.json(&[&args[..], &["--fold-in", "parts/fold-in"]].concat());
    assert_eq!(known["systems"][0]["unknown_users"], 0);
    assert!(figure(&known, 0, "ndcg@10") > 0.05);
}

#[test]
fn ids_that_are_text_meet_by_their_keys() {
    let fixture = Fixture::new();
    let rows = |order: &[usize]| {
        let text: Vec<String> = order
            .iter()
            .flat_map(|u| (0..6).map(move |m| (u, m)))
            .filter(|(u, m)| (*u + m) % 3 != 0)
            .map(|(u, m)| format!("user{u},book{m},{}\n", 3 + (u + m) % 2))
            .collect();
        format!("user,movie,rating\n{}", text.concat())
    };
    fs::write(fixture.path("train.csv"), rows(&[0, 1, 2, 3, 4])).unwrap();
    // Other numbers: the users come in another order, and there are fewer.
    fs::write(fixture.path("test.csv"), rows(&[4, 2])).unwrap();
    fixture.ok(&["train", "popularity", "train.csv", "-o", "model"]);
    fixture.ok(&["ingest", "test.csv", "-o", "test"]);
    for test in ["test", "test.csv"] {
        let file = "per-user.csv";
        let args = ["-q", "evaluate", "model", "--test", test, "-k", "2", "--per-user", file];
        let report = fixture.json(&args);
        assert_eq!(report["systems"][0]["unknown_users"], 0);
        // All that is tested has been seen in training: nothing of it can be listed, and no rating
        // is cold.
        assert_eq!(report["systems"][0]["cold_ratings"], 0);
        assert_eq!(report["systems"][0]["ratings_trained_on"], 8);
        assert!(figure(&report, 0, "hit_rate@2").abs() < 1e-12);
        assert_eq!(fs::read_to_string(fixture.path(file)).unwrap().lines().count(), 3);
    }
    fs::write(fixture.path("numbers.csv"), "user,movie,rating\n1,2,3\n").unwrap();
    insta::assert_snapshot!(fixture.snapshot(&["evaluate", "model", "--test", "numbers.csv"]), @"
    exit 1
    --- stderr
    mvrec: warning: none of the 1 test ratings is relevant, which begins at 4; --relevant-from decides
    mvrec: error: ids of users are text in one of these inputs and numbers in the other
    ");
}

#[test]
fn a_missed_threshold_ends_with_3() {
    let fixture = split();
    let args = ["-q", "evaluate", "popularity", "--test", "parts/test", "--fail-if"];
    let run = |condition: &str| {
        let output = fixture.run(&[&args[..], &[condition]].concat(), b"");
        (output.status.code().unwrap(), !output.stdout.is_empty())
    };
    assert_eq!(run("ndcg@10<0.001"), (0, true));
    assert_eq!(run("rmse>0.1"), (3, true));
    assert_eq!(run("hit_rate@99<1").0, 2);
    assert_eq!(run("rmse=1").0, 2);
}

#[test]
fn undefined_metrics_are_reported() {
    let fixture = split();
    fs::write(fixture.path("lists.csv"), "user,movie,place\n1,2,3\n").unwrap();
    fs::write(fixture.path("figures.csv"), "user_id,ndcg@10\n1,x\n").unwrap();
    let told: String = [
        &["evaluate", "cosine"][..],
        &["evaluate", "cosine", "--test", "parts/test", "-k", "0"],
        &["evaluate", "cosine", "--test", "parts/test", "--compare"],
        &["evaluate", "cosine", "popularity", "--test", "parts/test", "--per-user", "u.csv"],
        &["evaluate", "parts", "--test", "parts/test"],
        &["evaluate", "nothing", "--test", "parts/test"],
        &["evaluate", "lists.csv", "--test", "parts/test"],
        &["evaluate", "figures.csv", "figures.csv", "--compare"],
        &["evaluate", "cosine", "popularity", "--compare"],
    ]
    .iter()
    .map(|args| fixture.snapshot(args))
    .collect();
    insta::assert_snapshot!(told, @"
    exit 2
    --- stderr
    mvrec: error: --test INPUT is needed: the held-out ratings; or --folds DIR
    exit 2
    --- stderr
    mvrec: error: -k must be 1 or more
    exit 2
    --- stderr
    mvrec: error: --compare needs two WHAT or more
    exit 2
    --- stderr
    mvrec: error: --per-user is for one WHAT at a time
    exit 1
    --- stderr
    mvrec: error: parts: not a model directory (neither model.json nor Spark's metadata in it)
    exit 1
    --- stderr
    mvrec: error: nothing: No such file or directory
    exit 1
    --- stderr
    mvrec: error: lists.csv: no column for the rating; found `user`, `movie`, `place`
    mvrec: hint: `mvrec ingest --columns user=NAME,movie=NAME,rating=NAME` names them
    exit 1
    --- stderr
    mvrec: error: figures.csv:2: ndcg@10 `x` is not a number
    exit 2
    --- stderr
    mvrec: error: cosine holds no figures of users: --test INPUT is needed
    ");
    assert!(!fixture.names().contains(&"u.csv".to_string()));
}

#[test]
fn comparison_can_be_plotted() {
    let fixture = split();
    let compare = ["evaluate", "popularity", "cosine", "--test", "parts/test", "--compare"];
    let quick = ["--bootstrap", "50", "-k", "5,10"];
    let words = |more: &[&'static str]| [&compare[..], &quick[..], more].concat();
    for name in ["c.svg", "c.png", "c.html"] {
        fixture.ok(&words(&["--plot", name]));
        assert!(fixture.path(name).is_file());
    }
    let svg = fs::read_to_string(fixture.path("c.svg")).unwrap();
    for text in ["ndcg@5", "rmse", "popularity", "cosine"] {
        assert!(svg.contains(text), "{text}");
    }
    assert!(!svg.contains("ndcg@10"));
    let report = fixture.json(&words(&[]));
    for system in 0..2 {
        let shown = format!("{:.4}", figure(&report, system, "ndcg@5"));
        assert!(svg.contains(&shown), "{shown}");
    }
    // Of figures of users that were read from files, too.
    for model in ["popularity", "cosine"] {
        let file = format!("{model}.parquet");
        fixture.ok(&["evaluate", model, "--test", "parts/test", "--per-user", &file, "-k", "5"]);
    }
    let files =
        ["evaluate", "popularity.parquet", "cosine.parquet", "--compare", "-k", "5", "--chart"];
    let chart = String::from_utf8(fixture.ok(&files)).unwrap();
    assert!(chart.contains("cosine.parquet ▏") && chart.contains("ndcg@5"), "{chart}");
}
