//! Tables as JSON, JSON lines and CSV, and small JSON documents.

use std::io::Write;
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use rayon::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use xxhash_rust::xxh3::xxh3_128;

use crate::io::batches::with_offsets;
use crate::io::error::IoError;
use crate::io::source::read_small;

/// Text formats of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextFormat {
    /// One array of objects.
    Json,
    /// An object a line.
    JsonLines,
    /// RFC 4180 with a header.
    Csv,
    /// The same with tabs between the fields.
    Tsv,
}

/// Writes batches of one schema as text; nulls stay, as `null` or an empty field.
///
/// # Errors
/// If writing fails.
pub fn write_table(
    mut out: impl Write + Send,
    file: &str,
    format: TextFormat,
    batches: impl Iterator<Item = RecordBatch>,
) -> Result<(), IoError> {
    /// Rows that are made into text at a time, on each thread.
    const ROWS: usize = 1 << 12;
    let named = || IoError::named(file.into());
    let mut written = 0;
    let mut write = |texts: Vec<Result<Vec<u8>, ArrowError>>| {
        for text in texts {
            let text = text
                .map_err(|source| IoError::Encode { file: file.into(), source: source.into() })?;
            let mut text = &text[..];
            if format == TextFormat::Json {
                // What stands between the brackets of each array becomes one.
                text = &text[1..text.len() - 1];
                if !text.is_empty() {
                    out.write_all(if written == 0 { b"[" } else { b"," }).map_err(named())?;
                }
            }
            out.write_all(text).map_err(named())?;
            written += text.len();
        }
        Ok(())
    };
    let (mut ready, mut is_first) = (Vec::new(), true);
    for batch in batches {
        let batch = with_offsets(&batch);
        let starts: Vec<usize> = (0..batch.num_rows().max(1)).step_by(ROWS).collect();
        for round in starts.chunks(rayon::current_num_threads()) {
            let make = || -> Vec<Result<Vec<u8>, ArrowError>> {
                let make = |&start: &usize| {
                    let rows = batch.slice(start, ROWS.min(batch.num_rows() - start));
                    rows_as(format, &rows, is_first && start == 0)
                };
                round.par_iter().map(make).collect()
            };
            // What is ready is written while more is made.
            let (next, done) = rayon::join(make, || write(std::mem::take(&mut ready)));
            done?;
            (ready, is_first) = (next, false);
        }
    }
    write(ready)?;
    if format == TextFormat::Json {
        let end: &[u8] = if written == 0 { b"[]\n" } else { b"]\n" };
        out.write_all(end).map_err(named())?;
    }
    out.flush().map_err(named())
}

/// Makes text of rows: an array, lines, or lines after a header, which is made if they are the
/// `first`.
fn rows_as(format: TextFormat, rows: &RecordBatch, first: bool) -> Result<Vec<u8>, ArrowError> {
    use arrow::json::writer::{JsonArray, LineDelimited, WriterBuilder};
    let json = WriterBuilder::new().with_explicit_nulls(true);
    /// Bytes of a cell that are reckoned with.
    const CELL: usize = 32;
    let mut text = Vec::with_capacity(rows.num_rows() * rows.num_columns() * CELL);
    match format {
        TextFormat::Json => {
            let mut writer = json.build::<_, JsonArray>(&mut text);
            writer.write(rows)?;
            writer.finish()?;
        }
        TextFormat::JsonLines => {
            let mut writer = json.build::<_, LineDelimited>(&mut text);
            writer.write(rows)?;
            writer.finish()?;
        }
        TextFormat::Csv | TextFormat::Tsv => {
            let delimiter = if format == TextFormat::Tsv { b'\t' } else { b',' };
            let builder = arrow::csv::WriterBuilder::new().with_header(first);
            let builder = builder.with_delimiter(delimiter);
            builder.build(&mut text).write(rows)?;
        }
    }
    Ok(text)
}

/// Reads a JSON file.
///
/// # Errors
/// If the file cannot be read or is not what `T` expects.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<T, IoError> {
    let text = read_bytes(path)?;
    serde_json::from_slice(&text)
        .map_err(|source| IoError::Json { file: path.display().to_string(), source })
}

/// Field of a manifest that holds the XXH3-128 of all others, as compact JSON.
pub const CHECKSUM: &str = "checksum_xxh3";

/// Returns the checksum of an object without that field.
fn checksum_of(object: &Map<String, Value>) -> Result<String, serde_json::Error> {
    Ok(format!("{:032x}", xxh3_128(serde_json::to_string(object)?.as_bytes())))
}

/// Writes an object with its checksum as a JSON file, indented, with a line end; returns the
/// checksum.
///
/// # Errors
/// If it is no object, or the file cannot be written.
pub fn write_manifest(path: &Path, value: &impl Serialize) -> Result<String, IoError> {
    let bad = |source| IoError::Json { file: path.display().to_string(), source };
    let (text, checksum) = manifest_text(value).map_err(bad)?;
    std::fs::write(path, text).map_err(IoError::at(path))?;
    Ok(checksum)
}

/// Returns what [`write_manifest`] writes, and the checksum.
///
/// # Errors
/// If it is no object.
pub fn manifest_text(value: &impl Serialize) -> Result<(String, String), serde_json::Error> {
    // The checksum is that of what will be read: a number may come back as a neighbour.
    let read: Map<String, Value> = serde_json::from_str(&serde_json::to_string(value)?)?;
    let checksum = checksum_of(&read)?;
    let mut text = serde_json::to_string_pretty(value)?;
    // One more field before the closing brace, which has a line of its own.
    text.truncate(text.len() - "\n}".len());
    text.push_str(&format!(",\n  \"{CHECKSUM}\": \"{checksum}\"\n}}\n"));
    Ok((text, checksum))
}

/// Reads a JSON file that [`write_manifest`] has written, and its checksum; a file from before
/// there were any has none.
///
/// # Errors
/// If the file cannot be read, is not what `T` expects, or has changed since it was written.
pub fn read_manifest<T: DeserializeOwned>(path: &Path) -> Result<(T, Option<String>), IoError> {
    let file = || path.display().to_string();
    let bad = |source| IoError::Json { file: file(), source };
    let text = read_bytes(path)?;
    let mut object: Map<String, Value> = serde_json::from_slice(&text).map_err(bad)?;
    let checksum = object.remove(CHECKSUM);
    let checksum = checksum.map(|checksum| checksum.as_str().unwrap_or_default().to_string());
    if let Some(checksum) = &checksum
        && *checksum != checksum_of(&object).map_err(bad)?
    {
        return Err(IoError::Changed { file: file() });
    }
    Ok((serde_json::from_slice(&text).map_err(bad)?, checksum))
}

fn read_bytes(path: &Path) -> Result<Vec<u8>, IoError> {
    let file = std::fs::File::open(path).map_err(IoError::at(path))?;
    read_small(file, &path.display().to_string())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int32Array, StringArray};

    use super::*;

    fn batch(rows: i32) -> RecordBatch {
        let ids: ArrayRef = Arc::new(Int32Array::from_iter_values(0..rows));
        let texts = (0..rows).map(|id| (id % 3 > 0).then(|| format!("\"{id}\", [x]")));
        let texts: ArrayRef = Arc::new(texts.collect::<StringArray>());
        RecordBatch::try_from_iter([("id", ids), ("text", texts)]).unwrap()
    }

    #[test]
    fn rows_made_into_text_on_many_threads_are_those_of_one_writer() {
        use arrow::json::writer::{JsonArray, LineDelimited, WriterBuilder};
        for sizes in [&[0][..], &[1], &[0, 2, 0], &[10_000, 1, 5_000]] {
            let batches = || sizes.iter().map(|&rows| batch(rows));
            let written = |format| {
                let mut out = Vec::new();
                write_table(&mut out, "x", format, batches()).unwrap();
                String::from_utf8(out).unwrap()
            };
            let json = || WriterBuilder::new().with_explicit_nulls(true);
            let (mut array, mut lines, mut csv) = (Vec::new(), Vec::new(), Vec::new());
            let mut writer = json().build::<_, JsonArray>(&mut array);
            batches().for_each(|batch| writer.write(&batch).unwrap());
            writer.finish().unwrap();
            let mut writer = json().build::<_, LineDelimited>(&mut lines);
            batches().for_each(|batch| writer.write(&batch).unwrap());
            writer.finish().unwrap();
            let mut writer = arrow::csv::Writer::new(&mut csv);
            batches().for_each(|batch| writer.write(&batch).unwrap());
            drop(writer);
            array.push(b'\n');
            assert_eq!(written(TextFormat::Json).as_bytes(), array);
            assert_eq!(written(TextFormat::JsonLines).as_bytes(), lines);
            assert_eq!(written(TextFormat::Csv).as_bytes(), csv);
        }
    }

    #[test]
    fn a_manifest_that_has_changed_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.json");
        let value =
            serde_json::json!({"kind": "x", "loss": [0.1, 1e300, 0.123_456_789_012_345_68]});
        let written = write_manifest(&path, &value).unwrap();
        let (read, checksum) = read_manifest::<Value>(&path).unwrap();
        assert_eq!((&read["loss"], checksum), (&value["loss"], Some(written)));
        let text = std::fs::read(&path).unwrap();
        for at in 0..text.len() {
            for bit in 0..8 {
                let mut text = text.clone();
                text[at] ^= 1 << bit;
                std::fs::write(&path, &text).unwrap();
                // Otherwise it is white space, or the name of the checksum.
                if let Ok((read, _)) = read_manifest::<Value>(&path) {
                    assert_eq!((&read["kind"], &read["loss"]), (&value["kind"], &value["loss"]));
                }
            }
        }
    }
}
