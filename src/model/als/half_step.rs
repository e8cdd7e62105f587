//! One side of ALS given the other: the same code fits a model and folds in a new user.
//!
//! A model with biases keeps them in two more columns, user (p, b_u + μ, 1) and item (q, 1, b_i),
//! so that a prediction is a plain inner product everywhere, in Spark too.

use std::borrow::Cow;
use std::ops::AddAssign;

use crate::dataset::ids::ItemIx;
use crate::linalg::blocks::Threads;
use crate::linalg::cg::{ConjugateGradient, FixedTerms};
use crate::linalg::cholesky;
use crate::linalg::dense::{Matrix, add_rows, dot};
use crate::linalg::gram::{NormalEquations, gram, padded};
use crate::model::als::params::{AlsParams, ConfidenceWeighting, Feedback, RowSolver};
use crate::model::explain::FoldInEquations;

/// The side that is being solved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SolvedSide {
    Users,
    Items,
}

/// State shared by all row solves: Gram matrix and bias offsets of the other side.
#[derive(Debug, Clone)]
pub(crate) struct SharedTerms {
    /// α₀ YᵀY over the other side, or w ZᵀZ of the implicit terms, rows rounded up to whole
    /// vectors; empty without either.
    gram: Vec<f32>,
    /// Factors z of the other side; explicit with implicit terms only.
    implicit: Option<Matrix>,
    /// What each row of the other side says of a rating before any vector is multiplied; with
    /// biases only.
    offsets: Vec<f32>,
}

impl SharedTerms {
    /// Prepares a step that solves `side` from the vectors `source` of the other one and their
    /// `implicit` factors; `mean` is μ.
    pub(crate) fn new(
        params: &AlsParams,
        mean: f64,
        side: SolvedSide,
        source: &Matrix,
        implicit: Option<Matrix>,
        threads: Threads,
    ) -> Self {
        let k = params.factors;
        let weighted = match (params.feedback, params.weighting) {
            (Feedback::Explicit, _) => implicit.as_ref().map(|z| (z, params.implicit_weight)),
            (Feedback::Implicit, ConfidenceWeighting::Uniform) => {
                Some((source, params.unobserved_weight))
            }
            (
                Feedback::Implicit,
                ConfidenceWeighting::Hu { .. } | ConfidenceWeighting::Spark { .. },
            ) => Some((source, 1.0)),
        };
        let offset = |row: &[f32]| match side {
            SolvedSide::Users => (mean + f64::from(row[k + 1])) as f32,
            SolvedSide::Items => row[k], // μ is in it
        };
        Self {
            gram: weighted
                .map_or_else(Vec::new, |(rows, weight)| padded(&gram(rows, k, threads), k, weight)),
            implicit,
            offsets: if params.biases {
                source.iter_rows().map(offset).collect()
            } else {
                Vec::new()
            },
        }
    }
}

/// Everything that the rows of one side share while they are solved.
#[derive(Debug)]
pub(crate) struct AlsHalfStep<'a> {
    params: &'a AlsParams,
    /// Mean rating μ that biases are relative to; 0 without biases.
    mean: f64,
    side: SolvedSide,
    /// Vectors of the other side.
    source: &'a Matrix,
    shared: Cow<'a, SharedTerms>,
}

/// Working memory of one thread.
#[derive(Debug)]
pub(crate) struct AlsScratch {
    normal: NormalEquations,
    conjugate: ConjugateGradient,
    targets: Vec<f32>,
    weights: Vec<f32>,
    /// w Σ z over what is rated; with implicit terms only.
    implicit_sum: Vec<f32>,
    solution: Vec<f32>,
}

/// Squared errors of a row.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct RowErrors {
    /// Of what is fitted: ratings, or all cells of implicit feedback.
    pub(crate) fitted: f64,
    /// Of the implicit terms, weighted.
    pub(crate) implicit: f64,
}

impl AddAssign for RowErrors {
    fn add_assign(&mut self, other: Self) {
        self.fitted += other.fitted;
        self.implicit += other.implicit;
    }
}

/// The equations of a row cannot be solved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SingularRow;

impl<'a> AlsHalfStep<'a> {
    /// Prepares the step that solves `side` from the vectors `source` of the other one and their
    /// `implicit` factors.
    pub(crate) fn new(
        params: &'a AlsParams,
        mean: f64,
        side: SolvedSide,
        source: &'a Matrix,
        implicit: Option<Matrix>,
    ) -> Self {
        let shared = SharedTerms::new(params, mean, side, source, implicit, Threads::Pool);
        let shared = Cow::Owned(shared);
        Self { params, mean, side, source, shared }
    }

    /// Prepares the step with what it shares kept elsewhere.
    pub(crate) fn with(
        params: &'a AlsParams,
        mean: f64,
        side: SolvedSide,
        source: &'a Matrix,
        shared: &'a SharedTerms,
    ) -> Self {
        Self { params, mean, side, source, shared: Cow::Borrowed(shared) }
    }

    /// Returns the factors of the implicit terms, if there are some.
    pub(crate) fn implicit_factors(&self) -> Option<&Matrix> {
        self.shared.implicit.as_ref()
    }

    /// Returns the factors of the implicit terms, if there are some.
    pub(crate) fn into_implicit_factors(self) -> Option<Matrix> {
        self.shared.into_owned().implicit
    }

    /// Number of unknowns of a row.
    fn unknowns(&self) -> usize {
        self.params.factors + usize::from(self.params.biases)
    }

    pub(crate) fn scratch(&self) -> AlsScratch {
        AlsScratch {
            normal: NormalEquations::new(self.params.factors),
            conjugate: ConjugateGradient::new(self.unknowns()),
            targets: Vec::new(),
            weights: Vec::new(),
            implicit_sum: Vec::new(),
            solution: vec![0.0; self.unknowns()],
        }
    }

    /// Regularisation of a row with `n` ratings.
    pub(crate) fn row_regularization(&self, n: usize) -> f64 {
        let n = n as f64;
        match (self.params.feedback, self.params.weighting) {
            (Feedback::Explicit, _) => {
                self.params.regularization * libm::pow(n, self.params.exponent)
            }
            (Feedback::Implicit, ConfidenceWeighting::Spark { .. }) => {
                self.params.regularization * n
            }
            (Feedback::Implicit, ConfidenceWeighting::Hu { .. }) => {
                self.params.regularization
                    * libm::pow(n + self.source.rows as f64, self.params.exponent)
            }
            (Feedback::Implicit, ConfidenceWeighting::Uniform) => {
                let all = self.params.unobserved_weight * self.source.rows as f64;
                self.params.regularization * libm::pow(n + all, self.params.exponent)
            }
        }
    }

    /// Solves a row that has rated `indices` with `values`, with conjugate gradients from the
    /// vector that is in `out`; returns its squared errors.
    ///
    /// With x the solution of (A₀ + ρI) x = b, their sum is c − x·b − ρ|x|², where c is Σ t²
    /// (explicit, and w for each rating with implicit terms) or Σ w (implicit): the loss costs
    /// nothing beyond the solution.
    pub(crate) fn solve_row(
        &self,
        solver: RowSolver,
        scratch: &mut AlsScratch,
        indices: &[u32],
        values: &[f32],
        out: &mut [f32],
    ) -> Result<RowErrors, SingularRow> {
        if indices.is_empty() {
            // Nothing is known: the zero vector, whatever the ridge.
            scratch.solution.fill(0.0);
            self.store(&scratch.solution, out);
            return Ok(RowErrors::default());
        }
        let constant = self.targets(scratch, indices, values);
        let ridge = self.row_regularization(indices.len());
        let error = match solver {
            RowSolver::Cg { steps } => {
                let AlsScratch { conjugate, targets, weights, implicit_sum, solution, .. } =
                    scratch;
                self.recall(out, solution);
                conjugate.take(self.source, indices, self.params.factors);
                let fixed =
                    FixedTerms { gram: &self.shared.gram, b: implicit_sum, ridge: ridge as f32 };
                constant + conjugate.improve(fixed, weights, targets, steps, solution)
            }
            RowSolver::Cholesky => match self.solve_in_single(scratch, indices, ridge) {
                Some(explained) => constant - explained,
                None => constant - self.solve_in_double(scratch, indices, ridge)?,
            },
        };
        self.store(&scratch.solution, out);
        let implicit = self.implicit_error(scratch, indices.len());
        Ok(RowErrors { fitted: error - implicit, implicit })
    }

    /// Returns w Σ_all (δ − x·z)² of the solution x, by Gram matrix and sum.
    fn implicit_error(&self, scratch: &AlsScratch, n_ratings: usize) -> f64 {
        if self.shared.implicit.is_none() {
            return 0.0;
        }
        let x = &scratch.solution[..self.params.factors];
        let rows = self.shared.gram.chunks_exact(scratch.normal.stride()).zip(x);
        let squares = rows.map(|(row, &x_i)| f64::from(x_i) * f64::from(dot(&row[..x.len()], x)));
        self.params.implicit_weight * n_ratings as f64
            - 2.0 * f64::from(dot(&scratch.implicit_sum, x))
            + squares.sum::<f64>()
    }

    /// Sets targets and weights of a row; returns c.
    fn targets(&self, scratch: &mut AlsScratch, indices: &[u32], values: &[f32]) -> f64 {
        let AlsScratch { targets, weights, implicit_sum, .. } = scratch;
        targets.clear();
        weights.clear();
        let mut implicit = 0.0;
        if let Some(factors) = &self.shared.implicit {
            implicit = self.params.implicit_weight * values.len() as f64;
            weights.resize(values.len(), self.params.implicit_weight as f32);
            implicit_sum.clear();
            implicit_sum.resize(factors.cols, 0.0);
            add_rows(factors, indices, weights, implicit_sum);
            weights.clear();
        }
        match (self.params.feedback, self.params.weighting) {
            (Feedback::Explicit, _) if self.params.biases => {
                let offsets = indices.iter().map(|&other| self.shared.offsets[other as usize]);
                targets.extend(values.iter().zip(offsets).map(|(value, offset)| value - offset));
            }
            (Feedback::Explicit, _) => targets.extend_from_slice(values),
            (Feedback::Implicit, ConfidenceWeighting::Uniform) => targets.resize(values.len(), 1.0),
            (
                Feedback::Implicit,
                ConfidenceWeighting::Hu { alpha } | ConfidenceWeighting::Spark { alpha },
            ) => {
                // The gram matrix holds the weight 1 of every cell.
                weights.extend(values.iter().map(|&value| alpha * value));
                targets.extend(weights.iter().map(|&extra| 1.0 + extra));
            }
        }
        let square = |target: &f32| f64::from(*target) * f64::from(*target);
        match self.params.feedback {
            Feedback::Explicit => implicit + targets.iter().map(square).sum::<f64>(),
            Feedback::Implicit => targets.iter().map(|&target| f64::from(target)).sum(),
        }
    }

    /// Returns x·b + ρ|x|², or nothing where the equations are too close to singular for single
    /// precision.
    fn solve_in_single(
        &self,
        scratch: &mut AlsScratch,
        indices: &[u32],
        ridge: f64,
    ) -> Option<f64> {
        /// Below this share of the number of ratings the bias is lost in what the vector explains.
        const SMALLEST_PIVOT: f64 = 1e-3;
        let AlsScratch { normal, targets, weights, implicit_sum, solution, .. } = scratch;
        if self.shared.gram.is_empty() {
            normal.reset();
        } else {
            normal.reset_to(&self.shared.gram);
        }
        normal.add(self.source, indices, weights, targets);
        normal.add_to_b(implicit_sum);
        let k = self.params.factors;
        let mut bias_share = 0.0;
        if self.params.biases {
            let n = indices.len() as f64;
            let target: f64 = targets.iter().map(|&target| f64::from(target)).sum();
            let border = normal.solve_bordered(ridge as f32, n + ridge, target).ok()?;
            if border.pivot < SMALLEST_PIVOT * n {
                return None;
            }
            solution[k] = border.value as f32;
            bias_share = border.value * (target + ridge * border.value);
        } else {
            normal.solve(ridge as f32).ok()?;
        }
        solution[..k].copy_from_slice(normal.x());
        let share = |(&x, &b): (&f32, &f32)| f64::from(x) * (f64::from(b) + ridge * f64::from(x));
        Some(bias_share + solution.iter().zip(normal.b()).map(share).sum::<f64>())
    }

    /// As [`Self::solve_in_single`], slowly, where single precision does not do.
    fn solve_in_double(
        &self,
        scratch: &mut AlsScratch,
        indices: &[u32],
        ridge: f64,
    ) -> Result<f64, SingularRow> {
        let unknowns = self.unknowns();
        let mut a = self.matrix_in_double(scratch, indices, ridge);
        let mut b = vec![0.0_f64; unknowns];
        for (&other, &target) in indices.iter().zip(&scratch.targets) {
            for (b, feature) in b.iter_mut().zip(self.features(other)) {
                *b += f64::from(target) * feature;
            }
        }
        for (b, &sum) in b.iter_mut().zip(&scratch.implicit_sum) {
            *b += f64::from(sum);
        }
        cholesky::factor(&mut a, unknowns).map_err(|_| SingularRow)?;
        let mut x = b.clone();
        cholesky::solve(&a, &mut x);
        for (solution, &x) in scratch.solution.iter_mut().zip(&x) {
            *solution = x as f32;
        }
        Ok(x.iter().zip(&b).map(|(x, b)| x * (b + ridge * x)).sum())
    }

    /// Returns a row of the other side with the 1 that a bias is multiplied with.
    fn features(&self, other: u32) -> impl Iterator<Item = f64> + '_ {
        let vector = &self.source.row(other as usize)[..self.params.factors];
        let vector = vector.iter().map(|&value| f64::from(value));
        vector.chain(self.params.biases.then_some(1.0))
    }

    /// Returns the upper triangle of a row's A, for the weights that are in `scratch`.
    fn matrix_in_double(&self, scratch: &AlsScratch, indices: &[u32], ridge: f64) -> Vec<f64> {
        let (unknowns, stride) = (self.unknowns(), scratch.normal.stride());
        let mut a = vec![0.0_f64; unknowns * unknowns];
        for (row, gram) in a.chunks_exact_mut(unknowns).zip(self.shared.gram.chunks_exact(stride)) {
            row.iter_mut().zip(gram).for_each(|(a, &gram)| *a = f64::from(gram));
        }
        for (at, &other) in indices.iter().enumerate() {
            let features: Vec<f64> = self.features(other).collect();
            let weight = scratch.weights.get(at).map_or(1.0, |&weight| f64::from(weight));
            for i in 0..unknowns {
                for j in i..unknowns {
                    a[i * unknowns + j] += weight * features[i] * features[j];
                }
            }
        }
        (0..unknowns).for_each(|i| a[i * unknowns + i] += ridge);
        a
    }

    /// Returns the contribution of each rating of a row to its inner product with each of some rows
    /// of the other side; `None` if the equations are singular.
    pub(crate) fn contributions(
        &self,
        indices: &[u32],
        values: &[f32],
        items: &[ItemIx],
    ) -> Option<Vec<Vec<f32>>> {
        if indices.is_empty() {
            return Some(vec![Vec::new(); items.len()]);
        }
        let mut scratch = self.scratch();
        self.targets(&mut scratch, indices, values);
        let ridge = self.row_regularization(indices.len());
        let equations = FoldInEquations {
            a: self.matrix_in_double(&scratch, indices, ridge),
            features: indices.iter().flat_map(|&other| self.features(other)).collect(),
            targets: scratch.targets.iter().map(|&target| f64::from(target)).collect(),
        };
        let items: Vec<Vec<f64>> =
            items.iter().map(|item| self.features(item.0).collect()).collect();
        let contributions = equations.contributions(&items)?.into_iter();
        Some(contributions.map(|(contributions, _)| contributions).collect())
    }

    /// Writes the unknowns that a stored row holds.
    fn recall(&self, row: &[f32], solution: &mut [f32]) {
        let k = self.params.factors;
        solution[..k].copy_from_slice(&row[..k]);
        if self.params.biases {
            solution[k] = match self.side {
                SolvedSide::Users => (f64::from(row[k]) - self.mean) as f32,
                SolvedSide::Items => row[k + 1],
            };
        }
    }

    fn store(&self, solution: &[f32], out: &mut [f32]) {
        let k = self.params.factors;
        out[..k].copy_from_slice(&solution[..k]);
        if self.params.biases {
            match self.side {
                SolvedSide::Users => {
                    out[k] = (f64::from(solution[k]) + self.mean) as f32;
                    out[k + 1] = 1.0;
                }
                SolvedSide::Items => {
                    out[k] = 1.0;
                    out[k + 1] = solution[k];
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
            (true, SolvedSide::Users) => f64::from(row[k]) - self.mean,
            (true, SolvedSide::Items) => f64::from(row[k + 1]),
        };
        vector + square(bias)
    }
}
