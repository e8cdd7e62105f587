//! `neighbors.parquet`: a row per pair, best first.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{AsArray, Float32Array, Int32Array};
use arrow::datatypes::{Float32Type, Int32Type, SchemaRef};
use rayon::prelude::*;

use crate::dataset::ids::IdLookup;
use crate::io::parquet::{self, ParquetLayout};
use crate::io::{IoError, batches};
use crate::linalg::topk::ScoredIndex;
use crate::model::cosine::NeighborLists;
use crate::model::error::ModelError;
use crate::model::folder::ModelFolder;
use crate::schema;

impl NeighborLists {
    /// Writes the file into the folder of a model, whose checksum is given; `ids` are the raw ids
    /// of the rows, and `schema` says what its columns are called.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(
        &self,
        folder: &Path,
        ids: &[i32],
        schema: &SchemaRef,
        model: &str,
    ) -> Result<(), IoError> {
        let path = folder.join(schema::NEIGHBORS);
        let row_ids: Vec<i32> = (0..self.n_rows())
            .flat_map(|row| self.row(row).iter().map(move |_| ids[row]))
            .collect();
        let footer = vec![parquet::belonging_to(model)];
        let plain = &["similarity", "weight"];
        let layout = ParquetLayout { plain, footer, ..ParquetLayout::default() };
        parquet::write_file(&path, schema, &layout, row_ids.len(), |range| {
            let pairs = &self.pairs[range.clone()];
            let neighbor_ids = pairs.iter().map(|pair| ids[pair.ix as usize]);
            let similarities = pairs.iter().map(|pair| pair.score);
            batches::batch(
                schema.clone(),
                vec![
                    Arc::new(Int32Array::from(row_ids[range].to_vec())),
                    Arc::new(Int32Array::from_iter_values(neighbor_ids)),
                    Arc::new(Float32Array::from_iter_values(similarities)),
                ],
            )
        })
    }

    /// Reads the file of a folder.
    ///
    /// # Errors
    /// If it cannot be read or names an id that is not in `ids`.
    pub fn read(folder: &ModelFolder, ids: &[i32], schema: &SchemaRef) -> Result<Self, ModelError> {
        let file = folder.parquet(schema::NEIGHBORS)?;
        let batch = file.read_as(schema)?;
        let rows = batch.column(0).as_primitive::<Int32Type>().values();
        let others = batch.column(1).as_primitive::<Int32Type>().values();
        let similarities = batch.column(2).as_primitive::<Float32Type>().values();
        let lookup = IdLookup::new(ids);
        let index = |column: &[i32]| -> Option<Vec<u32>> {
            column.par_iter().with_min_len(1 << 14).map(|&id| lookup.get(id)).collect()
        };
        let (Some(rows), Some(others)) = (index(rows), index(others)) else {
            let unknown = |id: &&i32| lookup.get(**id).is_none();
            let unknown = rows.iter().chain(others).find(unknown).copied().unwrap_or_default();
            let path = file.name().into();
            let problem = format!("a pair names the id {unknown}, which the model lacks");
            return Err(ModelError::Damaged { path, problem });
        };
        let pairs = others.into_iter().zip(similarities);
        let pairs = pairs.map(|(ix, &score)| ScoredIndex { ix, score });
        Ok(Self::from_pairs(ids.len(), &rows, pairs))
    }
}
