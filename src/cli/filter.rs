//! `mvrec filter`

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};

use crate::cli::args::{InputArgs, MoviesArgs, check_share, parse_time};
use crate::cli::error::{Result, usage};
use crate::cli::output::RatingsSink;
use crate::cli::ui::Ui;
use crate::dataset::Dataset;
use crate::dataset::filter::{self, Conditions, Sample};
use crate::dataset::load::load_ids;
use crate::io::time;

/// Keep only the ratings that match
///
/// Conditions combine with "and". First come those on single ratings (--users, --movies-in, --year, --since, --until, --rating,
/// --genre, --sample), in any order; then --min-user-ratings and --min-movie-ratings, which count what those
/// have left: both at once, or with --core again and again until both hold. Movies, links and tags of a dataset come along unchanged.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  mvrec filter --year 2019 --min-movie-ratings 5 ml-25m -o ml-2019
  mvrec filter --rating 4.. --genre Drama --genre War ml-25m | mvrec stats top --movies ml-25m")]
pub(crate) struct FilterArgs {
    #[command(flatten)]
    input: InputArgs,
    /// Dataset directory, or one file (.parquet .csv .json .jsonl) of the ratings alone [default: Parquet on
    /// stdout]
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
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
    /// By one of the users in this file: an id a line, or a Parquet file with `user_id`
    #[arg(long, value_name = "FILE")]
    users: Option<PathBuf>,
    /// Of one of the movies in this file: an id a line, or a Parquet file with `movie_id`
    #[arg(long, value_name = "FILE")]
    movies_in: Option<PathBuf>,
    /// Keep about this share, 0 to 1, chosen by a hash of seed and ids: always the same ones
    #[arg(long, value_name = "SHARE")]
    sample: Option<f64>,
    /// What --sample chooses
    #[arg(long, value_enum, default_value_t = SampleOf::Ratings, value_name = "WHAT")]
    sample_of: SampleOf,
    /// Seed of --sample
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
    fn conditions(&self) -> Result<Conditions> {
        let (mut since, mut until) = (self.since, self.until);
        if let Some(year) = self.year {
            let bounds = time::start_of_year(year).zip(time::start_of_year(year.saturating_add(1)));
            let Some((start, end)) = bounds else {
                return Err(usage(format!("--year {year} is not in the calendar")));
            };
            since = since.max(Some(start));
            until = Some(until.map_or(end, |until| until.min(end)));
        }
        check_share("--sample", self.sample)?;
        let ids = |path: &Option<PathBuf>, column| {
            path.as_deref().map(|path| load_ids(path, column)).transpose()
        };
        Ok(Conditions {
            users: ids(&self.users, "user_id")?,
            movies: ids(&self.movies_in, "movie_id")?,
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
    let conditions = args.conditions()?;
    let sink = RatingsSink::new(args.output.as_deref())?;
    let given = args.movies.load()?;
    let dataset = args.input.load(ui)?;
    let rows_in = dataset.ratings.len();
    let movies = if conditions.need_movies() { given.or_else(|| dataset.movies()) } else { None };
    let kept: Dataset = filter::apply(dataset, &conditions, movies.as_ref())?;
    ui.finish();
    let n = kept.ratings.len();
    ui.say(&format!("kept {n} of {rows_in} ratings"));
    if n == 0 {
        ui.say("warning: no rating matches");
    }
    sink.write(&kept)
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
