//! Lists of ids: a file with an id a line, a column of a table, or JSON.

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Field, Schema};
use serde_json::Value;

use crate::io::error::IoError;
use crate::io::keys::text_of;
use crate::io::parquet::ParquetFile;
use crate::io::source::{Source, SourceKind, read_small};
use crate::io::text::{Delimiter, MOVIE, TextColumns, USER, fields};
use crate::io::values::is_missing;

/// Whose ids a list holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdSide {
    /// Users.
    User,
    /// Movies.
    Movie,
}

impl IdSide {
    fn role(self) -> usize {
        match self {
            Self::User => USER,
            Self::Movie => MOVIE,
        }
    }

    /// Returns the name of the column for errors.
    #[must_use]
    pub fn column(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Movie => "movie",
        }
    }
}

/// An id as a file spells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedId {
    /// Its spelling.
    pub text: String,
    /// Line or row, counted from 1.
    pub line: u64,
}

/// Reads the ids of a list: the column of that side where there is a header, else the first field
/// of each line.
///
/// # Errors
/// If the file cannot be read, or has a header without such a column.
pub fn read_ids(source: Source, side: IdSide) -> Result<Vec<ListedId>, IoError> {
    let file = source.name.clone();
    let mut ids = match source.kind {
        SourceKind::Parquet => from_parquet(&ParquetFile::open(source)?, side)?,
        SourceKind::Zip => {
            let found = "this is a ZIP archive";
            return Err(IoError::WrongKind { file, found, expected: "a list of ids" });
        }
        _ => from_text(&file, &text_of(read_small(source.reader, &file)?), side)?,
    };
    ids.retain(|id| !is_missing(id.text.as_bytes()));
    Ok(ids)
}

fn from_parquet(file: &ParquetFile, side: IdSide) -> Result<Vec<ListedId>, IoError> {
    let names: Vec<String> =
        file.schema().fields().iter().map(|field| field.name().clone()).collect();
    let column = column_of(file.name(), &names, side)?;
    // Numbers become texts as they are spelled.
    let field = Field::new(&names[column], DataType::Utf8, true);
    let batch = file.read_as(&Arc::new(Schema::new(vec![field])))?;
    let texts = batch.column(0).as_string::<i32>().iter().zip(1..);
    let ids = texts.filter_map(|(text, line)| Some(ListedId { text: text?.into(), line }));
    Ok(ids.collect())
}

fn column_of(file: &str, names: &[String], side: IdSide) -> Result<usize, IoError> {
    let found = TextColumns::default().find(names)[side.role()];
    let lone = || (names.len() == 1 && names[0].eq_ignore_ascii_case("id")).then_some(0);
    found.or_else(lone).ok_or_else(|| IoError::MissingColumn {
        file: file.into(),
        column: side.column(),
        found: names.to_vec(),
    })
}

fn from_text(file: &str, text: &str, side: IdSide) -> Result<Vec<ListedId>, IoError> {
    let text = text.trim_start_matches('\u{feff}');
    let lines = || text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
    let Some((first, _)) = lines().next() else { return Ok(Vec::new()) };
    if first.trim_start().starts_with(['[', '{']) {
        return from_json(file, text, side);
    }
    // Blanks belong to names.
    let delimiter = match Delimiter::detect(first.as_bytes()) {
        Delimiter::Blanks => Delimiter::Byte(b','),
        delimiter => delimiter,
    };
    let split = |line: &str| -> Vec<String> {
        let split = fields(line.trim_end().as_bytes(), delimiter);
        split.map_or_else(
            |_| vec![line.trim().into()],
            |fields| fields.into_iter().map(|field| text_of(field.into_owned())).collect(),
        )
    };
    let header = split(first);
    let is_header = is_header(&header);
    let column = if is_header { column_of(file, &header, side)? } else { 0 };
    let ids = lines().skip(usize::from(is_header)).filter_map(|(line, number)| {
        let mut fields = split(line);
        (column < fields.len()).then(|| ListedId { text: fields.swap_remove(column), line: number })
    });
    Ok(ids.collect())
}

/// Whether the first line names columns: by a usual name of any role, for a typo is no name of a
/// column.
fn is_header(fields: &[String]) -> bool {
    let lone = fields.len() == 1 && fields[0].eq_ignore_ascii_case("id");
    lone || TextColumns::default().find(fields).iter().any(Option::is_some)
}

/// Reads an array of ids or objects, or objects one after the other.
fn from_json(file: &str, text: &str, side: IdSide) -> Result<Vec<ListedId>, IoError> {
    let mut ids = Vec::new();
    let values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    for value in values {
        let value = value.map_err(|source| IoError::Json { file: file.into(), source })?;
        let rows = match value {
            Value::Array(rows) => rows,
            row => vec![row],
        };
        for row in rows {
            let id = match &row {
                Value::Object(object) => {
                    let names: Vec<String> = object.keys().cloned().collect();
                    let column = column_of(file, &names, side)?;
                    &object[&names[column]]
                }
                id => id,
            };
            let line = ids.len() as u64 + 1;
            let text = match id {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                Value::Null => continue,
                other => {
                    let (value, problem) =
                        (other.to_string(), "is neither a number nor text".into());
                    return Err(IoError::BadField {
                        file: file.into(),
                        line,
                        column: side.column(),
                        value,
                        problem,
                    });
                }
            };
            ids.push(ListedId { text, line });
        }
    }
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, side: IdSide) -> Result<Vec<String>, String> {
        let source =
            Source::from_reader("x".into(), std::io::Cursor::new(text.to_string())).unwrap();
        let ids = read_ids(source, side).map_err(|error| error.to_string())?;
        Ok(ids.into_iter().map(|id| id.text).collect())
    }

    #[test]
    fn ids_are_read_from_every_form_of_list() {
        for (text, ids) in [
            ("7\n9\n", vec!["7", "9"]),
            ("\u{feff}user\r\nal\r\n\r\nbo\r\n", vec!["al", "bo"]),
            ("alise\nbob\n", vec!["alise", "bob"]),
            ("id\n7\n", vec!["7"]),
            ("rating;userId\n3;7\n4;9\n", vec!["7", "9"]),
            ("spotify:user:1\nspotify:user:2\n", vec!["spotify:user:1", "spotify:user:2"]),
            ("Ann Lee\nBo\n", vec!["Ann Lee", "Bo"]),
            ("\"Lee, Ann\"\nBo\n", vec!["Lee, Ann", "Bo"]),
            ("7,x\n9,y\n", vec!["7", "9"]),
            ("7\nNA\n\n9\n", vec!["7", "9"]),
            ("[7, \"al\", 9.0]", vec!["7", "al", "9.0"]),
            ("{\"user\":7}\n{\"user\":\"al\"}\n", vec!["7", "al"]),
            ("user_id,user_key\n1,al\n", vec!["al"]),
            ("", vec![]),
        ] {
            assert_eq!(
                read(text, IdSide::User),
                Ok(ids.into_iter().map(String::from).collect()),
                "{text}"
            );
        }
        assert_eq!(read("user,movie\n1,2\n", IdSide::Movie), Ok(vec!["2".into()]));
        assert_eq!(
            read("movieId,title\n1,x\n", IdSide::User),
            Err("x: no column for the user; found `movieId`, `title`".into())
        );
    }
}
