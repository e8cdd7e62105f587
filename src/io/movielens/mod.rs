//! MovieLens as GroupLens ships it: a folder, or a ZIP archive with that folder in it.
//!
//! | layout | ratings | movies | also |
//! |---|---|---|---|
//! | CSV (latest, latest-small, 20M, 25M, 32M) | `ratings.csv` | `movies.csv` | `links.csv`, `tags.csv` |
//! | 1M, 10M | `ratings.dat` | `movies.dat` | `tags.dat` |
//! | 100K | `u.data` | `u.item` | |
//!
//! Only the ratings must be there. Members are looked up by their last name and read as streams, never
//! unpacked to disk, so a name with `..` in an archive leads nowhere.

pub mod dat;
mod members;

use std::path::Path;

use crate::io::columns::{LinkColumns, MovieColumns, TagColumns};
use crate::io::error::IoError;
use crate::io::intake::{Intake, Sink};
use crate::io::movielens::members::Members;
use crate::io::source::{Fingerprint, Source};
use crate::io::{table, text};
use crate::progress::Progress;

/// Everything that a MovieLens folder or archive holds besides ratings.
#[derive(Debug)]
pub struct MovieLens {
    /// What was recognised, for people.
    pub layout: &'static str,
    /// Titles and genres.
    pub movies: Option<MovieColumns>,
    /// Identifiers elsewhere.
    pub links: Option<LinkColumns>,
    /// Tags.
    pub tags: Option<TagColumns>,
    /// Name, size and hash of each member read, of the text itself where it was packed.
    pub sources: Vec<(String, Fingerprint)>,
}

/// Reads a folder and hands its ratings to `sink`, in the order of the file.
///
/// # Errors
/// If there is no rating file in it, a member cannot be read, or a bad line may not be put aside.
pub fn read_folder(
    path: &Path,
    intake: &mut Intake,
    sink: Sink<'_>,
    progress: &dyn Progress,
) -> Result<MovieLens, IoError> {
    read(Members::Folder(path.to_path_buf()), intake, sink, progress)
}

/// Reads a ZIP archive; one that comes through a pipe goes to a temporary file first, for the list of its
/// members stands at its end.
///
/// # Errors
/// As [`read_folder`], and if the archive is damaged.
pub fn read_archive(
    source: Source,
    intake: &mut Intake,
    sink: Sink<'_>,
    progress: &dyn Progress,
) -> Result<MovieLens, IoError> {
    read(Members::archive(source)?, intake, sink, progress)
}

fn read(
    mut members: Members,
    intake: &mut Intake,
    sink: Sink<'_>,
    progress: &dyn Progress,
) -> Result<MovieLens, IoError> {
    let csv = (Layout::Csv, "ratings.csv");
    let layouts = [csv, (Layout::Dat, "ratings.dat"), (Layout::Ml100k, "u.data")];
    let Some((layout, ratings)) = layouts.into_iter().find(|(_, name)| members.has(name)) else {
        return Err(IoError::NoRatings { path: members.shown(), found: members.names() });
    };
    let mut sources = Vec::new();
    members.read(ratings, &mut sources, |file, size, reader| {
        progress.begin("reading ratings", "bytes", size);
        text::read_ratings(file, reader, intake, sink, progress)
    })?;
    let mut read = MovieLens {
        layout: layout.shown(),
        movies: None,
        links: None,
        tags: None,
        sources: Vec::new(),
    };
    let all = &mut sources;
    match layout {
        Layout::Csv => {
            read.movies = members
                .read("movies.csv", all, |file, _, text| table::read_movies(file, text, intake))?;
            read.links = members
                .read("links.csv", all, |file, _, text| table::read_links(file, text, intake))?;
            read.tags = members
                .read("tags.csv", all, |file, _, text| table::read_tags(file, text, intake))?;
        }
        Layout::Dat => {
            read.movies = members.read("movies.dat", all, |file, _, text| {
                dat::read_movies(file, text, &mut intake.rejects)
            })?;
            read.tags = members.read("tags.dat", all, |file, _, text| {
                dat::read_tags(file, text, &mut intake.rejects)
            })?;
        }
        Layout::Ml100k => {
            read.movies = members.read("u.item", all, |file, _, text| {
                dat::read_items(file, text, &mut intake.rejects)
            })?;
        }
    }
    read.sources = sources;
    Ok(read)
}

/// The layouts of [`self`].
#[derive(Debug, Clone, Copy)]
enum Layout {
    Csv,
    Dat,
    Ml100k,
}

impl Layout {
    fn shown(self) -> &'static str {
        match self {
            Self::Csv => "MovieLens CSV",
            Self::Dat => "MovieLens 1M or 10M",
            Self::Ml100k => "MovieLens 100K",
        }
    }
}
