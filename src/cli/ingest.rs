//! `mvrec ingest`

use std::fs::File;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use crate::cli::args::tell_of_duplicates;
use crate::cli::error::{Result, usage};
use crate::cli::output::RatingsSink;
use crate::cli::ui::Ui;
use crate::dataset::manifest::Step;
use crate::dataset::ratings;
use crate::dataset::{Dataset, load};
use crate::io::IoError;
use crate::io::atomic::AtomicFile;
use crate::io::rejects::Rejects;
use crate::schema;

/// Read MovieLens folders, archives and rating files into a dataset
///
/// Recognised by content: a MovieLens folder or .zip (100K, 1M, 10M, 20M, 25M, 32M, latest, latest-small), or one
/// file of ratings: Parquet, or text delimited by `,` `;` tab or `::`, with or without a header, also .gz or
/// .zst. Several sources are joined. The first bad line ends the command with its file, line and
/// value, unless --on-error skip puts it aside.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  mvrec ingest ml-25m.zip -o ml-25m
  mvrec ingest ml-latest-small | mvrec stats summary")]
pub(crate) struct IngestArgs {
    /// MovieLens folder or .zip, ratings file, or `-` for stdin (can be repeated)
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<PathBuf>,
    /// Dataset directory, or one file (.parquet .csv .json .jsonl) of the ratings alone [default: Parquet on
    /// stdout]
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// What to do with a bad row
    #[arg(long, value_enum, default_value_t = OnError::Fail, value_name = "WHAT")]
    on_error: OnError,
    /// Most bad rows that --on-error skip puts aside before it gives up
    #[arg(long, default_value_t = 1000, value_name = "N")]
    max_errors: usize,
    /// Where the bad rows go as CSV: file, line, reason, text [default: rejected.csv in the dataset directory]
    #[arg(long, value_name = "FILE")]
    rejected: Option<PathBuf>,
    /// What to keep of several ratings of one movie by one user
    #[arg(long, value_enum, default_value_t = Duplicates::Last, value_name = "WHICH")]
    duplicates: Duplicates,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OnError {
    /// End with its file, line and value
    Fail,
    /// Put it aside and go on
    Skip,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Duplicates {
    /// The latest by timestamp, then by position
    Last,
    /// The earliest by timestamp, then by position
    First,
    /// Their mean, with the latest timestamp
    Mean,
    /// Nothing: refuse such data
    Error,
}

impl Duplicates {
    fn resolve(self) -> ratings::Duplicates {
        match self {
            Self::First => ratings::Duplicates::First,
            Self::Mean => ratings::Duplicates::Mean,
            Self::Last | Self::Error => ratings::Duplicates::Last,
        }
    }
}

pub(crate) fn run(args: &IngestArgs, ui: &Ui) -> Result<()> {
    let mut rejects = match args.on_error {
        OnError::Skip => Rejects::skip(args.max_errors),
        OnError::Fail if args.rejected.is_some() => {
            return Err(usage("--rejected belongs to --on-error skip"));
        }
        OnError::Fail => Rejects::fail(),
    };
    let sink = RatingsSink::new(args.output.as_deref())?;
    let aside = args.rejected.as_deref().map(AtomicFile::create).transpose()?;
    let mut dataset = load::ingest_all(&args.sources, args.duplicates.resolve(), &mut rejects, ui)?;
    let duplicates = dataset.duplicates;
    if args.duplicates == Duplicates::Error && duplicates > 0 {
        anyhow::bail!(
            "{duplicates} rows repeat a user and movie, which --duplicates error refuses"
        );
    }
    dataset.history.steps.push(step(args, &dataset, &rejects));
    ui.finish();
    let kept = dataset.ratings.len();
    if let Some(recognised) = &dataset.origin.recognised {
        let files: Vec<&str> = dataset.origin.sources.iter().map(|file| &*file.name).collect();
        ui.say(&format!("recognised {recognised} ({}): {kept} ratings", files.join(", ")));
    }
    tell_of_duplicates(&dataset, ui);
    for (reason, n) in rejects.by_reason() {
        ui.say(&format!("warning: {n} bad rows: {reason}"));
    }
    if kept == 0 {
        ui.say("warning: there are no ratings in it");
    }
    let aside = match (aside, sink.directory()) {
        (Some(mut file), _) => {
            let name = file.shown();
            rejects.write(&mut file, &name)?;
            Some(file)
        }
        (None, Some(folder)) if rejects.skips() => {
            let path = folder.path().join(schema::REJECTED);
            let file = File::create(&path).map_err(IoError::at(&path));
            let written = file.and_then(|file| rejects.write(file, &path.display().to_string()));
            written.map_err(|error| folder.named(error))?;
            None
        }
        (None, _) => None,
    };
    sink.write(&dataset)?;
    Ok(aside.map_or(Ok(()), AtomicFile::commit)?)
}

/// Tells what was read, kept and left out, for the history of the data.
fn step(args: &IngestArgs, dataset: &Dataset, rejects: &Rejects) -> Step {
    let (kept, duplicates) = (dataset.ratings.len(), dataset.duplicates);
    let mut options = Map::new();
    let mut rejected: Map<String, Value> =
        rejects.by_reason().into_iter().map(|(reason, n)| (reason.to_string(), json!(n))).collect();
    if duplicates > 0 {
        let name = args.duplicates.to_possible_value().expect("no value is hidden");
        options.insert("duplicates".into(), json!(name.get_name()));
        rejected.insert("duplicate".into(), json!(duplicates));
    }
    let rows_in = kept + duplicates + rejects.rows().len();
    Step { command: "ingest".into(), options, rows_in, rows_kept: kept, rejected }
}
