//! Products of a few vectors with very many rows, of which only the best few of each vector are wanted.
//!
//! The rows are kept in panels of 16, each stored column by column, so that a vector's products with a panel
//! are formed side by side and nothing is summed across a register. Several vectors are multiplied at a time, with all
//! sums in registers (Goto & van de Geijn 2008), and a product is looked at again only if it beats the vector's
//! worst kept one.

use rayon::prelude::*;

use crate::linalg::dense::Matrix;
use crate::linalg::simd::{LANES, Lanes, dispatch, mul_add, vectors};
use crate::linalg::topk::{Best, Scored};

/// Rows whose products are formed before they are looked at: with 64 columns, they fill half of a second-level cache.
const TILE: usize = 16 * LANES;

/// Rows in panels, with a number for each that is added to its products.
#[derive(Debug, Clone, Default)]
pub struct Panels {
    n_rows: usize,
    cols: usize,
    data: Vec<f32>,
    bonus: Vec<f32>,
}

impl Panels {
    /// Takes the rows of a matrix that `rows` names, in that order; `bonus` has an entry for each row of the matrix, or none at all.
    #[must_use]
    pub fn new(matrix: &Matrix, rows: &[u32], bonus: &[f32]) -> Self {
        let cols = matrix.cols;
        let n_panels = rows.len().div_ceil(LANES);
        let mut data = vec![0.0; n_panels * LANES * cols];
        data.par_chunks_mut((LANES * cols).max(1)).zip(rows.par_chunks(LANES)).for_each(
            |(panel, rows)| {
                for (lane, &row) in rows.iter().enumerate() {
                    for (column, &value) in matrix.row(row as usize).iter().enumerate() {
                        panel[column * LANES + lane] = value;
                    }
                }
            },
        );
        let mut own: Vec<f32> = match bonus {
            [] => vec![0.0; rows.len()],
            bonus => rows.iter().map(|&row| bonus[row as usize]).collect(),
        };
        // What only fills a panel up is never among the best.
        own.resize(n_panels * LANES, f32::NEG_INFINITY);
        Self { n_rows: rows.len(), cols, data, bonus: own }
    }

    /// Returns the product of a vector with each row, in order.
    #[must_use]
    pub fn scores(&self, vector: &[f32]) -> Vec<f32> {
        let mut out = vec![0.0; self.bonus.len()];
        products(&self.data, &self.bonus, vector, self.cols, &mut out);
        out.truncate(self.n_rows);
        out
    }

    /// Returns the product of a vector with one row as [`Self::scores`] has it, without its bonus.
    #[must_use]
    pub fn product(&self, vector: &[f32], row: usize) -> f32 {
        in_order(&self.data[row / LANES * LANES * self.cols..], row % LANES, vector)
    }

    /// Returns the `n` best rows of each of some vectors, which stand one after another; `fits` is asked of a vector and a
    /// row, which it gets in ascending order, and only where the row could be among the best.
    pub fn best(
        &self,
        some: &[f32],
        n: usize,
        mut fits: impl FnMut(usize, u32) -> bool,
    ) -> Vec<Vec<Scored>> {
        let m = some.len() / self.cols.max(1);
        let mut lists = vec![(Best::new(n), f32::NEG_INFINITY); m];
        let mut out = vec![0.0; m * TILE];
        let tiles = self.data.chunks((TILE * self.cols).max(1)).zip(self.bonus.chunks(TILE));
        for (tile, (data, bonus)) in tiles.enumerate() {
            let width = bonus.len();
            let out = &mut out[..m * width];
            products(data, bonus, some, self.cols, out);
            for (at, (scores, (best, bound))) in out.chunks(width).zip(&mut lists).enumerate() {
                let mut from = 0;
                // Of equal scores the lower row wins, and it came before.
                while let Some(next) = next_above(&scores[from..], *bound) {
                    let row = (tile * TILE + from + next) as u32;
                    if n > 0 && fits(at, row) {
                        let score = scores[from + next];
                        *bound = best.push(Scored { ix: row, score }).unwrap_or(*bound);
                    }
                    from += next + 1;
                }
            }
        }
        lists.into_iter().map(|(best, _)| best.into_sorted()).collect()
    }
}

/// Writes the products of `U` vectors with `P` panels at a time; every sum runs over the columns in order, whatever the shape.
#[inline(always)]
fn block<L: Lanes, const U: usize, const P: usize>(
    (data, bonus): (&[f32], &[f32]),
    some: &[f32],
    cols: usize,
    (first, width): (usize, usize),
    out: &mut [f32],
) {
    let panels: [&[[f32; LANES]]; P] =
        std::array::from_fn(|p| &vectors(&data[(first + p) * cols * LANES..])[..cols]);
    let some: [&[f32]; U] = std::array::from_fn(|u| &some[u * cols..][..cols]);
    let mut sums = [[L::splat(0.0); P]; U];
    for column in 0..cols {
        let row: [L; P] = std::array::from_fn(|p| L::load(&panels[p][column]));
        for (sums, vector) in sums.iter_mut().zip(some) {
            let value = L::splat(vector[column]);
            for (sum, &row) in sums.iter_mut().zip(&row) {
                *sum = value.mul_add(row, *sum);
            }
        }
    }
    for (u, sums) in sums.into_iter().enumerate() {
        for (p, sum) in sums.into_iter().enumerate() {
            let at = (first + p) * LANES;
            let bonus = L::load(bonus[at..].first_chunk().expect("panels are whole"));
            let out = out[u * width + at..].first_chunk_mut().expect("panels are whole");
            sum.add(bonus).store(out);
        }
    }
}

#[inline(always)]
fn rows_of_blocks<L: Lanes, const U: usize, const P: usize>(
    tile: (&[f32], &[f32]),
    some: &[f32],
    cols: usize,
    out: &mut [f32],
) {
    let width = tile.1.len();
    let n_panels = width / LANES;
    let mut first = 0;
    while first + P <= n_panels {
        block::<L, U, P>(tile, some, cols, (first, width), out);
        first += P;
    }
    while first < n_panels {
        block::<L, U, 1>(tile, some, cols, (first, width), out);
        first += 1;
    }
}

#[inline(always)]
fn products_body<L: Lanes>(
    data: &[f32],
    bonus: &[f32],
    some: &[f32],
    cols: usize,
    out: &mut [f32],
) {
    let width = bonus.len();
    if cols == 0 {
        out.chunks_mut(width.max(1)).for_each(|out| out.copy_from_slice(bonus));
        return;
    }
    let together = if L::MANY { 8 } else { 2 };
    let whole = some.len() / cols / together * together;
    let (some, some_rest) = some.split_at(whole * cols);
    let (out, out_rest) = out.split_at_mut(whole * width);
    let tile = (data, bonus);
    for (some, out) in some.chunks(together * cols).zip(out.chunks_mut((together * width).max(1))) {
        if L::MANY {
            rows_of_blocks::<L, 8, 2>(tile, some, cols, out);
        } else {
            rows_of_blocks::<L, 2, 2>(tile, some, cols, out);
        }
    }
    for (some, out) in some_rest.chunks(cols).zip(out_rest.chunks_mut(width.max(1))) {
        if L::MANY {
            rows_of_blocks::<L, 1, 8>(tile, some, cols, out);
        } else {
            rows_of_blocks::<L, 1, 4>(tile, some, cols, out);
        }
    }
}

dispatch! {
    /// Writes the products of vectors with panels, vector after vector.
    fn products(data: &[f32], bonus: &[f32], some: &[f32], cols: usize, out: &mut [f32]) = products_body
}

#[inline(always)]
fn in_order_body<L: Lanes>(panel: &[f32], lane: usize, vector: &[f32]) -> f32 {
    let values = panel.chunks_exact(LANES).map(|column| column[lane]);
    values.zip(vector).fold(0.0, |sum, (value, &x)| mul_add::<L>(x, value, sum))
}

dispatch! {
    /// Returns a vector's product with one lane of a panel, summed up as [`products`] does.
    fn in_order(panel: &[f32], lane: usize, vector: &[f32]) -> f32 = in_order_body
}

#[inline(always)]
fn next_above_body<L: Lanes>(scores: &[f32], bound: f32) -> Option<usize> {
    let mut from = 0;
    for sixteen in scores.as_chunks::<LANES>().0 {
        if sixteen.iter().fold(false, |any, &score| any | (score > bound)) {
            break;
        }
        from += LANES;
    }
    Some(from + scores[from..].iter().position(|&score| score > bound)?)
}

dispatch! {
    /// Returns where the first score above a bound is.
    fn next_above(scores: &[f32], bound: f32) -> Option<usize> = next_above_body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::simd::Plain;
    use crate::linalg::topk::top;

    #[test]
    fn the_best_are_those_of_plain_products() {
        for (rows, cols, m) in [(1, 3, 1), (300, 16, 1), (1000, 7, 21), (700, 64, 8), (40, 0, 0)] {
            let matrix = Matrix::gaussian(rows, cols, 5);
            let some = Matrix::gaussian(m, cols, 6);
            let bonus: Vec<f32> = (0..rows).map(|row| (row % 7) as f32 * 0.1).collect();
            let ids: Vec<u32> = (0..rows as u32).filter(|row| row % 5 != 3).collect();
            let panels = Panels::new(&matrix, &ids, &bonus);
            let fits = |at: usize, row: u32| !(at as u32 + row).is_multiple_of(3);
            let lists = panels.best(&some.data, 10, fits);
            assert_eq!(lists.len(), m);
            for (at, list) in lists.iter().enumerate() {
                let x = some.row(at);
                let scores = panels.scores(x);
                assert_eq!(scores.len(), ids.len());
                for (&score, &row) in scores.iter().zip(&ids) {
                    let dot: f32 = x.iter().zip(matrix.row(row as usize)).map(|(a, b)| a * b).sum();
                    assert!((score - dot - bonus[row as usize]).abs() < 1e-4);
                }
                let all = scores.iter().zip(0..).map(|(&score, ix)| Scored { ix, score });
                assert_eq!(list, &top(all.filter(|one| fits(at, one.ix)), 10), "{rows} {cols}");
                for one in list {
                    let product = panels.product(x, one.ix as usize);
                    let bonus = bonus[ids[one.ix as usize] as usize];
                    assert_eq!((product + bonus).to_bits(), one.score.to_bits());
                }
            }
        }
    }

    #[test]
    fn every_kind_of_lanes_gives_the_same() {
        let (matrix, some) = (Matrix::gaussian(100, 19, 1), Matrix::gaussian(11, 19, 2));
        let ids: Vec<u32> = (0..100).collect();
        let panels = Panels::new(&matrix, &ids, &[]);
        let width = panels.bonus.len();
        type Products = fn(&[f32], &[f32], &[f32], usize, &mut [f32]);
        let with = |products: Products| {
            let mut out = vec![0.0; 11 * width];
            products(&panels.data, &panels.bonus, &some.data, 19, &mut out);
            out
        };
        let chosen = with(products);
        let mut others = vec![with(products_body::<Plain<false>>)];
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            others.push(with(products_body::<crate::linalg::simd::Avx2>));
        }
        for other in others {
            assert!(chosen.iter().zip(&other).all(|(a, b)| a == b || (a - b).abs() < 1e-4));
        }
    }
}
