//! What each user of the training data has rated, kept with the model: `seen.parquet`, a row per
//! user.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{AsArray, Float32Array, Int32Array, ListArray};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Float32Type, Int32Type};

use rayon::prelude::*;

use crate::dataset::Ratings;
use crate::dataset::ids::{IdLookup, ItemIx, UserId, position};
use crate::dataset::matrix::InteractionMatrix;
use crate::io::parquet::{self, ParquetLayout};
use crate::io::{IoError, batches};
use crate::model::error::ModelError;
use crate::model::folder::ModelFolder;
use crate::schema;

/// Ratings by user, items ascending.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SeenRatings {
    /// Raw user ids, ascending.
    pub user_ids: Vec<i32>,
    starts: Vec<usize>,
    ratings: Vec<(ItemIx, f32)>,
}

impl SeenRatings {
    /// Takes over the ratings of the training data.
    #[must_use]
    pub fn from_training(matrix: &InteractionMatrix) -> Self {
        let rows = matrix.by_user();
        let pairs = rows.indices.par_iter().zip(rows.values);
        Self {
            user_ids: matrix.user_ids.clone(),
            starts: rows.starts.to_vec(),
            ratings: pairs.map(|(&item, &stars)| (ItemIx(item), stars)).collect(),
        }
    }

    /// Takes the ratings of movies that a model knows; `movie_ids` are the raw ids of its items,
    /// ascending.
    #[must_use]
    pub fn from_ratings(ratings: &Ratings, movie_ids: &[i32]) -> Self {
        let columns = ratings.columns();
        let mut seen = Self { starts: vec![0], ..Self::default() };
        for row in 0..columns.len() {
            if seen.user_ids.last() != Some(&columns.user_id[row]) {
                seen.user_ids.push(columns.user_id[row]);
                seen.starts.push(seen.ratings.len());
            }
            if let Some(item) = position(movie_ids, columns.movie_id[row]) {
                seen.ratings.push((ItemIx(item), columns.rating[row]));
            }
            *seen.starts.last_mut().expect("it has an entry") = seen.ratings.len();
        }
        seen
    }

    /// Returns what a user has rated.
    #[must_use]
    pub fn get(&self, user: UserId) -> Option<&[(ItemIx, f32)]> {
        let at = self.user_ids.binary_search(&user.0).ok()?;
        Some(self.row(at))
    }

    /// Returns what the user at a place of [`Self::user_ids`] has rated.
    #[must_use]
    pub fn row(&self, at: usize) -> &[(ItemIx, f32)] {
        &self.ratings[self.starts[at]..self.starts[at + 1]]
    }

    /// Writes the file into the folder of a model, whose checksum is given.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, folder: &Path, movie_ids: &[i32], model: &str) -> Result<(), IoError> {
        let path = folder.join(schema::SEEN);
        let layout = ParquetLayout {
            page_rows: 64,
            group_rows: 1 << 16,
            deltas: &["movie_ids.list.element"],
            sorted_by: &["user_id"],
            footer: vec![parquet::belonging_to(model)],
            ..ParquetLayout::default()
        };
        parquet::write_file(&path, &schema::seen(), &layout, self.user_ids.len(), |range| {
            let starts = &self.starts[range.start..=range.end];
            let pairs = &self.ratings[starts[0]..starts[range.len()]];
            let offsets: ScalarBuffer<i32> =
                starts.iter().map(|&start| (start - starts[0]) as i32).collect();
            let list = |kind, values| {
                let offsets = OffsetBuffer::new(offsets.clone());
                ListArray::new(schema::list_item(kind), offsets, values, None)
            };
            let ids = pairs.iter().map(|(item, _)| movie_ids[item.at()]);
            let stars = pairs.iter().map(|&(_, stars)| stars);
            let ids = Arc::new(Int32Array::from_iter_values(ids));
            let stars = Arc::new(Float32Array::from_iter_values(stars));
            batches::batch(
                schema::seen(),
                vec![
                    Arc::new(Int32Array::from(self.user_ids[range.clone()].to_vec())),
                    Arc::new(list(DataType::Int32, ids)),
                    Arc::new(list(DataType::Float32, stars)),
                ],
            )
        })
    }

    /// Reads the file of a folder, all of it or the rows of `users`, which ascend.
    ///
    /// # Errors
    /// If it cannot be read or names a movie that is not in `movie_ids`.
    pub fn read(
        folder: &ModelFolder,
        movie_ids: &[i32],
        users: Option<&[i32]>,
    ) -> Result<Self, ModelError> {
        let file = folder.parquet(schema::SEEN)?;
        let damaged = |problem: String| ModelError::Damaged { path: file.name().into(), problem };
        let lookup = IdLookup::new(movie_ids);
        let mut seen = Self { starts: vec![0], ..Self::default() };
        for batch in file.read_rows(&["user_id", "movie_ids", "ratings"], "user_id", users)? {
            let ids = batch.column(0).as_primitive_opt::<Int32Type>();
            let movies = batch.column(1).as_list_opt::<i32>();
            let stars = batch.column(2).as_list_opt::<i32>();
            let (Some(ids), Some(movies), Some(stars)) = (ids, movies, stars) else {
                return Err(damaged("the columns have wrong types".into()));
            };
            let movie_values = movies.values().as_primitive_opt::<Int32Type>();
            let star_values = stars.values().as_primitive_opt::<Float32Type>();
            let (Some(movie_values), Some(star_values)) = (movie_values, star_values) else {
                return Err(damaged("the lists have wrong types".into()));
            };
            for (row, &user) in ids.values().iter().enumerate() {
                let range = |list: &ListArray| {
                    list.value_offsets()[row] as usize..list.value_offsets()[row + 1] as usize
                };
                let (movies, stars) = (range(movies), range(stars));
                if movies.len() != stars.len() {
                    return Err(damaged(format!("user {user} has movies without ratings")));
                }
                if seen.user_ids.last().is_some_and(|&last| last >= user) {
                    return Err(damaged("the users do not ascend".into()));
                }
                let pairs = movie_values.values()[movies].iter().zip(&star_values.values()[stars]);
                for (&movie, &stars) in pairs {
                    let item = lookup.get(movie).ok_or_else(|| {
                        damaged(format!("user {user} has movie {movie}, which the model lacks"))
                    })?;
                    seen.ratings.push((ItemIx(item), stars));
                }
                seen.user_ids.push(user);
                seen.starts.push(seen.ratings.len());
            }
        }
        Ok(seen)
    }
}
