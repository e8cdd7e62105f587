//! Finds the neighbours of every row.

use rayon::prelude::*;

use crate::dataset::matrix::Interactions;
use crate::linalg::sparse::Csr;
use crate::linalg::topk::{Scored, top};
use crate::model::cosine::params::{Between, CosineParams};
use crate::model::error::ModelError;
use crate::progress::Progress;

/// The most similar rows of each row, best first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Neighbors {
    /// Where each row's neighbours start, and the end of the last.
    pub starts: Vec<usize>,
    /// Neighbours with their similarities.
    pub pairs: Vec<Scored>,
}

impl Neighbors {
    /// Joins the neighbours of all rows.
    #[must_use]
    pub fn of_rows(rows: impl IntoIterator<Item = Vec<Scored>>) -> Self {
        let mut all = Self { starts: vec![0], pairs: Vec::new() };
        for row in rows {
            all.pairs.extend(row);
            all.starts.push(all.pairs.len());
        }
        all
    }

    /// Returns the neighbours of a row, best first.
    #[must_use]
    pub fn row(&self, i: usize) -> &[Scored] {
        &self.pairs[self.starts[i]..self.starts[i + 1]]
    }

    /// Returns the number of rows.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.starts.len() - 1
    }
}

/// Rows that a thread takes at a time.
const ROWS: usize = 16;

/// Fits the neighbours; the similarity is that of the [module](crate::model::cosine).
///
/// # Errors
/// If a parameter is out of its range or there is nothing to learn from.
pub fn fit(
    matrix: &Interactions,
    params: &CosineParams,
    progress: &dyn Progress,
) -> Result<Neighbors, ModelError> {
    params.validate()?;
    if matrix.n_ratings() == 0 {
        return Err(ModelError::NoRatings);
    }
    let means = params.center.then(|| user_means(matrix.by_user()));
    let centred = |rows: Csr<'_>, mean: &(dyn Fn(usize, u32) -> f32 + Sync)| -> Vec<f32> {
        let row = |i: usize| {
            let (indices, values) = rows.row(i);
            let pairs = indices.iter().zip(values);
            pairs.map(move |(&j, &value)| value - mean(i, j)).collect::<Vec<_>>()
        };
        (0..rows.n_rows()).into_par_iter().flat_map_iter(row).collect()
    };
    let (by_user, by_item) = (matrix.by_user(), matrix.by_item());
    let (user_values, item_values) = match &means {
        None => (by_user.values.to_vec(), by_item.values.to_vec()),
        Some(means) => (
            centred(by_user, &|user, _| means[user]),
            centred(by_item, &|_, user| means[user as usize]),
        ),
    };
    let by_user = Csr { values: &user_values, ..by_user };
    let by_item = Csr { values: &item_values, ..by_item };
    let (rows, columns) = match params.between {
        Between::Movies => (by_item, by_user),
        Between::Users => (by_user, by_item),
    };
    progress.begin("finding neighbors", "rows", Some(rows.n_rows() as u64));
    Ok(of_rows(rows, columns, params, progress))
}

fn user_means(by_user: Csr<'_>) -> Vec<f32> {
    let mean = |user| {
        let (_, stars) = by_user.row(user);
        let sum: f64 = stars.iter().map(|&stars| f64::from(stars)).sum();
        (sum / stars.len() as f64) as f32
    };
    (0..by_user.n_rows()).into_par_iter().map(mean).collect()
}

/// Working memory of one thread: sums and counts per row, all zero but for those in `touched`.
struct Accumulator {
    sums: Vec<f32>,
    counts: Vec<u32>,
    touched: Vec<u32>,
}

fn of_rows(
    rows: Csr<'_>,
    columns: Csr<'_>,
    params: &CosineParams,
    progress: &dyn Progress,
) -> Neighbors {
    let n = rows.n_rows();
    let norms: Vec<f32> = (0..n)
        .into_par_iter()
        .map(|i| rows.row(i).1.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt() as f32)
        .collect();
    let blocks: Vec<Vec<Vec<Scored>>> = (0..n.div_ceil(ROWS))
        .into_par_iter()
        .map_init(
            || Accumulator { sums: vec![0.0; n], counts: vec![0; n], touched: Vec::new() },
            |memory, block| {
                let block = block * ROWS..((block + 1) * ROWS).min(n);
                progress.advance(block.len() as u64);
                block.map(|i| of_row(i, rows, columns, &norms, params, memory)).collect()
            },
        )
        .collect();
    Neighbors::of_rows(blocks.into_iter().flatten())
}

fn of_row(
    i: usize,
    rows: Csr<'_>,
    columns: Csr<'_>,
    norms: &[f32],
    params: &CosineParams,
    memory: &mut Accumulator,
) -> Vec<Scored> {
    let Accumulator { sums, counts, touched } = memory;
    let (indices, values) = rows.row(i);
    for (&column, &value) in indices.iter().zip(values) {
        let (others, other_values) = columns.row(column as usize);
        for (&j, &other) in others.iter().zip(other_values) {
            let at = j as usize;
            if counts[at] == 0 {
                touched.push(j);
            }
            sums[at] += value * other;
            counts[at] += 1;
        }
    }
    let shrinkage = params.shrinkage as f32;
    let similarity = |j: u32| {
        let at = j as usize;
        let common = counts[at] as f32;
        Scored { ix: j, score: sums[at] / (norms[i] * norms[at]) * common / (common + shrinkage) }
    };
    // Only likeness is kept: what is opposite says less of taste, and 0 / 0 is no similarity.
    let candidates = touched
        .iter()
        .filter(|&&j| j as usize != i)
        .map(|&j| similarity(j))
        .filter(|scored| scored.score > 0.0);
    let best = top(candidates, params.neighbors);
    for j in touched.drain(..) {
        sums[j as usize] = 0.0;
        counts[j as usize] = 0;
    }
    best
}
