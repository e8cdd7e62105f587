//! MovieLens as GroupLens ships it: a folder, or a ZIP archive with that folder in it.
//!
//! The CSV family (latest, latest-small, 20M, 25M, 32M) holds `ratings.csv`, `movies.csv`, `links.csv`
//! and `tags.csv`; only the first must be there. Members are looked up by their last name and read
//! as streams, never unpacked to disk, so a name with `..` in an archive leads nowhere.

mod members;

use std::path::Path;

use crate::io::columns::{LinkColumns, MovieColumns, RatingColumns, TagColumns};
use crate::io::error::IoError;
use crate::io::movielens::members::Members;
use crate::io::source::{Fingerprint, Source};
use crate::io::{delimited, table};
use crate::progress::Progress;

/// Everything that a MovieLens folder or archive holds.
#[derive(Debug)]
pub struct MovieLens {
    /// What was recognised, for people.
    pub layout: &'static str,
    /// The ratings, in the order of the file.
    pub ratings: RatingColumns,
    /// Titles and genres.
    pub movies: Option<MovieColumns>,
    /// Identifiers elsewhere.
    pub links: Option<LinkColumns>,
    /// Tags.
    pub tags: Option<TagColumns>,
    /// Name, size and hash of each member read, of the text itself where it was packed.
    pub sources: Vec<(String, Fingerprint)>,
}

/// Reads a folder.
///
/// # Errors
/// If there is no rating file in it, or a member cannot be read or has a bad line.
pub fn read_folder(path: &Path, progress: &dyn Progress) -> Result<MovieLens, IoError> {
    read(Members::Folder(path.to_path_buf()), progress)
}

/// Reads a ZIP archive; one that comes through a pipe goes to a temporary file first, for the list of its
/// members stands at its end.
///
/// # Errors
/// As [`read_folder`], and if the archive is damaged.
pub fn read_archive(source: Source, progress: &dyn Progress) -> Result<MovieLens, IoError> {
    read(Members::archive(source)?, progress)
}

fn read(mut members: Members, progress: &dyn Progress) -> Result<MovieLens, IoError> {
    if !members.has("ratings.csv") {
        return Err(IoError::NoRatings { path: members.shown(), found: members.names() });
    }
    let mut sources = Vec::new();
    let ratings = members
        .read("ratings.csv", &mut sources, |file, size, reader| {
            progress.begin("reading ratings", "bytes", size);
            delimited::read_ratings(file, reader, progress)
        })?
        .expect("it was seen above");
    Ok(MovieLens {
        layout: "MovieLens CSV",
        ratings,
        movies: members
            .read("movies.csv", &mut sources, |file, _, text| table::read_movies(file, text))?,
        links: members
            .read("links.csv", &mut sources, |file, _, text| table::read_links(file, text))?,
        tags: members
            .read("tags.csv", &mut sources, |file, _, text| table::read_tags(file, text))?,
        sources,
    })
}
