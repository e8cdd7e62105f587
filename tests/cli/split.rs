use std::collections::BTreeSet;
use std::fs;

use crate::Fixture;

/// Ratings of a dataset as lines of user and movie.
fn pairs(fixture: &Fixture, dataset: &str) -> BTreeSet<String> {
    fixture.ok(&["filter", dataset, "-o", "pairs.csv"]);
    let text = fs::read_to_string(fixture.path("pairs.csv")).unwrap();
    text.lines()
        .skip(1)
        .map(|line| line.splitn(3, ',').take(2).collect::<Vec<_>>().join(","))
        .collect()
}

#[test]
fn a_split_of_a_split_under_one_seed_gives_three_disjoint_parts() {
    let fixture = Fixture::with_dataset();
    let all = pairs(&fixture, "ml");
    let split = |input: &str, output: &str, how: &[&str]| {
        fixture.ok(&[&["split", input, "-o", output][..], how].concat());
    };
    for (first, second) in [
        (&["--by", "random", "--test", "0.2"][..], &["--by", "random", "--test", "0.2"][..]),
        (&["--by", "random", "--test", "0.2"], &["--by", "users", "--held-out", "20"]),
    ] {
        split("ml", "outer", first);
        split("outer/train", "inner", second);
        let mut parts = vec!["outer/test", "inner/train", "inner/test"];
        if fixture.path("inner/fold-in").is_dir() {
            parts.push("inner/fold-in");
        }
        let parts: Vec<BTreeSet<String>> = parts.iter().map(|part| pairs(&fixture, part)).collect();
        assert_eq!(parts.iter().map(BTreeSet::len).sum::<usize>(), all.len());
        assert_eq!(parts.iter().flatten().cloned().collect::<BTreeSet<_>>(), all);
    }
    split("ml", "outer", &["--by", "random", "--test", "0.2"]);
    split("outer/train", "inner", &["--by", "random", "--test", "0.2"]);
    let share =
        pairs(&fixture, "inner/test").len() as f64 / pairs(&fixture, "outer/train").len() as f64;
    assert!((0.18..0.22).contains(&share), "{share}");
    // Through a pipe, the draws before come along in the footer.
    let piped = fixture.ok(&["filter", "outer/train"]);
    fixture.ok_with(&["split", "--by", "random", "--test", "0.2", "-", "-o", "piped"], &piped);
    assert_eq!(pairs(&fixture, "piped/test"), pairs(&fixture, "inner/test"));
}

#[test]
fn samples_and_splits_of_samples_draw_afresh() {
    let fixture = Fixture::with_dataset();
    let share = |part: &str, whole: &str| {
        pairs(&fixture, part).len() as f64 / pairs(&fixture, whole).len() as f64
    };
    for of in ["ratings", "users"] {
        for (input, output) in [("ml", "half"), ("half", "quarter")] {
            fixture.ok(&["filter", "--sample", "0.5", "--sample-of", of, input, "-o", output]);
            let share = share(output, input);
            assert!((0.35..0.65).contains(&share), "{of}: {share}");
        }
        fixture.ok(&["split", "--by", "random", "--test", "0.3", "quarter", "-o", "parts"]);
        let share = share("parts/test", "quarter");
        assert!((0.25..0.35).contains(&share), "{of}: {share}");
    }
}

#[test]
fn an_empty_part_is_an_error_and_leaves_nothing() {
    let fixture = Fixture::with_dataset();
    insta::assert_snapshot!(fixture.snapshot(&["split", "--by", "random", "--test", "0", "ml", "-o", "x"]), @"
    exit 1
    --- stderr
    mvrec: error: the part `test` of 12211 ratings would be empty
    mvrec: hint: give more ratings, or another share, date or number for the part
    ");
    assert!(!fixture.path("x").exists());
}

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
fn split_reports_sizes_and_leakage() {
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
      ],
      "checksum_xxh3": "60841b7f2062ee5ae17c76eba43ae6ee"
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
