//! Movies, links and tags as delimited text: few rows, read one by one with the `csv` crate.
//!
//! Of MovieLens, and of whoever else exports titles: other delimiters and names, UTF-8 or Latin-1,
//! without genres, with genres as lists, with the year in a column of its own.

use std::io::Read;

use csv::{ErrorKind, StringRecord};

use crate::io::columns::{LinkColumns, MovieColumns, TagColumns};
use crate::io::error::IoError;
use crate::io::import_state::ImportState;
use crate::io::keys::{IdMapping, text_of};
use crate::io::rejects::RejectedRows;
use crate::io::source::read_small;
use crate::io::text::{Delimiter, normalized};
use crate::io::values::{is_missing, parse_id, parse_time};

/// Hands out the fields of one record, with errors that name file, line, column and value.
struct Record<'a> {
    file: &'a str,
    record: &'a StringRecord,
}

impl<'a> Record<'a> {
    /// Returns a field as it stands: a blank at the end of a title is the title's own.
    fn text(&self, at: usize) -> &'a str {
        self.record.get(at).unwrap_or_default()
    }

    fn bad(&self, column: &'static str, value: &str, problem: &str) -> IoError {
        IoError::BadField {
            file: self.file.into(),
            line: self.record.position().map_or(0, csv::Position::line),
            column,
            value: value.into(),
            problem: problem.into(),
        }
    }

    fn number(&self, at: usize, column: &'static str) -> Result<Option<i32>, IoError> {
        let text = self.text(at).trim();
        if is_missing(text.as_bytes()) {
            return Ok(None);
        }
        parse_id(text.as_bytes()).map(Some).map_err(|problem| self.bad(column, text, problem))
    }

    /// Returns the id of a user or movie; `None` where it is of no interest.
    fn id(
        &self,
        at: usize,
        column: &'static str,
        ids: &mut IdMapping<'_>,
    ) -> Result<Option<i32>, IoError> {
        let text = self.text(at).trim();
        ids.map(text).map_err(|problem| self.bad(column, text, problem))
    }

    fn time(&self, at: usize) -> Result<i64, IoError> {
        let text = self.text(at).trim();
        parse_time(text.as_bytes()).map_err(|problem| self.bad("timestamp", text, problem))
    }
}

/// A column by its usual names, lower case and without punctuation; it may be missing.
type ColumnNames = (&'static str, &'static [&'static str], bool);

const REQUIRED: bool = true;
const OPTIONAL: bool = false;

/// Returns the positions of columns among names; of the usual names, the first counts.
fn positions<const N: usize>(
    file: &str,
    names: &[String],
    columns: [ColumnNames; N],
) -> Result<[Option<usize>; N], IoError> {
    let mut at = [None; N];
    for (at, (column, aliases, required)) in at.iter_mut().zip(columns) {
        let find = |alias: &&str| names.iter().position(|name| normalized(name) == *alias);
        *at = aliases.iter().find_map(find);
        if required && at.is_none() {
            return Err(IoError::MissingColumn {
                file: file.into(),
                column,
                found: names.to_vec(),
            });
        }
    }
    Ok(at)
}

/// Reads a text with a header and calls `row` with each record and the positions of `columns`.
fn read<const N: usize>(
    file: &str,
    reader: impl Read,
    rejects: &mut RejectedRows,
    columns: [ColumnNames; N],
    mut row: impl FnMut(&Record<'_>, [Option<usize>; N]) -> Result<(), IoError>,
) -> Result<(), IoError> {
    let text = text_of(read_small(reader, file)?);
    let text = text.trim_start_matches('\u{feff}');
    let delimiter = match Delimiter::detect(text.lines().next().unwrap_or_default().as_bytes()) {
        Delimiter::Byte(byte) => byte,
        Delimiter::TwoColons | Delimiter::Blanks => b',',
    };
    // A backslash is a character like any other, unless it stands before a quote.
    let escape = text.contains("\\\"").then_some(b'\\');
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).escape(escape).from_reader(text.as_bytes());
    let failed = |error: csv::Error| text_error(file, error);
    let header = reader.headers().map_err(failed)?;
    let names: Vec<String> = header.iter().map(|name| name.trim().to_string()).collect();
    if names.is_empty() {
        return Err(IoError::Empty { file: file.into() });
    }
    let at = positions(file, &names, columns)?;
    let mut record = StringRecord::new();
    loop {
        let read = match reader.read_record(&mut record) {
            Ok(false) => return Ok(()),
            Ok(true) => row(&Record { file, record: &record }, at),
            Err(error) => Err(failed(error)),
        };
        if let Err(error) = read {
            let fields: Vec<&str> = record.iter().collect();
            rejects.take(error, &fields.join(","))?;
        }
    }
}

fn text_error(file: &str, error: csv::Error) -> IoError {
    let file = file.to_string();
    let line = error.position().map_or(0, csv::Position::line);
    let problem = match error.into_kind() {
        ErrorKind::Io(source) => return IoError::System { file, source },
        ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("the line has {len} fields where {expected_len} were expected")
        }
        ErrorKind::Utf8 { err, .. } => format!("the line is not UTF-8: {err}"),
        _ => "the line cannot be read".into(),
    };
    IoError::BadLine { file, line, problem }
}

const MOVIE_ID: ColumnNames = (
    "movie",
    &[
        "moviekey",
        "movieid",
        "movie",
        "itemid",
        "item",
        "isbn",
        "asin",
        "animeid",
        "bookid",
        "productid",
        "id",
    ],
    REQUIRED,
);
const TITLE: ColumnNames = (
    "title",
    &["title", "movietitle", "booktitle", "name", "originaltitle", "primarytitle"],
    REQUIRED,
);
const GENRES: ColumnNames = ("genres", &["genres", "genre", "categories"], OPTIONAL);
const YEAR: ColumnNames =
    ("year", &["releaseyear", "year", "yearofpublication", "releasedate", "startyear"], OPTIONAL);

/// Columns of a table of movies: id, title, genres and year.
pub(in crate::io) const MOVIE_COLUMNS: [ColumnNames; 4] = [MOVIE_ID, TITLE, GENRES, YEAR];

/// Finds the columns of a table of movies among names: id and title, and perhaps genres and year.
///
/// # Errors
/// If there is no id or no title.
pub fn movie_columns(file: &str, names: &[String]) -> Result<[Option<usize>; 4], IoError> {
    positions(file, names, MOVIE_COLUMNS)
}

/// Reads a table of movies; `ids` says what the ids become.
///
/// # Errors
/// If reading fails, or a row is not a movie and may not be rejected.
pub fn read_movies(
    file: &str,
    reader: impl Read,
    ids: &mut IdMapping<'_>,
    rejects: &mut RejectedRows,
) -> Result<MovieColumns, IoError> {
    let mut movies = MovieColumns::default();
    read(file, reader, rejects, MOVIE_COLUMNS, |record, [id, title, genres, year]| {
        let text = |at: Option<usize>| at.map_or("", |at| record.text(at));
        if let Some(id) = record.id(id.unwrap_or(0), "movie", ids)? {
            movies.add(id, text(title), text(genres), text(year));
        }
        Ok(())
    })?;
    Ok(movies)
}

impl MovieColumns {
    /// Adds a movie as files describe it: its year may stand in the title or apart, its genres may
    /// be a list of any form.
    pub fn add(&mut self, id: i32, title: &str, genres: &str, year: &str) {
        let apart = || {
            let digits = year.trim().get(..4)?.parse().ok()?;
            YEARS.contains(&digits).then_some(digits)
        };
        self.movie_id.push(id);
        self.release_year.push(release_year(title).or_else(apart));
        self.title.push(title.into());
        self.genres.push(genres_from(genres));
    }
}

/// Brings genres to MovieLens' form, `A|B`: from `A, B`, `['A', 'B']` or TMDB's `[{'id': 16,
/// 'name': 'A'}]`.
#[must_use]
pub fn genres_from(text: &str) -> String {
    const NONE: &str = "(no genres listed)";
    let trimmed = text.trim();
    let inner = trimmed.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let names: Vec<&str> = match inner {
        _ if is_missing(trimmed.as_bytes()) => Vec::new(),
        Some(objects) if objects.contains('{') => {
            let names = objects.split("name").skip(1);
            names.filter_map(|rest| rest.split(['\'', '"']).nth(2)).collect()
        }
        Some(list) => list.split(',').map(|name| name.trim().trim_matches(['\'', '"'])).collect(),
        None if trimmed.contains('|') || !trimmed.contains([',', ';']) => return text.into(),
        None => trimmed.split([',', ';']).map(str::trim).collect(),
    };
    let names: Vec<&str> = names.into_iter().filter(|name| !name.is_empty()).collect();
    if names.is_empty() { NONE.into() } else { names.join("|") }
}

/// Reads a table of links.
///
/// # Errors
/// If reading fails, or a row is not a link and may not be rejected.
pub fn read_links(
    file: &str,
    reader: impl Read,
    ids: &mut IdMapping<'_>,
    rejects: &mut RejectedRows,
) -> Result<LinkColumns, IoError> {
    let mut links = LinkColumns::default();
    let columns = [
        MOVIE_ID,
        ("IMDb id", &["imdbid", "imdb"][..], REQUIRED),
        ("TMDb id", &["tmdbid", "tmdb"][..], OPTIONAL),
    ];
    read(file, reader, rejects, columns, |record, [id, imdb, tmdb]| {
        let imdb = imdb.map_or("", |at| record.text(at).trim());
        let tmdb = tmdb.map_or(Ok(None), |at| record.number(at, "TMDb id"))?;
        if let Some(id) = record.id(id.unwrap_or(0), "movie", ids)? {
            links.movie_id.push(id);
            // IMDb's own spelling begins with `tt`.
            let imdb = imdb.strip_prefix("tt").unwrap_or(imdb);
            links.imdb_id.push((!is_missing(imdb.as_bytes())).then(|| imdb.into()));
            links.tmdb_id.push(tmdb);
        }
        Ok(())
    })?;
    Ok(links)
}

/// Reads a table of tags.
///
/// # Errors
/// If reading fails, or a row is not a tag and may not be rejected.
pub fn read_tags(
    file: &str,
    reader: impl Read,
    import: &mut ImportState,
) -> Result<TagColumns, IoError> {
    let ImportState { users, movies, rejects, .. } = import;
    let (mut users, mut movies) = (IdMapping::Import(users), IdMapping::Import(movies));
    let mut tags = TagColumns::default();
    let columns = [
        ("user", &["userkey", "userid", "user"][..], REQUIRED),
        MOVIE_ID,
        ("tag", &["tag"][..], REQUIRED),
        ("timestamp", &["timestamp", "tagtimestamp"][..], REQUIRED),
    ];
    read(file, reader, rejects, columns, |record, at| {
        let [user, movie, tag, time] = at.map(|at| at.unwrap_or(0));
        let user = record.id(user, "user", &mut users)?;
        let movie = record.id(movie, "movie", &mut movies)?;
        let time = record.time(time)?;
        if let (Some(user), Some(movie)) = (user, movie) {
            tags.user_id.push(user);
            tags.movie_id.push(movie);
            tags.tag.push(record.text(tag).into());
            tags.time_ms.push(time);
        }
        Ok(())
    })?;
    Ok(tags)
}

/// Years that a release may have.
const YEARS: std::ops::RangeInclusive<i16> = 1870..=2100;

/// Returns the year that stands in parentheses at the end of a title.
///
/// MovieLens writes ` (1995)`, sometimes ` (2006–2007)` for series, and often nothing at all.
#[must_use]
pub fn release_year(title: &str) -> Option<i16> {
    let inner = title.trim_end().strip_suffix(')')?;
    let inner = &inner[inner.rfind('(')? + 1..];
    let digits: String = inner.chars().take_while(char::is_ascii_digit).collect();
    let rest = inner[digits.len()..].trim_start_matches(['-', '–', ' ']);
    let open_or_closed = rest.is_empty() || rest.chars().all(|c| c.is_ascii_digit());
    let year = digits.parse().ok()?;
    (digits.len() == 4 && open_or_closed && YEARS.contains(&year)).then_some(year)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn release_years_are_read_from_titles() {
        for (title, year) in [
            ("Toy Story (1995)", Some(1995)),
            ("Shanghai Triad (Yao a yao yao dao waipo qiao) (1995) ", Some(1995)),
            ("Fawlty Towers (1975-1979)", Some(1975)),
            ("Death Note: Desu nôto (2006–2007)", Some(2006)),
            ("Big Bang Theory, The (2007-)", Some(2007)),
            ("2012", None),
            ("Babylon 5", None),
            ("Mystery (unknown)", None),
            ("Odd (1234567)", None),
            ("Odd (0001)", None),
            ("()", None),
        ] {
            assert_eq!(release_year(title), year, "{title}");
        }
    }

    fn movies_of(text: &[u8]) -> Result<MovieColumns, String> {
        let mut import = ImportState::default();
        let mut ids = IdMapping::Import(&mut import.movies);
        read_movies("movies.csv", text, &mut ids, &mut RejectedRows::fail())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn quoted_titles_and_empty_links_are_read() {
        let movies =
            movies_of(b"movieId,title,genres\r\n2,\"Matrix, The (1999)\",Action|Sci-Fi\r\n")
                .unwrap();
        assert_eq!(movies.title, ["Matrix, The (1999)"]);
        assert_eq!(movies.release_year, [Some(1999)]);
        let text = &b"movieId,imdbId,tmdbId\n1,0114709,\n2,tt0113497,8844.0\n"[..];
        let mut import = ImportState::default();
        let links = read_links(
            "l",
            text,
            &mut IdMapping::Import(&mut import.movies),
            &mut RejectedRows::fail(),
        );
        let links = links.unwrap();
        assert_eq!(links.imdb_id, [Some("0114709".to_string()), Some("0113497".to_string())]);
        assert_eq!(links.tmdb_id, [None, Some(8844)]);
    }

    #[test]
    fn titles_of_other_sites_are_read() {
        for (text, title, genres, year) in [
            (&b"item,title\n1,Emma\n"[..], "Emma", "(no genres listed)", None),
            (b"movie_id\tname\n1\tEmma\n", "Emma", "(no genres listed)", None),
            ("\u{feff}anime_id,name,genre,type\n1,Emma,\"Drama, Romance\",TV\n".as_bytes(), "Emma", "Drama|Romance", None),
            (b"id,title,genres\n1,Emma,\"[{'id': 1, 'name': 'Drama'}, {'id': 2, 'name': 'War'}]\"\n", "Emma", "Drama|War", None),
            (b"ItemID;Title;Genres;Year\n1;Emma;['Drama', 'War'];1996\n", "Emma", "Drama|War", Some(1996)),
            (b"movieId,title,genres,release_date\n1.0,\"Emma\nWoodhouse\",,1996-07-07\n", "Emma\nWoodhouse", "(no genres listed)", Some(1996)),
            (b"movieId;\"Book-Title\";\"Year-Of-Publication\"\n1;\"The \\\"Emma\\\" of Mis\xe9rables\";\"1815\"\n", "The \"Emma\" of Mis\u{e9}rables", "(no genres listed)", None),
        ] {
            let movies = movies_of(text).unwrap();
            assert_eq!((&*movies.title[0], &*movies.genres[0], movies.release_year[0]), (title, genres, year), "{title}");
            assert_eq!(movies.movie_id, [1]);
        }
    }

    #[test]
    fn bad_rows_are_named_with_file_and_line() {
        let message = |text: &[u8]| movies_of(text).unwrap_err();
        assert_eq!(
            message(b"movieId,title,genres\n1,A,B\nx,A,B\n"),
            "movies.csv:3: movie `x` is not a whole number"
        );
        assert_eq!(
            message(b"movieId,genres\n"),
            "movies.csv: no column for the title; found `movieId`, `genres`"
        );
        assert!(message(b"movieId,title,genres\n1,A\n").contains("2 fields where 3"));
    }
}
