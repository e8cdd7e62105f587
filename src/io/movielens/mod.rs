//! MovieLens as GroupLens ships it: a folder, or a ZIP archive with that folder in it.
//!
//! | layout | ratings | movies | also |
//! |---|---|---|---|
//! | CSV (latest, small, 20M, 25M, 32M) | `ratings.csv` | `movies.csv` | `links.csv`, `tags.csv` |
//! | 1M, 10M | `ratings.dat` | `movies.dat` | `tags.dat` |
//! | 100K | `u.data` | `u.item` | |
//!
//! Only the ratings must be there; their folder is that of all other members. Upper case in names
//! does not matter, nor the names of Kaggle's copy (`rating.csv`, `movie.csv`). A folder or archive
//! with one text that may be ratings is that text. Members are read as streams, never unpacked to
//! disk, so a name with `..` in an archive leads nowhere.

pub mod dat;
mod members;

use std::io::Read;
use std::path::Path;

use crate::io::columns::{LinkColumns, MovieColumns, TagColumns};
use crate::io::error::IoError;
use crate::io::import_state::{ImportState, Sink};
use crate::io::keys::IdMapping;
use crate::io::movielens::members::ArchiveMembers;
use crate::io::rejects::RejectedRows;
use crate::io::source::{FileFingerprint, Source, read_small};
use crate::io::{table, text};
use crate::progress::Progress;

/// Everything that a MovieLens folder or archive holds besides ratings.
#[derive(Debug)]
pub struct MovieLens {
    /// What was recognized, for people.
    pub recognised: String,
    /// Titles and genres.
    pub movies: Option<MovieColumns>,
    /// Identifiers elsewhere.
    pub links: Option<LinkColumns>,
    /// Tags.
    pub tags: Option<TagColumns>,
    /// Name, size and hash of each member read, of the text itself where it was packed.
    pub sources: Vec<(String, FileFingerprint)>,
}

/// Reads a folder and hands its ratings to `sink`, in the order of the file.
///
/// # Errors
/// If there is no rating file in it, a member cannot be read, or a bad line may not be rejected.
pub fn read_folder(
    path: &Path,
    import: &mut ImportState,
    sink: Sink<'_>,
    progress: &dyn Progress,
) -> Result<MovieLens, IoError> {
    read(ArchiveMembers::Folder(path.to_path_buf()), import, sink, progress)
}

/// Reads a ZIP archive; one that comes through a pipe goes to a temporary file first, for the list
/// of its members stands at its end.
///
/// # Errors
/// As [`read_folder`], and if the archive is corrupt.
pub fn read_archive(
    source: Source,
    import: &mut ImportState,
    sink: Sink<'_>,
    progress: &dyn Progress,
) -> Result<MovieLens, IoError> {
    read(ArchiveMembers::archive(source)?, import, sink, progress)
}

fn read(
    mut members: ArchiveMembers,
    import: &mut ImportState,
    sink: Sink<'_>,
    progress: &dyn Progress,
) -> Result<MovieLens, IoError> {
    let mut sources = Vec::new();
    let mut layout = None;
    for candidate in [MovieLensLayout::Csv, MovieLensLayout::Dat, MovieLensLayout::Ml100k] {
        if let Some(name) = members.find(candidate.ratings())? {
            layout = Some((candidate, name));
            break;
        }
    }
    let (layout, name) = match layout {
        Some((layout, name)) => (Some(layout), name),
        None => (None, lone_file(&members)?),
    };
    let recognised = members.read_member(&name, &mut sources, |file, size, reader| {
        progress.begin("reading ratings", "bytes", size);
        text::read_ratings(file, reader, import, sink, progress)
    })?;
    let recognised = layout.map_or(recognised, |layout| layout.shown().into());
    let mut read = MovieLens { recognised, movies: None, links: None, tags: None, sources };
    let Some(layout) = layout else { return Ok(read) };
    let all = &mut read.sources;
    let ImportState { movies, rejects, .. } = import;
    let mut ids = IdMapping::Import(movies);
    read.movies = read_movies(layout, &mut members, all, &mut ids, rejects)?;
    match layout {
        MovieLensLayout::Csv => {
            read.links = members.read(&["links.csv", "link.csv"], all, |file, _, text| {
                table::read_links(file, text, &mut ids, rejects)
            })?;
            read.tags = members.read(&["tags.csv", "tag.csv"], all, |file, _, text| {
                table::read_tags(file, text, import)
            })?;
        }
        MovieLensLayout::Dat => {
            read.tags = members
                .read(&["tags.dat"], all, |file, _, text| dat::read_tags(file, text, import))?;
        }
        MovieLensLayout::Ml100k => {}
    }
    if read.movies.is_none() {
        let shown = members.shown();
        progress.inform(&format!("{shown}: no {} in it: no titles", layout.movies()[0]));
    }
    Ok(read)
}

fn read_movies(
    layout: MovieLensLayout,
    members: &mut ArchiveMembers,
    sources: &mut Vec<(String, FileFingerprint)>,
    ids: &mut IdMapping<'_>,
    rejects: &mut RejectedRows,
) -> Result<Option<MovieColumns>, IoError> {
    members.read(layout.movies(), sources, |file, _, text| match layout {
        MovieLensLayout::Csv => table::read_movies(file, text, ids, rejects),
        MovieLensLayout::Dat => dat::read_movies(file, text, ids, rejects),
        MovieLensLayout::Ml100k => dat::read_items(file, text, ids, rejects),
    })
}

/// Reads the titles and links of a folder or, with its source, of an archive; `None` where there
/// are no titles.
///
/// # Errors
/// If they cannot be read.
pub fn read_titles(
    folder: &Path,
    archive: Option<Source>,
    ids: &mut IdMapping<'_>,
) -> Result<Option<(MovieColumns, Option<LinkColumns>)>, IoError> {
    let mut members = match archive {
        Some(source) => ArchiveMembers::archive(source)?,
        None => ArchiveMembers::Folder(folder.to_path_buf()),
    };
    let (mut sources, mut rejects) = (Vec::new(), RejectedRows::fail());
    for layout in [MovieLensLayout::Csv, MovieLensLayout::Dat, MovieLensLayout::Ml100k] {
        // The ratings say which of several folders is meant.
        members.find(layout.ratings())?;
        let movies = read_movies(layout, &mut members, &mut sources, ids, &mut rejects)?;
        let Some(movies) = movies else { continue };
        let links = members.read(&["links.csv", "link.csv"], &mut sources, |file, _, text| {
            table::read_links(file, text, ids, &mut rejects)
        })?;
        return Ok(Some((movies, links)));
    }
    Ok(None)
}

/// Reads a lone text of movies: a table with a header, `movies.dat`, or `u.item`, told apart by the
/// first line.
///
/// # Errors
/// If it cannot be read, or a row is not a movie.
pub fn read_movies_text(
    file: &str,
    reader: impl Read,
    ids: &mut IdMapping<'_>,
) -> Result<MovieColumns, IoError> {
    let bytes = read_small(reader, file)?;
    let first = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let n_bars = first.iter().filter(|&&byte| byte == b'|').count();
    let rejects = &mut RejectedRows::fail();
    if first.windows(2).any(|pair| pair == b"::") {
        dat::read_movies(file, &bytes[..], ids, rejects)
    } else if n_bars + 1 >= dat::ITEM_FIELDS {
        dat::read_items(file, &bytes[..], ids, rejects)
    } else {
        table::read_movies(file, &bytes[..], ids, rejects)
    }
}

/// Whether a folder has ratings as text, by their usual names.
///
/// # Errors
/// If it cannot be read.
pub fn has_ratings(folder: &Path) -> Result<bool, IoError> {
    let mut members = ArchiveMembers::Folder(folder.to_path_buf());
    for layout in [MovieLensLayout::Csv, MovieLensLayout::Dat, MovieLensLayout::Ml100k] {
        if members.find(layout.ratings())?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns the one file that can only be the ratings.
fn lone_file(members: &ArchiveMembers) -> Result<String, IoError> {
    const TEXTS: [&str; 8] = ["csv", "tsv", "txt", "dat", "data", "inter", "jsonl", "json"];
    let names = members.names();
    let is_text = |name: &&String| {
        let name = name.to_ascii_lowercase();
        let stem = name.trim_end_matches(".gz").trim_end_matches(".zst");
        let ending = stem.rsplit_once('.').map_or("", |(_, ending)| ending);
        let is_other = ["movie", "link", "tag", "user", "readme", "genome"];
        TEXTS.contains(&ending) && !is_other.iter().any(|other| stem.contains(other))
    };
    let texts: Vec<&String> = names.iter().filter(is_text).collect();
    match texts[..] {
        [one] => Ok(one.clone()),
        _ => Err(IoError::NoRatings { path: members.shown(), found: names }),
    }
}

/// The layouts of [`self`].
#[derive(Debug, Clone, Copy)]
enum MovieLensLayout {
    Csv,
    Dat,
    Ml100k,
}

impl MovieLensLayout {
    fn shown(self) -> &'static str {
        match self {
            Self::Csv => "MovieLens CSV",
            Self::Dat => "MovieLens 1M or 10M",
            Self::Ml100k => "MovieLens 100K",
        }
    }

    /// Names of the ratings; the second ones are those of Kaggle's copy of 20M.
    fn ratings(self) -> &'static [&'static str] {
        match self {
            Self::Csv => &["ratings.csv", "rating.csv", "ratings.tsv"],
            Self::Dat => &["ratings.dat"],
            Self::Ml100k => &["u.data"],
        }
    }

    fn movies(self) -> &'static [&'static str] {
        match self {
            Self::Csv => &["movies.csv", "movie.csv", "movies.tsv"],
            Self::Dat => &["movies.dat"],
            Self::Ml100k => &["u.item"],
        }
    }
}
