//! The implicit terms of explicit ALS: which items a user has rated, whatever the rating.
//!
//! Beside the ratings, the factors p_u of a user reconstruct who has rated what, by factors z_i of
//! the items that serve nothing else: w Σ_all (δ − p_u·z_i)² with δ 1 where there is a rating, and
//! those of items the same by t_u. SVD++ (Koren 2008) draws on the same knowledge; squared errors
//! over all cells are the implicit features of cmfrec (Cortes 2018). A row pays for all cells with
//! a Gram matrix that all rows share, and with a sum over what it has rated.

use crate::linalg::blocks::Threads;
use crate::linalg::cholesky;
use crate::linalg::dense::{Matrix, times_columns};
use crate::linalg::gram::gram;
use crate::linalg::sparse::CsrView;
use crate::model::als::params::AlsParams;

/// Ridge of the equations of z and t.
const RIDGE: f64 = 100.0;

/// Solves for the factors z (or t) of the other side: (PᵀP + 100 I) z_i = Σ p_u over those who have
/// rated i. `solved` are the factors P as they are, and a row of `ratings` one of the other side.
/// Returns a row of k entries each; `None` without implicit terms.
pub(crate) fn implicit_factors(
    params: &AlsParams,
    solved: &Matrix,
    ratings: CsrView<'_>,
) -> Option<Matrix> {
    if !params.has_implicit_terms() {
        return None;
    }
    let k = params.factors;
    let mut equations = gram(solved, k, Threads::Pool);
    (0..k).for_each(|i| equations[i * k + i] += RIDGE);
    cholesky::factor(&mut equations, k).expect("a Gram matrix and a ridge are positive definite");
    // The inverse, a row for each column of the sums: biases stand behind the factors.
    let inverse = (0..k).flat_map(|j| {
        let mut column = vec![0.0; k];
        column[j] = 1.0;
        cholesky::solve(&equations, &mut column);
        column.resize(solved.cols, 0.0);
        column
    });
    let inverse: Vec<f64> = inverse.collect();
    Some(times_columns(&ratings.times(solved, |_| 1.0), &inverse, k))
}

/// Returns the value of `RIDGE` Σ |z|², as the objective has it.
pub(crate) fn implicit_penalty(factors: Option<&Matrix>) -> f64 {
    let Some(factors) = factors else { return 0.0 };
    RIDGE * factors.data.iter().map(|&z| f64::from(z) * f64::from(z)).sum::<f64>()
}
