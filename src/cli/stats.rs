//! `mvrec stats`

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray};
use clap::{Args, Subcommand};
use serde_json::Value;

use crate::cli::args::{InputArgs, MoviesArgs};
use crate::cli::error::Result;
use crate::cli::output::{Report, ReportArgs};
use crate::cli::ui::Ui;
use crate::stats::movies::{MovieFigures, Order, movies};
use crate::stats::summary::summary;

/// Report figures of the ratings
#[derive(Debug, Args)]
pub(crate) struct StatsArgs {
    #[command(subcommand)]
    report: StatsCommand,
}

#[derive(Debug, Subcommand)]
enum StatsCommand {
    Summary(SummaryArgs),
    Movies(MovieTableArgs),
    /// List the movies with the highest average
    ///
    /// Ties go by the number of ratings, then by movie_id.
    #[command(after_long_help = "Examples:
  mvrec stats top --min-ratings 250 ml-2019
  mvrec filter --year 2019 --genre War ml | mvrec stats top -n 3 --movies ml")]
    Top(SelectionArgs),
    /// List the movies that people disagree on most
    ///
    /// By the sample standard deviation of their ratings; ties go by the number of ratings, then by movie_id.
    #[command(after_long_help = "Examples:
  mvrec stats polarising --min-ratings 100 ml-2019
  mvrec stats polarising -n 50 ml-2019 -o polarising.csv")]
    Polarising(SelectionArgs),
}

/// Count ratings, users and movies, with means and ranges
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  mvrec stats summary ml-2019
  mvrec ingest ml-latest-small | mvrec stats summary --format json | jq .mean_rating")]
struct SummaryArgs {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    report: ReportArgs,
}

/// List every rated movie with its average and number of ratings
///
/// The original project's SQL: movie_id, title, genres, avg_rating, total_ratings, ordered by total_ratings and then avg_rating, both
/// descending, ties by movie_id.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  mvrec stats movies ml-2019 -o movies-2019.csv
  mvrec filter --year 2018 ml | mvrec stats movies --movies ml --format jsonl | head -3")]
struct MovieTableArgs {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    movies: MoviesArgs,
    /// Only movies with at least this many ratings
    #[arg(long, default_value_t = 1, value_name = "N")]
    min_ratings: u64,
    #[command(flatten)]
    report: ReportArgs,
}

/// A list of movies at the top of an order.
#[derive(Debug, Args)]
struct SelectionArgs {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    movies: MoviesArgs,
    /// Only movies with at least this many ratings
    #[arg(long, default_value_t = 50, value_name = "N")]
    min_ratings: u64,
    /// Length of the list
    #[arg(short, default_value_t = 10, value_name = "N")]
    n: usize,
    #[command(flatten)]
    report: ReportArgs,
}

/// Columns of 20 bytes, and as much again while they are sorted.
const BYTES_PER_RATING: u64 = 44;

pub(crate) fn run(args: &StatsArgs, ui: &Ui) -> Result<()> {
    match &args.report {
        StatsCommand::Summary(args) => run_summary(args, ui),
        StatsCommand::Movies(args) => {
            let all = usize::MAX;
            let order = Order::MostRated;
            list(&args.input, &args.movies, args.min_ratings, order, all, &args.report, ui)
        }
        StatsCommand::Top(args) => run_selection(args, Order::BestRated, ui),
        StatsCommand::Polarising(args) => run_selection(args, Order::MostPolarising, ui),
    }
}

fn run_summary(args: &SummaryArgs, ui: &Ui) -> Result<()> {
    let sink = args.report.sink()?;
    let dataset = args.input.load(BYTES_PER_RATING, ui)?;
    let Value::Object(object) = serde_json::to_value(summary(&dataset.ratings))? else {
        unreachable!("a struct is an object");
    };
    ui.finish();
    sink.write(&Report::Object(object))
}

fn run_selection(args: &SelectionArgs, order: Order, ui: &Ui) -> Result<()> {
    list(&args.input, &args.movies, args.min_ratings, order, args.n, &args.report, ui)
}

fn list(
    input: &InputArgs,
    titles: &MoviesArgs,
    min_ratings: u64,
    order: Order,
    n: usize,
    report: &ReportArgs,
    ui: &Ui,
) -> Result<()> {
    let sink = report.sink()?;
    let dataset = input.load(BYTES_PER_RATING, ui)?;
    let known = titles.of(&dataset, ui)?;
    let mut figures = movies(&dataset.ratings, known.as_ref(), min_ratings, order);
    figures.truncate(n);
    ui.finish();
    sink.write(&Report::Rows(batch(&figures, order)))
}

/// Returns the columns of the original's SQL, and the deviation where movies are ordered by it.
fn batch(figures: &[MovieFigures], order: Order) -> RecordBatch {
    let ids = figures.iter().map(|figures| figures.movie_id.0);
    let keys = figures.iter().map(|figures| figures.movie_key.as_deref());
    let titles = figures.iter().map(|figures| figures.title.as_deref());
    let genres = figures.iter().map(|figures| figures.genres.as_deref());
    let means = figures.iter().map(|figures| figures.avg_rating);
    let counts = figures.iter().map(|figures| figures.total_ratings as i64);
    let mut columns: Vec<(&str, ArrayRef, bool)> = vec![
        ("movie_id", Arc::new(Int32Array::from_iter_values(ids)), false),
        ("title", Arc::new(StringArray::from_iter(titles)), true),
        ("genres", Arc::new(StringArray::from_iter(genres)), true),
        ("avg_rating", Arc::new(Float64Array::from_iter_values(means)), false),
        ("total_ratings", Arc::new(Int64Array::from_iter_values(counts)), false),
    ];
    if figures.iter().any(|figures| figures.movie_key.is_some()) {
        columns.insert(1, ("movie_key", Arc::new(StringArray::from_iter(keys)), true));
    }
    if order == Order::MostPolarising {
        let deviations = figures.iter().map(|figures| figures.stddev_rating);
        columns.push(("stddev_rating", Arc::new(Float64Array::from_iter(deviations)), true));
    }
    RecordBatch::try_from_iter_with_nullable(columns).expect("columns of equal length")
}
