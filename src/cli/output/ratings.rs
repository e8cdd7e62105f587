//! Where ratings go.

use std::env;
use std::io::{self, IsTerminal};
use std::path::Path;

use crate::cli::error::{Result, usage};
use crate::cli::output::{Format, OutputLocation, STDOUT, Stdout};
use crate::dataset::manifest::ProvenanceStep;
use crate::dataset::sort::{ExternalSorter, SortPlace, SortedRatings};
use crate::dataset::writer::ParquetFooter;
use crate::dataset::{DatasetError, DatasetMetadata, store};
use crate::io::IoError;
use crate::io::atomic::{AtomicDir, AtomicFile, DATASET};
use crate::io::compress::{Compression, OutputCompressor};
use crate::schema;

/// Where ratings go; made before the work, so that an output that cannot be written fails at once.
pub(crate) enum RatingsSink {
    Stdout,
    File { file: AtomicFile, format: Format, compression: Compression },
    Directory(AtomicDir),
}

impl RatingsSink {
    /// Opens an output by its name; `inputs` are what the command reads.
    pub(crate) fn new(path: Option<&Path>, inputs: &[&Path]) -> Result<Self> {
        match path.map_or(Ok(OutputLocation::Stdout), OutputLocation::resolve)? {
            OutputLocation::Stdout if io::stdout().is_terminal() => Err(usage(
                "ratings go out as Parquet, which a terminal cannot show: give -o PATH, or pipe on \
                 into another command",
            )),
            OutputLocation::Stdout => Ok(Self::Stdout),
            OutputLocation::File { path, format, compression } => {
                let format = format.unwrap_or(Format::Parquet);
                Ok(Self::File { file: AtomicFile::create(&path)?, format, compression })
            }
            OutputLocation::Directory(path) => {
                Ok(Self::Directory(AtomicDir::create(&path, DATASET, inputs)?))
            }
        }
    }

    /// Returns the directory under construction, where the output is one.
    pub(crate) fn directory(&self) -> Option<&AtomicDir> {
        match self {
            Self::Directory(directory) => Some(directory),
            Self::Stdout | Self::File { .. } => None,
        }
    }

    /// Returns where the ratings are put while they are sorted.
    pub(crate) fn place(&self) -> SortPlace {
        match self {
            Self::Stdout => SortPlace::In(env::temp_dir()),
            Self::File { file, .. } => SortPlace::In(file.folder()),
            Self::Directory(directory) => SortPlace::At(directory.path().join(schema::RATINGS)),
        }
    }

    /// Ends the sorting: `step` tells from the numbers of ratings and of dropped duplicates what
    /// was done, and joins the history.
    pub(crate) fn sorted(
        &self,
        sorter: ExternalSorter,
        sidecar: &mut DatasetMetadata,
        step: impl FnOnce(usize, usize) -> ProvenanceStep,
    ) -> Result<SortedRatings> {
        let sorted = sorter.finish(|tally, dropped| {
            sidecar.history.steps.push(step(tally.ratings(), dropped));
            match self {
                Self::Directory(_) => Ok(ParquetFooter::new()),
                Self::Stdout | Self::File { .. } => store::footer(sidecar, STDOUT),
            }
        });
        Ok(sorted.map_err(|error| self.named(error))?)
    }

    /// Names a file in an error by the place where it will stand.
    pub(crate) fn named(&self, error: impl Into<DatasetError>) -> DatasetError {
        match (error.into(), self) {
            (DatasetError::Io(error), Self::Directory(directory)) => directory.named(error).into(),
            (DatasetError::Io(error), Self::File { file, .. }) => {
                error.moved(&self.place().shown(), &file.shown()).into()
            }
            (error, _) => error,
        }
    }

    /// Writes ratings that were sorted at [`Self::place`].
    pub(crate) fn write(self, sorted: SortedRatings, sidecar: &DatasetMetadata) -> Result<()> {
        match self {
            Self::Stdout => {
                store::write_parquet(sorted, sidecar, &mut Stdout::new(), STDOUT)?;
            }
            Self::File { file, format, compression } => {
                let name = file.shown();
                let at = IoError::named(name.clone());
                let mut out = OutputCompressor::new(file, compression).map_err(&at)?;
                match format.text() {
                    Some(format) => store::write_text(sorted, sidecar, &mut out, &name, format)?,
                    None => store::write_parquet(sorted, sidecar, &mut out, &name)?,
                }
                out.finish().map_err(at)?.commit()?;
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
