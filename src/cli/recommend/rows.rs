//! Lists as rows: the columns that there are, those that are asked for, and what a terminal shows.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, Float32Array, Float64Array, Int16Array, Int32Array, ListArray, RecordBatch,
    StringArray, StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields, Float32Type};

use crate::cli::error::{Result, usage};
use crate::dataset::ids::ItemIx;
use crate::io::keys::Keys;
use crate::model::explain::Explanation;
use crate::model::query::{RankBy, Recommendation};
use crate::model::{Model, ModelError, ScoreKind, TargetUser};
use crate::plot::eighths;
use crate::suggest::did_you_mean;

/// Columns that can be asked for, in the order in which they stand by themselves.
const FIELDS: [&str; 15] = [
    "user_id",
    "user_key",
    "rank",
    "movie_id",
    "movie_key",
    "title",
    "release_year",
    "genres",
    "imdb_id",
    "tmdb_id",
    "n_ratings",
    "mean_rating",
    "score",
    "predicted_rating",
    "score_meaning",
];

/// Columns that are left out unless they are asked for.
const EXTRA: [&str; 6] =
    ["release_year", "imdb_id", "tmdb_id", "n_ratings", "mean_rating", "score_meaning"];

/// Checks the names of `--fields`.
pub(super) fn check_fields(fields: &[String]) -> Result<()> {
    let known = |field: &&String| {
        FIELDS.contains(&field.as_str()) || ["base_score", "because"].contains(&field.as_str())
    };
    match fields.iter().find(|field| !known(field)) {
        None => Ok(()),
        Some(field) => Err(usage(format!(
            "--fields: there is no `{field}`{}; known are {}, and with --explain base_score and because",
            did_you_mean(field, FIELDS),
            FIELDS.join(", ")
        ))),
    }
}

/// A movie that a user rated, and what that brought to a recommendation.
type ScoreReason = (ItemIx, f32, f32);

/// What a score is the sum of.
pub(super) struct ScoreReasons {
    /// The score without any rating of the user.
    pub(super) base: f32,
    /// The strongest contributions of ratings, the strongest first.
    pub(super) strongest: Vec<ScoreReason>,
}

/// One list.
pub(super) struct RankedList {
    /// The user, where the list is one's.
    pub(super) user: Option<i32>,
    pub(super) rows: Vec<Recommendation>,
    /// Why each is there; `None` where that was not asked.
    pub(super) reasons: Option<Vec<ScoreReasons>>,
}

impl RankedList {
    /// Makes a list without reasons.
    pub(super) fn new(user: Option<i32>, rows: Vec<Recommendation>) -> Self {
        Self { user, rows, reasons: None }
    }

    /// Adds the `n` strongest reasons for each row.
    pub(super) fn explained(
        mut self,
        model: &Model,
        person: TargetUser<'_>,
        n: usize,
        rank_by: RankBy,
    ) -> std::result::Result<Self, ModelError> {
        let items: Vec<ItemIx> = self.rows.iter().map(|row| row.item).collect();
        let explained = model.recommender.explain(person, &items, rank_by)?;
        let reasons = explained.iter().map(|one| ScoreReasons {
            base: one.base,
            strongest: strongest(one, person.ratings, n),
        });
        self.reasons = Some(reasons.collect());
        Ok(self)
    }
}

/// Returns what brought most, for or against.
fn strongest(explanation: &Explanation, ratings: &[(ItemIx, f32)], n: usize) -> Vec<ScoreReason> {
    let parts = ratings.iter().zip(&explanation.contributions);
    let mut reasons: Vec<ScoreReason> =
        parts.map(|(&(item, stars), &part)| (item, stars, part)).collect();
    reasons.retain(|(_, _, part)| *part != 0.0);
    reasons.sort_by(|a, b| b.2.abs().total_cmp(&a.2.abs()).then(a.0.cmp(&b.0)));
    reasons.truncate(n);
    reasons
}

/// How lists become rows.
pub(super) struct Rows<'a> {
    pub(super) model: &'a Model,
    pub(super) user_keys: Option<&'a Keys>,
    /// Whether the lists are users'.
    pub(super) of_users: bool,
    /// Columns that are asked for; none named means the usual ones.
    pub(super) fields: &'a [String],
    /// Whether the lists come with reasons.
    pub(super) explained: bool,
    /// What `score` means.
    pub(super) meaning: ScoreKind,
}

impl Rows<'_> {
    /// Returns the rows of lists.
    pub(super) fn batch(&self, lists: &[RankedList]) -> Result<RecordBatch> {
        let names: Vec<&str> = match self.fields {
            [] => FIELDS.into_iter().filter(|name| self.is_usual(name)).collect(),
            fields => fields.iter().map(String::as_str).collect(),
        };
        let mut columns = Vec::with_capacity(names.len() + 1);
        for name in names {
            let Some(column) = self.column(name, lists) else {
                return Err(usage(format!("--fields: there is no `{name}` here")));
            };
            let required = ["user_id", "rank", "movie_id", "score_meaning"].contains(&name);
            columns.push((name, column, !required));
        }
        if self.fields.is_empty() && self.explained {
            columns.push(("base_score", base_scores(lists), true));
            columns.push(("because", self.because(lists), true));
        }
        Ok(RecordBatch::try_from_iter_with_nullable(columns).expect("columns of equal length"))
    }

    fn is_usual(&self, name: &str) -> bool {
        match name {
            "user_id" => self.of_users,
            "user_key" => self.of_users && self.user_keys.is_some(),
            "movie_key" => self.model.catalogue.movies.keyed(),
            _ => !EXTRA.contains(&name),
        }
    }

    fn column(&self, name: &str, lists: &[RankedList]) -> Option<ArrayRef> {
        let catalogue = &self.model.catalogue;
        let rows = || lists.iter().flat_map(|list| &list.rows);
        let movies = || rows().map(|row| catalogue.movie(row.item));
        let users = || lists.iter().flat_map(|list| list.rows.iter().map(|_| list.user));
        let told = |text: &'_ str| !text.is_empty();
        let array: ArrayRef = match name {
            "user_id" if self.of_users => {
                Arc::new(Int32Array::from_iter_values(users().map(Option::unwrap_or_default)))
            }
            "user_key" if self.of_users => {
                let keys = self.user_keys?;
                Arc::new(users().map(|user| keys.get(user?)).collect::<StringArray>())
            }
            "rank" => Arc::new(Int32Array::from_iter_values(
                lists.iter().flat_map(|list| 1..=list.rows.len() as i32),
            )),
            "movie_id" => {
                Arc::new(Int32Array::from_iter_values(rows().map(|row| catalogue.id(row.item).0)))
            }
            "movie_key" => Arc::new(movies().map(|movie| movie.key).collect::<StringArray>()),
            "title" => Arc::new(
                movies()
                    .map(|movie| Some(movie.title).filter(|t| told(t)))
                    .collect::<StringArray>(),
            ),
            "release_year" => {
                Arc::new(movies().map(|movie| movie.release_year).collect::<Int16Array>())
            }
            "genres" => Arc::new(
                movies()
                    .map(|movie| Some(movie.genres).filter(|_| told(movie.title)))
                    .collect::<StringArray>(),
            ),
            "imdb_id" => Arc::new(movies().map(|movie| movie.imdb_id).collect::<StringArray>()),
            "tmdb_id" => Arc::new(movies().map(|movie| movie.tmdb_id).collect::<Int32Array>()),
            "n_ratings" => Arc::new(Int32Array::from_iter_values(
                rows().map(|row| catalogue.n_ratings[row.item.at()] as i32),
            )),
            "mean_rating" => Arc::new(Float64Array::from_iter_values(
                rows().map(|row| catalogue.mean_rating[row.item.at()]),
            )),
            "score" => Arc::new(rows().map(|row| row.score).collect::<Float32Array>()),
            "predicted_rating" => Arc::new(rows().map(|row| row.rating).collect::<Float32Array>()),
            "score_meaning" => {
                Arc::new(StringArray::from_iter_values(rows().map(|_| self.meaning.as_str())))
            }
            "base_score" if self.explained => base_scores(lists),
            "because" if self.explained => self.because(lists),
            _ => return None,
        };
        Some(array)
    }

    /// Returns the reasons: a list of movie_id, title, rating and contribution for each row.
    fn because(&self, lists: &[RankedList]) -> ArrayRef {
        let catalogue = &self.model.catalogue;
        let of_rows = || reasons_of(lists).map(|reasons| &reasons.strongest);
        let reasons = || of_rows().flatten();
        let titles = reasons().map(|(item, ..)| catalogue.movie(*item).title);
        let columns: [(&str, ArrayRef); 4] = [
            (
                "movie_id",
                Arc::new(Int32Array::from_iter_values(
                    reasons().map(|(item, ..)| catalogue.id(*item).0),
                )),
            ),
            ("title", Arc::new(StringArray::from_iter_values(titles))),
            ("rating", Arc::new(Float32Array::from_iter_values(reasons().map(|reason| reason.1)))),
            (
                "contribution",
                Arc::new(Float32Array::from_iter_values(reasons().map(|reason| reason.2))),
            ),
        ];
        let fields: Fields = columns
            .iter()
            .map(|(name, array)| Field::new(*name, array.data_type().clone(), false))
            .collect();
        let arrays = columns.into_iter().map(|(_, array)| array).collect();
        let values = StructArray::new(fields.clone(), arrays, None);
        let item = Arc::new(Field::new("item", DataType::Struct(fields), false));
        let offsets = OffsetBuffer::from_lengths(of_rows().map(Vec::len));
        Arc::new(ListArray::new(item, offsets, Arc::new(values), None))
    }
}

/// Returns the reasons of all rows of all lists.
fn reasons_of(lists: &[RankedList]) -> impl Iterator<Item = &ScoreReasons> {
    lists.iter().flat_map(|list| list.reasons.iter().flatten())
}

/// Returns the base of each score.
fn base_scores(lists: &[RankedList]) -> ArrayRef {
    Arc::new(Float32Array::from_iter_values(reasons_of(lists).map(|reasons| reasons.base)))
}

/// Adds stars, or a bar where no stars are predicted, for people to look at.
pub(super) fn drawn(rows: &RecordBatch, most_stars: f32) -> RecordBatch {
    let numbers = |name: &str| {
        let column = rows.column_by_name(name)?.as_primitive_opt::<Float32Type>()?.clone();
        (column.iter().flatten().next().is_some()).then_some(column)
    };
    let picture: StringArray = if let Some(stars) = numbers("predicted_rating") {
        stars.iter().map(|value| value.map(|value| as_stars(value, most_stars))).collect()
    } else if let Some(scores) = numbers("score") {
        let best = scores.iter().flatten().fold(0.0, f32::max);
        scores.iter().map(|value| value.map(|value| as_bar(value / best))).collect()
    } else {
        return rows.clone();
    };
    let mut columns: Vec<(String, ArrayRef)> = rows
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .zip(rows.columns().iter().cloned())
        .collect();
    columns.push((String::new(), Arc::new(picture)));
    RecordBatch::try_from_iter(columns).expect("columns of equal length")
}

/// Draws stars to the nearest half, five for the most that can be given.
fn as_stars(value: f32, most: f32) -> String {
    const STARS: f32 = 5.0;
    let halves = (value / most * STARS * 2.0).round().clamp(0.0, STARS * 2.0) as usize;
    format!("{}{}", "★".repeat(halves / 2), if halves % 2 == 1 { "½" } else { "" })
}

/// Draws a share as a bar of ten places.
fn as_bar(share: f32) -> String {
    const WIDTH: f64 = 10.0;
    eighths(f64::from(share.clamp(0.0, 1.0)) * WIDTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_bars() {
        assert_eq!(as_stars(4.3, 5.0), "★★★★½");
        assert_eq!((as_stars(9.0, 5.0), as_stars(-1.0, 5.0)), ("★★★★★".into(), String::new()));
        assert_eq!(as_stars(5.0, 10.0), "★★½");
        assert_eq!((as_bar(1.0), as_bar(0.0)), ("█".repeat(10), String::new()));
        assert_eq!(as_bar(0.325), "███▎");
        assert_eq!(as_bar(f32::NAN), "");
    }

    #[test]
    fn the_strongest_reasons_come_first_for_or_against() {
        let explanation = Explanation { base: 1.0, contributions: vec![0.5, -2.0, 0.0, 1.0] };
        let ratings: Vec<(ItemIx, f32)> = (0..4).map(|ix| (ItemIx(ix), ix as f32)).collect();
        let reasons = strongest(&explanation, &ratings, 3);
        let parts: Vec<(u32, f32)> =
            reasons.iter().map(|(item, _, part)| (item.0, *part)).collect();
        assert_eq!(parts, [(1, -2.0), (3, 1.0), (0, 0.5)]);
    }
}
