//! `mvrec search`

use std::cmp::Reverse;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, RecordBatch, UInt8Array};
use clap::Args;

use crate::cli::error::Result;
use crate::cli::output::columns::{ids, rows_of, some_texts, texts};
use crate::cli::output::{Report, ReportArgs};
use crate::cli::ui::Ui;
use crate::dataset::ids::MovieId;
use crate::dataset::movies::Movies;
use crate::dataset::title_source::load_movies_alone;
use crate::dataset::titles::{TitleMatch, search};
use crate::model::catalogue::ItemCatalogue;

/// Find movies by their title
///
/// As other commands understand a title: case, accents and punctuation do not matter, nor the year,
/// the place of `The` or which of a movie's titles it is. First come those with that title, then
/// those that contain it, then those that have all of its words; if there are none, those that
/// differ by a typo. Of equal ones the most rated comes first, where that is known.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  mvrec search als \"the matrix\"
  mvrec search ml-latest-small amelie --format json | jq '.[0].movie_id'")]
pub(crate) struct SearchArgs {
    /// Where to look: a model, a dataset or MovieLens folder, movies.parquet or movies.csv
    #[arg(value_name = "WHERE")]
    place: PathBuf,
    /// Title, or some words of it
    #[arg(required = true, value_name = "TITLE")]
    title: Vec<String>,
    /// Length of the list
    #[arg(short, default_value_t = 20, value_name = "N")]
    n: usize,
    #[command(flatten)]
    report: ReportArgs,
}

/// A movie that fits, and its number of ratings where that is known.
type FoundTitle = (MovieId, TitleMatch, Option<u32>);

pub(crate) fn run(args: &SearchArgs, ui: &Ui) -> Result<()> {
    let sink = args.report.sink()?;
    let catalogue = ItemCatalogue::open_model(&args.place)?;
    let movies = match &catalogue {
        Some(catalogue) => catalogue.movies.clone(),
        None => load_movies_alone(&args.place)?,
    };
    let title = args.title.join(" ");
    let count = |id| {
        let catalogue = catalogue.as_ref()?;
        Some(catalogue.n_ratings[catalogue.item(id)?.at()])
    };
    let found = search(&movies, &title);
    let mut found: Vec<FoundTitle> =
        found.into_iter().map(|(id, fit)| (id, fit, count(id))).collect();
    found.sort_by_key(|(id, fit, n)| (*fit, Reverse(*n), *id));
    if found.is_empty() {
        ui.say(&format!("no movie is called `{title}`"));
    } else if found.len() > args.n {
        ui.say(&format!("{} of {} that fit", args.n, found.len()));
    }
    found.truncate(args.n);
    sink.write(&Report::Rows(rows(&movies, &found)))
}

fn rows(movies: &Movies, found: &[FoundTitle]) -> RecordBatch {
    let movie = || found.iter().filter_map(|(id, ..)| movies.get(*id));
    let n_ratings: Int32Array = found.iter().map(|(.., n)| n.map(|n| n as i32)).collect();
    let typos = found.iter().map(|(_, fit, _)| match fit {
        TitleMatch::Typo { edits, .. } => Some(*edits),
        _ => None,
    });
    let mut columns = vec![
        ids("movie_id", found.iter().map(|(id, ..)| id.0)),
        texts("title", movie().map(|movie| movie.title)),
        texts("genres", movie().map(|movie| movie.genres)),
        ("n_ratings", Arc::new(n_ratings) as ArrayRef, true),
        texts("found_by", found.iter().map(|(_, fit, _)| fit.name())),
        ("typos", Arc::new(typos.collect::<UInt8Array>()), true),
    ];
    if movies.keyed() {
        columns.insert(1, some_texts("movie_key", movie().map(|movie| movie.key)));
    }
    rows_of(columns)
}
