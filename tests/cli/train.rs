use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use crate::Fixture;
use crate::common::files;

#[test]
fn memory_estimate_above_the_limit_is_refused() {
    let fixture = Fixture::with_dataset();
    let mut shown = String::new();
    for args in [
        &["train", "als", "ml", "-o", "als", "--factors", "4096", "--max-memory", "23M"][..],
        &["ingest", &crate::ml_mini(), "-o", "x", "--threads", "2", "--max-memory", "100M"],
    ] {
        shown.push_str(&fixture.snapshot(args));
    }
    shown.push_str(&fixture.snapshot(&["stats", "summary", "ml", "--max-memory", "8M"]));
    // What nobody has estimated is ended when it comes to that, where the system tells how much is
    // used.
    if cfg!(target_os = "linux") {
        shown.push_str(&fixture.snapshot(&[
            "stats",
            "report",
            "ml",
            "-o",
            "r.html",
            "--max-memory",
            "16M",
        ]));
    }
    insta::assert_snapshot!(shown, @"
    exit 1
    --- stderr
    mvrec: error: training this model needs about 24 MiB of memory; --max-memory allows 23 MiB
    exit 1
    --- stderr
    mvrec: error: ingest needs about 300 MiB of memory; --max-memory allows 100 MiB
    exit 2
    --- stderr
    mvrec: error: --max-memory must be 16M or more: mvrec itself takes about 12M
    exit 1
    --- stderr
    mvrec: error: this takes more memory than --max-memory allows, which is 16 MiB
    ");
    assert_eq!(fixture.names(), ["ml"]);
}

#[test]
fn every_algorithm_trains_and_recommends() {
    let fixture = Fixture::with_dataset();
    for args in [
        "als",
        "als --no-biases --rank 5 --max-iter 3 --reg-param 0.2 --seed 7",
        "als --feedback implicit --unobserved-weight 0.1 --exponent 0.5 --positive-from 4",
        "als --feedback implicit --alpha 10",
        "nmf",
        "nmf --fill 2.5 --init random",
        "cosine --neighbors 10 --shrinkage 5 --center",
        "cosine --between users",
        "popularity --damping 10",
    ] {
        let mut words = vec!["train"];
        words.extend(args.split(' '));
        words.extend(["ml", "-o", "model"]);
        fixture.ok(&words);
        let list = fixture.json(&["recommend", "model", "--user", "1", "-n", "5"]);
        assert_eq!(list.as_array().unwrap().len(), 5, "{args}");
    }
}

#[test]
fn training_reports_progress_and_loss() {
    let fixture = Fixture::with_dataset();
    insta::assert_snapshot!(fixture.snapshot(&["train", "popularity", "ml", "-o", "model", "-v"]), @"
    exit 0
    --- stderr
    mvrec: reading ratings
    mvrec: building the matrix
    mvrec: trained on 12211 ratings of 200 users and 300 movies
    ");
    insta::assert_snapshot!(fixture.snapshot(&[
        "train",
        "popularity",
        "ml/ratings.parquet",
        "-o",
        "model"
    ]), @"
    exit 0
    --- stderr
    mvrec: no titles: add --movies PATH (a dataset, movies.parquet or movies.csv)
    mvrec: trained on 12211 ratings of 200 users and 300 movies
    ");
    assert_eq!(fixture.snapshot(&["train", "popularity", "ml", "-o", "model", "-q"]), "exit 0\n");
}

#[test]
fn options_that_do_not_belong_together_are_refused() {
    let fixture = Fixture::with_dataset();
    insta::assert_snapshot!(fixture.snapshot(&["train", "als", "--alpha", "4", "ml", "-o", "m"]), @"
    exit 2
    --- stderr
    mvrec: error: --alpha belongs to --feedback implicit
    ");
    insta::assert_snapshot!(fixture.snapshot(&["train", "als", "--factors", "0", "ml", "-o", "m"]), @"
    exit 1
    --- stderr
    mvrec: error: factors must be from 1 to 4096, not 0
    ");
    insta::assert_snapshot!(fixture.snapshot(&["train", "als", "ml"]), @"
    exit 2
    --- stderr
    error: the following required arguments were not provided:
      --output <DIR>

    Usage: mvrec train als --output <DIR> <INPUT>

    For more information, try '--help'.
    ");
    assert_eq!(fixture.names(), ["ml"]);
}

#[test]
fn singular_equations_name_the_row() {
    let fixture = Fixture::new();
    fs::write(fixture.path("tiny.csv"), "1,1,5\n1,2,4\n2,1,3\n").unwrap();
    let args = ["train", "als", "--reg-param", "0", "tiny.csv", "-o", "m"];
    insta::assert_snapshot!(fixture.snapshot(&args), @"
    exit 1
    --- stderr
    mvrec: no titles: add --movies PATH (a dataset, movies.parquet or movies.csv)
    mvrec: error: the equations of movie 1 are singular; raise the regularization
    ");
    assert_eq!(fixture.names(), ["tiny.csv"]);
}

#[test]
fn a_model_replaces_a_model_and_a_failure_leaves_the_old_one() {
    let fixture = Fixture::with_model();
    let before = fs::read(fixture.path("als/model.json")).unwrap();
    let output = fixture.run(&["train", "als", "nowhere", "-o", "als"], b"");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(fs::read(fixture.path("als/model.json")).unwrap(), before);
    fixture.ok(&["train", "cosine", "ml", "-o", "als"]);
    assert!(!fixture.path("als/userFactors").exists());
    assert_eq!(fixture.names(), ["als", "ml"]);
}

fn losses(fixture: &Fixture, model: &str) -> Vec<f64> {
    let info = fixture.json(&["info", model]);
    info["loss"].as_array().unwrap().iter().map(|loss| loss.as_f64().unwrap()).collect()
}

#[test]
fn training_goes_on_from_a_model() {
    let fixture = Fixture::with_dataset();
    for (algorithm, more) in [
        (&["als"][..], &[][..]),
        (&["als", "--feedback", "implicit"], &["--solver", "cg"]),
        (&["nmf"], &[]),
        (&["nmf", "--fill", "2.5"], &[]),
    ] {
        let train = |passes: &str, out: &str, more: &[&str]| {
            let words = [&["train"], algorithm, &["--factors", "8", "--iterations", passes, "ml"]];
            fixture.ok(&[&words.concat(), more, &["-o", out]].concat());
        };
        train("6", "six", &[]);
        train("3", "three", &[]);
        train("3", "on", &[&["--warm-start", "three"][..], more].concat());
        let (six, on) = (losses(&fixture, "six"), losses(&fixture, "on"));
        assert_eq!(on.len(), 3);
        let (last, cold) = (on[2], losses(&fixture, "three")[2]);
        assert!(last < cold, "{algorithm:?}: {last} after {cold}");
        // Better than six in one go it may be: what is saved has its users solved to the end.
        assert!(last < 1.02 * six[5], "{algorithm:?}: {last} and {}", six[5]);
        let origin = &fixture.json(&["info", "on"])["warm_start"];
        assert_eq!(origin, &fixture.json(&["info", "three"])["training"]["content_xxh3"]);
    }
    // Users and movies that the model does not know begin at zero and are learnt.
    fixture.ok(&["filter", "--where", "user < 100", "ml", "-o", "some"]);
    fixture.ok(&["train", "als", "--factors", "8", "some", "-o", "some-als"]);
    let more = ["train", "als", "--factors", "8", "--iterations", "2", "--warm-start", "some-als"];
    fixture.ok(&[&more[..], &["ml", "-o", "all"]].concat());
    fixture.ok(&["train", "als", "--factors", "8", "--iterations", "2", "ml", "-o", "cold"]);
    let (warm, cold) = (losses(&fixture, "all"), losses(&fixture, "cold"));
    assert!(warm[0] < cold[0] && warm[1] < 1.05 * cold[1], "{warm:?} {cold:?}");
    let told: String = [
        &["train", "als", "--warm-start", "some-als", "ml", "-o", "wide"][..],
        &["train", "als", "--warm-start", "ml", "ml", "-o", "wide"],
        &["train", "cosine", "--warm-start", "some-als", "ml", "-o", "wide"],
    ]
    .iter()
    .map(|args| fixture.snapshot(args))
    .collect();
    insta::assert_snapshot!(told, @"
    exit 1
    --- stderr
    mvrec: error: some-als: factors have width 10, expected 34 for these parameters
    exit 1
    --- stderr
    mvrec: error: ml: not a model directory (neither model.json nor Spark's metadata in it)
    exit 2
    --- stderr
    error: unexpected argument '--warm-start' found

      tip: a similar argument exists: '--params'

    Usage: mvrec train cosine --output <DIR> --params <FILE> [INPUT]

    For more information, try '--help'.
    ");
}

#[cfg(unix)]
#[test]
fn an_interrupt_saves_the_model_so_far_where_that_was_asked_for() {
    use std::io::BufRead;
    use std::process::{Command, Stdio};

    let fixture = Fixture::with_dataset();
    for (save, code) in [(true, 0), (false, 130)] {
        let save = if save { &["--save-on-interrupt"][..] } else { &[] };
        let words = ["-v", "train", "als", "--factors", "4", "--iterations", "1000000"];
        let mut child = fixture
            .command(&[&words[..], save, &["ml", "-o", "model"]].concat())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = std::io::BufReader::new(child.stderr.take().unwrap()).lines();
        while !lines.next().unwrap().unwrap().contains("iteration 2:") {}
        let pid = child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        let rest: Vec<String> = lines.map(Result::unwrap).collect();
        assert_eq!(child.wait().unwrap().code(), Some(code), "{rest:?}");
        if save.is_empty() {
            assert!(!fixture.names().iter().any(|name| name.contains("model")));
            continue;
        }
        assert!(rest.iter().any(|line| line.contains("interrupted: this is the model after")));
        let passes = losses(&fixture, "model").len();
        assert!((2..1_000_000).contains(&passes));
        fixture.ok(&["recommend", "model", "--user", "5"]);
        std::fs::remove_dir_all(fixture.path("model")).unwrap();
    }
}

/// Trains every kind of model and lists movies, with the kernels of one instruction set; `None` if
/// this processor lacks it.
fn bytes_with_instruction_set(set: Option<&str>) -> Option<BTreeMap<String, Vec<u8>>> {
    let fixture = Fixture::with_dataset();
    let run = |line: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mvrec"));
        command.args(line.split(' ')).current_dir(fixture.folder.path()).env_clear();
        set.map(|set| command.env("MVREC_SIMD", set));
        let output = command.output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        match output.status.code() {
            Some(0) => true,
            Some(2) if stderr.contains("no instruction set") => false,
            code => panic!("{line}: {code:?}: {stderr}"),
        }
    };
    let models = [
        "als --factors 21",
        "als --factors 8 --no-biases --solver cg",
        "als --feedback implicit --factors 40",
        "als --feedback implicit --alpha 3 --solver cholesky",
        "nmf --factors 9",
        "nmf --fill 2.5 --init random",
        "nmf --fill 2.5",
        "cosine",
        "cosine --between users --center",
        "popularity",
    ];
    if !run("split ml --by random --test 0.2 -o split") {
        return None;
    }
    for (at, model) in models.iter().enumerate() {
        run(&format!("train {model} split/train -o model-{at}"));
        run(&format!("recommend model-{at} --all-users -n 30 -o lists-{at}.json"));
        run(&format!(
            "recommend model-{at} --rate id:1=5 --rate id:18=1 --explain -o new-{at}.csv"
        ));
        run(&format!("recommend model-{at} --user 1 --diversify 0.4 -o user-{at}.csv"));
        run(&format!("evaluate model-{at} --test split/test -o metrics-{at}.json"));
    }
    Some(files(fixture.folder.path()))
}

#[test]
fn models_and_lists_are_the_same_bytes_with_every_instruction_set() {
    let expected = bytes_with_instruction_set(None).unwrap();
    assert!(expected.len() > 100, "{:?}", expected.keys());
    let mut n_sets = 0;
    for set in ["avx512", "avx2", "portable"] {
        let Some(bytes) = bytes_with_instruction_set(Some(set)) else { continue };
        n_sets += 1;
        let differ = expected.keys().filter(|name| expected.get(*name) != bytes.get(*name));
        assert_eq!(differ.collect::<Vec<_>>(), Vec::<&String>::new(), "{set}");
        assert_eq!(expected.len(), bytes.len());
    }
    let n_available = 1;
    #[cfg(target_arch = "x86_64")]
    let n_available = n_available
        + i32::from(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"))
        + i32::from(is_x86_feature_detected!("avx512dq"));
    assert_eq!(n_sets, n_available);
}

#[test]
fn unknown_instruction_set_is_refused() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mvrec"));
    let output = command.args(["info", "x"]).env("MVREC_SIMD", "mmx").output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("MVREC_SIMD: no instruction set `mmx` here; there are "), "{stderr}");
}
