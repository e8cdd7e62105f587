//! Fits the weights.

use std::cmp::Reverse;

use rayon::prelude::*;

use crate::dataset::matrix::InteractionMatrix;
use crate::io::values::Scale;
use crate::linalg::cholesky;
use crate::linalg::inverse::SquareMatrix;
use crate::linalg::sparse::CsrView;
use crate::linalg::topk::{ScoredIndex, top};
use crate::model::algorithm::Algorithm;
use crate::model::cosine::NeighborLists;
use crate::model::ease::params::EaseParams;
use crate::model::error::ModelError;
use crate::progress::Progress;

/// Movies that a less rated one is regressed on.
const NEAREST: usize = 50;

/// Returns a rating over the highest one, as X has it.
pub(super) fn share(scale: Scale, rating: f32) -> f32 {
    if scale.is_unary() { 1.0 } else { scale.to_movielens(rating) / 5.0 }
}

/// Fits the weights of each movie in the scores of others, those of the largest size first; the
/// objective is that of the [module](crate::model::ease).
///
/// # Errors
/// If a parameter is out of its range, there is nothing to learn from, or the Gram matrix is
/// singular.
pub fn fit(
    matrix: &InteractionMatrix,
    scale: Scale,
    params: &EaseParams,
    progress: &dyn Progress,
) -> Result<NeighborLists, ModelError> {
    params.validate()?;
    if matrix.n_ratings() == 0 {
        return Err(ModelError::NoRatings);
    }
    let matrix = &matrix.map_ratings(|rating| share(scale, rating));
    let common = CommonRatings::new(matrix, params.max_items);
    let lambda = params.regularization as f32;
    progress.begin("comparing movies", "movies", Some(matrix.n_items() as u64));
    let mut gram = SquareMatrix::from_upper_rows(common.items.len(), |i, row| {
        common.add_up(common.items[i], i, row);
        row[0] += lambda;
        progress.advance(1);
    });
    let regressed = common.regress_others(&gram, params.regularization, progress)?;
    progress.begin("inverting the Gram matrix", "movies", None);
    gram.invert().map_err(|pivot| {
        let item = common.items[pivot.0.min(common.items.len() - 1)];
        ModelError::Singular { side: "movie", id: Some(matrix.movie_ids[item as usize]) }
    })?;
    let mut lists = common.weights(gram, params.weights, progress);
    for (item, weights) in regressed {
        for ScoredIndex { ix, score } in weights {
            lists[ix as usize].push(ScoredIndex { ix: item, score });
        }
    }
    Ok(NeighborLists::from_rows(lists))
}

/// The most rated items, and what others have in common with them.
struct CommonRatings<'a> {
    by_user: CsrView<'a>,
    by_item: CsrView<'a>,
    /// The most rated items, ascending.
    items: Vec<u32>,
    /// For each item its place among them.
    places: Vec<Option<u32>>,
}

impl<'a> CommonRatings<'a> {
    fn new(matrix: &'a InteractionMatrix, max_items: usize) -> Self {
        let (by_user, by_item) = (matrix.by_user(), matrix.by_item());
        let mut items: Vec<u32> = (0..matrix.n_items() as u32).collect();
        items.sort_by_key(|&item| Reverse(by_item.len(item as usize)));
        items.truncate(max_items);
        items.sort_unstable();
        let mut places = vec![None; matrix.n_items()];
        items.iter().zip(0..).for_each(|(&item, place)| places[item as usize] = Some(place));
        Self { by_user, by_item, items, places }
    }

    /// Adds the products of an item's ratings with those of the most rated items from the place
    /// `from` on.
    fn add_up(&self, item: u32, from: usize, out: &mut [f32]) {
        let (users, values) = self.by_item.row(item as usize);
        for (&user, &value) in users.iter().zip(values) {
            let (others, values) = self.by_user.row(user as usize);
            for (&other, &other_value) in others.iter().zip(values) {
                if let Some(place) = self.places[other as usize]
                    && let Some(sum) = (place as usize).checked_sub(from)
                {
                    out[sum] += value * other_value;
                }
            }
        }
    }

    /// Regresses each of the other items on the nearest of the most rated ones; returns the weights
    /// of these.
    fn regress_others(
        &self,
        gram: &SquareMatrix,
        lambda: f64,
        progress: &dyn Progress,
    ) -> Result<Vec<(u32, Vec<ScoredIndex>)>, ModelError> {
        let others: Vec<u32> = (0..self.places.len() as u32)
            .filter(|&item| self.places[item as usize].is_none())
            .collect();
        let n = self.items.len();
        let regress = |products: &mut Vec<f32>, &item: &u32| {
            products.fill(0.0);
            self.add_up(item, 0, products);
            let length = |place: usize| (gram.row(place)[place] - lambda as f32).sqrt();
            let cosines =
                products.iter().enumerate().filter(|(_, sum)| **sum > 0.0).map(|(place, sum)| {
                    ScoredIndex { ix: place as u32, score: sum / length(place) }
                });
            let mut nearest: Vec<usize> =
                top(cosines, NEAREST).into_iter().map(|one| one.ix as usize).collect();
            nearest.sort_unstable();
            let k = nearest.len();
            let mut a: Vec<f64> = (0..k * k)
                .map(|at| (nearest[at / k], nearest[at % k]))
                .map(|(i, j)| f64::from(gram.row(i.min(j))[i.max(j)]))
                .collect();
            let mut x: Vec<f64> = nearest.iter().map(|&i| f64::from(products[i])).collect();
            progress.advance(1);
            cholesky::factor(&mut a, k)
                .map_err(|_| ModelError::Singular { side: "movie", id: None })?;
            cholesky::solve(&a, &mut x);
            let weights = nearest.iter().zip(&x).map(|(&place, &weight)| ScoredIndex {
                ix: self.items[place],
                score: weight as f32,
            });
            Ok((item, weights.collect()))
        };
        others.par_iter().map_init(|| vec![0.0; n], regress).collect()
    }

    /// Turns the inverse into weights and keeps those of the largest size of each item.
    fn weights(
        &self,
        mut inverse: SquareMatrix,
        n_kept: usize,
        progress: &dyn Progress,
    ) -> Vec<Vec<ScoredIndex>> {
        let diagonal: Vec<f32> = (0..self.items.len()).map(|i| inverse.row(i)[i]).collect();
        let row_weights = |(i, row): (usize, &mut [f32])| {
            row.iter_mut().zip(&diagonal).for_each(|(p, own)| *p /= -own);
            row[i] = 0.0;
            let sizes = row.iter().zip(0..).filter(|(weight, _)| **weight != 0.0);
            let sizes = sizes.map(|(weight, ix)| ScoredIndex { ix, score: weight.abs() });
            let kept = top(sizes, n_kept).into_iter();
            let kept: Vec<ScoredIndex> =
                kept.map(|one| ScoredIndex { score: row[one.ix as usize], ..one }).collect();
            let square = |weight: f32| f64::from(weight) * f64::from(weight);
            let all: f64 = row.iter().map(|&weight| square(weight)).sum();
            let left: f64 = kept.iter().map(|one| square(one.score)).sum();
            (kept, all, left)
        };
        let rows: Vec<_> = inverse.par_rows_mut().enumerate().map(row_weights).collect();
        let (all, left) =
            rows.iter().fold((0.0, 0.0), |sums, (_, all, left)| (sums.0 + all, sums.1 + left));
        if left < all {
            progress.note(&format!("{:.2} % of the squared weights are kept", 100.0 * left / all));
        }
        let mut lists = vec![Vec::new(); self.places.len()];
        for (&item, (kept, ..)) in self.items.iter().zip(rows) {
            lists[item as usize] = kept
                .into_iter()
                .map(|one| ScoredIndex { ix: self.items[one.ix as usize], ..one })
                .collect();
        }
        lists
    }
}
