//! Tables of figures: an id and numbers beside it, as CSV or Parquet.

use std::path::Path;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Field, Float64Type, Int32Type, Schema};

use crate::io::error::IoError;
use crate::io::parquet::ParquetFile;
use crate::io::source::{Source, SourceKind};

/// Ids, and the columns of numbers beside them by name; what is empty is NaN.
pub type Numbers = (Vec<i32>, Vec<(String, Vec<f64>)>);

/// Reads a table whose ids are in the column `id`; nothing, where there is no such column, or one
/// whose name begins with `but_not`.
///
/// # Errors
/// If the file cannot be read, or a column holds something else than numbers.
pub fn read_numbers(path: &Path, id: &str, but_not: &str) -> Result<Option<Numbers>, IoError> {
    let source = Source::open(path)?;
    let fits =
        |names: &[&str]| names.contains(&id) && !names.iter().any(|name| name.starts_with(but_not));
    match source.kind {
        SourceKind::Parquet => {
            let file = ParquetFile::open(source)?;
            let names: Vec<&str> =
                file.schema().fields().iter().map(|field| field.name().as_str()).collect();
            fits(&names).then(|| numbers_from_parquet(&file, &names, id)).transpose()
        }
        SourceKind::Text => {
            let mut reader = csv::Reader::from_reader(source.reader);
            let header = reader.headers().map_err(bad_line(&source.name))?.clone();
            let names: Vec<&str> = header.iter().collect();
            fits(&names).then(|| numbers_from_csv(&source.name, reader, &names, id)).transpose()
        }
        SourceKind::Zip | SourceKind::Json | SourceKind::Empty => Ok(None),
    }
}

fn numbers_from_parquet(file: &ParquetFile, names: &[&str], id: &str) -> Result<Numbers, IoError> {
    let field = |&name: &&str| match name == id {
        true => Field::new(name, DataType::Int32, false),
        false => Field::new(name, DataType::Float64, true),
    };
    let schema = Schema::new(names.iter().map(field).collect::<Vec<_>>());
    let batch = file.read_as(&Arc::new(schema))?;
    let (mut ids, mut figures) = (Vec::new(), Vec::new());
    for (&name, column) in names.iter().zip(batch.columns()) {
        if name == id {
            ids = column.as_primitive::<Int32Type>().values().to_vec();
        } else {
            let values = column.as_primitive::<Float64Type>().iter();
            figures.push((name.into(), values.map(|value| value.unwrap_or(f64::NAN)).collect()));
        }
    }
    Ok((ids, figures))
}

fn numbers_from_csv(
    file: &str,
    mut reader: csv::Reader<impl std::io::Read>,
    names: &[&str],
    id: &str,
) -> Result<Numbers, IoError> {
    let mut ids = Vec::new();
    let mut figures: Vec<(String, Vec<f64>)> = names
        .iter()
        .filter(|name| **name != id)
        .map(|name| (name.to_string(), Vec::new()))
        .collect();
    for record in reader.records() {
        let record = record.map_err(bad_line(file))?;
        let bad = |name: &str, text: &str| IoError::BadLine {
            file: file.into(),
            line: record.position().map_or(0, csv::Position::line),
            problem: format!("{name} `{text}` is not a number"),
        };
        let mut columns = figures.iter_mut();
        for (&name, text) in names.iter().zip(&record) {
            if name == id {
                ids.push(text.parse().map_err(|_| bad(name, text))?);
                continue;
            }
            let value = if text.is_empty() { Ok(f64::NAN) } else { text.parse() };
            let (_, values) = columns.next().expect("a column for each other name");
            values.push(value.map_err(|_| bad(name, text))?);
        }
    }
    Ok((ids, figures))
}

fn bad_line(file: &str) -> impl Fn(csv::Error) -> IoError + use<'_> {
    move |error| IoError::BadLine {
        file: file.into(),
        line: error.position().map_or(1, csv::Position::line),
        problem: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<Numbers>, IoError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        std::fs::write(&path, text).unwrap();
        read_numbers(&path, "user_id", "movie")
    }

    #[test]
    fn figures_by_name_and_what_is_none() {
        let (ids, figures) = read("user_id,a,b\n7,0.5,\n9,1e-3,2\n").unwrap().unwrap();
        assert_eq!(ids, [7, 9]);
        assert_eq!(figures[0], ("a".into(), vec![0.5, 1e-3]));
        assert!(figures[1].1[0].is_nan());
        assert!(read("user_id,movie_id,score\n1,2,3\n").unwrap().is_none());
        assert!(read("user,a\n1,2\n").unwrap().is_none());
        let error = read("user_id,a\n1,0.5\n2,x\n").unwrap_err().to_string();
        assert!(error.ends_with("t.csv:3: a `x` is not a number"), "{error}");
    }
}
