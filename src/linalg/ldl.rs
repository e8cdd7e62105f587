//! Factorization A = UᵀDU of a small symmetric positive definite matrix in `f32`, in place, without
//! square roots (Golub & Van Loan, Matrix Computations, section 4.1), and the solution of A x = b.
//!
//! Rows go in panels of a vector's width, so that what a panel does to the rest is one rank update.

use crate::linalg::rank_update::rank_update_body;
use crate::linalg::simd::{LANES, SimdLanes, dispatch, vectors, vectors_mut};

/// The matrix is singular, not positive definite, or so close to it that single precision cannot
/// tell: this pivot, counted from 0, is no more than rounding may have left of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SmallPivot(pub usize);

/// A pivot below this share of the diagonal entry that it began as is noise.
const SMALLEST_PIVOT: f32 = 1e-5;

/// Inverses of the pivots, and memory for a panel.
#[derive(Debug, Clone)]
pub struct LdlScratch {
    stride: usize,
    inverse: Vec<f32>,
    scaled: Vec<f32>,
}

impl LdlScratch {
    /// Makes room for matrices with rows of `stride` entries, a multiple of the vectors' width.
    #[must_use]
    pub fn new(stride: usize) -> Self {
        Self { stride, inverse: vec![0.0; stride], scaled: vec![0.0; LANES * stride] }
    }
}

#[inline(always)]
fn factor_body<L: SimdLanes>(a: &mut [f32], scratch: &mut LdlScratch) -> Result<(), SmallPivot> {
    let LdlScratch { stride, inverse, scaled } = scratch;
    let stride = *stride;
    for (i, inverse) in inverse.iter_mut().enumerate() {
        *inverse = SMALLEST_PIVOT * a[i * stride + i]; // until its pivot is known
    }
    for first in (0..stride).step_by(LANES) {
        let (above, below) = a.split_at_mut((first + LANES) * stride);
        let panel = &mut above[first * stride..];
        let inverse = &mut inverse[first..first + LANES];
        let mut shares = [[0.0_f32; LANES]; LANES];
        diagonal_tile::<L>(panel, stride, first, inverse, &mut shares)
            .map_err(|at| SmallPivot(first + at))?;
        for at in first / LANES + 1..stride / LANES {
            other_tile::<L>(panel, stride, at, inverse, &shares, scaled);
        }
        rank_update_body::<L>(below, stride, first + LANES, scaled, panel);
    }
    Ok(())
}

/// Eliminates within the tile on the diagonal: leaves D U without its diagonal in the panel, the
/// inverse pivots, and in `shares` how much of each row the later ones lose.
#[inline(always)]
fn diagonal_tile<L: SimdLanes>(
    panel: &mut [f32],
    stride: usize,
    first: usize,
    inverse: &mut [f32],
    shares: &mut [[f32; LANES]; LANES],
) -> Result<(), usize> {
    let mut tile = [[0.0_f32; LANES]; LANES];
    for (tile, row) in tile.iter_mut().zip(panel.chunks_exact(stride)) {
        tile.copy_from_slice(&row[first..first + LANES]);
    }
    for i in 0..LANES {
        let pivot = tile[i][i];
        if !(pivot > inverse[i] && pivot.is_finite()) {
            return Err(i);
        }
        inverse[i] = 1.0 / pivot;
        let row = L::load(&tile[i]);
        row.mul(L::splat(-inverse[i])).store(&mut shares[i]);
        for later in i + 1..LANES {
            let share = L::splat(shares[i][later]);
            row.mul_add(share, L::load(&tile[later])).store(&mut tile[later]);
        }
    }
    for (i, (tile, row)) in tile.iter_mut().zip(panel.chunks_exact_mut(stride)).enumerate() {
        tile[..=i].fill(0.0);
        row[first..first + LANES].copy_from_slice(tile);
    }
    Ok(())
}

/// Takes the rows of a panel through the same steps in another tile; `scaled` gets them times
/// −1/pivot.
#[inline(always)]
fn other_tile<L: SimdLanes>(
    panel: &mut [f32],
    stride: usize,
    at: usize,
    inverse: &[f32],
    shares: &[[f32; LANES]; LANES],
    scaled: &mut [f32],
) {
    let per_row = stride / LANES;
    let (rows, scaled) = (vectors_mut(panel), vectors_mut(scaled));
    let mut tile: [L; LANES] = std::array::from_fn(|i| L::load(&rows[i * per_row + at]));
    for i in 0..LANES {
        let row = tile[i];
        for later in i + 1..LANES {
            tile[later] = row.mul_add(L::splat(shares[i][later]), tile[later]);
        }
        row.store(&mut rows[i * per_row + at]);
        row.mul(L::splat(-inverse[i])).store(&mut scaled[i * per_row + at]);
    }
}

dispatch! {
    /// Replaces the upper triangle of `a` by D U without its diagonal, row after row; the lower one
    /// is spoilt.
    ///
    /// Costs about k³/6 multiply-adds.
    ///
    /// # Errors
    /// If a pivot is no more than noise; `a` is spoilt then.
    pub fn factor(a: &mut [f32], scratch: &mut LdlScratch) -> Result<(), SmallPivot> = factor_body
}

#[inline(always)]
fn solve_body<L: SimdLanes>(a: &[f32], scratch: &LdlScratch, sides: &mut [&mut [f32]]) {
    let per_row = scratch.stride / LANES;
    let rows = || vectors(a).chunks_exact(per_row).zip(&scratch.inverse).enumerate();
    // Each step waits for the one before it; those of several sides do not wait for each other.
    for (i, (row, &inverse)) in rows() {
        let from = i / LANES;
        for x in &mut *sides {
            let share = L::splat(-x[i] * inverse);
            for (x, row) in vectors_mut(x)[from..].iter_mut().zip(&row[from..]) {
                L::load(row).mul_add(share, L::load(x)).store(x);
            }
        }
    }
    for (i, (row, &inverse)) in rows().rev() {
        let from = i / LANES;
        for x in &mut *sides {
            let mut known = L::splat(0.0);
            for (x, row) in vectors(x)[from..].iter().zip(&row[from..]) {
                known = L::load(row).mul_add(L::load(x), known);
            }
            x[i] = (x[i] - known.sum()) * inverse;
        }
    }
}

dispatch! {
    fn solve_all(a: &[f32], scratch: &LdlScratch, sides: &mut [&mut [f32]]) = solve_body
}

/// Solves A x = b in place of each b, for the factor that [`factor`] left.
pub fn solve<const N: usize>(a: &[f32], scratch: &LdlScratch, mut sides: [&mut [f32]; N]) {
    solve_all(a, scratch, &mut sides);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::blocks::Threads;
    use crate::linalg::dense::Matrix;
    use crate::linalg::simd::PortableLanes;

    type Factor = fn(&mut [f32], &mut LdlScratch) -> Result<(), SmallPivot>;

    #[test]
    fn solves_what_it_is_given() {
        for k in [16, 48, 80] {
            let rows = Matrix::gaussian(3 * k, k, 3);
            let a: Vec<f32> =
                rows.transposed_times(&rows, Threads::Pool).iter().map(|&x| x as f32).collect();
            let x: Vec<f32> = (0..k).map(|i| i as f32 / 8.0 - 2.5).collect();
            let b: Vec<f32> =
                a.chunks_exact(k).map(|row| row.iter().zip(&x).map(|(a, x)| a * x).sum()).collect();
            for factor in [factor as Factor, factor_body::<PortableLanes>] {
                let (mut upper, mut scratch) = (a.clone(), LdlScratch::new(k));
                factor(&mut upper, &mut scratch).unwrap();
                let (mut one, mut two) = (b.clone(), b.iter().map(|b| 2.0 * b).collect::<Vec<_>>());
                solve(&upper, &scratch, [&mut one, &mut two]);
                for i in 0..k {
                    assert!((one[i] - x[i]).abs() < 1e-3, "k={k}: {} for {}", one[i], x[i]);
                    assert!((two[i] - 2.0 * x[i]).abs() < 2e-3, "k={k}: {}", two[i]);
                }
            }
        }
    }

    #[test]
    fn a_matrix_that_is_not_positive_definite_is_refused() {
        let refused = |change: &dyn Fn(&mut [f32])| {
            let mut a = vec![0.0; 16 * 16];
            (0..16).for_each(|i| a[i * 17] = 1.0);
            change(&mut a);
            factor(&mut a, &mut LdlScratch::new(16))
        };
        assert_eq!(refused(&|_| ()), Ok(()));
        assert_eq!(refused(&|a| a[0] = 0.0), Err(SmallPivot(0)));
        assert_eq!(refused(&|a| a[17] = f32::NAN), Err(SmallPivot(1)));
        assert_eq!(refused(&|a| a[1] = 2.0), Err(SmallPivot(1)));
        assert_eq!(refused(&|a| a[1] = 1.0 - 1e-6), Err(SmallPivot(1)));
    }
}
