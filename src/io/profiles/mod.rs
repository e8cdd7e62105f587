//! Ratings of one user from a small file: CSV or JSON, as people write them or as Letterboxd,
//! IMDb, Trakt and TMDB export them.

mod csv;
mod json;

use std::fmt;
use std::io::{Read, Seek};
use std::ops::RangeInclusive;

use serde_json::Value;
use zip::ZipArchive;

use crate::io::error::IoError;
use crate::io::source::read_small;

pub use csv::from_csv;
pub use json::{from_json, is_query};

/// Ratings of one user.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UserProfile {
    /// Identifier of the user, in JSON.
    pub id: Option<Value>,
    /// Rated movies in file order.
    pub ratings: Vec<RatedMovie>,
    /// Movies that were seen without a rating.
    pub seen: Vec<RatedMovie>,
    /// Rating scale and name of a known export format.
    pub export: Option<ExportFormat>,
}

/// A known export format.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExportFormat {
    /// Name of the site.
    pub site: &'static str,
    /// Lowest and highest rating that the site allows.
    pub scale: (f32, f32),
}

/// Letterboxd: half a star to five ratings.
pub const LETTERBOXD: ExportFormat = ExportFormat { site: "Letterboxd", scale: (0.5, 5.0) };
/// IMDb: 1 to 10.
pub const IMDB: ExportFormat = ExportFormat { site: "IMDb", scale: (1.0, 10.0) };
/// Trakt: 1 to 10.
pub const TRAKT: ExportFormat = ExportFormat { site: "Trakt", scale: (1.0, 10.0) };
/// TMDB: half a point to 10, halved as the other scales of ten are.
pub const TMDB: ExportFormat = ExportFormat { site: "TMDB", scale: (1.0, 10.0) };

/// A movie as a file names it, and its rating.
#[derive(Debug, Clone, PartialEq)]
pub struct RatedMovie {
    /// What names the movie.
    pub movie: MovieName,
    /// The rating; NaN of a movie that was only seen.
    pub rating: f32,
    /// Date of the rating as the file writes it; sorts as text.
    pub date: Option<String>,
    /// File and, if there are lines, line number.
    pub place: Option<String>,
}

/// What names a movie: the first of id, IMDb id, TMDB id and title that leads to one decides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MovieName {
    /// Id or title, as people type them.
    pub typed: Option<String>,
    /// Id of the data.
    pub id: Option<String>,
    /// IMDb id.
    pub imdb_id: Option<String>,
    /// TMDB id.
    pub tmdb_id: Option<String>,
    /// Title without its year.
    pub title: Option<String>,
    /// Year of release.
    pub year: Option<String>,
}

impl MovieName {
    /// Names a movie by what people type.
    #[must_use]
    pub fn typed(text: impl Into<String>) -> Self {
        Self { typed: Some(text.into()), ..Self::default() }
    }

    /// Returns the title with its year, if there is a title.
    #[must_use]
    pub fn titled(&self) -> Option<String> {
        let title = self.title.as_ref()?;
        Some(match &self.year {
            Some(year) => format!("{title} ({year})"),
            None => title.clone(),
        })
    }

    fn is_empty(&self) -> bool {
        *self == Self { year: self.year.clone(), ..Self::default() }
    }
}

impl fmt::Display for MovieName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let titled = self.titled();
        let ids = [&self.typed, &titled, &self.id, &self.imdb_id, &self.tmdb_id];
        f.write_str(ids.into_iter().flatten().next().map_or("", |name| name))
    }
}

/// Converts a rating linearly from one scale to another, limited to the latter.
#[must_use]
pub fn rescaled(rating: f32, from: (f32, f32), to: RangeInclusive<f32>) -> f32 {
    let share = f64::from(rating - from.0) / f64::from(from.1 - from.0);
    let width = f64::from(to.end() - to.start());
    ((f64::from(*to.start()) + share * width) as f32).clamp(*to.start(), *to.end())
}

/// Reads the export archive of Letterboxd: `ratings.csv`, and `watched.csv` for what was only seen.
///
/// # Errors
/// If it cannot be read or has neither of the files.
pub fn from_zip(file: &str, archive: impl Read + Seek) -> Result<UserProfile, IoError> {
    let broken = |source| IoError::Zip { file: file.into(), source };
    let mut archive = ZipArchive::new(archive).map_err(broken)?;
    let mut profile = UserProfile::default();
    let mut has_any = false;
    for name in ["ratings.csv", "watched.csv"] {
        let Ok(member) = archive.by_name(name) else { continue };
        has_any = true;
        let shown = format!("{file}/{name}");
        let one = from_csv(&shown, &read_small(member, &shown)?)?;
        profile.export = profile.export.or(one.export);
        profile.ratings.extend(one.ratings);
        profile.seen.extend(one.seen);
    }
    if !has_any {
        let found = archive.file_names().filter_map(Result::ok).map(String::from).collect();
        return Err(IoError::NoRatings { path: file.into(), found });
    }
    Ok(profile)
}
