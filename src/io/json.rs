//! Tables as JSON, JSON lines and CSV, and small JSON documents.

use std::io::{Read, Write};
use std::path::Path;

use arrow::array::RecordBatch;
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
}

/// Writes batches of one schema as text; nulls stay, as `null` or an empty field.
///
/// # Errors
/// If writing fails.
pub fn write_table(
    mut out: impl Write,
    file: &str,
    format: TextFormat,
    batches: impl Iterator<Item = RecordBatch>,
) -> Result<(), IoError> {
    use arrow::json::writer::{JsonArray, LineDelimited, WriterBuilder};
    let failed = |source: arrow::error::ArrowError| IoError::Encode {
        file: file.into(),
        source: source.into(),
    };
    let builder = WriterBuilder::new().with_explicit_nulls(true);
    match format {
        TextFormat::Json => {
            let mut writer = builder.build::<_, JsonArray>(&mut out);
            for batch in batches {
                writer.write(&with_offsets(&batch)).map_err(failed)?;
            }
            writer.finish().map_err(failed)?;
            out.write_all(b"\n").map_err(IoError::named(file.into()))?;
        }
        TextFormat::JsonLines => {
            let mut writer = builder.build::<_, LineDelimited>(&mut out);
            for batch in batches {
                writer.write(&with_offsets(&batch)).map_err(failed)?;
            }
            writer.finish().map_err(failed)?;
        }
        TextFormat::Csv => {
            let mut writer = arrow::csv::Writer::new(&mut out);
            for batch in batches {
                writer.write(&with_offsets(&batch)).map_err(failed)?;
            }
        }
    }
    out.flush().map_err(IoError::named(file.into()))
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
