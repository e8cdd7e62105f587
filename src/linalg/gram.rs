//! Normal equations of weighted least squares: A = A₀ + Σ w f fᵀ and b = Σ t f over the rows f pushed.
//!
//! Rows are copied into a small dense block, so that the update works on memory in the cache; a full
//! block is added by rank-8 updates in `f32` and the sums of blocks are kept in `f64`.

use crate::linalg::simd::{dispatch, mul_add};

/// Rows of a block; a power of two and a multiple of [`RANK`].
const BLOCK: usize = 256;
/// Rows that are added by one pass over the matrix.
const RANK: usize = 8;
/// Columns that are handled together; one register of AVX-512, two of AVX2.
const LANES: usize = 16;

/// Accumulates A (upper triangle, `k` × `k`, row after row) and b.
#[derive(Debug, Clone)]
pub struct NormalEquations {
    k: usize,
    stride: usize,
    /// A; only the upper triangle is set.
    pub a: Vec<f64>,
    /// b.
    pub b: Vec<f64>,
    /// Rows not yet added, padded with zeros to `stride`.
    block: Vec<f32>,
    weights: Vec<f32>,
    filled: usize,
    partial: Vec<f32>,
}

impl NormalEquations {
    /// Makes room for `k` unknowns.
    #[must_use]
    pub fn new(k: usize) -> Self {
        let stride = k.next_multiple_of(LANES);
        Self {
            k,
            stride,
            a: vec![0.0; k * k],
            b: vec![0.0; k],
            block: vec![0.0; BLOCK * stride],
            weights: vec![0.0; BLOCK],
            filled: 0,
            partial: vec![0.0; stride * stride],
        }
    }

    /// Begins anew with A = 0.
    pub fn reset(&mut self) {
        self.a.fill(0.0);
        self.b.fill(0.0);
        self.filled = 0;
    }

    /// Begins anew with A = `gram`.
    pub fn reset_to(&mut self, gram: &[f64]) {
        self.a.copy_from_slice(gram);
        self.b.fill(0.0);
        self.filled = 0;
    }

    /// Adds a row: `write` fills its `k` features, A grows by `weight` f fᵀ and b by `target` f.
    pub fn push(&mut self, weight: f32, target: f64, write: impl FnOnce(&mut [f32])) {
        let row = &mut self.block[self.filled * self.stride..][..self.k];
        write(row);
        for (sum, &feature) in self.b.iter_mut().zip(&*row) {
            *sum += target * f64::from(feature);
        }
        self.weights[self.filled] = weight;
        self.filled += 1;
        if self.filled == BLOCK {
            self.flush();
        }
    }

    /// Adds the rows that wait in the block; to be called before A is used.
    pub fn flush(&mut self) {
        if self.filled == 0 {
            return;
        }
        let padded = self.filled.next_multiple_of(RANK);
        self.weights[self.filled..padded].fill(0.0);
        self.block[self.filled * self.stride..padded * self.stride].fill(0.0);
        self.partial.fill(0.0);
        let rows = &self.block[..padded * self.stride];
        rank_update(&mut self.partial, self.stride, self.k, rows, &self.weights[..padded]);
        for i in 0..self.k {
            let sums = &mut self.a[i * self.k + i..(i + 1) * self.k];
            for (sum, &part) in sums.iter_mut().zip(&self.partial[i * self.stride + i..]) {
                *sum += f64::from(part);
            }
        }
        self.filled = 0;
    }

    /// Adds `value` to the diagonal of A.
    pub fn regularize(&mut self, value: f64) {
        for i in 0..self.k {
            self.a[i * self.k + i] += value;
        }
    }
}

#[inline(always)]
fn rank_update_body<const FMA: bool>(
    a: &mut [f32],
    stride: usize,
    k: usize,
    rows: &[f32],
    weights: &[f32],
) {
    for (rows, weights) in rows.chunks_exact(RANK * stride).zip(weights.chunks_exact(RANK)) {
        for i in 0..k {
            let mut scale = [0.0_f32; RANK];
            for r in 0..RANK {
                scale[r] = weights[r] * rows[r * stride + i];
            }
            for start in (i / LANES * LANES..stride).step_by(LANES) {
                let out = &mut a[i * stride + start..][..LANES];
                let mut sums = [0.0_f32; LANES];
                sums.copy_from_slice(out);
                for r in 0..RANK {
                    let row = &rows[r * stride + start..][..LANES];
                    for lane in 0..LANES {
                        sums[lane] = mul_add::<FMA>(scale[r], row[lane], sums[lane]);
                    }
                }
                out.copy_from_slice(&sums);
            }
        }
    }
}

dispatch! {
    /// Adds Σ w f fᵀ over the rows of a block to the upper triangle of `a`.
    fn rank_update(a: &mut [f32], stride: usize, k: usize, rows: &[f32], weights: &[f32]) = rank_update_body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::dense::Matrix;

    #[test]
    fn agrees_with_the_plain_sum_at_every_size() {
        for k in [1, 2, 15, 16, 17, 33, 66] {
            for n in [0, 1, 7, 8, 9, 255, 256, 257, 700] {
                let rows = Matrix::gaussian(n, k, 5);
                let mut normal = NormalEquations::new(k);
                let weight = |i: usize| 0.5 + (i % 3) as f32;
                // Twice, so that leftovers of the first run would show.
                for _ in 0..2 {
                    normal.reset();
                    for (i, row) in rows.iter_rows().enumerate() {
                        normal.push(weight(i), i as f64, |out| out.copy_from_slice(row));
                    }
                    normal.flush();
                }
                for i in 0..k {
                    for j in i..k {
                        let plain: f64 = (0..n)
                            .map(|r| {
                                f64::from(weight(r) * rows.row(r)[i]) * f64::from(rows.row(r)[j])
                            })
                            .sum();
                        let error = (normal.a[i * k + j] - plain).abs();
                        assert!(error < 1e-3 * (1.0 + plain.abs()), "k={k} n={n} {i},{j}: {error}");
                    }
                    let plain: f64 = (0..n).map(|r| r as f64 * f64::from(rows.row(r)[i])).sum();
                    assert!((normal.b[i] - plain).abs() < 1e-6 * (1.0 + plain.abs()));
                }
            }
        }
    }

    #[test]
    fn the_baseline_kernel_agrees_with_the_chosen_one() {
        let rows = Matrix::gaussian(16, 32, 9);
        let weights = [1.0; 16];
        let (mut chosen, mut baseline) = (vec![0.0; 32 * 32], vec![0.0; 32 * 32]);
        rank_update(&mut chosen, 32, 20, &rows.data, &weights);
        rank_update_body::<false>(&mut baseline, 32, 20, &rows.data, &weights);
        for (a, b) in chosen.iter().zip(&baseline) {
            assert!((a - b).abs() < 1e-4);
        }
    }
}
