//! `mvrec tune`

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch};
use clap::Args;
use serde_json::{Map, Value, json};

use crate::cli::args::{InputArgs, MoviesArgs, check_share};
use crate::cli::error::{Result, usage};
use crate::cli::output::{ChartArgs, Format, OutputLocation, PictureArgs, Report};
use crate::cli::split::{By, HeldOutSize};
use crate::cli::train::{TrainingShape, default_algorithm};
use crate::cli::ui::Ui;
use crate::dataset::{Dataset, Ratings};
use crate::eval::split::Method;
use crate::io::IoError;
use crate::io::atomic::{AtomicDir, AtomicFile, MODEL};
use crate::io::json::manifest_text;
use crate::model::AlgorithmParams;
use crate::model::train::train;
use crate::plot;
use crate::progress::Progress;
use crate::schema;
use crate::tune::TuneError;
use crate::tune::log::{TrialLog, TrialRecord};
use crate::tune::objective::{Objective, TunedMetric};
use crate::tune::sampler::Sampler;
use crate::tune::search::{FinishedTrial, SearchOptions, search};
use crate::tune::space::{ParameterRange, SearchSpace};

/// Search the parameters of an algorithm
///
/// Part of the ratings is held out to validate; a test part, split off before, is not touched. The
/// first trial has the defaults. Of an algorithm that iterates, nine trials begin with a ninth of
/// the iterations, the best three go on to a third and the best of those to all.
///
/// DIR gets a line for each trial in trials.jsonl, and the best parameters in best.json, which
/// `train --params` reads. A search that was ended goes on when the command is repeated; with more
/// --trials, it goes further.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  mvrec split --by random ml -o parts
  mvrec tune als parts/train -o tuned
  mvrec tune ease parts/train -o tuned-ease --regularization 10..1000:log --trials 20
  mvrec train als --params tuned/best.json parts/train -o als")]
pub(crate) struct TuneArgs {
    /// Algorithm to tune: als, nmf, svd, ease, cosine or popularity
    #[arg(value_name = "ALGORITHM", value_parser = ["als", "nmf", "svd", "ease", "cosine", "popularity"])]
    algorithm: String,
    #[command(flatten)]
    input: InputArgs,
    /// Directory of the search
    #[arg(short, long, required = true, value_name = "DIR")]
    output: PathBuf,
    #[command(flatten)]
    movies: MoviesArgs,
    #[command(flatten)]
    kind: KindArgs,
    #[command(flatten)]
    space: SpaceArgs,
    #[arg(
        long,
        value_name = "METRIC",
        help = "Figure to tune for, as evaluate has it [default: \
        rmse, of models that only rank ndcg@10]"
    )]
    metric: Option<String>,
    /// Method by which ratings are held out to validate
    #[arg(long, value_enum, default_value_t = By::Random, value_name = "HOW")]
    by: By,
    /// Share of the ratings to validate on; with `--by users`, of each held-out user's ratings
    /// [default: 0.1, users: 0.2]
    #[arg(long, value_name = "SHARE")]
    valid: Option<f64>,
    /// Number of latest ratings of each user to validate on (last) [default: 1]
    #[arg(long, value_name = "N")]
    last: Option<usize>,
    /// Number of users that are held out (users) [default: a tenth]
    #[arg(long, value_name = "N")]
    held_out: Option<usize>,
    /// Number of divisions to average over, each with a seed of its own (random, users)
    #[arg(long, default_value_t = 1, value_name = "N")]
    splits: u64,
    /// Choice of the next trial
    #[arg(long, value_enum, default_value_t = Sampler::Tpe, value_name = "HOW")]
    sampler: Sampler,
    /// Number of trials
    #[arg(long, default_value_t = 50, value_name = "N")]
    trials: usize,
    /// Give all iterations to every trial
    #[arg(long)]
    no_halving: bool,
    /// Random seed
    #[arg(long, default_value_t = 42, value_name = "N")]
    seed: u64,
    /// Train on all of INPUT with the best parameters, into DIR/model
    #[arg(long)]
    refit: bool,
    /// Format of the report [default: table on a terminal, json otherwise]
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    #[command(flatten)]
    picture: PictureArgs,
}

/// What the algorithm is to do, as `train` has it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Kind of model")]
struct KindArgs {
    /// Feedback type, explicit or implicit (als)
    #[arg(long, value_name = "KIND")]
    feedback: Option<String>,
    /// Exactly Spark's objective (als)
    #[arg(long)]
    no_biases: bool,
    /// Rating of every cell without one (nmf)
    #[arg(long, value_name = "STARS")]
    fill: Option<String>,
    /// Whose neighbors, movies or users (cosine)
    #[arg(long, value_name = "WHAT")]
    between: Option<String>,
    /// Center ratings on the mean of their user (cosine)
    #[arg(long)]
    center: bool,
}

impl KindArgs {
    /// Returns them as arguments of `train`.
    fn words(&self) -> Vec<&str> {
        let options =
            [("--feedback", &self.feedback), ("--fill", &self.fill), ("--between", &self.between)];
        let options = options.iter().filter_map(|(name, value)| Some([*name, value.as_deref()?]));
        let flags = [("--no-biases", self.no_biases), ("--center", self.center)];
        let flags = flags.into_iter().filter(|(_, given)| *given).map(|(name, _)| name);
        options.flatten().chain(flags).collect()
    }
}

/// Declares a range of values for each of some parameters.
macro_rules! ranges {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Values to try, such as 16,32,64 or 0.1..2 or 0.001..1:log [default: the algorithm's own]
        #[derive(Debug, Args)]
        #[command(next_help_heading = "Values to try: 16,32,64 or 0.1..2 or 0.001..1:log \
                                       [default: ranges of the algorithm's own]")]
        struct SpaceArgs {
            $($(#[$doc])* #[arg(long, value_name = "RANGE", allow_hyphen_values = true)]
            $name: Option<ParameterRange>,)*
        }

        impl SpaceArgs {
            fn given(&self) -> Vec<(String, ParameterRange)> {
                let all = [$((stringify!($name), &self.$name),)*];
                let given = all.into_iter().filter_map(|(name, range)| {
                    Some((name.to_string(), range.clone()?))
                });
                given.collect()
            }
        }
    };
}

ranges! {
    /// Rank of the factor matrices (als, nmf, svd)
    factors,
    /// Number of iterations; no trial ends early then (als, nmf)
    iterations,
    /// Regularization (als, nmf, ease)
    regularization,
    /// Exponent (als, svd)
    exponent,
    /// Weight of the implicit terms (als)
    implicit_weight,
    /// Weight of each cell without a rating (als, implicit)
    unobserved_weight,
    /// Lowest rating that counts as positive feedback (als, implicit)
    positive_from,
    /// Share of the smallest singular value that counts as noise (svd)
    noise_share,
    /// Number of movies that weights are computed between (ease)
    max_items,
    /// Number of weights to keep of each movie (ease)
    weights,
    /// Number of neighbors (cosine)
    neighbors,
    /// Number of common ratings at which a similarity is halved (cosine)
    shrinkage,
    /// Damping of the biases (popularity)
    damping,
}

/// Columns of 20 bytes, the parts, and the matrix of one of them in both orders.
const BYTES_PER_RATING: u64 = 100;

pub(crate) fn run(args: &TuneArgs, ui: &Ui) -> Result<()> {
    args.check()?;
    let algorithm = |data| default_algorithm(&args.algorithm, &args.kind.words(), data);
    let given = args.space.given();
    SearchSpace::new(algorithm(TrainingShape::default())?, &given, !given.is_empty())
        .map_err(told)?;
    let folder = OutputLocation::directory(&args.output, "a search")?;
    let sink = ChartArgs::to_stdout(args.format, args.picture.clone()).sink()?;
    let dataset = args.input.load(BYTES_PER_RATING, ui)?;
    let shape = TrainingShape::new(&dataset);
    let base = algorithm(shape)?;
    let space = SearchSpace::new(base.clone(), &given, !given.is_empty()).map_err(told)?;
    let fit = space.algorithm(&space.highest())?.bytes(shape.n_users, shape.n_movies);
    // Of nine trials, the factors are kept.
    let needed = dataset.ratings.len() as u64 * BYTES_PER_RATING + 4 * fit;
    ui.memory.allow("this search", needed)?;
    let metric = args.metric.as_deref().unwrap_or_else(|| base.tuned_metric());
    let metric = TunedMetric::new(metric).map_err(told)?;
    let methods = args.methods(&dataset.ratings)?;
    let description = args.description(&space, &metric, &methods, &dataset)?;
    let mut log = TrialLog::open(&folder, &description)?;
    ui.begin("dividing", "ratings", None);
    let movies = args.movies.load(dataset.sidecar.movie_keys().as_ref())?;
    let movies = movies.or_else(|| dataset.sidecar.movies());
    let objective = Objective::new(&dataset, movies.as_ref(), &methods, metric)?;
    let options = SearchOptions {
        sampler: args.sampler,
        trials: args.trials,
        halving: !args.no_halving,
        seed: args.seed,
    };
    let trials = search(&space, &objective, &options, &mut log, ui)?;
    let found = BestTrial { space: &space, metric: &objective.metric, trials: &trials };
    let best = found.object()?;
    write_best(&folder, &best)?;
    if args.refit {
        let model = folder.join("model");
        let out = AtomicDir::create(&model, MODEL, &[])?;
        let trained = train(&dataset, movies.as_ref(), found.algorithm()?, ui)?;
        trained.write(&out)?;
        out.commit()?;
    }
    ui.finish();
    ui.say(&found.sentence());
    let report = Report::Both { object: best, rows: found.rows(usize::MAX), shown: found.rows(10) };
    sink.write(&report, || found.figure(&args.algorithm))
}

/// Returns what is wrong with how a search was asked for as an error of usage.
fn told(error: TuneError) -> anyhow::Error {
    usage(error.to_string())
}

impl TuneArgs {
    fn check(&self) -> Result<()> {
        let of = [
            ("--last", self.last.is_some(), By::Last),
            ("--held-out", self.held_out.is_some(), By::Users),
        ];
        self.by.check_options(&of)?;
        if self.valid.is_some() && self.by == By::Last {
            return Err(usage("--valid does not go with --by last: give --last N"));
        }
        if self.splits > 1 && matches!(self.by, By::Last | By::Time) {
            return Err(usage(format!("--splits: there is one division by {}", self.by)));
        }
        if self.trials == 0 || self.splits == 0 {
            return Err(usage("--trials and --splits must be 1 or more"));
        }
        check_share("--valid", self.valid)
    }

    /// Returns how the ratings are divided, once or several times.
    fn methods(&self, ratings: &Ratings) -> Result<Vec<Method>> {
        let tenth = || ratings.user_ids().len().div_ceil(10);
        let users = (self.by == By::Users).then(|| self.held_out.unwrap_or_else(tenth));
        let size = HeldOutSize { test: self.valid, last: self.last, users };
        let seeds = self.seed..self.seed + self.splits;
        seeds.map(|seed| self.by.method(ratings, size, seed)).collect()
    }

    /// Returns what the search is of: if it is the same, a search goes on.
    fn description(
        &self,
        space: &SearchSpace,
        metric: &TunedMetric,
        methods: &[Method],
        dataset: &Dataset,
    ) -> Result<Map<String, Value>> {
        let ranges: Map<String, Value> = space
            .dimensions
            .iter()
            .map(|one| (one.name.clone(), json!(one.range.to_string())))
            .collect();
        let description = json!({
            "kind": schema::TUNE_KIND,
            "format_version": schema::FORMAT_VERSION,
            "base": space.base,
            "space": ranges,
            "metric": metric.name(),
            "divisions": methods,
            "sampler": self.sampler,
            "halving": !self.no_halving,
            "seed": self.seed,
            "content_xxh3": dataset.ratings.content_hash(),
        });
        Ok(description.as_object().cloned().unwrap_or_default())
    }
}

fn write_best(folder: &Path, best: &Map<String, Value>) -> Result<()> {
    let path = folder.join(schema::BEST_JSON);
    let mut file = AtomicFile::create(&path)?;
    file.write_all(manifest_text(best)?.0.as_bytes()).map_err(IoError::at(&path))?;
    Ok(file.commit()?)
}

/// What a search found; of the trials, the best is the first.
struct BestTrial<'a> {
    space: &'a SearchSpace,
    metric: &'a TunedMetric,
    trials: &'a [FinishedTrial],
}

impl BestTrial<'_> {
    fn best(&self) -> &FinishedTrial {
        &self.trials[0]
    }

    fn algorithm(&self) -> Result<AlgorithmParams> {
        Ok(self.space.algorithm(&self.best().point)?)
    }

    /// Returns the trial of the defaults, if they are in the space and it ran as far as the best.
    fn defaults(&self) -> Option<&FinishedTrial> {
        let is_base = |one: &&FinishedTrial| {
            self.space.algorithm(&one.point).is_ok_and(|algorithm| algorithm == self.space.base)
        };
        self.trials.iter().filter(|one| one.rung == self.best().rung).find(is_base)
    }

    fn object(&self) -> Result<Map<String, Value>> {
        let best = &self.best().record;
        let kind = json!({ "kind": schema::PARAMETERS_KIND });
        let found = json!({
            "metric": self.metric.name(),
            "value": best.value,
            "defaults": self.defaults().map(|one| one.record.value),
            "trial": best.trial,
            "trials": self.trials.len(),
        });
        let parts = [kind, json!(self.algorithm()?), found];
        let fields = parts.iter().filter_map(Value::as_object).flatten();
        Ok(fields.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    fn sentence(&self) -> String {
        let (best, metric) = (&self.best().record, self.metric.name());
        let values: Vec<String> =
            best.parameters.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let of_defaults = self.defaults().filter(|one| one.record.trial != best.trial);
        let of_defaults = of_defaults
            .map_or_else(String::new, |one| format!("; the defaults have {:.4}", one.record.value));
        let (value, trial, values) = (best.value, best.trial, values.join(", "));
        format!("best {metric} {value:.4} in trial {trial}: {values}{of_defaults}")
    }

    fn rows(&self, most: usize) -> RecordBatch {
        let records = || self.trials.iter().take(most).map(|trial| &trial.record);
        let whole = |values: Vec<Option<i64>>| -> ArrayRef { Arc::new(Int64Array::from(values)) };
        let number = |values: Vec<f64>| -> ArrayRef { Arc::new(Float64Array::from(values)) };
        let mut columns: Vec<(&str, ArrayRef, bool)> = vec![
            ("trial", whole(records().map(|one| Some(one.trial as i64)).collect()), false),
            (self.metric.name(), number(records().map(|one| one.value).collect()), false),
        ];
        for dimension in &self.space.dimensions {
            let value =
                |one: &TrialRecord| one.parameters[&dimension.name].as_f64().unwrap_or(f64::NAN);
            columns.push((&dimension.name, number(records().map(value).collect()), false));
        }
        if self.best().record.iterations.is_some() {
            let done = records().map(|one| one.iterations.map(|n| n as i64));
            columns.push(("iterations", whole(done.collect()), true));
        }
        columns.push(("seconds", number(records().map(|one| one.seconds).collect()), false));
        RecordBatch::try_from_iter_with_nullable(columns).expect("columns of equal length")
    }

    fn figure(&self, algorithm: &str) -> plot::Figure {
        let last = self.best().rung;
        let whole = self.trials.iter().filter(|one| one.rung == last);
        let mut values: Vec<(usize, f64)> =
            whole.map(|one| (one.record.trial, one.record.value)).collect();
        values.sort_by_key(|(trial, _)| *trial);
        let lower = self.metric.less_is_better();
        plot::tune::search(algorithm, self.metric.name(), &values, lower)
    }
}
