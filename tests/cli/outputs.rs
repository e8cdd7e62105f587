//! What outputs may replace, and what their names mean.

use std::fs;
use std::path::Path;

use crate::Fixture;

/// A command that writes, without its output.
const WRITERS: [(&[&str], &str); 5] = [
    (&["ingest", "ratings.csv"], "dataset"),
    (&["filter", "ml", "--rating", "4.."], "dataset"),
    (&["split", "--by", "random", "ml"], "split"),
    (&["train", "popularity", "ml"], "model"),
    (&["train", "cosine", "ml", "--movies", "ml"], "model"),
];

const REPORTS: [&[&str]; 3] =
    [&["stats", "summary", "ml"], &["stats", "movies", "ml"], &["recommend", "pop", "--user", "1"]];

fn fixture() -> Fixture {
    let fixture = Fixture::with_dataset();
    fs::write(fixture.path("ratings.csv"), "user,item,rating\n1,2,3\n").unwrap();
    fixture.ok(&["train", "popularity", "ml", "-o", "pop"]);
    fixture
}

fn with<'a>(args: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [args, more].concat()
}

/// All files below a folder with their bytes.
fn content(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(content(&path));
        } else {
            all.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
    all.sort();
    all
}

#[track_caller]
fn refused(fixture: &Fixture, args: &[&str], code: i32, message: &str) {
    let before = content(fixture.folder.path());
    let output = fixture.run(args, b"");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {stderr}");
    assert!(stderr.contains(message), "{args:?}: {stderr}");
    assert!(content(fixture.folder.path()) == before, "{args:?}");
}

#[test]
fn foreign_directories_are_not_replaced() {
    let fixture = fixture();
    fixture.ok(&["split", "--by", "random", "ml", "-o", "parts"]);
    for name in ["model.json", "dataset.json", "split.json"] {
        let folder = fixture.path(&name[..5]);
        fs::create_dir_all(folder.join("src")).unwrap();
        fs::write(folder.join(name), "{}").unwrap();
        fs::write(folder.join("weights.bin"), "w").unwrap();
    }
    for (args, kind) in WRITERS {
        for foreign in ["model", "datas", "split"] {
            refused(&fixture, &with(args, &["-o", foreign]), 1, "no output of mvrec's");
        }
        for (other, is) in [("pop", "model"), ("parts", "split")] {
            if is != kind {
                refused(&fixture, &with(args, &["-o", other]), 1, &format!("is a {is}"));
            }
        }
        let own = format!("own-{}", args[..2].concat().replace('.', "-"));
        fixture.ok(&with(args, &["-o", &own]));
        fixture.ok(&with(args, &["-o", &own]));
        let nested = if kind == "split" { "train/notes.md" } else { "notes.md" };
        fs::write(fixture.path(&own).join(nested), "mine").unwrap();
        refused(&fixture, &with(args, &["-o", &own]), 1, nested);
    }
}

#[test]
fn inputs_are_not_replaced() {
    let fixture = fixture();
    fixture.ok(&["split", "--by", "random", "ml", "-o", "parts"]);
    fixture.ok(&["train", "als", "--rank", "4", "ml", "-o", "als"]);
    for (args, message) in [
        (&["train", "als", "ml", "-o", "ml"][..], "is a dataset"),
        (&["filter", "ml", "--year", "2019", "-o", "ml"], "`ml` is read by this command"),
        (&["ingest", "ml", "-o", "./ml/"], "is read by this command"),
        (&["split", "--by", "random", "parts/train", "-o", "parts"], "is read by this command"),
        (
            &["train", "als", "--rank", "4", "--warm-start", "als", "ml", "-o", "als"],
            "`als` is read",
        ),
        (&["filter", "ml", "-o", "ml/ratings.parquet"], "belongs to the dataset"),
        (&["stats", "movies", "ml", "-o", "pop/movies.parquet"], "belongs to the model"),
    ] {
        refused(&fixture, args, 1, message);
    }
    // A lone file is read whole before it is replaced.
    fixture.ok(&["filter", "ratings.csv", "-o", "ratings.csv"]);
    assert!(fs::read_to_string(fixture.path("ratings.csv")).unwrap().contains("1,2,3.0"));
}

#[test]
fn names_without_a_known_ending_are_refused() {
    let fixture = fixture();
    for (args, kind) in WRITERS {
        for name in ["top.md", "lists.xlsx", "x.parquet.gz", "x.gz", ".."] {
            refused(&fixture, &with(args, &["-o", name]), 2, name);
        }
        if kind != "dataset" {
            for name in ["x.csv", "x.parquet", "-", "/dev/null"] {
                refused(&fixture, &with(args, &["-o", name]), 2, "is a directory");
            }
        }
    }
    for args in REPORTS {
        for name in ["top.md", "lists.xlsx", "lists"] {
            refused(&fixture, &with(args, &["-o", name]), 2, name);
        }
        refused(&fixture, &with(args, &["-o", "x.csv", "--format", "json"]), 2, "two formats");
        fixture.ok(&with(args, &["-o", "lists", "--format", "csv"]));
        fs::remove_file(fixture.path("lists")).unwrap();
    }
    refused(&fixture, &["stats", "summary", "ml", "-o", "a.csv", "--plot", "a.csv"], 2, ".svg");
}

#[test]
fn every_known_ending_is_written_in_its_form() {
    let fixture = fixture();
    fixture.ok(&["filter", "ml", "--rating", "4..", "-o", "liked"]);
    for name in
        ["x.csv", "X.TSV", "x.jsonl", "x.parquet", "x.csv.gz", "a/b/x.tsv.zst", "x.jsonl.gz"]
    {
        fixture.ok(&["filter", "ml", "--rating", "4..", "-o", name]);
        fixture.ok(&["ingest", name, "-o", "back"]);
        let read = |folder: &str| fs::read(fixture.path(folder).join("ratings.parquet")).unwrap();
        assert!(read("back") == read("liked"), "{name}");
    }
    assert!(fs::read(fixture.path("X.TSV")).unwrap().starts_with(b"user_id\tmovie_id\t"));
    assert!(fs::read(fixture.path("x.csv.gz")).unwrap().starts_with(&[0x1f, 0x8b]));
    fixture.ok(&["stats", "movies", "ml", "-o", "m.tsv.gz"]);
    assert!(fs::read(fixture.path("m.tsv.gz")).unwrap().starts_with(&[0x1f, 0x8b]));
}

#[test]
fn a_dash_is_stdout_and_never_a_file() {
    let fixture = fixture();
    for args in [&["ingest", "ratings.csv"][..], &["filter", "ml"]] {
        assert!(fixture.ok(&with(args, &["-o", "-"])).starts_with(b"PAR1"), "{args:?}");
    }
    for args in REPORTS {
        let plain = fixture.ok(args);
        assert!(!plain.is_empty() && fixture.ok(&with(args, &["-o", "-"])) == plain, "{args:?}");
    }
    assert!(!fixture.path("-").exists());
}

#[test]
fn two_outputs_of_one_name_are_refused() {
    let fixture = fixture();
    let rejected =
        ["ingest", "ratings.csv", "--on-error", "skip", "-o", "x.csv", "--rejected", "x.csv"];
    refused(&fixture, &rejected, 2, "two outputs");
    let per_user = ["evaluate", "pop", "--test", "ml", "-o", "x.csv", "--per-user", "x.csv"];
    refused(&fixture, &per_user, 2, "two outputs");
}

#[cfg(unix)]
#[test]
fn special_files_are_written_to_and_never_replaced() {
    use std::os::unix::fs::FileTypeExt;
    let fixture = fixture();
    let fifo = fixture.path("fifo.csv");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
    assert!(made.success());
    for args in [&["filter", "ml"][..], &["stats", "summary", "ml"]] {
        fixture.ok(&with(args, &["-o", "/dev/null"]));
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
        let mut child = fixture.command(&with(args, &["-q", "-o", "fifo.csv"])).spawn().unwrap();
        let text = fs::read_to_string(&fifo).unwrap();
        assert!(child.wait().unwrap().success());
        assert!(text.contains(','), "{text}");
        assert!(fs::metadata(&fifo).unwrap().file_type().is_fifo());
    }
}

#[test]
fn folders_that_a_failed_command_made_are_gone() {
    let fixture = fixture();
    fs::write(fixture.path("bad.csv"), "user,item,rating\n1,2,x\n").unwrap();
    refused(&fixture, &["ingest", "bad.csv", "-o", "new/folder/ml"], 1, "not a number");
    refused(&fixture, &["ingest", "bad.csv", "-o", "new/folder/ml.csv"], 1, "not a number");
    assert!(!fixture.path("new").exists());
    fixture.ok(&["ingest", "ratings.csv", "-o", "new/folder/ml"]);
    assert!(fixture.path("new/folder/ml/dataset.json").is_file());
}
