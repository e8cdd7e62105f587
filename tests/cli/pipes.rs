use std::fs;
use std::io::{Read as _, Write as _};
use std::process::Stdio;

use crate::common::files;
use crate::{Fixture, ml_mini};

#[test]
fn a_pipeline_gives_the_same_model_and_list_as_files() {
    let fixture = Fixture::with_dataset();
    let ml_mini = ml_mini();
    fixture.ok(&["filter", "--year", "2018", "ml", "-o", "y"]);
    fixture.ok(&["train", "als", "y", "-o", "by-files"]);

    let ratings = fixture.ok(&["ingest", &ml_mini]);
    let year = fixture.ok_with(&["filter", "--year", "2018"], &ratings);
    fixture.ok_with(&["train", "als", "--movies", &ml_mini, "-o", "by-pipe"], &year);

    let (by_files, by_pipe) = (files(&fixture.path("by-files")), files(&fixture.path("by-pipe")));
    assert_eq!(by_files.keys().collect::<Vec<_>>(), by_pipe.keys().collect::<Vec<_>>());
    for (name, bytes) in &by_files {
        assert!(bytes == &by_pipe[name], "{name}");
    }
    let user = fixture.json(&["info", "y"])["shape"]["users"].as_u64().unwrap();
    assert!(user > 0);
}

#[test]
fn a_dash_is_stdin_and_streams_keep_their_history() {
    let fixture = Fixture::with_dataset();
    let ratings = fixture.ok(&["filter", "--rating", "4..", "ml"]);
    let explicit = fixture.ok_with(&["filter", "--year", "2019", "-"], &ratings);
    let implied = fixture.ok_with(&["filter", "--year", "2019"], &ratings);
    assert!(explicit == implied);
    fs::write(fixture.path("end.parquet"), explicit).unwrap();
    let info = fixture.json(&["info", "end.parquet"]);
    let commands: Vec<&str> = info["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["command"].as_str().unwrap())
        .collect();
    assert_eq!(commands, ["ingest", "filter", "filter"]);
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let fixture = Fixture::new();
    let ml_mini = ml_mini();
    let mut results = Vec::new();
    for threads in ["1", "2", "8"] {
        let ratings = fixture.ok(&["ingest", &ml_mini, "--threads", threads]);
        let kept = fixture.ok_with(
            &[
                "filter",
                "--year",
                "2019",
                "--core",
                "--min-user-ratings",
                "5",
                "--threads",
                threads,
            ],
            &ratings,
        );
        let out = format!("als-{threads}");
        fixture.ok_with(
            &["train", "als", "--movies", &ml_mini, "-o", &out, "--threads", threads],
            &kept,
        );
        let list = fixture.ok(&["recommend", &out, "--all-users", "--threads", threads]);
        results.push((ratings, kept, files(&fixture.path(&out)), list));
    }
    assert!(results.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn a_reader_who_has_seen_enough_is_no_error() {
    let fixture = Fixture::with_dataset();
    for args in [
        &["filter", "ml"][..],
        &["stats", "movies", "ml", "--format", "csv"],
        &["stats", "movies", "ml", "--format", "json"],
        &["ingest", "ml"],
    ] {
        let mut child = fixture
            .command(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take()); // closed before the first byte
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        let status = child.wait().unwrap();
        assert_eq!(status.code(), Some(0), "{args:?}: {stderr}");
        assert!(!stderr.contains("error"), "{args:?}: {stderr}");
    }
}

#[test]
fn broken_streams_are_refused() {
    let fixture = Fixture::with_dataset();
    let ratings = fixture.ok(&["filter", "ml"]);
    for (bytes, message) in [
        (&ratings[..ratings.len() / 2], "<stdin>: not a readable Parquet file"),
        (&b""[..], "<stdin>: the file is empty"),
        (&b"garbage\n"[..], "<stdin>: no column for the user; found `garbage`"),
        (&b"\x00\x01\x02"[..], "<stdin>: "),
    ] {
        let output = fixture.run(&["stats", "summary"], bytes);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.contains(message), "{stderr}");
        assert!(output.stdout.is_empty());
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_leaves_nothing_behind() {
    let fixture = Fixture::new();
    let mut child = fixture
        .command(&["ingest", "-", "-o", "out"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"userId,movieId,rating\n1,1,5\n").unwrap();
    // The command waits for more; its output is under construction by then.
    while fixture.names().is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(fixture.names(), [] as [&str; 0]);
}
