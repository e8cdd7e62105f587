//! Groups of arguments that several commands share.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, Id};

use crate::cli::error::{Result, usage};
use crate::cli::memory::ByteSize;
use crate::cli::ui::{Ui, counted};
use crate::dataset::error::shown;
use crate::dataset::id_lists::load_ids;
use crate::dataset::input::RatingsInput;
use crate::dataset::keyed::translate;
use crate::dataset::load;
use crate::dataset::title_source::load_movies;
use crate::dataset::{Dataset, DatasetMetadata, Movies, RatingScan};
use crate::io::id_list::IdSide;
use crate::io::keys::Keys;
use crate::io::source::STDIN;
use crate::io::time;
use crate::model::Model;
use crate::model::als::Feedback;
use crate::model::spark::LOWEST_MEAN_RATING;
use crate::progress::Progress;

/// Options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// Number of threads [default: all cores]; the result does not depend on it
    #[arg(long, global = true, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// Most memory to use, such as 4G [default: what is free]; what would need more is refused
    #[arg(long, global = true, value_name = "SIZE")]
    pub(crate) max_memory: Option<ByteSize>,
    /// Do not wait until outputs are on the disk: faster for scratch work, and lost if the power
    /// fails within seconds
    #[arg(long, global = true)]
    pub(crate) no_sync: bool,
    /// Print errors only, and warnings that a result is not what it seems (leakage)
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Log each step and the loss of each iteration
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
}

/// The options of the innermost command that were typed, by the names of their fields, but those of
/// every command.
#[derive(Debug, Default)]
pub(crate) struct GivenOptions(Vec<String>);

impl GivenOptions {
    pub(crate) fn new(matches: &ArgMatches) -> Self {
        let mut innermost = matches;
        while let Some((_, inner)) = innermost.subcommand() {
            innermost = inner;
        }
        let is_typed = |id: &&Id| {
            let source = innermost.value_source(id.as_str());
            source == Some(ValueSource::CommandLine) && !is_group(id)
        };
        let typed = innermost.ids().filter(is_typed).map(|id| id.as_str().to_string());
        Self(typed.collect()).without::<GlobalArgs>()
    }

    /// Returns the options that are not among some arguments.
    pub(crate) fn without<A: Args>(&self) -> Self {
        let command = A::augment_args(Command::new(""));
        let is_other = |name: &&String| {
            command.get_arguments().all(|argument| argument.get_id().as_str() != name.as_str())
        };
        Self(self.0.iter().filter(is_other).cloned().collect())
    }

    /// Returns the names.
    pub(crate) fn names(&self) -> &[String] {
        &self.0
    }
}

/// Whether an id is of the group that the options of a structure form, which has its name.
fn is_group(id: &Id) -> bool {
    id.as_str().starts_with(|first: char| first.is_uppercase())
}

/// The ratings that a command reads.
#[derive(Debug, Args)]
pub(crate) struct InputArgs {
    /// Dataset directory, ratings file (Parquet, JSON lines or delimited text, also .gz and .zst),
    /// or `-` for stdin [default: stdin, unless it is a terminal]
    #[arg(value_name = "INPUT")]
    input: Option<PathBuf>,
}

/// Titles for ratings that come without.
#[derive(Debug, Args)]
pub(crate) struct MoviesArgs {
    /// Titles and genres: a dataset or MovieLens folder, movies.parquet or movies.csv
    #[arg(long, value_name = "PATH")]
    movies: Option<PathBuf>,
}

impl InputArgs {
    pub(crate) fn path(&self) -> Result<&Path> {
        match &self.input {
            Some(path) => Ok(path),
            None if io::stdin().is_terminal() => {
                Err(usage("no INPUT: give a dataset or a ratings file, or pipe ratings in"))
            }
            None => Ok(Path::new(STDIN)),
        }
    }

    /// Loads the ratings and says what was wrong with them; all that the command does takes about
    /// `bytes_per_rating`.
    pub(crate) fn load(&self, bytes_per_rating: u64, ui: &Ui) -> Result<Dataset> {
        let input = RatingsInput::open(self.path()?)?;
        let rows = input.estimated_rows().unwrap_or(0);
        ui.memory.allow(&format!("this with {rows} ratings"), rows * bytes_per_rating)?;
        let dataset = input.load(ui)?;
        tell_of_duplicates(dataset.duplicates, ui);
        Ok(dataset)
    }

    /// Prepares passes over the ratings and says what was wrong with them.
    pub(crate) fn scan(&self, ui: &Ui) -> Result<RatingScan> {
        let scan = load::scan(self.path()?, ui)?;
        tell_of_duplicates(scan.duplicates, ui);
        Ok(scan)
    }
}

/// Says how many rows repeated a pair of user and movie.
pub(crate) fn tell_of_duplicates(n: usize, ui: &Ui) {
    if n > 0 {
        let rows = counted(n, "repeated row");
        ui.warn(&format!("{rows} of a user and movie left out"));
    }
}

impl MoviesArgs {
    /// Returns what `--movies` names.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.movies.as_deref()
    }

    /// Loads what `--movies` names, for data whose movies have these keys, or numeric ids.
    pub(crate) fn load(&self, keys: Option<&Keys>) -> Result<Option<Movies>> {
        Ok(self.movies.as_deref().map(|path| load_movies(path, keys)).transpose()?)
    }

    /// Returns the movies of `--movies`, and those that came along; without any, says how to get
    /// titles of the movies that are `rated`.
    pub(crate) fn for_ratings(
        &self,
        sidecar: &DatasetMetadata,
        rated: impl ExactSizeIterator<Item = i32>,
        ui: &Ui,
    ) -> Result<Option<Movies>> {
        let movies = self.beside(|| Ok(sidecar.movies()))?;
        Self::tell(movies.as_ref(), rated, ui);
        Ok(movies)
    }

    /// Returns the movies of `--movies`, and those that came along; their links may be left out
    /// where they are not wanted.
    pub(crate) fn movies_for_scan(
        &self,
        scan: &RatingScan,
        with_links: bool,
    ) -> Result<Option<Movies>> {
        self.beside(|| Ok(scan.movies(with_links)?))
    }

    /// Returns some movies of `--movies`, or of those that came along; their ids ascend.
    pub(crate) fn some_movies_for_scan(
        &self,
        scan: &RatingScan,
        ids: &[i32],
    ) -> Result<Option<Movies>> {
        match self.movies {
            Some(_) => self.movies_for_scan(scan, false),
            None => Ok(scan.some_movies(ids)?),
        }
    }

    /// Returns the movies of `--movies`; where the data has keys, they are its own movies with
    /// other titles.
    pub(crate) fn beside(
        &self,
        own: impl FnOnce() -> Result<Option<Movies>>,
    ) -> Result<Option<Movies>> {
        let own = own()?;
        if self.movies.is_none() {
            return Ok(own);
        }
        match own.filter(Movies::keyed) {
            None => self.load(None),
            Some(own) => {
                let given = self.load(own.keys().as_ref())?;
                Ok(given.map(|given| own.with_titles_of(&given)))
            }
        }
    }

    /// Says which titles of rated movies, whose ids ascend, are missing, and how to get some where
    /// there are none.
    pub(crate) fn tell(
        movies: Option<&Movies>,
        rated: impl ExactSizeIterator<Item = i32>,
        ui: &Ui,
    ) {
        match movies {
            None => {
                ui.say("no titles: add --movies PATH (a dataset, movies.parquet or movies.csv)")
            }
            Some(movies) => tell_of_untitled(rated, movies, ui),
        }
    }
}

fn tell_of_untitled(rated: impl ExactSizeIterator<Item = i32>, movies: &Movies, ui: &Ui) {
    let all = rated.len();
    let untitled = movies.places(rated).filter(Option::is_none).count();
    if untitled > 0 {
        ui.say(&format!("warning: {untitled} of {all} rated movies have no title"));
    }
}

/// Loads a list of ids and says which of them the data does not have.
pub(crate) fn load_id_list(
    path: &Path,
    side: IdSide,
    keys: Option<&Keys>,
    ui: &Ui,
) -> Result<Vec<i32>> {
    let list = load_ids(path, side, keys, ui)?;
    warn_of_unknown(path, side, &list.unknown, ui);
    Ok(list.ids)
}

/// What a model of Spark's does not store.
#[derive(Debug, Args)]
#[command(next_help_heading = "Models of Spark")]
pub(crate) struct SparkArgs {
    /// Feedback type of a model of Spark's, which does not store it [default: by its predictions]
    #[arg(long, value_enum, value_name = "TYPE")]
    pub(crate) feedback: Option<Feedback>,
}

impl SparkArgs {
    /// Says which feedback type was assumed.
    pub(crate) fn report(&self, model: &Model, ui: &Ui) {
        let Some(feedback) = model.spark_feedback.filter(|_| self.feedback.is_none()) else {
            return;
        };
        let mean = LOWEST_MEAN_RATING;
        let (assumed, reason, other) = match feedback {
            Feedback::Explicit => ("explicit", format!("{mean} or more"), "implicit"),
            Feedback::Implicit => ("implicit", format!("less than {mean}"), "explicit"),
        };
        ui.say(&format!(
            "a model of Spark's: {assumed} by its predictions, as they average {reason}; \
             --feedback {other} otherwise"
        ));
    }
}

/// Sets what users have seen from ratings, for a model of Spark's; `keys` are those of its users.
pub(crate) fn set_seen(model: &mut Model, path: &Path, keys: Option<&Keys>, ui: &Ui) -> Result<()> {
    if model.spark_feedback.is_none() {
        return Err(usage(
            "--seen is for models of Spark: this one stores what its users have rated",
        ));
    }
    let data = load::load(path, ui)?;
    let (ratings, _) = translate(&data, keys, model.catalogue.movies.keys().as_ref())?;
    model.set_seen(&ratings);
    Ok(())
}

/// Says which ids of a list are not known.
pub(crate) fn warn_of_unknown(path: &Path, side: IdSide, unknown: &[String], ui: &Ui) {
    if !unknown.is_empty() {
        let (n, side, file) = (unknown.len(), side.column(), path.display());
        let ids = counted(n, "unknown id");
        ui.warn(&format!("{file}: {ids} of {side}: {}", shown(unknown)));
    }
}

/// Reads a date or time as typed.
pub(crate) fn parse_time(text: &str) -> std::result::Result<i64, String> {
    match text.parse::<i32>() {
        // Seconds since 1970 are for files; on the command line four digits are a year.
        Ok(year) if text.len() == 4 => time::start_of_year(year),
        Ok(_) => None,
        Err(_) => time::parse(text),
    }
    .ok_or_else(|| "not a date such as 2019, 2019-07-01 or 2019-07-01T12:00:00Z".into())
}

/// Refuses a share that is not from 0 to 1.
pub(crate) fn check_share(option: &str, share: Option<f64>) -> Result<()> {
    match share {
        Some(share) if !(0.0..=1.0).contains(&share) => {
            Err(usage(format!("{option} must be from 0 to 1, not {share}")))
        }
        _ => Ok(()),
    }
}
