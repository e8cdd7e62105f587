//! Non-negative least squares by coordinate descent: min xᵀA x − 2 bᵀx over x ≥ 0.
//!
//! One sweep sets each coordinate to its best value given the others; the objective never grows. This is
//! the update of HALS (Cichocki & Phan 2009) and of scikit-learn's `cd` solver.

/// Makes up to `sweeps` passes over the coordinates of `x`, in order.
///
/// `a` is symmetric, `k` × `k`, row after row, of which only the upper triangle is read. Stops early when
/// a sweep changes no coordinate by more than `tolerance` times the largest one.
pub fn sweep(a: &[f64], b: &[f64], x: &mut [f64], sweeps: usize, tolerance: f64) {
    let k = x.len();
    for _ in 0..sweeps {
        let (mut change, mut largest) = (0.0_f64, 0.0_f64);
        for i in 0..k {
            let diagonal = a[i * k + i];
            if diagonal <= 0.0 {
                continue; // no row has this coordinate: it does not matter
            }
            let before: f64 = (0..i).map(|j| a[j * k + i] * x[j]).sum();
            let after: f64 =
                a[i * k + i..(i + 1) * k].iter().zip(&x[i..]).map(|(a, x)| a * x).sum();
            let new = (x[i] - (before + after - b[i]) / diagonal).max(0.0);
            change = change.max((new - x[i]).abs());
            largest = largest.max(new);
            x[i] = new;
        }
        if change <= tolerance * largest {
            break;
        }
    }
}

/// Returns xᵀA x, of which only the upper triangle of A is read.
#[must_use]
pub fn quadratic_form(a: &[f64], x: &[f64]) -> f64 {
    let k = x.len();
    let row = |i: usize| {
        let off: f64 =
            a[i * k + i + 1..(i + 1) * k].iter().zip(&x[i + 1..]).map(|(a, x)| a * x).sum();
        x[i] * (a[i * k + i] * x[i] + 2.0 * off)
    };
    (0..k).map(row).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::dense::Matrix;

    #[test]
    fn the_optimum_meets_the_kuhn_tucker_conditions() {
        for k in [1, 2, 10, 40] {
            let rows = Matrix::gaussian(3 * k, k, 11);
            let a = rows.transposed_times(&rows);
            let b: Vec<f64> = (0..k).map(|i| if i % 2 == 0 { 3.0 } else { -2.0 }).collect();
            let mut x = vec![1.0; k];
            sweep(&a, &b, &mut x, 10_000, 1e-14);
            for i in 0..k {
                let gradient: f64 = (0..k).map(|j| a[i * k + j] * x[j]).sum::<f64>() - b[i];
                assert!(x[i] >= 0.0 && gradient > -1e-8, "k={k} {i}: {gradient}");
                assert!(x[i] * gradient < 1e-8, "k={k} {i}: {} {gradient}", x[i]);
            }
            assert!(x.iter().any(|&x| x > 0.0));
        }
    }
}
