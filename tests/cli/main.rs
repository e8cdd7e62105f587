//! The command itself, from its arguments to its exit code.

#[path = "../common/mod.rs"]
mod common;
mod damage;
mod evaluate;
mod exports;
mod filter;
mod foreign;
mod ids;
mod info;
mod ingest;
mod outputs;
mod parquet;
mod pipes;
mod recommend;
mod scales;
mod search;
mod split;
mod stats;
mod tables;
mod train;
mod tune;
mod understood;

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A folder of one's own in which commands run, with nothing of the caller's environment.
struct Fixture {
    folder: TempDir,
}

/// The fixture dataset, as an absolute path.
fn ml_mini() -> String {
    format!("{}/fixtures/ml-mini", env!("CARGO_MANIFEST_DIR"))
}

fn broken() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/broken")
}

impl Fixture {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A fixture with the dataset `ml` in it.
    fn with_dataset() -> Self {
        let fixture = Self::new();
        fixture.ok(&["ingest", &ml_mini(), "-o", "ml"]);
        fixture
    }

    /// A fixture with the dataset `ml` and the small model `als` in it.
    fn with_model() -> Self {
        let fixture = Self::with_dataset();
        fixture.ok(&["train", "als", "--rank", "8", "ml", "-o", "als"]);
        fixture
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, args: &[impl AsRef<OsStr>]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mvrec"));
        command.args(args).current_dir(self.folder.path()).env_clear().env("COLUMNS", "100");
        command
    }

    fn run(&self, args: &[impl AsRef<OsStr>], stdin: &[u8]) -> Output {
        let mut child = self
            .command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pipe = child.stdin.take().unwrap();
        // A command that reads no stdin closes it; that is no failure of the test.
        let _ = pipe.write_all(stdin);
        drop(pipe);
        child.wait_with_output().unwrap()
    }

    /// Runs a command that must succeed; returns its stdout.
    #[track_caller]
    fn ok(&self, args: &[impl AsRef<OsStr>]) -> Vec<u8> {
        self.ok_with(args, b"")
    }

    #[track_caller]
    fn ok_with(&self, args: &[impl AsRef<OsStr>], stdin: &[u8]) -> Vec<u8> {
        let output = self.run(args, stdin);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{error}");
        output.stdout
    }

    #[track_caller]
    fn json(&self, args: &[impl AsRef<OsStr>]) -> serde_json::Value {
        serde_json::from_slice(&self.ok(args)).unwrap()
    }

    /// Runs a command and returns exit code, stdout and stderr as one text, for a snapshot.
    fn snapshot(&self, args: &[impl AsRef<OsStr>]) -> String {
        let output = self.run(args, b"");
        let mut text = format!("exit {}\n", output.status.code().unwrap());
        for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
            if !bytes.is_empty() {
                let shown = String::from_utf8_lossy(bytes);
                let shown = shown.replace(env!("CARGO_MANIFEST_DIR"), "[project]");
                let shown = shown.replace(env!("CARGO_PKG_VERSION"), "[version]");
                let lines: Vec<&str> = shown.lines().map(str::trim_end).collect();
                write!(text, "--- {name}\n{}\n", lines.join("\n")).unwrap();
            }
        }
        text
    }

    /// Names in the folder, hidden ones too.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

#[test]
fn nothing_asked_is_a_wrong_command_line() {
    let output = Fixture::new().run(&[] as &[&str], b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("Usage: mvrec"));
}

#[test]
fn every_command_explains_itself_with_two_examples() {
    let fixture = Fixture::new();
    for command in [
        "ingest",
        "filter",
        "split",
        "train als",
        "train nmf",
        "train cosine",
        "train popularity",
        "recommend",
        "stats summary",
        "stats movies",
        "stats top",
        "stats polarising",
        "info",
    ] {
        let mut args: Vec<&str> = command.split(' ').collect();
        args.push("--help");
        let help = String::from_utf8(fixture.ok(&args)).unwrap();
        let examples = help.split("Examples:").nth(1).unwrap_or_default();
        let n = examples.lines().filter(|line| line.trim_start().starts_with("mvrec ")).count();
        assert!(n >= 2, "{command}: {n} examples");
    }
}

/// Lists all commands and subcommands, each as its words.
fn commands(fixture: &Fixture, words: &[String], out: &mut Vec<Vec<String>>) {
    let mut args = words.to_vec();
    args.push("--help".into());
    let help = String::from_utf8(fixture.ok(&args)).unwrap();
    if !words.is_empty() {
        out.push(words.to_vec());
    }
    let Some(list) = help.split("Commands:\n").nth(1) else { return };
    for line in list.lines().take_while(|line| !line.is_empty()) {
        if line.starts_with("  ") && !line.starts_with("   ") {
            let name = line.trim().split(' ').next().unwrap();
            let mut words = words.to_vec();
            words.push(name.into());
            commands(fixture, &words, out);
        }
    }
}

#[test]
fn readme_names_every_command_and_no_unknown_option() {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let fixture = Fixture::new();
    let mut all = Vec::new();
    commands(&fixture, &[], &mut all);
    assert!(all.len() > 10, "{all:?}");
    let mut options = std::collections::BTreeSet::new();
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let name = |word: &str| word.split(|c| !is_name(c)).next().unwrap_or(word).to_string();
    for words in &all {
        assert!(readme.contains(&format!("mvrec {}", words.join(" "))), "{words:?} is missing");
        let mut args = words.clone();
        args.push("--help".into());
        let help = String::from_utf8(fixture.ok(&args)).unwrap();
        options.extend(help.split_whitespace().filter(|word| word.starts_with("--")).map(name));
    }
    let others = ["--locked", "--path", "--open"]; // of cargo
    let used = readme.split(|c: char| c.is_whitespace() || c == '`' || c == '(');
    for option in used.filter(|word| word.starts_with("--")).map(name) {
        let is_known = options.contains(&option) || others.contains(&option.as_str());
        assert!(is_known, "README: {option}");
    }
    // The makefile of the README names commands that exist, too.
    let makefile = readme.split("```make\n").nth(1).unwrap().split("```").next().unwrap();
    for line in makefile.lines().filter_map(|line| line.trim().strip_prefix("mvrec ")) {
        let command = line.split(' ').next().unwrap();
        assert!(all.iter().any(|words| words[0] == command), "{line}");
    }
}
