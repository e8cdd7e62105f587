//! One side of NMF given the other: the same code fits a model and folds in a new user.

use std::borrow::Cow;

use crate::dataset::ids::ItemIx;
use crate::linalg::blocks::Threads;
use crate::linalg::dense::{Matrix, add_rows};
use crate::linalg::gram::NormalEquations;
use crate::linalg::nnls::{self, NnlsBatch, TOGETHER, sweep_together};
use crate::linalg::sparse::CsrView;
use crate::model::explain::FoldInEquations;
use crate::model::nmf::params::NmfParams;

/// Sweeps over a row's coordinates in each pass of fitting. Setting up a row's equations costs more
/// than a sweep, so they are used several times (accelerated HALS, Gillis & Glineur 2012).
const SWEEPS: usize = 4;

/// Ratings that are added up in single precision before the sum is added in double precision.
const BLOCK: usize = 256;

/// What all rows of a filled step share: V, YᵀY + λ n I and V·Σ y.
#[derive(Debug, Clone)]
pub(crate) struct FilledTerms {
    value: f64,
    quadratic: Vec<f64>,
    linear: Vec<f64>,
}

impl FilledTerms {
    /// Computes the shared part; `None` in the masked case.
    pub(crate) fn new(params: &NmfParams, source: &Matrix, threads: Threads) -> Option<Self> {
        let value = f64::from(params.fill?);
        // In double precision, since the loss is a small difference of large numbers of it.
        let mut quadratic = source.transposed_times(source, threads);
        let ridge = params.row_regularization(source.rows);
        (0..source.cols).for_each(|i| quadratic[i * source.cols + i] += ridge);
        let linear = source.column_sums().into_iter().map(|sum| value * sum).collect();
        Some(Self { value, quadratic, linear })
    }
}

/// Everything that the rows of one side share while they are solved.
#[derive(Debug)]
pub(crate) struct NmfHalfStep<'a> {
    params: &'a NmfParams,
    source: &'a Matrix,
    filled: Cow<'a, Option<FilledTerms>>,
}

/// Working memory of one thread.
#[derive(Debug)]
pub(crate) struct NmfScratch {
    system: RowEquations,
    solution: Vec<f64>,
    solver: nnls::NnlsSolver,
    linear_together: Vec<NnlsBatch>,
    solution_together: Vec<NnlsBatch>,
    gradient_together: Vec<NnlsBatch>,
}

/// What a row's own ratings contribute, and memory for it.
#[derive(Debug)]
struct RowEquations {
    normal: NormalEquations,
    /// Of the masked case alone, where the rows do not share it.
    quadratic: Vec<f64>,
    linear: Vec<f64>,
    extras: Vec<f32>,
    sums: Vec<f32>,
}

impl<'a> NmfHalfStep<'a> {
    pub(crate) fn new(params: &'a NmfParams, source: &'a Matrix) -> Self {
        Self { params, source, filled: Cow::Owned(FilledTerms::new(params, source, Threads::Pool)) }
    }

    pub(crate) fn with_filled(
        params: &'a NmfParams,
        source: &'a Matrix,
        filled: &'a Option<FilledTerms>,
    ) -> Self {
        Self { params, source, filled: Cow::Borrowed(filled) }
    }

    pub(crate) fn scratch(&self) -> NmfScratch {
        let k = self.source.cols;
        NmfScratch {
            system: RowEquations {
                normal: NormalEquations::new(k),
                quadratic: vec![0.0; k * k],
                linear: vec![0.0; k],
                extras: Vec::with_capacity(BLOCK),
                sums: vec![0.0; k],
            },
            solution: vec![0.0; k],
            solver: nnls::NnlsSolver::default(),
            linear_together: vec![[0.0; TOGETHER]; k],
            solution_together: vec![[0.0; TOGETHER]; k],
            gradient_together: vec![[0.0; TOGETHER]; k],
        }
    }

    /// Number of cells of a row, which its regularization grows with.
    pub(crate) fn cells(&self, n_rated: usize) -> usize {
        if self.filled.is_some() { self.source.rows } else { n_rated }
    }

    /// Makes one pass over `rows`, the first of which is row `first` of `ratings`; returns the sum
    /// of their squared errors and penalties, less the squares of their cells, which no pass
    /// changes.
    pub(crate) fn improve(
        &self,
        scratch: &mut NmfScratch,
        ratings: CsrView<'_>,
        first: usize,
        rows: &mut [f32],
    ) -> f64 {
        match self.filled.as_ref() {
            Some(filled) => {
                let improve = |(i, rows)| {
                    self.improve_filled(scratch, filled, ratings, first + i * TOGETHER, rows)
                };
                rows.chunks_mut(TOGETHER * self.source.cols).enumerate().map(improve).sum()
            }
            None => {
                let improve = |(i, row): (usize, &mut [f32])| {
                    let (indices, values) = ratings.row(first + i);
                    self.with_row(scratch, indices, values, row, |solver, a, b, x| {
                        solver.sweep(a, b, x, SWEEPS)
                    })
                };
                rows.chunks_exact_mut(self.source.cols).enumerate().map(improve).sum()
            }
        }
    }

    /// Solves a row that has rated `indices` with `values` to the end.
    pub(crate) fn solve(
        &self,
        scratch: &mut NmfScratch,
        indices: &[u32],
        values: &[f32],
        row: &mut [f32],
    ) {
        self.with_row(scratch, indices, values, row, nnls::NnlsSolver::solve);
    }

    /// Hands a row and its equations to a solver.
    fn with_row<T>(
        &self,
        scratch: &mut NmfScratch,
        indices: &[u32],
        values: &[f32],
        row: &mut [f32],
        solve: impl FnOnce(&mut nnls::NnlsSolver, &[f64], &[f64], &mut [f64]) -> T,
    ) -> T {
        let NmfScratch { system, solution, solver, .. } = scratch;
        let quadratic = match self.filled.as_ref() {
            Some(filled) => {
                self.add_filled(system, filled, indices, values);
                &filled.quadratic
            }
            None => {
                self.add_masked(system, indices, values);
                &system.quadratic
            }
        };
        solution.iter_mut().zip(&*row).for_each(|(solution, &x)| *solution = f64::from(x));
        let result = solve(solver, quadratic, &system.linear, solution);
        row.iter_mut().zip(solution).for_each(|(out, x)| *out = *x as f32);
        result
    }

    /// Makes one pass over at most [`TOGETHER`] rows of the filled case.
    fn improve_filled(
        &self,
        scratch: &mut NmfScratch,
        filled: &FilledTerms,
        ratings: CsrView<'_>,
        first: usize,
        rows: &mut [f32],
    ) -> f64 {
        let NmfScratch { system, linear_together: b, solution_together: x, .. } = scratch;
        // A place without a row is a problem that zero solves.
        b.fill([0.0; TOGETHER]);
        x.fill([0.0; TOGETHER]);
        for (place, row) in rows.chunks_exact(self.source.cols).enumerate() {
            let (indices, values) = ratings.row(first + place);
            self.add_filled(system, filled, indices, values);
            b.iter_mut().zip(&system.linear).for_each(|(out, &b)| out[place] = b);
            x.iter_mut().zip(row).for_each(|(out, &x)| out[place] = f64::from(x));
        }
        let gradient = &mut scratch.gradient_together;
        let value = sweep_together(&filled.quadratic, b, x, gradient, SWEEPS);
        for (place, row) in rows.chunks_exact_mut(self.source.cols).enumerate() {
            row.iter_mut().zip(&*x).for_each(|(out, x)| *out = x[place] as f32);
        }
        value
    }

    /// Sets up the linear part of a row of the filled case.
    fn add_filled(
        &self,
        system: &mut RowEquations,
        filled: &FilledTerms,
        indices: &[u32],
        values: &[f32],
    ) {
        let RowEquations { linear, extras, sums, .. } = system;
        linear.copy_from_slice(&filled.linear);
        for (indices, values) in indices.chunks(BLOCK).zip(values.chunks(BLOCK)) {
            extras.clear();
            extras.extend(values.iter().map(|&value| value - filled.value as f32));
            sums.fill(0.0);
            add_rows(self.source, indices, extras, sums);
            linear.iter_mut().zip(&*sums).for_each(|(b, &sum)| *b += f64::from(sum));
        }
    }

    /// Sets up both parts of a row of the masked case.
    fn add_masked(&self, system: &mut RowEquations, indices: &[u32], values: &[f32]) {
        let RowEquations { normal, quadratic, linear, .. } = system;
        normal.reset();
        normal.add(self.source, indices, &[], values);
        normal.write_a(quadratic);
        let ridge = self.params.row_regularization(indices.len());
        let k = linear.len();
        (0..k).for_each(|i| quadratic[i * k + i] += ridge);
        linear.iter_mut().zip(normal.b()).for_each(|(out, &b)| *out = f64::from(b));
    }

    /// Splits a row's products with some rows of the other side into what there is without any
    /// rating, and what each rating brings.
    ///
    /// At the optimum, the entries above zero solve linear equations of their own, and the others
    /// bring nothing: that part is linear in the ratings. `solution` tells which entries those
    /// are.
    pub(crate) fn contributions(
        &self,
        indices: &[u32],
        values: &[f32],
        solution: &[f32],
        items: &[ItemIx],
    ) -> Option<Vec<(f32, Vec<f32>)>> {
        let active: Vec<usize> = (0..solution.len()).filter(|&i| solution[i] > 0.0).collect();
        let n = active.len();
        let features = |row: u32| {
            let row = self.source.row(row as usize);
            active.iter().map(move |&i| f64::from(row[i]))
        };
        let rows: Vec<f64> = indices.iter().flat_map(|&row| features(row)).collect();
        let mut a = vec![0.0; n * n];
        let (linear, fill) = match self.filled.as_ref() {
            Some(filled) => {
                let k = solution.len();
                let pairs = active.iter().flat_map(|&i| active.iter().map(move |&j| (i, j)));
                a.iter_mut().zip(pairs).for_each(|(a, (i, j))| *a = filled.quadratic[i * k + j]);
                (active.iter().map(|&i| filled.linear[i]).collect(), filled.value)
            }
            None => {
                for row in rows.chunks_exact(n.max(1)) {
                    for i in 0..n {
                        (i..n).for_each(|j| a[i * n + j] += row[i] * row[j]);
                    }
                }
                let ridge = self.params.row_regularization(indices.len());
                (0..n).for_each(|i| a[i * n + i] += ridge);
                (vec![0.0; n], 0.0)
            }
        };
        let targets = values.iter().map(|&value| f64::from(value) - fill).collect();
        let items: Vec<Vec<f64>> = items.iter().map(|item| features(item.0).collect()).collect();
        if n == 0 {
            return Some(vec![(0.0, vec![0.0; indices.len()]); items.len()]);
        }
        let parts = FoldInEquations { a, features: rows, targets }.contributions(&items)?;
        let base = |z: &[f64]| z.iter().zip(&linear).map(|(z, b): (&f64, &f64)| z * b).sum::<f64>();
        Some(parts.into_iter().map(|(parts, z)| (base(&z) as f32, parts)).collect())
    }
}
