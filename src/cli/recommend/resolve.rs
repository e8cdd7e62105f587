//! Resolves the movies and ratings of a profile against a model.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

use crate::cli::error::Result;
use crate::dataset::ids::ItemIx;
use crate::io::IoError;
use crate::io::profiles::{self, ExportFormat, MovieName, RatedMovie, UserProfile, rescaled};
use crate::io::source::{Source, SourceKind, read_small};
use crate::io::values::Scale;
use crate::model::Model;
use crate::model::finder::MovieFinder;

/// What to do with a rating that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum OnBadRating {
    /// End with an error
    Fail,
    /// Leave it out, and name the first ten
    Skip,
}

/// Ratings of a profile that the model can use.
#[derive(Debug, Default)]
pub(super) struct ResolvedProfile {
    /// Ratings by ascending item, on the model's scale.
    pub(super) ratings: Vec<(ItemIx, f32)>,
    /// Movies that were seen without a rating.
    pub(super) seen: Vec<ItemIx>,
    /// What was left out, and why.
    pub(super) skipped: Vec<String>,
    /// Movies whose title was not exactly the one given.
    pub(super) guesses: Vec<String>,
    /// What was assumed about the ratings.
    pub(super) assumption: Option<String>,
}

/// Returns the rating scale of a model.
pub(super) fn scale(model: &Model) -> Scale {
    model.info.as_ref().and_then(|info| info.training.scale).unwrap_or_default()
}

/// Finds the movies of a profile and converts its ratings to the model's scale. `given` is the
/// scale of the ratings if it was told.
pub(super) fn resolve(
    model: &Model,
    finder: &MovieFinder<'_>,
    profile: &UserProfile,
    on_error: OnBadRating,
    given: Option<Scale>,
) -> Result<ResolvedProfile> {
    let mut resolver = ProfileResolver {
        model,
        finder,
        on_error,
        own: scale(model),
        source: source_scale(profile.export, given),
        resolved: ResolvedProfile::default(),
    };
    resolver.resolved.assumption = resolver.assumption(profile, given);
    let mut latest: HashMap<ItemIx, (Option<&str>, f32)> = HashMap::new();
    for rated in &profile.ratings {
        let Some((item, rating)) = resolver.rating(rated)? else { continue };
        let entry = (rated.date.as_deref(), rating);
        let Some(before) = latest.insert(item, entry) else { continue };
        let name = model.catalogue.name(item);
        let what = format!("{name} is rated twice");
        resolver.skip(rated, &format!("{what}; the latest rating is kept"), &what)?;
        // Of equal dates the later row counts, which has just been inserted.
        if before.0 > entry.0 {
            latest.insert(item, before);
        }
    }
    let liked = resolver.own.liked_from();
    let only_seen = profile.ratings.is_empty();
    for rated in &profile.seen {
        let Some(item) = resolver.item(rated)? else { continue };
        match only_seen {
            true => drop(latest.entry(item).or_insert((None, liked))),
            false => resolver.resolved.seen.push(item),
        }
    }
    let mut resolved = resolver.resolved;
    resolved.ratings = latest.into_iter().map(|(item, (_, rating))| (item, rating)).collect();
    resolved.ratings.sort_by_key(|(item, _)| *item);
    Ok(resolved)
}

/// Returns the scale of the ratings in a file, if it is not that of the model.
fn source_scale(export: Option<ExportFormat>, given: Option<Scale>) -> Option<(f32, f32)> {
    given.map(|scale| (scale.min, scale.max)).or(export.map(|export| export.scale))
}

struct ProfileResolver<'a> {
    model: &'a Model,
    finder: &'a MovieFinder<'a>,
    on_error: OnBadRating,
    own: Scale,
    source: Option<(f32, f32)>,
    resolved: ResolvedProfile,
}

impl ProfileResolver<'_> {
    fn assumption(&self, profile: &UserProfile, given: Option<Scale>) -> Option<String> {
        let own = format!("{}..{}", self.own.min, self.own.max);
        if profile.ratings.is_empty() && !profile.seen.is_empty() {
            let liked = self.own.liked_from();
            return Some(format!("no ratings in it: each movie counts as {liked} of {own}"));
        }
        let export = profile.export.filter(|_| given.is_none())?;
        let (low, high) = export.scale;
        let is_same = (low, high) == (self.own.min, self.own.max);
        let converted = if is_same { String::new() } else { format!(", converted to {own}") };
        Some(format!("ratings of {low}..{high} ({}){converted}", export.site))
    }

    /// Returns item and rating on the model's scale; `None` if they were skipped.
    fn rating(&mut self, rated: &RatedMovie) -> Result<Option<(ItemIx, f32)>> {
        let (low, high) = self.source.unwrap_or((self.own.min, self.own.max));
        // TMDB's half points lie below the scale that they are converted from.
        let lowest = if self.source.is_some() { low - 0.5 } else { low };
        if !(lowest..=high).contains(&rated.rating) {
            let (movie, rating) = (&rated.movie, rated.rating);
            let problem = format!("`{movie}`: {rating} is not between {low} and {high} stars");
            let hint = format!("{problem}; for another scale, use --ratings-scale MIN..MAX");
            self.skip(rated, &problem, &hint)?;
            return Ok(None);
        }
        let Some(item) = self.item(rated)? else { return Ok(None) };
        let rating = match self.source {
            Some(source) => rescaled(rated.rating, source, self.own.min..=self.own.max),
            None => rated.rating,
        };
        Ok(Some((item, rating)))
    }

    fn item(&mut self, rated: &RatedMovie) -> Result<Option<ItemIx>> {
        match self.finder.find_named(&rated.movie) {
            Ok((item, is_guess)) => {
                if is_guess {
                    let name = self.model.catalogue.name(item);
                    self.resolved.guesses.push(format!("`{}` as {name}", rated.movie));
                }
                Ok(Some(item))
            }
            Err(error) => {
                let error = error.to_string();
                let brief = error.lines().next().unwrap_or_default().trim_end_matches([':', ' ']);
                self.skip(rated, brief, &error)?;
                Ok(None)
            }
        }
    }

    /// Notes what is left out, or fails.
    fn skip(&mut self, rated: &RatedMovie, brief: &str, error: &str) -> Result<()> {
        let place = rated.place.as_ref().map_or_else(String::new, |place| format!("{place}: "));
        match self.on_error {
            OnBadRating::Skip => self.resolved.skipped.push(format!("{place}{brief}")),
            OnBadRating::Fail => {
                anyhow::bail!("{place}{error}\n  (--on-error skip leaves such ratings out)")
            }
        }
        Ok(())
    }
}

/// Reads a file that names movies otherwise than by ids: an export of another site, or a table with
/// titles. Returns `None` for any other list.
pub(super) fn read_named_movies(path: &Path) -> Result<Option<Vec<RatedMovie>>> {
    if !path.is_file() {
        return Ok(None);
    }
    let name = path.display().to_string();
    let source = Source::open(path)?;
    let profile = match source.kind {
        SourceKind::Zip => {
            let file = File::open(path).map_err(IoError::at(path))?;
            Some(profiles::from_zip(&name, file)?)
        }
        SourceKind::Json => {
            let bytes = read_small(source.reader, &name)?;
            let value = serde_json::from_slice(&bytes).ok();
            value.and_then(|value| profiles::from_json(&value).ok())
        }
        SourceKind::Text => profiles::from_csv(&name, &read_small(source.reader, &name)?).ok(),
        SourceKind::Parquet | SourceKind::Empty => None,
    };
    let is_named = |name: &MovieName| name.id.is_none() && name.typed.is_none();
    let movies = profile.map(|profile| [profile.ratings, profile.seen].concat());
    Ok(movies.filter(|movies| !movies.is_empty() && movies.iter().all(|one| is_named(&one.movie))))
}
