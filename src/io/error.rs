//! What can go wrong between bytes and columns.

use std::io;
use std::path::Path;

use parquet::errors::ParquetError;

/// Failure to read or write a file; every variant names the file, and text files the line as well.
#[derive(Debug, thiserror::Error)]
pub enum IoError {
    /// The operating system refused or failed.
    #[error("{file}: {}", reason(.file, .source))]
    System {
        /// File or stream, as the user named it.
        file: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// The file is Parquet, but of a kind that this build does not read.
    #[error(
        "{file}: {problem}; write it with another codec (zstd, snappy, gzip, brotli, lz4) or as CSV"
    )]
    UnsupportedParquet {
        /// File or stream, as the user named it.
        file: String,
        /// What the decoder says.
        problem: String,
    },
    /// The bytes are not valid Parquet.
    #[error("{file}: not a readable Parquet file (truncated or corrupt?)")]
    Parquet {
        /// File or stream, as the user named it.
        file: String,
        /// What the decoder says.
        source: ParquetError,
    },
    /// Encoding Parquet, CSV or JSON failed, mostly for want of disk space.
    #[error("cannot write {file}")]
    Encode {
        /// File or stream, as the user named it.
        file: String,
        /// What the encoder says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The bytes are not valid JSON, or not the JSON that was expected.
    #[error("{file}: {source}")]
    Json {
        /// File or stream, as the user named it.
        file: String,
        /// What the parser says, with line and column.
        source: serde_json::Error,
    },
    /// The ZIP archive is corrupt or uses a method that is not supported.
    #[error("{file}: {source}")]
    Zip {
        /// Archive, as the user named it.
        file: String,
        /// What the unpacker says.
        source: zip::result::ZipError,
    },
    /// The name of a member of an archive leads out of the folder that it is unpacked to.
    #[error("{file}: member `{member}` leads outside of the archive; refusing to read it")]
    LeadsOutside {
        /// Archive, as the user named it.
        file: String,
        /// Name of the member.
        member: String,
    },
    /// A field of a text file has a value that it must not have.
    #[error("{file}:{line}: {column} `{}` {problem}", shown(.value))]
    BadField {
        /// File or stream, as the user named it.
        file: String,
        /// Line, counted from 1.
        line: u64,
        /// What the field stands for.
        column: &'static str,
        /// The text found.
        value: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A value of a Parquet file cannot be used.
    #[error("{0}")]
    BadValue(Box<BadValue>),
    /// A line of a text file cannot be read at all.
    #[error("{file}:{line}: {problem}")]
    BadLine {
        /// File or stream, as the user named it.
        file: String,
        /// Line, counted from 1.
        line: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// More rows are bad than may be rejected.
    #[error("more than {limit} bad rows; the last: {last}")]
    TooManyBadRows {
        /// Most rows that may be rejected.
        limit: usize,
        /// What is wrong with the row over the limit.
        last: Box<Self>,
    },
    /// A line of a text file ends too early.
    #[error("{file}:{line}: no {column}: the line has {found} of {expected} fields: `{}`", shown(.text))]
    MissingField {
        /// File or stream, as the user named it.
        file: String,
        /// Line, counted from 1.
        line: u64,
        /// What the missing field stands for.
        column: &'static str,
        /// Fields found.
        found: usize,
        /// Fields expected.
        expected: usize,
        /// The line.
        text: String,
    },
    /// The header or schema lacks a column.
    #[error("{file}: no column for the {column}; found {}", list(.found))]
    MissingColumn {
        /// File or stream, as the user named it.
        file: String,
        /// What the missing column stands for.
        column: &'static str,
        /// Names found.
        found: Vec<String>,
    },
    /// A column of a Parquet file has a type or a value that cannot be used.
    #[error("{file}: column `{column}` {problem}")]
    BadColumn {
        /// File or stream, as the user named it.
        file: String,
        /// Name of the column.
        column: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The ids of users or movies are numbers in one source and text in another.
    #[error(
        "{file}: every {side} is {} here, and was {} in an earlier source",
        if *.keyed { "text" } else { "a number" }, if *.keyed { "a number" } else { "text" }
    )]
    MixedIds {
        /// File or stream, as the user named it.
        file: String,
        /// Users or movies.
        side: &'static str,
        /// Whether they are text here.
        keyed: bool,
    },
    /// There is nothing in the file.
    #[error("{file}: the file is empty")]
    Empty {
        /// File or stream, as the user named it.
        file: String,
    },
    /// The content is none of the kinds that can be read here.
    #[error("{file}: {found}; expected {expected}")]
    WrongKind {
        /// File or stream, as the user named it.
        file: String,
        /// What the content looks like.
        found: &'static str,
        /// What is needed.
        expected: &'static str,
    },
    /// An archive has files of one name in several folders.
    #[error("{path}: the same file in several folders: {}; unpack it and give one of them", list(.found))]
    SeveralFolders {
        /// Archive, as the user named it.
        path: String,
        /// Names found.
        found: Vec<String>,
    },
    /// A folder or archive has no rating file.
    #[error("{path}: contains neither ratings.csv, ratings.dat or u.data nor a single ratings file (found {})", list(.found))]
    NoRatings {
        /// Folder or archive, as the user named it.
        path: String,
        /// Names found.
        found: Vec<String>,
    },
    /// An output path is taken by something that mvrec did not make.
    #[error("{path}: already exists and is {found}; refusing to replace it by a {kind}")]
    Foreign {
        /// Output path, as the user named it.
        path: String,
        /// What stands there.
        found: String,
        /// What was to be written.
        kind: &'static str,
    },
    /// An output would take the place of what the command reads.
    #[error("{path}: `{input}` is read by this command; refusing to replace it")]
    OutputIsInput {
        /// Output path, as the user named it.
        path: String,
        /// Input, as the user named it.
        input: String,
    },
    /// An output file would take the place of a part of a directory that mvrec wrote.
    #[error("{file}: belongs to {path}; refusing to replace it alone")]
    PartOfDirectory {
        /// Output path, as the user named it.
        file: String,
        /// What it belongs to.
        path: String,
    },
    /// Two outputs of a command have the same name.
    #[error("{path}: two outputs of this command have this name")]
    SameOutput {
        /// Output path.
        path: String,
    },
    /// A file lies in a directory that it was not written for.
    #[error(
        "{file}: does not belong to the {kind} {folder}: it was replaced while being read, or the file is of another {kind}"
    )]
    Stray {
        /// File, as the user named it.
        file: String,
        /// What the directory is.
        kind: &'static str,
        /// The directory.
        folder: String,
    },
    /// A manifest is not as it was written.
    #[error("{file}: checksum mismatch: the file has changed since it was written")]
    Changed {
        /// File, as the user named it.
        file: String,
    },
    /// A file was written by a newer mvrec.
    #[error("{file}: unsupported format version {found} (this build reads up to {supported})")]
    NewerFormat {
        /// File, as the user named it.
        file: String,
        /// Version found.
        found: u32,
        /// Newest version that can be read.
        supported: u32,
    },
}

/// A value of a Parquet file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{file}: row {row}: {column} `{}` {problem}", shown(.value))]
pub struct BadValue {
    /// File or stream, as the user named it.
    pub file: String,
    /// Row, counted from 1.
    pub row: u64,
    /// What the value stands for.
    pub column: &'static str,
    /// The value.
    pub value: String,
    /// What is wrong with it.
    pub problem: String,
}

/// Returns a text of any length and content as it can be shown on a line.
pub(super) fn shown(text: &str) -> String {
    const LONGEST: usize = 80;
    let mut shown = String::new();
    for (n, c) in text.chars().enumerate() {
        if n == LONGEST {
            shown.push('…');
            break;
        }
        if c.is_control() { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

fn list(names: &[String]) -> String {
    const SHOWN: usize = 8;
    if names.is_empty() {
        return "nothing".into();
    }
    let mut text: Vec<String> =
        names.iter().take(SHOWN).map(|name| format!("`{}`", shown(name))).collect();
    if names.len() > SHOWN {
        text.push(format!("and {} more", names.len() - SHOWN));
    }
    text.join(", ")
}

/// Returns what the operating system says of a file, without the number of the error; of a missing
/// file, which directory is missing.
fn reason(file: &str, source: &io::Error) -> String {
    let parent = Path::new(file).parent().filter(|parent| !parent.as_os_str().is_empty());
    if source.kind() == io::ErrorKind::NotFound
        && let Some(parent) = parent
        && !parent.exists()
    {
        return format!("the directory `{}` does not exist", shown(&parent.display().to_string()));
    }
    os_text(source)
}

/// Returns what the operating system says, without the number of the error.
pub(crate) fn os_text(source: &io::Error) -> String {
    let text = source.to_string();
    match source.raw_os_error() {
        Some(number) => text.trim_end_matches(&format!(" (os error {number})")).to_string(),
        None => text,
    }
}

impl IoError {
    /// Returns a closure that attaches `path` to an error of the operating system.
    pub fn at(path: &Path) -> impl Fn(io::Error) -> Self + use<> {
        Self::named(path.display().to_string())
    }

    /// Returns file, line and the kind of fault of an error that concerns a single row.
    #[must_use]
    pub fn bad_row(&self) -> Option<(&str, u64, String)> {
        match self {
            Self::BadField { file, line, column, problem, .. } => {
                Some((file, *line, format!("{column} {problem}")))
            }
            Self::BadValue(bad) => {
                Some((&bad.file, bad.row, format!("{} {}", bad.column, bad.problem)))
            }
            Self::BadLine { file, line, problem } => Some((file, *line, problem.clone())),
            Self::MissingField { file, line, column, .. } => {
                Some((file, *line, format!("no {column}")))
            }
            _ => None,
        }
    }

    /// Returns the error with the beginning `from` of the name of a file that was to be written
    /// replaced.
    #[must_use]
    pub fn moved(mut self, from: &str, to: &str) -> Self {
        if let Self::System { file, .. } | Self::Encode { file, .. } | Self::Json { file, .. } =
            &mut self
            && let Some(rest) = file.strip_prefix(from)
        {
            *file = format!("{to}{rest}");
        }
        self
    }

    /// Returns a closure that attaches the name of a file or stream to an error of the operating
    /// system.
    pub fn named(file: String) -> impl Fn(io::Error) -> Self + use<> {
        move |source| Self::System { file: file.clone(), source }
    }
}
