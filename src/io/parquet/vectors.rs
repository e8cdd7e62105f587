//! Reads vectors by their ids, as model files hold them, in less time than it takes to read them
//! any other way.

use rayon::prelude::*;

use crate::io::error::IoError;
use crate::io::parquet::column;
use crate::io::parquet::read::ParquetFile;

/// Ids, and the numbers of their vectors, one after another.
pub type IdVectors = (Vec<i32>, Vec<f32>);

impl ParquetFile {
    /// Reads ids and vectors of `width` numbers, row after row, from a file that mvrec wrote;
    /// nothing where they are stored in another way.
    ///
    /// # Errors
    /// If a column is missing or a page is corrupt.
    pub fn read_vectors(
        &self,
        id: &str,
        vector: &str,
        width: usize,
    ) -> Result<Option<IdVectors>, IoError> {
        let schema = self.metadata.parquet_schema();
        let leaf = (0..schema.num_columns()).find(|&at| {
            schema.get_column_root(at).name() == vector && schema.column(at).max_rep_level() == 1
        });
        let Some(leaf) = leaf.filter(|_| self.is_own()) else { return Ok(None) };
        let ids = self.read_ids(id)?;
        let groups = self.metadata.metadata().row_groups().par_iter();
        let parts = groups.map(|group| {
            let rows = group.num_rows().max(0) as usize;
            self.guarded(|| {
                column::read_lists(&self.input, group.column(leaf), rows, width)
                    .map_err(self.corrupt())
            })
        });
        let Some(mut parts) = parts.collect::<Result<Option<Vec<_>>, _>>()? else {
            return Ok(None);
        };
        let values = if parts.len() == 1 { parts.swap_remove(0) } else { parts.concat() };
        Ok((values.len() == ids.len() * width).then_some((ids, values)))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::sync::Arc;

    use arrow::array::{Array, AsArray, Float32Array, Int32Array, ListArray, RecordBatch};
    use arrow::buffer::OffsetBuffer;
    use arrow::datatypes::{DataType, Float32Type, Int32Type};
    use proptest::prelude::*;

    use super::*;
    use crate::io::parquet::{ParquetLayout, write_batch};
    use crate::io::source::Source;
    use crate::schema;

    fn open(bytes: Vec<u8>) -> Result<ParquetFile, IoError> {
        ParquetFile::open(Source::from_reader("x".into(), Cursor::new(bytes))?)
    }

    /// Rows with ids 3, 6, 9, … and vectors of the given lengths.
    fn file(lengths: &[usize], page_rows: usize, group_rows: usize) -> (Vec<u8>, IdVectors) {
        let ids: Vec<i32> = (1..=lengths.len() as i32).map(|id| 3 * id).collect();
        let n = lengths.iter().sum::<usize>();
        let values: Vec<f32> = (0..n).map(|at| 1.0 / (at as f32 - 0.3)).collect();
        let features = ListArray::new(
            schema::list_item(DataType::Float32),
            OffsetBuffer::from_lengths(lengths.iter().copied()),
            Arc::new(Float32Array::from(values.clone())),
            None,
        );
        let columns: Vec<Arc<dyn Array>> =
            vec![Arc::new(Int32Array::from(ids.clone())), Arc::new(features)];
        let batch = RecordBatch::try_new(schema::spark_factors(), columns).unwrap();
        let layout = ParquetLayout {
            page_rows,
            group_rows,
            plain: &["features.list.element"],
            ..ParquetLayout::default()
        };
        let mut bytes = Vec::new();
        write_batch(&mut bytes, "x", &layout, &batch).unwrap();
        (bytes, (ids, values))
    }

    fn vectors(bytes: Vec<u8>, width: usize) -> Result<Option<IdVectors>, IoError> {
        open(bytes)?.read_vectors("id", "features", width)
    }

    fn some_rows(bytes: Vec<u8>, ids: &[i32]) -> Result<IdVectors, IoError> {
        let (mut found, mut values) = (Vec::new(), Vec::new());
        for batch in open(bytes)?.read_rows(&["id", "features"], "id", Some(ids))? {
            // A flipped bit may have made another type of a column.
            let ids = batch.column(0).as_primitive_opt::<Int32Type>();
            let lists = batch.column(1).as_list_opt::<i32>();
            let (Some(ids), Some(lists)) = (ids, lists) else { continue };
            found.extend_from_slice(ids.values());
            for list in lists.iter().flatten() {
                if let Some(list) = list.as_primitive_opt::<Float32Type>() {
                    values.extend_from_slice(list.values());
                }
            }
        }
        Ok((found, values))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn vectors_come_back_whole_and_one_by_one(
            rows in 0..700_usize, width in 1..20_usize, page_rows in 1..300_usize, group_rows in 100..400_usize,
            wanted in proptest::collection::btree_set(0..2200_i32, 0..6),
        ) {
            let (bytes, (ids, values)) = file(&vec![width; rows], page_rows, group_rows);
            let found = vectors(bytes.clone(), width).unwrap().expect("it is mvrec's own");
            prop_assert_eq!(&found, &(ids.clone(), values.clone()));
            if rows > 0 {
                prop_assert_eq!(vectors(bytes.clone(), width + 1).unwrap(), None);
            }
            let wanted: Vec<i32> = wanted.into_iter().collect();
            let places: Vec<usize> = (0..rows).filter(|&at| wanted.contains(&ids[at])).collect();
            let (found, numbers) = some_rows(bytes.clone(), &wanted).unwrap();
            prop_assert_eq!(found, places.iter().map(|&at| ids[at]).collect::<Vec<_>>());
            let rows_of = places.iter().flat_map(|&at| values[at * width..][..width].to_vec());
            prop_assert_eq!(numbers, rows_of.collect::<Vec<_>>());
            // Damage anywhere is an error or other values, and never a panic.
            for at in (0..bytes.len()).step_by(bytes.len() / 40 + 1) {
                let mut bytes = bytes.clone();
                bytes[at] ^= 1 << (at % 8);
                let _ = vectors(bytes.clone(), width);
                let _ = some_rows(bytes, &wanted);
            }
        }
    }

    #[test]
    fn vectors_of_other_lengths_are_left_to_others() {
        // The numbers are as many as those of three vectors of two, but not in these lists.
        for lengths in [vec![2, 1, 3], vec![0, 3, 3], vec![6, 0, 0], vec![1, 2, 3], vec![3, 2, 1]] {
            assert_eq!(vectors(file(&lengths, 100, 100).0, 2).unwrap(), None, "{lengths:?}");
        }
        assert!(vectors(file(&[2, 2, 2], 100, 100).0, 2).unwrap().is_some());
    }

    #[test]
    fn pages_that_hold_none_of_the_ids_are_not_looked_at() {
        // Lists of several lengths, so that the pages of both columns hold other rows.
        let lengths: Vec<usize> = (0..4000).map(|row| 1 + row * 7 % 23).collect();
        let (bytes, (ids, _)) = file(&lengths, 64, 0);
        let (first, last) = (ids[10], ids[3990]);
        let whole = some_rows(bytes.clone(), &[first]).unwrap();
        assert_eq!((whole.0.len(), whole.1.len()), (1, lengths[10]));
        // The lists of the middle are overwritten.
        let mut damaged = bytes;
        let (from, to) = (damaged.len() / 4, damaged.len() * 3 / 4);
        damaged[from..to].fill(0xff);
        assert_eq!(some_rows(damaged.clone(), &[first]).unwrap(), whole);
        assert_eq!(some_rows(damaged.clone(), &[first, last]).unwrap().0, [first, last]);
        assert!(some_rows(damaged, &[ids[2000]]).is_err());
    }

    #[test]
    fn any_bit_may_be_wrong() {
        for group_rows in [100, 7] {
            let (bytes, _) = file(&[3; 12], 4, group_rows);
            for bit in 0..8 * bytes.len() {
                let mut bytes = bytes.clone();
                bytes[bit / 8] ^= 1 << (bit % 8);
                let _ = vectors(bytes.clone(), 3);
                let _ = some_rows(bytes, &[3, 27]);
            }
        }
    }

    #[test]
    fn truncated_files_are_an_error_at_every_length() {
        let (bytes, _) = file(&[4; 30], 8, 100);
        for length in 0..bytes.len() {
            assert!(vectors(bytes[..length].to_vec(), 4).is_err(), "{length}");
        }
    }
}
