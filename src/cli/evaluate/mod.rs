//! `mvrec evaluate`

mod folds;
mod leaderboard;
mod metrics_report;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;

use crate::cli::args::{MoviesArgs, SparkArgs, set_seen};
use crate::cli::error::{Result, missed, usage};
use crate::cli::evaluate::folds::load_folds;
use crate::cli::evaluate::leaderboard::LEGEND;
use crate::cli::evaluate::metrics_report::{
    MeasuredSystem, MetricValue, figure, figure_rows, unknown_metric, user_rows,
};
use crate::cli::output::{ChartArgs, Report, ReportArgs};
use crate::cli::ui::Ui;
use crate::dataset::keyed::translate;
use crate::dataset::load::{load, load_lists};
use crate::dataset::{Dataset, Movies, Ratings};
use crate::eval::compare::{UserFigures, compare};
use crate::eval::protocol::{EvaluationOutcome, EvaluationProtocol, ItemBackground, evaluate};
use crate::eval::ranking::RelevanceGain;
use crate::eval::significance::bootstrap;
use crate::eval::systems::{ListSystem, ModelSystem};
use crate::io::numbers::read_numbers;
use crate::io::values::Scale;
use crate::model::folder::ModelFolder;
use crate::model::{Model, UserSelection};
use crate::progress::Progress;

/// Measure models and lists against ratings that they have not seen
///
/// WHAT is a model directory, or a file of lists that any system made: user_id, movie_id and rank
/// or score, as Parquet, JSON lines or delimited text. A model answers for the users of its
/// training data or, with --fold-in, for users whose ratings it is given there. Candidates of a
/// list are all movies of the model that the user has not rated before: none are sampled. Means run
/// over the users with a relevant test rating; one without a list counts as 0. A test rating
/// whose movie the model does not know is predicted by the user's mean. Of equal scores or ranks,
/// the lower movie_id comes first.
///
/// Intervals are of 95 %, by the bootstrap over users. --compare tests each WHAT against the first,
/// user by user: Wilcoxon's signed-rank test and a permutation test, both adjusted by Holm for all
/// that is compared.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  mvrec split --by random ml -o parts && mvrec train als parts/train -o als
  mvrec evaluate als --test parts/test -k 10,20
  mvrec evaluate als cosine other-system.csv --test parts/test --train parts/train --compare
  mvrec evaluate als --test parts/test --fail-if 'ndcg@10<0.1' --per-user als.parquet
  mvrec evaluate als cosine --test parts/test --compare --plot compared.svg
  mvrec split --by random --folds 5 ml -o folds
  for i in 1 2 3 4 5; do mvrec train als folds/fold-$i/train -o als/fold-$i; done
  mvrec evaluate als --folds folds")]
pub(crate) struct EvaluateArgs {
    /// Model directory, file of lists, or with --compare also a file that --per-user wrote (can be
    /// repeated)
    #[arg(required = true, value_name = "WHAT")]
    what: Vec<PathBuf>,
    /// Held-out ratings: a dataset directory, a ratings file, or `-`
    #[arg(long, value_name = "INPUT")]
    test: Option<PathBuf>,
    /// Folds that `split --folds` wrote, in place of --test: WHAT/fold-1 and so on are models or
    /// files of lists; figures are means over the folds, with their standard deviation
    #[arg(long, value_name = "DIR", conflicts_with_all = ["test", "fold_in", "train", "compare", "per_user"])]
    folds: Option<PathBuf>,
    /// Ratings by which the users of the test are made known to the model
    #[arg(long, value_name = "INPUT")]
    fold_in: Option<PathBuf>,
    /// Training ratings, for what lists and models of other systems do not store: what users have
    /// seen, coverage, novelty, popularity
    #[arg(long, value_name = "INPUT")]
    train: Option<PathBuf>,
    /// Lengths at which lists are cut
    #[arg(short, value_delimiter = ',', default_value = "10,20", value_name = "K,...")]
    k: Vec<usize>,
    /// Lowest test rating that makes its movie relevant [default: 4 of 0.5..5, three quarters of
    /// another scale]
    #[arg(long, value_name = "RATING", allow_hyphen_values = true)]
    relevant_from: Option<f32>,
    /// What a relevant movie gains in NDCG
    #[arg(long, value_enum, default_value_t = RelevanceGain::Binary, value_name = "GAIN")]
    gain: RelevanceGain,
    /// Bootstrap replicates for the intervals; 0 leaves them out
    #[arg(long, default_value_t = 1000, value_name = "N", value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    bootstrap: u32,
    /// Seed of bootstrap and permutation test
    #[arg(long, default_value_t = 42, value_name = "N")]
    seed: u64,
    /// Test each WHAT against the first
    #[arg(long)]
    compare: bool,
    /// Metrics to report, such as ndcg@10,rmse [default: all; in a table, the most used ones]
    #[arg(long, value_delimiter = ',', value_name = "METRIC,...")]
    metrics: Vec<String>,
    /// Metric by which a table is sorted, the best first [default: its first one]
    #[arg(long, value_name = "METRIC")]
    sort: Option<String>,
    /// Write the figures of each user, as .parquet, .csv or .jsonl
    #[arg(long, value_name = "FILE")]
    per_user: Option<PathBuf>,
    /// End with exit code 3 if a figure is so, such as 'ndcg@10<0.3' (can be repeated)
    #[arg(long, value_name = "CONDITION")]
    fail_if: Vec<ThresholdCondition>,
    #[command(flatten)]
    spark: SparkArgs,
    #[command(flatten)]
    movies: MoviesArgs,
    #[command(flatten)]
    report: ChartArgs,
}

/// `METRIC<VALUE` as typed.
#[derive(Debug, Clone, PartialEq)]
struct ThresholdCondition {
    metric: String,
    operator: &'static str,
    value: f64,
}

impl FromStr for ThresholdCondition {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let found = ["<=", ">=", "<", ">"].into_iter().find_map(|operator| {
            let (metric, value) = text.split_once(operator)?;
            Some((metric.trim(), operator, value.trim()))
        });
        let (metric, operator, value) =
            found.ok_or("expected METRIC<VALUE, such as ndcg@10<0.3; also <=, >, >=")?;
        match value.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Self { metric: metric.into(), operator, value }),
            _ => Err(format!("`{value}` is not a number")),
        }
    }
}

impl ThresholdCondition {
    fn holds(&self, figure: f64) -> bool {
        match self.operator {
            "<" => figure < self.value,
            "<=" => figure <= self.value,
            ">" => figure > self.value,
            _ => figure >= self.value,
        }
    }
}

pub(crate) fn run(args: &EvaluateArgs, ui: &Ui) -> Result<()> {
    args.check()?;
    let sink = args.report.sink()?;
    let per_user =
        args.per_user.as_ref().map(|path| ReportArgs::to_file(path).sink()).transpose()?;
    let mut folds = args.folds.as_deref().map_or(Ok(Vec::new()), |path| load_folds(path, ui))?;
    let measure_folds = |what: &PathBuf| args.measure_folds(what, &folds, ui);
    let of_folds = args.what.iter().filter(|_| args.folds.is_some()).map(measure_folds);
    let mut measured = of_folds.collect::<Result<Vec<_>>>()?;
    let test = match args.test.as_deref() {
        Some(path) => Some(load(path, ui)?),
        // Of what is relevant, one fold says the same as the others.
        None => folds.pop().map(|fold| fold.test),
    };
    if let Some(test) = &test {
        args.check_relevance(test, ui);
    }
    if args.folds.is_none() {
        let measure = |what: &PathBuf| args.measure(what, test.as_ref(), ui);
        measured = args.what.iter().map(measure).collect::<Result<Vec<_>>>()?;
    }
    let verdict = args.judge(&measured)?;
    args.select(&mut measured)?;
    let comparisons = if args.compare {
        ui.begin("comparing", "figures", None);
        let systems: Vec<UserFigures> = measured.iter().map(|one| one.per_user.clone()).collect();
        compare(&systems, args.bootstrap as usize, args.seed)
    } else {
        Vec::new()
    };
    ui.finish();
    measured.iter().for_each(|one| one.tell(ui));
    if let Some(sink) = per_user {
        sink.write(&Report::Rows(user_rows(&measured[0])))?;
    }
    // Of folds, the test part at hand is one of several.
    let whole_test = test.as_ref().filter(|_| args.folds.is_none());
    let object = args.object(&measured, &comparisons, whole_test);
    let rows = figure_rows(&measured, args.compare.then_some(&comparisons[..]));
    let table = args.leaderboard(&measured, &comparisons, test.as_ref())?;
    if sink.is_table() && measured.len() > 1 {
        ui.say(LEGEND);
        if args.compare {
            let first = &measured[0].name;
            ui.say(&format!("* differs from {first} (p < 0.05, Wilcoxon's test adjusted by Holm)"));
        }
    }
    let figure = || figure(&measured, &comparisons, args.protocol(test.as_ref()).shortest());
    sink.write(&Report::Both { object, rows, shown: table }, figure)?;
    verdict.map_or(Ok(()), Err)
}

impl EvaluateArgs {
    fn check(&self) -> Result<()> {
        if self.k.is_empty() || self.k.contains(&0) {
            return Err(usage("-k must be 1 or more"));
        }
        if self.per_user.is_some() && self.what.len() > 1 {
            return Err(usage("--per-user is for one WHAT at a time"));
        }
        if self.compare && self.what.len() < 2 {
            return Err(usage("--compare needs two WHAT or more"));
        }
        if self.test.is_none() && self.folds.is_none() && !self.compare {
            return Err(usage("--test INPUT is needed: the held-out ratings; or --folds DIR"));
        }
        Ok(())
    }

    fn protocol(&self, test: Option<&Dataset>) -> EvaluationProtocol {
        let mut cuts = self.k.clone();
        cuts.sort_unstable();
        cuts.dedup();
        EvaluationProtocol { cuts, relevant_from: self.relevant_from(test), gain: self.gain }
    }

    /// Returns the lowest rating that is relevant, which unless told follows from the scale of the
    /// test ratings.
    fn relevant_from(&self, test: Option<&Dataset>) -> f32 {
        let scale = test.and_then(|test| test.sidecar.history.scale).unwrap_or_default();
        self.relevant_from.unwrap_or_else(|| scale.liked_from())
    }

    /// Warns where nothing or everything is relevant: then ranking metrics say little.
    fn check_relevance(&self, test: &Dataset, ui: &Ui) {
        let from = self.relevant_from(Some(test));
        let ratings = &test.ratings.columns().rating;
        let scale = test.sidecar.history.scale.unwrap_or_default();
        if self.relevant_from.is_none() && scale != Scale::default() {
            ui.say(&format!(
                "a test rating of {from} or more is relevant; --relevant-from decides"
            ));
        }
        let relevant = ratings.iter().filter(|&&rating| rating >= from).count();
        let what = match relevant {
            0 => "none",
            n if n == ratings.len() && !scale.is_unary() => "every one",
            _ => return,
        };
        ui.warn(&format!(
            "{what} of the {} test ratings is relevant, which begins at {from}; --relevant-from decides",
            ratings.len()
        ));
    }

    fn measure(&self, what: &Path, test: Option<&Dataset>, ui: &Ui) -> Result<MeasuredSystem> {
        let name = what.display().to_string();
        if self.compare
            && what.is_file()
            && let Some(figures) = read_numbers(what, "user_id", "movie")?
        {
            let (users, figures) = figures;
            let per_user = UserFigures { users, figures };
            return Ok(MeasuredSystem { name, per_user, outcome: None, figures: Vec::new() });
        }
        let test = test.ok_or_else(|| {
            usage(format!("{name} holds no figures of users: --test INPUT is needed"))
        })?;
        let outcome = if what.is_dir() {
            self.measure_model(what, test, ui)?
        } else {
            self.measure_lists(what, test, ui)?
        };
        // What all lists say together has no distribution over users here, and folds have one.
        let replicates = if self.folds.is_some() { 0 } else { self.bootstrap as usize };
        let intervals = bootstrap(outcome.users.len(), replicates, self.seed, |times| {
            outcome.over_users(Some(times))
        });
        let figures =
            outcome.figures().into_iter().enumerate().map(|(at, (name, value))| MetricValue {
                name,
                value: Some(value).filter(|value| value.is_finite()),
                interval: intervals.get(at).copied().flatten(),
                spread: None,
            });
        let figures = figures.collect();
        Ok(MeasuredSystem {
            name,
            per_user: UserFigures::from_outcome(&outcome),
            outcome: Some(outcome),
            figures,
        })
    }

    fn measure_model(&self, folder: &Path, test: &Dataset, ui: &Ui) -> Result<EvaluationOutcome> {
        ui.begin("opening the model", "files", None);
        let fold_in = self.fold_in.as_deref().map(|path| load(path, ui)).transpose()?;
        let folder = ModelFolder::open(folder)?;
        let user_keys = folder.user_keys()?;
        let users = match (&fold_in, &user_keys, &test.sidecar.user_keys) {
            (Some(_), ..) => UserSelection::Some(Vec::new()),
            (None, None, None) => UserSelection::Some(test.ratings.user_ids()),
            // Which users of the model these are, their keys tell.
            _ => UserSelection::All,
        };
        let movies = self.titles(test)?;
        let mut model = Model::open_folder(folder, &users, None, self.spark.feedback)?;
        self.spark.report(&model, ui);
        if model.spark_feedback.is_some() && fold_in.is_none() {
            match &self.train {
                Some(path) => set_seen(&mut model, path, user_keys.as_ref(), ui)?,
                None => ui.warn(
                    "a model of Spark's does not store what users have seen: their lists may hold \
                     it; --train INPUT gives their ratings",
                ),
            }
        }
        let movie_keys = model.catalogue.movies.keys();
        // Users who are folded in are named by the test alone.
        let users = if fold_in.is_some() { &test.sidecar.user_keys } else { &user_keys };
        let (users, movies_there) = (users.as_ref(), movie_keys.as_ref());
        let (ratings, back) = translate(test, users, movies_there)?;
        let fold_in =
            fold_in.as_ref().map(|data| translate(data, users, movies_there)).transpose()?;
        let background = ItemBackground {
            popularity: model.info.as_ref().map(|info| {
                let users = info.training.shape.users as f64;
                let shares = model.catalogue.n_ratings.iter().map(|&n| f64::from(n) / users);
                model.catalogue.movies.ids().iter().copied().zip(shares).collect()
            }),
            movies: Some(&model.catalogue.movies)
                .filter(|_| model.catalogue.movies.has_titles())
                .cloned()
                .or(movies),
        };
        ui.begin("evaluating", "users", None);
        let (protocol, fold_in) =
            (self.protocol(Some(test)), fold_in.as_ref().map(|(ratings, _)| &**ratings));
        let system = ModelSystem::new(&model, fold_in, protocol.longest(), protocol.relevant_from);
        let mut outcome = evaluate(&system, &ratings, &background, &protocol)?;
        outcome.rename_users(&back);
        Ok(outcome)
    }

    fn measure_lists(&self, path: &Path, test: &Dataset, ui: &Ui) -> Result<EvaluationOutcome> {
        let (lists, by_rank) = load_lists(path, ui)?;
        let train = self.train.as_deref().map(|path| load(path, ui)).transpose()?;
        let keys = (test.sidecar.user_keys.as_ref(), test.sidecar.movie_keys());
        let (rows, _) = translate(&lists, keys.0, keys.1.as_ref())?;
        let train =
            train.as_ref().map(|train| translate(train, keys.0, keys.1.as_ref())).transpose()?;
        let background = ItemBackground {
            popularity: train.as_ref().map(|(ratings, _)| shares(ratings)),
            movies: self.titles(test)?,
        };
        ui.begin("evaluating", "users", None);
        let protocol = self.protocol(Some(test));
        let system = ListSystem { rows: &rows, by_rank, n: protocol.longest() };
        Ok(evaluate(&system, &test.ratings, &background, &protocol)?)
    }

    fn titles(&self, test: &Dataset) -> Result<Option<Movies>> {
        self.movies.beside(|| Ok(test.sidecar.movies()))
    }

    /// Keeps the figures of --metrics, in that order.
    fn select(&self, measured: &mut [MeasuredSystem]) -> Result<()> {
        for metric in &self.metrics {
            if !measured.iter().any(|one| one.names().any(|name| name == metric)) {
                return Err(unknown_metric("--metrics", metric, measured));
            }
        }
        if !self.metrics.is_empty() {
            measured.iter_mut().for_each(|one| one.select(&self.metrics));
        }
        Ok(())
    }

    /// Returns the error of a condition of --fail-if that a figure meets.
    ///
    /// # Errors
    /// If there is no figure of that name.
    fn judge(&self, measured: &[MeasuredSystem]) -> Result<Option<anyhow::Error>> {
        for condition in &self.fail_if {
            for one in measured {
                let Some(value) = one.value(&condition.metric) else {
                    return Err(unknown_metric("--fail-if", &condition.metric, &measured[..1]));
                };
                if condition.holds(value) {
                    let ThresholdCondition { metric, operator, value: bound } = condition;
                    return Ok(Some(missed(format!(
                        "{}: {metric} is {value:.6}, which is {operator} {bound}",
                        one.name
                    ))));
                }
            }
        }
        Ok(None)
    }
}

/// Returns the share of users that have rated each movie.
fn shares(ratings: &Ratings) -> HashMap<i32, f64> {
    let users = ratings.user_ids().len() as f64;
    let counts = ratings.movie_counts();
    counts.into_iter().map(|(movie, n)| (movie, n as f64 / users)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_as_typed() {
        let parse = |text: &str| {
            text.parse::<ThresholdCondition>().map(|c| (c.metric, c.operator, c.value))
        };
        assert_eq!(parse("ndcg@10<0.3"), Ok(("ndcg@10".into(), "<", 0.3)));
        assert_eq!(parse(" rmse >= 0.9"), Ok(("rmse".into(), ">=", 0.9)));
        for bad in ["ndcg@10", "ndcg@10=0.3", "rmse>x", "rmse>NaN"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        let condition: ThresholdCondition = "rmse>=0.9".parse().unwrap();
        assert!(condition.holds(0.9) && !condition.holds(0.89));
        let condition: ThresholdCondition = "ndcg@10<0.3".parse().unwrap();
        assert!(condition.holds(0.29) && !condition.holds(0.3));
    }
}
