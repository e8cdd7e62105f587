//! From the name of an output to its form: nothing is guessed.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::error::{Result, usage};
use crate::cli::output::Format;
use crate::io::compress::Compression;
use crate::io::source::STDIN;

/// Where an output goes, and in which form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OutputLocation {
    /// `-`
    Stdout,
    /// One file; without a format, what its name does not tell: a device or a FIFO.
    File { path: PathBuf, format: Option<Format>, compression: Compression },
    /// A name without an ending.
    Directory(PathBuf),
}

/// Endings of files, for messages.
pub(super) const ENDINGS: &str =
    ".parquet .csv .tsv .json .jsonl, the text ones also with .gz or .zst";

impl OutputLocation {
    /// Resolves the name of an output.
    ///
    /// # Errors
    /// If its ending is not known; the exit code is 2.
    pub(crate) fn resolve(path: &Path) -> Result<Self> {
        if path.as_os_str() == STDIN {
            return Ok(Self::Stdout);
        }
        let text = path.to_string_lossy();
        let Some(name) = path.file_name().map(|name| name.to_string_lossy().to_lowercase()) else {
            return Err(usage(format!("-o {text}: an output needs a name of its own")));
        };
        if text.ends_with(['/', std::path::MAIN_SEPARATOR]) {
            return Ok(Self::Directory(path.components().collect()));
        }
        let path = path.to_path_buf();
        let (stem, compression) = Compression::from_name(&name);
        match stem.trim_start_matches('.').rsplit_once('.').map(|(_, ending)| ending) {
            Some(ending) => match Format::from_ending(ending) {
                Some(format) if compression == Compression::None || format != Format::Parquet => {
                    Ok(Self::File { path, format: Some(format), compression })
                }
                _ if is_special(&path) => Ok(Self::special(path)),
                _ => Err(unknown_ending(&text)),
            },
            None if is_special(&path) => Ok(Self::special(path)),
            None if compression == Compression::None => Ok(Self::Directory(path)),
            None => Err(unknown_ending(&text)),
        }
    }

    fn special(path: PathBuf) -> Self {
        Self::File { path, format: None, compression: Compression::None }
    }

    /// Resolves the name of an output that can only be a directory.
    ///
    /// # Errors
    /// If it names something else; the exit code is 2.
    pub(crate) fn directory(path: &Path, what: &str) -> Result<PathBuf> {
        match Self::resolve(path) {
            Ok(Self::Directory(path)) => Ok(path),
            _ => Err(usage(format!(
                "-o {}: {what} is a directory: give a name without an ending, or with a `/` behind it",
                path.display()
            ))),
        }
    }
}

fn unknown_ending(name: &str) -> anyhow::Error {
    usage(format!(
        "-o {name}: no known ending: a file ends in {ENDINGS}; a name without a dot is a directory"
    ))
}

/// Whether something stands there that is neither a file nor a directory: a device, a FIFO, a
/// socket.
fn is_special(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_outputs_resolve_to_one_form_or_none() {
        let file = |name: &str, format, compression| OutputLocation::File {
            path: name.into(),
            format: Some(format),
            compression,
        };
        for (name, location) in [
            ("-", OutputLocation::Stdout),
            ("x.csv", file("x.csv", Format::Csv, Compression::None)),
            ("a.b/X.TSV", file("a.b/X.TSV", Format::Tsv, Compression::None)),
            ("x.v2.csv.gz", file("x.v2.csv.gz", Format::Csv, Compression::Gzip)),
            ("x.jsonl.zst", file("x.jsonl.zst", Format::Jsonl, Compression::Zstd)),
            ("x.parquet", file("x.parquet", Format::Parquet, Compression::None)),
            ("ml", OutputLocation::Directory("ml".into())),
            ("a.b/ml", OutputLocation::Directory("a.b/ml".into())),
            ("ml.v2/", OutputLocation::Directory("ml.v2".into())),
            (".ml", OutputLocation::Directory(".ml".into())),
            ("/dev/null", OutputLocation::special("/dev/null".into())),
        ] {
            assert_eq!(OutputLocation::resolve(Path::new(name)).unwrap(), location, "{name}");
        }
        for name in ["x.md", "lists.xlsx", "x.parquet.gz", "x.gz", "gz.", "..", ".", "/", "ml.v2"] {
            assert!(OutputLocation::resolve(Path::new(name)).is_err(), "{name}");
        }
    }
}
