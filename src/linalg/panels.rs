//! Products of a few vectors with very many rows, of which only the best few of each vector are
//! wanted.
//!
//! The rows that can have large products come first, and a block of rows is pruned for a
//! vector that has better ones than any of them could be: their products are at most the product of
//! the lengths (as in LEMP, Teflioudi, Gemulla & Mykytiuk 2015). The result is the same as without.
//!
//! The rows are kept in panels of 16, each stored column by column, so that a vector's products
//! with a panel are formed side by side and nothing is summed across a register. Several vectors
//! are multiplied at a time, with all sums in registers (Goto & van de Geijn 2008), and a product
//! is checked again only if it beats the vector's worst kept one.

use rayon::prelude::*;

use crate::linalg::dense::{Matrix, dot};
use crate::linalg::score_counts::ScoreCounts;
use crate::linalg::simd::{LANES, SimdLanes, dispatch, vectors};
use crate::linalg::topk::{ScoredIndex, TopKHeap};

/// Rows whose products are formed before they are compared: with 64 columns, they fill half of a
/// second-level cache.
const TILE: usize = 16 * LANES;

/// More than rounding adds to a product, relative to the product of the lengths.
const ROUNDING: f32 = 1e-4;

/// Rows in panels.
#[derive(Debug, Clone, Default)]
pub struct PackedRows {
    /// Columns of the matrices that stand side by side.
    widths: Vec<usize>,
    /// Which row stands where, and where each row stands.
    rows: Vec<u32>,
    places: Vec<u32>,
    data: Vec<f32>,
    tiles: Vec<BlockBound>,
}

/// The most that some rows have.
#[derive(Debug, Clone, PartialEq)]
struct BlockBound {
    /// Length of their part in each of the matrices.
    lengths: Vec<f32>,
}

fn length(values: &[f32]) -> f32 {
    dot(values, values).sqrt()
}

impl PackedRows {
    /// Takes the rows that `rows` names, numbered in that order, of matrices that stand side by
    /// side.
    #[must_use]
    pub fn new(matrices: &[&Matrix], rows: &[u32]) -> Self {
        let widths: Vec<usize> = matrices.iter().map(|matrix| matrix.cols).collect();
        let cols: usize = widths.iter().sum();
        let n = matrices.len();
        let mut lengths = vec![0.0; rows.len() * n];
        lengths.par_chunks_mut(n).zip(rows).for_each(|(out, &row)| {
            let parts = matrices.iter().map(|matrix| length(matrix.row(row as usize)));
            out.iter_mut().zip(parts).for_each(|(out, part)| *out = part);
        });
        let lengths_of = |row: usize| &lengths[row * n..][..n];
        let most_of = |some: &[u32]| {
            BlockBound::from_rows(some.iter().map(|&row| lengths_of(row as usize)), n)
        };
        let mut order: Vec<u32> = (0..rows.len() as u32).collect();
        let most = most_of(&order);
        // Whose products are largest depends on the vector; what is large in all respects comes
        // first.
        let promise = |row: usize| {
            let share = |(value, most): (&f32, &f32)| if *most > 0.0 { value / most } else { 0.0 };
            lengths_of(row).iter().zip(&most.lengths).map(share).sum::<f32>()
        };
        let promises: Vec<f32> = (0..rows.len()).map(promise).collect();
        order.par_sort_unstable_by(|&a, &b| {
            promises[b as usize].total_cmp(&promises[a as usize]).then(a.cmp(&b))
        });
        let mut places = vec![0; rows.len()];
        order.iter().zip(0..).for_each(|(&row, place)| places[row as usize] = place);
        let n_panels = rows.len().div_ceil(LANES);
        let mut data = vec![0.0; n_panels * LANES * cols];
        data.par_chunks_mut((LANES * cols).max(1)).zip(order.par_chunks(LANES)).for_each(
            |(panel, order)| {
                for (lane, &row) in order.iter().enumerate() {
                    let row = rows[row as usize] as usize;
                    let values = matrices.iter().flat_map(|matrix| matrix.row(row));
                    for (column, &value) in values.enumerate() {
                        panel[column * LANES + lane] = value;
                    }
                }
            },
        );
        let tiles = order.chunks(TILE).map(most_of).collect();
        Self { widths, rows: order, places, data, tiles }
    }

    fn cols(&self) -> usize {
        self.widths.iter().sum()
    }

    /// Returns the product of a vector with a row; a vector that is shorter than the rows is
    /// multiplied with their first entries.
    #[must_use]
    pub fn product(&self, vector: &[f32], row: usize) -> f32 {
        let place = self.places[row] as usize;
        in_order(&self.data[place / LANES * LANES * self.cols()..], place % LANES, vector)
    }

    /// Returns the `n` best rows of each vector, of equal ones the first; `fits` is called
    /// with a vector and a row, and only where the row could be among the best.
    pub fn best(
        &self,
        asked: &[VectorQuery<'_>],
        n: usize,
        mut fits: impl FnMut(usize, u32) -> bool,
    ) -> Vec<FoundRows> {
        let cols = self.cols();
        let mut found: Vec<VectorState> =
            asked.iter().map(|query| VectorState::new(self, query, n)).collect();
        let (mut active, mut vectors) = (Vec::with_capacity(asked.len()), Vec::new());
        let mut out = vec![0.0; asked.len() * TILE];
        for (tile, rows) in self.rows.chunks(TILE).enumerate() {
            let width = rows.len().next_multiple_of(LANES);
            let data = &self.data[tile * TILE * cols..][..width * cols];
            active.clear();
            vectors.clear();
            for (at, (state, query)) in found.iter().zip(asked).enumerate() {
                if state.needs(&self.tiles[tile]) {
                    active.push(at);
                    vectors.extend_from_slice(query.vector);
                }
            }
            let out = &mut out[..active.len() * width];
            products(data, width, &vectors, cols, out);
            for (&at, scores) in active.iter().zip(out.chunks_mut(width)) {
                // What only fills a panel up is no row.
                found[at].take(tile * TILE, rows, &mut scores[..rows.len()], |row| fits(at, row));
            }
        }
        found.into_iter().map(VectorState::into_found).collect()
    }

    /// Returns the length of a vector's part in each of the matrices.
    fn lengths(&self, mut vector: &[f32]) -> Vec<f32> {
        let part = |&width: &usize| length(vector.split_off(..width).expect("it has all columns"));
        self.widths.iter().map(part).collect()
    }
}

/// A query against the products of a vector with all rows.
#[derive(Debug, Clone, Copy)]
pub struct VectorQuery<'a> {
    /// As many entries as the rows have.
    pub vector: &'a [f32],
    /// Rows whose products are counted among those of all rows but `left_out`; counting costs the
    /// products that the best rows do not need.
    pub counted: &'a [u32],
    /// Rows that are neither listed nor counted.
    pub left_out: &'a [u32],
}

impl<'a> VectorQuery<'a> {
    /// Asks for the best rows alone.
    #[must_use]
    pub fn new(vector: &'a [f32]) -> Self {
        Self { vector, counted: &[], left_out: &[] }
    }
}

/// What a vector was found to have.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundRows {
    /// The best rows, best first.
    pub best: Vec<ScoredIndex>,
    /// Counts of the products of [`VectorQuery::counted`].
    pub counts: Vec<ScoreCounts>,
}

/// A vector on its way through the tiles.
struct VectorState {
    lengths: Vec<f32>,
    best: TopKHeap,
    /// What a product must reach to be among the best.
    bound: f32,
    /// Where the rows stand that are left out, ascending, as far as they are to come.
    left_out: std::iter::Peekable<std::vec::IntoIter<u32>>,
    counts: Vec<ScoreCounts>,
}

impl VectorState {
    fn new(rows: &PackedRows, query: &VectorQuery<'_>, n: usize) -> Self {
        let mut left_out: Vec<u32> =
            query.left_out.iter().map(|&row| rows.places[row as usize]).collect();
        left_out.sort_unstable();
        let count = |&row: &u32| ScoreCounts::new(rows.product(query.vector, row as usize));
        Self {
            lengths: rows.lengths(query.vector),
            best: TopKHeap::new(n),
            bound: if n > 0 { f32::NEG_INFINITY } else { f32::INFINITY },
            left_out: left_out.into_iter().peekable(),
            counts: query.counted.iter().map(count).collect(),
        }
    }

    /// Whether the products of a tile say anything.
    fn needs(&self, tile: &BlockBound) -> bool {
        !self.counts.is_empty() || tile.product(&self.lengths) >= self.bound
    }

    /// Takes the products of the rows of a tile, the first of which stands at `first`.
    fn take(
        &mut self,
        first: usize,
        rows: &[u32],
        scores: &mut [f32],
        mut fits: impl FnMut(u32) -> bool,
    ) {
        let end = (first + rows.len()) as u32;
        while let Some(place) = self.left_out.next_if(|&place| place < end) {
            // An earlier tile may have been pruned.
            if let Some(score) = (place as usize).checked_sub(first).map(|at| &mut scores[at]) {
                *score = f32::NAN;
            }
        }
        self.counts.iter_mut().for_each(|counts| counts.add(scores));
        let mut from = 0;
        while let Some(next) = next_from(&scores[from..], self.bound) {
            let row = rows[from + next];
            if fits(row) {
                let score = scores[from + next];
                self.bound = self.best.push(ScoredIndex { ix: row, score }).unwrap_or(self.bound);
            }
            from += next + 1;
        }
    }

    fn into_found(self) -> FoundRows {
        FoundRows { best: self.best.into_sorted(), counts: self.counts }
    }
}

impl BlockBound {
    fn from_rows<'a>(some: impl Iterator<Item = &'a [f32]>, n_lengths: usize) -> Self {
        some.fold(Self { lengths: vec![0.0; n_lengths] }, |mut most, lengths| {
            most.lengths.iter_mut().zip(lengths).for_each(|(most, own)| *most = most.max(*own));
            most
        })
    }

    /// Returns what no product of a vector whose parts have these lengths exceeds.
    fn product(&self, lengths: &[f32]) -> f32 {
        let product: f32 = self.lengths.iter().zip(lengths).map(|(a, b)| a * b).sum();
        product + ROUNDING * product
    }
}

/// Writes the products of `U` vectors with `P` panels at a time; every sum runs over the columns in
/// order, whatever the shape.
#[inline(always)]
fn block<L: SimdLanes, const U: usize, const P: usize>(
    data: &[f32],
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
            let out = out[u * width + at..].first_chunk_mut().expect("panels are whole");
            sum.store(out);
        }
    }
}

#[inline(always)]
fn rows_of_blocks<L: SimdLanes, const U: usize, const P: usize>(
    (data, width): (&[f32], usize),
    some: &[f32],
    cols: usize,
    out: &mut [f32],
) {
    let n_panels = width / LANES;
    let mut first = 0;
    while first + P <= n_panels {
        block::<L, U, P>(data, some, cols, (first, width), out);
        first += P;
    }
    while first < n_panels {
        block::<L, U, 1>(data, some, cols, (first, width), out);
        first += 1;
    }
}

#[inline(always)]
fn products_body<L: SimdLanes>(
    data: &[f32],
    width: usize,
    some: &[f32],
    cols: usize,
    out: &mut [f32],
) {
    if cols == 0 {
        return out.fill(0.0);
    }
    let together = if L::HAS_32_REGISTERS { 8 } else { 2 };
    let whole = some.len() / cols / together * together;
    let (some, some_rest) = some.split_at(whole * cols);
    let (out, out_rest) = out.split_at_mut(whole * width);
    let tile = (data, width);
    for (some, out) in some.chunks(together * cols).zip(out.chunks_mut((together * width).max(1))) {
        if L::HAS_32_REGISTERS {
            rows_of_blocks::<L, 8, 2>(tile, some, cols, out);
        } else {
            rows_of_blocks::<L, 2, 2>(tile, some, cols, out);
        }
    }
    for (some, out) in some_rest.chunks(cols).zip(out_rest.chunks_mut(width.max(1))) {
        if L::HAS_32_REGISTERS {
            rows_of_blocks::<L, 1, 8>(tile, some, cols, out);
        } else {
            rows_of_blocks::<L, 1, 4>(tile, some, cols, out);
        }
    }
}

dispatch! {
    /// Writes the products of vectors with panels, vector after vector.
    fn products(data: &[f32], width: usize, some: &[f32], cols: usize, out: &mut [f32]) = products_body
}

#[inline(always)]
fn in_order_body<L: SimdLanes>(panel: &[f32], lane: usize, vector: &[f32]) -> f32 {
    let values = panel.chunks_exact(LANES).map(|column| column[lane]);
    values.zip(vector).fold(0.0, |sum, (value, &x)| L::fma(x, value, sum))
}

dispatch! {
    /// Returns a vector's product with one lane of a panel, summed up as [`products`] does.
    fn in_order(panel: &[f32], lane: usize, vector: &[f32]) -> f32 = in_order_body
}

/// Returns the product of a vector with each of some rows of matrices that stand side by side, bit
/// by bit as [`PackedRows`] has it: for one vector, packing the rows would cost more than their
/// products.
#[must_use]
pub fn products_of_rows(matrices: &[&Matrix], rows: &[u32], vector: &[f32]) -> Vec<f32> {
    let mut sums = vec![0.0; rows.len()];
    sums.par_chunks_mut(TILE).zip(rows.par_chunks(TILE)).for_each(|(sums, rows)| {
        let mut vector = vector;
        for matrix in matrices {
            let part = vector.split_off(..matrix.cols).expect("it has all columns");
            add_products(matrix, rows, part, sums);
        }
    });
    sums
}

#[inline(always)]
fn add_products_body<L: SimdLanes>(
    matrix: &Matrix,
    rows: &[u32],
    vector: &[f32],
    sums: &mut [f32],
) {
    /// Sums that do not wait for each other.
    const CHAINS: usize = 8;
    let (rows, rows_rest) = rows.as_chunks::<CHAINS>();
    let (sums, sums_rest) = sums.as_chunks_mut::<CHAINS>();
    for (rows, out) in rows.iter().zip(sums) {
        // Slices of one length that is known here, and sums that are no memory.
        let [a, b, c, d, e, f, g, h] = rows.map(|row| &matrix.row(row as usize)[..vector.len()]);
        let mut sums = *out;
        for (column, &x) in vector.iter().enumerate() {
            let values = [
                a[column], b[column], c[column], d[column], e[column], f[column], g[column],
                h[column],
            ];
            for chain in 0..CHAINS {
                sums[chain] = L::fma(x, values[chain], sums[chain]);
            }
        }
        *out = sums;
    }
    for (&row, sum) in rows_rest.iter().zip(sums_rest) {
        for (&x, &value) in vector.iter().zip(matrix.row(row as usize)) {
            *sum = L::fma(x, value, *sum);
        }
    }
}

dispatch! {
    /// Adds a vector's products with rows to `sums`, column after column.
    fn add_products(matrix: &Matrix, rows: &[u32], vector: &[f32], sums: &mut [f32]) = add_products_body
}

#[inline(always)]
fn next_from_body<L: SimdLanes>(scores: &[f32], bound: f32) -> Option<usize> {
    let mut from = 0;
    for sixteen in scores.as_chunks::<LANES>().0 {
        if sixteen.iter().fold(false, |any, &score| any | (score >= bound)) {
            break;
        }
        from += LANES;
    }
    Some(from + scores[from..].iter().position(|&score| score >= bound)?)
}

dispatch! {
    /// Returns where the first score is that reaches a bound.
    fn next_from(scores: &[f32], bound: f32) -> Option<usize> = next_from_body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::simd::every_instruction_set;
    use crate::linalg::topk::top;

    #[test]
    fn the_best_are_those_of_plain_products() {
        let shapes =
            [(1, 3, 1), (300, 16, 1), (3000, 7, 21), (3000, 1, 9), (700, 64, 8), (40, 0, 0)];
        for (rows, cols, m) in shapes {
            let mut matrix = Matrix::gaussian(rows, cols, 5);
            // Some rows are longer than others, so that most cannot be among the best, and some are
            // equal; or the best are anywhere.
            for row in 0..rows {
                let scale = 1.0 / (1 + row * 7 % 50) as f32;
                let scaled = |x: f32| (x * 4.0).round() * scale;
                let near_one = |x: f32| 1.0 + 0.01 * x;
                let change = |x: &mut f32| *x = if cols == 1 { near_one(*x) } else { scaled(*x) };
                matrix.row_mut(row).iter_mut().for_each(change);
            }
            let more = Matrix::gaussian(rows, 2, 9);
            let mut some = Matrix::gaussian(m, cols + if cols > 0 { 2 } else { 0 }, 6);
            // Some look at one column alone, so that a row's length is all that counts.
            for row in 0..m / 2 {
                some.row_mut(row)[1..].fill(0.0);
                some.row_mut(row)[0] *= 30.0;
            }
            let ids: Vec<u32> = (0..rows as u32).filter(|row| row % 5 != 3).collect();
            let both = [&matrix, &more];
            let parts = if cols > 0 { &both[..] } else { &both[..1] };
            let panels = PackedRows::new(parts, &ids);
            let fits = |at: usize, row: u32| !(at as u32 + row).is_multiple_of(3);
            let counted: Vec<u32> = (0..ids.len() as u32).step_by(7).collect();
            let left_out: Vec<u32> = (0..ids.len() as u32).rev().step_by(5).collect();
            let query = |at: usize| match at % 2 {
                0 => VectorQuery::new(some.row(at)),
                _ => VectorQuery { vector: some.row(at), counted: &counted, left_out: &left_out },
            };
            let queries: Vec<VectorQuery<'_>> = (0..m).map(query).collect();
            let lists = panels.best(&queries, 10, fits);
            assert_eq!(lists.len(), m);
            for (at, FoundRows { best: list, counts }) in lists.iter().enumerate() {
                let x = some.row(at);
                let left_out = queries[at].left_out;
                let score = |(row, &id): (usize, &u32)| {
                    let product = panels.product(x, row);
                    let values = parts.iter().flat_map(|matrix| matrix.row(id as usize));
                    let dot: f32 = x.iter().zip(values).map(|(a, b)| a * b).sum();
                    assert!((product - dot).abs() < 1e-4, "{rows} {cols}: {product} for {dot}");
                    ScoredIndex { ix: row as u32, score: product }
                };
                let all =
                    || ids.iter().enumerate().map(score).filter(|one| !left_out.contains(&one.ix));
                let best = top(all().filter(|one| fits(at, one.ix)), 10);
                assert_eq!(counts.len(), queries[at].counted.len());
                for (&row, counts) in counted.iter().zip(counts) {
                    let own = panels.product(x, row as usize);
                    let count = |below: fn(f32, f32) -> bool| {
                        all().filter(|one| below(one.score, own)).count() as u32
                    };
                    let wanted = ScoreCounts {
                        score: own,
                        lower: count(|a, b| a < b),
                        not_higher: count(|a, b| a <= b),
                    };
                    assert_eq!(*counts, wanted);
                }
                let alone = products_of_rows(parts, &ids, x);
                for (row, product) in alone.into_iter().enumerate() {
                    assert_eq!(product.to_bits(), panels.product(x, row).to_bits());
                }
                let exactly = |list: &[ScoredIndex]| -> Vec<(u32, u32)> {
                    list.iter().map(|one| (one.ix, one.score.to_bits())).collect()
                };
                assert_eq!(exactly(list), exactly(&best), "{rows} {cols}");
                assert_eq!(panels.product(&x[..1], 0), x[0] * matrix.row(ids[0] as usize)[0]);
            }
        }
    }

    #[test]
    fn rows_that_cannot_be_among_the_best_are_passed_over() {
        let mut matrix = Matrix::gaussian(4 * TILE, 8, 1);
        for row in 0..matrix.rows {
            let scale = if row % 4 == 2 { 1.0 } else { 1e-3 };
            matrix.row_mut(row).iter_mut().for_each(|x| *x *= scale);
        }
        let ids: Vec<u32> = (0..matrix.rows as u32).collect();
        let mut panels = PackedRows::new(&[&matrix], &ids);
        let query = [VectorQuery::new(matrix.row(2))];
        let lists = panels.best(&query, 3, |_, _| true);
        assert_eq!((lists[0].best.len(), lists[0].best[0].ix), (3, 2));
        // Who looks at the others finds them better than any.
        panels.data[TILE * 8..].fill(1e9);
        assert_eq!(panels.best(&query, 3, |_, _| true), lists);
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        let (matrix, some) = (Matrix::gaussian(100, 19, 1), Matrix::gaussian(11, 19, 2));
        let ids: Vec<u32> = (0..100).collect();
        let panels = PackedRows::new(&[&matrix], &ids);
        let width = 112;
        type Products = fn(&[f32], usize, &[f32], usize, &mut [f32]);
        every_instruction_set!(products_body, |products: Products| {
            let mut out = vec![0.0_f32; 11 * width];
            products(&panels.data, width, &some.data, 19, &mut out);
            for (out, vector) in out.chunks_exact(width).zip(some.iter_rows()) {
                for row in 0..100 {
                    let product = panels.product(vector, row);
                    let place = panels.places[row] as usize;
                    assert_eq!(out[place].to_bits(), product.to_bits(), "row {row}");
                }
            }
        });
    }
}
