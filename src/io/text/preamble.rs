//! What may stand above the first record: comments, and the banners of formats that have one.

use crate::io::error::IoError;
use crate::io::text::columns::TextColumns;
use crate::io::text::columns::{MOVIE, USER};
use crate::io::text::delimiter::Delimiter;
use crate::io::text::record::fields;

/// A format that is recognized by its first lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A record a line, or objects.
    Records,
    /// MatrixMarket's coordinate format (math.nist.gov/MatrixMarket/formats.html): users in rows,
    /// movies in columns.
    MatrixMarket,
    /// The Netflix Prize: `1:` for a movie, and below it a line of user, rating and date for each
    /// of its ratings.
    Netflix,
}

/// What stands above the first record.
#[derive(Debug)]
pub(super) struct FilePreamble {
    pub(super) form: Form,
    pub(super) bytes: usize,
    pub(super) lines: u64,
    pub(super) comments: u64,
    /// Names of the columns, where the last comment tells them.
    pub(super) names: Option<Vec<u8>>,
}

impl FilePreamble {
    /// Reads blank lines, comments (`%` or `#`) and banners at the beginning of a text.
    pub(super) fn read(file: &str, head: &[u8]) -> Result<Self, IoError> {
        let mut read = Self { form: Form::Records, bytes: 0, lines: 0, comments: 0, names: None };
        let mut last_comment = None;
        loop {
            let line = line_at(head, read.bytes);
            let text = line.trim_ascii();
            if text.starts_with(b"%%MatrixMarket") {
                matrix_market(file, text)?;
                read.form = Form::MatrixMarket;
            }
            match text {
                [] if line.is_empty() => break,
                [] => {}
                [b'%' | b'#', comment @ ..] if !is_record(comment) => {
                    read.comments += 1;
                    last_comment = Some(comment.trim_ascii().to_vec());
                }
                _ => break,
            }
            read.bytes += line.len();
            read.lines += 1;
        }
        if read.form == Form::MatrixMarket {
            // Behind the comments stands a line of rows, columns and entries.
            let size = line_at(head, read.bytes);
            read.bytes += size.len();
            read.lines += u64::from(!size.is_empty());
        } else if is_netflix_movie(line_at(head, read.bytes)).is_some() {
            read.form = Form::Netflix;
        } else {
            read.names = last_comment.filter(|comment| names_columns(comment));
        }
        Ok(read)
    }
}

fn line_at(text: &[u8], at: usize) -> &[u8] {
    let end = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |newline| at + newline + 1);
    &text[at..end]
}

/// Whether what follows a `#` is a rating, of a user whose name begins with it.
fn is_record(line: &[u8]) -> bool {
    let is_number = |field: &[u8]| {
        std::str::from_utf8(field).is_ok_and(|text| text.trim().parse::<f32>().is_ok())
    };
    let fields = fields(line, Delimiter::detect(line)).unwrap_or_default();
    fields.len() >= 3
        && fields.get(2).is_some_and(|rating| is_number(rating))
        && !line.starts_with(b" ")
}

fn names_columns(comment: &[u8]) -> bool {
    let names: Vec<String> = fields(comment, Delimiter::detect(comment))
        .unwrap_or_default()
        .into_iter()
        .map(|name| String::from_utf8_lossy(&name).into_owned())
        .collect();
    let found = TextColumns::default().find(&names);
    found[USER].is_some() && found[MOVIE].is_some()
}

/// Refuses MatrixMarket files that hold no sparse matrix of real numbers.
fn matrix_market(file: &str, banner: &[u8]) -> Result<(), IoError> {
    let words = String::from_utf8_lossy(banner).to_ascii_lowercase();
    let mut words = words.split_ascii_whitespace().skip(1);
    let is =
        |word: Option<&str>, fitting: &[&str]| word.is_some_and(|word| fitting.contains(&word));
    if is(words.next(), &["matrix"])
        && is(words.next(), &["coordinate"])
        && is(words.next(), &["real", "integer", "pattern"])
        && is(words.next(), &["general"])
    {
        return Ok(());
    }
    Err(IoError::WrongKind {
        file: file.into(),
        found: "this is a MatrixMarket file of another type",
        expected: "`matrix coordinate real general` (or integer, or pattern), a user a row and a movie a column",
    })
}

/// Returns the movie of a line that only names one: `1:`.
pub(super) fn is_netflix_movie(line: &[u8]) -> Option<&[u8]> {
    let id = line.trim_ascii().strip_suffix(b":")?;
    (!id.is_empty() && id.iter().all(u8::is_ascii_digit)).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Form, u64, u64, Option<String>) {
        let read = FilePreamble::read("x", text.as_bytes()).unwrap();
        let names = read.names.map(|names| String::from_utf8(names).unwrap());
        (read.form, read.lines, read.comments, names)
    }

    #[test]
    fn preambles_are_told_from_records() {
        let records = Form::Records;
        for (text, expected) in [
            ("1,2,3\n", (records, 0, 0, None)),
            ("\n \n1,2,3\n", (records, 2, 0, None)),
            ("% bip weighted\n% 3 2 2\n1 1 4\n", (records, 2, 2, None)),
            (
                "# made by us\n#\n# user,item,rating\n1,2,3\n",
                (records, 3, 3, Some("user,item,rating".into())),
            ),
            ("#bob,matrix,4\n#al,matrix,3\n", (records, 0, 0, None)),
            (
                "%%MatrixMarket matrix coordinate real general\n% x\n3 2 2\n1 1 4\n",
                (Form::MatrixMarket, 3, 2, None),
            ),
            ("1:\n7,3,2005-09-06\n", (Form::Netflix, 0, 0, None)),
            ("", (records, 0, 0, None)),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
        let dense = b"%%MatrixMarket matrix array real general\n";
        assert!(FilePreamble::read("x", dense).unwrap_err().to_string().contains("MatrixMarket"));
    }
}
