//! Dense matrices of `f32`, row after row, and products of thin ones in `f64`.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;

use crate::linalg::blocks::{Threads, map_blocks};
use crate::linalg::simd::{LANES, SimdLanes, dispatch};

/// A matrix of `rows` × `cols`, row after row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Matrix {
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub cols: usize,
    /// Entries, row after row.
    pub data: Vec<f32>,
}

impl Matrix {
    /// Returns a matrix of zeros.
    #[must_use]
    pub fn zeros(rows: usize, cols: usize) -> Self {
        Self { rows, cols, data: vec![0.0; rows * cols] }
    }

    /// Returns a matrix of independent N(0, 1) entries; each row has a random stream of its own, so
    /// the number of threads does not matter.
    ///
    /// One draw in some thousands lies in the tail and takes the system's logarithm, in `f64`:
    /// systems that differ in its last bit give the same `f32` but for about one in 2²⁹ of those.
    #[must_use]
    pub fn gaussian(rows: usize, cols: usize, seed: u64) -> Self {
        let mut matrix = Self::zeros(rows, cols);
        let rng = ChaCha8Rng::seed_from_u64(seed);
        matrix.data.par_chunks_mut(cols.max(1)).enumerate().for_each(|(i, row)| {
            let mut rng = rng.clone();
            rng.set_stream(i as u64);
            row.fill_with(|| StandardNormal.sample(&mut rng));
        });
        matrix
    }

    /// Returns a row.
    #[must_use]
    pub fn row(&self, i: usize) -> &[f32] {
        &self.data[i * self.cols..][..self.cols]
    }

    /// Returns a row for writing.
    pub fn row_mut(&mut self, i: usize) -> &mut [f32] {
        &mut self.data[i * self.cols..][..self.cols]
    }

    /// Goes through the rows.
    pub fn iter_rows(&self) -> impl Iterator<Item = &[f32]> {
        self.data.chunks_exact(self.cols.max(1))
    }

    /// Returns this matrix transposed times `other`, a small dense `self.cols` × `other.cols`, row
    /// after row.
    ///
    /// Sums run over blocks of fixed size, in order: any number of threads gives the same bits.
    #[must_use]
    pub fn transposed_times(&self, other: &Self, threads: Threads) -> Vec<f64> {
        const BLOCK: usize = 1024;
        assert_eq!(self.rows, other.rows, "inner dimensions");
        let (m, n) = (self.cols, other.cols);
        if self.rows == 0 || m == 0 || n == 0 {
            return vec![0.0; m * n];
        }
        let block = |(): &mut (), block: usize| {
            let rows = block * BLOCK..self.rows.min((block + 1) * BLOCK);
            let mut sum = vec![0.0; m * n];
            let a = &self.data[rows.start * m..rows.end * m];
            add_products(a, &other.data[rows.start * n..rows.end * n], m, n, &mut sum);
            sum
        };
        let blocks = map_blocks(self.rows.div_ceil(BLOCK), threads, || (), block);
        let mut total = vec![0.0; m * n];
        for block in blocks {
            total.iter_mut().zip(block).for_each(|(total, sum)| *total += sum);
        }
        total
    }

    /// Returns the sum of each column.
    #[must_use]
    pub fn column_sums(&self) -> Vec<f64> {
        let mut sums = vec![0.0; self.cols];
        for row in self.iter_rows() {
            sums.iter_mut().zip(row).for_each(|(sum, &value)| *sum += f64::from(value));
        }
        sums
    }
}

/// Returns `matrix` · B, of which `columns` are the `k` columns, one after another.
pub(crate) fn times_columns(matrix: &Matrix, columns: &[f64], k: usize) -> Matrix {
    /// Rows that a thread takes at a time.
    const ROWS: usize = 1024;
    let width = matrix.cols.max(1);
    let mut out = Matrix::zeros(matrix.rows, k);
    let rows = matrix.data.par_chunks(ROWS * width);
    out.data.par_chunks_mut((ROWS * k).max(1)).zip(rows).for_each(|(out, rows)| {
        let mut wide = vec![0.0; width];
        for (out, row) in out.chunks_exact_mut(k.max(1)).zip(rows.chunks_exact(width)) {
            wide.iter_mut().zip(row).for_each(|(wide, &x)| *wide = f64::from(x));
            for (out, column) in out.iter_mut().zip(columns.chunks_exact(width)) {
                *out = dot_f64(&wide, column) as f32;
            }
        }
    });
    out
}

#[inline(always)]
fn add_products_body<L: SimdLanes>(a: &[f32], b: &[f32], m: usize, n: usize, out: &mut [f64]) {
    for (a, b) in a.chunks_exact(m).zip(b.chunks_exact(n)) {
        for (&x, sums) in a.iter().zip(out.chunks_exact_mut(n)) {
            let x = f64::from(x);
            for (sum, &y) in sums.iter_mut().zip(b) {
                *sum = L::fma_f64(x, f64::from(y), *sum);
            }
        }
    }
}

dispatch! {
    /// Adds AᵀB to `out`, A having `m` columns and B `n`.
    fn add_products(a: &[f32], b: &[f32], m: usize, n: usize, out: &mut [f64]) = add_products_body
}

#[inline(always)]
fn dot_body<L: SimdLanes>(a: &[f32], b: &[f32]) -> f32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks(), b.as_chunks());
    let mut sums = L::splat(0.0);
    for (a, b) in a.iter().zip(b) {
        sums = L::load(a).mul_add(L::load(b), sums);
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.sum() + rest
}

dispatch! {
    /// Returns the inner product of two vectors of equal length.
    pub fn dot(a: &[f32], b: &[f32]) -> f32 = dot_body
}

#[inline(always)]
fn dot_f64_body<L: SimdLanes>(a: &[f64], b: &[f64]) -> f64 {
    const WIDTH: usize = 16;
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<WIDTH>(), b.as_chunks::<WIDTH>());
    let mut sums = [0.0; WIDTH];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..WIDTH {
            sums[lane] = L::fma_f64(a[lane], b[lane], sums[lane]);
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}

dispatch! {
    /// Returns the inner product of two vectors of equal length, in double precision.
    pub fn dot_f64(a: &[f64], b: &[f64]) -> f64 = dot_f64_body
}

#[inline(always)]
fn scores_body<L: SimdLanes>(rows: &[f32], vector: &[f32], out: &mut [f32]) {
    for (row, out) in rows.chunks_exact(vector.len()).zip(out) {
        *out = dot_body::<L>(row, vector);
    }
}

dispatch! {
    /// Writes the inner product of each row with `vector`; `rows` is row after row.
    pub fn scores(rows: &[f32], vector: &[f32], out: &mut [f32]) = scores_body
}

#[inline(always)]
fn add_rows_body<L: SimdLanes>(matrix: &Matrix, rows: &[u32], weights: &[f32], out: &mut [f32]) {
    let cols = matrix.cols;
    if cols < LANES {
        for (&row, &weight) in rows.iter().zip(weights) {
            for (out, &value) in out.iter_mut().zip(matrix.row(row as usize)) {
                *out = L::fma(weight, value, *out);
            }
        }
        return;
    }
    // Two vectors at a time, in registers while all rows pass; the last one may overlap the one
    // before it.
    let last = cols - LANES;
    let mut add = |first: usize, done: usize, sum: [f32; LANES]| {
        out[done..].iter_mut().zip(&sum[done - first..]).for_each(|(out, sum)| *out += sum);
    };
    let mut done = 0;
    while done < last {
        let second = last.min(done + LANES);
        let [low, high] = sums_of_rows::<L, 2>(matrix, rows, weights, [done, second]);
        add(done, done, low);
        add(second, done + LANES, high);
        done += 2 * LANES;
    }
    if done < cols {
        let [sum] = sums_of_rows::<L, 1>(matrix, rows, weights, [last]);
        add(last, done, sum);
    }
}

/// Returns the weighted sums of [`LANES`] columns from each of `firsts` on.
#[inline(always)]
fn sums_of_rows<L: SimdLanes, const N: usize>(
    matrix: &Matrix,
    rows: &[u32],
    weights: &[f32],
    firsts: [usize; N],
) -> [[f32; LANES]; N] {
    /// Sums of every fourth row, so that none waits for the one before it.
    const CHAINS: usize = 4;
    let mut sums = [[L::splat(0.0); N]; CHAINS];
    let (rows, rows_rest) = rows.as_chunks::<CHAINS>();
    let (weights, weights_rest) = weights.as_chunks::<CHAINS>();
    for (rows, weights) in rows.iter().zip(weights) {
        for chain in 0..CHAINS {
            add_row(matrix.row(rows[chain] as usize), weights[chain], firsts, &mut sums[chain]);
        }
    }
    for (&row, &weight) in rows_rest.iter().zip(weights_rest) {
        add_row(matrix.row(row as usize), weight, firsts, &mut sums[0]);
    }
    let mut out = [[0.0; LANES]; N];
    for (at, out) in out.iter_mut().enumerate() {
        sums[0][at].add(sums[1][at]).add(sums[2][at].add(sums[3][at])).store(out);
    }
    out
}

/// Adds a row to sums; a function and no closure, which would not get the instructions of its kind.
#[inline(always)]
fn add_row<L: SimdLanes, const N: usize>(
    row: &[f32],
    weight: f32,
    firsts: [usize; N],
    sums: &mut [L; N],
) {
    for (sum, first) in sums.iter_mut().zip(firsts) {
        let from = row[first..].first_chunk().expect("a row has this many entries left");
        *sum = L::load(from).mul_add(L::splat(weight), *sum);
    }
}

dispatch! {
    /// Adds the sum of some rows of a matrix, each times its weight, to `out`.
    pub fn add_rows(matrix: &Matrix, rows: &[u32], weights: &[f32], out: &mut [f32]) = add_rows_body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::simd::PortableLanes;

    #[test]
    fn products_agree_with_plain_sums() {
        for n in [0, 1, 15, 16, 17, 100] {
            let a = Matrix::gaussian(n, 3, 1);
            let b = Matrix::gaussian(n, 5, 2);
            let product = a.transposed_times(&b, Threads::Pool);
            for i in 0..3 {
                for j in 0..5 {
                    let plain: f64 =
                        (0..n).map(|r| f64::from(a.row(r)[i]) * f64::from(b.row(r)[j])).sum();
                    assert!((product[i * 5 + j] - plain).abs() < 1e-9);
                }
            }
            let (x, y) = (Matrix::gaussian(1, n, 3), Matrix::gaussian(1, n, 4));
            let plain: f64 =
                x.data.iter().zip(&y.data).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
            assert!((f64::from(dot(&x.data, &y.data)) - plain).abs() < 1e-4);
            assert!((f64::from(dot_body::<PortableLanes>(&x.data, &y.data)) - plain).abs() < 1e-4);
        }
    }

    #[test]
    fn weighted_rows_add_up() {
        for cols in [1, 16, 17, 20, 32, 35, 48, 50, 64] {
            let matrix = Matrix::gaussian(9, cols, 1);
            let (rows, weights) = ([3_u32, 0, 8, 3], [0.5_f32, -1.0, 2.0, 4.0]);
            let mut out = vec![1.0; cols];
            add_rows(&matrix, &rows, &weights, &mut out);
            for (at, &found) in out.iter().enumerate() {
                let pairs = rows.iter().zip(weights);
                let sum: f32 = pairs.map(|(&row, w)| w * matrix.row(row as usize)[at]).sum();
                assert!((found - 1.0 - sum).abs() < 1e-5, "{found} for {}", 1.0 + sum);
            }
        }
    }

    #[test]
    fn random_matrices_depend_on_the_seed_alone() {
        let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let matrix = Matrix::gaussian(1000, 7, 42);
        assert_eq!(matrix, one_thread.install(|| Matrix::gaussian(1000, 7, 42)));
        assert_ne!(matrix, Matrix::gaussian(1000, 7, 43));
        let n = matrix.data.len() as f64;
        let mean = matrix.data.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
        let square = matrix.data.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / n;
        assert!(mean.abs() < 0.05 && (square - 1.0).abs() < 0.05, "{mean} {square}");
    }
}
