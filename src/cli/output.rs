//! The only place that prints: data to stdout, talk to stderr.

use std::env;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use clap::ValueEnum;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde_json::{Map, Value};

use crate::cli::error::{Result, usage};
use crate::dataset::manifest::Step;
use crate::dataset::sort::{Place, Sorted, Sorter};
use crate::dataset::writer::Footer;
use crate::dataset::{DatasetError, Sidecar, store};
use crate::io::IoError;
use crate::io::atomic::{AtomicDir, AtomicFile};
use crate::io::json::{self, TextFormat};
use crate::io::parquet::{self, Layout};
use crate::schema;

/// Name of stdout in messages.
const STDOUT: &str = "<stdout>";

static PIPE_CLOSED: AtomicBool = AtomicBool::new(false);

/// Tells whether somebody stopped reading stdout; what followed from that is no error.
pub(crate) fn pipe_was_closed() -> bool {
    PIPE_CLOSED.load(Ordering::Relaxed)
}

/// Stdout, buffered, that remembers a closed pipe however deep the error gets wrapped.
struct Stdout(BufWriter<io::Stdout>);

impl Stdout {
    fn new() -> Self {
        const BUFFER: usize = 1 << 16;
        Self(BufWriter::with_capacity(BUFFER, io::stdout()))
    }
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
        note_closed(self.0.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        note_closed(self.0.flush())
    }
}

/// Says something on stderr.
pub(crate) fn talk(text: &str) {
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
    /// Apache Parquet
    Parquet,
}

impl Format {
    /// Tells the format from the ending of a file's name.
    fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "parquet" => Some(Self::Parquet),
            "csv" => Some(Self::Csv),
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
            Self::Table | Self::Parquet => None,
        }
    }
}

/// Where ratings go; made before the work, so that an output that cannot be written fails at once.
pub(crate) enum RatingsSink {
    Stdout,
    File(AtomicFile, Format, PathBuf),
    Directory(AtomicDir),
}

impl RatingsSink {
    pub(crate) fn new(path: Option<&Path>) -> Result<Self> {
        match path {
            None if io::stdout().is_terminal() => Err(usage(
                "ratings go out as Parquet, which a terminal cannot show: give -o PATH, or pipe on \
                 into another command",
            )),
            None => Ok(Self::Stdout),
            Some(path) => Ok(match Format::of(path) {
                Some(format) => Self::File(AtomicFile::create(path)?, format, path.to_path_buf()),
                None => Self::Directory(AtomicDir::create(path)?),
            }),
        }
    }

    /// Returns the directory under construction, where the output is one.
    pub(crate) fn directory(&self) -> Option<&AtomicDir> {
        match self {
            Self::Directory(directory) => Some(directory),
            Self::Stdout | Self::File(..) => None,
        }
    }

    /// Returns where the ratings are put while they are sorted.
    pub(crate) fn place(&self) -> Place {
        match self {
            Self::Stdout => Place::In(env::temp_dir()),
            Self::File(file, ..) => Place::In(file.folder().to_path_buf()),
            Self::Directory(directory) => Place::At(directory.path().join(schema::RATINGS)),
        }
    }

    /// Ends the sorting: `step` tells from the numbers of ratings and of dropped duplicates what was done, and joins
    /// the history.
    pub(crate) fn sorted(
        &self,
        sorter: Sorter,
        sidecar: &mut Sidecar,
        step: impl FnOnce(usize, usize) -> Step,
    ) -> Result<Sorted> {
        let sorted = sorter.finish(|tally, dropped| {
            sidecar.history.steps.push(step(tally.ratings(), dropped));
            match self {
                Self::Directory(_) => Ok(Footer::new()),
                Self::Stdout | Self::File(..) => store::footer(sidecar, STDOUT),
            }
        });
        Ok(sorted.map_err(|error| self.named(error))?)
    }

    /// Names a file in an error by the place where it will stand.
    pub(crate) fn named(&self, error: impl Into<DatasetError>) -> DatasetError {
        match (error.into(), self) {
            (DatasetError::Io(error), Self::Directory(directory)) => directory.named(error).into(),
            (DatasetError::Io(error), Self::File(file, ..)) => {
                error.moved(&self.place().shown(), &file.shown()).into()
            }
            (error, _) => error,
        }
    }

    /// Writes ratings that were sorted at [`Self::place`].
    pub(crate) fn write(self, sorted: Sorted, sidecar: &Sidecar) -> Result<()> {
        match self {
            Self::Stdout => {
                store::write_parquet(sorted, sidecar, &mut Stdout::new(), STDOUT)?;
            }
            Self::File(mut file, format, path) => {
                let name = path.display().to_string();
                match format.text() {
                    Some(format) => store::write_text(sorted, sidecar, &mut file, &name, format)?,
                    None => store::write_parquet(sorted, sidecar, &mut file, &name)?,
                }
                file.commit()?;
            }
            Self::Directory(directory) => {
                store::write_sidecar(sidecar, &sorted.tally, directory.path())
                    .map_err(|error| directory.named(error))?;
                directory.commit()?;
            }
        }
        Ok(())
    }
}

/// What a report says.
pub(crate) enum Report {
    /// A table of many rows.
    Rows(RecordBatch),
    /// One thing with named properties.
    Object(Map<String, Value>),
    /// One thing with all that is known of it for JSON, and the table of it for everything else.
    Both {
        /// For JSON.
        object: Map<String, Value>,
        /// For tables.
        rows: RecordBatch,
    },
}

/// How a report is shown.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct ReportArgs {
    /// Format of the report [default: table on a terminal, json otherwise]
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    /// Write to a file instead of stdout; its ending gives the format (.parquet .csv .json .jsonl)
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Where a report goes; made before the work.
pub(crate) struct ReportSink {
    format: Format,
    file: Option<(AtomicFile, String)>,
}

impl ReportArgs {
    /// Returns the arguments for a report that goes to a file.
    pub(crate) fn to_file(path: &Path) -> Self {
        Self { format: None, output: Some(path.into()) }
    }

    pub(crate) fn sink(&self) -> Result<ReportSink> {
        let by_name = self.output.as_deref().and_then(Format::of);
        let terminal = self.output.is_none() && io::stdout().is_terminal();
        let format = match (self.format, by_name) {
            (Some(format), _) | (None, Some(format)) => format,
            (None, None) if terminal => Format::Table,
            (None, None) => Format::Json,
        };
        if format == Format::Parquet && terminal {
            return Err(usage("Parquet is not for terminals: give -o FILE, or pipe on"));
        }
        let file = match &self.output {
            None => None,
            Some(path) => Some((AtomicFile::create(path)?, path.display().to_string())),
        };
        Ok(ReportSink { format, file })
    }
}

impl ReportSink {
    pub(crate) fn write(self, report: &Report) -> Result<()> {
        match self.file {
            None => {
                let mut out = Stdout::new();
                write_report(&mut out, STDOUT, self.format, report)?;
                out.flush().map_err(IoError::named(STDOUT.into()))?;
            }
            Some((mut file, name)) => {
                write_report(&mut file, &name, self.format, report)?;
                file.commit()?;
            }
        }
        Ok(())
    }
}

fn write_report(
    mut out: impl Write + Send,
    name: &str,
    format: Format,
    report: &Report,
) -> Result<()> {
    let at = IoError::named(name.into());
    match (format, report) {
        (Format::Table, Report::Rows(rows) | Report::Both { rows, .. }) => {
            write!(out, "{}", table(rows)).map_err(at)?
        }
        (Format::Table, Report::Object(object)) => {
            write!(out, "{}", property_table(object)).map_err(at)?;
        }
        (Format::Json, Report::Object(object) | Report::Both { object, .. }) => {
            serde_json::to_writer_pretty(&mut out, object).map_err(|error| at(error.into()))?;
            writeln!(out).map_err(IoError::named(name.into()))?;
        }
        (Format::Jsonl, Report::Object(object) | Report::Both { object, .. }) => {
            serde_json::to_writer(&mut out, object).map_err(|error| at(error.into()))?;
            writeln!(out).map_err(IoError::named(name.into()))?;
        }
        (Format::Json | Format::Jsonl | Format::Csv, _) => {
            let text = format.text().expect("these are texts");
            json::write_table(&mut out, name, text, std::iter::once(rows_of(report)))?;
        }
        (Format::Parquet, _) => {
            parquet::write_batch(&mut out, name, &Layout::default(), &rows_of(report))?;
        }
    }
    Ok(())
}

/// Returns the rows of a report; an object becomes rows of property and value.
fn rows_of(report: &Report) -> RecordBatch {
    match report {
        Report::Rows(rows) | Report::Both { rows, .. } => rows.clone(),
        Report::Object(object) => {
            use std::sync::Arc;

            use arrow::array::StringArray;
            let pairs = flatten(object);
            let column = |values: Vec<String>| Arc::new(StringArray::from(values));
            let (names, values): (Vec<String>, Vec<String>) = pairs.into_iter().unzip();
            let columns: [(&str, Arc<dyn Array>); 2] =
                [("property", column(names)), ("value", column(values))];
            RecordBatch::try_from_iter(columns).expect("two columns of equal length")
        }
    }
}

/// Lists the leaves of an object, their names joined by dots.
fn flatten(object: &Map<String, Value>) -> Vec<(String, String)> {
    fn visit(name: String, value: &Value, out: &mut Vec<(String, String)>) {
        match value {
            Value::Object(object) => {
                for (key, value) in object {
                    visit(format!("{name}.{key}"), value, out);
                }
            }
            Value::Array(values) if values.iter().any(Value::is_object) => {
                for (i, value) in values.iter().enumerate() {
                    visit(format!("{name}[{i}]"), value, out);
                }
            }
            Value::Array(values) => {
                let texts: Vec<String> = values.iter().map(plain).collect();
                out.push((name, texts.join(" ")));
            }
            _ => out.push((name, plain(value))),
        }
    }
    let mut out = Vec::new();
    for (key, value) in object {
        visit(key.clone(), value, &mut out);
    }
    out
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn new_table() -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    if let Some((_, width)) = console::Term::stdout().size_checked() {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    table
}

fn property_table(object: &Map<String, Value>) -> String {
    let mut table = new_table();
    for (name, value) in flatten(object) {
        table.add_row([name, value]);
    }
    format!("{table}\n")
}

/// Renders rows for people: figures rounded and to the right, columns without any value left out.
fn table(rows: &RecordBatch) -> String {
    let schema = rows.schema();
    let shown: Vec<usize> = (0..rows.num_columns())
        .filter(|&at| rows.num_rows() == 0 || rows.column(at).null_count() < rows.num_rows())
        .collect();
    let mut table = new_table();
    table.set_header(shown.iter().map(|&at| schema.field(at).name()));
    for row in 0..rows.num_rows() {
        table.add_row(shown.iter().map(|&at| cell(rows.column(at), row)));
    }
    for (place, &at) in shown.iter().enumerate() {
        if schema.field(at).data_type().is_numeric()
            && let Some(column) = table.column_mut(place)
        {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    format!("{table}\n")
}

fn cell(array: &dyn Array, row: usize) -> String {
    const DECIMALS: usize = 3;
    if array.is_null(row) {
        return String::new();
    }
    match array.data_type() {
        DataType::Float32 => {
            format!("{:.DECIMALS$}", array.as_primitive::<Float32Type>().value(row))
        }
        DataType::Float64 => {
            format!("{:.DECIMALS$}", array.as_primitive::<Float64Type>().value(row))
        }
        _ => ArrayFormatter::try_new(array, &FormatOptions::default())
            .map_or_else(|_| String::new(), |formatter| formatter.value(row).to_string()),
    }
}
