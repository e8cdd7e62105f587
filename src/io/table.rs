//! Movies, links and tags as delimited text: few rows, read one by one with the `csv` crate.

use std::io::Read;

use csv::{ErrorKind, StringRecord};

use crate::io::columns::{LinkColumns, MovieColumns, TagColumns};
use crate::io::error::IoError;
use crate::io::intake::Intake;
use crate::io::keys::{Ids, Keys};
use crate::io::rejects::Rejects;
use crate::io::values::{parse_id, parse_time};

/// Hands out the fields of one record, with errors that name file, line, column and value.
struct Record<'a> {
    file: &'a str,
    record: &'a StringRecord,
}

impl<'a> Record<'a> {
    /// Returns a field as it stands: a blank at the end of a title is the title's own.
    fn text(&self, at: usize) -> &'a str {
        &self.record[at]
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

    fn number(&self, at: usize, column: &'static str) -> Result<i32, IoError> {
        let text = self.text(at).trim();
        parse_id(text.as_bytes()).map_err(|problem| self.bad(column, text, problem))
    }

    /// Returns the id of a user or movie, by its key where ids are keys.
    fn id(&self, at: usize, column: &'static str, ids: &mut Ids) -> Result<i32, IoError> {
        match ids.index() {
            Some(index) => Ok(index.number(self.text(at).trim().as_bytes())),
            None => self.number(at, column),
        }
    }

    fn time(&self, at: usize) -> Result<i64, IoError> {
        let text = self.text(at).trim();
        parse_time(text.as_bytes()).map_err(|problem| self.bad("timestamp", text, problem))
    }
}

/// Reads a text with a header and calls `row` with each record and the positions of `columns`.
fn read<const N: usize>(
    file: &str,
    reader: impl Read,
    rejects: &mut Rejects,
    columns: [(&'static str, &[&str]); N],
    mut row: impl FnMut(&Record<'_>, [usize; N]) -> Result<(), IoError>,
) -> Result<(), IoError> {
    let mut reader = csv::Reader::from_reader(reader);
    let failed = |error: csv::Error| text_error(file, error);
    let header = reader.headers().map_err(failed)?;
    let names: Vec<String> =
        header.iter().map(|name| name.trim_start_matches('\u{feff}').trim().to_string()).collect();
    if names.is_empty() {
        return Err(IoError::Empty { file: file.into() });
    }
    let mut at = [0; N];
    for (position, (column, aliases)) in at.iter_mut().zip(columns) {
        let found = names
            .iter()
            .position(|name| aliases.iter().any(|alias| name.eq_ignore_ascii_case(alias)));
        let Some(found) = found else {
            return Err(IoError::MissingColumn { file: file.into(), column, found: names });
        };
        *position = found;
    }
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
        ErrorKind::Utf8 { .. } => "the line is not UTF-8 text".into(),
        other => format!("the line cannot be read: {other:?}"),
    };
    IoError::BadLine { file, line, problem }
}

const MOVIE_ID: (&str, &[&str]) =
    ("movie", &["movieId", "movie_id", "movie", "item", "item_id", "isbn", "asin"]);

/// Reads `movies.csv`.
///
/// # Errors
/// If reading fails, or a row is not a movie and may not be put aside.
pub fn read_movies(
    file: &str,
    reader: impl Read,
    intake: &mut Intake,
) -> Result<MovieColumns, IoError> {
    let (ids, rejects) = (&mut intake.movies, &mut intake.rejects);
    let mut movies = MovieColumns::default();
    let columns = [MOVIE_ID, ("title", &["title"][..]), ("genres", &["genres"][..])];
    read(file, reader, rejects, columns, |record, at| {
        let (id, title) = (record.id(at[0], "movie", ids)?, record.text(at[1]));
        movies.movie_id.push(id);
        movies.release_year.push(release_year(title));
        movies.title.push(title.into());
        movies.genres.push(record.text(at[2]).into());
        Ok(())
    })?;
    Ok(movies)
}

/// Reads `links.csv`.
///
/// # Errors
/// If reading fails, or a row is not a link and may not be put aside.
pub fn read_links(
    file: &str,
    reader: impl Read,
    intake: &mut Intake,
) -> Result<LinkColumns, IoError> {
    let (ids, rejects) = (&mut intake.movies, &mut intake.rejects);
    let mut links = LinkColumns::default();
    let columns = [
        MOVIE_ID,
        ("IMDb id", &["imdbId", "imdb_id"][..]),
        ("TMDb id", &["tmdbId", "tmdb_id"][..]),
    ];
    read(file, reader, rejects, columns, |record, at| {
        let (imdb, tmdb) = (record.text(at[1]).trim(), record.text(at[2]).trim());
        let id = record.id(at[0], "movie", ids)?;
        let tmdb = if tmdb.is_empty() { None } else { Some(record.number(at[2], "TMDb id")?) };
        links.movie_id.push(id);
        links.imdb_id.push((!imdb.is_empty()).then(|| imdb.into()));
        links.tmdb_id.push(tmdb);
        Ok(())
    })?;
    Ok(links)
}

/// Reads `tags.csv`.
///
/// # Errors
/// If reading fails, or a row is not a tag and may not be put aside.
pub fn read_tags(
    file: &str,
    reader: impl Read,
    intake: &mut Intake,
) -> Result<TagColumns, IoError> {
    let Intake { users, movies, rejects, .. } = intake;
    let mut tags = TagColumns::default();
    let columns = [
        ("user", &["userId", "user_id", "user"][..]),
        MOVIE_ID,
        ("tag", &["tag"][..]),
        ("timestamp", &["timestamp", "tag_timestamp"][..]),
    ];
    read(file, reader, rejects, columns, |record, at| {
        let user = record.id(at[0], "user", users)?;
        let movie = record.id(at[1], "movie", movies)?;
        let time = record.time(at[3])?;
        tags.user_id.push(user);
        tags.movie_id.push(movie);
        tags.tag.push(record.text(at[2]).into());
        tags.time_ms.push(time);
        Ok(())
    })?;
    Ok(tags)
}

/// Reads the ids at the beginning of each line, by their keys where there are some; a first line that names a
/// column is passed over.
///
/// # Errors
/// If a line does not begin with an id.
pub fn read_ids(
    file: &str,
    mut reader: impl Read,
    column: &'static str,
    keys: Option<&Keys>,
) -> Result<Vec<i32>, IoError> {
    let mut text = String::new();
    reader.read_to_string(&mut text).map_err(IoError::named(file.into()))?;
    let mut ids = Vec::new();
    for (line, text) in text.lines().enumerate() {
        let field = text.split([',', ';', '\t', ':']).next().unwrap_or_default().trim();
        let known = keys.and_then(|keys| keys.find(field));
        let header = line == 0 && known.is_none() && field.starts_with(|c: char| c.is_alphabetic());
        if field.is_empty() || header {
            continue;
        }
        let id = match (known, keys) {
            (Some(id), _) => Ok(id),
            (None, Some(_)) => Err("is not in the data"),
            (None, None) => parse_id(field.as_bytes()),
        };
        ids.push(id.map_err(|problem| IoError::BadField {
            file: file.into(),
            line: line as u64 + 1,
            column,
            value: field.into(),
            problem: problem.into(),
        })?);
    }
    Ok(ids)
}

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
    (digits.len() == 4 && open_or_closed && (1870..=2100).contains(&year)).then_some(year)
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

    #[test]
    fn quoted_titles_and_empty_links_are_read() {
        let text = "movieId,title,genres\r\n2,\"Matrix, The (1999)\",Action|Sci-Fi\r\n";
        let movies = read_movies("movies.csv", text.as_bytes(), &mut Intake::default()).unwrap();
        assert_eq!(movies.title, ["Matrix, The (1999)"]);
        assert_eq!(movies.release_year, [Some(1999)]);
        let links =
            read_links("l", &b"movieId,imdbId,tmdbId\n1,0114709,\n"[..], &mut Intake::default())
                .unwrap();
        assert_eq!(links.imdb_id, [Some("0114709".to_string())]);
        assert_eq!(links.tmdb_id, [None]);
    }

    #[test]
    fn bad_rows_are_named_with_file_and_line() {
        let message = |text: &[u8]| {
            read_movies("movies.csv", text, &mut Intake::default()).unwrap_err().to_string()
        };
        assert_eq!(
            message(b"movieId,title,genres\n1,A,B\nx,A,B\n"),
            "movies.csv:3: movie `x` is not a whole number"
        );
        assert_eq!(
            message(b"movieId,title\n"),
            "movies.csv: no column for the genres; found `movieId`, `title`"
        );
        assert!(message(b"movieId,title,genres\n1,Mis\xe9rables,B\n").contains("movies.csv:2"));
        assert!(message(b"movieId,title,genres\n1,A\n").contains("2 fields where 3"));
    }
}
