//! Finds the neighbours of every row.

use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use crate::dataset::matrix::InteractionMatrix;
use crate::linalg::simd::prefetch;
use crate::linalg::sparse::CsrView;

use crate::linalg::topk::{ScoredIndex, TopKHeap};
use crate::model::algorithm::Algorithm;
use crate::model::cosine::params::{CosineParams, NeighborSide};
use crate::model::error::ModelError;
use crate::progress::Progress;

/// The most similar rows of each row, best first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NeighborLists {
    /// Where each row's neighbours start, and the end of the last.
    pub starts: Vec<usize>,
    /// Neighbours with their similarities.
    pub pairs: Vec<ScoredIndex>,
}

impl NeighborLists {
    /// Joins the neighbours of all rows.
    #[must_use]
    pub fn from_rows(rows: impl IntoIterator<Item = Vec<ScoredIndex>>) -> Self {
        let mut all = Self { starts: vec![0], pairs: Vec::new() };
        for row in rows {
            all.pairs.extend(row);
            all.starts.push(all.pairs.len());
        }
        all
    }

    /// Sorts pairs into their rows, where they keep their order; `rows` has the row of each pair.
    #[must_use]
    pub fn from_pairs(
        n_rows: usize,
        rows: &[u32],
        pairs: impl Iterator<Item = ScoredIndex>,
    ) -> Self {
        let mut starts = vec![0; n_rows + 1];
        rows.iter().for_each(|&row| starts[row as usize + 1] += 1);
        for row in 0..n_rows {
            starts[row + 1] += starts[row];
        }
        let mut next = starts.clone();
        let mut sorted = vec![ScoredIndex { ix: 0, score: 0.0 }; rows.len()];
        for (&row, pair) in rows.iter().zip(pairs) {
            sorted[next[row as usize]] = pair;
            next[row as usize] += 1;
        }
        Self { starts, pairs: sorted }
    }

    /// Returns the neighbours of a row, best first.
    #[must_use]
    pub fn row(&self, i: usize) -> &[ScoredIndex] {
        &self.pairs[self.starts[i]..self.starts[i + 1]]
    }

    /// Returns the number of rows.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.starts.len() - 1
    }

    /// Returns the value of a pair; 0 if it is not kept.
    #[must_use]
    pub fn pair(&self, i: usize, j: usize) -> f32 {
        let mut row = self.row(i).iter();
        row.find(|neighbor| neighbor.ix as usize == j).map_or(0.0, |neighbor| neighbor.score)
    }

    /// Returns for each row the sum of its values in some weighted rows; NaN where none has it.
    #[must_use]
    pub fn weighted_sums(&self, rows: impl Iterator<Item = (usize, f32)>) -> Vec<f32> {
        let mut sums = vec![f32::NAN; self.n_rows()];
        for (row, weight) in rows {
            for neighbor in self.row(row) {
                add(&mut sums[neighbor.ix as usize], weight * neighbor.score);
            }
        }
        sums
    }
}

/// Adds to a score, of which NaN says that nothing is known yet.
pub(super) fn add(score: &mut f32, value: f32) {
    *score = if score.is_nan() { value } else { *score + value };
}

/// Rows that a thread takes at a time.
const ROWS: usize = 16;

/// Fits the neighbours; the similarity is that of the [module](crate::model::cosine).
///
/// # Errors
/// If a parameter is out of its range or there is nothing to learn from.
pub fn fit(
    matrix: &InteractionMatrix,
    params: &CosineParams,
    progress: &dyn Progress,
) -> Result<NeighborLists, ModelError> {
    params.validate()?;
    if matrix.n_ratings() == 0 {
        return Err(ModelError::NoRatings);
    }
    let means = params.center.then(|| user_means(matrix.by_user()));
    let centred = |rows: CsrView<'_>, mean: &(dyn Fn(usize, u32) -> f32 + Sync)| -> Vec<f32> {
        let row = |i: usize| {
            let (indices, values) = rows.row(i);
            let pairs = indices.iter().zip(values);
            pairs.map(move |(&j, &value)| value - mean(i, j)).collect::<Vec<_>>()
        };
        (0..rows.n_rows()).into_par_iter().flat_map_iter(row).collect()
    };
    let (rows, n_columns) = match params.between {
        NeighborSide::Movies => (matrix.by_item(), matrix.n_users()),
        NeighborSide::Users => (matrix.by_user(), matrix.n_items()),
    };
    let values = means.map(|means| match params.between {
        NeighborSide::Movies => centred(rows, &|_, user| means[user as usize]),
        NeighborSide::Users => centred(rows, &|user, _| means[user]),
    });
    let rows = CsrView { values: values.as_deref().unwrap_or(rows.values), ..rows };
    progress.begin("finding neighbors", "rows", Some(rows.n_rows() as u64));
    Ok(neighbors_of_rows(rows, n_columns, params, progress))
}

fn user_means(by_user: CsrView<'_>) -> Vec<f32> {
    let mean = |user| {
        let (_, stars) = by_user.row(user);
        let sum: f64 = stars.iter().map(|&stars| f64::from(stars)).sum();
        (sum / stars.len() as f64) as f32
    };
    (0..by_user.n_rows()).into_par_iter().map(mean).collect()
}

/// What two rows have in common: the sum of products and the number of columns.
#[derive(Debug, Clone, Copy, Default)]
struct PairSums {
    sum: f32,
    count: f32,
}

/// Best neighbours of a row so far, to which all threads add.
struct BestNeighbors {
    best: Mutex<TopKHeap>,
    /// Bits of the score that a neighbour must reach; scores are positive, and their bits have the
    /// same order.
    bound: AtomicU32,
}

impl BestNeighbors {
    fn new(n: usize) -> Self {
        Self { best: Mutex::new(TopKHeap::new(n)), bound: AtomicU32::new(0) }
    }

    fn offer(&self, ix: u32, score: f32) {
        if score.to_bits() >= self.bound.load(Ordering::Relaxed) {
            let mut best = self.best.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(bound) = best.push(ScoredIndex { ix, score }) {
                self.bound.store(bound.to_bits(), Ordering::Relaxed);
            }
        }
    }
}

/// Pairs of rows on their way to the neighbours of both.
///
/// Each pair is summed up once, at the shorter of both rows, and offered to both. What a row keeps
/// does not depend on the order of the offers, so threads may make them as they come.
struct PairAccumulator<'a> {
    rows: CsrView<'a>,
    /// Rows from the shortest to the longest. Places in this order stand for rows in all that
    /// follows: most sums are those of the longest rows, and these are neighbours in memory.
    order: Vec<u32>,
    columns: SparseColumns,
    inverse_norms: Vec<f32>,
    shrinkage: f32,
    kept: Vec<BestNeighbors>,
}

/// The entries of `rows` by column, rows as places in the order.
struct SparseColumns {
    starts: Vec<usize>,
    entries: Vec<(u32, f32)>,
    /// For each entry of `rows`, where its column goes on after it.
    after: Vec<u32>,
}

impl SparseColumns {
    fn new(rows: CsrView<'_>, order: &[u32], n_columns: usize) -> Self {
        let mut starts = vec![0; n_columns + 1];
        rows.indices.iter().for_each(|&column| starts[column as usize + 1] += 1);
        (1..starts.len()).for_each(|at| starts[at] += starts[at - 1]);
        let mut next = starts.clone();
        let (mut entries, mut after) = (vec![(0, 0.0); rows.nnz()], vec![0; rows.nnz()]);
        for (&row, place) in order.iter().zip(0..) {
            let range = rows.starts[row as usize]..rows.starts[row as usize + 1];
            for at in range {
                let next = &mut next[rows.indices[at] as usize];
                entries[*next] = (place, rows.values[at]);
                *next += 1;
                after[at] = *next as u32;
            }
        }
        Self { starts, entries, after }
    }
}

impl PairAccumulator<'_> {
    /// Returns where the columns of the row at place `i` go on after it.
    #[inline(always)]
    fn later(&self, i: usize) -> impl Iterator<Item = Range<usize>> {
        let row = self.order[i] as usize;
        let after = &self.columns.after[self.rows.starts[row]..];
        let end = |column: u32| self.columns.starts[column as usize + 1];
        let columns = self.rows.row(row).0.iter();
        columns.zip(after).map(move |(&column, &after)| after as usize..end(column))
    }

    /// Adds up what the row at place `i` has in common with all later ones; tells of each when it
    /// is touched first.
    #[inline(always)]
    fn add_up(&self, i: usize, common: &mut [PairSums], mut on_first: impl FnMut(u32)) {
        /// Columns that are fetched before their turn.
        const AHEAD: usize = 4;
        let row = self.order[i] as usize;
        let next = self.columns.after[self.rows.starts[row]..].iter().skip(AHEAD);
        let next = next.map(Some).chain(std::iter::repeat(None));
        for ((range, &value), next) in self.later(i).zip(self.rows.row(row).1).zip(next) {
            if let Some(entry) = next.and_then(|&at| self.columns.entries.get(at as usize)) {
                prefetch(entry);
            }
            for &(j, other) in &self.columns.entries[range] {
                let slot = &mut common[j as usize];
                if slot.count == 0.0 {
                    on_first(j);
                }
                slot.sum += value * other;
                slot.count += 1.0;
            }
        }
    }

    /// Offers the rows at two places to each other; `common` is zero afterwards.
    #[inline(always)]
    fn offer(&self, i: usize, j: usize, common: &mut PairSums) {
        let PairSums { sum, count } = std::mem::take(common);
        let cosine = sum * (self.inverse_norms[i] * self.inverse_norms[j]);
        let score = cosine * (count / (count + self.shrinkage));
        // Negative similarities carry less information, and 0 / 0 is none.
        if score > 0.0 {
            self.kept[i].offer(self.order[j], score);
            self.kept[j].offer(self.order[i], score);
        }
    }

    fn accumulate_row(&self, i: usize, common: &mut [PairSums], touched: &mut Vec<u32>) {
        /// Where fewer than one slot in so many is touched, they are listed; else looking at all is
        /// cheaper.
        const SPARSE: usize = 4;
        let work: usize = self.later(i).map(|range| range.len()).sum();
        if work < (common.len() - i) / SPARSE {
            self.add_up(i, common, |j| touched.push(j));
            for j in touched.drain(..) {
                self.offer(i, j as usize, &mut common[j as usize]);
            }
        } else {
            self.add_up(i, common, |_| ());
            for (j, slot) in common.iter_mut().enumerate().skip(i + 1) {
                if slot.count > 0.0 {
                    self.offer(i, j, slot);
                }
            }
        }
    }
}

fn neighbors_of_rows(
    rows: CsrView<'_>,
    n_columns: usize,
    params: &CosineParams,
    progress: &dyn Progress,
) -> NeighborLists {
    let n = rows.n_rows();
    let mut order: Vec<u32> = (0..n as u32).collect();
    order.sort_by_key(|&row| rows.len(row as usize));
    let inverse_norm = |&row: &u32| {
        let squares = rows.row(row as usize).1.iter().map(|&x| f64::from(x).powi(2));
        (1.0 / squares.sum::<f64>().sqrt()) as f32
    };
    let pairs = PairAccumulator {
        rows,
        columns: SparseColumns::new(rows, &order, n_columns),
        inverse_norms: order.par_iter().map(inverse_norm).collect(),
        shrinkage: params.shrinkage as f32,
        kept: (0..n).map(|_| BestNeighbors::new(params.neighbors)).collect(),
        order,
    };
    (0..n.div_ceil(ROWS)).into_par_iter().for_each_init(
        || (vec![PairSums::default(); n], Vec::new()),
        |(common, touched), block| {
            let block = block * ROWS..((block + 1) * ROWS).min(n);
            progress.advance(block.len() as u64);
            block.for_each(|i| pairs.accumulate_row(i, common, touched));
        },
    );
    let best = |kept: BestNeighbors| kept.best.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut lists = vec![Vec::new(); n];
    for (&row, kept) in pairs.order.iter().zip(pairs.kept) {
        lists[row as usize] = best(kept).into_sorted();
    }
    NeighborLists::from_rows(lists)
}
