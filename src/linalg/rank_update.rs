//! Rank-k updates of the upper triangle of a symmetric matrix, the kernel in which training spends
//! its time.
//!
//! The matrix is cut into tiles that stay in registers while all rows of a block pass; of those,
//! only the ones that touch the upper triangle are computed (Goto & van de Geijn 2008, Anatomy of
//! high-performance matrix multiplication).

use crate::linalg::simd::{LANES, SimdLanes, dispatch, vectors, vectors_mut};

/// Adds Σ l rᵀ over pairs of rows to the tile of `R` rows from `i` and `P` vectors from `panel` on.
#[inline(always)]
fn tile<L: SimdLanes, const R: usize, const P: usize>(
    a: &mut [f32],
    stride: usize,
    (i, panel): (usize, usize),
    left: &[f32],
    right: &[f32],
) {
    let mut sums = [[L::splat(0.0); P]; R];
    for (left, right) in left.chunks_exact(stride).zip(right.chunks_exact(stride)) {
        let left = &left[i..i + R];
        let right = &vectors(right)[panel..panel + P];
        let row: [L; P] = std::array::from_fn(|p| L::load(&right[p]));
        for (sums, &left) in sums.iter_mut().zip(left) {
            let left = L::splat(left);
            for (sum, &row) in sums.iter_mut().zip(&row) {
                *sum = left.mul_add(row, *sum);
            }
        }
    }
    for (out, sums) in a.chunks_exact_mut(stride).zip(sums) {
        for (out, sum) in vectors_mut(out)[panel..panel + P].iter_mut().zip(sums) {
            sum.add_to(out);
        }
    }
}

#[inline(always)]
fn tiles<L: SimdLanes, const R: usize, const P: usize>(
    a: &mut [f32],
    stride: usize,
    first: usize,
    left: &[f32],
    right: &[f32],
) {
    for (band, a) in a.chunks_exact_mut(R * stride).enumerate() {
        let i = first + band * R;
        let mut panel = i / LANES;
        while panel + P <= stride / LANES {
            tile::<L, R, P>(a, stride, (i, panel), left, right);
            panel += P;
        }
        while panel < stride / LANES {
            tile::<L, R, 1>(a, stride, (i, panel), left, right);
            panel += 1;
        }
    }
}

#[inline(always)]
pub(super) fn rank_update_body<L: SimdLanes>(
    a: &mut [f32],
    stride: usize,
    first: usize,
    left: &[f32],
    right: &[f32],
) {
    if L::HAS_32_REGISTERS {
        tiles::<L, 8, 2>(a, stride, first, left, right);
    } else {
        tiles::<L, 4, 1>(a, stride, first, left, right);
    }
}

dispatch! {
    /// Adds Σ l rᵀ over pairs of rows to the upper triangle of a matrix, of which `a` has the rows
    /// from `first`, a multiple of [`LANES`], on; all rows have `stride` entries.
    pub(crate) fn rank_update(a: &mut [f32], stride: usize, first: usize, left: &[f32], right: &[f32]) = rank_update_body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::dense::Matrix;
    use crate::linalg::simd::every_instruction_set;

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        let rows = Matrix::gaussian(40, 48, 9).data;
        let plain = |i: usize, j: usize| -> f32 {
            rows.chunks_exact(48).fold(0.0, |sum, row| row[i].mul_add(row[j], sum))
        };
        type Update = fn(&mut [f32], usize, usize, &[f32], &[f32]);
        every_instruction_set!(rank_update_body, |body: Update| {
            let mut a = vec![0.0_f32; 48 * 48];
            body(&mut a, 48, 0, &rows, &rows);
            for (i, j) in (0..48).flat_map(|i| (i..48).map(move |j| (i, j))) {
                assert_eq!(a[i * 48 + j].to_bits(), plain(i, j).to_bits(), "{i},{j}");
            }
        });
    }
}
