//! `mvrec info`

use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::error::Result;
use crate::cli::output::{Report, ReportArgs};
use crate::cli::ui::Ui;
use crate::stats::describe;

/// Describe a file or directory and its provenance
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  mvrec info ml-2019
  mvrec info als --format json | jq .parameters")]
pub(crate) struct InfoArgs {
    /// Dataset, model, or any file in one or beside it; `-` for stdin
    #[arg(value_name = "PATH")]
    path: PathBuf,
    #[command(flatten)]
    report: ReportArgs,
}

pub(crate) fn run(args: &InfoArgs, ui: &Ui) -> Result<()> {
    let sink = args.report.sink()?;
    let path: &Path = &args.path;
    let object = describe::describe(path)?;
    ui.finish();
    sink.write(&Report::Object(object))
}
