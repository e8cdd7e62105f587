//! One side of NMF given the other: the same code fits a model and folds in a new person.

use std::borrow::Cow;

use crate::linalg::dense::{Matrix, add_rows};
use crate::linalg::gram::{NormalEquations, gram};
use crate::linalg::nnls;
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
}
