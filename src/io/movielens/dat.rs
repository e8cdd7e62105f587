//! Movies and tags of the sets before the CSV files: `movies.dat` and `tags.dat` (1M, 10M), and
//! `u.item` (100K).
//!
//! Their encoding is not told: 10M is UTF-8, 100K and 1M are Latin-1. What is not valid UTF-8 as a
//! whole is taken for Latin-1.

use std::io::Read;

use crate::io::columns::{MovieColumns, TagColumns};
use crate::io::error::IoError;
use crate::io::import_state::ImportState;
use crate::io::keys::{IdMapping, text_of};
use crate::io::rejects::RejectedRows;
use crate::io::source::read_small;
use crate::io::table::release_year;
use crate::io::values::parse_time;

/// Genres of `u.item`, in the order of its flags; the first says that none is known.
const GENRES: [&str; 19] = [
    "(no genres listed)",
    "Action",
    "Adventure",
    "Animation",
    "Children's",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
];

/// Fields of `u.item` before the flags of genres.
const BEFORE_FLAGS: usize = 5;
/// Fields of a line of `u.item`.
pub(super) const ITEM_FIELDS: usize = BEFORE_FLAGS + GENRES.len();

/// Reads a whole text, as UTF-8 or else as Latin-1, in which each byte is the code point of that
/// number.
fn read_text(file: &str, reader: impl Read) -> Result<String, IoError> {
    Ok(text_of(read_small(reader, file)?))
}

/// Goes through the lines that are not empty, with their numbers from 1.
fn lines(text: &str) -> impl Iterator<Item = (u64, &str)> {
    text.lines().zip(1..).map(|(line, number)| (number, line)).filter(|(_, line)| !line.is_empty())
}

/// A field as it is named in errors.
struct DatField<'a> {
    file: &'a str,
    line: u64,
    column: &'static str,
    text: &'a str,
}

impl DatField<'_> {
    fn id(&self, ids: &mut IdMapping<'_>) -> Result<Option<i32>, IoError> {
        self.checked(|text| ids.map(std::str::from_utf8(text).unwrap_or_default()))
    }

    fn checked<T>(
        &self,
        parse: impl FnOnce(&[u8]) -> Result<T, &'static str>,
    ) -> Result<T, IoError> {
        parse(self.text.trim().as_bytes()).map_err(|problem| IoError::BadField {
            file: self.file.into(),
            line: self.line,
            column: self.column,
            value: self.text.into(),
            problem: problem.into(),
        })
    }
}

fn missing(
    file: &str,
    line: u64,
    column: &'static str,
    found: usize,
    expected: usize,
    text: &str,
) -> IoError {
    IoError::MissingField { file: file.into(), line, column, found, expected, text: text.into() }
}

/// Reads the lines of a text one by one; `row` yields what is to be added, or why the line is bad.
fn read<T>(
    file: &str,
    reader: impl Read,
    rejects: &mut RejectedRows,
    mut row: impl FnMut(u64, &str) -> Result<T, IoError>,
    mut add: impl FnMut(T),
) -> Result<(), IoError> {
    let text = read_text(file, reader)?;
    for (line, text) in lines(&text) {
        match row(line, text) {
            Ok(value) => add(value),
            Err(error) => rejects.take(error, text)?,
        }
    }
    Ok(())
}

fn add_movie(movies: &mut MovieColumns, (id, title, genres): (Option<i32>, String, String)) {
    let Some(id) = id else { return };
    movies.movie_id.push(id);
    movies.release_year.push(release_year(&title));
    movies.title.push(title);
    movies.genres.push(genres);
}

/// Reads `movies.dat`: `id::title::genres`. A title may hold `::` itself.
///
/// # Errors
/// If reading fails, or a line is not a movie and may not be rejected.
pub fn read_movies(
    file: &str,
    reader: impl Read,
    ids: &mut IdMapping<'_>,
    rejects: &mut RejectedRows,
) -> Result<MovieColumns, IoError> {
    let mut movies = MovieColumns::default();
    let row = |line, row: &str| {
        let (id, rest) =
            row.split_once("::").ok_or_else(|| missing(file, line, "title", 1, 3, row))?;
        let (title, genres) =
            rest.rsplit_once("::").ok_or_else(|| missing(file, line, "genres", 2, 3, row))?;
        let id = DatField { file, line, column: "movie", text: id }.id(ids)?;
        Ok((id, title.to_string(), genres.to_string()))
    };
    read(file, reader, rejects, row, |movie| add_movie(&mut movies, movie))?;
    Ok(movies)
}

/// Reads `tags.dat`: `user::movie::tag::timestamp`. A tag may hold `::` itself.
///
/// # Errors
/// If reading fails, or a line is not a tag and may not be rejected.
pub fn read_tags(
    file: &str,
    reader: impl Read,
    import: &mut ImportState,
) -> Result<TagColumns, IoError> {
    let ImportState { users, movies, rejects, .. } = import;
    let (mut users, mut movies) = (IdMapping::Import(users), IdMapping::Import(movies));
    let mut tags = TagColumns::default();
    let row = |line, row: &str| {
        let split = || {
            let (user, rest) = row.split_once("::")?;
            let (movie, rest) = rest.split_once("::")?;
            let (tag, time) = rest.rsplit_once("::")?;
            Some((user, movie, tag, time))
        };
        let found = row.matches("::").count() + 1;
        let (user, movie, tag, time) =
            split().ok_or_else(|| missing(file, line, "timestamp", found, 4, row))?;
        let user = DatField { file, line, column: "user", text: user }.id(&mut users)?;
        let movie = DatField { file, line, column: "movie", text: movie }.id(&mut movies)?;
        let time = DatField { file, line, column: "timestamp", text: time }.checked(parse_time)?;
        Ok((user, movie, tag.to_string(), time))
    };
    read(file, reader, rejects, row, |(user, movie, tag, time)| {
        let (Some(user), Some(movie)) = (user, movie) else { return };
        tags.user_id.push(user);
        tags.movie_id.push(movie);
        tags.tag.push(tag);
        tags.time_ms.push(time);
    })?;
    Ok(tags)
}

/// Reads `u.item`: id, title, two dates, a URL and 19 flags of genres, joined by `|`.
///
/// # Errors
/// If reading fails, or a line is not a movie and may not be rejected.
pub fn read_items(
    file: &str,
    reader: impl Read,
    ids: &mut IdMapping<'_>,
    rejects: &mut RejectedRows,
) -> Result<MovieColumns, IoError> {
    let mut movies = MovieColumns::default();
    let row = |line, row: &str| {
        let fields: Vec<&str> = row.split('|').collect();
        if fields.len() < ITEM_FIELDS {
            return Err(missing(file, line, "genres", fields.len(), ITEM_FIELDS, row));
        }
        let id = DatField { file, line, column: "movie", text: fields[0] }.id(ids)?;
        let mut genres = Vec::new();
        for (&flag, genre) in fields[BEFORE_FLAGS..ITEM_FIELDS].iter().zip(GENRES) {
            let set = DatField { file, line, column: "genre flag", text: flag };
            if set.checked(|flag| match flag {
                b"0" => Ok(false),
                b"1" => Ok(true),
                _ => Err("is neither 0 nor 1"),
            })? {
                genres.push(genre);
            }
        }
        Ok((id, fields[1].to_string(), genres.join("|")))
    };
    read(file, reader, rejects, row, |movie| add_movie(&mut movies, movie))?;
    Ok(movies)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::keys::Ids;

    fn movies_of(file: &str, text: &[u8]) -> Result<MovieColumns, IoError> {
        read_movies(
            file,
            text,
            &mut IdMapping::Import(&mut Ids::Numbers),
            &mut RejectedRows::fail(),
        )
    }

    fn items_of(file: &str, text: &[u8]) -> Result<MovieColumns, IoError> {
        read_items(file, text, &mut IdMapping::Import(&mut Ids::Numbers), &mut RejectedRows::fail())
    }

    #[test]
    fn both_encodings_of_titles_are_read() {
        let latin1 = b"73::Mis\xe9rables, Les (1995)::Drama|Musical\n";
        let utf8 = "73::Misérables, Les (1995)::Drama|Musical\r\n".as_bytes();
        for bytes in [&latin1[..], utf8] {
            let movies = movies_of("movies.dat", bytes).unwrap();
            assert_eq!(movies.title, ["Misérables, Les (1995)"]);
            assert_eq!(movies.release_year, [Some(1995)]);
            assert_eq!(movies.genres, ["Drama|Musical"]);
        }
    }

    #[test]
    fn titles_and_tags_may_hold_the_delimiter() {
        let movies = movies_of("movies.dat", "1::A :: B (2000)::Drama\n".as_bytes()).unwrap();
        assert_eq!(movies.title, ["A :: B (2000)"]);
        let tags = read_tags(
            "tags.dat",
            "5::1::a::b::1200000000\n".as_bytes(),
            &mut ImportState::default(),
        )
        .unwrap();
        assert_eq!(
            (&tags.tag[..], &tags.time_ms[..]),
            (&["a::b".into()][..], &[1_200_000_000_000][..])
        );
    }

    #[test]
    fn flags_become_genres() {
        let row =
            "1|Toy Story (1995)|01-Jan-1995||http://x|0|0|0|1|1|1|0|0|0|0|0|0|0|0|0|0|0|0|0\n";
        let none = "267|unknown||||1|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0\n";
        let items = items_of("u.item", format!("{row}{none}").as_bytes()).unwrap();
        assert_eq!(items.genres, ["Animation|Children's|Comedy", "(no genres listed)"]);
        assert_eq!(items.release_year, [Some(1995), None]);
    }

    #[test]
    fn bad_lines_are_named() {
        let error = |result: Result<MovieColumns, IoError>| result.unwrap_err().to_string();
        assert_eq!(
            error(movies_of("m", "1::A::B\nx::A::B\n".as_bytes())),
            "m:2: movie `x` is not a whole number"
        );
        assert_eq!(
            error(movies_of("m", "1::A\n".as_bytes())),
            "m:1: no genres: the line has 2 of 3 fields: `1::A`"
        );
        assert!(error(items_of("u", "1|A|x\n".as_bytes())).starts_with("u:1: no genres"));
        let row = format!("1|A|||{}|2\n", "|0".repeat(18));
        assert_eq!(error(items_of("u", row.as_bytes())), "u:1: genre flag `2` is neither 0 nor 1");
        assert!(read_tags("t", "1::2::x\n".as_bytes(), &mut ImportState::default()).is_err());
    }
}
