//! Files that are not what they say, devices, and what strangers write into titles.

use std::fs;
use std::process::{Command, Output};

use crate::Fixture;

/// Runs a line of shell in which `$MVREC` is the program; nothing of it may take longer than ten
/// seconds.
#[cfg(target_os = "linux")]
fn shell(fixture: &Fixture, line: &str) -> Output {
    let mut command = Command::new("timeout");
    command.args(["10", "sh", "-c", line]).current_dir(fixture.path("."));
    command.env("MVREC", env!("CARGO_BIN_EXE_mvrec")).output().unwrap()
}

#[cfg(target_os = "linux")]
fn code(fixture: &Fixture, line: &str) -> (Option<i32>, String) {
    let output = shell(fixture, line);
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[cfg(target_os = "linux")]
#[test]
fn an_output_that_nobody_can_read_is_an_error() {
    let fixture = Fixture::with_dataset();
    for what in
        ["--help", "--version", "stats summary ml", "info ml", "-q filter ml", "completions bash"]
    {
        for to in [">&-", "> /dev/full"] {
            let (code, error) = code(&fixture, &format!("$MVREC {what} {to}"));
            assert_eq!(code, Some(1), "{what} {to}: {error}");
            assert!(error.starts_with("mvrec: error: <stdout>: "), "{what} {to}: {error}");
        }
    }
    assert_eq!(code(&fixture, "$MVREC -q filter ml -o x >&- <&-").0, Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn endless_and_silent_inputs_are_refused() {
    let fixture = Fixture::with_model();
    shell(&fixture, "mkdir fifo && mkfifo fifo/ratings.csv");
    let (found, error) = code(&fixture, "$MVREC ingest fifo -o x");
    assert_eq!(found, Some(1), "{error}");
    assert!(error.contains("contains neither ratings.csv"), "{error}");
    let output = shell(&fixture, "$MVREC info /dev/zero");
    assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("binary"));
    for line in [
        "$MVREC filter /dev/zero -o x",
        "$MVREC recommend als --ratings /dev/zero",
        "$MVREC filter ml --users /dev/zero -o x",
        "$MVREC stats top ml --movies /dev/zero",
        "yes '\"' | tr -d '\\n' | $MVREC ingest - -o x",
    ] {
        let (found, error) = code(&fixture, line);
        assert_eq!(found, Some(1), "{line}: {error}");
        assert!(error.starts_with("mvrec: error: "), "{line}: {error}");
    }
    assert!(!fixture.path("x").exists());
}

#[test]
fn titles_do_not_act_on_what_shows_them() {
    let fixture = Fixture::new();
    let title = "\u{1b}[2J\u{1b}]0;owned\u{7} \u{202e}neila & <b>";
    fs::create_dir(fixture.path("raw")).unwrap();
    fs::write(fixture.path("raw/movies.csv"), format!("movieId,title,genres\n1,{title},Drama\n"))
        .unwrap();
    let rows: String =
        (1..40).map(|user| format!("{user},1,4.0,{}\n", 1_500_000_000 + user)).collect();
    fs::write(fixture.path("raw/ratings.csv"), format!("userId,movieId,rating,timestamp\n{rows}"))
        .unwrap();
    fixture.ok(&["ingest", "raw", "-o", "ml"]);
    fixture.ok(&["train", "popularity", "ml", "-o", "pop"]);
    for args in [
        &["stats", "top", "ml", "--min-ratings", "5", "--format", "table"][..],
        &["stats", "movie", "ml", "1", "--format", "table"],
        &["recommend", "pop", "--similar-to", "1", "--format", "table"],
        &["search", "pop", "neila", "--format", "table"],
        &["stats", "top", "ml", "--min-ratings", "5", "--plot", "-"],
        &["stats", "top", "ml", "--min-ratings", "5", "--format", "table", "--plot", "top.svg"],
    ] {
        let output = fixture.run(args, b"");
        for text in [output.stdout, output.stderr] {
            let text = String::from_utf8_lossy(&text).into_owned();
            assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{args:?}: {text}");
        }
    }
    let svg = fs::read_to_string(fixture.path("top.svg")).unwrap();
    assert!(svg.contains("neila &amp; &lt;b&gt;") && !svg.contains('\u{1b}'), "{svg}");
    // Data stays what it is.
    let rows = fixture.json(&["stats", "top", "ml", "--min-ratings", "5", "--format", "json"]);
    assert!(rows[0]["title"].as_str().unwrap().starts_with(title), "{rows}");
}

#[test]
fn a_file_of_another_directory_is_refused() {
    let fixture = Fixture::with_model();
    fixture.ok(&["filter", "--rating", "4..", "ml", "-o", "liked"]);
    fixture.ok(&["train", "als", "--rank", "8", "liked", "-o", "other"]);
    let refused = |from: &str, to: &str, args: &[&str]| {
        let own = fs::read(fixture.path(to)).unwrap();
        fs::copy(fixture.path(from), fixture.path(to)).unwrap();
        let output = fixture.run(args, b"");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{from} as {to}: {error}");
        assert!(error.contains("does not belong to the"), "{from} as {to}: {error}");
        fs::write(fixture.path(to), own).unwrap();
        fixture.ok(args);
    };
    refused("liked/ratings.parquet", "ml/ratings.parquet", &["stats", "summary", "ml"]);
    refused("liked/ratings.parquet", "ml/ratings.parquet", &["filter", "ml", "-o", "x"]);
    for file in [
        "seen.parquet",
        "movies.parquet",
        "userFactors/part-00000.parquet",
        "itemFactors/part-00000.parquet",
        "itemEmbeddings/part-00000.parquet",
        "model.json",
    ] {
        let (from, to) = (format!("other/{file}"), format!("als/{file}"));
        refused(&from, &to, &["recommend", "als", "--user", "1"]);
    }
}

#[test]
fn a_manifest_that_was_changed_is_refused() {
    let fixture = Fixture::with_model();
    for (file, args) in [
        ("ml/dataset.json", &["stats", "summary", "ml"][..]),
        ("als/model.json", &["recommend", "als", "--user", "1"]),
    ] {
        let text = fs::read_to_string(fixture.path(file)).unwrap();
        fs::write(fixture.path(file), text.replacen("1", "2", 1)).unwrap();
        let output = fixture.run(args, b"");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains("has changed") || error.contains("format version"), "{error}");
    }
}
