//! The inverse of a large symmetric positive definite matrix, in place and on all threads.
//!
//! The sweep operator (Beaton 1964; Goodnight 1979) on blocks of columns: with D the inverse of the
//! diagonal block, every other entry becomes A_ij − A_iK D A_Kj, the block's own columns A_iK D,
//! and its diagonal −D; when all blocks are swept, the matrix is −A⁻¹. Each step is one update of
//! the upper triangle, in tiles that stay in registers, and all steps take n³/2 multiply-adds, as a
//! Cholesky factorization and the inverse of its factor do.

use rayon::prelude::*;

use crate::linalg::cholesky::{self, BadPivot};
use crate::linalg::simd::{LANES, SimdLanes, dispatch, vectors, vectors_mut};

/// Columns that are swept at a time.
const BLOCK: usize = 256;
/// Columns of a panel.
const PANEL: usize = 2 * LANES;
/// Rows of a tile.
const ROWS: usize = 8;
/// Tiles that a thread takes at a time, one below another.
const BAND: usize = 8;

/// A square matrix in rows that are rounded up to whole panels; what is beyond is that of the
/// identity.
#[derive(Debug, Clone)]
pub(crate) struct SquareMatrix {
    n: usize,
    stride: usize,
    data: Vec<f32>,
}

impl SquareMatrix {
    /// Returns the bytes that a matrix of n × n takes.
    pub(crate) fn bytes(n: usize) -> u64 {
        let stride = n.next_multiple_of(PANEL) as u64;
        4 * stride * stride
    }

    /// Returns an `n` × `n` matrix whose upper triangle `fill` writes row by row, in parallel; each
    /// row is given from its diagonal entry on.
    pub(crate) fn from_upper_rows(n: usize, fill: impl Fn(usize, &mut [f32]) + Sync) -> Self {
        let stride = n.next_multiple_of(PANEL);
        let mut data = vec![0.0; stride * stride];
        data.par_chunks_mut(stride.max(1)).enumerate().for_each(|(i, row)| match i < n {
            true => fill(i, &mut row[i..n]),
            false => row[i] = 1.0,
        });
        Self { n, stride, data }
    }

    /// Returns a row; only what stands right of the diagonal is meant before the inversion.
    pub(crate) fn row(&self, i: usize) -> &[f32] {
        &self.data[i * self.stride..][..self.n]
    }

    /// Returns the rows for writing.
    pub(crate) fn par_rows_mut(&mut self) -> impl IndexedParallelIterator<Item = &mut [f32]> {
        let n = self.n;
        self.data.par_chunks_mut(self.stride.max(1)).take(n).map(move |row| &mut row[..n])
    }

    /// Replaces the matrix, of which the upper triangle is given, by its inverse.
    ///
    /// # Errors
    /// If it is not positive definite, with a pivot counted from 0.
    pub(crate) fn invert(&mut self) -> Result<(), BadPivot> {
        for first in (0..self.stride).step_by(BLOCK) {
            self.sweep(first, BLOCK.min(self.stride - first))?;
        }
        self.negate_and_mirror();
        Ok(())
    }

    fn sweep(&mut self, first: usize, width: usize) -> Result<(), BadPivot> {
        let stride = self.stride;
        let inverse = self.inverse_of_block(first, width)?;
        let columns = self.packed_columns(first, width);
        // D is symmetric: a band of its rows, column by column, is a band of its columns.
        let bands: Vec<f32> = (0..width)
            .step_by(ROWS)
            .flat_map(|i| (0..width).flat_map(move |k| (i..i + ROWS).map(move |i| (k, i))))
            .map(|(k, i)| inverse[k * width + i])
            .collect();
        let size = width * PANEL;
        let mut products = vec![0.0; columns.len()];
        products.par_chunks_mut(size).zip(columns.par_chunks(size)).for_each(|(out, columns)| {
            for (out, band) in out.chunks_mut(ROWS * PANEL).zip(bands.chunks(width * ROWS)) {
                add_product(out, PANEL, band, columns);
            }
        });
        let mut left = vec![0.0; columns.len()];
        left.par_chunks_mut(size).zip(products.par_chunks(size)).for_each(|(left, products)| {
            for (band, left) in left.chunks_mut(width * ROWS).enumerate() {
                let rows = products.chunks(PANEL).zip(left.chunks_mut(ROWS));
                rows.for_each(|(row, left)| {
                    let row = &row[band * ROWS..];
                    left.iter_mut().zip(row).for_each(|(left, product)| *left = -product);
                });
            }
        });
        self.data.par_chunks_mut(BAND * ROWS * stride).enumerate().for_each(|(band, rows)| {
            let from = band * BAND * ROWS;
            let left = &left[from * width..];
            for panel in from / PANEL..stride / PANEL {
                let right = &columns[panel * size..][..size];
                for (rows, left) in rows.chunks_mut(ROWS * stride).zip(left.chunks(width * ROWS)) {
                    add_product(&mut rows[panel * PANEL..], stride, left, right);
                }
            }
        });
        self.data.par_chunks_mut(stride).enumerate().for_each(|(i, row)| {
            let product = |k: usize, j: usize| products[j / PANEL * size + k * PANEL + j % PANEL];
            if i < first {
                for (k, out) in row[first..first + width].iter_mut().enumerate() {
                    *out = product(k, i);
                }
            } else if i < first + width {
                let k = i - first;
                let own = inverse[k * width..][..width].iter();
                row[first..].iter_mut().zip(own).for_each(|(out, inverse)| *out = -inverse);
                for (j, out) in row.iter_mut().enumerate().skip(first + width) {
                    *out = product(k, j);
                }
            }
        });
        Ok(())
    }

    /// Returns the inverse of a diagonal block, in double precision until it is rounded.
    fn inverse_of_block(&self, first: usize, width: usize) -> Result<Vec<f32>, BadPivot> {
        let mut factor: Vec<f64> = (0..width * width)
            .map(|at| (at / width, at % width))
            .map(|(i, j)| (first + i.min(j)) * self.stride + first + i.max(j))
            .map(|at| f64::from(self.data[at]))
            .collect();
        cholesky::factor(&mut factor, width).map_err(|BadPivot(at)| BadPivot(first + at))?;
        let columns = (0..width).into_par_iter().flat_map_iter(|i| {
            let mut column = vec![0.0; width];
            column[i] = 1.0;
            cholesky::solve(&factor, &mut column);
            column.into_iter().map(|x| x as f32)
        });
        Ok(columns.collect())
    }

    /// Returns some columns, transposed and in panels; the entries of the diagonal block are 0.
    fn packed_columns(&self, first: usize, width: usize) -> Vec<f32> {
        let size = width * PANEL;
        let mut out = vec![0.0; self.stride / PANEL * size];
        out.par_chunks_mut(size).enumerate().for_each(|(panel, out)| {
            let i = panel * PANEL;
            for (k, out) in out.chunks_mut(PANEL).enumerate() {
                for (lane, out) in out.iter_mut().enumerate() {
                    let (i, k) = (i + lane, first + k);
                    if i < first {
                        *out = self.data[i * self.stride + k];
                    } else if i >= first + width {
                        *out = self.data[k * self.stride + i];
                    }
                }
            }
        });
        out
    }

    fn negate_and_mirror(&mut self) {
        let stride = self.stride;
        self.data.par_iter_mut().for_each(|x| *x = -*x);
        for (i, j) in
            (0..stride).step_by(PANEL).flat_map(|i| (i..stride).step_by(PANEL).map(move |j| (i, j)))
        {
            for row in i..i + PANEL {
                for column in j.max(row + 1)..j + PANEL {
                    self.data[column * stride + row] = self.data[row * stride + column];
                }
            }
        }
    }
}

#[inline(always)]
fn tile<L: SimdLanes, const R: usize, const P: usize>(
    out: &mut [f32],
    stride: usize,
    (row, panel): (usize, usize),
    left: &[f32],
    right: &[f32],
) {
    let mut sums = [[L::splat(0.0); P]; R];
    let (left, right) = (left.as_chunks::<ROWS>().0, vectors(right).as_chunks::<2>().0);
    for (left, right) in left.iter().zip(right) {
        let right: [L; P] = std::array::from_fn(|p| L::load(&right[panel + p]));
        for (sums, &left) in sums.iter_mut().zip(&left[row..row + R]) {
            let left = L::splat(left);
            for (sum, &right) in sums.iter_mut().zip(&right) {
                *sum = left.mul_add(right, *sum);
            }
        }
    }
    for (out, sums) in out.chunks_mut(stride).skip(row).zip(sums) {
        for (out, sum) in vectors_mut(&mut out[..PANEL])[panel..].iter_mut().zip(sums) {
            sum.add_to(out);
        }
    }
}

#[inline(always)]
fn add_product_body<L: SimdLanes>(out: &mut [f32], stride: usize, left: &[f32], right: &[f32]) {
    if L::HAS_32_REGISTERS {
        tile::<L, 8, 2>(out, stride, (0, 0), left, right);
    } else {
        for part in [(0, 0), (0, 1), (4, 0), (4, 1)] {
            tile::<L, 4, 1>(out, stride, part, left, right);
        }
    }
}

dispatch! {
    /// Adds Σ l rᵀ over pairs of columns l of 8 entries and rows r of 32 to a tile, whose rows are
    /// `stride` apart.
    fn add_product(out: &mut [f32], stride: usize, left: &[f32], right: &[f32]) = add_product_body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::blocks::Threads;
    use crate::linalg::dense::Matrix;
    use crate::linalg::simd::every_instruction_set;

    fn positive_definite(n: usize) -> (Vec<f64>, SquareMatrix) {
        let rows = Matrix::gaussian(2 * n, n, 3);
        let a = rows.transposed_times(&rows, Threads::Pool);
        let matrix = SquareMatrix::from_upper_rows(n, |i, row| {
            row.iter_mut().zip(&a[i * n + i..]).for_each(|(out, &a)| *out = a as f32);
        });
        (a, matrix)
    }

    #[test]
    fn the_inverse_times_the_matrix_is_the_identity() {
        for n in [1, 31, 32, 33, 256, 300, 600] {
            let (a, mut matrix) = positive_definite(n);
            matrix.invert().unwrap();
            for i in 0..n {
                let inverse: Vec<f64> = matrix.row(i).iter().map(|&x| f64::from(x)).collect();
                for j in 0..n {
                    let sum: f64 = inverse.iter().zip(&a[j * n..]).map(|(x, a)| x * a).sum();
                    let wanted = if i == j { 1.0 } else { 0.0 };
                    assert!((sum - wanted).abs() < 1e-3, "n={n} {i},{j}: {sum}");
                    assert_eq!(matrix.row(i)[j].to_bits(), matrix.row(j)[i].to_bits());
                }
            }
        }
    }

    #[test]
    fn a_matrix_that_is_not_positive_definite_is_refused() {
        let mut matrix = positive_definite(300).1;
        matrix.data[280 * matrix.stride + 280] = -1.0;
        assert_eq!(matrix.invert(), Err(BadPivot(280)));
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        let (left, right) = (Matrix::gaussian(40, 8, 1).data, Matrix::gaussian(40, 32, 2).data);
        let plain = |i: usize, j: usize| -> f32 {
            (0..40).fold(0.0, |sum, k| left[k * 8 + i].mul_add(right[k * 32 + j], sum))
        };
        type Product = fn(&mut [f32], usize, &[f32], &[f32]);
        every_instruction_set!(add_product_body, |product: Product| {
            let mut out = vec![0.0_f32; 8 * 50];
            product(&mut out, 50, &left, &right);
            for (i, j) in (0..8).flat_map(|i| (0..32).map(move |j| (i, j))) {
                assert_eq!(out[i * 50 + j].to_bits(), plain(i, j).to_bits(), "{i},{j}");
            }
        });
    }
}
