//! Ratings over time.

use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, RecordBatch};
use clap::{Args, ValueEnum};

use crate::cli::args::{InputArgs, MoviesArgs};
use crate::cli::error::Result;
use crate::cli::output::columns::{counts, figures, ids, rows_of, some_figures, texts};
use crate::cli::output::{Report, ReportArgs};
use crate::cli::stats::BYTES_PER_RATING;
use crate::cli::stats::movie::find;
use crate::cli::ui::Ui;
use crate::dataset::DatasetError;
use crate::dataset::ids::{Lookup, MovieId};
use crate::io::columns::NO_TIME;
use crate::stats::timeline::{Every, Period, timeline};

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

/// Periods, and the movie that they are of where they are of one.
type Line = (Option<(MovieId, String)>, Vec<Period>);

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
        let movies = &ratings.columns().movie_id;
        let mut of: Vec<Line> = Vec::new();
        if !self.movie.is_empty() {
            let known = self.movies.of(&dataset, ui)?;
            for text in &self.movie {
                let id = find(&dataset, known.as_ref(), text)?;
                let periods = timeline(ratings, every, |row| movies[row] == id.0);
                let movie = known.as_ref().and_then(|movies| movies.get(id)).unwrap_or_default();
                of.push((Some((id, movie.title.to_string())), periods));
            }
        } else if !self.genre.is_empty() {
            let known = self.movies.of(&dataset, ui)?.ok_or(DatasetError::NoMovies)?;
            known.check_genres(&self.genre).map_err(DatasetError::from)?;
            let fits =
                known.iter().filter(|(_, movie)| self.genre.iter().any(|g| movie.has_genre(g)));
            let wanted: Vec<i32> = fits.map(|(id, _)| id.0).collect();
            let wanted = Lookup::new(&wanted);
            of.push((None, timeline(ratings, every, |row| wanted.get(movies[row]).is_some())));
        } else {
            of.push((None, timeline(ratings, every, |_| true)));
        }
        ui.finish();
        sink.write(&Report::Rows(self.rows(&of)))
    }

    fn rows(&self, of: &[Line]) -> RecordBatch {
        let periods = || of.iter().flat_map(|(_, periods)| periods);
        let days = periods().map(|period| period.start.to_epoch_days());
        let mut columns = vec![
            ("period", Arc::new(Date32Array::from_iter_values(days)) as ArrayRef, false),
            counts("total_ratings", periods().map(|period| period.total_ratings)),
            some_figures("avg_rating", periods().map(|period| period.avg_rating)),
            counts("cumulative_ratings", periods().map(|period| period.cumulative_ratings)),
            figures("cumulative_avg", periods().map(|period| period.cumulative_avg)),
        ];
        if !self.movie.is_empty() {
            let movies = || {
                let times =
                    of.iter().flat_map(|(movie, periods)| periods.iter().map(move |_| movie));
                times.flatten()
            };
            columns.insert(0, ids("movie_id", movies().map(|(id, _)| id.0)));
            columns.insert(1, texts("title", movies().map(|(_, title)| title)));
        }
        rows_of(columns)
    }
}
