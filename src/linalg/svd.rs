//! Truncated singular value decomposition of a matrix that is known only by its products.
//!
//! Randomised range finder with power iterations (Halko, Martinsson & Tropp 2011, algorithms 4.4 and
//! 5.1): the matrix itself, which may be sparse plus a constant, is never made dense.

use crate::linalg::dense::{Matrix, dot_f64};

/// Leading singular triplets: `u` is rows × k, `v` is cols × k, both with orthonormal columns.
#[derive(Debug, Clone)]
pub struct Svd {
    /// Left singular vectors, as columns.
    pub u: Matrix,
    /// Singular values, descending.
    pub s: Vec<f64>,
    /// Right singular vectors, as columns.
    pub v: Matrix,
}

/// Computes the `k` leading triplets of an `n_rows` × `n_cols` matrix A.
///
/// `times` returns A·X for an `n_cols` × l matrix X, `transposed_times` Aᵀ·Y for an `n_rows` × l matrix Y.
/// `k` beyond the smaller dimension is cut back to it.
pub fn randomised(
    n_rows: usize,
    n_cols: usize,
    k: usize,
    seed: u64,
    times: impl Fn(&Matrix) -> Matrix,
    transposed_times: impl Fn(&Matrix) -> Matrix,
) -> Svd {
    const OVERSAMPLING: usize = 10;
    const POWER_ITERATIONS: usize = 2;
    let smallest = n_rows.min(n_cols);
    let (k, width) = (k.min(smallest), (k + OVERSAMPLING).min(smallest));
    let mut basis = times(&Matrix::gaussian(n_cols, width, seed));
    orthonormalise(&mut basis);
    for _ in 0..POWER_ITERATIONS {
        let mut other = transposed_times(&basis);
        orthonormalise(&mut other);
        basis = times(&other);
        orthonormalise(&mut basis);
    }
    // B = QᵀA is width × n_cols; its Gram matrix BBᵀ has the squared singular values.
    let b = transposed_times(&basis);
    let (values, vectors) = symmetric_eigen(b.transposed_times(&b), width);
    let s: Vec<f64> = values[..k].iter().map(|value| value.max(0.0).sqrt()).collect();
    let u = combine(&basis, &vectors, k, |_| 1.0);
    let v = combine(&b, &vectors, k, |j| if s[j] > 0.0 { 1.0 / s[j] } else { 0.0 });
    Svd { u, s, v }
}

/// Returns the first `k` columns of `matrix` · `vectors`, each scaled.
fn combine(matrix: &Matrix, vectors: &[f64], k: usize, scale: impl Fn(usize) -> f64) -> Matrix {
    let width = matrix.cols;
    let mut out = Matrix::zeros(matrix.rows, k);
    for i in 0..matrix.rows {
        let row = matrix.row(i);
        for j in 0..k {
            let sum: f64 = (0..width).map(|l| f64::from(row[l]) * vectors[l * width + j]).sum();
            out.row_mut(i)[j] = (sum * scale(j)) as f32;
        }
    }
    out
}

/// Makes the columns orthonormal by Gram–Schmidt, twice for the sake of rounding; a column that depends
/// on those before it becomes zero.
fn orthonormalise(matrix: &mut Matrix) {
    let (n, width) = (matrix.rows, matrix.cols);
    // Column after column, so that each is one slice.
    let mut columns: Vec<Vec<f64>> =
        (0..width).map(|j| (0..n).map(|i| f64::from(matrix.row(i)[j])).collect()).collect();
    for j in 0..width {
        let (done, rest) = columns.split_at_mut(j);
        let column = &mut rest[0];
        let before = dot_f64(column, column).sqrt();
        for _ in 0..2 {
            for other in &*done {
                let along = dot_f64(column, other);
                column.iter_mut().zip(other).for_each(|(x, y)| *x -= along * y);
            }
        }
        let norm = dot_f64(column, column).sqrt();
        let inverse = if norm > 1e-10 * before { 1.0 / norm } else { 0.0 };
        column.iter_mut().for_each(|x| *x *= inverse);
    }
    for i in 0..n {
        for (j, column) in columns.iter().enumerate() {
            matrix.row_mut(i)[j] = column[i] as f32;
        }
    }
}

/// Returns the eigenvalues, descending, and the eigenvectors as columns of a symmetric `n` × `n` matrix,
/// by cyclic Jacobi rotations.
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
            let svd = randomised(40, 25, k, 7, |x| product(&a, x), |y| product(&back, y));
            assert!(svd.s.windows(2).all(|pair| pair[0] >= pair[1]));
            assert!(svd.s[2] > 1.0 && svd.s.iter().skip(3).all(|&s| s < 1e-2), "{:?}", svd.s);
            for i in 0..40 {
                for j in 0..25 {
                    let sum: f64 = (0..svd.s.len())
                        .map(|l| f64::from(svd.u.row(i)[l]) * svd.s[l] * f64::from(svd.v.row(j)[l]))
                        .sum();
                    assert!((sum - f64::from(a.row(i)[j])).abs() < 1e-3, "k={k} {i},{j}");
                }
            }
        }
    }

    #[test]
    fn eigenvalues_of_a_known_matrix() {
        let (values, vectors) = symmetric_eigen(vec![2.0, 1.0, 1.0, 2.0], 2);
        assert!((values[0] - 3.0).abs() < 1e-12 && (values[1] - 1.0).abs() < 1e-12);
        assert!((vectors[0] - vectors[2]).abs() < 1e-12);
    }
}
