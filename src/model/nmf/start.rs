//! Vectors to begin with.

use rayon::prelude::*;

use crate::dataset::matrix::InteractionMatrix;
use crate::linalg::dense::Matrix;
use crate::linalg::sparse::CsrView;
use crate::linalg::svd::{self, TruncatedSvd};
use crate::model::nmf::params::{NmfInit, NmfParams};

/// Returns vectors of users and items, all entries non-negative.
pub(crate) fn start(matrix: &InteractionMatrix, params: &NmfParams) -> (Matrix, Matrix) {
    // The masked matrix is seen as filled with its mean: biases aside, that is what a zero model
    // says.
    let fill = params.fill.map_or_else(|| matrix.mean(), f64::from);
    let cells = matrix.n_users() as f64 * matrix.n_items() as f64;
    let n = matrix.n_ratings() as f64;
    let mean = fill + n * (matrix.mean() - fill) / cells;
    let k = params.factors;
    match params.init {
        NmfInit::Random => {
            let scale = (mean / k as f64).sqrt() as f32;
            let random = |rows, seed| {
                let mut start = Matrix::gaussian(rows, k, seed);
                start.data.par_iter_mut().for_each(|x| *x = x.abs() * scale);
                start
            };
            (random(matrix.n_users(), params.seed), random(matrix.n_items(), !params.seed))
        }
        NmfInit::Nndsvda => {
            let svd = svd::randomised(
                matrix.n_users(),
                matrix.n_items(),
                k,
                params.seed,
                3,
                |x| filled_times(matrix.by_user(), fill, x),
                |x| filled_times(matrix.by_item(), fill, x),
            );
            nndsvda(&svd, k, mean as f32)
        }
    }
}

/// Returns (V·1·1ᵀ + S) · X for the matrix whose ratings are given by row.
fn filled_times(rows: CsrView<'_>, fill: f64, x: &Matrix) -> Matrix {
    let constant: Vec<f64> = x.column_sums().into_iter().map(|sum| fill * sum).collect();
    let mut out = rows.times(x, |value| value - fill as f32);
    out.data.par_chunks_mut(x.cols.max(1)).for_each(|out| {
        out.iter_mut().zip(&constant).for_each(|(out, &c)| *out = (f64::from(*out) + c) as f32);
    });
    out
}

/// Makes vectors of singular triplets: of each pair of singular vectors the positive or the
/// negative parts, whichever carry more; what remains zero becomes `mean`.
fn nndsvda(svd: &TruncatedSvd, k: usize, mean: f32) -> (Matrix, Matrix) {
    let mut users = Matrix::zeros(svd.u.rows, k);
    let mut items = Matrix::zeros(svd.v.rows, k);
    for (j, &s) in svd.s.iter().enumerate().take(svd.u.cols) {
        // The first pair has one sign throughout, up to rounding, so the rule for the others suits
        // it too.
        let part = |sign: f32| {
            let length = |m: &Matrix| {
                m.iter_rows()
                    .map(|row| f64::from((sign * row[j]).max(0.0)).powi(2))
                    .sum::<f64>()
                    .sqrt()
            };
            (sign, length(&svd.u), length(&svd.v))
        };
        let (plus, minus) = (part(1.0), part(-1.0));
        let (sign, u, v) = if plus.1 * plus.2 >= minus.1 * minus.2 { plus } else { minus };
        let scale = (s * u * v).sqrt();
        let fill = |out: &mut Matrix, from: &Matrix, length: f64| {
            for i in 0..from.rows {
                let x = f64::from((sign * from.row(i)[j]).max(0.0));
                out.row_mut(i)[j] = if length > 0.0 { (scale * x / length) as f32 } else { 0.0 };
            }
        };
        fill(&mut users, &svd.u, u);
        fill(&mut items, &svd.v, v);
    }
    for x in users.data.iter_mut().chain(&mut items.data) {
        // As in scikit-learn, what is below 1e-6 counts as zero.
        if *x < 1e-6 {
            *x = mean;
        }
    }
    (users, items)
}
