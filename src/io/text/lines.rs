//! Reads the lines of a block as ratings: a short way for plain numbers, and the general one.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::io::columns::RatingColumns;
use crate::io::error::{IoError, shown};
use crate::io::keys::{KeyIndex, text_of};
use crate::io::text::layout::{Delimiter, Layout, MOVIE, RATING, ROLES, TIMESTAMP, USER};
use crate::io::text::plain;
use crate::io::values::{Scale, is_missing, parse_id, parse_rating, parse_time};

/// How lines are read.
pub(super) struct LineReader<'a> {
    pub(super) layout: &'a Layout,
    pub(super) scale: Scale,
    /// Tells for users and for movies whether ids are keys.
    pub(super) keyed: [bool; 2],
    /// Goes on after a bad line.
    pub(super) skip: bool,
}

/// What a block of lines holds.
pub(super) struct Block {
    /// The ratings; where ids are keys, with the numbers of `keys`.
    pub(super) rows: RatingColumns,
    pub(super) lines: u64,
    pub(super) bad: Vec<BadLine>,
    /// Keys of users and of movies, numbered within the block.
    pub(super) keys: [KeyIndex; 2],
}

/// A bad line of a block.
pub(super) struct BadLine {
    /// Line within the block, counted from 0.
    line: u64,
    pub(super) text: String,
    problem: Problem,
}

enum Problem {
    Missing { role: usize, found: usize, expected: usize },
    Surplus { found: usize, expected: usize },
    Bad { role: usize, value: String, problem: String },
    Unreadable(String),
}

impl BadLine {
    pub(super) fn locate(self, file: &str, lines_before: u64) -> IoError {
        let (file, line) = (file.to_string(), lines_before + self.line + 1);
        match self.problem {
            Problem::Missing { role, found, expected } => {
                let column = ROLES[role];
                IoError::MissingField { file, line, column, found, expected, text: self.text }
            }
            Problem::Surplus { found, expected } => {
                let problem = format!("has {found} fields where {expected} were expected");
                IoError::BadField { file, line, column: "line", value: self.text, problem }
            }
            Problem::Bad { role, value, problem } => {
                IoError::BadField { file, line, column: ROLES[role], value, problem }
            }
            Problem::Unreadable(problem) => IoError::BadLine { file, line, problem },
        }
    }
}

type Row = (i32, i32, f32, i64);
type Values<'a> = [Option<Cow<'a, [u8]>>; 4];

impl LineReader<'_> {
    /// Reads all lines of a block, or unless told to skip, those up to the first bad one.
    pub(super) fn read(&self, block: &[u8]) -> Block {
        const SHORTEST_LINE: usize = 16;
        let mut read = Block {
            rows: RatingColumns::with_capacity(block.len() / SHORTEST_LINE),
            lines: 0,
            bad: Vec::new(),
            keys: Default::default(),
        };
        let plain = self.plain();
        let mut at = 0;
        while at < block.len() {
            if let Some(plain) = &plain
                && let Some((row, length)) = plain.read(&block[at..])
            {
                read.rows.push(row.0, row.1, row.2, row.3);
                read.lines += 1;
                at += length;
                continue;
            }
            let end = memchr::memchr(b'\n', &block[at..]).map_or(block.len(), |end| at + end + 1);
            let text = block[at..end].trim_ascii_end();
            if !text.is_empty() {
                match self.row(text, &mut read.keys) {
                    Ok(row) => read.rows.push(row.0, row.1, row.2, row.3),
                    Err(problem) => {
                        let text = text_of(text.to_vec());
                        read.bad.push(BadLine { line: read.lines, text, problem });
                        if !self.skip {
                            break;
                        }
                    }
                }
            }
            read.lines += 1;
            at = end;
        }
        read
    }

    /// Returns the short way, where the columns stand as it expects them.
    fn plain(&self) -> Option<plain::Lines> {
        let Layout::Delimited { delimiter: Delimiter::Byte(delimiter), width, positions, .. } =
            *self.layout
        else {
            return None;
        };
        let timed = match (positions, width) {
            ([Some(0), Some(1), Some(2), None], 3) => false,
            ([Some(0), Some(1), Some(2), Some(3)], 4) => true,
            _ => return None,
        };
        let scale = self.scale;
        (self.keyed == [false; 2]).then_some(plain::Lines { delimiter, timed, scale })
    }

    fn row(&self, line: &[u8], keys: &mut [KeyIndex; 2]) -> Result<Row, Problem> {
        let values = self.values(line)?;
        let [user, movie, rating, time] = values.map(Option::unwrap_or_default);
        let mut id = |role: usize, text: &[u8]| match (self.keyed[role], text) {
            (true, _) if is_missing(text) => Err(bad(role, text, "is missing")),
            (true, _) => Ok(keys[role].number(text)),
            (false, _) => parse_id(text).map_err(|problem| bad(role, text, problem)),
        };
        let (user, movie) = (id(USER, &user)?, id(MOVIE, &movie)?);
        let rating =
            parse_rating(&rating, self.scale).map_err(|problem| bad(RATING, &rating, problem))?;
        let time = parse_time(&time).map_err(|problem| bad(TIMESTAMP, &time, problem))?;
        Ok((user, movie, rating, time))
    }

    /// Returns the ids of users and movies in a line as they stand there, where they can be told.
    pub(super) fn ids<'a>(&self, line: &'a [u8]) -> Option<[Cow<'a, [u8]>; 2]> {
        let [user, movie, ..] = self.values(line).ok()?;
        Some([user?, movie?])
    }

    fn values<'a>(&self, line: &'a [u8]) -> Result<Values<'a>, Problem> {
        match self.layout {
            Layout::JsonLines { names, .. } => json_values(line, names),
            Layout::Delimited { delimiter, width, positions, .. } => {
                match (line.contains(&b'"'), *delimiter) {
                    (true, _) => {
                        let fields = unquoted(line, *delimiter)?.into_iter().map(Cow::Owned);
                        by_position(fields, *positions, *width)
                    }
                    (false, Delimiter::Byte(byte)) => {
                        let fields = line.split(|&other| other == byte).map(Cow::Borrowed);
                        by_position(fields, *positions, *width)
                    }
                    (false, Delimiter::TwoColons) => {
                        by_position(split_pairs(line).map(Cow::Borrowed), *positions, *width)
                    }
                    (false, Delimiter::Blanks) => {
                        by_position(split_blanks(line).map(Cow::Borrowed), *positions, *width)
                    }
                }
            }
        }
    }
}

/// Splits a line into its fields, without quotes and blanks around them.
pub(super) fn fields(line: &[u8], delimiter: Delimiter) -> Vec<Vec<u8>> {
    let plain = match (line.contains(&b'"'), delimiter) {
        (true, _) => unquoted(line, delimiter).unwrap_or_default(),
        (false, Delimiter::Byte(byte)) => {
            line.split(|&other| other == byte).map(<[u8]>::to_vec).collect()
        }
        (false, Delimiter::TwoColons) => split_pairs(line).map(<[u8]>::to_vec).collect(),
        (false, Delimiter::Blanks) => split_blanks(line).map(<[u8]>::to_vec).collect(),
    };
    plain.into_iter().map(|field| field.trim_ascii().to_vec()).collect()
}

/// Splits at `::`.
fn split_pairs(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let text = rest?;
        match text.windows(2).position(|pair| pair == b"::") {
            Some(at) => {
                rest = Some(&text[at + 2..]);
                Some(&text[..at])
            }
            None => rest.take(),
        }
    })
}

/// Splits at any number of blanks and tabs.
fn split_blanks(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| matches!(byte, b' ' | b'\t')).filter(|field| !field.is_empty())
}

/// Quotes are rare in ratings, so a line that has one may cost a reader of its own.
fn unquoted(line: &[u8], delimiter: Delimiter) -> Result<Vec<Vec<u8>>, Problem> {
    let (delimiter, joined) = match delimiter {
        Delimiter::Byte(byte) => (byte, false),
        Delimiter::Blanks => (b' ', true),
        Delimiter::TwoColons => (b':', true),
    };
    let mut record = csv::ByteRecord::new();
    csv::ReaderBuilder::new()
        .has_headers(false)
        .delimiter(delimiter)
        .from_reader(line)
        .read_byte_record(&mut record)
        .map_err(|error| Problem::Unreadable(error.to_string()))?;
    // Between two colons, or blanks, stands an empty field that is none.
    let fields = record.iter().filter(|field| !(joined && field.is_empty()));
    Ok(fields.map(<[u8]>::to_vec).collect())
}

fn by_position<'a>(
    fields: impl Iterator<Item = Cow<'a, [u8]>>,
    positions: [Option<usize>; 4],
    expected: usize,
) -> Result<Values<'a>, Problem> {
    let mut values: Values<'a> = Default::default();
    let mut found = 0;
    for field in fields {
        if let Some(role) = positions.iter().position(|&position| position == Some(found)) {
            values[role] = Some(trimmed(field));
        }
        found += 1;
    }
    let lacks = |role: &usize| positions[*role].is_some() && values[*role].is_none();
    match (0..ROLES.len()).find(lacks) {
        Some(role) => Err(Problem::Missing { role, found, expected }),
        None if found > expected => Err(Problem::Surplus { found, expected }),
        None => Ok(values),
    }
}

fn trimmed(field: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    match field {
        Cow::Borrowed(field) => Cow::Borrowed(field.trim_ascii()),
        Cow::Owned(field) => Cow::Owned(field.trim_ascii().to_vec()),
    }
}

/// Takes the values of the roles out of an object; numbers as they are written, texts without their quotes.
fn json_values<'a>(line: &'a [u8], names: &[Option<String>; 4]) -> Result<Values<'a>, Problem> {
    let object: Object<'a> = serde_json::from_slice(line)
        .map_err(|error| Problem::Unreadable(format!("not a JSON object a line: {error}")))?;
    let mut values: Values<'a> = Default::default();
    for (name, value) in object.0 {
        let role = names.iter().position(|wanted| wanted.as_deref() == Some(&*name));
        let (Some(role), text) = (role, value.get()) else { continue };
        values[role] = match text.as_bytes() {
            b"null" => None,
            [b'"', ..] => {
                let text: Text<'a> = serde_json::from_str(text)
                    .map_err(|error| Problem::Unreadable(error.to_string()))?;
                Some(match text.0 {
                    Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                    Cow::Owned(text) => Cow::Owned(text.into_bytes()),
                })
            }
            number => Some(Cow::Borrowed(number)),
        };
    }
    match (USER..TIMESTAMP).find(|&role| values[role].is_none()) {
        Some(role) => {
            let text = text_of(line.to_vec());
            Err(Problem::Unreadable(format!("no {}: `{}`", ROLES[role], shown(&text))))
        }
        None => Ok(values),
    }
}

/// The members of an object, none of them looked into.
struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> serde::Deserialize<'de> for Object<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Object<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<Text<'de>, &'de RawValue>()? {
                    members.push((name.0, value));
                }
                Ok(Object(members))
            }
        }
        from.deserialize_map(Visitor)
    }
}

/// A text, borrowed where it has no escapes.
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn bad(role: usize, value: &[u8], problem: impl Into<String>) -> Problem {
    let value = text_of(value.to_vec());
    Problem::Bad { role, value, problem: problem.into() }
}
