//! `mvrec ingest`

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::{Map, json};

use crate::cli::error::Result;
use crate::cli::output::RatingsSink;
use crate::cli::ui::Ui;
use crate::dataset::load;
use crate::dataset::manifest::Step;
use crate::dataset::ratings;

/// Read MovieLens folders, archives and rating files into a dataset
///
/// Recognised by content: a MovieLens folder or .zip (100K, 1M, 10M, 20M, 25M, 32M, latest, latest-small), or one
/// file of ratings: Parquet, or text delimited by `,` `;` tab or `::`, with or without a header, also .gz or
/// .zst. Several sources are joined. The first bad line ends the command with its file, line and value.
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
    /// What to keep of several ratings of one movie by one user
    #[arg(long, value_enum, default_value_t = Duplicates::Last, value_name = "WHICH")]
    duplicates: Duplicates,
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
    let sink = RatingsSink::new(args.output.as_deref())?;
    let mut dataset = load::ingest_all(&args.sources, args.duplicates.resolve(), ui)?;
    let duplicates = dataset.duplicates;
    if args.duplicates == Duplicates::Error && duplicates > 0 {
        anyhow::bail!(
            "{duplicates} rows repeat a user and movie, which --duplicates error refuses"
        );
    }
    let kept = dataset.ratings.len();
    let mut options = Map::new();
    let mut rejected = Map::new();
    if duplicates > 0 {
        let name = args.duplicates.to_possible_value().expect("no value is hidden");
        options.insert("duplicates".into(), json!(name.get_name()));
        rejected.insert("duplicate".into(), json!(duplicates));
    }
    let rows_in = kept + duplicates;
    let command = "ingest".into();
    dataset.history.steps.push(Step { command, options, rows_in, rows_kept: kept, rejected });
    ui.finish();
    if let Some(recognised) = &dataset.origin.recognised {
        let files: Vec<&str> = dataset.origin.sources.iter().map(|file| &*file.name).collect();
        ui.say(&format!("recognised {recognised} ({}): {kept} ratings", files.join(", ")));
    }
    crate::cli::args::tell_of_duplicates(&dataset, ui);
    if kept == 0 {
        ui.say("warning: there are no ratings in it");
    }
    sink.write(&dataset)
}
