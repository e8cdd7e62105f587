//! One side of ALS given the other: the same code fits a model and folds in a new person.
//!
//! A model with biases keeps them in two more columns, user (p, b_u + μ, 1) and item (q, 1, b_i), so that
//! a prediction is a plain inner product everywhere, in Spark too.

use std::borrow::Cow;

use crate::linalg::cholesky::{self, BadPivot};
use crate::linalg::dense::Matrix;
use crate::linalg::gram::NormalEquations;
use crate::model::als::params::{AlsParams, Feedback, Weighting};

/// The side that is being solved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Users,
    Items,
}

/// Everything that the rows of one side share while they are solved.
#[derive(Debug)]
pub(crate) struct HalfStep<'a> {
    params: &'a AlsParams,
    /// Mean rating μ that biases are relative to; 0 without biases.
    mean: f64,
    side: Side,
    /// Vectors of the other side.
    source: &'a Matrix,
    /// α₀ YᵀY over the other side; implicit only.
    gram: Cow<'a, [f64]>,
}

/// Working memory of one thread.
#[derive(Debug)]
pub(crate) struct Scratch {
    normal: NormalEquations,
    solution: Vec<f64>,
}

/// Width of a stored vector.
pub(crate) fn width(params: &AlsParams) -> usize {
    if params.biases { params.factors + 2 } else { params.factors }
}

impl<'a> HalfStep<'a> {
    /// Prepares the step that solves `side` from the vectors `source` of the other one.
    pub(crate) fn new(params: &'a AlsParams, mean: f64, side: Side, source: &'a Matrix) -> Self {
        let gram = Cow::Owned(Self::gram(params, source));
        Self { params, mean, side, source, gram }
    }

    /// Prepares the step with a result of [`HalfStep::gram`] that is kept elsewhere.
    pub(crate) fn with_gram(
        params: &'a AlsParams,
        mean: f64,
        side: Side,
        source: &'a Matrix,
        gram: &'a [f64],
    ) -> Self {
        Self { params, mean, side, source, gram: Cow::Borrowed(gram) }
    }

    /// Returns α₀ YᵀY, which all rows of an implicit step share; nothing for an explicit one.
    pub(crate) fn gram(params: &AlsParams, source: &Matrix) -> Vec<f64> {
        let alpha0 = match (params.feedback, params.weighting) {
            (Feedback::Explicit, _) => return Vec::new(),
            (Feedback::Implicit, Weighting::Uniform) => params.unobserved_weight,
            (Feedback::Implicit, Weighting::Hu { .. }) => 1.0,
        };
        let mut gram = source.transposed_times(source);
        gram.iter_mut().for_each(|value| *value *= alpha0);
        gram
    }

    /// Number of unknowns of a row.
    fn unknowns(&self) -> usize {
        self.params.factors + usize::from(self.params.biases)
    }

    pub(crate) fn scratch(&self) -> Scratch {
        let k = self.unknowns();
        Scratch { normal: NormalEquations::new(k), solution: vec![0.0; k] }
    }

    /// Regularisation of a row with `n` ratings.
    pub(crate) fn row_regularization(&self, n: usize) -> f64 {
        let n = n as f64;
        match (self.params.feedback, self.params.weighting) {
            (Feedback::Explicit, _) => self.params.regularization * n,
            (Feedback::Implicit, Weighting::Hu { .. }) => {
                self.params.regularization
                    * (n + self.source.rows as f64).powf(self.params.exponent)
            }
            (Feedback::Implicit, Weighting::Uniform) => {
                let all = self.params.unobserved_weight * self.source.rows as f64;
                self.params.regularization * (n + all).powf(self.params.exponent)
            }
        }
    }

    /// Solves a row that has rated `indices` with `values`; returns the sum of its squared errors.
    ///
    /// With x the solution of (A₀ + ρI) x = b, that sum is c − x·b − ρ|x|², where c is Σ t² (explicit) or
    /// Σ w (implicit): the loss costs nothing beyond the solution.
    pub(crate) fn solve_row(
        &self,
        scratch: &mut Scratch,
        indices: &[u32],
        values: &[f32],
        out: &mut [f32],
    ) -> Result<f64, BadPivot> {
        let Scratch { normal, solution } = scratch;
        let constant = match self.params.feedback {
            Feedback::Explicit => self.collect_explicit(normal, indices, values),
            Feedback::Implicit => self.collect_implicit(normal, indices, values),
        };
        normal.flush();
        let ridge = self.row_regularization(indices.len());
        normal.regularize(ridge);
        solution.copy_from_slice(&normal.b);
        if indices.is_empty() {
            solution.fill(0.0); // nothing is known: the zero vector, whatever the ridge
        } else {
            cholesky::factor(&mut normal.a, solution.len())?;
            cholesky::solve(&normal.a, solution);
        }
        let explained: f64 = solution.iter().zip(&normal.b).map(|(x, b)| x * b).sum();
        let length: f64 = solution.iter().map(|x| x * x).sum();
        self.store(solution, out);
        Ok(constant - explained - ridge * length)
    }

    fn collect_explicit(
        &self,
        normal: &mut NormalEquations,
        indices: &[u32],
        values: &[f32],
    ) -> f64 {
        let k = self.params.factors;
        normal.reset();
        let mut squares = 0.0;
        for (&other, &value) in indices.iter().zip(values) {
            let row = self.source.row(other as usize);
            let target = f64::from(value) - self.other_bias(row);
            squares += target * target;
            normal.push(1.0, target, |features| {
                features[..k].copy_from_slice(&row[..k]);
                if self.params.biases {
                    features[k] = 1.0;
                }
            });
        }
        squares
    }

    fn collect_implicit(
        &self,
        normal: &mut NormalEquations,
        indices: &[u32],
        values: &[f32],
    ) -> f64 {
        normal.reset_to(&self.gram);
        let mut constant = 0.0;
        for (&other, &value) in indices.iter().zip(values) {
            let row = self.source.row(other as usize);
            // (weight beyond what the gram matrix holds, weight of the target 1)
            let (extra, target) = match self.params.weighting {
                Weighting::Uniform => (1.0, 1.0),
                Weighting::Hu { alpha } => (alpha * value, 1.0 + f64::from(alpha * value)),
            };
            constant += target;
            normal.push(extra, target, |features| features.copy_from_slice(row));
        }
        constant
    }

    /// What the other side's row says of the rating before any vector is multiplied.
    fn other_bias(&self, row: &[f32]) -> f64 {
        let k = self.params.factors;
        match (self.params.biases, self.side) {
            (false, _) => 0.0,
            (true, Side::Users) => self.mean + f64::from(row[k + 1]),
            (true, Side::Items) => f64::from(row[k]), // μ is in it
        }
    }

    fn store(&self, solution: &[f64], out: &mut [f32]) {
        for (out, &x) in out.iter_mut().zip(solution) {
            *out = x as f32;
        }
        if self.params.biases {
            let k = self.params.factors;
            match self.side {
                Side::Users => {
                    out[k] = (solution[k] + self.mean) as f32;
                    out[k + 1] = 1.0;
                }
                Side::Items => {
                    out[k] = 1.0;
                    out[k + 1] = solution[k] as f32;
                }
            }
        }
    }

    /// Squared length of a stored row as far as it is regularised.
    pub(crate) fn penalised_length(&self, row: &[f32]) -> f64 {
        let k = self.params.factors;
        let square = |x: f64| x * x;
        let vector: f64 = row[..k].iter().map(|&x| square(f64::from(x))).sum();
        let bias = match (self.params.biases, self.side) {
            (false, _) => 0.0,
            (true, Side::Users) => f64::from(row[k]) - self.mean,
            (true, Side::Items) => f64::from(row[k + 1]),
        };
        vector + square(bias)
    }
}
