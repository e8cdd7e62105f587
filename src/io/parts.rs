//! Folders of Parquet files that are one table, as Spark, Dask, Polars and DuckDB write them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::io::error::IoError;
use crate::io::parquet::ParquetFile;
use crate::io::source::Source;

/// Value of Hive's partition of nulls.
const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// A file of such a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TablePart {
    /// The file.
    pub path: PathBuf,
    /// Columns that its folders tell (`year=2019/`), and their values.
    pub partitions: Vec<(String, Option<String>)>,
}

impl TablePart {
    /// Opens the file, with the columns that its folders tell.
    ///
    /// # Errors
    /// If it cannot be read or is no Parquet file.
    pub fn open(&self) -> Result<ParquetFile, IoError> {
        let file = ParquetFile::open(Source::open(&self.path)?)?;
        Ok(file.with_partitions(self.partitions.clone()))
    }
}

/// Returns the Parquet files of a folder and the folders in it, in the order of their names; what
/// begins with `.` or `_` is left out (`_SUCCESS`, `_metadata`, checksums).
///
/// # Errors
/// If a folder cannot be read.
pub fn parts(folder: &Path) -> Result<Vec<TablePart>, IoError> {
    let mut found = Vec::new();
    collect(folder, &[], &mut found).map_err(IoError::at(folder))?;
    Ok(found)
}

fn collect(
    folder: &Path,
    partitions: &[(String, Option<String>)],
    found: &mut Vec<TablePart>,
) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::path);
    for entry in entries {
        let path = entry.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with(['.', '_']) {
            continue;
        }
        // A link to a folder may lead around in a circle.
        if entry.file_type()?.is_dir() {
            let mut partitions = partitions.to_vec();
            if let Some((column, value)) = name.split_once('=') {
                let value = (value != NULL).then(|| percent_decoded(value));
                partitions.push((percent_decoded(column), value));
            }
            collect(&path, &partitions, found)?;
        } else if name.to_ascii_lowercase().ends_with(".parquet") && path.is_file() {
            found.push(TablePart { path, partitions: partitions.to_vec() });
        }
    }
    Ok(())
}

/// Replaces `%20` and the like by the bytes they stand for.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let code = after.get(..2).and_then(|code| std::str::from_utf8(code).ok());
        let code = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        match (first, code) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_in_order_with_the_values_of_their_folders() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "_SUCCESS",
            "part-1.parquet",
            "part-0.snappy.parquet",
            ".part-0.snappy.parquet.crc",
            "user%20id=a%2Fb/year=2019/x.parquet",
            "user%20id=__HIVE_DEFAULT_PARTITION__/x.parquet",
            "_temporary/0/x.parquet",
        ] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let parts = parts(folder.path()).unwrap();
        let shown = |part: &TablePart| {
            let path = part.path.strip_prefix(folder.path()).unwrap().display().to_string();
            let values: Vec<String> =
                part.partitions.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
            (path, values.join(" "))
        };
        let shown: Vec<(String, String)> = parts.iter().map(shown).collect();
        let expected = [
            ("part-0.snappy.parquet", ""),
            ("part-1.parquet", ""),
            ("user%20id=__HIVE_DEFAULT_PARTITION__/x.parquet", "user id=None"),
            ("user%20id=a%2Fb/year=2019/x.parquet", "user id=Some(\"a/b\") year=Some(\"2019\")"),
        ];
        assert_eq!(shown, expected.map(|(path, values)| (path.to_string(), values.to_string())));
    }
}
