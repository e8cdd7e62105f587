//! How the lines of a text are told apart and what their fields stand for.

use std::str::FromStr;

use crate::io::error::IoError;
use crate::io::keys::text_of;
use crate::io::values::Scale;

/// Field roles, in the order of a file without a header.
pub(super) const ROLES: [&str; 4] = ["user", "movie", "rating", "timestamp"];
pub(in crate::io) const USER: usize = 0;
pub(in crate::io) const MOVIE: usize = 1;
pub(in crate::io) const RATING: usize = 2;
pub(in crate::io) const TIMESTAMP: usize = 3;

/// Usual names of each role, without upper case, blanks and punctuation; of several that are there, the first
/// counts: a key before the number that mvrec gave it.
const ALIASES: [&[&str]; 4] = [
    &[
        "userkey",
        "user",
        "userid",
        "uid",
        "username",
        "reviewer",
        "reviewerid",
        "customer",
        "customerid",
    ],
    &[
        "moviekey",
        "movie",
        "movieid",
        "item",
        "itemid",
        "iid",
        "sid",
        "product",
        "productid",
        "book",
        "bookid",
        "isbn",
        "asin",
    ],
    &["rating", "weight", "value", "score", "stars", "overall", "bookrating"],
    &["timestamp", "ratingtimestamp", "datetime", "ts", "time", "date", "unixreviewtime"],
];

/// What a person says of a file, where telling it from the content is not enough.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TextOptions {
    /// Columns of the roles.
    pub columns: Columns,
    /// What stands between fields.
    pub delimiter: Option<Delimiter>,
    /// Ratings that can be given.
    pub scale: Scale,
    /// Keeps the ids of users and of movies as text even where they look like numbers.
    pub text_ids: [bool; 2],
    /// Stops after about this many rows of each file.
    pub limit: Option<usize>,
}

/// Columns that were named for the four roles: `user=reader,movie=isbn,rating=3`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns([Option<String>; 4]);

impl FromStr for Columns {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut columns = Self::default();
        for pair in text.split(',') {
            let (role, column) = pair
                .split_once('=')
                .ok_or_else(|| format!("`{pair}` is not ROLE=COLUMN, such as user=reader"))?;
            let at = ROLES
                .iter()
                .position(|known| *known == role.trim())
                .ok_or_else(|| format!("`{role}` is none of {}", ROLES.join(", ")))?;
            if columns.0[at].replace(column.trim().into()).is_some() {
                return Err(format!("`{role}` is given twice"));
            }
        }
        Ok(columns)
    }
}

impl Columns {
    /// Names the column of the rating.
    #[must_use]
    pub fn with_rating(mut self, column: &str) -> Self {
        self.0[RATING] = Some(column.into());
        self
    }

    /// Finds the columns of the roles among `names`: the chosen one by its number from 1 or its name, else
    /// by the usual names. Upper case and punctuation do not matter, nor a type behind a colon
    /// (`user_id:token`, as RecBole writes).
    #[must_use]
    pub fn find(&self, names: &[String]) -> [Option<usize>; 4] {
        std::array::from_fn(|role| match &self.0[role] {
            None => {
                let usual = |alias: &&str| names.iter().position(|name| plain(name) == *alias);
                ALIASES[role].iter().find_map(usual)
            }
            Some(chosen) => match self.number(role) {
                Some(at) => Some(at).filter(|&at| at < names.len()),
                None => names.iter().position(|name| name == chosen),
            },
        })
    }

    /// Finds the columns of the roles among `names`.
    ///
    /// # Errors
    /// If a column that was chosen is not there, or none is for the user, the movie or the rating.
    pub fn find_all(&self, file: &str, names: Vec<String>) -> Result<[Option<usize>; 4], IoError> {
        let positions = self.find(&names);
        let required = |role: usize| role != TIMESTAMP || self.0[role].is_some();
        match (0..ROLES.len()).find(|&role| required(role) && positions[role].is_none()) {
            None => Ok(positions),
            Some(role) => {
                Err(IoError::MissingColumn { file: file.into(), column: ROLES[role], found: names })
            }
        }
    }

    /// Returns the position, from 0, of a role whose column was given by its number.
    fn number(&self, role: usize) -> Option<usize> {
        self.0[role].as_ref()?.parse::<usize>().ok()?.checked_sub(1)
    }
}

/// Lower case, letters and digits only, without RecBole's type.
fn plain(name: &str) -> String {
    let name = name.split(':').next().unwrap_or_default();
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// What stands between the fields of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delimiter {
    /// One byte.
    Byte(u8),
    /// `::`
    TwoColons,
    /// Blanks and tabs, any number of them.
    Blanks,
}

impl FromStr for Delimiter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.as_bytes() {
            b"::" => Ok(Self::TwoColons),
            b" " | b"space" => Ok(Self::Blanks),
            b"\\t" | b"tab" => Ok(Self::Byte(b'\t')),
            [byte]
                if byte.is_ascii()
                    && !byte.is_ascii_alphanumeric()
                    && !b"\"\n\r.-".contains(byte) =>
            {
                Ok(Self::Byte(*byte))
            }
            _ => Err("expected one character, `::`, `tab` or `space`".into()),
        }
    }
}

impl Delimiter {
    /// Tells the delimiter of a line: of the usual ones the most frequent, else blanks.
    fn detect(line: &[u8]) -> Self {
        let count = |byte| memchr::memchr_iter(byte, line).count();
        let colons = memchr::memmem::find_iter(line, b"::").count();
        let bytes = [b',', b';', b'|', b'\t'].map(|byte| (count(byte), Self::Byte(byte)));
        let all = bytes.into_iter().chain([(2 * colons, Self::TwoColons)]);
        match all.max_by_key(|(n, _)| *n) {
            Some((n, delimiter)) if n > 0 => delimiter,
            _ if count(b' ') > 0 => Self::Blanks,
            _ => Self::Byte(b','),
        }
    }

    /// Returns the delimiter for people.
    #[must_use]
    pub fn shown(self) -> String {
        match self {
            Self::Byte(b'\t') => "tab".into(),
            Self::Byte(byte) => format!("`{}`", char::from(byte)),
            Self::TwoColons => "`::`".into(),
            Self::Blanks => "blanks".into(),
        }
    }
}

/// How the fields of a line are told apart and what they stand for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Layout {
    Delimited {
        delimiter: Delimiter,
        header: bool,
        /// Fields of every line.
        width: usize,
        /// Position of user, movie, rating and timestamp; only the last may be missing.
        positions: [Option<usize>; 4],
        /// Tells of users and of movies whether the name of their column says that they are keys.
        keyed: [bool; 2],
    },
    /// An object a line, with these names of the roles.
    JsonLines { names: [Option<String>; 4], keyed: [bool; 2] },
}

/// Tells of users and of movies whether the name of their column says that they are keys.
fn keyed(names: &[String], positions: [Option<usize>; 4]) -> [bool; 2] {
    [USER, MOVIE].map(|role| positions[role].is_some_and(|at| plain(&names[at]).ends_with("key")))
}

impl Layout {
    /// Tells the layout of a text from its first line.
    pub(super) fn detect(
        file: &str,
        first_line: &[u8],
        options: &TextOptions,
    ) -> Result<Self, IoError> {
        match first_line {
            [b'{', ..] => Self::json(file, first_line, options),
            [b'[', ..] => Err(IoError::WrongKind {
                file: file.into(),
                found: "this is a JSON array",
                expected: "JSON lines, an object a line, as `jq -c '.[]'` writes them",
            }),
            _ => Self::delimited(file, first_line, options),
        }
    }

    fn json(file: &str, line: &[u8], options: &TextOptions) -> Result<Self, IoError> {
        let object: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(line)
            .map_err(|source| IoError::Json { file: file.into(), source })?;
        let names: Vec<String> = object.keys().cloned().collect();
        let positions = options.columns.find_all(file, names.clone())?;
        let keyed = keyed(&names, positions);
        Ok(Self::JsonLines { names: positions.map(|at| at.map(|at| names[at].clone())), keyed })
    }

    fn delimited(file: &str, line: &[u8], options: &TextOptions) -> Result<Self, IoError> {
        let delimiter = options.delimiter.unwrap_or_else(|| Delimiter::detect(line));
        let names: Vec<String> =
            super::lines::fields(line, delimiter).into_iter().map(text_of).collect();
        let width = names.len();
        let is_number = |at: usize| names.get(at).is_some_and(|name| name.parse::<f32>().is_ok());
        let found = options.columns.find(&names);
        let rating = found[RATING].unwrap_or(RATING);
        let like_number =
            |name: &String| name.starts_with(|c: char| c.is_ascii_digit() || c == '-');
        let like_data = is_number(rating) || names.first().is_some_and(like_number);
        let by_number = |role| options.columns.number(role);
        let named =
            (0..ROLES.len()).any(|role| found[role].is_some() && found[role] != by_number(role));
        let header = named || !like_data;
        let positions = if header {
            options.columns.find_all(file, names.clone())?
        } else {
            let in_order = (0..ROLES.len()).all(|role| by_number(role).is_none());
            if in_order && width < 3 {
                return Err(IoError::WrongKind {
                    file: file.into(),
                    found: "the first line has fewer than three fields",
                    expected: "user, movie, rating and perhaps a timestamp",
                });
            }
            if in_order {
                std::array::from_fn(|role| Some(role).filter(|&role| role < width))
            } else {
                options.columns.find_all(file, names.clone())?
            }
        };
        let keyed = if header { keyed(&names, positions) } else { [false; 2] };
        Ok(Self::Delimited { delimiter, header, width, positions, keyed })
    }

    /// Tells of users and of movies whether they are keys by the names of their columns.
    pub(super) fn keyed(&self) -> [bool; 2] {
        match self {
            Self::Delimited { keyed, .. } | Self::JsonLines { keyed, .. } => *keyed,
        }
    }

    /// Says how a text is read.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::JsonLines { .. } => "JSON lines".into(),
            Self::Delimited { delimiter, header, .. } => {
                let header = if *header { "with" } else { "without" };
                format!("text delimited by {}, {header} a header", delimiter.shown())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn positions(line: &str, columns: &str) -> Result<(bool, [Option<usize>; 4]), String> {
        let columns = if columns.is_empty() { Columns::default() } else { columns.parse()? };
        let options = TextOptions { columns, ..TextOptions::default() };
        match Layout::detect("x", line.as_bytes(), &options) {
            Ok(Layout::Delimited { header, positions, .. }) => Ok((header, positions)),
            Ok(Layout::JsonLines { .. }) => Err("JSON".into()),
            Err(error) => Err(error.to_string()),
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
            ("1 31 2.5", "", (false, three)),
            ("alice,matrix,4.5", "", (false, three)),
            ("alice|matrix|4.5|2018-01-01", "", (false, all)),
            ("reader,book,note,when", "user=reader,rating=note", (true, three)),
            ("5,9,1,x,y", "user=2,movie=1,rating=3", (false, [Some(1), Some(0), Some(2), None])),
            ("what,who,how", "user=2,movie=1,rating=3", (true, [Some(1), Some(0), Some(2), None])),
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
            (
                "1,2",
                "",
                "x: the first line has fewer than three fields; expected user, movie, rating and perhaps a timestamp",
            ),
            // Between blanks and colons, an empty field in quotes is none at all.
            ("\"\" ", "", "x: no column for the user; found nothing"),
            ("::\"\"", "", "x: no column for the user; found nothing"),
            ("1,2,3", "who=1", "`who` is none of user, movie, rating, timestamp"),
            ("1,2,3", "user", "`user` is not ROLE=COLUMN, such as user=reader"),
            ("1,2,3", "user=1,user=2", "`user` is given twice"),
        ] {
            assert_eq!(positions(line, columns), Err(message.into()), "{line}");
        }
    }
}
