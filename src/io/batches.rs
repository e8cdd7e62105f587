//! Between plain columns and Arrow batches of the schemas that mvrec writes.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, Float32Array, Int32Array, RecordBatch, StringArray,
    TimestampMillisecondArray,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{Field, Int16Type, Int32Type, Schema, SchemaRef, TimestampMillisecondType};

use crate::io::columns::{LinkColumns, MovieColumns, NO_TIME, RatingColumns, TagColumns};
use crate::io::keys::Keys;
use crate::schema::{self, timestamp};

/// Builds a batch whose columns fit the schema by construction.
///
/// # Panics
/// If they do not, which is a mistake in the caller and none of the data.
#[must_use]
pub fn batch(schema: SchemaRef, columns: Vec<ArrayRef>) -> RecordBatch {
    RecordBatch::try_new(schema, columns).expect("the columns are built for this schema")
}

fn times(ms: &[i64]) -> ArrayRef {
    let nulls = ms.contains(&NO_TIME).then(|| ms.iter().map(|&ms| ms != NO_TIME).collect());
    let nulls: Option<NullBuffer> = nulls;
    Arc::new(TimestampMillisecondArray::new(ms.to_vec().into(), nulls).with_timezone("UTC"))
}

/// Returns milliseconds marked as UTC, whatever zone they were marked with; the instants stay the
/// same.
#[must_use]
pub fn with_zone(array: &ArrayRef) -> ArrayRef {
    Arc::new(array.as_primitive::<TimestampMillisecondType>().clone().with_timezone("UTC"))
}

/// Returns a batch whose points in time are marked with the offset of UTC instead of its name,
/// which Arrow's writers of text could resolve only with a database of zones.
#[must_use]
pub fn with_offsets(batch: &RecordBatch) -> RecordBatch {
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, array)| {
        let array: ArrayRef = if *field.data_type() == timestamp() {
            let times = array.as_primitive::<TimestampMillisecondType>().clone();
            Arc::new(times.with_timezone("+00:00"))
        } else {
            Arc::clone(array)
        };
        (field.name().clone(), array, field.is_nullable())
    });
    RecordBatch::try_from_iter_with_nullable(columns).expect("the columns of a batch are one")
}

fn times_back(array: &ArrayRef) -> Vec<i64> {
    let array = array.as_primitive::<TimestampMillisecondType>();
    array.iter().map(|ms| ms.unwrap_or(NO_TIME)).collect()
}

fn ints(array: &ArrayRef) -> Vec<i32> {
    array.as_primitive::<Int32Type>().values().to_vec()
}

/// Returns a column of texts.
#[must_use]
pub fn texts(array: &ArrayRef) -> Vec<String> {
    array.as_string::<i32>().iter().map(|text| text.unwrap_or_default().to_string()).collect()
}

/// Returns a range of ratings as a batch of [`schema::ratings`].
#[must_use]
pub fn ratings_batch(ratings: &RatingColumns, range: Range<usize>) -> RecordBatch {
    let ints =
        |ids: &[i32]| -> ArrayRef { Arc::new(Int32Array::from(ids[range.clone()].to_vec())) };
    batch(
        schema::ratings(),
        vec![
            ints(&ratings.user_id),
            ints(&ratings.movie_id),
            Arc::new(Float32Array::from(ratings.rating[range.clone()].to_vec())),
            times(&ratings.time_ms[range.clone()]),
        ],
    )
}

/// Returns ratings with the keys that their ids stand for.
#[must_use]
pub fn with_keys(
    ratings: &RecordBatch,
    users: Option<&Keys>,
    movies: Option<&Keys>,
) -> RecordBatch {
    let keys_of = |at: usize, keys: &Keys| -> ArrayRef {
        let ids = ratings.column(at).as_primitive::<Int32Type>().values();
        Arc::new(StringArray::from_iter_values(
            ids.iter().map(|&id| keys.get(id).unwrap_or_default()),
        ))
    };
    let mut columns = ratings.columns().to_vec();
    columns.extend(users.map(|keys| keys_of(0, keys)));
    columns.extend(movies.map(|keys| keys_of(1, keys)));
    batch(schema::keyed_ratings(users.is_some(), movies.is_some()), columns)
}

/// Returns keys as a batch of [`schema::users`].
#[must_use]
pub fn user_keys_batch(keys: &Keys) -> RecordBatch {
    let texts = StringArray::from_iter_values(&keys.keys);
    batch(schema::users(), vec![Arc::new(Int32Array::from(keys.ids.clone())), Arc::new(texts)])
}

/// Returns keys from a batch of ids and keys, in any order and repeated at will.
#[must_use]
pub fn to_keys(batch: &RecordBatch) -> Keys {
    let (ids, texts) =
        (batch.column(0).as_primitive::<Int32Type>(), batch.column(1).as_string::<i32>());
    let mut pairs = HashMap::new();
    for (&id, text) in ids.values().iter().zip(texts) {
        pairs.entry(id).or_insert_with(|| text.unwrap_or_default().to_string());
    }
    Keys::new(pairs.into_iter().collect())
}

/// Adds the keys of movies, where they have some, to their rows.
#[must_use]
pub fn with_movie_keys(rows: RecordBatch, keys: Option<ArrayRef>) -> RecordBatch {
    let Some(keys) = keys else { return rows };
    let fields =
        rows.schema().fields().iter().chain(schema::movie_keys().fields()).cloned().collect();
    let fields: Vec<Arc<Field>> = fields;
    let mut columns = rows.columns().to_vec();
    columns.push(keys);
    batch(Arc::new(Schema::new(fields)), columns)
}

/// Returns movies from a batch that begins with the columns of [`schema::movies`].
#[must_use]
pub fn to_movies(batch: &RecordBatch) -> MovieColumns {
    MovieColumns {
        movie_id: ints(batch.column(0)),
        title: texts(batch.column(1)),
        release_year: batch.column(2).as_primitive::<Int16Type>().iter().collect(),
        genres: texts(batch.column(3)),
        movie_key: None,
    }
}

/// Returns links as a batch of [`schema::links`].
#[must_use]
pub fn links_batch(links: &LinkColumns) -> RecordBatch {
    batch(
        schema::links(),
        vec![
            Arc::new(Int32Array::from(links.movie_id.clone())),
            Arc::new(StringArray::from_iter(links.imdb_id.iter().map(Option::as_deref))),
            Arc::new(Int32Array::from(links.tmdb_id.clone())),
        ],
    )
}

/// Returns links from a batch of [`schema::links`].
#[must_use]
pub fn to_links(batch: &RecordBatch) -> LinkColumns {
    LinkColumns {
        movie_id: ints(batch.column(0)),
        imdb_id: to_optional_texts(batch.column(1)),
        tmdb_id: batch.column(2).as_primitive::<Int32Type>().iter().collect(),
    }
}

/// Returns a column of texts with its gaps.
#[must_use]
pub fn to_optional_texts(array: &ArrayRef) -> Vec<Option<String>> {
    array.as_string::<i32>().iter().map(|text| text.map(str::to_string)).collect()
}

/// Returns tags as a batch of [`schema::tags`].
#[must_use]
pub fn tags_batch(tags: &TagColumns) -> RecordBatch {
    batch(
        schema::tags(),
        vec![
            Arc::new(Int32Array::from(tags.user_id.clone())),
            Arc::new(Int32Array::from(tags.movie_id.clone())),
            Arc::new(StringArray::from_iter_values(&tags.tag)),
            times(&tags.time_ms),
        ],
    )
}

/// Returns tags from a batch of [`schema::tags`].
#[must_use]
pub fn to_tags(batch: &RecordBatch) -> TagColumns {
    TagColumns {
        user_id: ints(batch.column(0)),
        movie_id: ints(batch.column(1)),
        tag: texts(batch.column(2)),
        time_ms: times_back(batch.column(3)),
    }
}
