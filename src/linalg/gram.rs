//! Normal equations of weighted least squares: A = A₀ + Σ w f fᵀ, b = Σ t f and s = Σ f over rows f
//! of a matrix.
//!
//! Rows are copied into a small dense block first, so that the update works on memory in the cache
//! (the copies do not wait for each other, which single rows would). Sums run over a block in
//! registers and then over blocks, in `f32`: an error of about (rows of a block + blocks) · 2⁻²⁴.

use crate::linalg::blocks::{Threads, map_blocks};
use crate::linalg::dense::Matrix;
use crate::linalg::ldl::{self, SmallPivot};
use crate::linalg::rank_update::rank_update;
use crate::linalg::simd::{LANES, SimdLanes, dispatch, prefetch, vectors, vectors_mut};

/// Bytes of a block: with a tile's share of A it fits the first cache.
const BLOCK_BYTES: usize = 32 << 10;

/// Accumulates A (upper triangle), b and s, and solves for them.
#[derive(Debug, Clone)]
pub struct NormalEquations {
    k: usize,
    /// `k` rounded up to whole vectors: length of a row of everything below. What is beyond `k` is
    /// zero.
    stride: usize,
    /// A, `stride` × `stride`, row after row; of the tiles below the diagonal nothing is meant.
    a: Vec<f32>,
    b: Vec<f32>,
    s: Vec<f32>,
    /// The solution.
    x: Vec<f32>,
    /// Solution of A z = s.
    z: Vec<f32>,
    block: Vec<f32>,
    scaled: Vec<f32>,
    solver: ldl::LdlScratch,
}

/// Solution of equations with a border.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BorderSolution {
    /// Value of the last unknown.
    pub value: f64,
    /// Its pivot: what of its own diagonal entry the other unknowns do not explain.
    pub pivot: f64,
}

impl NormalEquations {
    /// Makes room for `k` unknowns.
    #[must_use]
    pub fn new(k: usize) -> Self {
        let stride = k.next_multiple_of(LANES);
        let rows = (BLOCK_BYTES / 4 / stride.max(1)).clamp(LANES, 256);
        Self {
            k,
            stride,
            a: vec![0.0; stride * stride],
            b: vec![0.0; stride],
            s: vec![0.0; stride],
            x: vec![0.0; stride],
            z: vec![0.0; stride],
            block: vec![0.0; rows * stride],
            scaled: vec![0.0; rows * stride],
            solver: ldl::LdlScratch::new(stride),
        }
    }

    /// Begins anew with A = 0.
    pub fn reset(&mut self) {
        self.a.fill(0.0);
        self.b.fill(0.0);
        self.s.fill(0.0);
    }

    /// Begins anew with A = `gram`, as [`padded`] makes it.
    pub fn reset_to(&mut self, gram: &[f32]) {
        self.a.copy_from_slice(gram);
        self.b.fill(0.0);
        self.s.fill(0.0);
    }

    /// Adds the first `k` entries of the rows `indices` of `source`, each with its target and its
    /// weight, which is 1 where there are no weights.
    pub fn add(&mut self, source: &Matrix, indices: &[u32], weights: &[f32], targets: &[f32]) {
        let most = self.block.len() / self.stride;
        let mut weights = weights.chunks(most);
        for (indices, targets) in indices.chunks(most).zip(targets.chunks(most)) {
            let n = indices.len() * self.stride;
            copy_rows(source, indices, self.k, self.stride, &mut self.block);
            let block = &self.block[..n];
            add_scaled(block, targets, &mut self.b, &mut self.s);
            let left = match weights.next() {
                None => block,
                Some(weights) => {
                    scale(block, weights, self.stride, &mut self.scaled);
                    &self.scaled[..n]
                }
            };
            rank_update(&mut self.a, self.stride, 0, left, block);
        }
    }

    /// Adds to b.
    pub fn add_to_b(&mut self, values: &[f32]) {
        self.b.iter_mut().zip(values).for_each(|(b, value)| *b += value);
    }

    /// Returns the length of a row of A in memory, as of what [`padded`] returns.
    #[must_use]
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Returns b.
    #[must_use]
    pub fn b(&self) -> &[f32] {
        &self.b[..self.k]
    }

    /// Returns the solution.
    #[must_use]
    pub fn x(&self) -> &[f32] {
        &self.x[..self.k]
    }

    /// Writes A, symmetric, `k` × `k`, row after row.
    pub fn write_a(&self, out: &mut [f64]) {
        for i in 0..self.k {
            for j in i..self.k {
                let value = f64::from(self.a[i * self.stride + j]);
                out[i * self.k + j] = value;
                out[j * self.k + i] = value;
            }
        }
    }

    /// Solves (A + `ridge` I) x = b.
    ///
    /// # Errors
    /// If single precision cannot tell the matrix from a singular one; it is spoilt then.
    pub fn solve(&mut self, ridge: f32) -> Result<(), SmallPivot> {
        self.factor(ridge)?;
        self.x.copy_from_slice(&self.b);
        ldl::solve(&self.a, &self.solver, [&mut self.x]);
        Ok(())
    }

    /// Solves with one more unknown, whose row of the matrix is (s, `diagonal`) and whose
    /// right-hand side is `target`.
    ///
    /// # Errors
    /// As [`Self::solve`].
    pub fn solve_bordered(
        &mut self,
        ridge: f32,
        diagonal: f64,
        target: f64,
    ) -> Result<BorderSolution, SmallPivot> {
        self.factor(ridge)?;
        self.x.copy_from_slice(&self.b);
        self.z.copy_from_slice(&self.s);
        ldl::solve(&self.a, &self.solver, [&mut self.x, &mut self.z]);
        let with_s = |x: &[f32]| -> f64 {
            self.s.iter().zip(x).map(|(&s, &x)| f64::from(s) * f64::from(x)).sum()
        };
        let pivot = diagonal - with_s(&self.z);
        let value = (target - with_s(&self.x)) / pivot;
        for (x, &explained) in self.x.iter_mut().zip(&self.z) {
            *x -= (value * f64::from(explained)) as f32;
        }
        Ok(BorderSolution { value, pivot })
    }

    fn factor(&mut self, ridge: f32) -> Result<(), SmallPivot> {
        for i in 0..self.stride {
            let diagonal = &mut self.a[i * self.stride + i];
            // Unknowns beyond k have equations 1 · x = 0.
            *diagonal = if i < self.k { *diagonal + ridge } else { 1.0 };
        }
        ldl::factor(&mut self.a, &mut self.solver)
    }
}

#[inline(always)]
fn copy_rows_body<L: SimdLanes>(
    source: &Matrix,
    indices: &[u32],
    k: usize,
    stride: usize,
    out: &mut [f32],
) {
    /// Rows that are fetched before their turn: memory answers about this many at a time.
    const AHEAD: usize = 16;
    let at = |index: u32| index as usize * source.cols;
    for (place, (&index, out)) in indices.iter().zip(out.chunks_exact_mut(stride)).enumerate() {
        if let Some(&next) = indices.get(place + AHEAD) {
            for value in source.data[at(next)..][..k].iter().step_by(LANES) {
                prefetch(value);
            }
        }
        let row = &source.data[at(index)..][..k];
        let (whole, rest) = row.as_chunks();
        let (out, out_rest) = out[..k].as_chunks_mut();
        for (out, row) in out.iter_mut().zip(whole) {
            L::load(row).store(out);
        }
        out_rest.copy_from_slice(rest);
    }
}

dispatch! {
    /// Copies the first `k` entries of some rows of `source` into rows of `stride` entries.
    pub(crate) fn copy_rows(source: &Matrix, indices: &[u32], k: usize, stride: usize, out: &mut [f32]) = copy_rows_body
}

#[inline(always)]
fn add_scaled_body<L: SimdLanes>(rows: &[f32], scales: &[f32], b: &mut [f32], s: &mut [f32]) {
    let panels = b.len() / LANES;
    let rows = vectors(rows);
    for panel in 0..panels {
        let (mut scaled, mut plain) = (L::splat(0.0), L::splat(0.0));
        for (row, &scale) in rows[panel..].iter().step_by(panels).zip(scales) {
            let row = L::load(row);
            scaled = row.mul_add(L::splat(scale), scaled);
            plain = plain.add(row);
        }
        scaled.add_to(&mut vectors_mut(b)[panel]);
        plain.add_to(&mut vectors_mut(s)[panel]);
    }
}

dispatch! {
    /// Adds Σ t f to `b` and Σ f to `s` over the rows of a block.
    fn add_scaled(rows: &[f32], scales: &[f32], b: &mut [f32], s: &mut [f32]) = add_scaled_body
}

/// Writes the rows of a block times their weights.
fn scale(rows: &[f32], weights: &[f32], stride: usize, out: &mut [f32]) {
    let rows = rows.chunks_exact(stride).zip(out.chunks_exact_mut(stride));
    for ((row, out), &weight) in rows.zip(weights) {
        out.iter_mut().zip(row).for_each(|(out, &value)| *out = weight * value);
    }
}

/// Returns Σ f fᵀ over the first `k` entries of all rows, symmetric, `k` × `k`.
///
/// Blocks of fixed size are added in order, in `f64`: any number of threads gives the same bits.
#[must_use]
pub fn gram(source: &Matrix, k: usize, threads: Threads) -> Vec<f64> {
    const ROWS: usize = 1024;
    let stride = k.next_multiple_of(LANES);
    let block = |normal: &mut NormalEquations, block: usize| {
        let rows: Vec<u32> =
            (block * ROWS..source.rows.min((block + 1) * ROWS)).map(|row| row as u32).collect();
        normal.reset();
        normal.add(source, &rows, &[], &[0.0; ROWS][..rows.len()]);
        normal.a.clone()
    };
    let n_blocks = source.rows.div_ceil(ROWS);
    let blocks = map_blocks(n_blocks, threads, || NormalEquations::new(k), block);
    let mut sums = vec![0.0_f64; stride * stride];
    for block in blocks {
        sums.iter_mut().zip(block).for_each(|(sum, value)| *sum += f64::from(value));
    }
    let place = |at: usize| (at / k).min(at % k) * stride + (at / k).max(at % k);
    (0..k * k).map(|at| sums[place(at)]).collect()
}

/// Returns a `k` × `k` matrix times `weight`, its rows padded with zeros to whole vectors, as
/// [`NormalEquations::reset_to`] takes it.
#[must_use]
pub fn padded(matrix: &[f64], k: usize, weight: f64) -> Vec<f32> {
    let stride = k.next_multiple_of(LANES);
    let mut out = vec![0.0; stride * stride];
    for (out, row) in out.chunks_exact_mut(stride).zip(matrix.chunks_exact(k)) {
        out.iter_mut().zip(row).for_each(|(out, &value)| *out = (weight * value) as f32);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f32, b: f64, what: &str) {
        assert!((f64::from(a) - b).abs() < 1e-4 * (1.0 + b.abs()), "{what}: {a} for {b}");
    }

    #[test]
    fn agrees_with_the_plain_sum_at_every_size() {
        for k in [1, 2, 15, 16, 17, 33, 66] {
            for n in [0, 1, 7, 255, 257, 700] {
                let rows = Matrix::gaussian(n, k + 2, 5);
                let ids: Vec<u32> = (0..n as u32).rev().collect();
                let weights: Vec<f32> = ids.iter().map(|i| 0.5 + (i % 3) as f32).collect();
                let targets: Vec<f32> = ids.iter().map(|i| (i % 7) as f32).collect();
                let mut normal = NormalEquations::new(k);
                for weights in [&[][..], &weights] {
                    normal.reset();
                    normal.add(&rows, &ids, weights, &targets);
                    let sum = |value: &dyn Fn(usize, &[f32]) -> f64| -> f64 {
                        ids.iter().enumerate().map(|(at, &i)| value(at, rows.row(i as usize))).sum()
                    };
                    let weight = |at: usize| weights.get(at).map_or(1.0, |&w| f64::from(w));
                    for i in 0..k {
                        for j in i..k {
                            let plain =
                                sum(&|at, f| weight(at) * f64::from(f[i]) * f64::from(f[j]));
                            close(normal.a[i * normal.stride + j], plain, "A");
                        }
                        let plain = sum(&|at, f| f64::from(targets[at]) * f64::from(f[i]));
                        close(normal.b()[i], plain, "b");
                        close(normal.s[i], sum(&|_, f| f64::from(f[i])), "s");
                    }
                }
            }
        }
    }

    #[test]
    fn a_border_is_one_more_unknown() {
        let (k, n) = (19, 60);
        let rows = Matrix::gaussian(n, k, 5);
        let with_one = Matrix {
            rows: n,
            cols: k + 1,
            data: rows.iter_rows().flat_map(|row| row.iter().copied().chain([1.0])).collect(),
        };
        let ids: Vec<u32> = (0..n as u32).collect();
        let targets: Vec<f32> = ids.iter().map(|i| (i % 5) as f32 - 1.0).collect();
        let mut whole = NormalEquations::new(k + 1);
        whole.reset();
        whole.add(&with_one, &ids, &[], &targets);
        whole.solve(0.5).unwrap();
        let mut bordered = NormalEquations::new(k);
        bordered.reset();
        bordered.add(&rows, &ids, &[], &targets);
        let total: f32 = targets.iter().sum();
        let border = bordered.solve_bordered(0.5, n as f64 + 0.5, f64::from(total)).unwrap();
        close(whole.x()[k], border.value, "the last unknown");
        for (&a, &b) in whole.x().iter().zip(bordered.x()) {
            close(a, f64::from(b), "the others");
        }
    }

    #[test]
    fn the_gram_matrix_is_symmetric_and_right() {
        let rows = Matrix::gaussian(3000, 21, 5);
        let plain = rows.transposed_times(&rows, Threads::Pool);
        let gram = gram(&rows, 21, Threads::Calling);
        assert_eq!(gram, super::gram(&rows, 21, Threads::Pool));
        let half = padded(&gram, 21, 0.5);
        for i in 0..21 {
            for j in 0..21 {
                close(gram[i * 21 + j] as f32, plain[i * 21 + j], "gram");
                close(half[i * 32 + j], 0.5 * plain[i * 21 + j], "padded");
            }
        }
    }
}
