//! The movies that a model can recommend, with what the training data said of each.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, Int32Array, RecordBatch};
use arrow::datatypes::{Float64Type, Int32Type};

use crate::dataset::Movies;
use crate::dataset::ids::{ItemIx, MovieId, position};
use crate::dataset::matrix::InteractionMatrix;
use crate::dataset::movies::Movie;
use crate::dataset::titles::TitleError;
use crate::io::batches;
use crate::model::finder::MovieFinder;
use crate::schema;

/// Movies by item index.
#[derive(Debug, Clone, Default)]
pub struct ItemCatalogue {
    /// Titles and the rest, in the order of items, which is that of ascending ids.
    pub movies: Movies,
    /// Ratings of each item in the training data.
    pub n_ratings: Vec<u32>,
    /// Mean rating of each item in the training data.
    pub mean_rating: Vec<f64>,
}

impl ItemCatalogue {
    /// Counts the training data; titles stay empty where `movies` does not know them.
    #[must_use]
    pub fn from_training(matrix: &InteractionMatrix, movies: Option<&Movies>) -> Self {
        let rows = matrix.by_item();
        let n = rows.n_rows();
        let mean = |item| {
            let (_, stars) = rows.row(item);
            stars.iter().map(|&stars| f64::from(stars)).sum::<f64>() / stars.len() as f64
        };
        Self {
            movies: movies.unwrap_or(&Movies::default()).select(&matrix.movie_ids),
            n_ratings: (0..n).map(|item| rows.len(item) as u32).collect(),
            mean_rating: (0..n).map(mean).collect(),
        }
    }

    /// Returns a catalogue of which nothing but the ids is known, as Spark's models have it.
    #[must_use]
    pub fn from_ids(ids: &[i32], movies: Option<&Movies>) -> Self {
        Self {
            movies: movies.unwrap_or(&Movies::default()).select(ids),
            n_ratings: vec![0; ids.len()],
            mean_rating: vec![0.0; ids.len()],
        }
    }

    /// Returns the number of items.
    #[must_use]
    pub fn len(&self) -> usize {
        self.n_ratings.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.n_ratings.is_empty()
    }

    /// Returns the item of a raw id.
    #[must_use]
    pub fn item(&self, id: MovieId) -> Option<ItemIx> {
        position(self.movies.ids(), id.0).map(ItemIx)
    }

    /// Returns the raw id of an item.
    #[must_use]
    pub fn id(&self, item: ItemIx) -> MovieId {
        MovieId(self.movies.ids()[item.at()])
    }

    /// Returns the movie of an item.
    #[must_use]
    pub fn movie(&self, item: ItemIx) -> Movie<'_> {
        self.movies.at(item.at())
    }

    /// Returns the title of an item, or how else to name it.
    #[must_use]
    pub fn name(&self, item: ItemIx) -> String {
        match self.movie(item).title {
            "" => format!("movie {}", self.id(item)),
            title => title.to_string(),
        }
    }

    /// Finds the movie that an id, a key or a title as typed means.
    ///
    /// # Errors
    /// If no movie fits, or several do; those with most ratings are listed first.
    pub fn find(&self, text: &str) -> Result<ItemIx, TitleError> {
        MovieFinder::new(self).find_typed(text).map(|(item, _)| item)
    }

    /// Returns a batch of [`schema::model_movies`].
    #[must_use]
    pub fn to_batch(&self) -> RecordBatch {
        let (mut columns, keys) = self.movies.arrays();
        let more: [ArrayRef; 2] = [
            Arc::new(Int32Array::from_iter_values(self.n_ratings.iter().map(|&n| n as i32))),
            Arc::new(Float64Array::from(self.mean_rating.clone())),
        ];
        columns.extend(more);
        batches::with_movie_keys(batches::batch(schema::model_movies(), columns), keys)
    }

    /// Reads a batch of [`schema::model_movies`], whose ids ascend; `keys` are those of the movies,
    /// where they have some.
    #[must_use]
    pub fn from_batch(batch: &RecordBatch, keys: Option<&ArrayRef>) -> Self {
        let n_ratings = batch.column(6).as_primitive::<Int32Type>().values();
        Self {
            movies: Movies::from_arrays(batch.columns(), keys),
            n_ratings: n_ratings.iter().map(|&n| n.max(0) as u32).collect(),
            mean_rating: batch.column(7).as_primitive::<Float64Type>().values().to_vec(),
        }
    }
}
