//! What a dataset is and how it was made: `dataset.json`, and the footer entry that passes its
//! history through pipes.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::dataset::ratings::RatingsShape;
use crate::dataset::writer::RatingsSummary;
use crate::io::IoError;
use crate::io::source::FileFingerprint;
use crate::io::values::Scale;
use crate::schema;

/// A file that ratings, movies, links or tags were read from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile {
    /// Name without folders, so that the same data gives the same manifest wherever it lies.
    pub name: String,
    /// Bytes, unpacked.
    pub bytes: u64,
    /// XXH3-128 of the bytes, unpacked.
    pub xxh3: String,
}

impl SourceFile {
    /// Joins a name and what was read under it.
    #[must_use]
    pub fn new(name: String, print: FileFingerprint) -> Self {
        Self { name, bytes: print.bytes, xxh3: print.xxh3 }
    }
}

/// One command that made or changed the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProvenanceStep {
    /// Name of the subcommand.
    pub command: String,
    /// Options that decide the result.
    pub options: Map<String, Value>,
    /// Ratings that went in.
    pub rows_in: usize,
    /// Ratings that came out.
    pub rows_kept: usize,
    /// Rows left out, by reason.
    pub rejected: Map<String, Value>,
}

/// The part of a manifest that passes through pipes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Version of the layout.
    pub format_version: u32,
    /// Ratings that can be given, where it is not MovieLens' half a star to five.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<Scale>,
    /// Commands in their order.
    pub steps: Vec<ProvenanceStep>,
}

impl Default for Provenance {
    fn default() -> Self {
        Self { format_version: schema::FORMAT_VERSION, scale: None, steps: Vec::new() }
    }
}

impl Provenance {
    /// Refuses the history of a newer layout.
    ///
    /// # Errors
    /// If the version is above [`schema::FORMAT_VERSION`].
    pub fn check(self, file: &str) -> Result<Self, IoError> {
        check_version(file, self.format_version).map(|()| self)
    }
}

/// Refuses a file of a newer layout.
///
/// # Errors
/// If the version is above [`schema::FORMAT_VERSION`].
pub fn check_version(file: &str, found: u32) -> Result<(), IoError> {
    let supported = schema::FORMAT_VERSION;
    if found <= supported {
        return Ok(());
    }
    Err(IoError::NewerFormat { file: file.into(), found, supported })
}

/// Content of `dataset.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Says what the directory is.
    pub kind: String,
    /// Version and commands.
    #[serde(flatten)]
    pub history: Provenance,
    /// What `ingest` recognised.
    pub recognised: Option<String>,
    /// Files that were read by `ingest`.
    pub sources: Vec<SourceFile>,
    /// Size and ranges of the ratings.
    pub shape: RatingsShape,
    /// XXH3-128 of the ratings themselves.
    pub content_xxh3: String,
}

impl Manifest {
    /// Describes ratings and where they come from.
    #[must_use]
    pub fn new(tally: &RatingsSummary, history: Provenance, origin: &SourceOrigin) -> Self {
        Self {
            kind: schema::DATASET_KIND.into(),
            history,
            recognised: origin.recognised.clone(),
            sources: origin.sources.clone(),
            shape: tally.shape(),
            content_xxh3: tally.content_hash(),
        }
    }
}

/// Where a dataset was read from, in the first place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceOrigin {
    /// What `ingest` recognised.
    pub recognised: Option<String>,
    /// Files that were read.
    pub sources: Vec<SourceFile>,
}
