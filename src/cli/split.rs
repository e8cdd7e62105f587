//! `mvrec split`

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::{Map, json};

use crate::cli::args::{InputArgs, check_share, parse_time};
use crate::cli::error::{Result, usage};
use crate::cli::output::OutputLocation;
use crate::cli::ui::Ui;
use crate::dataset::manifest::ProvenanceStep;
use crate::dataset::{Dataset, DatasetMetadata, Ratings, store};
use crate::eval::split::{Method, SplitParts, split, time_of_share};
use crate::io::atomic::{AtomicDir, SPLIT};
use crate::io::{IoError, json as json_file};
use crate::progress::Progress;
use crate::schema;

/// Split ratings into training and test parts
///
/// Writes a directory with the datasets `train` and `test` (and `fold-in`, when users are held out;
/// `fold-1`, `fold-2`, … with --folds) and split.json with the method, sizes, cold rows and
/// temporal leakage. The parts are disjoint and together the whole. Random draws are hashes of the
/// seed and the ids: a rating falls into the same part whatever other rows there are.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  mvrec split --by random --test 0.1 ml -o parts && mvrec train als parts/train -o als
  mvrec split --by users --held-out 1000 ml -o strong")]
pub(crate) struct SplitArgs {
    #[command(flatten)]
    input: InputArgs,
    /// Directory of the parts
    #[arg(short, long, required = true, value_name = "DIR")]
    output: PathBuf,
    /// Split method
    #[arg(long, value_enum, value_name = "HOW")]
    by: By,
    /// Share of the test part, 0 to 1; with `--by users`, of each held-out user's ratings
    /// [default: 0.1, users: 0.2]
    #[arg(long, value_name = "SHARE", conflicts_with = "folds")]
    test: Option<f64>,
    /// Number of folds, each of which is the test part once (random)
    #[arg(long, value_name = "K")]
    folds: Option<u32>,
    /// First date or time of the test part (time) [default: as --test says]
    #[arg(long, value_name = "DATE", value_parser = parse_time, conflicts_with = "test")]
    from: Option<i64>,
    /// Number of latest ratings of each user in the test part (last) [default: 1]
    #[arg(long, value_name = "N")]
    last: Option<usize>,
    /// Number of users that are held out (users)
    #[arg(long, value_name = "N")]
    held_out: Option<usize>,
    /// Random seed
    #[arg(long, default_value_t = 42, value_name = "N")]
    seed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum By {
    /// At random, each rating
    Random,
    /// By a point in time for all users (global temporal split)
    Time,
    /// The latest ratings of each user (leave-last-out)
    Last,
    /// Held-out users, their ratings divided into fold-in and test
    Users,
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.to_possible_value().expect("no value is hidden").get_name())
    }
}

/// How much is held out, where it is told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HeldOutSize {
    /// Share of the ratings, or of those of held-out users.
    pub(crate) test: Option<f64>,
    /// Latest ratings of each user.
    pub(crate) last: Option<usize>,
    /// Users.
    pub(crate) users: Option<usize>,
}

impl By {
    /// Refuses options that belong to another way, of each its name and whether it is given.
    pub(crate) fn check_options(self, options: &[(&str, bool, Self)]) -> Result<()> {
        match options.iter().find(|(_, given, by)| *given && *by != self) {
            Some((name, _, by)) => Err(usage(format!("{name} belongs to --by {by}"))),
            None => Ok(()),
        }
    }

    /// Returns the method that divides ratings this way.
    pub(crate) fn method(self, ratings: &Ratings, size: HeldOutSize, seed: u64) -> Result<Method> {
        const TEST: f64 = 0.1;
        const TEST_OF_HELD_OUT: f64 = 0.2;
        let test = size.test.unwrap_or(TEST);
        Ok(match self {
            Self::Random => Method::Random { test, seed },
            Self::Time => Method::Time { from_ms: time_of_share(ratings, test)? },
            Self::Last => Method::Last { n: size.last.unwrap_or(1) },
            Self::Users => Method::Users {
                n: size.users.unwrap_or(0),
                test: size.test.unwrap_or(TEST_OF_HELD_OUT),
                seed,
            },
        })
    }
}

impl SplitArgs {
    /// Refuses options that belong to another way of dividing.
    fn check(&self) -> Result<()> {
        let of = [
            ("--folds", self.folds.is_some(), By::Random),
            ("--from", self.from.is_some(), By::Time),
            ("--last", self.last.is_some(), By::Last),
            ("--held-out", self.held_out.is_some(), By::Users),
        ];
        self.by.check_options(&of)?;
        if self.test.is_some() && self.by == By::Last {
            return Err(usage("--test does not go with --by last: give --last N"));
        }
        check_share("--test", self.test)?;
        if self.folds.is_some_and(|folds| folds < 2) {
            return Err(usage("--folds must be 2 or more"));
        }
        if self.by == By::Users && self.held_out.is_none() {
            return Err(usage("--by users needs --held-out N"));
        }
        Ok(())
    }

    fn method(&self, ratings: &Ratings) -> Result<Method> {
        let &Self { by, folds, from, test, last, held_out, seed, .. } = self;
        match (folds, from) {
            (Some(folds), _) => Ok(Method::Folds { folds, seed }),
            (_, Some(from_ms)) => Ok(Method::Time { from_ms }),
            _ => by.method(ratings, HeldOutSize { test, last, users: held_out }, seed),
        }
    }
}

/// Columns of 20 bytes, and the same again in the parts, most of it twice while it is gathered.
const BYTES_PER_RATING: u64 = 60;

pub(crate) fn run(args: &SplitArgs, ui: &Ui) -> Result<()> {
    args.check()?;
    let output = OutputLocation::directory(&args.output, "a split")?;
    let out = AtomicDir::create(&output, SPLIT, &[args.input.path()?])?;
    let Dataset { ratings, sidecar, .. } = args.input.load(BYTES_PER_RATING, ui)?;
    let method = args.method(&ratings)?;
    ui.begin("dividing", "ratings", None);
    let mut told = Vec::new();
    split(&ratings, &sidecar, &method, |parts| -> Result<()> {
        let mut folder = out.path().to_path_buf();
        if method.divisions() > 1 {
            folder.push(format!("fold-{}", told.len() + 1));
            fs::create_dir(&folder).map_err(|e| out.named(IoError::at(&folder)(e)))?;
        }
        write(&folder, &sidecar, ratings.len(), &parts, &method).map_err(|e| out.named(e))?;
        told.push(tell(&parts, &method, ui));
        Ok(())
    })?;
    let manifest = json!({
        "kind": schema::SPLIT_KIND,
        "format_version": schema::FORMAT_VERSION,
        "method": method,
        "content_xxh3": ratings.content_hash(),
        "ratings": ratings.len(),
        "divisions": told,
    });
    let path = out.path().join(schema::SPLIT_JSON);
    json_file::write_manifest(&path, &manifest).map_err(|error| out.named(error))?;
    ui.finish();
    Ok(out.commit()?)
}

/// Writes each part of `rows_in` ratings as a dataset with the metadata of the whole.
fn write(
    folder: &Path,
    rest: &DatasetMetadata,
    rows_in: usize,
    parts: &SplitParts,
    method: &Method,
) -> std::result::Result<(), IoError> {
    for (name, ratings) in parts.named() {
        let folder = folder.join(name);
        fs::create_dir(&folder).map_err(IoError::at(&folder))?;
        let mut sidecar = rest.clone();
        let mut options = Map::new();
        options.insert("part".into(), json!(name));
        options.insert("method".into(), json!(method));
        sidecar.history.steps.push(ProvenanceStep {
            command: "split".into(),
            options,
            rows_in,
            rows_kept: ratings.len(),
            rejected: Map::new(),
        });
        store::write_files(ratings, &sidecar, &folder)?;
    }
    Ok(())
}

/// Says how large the parts are and what deserves attention in them; returns the same for the
/// manifest.
fn tell(parts: &SplitParts, method: &Method, ui: &Ui) -> serde_json::Value {
    let sizes: Vec<String> =
        parts.named().map(|(name, ratings)| format!("{name} {}", ratings.len())).collect();
    ui.say(&sizes.join(", "));
    let findings = parts.findings();
    let n = parts.test.len();
    let warn = |rows: usize, what: &str| {
        if rows > 0 {
            ui.alert(&format!("{rows} of {n} test ratings {what}"));
        }
    };
    warn(findings.cold_user_rows, "are of users without any other rating");
    warn(findings.cold_movie_rows, "are of movies that are not in the training part");
    let what = "are older than the latest training rating";
    match method {
        Method::Time { .. } | Method::Last { .. } => warn(findings.leaking_rows, what),
        // Whoever draws at random expects it.
        _ => ui.note(&format!("{} of {n} test ratings {what}", findings.leaking_rows)),
    }
    let sizes: Map<String, serde_json::Value> =
        parts.named().map(|(name, ratings)| (name.to_string(), json!(ratings.len()))).collect();
    json!({"parts": sizes, "findings": findings})
}
