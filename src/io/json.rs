//! Tables as JSON, JSON lines and CSV, and small JSON documents.

use std::io::{Read, Write};
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use rayon::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::io::batches::with_offsets;
use crate::io::error::IoError;

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

/// Makes text of rows: an array, lines, or lines after a header, which is made if they are the `first`.
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
    let mut text = String::new();
    std::fs::File::open(path)
        .and_then(|mut file| file.read_to_string(&mut text))
        .map_err(IoError::at(path))?;
    serde_json::from_str(&text)
        .map_err(|source| IoError::Json { file: path.display().to_string(), source })
}

/// Writes a JSON file, indented, with a line end.
///
/// # Errors
/// If the file cannot be written.
pub fn write(path: &Path, value: &impl Serialize) -> Result<(), IoError> {
    let mut text = serde_json::to_string_pretty(value)
        .map_err(|source| IoError::Json { file: path.display().to_string(), source })?;
    text.push('\n');
    std::fs::write(path, text).map_err(IoError::at(path))
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
}
