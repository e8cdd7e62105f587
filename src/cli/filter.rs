//! `mvrec filter`

use std::mem;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{Args, ValueEnum};

use crate::cli::args::{
    InputArgs, MoviesArgs, check_share, load_id_list, parse_time, tell_of_duplicates,
};
use crate::cli::error::{EMPTY, Result, missed, usage, wrong_expression};
use crate::cli::output::RatingsSink;
use crate::cli::ui::Ui;
use crate::dataset::expr::{self, Field, Known, Plan};
use crate::dataset::filter::{Filter, FilterConditions, Sample};
use crate::dataset::input::RatingsInput;
use crate::dataset::ratings::DuplicatePolicy;
use crate::dataset::sort::ExternalSorter;
use crate::io::columns::RatingColumns;
use crate::io::id_list::IdSide;
use crate::io::import_state::ImportState;
use crate::io::keys::Keys;
use crate::io::time;

/// Keep only the ratings that match
///
/// Conditions combine with "and". First come those on single ratings (--where, --users,
/// --movies-in, --year, --since, --until, --rating, --genre, --sample), in any order; then
/// --min-user-ratings and --min-movie-ratings, which count what those have left: both at once, or
/// with --core again and again until both hold. Movies, links and tags of a dataset come along
/// unchanged.
///
/// --where takes an expression of `and`, `or`, `not`, parentheses and comparisons (= != < <= > >=
/// in, ~ for "contains") of these fields: rating, date and year (when it was given, UTC), user,
/// movie (ids or keys), released (year of release), genre (one of the movie's), title, user_ratings
/// and movie_ratings (ratings of the user or movie in the whole input). As in SQL, what is not
/// known (no timestamp, no year of release) is neither equal nor unequal to anything.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  mvrec filter --year 2019 --min-movie-ratings 5 ml-25m -o ml-2019
  mvrec filter --rating 4.. --genre Drama --genre War ml-25m | mvrec stats top --movies ml-25m
  mvrec filter --where 'rating >= 4 and released >= 1990 and genre = \"Drama\"' ml-25m -o liked
  mvrec filter --where 'date >= 2019-07-01 and not title ~ \"(1995)\" and user_ratings >= 20' ml-25m -o some")]
pub(crate) struct FilterArgs {
    #[command(flatten)]
    input: InputArgs,
    /// Dataset directory, or one file of the ratings alone (.parquet .csv .tsv .json .jsonl, text
    /// also with .gz or .zst) [default: `-`, Parquet on stdout]
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// That meets this expression, such as 'rating >= 4 and released >= 1990 and genre = "Drama"'
    #[arg(long = "where", value_name = "EXPRESSION")]
    expression: Option<String>,
    /// Given in this year (UTC)
    #[arg(long, value_name = "YEAR")]
    year: Option<i32>,
    /// Given at this date or time (ISO 8601, UTC) or later
    #[arg(long, value_name = "DATE", value_parser = parse_time)]
    since: Option<i64>,
    /// Given before this date or time (ISO 8601, UTC)
    #[arg(long, value_name = "DATE", value_parser = parse_time)]
    until: Option<i64>,
    /// Stars in this range, both ends included: 3.5.. or ..2 or 3..4
    #[arg(long, value_name = "RANGE")]
    rating: Option<StarRange>,
    /// Of a movie of this genre (can be repeated: any of them)
    #[arg(long, value_name = "GENRE")]
    genre: Vec<String>,
    /// By one of the users in this list: a file with an id a line or a column of users, JSON,
    /// Parquet or a dataset
    #[arg(long, value_name = "FILE")]
    users: Option<PathBuf>,
    /// Of one of the movies in this list: a file with an id a line or a column of movies, JSON,
    /// Parquet or a dataset
    #[arg(long, value_name = "FILE")]
    movies_in: Option<PathBuf>,
    /// Keep about this share, 0 to 1, chosen by a hash of seed and ids: always the same ones
    #[arg(long, value_name = "SHARE")]
    sample: Option<f64>,
    /// What --sample chooses
    #[arg(long, value_enum, default_value_t = SampleOf::Ratings, value_name = "WHAT")]
    sample_of: SampleOf,
    /// Random seed of --sample
    #[arg(long, default_value_t = 42, value_name = "N")]
    seed: u64,
    /// By a user with at least this many ratings
    #[arg(long, default_value_t = 0, value_name = "N", hide_default_value = true)]
    min_user_ratings: usize,
    /// Of a movie with at least this many ratings
    #[arg(long, default_value_t = 0, value_name = "N", hide_default_value = true)]
    min_movie_ratings: usize,
    /// Repeat both counts until they hold together
    #[arg(long)]
    core: bool,
    #[command(flatten)]
    movies: MoviesArgs,
    /// End with exit code 3 if no rating is kept; the output is written all the same
    #[arg(long)]
    fail_if_empty: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SampleOf {
    /// Single ratings
    Ratings,
    /// Users with all their ratings
    Users,
}

/// A range of stars as typed.
#[derive(Debug, Clone, Copy, PartialEq)]
struct StarRange {
    min: Option<f32>,
    max: Option<f32>,
}

impl FromStr for StarRange {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let end = |part: &str| match part {
            "" => Ok(None),
            _ => match part.parse::<f32>() {
                Ok(stars) if stars.is_finite() => Ok(Some(stars)),
                _ => Err(format!("`{part}` is not a number of stars")),
            },
        };
        let (min, max) = match text.split_once("..") {
            Some((min, max)) => (end(min)?, end(max)?),
            None => (end(text)?, end(text)?),
        };
        match (min, max) {
            (None, None) => Err("a range needs a number: 3.5.. or ..2 or 3..4".into()),
            (Some(min), Some(max)) if min > max => Err("the range is empty".into()),
            _ => Ok(Self { min, max }),
        }
    }
}

impl FilterArgs {
    /// Checks what can be checked before anything is read.
    fn check(&self) -> Result<()> {
        self.period()?;
        check_share("--sample", self.sample)
    }

    /// Returns the first millisecond to keep and the first to leave out.
    fn period(&self) -> Result<(Option<i64>, Option<i64>)> {
        let Some(year) = self.year else { return Ok((self.since, self.until)) };
        let bounds = time::start_of_year(year).zip(time::start_of_year(year.saturating_add(1)));
        let Some((start, end)) = bounds else {
            return Err(usage(format!("--year {year} is not in the calendar")));
        };
        Ok((self.since.max(Some(start)), Some(self.until.map_or(end, |until| until.min(end)))))
    }

    fn conditions(
        &self,
        user_keys: Option<&Keys>,
        movie_keys: Option<&Keys>,
        ui: &Ui,
    ) -> Result<FilterConditions> {
        let (since, until) = self.period()?;
        let ids = |path: &Option<PathBuf>, side, keys| {
            path.as_deref().map(|path| load_id_list(path, side, keys, ui)).transpose()
        };
        Ok(FilterConditions {
            users: ids(&self.users, IdSide::User, user_keys)?,
            movies: ids(&self.movies_in, IdSide::Movie, movie_keys)?,
            since_ms: since,
            until_ms: until,
            min_rating: self.rating.and_then(|range| range.min),
            max_rating: self.rating.and_then(|range| range.max),
            genres: self.genre.clone(),
            sample: self.sample.map(|fraction| Sample {
                fraction,
                whole_users: self.sample_of == SampleOf::Users,
                seed: self.seed,
            }),
            min_user_ratings: self.min_user_ratings,
            min_movie_ratings: self.min_movie_ratings,
            core: self.core,
        })
    }
}

pub(crate) fn run(args: &FilterArgs, ui: &Ui) -> Result<()> {
    let expr = args.expression.as_deref().map(expr::parse).transpose().map_err(wrong_expression)?;
    args.check()?;
    let input = args.input.path()?;
    let others = [args.movies.path(), args.users.as_deref(), args.movies_in.as_deref()];
    let inputs: Vec<&Path> = others.into_iter().flatten().chain([input]).collect();
    let sink = RatingsSink::new(args.output.as_deref(), &inputs)?;
    let (mut input, dropped) = RatingsInput::open(input)?.in_order(sink.place().folder(), ui)?;
    tell_of_duplicates(dropped, ui);
    let user_keys = input.sidecar.user_keys.clone();
    let movie_keys = input.sidecar.movie_keys();
    let conditions = args.conditions(user_keys.as_ref(), movie_keys.as_ref(), ui)?;
    let of_movies = [Field::Released, Field::Genre, Field::Title];
    let need_movies = !args.genre.is_empty() || expr.as_ref().is_some_and(|e| e.asks(&of_movies));
    let movies = match need_movies {
        true => args.movies.beside(|| Ok(input.sidecar.movies()))?,
        false => None,
    };
    let plan = match (&args.expression, &expr) {
        (Some(text), Some(expr)) => {
            let counted = expr.asks(&[Field::UserRatings, Field::MovieRatings]);
            let counts = counted.then(|| input.count(None, |rows| rows, ui)).transpose()?;
            let known = Known {
                movies: movies.as_ref(),
                user_keys: user_keys.as_ref(),
                movie_keys: movie_keys.as_ref(),
                counts: counts.as_ref().map(|(users, movies)| (users, movies)),
            };
            Some(Plan::new(text, expr, &known).map_err(wrong_expression)?)
        }
        _ => None,
    };
    let mut filter = Filter::new(&conditions, movies.as_ref(), plan)?.drawing_after(
        &input.sidecar.history.steps,
        user_keys.as_ref(),
        movie_keys.as_ref(),
    );

    let rows_in = input.n_rows().unwrap_or(0);
    // Which ratings stay, all of them together decide: they are counted first.
    filter.settle(|filter| input.count(filter.period(), |rows| filter.rows(&rows), ui))?;
    let mut sidecar = mem::take(&mut input.sidecar);
    let mut import = ImportState { period: filter.period(), ..ImportState::default() };
    import.options.scale = sidecar.history.scale.unwrap_or_default();
    let mut sorter =
        ExternalSorter::new(sink.place(), DuplicatePolicy::Last).map_err(|e| sink.named(e))?;
    let mut keep = |rows: RatingColumns| sorter.push(filter.rows(&rows));
    let read = input.read(&mut import, &mut keep, ui);
    read.map_err(|error| sink.named(error))?;
    let mut n = 0;
    let sorted = sink.sorted(sorter, &mut sidecar, |kept, _| {
        n = kept;
        filter.step(args.expression.as_deref(), rows_in, n)
    })?;
    ui.finish();
    ui.say(&format!("kept {n} of {rows_in} ratings"));
    if n == 0 {
        ui.say("warning: no rating meets all conditions");
    }
    sink.write(sorted, &sidecar)?;
    if n == 0 && args.fail_if_empty { Err(missed(EMPTY)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_dates_as_typed() {
        let range = |text: &str| text.parse::<StarRange>().map(|range| (range.min, range.max));
        assert_eq!(range("3.5.."), Ok((Some(3.5), None)));
        assert_eq!(range("..2"), Ok((None, Some(2.0))));
        assert_eq!(range("3..4.5"), Ok((Some(3.0), Some(4.5))));
        assert_eq!(range("5"), Ok((Some(5.0), Some(5.0))));
        for bad in ["", "..", "4..3", "x..", "NaN.."] {
            assert!(range(bad).is_err(), "{bad}");
        }
        assert_eq!(parse_time("2018"), Ok(1_514_764_800_000));
        assert_eq!(parse_time("2018-01-01"), Ok(1_514_764_800_000));
        assert!(parse_time("1514764800").is_err() && parse_time("soon").is_err());
    }
}
