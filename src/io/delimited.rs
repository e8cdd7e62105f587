//! Ratings as delimited text: MovieLens' `ratings.csv`, `ratings.dat`, `u.data` and their kin.
//!
//! The delimiter (`,` `\t` `;` `::`), the header and the order of the columns are told from the
//! first line. Whole blocks of lines are parsed on all threads while the next ones are read. What a
//! field may hold is checked on the way.

use std::io::{self, Read};

use rayon::prelude::*;

use crate::io::columns::{NO_TIME, RatingColumns};
use crate::io::error::IoError;
use crate::io::rejects::Rejects;
use crate::io::values::{parse_id, parse_rating, parse_time};
use crate::progress::Progress;

const BLOCK: usize = 4 << 20;
const BLOCKS_PER_THREAD: usize = 2;

/// Field roles, in the order of a file without a header.
const ROLES: [&str; 4] = ["user", "movie", "rating", "timestamp"];
const ALIASES: [&[&str]; 4] = [
    &["user", "userid", "user_id", "uid"],
    &["movie", "movieid", "movie_id", "item", "itemid", "item_id", "iid", "sid"],
    &["rating", "weight", "value", "score", "stars"],
    &["timestamp", "rating_timestamp", "datetime", "ts", "time", "date"],
];

/// How the fields of a line are told apart and what they stand for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Layout {
    delimiter: &'static str,
    header: bool,
    /// Fields of every line.
    width: usize,
    /// Position of user, movie, rating and timestamp; only the last may be missing.
    positions: [Option<usize>; 4],
}

/// Finds the field roles that `names` stand for, upper and lower case being the same.
#[must_use]
pub fn roles(names: &[String]) -> [Option<usize>; 4] {
    ALIASES.map(|aliases| {
        names.iter().position(|name| aliases.contains(&name.trim().to_ascii_lowercase().as_str()))
    })
}

/// Returns positions of the four roles, or the error that names the first one missing.
///
/// # Errors
/// If there is no column for the user, the movie or the rating.
pub fn required_roles(file: &str, names: Vec<String>) -> Result<[Option<usize>; 4], IoError> {
    let positions = roles(&names);
    match (0..3).find(|&role| positions[role].is_none()) {
        None => Ok(positions),
        Some(role) => {
            Err(IoError::MissingColumn { file: file.into(), column: ROLES[role], found: names })
        }
    }
}

impl Layout {
    fn detect(file: &str, first_line: &[u8]) -> Result<Self, IoError> {
        let delimiter = ["::", "\t", ";", ","]
            .into_iter()
            .max_by_key(|delimiter| count(first_line, delimiter.as_bytes()) * delimiter.len())
            .expect("four candidates");
        let text = String::from_utf8_lossy(first_line);
        let names: Vec<String> =
            text.split(delimiter).map(|name| name.trim().trim_matches('"').to_string()).collect();
        let width = names.len();
        let header = !names[0].starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+');
        let positions = if header {
            required_roles(file, names)?
        } else if names.len() >= 3 {
            [Some(0), Some(1), Some(2), (names.len() > 3).then_some(3)]
        } else {
            return Err(IoError::WrongKind {
                file: file.into(),
                found: "the first line has fewer than three fields",
                expected: "user, movie, rating and perhaps a timestamp",
            });
        };
        Ok(Self { delimiter, header, width, positions })
    }
}

fn count(line: &[u8], pattern: &[u8]) -> usize {
    line.windows(pattern.len()).filter(|window| *window == pattern).count()
}

/// Reads all ratings of a text, in its order.
///
/// # Errors
/// If reading fails, or at the first line, in the order of the file, that is not a rating and may not be put
/// aside.
pub fn read_ratings(
    file: &str,
    reader: impl Read + Send,
    rejects: &mut Rejects,
    progress: &dyn Progress,
) -> Result<RatingColumns, IoError> {
    let mut blocks = Blocks { reader, carry: Vec::new(), ended: false };
    let at = IoError::named(file.into());
    let per_round = rayon::current_num_threads() * BLOCKS_PER_THREAD;
    let mut round = blocks.read(1).map_err(&at)?;
    let Some(head) = round.first_mut() else {
        return Err(IoError::Empty { file: file.into() });
    };
    if head.starts_with(b"\xef\xbb\xbf") {
        head.drain(..3);
    }
    let end = head.iter().position(|&byte| byte == b'\n').map_or(head.len(), |newline| newline + 1);
    let layout = Layout::detect(file, head[..end].trim_ascii_end())?;
    if layout.header {
        head.drain(..end);
    }

    let mut ratings = RatingColumns::default();
    let mut lines_before = u64::from(layout.header);
    while !round.is_empty() {
        let skip = rejects.skips();
        let (parsed, next) = rayon::join(
            || -> Vec<Block> {
                round.par_iter().map(|block| parse_block(block, &layout, skip)).collect()
            },
            || blocks.read(per_round),
        );
        for (mut block, bytes) in parsed.into_iter().zip(&round) {
            for bad in block.bad {
                let text = bad.text.clone();
                rejects.take(bad.locate(file, lines_before), &text)?;
            }
            ratings.append(&mut block.rows);
            lines_before += block.lines;
            progress.advance(bytes.len() as u64);
        }
        round = next.map_err(&at)?;
    }
    Ok(ratings)
}

/// Cuts a stream into blocks that end where lines end.
struct Blocks<R> {
    reader: R,
    carry: Vec<u8>,
    ended: bool,
}

impl<R: Read> Blocks<R> {
    fn read(&mut self, n: usize) -> io::Result<Vec<Vec<u8>>> {
        let mut blocks = Vec::with_capacity(n);
        while blocks.len() < n && !self.ended {
            let mut block = std::mem::take(&mut self.carry);
            block.reserve(BLOCK);
            let wanted = BLOCK as u64;
            let got = self.reader.by_ref().take(wanted).read_to_end(&mut block)?;
            if (got as u64) < wanted {
                self.ended = true;
            } else if let Some(end) = block.iter().rposition(|&byte| byte == b'\n') {
                self.carry = block.split_off(end + 1);
            } else {
                self.carry = block; // a line longer than a block: read on
                continue;
            }
            if !block.is_empty() {
                blocks.push(block);
            }
        }
        Ok(blocks)
    }
}

struct Block {
    rows: RatingColumns,
    lines: u64,
    bad: Vec<BadLine>,
}

/// A bad line of a block.
struct BadLine {
    /// Line within the block, counted from 0.
    line: u64,
    text: String,
    problem: Problem,
}

enum Problem {
    Missing { role: usize, found: usize, expected: usize },
    Surplus { found: usize, expected: usize },
    Bad { role: usize, value: String, problem: String },
}

impl BadLine {
    fn locate(self, file: &str, lines_before: u64) -> IoError {
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
        }
    }
}

/// Parses all lines, or with `skip` off those up to the first bad one.
fn parse_block(block: &[u8], layout: &Layout, skip: bool) -> Block {
    const SHORTEST_LINE: usize = 16;
    let mut rows = RatingColumns::with_capacity(block.len() / SHORTEST_LINE);
    let (mut lines, mut bad) = (0, Vec::new());
    for line in block.split_inclusive(|&byte| byte == b'\n') {
        let text = line.trim_ascii_end();
        if !text.is_empty() {
            match parse_line(text, layout) {
                Ok((user, movie, rating, time)) => rows.push(user, movie, rating, time),
                Err(problem) => {
                    let text = String::from_utf8_lossy(text).into_owned();
                    bad.push(BadLine { line: lines, text, problem });
                    if !skip {
                        break;
                    }
                }
            }
        }
        lines += 1;
    }
    Block { rows, lines, bad }
}

type Row = (i32, i32, f32, i64);

fn parse_line(line: &[u8], layout: &Layout) -> Result<Row, Problem> {
    if line.contains(&b'"') {
        return parse_quoted(line, layout);
    }
    match *layout.delimiter.as_bytes() {
        [byte] => parse_fields(line.split(|&other| other == byte), layout),
        _ => parse_fields(split_pairs(line), layout),
    }
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

/// Quotes are rare in ratings, so a line that has one may cost a reader of its own.
fn parse_quoted(line: &[u8], layout: &Layout) -> Result<Row, Problem> {
    let mut record = csv::ByteRecord::new();
    let read = csv::ReaderBuilder::new()
        .has_headers(false)
        .delimiter(layout.delimiter.as_bytes()[0])
        .from_reader(line)
        .read_byte_record(&mut record);
    match read {
        Ok(_) => parse_fields(record.iter(), layout),
        Err(error) => Err(Problem::Bad {
            role: 0,
            value: String::from_utf8_lossy(line).into_owned(),
            problem: error.to_string(),
        }),
    }
}

fn parse_fields<'a>(
    fields: impl Iterator<Item = &'a [u8]>,
    layout: &Layout,
) -> Result<Row, Problem> {
    let mut values = [None; 4];
    let mut found = 0;
    for field in fields {
        for (value, position) in values.iter_mut().zip(layout.positions) {
            if position == Some(found) {
                *value = Some(field.trim_ascii());
            }
        }
        found += 1;
    }
    let expected = layout.width;
    let [user, movie, rating, timestamp] = values;
    let missing = |role| Problem::Missing { role, found, expected };
    let user = user.ok_or_else(|| missing(0))?;
    let movie = movie.ok_or_else(|| missing(1))?;
    let rating = rating.ok_or_else(|| missing(2))?;
    let timestamp = match layout.positions[3] {
        None => None,
        Some(_) => Some(timestamp.ok_or_else(|| missing(3))?),
    };
    if found > expected {
        return Err(Problem::Surplus { found, expected });
    }
    Ok((
        parse_id(user).map_err(|problem| bad(0, user, problem))?,
        parse_id(movie).map_err(|problem| bad(1, movie, problem))?,
        parse_rating(rating).map_err(|problem| bad(2, rating, problem))?,
        timestamp.map_or(Ok(NO_TIME), |text| {
            parse_time(text).map_err(|problem| bad(3, text, problem))
        })?,
    ))
}

fn bad(role: usize, value: &[u8], problem: impl Into<String>) -> Problem {
    let value = String::from_utf8_lossy(value).into_owned();
    Problem::Bad { role, value, problem: problem.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;

    fn read(text: &str) -> Result<RatingColumns, String> {
        read_ratings("x.csv", text.as_bytes(), &mut Rejects::fail(), &Silent)
            .map_err(|error| error.to_string())
    }

    fn two_rows() -> RatingColumns {
        let mut rows = RatingColumns::default();
        rows.push(1, 31, 2.5, 1_260_759_144_000);
        rows.push(2, 10, 4.0, 835_355_493_000);
        rows
    }

    #[test]
    fn every_delimiter_header_and_line_end_reads_the_same() {
        for text in [
            "userId,movieId,rating,timestamp\n1,31,2.5,1260759144\n2,10,4.0,835355493\n",
            "userId,movieId,rating,timestamp\r\n1,31,2.5,1260759144\r\n2,10,4.0,835355493\r\n",
            "\u{feff}userId,movieId,rating,timestamp\n1,31,2.5,1260759144\n2,10,4,835355493",
            "1::31::2.5::1260759144\n2::10::4::835355493\n",
            "1\t31\t2.5\t1260759144\n2\t10\t4\t835355493\n",
            "timestamp;rating;item;uid\n1260759144;2.5;31;1\n\n835355493;4;10;2\n",
            "user_id,movie_id,rating,rating_timestamp\n\"1\",31,2.5,2009-12-14T02:52:24Z\n2,10,4,1996-06-21 11:11:33\n",
        ] {
            assert_eq!(read(text), Ok(two_rows()), "{text}");
        }
    }

    #[test]
    fn timestamps_may_be_missing() {
        let mut expected = two_rows();
        expected.time_ms = vec![NO_TIME; 2];
        assert_eq!(read("1,31,2.5\n2,10,4\n"), Ok(expected.clone()));
        assert_eq!(read("user,item,rating,ts\n1,31,2.5,\n2,10,4,\n"), Ok(expected));
    }

    #[test]
    fn bad_fields_are_named_with_file_line_column_and_value() {
        let header = "userId,movieId,rating,timestamp\n1,31,2.5,1260759144\n";
        for (line, message) in [
            ("1,2,six,9", "x.csv:3: rating `six` is not a number"),
            ("1,2,NaN,9", "x.csv:3: rating `NaN` is not between 0.5 and 5"),
            ("1,2,inf,9", "x.csv:3: rating `inf` is not between 0.5 and 5"),
            ("1,2,6.5,9", "x.csv:3: rating `6.5` is not between 0.5 and 5"),
            ("x,2,3,9", "x.csv:3: user `x` is not a whole number"),
            ("1,3000000000,3,9", "x.csv:3: movie `3000000000` does not fit 32 bits"),
            ("1,2,3,-9", "x.csv:3: timestamp `-9` is not between 1970 and 2100"),
            ("1,2,3,soon", "x.csv:3: timestamp `soon` is neither seconds since 1970 nor a date"),
            ("1,2", "x.csv:3: no rating: the line has 2 of 4 fields: `1,2`"),
            ("1,2,3,5,9", "x.csv:3: line `1,2,3,5,9` has 5 fields where 4 were expected"),
        ] {
            assert_eq!(read(&format!("{header}{line}\n1,1,1,1\n")), Err(message.into()));
        }
        assert_eq!(read(""), Err("x.csv: the file is empty".into()));
        assert_eq!(
            read("userId,rating\n1,2\n"),
            Err("x.csv: no column for the movie; found `userId`, `rating`".into())
        );
    }

    #[test]
    fn bad_rows_are_put_aside_up_to_the_limit() {
        let text = "user,item,rating\n1,31,2.5\n1,x,3\n2,10,4\n2,10\n7,7,9\n";
        let mut rejects = Rejects::skip(3);
        let rows = read_ratings("x", text.as_bytes(), &mut rejects, &Silent).unwrap();
        assert_eq!(rows.user_id, [1, 2]);
        let told: Vec<(u64, &str, &str)> = rejects
            .rows()
            .iter()
            .map(|row| (row.line, row.reason.as_str(), row.text.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                (3, "movie is not a whole number", "1,x,3"),
                (5, "no rating", "2,10"),
                (6, "rating is not between 0.5 and 5", "7,7,9"),
            ]
        );
        let error = read_ratings("x", text.as_bytes(), &mut Rejects::skip(2), &Silent).unwrap_err();
        assert_eq!(
            error.to_string(),
            "more than 2 bad rows; the last: x:6: rating `9` is not between 0.5 and 5"
        );
    }

    #[test]
    fn the_line_of_an_error_is_right_beyond_the_first_block() {
        let good = "1,31,2.5,1260759144\n".repeat(3 * BLOCK / 20);
        let text = format!("userId,movieId,rating,timestamp\n{good}1,31,x,1\n");
        let line = text.lines().count();
        assert_eq!(read(&text), Err(format!("x.csv:{line}: rating `x` is not a number")));
        let rows = read(&text.replace("1,31,x,1\n", "")).unwrap();
        assert_eq!(rows.len(), line - 2);
    }
}
