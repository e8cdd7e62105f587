//! `mvrec stats`

mod figures;
mod lists;
mod model;
mod movie;
mod report;
mod timeline;

use clap::{Args, Subcommand};

use crate::cli::error::Result;
use crate::cli::stats::figures::{GenreTableArgs, SummaryArgs, UserTableArgs};
use crate::cli::stats::lists::{BestByGenreArgs, LandingArgs, MovieTableArgs, SelectionArgs};
use crate::cli::stats::model::ModelArgs;
use crate::cli::stats::movie::MovieArgs;
use crate::cli::stats::report::ReportPageArgs;
use crate::cli::stats::timeline::TimelineArgs;
use crate::cli::ui::Ui;
use crate::stats::movies::Order;

/// Report figures of ratings and models, as tables, charts or a page
#[derive(Debug, Args)]
#[command(disable_help_subcommand = true)]
pub(crate) struct StatsArgs {
    #[command(subcommand)]
    report: StatsCommand,
}

#[derive(Debug, Subcommand)]
enum StatsCommand {
    Summary(SummaryArgs),
    Users(UserTableArgs),
    Genres(GenreTableArgs),
    Timeline(TimelineArgs),
    Movies(MovieTableArgs),
    Movie(MovieArgs),
    /// List the movies with the highest average
    ///
    /// Ties go by the number of ratings, then by movie_id.
    #[command(after_long_help = "Examples:
  mvrec stats top --min-ratings 250 ml-2019
  mvrec filter --year 2019 ml | mvrec stats top -n 3 --genre War --movies ml")]
    Top(SelectionArgs),
    /// List the movies with most ratings
    ///
    /// Ties go by the average, then by movie_id.
    #[command(after_long_help = "Examples:
  mvrec stats popular ml-2019
  mvrec stats popular --genre Documentary -n 20 ml-2019 --format csv")]
    Popular(SelectionArgs),
    /// List the movies that users disagree on most
    ///
    /// By the sample standard deviation of their ratings; ties go by the number of ratings, then by
    /// movie_id.
    #[command(after_long_help = "Examples:
  mvrec stats polarising --min-ratings 100 ml-2019
  mvrec stats polarising -n 50 ml-2019 -o polarising.csv")]
    Polarising(SelectionArgs),
    BestByGenre(BestByGenreArgs),
    Landing(LandingArgs),
    Model(ModelArgs),
    Report(ReportPageArgs),
}

pub(crate) fn run(args: &StatsArgs, ui: &Ui) -> Result<()> {
    match &args.report {
        StatsCommand::Summary(args) => args.run(ui),
        StatsCommand::Users(args) => args.run(ui),
        StatsCommand::Genres(args) => args.run(ui),
        StatsCommand::Timeline(args) => args.run(ui),
        StatsCommand::Movies(args) => args.run(ui),
        StatsCommand::Movie(args) => args.run(ui),
        StatsCommand::Top(args) => args.run(Order::BestRated, ui),
        StatsCommand::Popular(args) => args.run(Order::MostRated, ui),
        StatsCommand::Polarising(args) => args.run(Order::MostPolarising, ui),
        StatsCommand::BestByGenre(args) => args.run(ui),
        StatsCommand::Landing(args) => args.run(ui),
        StatsCommand::Model(args) => args.run(ui),
        StatsCommand::Report(args) => args.run(ui),
    }
}
