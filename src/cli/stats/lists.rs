//! Reports that list movies.

use clap::Args;
use rayon::prelude::*;

use crate::cli::args::{InputArgs, MoviesArgs};
use crate::cli::error::Result;
use crate::cli::output::columns::{
    ReportColumn, counts, figures, ids, rows_of, some_figures, some_texts, texts,
};
use crate::cli::output::{ChartArgs, Report};
use crate::cli::ui::Ui;
use crate::dataset::ids::{MovieId, position};
use crate::dataset::movies::Movies;
use crate::dataset::{DatasetError, RatingScan};
use crate::plot::stats as plot;
use crate::progress::Progress;
use crate::stats::landing::{POOL, landing};
use crate::stats::movies::{self, MovieFigures, Order, all_ranked, first_of_genres, ranked};
use crate::stats::sum_table::{PerMovie, sums_of_movie};
use crate::stats::sums::RatingSums;

/// List every rated movie with its average and number of ratings
///
/// The original project's SQL: movie_id, title, genres, avg_rating, total_ratings, ordered by
/// total_ratings and then avg_rating, both descending, ties by movie_id.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  mvrec stats movies ml-2019 -o movies-2019.csv
  mvrec filter --year 2018 ml | mvrec stats movies --movies ml --format jsonl | head -3")]
pub(super) struct MovieTableArgs {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    movies: MoviesArgs,
    /// Only movies with at least this many ratings
    #[arg(long, default_value_t = 1, value_name = "N")]
    min_ratings: u64,
    #[command(flatten)]
    report: ChartArgs,
}

/// A list of movies at the top of an order.
#[derive(Debug, Args)]
pub(super) struct SelectionArgs {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    movies: MoviesArgs,
    /// Only movies with at least this many ratings
    #[arg(long, default_value_t = 50, value_name = "N")]
    min_ratings: u64,
    /// Only movies of this genre (can be repeated: any of them)
    #[arg(long, value_name = "GENRE")]
    genre: Vec<String>,
    /// Length of the list
    #[arg(short, default_value_t = 10, value_name = "N")]
    n: usize,
    #[command(flatten)]
    report: ChartArgs,
}

/// List the movies with the highest average of each genre
///
/// A movie counts in each of its genres. Ties go by the number of ratings, then by movie_id.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  mvrec stats best-by-genre ml-2019
  mvrec stats best-by-genre -n 3 --min-ratings 100 ml-2019 --format csv")]
pub(super) struct BestByGenreArgs {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    movies: MoviesArgs,
    /// Only movies with at least this many ratings
    #[arg(long, default_value_t = 50, value_name = "N")]
    min_ratings: u64,
    /// Movies of each genre
    #[arg(short, default_value_t = 1, value_name = "N")]
    n: usize,
    #[command(flatten)]
    report: ChartArgs,
}

/// Choose movies for a new user to rate: known, disputed, and of different tastes
///
/// Of the 200 most rated movies, one after another is chosen for which
/// ln(1 + ratings) / its largest value + standard deviation / its largest value - overlap is
/// largest; the overlap is that of the genres (Jaccard) with the movie most like it of those chosen
/// before.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  mvrec stats landing ml-2019
  mvrec stats landing -n 20 ml --format jsonl | jq -r .title")]
pub(super) struct LandingArgs {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    movies: MoviesArgs,
    /// Number of movies
    #[arg(short, default_value_t = 10, value_name = "N")]
    n: usize,
    #[command(flatten)]
    report: ChartArgs,
}

/// Sums of the rated movies, by ascending id, and titles where they are known.
pub(super) type Rated = (Vec<(i32, RatingSums)>, Option<Movies>);

/// Adds up the ratings of each movie, and loads titles for them.
pub(super) fn rated(scan: &RatingScan, titles: &MoviesArgs, ui: &Ui) -> Result<Rated> {
    let (rated, known) = rayon::join(
        || scan.aggregate(ui, PerMovie::default),
        || titles.movies_for_scan(scan, false),
    );
    let (rated, known) = (rated?.finish(), known?);
    MoviesArgs::tell(known.as_ref(), rated.iter().map(|(id, _)| *id), ui);
    Ok((rated, known))
}

/// Says why a list is empty.
fn explain_empty(rated: &[(i32, RatingSums)], min_ratings: u64, of_genre: bool, ui: &Ui) {
    let most = rated.iter().map(|(_, sums)| sums.n).max().unwrap_or(0);
    let movies = if of_genre { "movie of these genres" } else { "movie" };
    ui.warn(&match (most, min_ratings) {
        (0, _) => "there are no ratings".to_string(),
        (most, min) if of_genre || most >= min => {
            format!("no {movies} has {min} ratings; try a lower --min-ratings")
        }
        (most, min) => format!("no {movies} has {min} ratings; try --min-ratings {most}"),
    });
}

impl MovieTableArgs {
    pub(super) fn run(&self, ui: &Ui) -> Result<()> {
        let sink = self.report.sink()?;
        let (rated, known) = rated(&self.input.scan(ui)?, &self.movies, ui)?;
        let order = Order::MostRated;
        let ranked = all_ranked(&rated, self.min_ratings, order);
        if ranked.is_empty() {
            explain_empty(&rated, self.min_ratings, false, ui);
        }
        let rows = rows_of(columns_of(&ranked, known.as_ref(), false));
        ui.finish();
        sink.write(&Report::Rows(rows), || {
            plot::movies("Rated movies", &movies::figures(&ranked, known.as_ref()), order)
        })
    }
}

impl SelectionArgs {
    pub(super) fn run(&self, order: Order, ui: &Ui) -> Result<()> {
        let sink = self.report.sink()?;
        let (rated, known) = rated(&self.input.scan(ui)?, &self.movies, ui)?;
        let ranked = match &self.genre[..] {
            [] => ranked(&rated, self.min_ratings, order, |_| true, self.n),
            genres => {
                let known = known.as_ref().ok_or(DatasetError::NoMovies)?;
                known.check_genres(genres).map_err(DatasetError::from)?;
                let of_them = |id: MovieId| {
                    let movie = known.get(id).unwrap_or_default();
                    genres.iter().any(|genre| movie.has_genre(genre))
                };
                ranked(&rated, self.min_ratings, order, of_them, self.n)
            }
        };
        if ranked.is_empty() && self.n > 0 {
            explain_empty(&rated, self.min_ratings, !self.genre.is_empty(), ui);
        }
        ui.finish();
        let polarising = order == Order::MostPolarising;
        let rows = rows_of(columns_of(&ranked, known.as_ref(), polarising));
        sink.write(&Report::Rows(rows), || {
            plot::movies(&self.title(order), &movies::figures(&ranked, known.as_ref()), order)
        })
    }

    /// Returns the title of the picture.
    fn title(&self, order: Order) -> String {
        let what = match order {
            Order::MostRated => "Most rated movies",
            Order::BestRated => "Best rated movies",
            Order::MostPolarising => "Movies that people disagree on most",
        };
        let genre = match &self.genre[..] {
            [] => String::new(),
            genres => format!(" of {}", genres.join(", ")),
        };
        format!("{what}{genre}, of at least {} ratings", self.min_ratings)
    }
}

impl BestByGenreArgs {
    pub(super) fn run(&self, ui: &Ui) -> Result<()> {
        let sink = self.report.sink()?;
        let (rated, known) = rated(&self.input.scan(ui)?, &self.movies, ui)?;
        let known = known.ok_or(DatasetError::NoMovies)?;
        let ranked = all_ranked(&rated, self.min_ratings, Order::BestRated);
        let (genres, best): (Vec<_>, Vec<_>) =
            first_of_genres(&ranked, &known, self.n).into_iter().unzip();
        if ranked.is_empty() {
            explain_empty(&rated, self.min_ratings, false, ui);
        }
        ui.finish();
        let mut columns = columns_of(&best, Some(&known), false);
        columns.insert(0, texts("genre", genres.iter()));
        let rows = rows_of(columns);
        sink.write(&Report::Rows(rows), || {
            plot::best_by_genre(&movies::figures(&best, Some(&known)), &genres)
        })
    }
}

impl LandingArgs {
    pub(super) fn run(&self, ui: &Ui) -> Result<()> {
        let sink = self.report.sink()?;
        let (rated, known) = rated(&self.input.scan(ui)?, &self.movies, ui)?;
        let pool = ranked(&rated, 1, Order::MostRated, |_| true, POOL);
        let chosen = landing(&movies::figures(&pool, known.as_ref()), self.n);
        ui.finish();
        let sums =
            |movie: &MovieFigures| sums_of_movie(&rated, movie.movie_id.0).expect("it is rated");
        let with_sums: Vec<_> =
            chosen.iter().map(|movie| (movie.movie_id.0, sums(movie))).collect();
        let rows = rows_of(columns_of(&with_sums, known.as_ref(), true));
        let order = Order::MostPolarising;
        sink.write(&Report::Rows(rows), || {
            plot::movies("Movies for a new user to rate", &chosen, order)
        })
    }
}

/// Returns the columns of the original's SQL, and the deviation where it matters.
fn columns_of(
    some: &[(i32, RatingSums)],
    known: Option<&Movies>,
    with_deviation: bool,
) -> Vec<ReportColumn<'static>> {
    let none = Movies::default();
    let titles = known.unwrap_or(&none);
    let places: Vec<Option<usize>> =
        some.par_iter().map(|(id, _)| position(titles.ids(), *id).map(|at| at as usize)).collect();
    let movie = |at: &Option<usize>| at.map(|at| titles.at(at));
    let (title, genres) = rayon::join(
        || some_texts("title", places.iter().map(|at| Some(movie(at)?.title))),
        || some_texts("genres", places.iter().map(|at| Some(movie(at)?.genres))),
    );
    let of = || some.iter().map(|(_, sums)| sums);
    let mut columns = vec![
        ids("movie_id", some.iter().map(|(id, _)| *id)),
        title,
        genres,
        figures("avg_rating", of().map(|sums| sums.mean().unwrap_or(f64::NAN))),
        counts("total_ratings", of().map(|sums| sums.n)),
    ];
    if titles.keyed() {
        let keys = some_texts("movie_key", places.iter().map(|at| movie(at)?.key));
        columns.insert(1, keys);
    }
    if with_deviation {
        columns.push(some_figures("stddev_rating", of().map(RatingSums::deviation)));
    }
    columns
}
