//! Non-negative least squares: min xᵀA x − 2 bᵀx over x ≥ 0, for small symmetric A.
//!
//! A sweep of coordinate descent sets each coordinate to its best value given the others; the
//! objective never grows. It is the update of HALS (Cichocki & Phan 2009) and of scikit-learn's
//! `cd` solver. A few sweeps find which coordinates are positive long before they find the values;
//! given those, the values are the solution of one linear system, which the conditions of Kuhn and
//! Tucker prove optimal or not.
//!
//! A is `k` × `k`, row after row.

use crate::linalg::cholesky;
use crate::linalg::simd::{SimdLanes, dispatch};

/// Returns the diagonal entry down to which a coordinate stays as it is: the column that it belongs
/// to is so short, relative to the longest one, that its products are lost in single precision, and
/// a step along it would be arbitrarily long.
fn smallest_diagonal(a: &[f64], k: usize) -> f64 {
    const NEGLIGIBLE: f64 = 1e-24;
    NEGLIGIBLE * (0..k).map(|i| a[i * k + i]).fold(0.0, f64::max)
}

/// Returns max(x, 0); of `f64::max`, processors make +0 or −0 where x is −0.
#[inline(always)]
fn clipped(x: f64) -> f64 {
    if x > 0.0 { x } else { 0.0 }
}

#[inline(always)]
fn sweep_body<L: SimdLanes>(
    a: &[f64],
    b: &[f64],
    x: &mut [f64],
    gradient: &mut [f64],
    sweeps: usize,
) -> f64 {
    let k = x.len();
    // Half the gradient, A x − b, kept up to date: a coordinate's step waits for one addition, not
    // for an inner product.
    gradient.iter_mut().zip(b).for_each(|(g, b)| *g = -b);
    for (row, &x) in a.chunks_exact(k).zip(&*x) {
        if x != 0.0 {
            add_scaled::<L>(x, row, gradient);
        }
    }
    let floor = smallest_diagonal(a, k);
    for _ in 0..sweeps {
        for (i, row) in a.chunks_exact(k).enumerate() {
            if row[i] > floor {
                let better = clipped(x[i] - gradient[i] / row[i]);
                let step = better - x[i];
                if step != 0.0 {
                    add_scaled::<L>(step, row, gradient);
                    x[i] = better;
                }
            }
        }
    }
    gradient.iter().zip(b).zip(x).map(|((g, b), x)| *x * (g - b)).sum()
}

dispatch! {
    /// Makes `sweeps` passes over the coordinates of `x`, in order; returns xᵀA x − 2 bᵀx.
    /// `gradient` is memory for it.
    fn sweep(a: &[f64], b: &[f64], x: &mut [f64], gradient: &mut [f64], sweeps: usize) -> f64 = sweep_body
}

/// Problems that are swept side by side where they share A: a register of AVX-512.
pub const TOGETHER: usize = 8;

/// One number of each of [`TOGETHER`] problems.
pub type NnlsBatch = [f64; TOGETHER];

#[inline(always)]
fn sweep_together_body<L: SimdLanes>(
    a: &[f64],
    b: &[NnlsBatch],
    x: &mut [NnlsBatch],
    gradient: &mut [NnlsBatch],
    sweeps: usize,
) -> f64 {
    let k = x.len();
    for ((row, gradient), b) in a.chunks_exact(k).zip(&mut *gradient).zip(b) {
        let mut sum = [0.0; TOGETHER];
        for (sum, b) in sum.iter_mut().zip(b) {
            *sum = -b;
        }
        for (&a, x) in row.iter().zip(&*x) {
            add_scaled::<L>(a, x, &mut sum);
        }
        *gradient = sum;
    }
    let floor = smallest_diagonal(a, k);
    for _ in 0..sweeps {
        for (i, row) in a.chunks_exact(k).enumerate() {
            if row[i] > floor {
                let (mut step, inverse) = (x[i], 1.0 / row[i]);
                for lane in 0..TOGETHER {
                    let better = clipped(L::fma_f64(-inverse, gradient[i][lane], x[i][lane]));
                    step[lane] = better - x[i][lane];
                    x[i][lane] = better;
                }
                for (&a, gradient) in row.iter().zip(&mut *gradient) {
                    add_scaled::<L>(a, &step, gradient);
                }
            }
        }
    }
    let mut values = [0.0; TOGETHER];
    for ((x, gradient), b) in x.iter().zip(&*gradient).zip(b) {
        for (lane, value) in values.iter_mut().enumerate() {
            *value = L::fma_f64(x[lane], gradient[lane] - b[lane], *value);
        }
    }
    values.iter().sum()
}

dispatch! {
    /// Makes `sweeps` passes over the coordinates of [`TOGETHER`] problems that share A; returns
    /// the sum of xᵀA x − 2 bᵀx. `gradient` is memory for it. In one problem each step waits for
    /// the one before it; eight of them are handled in the same time.
    pub fn sweep_together(a: &[f64], b: &[NnlsBatch], x: &mut [NnlsBatch], gradient: &mut [NnlsBatch], sweeps: usize) -> f64 = sweep_together_body
}

#[inline(always)]
fn add_scaled<L: SimdLanes>(scale: f64, row: &[f64], out: &mut [f64]) {
    for (out, &value) in out.iter_mut().zip(row) {
        *out = L::fma_f64(scale, value, *out);
    }
}

/// Returns entry `i` of A x.
fn product(a: &[f64], x: &[f64], i: usize) -> f64 {
    a[i * x.len()..].iter().zip(x).map(|(a, x)| a * x).sum()
}

/// Solves to the end, with memory that is used again.
#[derive(Debug, Clone, Default)]
pub struct NnlsSolver {
    positive: Vec<usize>,
    system: Vec<f64>,
    values: Vec<f64>,
    gradient: Vec<f64>,
}

impl NnlsSolver {
    /// Makes `sweeps` passes over the coordinates of `x`, in order; returns xᵀA x − 2 bᵀx.
    pub fn sweep(&mut self, a: &[f64], b: &[f64], x: &mut [f64], sweeps: usize) -> f64 {
        self.gradient.resize(x.len(), 0.0);
        sweep(a, b, x, &mut self.gradient, sweeps)
    }

    /// Replaces `x` by the optimum, beginning from it; returns xᵀA x − 2 bᵀx.
    ///
    /// Sweeps let coordinates in, as many at a time as gain by it; then the positive ones go to
    /// their common optimum, as in the inner loop of Lawson & Hanson 1974. Where A is singular,
    /// so that there are many optima, it stops at a point that sweeps hardly improve.
    pub fn solve(&mut self, a: &[f64], b: &[f64], x: &mut [f64]) -> f64 {
        const ROUNDS: usize = 200;
        const SWEEPS: usize = 2;
        for _ in 0..ROUNDS {
            self.sweep(a, b, x, SWEEPS);
            if self.settle(a, b, x) && is_optimal(a, b, x) {
                break;
            }
        }
        self.sweep(a, b, x, 0)
    }

    /// Moves the positive coordinates to their common optimum; those that would become negative on
    /// the way drop to zero and out. Returns whether that optimum is unique.
    fn settle(&mut self, a: &[f64], b: &[f64], x: &mut [f64]) -> bool {
        let k = x.len();
        loop {
            self.positive.clear();
            self.positive.extend((0..k).filter(|&i| x[i] > 0.0));
            self.system.clear();
            for &i in &self.positive {
                self.system.extend(self.positive.iter().map(|&j| a[i * k + j]));
            }
            self.values.clear();
            self.values.extend(self.positive.iter().map(|&i| b[i]));
            if cholesky::factor(&mut self.system, self.positive.len()).is_err() {
                return false;
            }
            cholesky::solve(&self.system, &mut self.values);
            let pairs = || self.positive.iter().copied().zip(self.values.iter().copied());
            let step = pairs()
                .filter(|&(_, value)| value <= 0.0)
                .map(|(i, value)| x[i] / (x[i] - value))
                .fold(1.0, f64::min);
            for (i, value) in pairs() {
                let moved = x[i] + step * (value - x[i]);
                // The coordinate that ends the step is zero in truth, whatever rounding makes of
                // it.
                let ends = value <= 0.0 && x[i] / (x[i] - value) <= step;
                x[i] = if ends { 0.0 } else { clipped(moved) };
            }
            if step >= 1.0 {
                return true;
            }
        }
    }
}

/// Whether no coordinate that is zero gains by becoming positive.
fn is_optimal(a: &[f64], b: &[f64], x: &[f64]) -> bool {
    /// Rounding leaves gradients of about this size, relative to b, where they are zero in truth.
    const ROUNDING: f64 = 1e-9;
    let scale = b.iter().fold(0.0_f64, |most, b| most.max(b.abs()));
    let mut zero = (0..x.len()).filter(|&i| x[i] <= 0.0);
    zero.all(|i| product(a, x, i) - b[i] >= -ROUNDING * scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::blocks::Threads;

    #[test]
    fn negligible_coordinates_stay_as_they_are() {
        // The second column is 1e-20 times as long as the first; its entries of A are rounding.
        let a = [4.0, 3e-20, 3e-20, 1e-40];
        let b = [8.0, 5e-19];
        let mut x = [1.0, 3.0];
        let mut solver = NnlsSolver::default();
        solver.sweep(&a, &b, &mut x, 4);
        assert!((x[0] - 2.0).abs() < 1e-12 && x[1] == 3.0, "{x:?}");
        let mut together = [[1.0; TOGETHER], [3.0; TOGETHER]];
        let sides = [[8.0; TOGETHER], [5e-19; TOGETHER]];
        sweep_together(&a, &sides, &mut together, &mut [[0.0; TOGETHER]; 2], 4);
        assert!((together[0][0] - 2.0).abs() < 1e-12 && together[1] == [3.0; TOGETHER]);
    }
    use crate::linalg::dense::Matrix;

    #[test]
    fn the_optimum_meets_the_kuhn_tucker_conditions() {
        for k in [1, 2, 10, 40] {
            let rows = Matrix::gaussian(3 * k, k, 11);
            let a = rows.transposed_times(&rows, Threads::Pool);
            let b: Vec<f64> = (0..k).map(|i| if i % 2 == 0 { 3.0 } else { -2.0 }).collect();
            let mut swept = vec![1.0; k];
            NnlsSolver::default().sweep(&a, &b, &mut swept, 10_000);
            for start in [0.0, 1.0] {
                let mut x = vec![start; k];
                NnlsSolver::default().solve(&a, &b, &mut x);
                for i in 0..k {
                    let gradient = product(&a, &x, i) - b[i];
                    assert!(x[i] >= 0.0 && gradient > -1e-8, "k={k} {i}: {gradient}");
                    assert!(x[i] * gradient < 1e-8, "k={k} {i}: {} {gradient}", x[i]);
                    assert!((x[i] - swept[i]).abs() < 1e-8, "k={k} {i}: {} {}", x[i], swept[i]);
                }
                assert!(x.iter().any(|&x| x > 0.0));
            }
        }
    }

    #[test]
    fn problems_side_by_side_are_swept_as_each_alone() {
        for k in [1, 3, 20] {
            let rows = Matrix::gaussian(3 * k, k, 5);
            let mut a = rows.transposed_times(&rows, Threads::Pool);
            // A coordinate that no row has stays where it is.
            (0..k)
                .for_each(|i| (a[i], a[i * k]) = if k > 1 { (0.0, 0.0) } else { (a[i], a[i * k]) });
            let noise = Matrix::gaussian(2 * k, TOGETHER, 6);
            let lanes = |row: usize| std::array::from_fn(|lane| f64::from(noise.row(row)[lane]));
            let b: Vec<NnlsBatch> = (0..k).map(lanes).collect();
            let before: Vec<NnlsBatch> = (k..2 * k).map(|row| lanes(row).map(f64::abs)).collect();
            let mut x = before.clone();
            let value = sweep_together(&a, &b, &mut x, &mut vec![[0.0; TOGETHER]; k], 2);
            let mut sum = 0.0;
            for lane in 0..TOGETHER {
                let mut alone: Vec<f64> = before.iter().map(|x| x[lane]).collect();
                let b: Vec<f64> = b.iter().map(|b| b[lane]).collect();
                sum += NnlsSolver::default().sweep(&a, &b, &mut alone, 2);
                for (x, alone) in x.iter().zip(alone) {
                    assert!((x[lane] - alone).abs() < 1e-12, "k={k} {} {alone}", x[lane]);
                }
            }
            assert!((value - sum).abs() < 1e-9 * sum.abs(), "k={k} {value} {sum}");
            assert!(x.iter().flatten().any(|&x| x == 0.0) && x != before);
        }
    }

    #[test]
    fn singular_systems_end_somewhere_finite() {
        let a = [1.0, 1.0, 1.0, 1.0];
        let mut x = [0.0, 0.0];
        NnlsSolver::default().solve(&a, &[2.0, 2.0], &mut x);
        assert!((x[0] + x[1] - 2.0).abs() < 1e-9, "{x:?}");
        let mut x = [1.0, 1.0];
        NnlsSolver::default().solve(&[0.0; 4], &[0.0; 2], &mut x);
        assert!(x.iter().all(|x| x.is_finite()));
    }
}
