//! What a model is like.

use std::path::PathBuf;

use clap::Args;

use crate::cli::error::Result;
use crate::cli::output::{ChartArgs, Report};
use crate::cli::stats::figures::object_of;
use crate::cli::ui::Ui;
use crate::plot;
use crate::progress::Progress;
use crate::stats::model::{ModelQuestions, model};

/// Describe a model: loss, factors, coverage, neighbors
///
/// The loss of each iteration; the norms of the factors, biases aside; how many movies are in the
/// lists of a sample of users; and the movies most similar to the most rated ones. The plot is the
/// loss by iteration.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  mvrec stats model als --plot training.svg
  mvrec stats model als --format json | jq '.neighbors[] | [.title, .similar[].title]'")]
pub(super) struct ModelArgs {
    /// Model directory
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Number of users to make lists for, at most
    #[arg(long, default_value_t = 1000, value_name = "N")]
    users: usize,
    /// Length of their lists
    #[arg(short, default_value_t = 10, value_name = "N")]
    n: usize,
    /// Number of most rated movies to list similar movies of
    #[arg(long, default_value_t = 5, value_name = "N")]
    movies: usize,
    /// Number of similar movies of each
    #[arg(long, default_value_t = 5, value_name = "N")]
    similar: usize,
    #[command(flatten)]
    report: ChartArgs,
}

impl ModelArgs {
    pub(super) fn run(&self, ui: &Ui) -> Result<()> {
        let sink = self.report.sink()?;
        ui.begin("asking the model", "users", None);
        let Self { users, n, movies, similar, .. } = *self;
        let report = model(&self.model, ModelQuestions { users, n, movies, similar })?;
        ui.finish();
        let name = self.model.display().to_string();
        sink.write(&Report::Object(object_of(&report)?), || {
            plot::model::training(&name, &report.loss)
        })
    }
}
