//! Ratings as a sparse matrix with dense indices, stored by user and by item.

use rayon::prelude::*;
use sprs::CsMatI;

use crate::dataset::ids::IdLookup;
use crate::dataset::ratings::Ratings;
use crate::linalg::sparse::CsrView;

/// The matrix of ratings, users × items, in both orders; only rated movies are items.
#[derive(Debug, Clone)]
pub struct InteractionMatrix {
    /// Raw user id of each row, ascending.
    pub user_ids: Vec<i32>,
    /// Raw movie id of each column, ascending.
    pub movie_ids: Vec<i32>,
    by_user: CsMatI<f32, u32, usize>,
    by_item: CsMatI<f32, u32, usize>,
}

impl InteractionMatrix {
    /// Builds both orders; costs 16 bytes a rating.
    #[must_use]
    pub fn new(ratings: &Ratings) -> Self {
        let columns = ratings.columns();
        let (user_ids, movie_ids) = (ratings.user_ids(), ratings.movie_ids());
        let lookup = IdLookup::new(&movie_ids);
        let indices: Vec<u32> = columns
            .movie_id
            .par_iter()
            .map(|&id| lookup.get(id).expect("every movie was listed"))
            .collect();
        let shape = (user_ids.len(), movie_ids.len());
        let by_user = CsMatI::new(shape, ratings.user_starts(), indices, columns.rating.clone());
        // The columns of the matrix, compressed, are the rows of its transpose.
        let by_item = by_user.to_csc().transpose_into();
        Self { user_ids, movie_ids, by_user, by_item }
    }

    /// Returns the matrix with each rating changed.
    #[must_use]
    pub fn map_ratings(&self, change: impl Fn(f32) -> f32) -> Self {
        let mut changed = self.clone();
        for matrix in [&mut changed.by_user, &mut changed.by_item] {
            matrix.data_mut().iter_mut().for_each(|rating| *rating = change(*rating));
        }
        changed
    }

    /// Returns the matrix of the ratings of at least `stars`, with the same users and items.
    #[must_use]
    pub fn at_least(&self, stars: f32) -> Self {
        let keep = |rows: CsrView<'_>, matrix: &CsMatI<f32, u32, usize>| {
            let liked = |i: usize| {
                let (columns, ratings) = rows.row(i);
                let pairs = columns.iter().zip(ratings).map(|(&column, &rating)| (column, rating));
                pairs.filter(|&(_, rating)| rating >= stars)
            };
            let n_rows = rows.n_rows();
            let lengths: Vec<usize> =
                (0..n_rows).into_par_iter().map(|i| liked(i).count()).collect();
            let starts = std::iter::once(0).chain(lengths.iter().scan(0, |end, length| {
                *end += length;
                Some(*end)
            }));
            let (indices, values): (Vec<u32>, Vec<f32>) =
                (0..n_rows).into_par_iter().flat_map_iter(liked).unzip();
            CsMatI::new(matrix.shape(), starts.collect(), indices, values)
        };
        Self {
            user_ids: self.user_ids.clone(),
            movie_ids: self.movie_ids.clone(),
            by_user: keep(self.by_user(), &self.by_user),
            by_item: keep(self.by_item(), &self.by_item),
        }
    }

    /// Returns the ratings of each user.
    #[must_use]
    pub fn by_user(&self) -> CsrView<'_> {
        view(&self.by_user)
    }

    /// Returns the ratings of each item.
    #[must_use]
    pub fn by_item(&self) -> CsrView<'_> {
        view(&self.by_item)
    }

    /// Returns the number of users.
    #[must_use]
    pub fn n_users(&self) -> usize {
        self.user_ids.len()
    }

    /// Returns the number of items.
    #[must_use]
    pub fn n_items(&self) -> usize {
        self.movie_ids.len()
    }

    /// Returns the number of ratings.
    #[must_use]
    pub fn n_ratings(&self) -> usize {
        self.by_user.nnz()
    }

    /// Returns the mean of all ratings; 0 where there are none.
    #[must_use]
    pub fn mean(&self) -> f64 {
        if self.n_ratings() == 0 { 0.0 } else { sum(self.by_user.data()) / self.n_ratings() as f64 }
    }
}

/// Sums in blocks of fixed size, so that the number of threads does not change the result.
fn sum(values: &[f32]) -> f64 {
    let blocks: Vec<f64> = values
        .par_chunks(1 << 16)
        .map(|block| block.iter().map(|&value| f64::from(value)).sum())
        .collect();
    blocks.iter().sum()
}

fn view(matrix: &CsMatI<f32, u32, usize>) -> CsrView<'_> {
    let starts = matrix.indptr().into_raw_storage();
    CsrView { starts, indices: matrix.indices(), values: matrix.data() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::ratings::DuplicatePolicy;
    use crate::io::columns::RatingColumns;

    #[test]
    fn both_orders_hold_the_same_ratings() {
        let mut columns = RatingColumns::default();
        for (user, movie, rating) in [(7, 30, 1.0), (7, 10, 2.0), (9, 20, 3.0), (9, 30, 4.0)] {
            columns.push(user, movie, rating, 0);
        }
        let matrix = InteractionMatrix::new(&Ratings::new(columns, DuplicatePolicy::Last).0);
        assert_eq!((&matrix.user_ids[..], &matrix.movie_ids[..]), (&[7, 9][..], &[10, 20, 30][..]));
        let rows = |csr: CsrView<'_>| -> Vec<(Vec<u32>, Vec<f32>)> {
            (0..csr.n_rows()).map(|i| csr.row(i)).map(|(ix, v)| (ix.to_vec(), v.to_vec())).collect()
        };
        assert_eq!(
            rows(matrix.by_user()),
            [(vec![0, 2], vec![2.0, 1.0]), (vec![1, 2], vec![3.0, 4.0])]
        );
        assert_eq!(
            rows(matrix.by_item()),
            [(vec![0], vec![2.0]), (vec![1], vec![3.0]), (vec![0, 1], vec![1.0, 4.0])]
        );
        assert!((matrix.mean() - 2.5).abs() < 1e-12);
        let liked = matrix.at_least(2.0);
        assert_eq!((liked.n_users(), liked.n_items(), liked.n_ratings()), (2, 3, 3));
        assert_eq!((0..3).map(|item| liked.by_item().len(item)).collect::<Vec<_>>(), [1, 1, 1]);
    }

    #[test]
    fn no_ratings_make_an_empty_matrix() {
        let matrix = InteractionMatrix::new(&Ratings::default());
        assert_eq!((matrix.n_users(), matrix.n_items(), matrix.by_item().n_rows()), (0, 0, 0));
        assert!(matrix.mean().abs() < f64::EPSILON);
    }
}
