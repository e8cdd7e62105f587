//! `mvrec ingest`

use std::fs::File;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use crate::cli::args::tell_of_duplicates;
use crate::cli::error::{Result, usage};
use crate::cli::output::{RatingsSink, Report, ReportArgs};
use crate::cli::ui::{Ui, counted};
use crate::dataset::ingest::ingest_all;
use crate::dataset::manifest::ProvenanceStep;
use crate::dataset::ratings;
use crate::dataset::sort::ExternalSorter;
use crate::io::atomic::AtomicFile;
use crate::io::columns::RatingColumns;
use crate::io::import_state::ImportState;
use crate::io::keys::Ids;
use crate::io::rejects::RejectedRows;
use crate::io::text::{Delimiter, TextColumns, TextOptions};
use crate::io::values::Scale;
use crate::io::{IoError, batches, time};
use crate::schema;

/// Read MovieLens folders, archives and rating files into a dataset
///
/// Formats are detected from the content: a MovieLens folder or .zip (100K, 1M, 10M, 20M, 25M, 32M,
/// latest, latest-small), or one file of ratings: Parquet, JSON lines, or text delimited by `,` `;`
/// `|` tab, `::` or blanks, with or without a header (also RecBole's .inter), also .gz or .zst.
/// Several sources are joined. Ids that are no 32-bit numbers are kept as text and numbered as they
/// appear; timestamps are seconds or milliseconds since 1970, or ISO 8601.
///
/// The first invalid row is an error with file, line and value, unless --on-error skip rejects it.
/// Memory does not grow with the input: ratings that are not ordered by user are sorted in
/// temporary files.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  mvrec ingest ml-25m.zip -o ml-25m
  mvrec ingest ml-latest-small | mvrec stats summary
  mvrec ingest BX-Book-Ratings.csv --columns user=User-ID,movie=ISBN,rating=3 --scale 0..10 --dry-run")]
pub(crate) struct IngestArgs {
    /// MovieLens folder or .zip, ratings file, or `-` for stdin (can be repeated)
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<PathBuf>,
    /// Dataset directory, or one file of the ratings alone (.parquet .csv .tsv .json .jsonl, text
    /// also with .gz or .zst) [default: `-`, Parquet on stdout]
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Columns of a file of ratings, by name or number from 1:
    /// user=NAME,movie=NAME,rating=NAME,timestamp=NAME [default: the usual names, or these
    /// four in this order]
    #[arg(long, value_name = "ROLE=COLUMN,...")]
    columns: Option<TextColumns>,
    /// Field separator: one character, `::`, `tab` or `space` [default: detected from the first
    /// line]
    #[arg(long, value_name = "TEXT")]
    delimiter: Option<Delimiter>,
    /// Read ratings such as `2,5` as two and a half
    #[arg(long)]
    decimal_comma: bool,
    /// Format of timestamps, as for strftime, such as %d/%m/%Y or "%d/%m/%Y %H:%M" [default:
    /// detected from the content]
    #[arg(long, value_name = "FORMAT", value_parser = parse_time_format)]
    time_format: Option<String>,
    /// Lowest and highest rating that can be given [default: 0.5..5]
    #[arg(long, value_name = "MIN..MAX", allow_hyphen_values = true)]
    scale: Option<Scale>,
    /// Treat these ids as text even if they look like numbers
    #[arg(long, value_enum, value_delimiter = ',', value_name = "SIDE")]
    text_ids: Vec<TextIds>,
    /// Titles and genres for ratings that come without: movies.csv or movies.parquet
    #[arg(long, value_name = "FILE")]
    movies: Option<PathBuf>,
    /// Show how the first rows of each source are read, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Handling of invalid rows
    #[arg(long, value_enum, default_value_t = OnBadRow::Fail, value_name = "WHAT")]
    on_error: OnBadRow,
    /// Number of rejected rows at which --on-error skip gives up
    #[arg(long, default_value_t = 1000, value_name = "N")]
    max_errors: usize,
    /// CSV file of rejected rows: file, line, reason, text [default: rejected.csv in the
    /// dataset directory]
    #[arg(long, value_name = "FILE")]
    rejected: Option<PathBuf>,
    /// Which of several ratings of one movie by one user to keep
    #[arg(long, value_enum, default_value_t = OnDuplicate::Last, value_name = "WHICH")]
    duplicates: OnDuplicate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OnBadRow {
    /// Fail with file, line and value
    Fail,
    /// Write them to --rejected and continue
    Skip,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TextIds {
    /// Ids of users
    User,
    /// Ids of movies
    Movie,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OnDuplicate {
    /// The latest by timestamp, then by position
    Last,
    /// The earliest by timestamp, then by position
    First,
    /// Their mean, with the latest timestamp
    Mean,
    /// Fail on duplicates
    Error,
}

impl OnDuplicate {
    fn resolve(self) -> ratings::DuplicatePolicy {
        match self {
            Self::First => ratings::DuplicatePolicy::First,
            Self::Mean => ratings::DuplicatePolicy::Mean,
            Self::Last | Self::Error => ratings::DuplicatePolicy::Last,
        }
    }
}

impl IngestArgs {
    fn options(&self) -> TextOptions {
        let is_text = |side| self.text_ids.contains(&side);
        TextOptions {
            columns: self.columns.clone().unwrap_or_default(),
            delimiter: self.delimiter,
            scale: self.scale.unwrap_or_default(),
            text_ids: [is_text(TextIds::User), is_text(TextIds::Movie)],
            decimal_comma: self.decimal_comma,
            time_format: self.time_format.clone(),
            limit: self.dry_run.then_some(SHOWN),
        }
    }
}

fn parse_time_format(text: &str) -> std::result::Result<String, String> {
    time::check_format(text).map(|()| text.into())
}

/// Memory of a run while it is sorted, and of the blocks and row groups of each thread.
const MEMORY: u64 = 150 << 20;
const MEMORY_PER_THREAD: u64 = 75 << 20;

/// Rows that --dry-run shows.
const SHOWN: usize = 10;

pub(crate) fn run(args: &IngestArgs, ui: &Ui) -> Result<()> {
    let rejects = match args.on_error {
        OnBadRow::Skip => RejectedRows::skip(args.max_errors),
        OnBadRow::Fail if args.rejected.is_some() => {
            return Err(usage("--rejected belongs to --on-error skip"));
        }
        OnBadRow::Fail => RejectedRows::fail(),
    };
    let mut import = ImportState { options: args.options(), rejects, ..ImportState::default() };
    if args.dry_run {
        return dry_run(args, import, ui);
    }
    ui.memory.allow("ingest", MEMORY + MEMORY_PER_THREAD * rayon::current_num_threads() as u64)?;
    let inputs = args.sources.iter().chain(&args.movies).map(PathBuf::as_path);
    let sink = RatingsSink::new(args.output.as_deref(), &inputs.collect::<Vec<_>>())?;
    let aside = args.rejected.as_deref().map(AtomicFile::create).transpose()?;
    let mut sorter =
        ExternalSorter::new(sink.place(), args.duplicates.resolve()).map_err(|e| sink.named(e))?;
    let titles = args.movies.as_deref();
    let mut push = |rows| sorter.push(rows);
    let mut sidecar = ingest_all(&args.sources, titles, &mut import, &mut push, ui)
        .map_err(|error| sink.named(error))?;
    let (mut kept, mut duplicates) = (0, 0);
    let sorted = sink.sorted(sorter, &mut sidecar, |n, dropped| {
        (kept, duplicates) = (n, dropped);
        step(args, kept, duplicates, &import.rejects)
    })?;
    if args.duplicates == OnDuplicate::Error && duplicates > 0 {
        anyhow::bail!(
            "{duplicates} rows repeat a user and movie, which --duplicates error refuses"
        );
    }
    ui.finish();
    if let Some(recognised) = &sidecar.origin.recognised {
        let files: Vec<&str> = sidecar.origin.sources.iter().map(|file| &*file.name).collect();
        let files = match &files[..] {
            [] => String::new(),
            files => format!(" ({})", files.join(", ")),
        };
        ui.say(&format!("recognised {recognised}{files}: {}", counted(kept, "rating")));
    }
    tell_of_keys(&import, ui);
    tell_of_duplicates(duplicates, ui);
    tell_of_rejects(&import.rejects, ui);
    if kept == 0 {
        ui.say("warning: there are no ratings in it");
    }
    let aside = match (aside, sink.directory()) {
        (Some(mut file), _) => {
            let name = file.shown();
            import.rejects.write(&mut file, &name)?;
            Some(file)
        }
        (None, Some(folder)) if import.rejects.skips() => {
            let path = folder.path().join(schema::REJECTED);
            let file = File::create(&path).map_err(IoError::at(&path));
            let name = path.display().to_string();
            let written = file.and_then(|file| import.rejects.write(file, &name));
            written.map_err(|error| folder.named(error))?;
            None
        }
        (None, _) => None,
    };
    sink.write(sorted, &sidecar)?;
    Ok(aside.map_or(Ok(()), AtomicFile::commit)?)
}

fn tell_of_keys(import: &ImportState, ui: &Ui) {
    for (side, ids) in [("users", &import.users), ("movies", &import.movies)] {
        if let Ids::Keys(index) = ids {
            ui.say(&format!("{side} are text: {} of them, numbered as they appear", index.len()));
        }
    }
}

fn tell_of_rejects(rejects: &RejectedRows, ui: &Ui) {
    for (reason, n) in rejects.by_reason() {
        ui.say(&format!("warning: {n} bad rows: {reason}"));
    }
}

/// Shows how the first rows of each source are read.
fn dry_run(args: &IngestArgs, mut import: ImportState, ui: &Ui) -> Result<()> {
    if args.output.is_some() {
        return Err(usage("--dry-run writes nothing: it does not go with -o"));
    }
    let sink = ReportArgs::default().sink()?;
    let mut shown = RatingColumns::default();
    for source in &args.sources {
        let mut rows = RatingColumns::default();
        let mut push = |mut more: RatingColumns| {
            rows.append(&mut more);
            Ok(())
        };
        let source = std::slice::from_ref(source);
        let titles = args.movies.as_deref();
        let sidecar = ingest_all(source, titles, &mut import, &mut push, ui)?;
        ui.finish();
        let recognised = sidecar.origin.recognised.as_deref().unwrap_or("ratings of mvrec's");
        ui.say(&format!("{}: {recognised}", source[0].display()));
        shown.append(&mut rows.filter(|row| row < SHOWN));
    }
    tell_of_keys(&import, ui);
    tell_of_rejects(&import.rejects, ui);
    let (users, movies) = (import.users.to_keys(), import.movies.to_keys());
    let rows = batches::ratings_batch(&shown, 0..shown.len());
    sink.write(&Report::Rows(batches::with_keys(&rows, users.as_ref(), movies.as_ref())))
}

/// Tells what was read, kept and left out, for the history of the data.
fn step(
    args: &IngestArgs,
    kept: usize,
    duplicates: usize,
    rejects: &RejectedRows,
) -> ProvenanceStep {
    let mut options = Map::new();
    let mut rejected: Map<String, Value> =
        rejects.by_reason().into_iter().map(|(reason, n)| (reason.to_string(), json!(n))).collect();
    if duplicates > 0 {
        let name = args.duplicates.to_possible_value().expect("no value is hidden");
        options.insert("duplicates".into(), json!(name.get_name()));
        rejected.insert("duplicate".into(), json!(duplicates));
    }
    let rows_in = kept + duplicates + rejects.rows().len();
    ProvenanceStep { command: "ingest".into(), options, rows_in, rows_kept: kept, rejected }
}
