//! Cholesky factorization A = UᵀU of a small symmetric matrix, in place, and the solution of A x =
//! b.

use crate::linalg::simd::{SimdLanes, dispatch};

/// The matrix is not positive definite: this pivot, counted from 0, is zero, negative or not a
/// number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadPivot(pub usize);

#[inline(always)]
fn factor_body<L: SimdLanes>(a: &mut [f64], k: usize) -> Result<(), BadPivot> {
    for p in 0..k {
        let (above, below) = a.split_at_mut((p + 1) * k);
        let row = &mut above[p * k + p..];
        // Rounding leaves about this much of a pivot that is zero in truth.
        let pivot = row[0];
        if !(pivot.is_finite() && pivot > 0.0) {
            return Err(BadPivot(p));
        }
        let root = pivot.sqrt();
        let inverse = 1.0 / root;
        row[0] = root;
        for value in &mut row[1..] {
            *value *= inverse;
        }
        let row = &row[1..];
        for (i, rest) in below.chunks_exact_mut(k).enumerate() {
            let scale = -row[i];
            let target = &mut rest[p + 1 + i..];
            for (value, &other) in target.iter_mut().zip(&row[i..]) {
                *value = L::fma_f64(scale, other, *value);
            }
        }
    }
    Ok(())
}

dispatch! {
    /// Replaces the upper triangle of `a` (`k` × `k`, row after row) by U; the lower one is not
    /// touched.
    ///
    /// Costs k³/6 multiply-adds.
    ///
    /// # Errors
    /// If a pivot is not positive; `a` is spoilt then.
    pub fn factor(a: &mut [f64], k: usize) -> Result<(), BadPivot> = factor_body
}

/// Solves UᵀU x = b in place of b, for the factor that [`factor`] left.
pub fn solve(u: &[f64], x: &mut [f64]) {
    let k = x.len();
    for i in 0..k {
        let value = x[i] / u[i * k + i];
        x[i] = value;
        let (_, rest) = x.split_at_mut(i + 1);
        for (x, &coefficient) in rest.iter_mut().zip(&u[i * k + i + 1..(i + 1) * k]) {
            *x -= value * coefficient;
        }
    }
    for i in (0..k).rev() {
        let known: f64 =
            u[i * k + i + 1..(i + 1) * k].iter().zip(&x[i + 1..]).map(|(a, b)| a * b).sum();
        x[i] = (x[i] - known) / u[i * k + i];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::blocks::Threads;
    use crate::linalg::dense::Matrix;

    #[test]
    fn solves_what_it_is_given() {
        for k in [1, 2, 3, 17, 66] {
            let rows = Matrix::gaussian(2 * k, k, 3);
            let a = rows.transposed_times(&rows, Threads::Pool);
            let x: Vec<f64> = (0..k).map(|i| i as f64 - 2.5).collect();
            let mut b: Vec<f64> =
                a.chunks_exact(k).map(|row| row.iter().zip(&x).map(|(a, x)| a * x).sum()).collect();
            let mut upper = a.clone();
            factor(&mut upper, k).unwrap();
            solve(&upper, &mut b);
            for (found, wanted) in b.iter().zip(&x) {
                assert!((found - wanted).abs() < 1e-6, "k={k}: {found} for {wanted}");
            }
        }
    }

    #[test]
    fn a_matrix_that_is_not_positive_definite_is_refused() {
        assert_eq!(factor(&mut [0.0], 1), Err(BadPivot(0)));
        assert_eq!(factor(&mut [f64::NAN], 1), Err(BadPivot(0)));
        assert_eq!(factor(&mut [1.0, 2.0, 2.0, 1.0], 2), Err(BadPivot(1)));
        assert_eq!(factor(&mut [], 0), Ok(()));
    }
}
