//! What the page of a whole report shows.

use serde::Serialize;
use serde_json::{Value, json};

use crate::dataset::Movies;
use crate::dataset::ids::MovieId;
use crate::io::columns::NO_TIME;
use crate::io::keys::Keys;
use crate::plot::ticks::thousands;
use crate::plot::{Figure, stats};
use crate::stats::full_report::{MovieHistory, OneRating};
use crate::stats::genres::GenreFigures;
use crate::stats::movies::MovieFigures;
use crate::stats::summary::Summary;
use crate::stats::timeline::{PeriodLength, TimelinePeriod, day_of};
use crate::stats::users::UserReport;

/// Data of the page, as its script reads it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReportData {
    /// Title of the page.
    pub title: String,
    note: String,
    facts: Vec<(&'static str, String)>,
    figures: ReportFigures,
    genres: Vec<Value>,
    lists: Vec<MovieTable>,
    picker_note: String,
    movies: PickerMovies,
    /// Month, ratings and sum of ratings, one after another, of each movie of the picker.
    months: Vec<Vec<Value>>,
    /// User, ratings and day, one after another, of each movie of the picker.
    ratings: Vec<Vec<Value>>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct ReportFigures {
    time: Figure,
    stars: Figure,
    users: Figure,
    genres: Figure,
}

/// A list of movies that is shown as a table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MovieTable {
    id: &'static str,
    title: String,
    note: String,
    rows: Vec<Value>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
struct PickerMovies {
    id: Vec<i32>,
    title: Vec<String>,
    genres: Vec<String>,
    n: Vec<u64>,
    mean: Vec<f64>,
    imdb: Vec<Option<String>>,
    tmdb: Vec<Option<i32>>,
}

/// Movies that can be picked, and what is known of each.
pub struct PickedMovies<'a> {
    /// In the order in which they are offered.
    pub movies: &'a [MovieFigures],
    /// Ratings of each.
    pub histories: &'a [MovieHistory],
    /// Number of rated movies, of which these are some.
    pub of: usize,
    /// Names of users that are no numbers.
    pub user_keys: Option<&'a Keys>,
    /// Where links are known.
    pub titles: Option<&'a Movies>,
}

impl MovieTable {
    /// Makes a list of movies; `id` names its place in the page.
    #[must_use]
    pub fn new(id: &'static str, title: &str, note: &str, movies: &[MovieFigures]) -> Self {
        let rows = movies.iter().map(|movie| {
            json!([
                stats::name(movie),
                movie.genres,
                movie.total_ratings,
                movie.avg_rating,
                movie.stddev_rating,
                movie.movie_id.0
            ])
        });
        Self { id, title: title.into(), note: note.into(), rows: rows.collect() }
    }
}

impl ReportData {
    /// Puts a page together.
    #[must_use]
    pub fn new(
        name: &str,
        summary: &Summary,
        users: &UserReport,
        genres: &[GenreFigures],
        months: Vec<TimelinePeriod>,
        lists: Vec<MovieTable>,
        picked: &PickedMovies<'_>,
    ) -> Self {
        let rows = |genre: &GenreFigures| {
            json!([genre.genre, genre.movies, genre.total_ratings, genre.avg_rating, genre.share])
        };
        let period = summary.first_rating.as_ref().zip(summary.last_rating.as_ref());
        Self {
            title: format!("Ratings of {name}"),
            note: match period {
                Some((first, last)) => {
                    format!("From {} to {}, times in UTC.", day(first), day(last))
                }
                None => String::new(),
            },
            facts: facts(summary, users),
            figures: ReportFigures {
                time: stats::timeline(
                    "Ratings over time",
                    &[(String::new(), months)],
                    PeriodLength::Month,
                ),
                stars: stats::summary(summary),
                users: stats::users(users),
                genres: stats::genres(genres),
            },
            genres: genres.iter().map(rows).collect(),
            lists,
            picker_note: match picked.movies.len() {
                0 => "There are no ratings.".into(),
                n if n < picked.of => format!(
                    "The {} most rated of {} movies: its average by month, its ratings so far, and the latest of them.",
                    thousands(n as u64),
                    thousands(picked.of as u64)
                ),
                _ => "Its average by month, its ratings so far, and each of them.".into(),
            },
            movies: picked.columns(),
            months: picked.histories.iter().map(months_of).collect(),
            ratings: picked.histories.iter().map(|history| picked.ratings_of(history)).collect(),
        }
    }
}

fn facts(summary: &Summary, users: &UserReport) -> Vec<(&'static str, String)> {
    let shown = |value: Option<f64>, digits: usize| {
        value.map_or("–".into(), |value| format!("{value:.digits$}"))
    };
    let median = users.quantiles.iter().find(|quantile| quantile.share == 0.5);
    let density = summary.density.map(|density| 100.0 * density);
    vec![
        ("ratings", thousands(summary.ratings as u64)),
        ("users", thousands(summary.users as u64)),
        ("rated movies", thousands(summary.movies as u64)),
        ("average rating", shown(summary.mean_rating, 3)),
        ("ratings per user", shown(summary.ratings_per_user, 1)),
        ("median per user", shown(median.map(|median| median.ratings), 0)),
        ("ratings per movie", shown(summary.ratings_per_movie, 1)),
        ("density, %", shown(density, 2)),
    ]
}

/// Returns the day of a time in ISO 8601.
fn day(time: &str) -> &str {
    time.split('T').next().unwrap_or(time)
}

/// Writes a number as short as it can be.
fn short(value: f64) -> Value {
    if value.fract() == 0.0 { json!(value as i64) } else { json!(value) }
}

fn months_of(history: &MovieHistory) -> Vec<Value> {
    let months = history.months();
    months.iter().flat_map(|(month, sums)| [json!(month), json!(sums.n), short(sums.sum)]).collect()
}

impl PickedMovies<'_> {
    fn columns(&self) -> PickerMovies {
        let mut columns = PickerMovies::default();
        for movie in self.movies {
            let links = self.titles.and_then(|titles| titles.get(MovieId(movie.movie_id.0)));
            let links = links.unwrap_or_default();
            columns.id.push(movie.movie_id.0);
            columns.title.push(stats::name(movie));
            columns.genres.push(movie.genres.clone().unwrap_or_default());
            columns.n.push(movie.total_ratings);
            columns.mean.push(movie.avg_rating);
            columns.imdb.push(links.imdb_id.map(String::from));
            columns.tmdb.push(links.tmdb_id);
        }
        columns
    }

    fn ratings_of(&self, history: &MovieHistory) -> Vec<Value> {
        let row = |rating: &OneRating| {
            let key = self.user_keys.and_then(|keys| keys.get(rating.user));
            let day = (rating.ms != NO_TIME).then(|| day_of(rating.ms));
            [
                key.map_or(json!(rating.user), |key| json!(key)),
                short(rating.stars.into()),
                json!(day),
            ]
        };
        history.latest().iter().flat_map(row).collect()
    }
}
