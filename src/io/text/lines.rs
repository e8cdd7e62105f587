//! Reads the records of a block as ratings: a short way for plain numbers, and the general one.

use std::borrow::Cow;

use crate::io::columns::{NO_TIME, RatingColumns};
use crate::io::error::IoError;
use crate::io::keys::{KeyIndex, key_of, text_of};
use crate::io::text::columns::{MOVIE, RATING, ROLES, TIMESTAMP, TextOptions, USER};
use crate::io::text::delimiter::Delimiter;
use crate::io::text::json_lines::json_fields;
use crate::io::text::layout::{DelimitedText, TextLayout, without_line_end};
use crate::io::text::plain;
use crate::io::text::preamble::is_netflix_movie;
use crate::io::text::record::{quoted_fields, record_length, split_blanks, split_pairs, trimmed};
use crate::io::values::{Scale, is_missing, parse_id, parse_rating, parse_time, parse_time_as};

/// Rating of a row without one, which says only that the user chose the movie.
const UNARY: f32 = 1.0;
/// Position of a role that has no column.
const NO_COLUMN: usize = usize::MAX;

/// How records are read.
pub(super) struct RecordReader<'a> {
    pub(super) layout: &'a TextLayout,
    scale: Scale,
    /// For users and for movies, whether ids are keys.
    pub(super) keyed: [bool; 2],
    /// For users and for movies, whether `NA` and its like are names as well.
    verbatim: [bool; 2],
    decimal_comma: bool,
    time_format: Option<&'a str>,
    /// Goes on after a bad record.
    skip: bool,
    /// Positions of the four roles and the time of day, or [`NO_COLUMN`].
    positions: [usize; 5],
    /// Fields of every record.
    width: usize,
}

/// What a block of records holds.
#[derive(Default)]
pub(super) struct Block {
    /// The ratings; where ids are keys, with the numbers of `keys`.
    pub(super) rows: RatingColumns,
    pub(super) lines: u64,
    pub(super) bad: Vec<BadRecord>,
    /// Keys of users and of movies, numbered within the block.
    pub(super) keys: [KeyIndex; 2],
    /// Lines that repeat the header, as files have that were put behind each other.
    pub(super) repeated_headers: u64,
    /// Rows above the first line that names their movie (Netflix Prize).
    pub(super) rows_without_movie: usize,
    /// The movie that was named last.
    pub(super) movie: Option<i32>,
}

impl Block {
    fn begin_movie(&mut self, id: i32) {
        if self.movie.replace(id).is_none() {
            self.rows_without_movie = self.rows.len();
        }
    }
}

/// A bad record of a block.
pub(super) struct BadRecord {
    /// First line within the block, counted from 0.
    line: u64,
    pub(super) text: String,
    problem: Problem,
}

pub(super) enum Problem {
    Missing { role: usize, found: usize, expected: usize },
    Surplus { found: usize, expected: usize },
    Bad { role: usize, value: String, problem: String },
    Unreadable(String),
}

impl BadRecord {
    pub(super) fn locate(self, file: &str, lines_before: u64) -> IoError {
        let (file, line) = (file.to_string(), lines_before + self.line + 1);
        match self.problem {
            Problem::Missing { role, found, expected } => {
                let column = ROLES[role.min(TIMESTAMP)];
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

type RecordRow = (i32, i32, f32, i64);
/// Fields of the four roles and the time of day.
pub(super) type Fields<'a> = [Option<Cow<'a, [u8]>>; 5];

impl<'l> RecordReader<'l> {
    /// Prepares to read records of a layout, as `options` say; ids are numbers until it is settled
    /// that they are keys.
    pub(super) fn new(layout: &'l TextLayout, options: &'l TextOptions, skip: bool) -> Self {
        let (positions, width) = match layout {
            TextLayout::Delimited(DelimitedText { positions, time_of_day, width, .. }) => {
                let [user, movie, rating, date] = *positions;
                (
                    [user, movie, rating, date, *time_of_day].map(|at| at.unwrap_or(NO_COLUMN)),
                    *width,
                )
            }
            TextLayout::Netflix => ([0, NO_COLUMN, 1, 2, NO_COLUMN], 3),
            TextLayout::JsonLines { .. } => ([NO_COLUMN; 5], 0),
        };
        Self {
            layout,
            scale: options.scale,
            keyed: [false; 2],
            verbatim: options.text_ids,
            decimal_comma: options.decimal_comma,
            time_format: options.time_format.as_deref(),
            skip,
            positions,
            width,
        }
    }

    /// Reads all records of a block, or unless told to skip, those up to the first bad one.
    pub(super) fn read(&self, block: &[u8]) -> Block {
        const SHORTEST_LINE: usize = 16;
        let rows = RatingColumns::with_capacity(block.len() / SHORTEST_LINE);
        let mut read = Block { rows, ..Block::default() };
        let quoting = self.quoting();
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
            let line_end = memchr::memchr(b'\n', &block[at..]);
            let mut whole = &block[at..line_end.map_or(block.len(), |end| at + end + 1)];
            let quoted = memchr::memchr(b'"', whole).is_some();
            if quoted {
                whole = &block[at..at + record_length(&block[at..], quoting)];
            }
            let record = without_line_end(whole);
            let is_blank = record.trim_ascii_start().is_empty();
            if !is_blank && !self.add(record, quoted, &mut read) && !self.skip {
                break;
            }
            read.lines += if quoted { lines(whole) } else { 1 };
            at += whole.len();
        }
        if read.movie.is_none() {
            read.rows_without_movie = read.rows.len();
        }
        read
    }

    /// Adds a record to a block; returns whether it is sound.
    fn add(&self, record: &[u8], quoted: bool, read: &mut Block) -> bool {
        if matches!(self.layout, TextLayout::Netflix)
            && let Some(id) = is_netflix_movie(record)
        {
            let id = parse_id(id).map_err(|problem| bad(MOVIE, id, problem));
            return self.note(id, record, read).map(|id| read.begin_movie(id)).is_some();
        }
        let row = match self.row(record, quoted, read) {
            Err(_) if self.is_header(record) => {
                read.repeated_headers += 1;
                return true;
            }
            row => row,
        };
        self.note(row, record, read).map(|row| read.rows.push(row.0, row.1, row.2, row.3)).is_some()
    }

    /// Returns what was read of a record, or notes why it is bad.
    fn note<T>(&self, value: Result<T, Problem>, record: &[u8], read: &mut Block) -> Option<T> {
        value
            .map_err(|problem| {
                let text = text_of(record.trim_ascii_end().to_vec());
                read.bad.push(BadRecord { line: read.lines, text, problem });
            })
            .ok()
    }

    fn is_header(&self, record: &[u8]) -> bool {
        let record = record.strip_prefix(b"\xef\xbb\xbf").unwrap_or(record);
        self.layout.header() == Some(record)
    }

    /// Returns the delimiter of fields whose quotes protect line ends: where there are nothing but
    /// numbers, none does.
    pub(super) fn quoting(&self) -> Option<u8> {
        if self.plain().is_some() { None } else { self.layout.quoting() }
    }

    /// Returns the short way, where the columns stand as it expects them.
    fn plain(&self) -> Option<plain::PlainLines> {
        let TextLayout::Delimited(DelimitedText {
            delimiter: Delimiter::Byte(delimiter),
            width,
            positions,
            time_of_day: None,
            ..
        }) = *self.layout
        else {
            return None;
        };
        let timed = match (positions, width) {
            ([Some(0), Some(1), Some(2), None], 3) => false,
            ([Some(0), Some(1), Some(2), Some(3)], 4) => true,
            _ => return None,
        };
        let scale = self.scale;
        let is_usual = self.keyed == [false; 2] && self.time_format.is_none();
        is_usual.then_some(plain::PlainLines { delimiter, timed, scale })
    }

    fn row(&self, record: &[u8], quoted: bool, read: &mut Block) -> Result<RecordRow, Problem> {
        // Nearly all records are plain: their fields are slices, and nothing is allocated.
        if let TextLayout::Delimited(DelimitedText { delimiter: Delimiter::Byte(byte), .. }) =
            self.layout
            && !quoted
        {
            let fields = record.split(|other| other == byte).map(<[u8]>::trim_ascii);
            return self.row_from(self.by_position(fields)?, read);
        }
        let fields = self.fields(record, quoted)?;
        self.row_from(fields.each_ref().map(|field| field.as_deref()), read)
    }

    fn row_from(&self, fields: [Option<&[u8]>; 5], read: &mut Block) -> Result<RecordRow, Problem> {
        let [user, movie, rating, date, time] = fields;
        let user = self.id(USER, user.unwrap_or_default(), &mut read.keys)?;
        let movie = match self.layout {
            // Rows above the first movie of the block get the last one of the block before.
            TextLayout::Netflix => read.movie.unwrap_or(0),
            _ => self.id(MOVIE, movie.unwrap_or_default(), &mut read.keys)?,
        };
        let rating = match rating {
            None => UNARY,
            Some(rating) => parse_rating(rating, self.scale, self.decimal_comma)
                .map_err(|problem| bad(RATING, rating, problem))?,
        };
        Ok((user, movie, rating, self.time(date, time)?))
    }

    fn id(&self, role: usize, text: &[u8], keys: &mut [KeyIndex; 2]) -> Result<i32, Problem> {
        if self.keyed[role] {
            return match self.verbatim[role] {
                true if !text.is_empty() => Ok(keys[role].number(text)),
                false if !is_missing(text) => Ok(keys[role].number(key_of(text))),
                _ => Err(bad(role, text, "is missing")),
            };
        }
        parse_id(text).map_err(|problem| bad(role, text, problem))
    }

    fn time(&self, date: Option<&[u8]>, time_of_day: Option<&[u8]>) -> Result<i64, Problem> {
        let text = match (date, time_of_day) {
            (None, _) => return Ok(NO_TIME),
            (Some(date), Some(time)) if !is_missing(date) && !is_missing(time) => {
                Cow::Owned([date, b" ", time].concat())
            }
            (Some(date), _) => Cow::Borrowed(date),
        };
        let ms = match self.time_format {
            Some(format) => parse_time_as(&text, format),
            None => parse_time(&text),
        };
        ms.map_err(|problem| bad(TIMESTAMP, &text, problem))
    }

    /// Returns the ids of users and movies in a record as they stand there, where they can be told.
    pub(super) fn ids<'a>(&self, record: &'a [u8]) -> Option<[Cow<'a, [u8]>; 2]> {
        let [user, movie, ..] = self.fields(record, record.contains(&b'"')).ok()?;
        Some([user?, movie?])
    }

    /// Returns the fields of the roles; `quoted` is whether there is any quote.
    fn fields<'a>(&self, record: &'a [u8], quoted: bool) -> Result<Fields<'a>, Problem> {
        match self.layout {
            TextLayout::JsonLines { names, .. } => json_fields(record, names),
            TextLayout::Netflix => {
                let fields = record.split(|&byte| byte == b',').map(Cow::Borrowed);
                self.by_position(fields.map(trimmed))
            }
            TextLayout::Delimited(DelimitedText { delimiter, .. }) => {
                let fields = match (quoted, *delimiter) {
                    (true, _) => quoted_fields(record, *delimiter)
                        .map_err(|malformed| Problem::Unreadable(malformed.to_string()))?,
                    (false, Delimiter::Byte(byte)) => {
                        record.split(|&other| other == byte).map(Cow::Borrowed).collect()
                    }
                    (false, Delimiter::TwoColons) => {
                        return self
                            .by_position(split_pairs(record).map(Cow::Borrowed).map(trimmed));
                    }
                    (false, Delimiter::Blanks) => {
                        return self.by_position(split_blanks(record).map(Cow::Borrowed));
                    }
                };
                self.by_position(fields.into_iter().map(trimmed))
            }
        }
    }

    /// Returns the fields of the roles among those of a record.
    fn by_position<F: AsRef<[u8]>>(
        &self,
        fields: impl Iterator<Item = F>,
    ) -> Result<[Option<F>; 5], Problem> {
        let (positions, expected) = (&self.positions, self.width);
        let mut values = [const { None }; 5];
        let mut found = 0;
        let mut surplus_is_empty = true;
        for field in fields {
            surplus_is_empty &= found < expected || field.as_ref().is_empty();
            if let Some(role) = positions.iter().position(|&position| position == found) {
                values[role] = Some(field);
            }
            found += 1;
        }
        let lacks = |role: &usize| positions[*role] != NO_COLUMN && values[*role].is_none();
        match (0..positions.len()).find(lacks) {
            Some(role) => Err(Problem::Missing { role, found, expected }),
            // A delimiter at the end of the line.
            None if found == expected + 1 && surplus_is_empty => Ok(values),
            None if found > expected => Err(Problem::Surplus { found, expected }),
            None => Ok(values),
        }
    }
}

/// Returns the lines that a record takes.
fn lines(record: &[u8]) -> u64 {
    match memchr::memchr(b'\n', record) {
        Some(at) if at + 1 < record.len() => 1 + lines(&record[at + 1..]),
        _ => 1,
    }
}

fn bad(role: usize, value: &[u8], problem: impl Into<String>) -> Problem {
    let value = text_of(value.to_vec());
    Problem::Bad { role, value, problem: problem.into() }
}
