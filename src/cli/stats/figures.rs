//! Reports on all ratings, on users, genres, time, and on one movie.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
};
use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use crate::cli::args::{InputArgs, MoviesArgs};
use crate::cli::error::Result;
use crate::cli::output::{Report, ReportArgs};
use crate::cli::stats::BYTES_PER_RATING;
use crate::cli::ui::Ui;
use crate::dataset::ids::{Lookup, MovieId};
use crate::dataset::movies::Movies;
use crate::dataset::{Dataset, DatasetError, titles};
use crate::io::columns::NO_TIME;
use crate::model::recommend::{Query, Ranker, Recommendation};
use crate::model::{Model, Users};
use crate::stats::genres::genres;
use crate::stats::movie::one_movie;
use crate::stats::summary::summary;
use crate::stats::timeline::{Every, Period, timeline};
use crate::stats::users::{TopShare, users};

/// Count ratings, users and movies, with means and ranges
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  mvrec stats summary ml-2019
  mvrec ingest ml-latest-small | mvrec stats summary --format json | jq .mean_rating")]
pub(super) struct SummaryArgs {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    report: ReportArgs,
}

/// Tell how many ratings users give, and how much of all the busiest give
///
/// JSON has quantiles, bins and shares; other formats the shares: what the top 10 %, 20 % … of the users, rounded up to whole users, give.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  mvrec stats users ml-2019
  mvrec stats users ml --format json | jq .quantiles")]
pub(super) struct UserTableArgs {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    report: ReportArgs,
}

/// List every genre with its movies, ratings, average and share
///
/// A movie counts in each of its genres, so that the shares of all ratings add up to more than 1.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  mvrec stats genres ml-2019
  mvrec stats genres ml --format jsonl | jq -r 'select(.avg_rating > 3.6).genre'")]
pub(super) struct GenreTableArgs {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    movies: MoviesArgs,
    #[command(flatten)]
    report: ReportArgs,
}

/// Follow number and average of ratings over time
///
/// A row for each period in UTC from the first to the last rating, with what has come together so far. Ratings without a time are left
/// out and counted on stderr.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  mvrec stats timeline --by year ml
  mvrec stats timeline --movie \"Spirited Away\" --movie \"Alien\" ml -o two.csv
  mvrec stats timeline --genre Documentary ml --format jsonl")]
pub(super) struct TimelineArgs {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    movies: MoviesArgs,
    /// Length of a period
    #[arg(long, value_enum, default_value_t = EveryArg::Month, value_name = "PERIOD")]
    by: EveryArg,
    /// Only this movie, id or title (can be repeated: one after another)
    #[arg(long, value_name = "MOVIE", conflicts_with = "genre")]
    movie: Vec<String>,
    /// Only movies of this genre (can be repeated: any of them)
    #[arg(long, value_name = "GENRE")]
    genre: Vec<String>,
    #[command(flatten)]
    report: ReportArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum EveryArg {
    Day,
    /// From Monday on
    Week,
    Month,
    Year,
}

/// Tell all that is known of one movie
///
/// Titles, links, figures, the histogram of its stars, its years, and with --model the movies most like it. The percentiles are the
/// shares of the rated movies that have fewer ratings, or a lower average.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  mvrec stats movie \"Spirited Away\" ml
  mvrec stats movie 5618 ml --model als --format json | jq '.similar[].title'")]
pub(super) struct MovieArgs {
    /// The movie, id or title
    #[arg(value_name = "MOVIE")]
    movie: String,
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    movies: MoviesArgs,
    /// Model to find the likes of the movie by
    #[arg(long, value_name = "MODEL")]
    model: Option<PathBuf>,
    #[command(flatten)]
    report: ReportArgs,
}

/// Periods, and the movie that they are of where they are of one.
type Line = (Option<(MovieId, String)>, Vec<Period>);

fn rows_of(columns: Vec<(&str, ArrayRef, bool)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns).expect("columns of equal length")
}

fn object_of(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => unreachable!("it was made as an object"),
    }
}

impl SummaryArgs {
    pub(super) fn run(&self, ui: &Ui) -> Result<()> {
        let sink = self.report.sink()?;
        let dataset = self.input.load(BYTES_PER_RATING, ui)?;
        let object = object_of(serde_json::to_value(summary(&dataset.ratings))?);
        ui.finish();
        sink.write(&Report::Object(object))
    }
}

impl UserTableArgs {
    pub(super) fn run(&self, ui: &Ui) -> Result<()> {
        let sink = self.report.sink()?;
        let dataset = self.input.load(BYTES_PER_RATING, ui)?;
        let report = users(&dataset.ratings);
        ui.finish();
        let share = |share: &TopShare| {
            json!({
                "top_percent": share.top_percent, "users": share.users, "ratings": share.ratings,
                "share": share.share,
            })
        };
        let object = json!({
            "users": report.users,
            "ratings": report.ratings,
            "mean": report.mean,
            "quantiles": report.quantiles.iter().map(|(share, n)| json!({"share": share, "ratings": n})).collect::<Vec<_>>(),
            "top": report.shares.iter().map(share).collect::<Vec<_>>(),
            "bins": report.bins.iter().map(|bin| json!({"from": bin.from, "to": bin.to, "users": bin.users})).collect::<Vec<_>>(),
        });
        let shares = || report.shares.iter();
        let rows = rows_of(vec![
            (
                "top_percent",
                Arc::new(shares().map(|s| Some(s.top_percent as i32)).collect::<Int32Array>()),
                false,
            ),
            (
                "users",
                Arc::new(shares().map(|s| Some(s.users as i64)).collect::<Int64Array>()),
                false,
            ),
            (
                "ratings",
                Arc::new(shares().map(|s| Some(s.ratings as i64)).collect::<Int64Array>()),
                false,
            ),
            ("share", Arc::new(shares().map(|s| Some(s.share)).collect::<Float64Array>()), false),
        ]);
        sink.write(&Report::Both { object: object_of(object), rows })
    }
}

impl GenreTableArgs {
    pub(super) fn run(&self, ui: &Ui) -> Result<()> {
        let sink = self.report.sink()?;
        let dataset = self.input.load(BYTES_PER_RATING, ui)?;
        let movies = self.movies.of(&dataset, ui)?.ok_or(DatasetError::NoMovies)?;
        let figures = genres(&dataset.ratings, &movies);
        ui.finish();
        let of = || figures.iter();
        let rows = rows_of(vec![
            ("genre", Arc::new(StringArray::from_iter_values(of().map(|g| &g.genre))), false),
            (
                "movies",
                Arc::new(of().map(|g| Some(g.movies as i64)).collect::<Int64Array>()),
                false,
            ),
            (
                "total_ratings",
                Arc::new(of().map(|g| Some(g.total_ratings as i64)).collect::<Int64Array>()),
                false,
            ),
            (
                "avg_rating",
                Arc::new(of().map(|g| Some(g.avg_rating)).collect::<Float64Array>()),
                false,
            ),
            ("share", Arc::new(of().map(|g| Some(g.share)).collect::<Float64Array>()), false),
        ]);
        sink.write(&Report::Rows(rows))
    }
}

impl TimelineArgs {
    pub(super) fn run(&self, ui: &Ui) -> Result<()> {
        let sink = self.report.sink()?;
        let dataset = self.input.load(BYTES_PER_RATING, ui)?;
        let ratings = &dataset.ratings;
        let every = match self.by {
            EveryArg::Day => Every::Day,
            EveryArg::Week => Every::Week,
            EveryArg::Month => Every::Month,
            EveryArg::Year => Every::Year,
        };
        let untimed = ratings.columns().time_ms.iter().filter(|&&ms| ms == NO_TIME).count();
        if untimed > 0 {
            ui.say(&format!("warning: {untimed} ratings have no time and are left out"));
        }
        let ids = &ratings.columns().movie_id;
        let mut of: Vec<Line> = Vec::new();
        if !self.movie.is_empty() {
            let known = self.movies.of(&dataset, ui)?;
            for text in &self.movie {
                let id = find(&dataset, known.as_ref(), text)?;
                let periods = timeline(ratings, every, |row| ids[row] == id.0);
                of.push((Some((id, title_of(known.as_ref(), id))), periods));
            }
        } else if !self.genre.is_empty() {
            let known = self.movies.of(&dataset, ui)?.ok_or(DatasetError::NoMovies)?;
            known.check_genres(&self.genre).map_err(DatasetError::from)?;
            let fits =
                known.iter().filter(|(_, movie)| self.genre.iter().any(|g| movie.has_genre(g)));
            let wanted: Vec<i32> = fits.map(|(id, _)| id.0).collect();
            let wanted = Lookup::new(&wanted);
            of.push((None, timeline(ratings, every, |row| wanted.get(ids[row]).is_some())));
        } else {
            of.push((None, timeline(ratings, every, |_| true)));
        }
        ui.finish();
        sink.write(&Report::Rows(self.rows(&of)))
    }

    fn rows(&self, of: &[Line]) -> RecordBatch {
        let periods = || of.iter().flat_map(|(_, periods)| periods);
        let days = periods().map(|p| p.start.to_epoch_days());
        let mut columns: Vec<(&str, ArrayRef, bool)> = vec![
            ("period", Arc::new(Date32Array::from_iter_values(days)), false),
            (
                "total_ratings",
                Arc::new(periods().map(|p| Some(p.total_ratings as i64)).collect::<Int64Array>()),
                false,
            ),
            (
                "avg_rating",
                Arc::new(periods().map(|p| p.avg_rating).collect::<Float64Array>()),
                true,
            ),
            (
                "cumulative_ratings",
                Arc::new(
                    periods().map(|p| Some(p.cumulative_ratings as i64)).collect::<Int64Array>(),
                ),
                false,
            ),
            (
                "cumulative_avg",
                Arc::new(periods().map(|p| Some(p.cumulative_avg)).collect::<Float64Array>()),
                false,
            ),
        ];
        if !self.movie.is_empty() {
            let movies = || {
                of.iter()
                    .flat_map(|(movie, periods)| periods.iter().filter_map(move |_| movie.as_ref()))
            };
            let ids = Int32Array::from_iter_values(movies().map(|(id, _)| id.0));
            let titles = StringArray::from_iter_values(movies().map(|(_, title)| title));
            columns.insert(0, ("movie_id", Arc::new(ids), false));
            columns.insert(1, ("title", Arc::new(titles), false));
        }
        rows_of(columns)
    }
}

/// Finds a rated movie by its id or title.
fn find(dataset: &Dataset, known: Option<&Movies>, text: &str) -> Result<MovieId> {
    let counts = dataset.ratings.movie_counts();
    let count = |id: MovieId| {
        let at = counts.binary_search_by_key(&id.0, |(id, _)| *id);
        at.map_or(0, |at| counts[at].1 as u64)
    };
    let none = Movies::default();
    Ok(titles::find(known.unwrap_or(&none), text, |id| count(id) > 0, count)?)
}

fn title_of(known: Option<&Movies>, id: MovieId) -> String {
    known.and_then(|movies| movies.get(id)).map_or("", |movie| movie.title).to_string()
}

impl MovieArgs {
    pub(super) fn run(&self, ui: &Ui) -> Result<()> {
        let sink = self.report.sink()?;
        let dataset = self.input.load(BYTES_PER_RATING, ui)?;
        let known = self.movies.of(&dataset, ui)?;
        let id = find(&dataset, known.as_ref(), &self.movie)?;
        let movie = known.as_ref().and_then(|movies| movies.get(id)).unwrap_or_default();
        let figures = one_movie(&dataset.ratings, id)
            .ok_or_else(|| anyhow::anyhow!("`{}` has no ratings here", self.movie))?;
        let imdb = movie.imdb_id.map(|id| format!("https://www.imdb.com/title/tt{id}/"));
        let tmdb = movie.tmdb_id.map(|id| format!("https://www.themoviedb.org/movie/{id}"));
        let histogram: Map<String, Value> =
            figures.histogram.iter().map(|(stars, n)| (stars.to_string(), json!(n))).collect();
        let years = figures.timeline.iter().map(|period| {
            json!({
                "period": period.start.to_string(), "total_ratings": period.total_ratings,
                "avg_rating": period.avg_rating, "cumulative_ratings": period.cumulative_ratings,
                "cumulative_avg": period.cumulative_avg,
            })
        });
        let mut object = object_of(json!({
            "movie_id": id.0,
            "movie_key": movie.key,
            "title": movie.title,
            "release_year": movie.release_year,
            "genres": movie.genres,
            "imdb": imdb,
            "tmdb": tmdb,
            "total_ratings": figures.total_ratings,
            "avg_rating": figures.avg_rating,
            "stddev_rating": figures.stddev_rating,
            "count_percentile": figures.count_percentile,
            "mean_percentile": figures.mean_percentile,
            "histogram": histogram,
            "years": years.collect::<Vec<_>>(),
        }));
        if movie.key.is_none() {
            object.shift_remove("movie_key");
        }
        if let Some(model) = &self.model {
            object.insert("similar".into(), similar(model, id)?);
        }
        ui.finish();
        sink.write(&Report::Object(object))
    }
}

/// Returns the movies most like one, by a model.
fn similar(folder: &Path, id: MovieId) -> Result<Value> {
    const LISTED: usize = 10;
    let model = Model::open(folder, &Users::Some(Vec::new()), None)?;
    let Some(item) = model.catalogue.item(id) else {
        anyhow::bail!("{}: movie {id} is not in the model", folder.display());
    };
    let list = Ranker::new(&model, Query { n: LISTED, ..Query::default() }).similar_to(item)?;
    let row = |row: &Recommendation| {
        json!({
            "movie_id": model.catalogue.id(row.item).0,
            "title": model.catalogue.movie(row.item).title,
            "score": row.score,
        })
    };
    Ok(list.iter().map(row).collect())
}
