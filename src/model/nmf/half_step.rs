//! One side of NMF given the other: the same code fits a model and folds in a new person.

use std::borrow::Cow;

use crate::dataset::ids::ItemIx;
use crate::linalg::dense::{Matrix, add_rows};
use crate::linalg::gram::{NormalEquations, gram};
use crate::linalg::nnls;
use crate::model::explain::Equations;
use crate::model::nmf::params::NmfParams;

/// Sweeps over a row's coordinates in each pass of fitting. In the masked case the row's quadratic part
/// costs far more than a sweep, so it is used several times.
const MASKED_SWEEPS: usize = 4;
const FILLED_SWEEPS: usize = 1;

/// Ratings that are added up in single precision before the sum is added in double precision.
const BLOCK: usize = 256;

/// What all rows of a filled step share: V, YᵀY + λ n I and V·Σ y.
#[derive(Debug, Clone)]
pub(crate) struct Filled {
    value: f64,
    quadratic: Vec<f64>,
    linear: Vec<f64>,
}

impl Filled {
    /// Computes the shared part; `None` in the masked case.
    pub(crate) fn of(params: &NmfParams, source: &Matrix) -> Option<Self> {
        let value = f64::from(params.fill?);
        let mut quadratic = gram(source, source.cols);
        let ridge = params.regularization * source.rows as f64;
        (0..source.cols).for_each(|i| quadratic[i * source.cols + i] += ridge);
        let linear = source.column_sums().into_iter().map(|sum| value * sum).collect();
        Some(Self { value, quadratic, linear })
    }
}

/// Everything that the rows of one side share while they are solved.
#[derive(Debug)]
pub(crate) struct HalfStep<'a> {
    params: &'a NmfParams,
    source: &'a Matrix,
    filled: Cow<'a, Option<Filled>>,
}

/// Working memory of one thread.
#[derive(Debug)]
pub(crate) struct Scratch {
    normal: NormalEquations,
    quadratic: Vec<f64>,
    extras: Vec<f32>,
    sums: Vec<f32>,
    linear: Vec<f64>,
    solution: Vec<f64>,
    solver: nnls::Solver,
}

/// How far a row is solved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// As one pass of fitting does.
    Pass,
    /// To the optimum.
    End,
}

impl<'a> HalfStep<'a> {
    pub(crate) fn new(params: &'a NmfParams, source: &'a Matrix) -> Self {
        Self { params, source, filled: Cow::Owned(Filled::of(params, source)) }
    }

    pub(crate) fn with_filled(
        params: &'a NmfParams,
        source: &'a Matrix,
        filled: &'a Option<Filled>,
    ) -> Self {
        Self { params, source, filled: Cow::Borrowed(filled) }
    }

    pub(crate) fn scratch(&self) -> Scratch {
        let k = self.source.cols;
        Scratch {
            normal: NormalEquations::new(k),
            quadratic: vec![0.0; k * k],
            extras: Vec::with_capacity(BLOCK),
            sums: vec![0.0; k],
            linear: vec![0.0; k],
            solution: vec![0.0; k],
            solver: nnls::Solver::default(),
        }
    }

    /// Number of cells of a row, which its regularisation grows with.
    pub(crate) fn cells(&self, n_rated: usize) -> f64 {
        if self.filled.is_some() { self.source.rows as f64 } else { n_rated as f64 }
    }

    /// Improves a row that has rated `indices` with `values`; returns its squared errors and penalty.
    pub(crate) fn improve_row(
        &self,
        scratch: &mut Scratch,
        indices: &[u32],
        values: &[f32],
        depth: Depth,
        row: &mut [f32],
    ) -> f64 {
        let Scratch { normal, quadratic, extras, sums, linear, solution, solver } = scratch;
        for (solution, &x) in solution.iter_mut().zip(&*row) {
            *solution = f64::from(x);
        }
        let square = |value: f64| value * value;
        let (constant, quadratic, sweeps) = match self.filled.as_ref() {
            Some(filled) => {
                let mut constant = square(filled.value) * self.source.rows as f64;
                linear.copy_from_slice(&filled.linear);
                for (indices, values) in indices.chunks(BLOCK).zip(values.chunks(BLOCK)) {
                    extras.clear();
                    extras.extend(values.iter().map(|&value| value - filled.value as f32));
                    let squares = values.iter().map(|&value| square(f64::from(value)));
                    constant += squares.sum::<f64>() - values.len() as f64 * square(filled.value);
                    sums.fill(0.0);
                    add_rows(self.source, indices, extras, sums);
                    linear.iter_mut().zip(&*sums).for_each(|(b, &sum)| *b += f64::from(sum));
                }
                (constant, &filled.quadratic, FILLED_SWEEPS)
            }
            None => {
                normal.reset();
                normal.add(self.source, indices, &[], values);
                normal.write_a(quadratic);
                let ridge = self.params.regularization * indices.len() as f64;
                let k = linear.len();
                (0..k).for_each(|i| quadratic[i * k + i] += ridge);
                linear.iter_mut().zip(normal.b()).for_each(|(out, &b)| *out = f64::from(b));
                let constant = values.iter().map(|&value| square(f64::from(value))).sum();
                (constant, &*quadratic, MASKED_SWEEPS)
            }
        };
        let value = match depth {
            Depth::Pass => solver.sweep(quadratic, linear, solution, sweeps),
            Depth::End => solver.solve(quadratic, linear, solution),
        };
        for (out, &x) in row.iter_mut().zip(&*solution) {
            *out = x as f32;
        }
        constant + value
    }

    /// Splits a row's products with some rows of the other side into what there is without any rating, and what each rating
    /// brings.
    ///
    /// At the optimum, the entries above zero solve linear equations of their own, and the others bring nothing: that part is
    /// linear in the ratings. `solution` tells which entries those are.
    pub(crate) fn parts(
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
                let ridge = self.params.regularization * indices.len() as f64;
                (0..n).for_each(|i| a[i * n + i] += ridge);
                (vec![0.0; n], 0.0)
            }
        };
        let targets = values.iter().map(|&value| f64::from(value) - fill).collect();
        let items: Vec<Vec<f64>> = items.iter().map(|item| features(item.0).collect()).collect();
        if n == 0 {
            return Some(vec![(0.0, vec![0.0; indices.len()]); items.len()]);
        }
        let parts = Equations { a, features: rows, targets }.parts(&items)?;
        let base = |z: &[f64]| z.iter().zip(&linear).map(|(z, b): (&f64, &f64)| z * b).sum::<f64>();
        Some(parts.into_iter().map(|(parts, z)| (base(&z) as f32, parts)).collect())
    }
}
