//! `mvrec recommend`

mod audience;
mod resolve;
mod responder;
mod rows;
mod stream;
mod which;
mod who;

use std::path::PathBuf;

use clap::Args;

use crate::cli::args::{MoviesArgs, SparkArgs, set_seen};
use crate::cli::error::{Result, usage};
use crate::cli::output::ReportArgs;
use crate::cli::recommend::audience::Audience;
use crate::cli::recommend::responder::{AT_A_TIME, Responder};
use crate::cli::recommend::rows::check_fields;
use crate::cli::recommend::which::WhichArgs;
use crate::cli::recommend::who::WhoArgs;
use crate::cli::ui::Ui;
use crate::dataset::title_source::own_keys;
use crate::model::folder::ModelFolder;
use crate::model::open::user_ids;
use crate::model::{Model, UserSelection};
use crate::progress::Progress;

/// List the movies that a model recommends
///
/// For users of the training data, for new users whose ratings are given here, or similar to one
/// movie; or the users most similar to one. A movie is given by its id or its title: case, accents,
/// the year and the position of `The` do not matter, and typos are tolerated.
/// The meaning of `score` is printed on stderr.
///
/// --ratings - with JSON lines answers each with a line as soon as it comes: {"id": ..., "ratings":
/// {"Alien": 5, "49": 1}}.
#[derive(Debug, Args)]
#[command(
    override_usage = "mvrec recommend [OPTIONS] <WHO> <MODEL>\n       (WHO: an option under \"Who\", such as --user ID or --rate MOVIE=STARS)",
    after_long_help = "Examples:
  mvrec recommend als --user 17 -n 20
  mvrec recommend als --rate \"Spirited Away=5\" --rate \"Twilight (2008)=1\" --genre Animation --explain
  mvrec recommend als --like alien --released ..1990 --diversify 0.3
  mvrec recommend als --all-users -n 100 -o lists.parquet
  mvrec recommend als --ratings people.jsonl -o answers.jsonl"
)]
pub(crate) struct RecommendArgs {
    /// Model directory, mvrec's own or Spark's
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    #[command(flatten)]
    who: WhoArgs,
    #[command(flatten)]
    which: WhichArgs,
    #[command(flatten)]
    spark: SparkArgs,
    /// Ratings of the users, of which a model of Spark's stores none: left out of their lists
    #[arg(long, value_name = "INPUT", help_heading = "Models of Spark")]
    seen: Option<PathBuf>,
    /// Explain each movie by the N ratings that contribute most to its score
    #[arg(
        long,
        value_name = "N",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "3",
        help_heading = "Output"
    )]
    explain: Option<usize>,
    /// Columns of the output, in this order; also release_year, imdb_id, tmdb_id, n_ratings,
    /// mean_rating and score_meaning
    #[arg(long, value_delimiter = ',', value_name = "COLUMN,...", help_heading = "Output")]
    fields: Vec<String>,
    #[command(flatten, next_help_heading = "Output")]
    movies: MoviesArgs,
    #[command(flatten, next_help_heading = "Output")]
    report: ReportArgs,
}

pub(crate) fn run(args: &RecommendArgs, ui: &Ui) -> Result<()> {
    check_fields(&args.fields)?;
    let sink = args.report.sink()?;
    let folder = ModelFolder::open(&args.model)?;
    let movies = args.movies.load(own_keys(&args.model)?.as_ref())?;
    let keys = folder.user_keys()?;
    let who = args.who.who(&folder, keys.as_ref(), ui)?;
    if args.explain.is_some() && matches!(who, Audience::SimilarTo(_) | Audience::SimilarUsers(_)) {
        return Err(usage("--explain needs a list made from ratings"));
    }
    ui.begin("opening the model", "files", None);
    let ids = match &who {
        Audience::Users(UserSelection::All) => user_ids(&folder)?,
        Audience::Users(UserSelection::Some(ids)) => ids.clone(),
        _ => Vec::new(),
    };
    let users = match &who {
        Audience::SimilarUsers(_) => UserSelection::All,
        _ => UserSelection::Some(ids[..ids.len().min(AT_A_TIME)].to_vec()),
    };
    let mut model = Model::open_folder(folder, &users, movies.as_ref(), args.spark.feedback)?;
    args.spark.report(&model, ui);
    if let Some(path) = &args.seen {
        set_seen(&mut model, path, keys.as_ref(), ui)?;
    }
    if !model.catalogue.movies.has_titles() {
        ui.say(
            "no titles in the model: add --movies PATH (a dataset, movies.parquet or movies.csv)",
        );
    }
    let query = args.which.query(&model, ui)?;
    let meaning = Responder { args, model, query, keys, ui }.respond(who, &ids, sink)?;
    if let Some(meaning) = meaning {
        ui.say(&format!("score: {meaning}"));
    }
    Ok(())
}
