//! `mvrec recommend`

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array, Int32Array, RecordBatch, StringArray};
use clap::{ArgGroup, Args};
use rayon::prelude::*;

use crate::cli::args::MoviesArgs;
use crate::cli::error::{Result, usage};
use crate::cli::output::{Report, ReportArgs};
use crate::cli::ui::Ui;
use crate::dataset::ids::{ItemIx, MovieId, UserId};
use crate::dataset::load::load_ids;
use crate::dataset::movies::TitleError;
use crate::dataset::sidecar::read_user_keys;
use crate::io::keys::Keys;
use crate::model::recommend::{Query, Recommendation, for_person, for_user, similar_to};
use crate::model::{Model, Person, Users};
use crate::progress::Progress;

/// List the movies that a model recommends
///
/// To users of the training data, to a new person who rates a few movies here, or by likeness to one movie.
/// A movie is given by its id or its title; what `score` means is told on stderr.
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("who").required(true).args(["user", "users", "all_users", "rate", "similar_to"]),
    after_long_help = "Examples:
  mvrec recommend als --user 17 -n 20
  mvrec recommend als --rate \"Spirited Away=5\" --rate \"Twilight=1\" --genre Animation"
)]
pub(crate) struct RecommendArgs {
    /// Model directory, mvrec's own or Spark's
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// User of the training data (can be repeated)
    #[arg(long, value_name = "ID")]
    user: Vec<String>,
    /// The users in this file: an id a line, or a Parquet file with `user_id`
    #[arg(long, value_name = "FILE")]
    users: Option<PathBuf>,
    /// Every user of the training data
    #[arg(long)]
    all_users: bool,
    /// A rating of a new person: id or title, and stars (can be repeated)
    #[arg(long, value_name = "MOVIE=STARS")]
    rate: Vec<RateArg>,
    /// A movie, id or title, to find the likes of
    #[arg(long, value_name = "MOVIE")]
    similar_to: Option<String>,
    /// Length of the list
    #[arg(short, default_value_t = 10, value_name = "N")]
    n: usize,
    /// List movies that the person has rated, too
    #[arg(long)]
    include_seen: bool,
    /// Only movies of this genre (can be repeated: any of them)
    #[arg(long, value_name = "GENRE")]
    genre: Vec<String>,
    #[command(flatten)]
    movies: MoviesArgs,
    #[command(flatten)]
    report: ReportArgs,
}

/// `MOVIE=STARS` as typed.
#[derive(Debug, Clone, PartialEq)]
struct RateArg {
    movie: String,
    stars: f32,
}

impl FromStr for RateArg {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let (movie, stars) =
            text.rsplit_once('=').ok_or("expected MOVIE=STARS, such as \"Alien=5\"")?;
        let value: f32 =
            stars.trim().parse().map_err(|_| format!("`{stars}` is not a number of stars"))?;
        Ok(Self { movie: movie.trim().into(), stars: value })
    }
}

pub(crate) fn run(args: &RecommendArgs, ui: &Ui) -> Result<()> {
    let sink = args.report.sink()?;
    let movies = args.movies.load()?;
    let user_keys = read_user_keys(&args.model)?;
    let users = args.wanted_users(user_keys.as_ref())?;
    ui.begin("opening the model", "files", None);
    let model = Model::open(&args.model, &users, movies.as_ref())?;
    if !model.catalogue.has_titles() {
        ui.say(
            "no titles in the model: add --movies PATH (a dataset, movies.parquet or movies.csv)",
        );
    }
    let query = Query { n: args.n, include_seen: args.include_seen, genres: args.genres(&model)? };
    let (rows, meaning) = if let Some(movie) = &args.similar_to {
        let item = find(&model, movie)?;
        ui.say(&format!("like {}", shown(&model, item)));
        let list = similar_to(&model, item, &query)?;
        (batch(&model, None, &[(None, list)]), model.recommender.likeness_meaning())
    } else if args.rate.is_empty() {
        if model.info.is_none() && !args.include_seen {
            ui.say("a model of Spark's does not say what users have seen: the lists may hold it");
        }
        let ids = match &users {
            Users::All => &model.user_ids,
            Users::Some(ids) => ids,
        };
        let lists: std::result::Result<Vec<_>, _> = ids
            .par_iter()
            .map(|&id| Ok((Some(id), for_user(&model, UserId(id), &query)?)))
            .collect::<std::result::Result<_, crate::model::ModelError>>();
        (batch(&model, user_keys.as_ref(), &lists?), model.recommender.score_meaning())
    } else {
        let ratings = profile(&model, &args.rate, ui)?;
        let list = for_person(&model, Person { user: None, ratings: &ratings }, &query)?;
        (batch(&model, None, &[(None, list)]), model.recommender.score_meaning())
    };
    ui.finish();
    ui.say(&format!("score: {meaning}"));
    sink.write(&Report::Rows(rows))
}

impl RecommendArgs {
    fn wanted_users(&self, keys: Option<&Keys>) -> Result<Users> {
        if self.all_users {
            return Ok(Users::All);
        }
        let id = |user: &String| match (keys, user.parse()) {
            (Some(keys), _) => match keys.find(user) {
                Some(id) => Ok(id),
                None => anyhow::bail!("user {user} is not in the model"),
            },
            (None, Ok(id)) => Ok(id),
            (None, Err(_)) => {
                Err(usage(format!("--user {user}: the users of this model are numbers")))
            }
        };
        let mut ids = self.user.iter().map(id).collect::<Result<Vec<i32>>>()?;
        if let Some(path) = &self.users {
            ids.extend(load_ids(path, "user_id", keys)?);
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(Users::Some(ids))
    }

    /// Checks that each genre exists, so that a slip of the pen is no empty list.
    fn genres(&self, model: &Model) -> Result<Vec<String>> {
        let known = model.catalogue.movies.genres();
        for genre in &self.genre {
            if !known.iter().any(|name| name.eq_ignore_ascii_case(genre)) {
                let known: Vec<&str> = known.into_iter().collect();
                anyhow::bail!("no movie is of the genre `{genre}`; known are {}", known.join(", "));
            }
        }
        Ok(self.genre.clone())
    }
}

/// Finds a movie by its id or its title.
fn find(model: &Model, text: &str) -> Result<ItemIx> {
    if let Some(id) = model.catalogue.movies.by_key(text) {
        return Ok(model.catalogue.item(id).expect("the key came from the catalogue"));
    }
    let id = text.parse().ok().map(MovieId);
    if let Some(item) = id.and_then(|id| model.catalogue.item(id)) {
        return Ok(item);
    }
    match (model.catalogue.movies.find(text), id) {
        (Ok(id), _) => Ok(model.catalogue.item(id).expect("the title came from the catalogue")),
        (Err(TitleError::Unknown { .. }), Some(id)) => {
            anyhow::bail!("movie {id} is not in the model")
        }
        (Err(error), _) => Err(error.into()),
    }
}

fn shown(model: &Model, item: ItemIx) -> String {
    let id = model.catalogue.id(item);
    let title = model.catalogue.movies.get(id).map_or("", |movie| &movie.title);
    if title.is_empty() { format!("movie {id}") } else { title.to_string() }
}

/// Resolves the ratings of a new person and says how each was understood.
fn profile(model: &Model, rates: &[RateArg], ui: &Ui) -> Result<Vec<(ItemIx, f32)>> {
    let mut ratings = Vec::with_capacity(rates.len());
    let scale = model.info.as_ref().and_then(|info| info.training.scale).unwrap_or_default();
    for rate in rates {
        if !scale.contains(rate.stars) {
            return Err(usage(format!("{}={}: not between {scale} stars", rate.movie, rate.stars)));
        }
        let item = find(model, &rate.movie)?;
        ui.say(&format!("rated {} {}", rate.stars, shown(model, item)));
        ratings.push((item, rate.stars));
    }
    ratings.sort_by_key(|(item, _)| *item);
    if let Some(pair) = ratings.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(usage(format!("{} is rated twice", shown(model, pair[0].0))));
    }
    Ok(ratings)
}

/// Returns the rows of lists; `user_id` is there when the lists are users'.
fn batch(
    model: &Model,
    user_keys: Option<&Keys>,
    lists: &[(Option<i32>, Vec<Recommendation>)],
) -> RecordBatch {
    let rows =
        || lists.iter().flat_map(|(user, list)| list.iter().zip(1..).map(move |row| (*user, row)));
    let movie = |item: ItemIx| {
        let movie = model.catalogue.movies.get(model.catalogue.id(item)).expect("items have a row");
        Some(movie).filter(|movie| !movie.title.is_empty())
    };
    let ranks = rows().map(|(_, (_, rank))| rank);
    let ids = rows().map(|(_, (row, _))| model.catalogue.id(row.item).0);
    let titles = rows().map(|(_, (row, _))| movie(row.item).map(|movie| movie.title.as_str()));
    let genres = rows().map(|(_, (row, _))| movie(row.item).map(|movie| movie.genres.as_str()));
    let scores = rows().map(|(_, (row, _))| row.score);
    let stars = rows().map(|(_, (row, _))| row.rating);
    let mut columns: Vec<(&str, ArrayRef, bool)> = vec![
        ("rank", Arc::new(Int32Array::from_iter_values(ranks)), false),
        ("movie_id", Arc::new(Int32Array::from_iter_values(ids)), false),
        ("title", Arc::new(StringArray::from_iter(titles)), true),
        ("genres", Arc::new(StringArray::from_iter(genres)), true),
        ("score", Arc::new(Float32Array::from_iter(scores)), true),
        ("predicted_rating", Arc::new(Float32Array::from_iter(stars)), true),
    ];
    if model.catalogue.movies.keyed() {
        let keys =
            rows().map(|(_, (row, _))| movie(row.item).and_then(|movie| movie.key.as_deref()));
        columns.insert(2, ("movie_key", Arc::new(StringArray::from_iter(keys)), true));
    }
    if lists.first().is_none_or(|(user, _)| user.is_some()) {
        if let Some(keys) = user_keys {
            let users = rows().map(|(user, _)| keys.get(user?));
            columns.insert(0, ("user_key", Arc::new(StringArray::from_iter(users)), true));
        }
        let users = rows().map(|(user, _)| user.unwrap_or_default());
        columns.insert(0, ("user_id", Arc::new(Int32Array::from_iter_values(users)), false));
    }
    RecordBatch::try_from_iter_with_nullable(columns).expect("columns of equal length")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratings_as_typed() {
        let parse = |text: &str| text.parse::<RateArg>().map(|rate| (rate.movie, rate.stars));
        assert_eq!(parse("Alien=5"), Ok(("Alien".into(), 5.0)));
        assert_eq!(parse("E=mc² (2005) = 3.5"), Ok(("E=mc² (2005)".into(), 3.5)));
        assert_eq!(parse("1=0.5"), Ok(("1".into(), 0.5)));
        for bad in ["Alien", "Alien=", "Alien=six"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
