//! The only place that prints: data to stdout, talk to stderr.

mod chart;
pub(crate) mod columns;
mod grid;
mod location;
mod properties;
mod ratings;
mod sink;
mod table;

use std::io::{self, BufWriter, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use clap::ValueEnum;

use crate::cli::error::Result;
use crate::io::IoError;
use crate::io::atomic::AtomicFile;
use crate::io::compress::OutputCompressor;
use crate::io::json::TextFormat;
use crate::io::printable::printable;

pub(crate) use chart::{ChartArgs, PictureArgs};
pub(crate) use location::OutputLocation;
pub(crate) use ratings::RatingsSink;
pub(crate) use sink::{LineSink, Report, ReportArgs, ReportSink};
pub(crate) use table::IS_NUMBER;

/// Name of stdout in messages.
pub(crate) const STDOUT: &str = "<stdout>";

static PIPE_CLOSED: AtomicBool = AtomicBool::new(false);

/// Whether somebody stopped reading stdout; what followed from that is no error.
pub(crate) fn pipe_was_closed() -> bool {
    PIPE_CLOSED.load(Ordering::Relaxed)
}

/// Stdout, buffered, that remembers a closed pipe however deep the error gets wrapped.
struct Stdout(BufWriter<io::Stdout>);

impl Stdout {
    fn new() -> Self {
        const BUFFER: usize = 1 << 16;
        widen_pipe();
        Self(BufWriter::with_capacity(BUFFER, io::stdout()))
    }
}

/// Gives a pipe at stdout as much room as Linux lets anyone have, so that its two ends wait less
/// for each other; where it is no pipe or the user's pipes hold much already, all stays as it is.
fn widen_pipe() {
    #[cfg(target_os = "linux")]
    let _ = rustix::pipe::fcntl_setpipe_size(io::stdout(), 1 << 20);
}

fn note_closed<T>(result: io::Result<T>) -> io::Result<T> {
    result.inspect_err(|error| {
        if error.kind() == io::ErrorKind::BrokenPipe {
            PIPE_CLOSED.store(true, Ordering::Relaxed);
        }
    })
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        check_open()?;
        note_closed(self.0.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        check_open()?;
        note_closed(self.0.flush())
    }
}

static NO_STDOUT: AtomicBool = AtomicBool::new(false);

/// Records whether stdout is closed (`>&-`). Must run before `main`: Rust's runtime replaces closed
/// standard streams by `/dev/null`.
pub fn look_for_stdout() {
    #[cfg(unix)]
    NO_STDOUT.store(rustix::io::fcntl_getfd(rustix::stdio::stdout()).is_err(), Ordering::Relaxed);
}

/// Fails if stdout was closed at process start.
pub(crate) fn check_open() -> io::Result<()> {
    match NO_STDOUT.load(Ordering::Relaxed) {
        true => Err(io::Error::other("stdout is closed")),
        false => Ok(()),
    }
}

/// Returns the columns of the terminal at stdout, where it is one.
fn terminal_width() -> Option<usize> {
    console::Term::stdout().size_checked().map(|(_, columns)| columns.into())
}

/// Says something on stderr.
pub(crate) fn talk(text: &str) {
    let lines: Vec<_> = text.split('\n').map(printable).collect();
    let text = lines.join("\n");
    // Nobody is left to be told of a failure here.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Format of a report or of a file of ratings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Aligned columns for people
    Table,
    /// One JSON array (or object)
    Json,
    /// One JSON object a line
    Jsonl,
    /// Comma-separated values with a header
    Csv,
    /// Tab-separated values with a header
    Tsv,
    /// Apache Parquet
    Parquet,
}

impl Format {
    /// Returns the format of files with an ending in lower case.
    fn from_ending(ending: &str) -> Option<Self> {
        match ending {
            "parquet" => Some(Self::Parquet),
            "csv" => Some(Self::Csv),
            "tsv" => Some(Self::Tsv),
            "json" => Some(Self::Json),
            "jsonl" => Some(Self::Jsonl),
            _ => None,
        }
    }

    fn text(self) -> Option<TextFormat> {
        match self {
            Self::Json => Some(TextFormat::Json),
            Self::Jsonl => Some(TextFormat::JsonLines),
            Self::Csv => Some(TextFormat::Csv),
            Self::Tsv => Some(TextFormat::Tsv),
            Self::Table | Self::Parquet => None,
        }
    }
}

/// Where bytes go: stdout, or a file that appears when all is written.
enum Out {
    Stdout(Stdout),
    File(Box<OutputCompressor<AtomicFile>>),
}

impl Out {
    /// Writes what is left and puts a file in its place; `name` is that of the output.
    fn finish(self, name: &str) -> Result<()> {
        let at = IoError::named(name.into());
        match self {
            Self::Stdout(mut out) => Ok(out.flush().map_err(at)?),
            Self::File(file) => Ok(file.finish().map_err(at)?.commit()?),
        }
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(out) => out.write(bytes),
            Self::File(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(out) => out.flush(),
            Self::File(file) => file.flush(),
        }
    }
}

/// Prints bytes to stdout.
pub(crate) fn print(bytes: &[u8]) -> Result<()> {
    let mut out = Out::Stdout(Stdout::new());
    out.write_all(bytes).map_err(IoError::named(STDOUT.into()))?;
    out.finish(STDOUT)
}
