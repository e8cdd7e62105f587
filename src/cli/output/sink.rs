//! Where reports go, and in which format.

use std::cell::Cell;
use std::io::{self, IsTerminal, Write};
use std::iter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use serde_json::{Map, Value};

use crate::cli::error::{EMPTY, Result, missed, usage};
use crate::cli::output::location::{ENDINGS, OutputLocation};
use crate::cli::output::properties::{flatten, property_table};
use crate::cli::output::table::{table, width, with_plain_cells};
use crate::cli::output::{Format, Out, STDOUT, Stdout};
use crate::io::IoError;
use crate::io::atomic::AtomicFile;
use crate::io::compress::{Compression, OutputCompressor};
use crate::io::json;
use crate::io::parquet::{GroupWriter, ParquetLayout};

/// What a report says.
pub(crate) enum Report {
    /// A table of many rows.
    Rows(RecordBatch),
    /// One thing with named properties.
    Object(Map<String, Value>),
    /// One thing with all that is known of it for JSON, its rows, and a table for people.
    Both {
        /// For JSON.
        object: Map<String, Value>,
        /// For CSV and Parquet.
        rows: RecordBatch,
        /// For people.
        shown: RecordBatch,
    },
}

/// How a report is shown.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct ReportArgs {
    /// Format of the report [default: table on a terminal, json otherwise]
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    /// Write to a file instead of stdout; its ending gives the format (.parquet .csv .tsv .json
    /// .jsonl, text also with .gz or .zst); `-` is stdout
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// End with exit code 3 if there are no rows; they are written all the same
    #[arg(long)]
    fail_if_empty: bool,
}

/// Where a report goes; made before the work.
pub(crate) struct ReportSink {
    format: Format,
    out: Out,
    name: String,
    fail_if_empty: bool,
}

impl ReportArgs {
    /// Returns the arguments for a report that goes to a file.
    pub(crate) fn to_file(path: &Path) -> Self {
        Self { format: None, output: Some(path.into()), fail_if_empty: false }
    }

    /// Returns the arguments for a report that goes to stdout.
    pub(crate) fn to_stdout(format: Option<Format>) -> Self {
        Self { format, output: None, fail_if_empty: false }
    }

    /// Whether the report goes to a file.
    pub(crate) fn has_file(&self) -> bool {
        self.output.is_some()
    }

    pub(crate) fn sink(&self) -> Result<ReportSink> {
        let location = self.location()?;
        let terminal = location == OutputLocation::Stdout && io::stdout().is_terminal();
        let by_name = match &location {
            OutputLocation::File { format, .. } => *format,
            _ => None,
        };
        let format = match (self.format, by_name) {
            (Some(format), Some(named)) if format != named => {
                return Err(usage("--format and the ending of -o name two formats"));
            }
            (Some(format), _) | (None, Some(format)) => format,
            (None, None) if terminal => Format::Table,
            (None, None) => Format::Json,
        };
        if format == Format::Parquet && terminal {
            return Err(usage("Parquet is not for terminals: give -o FILE, or pipe on"));
        }
        let fail_if_empty = self.fail_if_empty;
        let (path, compression) = match location {
            OutputLocation::Stdout => {
                let (out, name) = (Out::Stdout(Stdout::new()), STDOUT.to_string());
                return Ok(ReportSink { format, out, name, fail_if_empty });
            }
            OutputLocation::File { path, compression, .. } => (path, compression),
            OutputLocation::Directory(_) => unreachable!("a report is never a directory"),
        };
        let name = path.display().to_string();
        let file = OutputCompressor::new(AtomicFile::create(&path)?, compression);
        let out = Out::File(Box::new(file.map_err(IoError::named(name.clone()))?));
        Ok(ReportSink { format, out, name, fail_if_empty })
    }

    /// Resolves the name of the output; with --format, which leaves nothing to guess, it may be
    /// any.
    fn location(&self) -> Result<OutputLocation> {
        let Some(path) = &self.output else { return Ok(OutputLocation::Stdout) };
        let any = || OutputLocation::File {
            path: path.clone(),
            format: None,
            compression: Compression::None,
        };
        match OutputLocation::resolve(path) {
            Err(_) | Ok(OutputLocation::Directory(_)) if self.format.is_some() => Ok(any()),
            Ok(OutputLocation::Directory(_)) => Err(usage(format!(
                "-o {}: a report is a file: {ENDINGS}; or give --format",
                path.display()
            ))),
            location => location,
        }
    }
}

impl ReportSink {
    /// Whether the report is for people to look at.
    pub(crate) fn is_table(&self) -> bool {
        self.format == Format::Table
    }

    /// Writes a report.
    pub(crate) fn write(mut self, report: &Report) -> Result<()> {
        let is_empty = match report {
            Report::Rows(rows) | Report::Both { rows, .. } => rows.num_rows() == 0,
            Report::Object(_) => false,
        };
        let Self { format, out, name, .. } = &mut self;
        let at = || IoError::named(name.clone());
        match (*format, report) {
            (Format::Table, Report::Rows(rows) | Report::Both { shown: rows, .. }) => {
                write!(out, "{}", table(rows, width())).map_err(at())?;
            }
            (Format::Table, Report::Object(object)) => {
                write!(out, "{}", property_table(object, width())).map_err(at())?;
            }
            (Format::Json, Report::Object(object) | Report::Both { object, .. }) => {
                serde_json::to_writer_pretty(&mut *out, object).map_err(|e| at()(e.into()))?;
                writeln!(out).map_err(at())?;
            }
            (Format::Jsonl, Report::Object(object) | Report::Both { object, .. }) => {
                serde_json::to_writer(&mut *out, object).map_err(|e| at()(e.into()))?;
                writeln!(out).map_err(at())?;
            }
            (_, report) => {
                let rows = rows_of(report);
                return self.write_rows(&rows.schema(), [Ok(rows)].into_iter(), || ());
            }
        }
        self.finish(is_empty)
    }

    /// Completes the output; fails if there are no rows where some were asked for.
    fn finish(self, is_empty: bool) -> Result<()> {
        self.out.finish(&self.name)?;
        if is_empty && self.fail_if_empty { Err(missed(EMPTY)) } else { Ok(()) }
    }

    /// Writes rows as they are made; `before` is called before anything is printed.
    pub(crate) fn write_rows(
        mut self,
        schema: &SchemaRef,
        batches: impl Iterator<Item = Result<RecordBatch>>,
        before: impl FnOnce(),
    ) -> Result<()> {
        let failure = Cell::new(None);
        let mut batches = batches.map_while(|batch| batch.map_err(|e| failure.set(Some(e))).ok());
        if self.is_table() {
            // Its columns are as wide as their widest value.
            let all: Vec<RecordBatch> = batches.collect();
            if let Some(error) = failure.take() {
                return Err(error);
            }
            before();
            let rows = concat_batches(schema, &all)?;
            write!(self.out, "{}", table(&rows, width()))
                .map_err(IoError::named(self.name.clone()))?;
            return self.finish(rows.num_rows() == 0);
        }
        // Without any rows, a CSV has its header and a JSON array its brackets.
        let first = batches.next().unwrap_or_else(|| RecordBatch::new_empty(schema.clone()));
        if let Some(error) = failure.take() {
            return Err(error);
        }
        before();
        let n_rows = Cell::new(0);
        let batches = iter::once(first).chain(batches);
        let batches = batches.inspect(|batch| n_rows.set(n_rows.get() + batch.num_rows()));
        match self.format.text() {
            Some(format) => {
                let batches = batches.map(|batch| match format {
                    json::TextFormat::Csv | json::TextFormat::Tsv => with_plain_cells(&batch),
                    _ => batch,
                });
                json::write_table(&mut self.out, &self.name, format, batches)?;
            }
            None => {
                let layout = ParquetLayout::default();
                let mut writer = GroupWriter::new(&mut self.out, &self.name, schema, &layout)?;
                for batch in batches {
                    writer.write(1, |_| batch.clone())?;
                }
                writer.finish(&[])?;
            }
        }
        match failure.take() {
            Some(error) => Err(error),
            None => self.finish(n_rows.get() == 0),
        }
    }

    /// Opens the output for lines of JSON.
    pub(crate) fn lines(self) -> Result<LineSink> {
        match self.format {
            // Where the format is not named, lines are what was asked for.
            Format::Json | Format::Jsonl | Format::Table => Ok(LineSink(self)),
            Format::Csv | Format::Tsv | Format::Parquet => Err(usage(
                "answers to JSON lines are JSON lines: leave out --format, or give jsonl",
            )),
        }
    }
}

/// An output of lines, each of which is wanted at once.
pub(crate) struct LineSink(ReportSink);

impl LineSink {
    /// Writes a line, which ends with a line end.
    pub(crate) fn write(&mut self, line: &[u8]) -> Result<()> {
        Ok(self.0.out.write_all(line).map_err(IoError::named(self.0.name.clone()))?)
    }

    /// Hands on what was written.
    pub(crate) fn flush(&mut self) -> Result<()> {
        Ok(self.0.out.flush().map_err(IoError::named(self.0.name.clone()))?)
    }

    /// Ends the output.
    pub(crate) fn finish(self) -> Result<()> {
        self.0.out.finish(&self.0.name)
    }
}

/// Returns the rows of a report; an object becomes rows of property and value.
fn rows_of(report: &Report) -> RecordBatch {
    match report {
        Report::Rows(rows) | Report::Both { rows, .. } => rows.clone(),
        Report::Object(object) => {
            let (names, values): (Vec<String>, Vec<String>) = flatten(object).into_iter().unzip();
            let column = |values: Vec<String>| Arc::new(StringArray::from(values)) as ArrayRef;
            let columns = [("property", column(names)), ("value", column(values))];
            RecordBatch::try_from_iter(columns).expect("two columns of equal length")
        }
    }
}
