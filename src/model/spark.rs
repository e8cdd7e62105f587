//! The directory layout of Spark's `ALSModel`, written and read.
//!
//! `metadata/part-00000` is one line of JSON; `userFactors` and `itemFactors` hold Parquet with
//! `id` and `features`. Spark checks `.crc` files where there are any, so none are written. Read
//! are any number of part files in any order, and Spark 4's longer names.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float32Array, Int32Array, ListArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Float32Type, Int32Type};
use rayon::prelude::*;
use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_64;

use crate::io::batches;
use crate::io::parquet::{self, ParquetFile, ParquetLayout};
use crate::io::{IoError, json as json_file};
use crate::linalg::dense::Matrix;
use crate::model::als::Feedback;
use crate::model::error::ModelError;
use crate::model::factors::Factors;
use crate::model::folder::ModelFolder;
use crate::schema;

const CLASS: &str = "org.apache.spark.ml.recommendation.ALSModel";
/// Names of the keys in the footer by which Spark recognises its own schema.
const ROW_METADATA: &str = "org.apache.spark.sql.parquet.row.metadata";
const ROW_METADATA_JSON: &str = concat!(
    r#"{"type":"struct","fields":[{"name":"id","type":"integer","nullable":false,"metadata":{}},"#,
    r#"{"name":"features","type":{"type":"array","elementType":"float","containsNull":false},"#,
    r#""nullable":true,"metadata":{}}]}"#
);

/// Writes the three folders into the directory of a model, whose checksum is given.
///
/// # Errors
/// If a file cannot be written.
pub fn write(folder: &Path, users: &Factors, items: &Factors, model: &str) -> Result<(), IoError> {
    let metadata = folder.join(schema::METADATA);
    fs::create_dir(&metadata).map_err(IoError::at(&metadata))?;
    let line = json!({
        "class": CLASS,
        "timestamp": 0,
        "sparkVersion": "3.5.0",
        "uid": uid(users, items),
        "paramMap": {"userCol": "user_id", "itemCol": "movie_id"},
        "defaultParamMap": {
            "userCol": "user", "itemCol": "item", "predictionCol": "prediction",
            "coldStartStrategy": "nan", "blockSize": 4096,
        },
        "rank": items.vectors.cols,
    });
    let part = metadata.join("part-00000");
    fs::write(&part, format!("{line}\n")).map_err(IoError::at(&part))?;
    mark_success(&metadata)?;
    write_factors(&folder.join(schema::USER_FACTORS), users, model)?;
    write_factors(&folder.join(schema::ITEM_FACTORS), items, model)
}

/// Returns an identifier that follows the content, so that equal models are equal byte for byte.
fn uid(users: &Factors, items: &Factors) -> String {
    let bytes = |factors: &Factors| -> Vec<u8> {
        factors.vectors.data.iter().flat_map(|x| x.to_le_bytes()).collect()
    };
    let hash = xxh3_64(&bytes(users)) ^ xxh3_64(&bytes(items)).rotate_left(32);
    format!("ALS_{:012x}", hash & 0xffff_ffff_ffff)
}

/// Hadoop's sign of a complete folder.
fn mark_success(folder: &Path) -> Result<(), IoError> {
    let path = folder.join("_SUCCESS");
    fs::write(&path, "").map_err(IoError::at(&path))
}

/// Writes vectors of a model, whose checksum is given, as a folder of that kind.
///
/// # Errors
/// If a file cannot be written.
pub fn write_factors(folder: &Path, factors: &Factors, model: &str) -> Result<(), IoError> {
    fs::create_dir(folder).map_err(IoError::at(folder))?;
    let path = folder.join("part-00000.parquet");
    let layout = ParquetLayout {
        // A page of a few hundred vectors, so that looking up one costs one page.
        page_rows: 256,
        group_rows: 1 << 17,
        plain: &["features.list.element"],
        sorted_by: &["id"],
        footer: vec![
            ("org.apache.spark.version".into(), "3.5.0".into()),
            (ROW_METADATA.into(), ROW_METADATA_JSON.into()),
            parquet::belonging_to(model),
        ],
        ..ParquetLayout::default()
    };
    let k = factors.vectors.cols;
    parquet::write_file(&path, &schema::spark_factors(), &layout, factors.ids.len(), |range| {
        let ids = factors.ids[range.clone()].to_vec();
        let values = factors.vectors.data[range.start * k..range.end * k].to_vec();
        let features = ListArray::new(
            schema::list_item(DataType::Float32),
            OffsetBuffer::from_repeated_length(k, range.len()),
            Arc::new(Float32Array::from(values)),
            None,
        );
        let columns: Vec<ArrayRef> = vec![Arc::new(Int32Array::from(ids)), Arc::new(features)];
        batches::batch(schema::spark_factors(), columns)
    })?;
    mark_success(folder)
}

/// Whether a directory holds Spark's metadata.
#[must_use]
pub fn is_model(folder: &Path) -> bool {
    folder.join(schema::METADATA).is_dir()
        && folder.join(schema::USER_FACTORS).is_dir()
        && folder.join(schema::ITEM_FACTORS).is_dir()
}

/// Reads the line of metadata and checks that it is an `ALSModel`'s; returns its rank.
///
/// # Errors
/// If there is no such line or it names another class.
pub fn read_rank(folder: &Path) -> Result<usize, ModelError> {
    let metadata = folder.join(schema::METADATA);
    let damaged =
        |problem: String| ModelError::Damaged { path: metadata.display().to_string(), problem };
    let mut parts = part_files(&metadata, |_| true)?;
    parts.retain(|path| fs::metadata(path).is_ok_and(|found| found.len() > 0));
    let part = parts.first().ok_or_else(|| damaged("no part file in it".into()))?;
    let line: Value = json_file::read(part)?;
    if line["class"] != CLASS {
        return Err(damaged(format!("holds {} where {CLASS} was expected", line["class"])));
    }
    let rank = line["rank"].as_u64().ok_or_else(|| damaged("the rank is missing".into()))?;
    Ok(rank as usize)
}

/// Returns the files `part-*` of a folder in the order of their names.
fn part_files(folder: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>, IoError> {
    let at = IoError::at(folder);
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(&at)? {
        let entry = entry.map_err(&at)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("part-") && wanted(&name) {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// Opens the files of a folder of vectors, one after another.
fn factor_files(
    model: &ModelFolder,
    folder: &str,
) -> Result<impl ExactSizeIterator<Item = Result<ParquetFile, IoError>>, IoError> {
    let parts = part_files(&model.path().join(folder), |name| name.ends_with(".parquet"))?;
    let name = move |part: PathBuf| Path::new(folder).join(part.file_name().unwrap_or_default());
    Ok(parts.into_iter().map(move |part| model.parquet(name(part))))
}

/// Reads the ids of a folder's vectors, ascending.
///
/// # Errors
/// If a file cannot be read.
pub fn read_ids(model: &ModelFolder, folder: &str) -> Result<Vec<i32>, ModelError> {
    let mut ids = Vec::new();
    for file in factor_files(model, folder)? {
        ids.extend(file?.read_ids("id")?);
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// Mean prediction from which on a model is taken to predict ratings, of 0.5..5 or 1..5.
pub const LOWEST_MEAN_RATING: f64 = 0.5;

/// Guesses the feedback type of a model, which its metadata do not tell: predictions of an implicit
/// model are near 0 for most pairs of user and item, those of an explicit one near the mean rating.
///
/// # Errors
/// If the user factors cannot be read.
pub fn guess_feedback(model: &ModelFolder, items: &Matrix) -> Result<Feedback, ModelError> {
    const USERS: usize = 1000;
    let mut ids = read_ids(model, schema::USER_FACTORS)?;
    let step = ids.len().div_ceil(USERS).max(1);
    ids = ids.into_iter().step_by(step).collect();
    let users = read_factors(model, schema::USER_FACTORS, items.cols, Some(&ids))?;
    let mean = |matrix: &Matrix| -> Vec<f64> {
        let mut sums = vec![0.0; matrix.cols];
        for row in matrix.iter_rows() {
            sums.iter_mut().zip(row).for_each(|(sum, &x)| *sum += f64::from(x));
        }
        sums.into_iter().map(|sum| sum / matrix.rows.max(1) as f64).collect()
    };
    // The mean of all products is the product of the means.
    let mean: f64 = mean(&users.vectors).iter().zip(mean(items)).map(|(a, b)| a * b).sum();
    Ok(if mean >= LOWEST_MEAN_RATING { Feedback::Explicit } else { Feedback::Implicit })
}

/// Reads the vectors of a folder, all of them or those of `ids`, which ascend.
///
/// # Errors
/// If a file cannot be read, a vector's length is not `rank`, or an id occurs twice.
pub fn read_factors(
    model: &ModelFolder,
    folder: &str,
    rank: usize,
    ids: Option<&[i32]>,
) -> Result<Factors, ModelError> {
    let path = model.path().join(folder);
    let damaged =
        |problem: String| ModelError::Damaged { path: path.display().to_string(), problem };
    let mut files = factor_files(model, folder)?.peekable();
    if files.len() == 1
        && ids.is_none()
        && let Some(Ok(file)) = files.peek()
        && let Some((ids, data)) = file.read_vectors("id", "features", rank)?
        && ids.is_sorted_by(|a, b| a < b)
        && data.par_iter().all(|x| x.is_finite())
    {
        return Ok(Factors { vectors: Matrix { rows: ids.len(), cols: rank, data }, ids });
    }
    let mut rows: Vec<(i32, Vec<f32>)> = Vec::new();
    let mut sorted = Factors { ids: Vec::new(), vectors: Matrix::zeros(0, rank) };
    for file in files {
        let file = file?;
        for batch in file.read_rows(&["id", "features"], "id", ids)? {
            let keys = batch.column_by_name("id").and_then(|c| c.as_primitive_opt::<Int32Type>());
            let lists = batch.column_by_name("features").and_then(|c| c.as_list_opt::<i32>());
            let (Some(keys), Some(lists)) = (keys, lists) else {
                return Err(damaged("`id` must be int32 and `features` a list".into()));
            };
            let Some(values) = lists.values().as_primitive_opt::<Float32Type>() else {
                return Err(damaged("`features` must hold floats".into()));
            };
            for (row, &id) in keys.values().iter().enumerate() {
                let range =
                    lists.value_offsets()[row] as usize..lists.value_offsets()[row + 1] as usize;
                let vector = &values.values()[range];
                if vector.len() != rank {
                    let found = vector.len();
                    return Err(damaged(format!("vector {id} has {found} of {rank} entries")));
                }
                if !vector.iter().all(|x| x.is_finite()) {
                    return Err(damaged(format!("vector {id} is not finite")));
                }
                // mvrec's own files ascend and need no sorting.
                if rows.is_empty() && sorted.ids.last().is_none_or(|&last| last < id) {
                    sorted.ids.push(id);
                    sorted.vectors.data.extend_from_slice(vector);
                } else {
                    rows.push((id, vector.to_vec()));
                }
            }
        }
    }
    if !rows.is_empty() {
        let all = sorted.ids.iter().zip(sorted.vectors.data.chunks_exact(rank.max(1)));
        rows.extend(all.map(|(&id, vector)| (id, vector.to_vec())));
        rows.sort_by_key(|(id, _)| *id);
        if let Some(pair) = rows.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(damaged(format!("id {} occurs twice", pair[0].0)));
        }
        sorted.ids = rows.iter().map(|(id, _)| *id).collect();
        sorted.vectors.data = rows.into_iter().flat_map(|(_, vector)| vector).collect();
    }
    sorted.vectors.rows = sorted.ids.len();
    Ok(sorted)
}
