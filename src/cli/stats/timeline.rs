//! Ratings over time.

use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, RecordBatch};
use clap::Args;

use crate::cli::args::{InputArgs, MoviesArgs};
use crate::cli::error::Result;
use crate::cli::output::columns::{counts, figures, ids, rows_of, some_figures, texts};
use crate::cli::output::{ChartArgs, Report};
use crate::cli::stats::lists::rated;
use crate::cli::stats::movie::{are_ids, find, guess, numbers};
use crate::cli::ui::{Ui, counted};
use crate::dataset::ids::{IdLookup, MovieId, distinct, position};
use crate::dataset::{DatasetError, Movies, RatingScan};
use crate::plot::{Figure, stats as plot};
use crate::stats::timeline::{DayAggregator, PeriodLength, TimelinePeriod};

/// Follow number and average of ratings over time
///
/// A row for each period in UTC from the first to the last rating, with what has come together so
/// far. Ratings without a time are left out and counted on stderr.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  mvrec stats timeline --by year ml --chart
  mvrec stats timeline --movie \"Spirited Away\" --movie \"Alien\" ml -o two.csv --plot two.svg
  mvrec stats timeline --genre Documentary ml --format jsonl")]
pub(super) struct TimelineArgs {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    movies: MoviesArgs,
    /// Length of a period
    #[arg(long, value_enum, default_value_t = PeriodLength::Month, value_name = "PERIOD")]
    by: PeriodLength,
    /// Only this movie, id or title (can be repeated: one after another)
    #[arg(long, value_name = "MOVIE", conflicts_with = "genre")]
    movie: Vec<String>,
    /// Only movies of this genre (can be repeated: any of them)
    #[arg(long, value_name = "GENRE")]
    genre: Vec<String>,
    #[command(flatten)]
    report: ChartArgs,
}

/// Periods, and the movie that they are of where they are of one.
type MovieTimeline = (Option<(MovieId, String)>, Vec<TimelinePeriod>);

impl TimelineArgs {
    pub(super) fn run(&self, ui: &Ui) -> Result<()> {
        let sink = self.report.sink()?;
        let scan = self.input.scan(ui)?;
        let lines = if !self.movie.is_empty() {
            self.movie_timelines(&scan, ui)?
        } else if !self.genre.is_empty() {
            let known = self.movies.movies_for_scan(&scan, false)?.ok_or(DatasetError::NoMovies)?;
            known.check_genres(&self.genre).map_err(DatasetError::from)?;
            let fits =
                known.iter().filter(|(_, movie)| self.genre.iter().any(|g| movie.has_genre(g)));
            let ids: Vec<i32> = fits.map(|(id, _)| id.0).collect();
            let lookup = IdLookup::new(&ids);
            self.one_line(scan.aggregate(ui, || DayAggregator::for_movies(&lookup))?, ui)
        } else {
            self.one_line(scan.aggregate(ui, DayAggregator::all)?, ui)
        };
        ui.finish();
        sink.write(&Report::Rows(self.rows(&lines)), || self.figure(&lines))
    }

    /// Finds the movies of --movie and adds up their ratings: in one pass where no title needs a
    /// count of ratings to be understood.
    fn movie_timelines(&self, scan: &RatingScan, ui: &Ui) -> Result<Vec<MovieTimeline>> {
        let all_rated = |of: &OfMovies| of.each.iter().all(|(_, periods)| !periods.is_empty());
        if let Some(ids) = numbers(&self.movie) {
            let wanted = distinct_of(&ids);
            let of = || self.periods_of(scan, ids, ui);
            let (of, known) = rayon::join(of, || self.movies.some_movies_for_scan(scan, &wanted));
            let (of, known) = (of?, known?);
            if all_rated(&of) && are_ids(known.as_ref()) {
                return Ok(of.into_lines(known.as_ref(), ui));
            }
        }
        let known = self.movies.movies_for_scan(scan, false)?;
        if let Some(ids) = guess(known.as_ref(), &self.movie) {
            let of = self.periods_of(scan, ids, ui)?;
            if all_rated(&of) {
                return Ok(of.into_lines(known.as_ref(), ui));
            }
        }
        let rated = rated(scan, &self.movies, ui)?.0;
        let ids = self.movie.iter().map(|text| find(&rated, known.as_ref(), text));
        let of = self.periods_of(scan, ids.collect::<Result<_>>()?, ui)?;
        Ok(of.into_lines(known.as_ref(), ui))
    }

    /// Adds up the ratings of some movies, of which one may be named again.
    fn periods_of(&self, scan: &RatingScan, ids: Vec<MovieId>, ui: &Ui) -> Result<OfMovies> {
        let distinct = distinct_of(&ids);
        let lookup = IdLookup::new(&distinct);
        let days = scan.aggregate(ui, || DayAggregator::for_each_movie(&distinct, &lookup))?;
        let untimed = days.untimed();
        let periods = days.finish(self.by);
        let of = |id: MovieId| {
            let at = position(&distinct, id.0).expect("it is one of them");
            (id, periods[at as usize].clone())
        };
        Ok(OfMovies { untimed, each: ids.into_iter().map(of).collect() })
    }

    /// Says how many ratings are left out, and returns the periods.
    fn one_line(&self, days: DayAggregator<'_>, ui: &Ui) -> Vec<MovieTimeline> {
        tell_of_untimed(days.untimed(), ui);
        days.finish(self.by).into_iter().map(|periods| (None, periods)).collect()
    }

    fn figure(&self, lines: &[MovieTimeline]) -> Figure {
        let name = |movie: &Option<(MovieId, String)>| match movie {
            Some((id, title)) if title.is_empty() => format!("movie {id}"),
            Some((_, title)) => title.clone(),
            None => String::new(),
        };
        let named: Vec<(String, Vec<TimelinePeriod>)> =
            lines.iter().map(|(movie, periods)| (name(movie), periods.clone())).collect();
        let title = match &named[..] {
            [(title, _)] if !title.is_empty() => format!("{title} over time"),
            _ if !self.genre.is_empty() => {
                format!("Ratings of {} over time", self.genre.join(", "))
            }
            _ => "Ratings over time".into(),
        };
        plot::timeline(&title, &named, self.by)
    }

    fn rows(&self, of: &[MovieTimeline]) -> RecordBatch {
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

/// Returns the raw ids of movies of which some may be named again, ascending.
fn distinct_of(ids: &[MovieId]) -> Vec<i32> {
    distinct(&ids.iter().map(|id| id.0).collect::<Vec<_>>())
}

/// The periods of each of some movies, and how many ratings have no time.
struct OfMovies {
    untimed: u64,
    each: Vec<(MovieId, Vec<TimelinePeriod>)>,
}

impl OfMovies {
    /// Says how many ratings are left out, and returns the periods with their movies' titles.
    fn into_lines(self, known: Option<&Movies>, ui: &Ui) -> Vec<MovieTimeline> {
        tell_of_untimed(self.untimed, ui);
        let title = |id| known.and_then(|movies| movies.get(id)).unwrap_or_default().title;
        let line = |(id, periods)| (Some((id, title(id).to_string())), periods);
        self.each.into_iter().map(line).collect()
    }
}

fn tell_of_untimed(n: u64, ui: &Ui) {
    if n > 0 {
        ui.say(&format!("warning: {} without a time left out", counted(n as usize, "rating")));
    }
}
