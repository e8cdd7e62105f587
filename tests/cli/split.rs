use std::fs;

use crate::Fixture;

#[test]
fn every_way_of_dividing_keeps_all_ratings() {
    let fixture = Fixture::with_dataset();
    let count =
        |folder: &str| fixture.json(&["stats", "summary", folder])["ratings"].as_u64().unwrap();
    for (args, parts) in [
        ("--by random --test 0.2", &["train", "test"][..]),
        ("--by random --folds 3", &["fold-2/train", "fold-2/test"]),
        ("--by time --from 2019-01-01", &["train", "test"]),
        ("--by time", &["train", "test"]),
        ("--by last --last 5", &["train", "test"]),
        ("--by users --held-out 40", &["train", "fold-in", "test"]),
    ] {
        let mut words = vec!["split", "ml", "-o", "parts"];
        words.extend(args.split(' '));
        fixture.ok(&words);
        let sizes: Vec<u64> = parts.iter().map(|part| count(&format!("parts/{part}"))).collect();
        assert_eq!(sizes.iter().sum::<u64>(), 12_211, "{args}");
        assert!(sizes.iter().all(|&n| n > 0), "{args}: {sizes:?}");
        assert_eq!(fixture.json(&["info", "parts"])["kind"], "mvrec split");
        assert!(fixture.path("parts").join(parts[0]).join("movies.parquet").is_file());
    }
    // A dataset that is trained on knows how it came about.
    fixture.ok(&["train", "popularity", "parts/train", "-o", "model"]);
    let steps = fixture.json(&["info", "model"])["training"]["steps"].clone();
    assert_eq!(steps[1]["options"]["method"]["by"], "users");
}

#[test]
fn what_dividing_says() {
    let fixture = Fixture::with_dataset();
    insta::assert_snapshot!(fixture.snapshot(&["split", "--by", "last", "ml", "-o", "parts"]), @"
    exit 0
    --- stderr
    mvrec: train 12011, test 200
    mvrec: warning: 172 of 200 test ratings are older than the latest training rating
    ");
    insta::assert_snapshot!(fs::read_to_string(fixture.path("parts/split.json")).unwrap(), @r#"
    {
      "kind": "mvrec split",
      "format_version": 1,
      "method": {
        "by": "last",
        "n": 1
      },
      "content_xxh3": "66fd2d184a9b6e3272362ee830b0912f",
      "ratings": 12211,
      "divisions": [
        {
          "parts": {
            "train": 12011,
            "test": 200
          },
          "findings": {
            "cold_user_rows": 0,
            "cold_movie_rows": 0,
            "leaking_rows": 172
          }
        }
      ]
    }
    "#);
}

#[test]
fn contradictions_are_refused() {
    let fixture = Fixture::with_dataset();
    let run = |args: &str| {
        let mut words = vec!["split", "ml", "-o", "parts"];
        words.extend(args.split(' '));
        fixture.snapshot(&words)
    };
    insta::assert_snapshot!(run("--by last --folds 3"), @"
    exit 2
    --- stderr
    mvrec: error: --folds belongs to --by random
    ");
    insta::assert_snapshot!(run("--by users"), @"
    exit 2
    --- stderr
    mvrec: error: --by users needs --held-out N
    ");
    insta::assert_snapshot!(run("--by users --held-out 200"), @"
    exit 1
    --- stderr
    mvrec: error: there are 200 users, of whom 200 cannot be held out and any remain
    ");
    insta::assert_snapshot!(run("--by random --test 1.5"), @"
    exit 2
    --- stderr
    mvrec: error: --test must be from 0 to 1, not 1.5
    ");
    assert_eq!(fixture.names(), ["ml"]);
    fs::write(fixture.path("timeless.csv"), "1,1,5\n1,2,4\n").unwrap();
    insta::assert_snapshot!(
        fixture.snapshot(&["split", "--by", "last", "timeless.csv", "-o", "parts"]), @"
    exit 1
    --- stderr
    mvrec: error: 2 ratings have no timestamp, by which the split would go
    ");
}
