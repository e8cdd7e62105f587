//! Reports on all ratings, on users and on genres.

use clap::Args;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::cli::args::{InputArgs, MoviesArgs};
use crate::cli::error::Result;
use crate::cli::output::columns::{counts, figures, ids, rows_of, texts};
use crate::cli::output::{ChartArgs, Report};
use crate::cli::stats::lists::rated;
use crate::cli::ui::Ui;
use crate::dataset::DatasetError;
use crate::plot::stats as plot;
use crate::stats::genres::genres;
use crate::stats::summary::SummaryAggregator;
use crate::stats::users::{PerUser, users};

/// Count ratings, users and movies, with means and ranges
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  mvrec stats summary ml-2019
  mvrec ingest ml-latest-small | mvrec stats summary --format json | jq .mean_rating")]
pub(super) struct SummaryArgs {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    report: ChartArgs,
}

/// Tell how many ratings users give, and how much of all the busiest give
///
/// JSON has quantiles, bins and shares; other formats the shares: what the top 10 %, 20 % … of the
/// users, rounded up to whole users, give.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  mvrec stats users ml-2019
  mvrec stats users ml --chart
  mvrec stats users ml --format json | jq .quantiles")]
pub(super) struct UserTableArgs {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    report: ChartArgs,
}

/// List every genre with its movies, ratings, average and share
///
/// A movie counts in each of its genres, so that the shares of all ratings add up to more than 1.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  mvrec stats genres ml-2019 --plot genres.svg
  mvrec stats genres ml --format jsonl | jq -r 'select(.avg_rating > 3.6).genre'")]
pub(super) struct GenreTableArgs {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    movies: MoviesArgs,
    #[command(flatten)]
    report: ChartArgs,
}

pub(super) fn object_of(report: &impl Serialize) -> Result<Map<String, Value>> {
    match serde_json::to_value(report)? {
        Value::Object(object) => Ok(object),
        _ => unreachable!("a struct is an object"),
    }
}

impl SummaryArgs {
    pub(super) fn run(&self, ui: &Ui) -> Result<()> {
        let sink = self.report.sink()?;
        let summary = self.input.scan(ui)?.aggregate(ui, SummaryAggregator::default)?.finish();
        ui.finish();
        sink.write(&Report::Object(object_of(&summary)?), || plot::summary(&summary))
    }
}

impl UserTableArgs {
    pub(super) fn run(&self, ui: &Ui) -> Result<()> {
        let sink = self.report.sink()?;
        let report = users(&self.input.scan(ui)?.aggregate(ui, PerUser::default)?.finish());
        ui.finish();
        let top = || report.top.iter();
        let rows = rows_of([
            ids("top_percent", top().map(|top| top.top_percent as i32)),
            counts("users", top().map(|top| top.users as u64)),
            counts("ratings", top().map(|top| top.ratings)),
            figures("share", top().map(|top| top.share)),
        ]);
        sink.write(&Report::Both { object: object_of(&report)?, shown: rows.clone(), rows }, || {
            plot::users(&report)
        })
    }
}

impl GenreTableArgs {
    pub(super) fn run(&self, ui: &Ui) -> Result<()> {
        let sink = self.report.sink()?;
        let (rated, movies) = rated(&self.input.scan(ui)?, &self.movies, ui)?;
        let genres = genres(&rated, &movies.ok_or(DatasetError::NoMovies)?);
        ui.finish();
        let of = || genres.iter();
        let rows = rows_of([
            texts("genre", of().map(|genre| &genre.genre)),
            counts("movies", of().map(|genre| genre.movies as u64)),
            counts("total_ratings", of().map(|genre| genre.total_ratings)),
            figures("avg_rating", of().map(|genre| genre.avg_rating)),
            figures("share", of().map(|genre| genre.share)),
        ]);
        sink.write(&Report::Rows(rows), || plot::genres(&genres))
    }
}
