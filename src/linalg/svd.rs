//! Truncated singular value decomposition of a matrix that is known only by its products.
//!
//! Randomised subspace iteration on AᵀA with a Rayleigh–Ritz step (Halko, Martinsson & Tropp 2011,
//! sections 4.5 and 5): the matrix itself, which may be sparse plus a constant, is never made
//! dense, and only the side of its columns is orthonormalised, which is the shorter one in rating
//! data.

use crate::linalg::blocks::Threads;
use crate::linalg::dense::{Matrix, dot_f64, times_columns};

/// Leading singular triplets: `u` is rows × k, `v` is cols × k, both with orthonormal columns.
#[derive(Debug, Clone)]
pub struct TruncatedSvd {
    /// Left singular vectors, as columns.
    pub u: Matrix,
    /// Singular values, descending.
    pub s: Vec<f64>,
    /// Right singular vectors, as columns.
    pub v: Matrix,
}

/// Computes the `k` leading triplets of an `n_rows` × `n_cols` matrix A.
///
/// `times` returns A·X for an `n_cols` × l matrix X, `transposed_times` Aᵀ·Y for an `n_rows` × l
/// matrix Y. `k` beyond the smaller dimension is cut back to it.
///
/// Each of the `iterations` multiplies with A and Aᵀ once. NDCG@10 of lists that are ranked by 128
/// such vectors of ml-latest-small and MovieLens 100K falls 2 % and 1 % behind that of the exact
/// decomposition with 3 iterations, and 1 % and 0.5 % with 5.
pub fn randomised(
    n_rows: usize,
    n_cols: usize,
    k: usize,
    seed: u64,
    iterations: usize,
    times: impl Fn(&Matrix) -> Matrix,
    transposed_times: impl Fn(&Matrix) -> Matrix,
) -> TruncatedSvd {
    const OVERSAMPLING: usize = 32;
    /// Share of the largest singular value below which another one is rounding of single precision.
    const ROUNDING: f64 = 1e-5;
    let smallest = n_rows.min(n_cols);
    let (k, width) = (k.min(smallest), (k + OVERSAMPLING).min(smallest));
    let mut basis = Matrix::gaussian(n_cols, width, seed);
    for _ in 0..iterations {
        basis = transposed_times(&times(&basis));
        orthonormalise(&mut basis);
    }
    // B = AQ is n_rows × width; its Gram matrix BᵀB has the squared singular values.
    let b = times(&basis);
    let (values, vectors) = symmetric_eigen(b.transposed_times(&b, Threads::Pool), width);
    let largest = values.first().copied().unwrap_or(0.0).max(0.0).sqrt();
    let value = |square: &f64| match square.max(0.0).sqrt() {
        s if s > ROUNDING * largest => s,
        _ => 0.0,
    };
    let s: Vec<f64> = values.iter().take(k).map(value).collect();
    let u = combine(&b, &vectors, k, |j| if s[j] > 0.0 { 1.0 / s[j] } else { 0.0 });
    let v = combine(&basis, &vectors, k, |_| 1.0);
    TruncatedSvd { u, s, v }
}

/// Returns the first `k` columns of `matrix` · `vectors`, each scaled.
fn combine(matrix: &Matrix, vectors: &[f64], k: usize, scale: impl Fn(usize) -> f64) -> Matrix {
    let width = matrix.cols;
    let scale = &scale;
    let column = |j| (0..width).map(move |l| vectors[l * width + j] * scale(j));
    let columns: Vec<f64> = (0..k).flat_map(column).collect();
    times_columns(matrix, &columns, k)
}

/// Makes the columns orthonormal; a column that depends on those before it becomes zero.
///
/// What has to be done is found in the small matrix of their inner products, twice for the sake of
/// rounding (as in `CholeskyQR2`, Fukaya and others 2014), so that the columns are gone through
/// twice and not once for each pair of them.
fn orthonormalise(matrix: &mut Matrix) {
    for _ in 0..2 {
        let width = matrix.cols;
        let coefficients = orthonormal(&matrix.transposed_times(matrix, Threads::Pool), width);
        *matrix = times_columns(matrix, &coefficients, width);
    }
}

/// Returns combinations of `n` columns, one after another, that are orthonormal, given the columns'
/// inner products: classical Gram–Schmidt, twice for stability (Giraud and others 2005).
fn orthonormal(products: &[f64], n: usize) -> Vec<f64> {
    /// Length², relative to that of the column, below which what is left of it is rounding.
    const ROUNDING: f64 = 1e-12;
    let applied = |v: &[f64]| -> Vec<f64> {
        products.chunks_exact(n.max(1)).map(|row| dot_f64(row, v)).collect()
    };
    let mut done: Vec<f64> = Vec::with_capacity(n * n);
    for j in 0..n {
        let mut v = vec![0.0; n];
        v[j] = 1.0;
        for _ in 0..2 {
            let products = applied(&v);
            for other in done.chunks_exact(n) {
                let along = dot_f64(other, &products);
                v.iter_mut().zip(other).for_each(|(x, y)| *x -= along * y);
            }
        }
        let square = dot_f64(&v, &applied(&v));
        let whole = products[j * n + j];
        let inverse = if square > ROUNDING * whole { 1.0 / square.sqrt() } else { 0.0 };
        done.extend(v.into_iter().map(|x| x * inverse));
    }
    done
}

/// Returns the eigenvalues, descending, and the eigenvectors as columns of a symmetric `n` × `n`
/// matrix, by cyclic Jacobi rotations.
fn symmetric_eigen(mut a: Vec<f64>, n: usize) -> (Vec<f64>, Vec<f64>) {
    const SWEEPS: usize = 60;
    let mut vectors = vec![0.0; n * n];
    (0..n).for_each(|i| vectors[i * n + i] = 1.0);
    let total: f64 = a.iter().map(|x| x * x).sum();
    for _ in 0..SWEEPS {
        let off: f64 = (0..n)
            .flat_map(|i| (0..i).map(move |j| (i, j)))
            .map(|(i, j)| a[i * n + j].powi(2))
            .sum();
        if off <= 1e-28 * total {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                rotate(&mut a, &mut vectors, n, p, q);
            }
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| a[j * n + j].total_cmp(&a[i * n + i]));
    let values = order.iter().map(|&i| a[i * n + i]).collect();
    let mut sorted = vec![0.0; n * n];
    for (to, &from) in order.iter().enumerate() {
        (0..n).for_each(|i| sorted[i * n + to] = vectors[i * n + from]);
    }
    (values, sorted)
}

/// Turns the plane of p and q so that their common entry vanishes.
fn rotate(a: &mut [f64], vectors: &mut [f64], n: usize, p: usize, q: usize) {
    let entry = a[p * n + q];
    if entry.abs() < f64::MIN_POSITIVE {
        return;
    }
    let theta = (a[q * n + q] - a[p * n + p]) / (2.0 * entry);
    let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
    let c = 1.0 / (t * t + 1.0).sqrt();
    let s = t * c;
    let turn = |x: &mut [f64], i: usize, j: usize| {
        let (xi, xj) = (x[i], x[j]);
        x[i] = c * xi - s * xj;
        x[j] = s * xi + c * xj;
    };
    for i in 0..n {
        turn(a, i * n + p, i * n + q);
        turn(vectors, i * n + p, i * n + q);
    }
    for i in 0..n {
        turn(a, p * n + i, q * n + i);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(a: &Matrix, x: &Matrix) -> Matrix {
        let mut out = Matrix::zeros(a.rows, x.cols);
        for i in 0..a.rows {
            for j in 0..x.cols {
                out.row_mut(i)[j] = (0..a.cols).map(|l| a.row(i)[l] * x.row(l)[j]).sum();
            }
        }
        out
    }

    fn transposed(a: &Matrix) -> Matrix {
        let mut out = Matrix::zeros(a.cols, a.rows);
        for i in 0..a.rows {
            (0..a.cols).for_each(|j| out.row_mut(j)[i] = a.row(i)[j]);
        }
        out
    }

    #[test]
    fn a_matrix_of_low_rank_is_found_again() {
        let a = product(&Matrix::gaussian(40, 3, 1), &Matrix::gaussian(3, 25, 2));
        let back = transposed(&a);
        for k in [3, 5, 100] {
            let svd = randomised(40, 25, k, 7, 3, |x| product(&a, x), |y| product(&back, y));
            assert!(svd.s.windows(2).all(|pair| pair[0] >= pair[1]));
            assert!(
                svd.s[2] > 1.0
                    && svd.s.iter().skip(3).all(|&s| s < 1e-2)
                    && svd.u.cols == k.min(25),
                "{:?}",
                svd.s
            );
            for i in 0..40 {
                for j in 0..25 {
                    let sum: f64 = (0..svd.u.cols)
                        .map(|l| f64::from(svd.u.row(i)[l]) * svd.s[l] * f64::from(svd.v.row(j)[l]))
                        .sum();
                    assert!((sum - f64::from(a.row(i)[j])).abs() < 1e-3, "k={k} {i},{j}");
                }
            }
        }
    }

    #[test]
    fn vectors_of_a_singular_matrix_have_length_one_or_zero() {
        // All rows are the same: rank 1.
        let a =
            product(&Matrix { rows: 6, cols: 1, data: vec![3.0; 6] }, &Matrix::gaussian(1, 5, 2));
        let back = transposed(&a);
        let svd = randomised(6, 5, 5, 7, 3, |x| product(&a, x), |y| product(&back, y));
        let squares = svd.u.transposed_times(&svd.u, Threads::Pool);
        let lengths: Vec<f64> = (0..5).map(|j| squares[j * 5 + j].sqrt()).collect();
        assert!((lengths[0] - 1.0).abs() < 1e-5, "{lengths:?}");
        assert!(lengths[1..].iter().all(|&length| length == 0.0), "{lengths:?}");
        assert!(svd.s[1..].iter().all(|&s| s == 0.0), "{:?}", svd.s);
    }

    #[test]
    fn columns_become_orthonormal_and_dependent_ones_zero() {
        let mut matrix = Matrix::gaussian(3000, 6, 3);
        for i in 0..3000 {
            let row = matrix.row_mut(i);
            row[1] *= 1000.0;
            row[2] = row[0] + 1e-3 * row[2];
            row[4] = row[0] - 2.0 * row[3];
        }
        orthonormalise(&mut matrix);
        let products = matrix.transposed_times(&matrix, Threads::Pool);
        for (at, product) in products.into_iter().enumerate() {
            let (i, j) = (at / 6, at % 6);
            let expected = if i == j && i != 4 { 1.0 } else { 0.0 };
            assert!((product - expected).abs() < 1e-5, "{i} {j}: {product}");
        }
    }

    #[test]
    fn eigenvalues_of_a_known_matrix() {
        let (values, vectors) = symmetric_eigen(vec![2.0, 1.0, 1.0, 2.0], 2);
        assert!((values[0] - 3.0).abs() < 1e-12 && (values[1] - 1.0).abs() < 1e-12);
        assert!((vectors[0] - vectors[2]).abs() < 1e-12);
    }
}
