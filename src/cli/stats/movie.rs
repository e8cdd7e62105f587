//! All that is known of one movie.

use std::path::{Path, PathBuf};
use std::slice;

use clap::Args;
use serde_json::{Map, Value, json};

use crate::cli::args::{InputArgs, MoviesArgs};
use crate::cli::error::Result;
use crate::cli::output::{ChartArgs, Report};
use crate::cli::stats::lists::rated;
use crate::cli::ui::Ui;
use crate::dataset::RatingScan;
use crate::dataset::ids::MovieId;
use crate::dataset::movies::Movies;
use crate::dataset::titles::TitleLookup;
use crate::model::query::{Query, Recommendation};
use crate::model::ranker::Ranker;
use crate::model::{Model, UserSelection};
use crate::plot::stats as plot;
use crate::stats::movie::{OneMovie, WithAll};
use crate::stats::sum_table::sums_of_movie;
use crate::stats::sums::RatingSums;

/// Tell all that is known of one movie
///
/// Titles, links, figures, the histogram of its stars, its years, and with --model the movies most
/// like it. The percentiles are the shares of the rated movies that have fewer ratings, or a lower
/// average.
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
    /// Model that finds movies similar to this one
    #[arg(long, value_name = "MODEL")]
    model: Option<PathBuf>,
    #[command(flatten)]
    report: ChartArgs,
}

/// Finds a rated movie by its id or title.
pub(super) fn find(
    rated: &[(i32, RatingSums)],
    known: Option<&Movies>,
    text: &str,
) -> Result<MovieId> {
    let count = |id: MovieId| sums_of_movie(rated, id.0).map_or(0, |sums| sums.n);
    let none = Movies::default();
    let lookup = TitleLookup {
        movies: known.unwrap_or(&none),
        index: None,
        is_known: &|id| count(id) > 0,
        n_ratings: &count,
    };
    Ok(lookup.find(text)?.id)
}

/// Finds the movies that texts fit, as far as it can be told without their ratings: nothing where a
/// text fits several.
pub(super) fn guess(known: Option<&Movies>, texts: &[String]) -> Option<Vec<MovieId>> {
    let known = known?;
    let one = |text: &String| {
        let lookup = TitleLookup {
            movies: known,
            index: None,
            is_known: &|id| known.get(id).is_some(),
            n_ratings: &|_| 0,
        };
        lookup.find(text).ok().map(|found| found.id)
    };
    texts.iter().map(one).collect()
}

/// Returns what texts say if all are numbers: the ids of movies, where these are rated and
/// [`are_ids`].
pub(super) fn numbers(texts: &[String]) -> Option<Vec<MovieId>> {
    texts.iter().map(|text| text.trim().parse().ok().map(MovieId)).collect()
}

/// Whether a number means the movie of that id, and not of that key.
pub(super) fn are_ids(known: Option<&Movies>) -> bool {
    known.is_none_or(|known| !known.keyed())
}

impl MovieArgs {
    /// Finds the movie and looks at it: in one pass where its title needs no count of ratings to be
    /// understood.
    fn look(&self, scan: &RatingScan, ui: &Ui) -> Result<(MovieId, Option<Movies>, OneMovie)> {
        let texts = slice::from_ref(&self.movie);
        let look = |id| -> Result<Option<(MovieId, OneMovie)>> {
            let pass = scan.aggregate(ui, || WithAll::new(id))?;
            Ok(pass.finish().map(|figures| (id, figures)))
        };
        let by_number = || numbers(texts).map_or(Ok(None), |ids| look(ids[0]));
        let (by_number, known) = rayon::join(by_number, || self.movies.movies_for_scan(scan, true));
        let (by_number, known) = (by_number?, known?);
        let found = match by_number.filter(|_| are_ids(known.as_ref())) {
            Some(found) => Some(found),
            None => guess(known.as_ref(), texts).map_or(Ok(None), |ids| look(ids[0]))?,
        };
        let (id, figures) = match found {
            Some(found) => found,
            None => {
                let rated = rated(scan, &self.movies, ui)?.0;
                let id = find(&rated, known.as_ref(), &self.movie)?;
                look(id)?.expect("it is one of those that are rated")
            }
        };
        Ok((id, known, figures))
    }

    pub(super) fn run(&self, ui: &Ui) -> Result<()> {
        let sink = self.report.sink()?;
        let scan = self.input.scan(ui)?;
        let (id, known, figures) = self.look(&scan, ui)?;
        let movie = known.as_ref().and_then(|movies| movies.get(id)).unwrap_or_default();
        let imdb = movie.imdb_id.map(|id| format!("https://www.imdb.com/title/tt{id}/"));
        let tmdb = movie.tmdb_id.map(|id| format!("https://www.themoviedb.org/movie/{id}"));
        let histogram: Map<String, Value> =
            figures.histogram.iter().map(|(stars, n)| (stars.to_string(), json!(n))).collect();
        let object = json!({
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
            "years": figures.timeline,
        });
        let Value::Object(mut object) = object else { unreachable!("it was made as an object") };
        if movie.key.is_none() {
            object.shift_remove("movie_key");
        }
        if let Some(model) = &self.model {
            object.insert("similar".into(), similar(model, id)?);
        }
        ui.finish();
        let title = if movie.title.is_empty() { format!("Movie {id}") } else { movie.title.into() };
        sink.write(&Report::Object(object), || plot::movie(&title, &figures))
    }
}

/// Returns the movies most like one, by a model.
fn similar(folder: &Path, id: MovieId) -> Result<Value> {
    const LISTED: usize = 10;
    let model = Model::open_for(folder, &UserSelection::Some(Vec::new()), None)?;
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
