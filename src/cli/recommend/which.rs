//! Which movies a list may hold, and what counts in their order.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;

use crate::cli::args::{load_id_list, warn_of_unknown};
use crate::cli::error::{Result, usage, wrong_expression};
use crate::cli::recommend::resolve::read_named_movies;
use crate::cli::ui::Ui;
use crate::dataset::expr::{self, Counts, Field, Known, Plan};
use crate::dataset::ids::{ItemIx, MovieId};
use crate::io::id_list::IdSide;
use crate::io::profiles::RatedMovie;
use crate::model::candidates::CandidateFilter;
use crate::model::finder::MovieFinder;
use crate::model::query::{Query, RankBy};
use crate::model::{Model, RerankOptions, ScoreKind};
use crate::progress::Progress;

/// The genre that stands for those which the user likes.
const AUTO: &str = "auto";

/// Conditions on the movies of a list.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which movies")]
pub(super) struct WhichArgs {
    /// Length of the list
    #[arg(short, default_value_t = 10, value_name = "N")]
    n: usize,
    /// Include movies that the user has rated
    #[arg(long)]
    include_seen: bool,
    /// Only movies of this genre (can be repeated: any of them); `auto` for those of most of the
    /// user's highest rated movies
    #[arg(long, value_name = "GENRE")]
    genre: Vec<String>,
    /// No movie of this genre (can be repeated)
    #[arg(long, value_name = "GENRE")]
    exclude_genre: Vec<String>,
    /// Years of release, such as 1990..2005, 1990.., ..2005 or 1999
    #[arg(long, value_name = "YEARS")]
    released: Option<YearRange>,
    /// Only movies with at least this many ratings in the training data
    #[arg(long, default_value_t = 0, value_name = "N")]
    min_ratings: u32,
    /// Only movies with at least this mean in the training data
    #[arg(long, default_value_t = 0.0, value_name = "STARS")]
    min_mean: f64,
    /// Only the movies in this list: a file with an id a line or a column of movies, JSON, Parquet
    /// or a dataset
    #[arg(long, value_name = "FILE")]
    candidates: Option<PathBuf>,
    /// None of the movies in this file
    #[arg(long, value_name = "FILE")]
    exclude: Option<PathBuf>,
    /// Only movies for which an expression holds, as in `mvrec filter`: released, genre, title,
    /// movie, movie_ratings
    #[arg(long = "where", value_name = "EXPRESSION")]
    expression: Option<String>,
    /// Ranking criterion; `predicted` needs a model that predicts ratings
    #[arg(long, value_enum, default_value_t = RankBy::Score, value_name = "WHAT")]
    rank_by: RankBy,
    /// Diversity of the list (MMR re-ranking), from 0 to 1
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
    diversify: f32,
    /// Penalty of popular movies, 0 or more; at 1 it weighs as much as the score
    #[arg(long, default_value_t = 0.0, value_name = "WEIGHT")]
    popularity_penalty: f32,
}

/// `FROM..TO` as typed, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct YearRange {
    first: i16,
    last: i16,
}

impl FromStr for YearRange {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let year = |text: &str, open: i16| match text.trim() {
            "" => Ok(open),
            text => text.parse().map_err(|_| format!("`{text}` is not a year")),
        };
        let (first, last) = match text.split_once("..") {
            Some(("", "")) => return Err("expected years such as 1990..2005".into()),
            Some((first, last)) => (year(first, i16::MIN)?, year(last, i16::MAX)?),
            None if text.trim().is_empty() => {
                return Err("expected years such as 1990..2005".into());
            }
            None => (year(text, 0)?, year(text, 0)?),
        };
        if first > last {
            return Err(format!("{first} is after {last}"));
        }
        Ok(Self { first, last })
    }
}

impl WhichArgs {
    /// Makes the query of a model.
    pub(super) fn query(&self, model: &Model, ui: &Ui) -> Result<Query> {
        self.check()?;
        let predicts = model.recommender.predicts_ratings();
        if self.rank_by == RankBy::Predicted && !predicts {
            return Err(usage("--rank-by predicted: this model predicts no ratings"));
        }
        let auto = |genre: &&String| genre.eq_ignore_ascii_case(AUTO);
        let favourite_genres = self.genre.iter().any(|genre| auto(&genre));
        let genres: Vec<String> = self.genre.iter().filter(|genre| !auto(genre)).cloned().collect();
        let movies = &model.catalogue.movies;
        movies.check_genres(&genres)?;
        movies.check_genres(&self.exclude_genre)?;
        let keys = movies.keys();
        let listed = |path: &PathBuf| -> Result<Vec<ItemIx>> {
            if let Some(named) = read_named_movies(path)? {
                return Ok(items_of(model, path, &named, ui));
            }
            let ids = load_id_list(path, IdSide::Movie, keys.as_ref(), ui)?;
            let item = |id: &i32| model.catalogue.item(MovieId(*id));
            let unknown = ids.iter().filter(|id| item(id).is_none());
            let unknown: Vec<String> = unknown.map(i32::to_string).collect();
            warn_of_unknown(path, IdSide::Movie, &unknown, ui);
            Ok(ids.iter().filter_map(item).collect())
        };
        let conditions = CandidateFilter {
            genres,
            exclude_genres: self.exclude_genre.clone(),
            released: self.released.map(|years| years.first..=years.last),
            min_ratings: self.min_ratings,
            min_mean: self.min_mean,
            only: self.candidates.as_ref().map(listed).transpose()?,
            except: self.exclude.as_ref().map(listed).transpose()?.unwrap_or_default(),
            plan: self.plan(model)?,
        };
        let candidates = self.narrows().then(|| conditions.items(&model.catalogue));
        if candidates.as_ref().is_some_and(Vec::is_empty) {
            let unmet = conditions.unmet(&model.catalogue);
            ui.warn(&match &unmet[..] {
                [] => "no movie meets all conditions".to_string(),
                unmet => format!("no movie {}", unmet.join(", and none ")),
            });
        }
        Ok(Query {
            n: self.n,
            include_seen: self.include_seen,
            candidates,
            favourite_genres,
            rank_by: self.rank_by,
            rerank: RerankOptions {
                diversify: self.diversify,
                popularity_penalty: self.popularity_penalty,
            },
        })
    }

    /// Returns the meaning of the scores of lists.
    pub(super) fn score_kind(&self, model: &Model) -> ScoreKind {
        match self.rank_by {
            RankBy::Score => model.recommender.score_kind(),
            RankBy::Predicted => ScoreKind::PredictedRating,
        }
    }

    fn check(&self) -> Result<()> {
        if !(0.0..=1.0).contains(&self.diversify) {
            return Err(usage(format!("--diversify must be from 0 to 1, not {}", self.diversify)));
        }
        if !(self.popularity_penalty >= 0.0 && self.popularity_penalty.is_finite()) {
            let penalty = self.popularity_penalty;
            return Err(usage(format!("--popularity-penalty must be 0 or more, not {penalty}")));
        }
        Ok(())
    }

    /// Whether any movie may be left out for everybody.
    fn narrows(&self) -> bool {
        let genres = !self.genre.is_empty() || !self.exclude_genre.is_empty();
        let files = self.candidates.is_some() || self.exclude.is_some();
        let figures = self.min_ratings > 0 || self.min_mean > 0.0;
        genres || files || figures || self.released.is_some() || self.expression.is_some()
    }

    fn plan(&self, model: &Model) -> Result<Option<Plan>> {
        let Some(text) = &self.expression else { return Ok(None) };
        let expr = expr::parse(text).map_err(wrong_expression)?;
        let of_ratings = [Field::Rating, Field::Date, Field::Year, Field::User, Field::UserRatings];
        if expr.asks(&of_ratings) {
            return Err(usage(
                "--where: a movie has no rating, date, year, user or user_ratings here; ask for released, \
                 genre, title, movie or movie_ratings",
            ));
        }
        let movies = &model.catalogue.movies;
        let counts = Counts {
            ids: movies.ids().to_vec(),
            counts: model.catalogue.n_ratings.iter().map(|&n| u64::from(n)).collect(),
        };
        let keys = movies.keys();
        let known = Known {
            movies: Some(movies),
            movie_keys: keys.as_ref(),
            counts: Some((&Counts::default(), &counts)),
            ..Known::default()
        };
        Ok(Some(Plan::new(text, &expr, &known).map_err(wrong_expression)?))
    }
}

/// Returns the items of movies that a file names, ascending, and warns of those not found.
fn items_of(model: &Model, path: &Path, named: &[RatedMovie], ui: &Ui) -> Vec<ItemIx> {
    let mut unknown = Vec::new();
    let mut items = Vec::new();
    let finder = MovieFinder::new(&model.catalogue);
    for RatedMovie { movie, .. } in named {
        match finder.find_named(movie) {
            Ok((item, _)) => items.push(item),
            Err(_) => unknown.push(movie.to_string()),
        }
    }
    warn_of_unknown(path, IdSide::Movie, &unknown, ui);
    items.sort_unstable();
    items.dedup();
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn years_as_typed() {
        let parse = |text: &str| text.parse::<YearRange>().map(|years| (years.first, years.last));
        assert_eq!(parse("1990..2005"), Ok((1990, 2005)));
        assert_eq!(parse("1999"), Ok((1999, 1999)));
        assert_eq!(parse("..1960"), Ok((i16::MIN, 1960)));
        assert_eq!(parse("2010.."), Ok((2010, i16::MAX)));
        for bad in ["", "..", "x..1990", "2005..1990", "1990..2000..2010"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
