//! Reports that list movies.

use clap::Args;

use crate::cli::args::{InputArgs, MoviesArgs};
use crate::cli::error::Result;
use crate::cli::output::columns::{
    self, Column, counts, ids, rows_of, some_figures, some_texts, texts,
};
use crate::cli::output::{ChartArgs, Report};
use crate::cli::ui::Ui;
use crate::dataset::ids::MovieId;
use crate::dataset::movies::Movies;
use crate::dataset::{DatasetError, Scan};
use crate::plot::stats as plot;
use crate::stats::landing::landing;
use crate::stats::movies::{MovieFigures, Order, figures, ranked};
use crate::stats::sums::{PerMovie, Sums};

/// List every rated movie with its average and number of ratings
///
/// The original project's SQL: movie_id, title, genres, avg_rating, total_ratings, ordered by total_ratings and then avg_rating, both
/// descending, ties by movie_id.
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

/// Choose movies for a newcomer to rate: known, disputed, and of different tastes
///
/// Of the 200 most rated movies, one after another is chosen for which
/// ln(1 + ratings) / its largest value + standard deviation / its largest value - overlap is largest; the overlap is that of the
/// genres (Jaccard) with the movie most like it of those chosen before.
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
pub(super) type Rated = (Vec<(i32, Sums)>, Option<Movies>);

/// Adds up the ratings of each movie, and loads titles for them.
pub(super) fn rated(scan: &Scan, titles: &MoviesArgs, ui: &Ui) -> Result<Rated> {
    let (rated, known) = rayon::join(|| scan.pass(ui, PerMovie::default), || titles.of_scan(scan));
    let (rated, known) = (rated?.finish(), known?);
    MoviesArgs::tell(known.as_ref(), rated.iter().map(|(id, _)| *id), ui);
    Ok((rated, known))
}

impl MovieTableArgs {
    pub(super) fn run(&self, ui: &Ui) -> Result<()> {
        let sink = self.report.sink()?;
        let (rated, known) = rated(&self.input.scan(ui)?, &self.movies, ui)?;
        let order = Order::MostRated;
        let figures = figures(&ranked(&rated, self.min_ratings, order), known.as_ref());
        ui.finish();
        let rows = rows_of(columns_of(&figures, false));
        sink.write(&Report::Rows(rows), || plot::movies("Rated movies", &figures, order))
    }
}

impl SelectionArgs {
    pub(super) fn run(&self, order: Order, ui: &Ui) -> Result<()> {
        let sink = self.report.sink()?;
        let (rated, known) = rated(&self.input.scan(ui)?, &self.movies, ui)?;
        let mut ranked = ranked(&rated, self.min_ratings, order);
        if !self.genre.is_empty() {
            let known = known.as_ref().ok_or(DatasetError::NoMovies)?;
            known.check_genres(&self.genre).map_err(DatasetError::from)?;
            ranked.retain(|(id, _)| {
                let movie = known.get(MovieId(*id)).unwrap_or_default();
                self.genre.iter().any(|genre| movie.has_genre(genre))
            });
        }
        let figures = figures(ranked.iter().take(self.n), known.as_ref());
        ui.finish();
        let rows = rows_of(columns_of(&figures, order == Order::MostPolarising));
        sink.write(&Report::Rows(rows), || plot::movies(&self.title(order), &figures, order))
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
        let ranked = ranked(&rated, self.min_ratings, Order::BestRated);
        let (mut genres, mut best) = (Vec::new(), Vec::new());
        for genre in known.genres() {
            let of_genre = ranked.iter().filter(|(id, _)| {
                known.get(MovieId(*id)).is_some_and(|movie| movie.has_genre(genre))
            });
            for one in of_genre.take(self.n) {
                genres.push(genre);
                best.push(*one);
            }
        }
        let best = figures(&best, Some(&known));
        ui.finish();
        let mut columns = columns_of(&best, false);
        columns.insert(0, texts("genre", genres.iter()));
        let rows = rows_of(columns);
        sink.write(&Report::Rows(rows), || plot::best_by_genre(&best, &genres))
    }
}

impl LandingArgs {
    pub(super) fn run(&self, ui: &Ui) -> Result<()> {
        let sink = self.report.sink()?;
        let (rated, known) = rated(&self.input.scan(ui)?, &self.movies, ui)?;
        let figures = figures(&ranked(&rated, 1, Order::MostRated), known.as_ref());
        let chosen = landing(&figures, self.n);
        ui.finish();
        let rows = rows_of(columns_of(&chosen, true));
        let order = Order::MostPolarising;
        sink.write(&Report::Rows(rows), || {
            plot::movies("Movies for a newcomer to rate", &chosen, order)
        })
    }
}

/// Returns the columns of the original's SQL, and the deviation where it matters.
fn columns_of(figures: &[MovieFigures], with_deviation: bool) -> Vec<Column<'static>> {
    let of = || figures.iter();
    let mut columns = vec![
        ids("movie_id", of().map(|figures| figures.movie_id.0)),
        some_texts("title", of().map(|figures| figures.title.as_deref())),
        some_texts("genres", of().map(|figures| figures.genres.as_deref())),
        columns::figures("avg_rating", of().map(|figures| figures.avg_rating)),
        counts("total_ratings", of().map(|figures| figures.total_ratings)),
    ];
    if of().any(|figures| figures.movie_key.is_some()) {
        columns
            .insert(1, some_texts("movie_key", of().map(|figures| figures.movie_key.as_deref())));
    }
    if with_deviation {
        columns.push(some_figures("stddev_rating", of().map(|figures| figures.stddev_rating)));
    }
    columns
}
