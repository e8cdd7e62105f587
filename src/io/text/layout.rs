//! How the records of a text are told apart and what their fields stand for.

use crate::io::error::IoError;
use crate::io::keys::text_of;
use crate::io::text::columns::{
    RATING, TIMESTAMP, TextColumns, TextOptions, USER, keyed, remarks, unused,
};
use crate::io::text::delimiter::Delimiter;
use crate::io::text::preamble::{FilePreamble, Form};
use crate::io::text::record::{fields, record_length};
use crate::io::time;

/// How the fields of a record are told apart and what they stand for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TextLayout {
    Delimited(DelimitedText),
    /// An object a line, with these names of the roles.
    JsonLines {
        names: [Option<String>; 4],
        keyed: [bool; 2],
    },
    /// The files of the Netflix Prize.
    Netflix,
}

/// Records of fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DelimitedText {
    pub(super) delimiter: Delimiter,
    /// The first record, where it names the columns.
    pub(super) header: Option<Vec<u8>>,
    /// Fields of every record.
    pub(super) width: usize,
    /// Position of user, movie, rating and timestamp; the last two may be missing.
    pub(super) positions: [Option<usize>; 4],
    /// Position of the time of day, where it stands apart from the date.
    pub(super) time_of_day: Option<usize>,
    /// Of users and of movies, whether the name of their column says that they are keys.
    pub(super) keyed: [bool; 2],
    /// Whether a MatrixMarket banner said what the columns are.
    matrix: bool,
}

/// A layout, and what is to be said of it.
pub(super) struct DetectedLayout {
    pub(super) layout: TextLayout,
    pub(super) remarks: Vec<String>,
}

impl TextLayout {
    /// Detects the layout of a text from the bytes behind its preamble, of which at least one is
    /// not blank.
    pub(super) fn detect(
        file: &str,
        preamble: &FilePreamble,
        head: &[u8],
        options: &TextOptions,
    ) -> Result<DetectedLayout, IoError> {
        match (preamble.form, head.trim_ascii_start()) {
            (Form::Netflix, _) => Ok(DetectedLayout { layout: Self::Netflix, remarks: Vec::new() }),
            (Form::Records, [b'{', ..]) => json_lines(file, head, options),
            _ => DelimitedText::detect(file, preamble, head, options),
        }
    }

    /// Returns the delimiter of fields whose quotes protect line ends.
    pub(super) fn quoting(&self) -> Option<u8> {
        match self {
            Self::Delimited(delimited) => delimited.delimiter.quoting(),
            Self::JsonLines { .. } | Self::Netflix => None,
        }
    }

    /// Returns the header, where there is one.
    pub(super) fn header(&self) -> Option<&[u8]> {
        match self {
            Self::Delimited(delimited) => delimited.header.as_deref(),
            Self::JsonLines { .. } | Self::Netflix => None,
        }
    }

    /// Whether there are no ratings but only what users have chosen.
    pub(super) fn is_unary(&self) -> bool {
        match self {
            Self::Delimited(delimited) => delimited.positions[RATING].is_none(),
            Self::JsonLines { names, .. } => names[RATING].is_none(),
            Self::Netflix => false,
        }
    }

    /// Returns of users and of movies whether the names of their columns say that they are keys.
    pub(super) fn keyed(&self) -> [bool; 2] {
        match self {
            Self::Delimited(DelimitedText { keyed, .. }) | Self::JsonLines { keyed, .. } => *keyed,
            Self::Netflix => [false; 2],
        }
    }

    /// Says how a text is read.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::JsonLines { .. } => "JSON lines".into(),
            Self::Netflix => "Netflix Prize ratings".into(),
            Self::Delimited(DelimitedText { matrix: true, .. }) => "a MatrixMarket matrix".into(),
            Self::Delimited(DelimitedText { delimiter, header, .. }) => {
                let header = if header.is_some() { "with" } else { "without" };
                format!("text delimited by {}, {header} a header", delimiter.shown())
            }
        }
    }
}

/// Objects are sampled for names that not all of them have.
const OBJECTS_SAMPLED: usize = 1000;

/// Says what a text is that begins as JSON and has no object in its first line.
fn first_line_error(file: &str, head: &[u8], source: serde_json::Error) -> IoError {
    match serde_json::from_slice::<serde_json::Value>(head) {
        Ok(serde_json::Value::Object(object)) => IoError::WrongKind {
            file: file.into(),
            found: match object.get("kind").and_then(serde_json::Value::as_str) {
                Some(kind) if kind.starts_with("mvrec ") => "this is a manifest of mvrec's",
                _ => "this is one JSON object, and no table",
            },
            expected: "ratings: the directory itself, JSON lines or an array of objects",
        },
        _ => IoError::Json { file: file.into(), source },
    }
}

fn json_lines(file: &str, head: &[u8], options: &TextOptions) -> Result<DetectedLayout, IoError> {
    type Object = serde_json::Map<String, serde_json::Value>;
    let mut names: Vec<String> = Vec::new();
    let lines = head.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    for (at, line) in lines.filter(|line| !line.is_empty()).take(OBJECTS_SAMPLED).enumerate() {
        match serde_json::from_slice::<Object>(line) {
            Ok(object) => {
                let new = object.into_iter().map(|(name, _)| name);
                new.for_each(|name| {
                    if !names.contains(&name) {
                        names.push(name)
                    }
                });
            }
            Err(source) if at == 0 => return Err(first_line_error(file, head, source)),
            // A bad line is told of when it is read; the last one may be cut.
            Err(_) => {}
        }
    }
    let positions = options.columns.find_all(file, names.clone())?;
    let used: Vec<usize> = positions.into_iter().flatten().collect();
    let remarks = remarks(&unused(&names, &used), positions);
    let keyed = keyed(&names, positions);
    let names = positions.map(|at| at.map(|at| names[at].clone()));
    Ok(DetectedLayout { layout: TextLayout::JsonLines { names, keyed }, remarks })
}

impl DelimitedText {
    fn detect(
        file: &str,
        preamble: &FilePreamble,
        head: &[u8],
        options: &TextOptions,
    ) -> Result<DetectedLayout, IoError> {
        let line = first_line(head);
        let delimiter = options.delimiter.unwrap_or_else(|| Delimiter::detect(line));
        let mut records = Records { rest: head, quoting: delimiter.quoting() };
        let first = records.next().unwrap_or_default();
        let split = |record: &[u8]| -> Result<Vec<String>, IoError> {
            let fields = fields(record, delimiter).map_err(|malformed| IoError::BadLine {
                file: file.into(),
                line: preamble.lines + 1,
                problem: malformed.to_string(),
            })?;
            Ok(fields.into_iter().map(|field| text_of(field.into_owned())).collect())
        };
        let in_first = split(first)?;
        let comment = preamble.names.as_deref().map(split).transpose()?;
        let comment = comment.filter(|names| names.len() == in_first.len());
        let matrix = preamble.form == Form::MatrixMarket;
        let has_header = !matrix && comment.is_none() && is_header(&in_first, &options.columns);
        let data = if has_header { records.next() } else { Some(first) };
        let data = data.map(split).transpose().unwrap_or_default().unwrap_or_default();
        let names = comment.or_else(|| has_header.then(|| in_first.clone()));
        let mut layout = Self {
            delimiter,
            header: has_header.then(|| first.to_vec()),
            width: names.as_ref().map_or(in_first.len(), Vec::len),
            positions: [None; 4],
            time_of_day: None,
            keyed: [false; 2],
            matrix,
        };
        let mut remarks = Vec::new();
        match names {
            Some(names) => layout.by_names(file, &names, &data, options, &mut remarks)?,
            None => layout.by_order(file, &data, options, &mut remarks)?,
        }
        if preamble.comments > 0 && !matrix {
            remarks.push(format!("{} lines of comments left out", preamble.comments));
        }
        Ok(DetectedLayout { layout: TextLayout::Delimited(layout), remarks })
    }

    /// Takes the columns from a header; `data` is the first record below it.
    fn by_names(
        &mut self,
        file: &str,
        names: &[String],
        data: &[String],
        options: &TextOptions,
        told: &mut Vec<String>,
    ) -> Result<(), IoError> {
        self.positions = options.columns.find_all(file, names.to_vec())?;
        self.keyed = keyed(names, self.positions);
        if let Some((date, time)) = options.columns.date_and_time(names)
            && [date, time].contains(&self.positions[TIMESTAMP].unwrap_or(usize::MAX))
            && data.get(time).is_some_and(|text| time::is_time_of_day(text))
        {
            (self.positions[TIMESTAMP], self.time_of_day) = (Some(date), Some(time));
        }
        let used = self.positions.into_iter().chain([self.time_of_day]).flatten();
        let used: Vec<usize> = used.collect();
        told.extend(remarks(&unused(names, &used), self.positions));
        if data.len() == self.width + 1 && !data[self.width].is_empty() {
            let last = self.width - 1;
            let is_time = time::is_time_of_day(&data[self.width]);
            if is_time && self.positions[TIMESTAMP] == Some(last) {
                self.time_of_day = Some(self.width);
            } else if !is_time {
                // R writes the numbers of rows below no name.
                self.positions = self.positions.map(|at| at.map(|at| at + 1));
                self.time_of_day = self.time_of_day.map(|at| at + 1);
                told.push("the first column has no name and is not used (numbers of rows)".into());
            } else {
                return Ok(());
            }
            self.width += 1;
        }
        Ok(())
    }

    /// Takes the columns by their order, or by the numbers that somebody gave.
    fn by_order(
        &mut self,
        file: &str,
        data: &[String],
        options: &TextOptions,
        told: &mut Vec<String>,
    ) -> Result<(), IoError> {
        let numbers: Vec<String> = (1..=self.width).map(|at| at.to_string()).collect();
        if !options.columns.is_empty() {
            self.positions = options.columns.find_all(file, data.to_vec())?;
        } else if self.width < 2 {
            return Err(IoError::WrongKind {
                file: file.into(),
                found: "the first line has fewer than two fields",
                expected: "user, movie, and perhaps a rating and a timestamp",
            });
        } else {
            self.positions = std::array::from_fn(|role| Some(role).filter(|&at| at < self.width));
            let is =
                |at: usize, fits: fn(&str) -> bool| data.get(at).is_some_and(|text| fits(text));
            if is(TIMESTAMP, |text| time::parse(text).is_some())
                && is(TIMESTAMP + 1, time::is_time_of_day)
            {
                self.time_of_day = Some(TIMESTAMP + 1);
            }
        }
        let used = self.positions.into_iter().chain([self.time_of_day]).flatten();
        let used: Vec<usize> = used.collect();
        let unused = numbers.iter().enumerate().filter(|(at, _)| !used.contains(at));
        let unused: Vec<String> = unused.map(|(_, name)| name.clone()).collect();
        told.extend(remarks(&unused, self.positions));
        Ok(())
    }
}

/// Whether the fields of the first record are names of columns.
fn is_header(names: &[String], columns: &TextColumns) -> bool {
    let is_number = |at: usize| names.get(at).is_some_and(|name| name.parse::<f32>().is_ok());
    let found = columns.find(names);
    let rating = found[RATING].unwrap_or(RATING);
    let like_number = |name: &String| name.starts_with(|c: char| c.is_ascii_digit() || c == '-');
    let like_data = is_number(rating) || names.first().is_some_and(like_number);
    let named =
        (USER..=TIMESTAMP).any(|role| found[role].is_some() && found[role] != columns.number(role));
    named || !like_data
}

fn first_line(text: &[u8]) -> &[u8] {
    text.split(|&byte| byte == b'\n').next().unwrap_or_default().trim_ascii_end()
}

/// The records of a text that are not blank, without their line ends.
pub(super) struct Records<'a> {
    pub(super) rest: &'a [u8],
    pub(super) quoting: Option<u8>,
}

impl<'a> Iterator for Records<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            let (record, rest) = self.rest.split_at(record_length(self.rest, self.quoting));
            self.rest = rest;
            if !record.trim_ascii().is_empty() {
                return Some(without_line_end(record));
            }
        }
    }
}

/// Returns a record without the line end; blanks may be fields.
pub(super) fn without_line_end(record: &[u8]) -> &[u8] {
    let record = record.strip_suffix(b"\n").unwrap_or(record);
    record.strip_suffix(b"\r").unwrap_or(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Positions = (bool, [Option<usize>; 4]);

    fn detect(text: &str, columns: &str) -> Result<DetectedLayout, String> {
        let columns = if columns.is_empty() { TextColumns::default() } else { columns.parse()? };
        let options = TextOptions { columns, ..TextOptions::default() };
        let preamble = FilePreamble::read("x", text.as_bytes()).unwrap();
        let head = &text.as_bytes()[preamble.bytes..];
        TextLayout::detect("x", &preamble, head, &options).map_err(|error| error.to_string())
    }

    fn positions(text: &str, columns: &str) -> Result<Positions, String> {
        match detect(text, columns)?.layout {
            TextLayout::Delimited(DelimitedText { header, positions, .. }) => {
                Ok((header.is_some(), positions))
            }
            _ => Err("not delimited".into()),
        }
    }

    #[test]
    fn headers_and_columns_are_told_from_the_first_line() {
        let all = [Some(0), Some(1), Some(2), Some(3)];
        let three = [Some(0), Some(1), Some(2), None];
        for (line, columns, expected) in [
            ("userId,movieId,rating,timestamp", "", (true, all)),
            ("user_id:token\titem_id:token\trating:float\ttimestamp:float", "", (true, all)),
            ("\"User-ID\";\"ISBN\";\"Book-Rating\"", "", (true, three)),
            ("user,item", "", (true, [Some(0), Some(1), None, None])),
            ("1 31 2.5", "", (false, three)),
            ("1,31", "", (false, [Some(0), Some(1), None, None])),
            ("alice,matrix,4.5", "", (false, three)),
            ("alice|matrix|4.5|2018-01-01", "", (false, all)),
            ("reader,book,note,when", "user=reader,rating=note", (true, three)),
            ("5,9,1,x,y", "user=2,movie=1,rating=3", (false, [Some(1), Some(0), Some(2), None])),
            ("what,who,how", "user=2,movie=1,rating=3", (true, [Some(1), Some(0), Some(2), None])),
            ("# user,movie,rating\nalice,matrix,4.5", "", (false, three)),
            // A row number below no name, as pandas and R write them.
            ("\tuser\titem\trating\n0\t1\t31\t2.5", "", (true, [Some(1), Some(2), Some(3), None])),
            ("user item rating\n\"1\" 7 31 2.5", "", (true, [Some(1), Some(2), Some(3), None])),
        ] {
            assert_eq!(positions(line, columns), Ok(expected), "{line}");
        }
        for (line, columns, message) in [
            ("what,who,how", "", "x: no column for the user; found `what`, `who`, `how`"),
            (
                "user,item,rating",
                "timestamp=when",
                "x: no column for the timestamp; found `user`, `item`, `rating`",
            ),
            ("1,2,3", "user=9", "x: no column for the user; found `1`, `2`, `3`"),
            ("1,2,3", "rating=stars", "x: no column for the user; found `1`, `2`, `3`"),
            (
                "1",
                "",
                "x: the first line has fewer than two fields; expected user, movie, and perhaps a rating and a timestamp",
            ),
            ("\"\" ", "", "x: no column for the user; found ``"),
            ("::\"\"", "", "x: no column for the user; found ``, ``"),
            ("1,\"2\"3,4", "", "x:1: a quoted field does not end as it should"),
            ("1,2,3", "who=1", "`who` is none of user, movie, rating, timestamp"),
            ("1,2,3", "user", "`user` is not ROLE=COLUMN, such as user=reader"),
            ("1,2,3", "user=1,user=2", "`user` is given twice"),
        ] {
            assert_eq!(positions(line, columns), Err(message.into()), "{line}");
        }
    }

    #[test]
    fn dates_and_times_of_day_in_two_columns_are_one_time() {
        for (text, at) in [
            ("user,item,rating,date,time\n1,2,3,2017-07-14,02:40\n", Some((3, 4))),
            ("1 2 3 2017-07-14 02:40:00\n", Some((3, 4))),
            ("user item rating when\n1 2 3 2017-07-14 02:40:00\n", None),
            ("user item rating date\n1 2 3 2017-07-14 02:40:00\n", Some((3, 4))),
            ("user,item,rating,date,time\n1,2,3,2017-07-14,1500000000\n", None),
        ] {
            let TextLayout::Delimited(layout) = detect(text, "").unwrap().layout else {
                panic!("{text}")
            };
            assert_eq!(layout.positions[TIMESTAMP].zip(layout.time_of_day), at, "{text}");
        }
    }

    #[test]
    fn columns_that_are_not_used_are_named() {
        for (text, remarks) in [
            (
                "user,item,rating,seen_on\n",
                vec![
                    "columns not used: `seen_on`; no time is known: --columns timestamp=NAME names its column",
                ],
            ),
            ("user,item,rating,ts,review\n", vec!["columns not used: `review`"]),
            ("user_id,movie_id,rating,user_key,movie_key\n", vec![]),
            (",user,item,rating\n", vec![]),
            ("1,2,3,4,5\n", vec!["columns not used: `5`"]),
            (
                "{\"user\":1,\"item\":2,\"rating\":3}\n{\"user\":1,\"item\":2,\"rating\":3,\"ts\":4,\"x\":5}\n",
                vec!["columns not used: `x`"],
            ),
            ("% a\n1 2 3\n", vec!["1 lines of comments left out"]),
        ] {
            assert_eq!(detect(text, "").unwrap().remarks, remarks, "{text}");
        }
        assert!(detect("user,item\n", "").unwrap().remarks[0].contains("unary"));
    }
}
