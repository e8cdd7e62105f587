//! Names, column types and the format version of every file that mvrec writes.
//!
//! Names are snake case, as in the SQL of the original project, so that its queries run on these
//! files in DuckDB, Polars or Spark as they stand. This module knows Arrow's types and nothing
//! else.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

/// Version of the dataset and model layouts; a reader refuses a newer one by name.
pub const FORMAT_VERSION: u32 = 1;

/// Key of the Parquet footer entry that carries a dataset's manifest through a pipe.
pub const MANIFEST_KEY: &str = "mvrec.dataset";

/// Value of `kind` in the manifest of a dataset.
pub const DATASET_KIND: &str = "mvrec dataset";
/// Value of `kind` in the manifest of a model.
pub const MODEL_KIND: &str = "mvrec model";
/// Value of `kind` in the manifest of a split.
pub const SPLIT_KIND: &str = "mvrec split";

/// Manifest of a dataset directory; its presence marks the directory as mvrec's own.
pub const DATASET_JSON: &str = "dataset.json";
/// Ratings of a dataset directory.
pub const RATINGS: &str = "ratings.parquet";
/// Titles and genres, in a dataset directory and in a model directory.
pub const MOVIES: &str = "movies.parquet";
/// Identifiers at IMDb and TMDb.
pub const LINKS: &str = "links.parquet";
/// Free-text tags.
pub const TAGS: &str = "tags.parquet";

/// Names of users that are no numbers, in a dataset directory and in a model directory.
pub const USERS: &str = "users.parquet";

/// Rows that `ingest` has rejected: file, line, reason, text.
pub const REJECTED: &str = "rejected.csv";

/// Manifest of a model directory; its presence marks the directory as mvrec's own.
pub const MODEL_JSON: &str = "model.json";
/// Ratings that a model was trained on, a row per user.
pub const SEEN: &str = "seen.parquet";
/// Manifest of a directory of parts; its presence marks the directory as mvrec's own.
pub const SPLIT_JSON: &str = "split.json";

/// Neighbours of a cosine model.
pub const NEIGHBORS: &str = "neighbors.parquet";
/// Folder of user vectors in Spark's `ALSModel` layout.
pub const USER_FACTORS: &str = "userFactors";
/// Folder of item vectors in Spark's `ALSModel` layout.
pub const ITEM_FACTORS: &str = "itemFactors";
/// Item embeddings by which a model that predicts ratings ranks, a folder like those two.
pub const EMBEDDINGS: &str = "itemEmbeddings";
/// Prior of the user factors, a folder like those two: of each entry the mean and the covariances.
pub const USER_PRIOR: &str = "userPrior";
/// Folder of the JSON line in Spark's `ALSModel` layout.
pub const METADATA: &str = "metadata";

/// What a search of parameters is of.
pub const TUNE_JSON: &str = "tune.json";
/// Trials of a search, a line each.
pub const TRIALS: &str = "trials.jsonl";
/// Parameters that a search found.
pub const BEST_JSON: &str = "best.json";
/// `kind` of a search.
pub const TUNE_KIND: &str = "mvrec search";
/// `kind` of parameters.
pub const PARAMETERS_KIND: &str = "mvrec parameters";

/// Type of every point in time: milliseconds since 1970, in UTC.
#[must_use]
pub fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))
}

fn schema(fields: Vec<Field>) -> SchemaRef {
    Arc::new(Schema::new(fields))
}

fn required(name: &str, kind: DataType) -> Field {
    Field::new(name, kind, false)
}

fn optional(name: &str, kind: DataType) -> Field {
    Field::new(name, kind, true)
}

/// Returns the columns of `ratings.parquet`, sorted by user, then movie.
#[must_use]
pub fn ratings() -> SchemaRef {
    schema(vec![
        required("user_id", DataType::Int32),
        required("movie_id", DataType::Int32),
        required("rating", DataType::Float32),
        optional("rating_timestamp", timestamp()),
    ])
}

/// Returns the columns of ratings whose ids stand for keys, in files that have no directory around
/// them.
#[must_use]
pub fn keyed_ratings(users: bool, movies: bool) -> SchemaRef {
    let mut fields = ratings().fields().to_vec();
    let key = |name| Arc::new(required(name, DataType::Utf8));
    fields.extend(users.then(|| key("user_key")));
    fields.extend(movies.then(|| key("movie_key")));
    Arc::new(Schema::new(fields))
}

/// Returns the columns of `users.parquet`, sorted by user.
#[must_use]
pub fn users() -> SchemaRef {
    schema(vec![required("user_id", DataType::Int32), required("user_key", DataType::Utf8)])
}

/// Returns the columns of ratings that tell the keys of movies.
#[must_use]
pub fn keyed_movies() -> SchemaRef {
    schema(vec![required("movie_id", DataType::Int32), required("movie_key", DataType::Utf8)])
}

/// Returns the column of a `movies.parquet` that is there where movies have keys.
#[must_use]
pub fn movie_keys() -> SchemaRef {
    schema(vec![required("movie_key", DataType::Utf8)])
}

fn movie_fields() -> Vec<Field> {
    vec![
        required("movie_id", DataType::Int32),
        required("title", DataType::Utf8),
        optional("release_year", DataType::Int16),
        required("genres", DataType::Utf8),
    ]
}

/// Returns the columns of a dataset's `movies.parquet`, sorted by movie.
#[must_use]
pub fn movies() -> SchemaRef {
    schema(movie_fields())
}

/// Returns the columns of `links.parquet`, sorted by movie.
#[must_use]
pub fn links() -> SchemaRef {
    schema(vec![
        required("movie_id", DataType::Int32),
        optional("imdb_id", DataType::Utf8),
        optional("tmdb_id", DataType::Int32),
    ])
}

/// Returns the columns of `tags.parquet`, in the order of the source.
#[must_use]
pub fn tags() -> SchemaRef {
    schema(vec![
        required("user_id", DataType::Int32),
        required("movie_id", DataType::Int32),
        required("tag", DataType::Utf8),
        optional("tag_timestamp", timestamp()),
    ])
}

/// Returns the columns of a model's `movies.parquet`: a row per movie of the training data.
#[must_use]
pub fn model_movies() -> SchemaRef {
    let mut fields = movie_fields();
    fields.extend([
        optional("imdb_id", DataType::Utf8),
        optional("tmdb_id", DataType::Int32),
        required("n_ratings", DataType::Int32),
        required("mean_rating", DataType::Float64),
    ]);
    schema(fields)
}

/// Returns the columns of `seen.parquet`: a row per user, so that one user costs one page.
#[must_use]
pub fn seen() -> SchemaRef {
    schema(vec![
        required("user_id", DataType::Int32),
        required("movie_ids", list(DataType::Int32)),
        required("ratings", list(DataType::Float32)),
    ])
}

/// Returns the columns of `neighbors.parquet`; `id` is `movie_id` or `user_id`, and `value` what a
/// pair has: a `similarity`, or in models of EASE the `weight` of a movie in another's score.
#[must_use]
pub fn neighbors(id: &str, value: &str) -> SchemaRef {
    schema(vec![
        required(id, DataType::Int32),
        required("neighbor_id", DataType::Int32),
        required(value, DataType::Float32),
    ])
}

/// Returns the columns of Spark's factor folders, as Spark 3.5 writes them.
#[must_use]
pub fn spark_factors() -> SchemaRef {
    schema(vec![required("id", DataType::Int32), optional("features", list(DataType::Float32))])
}

fn list(item: DataType) -> DataType {
    DataType::List(list_item(item))
}

/// Returns the element field of every list column, named as Spark and Parquet name it.
#[must_use]
pub fn list_item(item: DataType) -> Arc<Field> {
    Arc::new(required("element", item))
}
