//! What a file or directory is: datasets, models, Spark's models, and single files of any kind.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::dataset::manifest::{Manifest, Provenance};
use crate::io::parquet::ParquetFile;
use crate::io::source::{Source, SourceKind};
use crate::io::{IoError, json as json_file};
use crate::model::folder::ModelFolder;
use crate::model::{ModelError, info, spark};
use crate::schema;

/// Describes a path by its content.
///
/// # Errors
/// If it cannot be read, is a directory of an unknown kind, or is corrupt.
pub fn describe(path: &Path) -> Result<Map<String, Value>, ModelError> {
    if !path.is_dir() {
        return Ok(describe_file(path)?);
    }
    let manifest = path.join(schema::DATASET_JSON);
    let model = path.join(schema::MODEL_JSON);
    let split = path.join(schema::SPLIT_JSON);
    if manifest.is_file() {
        let (manifest, _) = json_file::read_manifest::<Manifest>(&manifest)?;
        manifest.history.clone().check(&path.display().to_string())?;
        let mut object = object_of(&manifest);
        object.insert("files".into(), files(path)?);
        Ok(object)
    } else if model.is_file() {
        let (read, _) = info::read(&model)?;
        let mut object = object_of(&read);
        if let Some(Value::Object(parameters)) = object.get_mut("parameters") {
            let unused = read.algorithm.unused_parameters();
            parameters.retain(|name, _| !unused.contains(&name.as_str()));
        }
        object.insert("files".into(), files(path)?);
        Ok(object)
    } else if split.is_file() {
        const FIELDS: [&str; 6] =
            ["kind", "format_version", "method", "content_xxh3", "ratings", "divisions"];
        let (mut object, _) = json_file::read_manifest::<Map<String, Value>>(&split)?;
        object.retain(|name, _| FIELDS.contains(&&**name));
        Ok(object)
    } else if path.join(schema::TUNE_JSON).is_file() {
        let (mut object, _) =
            json_file::read_manifest::<Map<String, Value>>(&path.join(schema::TUNE_JSON))?;
        object.remove(json_file::CHECKSUM);
        object.insert("files".into(), files(path)?);
        Ok(object)
    } else if spark::is_model(path) {
        let model = ModelFolder::open(path)?;
        let rank = spark::read_rank(path)?;
        let count = |folder: &str| {
            spark::read_factors(&model, folder, rank, None).map(|factors| factors.ids.len())
        };
        let (users, movies) = (count(schema::USER_FACTORS)?, count(schema::ITEM_FACTORS)?);
        Ok(object_of(&json!({
            "kind": "Spark ALSModel", "rank": rank, "users": users, "movies": movies,
        })))
    } else {
        Err(ModelError::Damaged {
            path: path.display().to_string(),
            problem: "this directory is neither a dataset, a model nor a split".into(),
        })
    }
}

fn object_of(value: &impl serde::Serialize) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(object)) => object,
        _ => Map::new(),
    }
}

/// Lists the Parquet files directly in a directory with their rows.
fn files(folder: &Path) -> Result<Value, IoError> {
    let at = IoError::at(folder);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(&at)? {
        let path = entry.map_err(&at)?.path();
        if path.extension().is_some_and(|ending| ending == "parquet") {
            names.push(path);
        }
    }
    names.sort();
    let mut list = Map::new();
    for path in names {
        let rows = ParquetFile::open(Source::open(&path)?)?.n_rows();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        list.insert(name, json!({"rows": rows}));
    }
    Ok(Value::Object(list))
}

fn describe_file(path: &Path) -> Result<Map<String, Value>, IoError> {
    let bytes = fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|found| found.len());
    let source = Source::open(path)?;
    let mut object = match source.kind {
        SourceKind::Empty => object_of(&json!({"kind": "empty file"})),
        SourceKind::Zip => object_of(&json!({"kind": "ZIP archive"})),
        SourceKind::Parquet => describe_parquet(source)?,
        SourceKind::Json => describe_json(source)?,
        SourceKind::Text => describe_text(source)?,
    };
    if let Some(bytes) = bytes {
        object.insert("bytes".into(), json!(bytes));
    }
    Ok(object)
}

fn describe_parquet(source: Source) -> Result<Map<String, Value>, IoError> {
    let name = source.name.clone();
    let file = ParquetFile::open(source)?;
    let content = match () {
        () if file.has_columns_of(&schema::ratings()) => "ratings",
        () if file.has_columns_of(&schema::model_movies()) => "movies of a model",
        () if file.has_columns_of(&schema::movies()) => "movies",
        () if file.has_columns_of(&schema::links()) => "links",
        () if file.has_columns_of(&schema::tags()) => "tags",
        () if file.has_columns_of(&schema::seen()) => "seen ratings of a model",
        () if file.has_columns_of(&schema::neighbors("movie_id", "similarity")) => {
            "neighbors of movies"
        }
        () if file.has_columns_of(&schema::neighbors("movie_id", "weight")) => "weights of movies",
        () if file.has_columns_of(&schema::neighbors("user_id", "similarity")) => {
            "neighbors of users"
        }
        () if file.has_columns_of(&schema::spark_factors()) => "vectors of a model",
        () => "table",
    };
    let columns: Map<String, Value> = file
        .schema()
        .fields()
        .iter()
        .map(|field| (field.name().clone(), json!(field.data_type().to_string())))
        .collect();
    let mut object = object_of(&json!({
        "kind": format!("Parquet, {content}"), "rows": file.n_rows(), "columns": columns,
    }));
    if let Some(history) = file.footer(schema::MANIFEST_KEY) {
        let history: Provenance = serde_json::from_str(history)
            .map_err(|source| IoError::Json { file: name.clone(), source })?;
        object.extend(object_of(&history.check(&name)?));
    }
    Ok(object)
}

/// A document of mvrec's tells itself what it is; anything else is a table in JSON or JSON lines.
fn describe_json(source: Source) -> Result<Map<String, Value>, IoError> {
    let failed = |error| IoError::Json { file: source.name.clone(), source: error };
    let mut values: Vec<Value> = Vec::new();
    for value in serde_json::Deserializer::from_reader(source.reader).into_iter::<Value>() {
        values.push(value.map_err(failed)?);
    }
    if let [Value::Object(object)] = &values[..]
        && object.contains_key("kind")
    {
        return Ok(object.clone());
    }
    let (kind, rows) = match &values[..] {
        [Value::Array(rows)] => ("JSON", &rows[..]),
        _ => ("JSON lines", &values[..]),
    };
    let columns: Vec<&String> =
        rows.first().and_then(Value::as_object).into_iter().flat_map(Map::keys).collect();
    Ok(object_of(&json!({"kind": kind, "rows": rows.len(), "columns": columns})))
}

fn describe_text(source: Source) -> Result<Map<String, Value>, IoError> {
    /// Bytes of the first line that are shown.
    const SHOWN: usize = 4 << 10;
    let failed = IoError::named(source.name.clone());
    let mut reader = BufReader::with_capacity(1 << 16, source.reader);
    let head = reader.fill_buf().map_err(&failed)?;
    if head.contains(&0) {
        // It may have no end, as a device.
        return Ok(object_of(&json!({"kind": "binary file of an unknown kind"})));
    }
    let first = head.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let first = String::from_utf8_lossy(first[..first.len().min(SHOWN)].trim_ascii_end());
    let first = first.into_owned();
    let (mut lines, mut ended) = (0, true);
    loop {
        let bytes = reader.fill_buf().map_err(&failed)?;
        let Some(last) = bytes.last() else { break };
        ended = *last == b'\n';
        lines += memchr::memchr_iter(b'\n', bytes).count() as u64;
        let n = bytes.len();
        reader.consume(n);
    }
    lines += u64::from(!ended);
    Ok(object_of(&json!({"kind": "text", "lines": lines, "first_line": first})))
}
