//! Reports of which there is a picture, too.

use std::io::Write;
use std::path::PathBuf;

use crate::cli::error::{Result, usage};
use crate::cli::output::{Format, Report, ReportArgs, ReportSink, print, terminal_width};
use crate::io::IoError;
use crate::io::atomic::AtomicFile;
use crate::plot::{Figure, PlotFormat, to_text};

/// How a report is shown, and drawn.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct ChartArgs {
    #[command(flatten)]
    report: ReportArgs,
    #[command(flatten)]
    picture: PictureArgs,
}

/// Pictures of a report.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct PictureArgs {
    /// Draw the report to a file as well; its ending gives the kind (.svg .png .html)
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Print a chart of characters instead of figures
    #[arg(long, conflicts_with = "format")]
    chart: bool,
}

/// Where a report and its picture go; made before the work.
pub(crate) struct ChartSink {
    report: Option<ReportSink>,
    picture: Option<(PlotFormat, AtomicFile, String)>,
}

impl ChartArgs {
    /// Returns the arguments of a report that goes to stdout.
    pub(crate) fn to_stdout(format: Option<Format>, picture: PictureArgs) -> Self {
        Self { report: ReportArgs::to_stdout(format), picture }
    }

    pub(crate) fn sink(&self) -> Result<ChartSink> {
        if self.picture.chart && self.report.has_file() {
            return Err(usage("--chart goes to the terminal: it does not go with -o"));
        }
        let report = (!self.picture.chart).then(|| self.report.sink()).transpose()?;
        Ok(ChartSink { report, picture: self.picture.file()? })
    }
}

impl PictureArgs {
    fn file(&self) -> Result<Option<(PlotFormat, AtomicFile, String)>> {
        let Some(path) = &self.plot else { return Ok(None) };
        let name = path.display().to_string();
        let Some(format) = PlotFormat::from_path(path) else {
            return Err(usage(format!("--plot {name}: the name must end in .svg, .png or .html")));
        };
        Ok(Some((format, AtomicFile::create(path)?, name)))
    }
}

impl ChartSink {
    /// Whether the report is for people to look at.
    pub(crate) fn is_table(&self) -> bool {
        self.report.as_ref().is_some_and(ReportSink::is_table)
    }

    /// Writes a report and what `figure` draws of it, if that is wanted.
    pub(crate) fn write(self, report: &Report, figure: impl FnOnce() -> Figure) -> Result<()> {
        let (sink, picture) = match (self.report, self.picture) {
            (Some(sink), None) => return sink.write(report),
            both => both,
        };
        let figure = figure();
        if let Some((format, mut file, name)) = picture {
            file.write_all(&figure.draw(format)).map_err(IoError::named(name))?;
            file.commit()?;
        }
        match sink {
            Some(sink) => sink.write(report),
            None => print(to_text(&figure, width()).as_bytes()),
        }
    }
}

/// Returns the columns of the terminal; of a pipe, as many as a terminal had of old.
fn width() -> usize {
    terminal_width().unwrap_or(80)
}
