//! `mvrec train`

mod als;
mod cosine;
mod ease;
mod nmf;
mod parameters;
mod popularity;
mod svd;

use std::path::{Path, PathBuf};

use clap::{Args, Command, FromArgMatches, Subcommand};

use crate::cli::args::{GivenOptions, InputArgs, MoviesArgs};
use crate::cli::error::{Result, usage};
use crate::cli::interrupt;
use crate::cli::output::OutputLocation;
use crate::cli::train::parameters::ParametersFile;
use crate::cli::ui::{Ui, counted};
use crate::dataset::Dataset;
use crate::io::atomic::{AtomicDir, MODEL};
use crate::io::values::Scale;
use crate::model::AlgorithmParams;
use crate::model::train::train_from;
use crate::model::warm::WarmStart;

/// Train a model on ratings
#[derive(Debug, Args)]
#[command(disable_help_subcommand = true)]
pub(crate) struct TrainArgs {
    #[command(subcommand)]
    algorithm: TrainCommand,
}

#[derive(Debug, Subcommand)]
enum TrainCommand {
    Als(als::AlsArgs),
    Nmf(nmf::NmfArgs),
    Svd(svd::SvdArgs),
    Ease(ease::EaseArgs),
    Cosine(cosine::CosineArgs),
    Popularity(popularity::PopularityArgs),
}

/// What every algorithm reads and writes.
#[derive(Debug, Args)]
struct CommonArgs {
    #[command(flatten)]
    input: InputArgs,
    /// Model directory
    #[arg(short, long, required = true, value_name = "DIR")]
    output: PathBuf,
    #[command(flatten)]
    movies: MoviesArgs,
    /// Parameters from a file: best.json of `tune`, or model.json; options beside it win
    #[arg(long, value_name = "FILE")]
    params: Option<PathBuf>,
}

/// How training in passes begins and ends.
#[derive(Debug, Args)]
struct PassesArgs {
    /// Start from the factors of this model, native or Spark's; unknown users and movies start at
    /// zero
    #[arg(long, value_name = "MODEL")]
    warm_start: Option<PathBuf>,
    /// On Ctrl-C, stop after the iteration and save the model so far; a second one ends at once
    #[arg(long)]
    save_on_interrupt: bool,
}

/// What defaults follow of the ratings.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TrainingShape {
    scale: Scale,
    n_ratings: usize,
    pub(crate) n_users: usize,
    pub(crate) n_movies: usize,
}

impl TrainingShape {
    pub(crate) fn new(dataset: &Dataset) -> Self {
        let shape = dataset.ratings.shape();
        Self {
            scale: dataset.sidecar.history.scale.unwrap_or_default(),
            n_ratings: shape.ratings,
            n_users: shape.users,
            n_movies: shape.movies,
        }
    }
}

/// The arguments of one algorithm.
trait TrainCommandArgs {
    fn common(&self) -> &CommonArgs;

    /// Returns how training in passes begins and ends; `None` if there are no passes.
    fn passes(&self) -> Option<&PassesArgs> {
        None
    }

    /// Returns the algorithm for the ratings, which some defaults follow.
    fn algorithm(&self, data: TrainingShape) -> Result<AlgorithmParams>;

    /// Returns what to say of the defaults that another scale than MovieLens' has changed.
    fn scale_note(&self, _scale: Scale) -> Option<String> {
        None
    }
}

impl TrainArgs {
    fn command(&self) -> &dyn TrainCommandArgs {
        match &self.algorithm {
            TrainCommand::Als(args) => args,
            TrainCommand::Nmf(args) => args,
            TrainCommand::Svd(args) => args,
            TrainCommand::Ease(args) => args,
            TrainCommand::Cosine(args) => args,
            TrainCommand::Popularity(args) => args,
        }
    }
}

/// Returns the algorithm that `train` takes for some of its options, given as words.
pub(crate) fn default_algorithm(
    name: &str,
    options: &[&str],
    data: TrainingShape,
) -> Result<AlgorithmParams> {
    let words = ["train", name, "-o", "model"].into_iter().chain(options.iter().copied());
    let command = TrainArgs::augment_args(Command::new("train"));
    let matches = command.try_get_matches_from(words);
    let args = matches.and_then(|matches| TrainArgs::from_arg_matches(&matches));
    let first_line = |error: clap::Error| {
        let text = error.to_string();
        let line = text.lines().next().unwrap_or_default();
        usage(line.trim_start_matches("error: "))
    };
    args.map_err(first_line)?.command().algorithm(data)
}

/// Columns of 20 bytes and the matrix in both orders, one of them while it is turned.
const BYTES_PER_RATING: u64 = 60;

/// Trains; `given` are the options on the command line.
pub(crate) fn run(args: &TrainArgs, given: &GivenOptions, ui: &Ui) -> Result<()> {
    let command = args.command();
    let args = command.common();
    let params = args.params.as_deref().map(ParametersFile::read).transpose()?;
    let algorithm_for = |data| {
        let algorithm = command.algorithm(data)?;
        params.as_ref().map_or(Ok(algorithm.clone()), |file| file.complete(&algorithm, given))
    };
    let algorithm = algorithm_for(TrainingShape::default())?;
    algorithm.validate()?;
    let warm_path = command.passes().and_then(|passes| passes.warm_start.as_deref());
    let width = algorithm.warm_start_width().unwrap_or(0);
    let warm = warm_path.map(|path| WarmStart::open(path, width)).transpose()?;
    let output = OutputLocation::directory(&args.output, "a model")?;
    let others = [args.movies.path(), warm_path, args.params.as_deref()];
    let inputs: Vec<&Path> = others.into_iter().flatten().chain([args.input.path()?]).collect();
    let out = AtomicDir::create(&output, MODEL, &inputs)?;
    let dataset = args.input.load(BYTES_PER_RATING, ui)?;
    let data = TrainingShape::new(&dataset);
    let algorithm = algorithm_for(data)?;
    if let Some(note) = command.scale_note(data.scale) {
        ui.say(&note);
    }
    let needed =
        data.n_ratings as u64 * BYTES_PER_RATING + algorithm.bytes(data.n_users, data.n_movies);
    ui.memory.allow("training this model", needed)?;
    let movies =
        args.movies.for_ratings(&dataset.sidecar, dataset.ratings.movie_ids().into_iter(), ui)?;
    if command.passes().is_some_and(|passes| passes.save_on_interrupt) {
        interrupt::wait_for();
    }
    let trained = train_from(&dataset, movies.as_ref(), algorithm, warm.as_ref(), ui)?;
    trained.write(&out)?;
    out.commit()?;
    ui.finish();
    let shape = &trained.info.training.shape;
    let loss =
        trained.info.loss.last().map_or_else(String::new, |loss| format!(", loss {loss:.6e}"));
    let (ratings, users, movies) = (shape.ratings, shape.users, shape.movies);
    if interrupt::came() {
        let passes = trained.info.loss.len();
        ui.say(&format!("warning: interrupted: this is the model after {passes} iterations"));
    }
    let (ratings, users) = (counted(ratings, "rating"), counted(users, "user"));
    let movies = counted(movies, "movie");
    ui.say(&format!("trained on {ratings} of {users} and {movies}{loss}"));
    Ok(())
}
